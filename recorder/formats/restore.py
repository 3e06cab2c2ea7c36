"""A session that `rec` exported, as it was: comments and frames in, runs, bytes and events out.

Nothing is rendered again and nothing guessed. What a file says is checked before it is believed: it may
be anybody's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from recorder.formats import notes
from recorder.formats.castread import Note
from recorder.formats.records import OUTPUT, Damage
from recorder.model import Chunk, Draft, EndReason, Invocation, Kind, Moment
from recorder.turns import raw_offset

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.basics import Owner
    from recorder.formats.castread import Item
    from recorder.formats.records import Frame

    Part = Invocation | Chunk | Draft | Damage

DEEPEST = 20  # levels of an event's meta
_REASONS = frozenset(EndReason)


class Restore:
    """Take items in order; ``whole`` is whether the file has said that it ends here.

    ``name`` gives a run its ULID, from the one in the file and when it began (wall ms).
    """

    def __init__(self, session: str, owner: Owner, name: Callable[[str, int], str]) -> None:
        """Begin ``session``, in the name of ``owner``."""
        self._session = session
        self._owner = owner
        self._name = name
        self._track = notes.Track()
        self._said: dict[str, Any] = {}  # of the output line that follows
        self._ms = 0
        self._lost = False  # something before was damaged, so that offsets do not count on
        self.runs: list[Invocation] = []
        self.whole = False

    def take(self, item: Item) -> list[Part]:
        """Return what an item gives; what cannot be is damage."""
        if isinstance(item, Damage):
            self._lost = True
            self._said = {}
            return [item]
        try:
            return self._note(item.key, item.value) if isinstance(item, Note) else self._frame(item)
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
            self._lost = True
            what = item.key if isinstance(item, Note) else "bytes"
            cause = f"it has no {error}" if isinstance(error, KeyError) else error
            return [Damage(f"one of the {what} comments says what cannot be: {cause}"[:200])]

    def ended(self, run: Invocation) -> tuple[int, int | None, EndReason] | None:
        """Return when and how a run ended, as the file says; None where it does not."""
        newest = next(each for each in self.runs if each.ulid == run.ulid)
        if newest.ended_ms is None:
            return None
        return newest.ended_ms, newest.exit_status, newest.end_reason or EndReason.EXIT

    def _note(self, key: str, said: Any) -> list[Part]:  # noqa: ANN401  (the file's)
        if key == "run":
            return [self._run(said)]
        if key == "event":
            return [self._event(said)]
        if key == "bytes":
            self._said = {**said}
            return self._chunk(b"") if said.get("alone") is True else []
        self.whole = self.whole or (key == "whole" and said is True)
        return []

    def _frame(self, frame: Frame) -> list[Part]:
        self._ms = frame.ms
        if frame.code != OUTPUT:
            return []  # an event or the run says it, too
        if self._said.get("void") is True:
            self._said = {}
            return []
        return self._chunk(frame.data)

    def _chunk(self, text: bytes) -> list[Part]:
        said, self._said = self._said, {}
        run, chunk = notes.to_chunk(self._track, self._ms, said, text)
        return [replace(chunk, session=self._session, invocation=self._ulid(run))] if chunk.data else []

    def _ulid(self, run: int) -> str:
        if not 0 <= run < len(self.runs):
            raise ValueError(f"there is no run {run}")
        return self.runs[run].ulid

    def _run(self, said: dict[str, Any]) -> Invocation:
        started = notes.number(said["started_ms"])
        ended, status, reason = said.get("ended_ms"), said.get("exit_status"), said.get("end_reason")
        target = said.get("target")
        run = Invocation(
            ulid=self._name(notes.string(said.get("ulid", "")), started),
            session=self._session,
            started_ms=started,
            owner=self._owner,
            version=notes.string(said.get("version", "")),
            host=notes.string(said.get("host", "")),
            target=None if target is None else notes.string(target),
        )
        known = replace(
            run,
            ended_ms=None if ended is None else notes.number(ended),
            exit_status=None if status is None else notes.number(status),
            end_reason=EndReason(reason) if reason in _REASONS else None,
        )
        self.runs.append(known)
        return run

    def _event(self, said: dict[str, Any]) -> Draft:
        wall_ms, offset_ms = map(notes.number, said["at"])
        turn, run, kind = said["turn"], said["run"], said["kind"]
        draft = Draft(
            session=self._session,
            kind=Kind(kind) if kind in set(Kind) else Kind.SYSTEM,
            at=Moment(wall_ms, offset_ms),
            text=notes.string(said["text"]),
            turn=None if turn is None else notes.number(turn, most=1 << 31),
            invocation=None if run is None else self._ulid(run),
            meta=_checked(said["meta"]),
        )
        self._end(draft)
        place = raw_offset(draft)
        if self._lost and place is not None and place > self._track.spot.start:
            self._track.spot = self._track.spot._replace(start=place)
        return draft

    def _end(self, draft: Draft) -> None:
        """Take from the event of a tool's end what only the newest run is declared with."""
        status = draft.meta.get("exit_status")
        if draft.kind is Kind.SYSTEM and isinstance(status, int) and draft.invocation is not None:
            reason = EndReason.EXIT if draft.meta.get("signal") is None else EndReason.SIGNAL
            for at, run in enumerate(self.runs):
                if run.ulid == draft.invocation and run.ended_ms is None:
                    self.runs[at] = replace(
                        run, ended_ms=draft.at.wall_ms, exit_status=status, end_reason=reason
                    )


def _checked(meta: Any) -> dict[str, Any]:  # noqa: ANN401  (the file's)
    """Return an event's meta; raise ValueError for one that a store cannot take."""
    if not isinstance(meta, dict):
        raise ValueError("its meta is no object")  # noqa: TRY004  (of a file, not of a caller)
    level: list[Any] = [meta]
    for _ in range(DEEPEST):
        inside = [value for each in level for value in (each.values() if isinstance(each, dict) else each)]
        for value in inside:
            if isinstance(value, int | float) and not (isinstance(value, bool) or notes.finite(value)):
                raise ValueError("a number in its meta is too large")
        level = [value for value in inside if isinstance(value, dict | list)]
    if level:
        raise ValueError("its meta is nested too deeply")
    raw = meta.get("raw", 0)
    places = [notes.number(each, most=notes.MOST) for each in (raw if isinstance(raw, list) else [raw])]
    if places != sorted(places) or len(places) not in {1, 2}:
        raise ValueError("its place in the output is none")
    return meta
