"""Go on with a session: which one, whether that can be, and its taking over by exactly one terminal.

Service: takes its store, the clock and the liveness check as arguments and prints nothing. It starts
no tool: whoever does gives the session back (``give_back``) if the tool could not be started.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from recorder import lineage, newrun
from recorder.errors import Refused, StoreError
from recorder.masking import mask_argv
from recorder.model import EndReason, Kind, Size, Status
from recorder.origin import ADOPTED, Origin
from recorder.sessions import status_of
from recorder.transcripts import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from recorder.model import Invocation, Near, Owner, Session, Summary
    from recorder.store import Store

    Alive = Callable[[Owner], bool]

_LOOKED_AT = 50  # events at a session's end, for the number of its last turn


# --- which -----------------------------------------------------------------------------------


def newest(
    store: Store,
    near: Near,
    alive: Alive,
    argv: Sequence[str] | None = None,
) -> Summary | None:
    """Return the session that a place was left with last, if one can go on: unarchived and not live.

    ``argv`` wants one of exactly that command line, passwords apart.
    """
    words = None if argv is None else tuple(mask_argv(tuple(argv))[0])
    tool = None if words is None else os.path.basename(words[0])
    found = [
        summary
        for summary in store.summaries(tool=tool, near=near)
        if words in {None, summary.session.argv}
        and summary.trouble is None
        and not is_foreign(store, summary.session)
        and status_of(summary, alive) is not Status.LIVE
    ]
    return max(found, key=lambda summary: (_last_ms(summary), summary.session.ulid), default=None)


def _last_ms(summary: Summary) -> int:
    """Return when something happened in a session last (wall)."""
    return max(summary.last_event_ms or 0, summary.session.created_ms)


# --- whether ---------------------------------------------------------------------------------


def check(summary: Summary, alive: Alive) -> None:
    """Raise Refused for a session that is live."""
    session, run = summary.session, summary.invocation
    if run is not None and status_of(summary, alive) is Status.LIVE:
        raise _refused(session, f"it is live, recorded by process {run.owner.pid}")


def command_line(session: Session, verb: str = "resume") -> tuple[str, ...]:
    """Return what starts the session's tool again; raise Refused where that was not kept."""
    if session.argv_masked:
        advice = f"`rec run --continue -- {session.tool} …` with the whole command line goes on with it"
        raise _refused(session, "the password in its command line was not kept", advice, verb)
    if not session.argv:
        raise _refused(session, "no command line was kept with it", verb=verb)
    return session.argv


def is_foreign(store: Store, session: Session) -> bool:
    """Say whether a session came with its directory: then its command line may be anybody's."""
    return session.directory is not None and ADOPTED in store.meta(session.ulid)


def vouch(store: Store, session: Session) -> None:
    """Note that the user has seen the command line of a session that came with its directory."""
    store.set_meta(session.ulid, ADOPTED, None)


def enter(session: Session, verb: str = "resume") -> None:
    """Go to the session's directory; raise Refused where that cannot be."""
    try:
        os.chdir(session.cwd)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        cause = "it is gone" if gone else os.strerror(error.errno or 0).lower()
        raise _refused(session, f"its directory is {session.cwd}, and {cause}", verb=verb) from error


def _refused(session: Session, cause: str, advice: str | None = None, verb: str = "resume") -> Refused:
    return Refused(f"could not {verb} {session.ulid}: {cause}", advice=advice)


# --- taking it over --------------------------------------------------------------------------


def take(store: Store, summary: Summary, argv: Sequence[str], env: Mapping[str, str], now_ms: int) -> Origin:
    """Begin a run of ``argv`` in the session, in the working directory; return where it goes on.

    Raises Refused where another process began one after ``summary`` was read.
    """
    session, before = summary.session, summary.invocation
    run = newrun.invocation(session, argv, env, now_ms)
    n_events, most_recent_ms = _so_far(store, summary)
    origin = Origin(
        session=session,
        turn=_last_turn(store, session),
        raw=store.raw_length(session.ulid),
        greeting=f"resuming: {first_line(n_events, most_recent_ms, now_ms)}",
        n_events=n_events,
        size=_size(store, session),
        invocation=run,
    )
    if not store.take(run, None if before is None else before.ulid):
        raise _refused(session, "another terminal has just taken it")
    return origin


def give_back(store: Store, run: Invocation, now_ms: int, status: int) -> None:
    """Leave the session as it was before ``run`` took it; end the run if something was recorded since."""
    if not store.give_back(run.ulid):
        store.end_invocation(run.ulid, now_ms, status, EndReason.EXIT)


def differences(before: Invocation | None, now: Invocation) -> list[str]:
    """Say what is not as it was when the session was recorded last, one line each."""
    told: list[str] = []
    if before is None:
        return told
    if before.version != now.version:
        told.append(f"this is rec {now.version}; the session was last recorded by {before.version}")
    if before.host != now.host:
        told.append(f"this host is {now.host}; the session last ran on {before.host}")
    if before.target != now.target:
        names = [run.target or "no target that is known" for run in (now, before)]
        told.append(f"the tool talks to {names[0]}; last time to {names[1]}")
    return told


def _so_far(store: Store, summary: Summary) -> tuple[int, int | None]:
    """Return number and time of the lineage's events; what is damaged must not stand in the way."""
    session = summary.session
    n_events, last = summary.n_events + (session.fork_seq or 0), None
    with contextlib.suppress(StoreError):
        n_events = lineage.count(store, session.ulid)
        last = lineage.last_event(store, session.ulid)
    return n_events, summary.last_event_ms if last is None else last.at.wall_ms


def _last_turn(store: Store, session: Session) -> int:
    """Return the number after which turns go on; no number is given twice, even if its row is gone."""
    numbers = [session.fork_turn or 0]
    with contextlib.suppress(StoreError):
        numbers += [turn.turn for turn in store.turns(session.ulid, last=1)]
    with contextlib.suppress(StoreError):
        numbers += [event.turn or 0 for event in store.events(session.ulid, last=_LOOKED_AT)]
    return max(numbers)


def _size(store: Store, session: Session) -> Size:
    """Return the terminal's size when the session was left."""
    with contextlib.suppress(StoreError):
        for event in store.events(session.ulid, kinds=[Kind.RESIZE.value], last=1):
            cols, rows = event.meta.get("cols"), event.meta.get("rows")
            if isinstance(cols, int) and isinstance(rows, int):
                return Size(cols, rows)
    return session.size
