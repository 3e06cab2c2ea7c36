"""Records as the JSON that the contract fixes: the keys, their order, and nothing computed here.

Times are RFC 3339 in UTC with milliseconds; what is absent is null.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

from recorder.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recorder.current import Health
    from recorder.doctor import Check
    from recorder.model import Event, JsonValue, Turn
    from recorder.sessions import Row

Object = dict[str, "JsonValue"]

KINDS = frozenset(Kind)
# DEL, C1, zero-width, bidi and line separators: they would reach a terminal as they are.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: JsonValue) -> str:
    """Return one line of JSON that holds no byte a terminal would obey."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    text = _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return _SURROGATE.sub("\ufffd", text)


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
        "cwd": stored.cwd,
        "git_root": stored.git_root,
        "host": newest.host if newest else None,
        "user": stored.user,
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
        "recorder_version": newest.version if newest else None,
        "target": newest.target if newest else None,
        "archived": stored.archived_ms is not None,
        "directory": stored.directory,
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
        "command": row.command,
        "cwd": row.cwd,
        "exit_status": row.exit_status,
        "end": row.end,
        "started_at": moment(row.started_ms),
        "duration_ms": row.duration_ms,
        "n_output_bytes": row.raw_end - row.raw_start,
        "truncated": row.truncated,
    }


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
