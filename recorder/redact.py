"""Replace in a tool's output what must never be stored, before anything stores it.

May live here: what is replaced in the raw stream: our nonce (whoever knows it can forge our marks),
clipboard contents, environment reports, files sent to the terminal. May not: secrets in arguments
(masking), or what goes to the screen.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MARKER = b"[redacted]"
NONCE_SHOWN = 8  # as much of a nonce may stay when its rest never came; a quarter of a real one

# What begins a payload that is replaced up to the end of its OSC.
_PAYLOADS = {
    b"\x1b]52;": "clipboard",
    b"\x1b]5522;": "clipboard",
    b"\x1b]1337;Copy=": "clipboard",
    b"\x1b]633;Env": "environment",
    b"\x1b]1337;File=": "file",
    b"\x1b]1337;FilePart=": "file",
    b"\x1b]1337;MultipartFile=": "file",
}
_ender = re.compile(rb"[\x07\x18\x1a\x1b]").search


class Piece(NamedTuple):
    """Bytes to be stored, and what was replaced in them: (offset in ``data``, length now, what)."""

    data: bytes
    redactions: tuple[tuple[int, int, str], ...] = ()


class Redactor:
    """Pass output on for storage; holds back only what may still become something to replace."""

    def __init__(self, nonce: str) -> None:
        """Begin outside of any payload; an empty ``nonce`` is none."""
        self._nonce = nonce.encode()
        self._targets = [*([self._nonce] if nonce else []), *_PAYLOADS]
        self._starts = {target[0] for target in self._targets}
        self._longest = max(map(len, self._targets))
        self._hit = re.compile(b"|".join(map(re.escape, self._targets))).search
        self._held = b""  # the beginning of a target
        self._given = 0  # so much of it has been stored nevertheless, by ``flush``
        self._payload = ""  # what is being replaced
        self._marked = False  # its marker is written

    @property
    def holding(self) -> bool:
        """Whether something waits for more bytes, or for ``flush``."""
        return len(self._held) > self._given

    def feed(self, data: bytes) -> list[Piece]:
        """Return what of the stream up to ``data`` may be stored now; nothing if all of it must wait."""
        if not self._held and not self._payload and not self._suspect(data):
            return [Piece(data)] if data else []
        out = bytearray()
        redactions: list[tuple[int, int, str]] = []
        buffer, done, at = self._held + data, self._given, 0
        self._held, self._given = b"", 0
        while True:
            if self._payload:
                done = at = self._drop(buffer, at, out, redactions)
                if self._payload:
                    break
            found = self._hit(buffer, at)
            if found is None:
                at = self._begun(buffer, at)
                out += buffer[done:at]
                self._held, self._given = buffer[at:], max(0, done - at)
                break
            start = max(done, found.start())
            out += buffer[done:start]
            done = at = found.end()
            if found[0] == self._nonce:
                redactions.append((len(out), at - start, "nonce"))
                out += b"*" * (at - start)
            else:
                out += buffer[start:at]
                self._payload, self._marked = _PAYLOADS[found[0]], False
        return [Piece(bytes(out), tuple(redactions))] if out else []

    def flush(self) -> list[Piece]:
        """Store what is held back, but no more than the first bytes of a nonce; its rest is still known."""
        held, given = self._held, self._given
        self._given = len(held)
        hidden = max(0, len(held) - max(given, NONCE_SHOWN)) if self._nonce.startswith(held) else 0
        data = held[given : len(held) - hidden]
        if hidden:
            return [Piece(data + b"*" * hidden, ((len(data), hidden, "nonce"),))]
        return [Piece(data)] if data else []

    def _suspect(self, data: bytes) -> bool:
        """Say whether ``data`` may hold anything of interest; false for nearly all output."""
        return (
            (b"\x1b" in data and b"\x1b]" in data)  # one byte is looked for ten times as fast as two
            or (bool(self._nonce) and self._nonce in data)
            or self._begun(data, 0) < len(data)
        )

    def _begun(self, data: bytes, at: int) -> int:
        """Return where the end of ``data`` begins a target, ``len(data)`` if it does not."""
        for start in range(max(at, len(data) - self._longest + 1), len(data)):
            if data[start] in self._starts and any(
                target.startswith(data[start:]) for target in self._targets
            ):
                return start
        return len(data)

    def _drop(self, data: bytes, at: int, out: bytearray, redactions: list[tuple[int, int, str]]) -> int:
        """Leave out a payload; return where it ends."""
        found = _ender(data, at)
        end = found.start() if found else len(data)
        if end > at and not self._marked:
            redactions.append((len(out), len(MARKER), self._payload))
            out += MARKER
            self._marked = True
        if found:
            self._payload = ""
        return end
