"""The use cases of search: find what answers, in words or within them; bring the index up to date.

Takes its store as an argument, prints nothing. What a query is and what answers it is ``query``'s.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from recorder.query import Hit, Query
    from recorder.store import Store

    Told = Callable[[int, int], None]

POOL = 1000  # hits, the newest, of which the best are chosen
BEHIND = 20_000  # events that are read in a second; more are indexed before a search


class Found(NamedTuple):
    """What was found; ``loose`` says that nothing was until parts of words were looked for."""

    hits: Iterable[Hit]
    loose: bool


def find(
    store: Store, queries: Sequence[Query], limit: int | None, told: Told | None = None, *, best: bool = False
) -> Found:
    """Return the hits of the first query that has any, the newest first, or the best of the newest 1000."""
    for nth, query in enumerate(queries):
        hits = store.search(query, told)
        if best:
            hits = iter(sorted(islice(hits, POOL), key=lambda hit: -hit.score))
        first = next(hits, None)
        if first is not None:
            return Found(islice(chain((first,), hits), limit), nth > 0)
    return Found((), loose=False)


def behind(store: Store) -> list[str]:
    """Return the sessions to be indexed before a search, the oldest first: none if they are soon read."""
    return list(store.unindexed(BEHIND))[::-1]


def catch_up(store: Store, ulids: Sequence[str], told: Told) -> None:
    """Index the events of sessions that are not indexed yet."""
    for done, ulid in enumerate(ulids):
        told(done, len(ulids))
        while store.index(ulid, rest=True):
            told(done, len(ulids))
