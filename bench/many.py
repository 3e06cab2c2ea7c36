"""A store with thousands of sessions, written through the product's own interface as recordings leave it.

Most have ended: their events are packed, their bytes merged. Some have labels, some are forks, some are
archived, some were killed while a turn ran; a few are live. Writing takes minutes, so what does not live
is kept beside the results for as long as neither this nor the store's code changes.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from bench import past, peers, recorded
from bench.past import MINUTE_MS
from bench.peers import ROOT
from bench.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from bench.context import Context
    from bench.past import Past
    from bench.plan import Plan
    from recorder.model import Owner, Session
    from recorder.store import Store

# Every so-manieth session …
NAMED = 50  # has a label
FORKED = 25  # is a fork of the one before
HIDDEN = 40  # is archived
KILLED = 500  # was killed while a turn ran
LIVE = 6  # so many of the newest are live, every second of them in a turn
STUCK_MS = 20 * MINUTE_MS  # one of those turns takes so long already


class Many(NamedTuple):
    """The store: where ``rec`` records to, a whole ULID of it and a label, neither of them new."""

    into: Path
    ulid: str
    label: str


def sessions(context: Context) -> Many:
    """Return the store of this run; make it at the first call. Its live sessions live as long as we do."""
    from recorder.stores.sqlite import SqliteStore

    into = context.scratch / "many"
    if not into.exists():
        kept = _kept(context)
        context.say(f"copying {kept}")
        shutil.copytree(kept, into)
        with closing(SqliteStore(recorded.database(into))) as store:
            _live(store, context.plan)
    with closing(SqliteStore(recorded.database(into), readonly=True)) as store:
        label, _ulid = store.labels()[0]
        return Many(into, store.summaries(limit=LIVE + 2, tool=past.TOOLS[0])[-1].session.ulid, label)


def _kept(context: Context) -> Path:
    """Return the directory of the store without its live sessions; write it if it is not there."""
    texts = [
        *sorted((ROOT / "recorder" / "stores").iterdir()),
        *map(ROOT.joinpath, ("bench/many.py", "bench/past.py")),
    ]
    code = b"".join(path.read_bytes() for path in texts if path.is_file())
    plan = context.plan
    name = (
        f"many-{plan.sessions}-{plan.session_turns}-{plan.turn_rows}-{hashlib.sha256(code).hexdigest()[:12]}"
    )
    into = context.kept / name
    if not into.exists():
        for other in context.kept.glob("many-*"):
            shutil.rmtree(other)
        part = into.with_suffix(".part")
        part.mkdir(parents=True)
        _fill(context, part)
        part.rename(into)
    return into


def _fill(context: Context, into: Path) -> None:
    """Write the sessions that do not live into the store that ``rec`` itself made."""
    from recorder.model import Owner
    from recorder.stores.sqlite import SqliteStore

    (rec,) = context.field.among(peers.REC)
    with Terminal(rec.argv(("/usr/bin/true",), into), context.field.env) as terminal:
        terminal.drain()
        terminal.wait()
    plan, until_ms = context.plan, _now_ms() - 2 * STUCK_MS
    nobody = Owner(1, 1, "another-boot")
    before: Session | None = None
    with closing(SqliteStore(recorded.database(into))) as store:
        for number in range(plan.sessions - LIVE):
            if not number % 100:
                context.say(f"writing {plan.sessions} sessions, once: {number}")
            started_ms = until_ms - (plan.sessions - number) * MINUTE_MS
            before = _write(store, number, started_ms, nobody, before, plan)


def _write(
    store: Store, number: int, started_ms: int, owner: Owner, before: Session | None, plan: Plan
) -> Session:
    """Write one session that does not live, and what was done to it afterwards."""
    from recorder.model import Activity, EndReason, State

    parent = before if number % FORKED == FORKED - 1 else None
    first = 1 if parent is None else 1 + plan.session_turns // 2
    turns = range(first, first + plan.session_turns)
    made = past.session(number, started_ms, owner, parent, turns, plan.turn_rows)
    _record(store, made)
    ulid, end_ms = made.session.ulid, started_ms + MINUTE_MS
    if number % KILLED:
        store.append([past.ended(made, end_ms)])
        store.end_invocation(made.invocation.ulid, end_ms, 0, EndReason.EXIT)
    else:
        running = Activity(State.RUNNING, plan.session_turns, started_ms)
        store.append([], activity=(ulid, running), recovered=made.invocation.ulid)
    store.seal(ulid)
    while store.index(ulid, rest=True):
        pass
    if number % NAMED == 0:
        store.set_label(f"label {number}", ulid)
    if number % HIDDEN == 0:
        store.archive(ulid, end_ms)
    return made.session


def _live(store: Store, plan: Plan) -> None:
    """Begin the live sessions, their recorder being this process."""
    from recorder import identity
    from recorder.model import Activity, State

    now_ms = _now_ms()
    for number in range(plan.sessions - LIVE, plan.sessions):
        started_ms = now_ms - STUCK_MS - (plan.sessions - number)
        turns = range(1, plan.session_turns + 1)
        made = past.session(number, started_ms, identity.owner(), None, turns, plan.turn_rows)
        _record(store, made)
        state = State.RUNNING if number % 2 else State.IDLE
        since_ms = now_ms - STUCK_MS if number % 4 == 1 else now_ms
        store.append([], activity=(made.session.ulid, Activity(state, plan.session_turns, since_ms)))


def _record(store: Store, made: Past) -> None:
    """Write a session as its recorder did; in one go, as no trace is left of the single writes."""
    store.begin(made.session, made.invocation)
    store.append(made.drafts, made.chunks)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
