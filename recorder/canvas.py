"""What both of our whole-screen emulations have in common: a pyte screen with what pyte lacks or gets wrong.

May live here: cells, drawing, wrapping, moving rows, and which sequence is which method. May not: what
becomes of text that leaves the screen (emulation), styles, modes and bytes (stage), and being imported before
something needs a whole screen: pyte costs 26 ms and 8 MiB. Of a cell only ``data`` is used, and ``fg``, which
holds all of its style.
"""

from __future__ import annotations

import pyte
from pyte import modes
from pyte.screens import Char

from recorder.row import TAB, cell_width, single

MAX_MARKS = 64  # on one letter; more are an attack

ESCAPES = {
    "7": "save_cursor",
    "8": "restore_cursor",
    "D": "index",
    "E": "new_line",
    "M": "reverse_index",
    "c": "clear",
}
METHODS = {  # by final byte: what to call with how many parameters at most
    "@": ("insert_characters", 1),
    "A": ("cursor_up", 1),
    "B": ("cursor_down", 1),
    "C": ("cursor_forward", 1),
    "D": ("cursor_back", 1),
    "E": ("cursor_down1", 1),
    "F": ("cursor_up1", 1),
    "G": ("cursor_to_column", 1),
    "H": ("cursor_position", 2),
    "I": ("tab", 1),
    "J": ("erase_in_display", 1),
    "K": ("erase_in_line", 1),
    "L": ("insert_lines", 1),
    "M": ("delete_lines", 1),
    "P": ("delete_characters", 1),
    "S": ("scroll_up", 1),
    "T": ("scroll_down", 1),
    "Z": ("tab_back", 1),
    "X": ("erase_characters", 1),
    "`": ("cursor_to_column", 1),
    "a": ("cursor_forward", 1),
    "b": ("repeat", 1),
    "d": ("cursor_to_line", 1),
    "e": ("cursor_down", 1),
    "f": ("cursor_position", 2),
    "h": ("set_mode", 1),
    "l": ("reset_mode", 1),
    "r": ("set_margins", 2),
    "s": ("save_cursor", 0),
    "u": ("restore_cursor", 0),
}


class Cells(dict[str, Char]):
    """A cell for every character in one style, made once."""

    def __init__(self, style: str = "") -> None:
        """Begin with none."""
        super().__init__()
        self._style = style

    def __missing__(self, char: str) -> Char:
        cell = self[char] = Char(char, self._style)
        return cell


PLAIN = Cells()
STUB = PLAIN[""]  # behind a wide character


class Canvas(pyte.Screen):
    """A screen to draw on. Styles are what ``cells`` is set to."""

    cells = PLAIN
    _last = " "

    # --- text ------------------------------------------------------------------------------------

    def draw(self, data: str) -> None:
        """Write printable characters; twice as fast as the original, and it never stops in the middle."""
        self._last = data[-1]
        if modes.IRM in self.mode or not single(data):
            for char in data:
                self._put(char)
            return
        at = 0
        cursor = self.cursor
        while at < len(data):
            if cursor.x >= self.columns:
                self._wrap()
            part = data[at : at + self.columns - cursor.x]
            row = self.buffer[cursor.y]
            end = cursor.x + len(part)
            self._split(row, cursor.x)
            self._split(row, end)
            row.update(zip(range(cursor.x, end), map(self.cells.__getitem__, part), strict=True))
            cursor.x = end
            at += len(part)

    def _put(self, char: str) -> None:
        size = cell_width(char)
        cursor = self.cursor
        if not size:
            row, x = self.buffer[cursor.y], cursor.x - 1
            while x > 0 and not row[x].data:
                x -= 1
            if x >= 0 and len(row[x].data) < MAX_MARKS:
                row[x] = row[x]._replace(data=row[x].data + char)
            return
        if cursor.x + size > self.columns:
            if cursor.x < self.columns:
                # The cell that a wide character leaves unused is part of the joined line, and empty.
                self.buffer[cursor.y].setdefault(self.columns - 1, STUB)
            self._wrap()
        if modes.IRM in self.mode:
            self.insert_characters(size)
        row = self.buffer[cursor.y]
        self._split(row, cursor.x)
        self._split(row, cursor.x + size)
        row[cursor.x] = self.cells[char]
        if size > 1:
            row[cursor.x + 1] = self.cells[""]
        cursor.x += size

    def _wrap(self) -> None:
        self.cursor.x = 0
        self.index()

    def _split(self, row: dict[int, Char], x: int) -> None:
        """Blank a wide character that an edge at ``x`` would cut in halves."""
        if x > 0 and x in row and not row[x].data:
            row[x - 1] = row[x] = self.cells[" "]

    def repeat(self, count: int = 1) -> None:
        """Write the last character again."""
        self.draw(self._last * min(count or 1, self.columns))

    # --- erasing and moving ------------------------------------------------------------------------

    def _erase(self, row: dict[int, Char], start: int, end: int) -> None:
        self._split(row, start)
        self._split(row, end)
        for key in [key for key in row if start <= key < end]:
            del row[key]

    def new_line(self) -> None:
        """Go to the beginning of the next row (NEL)."""
        self.cursor.x = 0
        self.index()

    def delete_lines(self, count: int | None = None) -> None:
        """Take out rows from the cursor's on; the original forgets to move up rows that are empty."""
        top, bottom = self.margins or (0, self.lines - 1)
        if not top <= self.cursor.y <= bottom:
            return
        for y in range(self.cursor.y, bottom + 1):
            row = self.buffer.pop(y + (count or 1), None) if y + (count or 1) <= bottom else None
            self.buffer.pop(y, None)
            if row is not None:
                self.buffer[y] = row
        self.cursor.x = 0

    def scroll_up(self, count: int = 1) -> None:
        """Move all rows up (SU)."""
        y = self.cursor.y
        self.cursor.y = (self.margins or (0, self.lines - 1))[1]
        for _ in range(min(count or 1, self.lines)):
            self.index()
        self.cursor.y = y

    def scroll_down(self, count: int = 1) -> None:
        """Move all rows down (SD)."""
        y = self.cursor.y
        self.cursor.y = (self.margins or (0, self.lines - 1))[0]
        for _ in range(min(count or 1, self.lines)):
            self.reverse_index()
        self.cursor.y = y

    def tab(self, count: int = 1) -> None:
        """Go forward to tab stops."""
        self.cursor.x = min((self.cursor.x // TAB + (count or 1)) * TAB, self.columns - 1)

    def tab_back(self, count: int = 1) -> None:
        """Go back to tab stops."""
        self.cursor.x = max(0, (self.cursor.x - 1) // TAB + 1 - (count or 1)) * TAB
