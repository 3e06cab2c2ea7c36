"""Walk a session's lineage: its ancestors up to where it was forked off, then its own events.

A fork copies nothing, so whoever reads a session reads its ancestors first. Only reading lives
here; how a fork is made does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.model import Chunk, Event, Summary, Turn
    from recorder.store import Store


@dataclass(frozen=True, slots=True)
class Leg:
    """One session's part of a lineage; ``None`` bounds mean: to its end."""

    summary: Summary
    upto_seq: int | None
    upto_turn: int | None

    @property
    def ulid(self) -> str:
        """Return the ULID of the session that owns this part."""
        return self.summary.session.ulid

    def holds(self, turn: int) -> bool:
        """Say whether a turn of this number, if the session has it, belongs to the lineage."""
        return self.upto_turn is None or turn <= self.upto_turn


def legs(store: Store, ulid: str) -> list[Leg]:
    """Return the parts of a lineage, oldest ancestor first.

    A child may be cut inside what its parent itself inherited, hence the smaller bound wins on the
    way up. An ancestor that is gone ends the walk: the rest is still worth reading.
    """
    found: list[Leg] = []
    seen: set[str] = set()
    at: str | None = ulid
    seq: int | None = None
    turn: int | None = None
    while at is not None and at not in seen:
        seen.add(at)
        summary = store.summary(at)
        if summary is None:
            break
        found.append(Leg(summary, seq, turn))
        seq = _smaller(seq, summary.session.fork_seq)
        turn = _smaller(turn, summary.session.fork_turn)
        at = summary.session.parent_ulid
    return found[::-1]


def count(store: Store, ulid: str) -> int:
    """Return the number of events of the whole lineage, without reading a session's own ones."""
    total = 0
    for leg in legs(store, ulid):
        if leg.upto_seq is None:
            total += store.count(leg.ulid)
        else:
            total += sum(1 for _ in store.events(leg.ulid, upto=leg.upto_seq))
    return total


def events(store: Store, ulid: str, *, kinds: Sequence[str] = (), last: int | None = None) -> Iterator[Event]:
    """Yield the events of the lineage in order; ``last`` keeps only the newest N."""
    chain = legs(store, ulid)
    if last is None:
        for leg in chain:
            yield from store.events(leg.ulid, kinds=kinds, upto=leg.upto_seq)
        return
    parts: list[list[Event]] = []
    wanted = last
    for leg in reversed(chain):
        if wanted <= 0:
            break
        part = list(store.events(leg.ulid, kinds=kinds, upto=leg.upto_seq, last=wanted))
        parts.append(part)
        wanted -= len(part)
    for part in reversed(parts):
        yield from part


def last_event(store: Store, ulid: str) -> Event | None:
    """Return the newest event of the lineage."""
    return next(events(store, ulid, last=1), None)


def turns(store: Store, ulid: str) -> list[Turn]:
    """Return the turns of the lineage in order."""
    return [turn for leg in legs(store, ulid) for turn in store.turns(leg.ulid) if leg.holds(turn.turn)]


def turn(store: Store, ulid: str, number: int) -> Turn | None:
    """Return one turn of the lineage, from the youngest session that has it."""
    for leg in reversed(legs(store, ulid)):
        if leg.holds(number):
            found = store.turn(leg.ulid, number)
            if found is not None:
                return found
    return None


def raw(store: Store, ulid: str, first: Event | None = None) -> Iterator[Chunk]:
    """Yield the raw bytes of the lineage, an ancestor's up to the end of the turn it was cut at.

    ``first`` leaves out what came before that event, as far as its meta knows where that is.
    """
    skipping = first is not None
    for leg in legs(store, ulid):
        start = 0
        if first is not None and skipping:
            if leg.ulid != first.session:
                continue
            skipping = False
            start = raw_offset(first) or 0
        end = _cut(store, leg)
        if end is None or end > start:
            yield from store.raw(leg.ulid, start, end)


def raw_offset(event: Event) -> int | None:
    """Return where in its session's raw stream an event begins, if it says so."""
    at = event.meta.get("raw", event.meta.get("raw_at"))
    if isinstance(at, list) and at:
        at = at[0]
    return at if isinstance(at, int) and not isinstance(at, bool) else None


def _cut(store: Store, leg: Leg) -> int | None:
    """Return the raw offset at which a leg ends; ``None`` is its very end."""
    if leg.upto_turn is None:
        return None
    last = store.turn(leg.ulid, leg.upto_turn)
    return 0 if last is None else last.raw_end


def _smaller(one: int | None, other: int | None) -> int | None:
    """Return the smaller bound, where ``None`` is no bound."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
