"""Bytes on their way to a place that takes only so much at a time.

Engine. An outlet writes at once what goes at once, keeps the rest in order, and says when it is so
full that its source must wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.terminal import TerminalGone

if TYPE_CHECKING:
    from collections.abc import Callable

FULL = 64 << 10  # unwritten bytes at which the source waits
PIECE = 64 << 10


class Outlet:
    """One direction; ``write`` returns the bytes taken, 0 when there is no room."""

    def __init__(self, write: Callable[[bytes | memoryview], int]) -> None:
        """Begin empty."""
        self._write = write
        self._rest = bytearray()
        self.gone = False  # nobody will ever read it

    @property
    def waiting(self) -> bool:
        """Say whether something is still to be written."""
        return bool(self._rest)

    @property
    def full(self) -> bool:
        """Say whether the source must wait."""
        return len(self._rest) >= FULL

    def put(self, data: bytes) -> bool:
        """Write ``data`` behind what waits; False when the place has just gone."""
        if self.gone or not data:
            return True
        if self._rest:
            self._rest += data
            return True
        try:
            taken = self._write(data)
        except TerminalGone:
            return self._lose()
        if taken < len(data):
            self._rest += data[taken:]
        return True

    def flush(self) -> bool:
        """Write what waits, as far as it goes; False when the place has just gone."""
        if not self._rest or self.gone:
            return True
        with memoryview(self._rest) as view:
            taken = self._taken(view[:PIECE])
        if taken is None:
            return self._lose()
        del self._rest[:taken]
        return True

    def _taken(self, data: memoryview) -> int | None:
        """Return the bytes taken, None when the place is gone (as an error it would hold on to ``data``)."""
        try:
            return self._write(data)
        except TerminalGone:
            return None

    def _lose(self) -> bool:
        self.gone = True
        self._rest.clear()
        return False
