"""The screen of a recording as it was at a moment: raw bytes in, cells with their styles out.

May live here: what a terminal does to its screen, the same however the bytes are cut, and packing
that state. May not: time, the store, the user's terminal. Of bulk text only what is still there at its
end is drawn, as emulation runs at about 1 MB/s. Nothing is answered; what does not show (titles,
links, modes of keys and mouse) is not there.
"""

from __future__ import annotations

import codecs
import pickle
import re
import zlib
from typing import TYPE_CHECKING

from pyte.screens import Char, Cursor, Margins

from recorder.ansi import Tokenizer, TokenKind, csi
from recorder.board import Board, Spot, grid, plain
from recorder.canvas import ESCAPES, METHODS
from recorder.safestream import DRAWING, beyond, unwanted
from recorder.styles import restyled

if TYPE_CHECKING:
    from recorder.basics import Size

_LEAST_RUN = 4  # screenfuls of text, below which passing over it gains nothing
_SEQUENCE = 512  # bytes of a title or link in the middle of bulk text

# What may change more than text and the cursor's row. Everything else may stand in bulk text.
_find_live = re.compile(
    rb"[\x0b\x0c\x0e\x0f\x18\x1a]|\x1b(?!\[[0-9;:]{0,40}[mKCDGPX@]|[=>]|\[\?(?:1|12|2004|2026)[hl]"
    rb"|\][^\x00-\x1f]{0,%d}(?:\x07|\x1b\\))" % _SEQUENCE
).search
_find_styles = re.compile(rb"\x1b\[([0-9;:]*)m").findall


class Stage(Board):
    """A terminal's screen, fed raw bytes in any pieces."""

    def __init__(self, size: Size) -> None:
        """Begin with an empty screen of ``size``."""
        self._tokens = Tokenizer()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cut = False  # a character may have begun that is not whole
        super().__init__(size)

    # --- bytes -----------------------------------------------------------------------------------

    def feed(self, data: bytes) -> int:
        """Take output; return how many bytes of it had to be drawn (the time it took)."""
        at, drawn = 0, 0
        least = _LEAST_RUN * self.columns * self.lines
        while len(data) - at > least:
            live = None
            if self._tokens.ground and self.margins is None:
                live = _find_live(data, at)
                end = live.start() if live else len(data)
                if end - at > least:
                    start = self._pass_over(data, at, end)
                    self._draw_all(data[start:end])
                    drawn += end - start
                    at = end
            line = data.find(b"\n", live.start() if live else at) + 1 or len(data)
            self._draw_all(data[at:line])
            drawn += line - at
            at = line
        self._draw_all(data[at:])
        return drawn + len(data) - at

    def _pass_over(self, data: bytes, start: int, end: int) -> int:
        """Pass over bulk text up to its last screenful; return where that begins.

        With as many line feeds before that place as there are rows the cursor is in the last row there;
        with as many behind it nothing is left of what was on the screen.
        """
        at = end
        for _ in range(self.lines + 1):
            at = data.rfind(b"\n", start, at)
            if at <= start:
                return start
        while data[at - 1] != 0x0D:  # the column there must be known
            at = data.rfind(b"\n", start, at)
            if at <= start:
                return start
        if data.count(b"\n", start, at) < self.lines:
            return start
        style = self.style
        for params in _find_styles(data, start, at):
            style = restyled(style, params) if params not in (b"", b"0") else ""
        self.restyle(style)
        self._decoder.reset()
        self._cut = False
        self._last = ""
        self.buffer.clear()
        self.cursor.x, self.cursor.y = 0, self.lines - 1
        return at + 1

    def _draw_all(self, data: bytes) -> None:
        for kind, raw in self._tokens.feed(data):
            self._take(kind, raw)

    def _take(self, kind: TokenKind, raw: bytes) -> None:
        if kind is TokenKind.TEXT:
            if raw[-1] < 0x80 and not self._cut and raw.isascii():
                self._text(raw.decode("ascii"))
            else:
                self._cut = raw[-1] >= 0x80
                self._text(self._decoder.decode(raw))
            return
        if kind is TokenKind.BROKEN and not raw.startswith(b"\x1b"):
            for token in Tokenizer().feed(raw):
                self._take(*token)
            return
        if self._cut:
            self._cut = False
            self._text(self._decoder.decode(b"", final=True))
        if kind is TokenKind.CONTROL:
            self._control(raw)
        elif kind is TokenKind.CSI:
            self._csi(raw)
        elif kind is TokenKind.ESC:
            self._escape(raw)
        elif kind is TokenKind.BROKEN:
            for token in Tokenizer().feed(beyond(raw)):
                self._take(*token)

    def _text(self, text: str) -> None:
        if text and self._drawing[self._shifted]:
            text = text.translate(DRAWING)
        text = text if text.isascii() else unwanted("", text)
        if text:
            self.draw(text)

    def _control(self, raw: bytes) -> None:
        if raw in b"\n\x0b\x0c":
            self._last = ""
            self.linefeed()
        elif raw == b"\r":
            self.cursor.x = 0
        elif raw == b"\b":
            self.cursor_back()
        elif raw == b"\t":
            self.tab()
        elif raw in b"\x0e\x0f":
            self._shifted = int(raw == b"\x0e")

    def _escape(self, raw: bytes) -> None:
        what = raw[1:].decode("latin-1")
        if what in ESCAPES:
            getattr(self, ESCAPES[what])()
        elif raw[1:2] in (b"(", b")") and len(raw) == 3:
            self._drawing[raw[1] - 0x28] = raw.endswith(b"0")
        elif raw == b"\x1b#8":
            for y in range(self.lines):
                self.buffer[y].update(dict.fromkeys(range(self.columns), Char("E", "")))

    def _csi(self, raw: bytes) -> None:
        prefix, params, inter, final = csi(raw)
        last = final.decode("latin-1")
        if prefix == b"?" and last in "hl" and not inter:
            for number in params:
                self.private(number or 0, on=last == "h")
        elif inter == b"!" and last == "p":
            self.soften()
        elif prefix or inter:
            return
        elif last == "m":
            if not raw[2:-1].translate(None, b"0123456789:;"):  # control bytes may stand inside
                self.restyle(restyled(self.style, raw[2:-1]))
        elif last in METHODS and not (last == "T" and len(params) > 1):  # that follows the mouse
            name, count = METHODS[last]
            numbers = [min(number or 0, 9999) for number in params or (0,)][:count]
            getattr(self, name)(*numbers)

    # --- packed ----------------------------------------------------------------------------------

    def freeze(self) -> bytes:
        """Pack all of the state."""
        primary = None
        if self._primary is not None:
            primary = (plain(self._primary[0]), tuple(self._primary[1]), tuple(self._primary[2]))
        state = (
            (self.columns, self.lines, self.margins and tuple(self.margins), self.mode),
            (self.spot(), self.cursor.hidden, tuple(self._saved), self._last),
            (plain(self.buffer), primary),
            (self._tokens, self._decoder.getstate(), self._cut),
        )
        return zlib.compress(pickle.dumps(state, pickle.HIGHEST_PROTOCOL), 1)

    def thaw(self, packed: bytes) -> None:
        """Become what was packed. It never left this process: what it unpacks is our own."""
        sizes, cursor, screens, reading = pickle.loads(zlib.decompress(packed))  # noqa: S301
        self.columns, self.lines, margins, self.mode = sizes
        self.margins = margins and Margins(*margins)
        self.cursor = Cursor(0, 0)
        self.go_to(Spot(*cursor[0]))
        self.cursor.hidden, self._saved, self._last = cursor[1], Spot(*cursor[2]), cursor[3]
        self.buffer = grid(screens[0])
        primary = screens[1]
        self._primary = primary and (grid(primary[0]), Spot(*primary[1]), Spot(*primary[2]))
        self._tokens, decoder, self._cut = reading
        self._decoder.setstate(decoder)
