"""The recording state machine: output, keys and times in; events and raw bytes out.

Pure: it decides everything about recording and touches nothing outside itself. The relay stamps
times and moves bytes; the writer stores what comes out. The same input gives the same items
however the output was split into reads.

Sources of turns, best first: marks of our own shell hooks, lines that we sent ourselves
(``submitted``), and what ``inference`` reads off a tool that edits its own line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.echo import EchoFilter, as_echoed
from recorder.findings import Accepted, Output, PromptShown
from recorder.hooks import SHELL_VERBS, Hooks
from recorder.inference import Inference
from recorder.model import End, Kind, Moment
from recorder.modes import Ledger
from recorder.notices import notification
from recorder.tape import Tape
from recorder.turnbook import Item, TurnBook
from recorder.watch import SpotKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from recorder.drawing import PausedRow
    from recorder.findings import Finding
    from recorder.keys import Scan
    from recorder.model import Activity, Meta, Size
    from recorder.spans import Source
    from recorder.tape import Stretch
    from recorder.watch import Spot

__all__ = ["Capture", "Item"]


class Capture:
    """Turn one invocation's bytes into items for the writer."""

    def __init__(self, source: Source, size: Size, *, nonce: str, turn: int = 0, raw: int = 0) -> None:
        """Go on after turn number ``turn`` and raw offset ``raw`` of the session."""
        self.source = source
        self.ledger = Ledger(size.rows)
        self.paused = False
        self.secrets = 0  # hidden inputs so far
        self._size = size
        self._tape = Tape(source, nonce, raw)
        self._echo = EchoFilter()
        self._book = TurnBook(source, size.cols, turn)
        self._inference = Inference(size)
        self._guessless = False  # a fault has ended the guessing
        self._last_output = Moment(0, 0)
        self._text_end = raw  # raw offset up to which the text was looked at
        self._full_screen_since: Moment | None = None
        self._hooks = Hooks(nonce)
        self._hiding = False
        self._row: PausedRow | None = None  # while paused
        self.nested: int | None = None  # pid of a recorder that runs inside the tool

    # --- what the relay asks -------------------------------------------------------------------

    @property
    def turn(self) -> int | None:
        """Return the number of the open turn."""
        return self._book.turn

    @property
    def silent(self) -> bool:
        """Say whether a turn is open that has printed nothing yet, the echo of its line aside."""
        return self._book.silent

    @property
    def undecided(self) -> bool:
        """Say whether what a tool has printed may end in a prompt that nobody has seen yet."""
        return not (self._blind or self.silent or self._inference.editing)

    @property
    def holding(self) -> bool:
        """Say whether bytes are held back for a redaction; ``flush`` releases them."""
        return self._tape.holding

    @property
    def raw(self) -> int:
        """Return how many bytes of output the session has."""
        return self._tape.raw

    @property
    def alternate(self) -> bool:
        """Say whether the tool is on the alternate screen."""
        return self.ledger.alternate is not None

    @property
    def _blind(self) -> bool:
        """Say whether nothing may be inferred now."""
        return (
            self._guessless or self.paused or self.alternate or self._hooks.active or self.nested is not None
        )

    def activity(self) -> Activity:
        """Return what the session is doing."""
        return self._book.activity()

    def due_ms(self) -> int | None:
        """Return the offset (ms) at which ``tick`` has something to do, or None."""
        return self._book.due_ms()

    # --- output --------------------------------------------------------------------------------

    def output(self, now: Moment, data: bytes) -> list[Item]:
        """Take what the tool printed (our own marks already cut out)."""
        if self._row is not None:
            self._row.add(data)
        if self.paused or self._hiding or self.nested is not None:
            self._follow(self._tape.pass_by(data))
            return []
        return self._taken(now, *self._tape.keep(now, data))

    def flush(self, now: Moment) -> list[Item]:
        """Release what was held back for a redaction that may not come; called after 20 ms."""
        return self._taken(now, *self._tape.flush(now))

    def _taken(self, now: Moment, stretches: list[Stretch], held: list[Spot]) -> list[Item]:
        self._follow(held)
        items: list[Item] = []
        for stretch in stretches:
            items.append(stretch.chunk)
            items += self._stretch(now, stretch)
        if self._tape.region_full:
            items += self._tape.end_region(keep=True)
        return items

    def _follow(self, spots: list[Spot]) -> None:
        """Follow the modes in bytes that are no text of a turn."""
        for spot in spots:
            self.ledger.note(spot)

    def _stretch(self, now: Moment, stretch: Stretch) -> list[Item]:
        """Take a piece of output that is kept: full-screen frames are no text.

        A desktop notification (OSC 9, 777, 99) is an alert.
        """
        start, data, spots = stretch.start, stretch.text, stretch.spots
        self._last_output = now
        if not spots and not self.alternate:
            return self._text(now, start, data, ())
        items: list[Item] = []
        begin = start
        for spot in spots:
            before = self.alternate
            self.ledger.note(spot)
            if spot.kind is SpotKind.OSC and (told := notification(spot.body)) is not None:
                if not self.alternate:  # what came before it comes first; its last byte completes it
                    end = max(begin, spot.end - 1)
                    items += self._text(now, begin, data[begin - start : end - start], spots)
                    begin = end
                items += self._book.shown(Kind.ALERT, now, told, {"rule": "notification"})
            if self.alternate is before:
                continue
            if self.alternate:
                end = max(begin, spot.start)
                items += self._text(now, begin, data[begin - start : end - start], spots)
            items += self._full_screen(now, entered=self.alternate)
            begin = max(begin, spot.end)
            if not self.alternate:
                self._inference.away(begin)
        if not self.alternate:
            items += self._text(now, begin, data[begin - start :], spots)
        return items

    def _text(self, now: Moment, raw: int, data: bytes, spots: Sequence[Spot]) -> list[Item]:
        """Take output of the primary screen."""
        items: list[Item] = []
        self._text_end = raw + len(data)
        for offset, part in self._echo.cut(data):
            items += self._part(now, raw + offset, part, spots)
        return items

    def _part(self, now: Moment, raw: int, data: bytes, spots: Sequence[Spot]) -> list[Item]:
        """Take text that is no echo of a line of ours."""
        if self._hooks.active or self._guessless:
            return self._book.printed(now, Output(raw, data))
        inside = [spot for spot in spots if raw < spot.end <= raw + len(data)]
        return self._inferred(now, lambda: self._inference.feed(raw, data, inside), Output(raw, data))

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
            return fault if output is None else fault + self._book.printed(now, output)

    def _no_echo(self, now: Moment) -> list[Item]:
        """Wait for an echo no longer; what looked like its beginning is output."""
        items: list[Item] = []
        for offset, part in self._echo.release():
            items += self._part(now, self._text_end + offset, part, ())
        return items

    def mark(self, now: Moment, body: bytes) -> list[Item]:
        """Take one of our own marks, cut out of the tool's output at this place."""
        mark = self._hooks.verified(body)
        if mark is None:
            return []
        items = self.flush(now) + self._no_echo(now)
        verb, args = mark.verb, mark.args
        if verb in SHELL_VERBS:
            items += self.nested_over(now)  # its shell goes on
        if verb == "prompt":
            items += self._tape.end_region(keep=True)
            self._hiding = False
            self._tape.begin_region()
        elif verb == "start" and args and not self.paused:
            items += self._tape.end_region(keep=True)
            cwd = args[1] if len(args) > 1 else None
            items += self._book.open(now, args[0], "", "hook", self.raw, {"shell": mark.pid, "cwd": cwd})
        elif verb == "hide":
            self._tape.end_region(keep=False)
            self._hiding = True
        elif verb == "end":
            self._hiding = False
            status = int(args[0]) if args and args[0].isdecimal() else None
            items += self._book.close(now, self.raw, End.DONE, status)
        elif verb == "pause":
            items += self.pause(now)
        elif verb == "unpause":
            items += self.unpause(now)
        elif verb == "nested" and len(args) > 1 and args[1].isdecimal():
            self.nested = int(args[1])
            meta: Meta = {"mark": "nested", "ulid": args[0]}
            items += self._book.event(Kind.MARK, now, f"nested recording {args[0]}", meta)
        elif verb == "nested-end":
            items += self.nested_over(now)
        return items

    def nested_over(self, now: Moment) -> list[Item]:
        """Record again: the recorder inside has ended, or is gone."""
        if self.nested is None:
            return []
        self.nested = None
        return self._book.event(Kind.MARK, now, "nested recording ended", {"mark": "nested-end"})

    def _full_screen(self, now: Moment, *, entered: bool) -> list[Item]:
        if entered:
            self._full_screen_since = now
            return []
        since, self._full_screen_since = self._full_screen_since, None
        if since is None:
            return []
        took = now.offset_ms - since.offset_ms
        return self._book.shown(Kind.SYSTEM, now, "full-screen", {"full_screen_ms": took})

    # --- turns ---------------------------------------------------------------------------------

    def _findings(self, now: Moment, findings: Iterable[Finding]) -> list[Item]:
        items: list[Item] = []
        for finding in findings:
            if isinstance(finding, Output):
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
        if self._blind:
            return []
        return self._inferred(now, lambda: self._inference.typed(scan))

    def settled(self, now: Moment, *, reading: bool, line: bool) -> list[Item]:
        """Take note that output is quiet while the tool waits for input (``line``: in line mode)."""
        items = self._no_echo(now)
        if self._blind:
            return items
        return items + self._inferred(now, lambda: self._inference.settled(reading=reading, line=line))

    def submitted(self, now: Moment, text: str, prompt: str, *, hold: bool = False) -> list[Item]:
        """Take a line that we are about to send, shown behind ``prompt``.

        ``hold`` keeps the event back until the next prompt or 250 ms: where nobody can tell whether
        the tool reads, the line may turn out to have fed a hidden read, and is then dropped.
        """
        if self.paused:
            return []
        items = self._no_echo(now) + self._book.decide(now, self.raw) + self._book.release()
        items += self._book.close(self._last_output, self.raw, End.DONE)
        self._inference.restart(self.raw)
        line = text.encode(errors="surrogateescape")
        self._echo.expect(line)
        opened = self._book.open(now, text, prompt, "line", self.raw + len(as_echoed(line)))
        return items + (self._book.hold(opened) if hold else opened)

    def hidden(self, now: Moment, prompt: str) -> list[Item]:
        """Take note that a line was entered which the tool did not show; its text is nowhere here."""
        if self.paused:
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
        meta: Meta = {"cols": size.cols, "rows": size.rows, "raw": self.raw}
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
        items = self.flush(now) + self._no_echo(now) + self._book.decide(now, self.raw) + self._book.release()
        items += self._book.close(now, self.raw, End.UNKNOWN)
        items += self._book.background(now, self.raw)
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
        if self._blind:
            return items
        return items + self._inferred(now, lambda: self._inference.resume(self.raw, row))

    def missed(self, data: bytes) -> None:
        """Follow the modes in output that cannot be kept."""
        self._follow(self._tape.pass_by(data))

    def gap(self, now: Moment, size: int) -> list[Item]:
        """Record that ``size`` bytes of output were not kept."""
        meta: Meta = {"gap_bytes": size, "raw_at": self.raw, "rule": "gap"}
        return self._book.event(Kind.ALERT, now, f"gap: {size} bytes of output were not recorded", meta)

    def ended(self, now: Moment, *, status: int | None, signal: str | None, hangup: bool) -> list[Item]:
        """Close everything: the tool is gone, or we are (``status`` None: an error of our own)."""
        items = self.flush(now) + self._no_echo(now) + self._tape.end_region(keep=True)
        if not self._blind:
            items += self._findings(now, self._inference.ended())
        items += self._book.decide(now, self.raw)
        end = End.DONE if signal is None and not hangup and status is not None else End.INTERRUPTED
        items += self._book.close(now, self.raw, end)
        items += self._book.background(now, self.raw)
        meta: Meta = {"exit_status": status, "signal": signal}
        if signal is not None and not hangup:
            items.append(
                self._book.draft(Kind.ALERT, now, f"ended by signal {signal}", {**meta, "rule": "signal"})
            )
        elif status is None:
            text = "the recorder failed; what came afterwards is not here"
            items.append(self._book.draft(Kind.ALERT, now, text, {**meta, "rule": "recorder"}))
        else:
            text = "terminal closed" if hangup else f"exited with status {status}"
            items.append(self._book.draft(Kind.SYSTEM, now, text, meta))
        return items
