"""The recording state machine as a whole: real conversations, cut everywhere, and each rule alone."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from traces import MARKER, SOURCE, TRACES, background, events, moment, play, raw, turns, whole

from recorder.capture import Capture
from recorder.keys import Scanner
from recorder.model import Chunk, Draft, Kind, Moment, Size, Span, State

SIZE = Size(80, 24)
ALL = pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)


def made(**options):
    return Capture(SOURCE, SIZE, **{"nonce": "n0nce", **options})


def said(items):
    """What a list of items tells, short: drafts as (kind, text, turn), spans as (turn, data, end)."""
    return [
        (item.kind.value, item.text, item.turn)
        if isinstance(item, Draft)
        else (item.turn, item.data, item.meta.get("end"))
        for item in events(items)
    ]


# --- real conversations --------------------------------------------------------------------------


@ALL
def test_turns_are_what_a_person_would_have_noted_down(trace):
    items = play(trace)
    assert turns(items) == trace.turns


@ALL
def test_the_same_events_byte_by_byte(trace):
    items = play(trace, lambda data: [data[n : n + 1] for n in range(len(data))])
    expected = play(trace)
    assert events(items) == events(expected)
    assert raw(items) == raw(expected)


@pytest.mark.parametrize("size", [3, 64])
def test_the_same_events_in_pieces_of_any_size(size):
    for trace in TRACES:
        items = play(trace, lambda data: [data[n : n + size] for n in range(0, len(data), size)])
        assert events(items) == events(play(trace)), trace.name


@ALL
def test_what_was_hidden_is_nowhere(trace):
    assert MARKER.encode() not in whole(play(trace))
    hidden = [item for item in play(trace) if isinstance(item, Draft) and item.text == "hidden input"]
    assert len(hidden) >= sum(call[0] == "h" for call in trace.calls)


@ALL
def test_the_raw_stream_is_what_the_tool_printed(trace):
    printed = "".join(call[1] for call in trace.calls if call[0] == "o").encode("latin-1")
    assert raw(play(trace)) == printed


@ALL
def test_ranges_of_turns_follow_each_other(trace):
    items = play(trace)
    printed, at = raw(items), 0
    for item in items:
        if isinstance(item, Draft) and item.kind is Kind.PROMPT:
            assert item.meta["raw"] >= at
            at = item.meta["raw"]
        elif isinstance(item, Span):
            assert at <= item.raw_start <= item.raw_end <= len(printed)
            if len(item.data) == item.raw_end - item.raw_start:
                assert item.data == printed[item.raw_start : item.raw_end]
            at = item.raw_end


def test_captures_have_hidden_input_in_every_way():
    ways = {trace.name for trace in TRACES if any(call[0] == "h" for call in trace.calls)}
    assert ways >= {"bash", "zsh", "python3-readline", "python3-pyrepl", "psql", "line-mode"}
    typed = {trace.name for trace in TRACES if MARKER[0] in "".join(c[1] for c in trace.calls if c[0] == "k")}
    assert typed >= {"masked", "fish"}


# --- any conversation ----------------------------------------------------------------------------

OUTPUT = st.lists(
    st.sampled_from([
        b"$ ", b">>> ", b"x", b"echo hi", b"\r\n", b"\n", b"\r", b"line\r\n", b"\x1b[?2004h",
        b"\x1b[?2004l\r", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[K", b"\x1b[31m", b"\x1b[A", b"\b",
        b"\x1b]0;t\x07", b"\x07", b"\x1b]9;note\x07", b"\x1b[?25l", "日本é".encode(), b"\xff", b"n0nce",
        b"\x1b", b"\x1b[",
        b"\x1b]52;c;QQ==\x07", b"Password: ", b"\x1b[H\x1b[2J", b"a" * 100,
    ]),
    max_size=8,
).map(b"".join)  # fmt: skip
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("o"), OUTPUT),
        st.tuples(st.just("k"), st.sampled_from([b"x", b"\r", b"hi\r", b"\x03", b"a\rb\r", b"\x1b[?1;2c"])),
        st.tuples(st.just("s"), st.booleans(), st.booleans()),
        st.tuples(st.just("l"), st.sampled_from(["echo hi", "x", ""]), st.booleans()),
        st.tuples(st.just("h")),
        st.tuples(st.just("t")),
        st.tuples(st.just("p")),
        st.tuples(st.just("n")),
        st.tuples(st.just("r"), st.integers(20, 100)),
    ),
    max_size=14,
)
CUTS = st.lists(st.integers(0, 120), max_size=6)


def converse(calls, cut):
    capture, scanner, items = made(), Scanner(b"\x1d"), []
    for n, (kind, *args) in enumerate(calls):
        now = moment(n * 40)
        if kind == "o":
            for piece in cut(args[0]):
                items += capture.output(now, piece)
            items += capture.flush(now)
        elif kind == "k":
            items += capture.typed(now, scanner.scan(args[0]))
        elif kind == "s":
            items += capture.settled(now, reading=args[0], line=args[1])
        elif kind == "l":
            items += capture.submitted(now, args[0], "$ ", hold=args[1])
        elif kind == "h":
            items += capture.hidden(now, "Password: ")
        elif kind == "t":
            items += capture.tick(now)
        elif kind == "p":
            items += capture.unpause(now) if capture.paused else capture.pause(now)
        elif kind == "n":
            items += capture.note(Kind.COMMAND, now, "/status", {})
        else:
            items += capture.resize(now, Size(args[0], 24))
    return items + capture.ended(moment(9999), status=0, signal=None, hangup=False)


@example([("o", b"\x1b[?2004h"), ("k", b"\r"), ("o", b"$ \x1b[?2004l\r\x1b]9;note\x07")], [])
@example([("o", b"$ \x1b[?2004h$ "), ("k", b"\r"), ("o", b"\x1b[?2004l\r\x1b]9;note\x07")], [])
@example([("l", "echo hi", True), ("o", b"\x1b]9;note\x07" * 2)], [])  # behind a prompt that is held
@given(CALLS, CUTS)
def test_the_same_events_however_any_output_is_cut(calls, cuts):
    def pieces(data):
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        return [data[a:b] for a, b in pairwise(edges) if a < b]

    expected = converse(calls, lambda data: [data] if data else [])
    for cut in (pieces, lambda data: [data[n : n + 1] for n in range(len(data))]):
        items = converse(calls, cut)
        assert events(items) == events(expected)
        assert raw(items) == raw(expected)


@given(CALLS)
def test_events_are_in_order_and_every_turn_begins_and_ends_once(calls):
    began, ended = [], []
    for item in events(converse(calls, lambda data: [data])):
        if isinstance(item, Draft) and item.kind is Kind.PROMPT:
            began.append(item.turn)
            assert len(ended) == len(began) - 1
        elif isinstance(item, Span):
            if item.turn is not None:
                assert item.turn == began[-1]
            if "end" in item.meta:
                ended.append(item.turn)
            assert item.raw_start <= item.raw_end
        elif item.turn is not None:
            assert item.turn == began[-1]
    assert began == ended == list(range(1, len(began) + 1))


# --- turns that we sent ourselves ----------------------------------------------------------------


def test_a_line_of_ours_is_a_fact():
    capture = made(turn=4, raw=1000)
    capture.output(moment(0), b"name: ")
    capture.settled(moment(1), reading=True, line=True)
    (prompt,) = capture.submitted(moment(2), "bob", "name: ")
    assert prompt == Draft(
        session="session",
        kind=Kind.PROMPT,
        at=moment(2),
        text="bob",
        turn=5,
        invocation="invocation",
        meta={"prompt_text": "name: ", "source": "line", "raw": 1000 + 6 + 5},
    )
    assert capture.turn == 5
    assert capture.silent
    assert capture.activity().state is State.RUNNING
    capture.output(moment(3), b"bob\r\n")
    assert capture.silent
    capture.output(moment(3), b"hello bob\r\nmore: ")
    assert not capture.silent
    (span,) = capture.settled(moment(4), reading=True, line=True)
    assert (span.turn, span.data, span.raw_start, span.raw_end) == (5, b"hello bob\r\n", 1011, 1022)
    assert span.meta == {"end": "done", "status": None, "duration_ms": 10}
    assert capture.activity().state is State.IDLE


def test_output_that_began_like_the_echo_is_not_lost():
    """Echo was off for a moment: the tool's answer begins like the line."""
    capture = made()
    capture.submitted(moment(0), "yes", "sure? ")
    capture.output(moment(1), b"ye")
    items = capture.settled(moment(2), reading=True, line=True)
    assert said(items) == [(1, b"", "done")]  # an unfinished line is the next prompt
    capture.output(moment(2), b"tick\r\n")
    assert background(capture.pause(moment(2))) == b"tick\r\n"
    capture.unpause(moment(2))
    capture.submitted(moment(3), "yes", "sure? ")
    capture.output(moment(4), b"yes\r")
    assert said(capture.ended(moment(5), status=0, signal=None, hangup=False)) == [
        (2, b"yes\r", "done"),
        ("system", "exited with status 0", None),
    ]


def test_a_turn_whose_echo_never_came_has_no_negative_range():
    capture = made()
    (prompt,) = capture.submitted(moment(0), "a long line that is not echoed", "")
    capture.output(moment(1), b"ok\r\n")
    (span,) = capture.settled(moment(2), reading=True, line=True)
    assert span.raw_end >= prompt.meta["raw"] >= 0
    assert span.data == b"ok\r\n"


def test_output_while_we_edit_is_printed_above_and_belongs_to_no_turn():
    capture = made()
    capture.output(moment(0), b"name: ")
    capture.settled(moment(1), reading=True, line=True)
    assert capture.output(moment(2), b"tick 1\r\ntick 2\r\n")[1:] == []
    capture.output(moment(3), b"ti")
    capture.output(moment(3), b"ck 3\r\n")
    items = capture.submitted(moment(4), "bob", "name: ")
    assert said(items) == [(None, b"tick 1\r\ntick 2\r\ntick 3\r\n", None), ("prompt", "bob", 1)]


def test_a_line_that_fed_a_hidden_read_was_never_said():
    capture = made()
    assert capture.submitted(moment(1), MARKER, "name: ", hold=True) == []
    (resized,) = capture.resize(moment(1), Size(90, 24))
    assert resized.turn is None
    assert capture.due_ms() == moment(1).offset_ms + 250
    assert capture.tick(moment(2)) == []
    (hidden,) = capture.hidden(moment(3), "Password: ")
    assert (hidden.kind, hidden.text, hidden.turn) == (Kind.SYSTEM, "hidden input", None)
    assert capture.turn is None
    items = capture.submitted(moment(4), "bob", "name: ")
    assert said(items) == [("prompt", "bob", 1)]


@pytest.mark.parametrize("how", ["time", "prompt", "output", "next", "end"])
def test_a_line_that_was_held_back_is_said_in_time(how):
    capture = made()
    capture.submitted(moment(0), "bob", "", hold=True)
    if how == "time":
        items = capture.tick(Moment(0, 250))
    elif how == "prompt":
        capture.output(moment(1), b"bob\r\nhello\r\n? ")
        items = capture.settled(moment(2), reading=True, line=True)
    elif how == "output":
        items = capture.output(moment(1), b"bob\r\n" + b"x" * 100_000)
    elif how == "next":
        items = capture.submitted(moment(1), "next", "", hold=True)
    else:
        items = capture.ended(moment(1), status=0, signal=None, hangup=False)
    first = events(items)[0]
    assert (first.kind, first.text, first.turn) == (Kind.PROMPT, "bob", 1)


def test_an_event_of_our_own_follows_what_was_printed_before_it():
    """The line on which the cursor stands may be the next prompt, and waits."""
    capture = made()
    capture.output(moment(0), b"welcome\r\nname: ")
    items = capture.note(Kind.COMMAND, moment(1), "/note x", {})
    items += capture.submitted(moment(2), "bob", "name: ")
    capture.output(moment(3), b"bob\r\none\r\ntwo")
    items += capture.resize(moment(4), Size(90, 24))
    items += capture.note(Kind.COMMAND, moment(4), "/note y", {})
    capture.output(moment(5), b" and\r\nthree\r\n")
    items += capture.ended(moment(6), status=0, signal=None, hangup=False)
    assert said(items) == [
        (None, b"welcome\r\n", None),
        ("command", "/note x", None),
        (None, b"name: ", None),
        ("prompt", "bob", 1),
        (1, b"one\r\n", None),
        ("resize", "90x24", 1),
        ("command", "/note y", 1),
        (1, b"two and\r\nthree\r\n", "done"),
        ("system", "exited with status 0", None),
    ]


def test_a_hidden_line_follows_its_question():
    capture = made()
    capture.submitted(moment(0), "login", "> ")
    capture.output(moment(1), b"login\r\nuser bob\r\nPassword: ")
    items = capture.hidden(moment(2), "Password: ")
    capture.output(moment(3), b"\r\nwelcome\r\n")
    items += capture.ended(moment(4), status=0, signal=None, hangup=False)
    assert said(items)[:3] == [
        (1, b"user bob\r\nPassword: ", None),
        ("system", "hidden input", 1),
        (1, b"\r\nwelcome\r\n", "done"),
    ]


def test_a_hidden_answer_to_what_an_empty_line_brought():
    capture = made()
    edit(capture)
    capture.output(moment(3), b"\r\nPassword: ")
    items = capture.hidden(moment(4), "Password: ")
    assert said(items) == [("prompt", "", 1), (1, b"Password: ", None), ("system", "hidden input", 1)]


# --- empty lines ---------------------------------------------------------------------------------


def edit(capture, prompt=b">>> "):
    capture.output(moment(0), prompt)
    capture.settled(moment(1), reading=True, line=False)
    capture.typed(moment(2), Scanner(None).scan(b"\r"))


@pytest.mark.parametrize(
    "blank", [b"", b"\r\n", b"\x1b[0m\r\n\r\n", b"\x1b]0;title\x07", b"\x1b[?2004l\r\x1b(B\x1b[m"]
)
def test_an_empty_line_is_no_turn_when_nothing_comes_back(blank):
    capture = made()
    edit(capture)
    items = capture.output(moment(3), b"\r\n" + blank + b">>> ")
    items += capture.settled(moment(4), reading=True, line=False)
    items += capture.ended(moment(5), status=0, signal=None, hangup=False)
    assert said(items) == [("system", "exited with status 0", None)]


@pytest.mark.parametrize("answer", [b"42\r\n", b"4", b"\r\n\r\n2\r\n", b"x" * 20_000])
def test_an_empty_line_is_a_turn_when_something_comes_back(answer):
    capture = made()
    edit(capture)
    items = capture.output(moment(3), b"\r\n" + answer + b">>> ")
    items += capture.settled(moment(4), reading=True, line=False)
    assert said(items) == [("prompt", "", 1), (1, answer, "done")]


def test_an_empty_line_whose_answer_is_slow_is_a_turn_with_its_first_line():
    capture = made()
    edit(capture)
    assert said(capture.output(moment(3), b"\r\nwork")) == []
    assert said(capture.output(moment(4), b"ing\r\n")) == [("prompt", "", 1)]
    assert capture.turn == 1


def test_an_empty_line_at_the_end():
    capture = made()
    edit(capture)
    capture.output(moment(3), b"\r\nbye")
    items = capture.ended(moment(4), status=0, signal=None, hangup=False)
    assert said(items)[:2] == [("prompt", "", 1), (1, b"bye", "done")]


# --- screens, notices, sizes ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_frames_of_the_alternate_screen_are_raw_only(size):
    capture = made()
    data = b"before\r\n\x1b[?1049h\x1b[Hframe\x1b[?1049lafter\r\n"
    items = []
    for n in range(0, len(data), size):
        items += capture.output(moment(1), data[n : n + size])
    items += capture.ended(moment(2), status=0, signal=None, hangup=False)
    assert raw(items) == data
    assert background(items) == b"before\r\nafter\r\n"
    assert ("system", "full-screen", None) in said(items)
    assert not capture.alternate


@pytest.mark.parametrize("before", [b"", b"opening", b"\x1b[?1h\x1b=\r", b"two\r\nlines"])
@pytest.mark.parametrize("ready", [b"$ ", b"\x1b[?2004h$ ", b"\r\x1b[K\x1b[?1l\x1b>$ "])
def test_the_range_of_a_turn_covers_its_frames(before, ready):
    capture = made()
    edit(capture, b"$ ")
    capture.typed(moment(2), Scanner(None).scan(b"less\r"))
    items = capture.output(moment(3), b"less\r\n")
    begun = capture.raw
    items += capture.output(moment(4), before + b"\x1b[?1049h\x1b[Hframe\x1b[?1049l")
    left = capture.raw
    items += capture.output(moment(5), ready)
    items += capture.settled(moment(6), reading=True, line=False)
    prompt = next(item for item in events(items) if isinstance(item, Draft))
    last = events(items)[-1]
    assert (prompt.text, prompt.meta["raw"]) == ("less", begun)
    assert last.meta["end"] == "done"
    assert last.raw_end >= left
    text = b"".join(item.data for item in items if isinstance(item, Span))
    assert text == before


def test_nothing_is_inferred_on_the_alternate_screen():
    capture = made()
    capture.output(moment(0), b"\x1b[?1049h\x1b[?2004h>>> ")
    assert capture.alternate
    assert capture.settled(moment(1), reading=True, line=False) == []
    assert capture.typed(moment(2), Scanner(None).scan(b"x\r")) == []
    items = capture.output(moment(3), b"x\r\n\x1b[?2004l\x1b[?1049l")
    assert [item[0] for item in said(items)] == ["system"]
    assert capture.turn is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("9;build done", "build done"),
        ("777;notify;title;the text; more", "title: the text; more"),
        ("99;i=1:d=0;hello", "hello"),
        ("9;4;1;50", None),
        ("9;9;/home", None),
        ("9;12", None),
        ("9;100 files", "100 files"),
        ("0;title", None),
        ("777;other;x", None),
        ("9;", None),
    ],
)
def test_a_desktop_notification_is_an_alert(body, text):
    items = made().output(moment(0), b"\x1b]" + body.encode() + b"\x07")
    assert said(items) == ([] if text is None else [("alert", text, None)])


def test_a_new_size_is_an_event_once():
    capture = made()
    capture.output(moment(0), b"abc")
    (event,) = capture.resize(moment(1), Size(100, 30))
    assert (event.kind, event.text, event.meta) == (
        Kind.RESIZE,
        "100x30",
        {"cols": 100, "rows": 30, "raw": 3},
    )
    assert capture.resize(moment(2), Size(100, 30)) == []
    assert [item.cols for item in capture.submitted(moment(3), "x", "") if isinstance(item, Span)] == [100]


def test_redacted_bytes_keep_their_places():
    capture = made(raw=50)
    items = capture.output(moment(0), b"a n0nce b \x1b]52;c;SECRET\x07c")
    (chunk,) = [item for item in items if isinstance(item, Chunk)]
    assert b"n0nce" not in chunk.data
    assert b"SECRET" not in chunk.data
    assert [what for _, _, what in chunk.redactions] == ["nonce", "clipboard"]
    for start, length, _ in chunk.redactions:
        assert 50 <= start < start + length <= 50 + len(chunk.data)
    assert capture.raw == 50 + len(chunk.data)


def test_what_is_held_for_a_redaction_is_given_out_by_flush():
    capture = made()
    items = capture.output(moment(0), b"abc n0n")
    assert capture.holding
    items += capture.flush(moment(1))
    assert not capture.holding
    assert raw(items) == b"abc n0n"


# --- pause, gap, end -----------------------------------------------------------------------------


def test_what_comes_while_paused_is_nowhere():
    capture = made()
    items = capture.output(moment(0), b"name: ")
    items += capture.submitted(moment(1), "before", "name: ")
    items += capture.output(moment(2), b"before\r\nhello\r\n")
    items += capture.pause(moment(3))
    assert capture.paused
    for call in (
        capture.pause(moment(4)),
        capture.output(
            moment(4), MARKER.encode() + b"\r\n\x1b[?1049h\x1b[?1049l\x1b]9;" + MARKER.encode() + b"\x07"
        ),
        capture.submitted(moment(5), MARKER, MARKER),
        capture.typed(moment(6), Scanner(None).scan(MARKER.encode() + b"\r")),
        capture.settled(moment(7), reading=True, line=False),
        capture.hidden(moment(8), MARKER),
        capture.tick(moment(9)),
    ):
        assert call == []
    items += capture.unpause(moment(10))
    assert capture.unpause(moment(11)) == []
    items += capture.output(moment(12), b"after\r\n")
    items += capture.ended(moment(13), status=0, signal=None, hangup=False)
    assert MARKER.encode() not in whole(items)
    assert raw(items) == b"name: before\r\nhello\r\nafter\r\n"
    assert said(items) == [
        (None, b"name: ", None),
        ("prompt", "before", 1),
        (1, b"hello\r\n", "unknown"),
        ("mark", "paused", None),
        ("mark", "recording again", None),
        (None, b"after\r\n", None),
        ("system", "exited with status 0", None),
    ]


def keys(capture, n, data):
    return capture.typed(moment(n), Scanner(None).scan(data))


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    ("unseen", "expected"),
    [
        ([], "db> "),
        (["select 1;\r", "select 1;\r\n1\r\ndb> "], "db> "),
        (["secret", "secret", "\x7f" * 6, "\r\x1b[Kdb> "], "db> "),
        ([".prompt x\r", ".prompt x\r\nroot@host:/tmp# "], "root@host:/tmp# "),
        (["vi\r", "vi\r\n\x1b[?1049hframe\x1b[?1049ldb> "], "db> "),
        (["less\r", "less\r\n\x1b[?2004l\r\x1b[?2004hdb> "], "db> "),
        ([f"{MARKER}> ", f"{MARKER}> "], ""),  # what was typed may not come back with the prompt
        ([MARKER, MARKER, "\x01", "\b" * len(MARKER)], ""),  # … nor behind the cursor
        ([f"new {MARKER}\r", f"new {MARKER}\r\n{MARKER} 50"], ""),
        (["su\r", "su\r\nPassword: "], ""),
    ],
)
def test_the_prompt_that_stands_after_a_pause_is_known(unseen, expected, size):
    capture = made()
    items = capture.output(moment(0), b"welcome\r\ndb> ")
    items += capture.settled(moment(1), reading=True, line=False)
    items += capture.pause(moment(2))
    for n, (typed, shown) in enumerate(zip(unseen[::2], unseen[1::2], strict=True)):
        items += keys(capture, 3 + n, typed.encode())
        data = shown.encode()
        for at in range(0, len(data), size):
            items += capture.output(moment(3 + n), data[at : at + size])
    items += capture.unpause(moment(7))
    items += keys(capture, 8, b"select 22;\r")
    items += capture.output(moment(9), b"select 22;\r\n\x1b[?2004l\r22\r\ndb> ")
    items += capture.settled(moment(10), reading=True, line=False)
    found = [item for item in items if isinstance(item, Draft) and item.kind is Kind.PROMPT]
    assert [item.meta["prompt_text"] for item in found if item.text == "select 22;"] == [expected] * bool(
        expected
    )
    assert MARKER.encode() not in whole(items)


def test_a_prompt_from_a_pause_is_no_output_when_the_tool_goes_on():
    capture = made()
    capture.output(moment(0), b"db> ")
    items = capture.settled(moment(1), reading=True, line=False)
    items += capture.pause(moment(2)) + capture.unpause(moment(3))
    items += capture.output(moment(4), b"\r\nnews\r\n")
    items += capture.ended(moment(5), status=0, signal=None, hangup=False)
    assert background(items) == b"\r\nnews\r\n"


def test_modes_are_followed_while_paused():
    capture = made()
    capture.pause(moment(0))
    capture.output(moment(1), b"\x1b[?1000h\x1b[?10")
    capture.unpause(moment(2))
    items = capture.output(moment(3), b"49hframe")
    assert capture.ledger.is_on(1000)
    assert capture.alternate
    assert raw(items) == b"49hframe"


def test_places_are_right_after_bytes_that_were_not_kept():
    capture = made(raw=10)
    capture.pause(moment(0))
    capture.output(moment(1), b"not kept \x1b[?25l")
    capture.unpause(moment(2))
    items = capture.output(moment(3), b"before\r\n\x1b[?1049hframe\x1b[?1049lafter\r\n\x1b[?2004h$ ")
    items += capture.settled(moment(4), reading=True, line=False)
    items += capture.typed(moment(5), Scanner(None).scan(b"x\r"))
    items += capture.output(moment(6), b"x\r\n\x1b[?2004l\rout\r\n")
    items += capture.ended(moment(7), status=0, signal=None, hangup=False)
    assert background(items) == b"before\r\nafter\r\n"
    (prompt,) = [item for item in items if isinstance(item, Draft) and item.kind is Kind.PROMPT]
    assert (prompt.text, prompt.meta["prompt_text"], prompt.meta["raw"]) == ("x", "$ ", 10 + 57)


def test_a_gap_is_an_alert_with_its_size_and_place():
    capture = made(raw=7)
    (event,) = capture.gap(moment(0), 1234)
    assert event.kind is Kind.ALERT
    assert event.meta == {"gap_bytes": 1234, "raw_at": 7, "rule": "gap"}
    assert "1234" in event.text


@pytest.mark.parametrize(
    ("how", "end", "last"),
    [
        ((3, None, False), "done", ("system", "exited with status 3", None)),
        ((139, "SIGSEGV", False), "interrupted", ("alert", "ended by signal SIGSEGV", None)),
        ((129, "SIGHUP", True), "interrupted", ("system", "terminal closed", None)),
    ],
)
def test_the_end_closes_everything(how, end, last):
    capture = made()
    capture.submitted(moment(0), "run", "")
    capture.output(moment(1), b"run\r\nunfinished")
    status, signal, hangup = how
    items = capture.ended(moment(2), status=status, signal=signal, hangup=hangup)
    assert said(items) == [(1, b"unfinished", end), last]


def test_an_application_that_never_lets_go_of_its_line_is_kept_as_text():
    """Agents draw on the primary screen with bracketed paste on from start to end."""
    capture = made()
    items = capture.output(moment(0), b"\x1b[?2004hwelcome\r\n> ")
    items += capture.settled(moment(1), reading=False, line=False)
    items += capture.typed(moment(2), Scanner(None).scan(b"hi\r"))
    answer = b"".join(b"answer %d\r\n" % n for n in range(40))
    items += capture.output(moment(3), b"\r\x1b[K" + answer + b"> ")
    items += capture.ended(moment(4), status=0, signal=None, hangup=False)
    assert answer in background(items)
    assert b"welcome" in background(items)


def test_output_goes_on_at_full_speed_inside_an_edit():
    """Bulk output in an edit is not emulated for long, and none of it is lost."""
    data = b"".join(b"line %d of a job in the background\r\n" % n for n in range(100_000))
    for opening in (b"\x1b[?2004h$ ", b"$ "):
        capture = made()
        items = capture.output(moment(0), opening)
        items += capture.settled(moment(1), reading=True, line=False)
        items += capture.typed(moment(2), Scanner(None).scan(b"x"))
        for n in range(0, len(data), 65_536):
            items += capture.output(moment(3), data[n : n + 65_536])
        items += capture.ended(moment(4), status=0, signal=None, hangup=False)
        text = background(items)
        assert text.startswith(b"$ line 0 of")
        assert text.endswith(data[-1000:])


# --- going on in another session --------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("seed", range(4))
def test_a_conversation_that_changes_sessions_loses_nothing(trace, seed):
    """Wherever it is cut, the sessions' raw bytes and texts are together those of the whole."""
    rng = random.Random(seed)
    capture, sessions = made(), [[]]
    capture.resize(moment(0), trace.size)
    whole_capture = made()
    whole_capture.resize(moment(0), trace.size)
    for n, (kind, *args) in enumerate(trace.calls):
        if rng.random() < 0.2:
            sessions[-1] += capture.over(moment(n))
            assert capture.turn is None
            capture.go_on(f"session {len(sessions)}", f"invocation {len(sessions)}", capture.last)
            sessions.append([])
        one = replace(trace, calls=[[kind, *args]])
        sessions[-1] += play_on(one, capture, n)
    expected = play(trace, capture=whole_capture)
    assert b"".join(raw(items) for items in sessions) == raw(expected)
    every = [item for items in sessions for item in items]
    numbers = [item.turn for item in every if isinstance(item, Draft) and item.kind is Kind.PROMPT]
    assert numbers == list(range(1, len(numbers) + 1))
    assert commands(every) == commands(expected)
    for number, items in enumerate(sessions):
        name = f"session {number}" if number else SOURCE.session
        assert {item.session for item in items} <= {name}
        size = len(raw(items))
        for item in items:
            if isinstance(item, Span) and item.data:  # a turn may have no byte, not even its line's echo
                assert 0 <= item.raw_start <= item.raw_end <= size


def play_on(trace, capture, n):
    """Play the calls of a trace from moment ``n`` on."""
    calls = [["o", ""]] * n + trace.calls
    return play(replace(trace, calls=calls), lambda data: [data] if data else [], capture)


def commands(items):
    return [item.text for item in items if isinstance(item, Draft) and item.kind is Kind.PROMPT]
