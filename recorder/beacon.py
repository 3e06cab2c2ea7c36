"""Publish what only a live recorder knows, for ``rec status`` and ``rec pause`` in other processes.

Service. One small file in the run-time directory, replaced as a whole; gone with the session. It is
written by the loop's thread, as the writer's may hang in a store that does not answer.
"""

from __future__ import annotations

import contextlib
import json
import os

EVERY_MS = 1_000  # for the queue's length; pausing is told at once
BACKLOG = 128 << 10  # bytes; what waits for the next commit is no backlog, and a file costs milliseconds


class Beacon:
    """The published state of one session."""

    def __init__(self, directory: str, ulid: str) -> None:
        """Publish in ``directory``."""
        self._path = f"{directory}/status-{ulid}.json"
        self._told: tuple[str, int] | None = None
        self._next_ms = 0

    def tell(self, now_ms: int, recording: str, queue_bytes: int) -> None:
        """Publish the state if it has changed."""
        fresh = recording, queue_bytes if queue_bytes >= BACKLOG else 0
        soon = self._told is not None and recording == self._told[0] and now_ms < self._next_ms
        if soon or fresh == self._told:
            return
        self._told, self._next_ms = fresh, now_ms + EVERY_MS
        text = json.dumps({"recording": recording, "queue_bytes": fresh[1]})
        new = f"{self._path}.new"
        with contextlib.suppress(OSError):  # a full or missing run-time directory stops nobody
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(new, flags, 0o600), "w") as file:
                file.write(text)
            os.replace(new, self._path)

    def put_out(self) -> None:
        """Remove what was published."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
