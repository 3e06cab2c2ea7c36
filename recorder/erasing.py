"""What erasing a turn takes with it, and what stays in its place.

Pure. A turn goes with the turns inside it, with its prompt and what was typed there: all bytes since
the turn before it. Seqs, offsets, times and how it ended stay, so that what comes after it keeps its
place; no text does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recorder.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recorder.model import Event, JsonValue, Meta, Turn

ERASED = "erased"  # in the meta of an event whose text is gone
GONE = "[erased]"  # stands for what `rec rm TURN` and /forget took out, wherever it is shown
# Numbers and words of our own. A prompt's text, a directory, a rule, a target may all quote the turn.
_STAYS = frozenset(
    {"raw", "raw_at", "raw_only", "end", "status", "duration_ms", "source", "parent_turn", "shell", "partial"}
)


@dataclass(frozen=True, slots=True)
class Grave:
    """The turns that are erased, and the raw bytes in ``[start, end)`` that go with them."""

    turns: frozenset[int]
    start: int
    end: int


def grave(turns: Sequence[Turn], number: int, length: int) -> Grave:
    """Return what erasing the turn ``number`` of a session's own ``turns`` takes with it.

    With the last one all goes that came since, up to ``length`` (raw bytes): shells suggest it again.
    """
    doomed = {number}
    for turn in turns:  # in order: what is inside comes after
        if turn.parent_turn in doomed:
            doomed.add(turn.turn)
    gone = [turn for turn in turns if turn.turn in doomed]
    first = min(turn.raw_start for turn in gone)
    others = (turn for turn in turns if turn.turn not in doomed)
    before = (offset for turn in others for offset in (turn.raw_start, turn.raw_end) if offset <= first)
    end = length if turns[-1].turn in doomed else max(turn.raw_end for turn in gone)
    return Grave(frozenset(doomed), max(before, default=0), end)


def buried(turn: Turn) -> Turn:
    """Return the row of an erased turn: what ``turns.fold`` makes of what is left of its events."""
    return replace(turn, command="", prompt_text=None, cwd=None, erased=True)


def goes(where: Grave, kind: str, turn: int | None, meta: Mapping[str, JsonValue]) -> bool:
    """Say whether the text of an event goes: it is of the turn, or rendered from bytes that go."""
    if kind == Kind.MARK and meta.get("mark") != "note":
        return False  # a label, a fork, a pause: our own words, and others go by them
    if turn is not None:
        return turn in where.turns
    span = meta.get("raw")
    if isinstance(span, list) and len(span) == 2:
        first, past = span
        if isinstance(first, int) and isinstance(past, int):
            return first < where.end and past > where.start
    return False


def left(meta: Mapping[str, JsonValue]) -> Meta:
    """Return what stays of the meta of an event whose text goes."""
    return {ERASED: True, **{key: value for key, value in meta.items() if key in _STAYS}}


def event_left(where: Grave, event: Event, since: int) -> Event:
    """Return what erasing leaves of an event; ``since`` is the seq of the first that goes."""
    if goes(where, event.kind, event.turn, event.meta):
        return replace(event, text="", meta=left(event.meta))
    if event.kind == Kind.COMMAND and event.seq > since:
        return replace(event, meta=unanswered(event.meta))
    return event


def unanswered(meta: Mapping[str, JsonValue]) -> Meta:
    """Return the meta of a later slash-command without our answer, which may quote what was erased."""
    return {key: value for key, value in meta.items() if key != "answer"}


def is_remark(kind: str, meta: Mapping[str, JsonValue]) -> bool:
    """Say whether an event is a note or a label that can be taken back."""
    return kind == Kind.MARK and ERASED not in meta and meta.get("mark") in {"note", "label"}


def label_back(
    meta: Mapping[str, JsonValue], session: str, owner: str | None
) -> tuple[str, str | None] | None:
    """Return a label and who has it when its mark is taken back; None where nothing is to be done.

    ``owner`` is the session that has the label now.
    """
    label, before = meta.get("label"), meta.get("from")
    if not isinstance(label, str):
        return None
    if meta.get("removed"):
        return (label, session) if owner is None else None
    if owner != session:
        return None
    return label, before if isinstance(before, str) else None


def made(command: str, text: str, meta: Mapping[str, JsonValue]) -> bool:
    """Say whether a slash-command is the one that made a remark (its text and meta)."""
    verb, _, rest = command.strip().removeprefix("/").partition(" ")
    if meta.get("mark") == "note":
        return verb == "note" and rest.strip() == text
    return verb in {"label", "save"} and rest.strip() == meta.get("label")
