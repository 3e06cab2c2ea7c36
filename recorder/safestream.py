"""Make recorded bytes harmless for the terminal they are shown on.

May live here: the allow-list for replays (``SafeStream``) and what the player shares with it. May
not: anything that knows what is shown, or prints it; text is ``safe``'s.
"""

from __future__ import annotations

import codecs
import re

from recorder.ansi import Tokenizer, TokenKind

MAX_STRING = 4096  # an OSC or DCS that never ends hides no more than this of a recording
_DIGITS = 4  # of a sequence's parameter; no screen is larger

# What a replay may do to a terminal, by the final byte of a sequence without intermediate bytes.
_SHOWS = re.compile(
    rb"\x1b\[(?:"
    rb"[0-9;:]{0,200}m"  # colours and styles
    rb"|[0-9;]{0,40}[A-HIZ`adefJKXLMP@STbr]"  # cursor moves, erasing, editing, scroll region
    rb"|[su])"  # save and restore the cursor
).fullmatch
_MODES = re.compile(rb"\x1b\[\?([0-9;]{1,40})([hl])").fullmatch
_ALTERNATE = (b"47", b"1047", b"1049")
_MOVES = frozenset([b"\x1b7", b"\x1b8", b"\x1bD", b"\x1bE", b"\x1bM"])
_CONTROLS = {b"\r": b"\r", b"\n": b"\n", b"\b": b"\b", b"\t": b"\t", b"\x0b": b"\n", b"\x0c": b"\n"}
# C1 controls, which terminals obey in UTF-8, too, separators, and what turns the reading direction.
unwanted = re.compile("[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]").sub
_numbers = re.compile(rb"[0-9]+").findall
DRAWING = str.maketrans(
    "`abcdefghijklmnopqrstuvwxyz{|}~", "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"
)  # the character set that ESC ( 0 selects


def beyond(broken: bytes) -> bytes:
    """Return what a BROKEN token may not hide: of a string without end what is too long, else nothing."""
    if not broken.startswith(b"\x1b"):
        return broken
    return broken[MAX_STRING:] if broken[1:2] in (b"]", b"P", b"X", b"^", b"_", b"k") else b""


class SafeStream:
    """Let through of recorded output what shows, in any pieces, and nothing that does.

    Text, CR LF BS TAB, styles, cursor moves, erasing, scroll region, alternate screen, the cursor's
    visibility. No queries, titles, clipboards, links, modes, uploads or anything unknown: a terminal
    that is shown a recording answers nothing and remembers nothing.
    """

    def __init__(self) -> None:
        """Begin with a terminal in its usual state."""
        self._tokens = Tokenizer()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._drawing = False
        self._undo: dict[str, bytes] = {}  # what was changed, and how it is undone

    def feed(self, data: bytes) -> bytes:
        """Return what of ``data`` may be shown."""
        return b"".join([self._allow(kind, raw) for kind, raw in self._tokens.feed(data)])

    def close(self) -> bytes:
        """Return the rest, and what gives the terminal its usual state back."""
        out = [self._allow(kind, raw) for kind, raw in self._tokens.flush()]
        out += [self._text(b"", final=True), *self._undo.values()]
        self.__init__()  # type: ignore[misc]  # the usual state is exactly a new stream
        return b"".join(out)

    def _allow(self, kind: TokenKind, raw: bytes) -> bytes:
        if kind is TokenKind.TEXT:
            return self._text(raw)
        if kind is TokenKind.BROKEN:
            return self._broken(raw)
        before = self._text(b"", final=True)
        if kind is TokenKind.CONTROL:
            return before + _CONTROLS.get(raw, b"")
        if kind is TokenKind.CSI:
            return before + self._csi(raw)
        if raw in {b"\x1b(0", b"\x1b(B"}:
            # Translated rather than passed on: a terminal left in it would be unreadable.
            self._drawing = raw.endswith(b"0")
        return before + (raw if raw in _MOVES else b"")

    def _text(self, raw: bytes, *, final: bool = False) -> bytes:
        text = self._decoder.decode(raw, final)
        if self._drawing:
            text = text.translate(DRAWING)
        elif text.isascii():
            return text.encode()
        return unwanted("", text).encode()

    def _csi(self, raw: bytes) -> bytes:
        if any(len(number) > _DIGITS for number in _numbers(raw)):
            return b""
        if found := _MODES(raw):
            return self._modes(found[1].split(b";"), found[2])
        # ED 3 would erase what the user's terminal has scrolled; with more numbers SD follows the mouse.
        if not _SHOWS(raw) or raw == b"\x1b[3J" or (raw.endswith(b"T") and b";" in raw):
            return b""
        if raw.endswith(b"m"):
            self._undo["style"] = b"\x1b[m"
        elif raw.endswith(b"r"):
            self._undo["region"] = b"\x1b7\x1b[r\x1b8"  # setting the region moves the cursor
        return raw

    def _modes(self, numbers: list[bytes], final: bytes) -> bytes:
        out = b""
        for number in numbers:
            if number == b"25":
                self._set("cursor", b"\x1b[?25h" if final == b"l" else b"")
            elif number in _ALTERNATE:
                self._set("screen", b"\x1b[?%sl" % number if final == b"h" else b"")
            else:
                continue
            out += b"\x1b[?%s%s" % (number, final)
        return out

    def _set(self, what: str, undo: bytes) -> None:
        self._undo.pop(what, None)
        if undo:
            self._undo[what] = undo

    def _broken(self, raw: bytes) -> bytes:
        """Show what stands in a string without end beyond what it may hide; nothing of other sequences."""
        before = self._text(b"", final=True) if raw.startswith(b"\x1b") else b""
        return before + b"".join([self._allow(*token) for token in Tokenizer().feed(beyond(raw))])
