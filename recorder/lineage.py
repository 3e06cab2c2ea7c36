"""Walk a session's lineage: its ancestors up to where it was forked off, then its own events.

A fork copies nothing, so whoever reads a session reads its ancestors first. Only reading lives
here; how a fork is made does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.errors import NotFound
from recorder.turns import raw_offset

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

    def has(self, event: Event) -> bool:
        """Say whether an event of the session belongs here: a turn may end after a later one began."""
        return event.turn is None or self.holds(event.turn)


@dataclass(frozen=True, slots=True)
class Branch:
    """One session and what was forked off it, oldest first."""

    summary: Summary
    children: list[Branch]

    @property
    def ulid(self) -> str:
        """Return the session's ULID."""
        return self.summary.session.ulid

    def ulids(self) -> list[str]:
        """Return the ULIDs of the session and of all that came from it."""
        found = [self]
        for branch in found:
            found += branch.children
        return [branch.ulid for branch in found]


def has_turn(store: Store, child: str, number: int) -> bool:
    """Say whether a fork was cut behind this turn of its parent, and so has it."""
    found = store.summary(child)
    return found is not None and (found.session.fork_turn or 0) >= number


def holders(store: Store, turn: Turn) -> list[str]:
    """Return the sessions whose lineage has a turn: its own, and what was forked off behind it."""
    found = [turn.session]
    for ulid in found:
        fresh = (child for child in store.children(ulid) if child not in found)
        found += [child for child in fresh if has_turn(store, child, turn.turn)]
    return found


def family(store: Store, ulid: str) -> Branch:
    """Return the oldest ancestor of a session, with all that descends from it; raise NotFound.

    What is gone, or an ancestor of itself, is left out.
    """
    top, above = store.summary(ulid), {ulid}
    if top is None:
        raise NotFound(f"no such session: {ulid}")
    while (parent := top.session.parent_ulid) is not None and parent not in above:
        above.add(parent)
        found = store.summary(parent)
        if found is None:
            break
        top = found
    root = Branch(top, [])
    seen, waiting = {root.ulid}, [root]
    while waiting:
        branch = waiting.pop()
        for child in store.children(branch.ulid):
            summary = None if child in seen else store.summary(child)
            if summary is not None:
                seen.add(child)
                branch.children.append(Branch(summary, []))
        waiting += branch.children
    return root


def legs(store: Store, ulid: str) -> list[Leg]:
    """Return the parts of a lineage, oldest ancestor first.

    A child may be cut inside what its parent itself inherited, hence the smaller bound wins on the
    way up. An ancestor that is gone ends the walk: the rest is still worth reading. So does a fork at seq
    0: it inherits nothing, as it has run its parent's turns again.
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
        at = summary.session.parent_ulid if summary.session.fork_seq != 0 else None
    return found[::-1]


def count(store: Store, ulid: str) -> int:
    """Return the number of events of the whole lineage, without reading a session's own ones."""
    total = 0
    for leg in legs(store, ulid):
        if leg.upto_seq is None:
            total += store.count(leg.ulid)
        else:
            total += sum(1 for _ in events_of(store, leg, ()))
    return total


def events(store: Store, ulid: str, *, kinds: Sequence[str] = (), last: int | None = None) -> Iterator[Event]:
    """Yield the events of the lineage in order; ``last`` keeps only the newest N."""
    chain = legs(store, ulid)
    if last is None:
        for leg in chain:
            yield from events_of(store, leg, kinds)
        return
    parts: list[list[Event]] = []
    wanted = last
    for leg in reversed(chain):
        if wanted <= 0:
            break
        part = list(store.events(leg.ulid, kinds=kinds, upto=leg.upto_seq, last=wanted))
        if not all(leg.has(event) for event in part):
            part = list(events_of(store, leg, kinds))[-wanted:]
        parts.append(part)
        wanted -= len(part)
    for part in reversed(parts):
        yield from part


def events_of(store: Store, leg: Leg, kinds: Sequence[str] = ()) -> Iterator[Event]:
    """Yield the events of one part of a lineage in order."""
    found = store.events(leg.ulid, kinds=kinds, upto=leg.upto_seq)
    return found if leg.upto_turn is None else (event for event in found if leg.has(event))


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
    """Yield the raw bytes of the lineage, an ancestor's up to the end of the turn it was cut at, or left in.

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
        end = end_of(store, leg)
        if end is None or end > start:
            yield from store.raw(leg.ulid, start, end)


def end_of(store: Store, leg: Leg) -> int | None:
    """Return the raw offset at which a leg ends; ``None`` is its very end."""
    if leg.upto_turn is None:
        return None
    for event in store.events(leg.ulid, after=(leg.upto_seq or 0) - 1, upto=leg.upto_seq):
        if event.meta.get("mark") == "fork":  # it was left just there, with its prompt on the screen
            return raw_offset(event)
    last = store.turn(leg.ulid, leg.upto_turn)
    return 0 if last is None else last.raw_end


def _smaller(one: int | None, other: int | None) -> int | None:
    """Return the smaller bound, where ``None`` is no bound."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
