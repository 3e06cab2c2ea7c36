"""What stands in the line that a tool edits: wrapped, redrawn, moved about in, however it is drawn."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder import lines
from recorder.lines import LineTracker
from recorder.model import Size


def drawn(*parts, cols=20, rows=5):
    tracker = LineTracker(Size(cols, rows))
    for part in parts:
        tracker.feed(part.encode() if isinstance(part, str) else part)
    return tracker


@pytest.mark.parametrize(
    ("data", "before", "edited"),
    [
        ("", "", []),
        (">>> ", ">>> ", [">>>"]),
        (">>> abc", ">>> abc", [">>> abc"]),
        (">>> abc\b\b", ">>> a", [">>> abc"]),
        (">>> abc\rX", "X", ["X>> abc"]),
        ("\x1b[1;31mbox\x1b[0m $ ls", "box $ ls", ["box $ ls"]),
        ("~\r\n$ ls", "~\n$ ls", ["~", "$ ls"]),
        ("$ ls\r\n", "$ ls\n", ["$ ls"]),
        ("$ one\x1b[K\r$ two\x1b[K", "$ two", ["$ two"]),
        ("$ abc\r\x1b[2C\x1b[1@X", "$ X", ["$ Xabc"]),  # insert a cell
        ("$ abc\r\x1b[2C\x1b[1P", "$ ", ["$ bc"]),  # delete one
        ("$ abc\x1b[3D\x1b[J", "$ ", ["$"]),
        ("$ a\tb", "$ a     b", ["$ a     b"]),
        ("$ 日本\b\b", "$ 日", ["$ 日本"]),
        ("$ 日本x", "$ 日本x", ["$ 日本x"]),
        ("$ e\u0301x", "$ e\u0301x", ["$ e\u0301x"]),
        ("$ ❤\ufe0f 👩\u200d💻 x", "$ ❤\ufe0f 👩\u200d💻 x", ["$ ❤\ufe0f 👩\u200d💻 x"]),
        ("\x1b]0;title\x07$ ls\x07", "$ ls", ["$ ls"]),
        ("$ \x1b7right\x1b8ls", "$ ls", ["$ lsght"]),
    ],
)
def test_what_is_before_the_cursor_and_in_the_lines(data, before, edited):
    tracker = drawn(data)
    assert tracker.before_cursor() == before
    assert tracker.edited() == edited


def test_a_line_that_wraps_is_one_line():
    text = "$ " + "0123456789" * 5
    tracker = drawn(text)
    assert tracker.before_cursor() == text
    assert tracker.edited() == [text]


def test_a_wrapped_line_stays_one_when_the_cursor_moves_down_in_it():
    """readline moves down with a line feed when Enter is pressed in the first of two rows."""
    text = "$ " + "x" * 30
    tracker = drawn(text, "\x1b[A\r\x1b[5C", "\r\n\r\n")
    assert tracker.edited() == [text]


def test_rows_that_readline_draws_over_each_other_below_the_screens_height():
    """It moves down no farther than the terminal is high: rows 0 to 5 of five, then only `\\r`."""
    first = "$ 0\r\n\r1\r\n\r2\r\n\r3\r\n\r4\r\n\r\x1b[7m5\x1b[27m\r\x1b[7m66\x1b[27m\r\x1b[7m7\x1b[27m"
    wanted = ["$ 0", "1", "2", "3", "4", "5", "66", "7"]
    for more in (
        "",
        "\r\n",
        "\x1b[A\x1b[A\r3\r\n\r4\r\n\r5\r66\r7",
        "\x1b[A\x1b[A\r3\r\n\r4\r\n\r5\r66\r7\r\n",
    ):
        tracker = drawn(first + more)
        assert tracker.overflown
        assert tracker.edited() == wanted
    assert drawn(first, "!").edited() == [*wanted[:-1], "7!"]


def test_wrapped_rows_below_the_screens_height():
    long = ["ab" * 10 + "c", "de" * 10 + "f"]
    start = "$ 0\r\n\r1\r\n\r2\r\n\r3\r\n\r4\r\n\r"
    tracker = drawn(start + long[0] + "\r" + long[1][:20] + "\r" + long[1][20:] + "\r" + "end")
    assert tracker.edited() == ["$ 0", "1", "2", "3", "4", *long, "end"]


def test_a_row_that_fits_the_screen_is_drawn_again_in_place():
    for rows in range(5):
        tracker = drawn("$ 0" + "\r\n\rx" * rows, "\ry\rz")
        assert not tracker.overflown
        assert tracker.edited() == ["$ 0", *["x"] * (rows - 1), "z"] if rows else ["z 0"]


@pytest.mark.parametrize(
    ("text", "fills"),
    [("x", False), ("\n" * 3, False), ("\n" * 4, True), ("x" * 81, True), ("x" * 80, False)],
)
def test_whether_a_text_fills_the_screen(text, fills):
    assert drawn().fills(text) is fills


def test_a_line_that_became_shorter_is_not_joined_with_what_was_below():
    tracker = drawn("$ " + "x" * 30, "\x1b[A\r$ short\x1b[K\r\n\x1b[K", "below")
    assert tracker.edited() == ["$ short", "below"]


def test_fish_wraps_a_full_row_with_a_line_feed():
    tracker = drawn("> " + "x" * 18 + "\r\r\n" + "yy")
    assert tracker.edited() == ["> " + "x" * 18 + "yy"]


def test_pythons_editor_wraps_with_a_backslash():
    tracker = drawn(">>> " + "x" * 15 + "\\\n\r" + "yy")
    assert tracker.edited() == [">>> " + "x" * 15 + "yy"]


@pytest.mark.parametrize(
    "how",
    [
        "$ " + "x" * 17 + "日本",  # drawn at once: the terminal wraps
        "$ " + "x" * 17 + " \x1b[K日本",  # readline and zsh fill the cell
        "$ " + "x" * 17 + "\r\r\n日本",  # fish begins a new row
    ],
)
def test_a_wide_character_that_does_not_fit_leaves_no_blank(how):
    assert drawn(how).edited() == ["$ " + "x" * 17 + "日本"]


def test_a_blank_in_the_last_column_is_one():
    tracker = drawn("$ " + "x" * 17 + "  \r" + "日本")
    assert tracker.edited() == ["$ " + "x" * 17 + " 日本"]


@pytest.mark.parametrize("clear", ["\x1b[H\x1b[2J", "\x1b[2J\x1b[H", "\x1b[H\x1b[2J\x1b[3J", "\x1b[H\x1b[J"])
def test_an_edit_goes_on_after_the_screen_was_cleared(clear):
    tracker = drawn("$ ec", clear, "$ ec", "ho")
    assert tracker.before_cursor() == "$ echo"
    assert tracker.edited()[-1] == "$ echo"
    tracker = drawn("~\r\n$ ec", clear, "~\r\n$ ec")
    assert tracker.before_cursor() == "~\n$ ec"


def test_editors_may_go_up_before_they_go_down():
    assert drawn("\x1b[1A\n>>> x").before_cursor() == ">>> x"


def test_what_stands_behind_the_cursor():
    tracker = drawn("$ \x1b[12Cright\x1b[17D")
    assert tracker.before_cursor() == "$ "
    assert tracker.after_cursor() == "right"
    assert not tracker.at_margin
    assert drawn("$ x\r").at_margin


def test_many_lines_scroll_and_are_said_to():
    tracker = drawn(*(f"line {n}\r\n" for n in range(150)))
    tracker.before_cursor()
    assert not tracker.scrolled
    tracker.feed(b"more\r\n" * 100)
    tracker.before_cursor()
    assert tracker.scrolled
    tracker.clear()
    assert not tracker.scrolled


def test_clear_forgets_everything_and_half_a_character():
    tracker = drawn("$ abc", "é".encode()[:1])
    tracker.before_cursor()
    tracker.clear()
    tracker.feed(b"$ x\x1b[3")
    assert tracker.before_cursor() == "$ x"
    tracker.clear()
    tracker.feed(b"m$ y")
    assert tracker.before_cursor() == "m$ y"


def test_a_new_size_counts_for_what_is_drawn_from_then_on():
    tracker = drawn("$ " + "x" * 30)
    tracker.before_cursor()
    tracker.resize(Size(40, 24))
    tracker.feed(b"\x1b[A\r\x1b[J$ " + b"x" * 30)
    assert tracker.edited() == ["$ " + "x" * 30]
    tracker = LineTracker(Size(80, 24))
    tracker.resize(Size(10, 3))
    tracker.feed(b"$ " + b"x" * 30)
    assert tracker.edited() == ["$ " + "x" * 30]


@pytest.mark.parametrize(
    "sequence",
    [
        b"\x1b[>4;2m", b"\x1b[?4m", b"\x1b[38:2:1:2:3m", b"\x1b[?25$p", b"\x1b[>c", b"\x1b[0;1 q",
        b"\x1bP+q544e\x1b\\", b"\x1b_G\x1b\\", b"\x1b(0", b"\x1b#8", b"\x1b[?1;2",
        b"\x1b[1;2;3;4;5;6;7;8;9;10;11;12H\r", b"\x1b[6n",
        b"\x1b[999999999C", b"\x1b%G", b"\x1b[=5u", b"\x1b[99b", b"\x0e\x0f", b"\x1b[18t", b"\x1bc",
        b"\x1b[5;1r\x1b[r\r",
    ],
)  # fmt: skip
def test_strange_sequences_cost_nothing_but_themselves(sequence):
    tracker = drawn(b"first", sequence, b"\x1b[0m\r\n$ ls")
    assert tracker.before_cursor().endswith("$ ls")
    assert tracker.edited()[-1] == "$ ls"


def test_an_emulator_that_fails_costs_one_line(monkeypatch):
    tracker = drawn("$ a")
    tracker.before_cursor()
    feed = tracker._stream.feed

    def fail(data):
        if data == b"boom":
            raise TypeError
        feed(data)

    monkeypatch.setattr(tracker._stream, "feed", fail)
    tracker.feed(b"boom\r\n$ next")
    assert tracker.edited()[-1] == "$ next"


PIECES = st.lists(
    st.sampled_from([
        b"$ ", b"x", b"abc ", b"x" * 15, "日本".encode(), "é".encode(), b"\xc3", b"\xff", b"\r", b"\n",
        b"\r\n", b"\b", b"\t", b"\x1b[K", b"\x1b[1K", b"\x1b[J", b"\x1b[2J", b"\x1b[H", b"\x1b[A",
        b"\x1b[C", b"\x1b[3D",
        b"\x1b[2@", b"\x1b[2P", b"\x1b[31m", b"\x1b]0;t\x07", b"\x1b[?25l", b"\x1b7", b"\x1b8", b"\x1bM",
        b"\x1b[2;3H",
        b"\x1b", b"\x1b[", b"\x18", b"\x1b[>1u", b"\x1b[2L", b"\x1b[1M",
    ]),
    max_size=20,
).map(b"".join)  # fmt: skip


@example(b"\x1bM$ \x1b[1M", [], True)  # a row that moves up was never drawn
@given(PIECES, st.lists(st.integers(0, 150), max_size=8), st.booleans())
def test_the_same_lines_however_they_are_drawn(data, cuts, ask):
    def look(parts):
        tracker = LineTracker(Size(20, 5))
        for part in parts:
            tracker.feed(part)
            if ask:
                tracker.before_cursor()
        return tracker.before_cursor(), tracker.edited(), tracker.after_cursor(), tracker.at_margin

    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    whole = look([data])
    assert look([data[a:b] for a, b in pairwise(edges)]) == whole
    assert look([data[n : n + 1] for n in range(len(data))]) == whole


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "M", "Zl", "Zp", "Zs"]), max_size=80))
def test_what_is_typed_plainly_is_read_back(text):
    tracker = drawn("$ " + text + ";")
    assert tracker.edited() == ["$ " + text + ";"]
    assert tracker.before_cursor() == "$ " + text + ";"


def test_bulk_is_digested_piece_by_piece_and_skimmed_for_its_end():
    data = b"".join(b"line %d\r\n" % n for n in range(20_000))
    for way in ("feed", "skim"):
        tracker = drawn("$ ")
        tracker.before_cursor()
        for n in range(0, len(data), 4096):
            getattr(tracker, way)(data[n : n + 4096])
            assert len(tracker._pending) <= lines.MAX_PENDING
        tracker.feed(b"$ next")
        assert tracker.edited()[-2:] == ["line 19999", "$ next"]
    assert len(tracker.edited()) < 2000


def test_nothing_is_imported_before_somebody_asks():
    tracker = drawn("$ abc")
    assert tracker._screen is None
    assert not tracker.scrolled
