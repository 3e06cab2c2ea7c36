"""Take the kernel's echo of a line that we sent back out of the tool's output.

Pure. The echo is on the screen, drawn by the kernel as on any terminal; only the text of the turn
must not begin with it. Measured: the echo is an exact prefix of the next output when the tool is
quiet, lies inside it when the tool prints at the same moment, and may arrive in parts.
"""

from __future__ import annotations

WINDOW = 4 << 10  # bytes after which an echo that did not come will not come


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
    """Find one expected echo; everything else passes through in order."""

    def __init__(self) -> None:
        """Expect nothing."""
        self._want = b""
        self._got = 0  # bytes of the wanted echo seen as an exact prefix so far
        self._seen = 0

    @property
    def waiting(self) -> bool:
        """Say whether an echo is still to come."""
        return bool(self._want)

    def expect(self, line: bytes) -> None:
        """Expect the echo of ``line`` from here on."""
        self._want = as_echoed(line)
        self._got = self._seen = 0

    def cut(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the parts of ``data`` that are output, each with its offset in ``data``."""
        if not self._want or not data:
            return [(0, data)]
        rest = self._want[self._got :]
        if data.startswith(rest):
            self._want = b""
            return [(len(rest), data[len(rest) :])]
        if rest.startswith(data):
            self._got += len(data)
            return []
        found = data.find(self._want)
        if found >= 0:
            end = found + len(self._want)
            self._want = b""
            return [(0, data[:found]), (end, data[end:])]
        self._seen += len(data)
        self._got = 0
        if self._seen > WINDOW:
            self._want = b""
        return [(0, data)]
