"""Turn a tool's output into the text that a person saw.

May live here: the choice of the cheapest way for each stretch of output: whole plain lines at once,
the row on which the cursor stands (row), a screen (emulation, imported when output first needs it).
May not: recording, times, or what the text means. Nothing here raises, whatever the bytes.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from recorder import ansi
from recorder.row import Row, expand, width

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.emulation import Screen

SLICE = 1 << 16  # output is digested in slices of this size, to bound the memory it takes
MAX_LINE = 1 << 16  # a line longer than this is handed on but for its last row
MAX_STRING = 1 << 16  # an unfinished OSC or DCS longer than this is no longer kept, only skipped
KEPT_LINES = 100  # so many lines can still be changed by output that moves up; see emulation.ROWS

# Sequences that change text; all others (colours, modes, titles, queries) are dropped first.
_LIVE = r"\[[0-9;]{0,40}+[@A-MPSTXZ`abdefrsu]|\[4[hl]|[78cDEM]"
_drop = re.compile(ansi.sequences(_LIVE).pattern).sub
_DROPPED = bytes(code for code in (*range(32), 127) if code not in b"\x08\t\n\x0b\x0c\r\x1b")
_LINE_FEEDS = bytes.maketrans(b"\x0b\x0c", b"\n\n")  # vertical tab and form feed move down, too
_c1 = re.compile("[\x80-\x9f]")

# Lines that no cursor moves back in; erasing to the right has no effect in them.
_plain = re.compile(
    "(?:[^\x08\n\r\x1b]*+(?:\x1b\\[0?[JK][^\x08\n\r\x1b]*+)*+\r*+\n)*+"
    "(?:[^\x08\n\r\x1b]*+(?:\x1b\\[0?[JK][^\x08\n\r\x1b]*+)*+\\Z)?+"
).match
_erasures = re.compile("\x1b\\[0?[JK]").sub
_returns = re.compile("\r+\n").sub
_find_tokens = re.compile("[^\x00-\x1f]+|\x1b\\[[0-9;]*[^0-9;]|\x1b.|\x08+|[\t\r\n]").findall
_ABSOLUTE = "Hfd"  # sequences that go to a row of the screen, wherever the text is

_EDITS = {
    "@": Row.insert_cells,
    "C": Row.right,
    "D": Row.left,
    "G": Row.column,
    "I": Row.tab,
    "P": Row.delete_cells,
    "X": Row.erase_cells,
    "Z": Row.tab_back,
    "`": Row.column,
    "a": Row.right,
    "b": Row.repeat,
}
_HARMLESS = {"\x1b[r", "\x1b[;r", "\x1b[4l", "\x1b[3J"}


def plain(data: bytes, cols: int) -> str:
    """Return the text of a whole piece of output on a terminal ``cols`` wide."""
    renderer = Renderer(cols)
    renderer.feed(data)
    return renderer.close()


class Renderer:
    """Render output that arrives in any pieces.

    Line feeds end lines, whether a carriage return comes with them or not; a row that is full is
    continued, not ended; text that was cleared from the screen stays.
    """

    def __init__(self, cols: int) -> None:
        """Begin on a clean line of a terminal ``cols`` wide; 0 is unknown and taken as 80."""
        self._cols = cols if cols > 0 else 80
        self._pending = b""  # the beginning of a sequence
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._return = ""  # a CR whose LF may follow
        self._out: list[str] = []  # finished text, not handed out yet
        self._line: list[str] = []  # the current line while nothing but writing at its end happens
        self._size = 0  # its characters
        self._base = 0  # cells of the current line that are in ``out`` already
        self._row: Row | None = None  # the current row, otherwise
        self._screen: Screen | None = None  # the whole screen, if rows are not enough
        self._taken = ""  # text of the current line that was handed out
        self._given = ""  # the last lines that were handed out

    def feed(self, data: bytes) -> None:
        """Take output."""
        for start in range(0, len(data), SLICE):
            text = self._decode(self._sift(data[start : start + SLICE]))
            if text:
                self._digest(text)

    def take(self, *, edited: bool = True) -> str:
        """Return the text that is new, as it is seen now; what is changed later appears once more.

        Without ``edited`` a row that is being edited, such as a progress bar, is left for later.
        """
        if self._screen is not None:
            self._out.append(self._screen.show())
        elif self._row is None or edited:
            line = self._row.text() if self._row is not None else "".join(self._line)
            self._emit(line)
            self._taken = line
        text = "".join(self._out)
        self._out.clear()
        if text:
            self._given = _last_lines((self._given + text)[-KEPT_LINES * (self._cols + 1) :], KEPT_LINES)
        return text

    @property
    def moved(self) -> bool:
        """Say whether the output goes to other rows than the current one: what was taken may change."""
        return self._screen is not None

    def close(self) -> str:
        """Return the rest, with what an unfinished character leaves, and begin on a clean line."""
        self._pending = b""
        if text := self._decode(b"", final=True):
            self._digest(text)
        text = self.take()
        self.__init__(self._cols)  # type: ignore[misc]  # a clean line is exactly a new renderer
        return text

    # --- bytes to text ---------------------------------------------------------------------------

    def _sift(self, data: bytes) -> bytes:
        """Return output without what does not show, cut where no sequence is open."""
        data = self._pending + data
        end = ansi.unfinished(data)
        self._pending = data[end:]
        if len(self._pending) > MAX_STRING:
            # What tells how it ends: its introducer, and the first half of its terminator.
            self._pending = self._pending[:2] + (b"\x1b" if data.endswith(b"\x1b") else b"")
        data = data[:end]
        if b"\x1b" in data:
            data = _drop(b"", data)
        return data.translate(_LINE_FEEDS, _DROPPED)

    def _decode(self, data: bytes, *, final: bool = False) -> str:
        """Return text, without C1 controls and without a CR at its end: a LF may follow."""
        text = self._decoder.decode(data, final)
        if not text.isascii():
            text = _c1.sub("", text)
        if text and self._return:
            text, self._return = self._return + text, ""
        if text.endswith("\r"):
            text, self._return = text.rstrip("\r"), "\r"
        return text

    # --- text to lines ---------------------------------------------------------------------------

    def _digest(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self._screen is not None:
                at += self._draw(self._screen, text[at:])
            elif self._row is None and (end := self._plain_end(text, at)) > at:
                self._append(text[at:end])
                at = end
            else:
                at = self._edit(text, at)

    @staticmethod
    def _plain_end(text: str, at: int) -> int:
        """Return where plain lines end that begin at ``at``."""
        if not at and "\x1b" not in text and "\b" not in text and text.count("\r") == text.count("\r\n"):
            return len(text)
        found = _plain(text, at)
        return found.end() if found else at

    def _append(self, text: str) -> None:
        """Take plain lines, the last of which may go on."""
        if "\r" in text:
            text = text.replace("\r\n", "\n")
            if "\r" in text:
                text = _returns("\n", text)
        if "\x1b" in text:
            text = _erasures("", text)
        if "\t" in text:
            text = self._expand(text)
        end = text.rfind("\n") + 1
        if end:
            self._emit("".join(self._line) + text[:end])
            self._line.clear()
            self._size = self._base = 0
        if end < len(text):
            self._line.append(text[end:])
            self._size += len(text) - end
            if self._size > MAX_LINE:
                row = self._to_row()
                self._line, self._size, self._base = [row.text()], self._cols, row.base

    def _expand(self, text: str) -> str:
        first, feed, rest = text.partition("\n")
        if "\t" in first:
            first = expand(first, self._base + sum(map(width, self._line)))
        if rest.isascii():
            rest = rest.expandtabs()
        else:
            rest = "\n".join(expand(line, 0) if "\t" in line else line for line in rest.split("\n"))
        return first + feed + rest

    def _emit(self, text: str) -> None:
        """Add finished text; of what was handed out already only what is new."""
        if self._taken:
            taken, self._taken = self._taken, ""
            if taken.startswith(text):
                self._taken = taken[len(text) :]
                text = ""
            else:
                text = text[len(taken) :] if text.startswith(taken) else "\n" + text
        if text:
            self._out.append(text)

    # --- one row ---------------------------------------------------------------------------------

    def _to_row(self) -> Row:
        """Return the current line as a row; the full rows before it are finished."""
        row = Row(self._cols, self._emit, self._base)
        if line := "".join(self._line):
            row.write(line)
        self._line.clear()
        self._size = self._base = 0
        return row

    def _edit(self, text: str, at: int) -> int:
        """Edit the current row up to its line feed, or until the screen is needed; return how far."""
        row = self._row = self._row or self._to_row()
        stop = text.find("\n", at) + 1 or len(text)
        for part in _find_tokens(text[at:stop]):
            at += len(part)
            first = part[0]
            if first >= " ":
                row.write(part)
            elif first == "\r":
                row.pos = 0
            elif first == "\b":
                row.left(len(part))
            elif first == "\t":
                row.tab()
            elif first == "\n":
                self._row = None
                self._emit(row.text() + "\n")
            elif not self._sequence(row, part):
                self._enter(row, part)
                return at
        return stop

    def _sequence(self, row: Row, part: str) -> bool:
        """Carry out a sequence on the row; return False if it needs more than that."""
        final = part[-1]
        if part in _HARMLESS:
            return True
        if part == "\x1bc" or (final == "J" and _count(part) == 2):
            # The screen is cleared, but what it showed was printed.
            if line := row.text():
                self._emit(line + "\n")
            row.clear()
            row.pos = 0 if part == "\x1bc" else row.pos
        elif part[1] != "[":
            return False
        elif final in "JK":
            row.erase(_count(part))
        elif edit := _EDITS.get(final):
            edit(row, _count(part) or 1)
        else:
            return False
        return True

    # --- the screen ------------------------------------------------------------------------------

    def _enter(self, row: Row, part: str) -> None:
        """Go on with a screen that shows the last lines, and begin with the sequence ``part``."""
        from recorder.emulation import Screen

        self._row = None
        absolute = part[1] == "[" and part[-1] in _ABSOLUTE
        screen = self._screen = Screen(self._cols, absolute=absolute)
        line = row.text()
        if not absolute:
            text = self._recall()
            given = _last_lines(self._given, KEPT_LINES - text.count("\n"))
            if self._taken:
                text = line[len(self._taken) :] if line.startswith(self._taken) else "\r\x1b[K" + line
                self._taken = ""
            else:
                text += line
            self._guarded(screen, lambda: screen.load(given, text, row.pos))
        elif line:
            self._emit(line + "\n")
        self._draw(screen, part)

    def _recall(self) -> str:
        """Take back the last lines that were not handed out."""
        parts: list[str] = []
        found = 0
        while self._out and found <= KEPT_LINES:
            parts.append(self._out.pop())
            found += parts[-1].count("\n")
        text = "".join(reversed(parts))
        kept = _last_lines(text, KEPT_LINES)
        if len(kept) < len(text):
            self._out.append(text[: len(text) - len(kept)])
        return kept

    def _draw(self, screen: Screen, text: str) -> int:
        """Draw on the screen while it is needed; return how much of ``text`` was drawn."""
        self._guarded(screen, lambda: screen.feed(text))
        if screen.done:
            self._screen = None
            self._out.append(screen.dump())
            if screen.cursor.x:
                self._row = Row(self._cols, self._emit)
                self._row.pos = screen.cursor.x
        return screen.at

    def _guarded(self, screen: Screen, action: Callable[[], None]) -> None:
        """Let an emulator's fault cost the screen, not the recording."""
        try:
            action()
        except Exception:  # noqa: BLE001  (pyte raises whatever a sequence brings it to)
            screen.fail()


def _last_lines(text: str, count: int) -> str:
    """Return the last ``count`` whole lines and what follows them."""
    parts = text.rsplit("\n", count + 1)
    return text if len(parts) <= count + 1 else "\n".join(parts[1:])


@lru_cache(maxsize=512)
def _count(part: str) -> int:
    """Return the first parameter of a sequence, 0 if it has none."""
    return min(int(part[2:-1].partition(";")[0] or 0), 9999)
