"""One row of the screen, edited in place: what CR, BS, TAB and the sequences of one line do.

May live here: cell widths and the row on which the cursor stands. May not: anything that knows of
other rows; a row that is full is handed on and can no longer be changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TAB = 8
MAX_CELL = 64  # characters in one cell: more marks than this on one letter are an attack
# Characters known to fill one cell each, without asking the table: ASCII, Latin, Greek, Cyrillic,
# punctuation, arrows, mathematics, boxes and blocks, Braille (spinners), U+FFFD.
_SINGLE = (
    "\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u2190-\u2319"
    "\u2500-\u25fc\u2800-\u28ff\ufffd"
)
_all_single = re.compile(f"[{_SINGLE}]*+").fullmatch


def single(text: str) -> bool:
    """Say whether each character of ``text`` certainly fills one cell; ``text`` has no controls."""
    return text.isascii() or _all_single(text) is not None


def cell_width(char: str) -> int:
    """Return how many cells a character fills: 0, 1 or 2."""
    from wcwidth import wcwidth  # its tables cost 10 ms, and most output is ASCII

    return max(0, wcwidth(char))


def width(text: str) -> int:
    """Return how many cells ``text`` fills."""
    return len(text) if single(text) else sum(map(cell_width, text))


def expand(text: str, column: int) -> str:
    """Return ``text``, which has no line feeds and begins in ``column``, with tabs as blanks."""
    if text.isascii():
        shift = column % TAB
        return (" " * shift + text).expandtabs(TAB)[shift:]
    head, *rest = text.split("\t")
    parts = [head]
    column += width(head)
    for part in rest:
        blanks = TAB - column % TAB
        parts += [" " * blanks, part]
        column += blanks + width(part)
    return "".join(parts)


class Row:
    """The cells of a row and where the cursor stands; a wide character is followed by an empty cell."""

    __slots__ = ("_base", "_cells", "_cols", "_emit", "_last", "_touched", "pos")

    def __init__(self, cols: int, emit: Callable[[str], None], base: int = 0) -> None:
        """Begin an empty row; full ones go to ``emit``, ``base`` cells of the line are there already."""
        self._cols = cols
        self._emit = emit
        self._base = base
        self._cells: list[str] = []
        self._touched = False  # something was overwritten: blanks at the end mean nothing
        self._last = " "
        self.pos = 0  # ``cols`` when the last column was written: the next character wraps

    @property
    def base(self) -> int:
        """How many cells of the logical line are before this row."""
        return self._base

    @property
    def untouched(self) -> bool:
        """Whether nothing but writing at the end has happened, and the cursor is there."""
        return not self._touched and self.pos == len(self._cells)

    def text(self) -> str:
        """Return what the row shows."""
        text = "".join(self._cells)
        return text.rstrip(" ") if self._touched else text

    def write(self, text: str) -> None:
        """Write printable characters."""
        self._last = text[-1]
        if not single(text):
            for char in text:
                self._put(char)
            return
        at, size = 0, len(text)
        while at < size:
            if self.pos >= self._cols:
                self._wrap()
            part = text[at : at + self._cols - self.pos]
            self._place(part, len(part))
            at += len(part)

    def repeat(self, count: int) -> None:
        """Write the last character again."""
        self.write(self._last * min(count, self._cols))

    def carriage_return(self, _count: int = 0) -> None:
        """Go to the first column."""
        self.pos = 0

    def left(self, count: int) -> None:
        """Move left, not beyond the first column."""
        self.pos = max(0, min(self.pos, self._cols - 1) - count)

    def right(self, count: int) -> None:
        """Move right, not beyond the last column."""
        self.pos = min(self.pos + count, self._cols - 1)

    def column(self, number: int) -> None:
        """Go to a column, counted from 1."""
        self.pos = min(number, self._cols) - 1

    def tab(self, count: int = 1) -> None:
        """Go to the next tab stop of the logical line; beyond the text it is made of blanks."""
        for _ in range(min(count, self._cols)):
            target = self.pos + TAB - (self._base + self.pos) % TAB
            filled = max(self.pos, len(self._cells))
            self.pos = min(target, filled)
            if target > filled:
                self.write(" " * (target - filled))

    def tab_back(self, count: int) -> None:
        """Go back to tab stops of the logical line, not beyond this row."""
        column = self._base + min(self.pos, self._cols - 1)
        self.pos = max(0, ((column - 1) // TAB + 1 - count) * TAB - self._base)

    def erase(self, how: int) -> None:
        """Erase from the cursor (0), up to the cursor (1), or all (2)."""
        end = len(self._cells)
        if how == 0 and self.pos < end:
            self._clear(self.pos, end)
            del self._cells[self.pos :]
        elif how == 1:
            self._clear(0, min(self.pos + 1, end))
        elif how == 2:
            self._clear(0, end)
            self._cells.clear()

    def clear(self) -> None:
        """Become a new, empty row; the cursor keeps its column."""
        self._cells.clear()
        self._base = 0
        self._touched = False

    def erase_cells(self, count: int) -> None:
        """Blank cells from the cursor on."""
        self._clear(self.pos, min(self.pos + count, len(self._cells)))

    def delete_cells(self, count: int) -> None:
        """Take out cells from the cursor on; what follows moves left."""
        end = min(self.pos + count, len(self._cells))
        self._clear(self.pos, end)
        del self._cells[self.pos : end]

    def insert_cells(self, count: int) -> None:
        """Put blank cells before the cursor; what leaves the row is lost."""
        if self.pos < len(self._cells):
            self._split(self.pos)
            self._cells[self.pos : self.pos] = [" "] * min(count, self._cols)
            self._split(self._cols)
            del self._cells[self._cols :]
            self._touched = True

    def _clear(self, start: int, end: int) -> None:
        if start < end:
            self._split(start)
            self._split(end)
            self._cells[start:end] = [" "] * (end - start)
            self._touched = True

    def _split(self, at: int) -> None:
        """Blank a wide character that an edge at ``at`` would cut in halves."""
        if 0 < at < len(self._cells) and not self._cells[at]:
            self._cells[at - 1 : at + 1] = [" ", " "]

    def _place(self, cells: str | list[str], size: int) -> None:
        """Set cells at the cursor; they fit the row."""
        pos, filled = self.pos, len(self._cells)
        if pos < filled:
            self._split(pos)
            self._split(pos + size)
            self._touched = True
        elif pos > filled:
            self._cells += [" "] * (pos - filled)
        self._cells[pos : pos + size] = cells
        self.pos = pos + size

    def _put(self, char: str) -> None:
        """Write one character of any width; one without width joins the cell before the cursor."""
        size = cell_width(char)
        if size:
            if self.pos + size > self._cols:
                self._wrap()
            self._place([char, ""][:size], size)
        elif self._cells:
            at = min(self.pos, len(self._cells)) - 1
            while at > 0 and not self._cells[at]:
                at -= 1
            at = max(at, 0)
            if len(self._cells[at]) < MAX_CELL:
                self._cells[at] += char
        else:
            self._emit(char)

    def _wrap(self) -> None:
        """Hand the row on and begin the next one; a wide character leaves the last cell unused."""
        self._base += self.pos
        self._emit("".join(self._cells))
        self._cells.clear()
        self._touched = False
        self.pos = 0
