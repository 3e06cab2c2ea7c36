"""A screen for output that moves over several rows, and the text that it leaves behind.

May live here: what a pyte screen lacks for our purpose: text that scrolls off or is cleared is kept,
rows that wrap are joined, queries and colours do not exist. May not: anything for output that one
row can do (row, text), and importing this before such output arrives: pyte costs 26 ms and 8 MiB.
"""

from __future__ import annotations

import re

from pyte import modes
from pyte.screens import Char

from recorder.canvas import ESCAPES, METHODS, STUB, Canvas

ROWS = 100  # more than a terminal has: moves are relative, so a taller screen only shows more
LOOK = 16  # so many line feeds between two looks whether the screen can be left

_find_tokens = re.compile("[^\x00-\x1f]+|\x1b\\[[0-9;]*[^0-9;]|\x1b.|[\x08\t\r\n]").findall
_WRAPPED = -1  # a row's key for "goes on in the next row"
_GIVEN = -2  # for its text when that was handed out, with its line feed
_BEGUN = -3  # ... without


_KEEPS = "@CDGIKPXZ`abl"  # what one row can do, too


_EMPTY: dict[int, Char] = {}


class Screen(Canvas):
    """Draw tokens; text that leaves the screen is kept for ``take``."""

    def __init__(self, cols: int, *, absolute: bool) -> None:
        """Begin empty; ``absolute`` says that the tool addresses rows: empty ones at the top are not text."""
        self._gone: list[str] = []
        self.at = 0
        self.done = False  # the coming output needs to know of this screen only the column
        self._settled = 0  # line feeds since the last token that needs this screen
        self._open = False  # what was handed out ended without a line feed
        self._leading = absolute
        self._homed = False  # the cursor was just sent to the top left corner
        self._saved = (0, 0)
        super().__init__(cols, ROWS)

    # --- in and out ------------------------------------------------------------------------------

    def load(self, given: str, text: str, column: int) -> None:
        """Draw the lines that were there before, ``given`` handed out already; go to ``column``."""
        self.feed(given.replace("\n", "\r\n"))
        self._gone.clear()
        self._mark()
        self.feed(text.replace("\n", "\r\n"))
        self.cursor.x = column
        self._settled = 0

    def show(self) -> str:
        """Return what is new: text that left the screen, and that on it; the last row has no line feed."""
        last = self._last_row()
        for y in range(last):
            self._retire(y)
        self._gone.append(self._news(last, self._text(last), ""))
        self._mark()
        text = "".join(self._gone)
        self._gone.clear()
        return text

    def dump(self) -> str:
        """Return what is new, and clear the screen."""
        text = self.show()
        self.buffer.clear()
        return text

    def _last_row(self) -> int:
        return max(max((y for y in self.buffer if self._text(y)), default=0), self.cursor.y)

    def _mark(self) -> None:
        """Remember that all rows were handed out."""
        last = self._last_row()
        for y in range(last):
            self.buffer[y][_GIVEN] = Char(self._text(y).rstrip(" "))
        text = self._text(last)
        self._open = bool(text)
        if text:
            self.buffer[last][_BEGUN] = Char(text)

    # --- drawing ---------------------------------------------------------------------------------

    def feed(self, text: str) -> None:
        """Draw tokens until this screen is needed no more; ``at`` is then how much of ``text`` was drawn."""
        self.at = 0
        for part in _find_tokens(text):
            self.at += len(part)
            if part >= " ":
                self.draw(part)
                self._homed = False
            elif part == "\n":
                self.linefeed()
                self._homed = False
                self._settled += 1
                if self._settled > ROWS and self._settled % LOOK == 0:
                    self.done = self._at_rest() and self._blank_from(self.cursor.y)
            elif part == "\r":
                self.cursor.x = 0
            elif part == "\b":
                self.backspace()
            elif part == "\t":
                self.tab()
            else:
                self.done = self._sequence(part) and self._at_rest() and not any(self.buffer.values())
            if self.done:
                return
        self.at = len(text)

    def fail(self) -> None:
        """Give up drawing: keep what was there, and be done."""
        self.margins = None
        self.done = True

    def _at_rest(self) -> bool:
        """Say whether nothing but text, the cursor and what was handed out makes the screen."""
        return self.margins is None and modes.IRM not in self.mode

    def _blank_from(self, top: int) -> bool:
        return not any(self._text(y) for y in range(top, ROWS) if y in self.buffer)

    def _sequence(self, token: str) -> bool:
        """Carry out a sequence; return whether it left an empty screen with the cursor in its corner."""
        final = token[-1]
        if token[1] != "[":
            self._settled = 0
            getattr(self, ESCAPES[final])()
            return final == "c"
        if final not in _KEEPS:
            self._settled = 0
        name, count = METHODS[final]
        params = [min(int(part or 0), 9999) for part in token[2:-1].split(";")][:count]
        getattr(self, name)(*params)
        self._homed = final in "Hf" and self.cursor.x == self.cursor.y == 0
        return final in "HfJ" and self.cursor.x == self.cursor.y == 0

    def _wrap(self) -> None:
        self.buffer[self.cursor.y][_WRAPPED] = STUB
        super()._wrap()

    def index(self) -> None:
        """Move down one row; at the bottom the top row leaves the screen."""
        top, bottom = self.margins or (0, ROWS - 1)
        if self.cursor.y != bottom:
            self.cursor.y = min(self.cursor.y + 1, ROWS - 1)
            return
        if top == 0:
            self._retire(0)
        for y in range(top, bottom):
            self.buffer[y] = self.buffer[y + 1]
        self.buffer.pop(bottom, None)

    def clear(self) -> None:
        """Begin with an empty screen, and keep the text of this one (RIS)."""
        self.erase_in_display(2)
        self.reset()

    def erase_in_display(self, how: int = 0, *_args: int, **_kwargs: bool) -> None:
        """Erase; what a cleared screen showed was printed, and is kept."""
        if how == 2 or (how == 0 and self._homed):
            for y in range(max((y for y in self.buffer if self._text(y)), default=-1) + 1):
                self._retire(y)
            self.buffer.clear()
        elif how == 1:
            for y in range(self.cursor.y):
                self._retire(y)
                self.buffer.pop(y, None)
                self.buffer[y][_GIVEN] = STUB
            self.erase_in_line(1)
        elif how == 0:
            for y in range(self.cursor.y + 1, ROWS):
                if y in self.buffer:
                    self._erase(self.buffer[y], 0, self.columns)
            self.erase_in_line(0)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  (pyte's)
        """Erase in the cursor's row; as in one row, a pending wrap protects the last column."""
        row, x = self.buffer[self.cursor.y], self.cursor.x
        start, end = ((x, self.columns), (0, x + 1), (0, self.columns))[how if how < 3 else 0]
        self._erase(row, start, end)

    def _erase(self, row: dict[int, Char], start: int, end: int) -> None:
        super()._erase(row, start, end)
        if start < end == self.columns:
            row.pop(_WRAPPED, None)

    def save_cursor(self) -> None:
        """Remember the cursor's place; only the last one counts."""
        self._saved = (self.cursor.x, self.cursor.y)

    def restore_cursor(self) -> None:
        """Go back to the place remembered."""
        self.cursor.x, self.cursor.y = self._saved

    # --- reading ---------------------------------------------------------------------------------

    def _text(self, y: int) -> str:
        if y not in self.buffer:
            return ""
        cells = self.buffer[y]
        last = max((x for x in cells if x < self.columns), default=-1)
        text = "".join([cells[x].data if x in cells else " " for x in range(last + 1)])
        return text if self._joins(y) else text.rstrip(" ")

    def _joins(self, y: int) -> bool:
        cells = self.buffer[y]
        return _WRAPPED in cells and self.columns - 1 in cells

    def _retire(self, y: int) -> None:
        """Keep the text of a row that leaves the screen."""
        text = self._text(y)
        if self._leading and not text:
            return
        self._leading = False
        self._gone.append(self._news(y, text, "" if y in self.buffer and self._joins(y) else "\n"))

    def _news(self, y: int, text: str, end: str) -> str:
        """Return what a row says beyond what was handed out of it; one erased since says nothing."""
        row = self.buffer.get(y, _EMPTY)
        opened, begun = self._open, row[_BEGUN].data if _BEGUN in row else None
        if _GIVEN in row and text.rstrip(" ") in {"", row[_GIVEN].data}:
            return ""
        self._open = False
        if opened and begun is not None and text.startswith(begun):
            return text[len(begun) :] + end
        return ("\n" if opened and text else "") + text + end
