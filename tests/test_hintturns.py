"""What public marks do to a recording: turns, and what stays as it was where they do not count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from traces import SOURCE, background, events, moment, raw, turns

from recorder.capture import Capture
from recorder.hintturns import HintTurns
from recorder.inference import Inference
from recorder.keys import Scanner
from recorder.marks import encode_private
from recorder.model import Draft, Kind, Size, Span, State

NONCE = "0123456789abcdef0123456789abcdef"
PROMPT = b"\x1b]133;A\x07$ \x1b]133;B\x07"


def begin(line, aid=b""):
    return (
        line
        + b"\r\n\x1b]133;C"
        + (aid and b";aid=" + aid)
        + b";cmdline="
        + line.replace(b" ", b"\\ ")
        + b"\x07"
    )


def end(status=0, aid=b""):
    return b"\x1b]133;D;%d%s\x07" % (status, aid and b";aid=" + aid)


SESSION = (
    end() + PROMPT + begin(b"ls") + b"file\r\n" + end() + PROMPT + begin(b"false") + end(1) + PROMPT
    + b"\r\n" + end(1) + PROMPT + begin(b"cat x") + b"a\r\nb\r\n" + end(130) + PROMPT
)  # fmt: skip


class Tool:
    """A tool that feeds a capture."""

    def __init__(self, **options):
        self.capture = Capture(SOURCE, Size(80, 24), **{"nonce": NONCE, **options})
        self.items = []
        self.now = 0
        self.scanner = Scanner(b"\x1d")

    def prints(self, data):
        self.now += 1
        self._keep(self.capture.output(moment(self.now), data))

    def gets(self, keys):
        self.now += 1
        self._keep(self.capture.typed(moment(self.now), self.scanner.scan(keys)))

    def rests(self):
        self.now += 1
        self._keep(self.capture.settled(moment(self.now), reading=True, line=False))

    def hook(self, verb, *args, counter, pid=42):
        self.now += 1
        body = encode_private(NONCE, pid, counter, verb, *args)[2:-1]
        self._keep(self.capture.mark(moment(self.now), body))

    def _keep(self, items):
        self.items += items

    def end(self):
        self.now += 1
        self._keep(self.capture.ended(moment(self.now), status=0, signal=None, hangup=False))
        return self.items

    @property
    def said(self):
        """Return command, source and end of each turn."""
        opened = {
            item.turn: item for item in self.items if isinstance(item, Draft) and item.kind is Kind.PROMPT
        }
        ends = {
            i.turn: (i.meta["end"], i.meta["status"])
            for i in self.items
            if isinstance(i, Span) and "end" in i.meta
        }
        return [(each.text, each.meta["source"], *ends.get(turn, ())) for turn, each in opened.items()]


def test_turns_with_their_output():
    tool = Tool()
    tool.prints(SESSION)
    tool.end()
    assert turns(tool.items) == [["", "ls", "file\n"], ["", "false", ""], ["", "cat x", "a\nb\n"]]
    assert tool.said == [
        ("ls", "mark", "done", 0), ("false", "mark", "done", 1), ("cat x", "mark", "done", 130)
    ]  # fmt: skip
    assert raw(tool.items) == SESSION
    assert background(tool.items) == b""


def test_a_turn_says_where_its_output_is():
    tool = Tool()
    tool.prints(SESSION)
    for item in tool.end():
        if isinstance(item, Span) and item.turn is not None:
            assert SESSION[item.raw_start : item.raw_end] == item.data


@given(st.integers(1, 50))
def test_however_it_is_split(size):
    whole, parts = Tool(), Tool()
    whole.prints(SESSION)
    for at in range(0, len(SESSION), size):
        parts.prints(SESSION[at : at + size])
    whole.end()
    parts.end()
    assert turns(parts.items) == turns(whole.items)
    assert parts.said == whole.said
    assert raw(parts.items) == SESSION
    assert background(parts.items) == b""


def test_the_screen_says_what_marks_do_not():
    tool = Tool()
    tool.prints(b"\x1b]133;A\x07$ \x1b]133;B\x07")
    tool.rests()
    for key in b"make all":
        tool.gets(bytes([key]))
        tool.prints(bytes([key]))
    tool.gets(b"\r")
    tool.prints(b"\r\n\x1b]133;C\x07done\r\n" + end() + PROMPT)
    tool.end()
    assert turns(tool.items) == [["$ ", "make all", "done\n"]]
    assert tool.said == [("make all", "mark", "done", 0)]


def test_a_command_that_nobody_names_is_partial():
    tool = Tool()
    tool.prints(PROMPT + b"\r\n\x1b]133;C\x07output\r\n" + end() + PROMPT)
    tool.end()
    [prompt] = [item for item in tool.items if isinstance(item, Draft) and item.kind is Kind.PROMPT]
    assert (prompt.text, prompt.meta["partial"]) == ("", True)
    assert turns(tool.items) == [["", "", "output\n"]]


def test_what_is_printed_while_a_prompt_stands_is_no_commands_output():
    tool = Tool()
    tool.prints(PROMPT + begin(b"job") + end() + PROMPT)
    tool.rests()
    tool.prints(b"\r\nfrom afar\r\n" + PROMPT)
    tool.rests()
    tool.prints(begin(b"ls") + b"file\r\n" + end() + PROMPT)
    tool.end()
    assert turns(tool.items) == [["", "job", ""], ["$ ", "ls", "file\n"]]
    assert b"from afar\r\n" in background(tool.items)
    assert b"$" not in background(tool.items).replace(PROMPT, b"")


def test_a_prompt_ends_the_edit_of_what_ran_before():
    tool = Tool()
    tool.prints(PROMPT + begin(b"tool") + b"tool> ")
    tool.rests()
    tool.gets(b"q")
    tool.prints(end() + PROMPT)
    tool.rests()
    tool.gets(b"ls\r")
    tool.prints(b"ls\r\n\x1b]133;C\x07file\r\n" + end())
    tool.end()
    assert turns(tool.items) == [["", "tool", "tool> "], ["$ ", "ls", "file\n"]]


def test_what_a_job_prints_into_a_line_that_is_typed():
    """Readline switches bracketed paste on before it draws the prompt, marks and all."""
    tool = Tool()
    tool.prints(end() + b"\x1b[?2004h" + PROMPT)
    tool.rests()
    tool.gets(b"echo du")
    tool.prints(b"echo du")
    tool.rests()
    tool.prints(b"from-the-job\r\n")
    tool.rests()
    tool.gets(b"ring\r")
    tool.prints(b"ring\r\n")
    tool.prints(b"\x1b[?2004l\r\x1b]133;C\x07during\r\n" + end() + b"\x1b[?2004h" + PROMPT)
    tool.end()
    assert turns(tool.items) == [["$ ", "echo during", "during\n"]]
    assert background(tool.items) == b"from-the-job\r\n"


def test_a_shell_inside_another():
    tool = Tool()
    tool.prints(b"\x1b]133;A;aid=1\x07$ " + begin(b"bash", b"1"))
    assert tool.capture.activity().state is State.RUNNING
    tool.prints(b"\x1b]133;A;aid=2\x07% ")
    assert tool.capture.activity().state is State.IDLE
    assert tool.capture.running is None
    tool.prints(begin(b"ls", b"2") + b"file\r\n")
    assert tool.capture.activity().state is State.RUNNING
    tool.prints(
        end(3, b"2") + b"\x1b]133;A;aid=2\x07% " + b"bye\r\n" + end(4, b"1") + b"\x1b]133;A;aid=1\x07$ "
    )
    assert tool.capture.turn is None
    tool.end()
    prompts = [item for item in tool.items if isinstance(item, Draft) and item.kind is Kind.PROMPT]
    assert [(item.text, item.meta.get("parent_turn"), item.meta["shell"]) for item in prompts] == [
        ("bash", None, "1"), ("ls", 1, "2")
    ]  # fmt: skip
    assert tool.said == [("bash", "mark", "done", 4), ("ls", "mark", "done", 3)]


def test_a_job_that_is_stopped():
    tool = Tool()
    tool.prints(PROMPT + begin(b"vi") + end(148) + PROMPT)
    assert tool.said == [("vi", "mark", "stopped", 148)]


def test_the_end_of_the_tool_ends_the_command():
    tool = Tool()
    tool.prints(PROMPT + begin(b"exit") + b"bye\r\n")
    tool.end()
    assert tool.said == [("exit", "mark", "done", None)]


# --- where they do not count ---------------------------------------------------------------------


def test_hints_of_a_shell_with_our_hooks_are_nothing():
    tool = Tool()
    tool.hook("prompt", "/", counter=1)
    tool.prints(PROMPT + begin(b"ls"))
    tool.hook("start", "ls -l", "/", counter=2)
    tool.prints(b"\x1b]133;C;cmdline=forged\x07file\r\n" + end(5))
    tool.hook("end", "0", counter=3)
    tool.prints(end(5) + PROMPT)
    tool.hook("prompt", "/", counter=4)
    tool.end()
    assert tool.said == [("ls -l", "hook", "done", 0)]


def test_hints_from_inside_a_turn_of_ours_are_its_output():
    tool = Tool()
    tool.hook("prompt", "/", counter=1)
    tool.hook("start", "ssh host", "/", counter=2)
    tool.prints(SESSION)
    tool.hook("end", "0", counter=3)
    tool.end()
    assert tool.said == [("ssh host", "hook", "done", 0)]


def test_hints_count_again_when_our_shell_is_gone():
    tool = Tool()
    tool.prints(PROMPT + begin(b"exec bash"))
    tool.hook("prompt", "/", counter=1)
    tool.now += 1
    tool._keep(tool.capture.shell_gone(moment(tool.now), 42))
    tool.prints(end(2) + PROMPT + begin(b"ls") + b"x\r\n" + end())
    tool.end()
    assert tool.said == [("exec bash", "mark", "done", 2), ("ls", "mark", "done", 0)]


def test_frames_of_a_full_screen_hold_no_marks():
    tool = Tool()
    tool.prints(
        PROMPT + begin(b"tmux") + b"\x1b[?1049h" + SESSION + b"\x1b[?1049l[exited]\r\n" + end() + PROMPT
    )
    tool.end()
    assert tool.said == [("tmux", "mark", "done", 0)]


def test_what_was_missed_while_paused_is_not_guessed():
    tool = Tool()
    tool.prints(PROMPT + begin(b"one"))
    tool.capture.pause(moment(50))
    tool.prints(b"hidden\r\n" + end() + PROMPT + begin(b"two"))
    tool._keep(tool.capture.unpause(moment(60)))
    tool.prints(b"late\r\n" + end() + PROMPT + begin(b"three") + b"x\r\n" + end() + PROMPT)
    tool.end()
    assert [turn[0] for turn in tool.said] == ["one", "three"]


def test_a_fault_in_the_guessing_costs_no_turn(monkeypatch):
    tool = Tool()
    tool.prints(PROMPT)
    monkeypatch.setattr(Inference, "feed", lambda *_: 1 / 0)
    tool.prints(begin(b"ls") + b"file\r\n" + end(3) + PROMPT + begin(b"x") + b"y\r\n" + end())
    tool.end()
    assert tool.said == [("ls", "mark", "done", 3), ("x", "mark", "done", 0)]
    assert turns(tool.items) == [["", "ls", "file\n"], ["", "x", "y\n"]]


NUMBERS = st.sampled_from([b"133;", b"633;", b"7;file://", b"1337;", b"3008;start=", b"3008;end=", b"0;"])
KINDS = st.sampled_from([b"A", b"C", b"D", b"D;1", b"C;cmdline=x", b"a;type=shell", b"a;type=command", b"a"])


@given(st.lists(st.tuples(NUMBERS, st.one_of(st.binary(max_size=12), KINDS)), max_size=12), st.integers(1, 9))
def test_no_mark_is_an_error(bodies, size):
    stream = b"".join(b"\x1b]" + number + rest + b"\x07x\r\n" for number, rest in bodies)
    tool = Tool()
    for at in range(0, len(stream), size):
        tool.prints(stream[at : at + size])
    tool.end()
    assert raw(tool.items) == stream
    assert isinstance(tool.capture._marks, HintTurns)
    assert events(tool.items)[-1].text == "exited with status 0"
