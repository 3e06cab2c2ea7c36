"""Search in the memory store: every text is looked at, there is no index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder import query as asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import RLock

    from recorder.model import Summary
    from recorder.query import Hit, Query
    from recorder.stores.memory_record import Record

_PIECE = 256  # events that are looked at before a search can be stopped


class Searching:
    """The methods of the store protocol that search and index."""

    _lock: RLock
    _records: dict[str, Record]
    _summary: Callable[[Record], Summary]

    def search(self, query: Query, told: Callable[[int, int], None] | None = None) -> Iterator[Hit]:
        """Yield what answers: sessions by their newest event, in each the newest events first."""
        with self._lock:
            records = [each for each in self._records.values() if each.events and self._chosen(query, each)]
            records.sort(key=lambda each: (each.events[-1].at.wall_ms, each.session.ulid), reverse=True)
        for done, record in enumerate(records):
            for end in range(len(record.events), 0, -_PIECE):
                if told is not None:
                    told(done, len(records))
                piece = record.events[max(0, end - _PIECE) : end]
                yield from asking.answers(query, reversed(piece), record.turns.get, record.session.cwd)

    def _chosen(self, query: Query, record: Record) -> bool:
        if query.tool not in (None, record.session.tool):
            return False
        run = self._summary(record).invocation
        return query.host is None or (run is not None and run.host == query.host)

    def index(self, session: str, *, rest: bool = False) -> bool:  # noqa: ARG002
        """Index nothing: there is no index."""
        return False

    def unindexed(self, over: int = 0) -> dict[str, int]:  # noqa: ARG002
        """Return none: nothing waits for an index."""
        return {}
