"""How events become turn rows: one pure fold, so that the rows can be rebuilt at any time.

Here may live only what derives a ``Turn`` from ``Event``s. No I/O, no clock, no store; the back
ends call it while they append, and ``check`` calls it again over everything to compare.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recorder.erasing import ERASED
from recorder.model import End, Event, Kind, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recorder.model import Draft, JsonValue

INPUT = "input"  # the source of a prompt that is a line for a program within a shell's turn


def fold(turn: Turn | None, event: Event) -> Turn | None:
    """Return the row of ``event.turn`` after this event, or None where there is none to have.

    ``turn`` is the row so far. Only a prompt opens a row: output whose prompt was never stored has
    nothing to be the answer to. An ``input`` is no such prompt: a program that runs in a shell's turn was
    given a line. Events without a turn leave ``turn`` as it is.
    """
    if event.turn is None:
        return turn
    if event.kind == Kind.PROMPT and event.meta.get("source") != INPUT:
        return _submitted(turn, event, event.turn)
    if turn is None:
        return None
    if event.kind == Kind.OUTPUT:
        return _printed(turn, event.meta)
    if event.kind in (Kind.WARN, Kind.ALERT):
        return replace(turn, troubled=True)
    if event.kind == Kind.SYSTEM and "raw_only" in event.meta:
        return replace(turn, truncated=True)
    return turn


def raw_offset(event: Event | Draft) -> int | None:
    """Return where in its session's raw stream an event begins, if it says so."""
    at = event.meta.get("raw", event.meta.get("raw_at"))
    if isinstance(at, list) and at:
        at = at[0]
    return at if isinstance(at, int) and not isinstance(at, bool) else None


def raw_end(event: Event) -> int:
    """Return where in its session's raw stream an event ends, 0 where it does not say so."""
    at = event.meta.get("raw", event.meta.get("raw_at"))
    if isinstance(at, list) and at:
        at = at[-1]
    return at if isinstance(at, int) and not isinstance(at, bool) else 0


def fold_all(events: Iterable[Event]) -> dict[int, Turn]:
    """Return the rows of all turns that one session's events make, by number."""
    rows: dict[int, Turn] = {}
    for event in events:
        if event.turn is None:
            continue
        row = fold(rows.get(event.turn), event)
        if row is not None:
            rows[event.turn] = row
    return rows


def _submitted(turn: Turn | None, event: Event, number: int) -> Turn:
    """Open the row, or fill in a prompt that came a second time (what was printed stays)."""
    meta = event.meta
    raw = _int(meta.get("raw")) or 0
    fresh = Turn(
        session=event.session,
        turn=number,
        command=event.text,
        prompt_text=_str(meta.get("prompt_text")),
        started_ms=event.at.wall_ms,
        raw_start=raw,
        raw_end=raw,
        cwd=_str(meta.get("cwd")),
        shell=_str(meta.get("shell")),
        parent_turn=_int(meta.get("parent_turn")),
        erased=ERASED in meta,
    )
    if turn is None:
        return fresh
    return replace(
        fresh,
        raw_end=max(raw, turn.raw_end),
        end=turn.end,
        exit_status=turn.exit_status,
        duration_ms=turn.duration_ms,
        truncated=turn.truncated,
        troubled=turn.troubled,
    )


def _printed(turn: Turn, meta: Mapping[str, JsonValue]) -> Turn:
    """Move the end of the raw range, and close the row if this output says how the turn ended."""
    span = meta.get("raw")
    end = _int(span[1]) if isinstance(span, list) and len(span) == 2 else None
    if end is not None and end > turn.raw_end:
        turn = replace(turn, raw_end=end)
    if "end" not in meta:
        return turn
    status = _int(meta.get("status"))
    return replace(
        turn,
        end=_end(meta["end"]),
        exit_status=status,
        duration_ms=_int(meta.get("duration_ms")),
        troubled=turn.troubled or bool(status),
    )


def _end(value: JsonValue) -> End:
    """Read an end; a word of a newer version reads as unknown."""
    try:
        return End(value)  # type: ignore[arg-type]
    except ValueError:
        return End.UNKNOWN


def _int(value: JsonValue) -> int | None:
    """Read a whole number, or nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _str(value: JsonValue) -> str | None:
    """Read a text; a number (a shell's pid) becomes its digits."""
    if isinstance(value, bool):
        return None
    return str(value) if isinstance(value, str | int) else None
