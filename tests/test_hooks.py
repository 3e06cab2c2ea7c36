"""Marks of our shell hooks: forgeries change nothing, a hidden line leaves no byte."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traces import SOURCE, background, events, moment, raw, whole

from recorder.capture import Capture
from recorder.hooks import SHELL_VERBS, Hooks
from recorder.keys import Scanner
from recorder.marks import Private, encode_private
from recorder.model import Draft, Kind, Size, Span
from recorder.strip import Strip
from recorder.tape import MAX_REGION

NONCE = "0123456789abcdef0123456789abcdef"
SECRET = b"export TOKEN=s3cret-marker"


def body(verb, *args, counter, pid=42, nonce=NONCE):
    return encode_private(nonce, pid, counter, verb, *args)[2:-1]


class Shell:
    """A shell with our hooks, feeding a capture."""

    def __init__(self, **options):
        self.capture = Capture(SOURCE, Size(80, 24), **{"nonce": NONCE, **options})
        self.items = []
        self.now = 0
        self.counter = 0
        self.pid = 42

    def __call__(self, what, *args):
        """Print bytes, or give a mark with its arguments; return what came of it."""
        self.now += 1
        if isinstance(what, bytes):
            items = self.capture.output(moment(self.now), what)
        else:
            self.counter += 1
            mark = body(what, *args, counter=self.counter, pid=self.pid)
            items = self.capture.mark(moment(self.now), mark)
        self.items += items
        return events(items)

    def line(self, text, printed=b"", status=0):
        """Run a whole line, from its prompt to its end."""
        self("prompt")
        self(b"$ " + text.encode() + b"\r\n")
        self("start", text, "/home")
        self(printed)
        self("end", str(status))

    def end(self):
        self.now += 1
        self.items += self.capture.ended(moment(self.now), status=0, signal=None, hangup=False)
        return self.items


def played(parts):
    """Let a capture take what shells print, in these parts, as the relay does; return all items."""
    capture, filter_, items = Capture(SOURCE, Size(80, 24), nonce=NONCE), Strip(), []
    for part in parts:
        for piece in filter_.pieces(part):
            if isinstance(piece, bytes):
                items += capture.output(moment(1), piece)
            else:
                items += capture.mark(moment(1), piece.body)
    return items + capture.ended(moment(2), status=0, signal=None, hangup=False)


# --- what is believed ----------------------------------------------------------------------------


def test_a_mark_with_our_nonce_is_believed():
    hooks = Hooks(NONCE)
    assert hooks.verified(body("start", "ls", counter=1)) == Private(NONCE, 42, 1, "start", ("ls",))


@pytest.mark.parametrize(
    "forged",
    [
        body("start", "rm", counter=9, nonce="f" * 32),
        body("start", "rm", counter=9, nonce=NONCE[:-1]),
        body("start", "rm", counter=9, nonce=NONCE.upper()),
        b"7373;;42;9;start;rm",
        b"7373;" + NONCE.encode(),
        b"7373;" + NONCE.encode() + b";42;x;start",
        b"133;C",
        b"",
    ],
)
def test_a_forged_mark_is_not(forged):
    hooks = Hooks(NONCE)
    assert hooks.verified(forged) is None
    shell = Shell()
    assert shell.capture.mark(moment(1), forged) == []
    assert shell.capture.turn is None


def test_without_a_nonce_nothing_is_believed():
    assert Hooks("").verified(b"7373;;1;1;start;x") is None


@pytest.mark.parametrize("counter", [1, 2, 3])
def test_a_mark_that_was_printed_again_is_not_believed(counter):
    hooks = Hooks(NONCE)
    assert hooks.verified(body("start", "x", counter=3))
    assert hooks.verified(body("end", counter=counter)) is None
    assert hooks.verified(body("end", counter=4))


def test_each_shell_has_its_own_counter():
    hooks = Hooks(NONCE)
    assert hooks.verified(body("start", "x", counter=9, pid=1))
    assert hooks.verified(body("start", "x", counter=1, pid=2))
    assert hooks.verified(body("start", "x", counter=9, pid=1)) is None


@pytest.mark.parametrize("verb", ["pause", "unpause", "nested", "note", "somethingnew"])
def test_other_marks_do_not_say_that_a_shell_has_our_hooks(verb):
    hooks = Hooks(NONCE)
    assert hooks.verified(body(verb, "x", counter=1))
    assert verb not in SHELL_VERBS


def test_a_verb_of_a_newer_version_does_nothing():
    shell = Shell()
    assert shell("somethingnew", "x") == []
    shell.line("ls", b"file\r\n")
    assert [item.text for item in shell.items if isinstance(item, Draft)] == ["ls"]


# --- turns ---------------------------------------------------------------------------------------


def test_a_line_is_a_turn_with_its_status_and_place():
    shell = Shell()
    shell.line("false; ls", b"file\r\n", status=3)
    prompt, span = events(shell.items)
    assert (prompt.text, prompt.turn) == ("false; ls", 1)
    assert prompt.meta == {"prompt_text": "", "source": "hook", "raw": 13, "shell": 42, "cwd": "/home"}
    assert (span.turn, span.data, span.raw_start, span.raw_end) == (1, b"file\r\n", 13, 19)
    assert span.meta == {"end": "done", "status": 3, "duration_ms": 20}
    assert raw(shell.items) == b"$ false; ls\r\nfile\r\n"


def test_the_prompt_is_no_output_and_lines_follow_each_other():
    shell = Shell()
    shell.line("one", b"1\r\n")
    shell.line("two", b"2\r\n")
    shell.end()
    spans = [(item.turn, item.data) for item in shell.items if isinstance(item, Span)]
    assert spans == [(1, b"1\r\n"), (2, b"2\r\n")]
    assert raw(shell.items) == b"$ one\r\n1\r\n$ two\r\n2\r\n"


def test_a_line_whose_end_never_came_is_closed_by_the_next():
    shell = Shell()
    shell("prompt")
    shell("start", "exec other-shell")
    shell(b"output\r\n")
    shell("start", "next")
    span = next(item for item in shell.items if isinstance(item, Span))
    assert (span.turn, span.data, span.meta["end"]) == (1, b"output\r\n", "unknown")
    assert shell.capture.turn == 2


@pytest.mark.parametrize("args", [(), ("",), ("x",), ("-1",), ("1.5",), ("9" * 5000,)])
def test_an_end_without_a_status_has_none(args):
    shell = Shell()
    shell("start", "x")
    (span,) = shell("end", *args)
    assert span.meta["status"] is None


def test_with_hooks_nothing_is_inferred():
    shell = Shell()
    shell("prompt")
    shell(b"$ ")
    assert events(shell.capture.settled(moment(50), reading=True, line=False)) == []
    assert shell.capture.typed(moment(51), Scanner(None).scan(b"ls\r")) == []
    shell(b"ls\r\n")
    assert events(shell.items) == []
    shell("start", "ls")
    shell(b"\x1b[?2004h$ fake\r\n\x1b[?2004l\r$ ")
    shell("end", "0")
    assert [item.turn for item in shell.items if isinstance(item, Draft)] == [1]


# --- the retractable region ----------------------------------------------------------------------


def test_what_is_drawn_from_prompt_to_start_waits_in_memory_and_comes_out_once():
    shell = Shell(raw=100)
    shell("prompt")
    for piece in (b"$ ", b"l", b"s", b"\r\n"):
        assert shell.capture.output(moment(shell.now), piece) == []
    assert shell.capture.raw == 100
    items = shell.capture.mark(moment(9), body("start", "ls", counter=99))
    chunks = [item for item in items if not isinstance(item, Draft)]
    assert [(chunk.start, chunk.data) for chunk in chunks] == [
        (100, b"$ "),
        (102, b"l"),
        (103, b"s"),
        (104, b"\r\n"),
    ]
    assert items[-1].meta["raw"] == 106
    assert shell.capture.raw == 106


def test_places_are_right_after_a_region():
    shell = Shell()
    shell.line("ls", b"file\r\n")
    shell("prompt")
    shell(b"$ \x1b[?25lvim\r\n")
    shell("start", "vim")
    items = shell(b"one\r\n\x1b[?1049hframe\x1b[?1049ltwo\r\n") + shell("end", "0")
    assert [item.data for item in items if isinstance(item, Span)] == [b"one\r\n", b"two\r\n"]


def test_a_hidden_line_leaves_no_byte():
    shell = Shell()
    shell.line("before", b"1\r\n")
    shell("prompt")
    for n in range(len(SECRET)):
        shell(SECRET[n : n + 1])
    shell(b"\r\n")
    shell("hide")
    shell(b"answer to " + SECRET + b"\r\n")
    shell("end", "0")
    shell.line("after", b"2\r\n")
    shell.end()
    assert SECRET not in whole(shell.items)
    assert b"TOKEN" not in raw(shell.items)
    assert raw(shell.items) == b"$ before\r\n1\r\n$ after\r\n2\r\n"
    assert [item.turn for item in shell.items if isinstance(item, Draft) and item.kind is Kind.PROMPT] == [
        1,
        2,
    ]


def test_a_hidden_line_is_over_with_the_next_prompt_even_without_its_end():
    shell = Shell()
    shell("prompt")
    shell(SECRET)
    shell("hide")
    shell(SECRET)
    shell.line("after", b"2\r\n")
    assert SECRET not in whole(shell.items)
    assert raw(shell.items) == b"$ after\r\n2\r\n"


def test_modes_are_followed_in_a_hidden_line_and_in_a_region():
    shell = Shell()
    shell("prompt")
    shell(b"\x1b[?2004h$ x")
    assert shell.capture.ledger.is_on(2004)
    shell("hide")
    shell(b"\x1b[?2004l\x1b[?1000h")
    assert not shell.capture.ledger.is_on(2004)
    assert shell.capture.ledger.is_on(1000)
    shell("end")
    assert shell(b"\x1b[?1000l\x1b]9;note\x07") == []  # others name the line that has run, up to the prompt
    assert not shell.capture.ledger.is_on(1000)
    shell("prompt")
    shell(b"\x1b[?1000h")
    assert shell.capture.ledger.is_on(1000)


def test_an_unfinished_prompt_is_kept_at_the_end():
    shell = Shell()
    shell("prompt")
    shell(b"$ half a li")
    items = shell.end()
    assert raw(items) == b"$ half a li"
    assert background(items) == b""


def test_a_second_prompt_gives_out_the_first():
    """Ctrl-C at the prompt, or an empty line."""
    shell = Shell()
    shell("prompt")
    shell(b"$ abc^C\r\n")
    shell("prompt")
    assert raw(shell.items) == b"$ abc^C\r\n"


def test_more_than_a_prompt_can_be_is_not_held():
    shell = Shell()
    shell("prompt")
    size = 0
    while not shell.items:
        shell(b"x" * 65_536)
        size += 65_536
    assert MAX_REGION < size <= MAX_REGION + 65_536
    shell(b"more\r\n")
    shell("start", "ls")
    assert raw(shell.items) == b"x" * size + b"more\r\n"


@given(
    st.lists(st.sampled_from(["line", "hide", "text", "abort"]), max_size=8),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_marks_in_the_stream_give_the_same_events_however_it_is_cut(script, cuts):
    """Through the filter that cuts the marks out, as in the relay."""
    stream, counter = b"banner\r\n", 0
    expected = b"banner\r\n"
    hidden = False  # up to the next prompt

    def mark(verb, *args):
        nonlocal counter
        counter += 1
        return encode_private(NONCE, 42, counter, verb, *args)

    for n, step in enumerate(script):
        drawn = b"\x1b[?2004h$ cmd%d\r\n" % n
        if step == "line":
            stream += mark("prompt") + drawn + mark("start", f"cmd{n}") + b"out\r\n" + mark("end", "0")
            expected += drawn + b"out\r\n"
        elif step == "hide":
            stream += mark("prompt") + drawn + mark("hide") + b"secret\r\n" + mark("end", "0")
        elif step == "abort":
            stream += mark("prompt") + drawn
            expected += drawn
        else:
            stream += b"\x1b[31mtext\x1b[?25l\r\n"
            expected += b"" if hidden else b"\x1b[31mtext\x1b[?25l\r\n"
        hidden = step == "hide" or (hidden and step == "text")
    stream += mark("prompt")

    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    whole_run = played([stream])
    assert raw(whole_run) == expected
    for parts in ([stream[a:b] for a, b in pairwise(edges)], [stream[n : n + 1] for n in range(len(stream))]):
        assert events(played(parts)) == events(whole_run)
        assert raw(played(parts)) == expected


# --- pause and nested recordings -----------------------------------------------------------------


def test_paused_by_a_mark_nothing_is_kept_until_the_next():
    shell = Shell()
    shell.line("before", b"1\r\n")
    shell("prompt")
    shell(b"$ rec pause\r\n")
    shell("start", "rec pause")
    shell("pause")
    assert shell.capture.paused
    shell("end", "0")
    shell("prompt")
    shell(b"$ " + SECRET + b"\r\n")
    shell("start", SECRET.decode())
    shell(SECRET)
    shell("end", "0")
    shell("prompt")
    shell(b"$ rec unpause\r\n")
    shell("start", "rec unpause")
    shell("unpause")
    shell("end", "0")
    shell.line("after", b"2\r\n")
    shell.end()
    assert SECRET not in whole(shell.items)
    prompts = [item.text for item in shell.items if isinstance(item, Draft) and item.kind is Kind.PROMPT]
    assert prompts == ["before", "rec pause", "after"]
    marks = [item.text for item in shell.items if isinstance(item, Draft) and item.kind is Kind.MARK]
    assert marks == ["paused", "recording again"]
    assert raw(shell.items) == b"$ before\r\n1\r\n$ rec pause\r\n$ after\r\n2\r\n"


def test_a_recorder_inside_records_itself():
    shell = Shell()
    shell("prompt")
    shell(b"$ rec run bash\r\n")
    shell("start", "rec run bash")
    (event,) = shell("nested", "01ABC", "777")
    assert (event.kind, event.turn, event.meta) == (Kind.MARK, 1, {"mark": "nested", "ulid": "01ABC"})
    assert shell.capture.nested == 777
    shell(b"inner bytes \x1b[?1000h")
    assert shell.capture.ledger.is_on(1000)
    (over,) = shell("nested-end")
    assert over.meta == {"mark": "nested-end"}
    assert shell.capture.nested is None
    shell(b"outer bytes\r\n")
    shell("end", "0")
    assert b"inner" not in whole(shell.items)
    assert raw(shell.items) == b"$ rec run bash\r\nouter bytes\r\n"
    assert shell("nested-end") == []


def test_a_recorder_inside_that_died_is_noticed_with_the_shells_next_mark():
    shell = Shell()
    shell("start", "rec run bash")
    shell("nested", "01ABC", "777")
    shell(b"inner")
    items = shell("end", "137")
    assert [item.meta.get("mark", item.meta.get("end")) for item in items] == ["nested-end", "done"]
    assert shell.capture.nested is None


@pytest.mark.parametrize("args", [(), ("01ABC",), ("01ABC", "x")])
def test_a_nested_mark_without_its_facts_is_none(args):
    shell = Shell()
    assert shell("nested", *args) == []
    assert shell.capture.nested is None
