"""The turns of one invocation as they open, print and close.

Pure. Whoever found a turn (marks, the line editor, inference), here it gets its number, its output
and its end. A turn of a shell may be open inside that of another one, from which it was started; what
is printed is the innermost one's. A prompt may be held back for a moment, where it may turn out to have
fed a hidden read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recorder.emptyline import EmptyLine
from recorder.model import Activity, Chunk, Draft, End, Kind, Moment, Span, State
from recorder.spans import SpanCutter
from recorder.turns import INPUT

if TYPE_CHECKING:
    from recorder.findings import Accepted, Output, PromptShown
    from recorder.model import Meta
    from recorder.spans import Shelf, Source

STOPPED = range(147, 151)  # 128 + SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU: the line goes on with `fg`
HOLD_MS = 250  # a line that may have fed a hidden read waits this long for the next prompt

Item = Chunk | Draft | Span


@dataclass(frozen=True, slots=True)
class Opened:
    """An open turn; ``shell`` is the pid of the shell that runs it, or less than 0, where one has told us.

    ``outer`` is what was put aside of the turn in which it was opened.
    """

    number: int
    began: Moment
    shell: int | None = None
    outer: Shelf | None = None


class TurnBook:
    """Number turns after ``last``, and turn what they print into items for the writer."""

    def __init__(self, source: Source, cols: int, last: int) -> None:
        """Begin outside of any turn."""
        self.cutter = SpanCutter(source, cols)
        self._source = source
        self._last = last
        self._open: list[Opened] = []  # the outermost turn first
        self._held: tuple[int, Draft] | None = None  # (offset ms, prompt that may be dropped)
        self._empty: EmptyLine | None = None
        self._idle_since = 0
        self._full_since: Moment | None = None  # a full-screen program has the screen
        self.rerun: int | None = None  # the turn of another session that the next one repeats
        self.waiting_since: int | None = None  # wall ms: since when a shell inside the turn is at its prompt

    @property
    def last(self) -> int:
        """Return the number of the newest turn."""
        return self._last

    @property
    def turn(self) -> int | None:
        """Return the number of the open turn, the innermost one."""
        return self._open[-1].number if self._open else None

    @property
    def silent(self) -> bool:
        """Say whether a turn is open that has printed nothing yet."""
        return bool(self._open) and self.cutter.empty

    @property
    def held(self) -> bool:
        """Say whether a prompt is held back."""
        return self._held is not None

    def activity(self) -> Activity:
        """Return what the session is doing."""
        if self._open and self.waiting_since is None:
            return Activity(State.RUNNING, self._open[-1].number, self._open[-1].began.wall_ms)
        return Activity(State.IDLE, None, self.waiting_since or self._idle_since)

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

    def notified(self, at: Moment, text: str) -> list[Item]:
        """Make an event of a desktop notification."""
        return self.shown(Kind.ALERT, at, text, {"rule": "notification"})

    def full_screen(self, now: Moment, *, entered: bool) -> list[Item]:
        """Make an event of a full-screen program once the screen is left: how long it was there."""
        since, self._full_since = self._full_since, now if entered else None
        if entered or since is None:
            return []
        took = now.offset_ms - since.offset_ms
        return self.shown(Kind.SYSTEM, now, "full-screen", {"full_screen_ms": took})

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
        """Open a turn whose output begins at raw offset ``raw``; what is open ends unknown."""
        items = self.close(now, raw, End.UNKNOWN)
        return items + self._begin(Opened(self._last + 1, now), command, prompt, source, raw, more or {})

    def open_in_shell(
        self, now: Moment, shell: int, command: str, prompt: str, source: str, raw: int, more: Meta
    ) -> list[Item]:
        """Open a turn of a shell, inside the turn from which that shell was started.

        What is open of the shell itself, or further inside, ends unknown.
        """
        items = self.close_shell(now, raw, shell, End.UNKNOWN)
        outer = None
        if self._open:
            more = {**more, "parent_turn": self.turn}
            printed, outer = self.cutter.suspend(now, raw)
            items += [*self.release(), *printed]
        return items + self._begin(
            Opened(self._last + 1, now, shell, outer), command, prompt, source, raw, more
        )

    def _begin(
        self, opened: Opened, command: str, prompt: str, source: str, raw: int, more: Meta
    ) -> list[Item]:
        self._last = opened.number
        self._open.append(opened)
        items: list[Item] = [*self.cutter.begin(opened.number, opened.began, raw)]
        meta: Meta = {"prompt_text": prompt, "source": source, "raw": self._source.place(raw), **more}
        if self.rerun is not None:
            meta["rerun"], self.rerun = self.rerun, None
        items.append(self.draft(Kind.PROMPT, opened.began, command, meta))
        return items

    @property
    def unmarked(self) -> bool:
        """Say whether the innermost open turn is that of no shell that marks its own."""
        return bool(self._open) and self._open[-1].shell is None

    def adopt(self, shell: int) -> None:
        """Take the innermost open turn for one of ``shell``."""
        self._open[-1] = replace(self._open[-1], shell=shell)

    def close(self, at: Moment, raw: int, end: End, status: int | None = None) -> list[Item]:
        """Close all that is open, whose output ended at raw offset ``raw``; ``status`` is the outermost's."""
        return self._close_down_to(0, at, raw, end, status)

    def close_shell(
        self, at: Moment, raw: int, shell: int, end: End, status: int | None = None
    ) -> list[Item]:
        """Close the open turn of a shell, if it has one; what is open inside it ends unknown."""
        places = [place for place, opened in enumerate(self._open) if opened.shell == shell]
        return self._close_down_to(places[0], at, raw, end, status) if places else []

    def _close_down_to(self, place: int, at: Moment, raw: int, end: End, status: int | None) -> list[Item]:
        items: list[Item] = []
        while len(self._open) > place:
            last = len(self._open) == place + 1
            inner = end if last or end is End.INTERRUPTED else End.UNKNOWN
            items += self._close_innermost(at, raw, inner, status if last else None)
        return items

    def _close_innermost(self, at: Moment, raw: int, end: End, status: int | None) -> list[Item]:
        opened = self._open.pop()
        duration = max(0, at.offset_ms - opened.began.offset_ms)
        at = at if at.offset_ms >= opened.began.offset_ms else opened.began
        meta: Meta = {"end": str(end), "status": status, "duration_ms": duration}
        items = self.release()
        items += self.cutter.end(at, raw, meta)
        if opened.outer is not None:
            self.cutter.resume(opened.outer, at, raw)
        self._idle_since = at.wall_ms
        return items

    def told(self, now: Moment, text: str, prompt: str) -> list[Item]:
        """Make an event of a line that we are about to send to a program which runs in the open turn."""
        meta: Meta = {"prompt_text": prompt, "source": INPUT}
        return self.event(Kind.PROMPT, now, text, meta)

    def prompting(self, now: Moment, raw: int) -> None:
        """Take note that a shell waits, whose prompt begins at raw offset ``raw``."""
        self.cutter.drop_from(raw)
        self.waiting_since = now.wall_ms

    def background(self, now: Moment, raw: int) -> list[Item]:
        """Give out what was printed outside of any turn up to raw offset ``raw``."""
        return [*self.cutter.begin(None, now, raw)]

    def over(self, now: Moment, raw: int) -> list[Item]:
        """Give out what is known up to raw offset ``raw``; what is open there ends unknown."""
        return self.release() + self.close(now, raw, End.UNKNOWN) + self.background(now, raw)

    def go_on(self, source: Source, last: int) -> None:
        """Go on in another session, whose turns are numbered after ``last``; nothing may be open."""
        self._source = self.cutter.source = source
        self._last = last

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
        """Drop the prompt that is held back, and the turn that is its own: its line fed a hidden read."""
        if self._held is None:
            return
        (_since, prompt), self._held = self._held, None
        if prompt.meta.get("source") != INPUT:
            self._open.pop()
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
        if not self._open:
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


def last_words(*, status: int | None, signal: str | None, hangup: bool) -> tuple[Kind, str, Meta]:
    """Return kind, text and meta of an invocation's last event; ``status`` None: we have failed."""
    meta: Meta = {"exit_status": status, "signal": signal}
    if signal is not None and not hangup:
        return Kind.ALERT, f"ended by signal {signal}", {**meta, "rule": "signal"}
    if status is None:
        text = "the recorder failed; what came afterwards is not here"
        return Kind.ALERT, text, {**meta, "rule": "recorder"}
    return Kind.SYSTEM, "terminal closed" if hangup else f"exited with status {status}", meta
