"""Let a recording go on in another session while its tool runs on: a fork, or a new beginning.

Service. One ordered switch: capture gives out what belongs to the session that is left, the writer gets
the switch behind it, and everything that comes afterwards is the other session's. Nothing here waits
for the store, which makes the new session in its time; nobody can see the one without the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recorder import ids
from recorder.model import Draft, EndReason, Kind, Switch

if TYPE_CHECKING:
    from recorder.model import Invocation, Meta, Moment, Session, Size
    from recorder.wiring import Wiring


def go_on(
    parts: Wiring, session: Session, invocation: Invocation, reason: EndReason, label: str | None
) -> tuple[Session, Invocation]:
    """Leave ``session`` for a child of it (FORKED) or for an unrelated one (NEW); return what follows."""
    now, capture = parts.now(), parts.capture
    items = capture.over(now)
    turn = capture.last if reason is EndReason.FORKED else None
    into = _session(session, now, parts.terminal.size(), turn)
    run = replace(invocation, ulid=ids.ulid(now.wall_ms), session=into.ulid)
    mark = _mark(now, session, invocation, into, reason, capture.source.place(capture.raw))
    parts.record([*items, Switch(mark, reason, into, run, label, archived=reason is EndReason.NEW)])
    capture.go_on(into.ulid, run.ulid, turn or 0)
    parts.writer.activity(capture.activity())
    return into, run


def _session(left: Session, now: Moment, size: Size, turn: int | None) -> Session:
    """Return the row that follows ``left``: its child after ``turn``, or one of its own.

    Its invocation is the same run of the tool, hence keeps the time of its start: offsets count from it.
    """
    return replace(
        left,
        ulid=ids.ulid(now.wall_ms),
        size=size,
        created_ms=now.wall_ms,
        parent_ulid=None if turn is None else left.ulid,
        fork_turn=turn,
        fork_seq=None,
        archived_ms=None,
        directory=None,
    )


def _mark(now: Moment, left: Session, run: Invocation, into: Session, reason: EndReason, raw: int) -> Draft:
    word = "fork" if reason is EndReason.FORKED else "new"
    meta: Meta = {"mark": word, "ulid": into.ulid, "raw": raw}
    text = f"{'forked' if word == 'fork' else 'begun anew'}: recording goes on in {into.ulid}"
    return Draft(left.ulid, Kind.MARK, now, text, None, run.ulid, meta)
