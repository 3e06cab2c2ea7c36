"""Read off a virtual screen what stands in the line that a tool edits itself.

Pure (pyte, a terminal emulator without I/O, is imported at first use). A ``LineTracker`` is
cleared where an edit begins and fed only what is drawn from there on, never bulk output, because
emulation runs at about 1 MB/s. The anchor is the row where the edit began; a logical line may wrap
over several rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from recorder.ansi import Tokenizer, TokenKind

if TYPE_CHECKING:
    from recorder.ansi import Token
    from recorder.model import Size

MAX_PENDING = 16 << 10  # more undigested output than this is bulk: only its end matters
KEPT_TAIL = 2 << 10
_PRIVATE_SGR = re.compile(rb"\x1b\[[<=>?][0-9;]*[a-zA-Z]")  # pyte 0.8.2 raises or misreads these
_PRIVATE_MODE = re.compile(rb"\x1b\[\?[0-9;]*[hl]")
_DRAWN = frozenset({TokenKind.TEXT, TokenKind.CONTROL, TokenKind.CSI})


def _screen_class() -> type[Any]:
    """Return a pyte screen that also knows which rows are continued and where the edit began."""
    import pyte

    class WrappingScreen(pyte.Screen):  # type: ignore[misc]
        """A screen with soft-wrap flags and an anchor row, both kept right while it scrolls."""

        def __init__(self, cols: int, rows: int) -> None:
            self.wrapped: set[int] = set()  # rows that go on in the next one
            self.anchor = 0
            self._drawing = False
            super().__init__(cols, rows)

        def draw(self, data: str) -> None:
            self._drawing = True
            try:
                super().draw(data)
            finally:
                self._drawing = False

        def linefeed(self) -> None:
            if self._drawing:
                self.wrapped.add(self.cursor.y)
            else:
                self.wrapped.discard(self.cursor.y)
            super().linefeed()

        def index(self) -> None:
            bottom = (self.margins or (0, self.lines - 1))[1]
            if self.cursor.y == bottom:
                self.wrapped = {row - 1 for row in self.wrapped if row > 0}
                self.anchor = max(0, self.anchor - 1)
            super().index()

        def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
            super().erase_in_display(how, *args, **kwargs)
            if how in (2, 3):
                self.wrapped.clear()
                self.anchor = self.cursor.y
            elif how == 0:
                self.wrapped = {row for row in self.wrapped if row < self.cursor.y}

        def erase_in_line(self, how: int = 0, private: bool = False) -> None:  # noqa: FBT001, FBT002  (pyte's)
            super().erase_in_line(how, private)
            if how in (0, 2):
                self.wrapped.discard(self.cursor.y)

    return WrappingScreen


class LineTracker:
    """Follow the drawing of one tool's line editor."""

    def __init__(self, size: Size) -> None:
        """Begin with an empty screen of ``size``; nothing is imported yet."""
        self._size = size
        self._screen: Any = None
        self._stream: Any = None
        self._tokens = Tokenizer()
        self._pending = bytearray()

    def feed(self, data: bytes) -> None:
        """Take output; cheap, as it is digested only when somebody asks for a line."""
        self._pending += data
        if len(self._pending) > MAX_PENDING:
            tail = bytes(self._pending[-KEPT_TAIL:])
            self.clear()
            # Begin behind a line feed: the line it cuts is bulk output, not a prompt.
            self._pending = bytearray(tail[tail.find(b"\n") + 1 :])

    def clear(self) -> None:
        """Forget everything drawn so far."""
        self._pending.clear()
        self._tokens = Tokenizer()
        if self._screen is not None:
            self._screen.reset()
            self._screen.wrapped.clear()
            self._screen.anchor = 0

    def resize(self, size: Size) -> None:
        """Take a new size; the drawing is kept as far as it fits."""
        self._size = size
        if self._screen is not None:
            self._digest()
            self._screen.resize(size.rows, size.cols)

    def before_cursor(self) -> str:
        """Return the text from the anchor to the cursor, blanks included: a prompt, before any key."""
        if self._screen is None and not self._pending:
            return ""  # the emulator is not loaded for a tool that prints no prompt
        self._digest()
        y, x = self._screen.cursor.y, self._screen.cursor.x
        lines: list[str] = []
        row = self._screen.anchor
        while row < y:
            text, after = self._join(row)
            if after > y:
                break
            lines.append(text)
            row = after
        last = [self._row(part) for part in range(row, y)]
        last.append(self._row(y)[: _cells_to_index(self._screen, y, x)])
        return "\n".join([*lines, "".join(last)])

    def edited(self) -> list[str]:
        """Return the logical lines from the anchor down to the cursor's, its row aside when empty."""
        self._digest()
        lines: list[str] = []
        row, last = self._screen.anchor, self._screen.cursor.y
        if self._screen.cursor.x == 0 and not self._row(last).strip():
            last -= 1
        while row <= last:
            text, row = self._join(row)
            lines.append(text)
        return lines

    def _join(self, row: int) -> tuple[str, int]:
        """Return the logical line that begins at ``row`` and the row after it."""
        parts = [self._row(row)]
        while row in self._screen.wrapped and row + 1 < self._screen.lines:
            row += 1
            parts.append(self._row(row))
        return "".join(parts).rstrip(), row + 1

    def _row(self, row: int) -> str:
        """Return a row's text at full width; the empty cell behind a wide character adds nothing."""
        cells = self._screen.buffer[row]
        return "".join(cells[x].data for x in range(self._screen.columns))

    def _digest(self) -> None:
        if self._screen is None:
            import pyte

            self._screen = _screen_class()(self._size.cols, self._size.rows)
            self._stream = pyte.ByteStream(self._screen)
        if not self._pending:
            return
        data = bytes(self._pending)
        self._pending.clear()
        for token in self._tokens.feed(data):
            self._draw(token)

    def _draw(self, token: Token) -> None:
        """Feed one whole token; pyte's result depends on how input is cut, and it may raise."""
        kind, raw = token
        if kind not in _DRAWN and not (kind is TokenKind.ESC and raw[1:] in (b"7", b"8", b"D", b"M", b"E")):
            return
        if kind is TokenKind.CSI and _PRIVATE_SGR.fullmatch(raw) and not _PRIVATE_MODE.fullmatch(raw):
            return
        try:
            self._stream.feed(raw)
        except Exception:  # noqa: BLE001  (an emulator's fault must cost one line, not the recording)
            self._screen.reset()
            self._screen.wrapped.clear()
            self._screen.anchor = 0


def _cells_to_index(screen: Any, row: int, x: int) -> int:
    """Turn a column into an index of the row's text; a wide character fills two cells, one index."""
    cells = screen.buffer[row]
    return sum(len(cells[column].data) for column in range(min(x, screen.columns)))
