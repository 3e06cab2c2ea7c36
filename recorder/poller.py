"""Wait on descriptors, telling the kernel only what has changed since the last round.

Engine. ``poll`` and not ``epoll``: a terminal may be a regular file, which ``epoll`` refuses.
"""

from __future__ import annotations

import select


class Poller:
    """A poll set that follows what the loop is interested in."""

    def __init__(self) -> None:
        """Begin with no interest."""
        self._poll = select.poll()
        self._known: dict[int, int] = {}

    def wait(self, interest: dict[int, int], timeout_ms: int | None) -> dict[int, int]:
        """Return the descriptors that are ready, with their events; empty after ``timeout_ms``."""
        self._tell(interest)
        return self.again(timeout_ms)

    def again(self, timeout_ms: int | None) -> dict[int, int]:
        """Return the same for the descriptors of the last round."""
        try:
            return dict(self._poll.poll(timeout_ms))
        except InterruptedError:
            return {}

    def _tell(self, interest: dict[int, int]) -> None:
        known = self._known
        if known == interest:
            return
        for fd in known.keys() - interest.keys():
            self._poll.unregister(fd)
        for fd, events in interest.items():
            if known.get(fd) != events:
                self._poll.register(fd, events)
        self._known = interest
