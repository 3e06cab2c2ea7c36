"""What happens when the queue to the store is full: the tool waits a little, then goes on unrecorded.

Pure: times and sizes in.
"""

from __future__ import annotations

PATIENCE_MS = 2_000  # a full queue stops the tool's output this long, then the terminal goes on


class Gap:
    """The bytes that were not recorded since the queue was full."""

    def __init__(self) -> None:
        """Begin with an empty queue."""
        self._since: int | None = None
        self._missed = 0

    @property
    def waiting(self) -> bool:
        """Say whether the queue was full when last looked at."""
        return self._since is not None

    def waits(self, now_ms: int, *, full: bool) -> bool:
        """Say whether the tool's output has to wait for the queue."""
        if not full:
            self._since = None
            return False
        if self._since is None:
            self._since = now_ms
        return now_ms - self._since < PATIENCE_MS

    def miss(self, size: int) -> None:
        """Count bytes that go by unrecorded."""
        self._missed += size

    def taken(self) -> int:
        """Return how many bytes went by, once."""
        missed, self._missed = self._missed, 0
        return missed
