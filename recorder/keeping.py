"""What is kept and what is let go: delete sessions with their forks, erase turns, prune to a budget.

Takes its store, the clock and the liveness check as arguments; asks nobody and prints nothing.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from recorder import care, lineage, wrapping
from recorder.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from recorder.model import Owner, Summary, Turn
    from recorder.store import Store

    Alive = Callable[[Owner], bool]

_BATCH = 64 << 20  # bytes deleted in one transaction
_TRIES = 5  # against others that fork and resume what is being looked at


@dataclass(frozen=True, slots=True)
class Doomed:
    """Sessions that may be deleted, and the invocations (ULIDs) whose recorder is known to be dead."""

    sessions: tuple[Summary, ...]
    dead: frozenset[str]

    @property
    def ulids(self) -> list[str]:
        """Return the sessions' ULIDs."""
        return [each.session.ulid for each in self.sessions]


def family(store: Store, ulid: str) -> list[str]:
    """Return a session and all that were forked off it or off its forks, parents first."""
    found = [ulid]
    for each in found:
        found += [child for child in store.children(each) if child not in found]
    return found


def doomed(store: Store, ulids: Iterable[str], alive: Alive, *, with_forks: bool = False) -> Doomed:
    """Return what deleting some sessions takes with it; raise Refused where that may not be.

    A session with forks goes only ``with_forks``, or if all of them were named; a live one never.
    """
    named = list(dict.fromkeys(ulids))
    wanted = list(named)
    for ulid in named:
        forks = [each for each in family(store, ulid)[1:] if each not in wanted]
        if forks and not with_forks:
            raise Refused(
                f"could not delete session {ulid}: {_sessions(len(forks))} forked off it",
                advice="--with-forks deletes them too; `rec archive` hides a session and deletes nothing",
            )
        wanted += forks
    living, dead = _owners(store, wanted, alive)
    for ulid in wanted:
        if ulid in living:
            raise Refused(
                f"could not delete session {ulid}: it is being recorded",
                advice="end it first; inside it, /forget erases a turn",
            )
    found = (store.summary(ulid) for ulid in wanted)
    return Doomed(tuple(each for each in found if each is not None), dead)


def delete(store: Store, root: Path, named: Iterable[str], alive: Alive, *, with_forks: bool = False) -> int:
    """Delete sessions and what was spilled of them; return how many. Raises Refused as ``doomed`` does."""
    named = list(named)
    for _ in range(_TRIES):
        what = doomed(store, named, alive, with_forks=with_forks)
        if _let_go(store, root, what.ulids, what.dead):
            return len(what.sessions)
    raise Refused("could not delete the session: it is being forked or resumed", advice="try again")


# --- a budget --------------------------------------------------------------------------------------


class Budget(NamedTuple):
    """What may be kept: nothing older than ``age_ms``, and no more than ``max_bytes``; None is no limit."""

    age_ms: int | None
    max_bytes: int | None


@dataclass(slots=True)
class _Family:
    """Sessions that were forked off each other: they are kept or deleted together."""

    ulids: list[str]
    newest_ms: int
    size: int
    whole: bool = True


def prune(
    store: Store,
    root: Path,
    budget: Budget,
    alive: Alive,
    now_ms: int,
    *,
    spare: str | None = None,
) -> int:
    """Delete what is beyond the budget, the oldest families first by their newest event; return how many.

    A family with a live session stays whatever it takes, and so does that of ``spare``, and one of
    which a directory is missing: there is nothing to delete it from.
    """
    families = sorted(_families(store), key=lambda each: each.newest_ms)
    living, dead = _owners(store, {ulid for each in families for ulid in each.ulids}, alive)
    kept = living | ({spare} if spare else set())
    total = sum(each.size for each in families)
    gone: list[_Family] = []
    for each in families:
        old = budget.age_ms is not None and now_ms - each.newest_ms > budget.age_ms
        large = budget.max_bytes is not None and total > budget.max_bytes
        if (old or large) and each.whole and kept.isdisjoint(each.ulids):
            total -= each.size
            gone.append(each)
    return sum(len(batch) for batch in _batches(gone) if _let_go(store, root, batch, dead))


def _families(store: Store) -> list[_Family]:
    summaries = {each.session.ulid: each for each in store.summaries(archived=True)}
    sizes = store.sizes()
    families: dict[str, _Family] = {}
    for ulid, each in summaries.items():
        first, seen = ulid, {ulid}
        while (parent := summaries[first].session.parent_ulid) in summaries and parent not in seen:
            first = parent
            seen.add(first)
        newest = each.last_event_ms or each.session.created_ms
        family = families.setdefault(first, _Family([], newest, 0))
        family.ulids.append(ulid)
        family.newest_ms = max(family.newest_ms, newest)
        family.size += sizes.get(ulid, 0)
        family.whole = family.whole and each.trouble is None
    return list(families.values())


def _batches(families: Iterable[_Family]) -> Iterator[list[str]]:
    """Group families for one transaction each: what it overwrites all goes through the store's log."""
    batch: list[str] = []
    size = 0
    for each in families:
        if batch and size + each.size > _BATCH:
            yield batch
            batch, size = [], 0
        batch += each.ulids
        size += each.size
    if batch:
        yield batch


def _let_go(store: Store, root: Path, ulids: Sequence[str], dead: frozenset[str]) -> bool:
    """Delete sessions, unless one of them was forked or resumed meanwhile; say whether they are gone."""
    with wrapping.erasing(root, ulids):
        if not store.delete(ulids, dead=dead):
            return False
    _forget_spills(root, ulids)
    return True


# --- room ------------------------------------------------------------------------------------------


def compact(store: Store, alive: Alive, told: Callable[[int, int], None]) -> tuple[int, int]:
    """Compact every session that is not live, give space back; return the bytes before and after.

    ``told`` is called with the number of sessions done and that of all.
    """
    before = store.size_bytes()
    ulids = store.with_prefix("", limit=1_000_000_000)
    for done, ulid in enumerate(ulids):
        told(done, len(ulids))
        if not _owners(store, {ulid}, alive)[0]:
            store.compact(ulid)
    store.wipe()
    told(len(ulids), len(ulids))
    return before, store.size_bytes()


# --- turns -----------------------------------------------------------------------------------------


def erasable(store: Store, turn: Turn, alive: Alive, *, with_forks: bool = False) -> None:
    """Raise Refused where a turn may not be erased: in a live session, and unseen in its forks."""
    name = f"{turn.session}:{turn.turn}"
    if _owners(store, {turn.session}, alive)[0]:
        raise _recorded(turn)
    forks = sum(lineage.has_turn(store, child, turn.turn) for child in store.children(turn.session))
    if forks and not with_forks:
        raise Refused(
            f"could not erase turn {name}: {_sessions(forks)} forked off behind it",
            advice="--with-forks erases it in them too: they have it from there",
        )


def erase(store: Store, root: Path, turn: Turn, alive: Alive) -> None:
    """Erase a turn that was found erasable; raise Refused if its session was resumed since."""
    dead = _owners(store, {turn.session}, alive)[1]
    with wrapping.erasing(root, lineage.holders(store, turn)):
        if not store.erase(turn.session, turn.turn, dead=dead):
            raise _recorded(turn)


def _recorded(turn: Turn) -> Refused:
    return Refused(
        f"could not erase turn {turn.session}:{turn.turn}: its session is being recorded",
        advice=f"inside it, /forget {turn.turn} erases it",
    )


def _owners(store: Store, ulids: Collection[str], alive: Alive) -> tuple[set[str], frozenset[str]]:
    """Return which of some sessions are live, and the invocations without an end whose owner is gone."""
    runs = [run for run in store.open_invocations() if run.session in ulids]
    lives = {run.ulid for run in runs if alive(run.owner)}
    living = {run.session for run in runs if run.ulid in lives}
    return living, frozenset(run.ulid for run in runs if run.ulid not in lives)


def _forget_spills(root: Path, ulids: Collection[str]) -> None:
    """Remove the spilled rest of deleted sessions: one that cannot be imported would wait for ever."""
    for path in care.spills_of(root, ulids):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _sessions(count: int) -> str:
    return "1 session was" if count == 1 else f"{count} sessions were"
