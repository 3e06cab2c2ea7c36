"""Search in a root and in the directories of sessions: the root has an index, a directory is read."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from recorder.errors import StoreError
from recorder.query import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from recorder.model import Event, Summary
    from recorder.query import Hit, Query
    from recorder.stores.directory import Directory
    from recorder.stores.memory import MemoryStore
    from recorder.stores.sqlite import SqliteStore

_PIECE = 256  # events that are read before a search can be stopped
_FOUND = 1024  # events in which the words stand, that are kept of the first reading

T = TypeVar("T")


class _Count:
    """How far a search in a root and in directories is."""

    def __init__(self, told: Callable[[int, int], None] | None) -> None:
        self._told = told
        self._root = (0, 0)
        self.placed = self.done = 0  # directories

    def of_root(self, done: int, of: int) -> None:
        """Say it with how far the search in the root is."""
        self._root = done, of
        self._tell()

    def along(self, things: Iterable[T], every: int) -> Iterator[T]:
        """Yield things, and say it before ``every`` so many of them."""
        for nth, thing in enumerate(things):
            if nth % every == 0:
                self._tell()
            yield thing

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self._root[0] + self.done, self._root[1] + self.placed)


def _found(query: Query, directory: Directory, count: _Count) -> Iterator[Iterator[Event]]:
    """Yield the events in which the words stand, the newest first, in pieces.

    A file is read from its beginning only: who wants more than a piece gets twice as much each time.
    """
    size, upto = _FOUND, None
    while True:
        events = count.along(directory.events(upto=upto), _PIECE)
        wanted = (event for event in events if event.kind in query.kinds and event.text)
        kept = deque((event for event in wanted if query.find(event.text)), size)
        yield reversed(kept)
        if len(kept) < size:
            return
        size, upto = 2 * size, kept[0].seq - 1


class RootedSearching:
    """The methods of the store protocol that search and index."""

    _root: SqliteStore | MemoryStore
    _at: Callable[[str], Directory | None]
    _place_of: Callable[[str], str | None]
    _placed: Callable[[str | None], list[tuple[str, str]]]
    summary: Callable[[str], Summary | None]

    def search(self, query: Query, told: Callable[[int, int], None] | None = None) -> Iterator[Hit]:
        """Yield what answers, the root's sessions and those in directories by their newest event."""
        count = _Count(told)
        waiting = self._to_search(query, count)
        owner = None
        for hit in self._root.search(query, count.of_root):
            if waiting and hit.event.session != owner:
                owner = hit.event.session
                row = self._root.summary(owner)
                newest = (0 if row is None else row.last_event_ms or 0, owner)
                while waiting and (waiting[-1][0], waiting[-1][1]) > newest:
                    yield from self._answers(query, waiting.pop()[2], count)
            yield hit
        while waiting:
            yield from self._answers(query, waiting.pop()[2], count)

    def _to_search(self, query: Query, count: _Count) -> list[tuple[int, str, Summary]]:
        """Return the sessions in directories that may answer, by their newest event, the newest last."""
        placed = self._placed(query.tool)
        count.placed = len(placed)
        rows = (self.summary(ulid) for ulid, _place in count.along(placed, 1))
        return sorted(
            (row.last_event_ms, row.session.ulid, row)
            for row in rows
            if row is not None
            and row.last_event_ms is not None
            and (query.since_ms is None or row.last_event_ms >= query.since_ms)
            and (query.host is None or (row.invocation is not None and row.invocation.host == query.host))
        )

    def _answers(self, query: Query, row: Summary, count: _Count) -> Iterator[Hit]:
        """Yield the hits in a directory; one that is gone or broken by now has none."""
        with suppress(StoreError):
            directory = self._at(row.session.ulid)
            if directory is not None:
                for found in _found(query, directory, count):
                    # The sums cannot be stopped, but take no longer than what was just read.
                    yield from answers(query, found, directory.ledger().turns.get, row.session.cwd)
        count.done += 1

    def index(self, session: str, *, rest: bool = False) -> bool:
        """Index the next run of a session's events; a directory has no index and is read."""
        return self._place_of(session) is None and self._root.index(session, rest=rest)

    def unindexed(self, over: int = 0) -> dict[str, int]:
        """Return how many events of each session in the root are not in the index yet."""
        return self._root.unindexed(over)
