"""Take our own marks out of what the terminal gets, and nothing else.

May live here: the one filter before the screen. May not: what a mark says (marks), or any change to
other bytes. A mark that is not whole, or too long, is not ours and passes untouched.

What may still become a mark waits for ``patience_ms`` at most. Anybody can print our introducer, so that
is short; but a shell that names a long command in a mark, on a busy machine, may pause in the middle.
"""

from __future__ import annotations

import re
from typing import NamedTuple

INTRODUCER = b"\x1b]7373;"
BEGUN_MS = 20  # how long what may become a mark is held back
OURS_MS = 1000  # … and one that has named our nonce
MAX_MARK = 1 << 20  # bytes with introducer and terminator; a command pasted with its data fits

_ender = re.compile(rb"[\x07\x18\x1a\x1b]").search


class Mark(NamedTuple):
    """One of our marks, taken out; ``body`` is the OSC's, as ``marks.parse_private`` takes it."""

    body: bytes


class Strip:
    """Pass output on without our marks; holds back only what may still become one."""

    def __init__(self, nonce: str = "") -> None:
        """Begin with nothing held back; a mark with ``nonce`` is ours for certain."""
        self._ours = INTRODUCER + nonce.encode() + b";" if nonce else b""
        self._held = bytearray()  # a prefix of the introducer, or a mark that has not ended

    @property
    def holding(self) -> bool:
        """Whether something waits for more bytes, or for ``flush``."""
        return bool(self._held)

    @property
    def patience_ms(self) -> int:
        """Return how long what is held may wait for its end, since something came."""
        return OURS_MS if self._ours and self._held.startswith(self._ours) else BEGUN_MS

    def feed(self, data: bytes) -> bytes:
        """Return what may go to the terminal now."""
        pieces = [piece for piece in self.pieces(data) if isinstance(piece, bytes)]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def pieces(self, data: bytes) -> list[bytes | Mark]:
        """Return what may go to the terminal now, with the marks in their places; no piece is empty."""
        if self._held:
            if len(self._held) >= len(INTRODUCER) and self._held[-1] != 0x1B and not _ender(data):
                self._held += data
                return [self.flush()] if len(self._held) > MAX_MARK else []
            data = bytes(self._held) + data
            self._held.clear()
        # One byte is looked for at the speed of memory, and most output has none of it.
        if b"\x1b" not in data or (INTRODUCER not in data and not _begun(data, 0)):
            return [data] if data else []
        return self._cut(data)

    def flush(self) -> bytes:
        """Give up waiting and return what was held back."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def _cut(self, data: bytes) -> list[bytes | Mark]:
        pieces: list[bytes | Mark] = []
        at = behind = 0  # what is not in pieces yet begins here; where the last look ended
        while (start := data.find(INTRODUCER, behind)) >= 0:
            end, size = _mark_end(data, start)
            if end == 0 and len(data) - start <= MAX_MARK:
                break
            behind = end or len(data)
            if size and end - start <= MAX_MARK:
                pieces += [data[at:start], Mark(data[start + 2 : end - size])]
                at = behind
        end = start if start >= 0 else len(data) - _begun(data, behind)
        self._held += data[end:]
        pieces.append(data[at:end])
        return [piece for piece in pieces if piece]


def _mark_end(data: bytes, start: int) -> tuple[int, int]:
    """Return where the mark at ``start`` ends and how long its terminator is; 0, 0 if not yet known.

    A mark that something broke ends before that, with a terminator of 0 bytes.
    """
    found = _ender(data, start + len(INTRODUCER))
    if found is None:
        return 0, 0
    end = found.start()
    if data[end] == 0x07:
        return end + 1, 1
    if data[end] != 0x1B:
        return end, 0
    if end + 1 == len(data):
        return 0, 0
    return (end + 2, 2) if data[end + 1] == 0x5C else (end, 0)


def _begun(data: bytes, behind: int) -> int:
    """Return how many bytes at the end of ``data`` may begin a mark."""
    start = data.rfind(b"\x1b", max(behind, len(data) - len(INTRODUCER) + 1))
    return len(data) - start if start >= 0 and INTRODUCER.startswith(data[start:]) else 0
