"""Which format a file is of, by its first bytes; its name says nothing."""

from __future__ import annotations

from recorder.formats import ttyrec, typescript

ENOUGH = 4096  # bytes
CAST, TIMING, TTYREC, PACKED = "asciicast", "timing", "ttyrec", "compressed"
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")


def guess(beginning: bytes) -> str | None:
    """Return the format of a file that begins so, or None: it may be a typescript then, or nothing."""
    if beginning.startswith(_PACKED):
        return PACKED
    if beginning.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return CAST
    if typescript.is_timing(beginning):
        return TIMING
    if ttyrec.plausible(beginning) and beginning[8:12] != bytes(4):
        return TTYREC
    return None
