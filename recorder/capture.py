"""The recording state machine: output, keys and times in; events and raw bytes out.

Pure: it decides everything about recording and touches nothing outside itself. The relay stamps
times and moves bytes; the writer stores what comes out. The same input gives the same items
however the output was split into reads.

Sources of turns, best first: marks of our own shell hooks, lines that we sent ourselves
(``submitted``), public marks of other shells, and what ``inference`` reads off a tool that edits
its own line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.echo import EchoFilter, as_echoed
from recorder.findings import Accepted, Output, PromptShown
from recorder.hints import Hints
from recorder.hintturns import HintTurns
from recorder.hooks import SHELL_VERBS, Hooks
from recorder.inference import Inference
from recorder.model import End, Kind, Moment
from recorder.modes import Ledger
from recorder.shellturns import ShellTurns
from recorder.standing import Standing
from recorder.stretches import Marked, Notified, Switched, Text, parts
from recorder.tape import Tape
from recorder.turnbook import Item, TurnBook, last_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from recorder.drawing import PausedRow
    from recorder.findings import Finding
    from recorder.keys import Scan
    from recorder.model import Meta, Size
    from recorder.spans import Source
    from recorder.tape import Stretch
    from recorder.watch import Spot

__all__ = ["Capture", "Item"]


class Capture(Standing):
    """Turn one invocation's bytes into items for the writer."""

    def __init__(
        self,
        source: Source,
        size: Size,
        *,
        nonce: str,
        turn: int = 0,
        raw: int = 0,
        ignored: Callable[[str, str | None], bool] | None = None,
        hints: Hints | None = None,
    ) -> None:
        """Go on after turn number ``turn`` and raw offset ``raw`` of the session.

        ``ignored`` says of a shell's command and its directory that the user wants it nowhere.
        """
        self.source = source
        self.ledger = Ledger(size.rows)
        self.paused = False
        self.wanted = False  # a program inside asks for the session's row, with or without an event
        self.secrets = 0  # hidden inputs so far
        self._size = size
        self._tape = Tape(source, nonce, raw)
        self._echo = EchoFilter()
        self._book = TurnBook(source, size.cols, turn)
        self._inference = Inference(size)
        self._guessless = False  # a fault has ended the guessing
        self._last_output = Moment(0, 0)
        self._text_end = raw  # raw offset up to which the text was looked at
        self._hooks = Hooks(nonce)
        self._shells = ShellTurns(self._book, self._tape, self._inference, ignored)
        self._marks = HintTurns(self._book, self._inference, self._shells, hints or Hints())
        self._row: PausedRow | None = None  # while paused
        self.nested: int | None = None  # pid of a recorder that runs inside the tool

    # --- output --------------------------------------------------------------------------------

    def output(self, now: Moment, data: bytes) -> list[Item]:
        """Take what the tool printed (our own marks already cut out)."""
        if self._row is not None:
            self._row.add(data)
        if self.paused or self._shells.hiding or self.nested is not None:
            self.missed(data)
            return []
        return self._taken(now, self._tape.keep(now, data))

    def flush(self, now: Moment) -> list[Item]:
        """Release what was held back for a redaction that may not come; called after 20 ms."""
        return self._taken(now, self._tape.flush(now))

    def _taken(self, now: Moment, stretches: list[Stretch]) -> list[Item]:
        items: list[Item] = []
        for stretch in stretches:
            if stretch.chunk is not None:
                items.append(stretch.chunk)
            items += self._stretch(now, stretch)
        if self._tape.region_full:
            before, size = self.raw, self._tape.place - self.raw
            items += self._shells.again(now)
            items += self.gap(now, size) if self.raw == before else []
        return items

    def _stretch(self, now: Moment, stretch: Stretch) -> list[Item]:
        """Take a piece of output that is kept, or held until a shell's line is known."""
        self._last_output = now
        items: list[Item] = []
        for part in parts(stretch, self.ledger):
            if isinstance(part, Text):
                items += self._text(now, part.raw, part.data, stretch.spots)
            elif isinstance(part, Marked):
                items += self._marks.marked(now, part)
            elif isinstance(part, Notified):
                items += self._shells.notified(now, part.text)
            else:
                items += self._full_screen(now, part)
        return items

    def _text(self, now: Moment, raw: int, data: bytes, spots: Sequence[Spot]) -> list[Item]:
        """Take output of the primary screen."""
        self._text_end = raw + len(data)
        cut = self._echo.cut(data)
        return [item for at, part in cut for item in self._part(now, raw + at, part, spots)]

    def _part(self, now: Moment, raw: int, data: bytes, spots: Sequence[Spot]) -> list[Item]:
        """Take text that is no echo of a line of ours."""
        output = Output(raw, data)
        if self._shells.running:
            return self._book.printed(now, output)
        items = self._marks.printed(now, output)
        if self._guessless:
            return items if self._marks.known else items + self._book.printed(now, output)
        inside = [spot for spot in spots if raw < spot.end <= raw + len(data)]
        return items + self._inferred(now, lambda: self._inference.feed(raw, data, inside), output)

    def _inferred(
        self, now: Moment, ask: Callable[[], list[Finding]], output: Output | None = None
    ) -> list[Item]:
        """Ask the inference; a fault in it costs the turns it would have found, not the recording."""
        try:
            return self._findings(now, ask())
        except Exception as error:  # noqa: BLE001  (guessing must never end a session)
            self._guessless = True
            why = f"{type(error).__name__}: {error}"
            text = f"a fault in rec: turns of this tool are no longer recognised ({why})"
            fault = self._book.shown(Kind.ALERT, now, text, {"rule": "fault"})
            return fault if output is None or self._marks.known else fault + self._book.printed(now, output)

    def _no_echo(self, now: Moment) -> list[Item]:
        """Wait for an echo no longer; what looked like its beginning is output."""
        end, cut = self._text_end, self._echo.release()
        return [item for at, part in cut for item in self._part(now, end + at, part, ())]

    def mark(self, now: Moment, body: bytes) -> list[Item]:
        """Take one of our own marks, cut out of the tool's output at this place."""
        mark = self._hooks.verified(body)
        if mark is None:
            return []
        items = self._before_mark(now)
        verb, args = mark.verb, mark.args
        if verb in SHELL_VERBS:
            items += self.nested_over(now)  # its shell goes on
            items += self._shells.mark(now, mark, paused=self.paused)
        elif verb == "pause":
            items += self.pause(now)
        elif verb == "unpause":
            items += self.unpause(now)
        elif verb == "keep":
            self.wanted = True
        elif verb == "nested" and len(args) > 1 and args[1].isdecimal():
            self.nested = int(args[1])
            meta: Meta = {"mark": "nested", "ulid": args[0]}
            items += self._book.event(Kind.MARK, now, f"nested recording {args[0]}", meta)
        elif verb == "nested-end":
            items += self.nested_over(now)
        return items

    def _before_mark(self, now: Moment) -> list[Item]:
        return self.flush(now) + self._no_echo(now)

    def nested_over(self, now: Moment) -> list[Item]:
        """Record again: the recorder inside has ended, or is gone."""
        if self.nested is None:
            return []
        self.nested = None
        return self._book.event(Kind.MARK, now, "nested recording ended", {"mark": "nested-end"})

    def shell_gone(self, now: Moment, pid: int) -> list[Item]:
        """Take note that the process of a shell is gone: what it was started from goes on."""
        return self._before_mark(now) + self._shells.gone(now, pid)

    def _full_screen(self, now: Moment, switched: Switched) -> list[Item]:
        if not switched.entered:
            self._inference.away(switched.raw)
        return self._book.full_screen(now, entered=switched.entered)

    # --- turns ---------------------------------------------------------------------------------

    def _findings(self, now: Moment, findings: Iterable[Finding]) -> list[Item]:
        items: list[Item] = []
        if self._shells.at_prompt:
            self._shells.found(now, findings)
            return items
        for finding in findings:
            found = self._marks.found(now, finding)
            if found is not None:
                items += found
            elif isinstance(finding, Output):
                items += self._book.printed(now, finding)
            elif isinstance(finding, PromptShown):
                items += self._book.prompt_shown(now, finding, self._last_output)
            elif isinstance(finding, Accepted):
                items += self._book.accepted(now, finding)
            else:
                items += self.hidden(now, finding.prompt_text)
        return items

    # --- input ---------------------------------------------------------------------------------

    def typed(self, now: Moment, scan: Scan) -> list[Item]:
        """Take note of keys that went to a tool which edits its own line."""
        if self._row is not None:
            self._row.typed(scan)
        self._shells.typed(scan)
        self._marks.typed()
        if self._blind:
            return []
        return self._inferred(now, lambda: self._inference.typed(scan))

    def settled(self, now: Moment, *, reading: bool, line: bool) -> list[Item]:
        """Take note that output is quiet while the tool waits for input (``line``: in line mode)."""
        items = self._no_echo(now)
        if self._blind:
            return items
        reading = reading or self._shells.at_prompt  # it has said so, whatever it waits in
        items += self._inferred(now, lambda: self._inference.settled(reading=reading, line=line))
        return items + self._shells.rested()

    def submitted(self, now: Moment, text: str, prompt: str, *, hold: bool = False) -> list[Item]:
        """Take a line that we are about to send, shown behind ``prompt``.

        ``hold`` keeps the event back until the next prompt or 250 ms: where nobody can tell whether
        the tool reads, the line may turn out to have fed a hidden read, and is then dropped. A line for
        a program that runs in a shell's turn makes no turn; one for the shell itself waits for its mark.
        """
        if self.paused or self._shells.hiding:
            return []
        if self._shells.at_prompt:
            self._shells.submitted(text, prompt)
            return []
        if self._shells.active or self._marks.running:
            told = self._book.release() + self._book.told(now, text, prompt)
            return self._book.hold(told) if hold else told
        items = self._no_echo(now) + self._book.decide(now, self.raw) + self._book.release()
        items += self._book.close(self._last_output, self.raw, End.DONE)
        self._inference.restart(self.raw)
        line = text.encode(errors="surrogateescape")
        self._echo.expect(line)
        opened = self._book.open(now, text, prompt, "line", self.raw + len(as_echoed(line)))
        opened = self._marks.submitted(now, self.raw, text) + opened
        return items + (self._book.hold(opened) if hold else opened)

    def hidden(self, now: Moment, prompt: str) -> list[Item]:
        """Take note that a line was entered which the tool did not show; its text is nowhere here."""
        if self.paused or self._shells.hiding:
            return []
        self.secrets += 1
        items = self._book.answered(now, self.raw)
        meta: Meta = {"hidden": True, "prompt_text": prompt}
        return [*items, self._book.draft(Kind.SYSTEM, now, "hidden input", meta)]

    # --- the rest ------------------------------------------------------------------------------

    def tick(self, now: Moment) -> list[Item]:
        """Do what time alone asks for."""
        return self._book.tick(now)

    def resize(self, now: Moment, size: Size) -> list[Item]:
        """Take a new terminal size; the same size again is no event."""
        if size == self._size:
            return []
        meta: Meta = {"cols": size.cols, "rows": size.rows, "raw": self.source.place(self.raw)}
        items = self._book.event(Kind.RESIZE, now, f"{size.cols}x{size.rows}", meta)
        self._size = size
        self.ledger.rows = size.rows
        self._book.cutter.cols = size.cols
        self._inference.resize(size)
        return items

    def note(self, kind: Kind, now: Moment, text: str, meta: Meta) -> list[Item]:
        """Record an event that comes from the recorder itself or its user."""
        return self._book.event(kind, now, text, meta)

    def pause(self, now: Moment) -> list[Item]:
        """Stop recording: what comes is neither text nor raw bytes until ``unpause``."""
        if self.paused:
            return []
        items = self.flush(now) + self._no_echo(now) + self._shells.leave()
        items += self._book.decide(now, self.raw) + self._book.over(now, self.raw)
        items.append(self._book.draft(Kind.MARK, now, "paused", {"mark": "pause"}))
        self.paused = True
        self._row = self._inference.pause(self.raw)
        return items

    def unpause(self, now: Moment) -> list[Item]:
        """Record again."""
        row, self._row = self._row, None
        if row is None:
            return []
        self.paused = False
        items: list[Item] = [self._book.draft(Kind.MARK, now, "recording again", {"mark": "unpause"})]
        items += self._shells.again(now)
        self._marks.forget()
        if self._blind or self._shells.active:
            return items
        return items + self._inferred(now, lambda: self._inference.resume(self.raw, row))

    def over(self, now: Moment) -> list[Item]:
        """Give out what belongs to this session, as the recording goes on in another; then ``go_on``.

        A turn that is open ends unknown: the other session has the rest of its output, outside of any
        turn. A shell's prompt and what is typed behind it stand there as a whole.
        """
        return self.flush(now) + self._no_echo(now) + self._book.over(now, self.raw)

    def again(self, turn: int | None) -> None:
        """Mark the turn that is opened next as the repetition of another session's ``turn``."""
        self._book.rerun = turn

    def go_on(self, session: str, invocation: str, last: int) -> None:
        """Go on in another session, whose turns are numbered after ``last`` and whose raw bytes from 0."""
        self.source = self.source._replace(session=session, invocation=invocation, origin=self.raw)
        self._tape.source = self.source
        self._book.go_on(self.source, last)

    def missed(self, data: bytes) -> None:
        """Follow the modes in output that is not kept: it is no text of a turn."""
        for spot in self._tape.pass_by(data):
            self.ledger.note(spot)

    def gap(self, now: Moment, size: int) -> list[Item]:
        """Record that ``size`` bytes of output were not kept."""
        meta: Meta = {"gap_bytes": size, "raw_at": self.source.place(self.raw), "rule": "gap"}
        return self._book.event(Kind.ALERT, now, f"gap: {size} bytes of output were not recorded", meta)

    def ended(self, now: Moment, *, status: int | None, signal: str | None, hangup: bool) -> list[Item]:
        """Close everything: the tool is gone, or we are (``status`` None: an error of our own)."""
        items = self.flush(now) + self._no_echo(now) + self._shells.leave() + self._marks.left(now)
        if not (self._blind or self._shells.active or self._marks.known):
            items += self._findings(now, self._inference.ended())
        items += self._book.decide(now, self.raw)
        end = End.DONE if signal is None and not hangup and status is not None else End.INTERRUPTED
        items += self._book.close(now, self.raw, end)
        items += self._book.background(now, self.raw)
        kind, text, meta = last_words(status=status, signal=signal, hangup=hangup)
        return [*items, self._book.draft(kind, now, text, meta)]
