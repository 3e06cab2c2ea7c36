"""A session that `rec` exported, as it was: comments and frames in, runs, bytes and events out.

Nothing is rendered again, and nothing guessed as long as every comment is whole. What a lost one would have
said of bytes is taken from what is around them: whole output lines give their bytes in any case. What a
file says is checked before it is believed: it may be anybody's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from recorder.formats import notes
from recorder.formats.castread import Note
from recorder.formats.records import EXIT, OUTPUT, Damage, Wrong, cause
from recorder.model import Chunk, Draft, EndReason, Invocation, Kind, Moment
from recorder.turns import raw_offset

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.basics import Owner
    from recorder.formats.castread import Item
    from recorder.formats.records import Frame

    Part = Invocation | Chunk | Draft | Damage

DEEPEST = 20  # levels of an event's meta
MOST_RUNS = 1 << 16  # of one session; a number above it is damage
_REASONS = frozenset(EndReason)
_WRONG = (ValueError, TypeError, AttributeError, LookupError, OverflowError)  # what checking values raises


class Restore:
    """Take items in order; ``whole`` is whether the file has said that it ends here.

    ``name`` gives a run its ULID, from the one in the file and when it began (wall ms).
    """

    def __init__(
        self, session: str, owner: Owner, name: Callable[[str, int], str], began_ms: int = 0
    ) -> None:
        """Begin ``session``, in the name of ``owner``."""
        self._began_ms = began_ms  # wall
        self._session = session
        self._owner = owner
        self._name = name
        self._track = notes.Track()
        self._said: dict[str, Any] = {}  # of the output line that follows
        self._line = 1  # of the last comment
        self._ms = 0
        self._lost = False  # something before was damaged, so that offsets do not count on
        self._unsaid = False  # a comment was lost since the last bytes, maybe theirs
        self._declared: int | None = None  # the run that was declared since the last bytes
        self._next = 0  # number of the run that is declared next, if it does not say which it is
        self._runs: dict[int, Invocation] = {}  # by number
        self._undeclared: list[Part] = []  # those whose declaration was lost, to be given out first
        self.whole = False

    @property
    def runs(self) -> list[Invocation]:
        """Return the runs as they are known so far."""
        return list(self._runs.values())

    @property
    def place(self) -> int:
        """Return the raw offset behind the last bytes."""
        return self._track.spot.start

    def take(self, item: Item) -> list[Part]:
        """Return what an item gives; what cannot be is damage."""
        found = self._taken(item)
        runs, self._undeclared = self._undeclared, []
        return [*runs, *found]

    def _taken(self, item: Item) -> list[Part]:
        if isinstance(item, Damage):
            self._damaged(item.key)
            return [item]
        if isinstance(item, Note):
            self._line = item.line
        try:
            return self._note(item.key, item.value) if isinstance(item, Note) else self._frame(item)
        except _WRONG as error:
            if not isinstance(item, Note):
                return [Damage(f"line {self._line}: bytes behind it are left out: {cause(error)}"[:200])]
            why = f"line {item.line}: the {item.key} comment says what cannot be: {cause(error)}"[:200]
            self._damaged(item.key)
            return [Damage(why, item.key)]

    def ended(self, run: Invocation) -> tuple[int, int | None, EndReason] | None:
        """Return when and how a run ended, as the file says; None where it does not."""
        newest = next(each for each in self.runs if each.ulid == run.ulid)
        if newest.ended_ms is None:
            return None
        return newest.ended_ms, newest.exit_status, newest.end_reason or EndReason.EXIT

    def _damaged(self, key: str | None) -> None:
        """Go on behind damage: nothing is foretold for sure."""
        self._said = {}
        self._lost = self._unsaid = True
        self._next += key == "run"

    def _note(self, key: str, said: Any) -> list[Part]:  # noqa: ANN401  (the file's)
        if key == "run":
            return [self._run(said)]
        if key == "event":
            return [self._event(said)]
        if key == "bytes":
            self._said = {**said}
            return self._chunk(said, b"") if said.get("alone") is True else []
        self.whole = self.whole or (key == "whole" and said is True)
        return []

    # --- bytes -------------------------------------------------------------------------------------

    def _frame(self, frame: Frame) -> list[Part]:
        self._ms = frame.ms
        if frame.code == EXIT:
            self._exit(int(frame.data))
        if frame.code != OUTPUT:
            return []  # an event or the run says it, too
        said, self._said = self._said, {}
        return [] if said.get("void") is True else self._chunk(said, frame.data)

    def _chunk(self, said: dict[str, Any], text: bytes) -> list[Part]:
        """Return the bytes of an output line; what is said of them and cannot be is damage, not they."""
        self._said = {}
        found: list[Part] = []
        try:
            if self._unsaid and "run" not in said:
                self._aim()
            self._reach(said)
            number, chunk = notes.to_chunk(self._track, self._ms, said, text)
        except _WRONG as error:
            if not text:
                raise
            if not self._lost:  # else it follows from damage that is told already
                found.append(
                    Damage(f"line {self._line}: what follows is no such output: {cause(error)}"[:200])
                )
            self._lost = True
            self._aim()
            if not text.startswith(
                self._track.held
            ):  # they were given already, and the text shows that they were no character
                self._track.held, text = b"", text.removeprefix("\ufffd".encode())
            number, chunk = notes.to_chunk(self._track, self._ms, {}, text)
        self._unsaid, self._declared = False, None
        ulid = self._runs[number].ulid
        return [*found, replace(chunk, session=self._session, invocation=ulid)] if chunk.data else found

    def _reach(self, said: dict[str, Any]) -> None:
        """Make sure that there is the run of the next bytes."""
        told = self._track.foretold(self._ms)
        wall_ms, offset_ms, number = (
            notes.number(said.get(name, getattr(told, name))) for name in ("wall_ms", "offset_ms", "run")
        )
        self._declare(number, max(0, wall_ms - offset_ms))

    def _aim(self) -> None:
        """Let the next bytes be of the run that was declared last, if nothing better is known."""
        spot = self._track.spot
        if spot.run in self._runs and self._declared is None:
            return
        number = max(self._runs, default=0) if self._declared is None else self._declared
        self._declare(number, spot.wall_ms or self._began_ms)
        offset_ms = self._ms if number == 0 else 0  # the recording begins with the first run
        wall_ms = self._runs[number].started_ms + offset_ms
        self._track.spot, self._track.ms = notes.Spot(spot.start, wall_ms, offset_ms, number), self._ms

    # --- runs --------------------------------------------------------------------------------------

    def _declare(self, number: int, began_ms: int) -> None:
        """Make the run of that number if its declaration was lost; raise Wrong if there was none."""
        if number in self._runs:
            return
        if not self._lost or number > MOST_RUNS:
            raise Wrong(f"there is no run {number}")
        run = Invocation(self._name("", began_ms), self._session, began_ms, self._owner, version="", host="")
        self._runs[number] = run
        self._undeclared.append(run)
        self._next = max(self._next, number + 1)

    def _run(self, said: dict[str, Any]) -> Invocation:
        number = notes.number(said.get("number", self._next), most=MOST_RUNS + 1)
        if number in self._runs:
            raise Wrong(f"run {number} was there before")
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
        self._runs[number] = replace(
            run,
            ended_ms=None if ended is None else notes.number(ended),
            exit_status=None if status is None else notes.number(status),
            end_reason=EndReason(reason) if reason in _REASONS else None,
        )
        self._next, self._declared = number + 1, number
        return run

    def _exit(self, status: int) -> None:
        """Take the end of a run whose declaration was lost from the recording's last line."""
        number = self._track.spot.run
        run = self._runs.get(number)
        if self._lost and run is not None and run.ended_ms is None and not run.version and status >= 0:
            wall_ms = self._track.foretold(self._ms).wall_ms
            self._runs[number] = replace(run, ended_ms=wall_ms, exit_status=status, end_reason=EndReason.EXIT)

    # --- events ------------------------------------------------------------------------------------

    def _event(self, said: dict[str, Any]) -> Draft:
        wall_ms, offset_ms = map(notes.number, said["at"])
        turn, run, kind = said["turn"], said["run"], said["kind"]
        meta = _checked(said["meta"])
        if run is not None:
            self._declare(notes.number(run), max(0, wall_ms - offset_ms))
        draft = Draft(
            session=self._session,
            kind=Kind(kind) if kind in set(Kind) else Kind.SYSTEM,
            at=Moment(wall_ms, offset_ms),
            text=notes.string(said["text"]),
            turn=None if turn is None else notes.number(turn, most=1 << 31),
            invocation=None if run is None else self._runs[run].ulid,
            meta=meta,
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
            for number, run in self._runs.items():
                if run.ulid == draft.invocation and run.ended_ms is None:
                    self._runs[number] = replace(
                        run, ended_ms=draft.at.wall_ms, exit_status=status, end_reason=reason
                    )


def _checked(meta: Any) -> dict[str, Any]:  # noqa: ANN401  (the file's)
    """Return an event's meta; raise Wrong for one that a store cannot take."""
    if not isinstance(meta, dict):
        raise Wrong("its meta is no object")
    level: list[Any] = [meta]
    for _ in range(DEEPEST):
        inside = [value for each in level for value in (each.values() if isinstance(each, dict) else each)]
        for value in inside:
            if isinstance(value, int | float) and not (isinstance(value, bool) or notes.finite(value)):
                raise Wrong("a number in its meta is too large")
        level = [value for value in inside if isinstance(value, dict | list)]
    if level:
        raise Wrong("its meta is nested too deeply")
    raw = meta.get("raw", 0)
    places = [notes.number(each, most=notes.MOST) for each in (raw if isinstance(raw, list) else [raw])]
    if places != sorted(places) or len(places) not in {1, 2}:
        raise Wrong("its place in the output is none")
    return meta
