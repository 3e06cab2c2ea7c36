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

    from recorder.model import EndReason, Invocation, Session, Switch
    from recorder.pending import Batch, Item
    from recorder.store import Store

SYNC_S = 1.5  # after a commit without a sync: power loss takes at most the last 2 s
SMALL = 64 << 10  # bytes of a transaction whose segment is worth merging
SEAL_BYTES = 256 << 10  # of small segments …
SEAL_COUNT = 512  # … or so many of them …
SEAL_FLOOD = 8 << 20  # … or so much altogether
INDEX_TEXT = 64 << 10  # characters: what the store indexes at once …
INDEX_COUNT = 1024  # … or so many events
INDEX_REST = 16  # runs of that size that are indexed before a session is left


@dataclass(frozen=True, slots=True)
class End:
    """How an invocation is to end; ``deadline`` (monotonic s) is when whoever waits for that gives up."""

    ended_ms: int
    exit_status: int | None
    reason: EndReason
    deadline: float


@dataclass(frozen=True, slots=True)
class Closing:
    """How the recording ended: where the rest went that the store did not take, or why nowhere."""

    spilled: Path | None
    failed: str | None


class Pen:
    """One store, lazily opened, and what has to be remembered between two transactions."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        session: Session,
        invocation: Invocation,
        label: str | None = None,
        n_events: int = 0,
    ) -> None:
        """Prepare; the session has ``label`` from its first row on, and ``n_events`` before ours."""
        self.session = session
        self.invocation = invocation
        self.n_events = n_events  # the newest seq of the session that was written to last
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
        self._text = self._events = 0  # that are not indexed

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
            self._text += len(event.text)
        self._events += len(events)
        if events:
            self.n_events = events[-1].seq
        self._count(batch.raw)

    def switch(self, switch: Switch) -> str | None:
        """Go on in another session; return who had its label before."""
        session, moved = self.begin().switch(switch)
        self._sync_at = self._sync_at or time.monotonic() + SYNC_S
        self._tidy()
        self.session, self.invocation = session, switch.run
        self.n_events = session.fork_seq or 0
        return moved

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

    def _tidy(self) -> bool:
        """Leave a session as it is best read; say whether something of that is not synced.

        What was recorded is synced first: the rest may take longer than a power loss may take.
        """
        with contextlib.suppress(RecError):
            self.sync()
        indexed = self._index_rest()
        return self._seal() or indexed or self._sync_at is not None

    @property
    def seal_due(self) -> bool:
        """Say whether enough has come together to be merged."""
        return self._small >= SEAL_BYTES or self._small_count >= SEAL_COUNT or self._raw >= SEAL_FLOOD

    def _seal(self) -> bool:
        """Merge segments of the session, say if there were any; it is housekeeping, so a failure waits."""
        self._small = self._small_count = self._raw = 0
        if self._store is not None:
            with contextlib.suppress(Exception):
                return self._store.seal(self.session.ulid) > 0
        return False

    @property
    def chore(self) -> Callable[[], None] | None:
        """Return what should be done for the store's own sake when there is time, a piece of it."""
        if self._text >= INDEX_TEXT or self._events >= INDEX_COUNT:
            return self._index_next  # before it is sealed: texts are cheaper to read in rows
        return self._seal_next if self.seal_due else None

    def _seal_next(self) -> None:
        self._seal()

    def _index_next(self) -> None:
        self._index(rest=False)

    def _index(self, *, rest: bool) -> bool:
        """Index a piece of the current session, the last one only for ``rest``; say whether there was one."""
        found = False
        if self._store is not None:
            with contextlib.suppress(Exception):  # as for seal: a search looks at the texts instead
                found = self._store.index(self.session.ulid, rest=rest)
        if not found:
            self._text = self._events = 0
        return found

    def _index_rest(self) -> bool:
        """Index what is left of the current session, unless it is very much; say whether there was any."""
        pieces = 0
        while pieces < INDEX_REST and self._index(rest=True):
            pieces += 1
        return pieces > 0

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
        self._sync_at = self._sync_at or time.monotonic() + SYNC_S
        if self._tidy():
            with contextlib.suppress(RecError):  # all of it is written
                self.sync()  # nobody will do it later
        self.close()

    def spill(self, directory: Path, items: list[Item], end: End) -> Closing:
        """Write what the store has not taken into a file in ``directory``; say where, or why it could not be.

        Only this method may be called by another thread: when the pen's own is stuck in the store.
        """
        rest = spill.Spill(
            self.session, self.invocation, items, dict(self.seen), (end.ended_ms, end.exit_status, end.reason)
        )
        try:
            # What is no place for a store is none for its rest.
            root = files.private_directory(directory.parent)
            path = files.private_directory(root / directory.name) / self.invocation.ulid
            files.write_private(path, spill.encode(rest))
        except RecError as error:
            return Closing(None, error.message)
        return Closing(path, None)

    def close(self) -> None:
        """Close the store, if one is open."""
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(RecError):
                store.close()
