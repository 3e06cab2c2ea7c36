"""A stage drawn on the user's terminal: only what has changed, by text, styles and the cursor's place.

Pure. May live here: cells to bytes, what part of a larger screen is seen. May not: recorded bytes (only
cells come here), the terminal. What goes out is printable text, SGR, CUP and the cursor's visibility.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.row import cell_width, single
from recorder.safe import visible
from recorder.styles import colourless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.basics import Size
    from recorder.stage import Stage

Cell = tuple[str, str]  # what stands there ("": the right half of a wide character), and its SGR parameters
Line = list[Cell]
_BLANK: Cell = (" ", "")
_DIM = "2"
_RIGHT, _BELOW, _CORNER = "│", "─", "┘"
LEAST_ROWS = 3  # below it there is no room for a bar


class Painter:
    """What the terminal shows, and how to make it show something else."""

    def __init__(self, size: Size, *, colour: bool) -> None:
        """Begin on a cleared screen."""
        self._colour = colour
        self._left = self._top = 0  # of the stage, what stands in the terminal's corner
        self.resize(size)

    def resize(self, size: Size) -> None:
        """Take the terminal's size; everything is drawn anew."""
        self.size = size
        self._shown: list[Line | None] = [None] * size.rows
        self._cursor: tuple[int, int] | None = None

    def frame(self, stage: Stage, bar: Sequence[Cell] | None, words: str = "") -> bytes:
        """Return what makes the terminal show a stage; ``words`` stand out, the bar covers the last row."""
        rows = self.size.rows - (bar is not None)
        self._follow(stage, rows)
        lines = [self._line(stage, y, words) for y in range(rows)]
        x, y = min(stage.cursor.x, stage.columns - 1) - self._left, stage.cursor.y - self._top
        seen = not stage.cursor.hidden and 0 <= x < self.size.cols and 0 <= y < rows
        return self._paint([*lines, *([list(bar)] if bar is not None else [])], (x, y) if seen else None)

    def page(self, texts: Sequence[str], bar: Sequence[Cell]) -> bytes:
        """Return what makes the terminal show lines of text of our own, and the bar."""
        lines = [cells(text, "") for text in texts[: self.size.rows - 1]]
        lines += [[] for _ in range(self.size.rows - 1 - len(lines))]
        return self._paint([*lines, list(bar)], None)

    # --- what is to be seen ----------------------------------------------------------------------

    def _follow(self, stage: Stage, rows: int) -> None:
        """Move over a stage that is larger than the terminal only as far as the cursor asks for it."""
        x, y = min(stage.cursor.x, stage.columns - 1), stage.cursor.y
        self._left = _moved(self._left, x, self.size.cols, stage.columns)
        self._top = _moved(self._top, y, rows, stage.lines)

    def _line(self, stage: Stage, y: int, words: str) -> Line:
        y += self._top
        inside = min(stage.columns - self._left, self.size.cols)
        if y >= stage.lines:
            if y > stage.lines or stage.lines < 2:
                return []
            corner = [(_CORNER, _DIM)] if inside < self.size.cols else []
            return [(_BELOW, _DIM)] * inside + corner
        row = stage.row(y)
        line: Line = []
        wide = False
        for x in range(self._left, self._left + inside):
            cell = row[x]
            data, style = cell.data, cell.fg if self._colour else colourless(cell.fg)
            if not data:
                line.append(("", style) if wide else (" ", style))
                wide = False
                continue
            wide = not data.isascii() and cell_width(data[0]) == 2
            if wide and (x + 1 >= self._left + inside or row[x + 1].data):
                data, wide = " ", False
            line.append((data, style))
        if words:
            _mark(line, words)
        if inside < self.size.cols:
            line.append((_RIGHT, _DIM))
        return line

    # --- what is to be done ----------------------------------------------------------------------

    def _paint(self, lines: list[Line], cursor: tuple[int, int] | None) -> bytes:
        cols = self.size.cols
        out: list[str] = []
        for y, line in enumerate(lines):
            wanted = _fit(line, cols)
            if wanted != self._shown[y]:
                out.append(_changes(y, wanted, self._shown[y]))
                self._shown[y] = wanted
        if not out and cursor == self._cursor:
            return b""
        self._cursor = cursor
        show = "" if cursor is None else f"\x1b[{cursor[1] + 1};{cursor[0] + 1}H\x1b[?25h"
        return "".join(["\x1b[?25l", *out, "\x1b[m", show]).encode()


def cells(text: str, style: str) -> Line:
    """Return text of our own or of the user as cells; what controls is shown."""
    line: Line = []
    for char in visible(text):
        size = 1 if single(char) else cell_width(char)
        if size:
            line.append((char, style))
            line += [("", style)] * (size - 1)
    return line


def _fit(line: Line, cols: int) -> Line:
    """Return a line as wide as the terminal; half a character is none."""
    if len(line) > cols and not line[cols][0]:
        return [*line[: cols - 1], _BLANK]
    return [*line[:cols], *[_BLANK] * (cols - len(line))]


def _moved(first: int, cursor: int, room: int, whole: int) -> int:
    """Return what comes first of ``whole``, so that the cursor is among the ``room`` that are seen."""
    room = max(1, room)
    if cursor < first:
        first = cursor
    elif cursor >= first + room:
        first = cursor - room + 1
    return max(0, min(first, whole - room))


def _changes(y: int, line: Line, shown: Line | None) -> str:
    """Return what makes a row show a line, from the first cell that differs to the last."""
    first, last = 0, len(line)
    if shown is not None:
        while first < last and line[first] == shown[first]:
            first += 1
        while last > first and line[last - 1] == shown[last - 1]:
            last -= 1
    while first > 0 and not line[first][0]:
        first -= 1
    if shown is not None:
        while first > 0 and not shown[first][0]:
            first -= 1  # the left half of what stood there goes, too
        while first > 0 and not line[first][0]:
            first -= 1
    out: list[str] = []
    style: str | None = None
    placed = False
    for x in range(first, last):
        data, wanted = line[x]
        if not data:
            continue
        if not placed:
            out.append(f"\x1b[{y + 1};{x + 1}H")
        if wanted != style:
            out.append(f"\x1b[0;{wanted}m" if wanted else "\x1b[m")
            style = wanted
        out.append(data)
        # Terminals do not agree on how wide other characters are.
        placed = single(data)
    return "".join(out)


def _mark(line: Line, words: str) -> None:
    """Let words in a line stand out."""
    columns = [x for x, (data, _style) in enumerate(line) for _char in data.casefold()]
    text, wanted = "".join(data.casefold() for data, _style in line), words.casefold()
    at = text.find(wanted)
    while at >= 0:
        for x in range(columns[at], columns[at + len(wanted) - 1] + 1):
            data, style = line[x]
            turned = "27;1;4" if "7" in style.split(";") else "7"
            line[x] = (data, f"{style};{turned}" if style else turned)
        at = text.find(wanted, at + len(wanted))
