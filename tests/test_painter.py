"""A stage on the user's terminal: the same cells, whatever was recorded, and no sequence but a handful."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from screen import Emulator
from test_safe import ANYTHING, ATTACKS
from test_stage import BYTES, fed

from recorder.ansi import Tokenizer, TokenKind
from recorder.basics import Size
from recorder.painter import Painter, cells

# All that a player writes besides text: the cursor's place, styles, the cursor's visibility.
_ALLOWED = re.compile(rb"\x1b\[(?:\d{1,4};\d{1,4}H|[0-9;]{0,200}m|\?25[hl])").fullmatch


def assert_harmless(out):
    text = out.decode()
    assert not re.search("[\x00-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
    for kind, raw in Tokenizer().feed(out):
        assert kind is TokenKind.TEXT or _ALLOWED(raw), raw


def narrow(stage):
    """Whether all characters are as wide as every terminal agrees on."""
    return all(stage.row(y)[x].data.isascii() for y in range(stage.lines) for x in range(stage.columns))


class Window:
    """A terminal with a painter."""

    def __init__(self, cols=20, rows=6, *, colour=True):
        self.terminal = Emulator(cols, rows)
        self.painter = Painter(Size(cols, rows), colour=colour)
        self.out = b""

    def show(self, stage, bar=None, words=""):
        self.out = self.painter.frame(stage, bar, words)
        assert_harmless(self.out)
        self.terminal.feed(self.out)
        return self.lines

    @property
    def lines(self):
        return [self.terminal.screen.line(y) for y in range(self.terminal.screen.lines)]

    def styled(self, attribute):
        """The text of all cells that have an attribute."""
        screen = self.terminal.screen
        cells = [screen.buffer[y][x] for y in range(screen.lines) for x in range(screen.columns)]
        return "".join(cell.data for cell in cells if getattr(cell, attribute) not in {False, "default"})


def test_it_shows_what_the_stage_shows_and_then_only_what_has_changed():
    window = Window()
    stage = fed(b"one\r\n\x1b[1;31mtwo\x1b[m")
    assert window.show(stage)[:2] == ["one", "two"]
    assert window.styled("bold") == "two"
    assert (window.terminal.screen.cursor.y, window.terminal.screen.cursor.x) == (1, 3)
    assert window.show(stage)[:2] == ["one", "two"]
    assert window.out == b""
    stage.feed(b"\x1b[1;2HX")
    assert window.show(stage)[:2] == ["oXe", "two"]
    assert window.out == b"\x1b[?25l\x1b[1;2H\x1b[mX\x1b[m\x1b[1;3H\x1b[?25h"
    stage.feed(b"\x1b[?25l")
    window.show(stage)
    assert window.terminal.screen.cursor.hidden


def test_a_smaller_screen_has_a_frame_and_a_larger_one_is_moved():
    window = Window(10, 4)
    assert window.show(fed(b"ab\r\ncd", size=Size(5, 2))) == ["ab   │", "cd   │", "─────┘", ""]
    stage = fed(b"\r\n".join(b"row %d and more" % n for n in range(6)), size=Size(20, 6))
    assert window.show(stage) == [" and more"] * 4
    stage.feed(b"\x1b[H")
    assert window.show(stage) == ["row 0 and", "row 1 and", "row 2 and", "row 3 and"]
    assert window.show(stage, cells("bar", "7")) == ["row 0 and", "row 1 and", "row 2 and", "bar"]


def test_the_bar_covers_no_row_with_the_cursor():
    window = Window(10, 3)
    stage = fed(b"1\r\n2\r\n3", size=Size(10, 3))
    assert window.show(stage) == ["1", "2", "3"]
    assert window.show(stage, cells("bar", "7")) == ["2", "3", "bar"]


def test_words_stand_out():
    window = Window()
    window.show(fed(b"some Words and words\r\n\x1b[7mwords\x1b[m"), words="words")
    assert window.styled("reverse") == "Wordswords"
    assert window.styled("underscore") == "words"
    window.show(fed("straße".encode()), words="STRASSE")
    assert window.styled("reverse") == "straße"


def test_without_colours():
    window = Window(colour=False)
    window.show(fed(b"\x1b[1;31;44mtwo\x1b[K\x1b[m"))
    assert (window.styled("bold"), window.styled("fg"), window.styled("bg")) == ("two", "", "")


def test_after_another_size_everything_is_drawn_anew():
    window = Window()
    stage = fed(b"one\r\ntwo")
    window.show(stage)
    window.painter.resize(Size(9, 3))
    window.terminal = Emulator(9, 3)
    assert window.show(stage) == ["one", "two", ""]


def test_pages_of_our_own():
    window = Window(10, 3)
    window.show(fed(b"xxxxxxxxxx\r\n" * 3))
    out = window.painter.page(["help", "a line that is longer", "more", "yet more"], cells("bar", "7"))
    assert_harmless(out)
    window.terminal.feed(out)
    assert window.lines == ["help", "a line tha", "bar"]


@settings(deadline=None)
@given(st.lists(BYTES, min_size=1, max_size=3), st.integers(2, 30), st.integers(1, 9), st.booleans())
def test_frame_after_frame_the_terminal_shows_the_stage(parts, cols, rows, barred):
    window = Window(cols, rows)
    bar = cells("bar", "7") if barred and rows > 1 else None
    stage = fed()
    for part in parts:
        stage.feed(part)
        shown = window.show(stage, bar)
        if not narrow(stage):
            continue
        again = Window(cols, rows)
        again.painter._left, again.painter._top = window.painter._left, window.painter._top
        assert again.show(stage, bar) == shown
        inside = min(cols, stage.columns)
        for y in range(min(rows - (bar is not None), stage.lines)):
            left, top = window.painter._left, window.painter._top
            whole = stage.text(y + top).ljust(stage.columns)
            assert shown[y][:inside].rstrip() == whole[left : left + inside].rstrip()


@settings(deadline=None)
@given(ANYTHING, st.text(max_size=5))
def test_nothing_that_is_recorded_gets_to_the_terminal_but_text_and_styles(data, words):
    for size in ((20, 6), (5, 2), (40, 9)):
        Window(*size).show(fed(data), cells(words, "7"), words)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_leaves_nothing_to_be_shown_and_nothing_to_be_answered(attack):
    window = Window()
    window.show(fed(b"before" + attack + b"after"))
    assert window.terminal.answers == b""
    assert window.terminal.screen.title == ""
    assert not window.terminal.screen.private_modes - {25}
