"""The wrap-up of a session: computed from its turns and events, never curated.

Pure: records in, a record out; no store, no clock, no text for people.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.model import End, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recorder.model import Event, Summary, Turn

SCHEMA = 1  # of the JSON; a key that is added does not change it
MOST_USED = 5
LONGEST = 5
LONG_MS = 2 * 60 * 60 * 1000  # a session of more than this is worth a line when it ends


@dataclass(frozen=True, slots=True)
class Wrap:
    """What became of a session, in numbers; times as in ``model``.

    ``most_used``: (first word of a command, how often), ``longest``: turns, each the greatest first.
    """

    session: str
    labels: tuple[str, ...]
    tool: str
    started_ms: int
    ended_ms: int | None
    duration_ms: int
    n_turns: int
    n_failures: int
    n_warns: int
    n_alerts: int
    most_used: tuple[tuple[str, int], ...]
    longest: tuple[Turn, ...]


def wrap(summary: Summary, turns: Sequence[Turn], events: Iterable[Event]) -> Wrap:
    """Wrap a session up: the turns of its lineage, and the warns and alerts among its events.

    The duration is from its start to its end, to its last event where it has none. A failure is a turn
    that left with a status other than 0.
    """
    session, newest = summary.session, summary.invocation
    ended = None if newest is None else newest.ended_ms
    until = ended if ended is not None else summary.last_event_ms or session.created_ms
    kinds = Counter(event.kind for event in events)
    words = Counter(turn.command.split(maxsplit=1)[0] for turn in turns if turn.command.strip())
    # Counter.most_common keeps the order of first use among equals: the same session, the same list.
    timed = [turn for turn in turns if turn.duration_ms is not None and turn.end is not End.RUNNING]
    longest = sorted(timed, key=lambda turn: (-(turn.duration_ms or 0), turn.turn))
    return Wrap(
        session=session.ulid,
        labels=summary.labels,
        tool=session.tool,
        started_ms=session.created_ms,
        ended_ms=ended,
        duration_ms=max(0, until - session.created_ms),
        n_turns=len(turns),
        n_failures=sum(turn.exit_status not in {None, 0} for turn in turns),
        n_warns=kinds[Kind.WARN],
        n_alerts=kinds[Kind.ALERT],
        most_used=tuple(words.most_common(MOST_USED)),
        longest=tuple(longest[:LONGEST]),
    )


def is_worth_a_line(found: Wrap) -> bool:
    """Say whether a session that has ended was long enough for its wrap-up to be said unasked."""
    return found.duration_ms > LONG_MS and found.n_turns > 0
