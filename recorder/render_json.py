"""Records as the JSON that the contract fixes: the keys, their order, and nothing computed here.

Times are RFC 3339 in UTC with milliseconds; what is absent is null.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from recorder import jsontext
from recorder.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recorder.current import Health
    from recorder.lineage import Branch
    from recorder.model import Check, Event, JsonValue, Turn
    from recorder.query import Hit
    from recorder.sessions import Row
    from recorder.wrap import Wrap

Object = dict[str, "JsonValue"]

KINDS = frozenset(Kind)
dumps = jsontext.dumps


def moment(wall_ms: int | None) -> str | None:
    """Return a time in RFC 3339, UTC, milliseconds."""
    if wall_ms is None:
        return None
    seconds, ms = divmod(wall_ms, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ms:03d}Z"


def kind(event: Event) -> str:
    """Return an event's kind; one that a newer version invented is shown as ``system``."""
    return event.kind if event.kind in KINDS else Kind.SYSTEM


def session(row: Row) -> Object:
    """Return a session as ``ls`` lists it."""
    stored = row.summary.session
    newest = row.summary.invocation
    return {
        "ulid": stored.ulid,
        "labels": list(row.summary.labels),
        "tool": stored.tool,
        "argv": list(stored.argv),
        "cwd": stored.cwd or None,
        "git_root": stored.git_root,
        "host": (newest.host or None) if newest else None,
        "user": stored.user or None,
        "started_at": moment(stored.created_ms),
        "ended_at": moment(newest.ended_ms) if newest else None,
        "status": row.status,
        "exit_status": newest.exit_status if newest else None,
        "end_reason": newest.end_reason if newest else None,
        "state": row.state,
        "state_turn": row.state_turn,
        "state_since": moment(row.state_since_ms),
        "n_events": row.n_events,
        "n_turns": row.n_turns,
        "last_event_at": moment(row.summary.last_event_ms),
        "parent_ulid": stored.parent_ulid,
        "fork_turn": stored.fork_turn,
        "fork_seq": stored.fork_seq,
        "recorder_version": (newest.version or None) if newest else None,
        "target": newest.target if newest else None,
        "archived": stored.archived_ms is not None,
        "directory": stored.directory,
    }


def wrap(found: Wrap) -> Object:
    """Return a wrap-up."""
    from recorder.wrap import SCHEMA  # most lists go without it

    return {
        "schema": SCHEMA,
        "session": found.session,
        "labels": list(found.labels),
        "tool": found.tool,
        "started_at": moment(found.started_ms),
        "ended_at": moment(found.ended_ms),
        "duration_ms": found.duration_ms,
        "n_turns": found.n_turns,
        "n_failures": found.n_failures,
        "n_warns": found.n_warns,
        "n_alerts": found.n_alerts,
        "most_used": [{"command": word, "count": count} for word, count in found.most_used],
        "longest": [
            {
                "session": turn.session,
                "turn": turn.turn,
                "command": turn.command,
                "duration_ms": turn.duration_ms,
            }
            for turn in found.longest
        ],
    }


def event(row: Event) -> Object:
    """Return an event."""
    meta: Mapping[str, JsonValue] = row.meta
    return {
        "session": row.session,
        "seq": row.seq,
        "at": moment(row.at.wall_ms),
        "kind": kind(row),
        "text": row.text,
        "turn": row.turn,
        "invocation": row.invocation,
        "meta": dict(meta),
    }


def turn(row: Turn) -> Object:
    """Return a turn as a line of ``log``."""
    return {
        "session": row.session,
        "turn": row.turn,
        "parent_turn": row.parent_turn,
        "shell": row.shell,
        "prompt_text": row.prompt_text,
        "command": None if row.erased else row.command,
        "cwd": row.cwd,
        "exit_status": row.exit_status,
        "end": row.end,
        "started_at": moment(row.started_ms),
        "duration_ms": row.duration_ms,
        "n_output_bytes": row.raw_end - row.raw_start,
        "truncated": row.truncated,
    }


def diff(turns: Sequence[Turn], lines: Sequence[str]) -> Object:
    """Return two turns and the lines of the unified diff of their outputs."""
    return {"turns": [turn(each) for each in turns], "same": not lines, "diff": [*lines]}


def hit(row: Hit) -> Object:
    """Return a line of ``search``."""
    return {
        "session": row.event.session,
        "turn": row.event.turn,
        "seq": row.event.seq,
        "at": moment(row.event.at.wall_ms),
        "kind": kind(row.event),
        "snippet": row.snippet,
        "command": None if row.turn is None else row.turn.command,
        "score": row.score,
    }


def tree(root: Branch) -> Object:
    """Return a family of sessions, children inside their parents."""
    found: Object = _branch(root)
    waiting = [(root, found)]
    while waiting:
        branch, shown = waiting.pop()
        children = [(child, _branch(child)) for child in branch.children]
        shown["children"] = [each for _, each in children]
        waiting += children
    return found


def _branch(branch: Branch) -> Object:
    labels: list[JsonValue] = [*branch.summary.labels]
    return {"ulid": branch.ulid, "labels": labels, "fork_turn": branch.summary.session.fork_turn}


def health(row: Health) -> Object:
    """Return how a live recording is doing."""
    return {
        "session": row.session,
        "recording": row.recording,
        "label": row.label,
        "n_events": row.n_events,
        "queue_bytes": row.queue_bytes,
        "store_bytes": row.store_bytes,
        "persist": row.persist,
    }


def check(row: Check) -> Object:
    """Return one finding of ``doctor``."""
    return {"check": row.name, "ok": row.ok, "detail": row.detail, "fix": row.fix}
