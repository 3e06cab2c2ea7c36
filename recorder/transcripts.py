"""What a session said, put together for reading: the first line, replays, the output of one turn.

Reads the store, returns records and text as they were recorded; making them safe for a terminal
is the printer's duty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder import lineage
from recorder.model import Kind
from recorder.modes import finds_full_screen
from recorder.turns import INPUT, raw_offset
from recorder.units import ago

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.model import Event, Turn
    from recorder.store import Store

_LONGEST = 32  # bytes of such a sequence that one read may end with


@dataclass(frozen=True, slots=True)
class Replay:
    """A session to be shown again; ``n_events`` and the newest time are those of all its events."""

    first_line: str
    n_events: int
    most_recent_ms: int | None
    events: Iterator[Event]


def first_line(n_events: int, most_recent_ms: int | None, now_ms: int) -> str:
    """Return the line that a replay begins with."""
    if n_events == 0 or most_recent_ms is None:
        return "no prior events"
    noun = "event" if n_events == 1 else "events"
    return f"{n_events} prior {noun}, most recent {ago(now_ms - most_recent_ms)} ago"


def replay(store: Store, ulid: str, now_ms: int, last: int | None = None) -> Replay:
    """Return a session's replay; ``last`` shortens the events, never the count."""
    n_events = lineage.count(store, ulid)
    newest = lineage.last_event(store, ulid)
    most_recent_ms = newest.at.wall_ms if newest is not None else None
    return Replay(
        first_line=first_line(n_events, most_recent_ms, now_ms),
        n_events=n_events,
        most_recent_ms=most_recent_ms,
        events=lineage.events(store, ulid, last=last),
    )


def replay_raw(store: Store, ulid: str, last: int | None = None) -> Iterator[bytes]:
    """Yield the recorded bytes of a session; ``last`` begins where the last N events begin."""
    first = None
    if last is not None:
        located = (event for event in lineage.events(store, ulid, last=last) if raw_offset(event) is not None)
        first = next(located, None)
        if first is None:
            return
    for chunk in lineage.raw(store, ulid, first):
        yield chunk.data


def output_events(store: Store, turn: Turn) -> Iterator[Event]:
    """Yield what a turn printed, in order: its outputs and the notice of what is raw only.

    They stand between the turn's prompt and the output that says how it ended; a prompt of the next
    turn may stand among them, as prompts are written first.
    """
    kinds = (Kind.OUTPUT, Kind.SYSTEM)
    for event in store.events(turn.session, kinds=kinds, after=_prompt_seq(store, turn)):
        if event.turn != turn.turn:
            continue
        if event.kind == Kind.OUTPUT or "raw_only" in event.meta:
            yield event
        if "end" in event.meta:
            return


def _prompt_seq(store: Store, turn: Turn) -> int:
    """Return the seq of a turn's prompt, or 0: turn numbers rise with seq, so the half is enough."""
    newest = next(store.events(turn.session, last=1), None)
    low, high = 0, newest.seq if newest is not None else 0
    found = 0
    while low < high:
        middle = (low + high) // 2
        prompts = store.events(turn.session, kinds=(Kind.PROMPT,), after=middle)
        prompt = next((event for event in prompts if event.meta.get("source") != INPUT), None)
        if prompt is None or prompt.turn is None or prompt.turn >= turn.turn:
            high = middle
            if prompt is not None and prompt.turn == turn.turn:
                found = prompt.seq
        else:
            low = prompt.seq
    return found


def output_text(store: Store, turn: Turn) -> str:
    """Return the text of a turn's output, as seen; what is kept raw only is missing."""
    return "".join(event.text for event in output_events(store, turn) if event.kind == Kind.OUTPUT)


def output_raw(store: Store, turn: Turn) -> Iterator[bytes]:
    """Yield the bytes that a turn printed."""
    if turn.raw_end > turn.raw_start:
        for chunk in store.raw(turn.session, turn.raw_start, turn.raw_end):
            yield chunk.data


def on_full_screen(store: Store, turn: Turn) -> bool:
    """Say whether a turn drew on the alternate screen: of that no lines are left."""
    tail = b""
    for data in output_raw(store, turn):
        if finds_full_screen(tail + data):
            return True
        tail = data[-_LONGEST:]
    return False
