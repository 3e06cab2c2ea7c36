"""The screen of a recording: what a terminal shows, however the bytes come, and passing over bulk text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from screen import Emulator
from traces import TRACES

from recorder.basics import Size
from recorder.stage import Stage
from recorder.styles import colourless, restyled, sgr

SIZE = Size(20, 6)


def picture(stage):
    """All that can be seen of a screen, and what decides about what comes next."""
    cells = [
        [(cell.data, cell.fg) for cell in (stage.row(y)[x] for x in range(stage.columns))]
        for y in range(stage.lines)
    ]
    cursor = (stage.cursor.x, stage.cursor.y, stage.cursor.hidden, stage.style)
    return cells, cursor, stage.alternate, stage.margins, stage.size


def fed(*parts, size=SIZE):
    stage = Stage(size)
    for part in parts:
        stage.feed(part)
    return stage


def lines(*parts, size=SIZE):
    stage = fed(*parts, size=size)
    return [stage.text(y) for y in range(stage.lines)]


@pytest.mark.parametrize(
    ("data", "first"),
    [
        (b"one\r\ntwo", ["one", "two"]),
        (b"abc\x1b[2D\x1b[KX", ["aX"]),
        (b"\x1b[2;3Hx\x1b[1;1Hy", ["y", "  x"]),
        (b"a\tb", ["a       b"]),
        (b"a\x1b[2Ib\x1b[Zc", ["a               c"]),
        (b"ab\x1b[3b|", ["abbbb|"]),
        (b"ab\n\x1b[3b|", ["ab", "  |"]),
        (b"1\r\n2\r\n3\x1b[2;1H\x1b[M", ["1", "3"]),
        (b"1\r\n2\r\n3\x1b[2;1H\x1b[L", ["1", "", "2", "3"]),
        (b"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\nx", ["1", "3", "x", "4"]),
        (b"1\r\n2\x1b[S", ["2"]),
        (b"1\r\n2\x1b[T", ["", "1", "2"]),
        (b"abcdef\x1b[1;3H\x1b[2P", ["abef"]),
        (b"abcdef\x1b[1;3H\x1b[2@", ["ab  cdef"]),
        (b"abcdef\x1b[1;3H\x1b[2X", ["ab  ef"]),
        (b"abc\x1b[1;1H\x1b[4hX\x1b[4lY", ["XYbc"]),
        (b"x" * 19 + b"\x1b[?7lyz", ["x" * 19 + "z"]),
        (b"x" * 20 + b"y", ["x" * 20, "y"]),
        (("x" * 19 + "日").encode(), ["x" * 19, "日"]),
        ("日本".encode() + b"\x1b[2Gx", [" x本"]),
        ("e\u0301".encode(), ["e\u0301"]),
        (b"\x1b(0lqk\x1b(Blqk", ["┌─┐lqk"]),
        (b"\x1b)0l\x0elqk\x0flqk", ["l┌─┐lqk"]),
        (b"one\x1bctwo", ["two"]),
        (b"one\x1b7\x1b[5;5H\x1b8two\x1b8X", ["oneXwo"]),
        (b"shell\x1b[?1049h\x1b[Hvim", ["vim"]),
        (b"shell\x1b[?1049h\x1b[Hvim\x1b[?1049l!", ["shell!"]),
        (b"shell\x1b[?47h\x1b[Hvim\x1b[?47l!", ["she!l"]),
        (b"a\x1b]0;title\x07b\x1bPq#0\x1b\\c\x05\x07d", ["abcd"]),
        (b"a\xff\xc3(", ["a\ufffd\ufffd("]),
        (b"\x1b#8\x1b[2;1H\x1b[J", ["E" * 20, ""]),
        (b"abc\x1b[2J", [""]),
        (b"abc\x1b[3J", ["abc"]),
        (b"a\x1b[31\x08mb", ["ab"]),
        (b"\x1b[?6h\x1b[5;1Hx", ["", "", "", "", "x"]),
    ],
)
def test_what_is_shown(data, first):
    assert lines(data)[: len(first)] == first


@pytest.mark.parametrize(
    ("params", "style"),
    [
        ([b"1", b"31"], "1;31"),
        ([b"31", b"1"], "1;31"),
        ([b"31", b"91", b"0"], ""),
        ([b"31", b""], ""),
        ([b"38;5;200;1"], "1;38;5;200"),
        ([b"38;2;1;2;3"], "38;2;1;2;3"),
        ([b"38:2::1:2:3"], "38;2;1;2;3"),
        ([b"38:2:1:2:3"], "38;2;1;2;3"),
        ([b"38:5:9;48;5;10"], "38;5;9;48;5;10"),
        ([b"38;5;256"], ""),
        ([b"38;2;1;2"], ""),
        ([b"38"], ""),
        ([b"48;5"], ""),
        ([b"58;5;1;4:3"], "4"),
        ([b"4", b"4:0"], ""),
        ([b"1;2;3;7", b"22;27"], "3"),
        ([b"41;101", b"49"], ""),
        ([b"999999999999999999"], ""),
    ],
)
def test_what_styles_add_up_to(params, style):
    found = ""
    for each in params:
        found = restyled(found, each)
    assert sgr(found) == style


@pytest.mark.parametrize(
    ("params", "kept"), [("1;4;38;5;1", "1;4"), ("31", ""), ("", ""), ("7", "7"), ("7;48;2;1;2;3", "7")]
)
def test_without_colours(params, kept):
    assert colourless(params) == kept


def test_erased_cells_take_the_background():
    stage = fed(b"\x1b[1;44mab\x1b[K\x1b[m\r\nx\x1b[41m\x1b[J")
    assert [stage.row(0)[x].fg for x in (0, 2, 19)] == ["1;44", "44", "44"]
    assert [stage.row(y)[5].fg for y in (1, 5)] == ["41", "41"]


def test_a_smaller_screen_keeps_the_rows_that_the_cursor_needs():
    stage = fed(b"1\r\n2\r\n3\r\n4")
    stage.resize(3, 20)
    assert [stage.text(y) for y in range(3)] == ["2", "3", "4"]
    stage = fed(b"1\r\n2\r\n3\r\n4\x1b[H")
    stage.resize(3, 20)
    assert [stage.text(y) for y in range(3)] == ["1", "2", "3"]
    stage = fed(b"shell\x1b[?1049h\x1b[Hvim")
    stage.resize(10, 30)
    stage.feed(b"\x1b[10;25Hcorner\x1b[?1049l")
    assert [stage.text(0), stage.size] == ["shell", Size(30, 10)]


# --- properties ----------------------------------------------------------------------------------

PIECES = [
    *(
        b"text ",
        b"a",
        "é日本e\u0301🙂".encode(),
        b"\r\n",
        b"\n",
        b"\r",
        b"\b",
        b"\t",
        b"x" * 25,
        b"\x0e",
        b"\x0f",
    ),
    *(b"\x1b[m", b"\x1b[1;31m", b"\x1b[44m", b"\x1b[38;5;9m", b"\x1b[H", b"\x1b[3;4H", b"\x1b[A", b"\x1b[2B"),
    *(b"\x1b[C", b"\x1b[3D", b"\x1b[J", b"\x1b[2J", b"\x1b[K", b"\x1b[1K", b"\x1b[L", b"\x1b[2M", b"\x1b[P"),
    *(b"\x1b[2@", b"\x1b[X", b"\x1b[3b", b"\x1b[2;5r", b"\x1b[r", b"\x1b[S", b"\x1b[T", b"\x1bM", b"\x1bD"),
    *(
        b"\x1b7",
        b"\x1b8",
        b"\x1b[?1049h",
        b"\x1b[?1049l",
        b"\x1b[?47h",
        b"\x1b[?25l",
        b"\x1b[?7l",
        b"\x1b[?7h",
    ),
    *(
        b"\x1b[4h",
        b"\x1b[4l",
        b"\x1b(0",
        b"\x1b(B",
        b"\x1bc",
        b"\x1b[!p",
        b"\x1b#8",
        b"\x1b[?6h",
        b"\x1b[999C",
    ),
    *(
        b"\x1b]0;t\x07",
        b"\x1b]0;" + b"h" * 5000,
        b"\x1bP$q\x1b\\",
        b"\x1b[6n",
        b"\x1b",
        b"\x1b[",
        b"\xc3",
        b"\x18",
    ),
]
BYTES = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)), max_size=40).map(b"".join)
BULK = st.lists(
    st.sampled_from(
        [
            b"word ",
            b"\r\n",
            b"\r\n",
            b"\n",
            b"\x1b[32m",
            b"\x1b[0;1m",
            b"\x1b[m",
            b"\x1b[K",
            b"\x1b]0;a b\x07",
            b"x" * 30,
            *(
                b"\r",
                b"\t",
                b"\b",
                "é".encode(),
                b"\xc3",
                b"\x1b[3D",
                b"\x1b[?2004h",
                b"\x07",
                "日本".encode(),
            ),
        ]
    ),
    min_size=100,
    max_size=400,
).map(b"".join)


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(BYTES, st.lists(st.integers(0, 10000), max_size=6))
def test_the_screen_is_the_same_however_the_bytes_are_cut(data, places):
    whole = picture(fed(data))
    assert picture(fed(*cut(data, places))) == whole
    assert picture(fed(*(data[i : i + 1] for i in range(len(data))))) == whole


@settings(max_examples=60)
@given(BYTES, BULK, BYTES, st.lists(st.integers(0, 10000), max_size=3))
@example(b"", b"\x1b[31mred\r\n" * 100, b"x", [])
@example(b"\x1b[?7l\x1b[4h", b"long line that wraps around\r\n" * 100, b"x", [])
@example(b"", b"abcde\n" * 300, b"x", [])  # the column is known from nowhere
@example(b"", b"\x1b]0;a\nb\x07\r\n" * 100, b"x", [])
def test_bulk_text_may_be_passed_over(before, bulk, after, places):
    data = before + bulk + after
    slowly = picture(fed(*(data[i : i + 200] for i in range(0, len(data), 200)), size=Size(12, 5)))
    assert picture(fed(data, size=Size(12, 5))) == slowly
    assert picture(fed(*cut(data, places), size=Size(12, 5))) == slowly


def test_bulk_text_is_passed_over():
    stage = Stage(SIZE)
    bulk = b"\x1b[1mfirst\x1b[m\r\n" + b"a line\r\n" * 100_000
    assert stage.feed(bulk) < 1000
    assert [stage.text(y) for y in range(6)] == [*["a line"] * 5, ""]


@given(BYTES, BYTES, st.integers(2, 30), st.integers(1, 10))
def test_what_was_packed_goes_on_as_if_it_had_not_been(before, after, cols, rows):
    stage = fed(before)
    stage.resize(rows, cols)
    packed = stage.freeze()
    other = fed(b"something else \x1b[?1049h", size=Size(9, 9))
    other.thaw(packed)
    assert picture(other) == picture(stage)
    stage.feed(after)
    other.feed(after)
    assert picture(other) == picture(stage)


@given(st.binary(max_size=300))
def test_nothing_makes_it_stumble(data):
    stage = fed(data)
    stage.resize(1, 1)
    stage.feed(data)
    stage.resize(10**9, 10**9)
    stage.feed(data[:50])
    assert stage.cursor.y < stage.lines


@pytest.mark.parametrize("trace", TRACES, ids=[trace.name for trace in TRACES])
def test_real_tools_show_what_an_independent_emulator_shows(trace):
    size = trace.size
    stage, other = Stage(size), Emulator(size.cols, size.rows)
    for kind, *args in trace.calls:
        if kind == "r":
            break  # pyte cuts at the top even where the cursor stands there
        if kind == "o":
            stage.feed(args[0].encode("latin-1"))
            other.feed(args[0].encode("latin-1"))
            shown = [stage.text(y) for y in range(size.rows)]
            assert shown == [other.screen.line(y) for y in range(size.rows)]
