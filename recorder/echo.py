"""Take the kernel's echo of a line that we sent back out of the tool's output.

Pure. The echo is on the screen, drawn by the kernel as on any terminal; only the text of the turn
must not begin with it. Measured: the echo is an exact prefix of the next output when the tool is
quiet, lies inside it when the tool prints at the same moment, and may arrive in parts.
"""

from __future__ import annotations

WINDOW = 4 << 10  # bytes; an echo that does not begin within them will not come


def as_echoed(line: bytes) -> bytes:
    """Return what the kernel draws for ``line`` and Enter (ECHOCTL: control bytes as ^X, Tab as is)."""
    out = bytearray()
    for byte in line:
        if byte == 0x7F:
            out += b"^?"
        elif byte < 0x20 and byte != 0x09:
            out += b"^%c" % (byte | 0x40)
        else:
            out.append(byte)
    return bytes(out) + b"\r\n"


class EchoFilter:
    """Find one expected echo; everything else passes through in order, however it arrives."""

    def __init__(self) -> None:
        """Expect nothing."""
        self._want = b""
        self._held = b""  # the end of what came, which may be the beginning of the echo
        self._seen = 0  # bytes given out since the line was sent

    @property
    def waiting(self) -> bool:
        """Say whether an echo is still to come."""
        return bool(self._want)

    def expect(self, line: bytes) -> None:
        """Expect the echo of ``line`` from here on; ``release`` what the one before held."""
        self._want = as_echoed(line)
        self._seen = 0

    def cut(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the parts of the stream that are output, each with its offset in ``data``.

        An offset is negative where the part begins with bytes that were held back before.
        """
        if not self._want or not data:
            return [(0, data)] if data else []
        lead = len(self._held)
        buf = self._held + data
        self._held = b""
        room = WINDOW - self._seen  # the echo begins before this
        found = buf.find(self._want, 0, room + len(self._want) - 1)
        if found >= 0:
            end = found + len(self._want)
            self._want = b""
            parts = [(-lead, buf[:found]), (end - lead, buf[end:])]
        else:
            keep = self._begun(buf, room)
            self._held = buf[keep:]
            self._seen += keep
            if self._seen >= WINDOW:
                self._want = b""
            parts = [(-lead, buf[:keep])]
        return [(at, part) for at, part in parts if part]

    def release(self) -> list[tuple[int, bytes]]:
        """Stop waiting: the tool waits for its next line, and the kernel echoes at once.

        Return what was held back, with its offset (negative) from the end of the stream.
        """
        held, self._held, self._want = self._held, b"", b""
        return [(-len(held), held)] if held else []

    def _begun(self, buf: bytes, room: int) -> int:
        """Return where the end of ``buf`` may be the beginning of the echo, else its length."""
        first = self._want[:1]
        at = buf.find(first, max(0, len(buf) - len(self._want) + 1), room)
        while at >= 0:
            if self._want.startswith(buf[at:]):
                return at
            at = buf.find(first, at + 1, room)
        return len(buf)
