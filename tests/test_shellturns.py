"""Turns of shells with our hooks: one inside the other, hidden lines, what is drawn at the prompt."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_hooks import NONCE, Shell, body, played
from traces import background, events, moment, raw, whole

from recorder import turns
from recorder.keys import Scanner
from recorder.marks import encode_private
from recorder.model import Draft, Event, Kind, Span, State
from recorder.shellturns import FLUSHED

SECRET = b"s3cret-marker"
EOL_MARK = b"\x1b[1m\x1b[7m%\x1b[27m\x1b[1m\x1b[0m" + b" " * 79 + b"\r \r"


class Typed(Shell):
    """A shell that edits as readline does, and a person who types."""

    def keys(self, data):
        self.now += 1
        self.items += self.capture.typed(moment(self.now), Scanner(None).scan(data))

    def rest(self):
        self.now += 100
        self.items += self.capture.settled(moment(self.now), reading=True, line=False)

    def ask(self, prompt=b"$ ", *flags):
        """Draw a prompt and come to rest."""
        self("prompt", "/home", *flags)
        self(b"\x1b[?2004h" + prompt)
        self.rest()

    def edit(self, line):
        """Type a line, which is drawn; Enter."""
        for key in line:
            self.keys(bytes([key]))
            self(bytes([key]))
        self.keys(b"\r")
        self(b"\r\n\x1b[?2004l\r")

    def command(self, line, printed=b"", status=0, *flags, text=None):
        self.ask()
        self.edit(line)
        self("start", text or line.decode(), "/home", *flags)
        self(printed)
        self("end", str(status))


def rows(items):
    """The turn rows that the events make, outputs as if they had been rendered."""
    found = []
    for seq, item in enumerate(events(items), 1):
        if isinstance(item, Span):
            meta = {"raw": [item.raw_start, item.raw_end], **item.meta}
            found.append(Event("s", seq, Kind.OUTPUT, item.at, "", item.turn, None, meta))
        else:
            found.append(Event("s", seq, item.kind, item.at, item.text, item.turn, None, item.meta))
    return turns.fold_all(found)


def texts(items, turn):
    return b"".join(item.data for item in items if isinstance(item, Span) and item.turn == turn)


# --- shells within shells ------------------------------------------------------------------------


def test_a_shell_within_a_shell_has_its_turns_inside_the_outer_one():
    shell = Shell()
    shell("prompt")
    shell("start", "bash", "/a")
    shell(b"hello from the rc file\r\n")
    shell.pid = 77
    shell.line("inner", b"1\r\n", status=3)
    shell("prompt")
    shell(b"$ exit\r\n")
    shell("start", "exit", "/b")
    shell(b"exit\r\n")
    shell.pid = 42
    shell(b"bye\r\n")
    shell("end", "5")
    shell.line("after", b"2\r\n")
    found = rows(shell.end())
    shown = {
        n: (row.command, row.shell, row.parent_turn, str(row.end), row.exit_status)
        for n, row in found.items()
    }
    assert shown == {
        1: ("bash", "42", None, "done", 5),
        2: ("inner", "77", 1, "done", 3),
        3: ("exit", "77", 1, "unknown", None),
        4: ("after", "42", None, "done", 0),
    }
    assert texts(shell.items, 1) == b"hello from the rc file\r\n"
    assert texts(shell.items, 2) == b"1\r\n"
    assert texts(shell.items, 3) == b"exit\r\nbye\r\n"
    assert found[1].raw_start < found[2].raw_start < found[2].raw_end <= found[1].raw_end
    assert background(shell.items) == b""


def test_the_outer_shell_prints_on_when_the_inner_one_is_gone():
    """It was left by Ctrl-D at its prompt."""
    shell = Shell()
    shell("start", "bash; echo after")
    shell.pid = 77
    shell.line("inner", b"1\r\n")
    shell("prompt")
    shell(b"$ exit\r\n")
    assert shell.capture.shell == 77
    shell.items += shell.capture.shell_gone(moment(90), 77)
    assert shell.capture.shell == 42
    shell(b"after\r\n")
    shell.pid = 42
    shell("end", "0")
    assert texts(shell.items, 1) == b"after\r\n"
    assert rows(shell.items)[1].exit_status == 0


def test_a_shell_that_becomes_another_ends_the_line_that_did_it():
    shell = Shell()
    shell("prompt")
    shell("start", "exec zsh")
    shell("prompt")
    assert shell.capture.turn is None
    shell.line("next", b"1\r\n")
    found = rows(shell.end())
    assert [(row.command, str(row.end), row.parent_turn) for row in found.values()] == [
        ("exec zsh", "unknown", None),
        ("next", "done", None),
    ]


def test_an_end_of_a_shell_that_runs_nothing_ends_nothing():
    shell = Shell()
    shell("start", "bash")
    shell.pid = 77
    assert shell("end", "0") == []
    shell.pid = 42
    assert shell.capture.turn == 1


def test_without_any_shell_left_turns_are_inferred_again():
    """A shell without our hooks has started one with them."""
    shell = Typed()
    shell(b"\x1b[?2004h# ")
    shell.rest()
    shell.edit(b"bash")
    outer = shell.capture.turn
    assert outer == 1
    shell.pid = 77
    shell.line("inner", b"1\r\n")
    shell("prompt")
    shell(b"$ exit\r\n")
    shell.items += shell.capture.shell_gone(moment(90), 77)
    shell(b"\x1b[?2004h# ")
    shell.rest()
    shell.edit(b"ls")
    shell(b"file\r\n")
    shell(b"\x1b[?2004h# ")
    shell.rest()
    found = rows(shell.end())
    shown = [(row.command, row.parent_turn, str(row.end)) for row in found.values()]
    assert shown == [("bash", None, "done"), ("inner", 1, "done"), ("ls", None, "done")]
    assert texts(shell.items, 3).strip() == b"file"


@pytest.mark.parametrize("status", [147, 148, 149, 150])
def test_a_job_that_was_stopped_is_not_done(status):
    shell = Shell()
    shell.line("vi", b"", status=status)
    assert str(rows(shell.items)[1].end) == "stopped"
    shell.line("vi", b"", status=146)
    assert str(rows(shell.items)[2].end) == "done"


def test_a_shell_at_its_prompt_is_idle_also_inside_another():
    shell = Shell()
    shell("prompt")
    assert shell.capture.running is None
    shell("start", "bash")
    assert shell.capture.running == 1
    assert shell.capture.activity().state is State.RUNNING
    shell.pid = 77
    shell("prompt")
    assert shell.capture.running is None
    activity = shell.capture.activity()
    assert (activity.state, activity.turn, activity.since_ms) == (State.IDLE, None, moment(3).wall_ms)
    shell("start", "make")
    assert shell.capture.activity().turn == 2


# --- lines that the history did not take ---------------------------------------------------------


def test_a_duplicate_that_the_history_left_out_is_recorded():
    shell = Typed()
    shell.command(b"echo one", b"one\r\n")
    shell.command(b"echo one", b"one\r\n", 0, "stale")
    assert [row.command for row in rows(shell.items).values()] == ["echo one", "echo one"]


def test_of_lines_pasted_together_the_hidden_one_is_not_kept_with_the_others():
    """Bash runs them one by one, after all of them were drawn at one prompt."""
    shell = Typed()
    shell.ask()
    paste = b"echo one\r\n echo " + SECRET + b"\r\necho two"
    shell.keys(b"\x1b[200~" + paste.replace(b"\r\n", b"\n") + b"\x1b[201~")
    shell(paste)
    shell.keys(b"\r")
    shell(b"\r\n\x1b[?2004l\r")
    for command, flags, printed in (
        ("echo one", (), b"one"),
        ("echo one", ("stale",), SECRET),
        ("echo two", (), b"two"),
    ):
        shell("start", command, "/home", *flags)
        shell(printed + b"\r\n")
    shell("end", "0")
    shell.end()
    assert SECRET not in whole(shell.items)
    assert [row.command for row in rows(shell.items).values()] == ["echo one", "echo two"]
    assert texts(shell.items, 2) == b"two\r\n"


@pytest.mark.parametrize("named", ["for i in 1 2; do echo $i; done", "for i in 1 2\ndo echo $i\ndone"])
def test_a_pasted_loop_is_kept_as_it_was_drawn(named):
    shell = Typed()
    shell.ask()
    drawn = b"for i in 1 2\r\ndo echo $i\r\ndone"
    shell.keys(b"\x1b[200~" + drawn.replace(b"\r\n", b"\n") + b"\x1b[201~")
    shell(drawn)
    shell.keys(b"\r")
    shell(b"\r\n\x1b[?2004l\r")
    shell("start", named, "/home")
    assert drawn in raw(shell.items)


@pytest.mark.parametrize("line", [b" echo " + SECRET, b" echo one", b"echo " + SECRET])
def test_a_line_that_the_history_left_out_otherwise_is_hidden(line):
    shell = Typed()
    shell.command(b"echo one", b"one\r\n")
    shell.command(line, b"out " + SECRET + b"\r\n", 0, "stale", text="echo one")
    shell.command(b"echo two", b"two\r\n")
    shell.end()
    assert [row.command for row in rows(shell.items).values()] == ["echo one", "echo two"]
    assert SECRET not in whole(shell.items)
    assert raw(shell.items).count(b"one\r\n") == 2  # of the first line, and what it printed


def test_a_line_of_which_nothing_was_seen_is_hidden():
    shell = Shell()
    shell("prompt")
    shell("start", "echo one", "/home", "stale")
    shell(SECRET)
    shell("end", "0")
    assert SECRET not in whole(shell.end())
    assert not rows(shell.items)


def test_a_private_prompt_keeps_nothing_whatever_becomes_of_it():
    shell = Typed()
    for _ in range(2):
        shell.ask(b"$ ", "private")
        shell.edit(SECRET)
        shell("start", SECRET.decode())
        shell(SECRET)
        shell("end", "0")
    shell.ask(b"$ ", "private")
    shell(SECRET + b"^C\r\n")
    shell.command(b"echo two", b"two\r\n")
    shell.ask(b"$ ", "private")
    shell(SECRET)
    assert SECRET not in whole(shell.end())
    assert [row.command for row in rows(shell.items).values()] == ["echo two"]


def test_what_a_hidden_line_starts_is_hidden_with_it():
    shell = Shell()
    shell.line("before", b"1\r\n")
    shell("prompt")
    shell("hide")
    shell.pid = 77
    shell.line(SECRET.decode(), SECRET)
    shell("prompt")
    shell(SECRET)
    shell.pid = 42
    shell("end", "0")
    shell.line("after", b"2\r\n")
    assert SECRET not in whole(shell.end())
    assert [row.command for row in rows(shell.items).values()] == ["before", "after"]


def test_the_users_patterns_hide_a_line():
    def ignored(command, cwd):
        return "TOKEN" in command or cwd == "/vault"

    shell = Shell(ignored=ignored)
    shell.line("export TOKEN=" + SECRET.decode(), SECRET)
    shell("prompt")
    shell(SECRET)
    shell("start", "ls", "/vault")
    shell(SECRET)
    shell("end", "0")
    shell.line("ls", b"file\r\n")
    assert SECRET not in whole(shell.end())
    assert [row.command for row in rows(shell.items).values()] == ["ls"]


# --- what is drawn at the prompt -----------------------------------------------------------------


def test_the_prompts_text_is_read_off_the_screen():
    shell = Typed()
    shell.ask(b"first row\r\n\x1b[32mme@host\x1b[0m:~$ ")
    shell.edit(b"ls")
    shell("start", "ls", "/home")
    shell("end", "0")
    (prompt,) = [item for item in shell.items if isinstance(item, Draft) and item.kind is Kind.PROMPT]
    assert prompt.meta["prompt_text"] == "first row\nme@host:~$ "
    assert background(shell.items) == b""


def test_what_others_print_at_the_prompt_is_background_output():
    shell = Typed()
    shell.command(b"(sleep 1; echo bg) &", b"[1] 99\r\n")
    shell.ask()
    shell(b"bg\r\n")
    shell.rest()
    shell.edit(b"ls")
    shell("start", "ls", "/home")
    shell(b"file\r\n")
    shell("end", "0")
    shell.end()
    assert background(shell.items) == b"bg\r\n"
    assert texts(shell.items, 2) == b"file\r\n"


def test_zsh_draws_its_line_again_below_what_others_have_printed():
    shell = Typed()
    shell.command(b"(sleep 1; echo bg) &", b"[1] 99\r\n")
    shell.ask()
    news = b"bg\r\n\r\r\n[1]  + done       ( sleep 1; echo bg )\r\n"
    shell(news + b"\x1b[0m\x1b[27m\x1b[24m\x1b[J$ \x1b[K")
    shell.rest()
    shell.edit(b"ls")
    shell("start", "ls", "/home", "stale")
    shell("end", "0")
    shell.end()
    assert background(shell.items) == news
    assert [row.command for row in rows(shell.items).values()][1:] == ["ls"]  # it was read off the new row


def test_a_prompt_that_nobody_has_typed_behind_is_given_out():
    shell = Typed()
    shell.ask()
    assert raw(shell.items) == b"\x1b[?2004h$ "
    shell.keys(b"l")
    shell(b"l")
    shell.rest()
    assert raw(shell.items) == b"\x1b[?2004h$ "
    shell.edit(b"s")
    shell("start", "ls", "/home")
    assert raw(shell.items) == b"\x1b[?2004h$ ls\r\n\x1b[?2004l\r"


def test_keys_typed_ahead_hold_the_prompt():
    """They may be drawn with it."""
    shell = Typed()
    shell("prompt")
    shell("start", "cat")
    shell.keys(b" x " + SECRET)
    shell("end", "0")
    shell("prompt", "/home")
    shell(b"\x1b[?2004h$ x " + SECRET)
    shell.rest()
    shell("hide")
    assert SECRET not in whole(shell.end())


@pytest.mark.parametrize("keys", [b"\r echo " + SECRET, b"ls\r echo " + SECRET + b"\r", b"ls\r", b"vi\x03\r"])
def test_lines_typed_ahead_of_each_other_hold_the_next_prompt(keys):
    """The second line comes with the first: nobody types at the second prompt, and it shows the line."""
    shell = Typed()
    shell.ask()
    shell.keys(keys)
    shell("start", "ls", "/home")
    shell("end", "0")
    shell("prompt", "/home")
    begun = len(raw(shell.items))
    shell(b"\x1b[?2004h$ ")
    if SECRET in keys:
        shell(b" echo " + SECRET)
    shell.rest()
    assert (len(raw(shell.items)) == begun) is (SECRET in keys)
    shell("hide")
    assert SECRET not in whole(shell.end())


def test_an_empty_line_and_an_abandoned_one_do_not_hold_the_next_prompt():
    shell = Typed()
    for keys in (b"\r", b"abc\x03", b"\r"):
        shell.ask()
        shell.keys(keys)
        shell(b"\r\n")
    begun = len(raw(shell.items))
    shell.ask()
    assert len(raw(shell.items)) > begun + len(b"\r\n")


def test_the_mark_that_zsh_leaves_at_the_end_of_output_is_none_of_it():
    shell = Shell()
    shell.line("printf foo", b"foo" + EOL_MARK)
    shell.line("echo foo", b"foo\r\n" + EOL_MARK)
    shell(EOL_MARK)
    shell("prompt")
    shell.end()
    assert texts(shell.items, 1) == b"foo"
    assert texts(shell.items, 2) == b"foo\r\n"
    assert background(shell.items) == b""
    assert raw(shell.items).count(EOL_MARK) == 3


def test_blanks_of_the_programs_own_are_output():
    shell = Shell()
    shell.line("x", b" " * 20 + b"\r\n" + b" " * 20)
    assert texts(shell.items, 1) == b" " * 20 + b"\r\n" + b" " * 20


# --- programs that read lines --------------------------------------------------------------------


def test_a_line_for_a_program_makes_no_turn_of_its_own():
    shell = Shell()
    shell("prompt")
    shell("start", "./install", "/home")
    shell(b"really? ")
    items = shell.capture.submitted(moment(9), "yes", "really? ")
    (told,) = events(items)
    assert (told.kind, told.text, told.turn) == (Kind.PROMPT, "yes", 1)
    assert told.meta == {"prompt_text": "really? ", "source": "input"}
    shell.items += items
    shell(b"yes\r\ninstalling\r\n")
    shell("end", "0")
    row = rows(shell.items)[1]
    assert (row.command, row.exit_status) == ("./install", 0)
    assert texts(shell.items, 1) == b"really? yes\r\ninstalling\r\n"


def test_a_line_for_a_program_that_turns_out_to_have_fed_a_hidden_read_is_dropped():
    shell = Shell()
    shell("start", "./install")
    shell.items += shell.capture.submitted(moment(9), SECRET.decode(), "", hold=True)
    shell.items += shell.capture.hidden(moment(10), "Password: ")
    shell(b"ok\r\n")
    shell("end", "0")
    assert SECRET not in whole(shell.end())
    assert texts(shell.items, 1) == b"ok\r\n"
    assert str(rows(shell.items)[1].end) == "done"


def test_nothing_is_kept_of_a_line_for_a_program_that_a_hidden_line_runs():
    shell = Shell()
    shell("prompt")
    shell("hide")
    assert shell.capture.submitted(moment(9), SECRET.decode(), "? ") == []
    assert shell.capture.hidden(moment(9), SECRET.decode()) == []


def test_a_shell_that_leaves_the_edit_to_us():
    shell = Shell()
    shell("prompt")
    shell(b"$ ")
    assert shell.capture.submitted(moment(9), "echo one", "$ ") == []
    shell(b"echo one\r\n")
    shell("start", "echo one", "/home", "stale")
    shell("end", "0")
    (row,) = rows(shell.items).values()
    assert (row.command, row.prompt_text) == ("echo one", "$ ")


# --- pause ---------------------------------------------------------------------------------------


def test_recording_goes_on_at_a_prompt_with_its_line_held_back():
    shell = Typed()
    shell.ask()
    shell.items += shell.capture.pause(moment(500))
    shell(SECRET)
    shell.items += shell.capture.unpause(moment(501))
    shell.edit(b" export x=" + SECRET)
    shell("hide")
    shell(SECRET)
    shell("end", "0")
    shell.command(b"echo two", b"two\r\n")
    assert SECRET not in whole(shell.end())
    assert [row.command for row in rows(shell.items).values()] == ["echo two"]


# --- any cut -------------------------------------------------------------------------------------

STEPS = ["line", "hide", "stale", "abort", "nest", "leave", "eol", "private", "notify", "full"]


PRINTED = {
    "line": b"out\r\n",
    "stale": b"out\r\n",
    "eol": b"x" + EOL_MARK,
    "notify": b"a\x1b]9;hi\x07b",
    "full": b"a\x1b[?1049hF\x1b[?1049lb",
}


def conversation(script):
    """What shells with our hooks print; shells within shells have the next pids."""
    stream, counter, pids = b"", 0, [42]

    def mark(verb, *args):
        nonlocal counter
        counter += 1
        return encode_private(NONCE, pids[-1], counter, verb, *args)

    for n, step in enumerate(script):
        prompt = mark("prompt", "/", *(["private"] if step == "private" else []))
        drawn = prompt + b"\x1b[?2004h$ cmd%d\r\n\x1b[?2004l\r" % n
        if step in PRINTED:
            flags = ("stale",) if step == "stale" else ()
            stream += drawn + mark("start", f"cmd{n}", "/", *flags) + PRINTED[step] + mark("end", "0")
        elif step in {"hide", "private"}:
            stream += drawn + mark("hide") + SECRET + mark("end", "0")
        elif step == "abort":
            stream += drawn
        elif step == "nest":
            stream += drawn + mark("start", "bash", "/")
            pids.append(pids[-1] + 1)
        elif len(pids) > 1:
            pids.pop()
            stream += b"exit\r\n" + mark("end", "1")
    return stream


@given(st.lists(st.sampled_from(STEPS), max_size=10), st.lists(st.integers(0, 900), max_size=6))
def test_shells_give_the_same_events_however_their_output_is_cut(script, cuts):
    stream = conversation(script)

    whole_run = played([stream])
    assert SECRET not in whole(whole_run)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for parts in ([stream[a:b] for a, b in pairwise(edges)], [stream[n : n + 1] for n in range(len(stream))]):
        assert events(played(parts)) == events(whole_run)
        assert raw(played(parts)) == raw(whole_run)


def test_the_mark_helper_is_what_a_shell_sends():
    assert (
        body("start", "a;b%", "/x y", counter=7) == b"7373;" + NONCE.encode() + b";42;7;start;a%3Bb%25;/x%20y"
    )


# --- what could tell of a hidden line ------------------------------------------------------------


def kept(items):
    return raw(items) + repr(items).encode()


def test_what_others_print_before_the_prompt_does_not_name_a_hidden_line():
    """VTE's script notifies of the command that has ended, and titles name it."""
    shell = Typed()
    shell.ask()
    shell.edit(SECRET)
    shell("hide")
    shell("end", "0")
    shell(b"\x1b]777;notify;Command completed;" + SECRET + b"\x07")
    shell.command(b"ls", b"out\r\n")
    assert SECRET not in kept(shell.items)
    assert [turn.command for turn in rows(shell.items).values()] == ["ls"]


@pytest.mark.parametrize("flags", [(), ("private",)])
def test_a_notification_at_the_prompt_is_hidden_with_its_line(flags):
    shell = Typed()
    shell.ask(b"$ ", *flags)
    shell.keys(b" x")
    shell(b"\x1b]9;" + SECRET + b"\x07")
    shell.keys(b"\r")
    shell("hide")
    shell("end", "0")
    shell.ask()
    assert SECRET not in kept(shell.items)


def test_a_notification_at_a_prompt_is_told():
    shell = Typed()
    shell.ask()
    shell.keys(b"x")
    shell(b"\x1b]9;done\x07")
    shell("start", "x", "/home")
    assert [item.text for item in events(shell.items) if item.kind is Kind.ALERT] == ["done"]


@pytest.mark.parametrize("leaves", ["pause", "hangup", "fault"])
def test_a_line_that_is_only_begun_is_not_kept(leaves):
    """Nobody knows yet whether it will be one to hide."""
    shell = Typed()
    shell.ask()
    for key in b" " + SECRET:
        shell.keys(bytes([key]))
        shell(bytes([key]))
    if leaves == "pause":
        shell.items += shell.capture.pause(moment(shell.now))
        shell.items += shell.capture.unpause(moment(shell.now))
    else:
        status = 0 if leaves == "hangup" else None
        now = moment(shell.now)
        shell.items += shell.capture.ended(now, status=status, signal=None, hangup=leaves == "hangup")
    assert SECRET not in kept(shell.items)
    assert b"$ " in raw(shell.items)


@pytest.mark.parametrize("ends", ["interrupt", "gone", "hidden mistake", "full"])
def test_a_line_that_was_left_is_not_kept(ends):
    """Nobody says whether it was one to hide; a password typed at the wrong prompt is left by Ctrl-C."""
    shell = Typed()
    shell.ask()
    for key in b" " + SECRET:
        shell.keys(bytes([key]))
        shell(bytes([key]))
    if ends == "interrupt":
        shell.keys(b"\x03")
        shell(b"^C\r\n")
    elif ends == "hidden mistake":
        shell.keys(b"\r")
        shell(b"\r\nbash: syntax error near `" + SECRET + b"'\r\n")
    elif ends == "gone":
        shell.items += shell.capture.shell_gone(moment(shell.now), shell.pid)
    while ends == "full" and not any(isinstance(item, Draft) for item in shell.items):
        shell(b"y\r\n" * 65_536)
    if ends != "gone":
        shell.command(b"ls", b"out\r\n")
        assert [turn.command for turn in rows(shell.items).values()] == ["ls"]
    assert SECRET not in kept(shell.items)
    assert b"$ " in raw(shell.items)
    told = [item.text for item in shell.items if isinstance(item, Draft) and item.kind is Kind.ALERT]
    assert len(told) == (ends == "full")
    assert all(text.startswith("gap: ") for text in told)


def test_a_mistake_that_hides_nothing_is_kept():
    """Bash runs nothing, and says what is wrong; an empty line and Ctrl-D are no secrets either."""
    shell = Typed()
    shell.ask()
    shell.keys(b"\r")
    shell(b"\r\n")
    shell.ask()
    shell.edit(b"for x in ;")
    shell(b"bash: syntax error near `;'\r\n")
    shell.ask()
    shell.keys(b"\x04")
    shell(b"exit\r\n")
    kept_raw = raw(shell.end())
    assert kept_raw.count(b"$ ") == 3
    assert b"for x in ;" in kept_raw
    assert b"syntax error" in kept_raw
    assert kept_raw.endswith(b"exit\r\n")


def test_a_start_that_was_flushed_out_of_the_terminal_is_a_gap():
    """Tmux flushes what nobody has read yet: here the mark and the end of the line."""
    shell = Typed()
    shell.command(b"ls", b"out\r\n")
    shell.ask()
    shell.keys(b"tmux\r")
    shell(b"\x1b[?1049hframes\x1b[?1049l[exited]\r\n")
    shell("end", "0")
    shell.command(b"ls", b"out\r\n")
    told = [item.text for item in shell.items if isinstance(item, Draft) and item.kind is Kind.ALERT]
    assert told == [FLUSHED]
    assert [turn.command for turn in rows(shell.items).values()] == ["ls", "ls"]


def test_an_end_behind_a_shell_inside_that_was_at_its_prompt_is_no_gap():
    shell = Shell()
    shell("start", "bash")
    shell.pid = 77
    shell("prompt")
    shell(b"$ exit\r\n")
    shell.pid = 42
    shell("end", "0")
    assert not [item for item in shell.items if isinstance(item, Draft) and item.kind is Kind.ALERT]
