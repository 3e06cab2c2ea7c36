"""A screen on which a tool edits its line: what wraps, and where the edit began.

May live here: what a pyte screen lacks for `lines`. May not: what a prompt or a command is, and
being imported before a tool edits its own line: pyte costs 26 ms and 8 MiB.
"""

from __future__ import annotations

import pyte
from pyte.screens import Char

from recorder.row import MAX_CELL, cell_width

_UNUSED = Char("")
# Taller than any terminal, with room above the anchor: editors move by rows relative to their own,
# and some go up before they go down.
ROWS = 200
ANCHOR = 40


class EditScreen(pyte.Screen):
    """A screen with soft-wrap flags and an anchor row, both kept right while it scrolls.

    readline moves down no farther than the terminal is high. What an edit has below, it draws row after
    row into the same one, each over the one before (`_rl_move_vert`); ``over`` keeps those.
    """

    def __init__(self, cols: int, height: int) -> None:
        """Begin empty, with the cursor at the anchor; ``height`` is what the tool's terminal has."""
        self.height = height
        self.over: list[tuple[str, bool]] = []  # text, and whether it goes on in the next
        self.bottom = 0  # the row in which they were drawn
        self._arrived = False  # the cursor came down a row, and nothing has been drawn since
        self._returned = 0  # the row in which it went to the first column
        self.wrapped: set[int] = set()  # rows that go on in the next one
        self.anchor = ANCHOR
        self.scrolled = False  # below the last row
        self._drawing = False
        super().__init__(cols, ROWS)
        self.begin()

    def begin(self) -> None:
        """Forget everything drawn so far."""
        self.reset()
        self.wrapped.clear()
        self.over.clear()
        self.bottom = self._returned = 0
        self._arrived = False
        self.anchor = self.cursor.y = ANCHOR
        self.scrolled = False

    def text(self, row: int) -> str:
        """Return a row's text at full width; the empty cell behind a wide character adds nothing."""
        cells = self.buffer[row]
        return "".join(cells[x].data for x in range(self.columns))

    def goes_on(self, row: int) -> bool:
        """Say whether a logical line goes on in the next row; fish ends a full row with a line feed."""
        if row + 1 >= self.lines:
            return False
        return row in self.wrapped or self.buffer[row][self.columns - 1].data != " "

    def draw(self, data: str) -> None:
        """Write characters; a line feed meanwhile is a wrap."""
        if self.cursor.y >= self.anchor + self.height:
            self._draw_low()
        self._drawing = True
        try:
            if data.isascii():
                super().draw(data)
                return
            for char in data:
                size = cell_width(char)
                if not size:
                    self._join(char)
                    continue
                if size > 1:
                    self._make_room()
                super().draw(char)
        finally:
            self._drawing = False

    def _draw_low(self) -> None:
        """Keep a row that is drawn over; a pass that comes from above draws all of them again."""
        row = self.cursor.y
        if self._arrived:
            self._begin_low()
        elif row == self._returned and not self.cursor.x and (text := self.text(row)).strip():
            self.over.append((text, self.goes_on(row)))
            self.erase_in_line(2)
        self._arrived = False
        self._returned = 0

    def _begin_low(self) -> None:
        self.over.clear()
        self.bottom = self.cursor.y
        self._arrived = False
        self._returned = 0

    def carriage_return(self) -> None:
        """Go to the first column; what is drawn there next may be another row."""
        super().carriage_return()
        self._returned = self.cursor.y

    def _join(self, char: str) -> None:
        """Add a character without a width to the one before it; pyte drops most of them."""
        row, x = self.buffer[self.cursor.y], self.cursor.x - 1
        while x > 0 and not row[x].data:
            x -= 1
        if x >= 0 and len(row[x].data) < MAX_CELL:
            row[x] = Char(row[x].data + char)

    def _make_room(self) -> None:
        """Wrap before a wide character that does not fit; the cell that it leaves unused is no blank.

        pyte would squeeze it in. readline and zsh fill the cell with a blank and let the terminal
        wrap; fish leaves it and begins a new row.
        """
        x, y, last = self.cursor.x, self.cursor.y, self.columns - 1
        if x == last or (x > last and self.buffer[y][last].data == " "):
            self.buffer[y][last] = _UNUSED
            self.cursor.x = self.columns
        elif x == 0 and self._is_one_short(y - 1):
            self.buffer[y - 1][last] = _UNUSED
            self.wrapped.add(y - 1)

    def _is_one_short(self, row: int) -> bool:
        cells, last = self.buffer[row], self.columns - 1
        if row < self.anchor or row in self.wrapped:
            return False
        return cells[last].data == " " and cells[last - 1].data != " "

    def linefeed(self) -> None:
        """Move down. A line feed of the tool's own tells nothing: editors move so in a wrapped line."""
        if self._drawing:
            self.wrapped.add(self.cursor.y)
        super().linefeed()
        self._arrived = True
        if self._drawing and self.cursor.y >= self.anchor + self.height:
            self._begin_low()

    def index(self) -> None:
        """Move down one row; at the bottom everything moves up."""
        if self.cursor.y == (self.margins or (0, self.lines - 1))[1]:
            self.wrapped = {row - 1 for row in self.wrapped if row > 0}
            self.anchor = max(0, self.anchor - 1)
            self.scrolled = True
        super().index()

    def delete_lines(self, count: int | None = None) -> None:
        """Take out rows; pyte 0.8.2 keeps one as it was if nothing was ever drawn where its successor is."""
        for row in range(self.cursor.y, self.lines):
            self.buffer[row]  # a defaultdict: from now on it is there
        super().delete_lines(count)

    def cursor_position(self, line: int | None = None, column: int | None = None) -> None:
        """Go to a place; an edit that is drawn above its first row begins there from then on."""
        super().cursor_position(line, column)
        self.anchor = min(self.anchor, self.cursor.y)

    def erase_in_display(self, how: int = 0, *args: object, **kwargs: object) -> None:
        """Erase; an edit that goes on after the screen was cleared begins where the cursor is."""
        super().erase_in_display(how, *args, **kwargs)
        if how in {2, 3} or self.cursor.y < self.bottom:
            self.over.clear()
        if how in {2, 3}:
            self.wrapped.clear()
            self.anchor = self.cursor.y
        elif how == 0:
            self.wrapped = {row for row in self.wrapped if row < self.cursor.y}

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:  # noqa: FBT001, FBT002  (pyte's)
        """Erase; a row that has lost its end does not go on."""
        super().erase_in_line(how, private)
        if how in {0, 2}:
            self.wrapped.discard(self.cursor.y)
