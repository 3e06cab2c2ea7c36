"""The use cases around whole sessions: list them, name them, note something in them, their state.

Takes its store, the clock and the liveness check as arguments, returns records, prints nothing.
What a session printed and replayed is in ``transcripts``; which session is meant in ``lookup``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from recorder import ids, lineage
from recorder.errors import NotFound, Refused
from recorder.labels import check_label, label_mark
from recorder.model import Draft, End, Kind, Moment, State, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from recorder.model import Event, Meta, Owner, Summary, Turn
    from recorder.store import Store

    Alive = Callable[[Owner], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """A session as a list shows it: what is stored, and what can only be computed when read."""

    summary: Summary
    status: Status
    state: State
    state_turn: int | None
    state_since_ms: int | None
    n_events: int
    n_turns: int

    @property
    def ulid(self) -> str:
        """Return the session's ULID."""
        return self.summary.session.ulid


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions to list; what is not given does not narrow the list."""

    limit: int | None = None
    archived: bool = False
    tool: str | None = None
    running: bool = False
    stuck_ms: int | None = None
    here: Path | None = None
    here_root: str | None = None  # the git root of ``here``, if it has one


@dataclass(frozen=True, slots=True)
class Picked:
    """Which turns to list, of one session's lineage or of all sessions."""

    session: str | None = None
    failed: bool = False
    cwds: frozenset[str] | None = None  # the names of one directory
    since_ms: int | None = None
    last: int | None = None


# --- looking ---------------------------------------------------------------------------------


def status_of(summary: Summary, alive: Alive) -> Status:
    """Return what became of a session; a missing end and a missing owner make it interrupted."""
    newest = summary.invocation
    if summary.trouble is not None:
        return summary.trouble
    if newest is None:
        return Status.INTERRUPTED
    if newest.ended_ms is not None:
        return Status.ENDED
    return Status.LIVE if alive(newest.owner) else Status.INTERRUPTED


def row(summary: Summary, alive: Alive) -> Row:
    """Return a session with its status and state as of now.

    Only a live session can be running: one that died in a turn says so by its status.
    """
    status = status_of(summary, alive)
    activity = summary.activity
    if activity is None:
        state, turn, since = State.IDLE, None, None
    elif activity.state is State.RUNNING and status is not Status.LIVE:
        state, turn, since = State.IDLE, None, summary.last_event_ms
    else:
        state, turn, since = activity.state, activity.turn, activity.since_ms
    fork = summary.session
    return Row(
        summary=summary,
        status=status,
        state=state,
        state_turn=turn,
        state_since_ms=since,
        n_events=summary.n_events + (fork.fork_seq or 0),
        n_turns=summary.n_turns + (fork.fork_turn or 0 if fork.fork_seq else 0),
    )


def listing(store: Store, wanted: Wanted, alive: Alive, now_ms: int) -> list[Row]:
    """Return the wanted sessions, newest first."""
    if wanted.limit == 0:
        return []
    if wanted.running or wanted.stuck_ms is not None:
        summaries = _living(store, wanted, alive)
    else:
        narrowed = wanted.here is not None
        summaries = store.summaries(
            limit=None if narrowed else wanted.limit, archived=wanted.archived, tool=wanted.tool
        )
    rows = (row(summary, alive) for summary in summaries if _is_here(summary, wanted))
    found = []
    for each in rows:
        if _is_busy(each, wanted, now_ms):
            found.append(each)
            if len(found) == wanted.limit:
                break
    return found


def _living(store: Store, wanted: Wanted, alive: Alive) -> list[Summary]:
    """Return the sessions that have a recorder, newest first: few, however many are stored."""
    ulids = {one.session for one in store.open_invocations() if alive(one.owner)}
    found = (store.summary(ulid) for ulid in sorted(ulids, reverse=True))
    return [
        summary
        for summary in found
        if summary is not None
        and (wanted.archived or summary.session.archived_ms is None)
        and wanted.tool in {None, summary.session.tool}
    ]


def log(store: Store, picked: Picked, alive: Alive) -> list[Turn]:
    """Return the picked turns in order, a running turn of a dead session as interrupted."""
    if picked.last == 0:
        return []
    if picked.session is not None:
        kept = _kept(lineage.turns(store, picked.session), picked, store)
    elif picked.last is None:
        kept = _kept(store.turns(since_ms=picked.since_ms), picked, store)
    else:
        kept = _newest_kept(store, picked, picked.last)
    if picked.last is not None:
        kept = kept[-picked.last :]
    return settled(store, kept, alive)


def _newest_kept(store: Store, picked: Picked, last: int) -> list[Turn]:
    """Return at least the ``last`` newest picked turns of all sessions, looking back as far as needed."""
    window = last
    while True:
        turns = store.turns(since_ms=picked.since_ms, last=window)
        kept = _kept(turns, picked, store)
        if len(kept) >= last or len(turns) < window:
            return kept
        window *= 16


def _kept(turns: list[Turn], picked: Picked, store: Store) -> list[Turn]:
    cwds: dict[str, str] = {}
    return [turn for turn in turns if _is_picked(turn, picked, store, cwds)]


def settled(store: Store, turns: Iterable[Turn], alive: Alive) -> list[Turn]:
    """Return the turns, those that a dead recorder left running as interrupted."""
    dead: dict[str, bool] = {}
    found = []
    for turn in turns:
        if turn.end is End.RUNNING:
            if turn.session not in dead:
                summary = store.summary(turn.session)
                dead[turn.session] = summary is None or status_of(summary, alive) is not Status.LIVE
            if dead[turn.session]:
                found.append(replace(turn, end=End.INTERRUPTED))
                continue
        found.append(turn)
    return found


def short_names(store: Store, ulids: Iterable[str]) -> dict[str, str]:
    """Return for the ULIDs of some sessions the shortest prefix that no other session's shares."""
    return ids.shortest(ulids, store.with_prefix("", limit=1_000_000_000))


def turn_names(store: Store, turns: Iterable[Turn | Event]) -> dict[str, str]:
    """Return for the sessions of some turns or events what to write before the colon: a label, a prefix."""
    labels = {ulid: label for label, ulid in reversed(store.labels())}
    return {**short_names(store, {turn.session for turn in turns}), **labels}


# --- writing ---------------------------------------------------------------------------------


def label(store: Store, ulid: str, name: str, now_ms: int) -> str | None:
    """Give a label to a session; return the ULID of the session it was taken from, if any."""
    name = check_label(name)
    if dict(store.labels()).get(name) == ulid:
        return None
    moved = store.set_label(name, ulid)
    append(store, ulid, Kind.MARK, f"label {name}", label_mark(name, moved), now_ms)
    return moved


def unlabel(store: Store, name: str, now_ms: int) -> None:
    """Take a label away; raises NotFound when no session has it."""
    name = check_label(name)
    ulid = dict(store.labels()).get(name)
    if ulid is None or not store.drop_label(name):
        raise NotFound(f"no such label: {name}", advice="`rec labels` lists the labels there are")
    meta: Meta = {"mark": "label", "label": name, "removed": True}
    append(store, ulid, Kind.MARK, f"label {name} removed", meta, now_ms)


def note(store: Store, ulid: str, text: str, now_ms: int) -> Event:
    """Write a note into a session, at the turn that is running."""
    return append(store, ulid, Kind.MARK, text, {"mark": "note"}, now_ms)


def alert(store: Store, ulid: str, text: str, now_ms: int) -> Event:
    """Raise an alert in a session, at the turn that is running."""
    return append(store, ulid, Kind.ALERT, text, {"rule": "user"}, now_ms)


def unstored(ulid: str) -> Refused:
    """Return what to raise where a session that is being recorded has no row yet."""
    message = f"could not write to session {ulid}: nothing of it has been stored yet"
    return Refused(message, advice="try again after its first prompt")


def append(store: Store, ulid: str, kind: Kind, text: str, meta: Meta, now_ms: int) -> Event:
    """Append one event to a session from any process; raises Refused when it has no row yet.

    The recorder's own clock is not ours to read: the offset is the wall time since its start.
    """
    summary = store.summary(ulid)
    if summary is None:
        raise unstored(ulid)
    newest, activity = summary.invocation, summary.activity
    open_turn = None
    if activity is not None and activity.state is State.RUNNING:
        open_turn = activity.turn
    offset = max(0, now_ms - newest.started_ms) if newest is not None else 0
    draft = Draft(
        session=ulid,
        kind=kind,
        at=Moment(wall_ms=now_ms, offset_ms=offset),
        text=text,
        turn=open_turn,
        invocation=newest.ulid if newest is not None else None,
        meta=meta,
    )
    return store.append([draft])[0]


# --- choosing --------------------------------------------------------------------------------


def _is_here(summary: Summary, wanted: Wanted) -> bool:
    """Say whether a session was started here: the same git root, else this directory or below."""
    if wanted.here is None:
        return True
    if wanted.here_root is not None:
        return summary.session.git_root == wanted.here_root
    return Path(summary.session.cwd).is_relative_to(wanted.here)


def _is_busy(each: Row, wanted: Wanted, now_ms: int) -> bool:
    running = each.state is State.RUNNING
    if wanted.running and not running:
        return False
    if wanted.stuck_ms is None:
        return True
    since = each.state_since_ms
    return running and since is not None and now_ms - since >= wanted.stuck_ms


def _is_picked(turn: Turn, picked: Picked, store: Store, cwds: dict[str, str]) -> bool:
    if picked.failed and turn.exit_status in {None, 0} and not turn.troubled:
        return False
    if picked.since_ms is not None and turn.started_ms < picked.since_ms:
        return False
    return picked.cwds is None or _cwd_of(turn, store, cwds) in picked.cwds


def _cwd_of(turn: Turn, store: Store, cwds: dict[str, str]) -> str:
    """Return where a turn ran; a tool that does not say is taken to be where it was started."""
    if turn.cwd is not None:
        return turn.cwd
    if turn.session not in cwds:
        summary = store.summary(turn.session)
        cwds[turn.session] = "" if summary is None else summary.session.cwd
    return cwds[turn.session]
