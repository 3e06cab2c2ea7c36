"""Read off a virtual screen what stands in the line that a tool edits itself.

Pure (pyte, a terminal emulator without I/O, is imported at first use, with `editscreen`). A
``LineTracker`` is cleared where an edit begins and fed only what is drawn from there on, never bulk
output, because emulation runs at about 1 MB/s. The anchor is the row where the edit began; a
logical line may wrap over several rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recorder.ansi import Tokenizer, TokenKind, csi

if TYPE_CHECKING:
    from recorder.ansi import Token
    from recorder.model import Size

MAX_PENDING = 16 << 10  # bytes; what is digested at once, some 16 ms
KEPT_TAIL = 2 << 10
# Sequences that draw or move. pyte 0.8.2 raises on private ones and prints the rest of some others;
# colours (m) and questions (c, n) are of no use here.
_MOVES = frozenset(bytes([final]) for final in b"@ABCDEFGHIJKLMPXZ`adefhlrsu")
_ESCAPES = frozenset({b"\x1b7", b"\x1b8", b"\x1bD", b"\x1bM", b"\x1bE"})


class LineTracker:
    """Follow the drawing of one tool's line editor."""

    def __init__(self, size: Size) -> None:
        """Begin with an empty screen of ``size``; nothing is imported yet."""
        self._size = size
        self._screen: Any = None
        self._stream: Any = None
        self._tokens = Tokenizer()
        self._pending = bytearray()
        self._begun = b""  # what stood there before the edit was drawn

    def feed(self, data: bytes) -> None:
        """Take output; it is digested when somebody asks for a line, or when it has become much."""
        self._pending += data
        if len(self._pending) > MAX_PENDING:
            self._digest()

    def skim(self, data: bytes) -> None:
        """Take output of which only the end matters: the line it cuts is no prompt."""
        self._pending += data
        if len(self._pending) > MAX_PENDING:
            tail = bytes(self._pending[-KEPT_TAIL:])
            self.clear()
            self._pending += tail[tail.find(b"\n") + 1 :]

    @property
    def scrolled(self) -> bool:
        """Say whether more lines were drawn than any edit has, as far as is known without looking."""
        return self._screen is not None and self._screen.scrolled

    def clear(self) -> None:
        """Forget everything drawn so far."""
        self._pending.clear()
        self._tokens = Tokenizer()
        if self._screen is not None:
            self._screen.begin()
            self._stream.utf8_decoder.reset()

    def again(self, data: bytes) -> None:
        """Forget everything but ``data``, with which a line begins."""
        self._begun = data
        self.redraw(b"")

    def redraw(self, data: bytes) -> None:
        """Draw the line once more, with ``data`` and nothing else behind its beginning."""
        self.clear()
        self.feed(self._begun + data)

    def resize(self, size: Size) -> None:
        """Take a new size; the drawing is kept as far as it fits."""
        self._size = size
        if self._screen is not None:
            self._digest()
            self._screen.resize(self._screen.lines, size.cols)
            self._screen.height = size.rows

    def before_cursor(self) -> str:
        """Return the text from the anchor to the cursor, blanks included: a prompt, before any key."""
        self._digest()
        y, x = self._screen.cursor.y, self._screen.cursor.x
        lines: list[str] = []
        row = self._first()
        while row < y:
            text, after = self._join(row)
            if after > y:
                break
            lines.append(text)
            row = after
        last = [self._row(part) for part in range(row, y)]
        last.append(self._row(y)[: self._index(y, x)])
        return "\n".join([*lines, "".join(last)])

    @property
    def shows(self) -> bool:
        """Say whether anything but blanks stands before the cursor."""
        return bool(self.before_cursor().strip())

    def after_cursor(self) -> str:
        """Return what stands in the cursor's row behind it: a prompt at the right edge."""
        self._digest()
        y, x = self._screen.cursor.y, self._screen.cursor.x
        return self._row(y)[self._index(y, x) :].strip()

    @property
    def at_margin(self) -> bool:
        """Say whether the cursor stands in the first column."""
        self._digest()
        return bool(self._screen.cursor.x == 0)

    def edited(self) -> list[str]:
        """Return the logical lines from the anchor down to the cursor's, its row aside when empty."""
        self._digest()
        lines: list[str] = []
        row, last = self._first(), self._screen.cursor.y
        if self._screen.cursor.x == 0 and not self._row(last).strip():
            last -= 1
        if self._screen.over:
            return self._overflown(row, last)
        while row <= last:
            text, row = self._join(row)
            lines.append(text)
        return lines

    def _overflown(self, first: int, last: int) -> list[str]:
        """Return the logical lines of an edit that readline could not move down in to its end."""
        bottom = self._screen.bottom
        rows = [(self._row(row), self._screen.goes_on(row)) for row in range(first, max(last, bottom) + 1)]
        at = max(0, bottom - first)
        lines = [""]
        for text, goes_on in [*rows[:at], *self._screen.over, *rows[at:]]:
            lines[-1] += text
            if not goes_on:
                lines[-1] = lines[-1].rstrip()
                lines.append("")
        return [*lines[:-1], *([lines[-1].rstrip()] if lines[-1] else [])]

    def fills(self, text: str) -> bool:
        """Say whether a text takes as many rows as the terminal has: an editor may show only a part."""
        rows = sum(max(1, -(-len(line) // self._size.cols)) for line in text.split("\n"))
        return rows >= self._size.rows

    @property
    def overflown(self) -> bool:
        """Say whether rows of the edit were drawn over."""
        self._digest()
        return bool(self._screen.over)

    def _first(self) -> int:
        """Return the row where the edit begins; one that was moved above its anchor begins there."""
        return int(min(self._screen.anchor, self._screen.cursor.y))

    def _join(self, row: int) -> tuple[str, int]:
        """Return the logical line that begins at ``row`` and the row after it."""
        parts = [self._row(row)]
        while self._screen.goes_on(row):
            if row not in self._screen.wrapped and parts[-1].endswith("\\"):
                parts[-1] = parts[-1][:-1]  # Python's editor ends a full row so, and begins a new one
            row += 1
            parts.append(self._row(row))
        return "".join(parts).rstrip(), row + 1

    def _row(self, row: int) -> str:
        return str(self._screen.text(row))

    def _index(self, row: int, x: int) -> int:
        """Turn a column into an index of the row's text; a wide character fills two cells, one index."""
        cells = self._screen.buffer[row]
        size = 0
        for column in range(min(x, self._screen.columns)):
            size += len(cells[column].data)
        return size

    def _digest(self) -> None:
        if self._screen is None:
            import pyte

            from recorder.editscreen import EditScreen

            self._screen = EditScreen(self._size.cols, self._size.rows)
            self._stream = pyte.ByteStream(self._screen)
        if not self._pending:
            return
        data = bytes(self._pending)
        self._pending.clear()
        for token in self._tokens.feed(data):
            if _draws(token):
                self._draw(token.raw)

    def _draw(self, raw: bytes) -> None:
        """Feed one whole token; pyte's result depends on how input is cut, and it may raise."""
        try:
            self._stream.feed(raw)
        except Exception:  # noqa: BLE001  (an emulator's fault must cost one line, not the recording)
            self._screen.begin()


def _draws(token: Token) -> bool:
    """Say whether a token changes the text on the screen or the cursor's place."""
    kind, raw = token
    if kind is TokenKind.CSI:
        parts = csi(raw)
        return not parts.prefix and not parts.inter and parts.final in _MOVES and b":" not in raw
    if kind is TokenKind.ESC:
        return raw in _ESCAPES
    return kind is TokenKind.TEXT or kind is TokenKind.CONTROL
