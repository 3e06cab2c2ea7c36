"""Rendering: the text a person saw, the same however the output was cut, and never an error."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pyte
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recorder import emulation, text
from recorder.text import Renderer, plain

# Bytes as terminals get them: text of all widths, the moves of one row, noise, broken sequences.
ROW_PIECES = [
    b"abc", b"hello world ", b"x" * 13, "é日本".encode(), "e\u0301".encode(), "🙂".encode(), "█▌⠋".encode(),
    b"\r", b"\r\n", b"\n", b"\b", b"\b\b\b", b"\t", b"\x0c", b"\x1b[K", b"\x1b[1K", b"\x1b[2K", b"\x1b[J",
    b"\x1b[1J",
    b"\x1b[3C", b"\x1b[2D", b"\x1b[5G", b"\x1b[2P", b"\x1b[2@", b"\x1b[3X", b"\x1b[3b", b"\x1b[2I",
    b"\x1b[Z", b"\x1b[2J",
    b"\x1b[31m", b"\x1b[m", b"\x1b]0;title\x07", b"\x1b[?2004h", b"\x1b(B", b"\x1b[>4;2m", b"\x1b[6n",
    b"\x1bc", b"\x1b[r",
    b"\xff", b"\xc3", b"\xc2", b"\x80", b"\x00\x07", b"\x1b", b"\x1b[", b"\x1b]0;", b"\x1b]0;x\x1b",
    b"\x18", b"\x7f",
]  # fmt: skip
SCREEN_PIECES = [
    b"\x1b[A", b"\x1b[2A", b"\x1b[B", b"\x1b[H", b"\x1b[2J", b"\x1b[3;4H", b"\x1b[3d", b"\x1b7", b"\x1b8",
    b"\x1bM",
    b"\x1bD", b"\x1bE", b"\x1b[2L", b"\x1b[2M", b"\x1b[2S", b"\x1b[2T", b"\x1b[1;5r", b"\x1b[4h", b"\x1b[4l",
    b"\x1b[E", b"\x1b[F", b"\x1b[s", b"\x1b[u", b"\n" * 30, b"line\r\n" * 150,
]  # fmt: skip
GROWING = st.lists(
    st.sampled_from(
        [b"abc", b"word ", "é日本🙂".encode(), b"\r\n", b"\t", b"\x1b[K", b"\x1b[31m", b"x" * 95, b"\xff"]
    ),
    max_size=30,
).map(b"".join)
OUTPUT = st.lists(
    st.one_of(st.sampled_from(ROW_PIECES), st.sampled_from(SCREEN_PIECES), st.binary(max_size=5)), max_size=30
).map(b"".join)
COLS = st.sampled_from([1, 2, 8, 10, 13, 20, 80])
PLACES = st.lists(st.integers(0, 300), max_size=8)


def cut(data, places):
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def rendered(parts, cols):
    renderer = Renderer(cols)
    for part in parts:
        renderer.feed(part)
    return renderer.close()


@pytest.fixture(autouse=True)
def faults(monkeypatch):
    """An emulator's fault costs no recording, but here it is one."""

    def fail(self):
        raise AssertionError from sys.exception()

    monkeypatch.setattr(emulation.Screen, "fail", fail)


@given(OUTPUT, COLS, PLACES)
@example(b"abc\xc3\x1b[2Kx\xc3", 1, [])
def test_text_does_not_depend_on_how_output_is_cut(data, cols, places):
    whole = plain(data, cols)
    assert rendered(cut(data, places), cols) == whole
    assert rendered([data[i : i + 1] for i in range(len(data))], cols) == whole
    assert not [char for char in whole if (char < " " and char != "\n") or "\x7f" <= char < "\xa0"]


@given(GROWING, COLS, PLACES)
def test_what_only_grows_is_handed_out_once(data, cols, places):
    renderer = Renderer(cols)
    out = ""
    for part in cut(data, places):
        renderer.feed(part)
        out += renderer.take()
    assert out + renderer.close() == plain(data, cols)


@given(st.binary(max_size=300), COLS)
@settings(max_examples=300)
def test_no_bytes_are_an_error(data, cols):
    renderer = Renderer(cols)
    renderer.feed(data)
    renderer.take(edited=False)
    renderer.feed(data)
    renderer.take()
    renderer.feed(data)
    renderer.close()
    assert renderer.close() == ""


@given(st.text(st.characters(exclude_categories=["C", "M"]), max_size=200), COLS)
def test_printed_text_is_the_text(printed, cols):
    assert plain(printed.replace("\n", "\r\n").encode(), cols) == printed


# What pyte itself makes of it, where pyte is right: the row and the screen against another author.
WORDS = st.sampled_from([b"abc", b"de fg", b"x", b" ", b"=" * 9])
ROW_MOVES = [
    b"\r", b"\b", b"\x1b[2C", b"\x1b[3D", b"\x1b[4G", b"\x1b[K", b"\x1b[1K", b"\x1b[2K", b"\x1b[2X",
    b"\x1b[2P", b"\x1b[2@",
]  # fmt: skip
SCREEN_MOVES = [
    *ROW_MOVES, b"\r\n", b"\x1b[A", b"\x1b[2B", b"\x1b[3;5H", b"\x1b[J", b"\x1bM",
    b"\x1b[L", b"\x1b[E", b"\x1b[2F",
]  # fmt: skip


def by_pyte(data):
    screen = pyte.Screen(400, emulation.ROWS)
    pyte.ByteStream(screen).feed(data)
    return "\n".join(line.rstrip() for line in screen.display).rstrip()


@given(st.lists(st.one_of(WORDS, st.sampled_from(ROW_MOVES)), max_size=25).map(b"".join))
def test_one_row_is_edited_as_a_terminal_does(data):
    assert plain(data, 400).rstrip() == by_pyte(data)


@given(st.lists(st.one_of(WORDS, st.sampled_from(SCREEN_MOVES)), max_size=25).map(b"".join))
def test_rows_are_edited_as_a_terminal_does(data):
    data = b"\x1b[1;100r" + data  # with margins set, the screen is not left for the row alone
    lines = plain(data, 400).split("\n")
    assert "\n".join(line.rstrip() for line in lines).rstrip() == by_pyte(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain\r\nlines\r\n", "plain\nlines\n"),
        (b"bare\nlines  \n", "bare\nlines  \n"),
        (b"\x1b[1;31mred\x1b[0m and \x1b[38;5;3mmore\x1b[m\r\n", "red and more\n"),
        (b"a\x00b\x07c\x7fd\x0ee", "abcde"),
        (b"bad \xff\xfe bytes \xc3", "bad \ufffd\ufffd bytes \ufffd"),
        ("C1 \u009b31m gone".encode(), "C1 31m gone"),
        (b"10%\r20%\r100%\r\n", "100%\n"),
        (b"long line\rshort\r\n", "shortline\n"),
        (b"long line\rshort\x1b[K\r\n", "short\n"),
        (b"long line\r\x1b[Kshort\r\n", "short\n"),
        (b"CRCRLF\r\r\nx", "CRCRLF\nx"),
        (b"abx\bc\r\n", "abc\n"),
        (b"a\tb\r\nabcdefgh\tb\r\n", "a       b\nabcdefgh        b\n"),
        ("日\tb\r\n".encode(), "日      b\n"),
        (b"abc\r\tX\r\n", "abc     X\n"),
        (b"abcdef\r\x1b[2CX\x1b[2DY\r\n", "aYXdef\n"),
        (b"x\x1b[3Cy\r\n", "x   y\n"),
        ("日本語\b\bx\r\n".encode(), "日本x\n"),
        ("日本語\r\x1b[Cx\r\n".encode(), " x本語\n"),
        ("日本語\rx\r\n".encode(), "x 本語\n"),
        ("ab日\r\x1b[2C\x1b[X|\r\n".encode(), "ab|\n"),
        ("ab日c\r\x1b[3X\x1b[4C|\r\n".encode(), "    |\n"),
        (b"abc   \x1b[3D\x1b[@\r\n", "abc\n"),
        ("ab日c\r\x1b[2X\x1b[3C|\r\n".encode(), "   |c\n"),
        ("a日\r\x1b[2X\r\n".encode(), "\n"),
        (b"abc   \r\x1b[@x\r\n", "xabc\n"),
        (b"form\x0cfeed\x0band\r\n", "form\nfeed\nand\n"),
        (b"abc  \x1b[2D\x1b[@|\r\n", "abc|\n"),
        (b"abc  \x1b[3D\x1b[P\r\n", "ab\n"),
        ("e\u0301\bx\r\n".encode(), "x\n"),
        (b"\x1b[35m\x1b[Kfile\x1b[m\x1b[K:\x1b[K match\r\n", "file: match\n"),
        (b"\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\x1bPq#0\x1b\\\x1b_G\x1b\\.", "link."),
        (b"\x1b[?2004h\x1b[?1h\x1b=\x1b(B\x1b)0\x1b[>4;2m\x1b[6n\x1b[c\x1b[2 q>>> \x1b[?2004l", ">>> "),
        (b"text\x1b[31", "text"),
        (b"text\x1b]0;unfinished", "text"),
        (b"\x1b[3\x18ok", "ok"),
    ],
)
def test_one_row(data, expected):
    assert plain(data, 80) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a" * 200 + b"\r\n", "a" * 200 + "\n"),
        (b"a" * 85 + b"\rX\r\n", "a" * 80 + "Xaaaa\n"),
        (b"a" * 80 + b"\rX\r\n", "X" + "a" * 79 + "\n"),
        (b"a" * 80 + b"\x1b[K\r\n", "a" * 80 + "\n"),
        (b"a" * 85 + b"\x1b[100D\x1b[K|\r\n", "a" * 80 + "|\n"),
        (b"a" * 79 + "日b\r\n".encode(), "a" * 79 + "日b\n"),
        (b"a" * 79 + "日b\rX\r\n".encode(), "a" * 79 + "X b\n"),
        (b"a" * 77 + "日\r\x1b[2@b\r\n".encode(), "b " + "a" * 77 + "\n"),
    ],
)
def test_rows_that_wrap_are_one_line(data, expected):
    assert plain(data, 80) == expected


def test_tabs_count_from_the_beginning_of_the_line():
    expected = "a" * 12 + " " * 4 + "b" + " " * 7 + "c"
    assert plain(b"a" * 12 + b"\tb\tc", 10) == expected
    assert plain(b"a" * 12 + b"\tb\tc\r", 10) == expected
    assert rendered([b"a" * 12, b"\tb", b"\tc"], 10) == expected
    assert rendered([b"a" * 12, b"\r\x1b[2C\tb", b"\tc"], 10) == expected
    assert plain("日本語日本語\tb\tc".encode(), 9) == "日本語日本語    b       c"
    assert plain("日本語日本語\tb\tc\r".encode(), 9) == "日本語日本語    b       c"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            b"1: wait\r\n2: wait\r\n\x1b[2A\r\x1b[K1: done\r\n\r\x1b[K2: done\r\n",
            "1: done\n2: done\n",
            id="up",
        ),
        pytest.param(b"old text\r\n\x1b[H\x1b[2J\x1b[3Jnew\r\n", "old text\nnew\n", id="clear"),
        pytest.param(b"old\x1b[2J\x1b[Hnew\r\n", "old\nnew\n", id="erase then home"),
        pytest.param(b"old\r\n\x1b[H\x1b[Jnew\r\n", "old\nnew\n", id="home then erase below"),
        pytest.param(
            b"\x1b[sone\r\ntwo\x1b[H\x1b[Jnew", "one\ntwo\nnew", id="home then erase a drawn screen"
        ),
        pytest.param(b"\x1b[sone\r\ntwo\x1b[2F\x1b[Jnew", "new", id="up then erase"),
        pytest.param(
            b"\x1b[s" + b"a" * 85 + b"\x1b[A\r\x1b[K" + b"b" * 80 + b"\r\n",
            "b" * 80 + "\naaaaa",
            id="a row that wrapped and was written again",
        ),
        pytest.param(b"old\x1bcnew\r\n", "old\nnew\n", id="reset"),
        pytest.param(b"one\r\ntwo\r\n\x1b[A\x1b[2J\x1b[Hnew", "one\ntwo\nnew", id="clear a drawn screen"),
        pytest.param(b"one\r\ntwo\x1b[s\x1b[1J\x1b[Hnew", "one\nnew", id="erase above"),
        pytest.param(b"\x1b[5;10Hdeep\x1b[1;1Htop\r\n", "top\n\n\n\n         deep", id="rows"),
        pytest.param(b"\x1b[20;1Hrow twenty", "row twenty", id="no empty rows before the first"),
        pytest.param(b"a\r\nb\r\nc\x1b[2A\x1b[L\rnew\r\n", "new\na\nb\nc", id="insert a line"),
        pytest.param(b"a\r\nb\r\nc\x1b[2A\x1b[M", "b\nc", id="delete a line"),
        pytest.param(b"a\r\nb\x1b[M", "a\n", id="delete the last line"),
        pytest.param(b"ab\x1b[s\ncd", "ab\n  cd", id="a line feed is only that on a screen"),
        pytest.param(b"abc\x1b7 def\x1b8XYZ\r\n", "abcXYZf\n", id="save and restore"),
        pytest.param(
            b"\x1b[s" + b"w" * 30 + b"\x1b[4h\x1b[2D|\x1b[4l\r\n", "w" * 28 + "|ww\n", id="insert mode"
        ),
        pytest.param(b"\x1b[4h\x1b[Jab\r-\x1b[4l", "-ab", id="insert mode on an empty screen"),
        pytest.param(b"\x1b[s" + b"y" * 200 + b"\r\nz", "y" * 200 + "\nz", id="wrapped rows are joined"),
        pytest.param("\x1b[s日本語\r\x1b[Cx".encode(), " x本語", id="half of a wide character"),
    ],
)
def test_screens(data, expected):
    assert plain(data, 80) == expected


def test_what_scrolls_off_a_screen_is_kept_in_order():
    lines = b"".join(b"line %d\r\n" % i for i in range(1000))
    expected = "".join(f"line {i}\n" for i in range(1000))
    assert plain(b"before\r\n\x1b[s" + lines + b"after", 80) == "before\n" + expected + "after"


def test_a_scroll_region_at_the_bottom_keeps_the_lines_above_it():
    # As apt draws its progress: the last row apart, the packages scroll above it.
    packages = b"".join(
        b"Unpacking %d ...\r\n\x1b7\x1b[24;0f\x1b[KProgress %d%%\x1b8" % (i, i) for i in range(100)
    )
    out = plain(b"\n\x1b7\x1b[0;23r\x1b8\x1b[1A" + packages, 80)
    assert [line for line in out.split("\n") if line.startswith("Unpacking")] == [
        f"Unpacking {i} ..." for i in range(100)
    ]
    assert out.count("Progress") == 1


def test_a_screen_is_left_when_plain_lines_follow():
    renderer = Renderer(80)
    renderer.feed(b"\x1b[A" + b"line\r\n" * 300)
    assert renderer._screen is None
    renderer.feed(b"last\x1b[A\rup")
    assert renderer.close() == "line\n" * 299 + "up" + "ne\nlast"


def test_moving_up_reaches_lines_that_were_printed_before():
    lines = b"".join(b"%d\r\n" % i for i in range(500))
    assert plain(lines + b"\x1b[3A\rX", 80) == "".join(f"{i}\n" for i in range(497)) + "X97\n498\n499"


def test_moving_up_within_the_current_line_keeps_the_column():
    assert plain(b"a\r\nbcd\x1b[AX", 80) == "a  X\nbcd"
    assert plain(b"a\r\nbcd\b\b\x1b[AX", 80) == "aX\nbcd"


def test_lines_that_were_handed_out_appear_again_only_if_they_change():
    renderer = Renderer(80)
    renderer.feed(b"a: wait\r\nb: wait\r\n")
    assert renderer.take() == "a: wait\nb: wait\n"
    renderer.feed(b"\x1b[2A\r\x1b[Ka: half\r\n\x1b[B")
    assert renderer.take() == "a: half\n"
    renderer.feed(b"\x1b[2A\x1b[Ja: done\r\nb: wait\r\nc: new\r\nd: begun")
    assert renderer.take() == "a: done\nc: new\nd: begun"
    renderer.feed(b" and ended\r\n\x1b[4A\x1b[4B")
    assert renderer.take() == " and ended\n"
    renderer.feed(b"\x1b[A\r\x1b[K")
    assert renderer.close() == ""


def test_a_line_that_was_handed_out_goes_on_upon_a_screen():
    renderer = Renderer(80)
    renderer.feed(b"given\r\nbegun")
    assert renderer.take() == "given\nbegun"
    renderer.feed(b"\x1b[A!\x1b[B\x1b[1D more")
    assert renderer.close() == "\ngiven!\nbegun more"
    renderer.feed(b"given\r\nbegun")
    assert renderer.take() == "given\nbegun"
    renderer.feed(b"\rB\x1b[A!\x1b[B\x1b[1D")
    assert renderer.close() == "\ng!ven\nBegun"


def test_take_returns_the_line_as_seen_and_goes_on():
    renderer = Renderer(80)
    renderer.feed(b"ab\rc")
    assert renderer.take() == "cb"
    assert renderer.take() == ""
    renderer.feed(b"\x1b[Cd")
    assert renderer.take() == "d"
    renderer.feed(b"\rX\r\nnext")
    assert renderer.take() == "\nXbd\nnext"
    assert renderer.close() == ""
    renderer.feed(b"10%\r20%")
    assert renderer.take(edited=False) == ""
    renderer.feed(b"\r30%\r\nnext")
    assert renderer.take(edited=False) == "30%\nnext"


def test_the_marker_of_a_line_without_end_leaves_nothing_when_it_is_erased():
    # What zsh 5.9 prints before a prompt that begins a line.
    marker = b"\x1b[1m\x1b[7m%\x1b[27m\x1b[1m\x1b[0m" + b" " * 79 + b"\r \r"
    assert plain(b"full\r\n" + marker, 80) == "full\n"
    assert plain(b"full\r\n" + marker + b"\r\x1b[0m\x1b[27m\x1b[24m\x1b[J", 80) == "full\n"


def test_a_line_without_end_takes_no_memory():
    renderer = Renderer(80)
    out = 0
    for i in range(100):
        renderer.feed(b"x" * 65536)
        out += len(renderer.take())
        assert (i + 1) * 65536 - out <= text.MAX_LINE
    renderer.feed(b"\x1b]52;c;")
    for _ in range(100):
        renderer.feed(b"a" * 65536)
        assert len(renderer._pending) <= text.MAX_STRING
    renderer.feed(b"\x07\rY")
    last = renderer.close()
    assert last.endswith("Y" + "x" * 79)
    assert out + len(last) == 100 * 65536 + len("\n") + 80


def test_of_what_was_handed_out_only_the_last_lines_are_remembered():
    renderer = Renderer(80)
    renderer.feed(b"line\r\n" * 1000)
    renderer.take()
    assert renderer._given == "line\n" * text.KEPT_LINES


def test_a_long_string_ends_where_it_ends():
    assert rendered([b"a\x1b]0;" + b"t" * 100_000 + b"\x1b", b"\\b"], 80) == "ab"
    assert rendered([b"a\x1b]0;" + b"t" * 100_000, b"\x07b"], 80) == "ab"
    assert rendered([b"a\x1bP" + b"t" * 100_000, b"\x07t\x1b", b"[1mb"], 80) == "ab"


def test_a_tab_after_a_line_too_long_to_keep():
    assert rendered([b"a" * 65_540, b"\tb"], 10) == "a" * 65_540 + "    b"


def test_a_screen_is_left_with_the_cursor_where_it_was():
    assert plain(b"\x1b[sab" + b"\n" * 112 + b"x", 80) == "ab" + "\n" * 112 + "  x"


def test_a_fault_of_the_emulator_costs_only_the_screen(monkeypatch):
    monkeypatch.undo()

    def broken(self, count=None):
        raise TypeError

    monkeypatch.setattr(emulation.Screen, "cursor_up", broken)
    assert plain(b"before\r\n\x1b[A after \x1b[31mfault\r\n", 80) == "before\n after fault\n"


def test_plain_output_needs_no_emulator():
    code = (
        "import sys; from recorder.text import plain;"
        " plain(b'a\\tb\\rc\\x1b[K\\x1b[31m\\r\\n', 80); print('pyte' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
