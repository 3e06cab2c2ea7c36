"""What a session says now: the end of its transcript, and what comes while somebody looks on.

Reads the store in short looks; decides nothing about terminals.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from recorder import lineage
from recorder.model import Status
from recorder.sessions import status_of
from recorder.turns import raw_end

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorder.model import Event
    from recorder.sessions import Alive
    from recorder.store import Store

EVENTS = 200  # more than any screen shows lines of


def newest(store: Store, ulid: str) -> list[Event]:
    """Return the last events of the lineage: surely a screenful."""
    return list(lineage.events(store, ulid, last=EVENTS))


def screenful(pieces: Iterable[str], rows: int) -> str:
    """Return the last lines of a text that comes in pieces."""
    kept: deque[str] = deque(maxlen=max(1, rows))
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        kept.extend(line + "\n" for line in lines)
    if rest:
        kept.append(rest)
    return "".join(kept)


class Follower:
    """What comes behind the events that were read: as events, or as the raw bytes before they are events."""

    def __init__(self, store: Store, ulid: str, alive: Alive, seen: Iterable[Event]) -> None:
        """Begin behind what was ``seen``."""
        own = [event for event in seen if event.session == ulid]
        self._store = store
        self._ulid = ulid
        self._alive = alive
        self._seq = own[-1].seq if own else 0
        self._raw = max((raw_end(event) for event in own), default=0)

    def events(self) -> tuple[list[Event], bool]:
        """Return the events since the last look, and whether more may come."""
        more = self._live()  # asked first: what is written before the end is read after it
        found = list(self._store.events(self._ulid, after=self._seq))
        if found:
            self._seq = found[-1].seq
        return found, more

    def raw(self) -> tuple[bytes, bool]:
        """Return the raw bytes since the last look, and whether more may come."""
        more = self._live()
        found = []
        for chunk in self._store.raw(self._ulid, self._raw):
            found.append(chunk.data)
            self._raw = chunk.start + len(chunk.data)
        return b"".join(found), more

    def _live(self) -> bool:
        summary = self._store.summary(self._ulid)
        return summary is not None and status_of(summary, self._alive) is Status.LIVE
