"""Whatever ends a recording, the terminal is as it was, nobody is left behind, and the store says why."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import blackbox
import pytest
from blackbox import SYSTEM_PYTHON, TRICK, all_raw, events, log, ls, wait_for
from conversation import texts
from processes import REC, children, in_shell, state, tool_of

BASH = ["bash", "--norc", "--noprofile", "-i"]
ENDING = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT]
HARMLESS = [signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGWINCH]
PUT_BACK = "rec: the tool left terminal modes on; they were put back"
RESCUED = "rec: a recorder was killed on this terminal; its modes were put back"
# What `litter` of the trick program leaves on: alternate screen, paste, mouse and hidden cursor.
LITTER = {1049, 2004, 1000, 1006}


def names(numbers) -> list[str]:
    return [number.name for number in numbers]


def alone(term) -> bool:
    return wait_for(lambda: not term.survivors(), what=f"nobody left behind: {term.survivors()}") or True


# --- signals to the recorder ---------------------------------------------------------------------


@pytest.mark.parametrize("number", ENDING, ids=names(ENDING))
def test_a_signal_ends_an_idle_shell_and_us(root, start_rec, number):
    """An interactive shell ignores SIGTERM: who only passes it on waits for ever."""
    term = start_rec(["run", "--", *BASH])
    term.expect("$ ")
    term.line("echo said")
    term.expect("$ ", count=2)
    term.kill(number)
    assert term.wait() == 128 + number
    assert term.returncode == 128 + number  # we leave, we are not killed
    assert alone(term)
    assert term.modes() == term.before
    assert not term.nonblocking
    (session,) = ls(root)
    reason = "hangup" if number == signal.SIGHUP else "signal"
    assert (session["status"], session["end_reason"]) == ("ended", reason)
    assert session["exit_status"] == 128 + number
    assert [row["command"] for row in log(root)] == ["echo said"]


@pytest.mark.parametrize("number", ENDING, ids=names(ENDING))
def test_a_signal_ends_a_tool_that_ignores_them_all(root, start_rec, number):
    script = "trap '' HUP TERM INT QUIT; echo up; while :; do sleep 1000; done"
    term = start_rec(["run", "--", "bash", "-c", script])
    term.expect("up")
    term.kill(number)
    assert term.wait() == 128 + number
    assert alone(term)
    assert term.modes() == term.before
    assert ls(root)[0]["status"] == "ended"


def test_what_a_tool_says_on_its_way_out_is_shown_and_recorded(root, start_rec):
    script = "trap 'echo saved; exit 7' HUP; echo up; while :; do sleep 0.1; done"
    term = start_rec(["run", "--", "sh", "-c", script])
    term.expect("up")
    term.kill(signal.SIGTERM)
    assert term.wait() == 143  # the reason is ours, whatever the tool made of it
    assert b"saved" in term.raw
    assert all_raw(root) == bytes(term.raw)


@pytest.mark.parametrize("tool", [BASH, ["sleep", "1000"], ["vim", "-u", "NONE", "-N"]], ids=lambda t: t[0])
def test_closing_the_terminal_ends_everything(root, start_rec, tool):
    blackbox.need(tool[0])
    term = start_rec(["run", "--label", "closed", "--", *tool])
    if tool[0] == "sleep":
        wait_for(lambda: state(tool_of(term)) == "S")
    else:
        term.expect("$ " if tool[0] == "bash" else "~")
    term.close_terminal()
    assert term.wait() == 128 + signal.SIGHUP
    assert alone(term)
    (session,) = ls(root)
    assert (session["status"], session["end_reason"]) == ("ended", "hangup")
    assert session["labels"] == ["closed"]
    assert events(root)[-1]["text"] == "terminal closed"


def test_closing_the_terminal_while_a_line_is_edited(root, start_rec):
    term = start_rec(["run", "--", "cat"])
    term.expect("/help")
    term.send("half a line")
    term.expect("half a line")
    term.close_terminal()
    assert term.wait() == 128 + signal.SIGHUP
    assert alone(term)
    assert ls(root)[0]["end_reason"] == "hangup"


def test_a_storm_of_harmless_signals_changes_nothing(root, start_rec, rng, rounds):
    term = start_rec(["run", "--", SYSTEM_PYTHON, str(TRICK), "prompts", "2"])
    term.expect("/help")
    for _ in range(rounds(200, 2000)):
        term.kill(rng.choice(HARMLESS))
    term.line("one")
    term.expect("got 'one'")
    for _ in range(rounds(200, 2000)):
        term.kill(rng.choice(HARMLESS))
    term.expect("/help")
    term.line("two")
    assert term.wait() == 0
    assert term.modes() == term.before
    assert [row["command"] for row in log(root)] == ["one", "two"]
    assert texts(root, "resize") == []


@pytest.mark.parametrize("tool", ["cat", "bash --norc --noprofile -i"])
def test_a_stop_from_outside_gives_the_terminal_back_until_we_go_on(root, start, tool):
    term = in_shell(start, root)
    before = term.modes()
    term.line(f"PS1='in''ner> ' {REC} run -- {tool}; echo left $?")
    term.expect("/help" if tool == "cat" else "inner> ")
    recorder = wait_for(lambda: children(term.pid))[0]
    os.kill(recorder, signal.SIGTSTP)
    term.expect("Stopped")
    term.expect("outer> ", count=2)
    wait_for(lambda: term.modes() == before, what="readline's modes")
    assert not term.private_modes & LITTER - {2004}  # bracketed paste is the shell's own
    term.line("echo between")
    term.expect(re.compile("^between$", re.MULTILINE))
    term.line("fg")
    wait_for(lambda: state(recorder) != "T")
    wait_for(lambda: not term.modes().canonical and not term.modes().echo, what="our modes")
    term.line("after" if tool == "cat" else "echo af''ter")
    term.expect(re.compile("^after$" if tool == "cat" else "^after\ninner> ", re.MULTILINE))
    term.send("\x04")
    term.expect("outer> ", count=4)
    wait_for(lambda: term.modes() == before, what="readline's modes")
    term.line("exit")
    term.wait()
    assert b"between" not in all_raw(root)
    assert [row["command"] for row in log(root)] == ["after" if tool == "cat" else "echo af''ter"]


def test_ctrl_z_at_a_tool_without_job_control(root, start):
    """The tool stops and so do we, as any program would: the shell above goes on."""
    term = in_shell(start, root)
    before = term.modes()
    term.line(f"{REC} run -- cat; echo left $?")
    term.expect("/help")
    term.send("\x1a")
    term.expect("Stopped")
    term.expect("outer> ", count=2)
    wait_for(lambda: term.modes() == before, what="readline's modes")
    term.line("fg")
    wait_for(lambda: "/help" in term.text().rpartition("fg")[2], what="the editor again")
    term.line("again")
    term.expect(re.compile("^again$", re.MULTILINE))
    term.send("\x04")
    wait_for(lambda: term.modes() == before, what="readline's modes")
    term.line("exit")
    term.wait()
    assert [row["command"] for row in log(root)] == ["again"]


def test_signals_at_any_moment_of_the_start_leave_the_terminal_as_it_was(root, start_rec, rng, rounds):
    for number in range(rounds(25, 200)):
        sig = rng.choice(ENDING)
        delay = rng.random() * rng.choice((0.05, 0.3, 1.0))
        term = start_rec(["run", "--", *BASH], root=root.parent / f"root{number}")
        time.sleep(delay)  # the offset is what is tried
        term.kill(sig)
        status = term.wait()
        said = f"{sig.name} after {delay:.4f} s: {status}\n{term.dump()}"
        # Before `main` runs, an interrupt is Python's own, and so are its trace and status.
        too_early = sig == signal.SIGINT and b"KeyboardInterrupt" in term.raw
        assert status == 128 + sig or too_early, said
        uncoloured = re.sub(rb"\x1b\[[0-9;]*m", b"", bytes(term.raw))
        ours = [line for line in uncoloured.splitlines() if b"/recorder/" in line]
        assert all(b"/recorder/__main__.py" in line and b"in <module>" in line for line in ours), said
        assert term.modes() == term.before, said
        assert not term.private_modes, said
        assert alone(term)
        assert all(one["status"] == "ended" for one in ls(term.root)), said
        term.close()


# --- what is left when nobody could clean up -----------------------------------------------------


def test_modes_that_a_killed_tool_left_on_are_put_back_and_that_is_said_once(start_rec):
    term = start_rec(["run", "--", SYSTEM_PYTHON, str(TRICK), "litter"])
    assert term.wait() == 137
    assert term.modes() == term.before
    assert term.private_modes == {7, 25} & term.private_modes  # on by default
    assert not term.alternate
    undone = bytes(term.raw).partition(b"lost")[2]
    for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[?1000l", b"\x1b[?1006l", b"\x1b>"):
        assert sequence in undone
    assert term.text().splitlines() == [PUT_BACK]


def test_a_tidy_tool_is_told_nothing(start_rec):
    blackbox.need("vim")
    term = start_rec(["run", "--", "vim", "-u", "NONE", "-N"], answer=True)
    term.expect("~")
    term.send(":q\r")
    assert term.wait() == 0
    assert b"rec:" not in term.raw
    assert term.modes() == term.before


@pytest.mark.parametrize(
    "command",
    ["ls", "log", "replay @1", "doctor --fix", "run -- true"],
    ids=lambda words: words.split()[0],
)
def test_the_next_rec_resets_a_terminal_that_a_killed_one_left_raw(root, start, command):
    script = f"""
        {REC} run -- {SYSTEM_PYTHON} {TRICK} full
        stty -a; {REC} {command} >/dev/null; echo; echo reset; read line; echo "got $line"
        {REC} ls >/dev/null
    """
    term = start(["sh", "-c", script], root=root)
    term.expect("keys:")
    term.send("k")
    term.expect("b'k'")
    assert term.alternate
    wait_for(lambda: ls(root), what="the session in the store")
    os.kill(children(term.pid)[0], signal.SIGKILL)
    term.expect("reset")
    assert re.search(rb"-icanon\b", term.raw)  # it was raw in between
    wait_for(lambda: term.modes() == term.before, what="the modes")
    assert not term.alternate
    term.line("typed")
    term.expect("got typed")
    assert term.wait() == 0
    # doctor tells it in its list
    assert bytes(term.raw).count(RESCUED.encode()) == (0 if command == "doctor --fix" else 1)


def test_the_shell_after_a_killed_recorder(root, start):
    """As it happens: `rec` dies, the shell goes on, and the next `rec` puts right what is left."""
    term = in_shell(start, root)
    term.line(f"{REC} run --label dead -- {SYSTEM_PYTHON} {TRICK} full")
    term.expect("keys:")
    wait_for(lambda: ls(root), what="the session in the store")
    os.kill(children(term.pid)[0], signal.SIGKILL)
    term.expect("Killed")
    term.line(f"{REC} replay dead | head -n 1")
    term.expect(re.compile("[0-9]+ prior events?, most recent|no prior events"))
    assert not term.alternate
    assert not term.private_modes & {1000, 1049}
    assert ls(root)[0]["status"] == "interrupted"
    term.line("exit")
    term.wait()


class Tmux:
    """A real tmux with one shell in it, as its own client sees it."""

    def __init__(self, start, root, socket):
        blackbox.need("tmux")
        self._words = ["tmux", "-f", "/dev/null", "-S", str(socket)]
        self._term = start(
            [*self._words, "new-session", "exec bash --norc --noprofile"], root=root, env={"PS1": "$ "}
        )
        self._term.expect("$ ")

    def __call__(self, *words):
        done = subprocess.run([*self._words, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def rows(self):
        return self("capture-pane", "-p").rstrip("\n").split("\n")

    def type(self, text, *keys):
        self("send-keys", "-l", text)
        self("send-keys", *keys) if keys else None

    def expect(self, row):
        """Wait until a row begins so."""
        wait_for(lambda: any(each.startswith(row) for each in self.rows()), what=f"{row!r} in {self.rows()}")

    def killed(self):
        """Kill the recorder that the shell runs, and wait for the shell's word."""
        (recorder,) = children(int(self("display", "-p", "#{pane_pid}")))
        os.kill(recorder, signal.SIGKILL)

    def close(self):
        self("kill-server")
        self._term.wait()


SHORT = f'rec() {{ {REC} "$@"; }}'  # a command whose line does not wrap, wherever the tests are


@pytest.fixture
def tmux(root, start, tmp_path):
    made = Tmux(start, root, tmp_path / "socket")
    yield made
    made.close()


def test_in_tmux_the_next_rec_writes_where_the_shell_is(tmux, root):
    """tmux has kept a cursor since the alternate screen of long ago; nobody may go back to it."""
    tmux.type("i=0; while [ $i -lt 15 ]; do i=$((i+1)); echo row $i; done", "Enter")
    tmux.expect("row 15")
    tmux.type("less /etc/passwd", "Enter")
    tmux.expect("root:")
    tmux.type("q")
    tmux.expect("row 15")
    tmux.type(SHORT + "; clear; echo begin", "Enter")
    tmux.expect("begin")
    tmux.type("rec run -- cat", "Enter")
    wait_for(lambda: "/help" in "".join(tmux.rows()), what="the prompt")
    tmux.type("said", "Enter")
    wait_for(lambda: ls(root) and log(root), what="the turn")
    tmux.killed()
    tmux.expect("Killed")
    tmux.type("rec labels; echo done", "Enter")
    tmux.expect("done")
    rows = tmux.rows()
    assert rows[rows.index("done") - 1] == RESCUED
    assert rows[rows.index("done") - 2].startswith("$ rec labels; echo done")  # on what our bottom line left


def test_in_tmux_after_a_full_screen_tool_the_shell_is_back_where_it_was(tmux, root):
    tmux.type(SHORT + "; clear; echo begin", "Enter")
    tmux.expect("begin")
    tmux.type("rec run -- vim -u NONE -i NONE -n", "Enter")
    wait_for(lambda: tmux.rows().count("~") > 3, what="vim's screen")
    wait_for(lambda: ls(root), what="the session in the store")
    tmux.killed()
    tmux.expect("Killed")
    tmux.type("rec labels; echo done", "Enter")
    tmux.expect("done")
    assert tmux("display", "-p", "#{alternate_on}") == "0\n"
    rows = tmux.rows()
    assert rows[0] == "begin"
    said = [row for row in rows[1:] if not row.startswith("$")]
    assert said == [RESCUED, "done"]  # the shell said `Killed` on vim's screen


# --- trouble of our own --------------------------------------------------------------------------


def test_an_error_of_our_own_leaves_the_terminal_as_it_was(root, start, tmp_path):
    """An exception in the middle of the loop: two lines, a report, the session closed, nobody left."""
    broken = """
import sys
from recorder import capture
from recorder.__main__ import main

def output(self, now, data, before=capture.Capture.output):
    if b"boom" in data:
        raise RuntimeError("planted")
    return before(self, now, data)

capture.Capture.output = output
sys.exit(main())
"""
    place = tmp_path / "program.py"
    place.write_text(broken)
    term = start([sys.executable, str(place), "run", "--", *BASH], root=root)
    term.expect("$ ")
    first = "printf '\\033[?1000h'; echo on''e"
    term.line(first)
    term.expect("one")
    term.expect("$ ", count=2)
    # No prompt behind it: what is read with the bytes that capture chokes on, its ledger never sees.
    term.line("echo bo''om; read line")
    assert term.wait() == 3
    assert term.modes() == term.before
    assert not term.private_modes
    assert alone(term)
    lines = [line for line in term.text().splitlines() if line.startswith(("rec:", "this is a bug"))]
    assert lines[0] == "rec: could not finish: RuntimeError: planted"
    assert b"Traceback" not in term.raw
    report = Path(re.search(r"\S+crash-\S+\.txt", term.text().replace("\n", ""))[0])
    assert "planted" in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600
    (session,) = ls(root)
    assert (session["status"], session["exit_status"]) == ("ended", None)
    assert log(root)[0]["command"] == first
    assert texts(root, "alert") == ["the recorder failed; what came afterwards is not here"]
