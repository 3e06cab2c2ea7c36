"""What the writer thread does with its store: begin, append, sync, seal, end; no thread, no queue.

The store is opened when the first thing is to be written, and again after it has failed. Used by
one thread only.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder import spill
from recorder.errors import RecError, StoreBusy, StoreFull
from recorder.stores import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recorder.model import EndReason, Invocation, Session
    from recorder.pending import Batch, Item
    from recorder.store import Store

SYNC_S = 1.5  # after a commit without a sync: power loss takes at most the last 2 s
SMALL = 64 << 10  # bytes of a transaction whose segment is worth merging
SEAL_BYTES = 256 << 10  # of small segments …
SEAL_COUNT = 512  # … or so many of them …
SEAL_FLOOD = 8 << 20  # … or so much altogether


@dataclass(frozen=True, slots=True)
class End:
    """How an invocation is to end; ``deadline`` (monotonic s) is when whoever waits for that gives up."""

    ended_ms: int
    exit_status: int | None
    reason: EndReason
    deadline: float


class Pen:
    """One store, lazily opened, and what has to be remembered between two transactions."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        session: Session,
        invocation: Invocation,
        label: str | None = None,
    ) -> None:
        """Prepare; the session has ``label`` from its first row on."""
        self.session = session
        self.invocation = invocation
        self.n_events = 0  # the newest seq of the session that was written to last
        self.seen: dict[str, int] = {}  # the newest seq of each session
        self.refused = False  # the last failure was that of an append to a store that was well before
        self.ended = False  # the invocation's end is in the store
        self.begun = False  # the rows of session and invocation were written once
        self.moved: str | None = None  # ULID of the session that had the label before
        self._label = label
        self._open_store = open_store
        self._store: Store | None = None
        self._here = False  # they are in the store that is open now
        self._sync_at: float | None = None
        self._small = self._small_count = self._raw = 0

    def store(self) -> Store:
        """Return the open store; raise StoreError when it cannot be opened."""
        if self._store is None:
            self._store = self._open_store()
            self._here = False
        return self._store

    def begin(self) -> Store:
        """Return the store with the session and the invocation in it."""
        self.refused = False
        store = self.store()
        if not self._here:
            self.moved = store.begin(self.session, self.invocation, self._label) or self.moved
            self._label = None
            self._here = self.begun = True
            if not self.seen:
                self.n_events = store.count(self.session.ulid) + (self.session.fork_seq or 0)
        return store

    def write(self, batch: Batch) -> None:
        """Write one batch in one transaction, with a sync when one is due."""
        now = time.monotonic()
        durable = self._sync_at is not None and now >= self._sync_at - SYNC_S / 2
        store = self.begin()
        self.refused = True
        events = store.append(batch.drafts, batch.chunks, activity=batch.activity, durable=durable)
        self.refused = False
        if durable:
            self._sync_at = None
        elif self._sync_at is None:
            self._sync_at = now + SYNC_S
        for event in events:
            self.seen[event.session] = event.seq
        if events:
            self.n_events = events[-1].seq
        self._count(batch.raw)

    def _count(self, raw: int) -> None:
        if not raw:
            return
        self._raw += raw
        if raw < SMALL:
            self._small += raw
            self._small_count += 1

    @property
    def sync_at(self) -> float | None:
        """When the last commits must be synced at the latest (monotonic s), or None."""
        return self._sync_at

    def sync(self) -> None:
        """Sync what was written without."""
        self.begin().append([], durable=True)
        self._sync_at = None

    @property
    def seal_due(self) -> bool:
        """Say whether enough has come together to be merged."""
        return self._small >= SEAL_BYTES or self._small_count >= SEAL_COUNT or self._raw >= SEAL_FLOOD

    def seal(self) -> None:
        """Merge the segments of the current session; it is only housekeeping, so a failure waits."""
        self._small = self._small_count = self._raw = 0
        if self._store is not None:
            with contextlib.suppress(Exception):
                self._store.seal(self.session.ulid)

    def release(self, error: Exception) -> None:
        """Let go of a store that failed; one that is only locked or full is best kept open.

        A full disk refuses a new connection its shared memory, and an old one works again at once.
        """
        if self._store is None or isinstance(error, StoreBusy | StoreFull):
            return
        store, self._store = self._store, None
        with contextlib.suppress(RecError):
            store.close()

    def end(self, end: End, until: float) -> None:
        """End the invocation, merge, close; raise StoreError if the end could not be written.

        A store that is only locked is asked again ``until`` then (monotonic s): many may end at once.
        """
        while not self.ended:
            try:
                self.begin().end_invocation(self.invocation.ulid, end.ended_ms, end.exit_status, end.reason)
                self.ended = True
            except StoreBusy:
                if time.monotonic() >= until:
                    raise
        self.seal()
        with contextlib.suppress(RecError):  # all of it is written
            self.sync()  # nobody will do it later
        self.close()

    def spill(self, directory: Path, items: list[Item], end: End) -> Path:
        """Write what the store has not taken into a file in ``directory``; raise StoreError.

        Only this method may be called by another thread: when the pen's own is stuck in the store.
        """
        root = files.private_directory(directory.parent)  # what is no place for a store is none for its rest
        path = files.private_directory(root / directory.name) / self.invocation.ulid
        rest = spill.Spill(
            self.session, self.invocation, items, dict(self.seen), (end.ended_ms, end.exit_status, end.reason)
        )
        files.write_private(path, spill.encode(rest))
        return path

    def close(self) -> None:
        """Close the store, if one is open."""
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(RecError):
                store.close()
