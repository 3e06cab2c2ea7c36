"""The turns of one invocation as they open, print and close.

Pure. Whoever found a turn (marks, the line editor, inference), here it gets its number, its output
and its end. A prompt may be held back for a moment, where it may turn out to have fed a hidden read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.emptyline import EmptyLine
from recorder.model import Activity, Chunk, Draft, End, Kind, Moment, Span, State
from recorder.spans import SpanCutter

if TYPE_CHECKING:
    from recorder.findings import Accepted, Output, PromptShown
    from recorder.model import Meta
    from recorder.spans import Source

HOLD_MS = 250  # a line that may have fed a hidden read waits this long for the next prompt

Item = Chunk | Draft | Span


@dataclass(frozen=True, slots=True)
class Opened:
    """The open turn."""

    number: int
    began: Moment


class TurnBook:
    """Number turns after ``last``, and turn what they print into items for the writer."""

    def __init__(self, source: Source, cols: int, last: int) -> None:
        """Begin outside of any turn."""
        self.cutter = SpanCutter(source, cols)
        self._source = source
        self._last = last
        self._open: Opened | None = None
        self._held: tuple[int, Draft] | None = None  # (offset ms, prompt that may be dropped)
        self._empty: EmptyLine | None = None
        self._idle_since = 0

    @property
    def turn(self) -> int | None:
        """Return the number of the open turn."""
        return self._open.number if self._open else None

    @property
    def silent(self) -> bool:
        """Say whether a turn is open that has printed nothing yet."""
        return self._open is not None and self.cutter.empty

    @property
    def held(self) -> bool:
        """Say whether a prompt is held back."""
        return self._held is not None

    def activity(self) -> Activity:
        """Return what the session is doing."""
        if self._open is not None:
            return Activity(State.RUNNING, self._open.number, self._open.began.wall_ms)
        return Activity(State.IDLE, None, self._idle_since)

    def draft(self, kind: Kind, at: Moment, text: str, meta: Meta) -> Draft:
        """Make an event of the open turn; as long as its prompt is held back, of none."""
        return Draft(
            session=self._source.session,
            kind=kind,
            at=at,
            text=text,
            turn=None if self.held else self.turn,
            invocation=self._source.invocation,
            meta=meta,
        )

    def event(self, kind: Kind, at: Moment, text: str, meta: Meta) -> list[Item]:
        """Make an event behind what was printed before it."""
        return [*self._so_far(), self.draft(kind, at, text, meta)]

    def shown(self, kind: Kind, at: Moment, text: str, meta: Meta) -> list[Item]:
        """Make an event of what the tool has printed: it follows from the prompt, which is held no longer."""
        return [*self.release(), *self.event(kind, at, text, meta)]

    def answered(self, now: Moment, raw: int) -> list[Item]:
        """Give out the question that a hidden line has answered; it is all that was printed up to ``raw``."""
        self.forget()
        asked = self._answered(now) if self._empty is not None and self._empty.shows(raw) else []
        return asked + self._so_far(answered=True)

    def _so_far(self, *, answered: bool = False) -> list[Item]:
        """Give out what was printed, unless it follows a prompt that may never be said.

        The line on which the cursor stands may be the next prompt, unless it was ``answered``.
        """
        return [] if self.held else [*self.cutter.so_far(answered=answered)]

    # --- turns ---------------------------------------------------------------------------------

    def open(
        self, now: Moment, command: str, prompt: str, source: str, raw: int, more: Meta | None = None
    ) -> list[Item]:
        """Open a turn whose output begins at raw offset ``raw``; one that is open ends unknown."""
        items = self.close(now, raw, End.UNKNOWN)
        self._last += 1
        self._open = Opened(self._last, now)
        items += self.cutter.begin(self._last, now, raw)
        meta: Meta = {"prompt_text": prompt, "source": source, "raw": raw, **(more or {})}
        items.append(self.draft(Kind.PROMPT, now, command, meta))
        return items

    def close(self, at: Moment, raw: int, end: End, status: int | None = None) -> list[Item]:
        """Close the open turn, if there is one, whose output ended at raw offset ``raw``."""
        opened, self._open = self._open, None
        if opened is None:
            return []
        duration = max(0, at.offset_ms - opened.began.offset_ms)
        at = at if at.offset_ms >= opened.began.offset_ms else opened.began
        meta: Meta = {"end": str(end), "status": status, "duration_ms": duration}
        items = self.release()
        items += self.cutter.end(at, raw, meta)
        self._idle_since = at.wall_ms
        return items

    def background(self, now: Moment, raw: int) -> list[Item]:
        """Give out what was printed outside of any turn up to raw offset ``raw``."""
        return [*self.cutter.begin(None, now, raw)]

    def tick(self, now: Moment) -> list[Item]:
        """Do what time alone asks for."""
        items: list[Item] = []
        if self._held is not None and now.offset_ms - self._held[0] >= HOLD_MS:
            items += self.release()
        if self._held is None:
            items += self.cutter.tick(now)
        return items

    def due_ms(self) -> int | None:
        """Return the offset (ms) at which ``tick`` has something to do, or None."""
        due = [self.cutter.due_ms(), self._held[0] + HOLD_MS if self._held else None]
        return min((at for at in due if at is not None), default=None)

    # --- prompts that wait ---------------------------------------------------------------------

    def hold(self, items: list[Item]) -> list[Item]:
        """Take the prompt, the last of ``items``, back for a moment; return the others."""
        *others, prompt = items
        if not isinstance(prompt, Draft):
            return items
        self._held = (prompt.at.offset_ms, prompt)
        return others

    def release(self) -> list[Item]:
        """Return the prompt that was held back."""
        held, self._held = self._held, None
        return [held[1]] if held else []

    def forget(self) -> None:
        """Drop the prompt that is held back and its turn: its line fed a hidden read."""
        if self._held is not None:
            self._held = None
            self._open = None
            self._last -= 1
            self.cutter.turn = None

    # --- what inference finds ------------------------------------------------------------------

    def printed(self, now: Moment, output: Output) -> list[Item]:
        """Take output of the open turn, or of none."""
        if self._empty is None:
            full = [*self.cutter.add(now, output.raw, output.data)]
            return [*self.release(), *full] if full else []
        return self._answered(now) if self._empty.add(output) else []

    def prompt_shown(self, now: Moment, prompt: PromptShown, printed: Moment) -> list[Item]:
        """Close the open turn: the tool waits for a line. ``printed``: when it last printed."""
        items = self.decide(now, prompt.raw) + self.release()
        if self._open is None:
            # What stands before the cursor is a prompt, not background output.
            self.cutter.drop_from(prompt.raw)
            return items
        return items + self.close(printed, prompt.raw, End.DONE)

    def accepted(self, now: Moment, accepted: Accepted) -> list[Item]:
        """Open a turn; that of an empty line only when something comes back."""
        items = self.decide(now, accepted.raw)
        if accepted.command:
            return items + self._opened(now, accepted)
        items += self.close(now, accepted.raw, End.UNKNOWN) + self.background(now, accepted.raw)
        self._empty = EmptyLine(accepted)
        return items

    def decide(self, now: Moment, raw: int) -> list[Item]:
        """Decide about an empty line whose output, if any, ends at raw offset ``raw``."""
        if self._empty is not None and self._empty.shows(raw):
            return self._answered(now)
        self._empty = None
        return []

    def _opened(self, now: Moment, accepted: Accepted) -> list[Item]:
        more: Meta = {"partial": True} if accepted.partial else {}
        return self.open(now, accepted.command, accepted.prompt_text, "inferred", accepted.raw, more)

    def _answered(self, now: Moment) -> list[Item]:
        """Open the turn of an empty line: something came back."""
        empty, self._empty = self._empty, None
        if empty is None:
            return []
        items = self._opened(now, empty.accepted)
        for output in empty.outputs:
            items += self.cutter.add(now, output.raw, output.data)
        return items
