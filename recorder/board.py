"""The screen of a terminal as it looks: cells with styles, modes, scroll region, alternate screen.

May live here: what one operation does to the screen. May not: bytes (stage), time, the user's terminal.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pyte import modes
from pyte.screens import Char, Margins, StaticDefaultDict

from recorder.basics import Size
from recorder.canvas import Canvas, Cells
from recorder.styles import paper, sgr

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SIDE = 1000  # columns or rows; a recording may claim any number
ALTERNATE = frozenset({47, 1047, 1049})


class Spot(NamedTuple):
    """The cursor as it is saved and brought back."""

    x: int = 0
    y: int = 0
    style: str = ""
    drawing: tuple[bool, bool] = (False, False)
    shifted: int = 0


Row = StaticDefaultDict[int, Char]
Grid = dict[int, Row]
_BLANK = Char(" ", "")
_EMPTY: Row = StaticDefaultDict(_BLANK)


class Board(Canvas):
    """A screen of a size, to be written on."""

    def __init__(self, size: Size) -> None:
        """Begin empty."""
        self._tables: dict[str, tuple[Cells, Char | None]] = {}
        self._begin()
        super().__init__(_side(size.cols), _side(size.rows))
        self.buffer = grid()

    def _begin(self) -> None:
        self._saved = Spot()
        self._primary: tuple[Grid, Spot, Spot] | None = None  # while the alternate one is shown
        self._drawing = [False, False]  # whether G0 and G1 are line-drawing characters
        self._shifted = 0
        self._last = ""
        self.restyle("")

    @property
    def default_char(self) -> Char:
        """Return the cell of which nothing is known."""
        return _BLANK

    @property
    def size(self) -> Size:
        """Return the size now."""
        return Size(self.columns, self.lines)

    def row(self, y: int) -> Mapping[int, Char]:
        """Return the cells of a row by column; each has its text in ``data`` and its style in ``fg``."""
        return self.buffer.get(y, _EMPTY)

    def text(self, y: int) -> str:
        """Return the text of a row, without the blanks at its end."""
        row = self.row(y)
        return "".join([row[x].data for x in range(self.columns)]).rstrip(" ") if row else ""

    # --- modes and styles ------------------------------------------------------------------------

    def restyle(self, style: str) -> None:
        """Write in this style from now on."""
        self.style = style
        found = self._tables.get(style)
        if found is None:
            if len(self._tables) > 1000:  # a rainbow of true colours
                self._tables.clear()
            blank = Char(" ", paper(style)) if paper(style) else None
            found = self._tables[style] = (Cells(sgr(style)), blank)
        self.cells, self._blank = found  # the second is what erasing leaves (bce)

    def private(self, number: int, *, on: bool) -> None:
        """Set or unset a private mode."""
        if number == 25:
            self.cursor.hidden = not on
        elif number in {6, 7}:
            (self.mode.add if on else self.mode.discard)(number << 5)
            if number == 6:
                self.cursor_position()
        elif number == 1048:
            self.save_cursor() if on else self.restore_cursor()
        elif number in ALTERNATE:
            self._switch(number, on=on)

    def _switch(self, number: int, *, on: bool) -> None:
        """Show the alternate screen or the primary one again; 1049 brings the cursor back, too."""
        if on and self._primary is None:
            self._primary = (self.buffer, self.spot(), self._saved)
            self.buffer, self._saved = grid(), Spot()
        elif not on and self._primary is not None:
            self.buffer, spot, self._saved = self._primary
            self._primary = None
            if number == 1049:
                self.go_to(spot)

    @property
    def alternate(self) -> bool:
        """Say whether the alternate screen is shown."""
        return self._primary is not None

    def set_mode(self, *numbers: int, **_private: bool) -> None:
        """Insert instead of replacing (IRM); of the public modes the only one that shows."""
        if modes.IRM in numbers:
            self.mode.add(modes.IRM)

    def reset_mode(self, *numbers: int, **_private: bool) -> None:
        """Replace again."""
        if modes.IRM in numbers:
            self.mode.discard(modes.IRM)

    def set_margins(self, top: int | None = None, bottom: int | None = None) -> None:
        """Set the scroll region (DECSTBM), numbered from 1; the whole screen is none."""
        first, last = (top or 1) - 1, min(bottom or self.lines, self.lines) - 1
        if first < last:
            self.margins = None if (first, last) == (0, self.lines - 1) else Margins(first, last)
            self.cursor_position()

    # --- the cursor ------------------------------------------------------------------------------

    def spot(self) -> Spot:
        """Return where the cursor is, with its style."""
        drawing = (self._drawing[0], self._drawing[1])
        return Spot(self.cursor.x, self.cursor.y, self.style, drawing, self._shifted)

    def go_to(self, spot: Spot) -> None:
        """Bring the cursor back."""
        self.cursor.x, self.cursor.y = min(spot.x, self.columns), min(spot.y, self.lines - 1)
        self._drawing, self._shifted = list(spot.drawing), spot.shifted
        self.restyle(spot.style)

    def save_cursor(self) -> None:
        """Remember the cursor with its style; only the last one counts."""
        self._saved = self.spot()

    def restore_cursor(self) -> None:
        """Go back to what was remembered."""
        self.go_to(self._saved)

    def cursor_to_line(self, line: int | None = None) -> None:
        """Go to a row; the original raises in a scroll region that is none."""
        self.cursor_position(line, min(self.cursor.x, self.columns - 1) + 1)

    def _wrap(self) -> None:
        if modes.DECAWM in self.mode:
            super()._wrap()
        else:
            self.cursor.x = max(0, min(self.cursor.x, self.columns) - 1)

    def repeat(self, count: int = 1) -> None:
        """Write the last character again, if nothing but text came since."""
        if self._last:
            super().repeat(count)

    # --- rows ------------------------------------------------------------------------------------

    def index(self) -> None:
        """Move down one row; at the bottom everything moves up."""
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y != bottom:
            self.cursor.y = min(self.cursor.y + 1, self.lines - 1)
            return
        buffer = self.buffer
        for y in range(top, bottom):
            if (below := buffer.pop(y + 1, None)) is not None:
                buffer[y] = below
            else:
                buffer.pop(y, None)
        if top == bottom:
            buffer.pop(bottom, None)

    def soften(self) -> None:
        """Give modes and styles their usual values (DECSTR)."""
        self.margins = None
        self.cursor.hidden = False
        self.mode = {modes.DECAWM, modes.DECTCEM}
        self._drawing, self._shifted, self._saved = [False, False], 0, Spot()
        self.restyle("")

    def clear(self) -> None:
        """Begin anew (RIS)."""
        self._begin()
        self.reset()

    def _erase(self, row: dict[int, Char], start: int, end: int) -> None:
        super()._erase(row, start, end)
        if self._blank is not None:
            row.update(dict.fromkeys(range(start, end), self._blank))

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  (pyte's)
        """Erase in the cursor's row."""
        x = min(self.cursor.x, self.columns - 1)
        spans = ((x, self.columns), (0, x + 1), (0, self.columns))
        if how < len(spans):
            self._erase(self.buffer[self.cursor.y], *spans[how])

    def erase_characters(self, count: int | None = None) -> None:
        """Erase some cells from the cursor's on (ECH)."""
        x = min(self.cursor.x, self.columns - 1)
        self._erase(self.buffer[self.cursor.y], x, min(x + (count or 1), self.columns))

    def erase_in_display(self, how: int = 0, *_args: int, **_kwargs: bool) -> None:
        """Erase rows; what was scrolled away (3) is none of this screen."""
        y = self.cursor.y
        rows = (range(y + 1, self.lines), range(y), range(self.lines))
        for each in rows[how] if how < len(rows) else ():
            if self._blank is not None:
                self._erase(self.buffer[each], 0, self.columns)
            else:
                self.buffer.pop(each, None)
        if how < 2:
            self.erase_in_line(how)

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Take a new size; when it is less high, rows go at the top as far as the cursor needs it."""
        rows, cols = _side(lines or self.lines), _side(columns or self.columns)
        gone = max(0, self.cursor.y - rows + 1)
        self.buffer = _cut(self.buffer, gone, rows, cols)
        if self._primary is not None:
            buffer, spot, saved = self._primary
            up = max(0, spot.y - rows + 1)
            self._primary = (_cut(buffer, up, rows, cols), spot._replace(y=spot.y - up), saved)
        self.cursor.y -= gone
        self.cursor.x = min(self.cursor.x, cols - 1)
        self.columns, self.lines = cols, rows
        self.margins = None


def _side(number: int) -> int:
    return max(2, min(number, MAX_SIDE))


def grid(rows: Mapping[int, Mapping[int, Char]] | None = None) -> Grid:
    """Return a screen of its own with these rows."""
    made: Grid = defaultdict(_row)
    for y, cells in (rows or {}).items():
        made[y].update(cells)
    return made


def _row() -> Row:
    return StaticDefaultDict(_BLANK)


def plain(screen: Grid) -> dict[int, dict[int, Char]]:
    """Return the rows of a screen as what can be packed."""
    return {y: dict(row) for y, row in screen.items()}


def _cut(old: Grid, gone: int, rows: int, cols: int) -> Grid:
    """Return a screen without its first rows and what is outside of the new size."""
    kept = {y - gone: row for y, row in old.items() if gone <= y < gone + rows}
    return grid({y: {x: cell for x, cell in row.items() if x < cols} for y, row in kept.items()})
