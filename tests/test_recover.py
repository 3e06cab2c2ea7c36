"""What a crash left out, from records alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from making import T0, chunk, chunks, invocation, session

from recorder import recover
from recorder.model import Draft, End, Kind, Moment, Span, Turn
from recorder.recover import Hole
from recorder.spans import Source
from recorder.transcript import TextPass

S = session(1)
I = invocation(S, 1001)  # noqa: E741
SOURCE = Source(S.ulid, I.ulid, "sqlite3")


def turn(number, start, end, how=End.RUNNING, prompt="> "):
    return Turn(S.ulid, number, "x", prompt, T0, start, end, how)


def derive(hole, data, *, start=0, sizes=(), step=1):
    read = chunks(I, data, sizes, start=start, step=step)
    drafts = []
    text = TextPass()
    for item in recover.items(hole, read, SOURCE, 80):
        drafts += [item] if isinstance(item, Draft) else text.render(item)
    return recover.without_prompt(drafts, hole)


def test_only_turns_without_an_end_have_holes():
    turns = [turn(1, 5, 20, End.DONE), turn(2, 30, 34), turn(3, 60, 60)]
    assert recover.holes(turns, 34, 100) == [
        Hole(turns[1], 34, 60, last=False, prompt_text="> "),
        Hole(turns[2], 60, 100, last=True, prompt_text="> "),
    ]


def test_bytes_after_the_last_turn_belong_to_none():
    turns = [turn(1, 5, 20, End.DONE)]
    assert recover.holes(turns, 20, 50) == [Hole(None, 20, 50, last=True, prompt_text=None)]
    assert recover.holes([], 0, 9) == [Hole(None, 0, 9, last=True, prompt_text=None)]
    assert recover.holes(turns, 50, 50) == []


def test_a_turn_that_was_cut_off_gets_its_text_and_an_end():
    hole = Hole(turn(7, 10, 10), 10, 34, last=True, prompt_text="> ")
    (draft,) = derive(hole, b"one\r\ntwo\r\n\x1b[31mthree\x1b[0m", start=10)
    assert (draft.kind, draft.turn, draft.text) == (Kind.OUTPUT, 7, "one\ntwo\nthree")
    assert (draft.meta["raw"], draft.meta["end"]) == ([10, 34], "interrupted")
    assert (draft.session, draft.invocation) == (S.ulid, I.ulid)


def test_a_turn_that_printed_nothing_gets_an_end_too():
    (draft,) = derive(Hole(turn(7, 10, 10), 10, 10, last=True, prompt_text="> "), b"")
    assert (draft.text, draft.meta["end"], draft.meta["raw"]) == ("", "interrupted", [10, 10])
    assert draft.at == Moment(T0, 0)


def test_a_turn_that_was_cut_off_on_the_full_screen_covers_its_frames():
    data = b"\x1b[?1049h\x1b[2Jframe"
    (draft,) = derive(Hole(turn(7, 10, 10), 10, 10 + len(data), last=True, prompt_text="> "), data, start=10)
    assert (draft.text, draft.meta["raw"][1]) == ("", 10 + len(data))


def test_the_next_prompt_is_no_output_and_says_that_the_turn_was_over():
    hole = Hole(turn(1, 0, 0), 0, 40, last=True, prompt_text="sqlite> ")
    (draft,) = derive(hole, b"answer\r\nsqlite> sel")
    assert (draft.text, draft.meta["end"]) == ("answer\n", "unknown")
    between = Hole(turn(1, 0, 0), 0, 40, last=False, prompt_text="sqlite> ")
    (draft,) = derive(between, b"answer\r\nsqlite> select 2;\r\n")
    assert (draft.text, draft.meta["end"]) == ("answer\n", "unknown")
    alone = Hole(turn(1, 0, 0), 0, 40, last=True, prompt_text="sqlite> ")
    (draft,) = derive(alone, b"sqlite> ")
    assert draft.text == ""


def test_trouble_in_the_text_is_found():
    hole = Hole(turn(1, 0, 0), 0, 80, last=True, prompt_text="> ")
    drafts = derive(hole, b'Parse error: near "selct": syntax error\r\n')
    assert [draft.kind for draft in drafts] == [Kind.OUTPUT, Kind.WARN]


def test_frames_of_a_full_screen_program_are_left_out():
    data = b"before\r\n\x1b[?1049h\x1b[2Jframe\x1b[?1049lafter\r\n"
    hole = Hole(turn(1, 0, 0), 0, len(data), last=True, prompt_text=None)
    assert "".join(draft.text for draft in derive(hole, data)) == "before\nafter\n"


def test_a_hole_that_begins_within_a_full_screen_program():
    shown = b"before\r\n\x1b[?1049h"
    data = shown + b"frame frame" + b"\x1b[?1049l" + b"after\r\n"
    hole = Hole(turn(1, 0, len(shown)), len(shown), len(data), last=True, prompt_text=None)
    assert recover.stretches(hole) == [(0, len(data))]
    assert "".join(draft.text for draft in derive(hole, data)) == "after\n"


@given(st.lists(st.integers(1, 9), max_size=30))
def test_how_the_bytes_were_cut_makes_no_difference(sizes):
    data = b"a\x1b[1mb\x1b[?1049h\x1b]0;t\x07frame\x1b[?47l\x1b[0mc\r\n\xc3\xa4d\x1b[?25l\r\n"
    whole = [
        (raw + i, byte)
        for _, raw, part in recover.printed(chunks(I, data, ()))
        for i, byte in enumerate(part)
    ]
    cut = [
        (raw + i, byte)
        for _, raw, part in recover.printed(chunks(I, data, sizes))
        for i, byte in enumerate(part)
    ]
    assert cut == whole
    assert bytes(byte for _, byte in whole) == b"a\x1b[1mb\x1b[0mc\r\n\xc3\xa4d\x1b[?25l\r\n"


def test_of_a_very_long_hole_only_the_ends_are_read_and_the_rest_is_counted():
    line = b"0123456789" * 7 + b"some more\r\n"
    size = 20 << 20
    hole = Hole(turn(1, 0, 0), 0, size, last=True, prompt_text=None)
    ranges = recover.stretches(hole)
    assert sum(end - start for start, end in ranges) == 2 << 20
    read = [
        chunk(I, at, (line * 60)[: min(4096, end - at)], at=at >> 12)
        for start, end in ranges
        for at in range(start, end, 4096)
    ]
    items = recover.items(hole, read, SOURCE, 80)
    spans = [item for item in items if isinstance(item, Span)]
    (notice,) = [item for item in items if isinstance(item, Draft)]
    assert notice.meta["raw_only"] == size - sum(len(span.data) for span in spans)
    assert spans[0].raw_start == 0
    assert spans[-1].raw_end == size
    assert spans[-1].meta["end"] == "interrupted"
