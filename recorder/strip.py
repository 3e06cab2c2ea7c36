"""Take our own marks out of what the terminal gets, and nothing else.

May live here: the one filter before the screen. May not: what a mark says (marks), or any change to
other bytes. A mark that is not whole, or too long, is not ours and passes untouched.
"""

from __future__ import annotations

import re
from typing import NamedTuple

INTRODUCER = b"\x1b]6973;"
MAX_MARK = 1 << 20  # bytes with introducer and terminator; a command pasted with its data fits

_ender = re.compile(rb"[\x07\x18\x1a\x1b]").search


class Mark(NamedTuple):
    """One of our marks, taken out; ``body`` is without introducer and terminator."""

    body: bytes


class Strip:
    """Pass output on without our marks; holds back only what may still become one."""

    def __init__(self) -> None:
        """Begin with nothing held back."""
        self._held = bytearray()  # a prefix of the introducer, or a mark that has not ended
        self._marks: list[tuple[int, bytes]] = []  # taken out by the last feed: (place, body)

    @property
    def holding(self) -> bool:
        """Whether something waits for more bytes, or for ``flush``."""
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        """Return what may go to the terminal now."""
        if self._held:
            if len(self._held) >= len(INTRODUCER) and self._held[-1] != 0x1B and not _ender(data):
                self._held += data
                return self.flush() if len(self._held) > MAX_MARK else b""
            data = bytes(self._held) + data
            self._held.clear()
        if data.find(b"\x1b]") < 0 and not data.endswith(b"\x1b"):
            return data
        return self._filter(data)

    def pieces(self, data: bytes) -> list[bytes | Mark]:
        """Return what ``feed`` returns, cut where our marks stood, with the marks between."""
        self._marks.clear()
        clean = self.feed(data)
        pieces: list[bytes | Mark] = []
        at = 0
        for place, body in self._marks:
            pieces += [clean[at:place], Mark(body)]
            at = place
        pieces.append(clean[at:])
        return [piece for piece in pieces if piece]

    def flush(self) -> bytes:
        """Give up waiting and return what was held back."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def _filter(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        at = 0
        while (start := data.find(INTRODUCER, at)) >= 0:
            end, whole = _mark_end(data, start)
            if end == 0:
                kept.append(data[at:start])
                self._held += data[start:]
                if len(self._held) > MAX_MARK:
                    kept.append(self.flush())
                return b"".join(kept)
            kept.append(data[at : start if whole and end - start <= MAX_MARK else end])
            at = end
        end = len(data) - _begun(data)
        self._held += data[end:]
        if not kept and end == len(data):
            return data
        kept.append(data[at:end])
        return b"".join(kept)


def _mark_end(data: bytes, start: int) -> tuple[int, bool]:
    """Return where the mark at ``start`` ends, and whether it is whole; 0 while that is not known.

    A whole one ends behind its terminator, another before what broke it.
    """
    found = _ender(data, start + len(INTRODUCER))
    if found is None:
        return 0, False
    end = found.start()
    if data[end] == 0x07:
        return end + 1, True
    if data[end] != 0x1B:
        return end, False
    if end + 1 == len(data):
        return 0, False
    return (end + 2, True) if data[end + 1] == 0x5C else (end, False)


def _begun(data: bytes) -> int:
    """Return how many bytes at the end of ``data`` may begin a mark."""
    start = data.rfind(b"\x1b", max(0, len(data) - len(INTRODUCER) + 1))
    return len(data) - start if start >= 0 and INTRODUCER.startswith(data[start:]) else 0
