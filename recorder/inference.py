"""Infer turns of a tool that edits its own line (readline, libedit, linenoise, a raw loop).

Pure: output, typed Enters and settled prompts in, findings out. The source of a command is what
the tool *displayed*, never the keys: history recall, cursor edits and completion come out right,
and a password cannot be in it.

Two regimes. A tool that brackets its edits with bracketed-paste switches (``?2004h`` … ``?2004l``:
every current readline, pyrepl, prompt-toolkit, zsh, fish) says exactly where an edit begins and
that a line was taken. Otherwise the edit begins at the prompt at which the output settles while
the tool reads, and a line was taken when, after Enter, the output leaves a line that starts with
that prompt. Lines that were typed ahead are found in the output by the same prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.drawing import Drawn, OpenLine, PausedRow, leaving, lines_with
from recorder.findings import Accepted, Output, PromptShown
from recorder.foreign import Unasked
from recorder.keyed import Keyed
from recorder.keys import only_replies
from recorder.lines import LineTracker
from recorder.prompts import Asked, Prompts, command, elsewhere, is_question, last_line, output_before
from recorder.watch import switches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.findings import Finding
    from recorder.keys import Scan
    from recorder.model import Size
    from recorder.watch import Spot

MAX_PROMPT = 4 << 10  # bytes, of an unfinished line, that are looked at, if its end looks like a prompt


class Inference:
    """The state of one passthrough tool between its prompts."""

    def __init__(self, size: Size) -> None:
        """Begin with output: no prompt has been shown yet."""
        self._tracker = LineTracker(size)
        self._prompts = Prompts()
        self._editing = False  # output is being drawn into an edit, it is no text of a turn
        self._bracketed = False  # … between ?2004h and ?2004l
        self._loose = False  # … but it is no edit: an application that leaves the switch on
        self._typed = False  # keys have gone to the tool since the edit, or the output, began
        self._ahead = False  # … before a prompt was seen
        self._ours = False  # the line is edited by us
        self._pending = 0  # Enters whose line was not seen yet
        self._prompt: str | None = None
        self._lead = ""  # text on the prompt's line before the edit began
        self._right = ""  # text at the right edge of the prompt's line
        self._asked = Asked()  # for a password
        self._aside = False  # the edit answers a question that is no prompt
        self._line = OpenLine()
        self._base = Output(0, b"")  # of that line, what was there when the edit began
        self._bracket_raw = 0
        self._drawn = Drawn()
        self._leaving = False  # a line was taken, but the cursor has not left it
        self._keyed = Keyed()
        self._unasked = Unasked()

    @property
    def editing(self) -> bool:
        """Say whether output goes into a line that is being edited."""
        return self._editing

    def resize(self, size: Size) -> None:
        """Take a new screen size."""
        self._tracker.resize(size)

    def restart(self, raw: int) -> None:
        """Forget an edit that is going on: the line was taken in another way, up to ``raw``."""
        self._leave_edit(raw)
        self._pending, self._prompt = 0, None
        self._asked.left()

    def pause(self, raw: int) -> PausedRow:
        """Leave an edit that is going on; return the row in which the cursor stands."""
        row = PausedRow(self._line.data, bracketed=self._bracketed, keyed=self._typed)
        self.restart(raw)
        return row

    def resume(self, raw: int, row: PausedRow) -> list[Finding]:
        """Go on at the prompt that stands, unless it may show what was typed unrecorded."""
        self._begin_edit(raw)
        self._tracker.again(row.shown)
        prompt, rest = self._tracker.before_cursor(), self._tracker.after_cursor()
        self._editing = not (row.keyed and rest) and self._prompts.stands(prompt, keyed=row.keyed)
        self._bracketed, self._bracket_raw = self._editing and row.bracketed, raw
        return self._know_prompt(prompt) if self._editing else []

    def ended(self) -> list[Finding]:
        """Give out what was drawn by an application that never let go of its line.

        Or by a tool that took a single key for its answer and went on (`sure? [y/n]`).
        """
        moved_on = self._editing and not self._bracketed and self._moved_on()
        return self._give_drawn() if moved_on or (self._editing and self._drawn.much) else []

    # --- input ---------------------------------------------------------------------------------

    def typed(self, scan: Scan) -> list[Finding]:
        """Take note of keys that were forwarded to the tool."""
        if only_replies(scan.forward):
            return []
        findings = self._foreign(rested=False)
        self._unasked.typed(scan.forward)
        if self._bracketed and self._prompt is None and not self._typed and self._tracker.shows:
            findings += self._at_line(self._tracker.before_cursor())
        if not (self._bracketed or self._editing or self._typed) and self._prompts.first(self._line.data):
            self._begin_edit(self._line.raw)
            findings += self._at_line(self._tracker.before_cursor())
        drawn = self._editing or self._bracketed
        if not (drawn and self._typed):  # who answers at once lets nothing settle
            findings += self._asked.passed(self._line.raw)
        if not self._asked and (scan.enters or not self._typed):
            self._asked.look(self._tracker.before_cursor() if drawn else self._line.end, self._line.raw)
        self._ahead = self._ahead or self._prompt is None or not self._editing
        self._typed = True
        self._keyed.typed(scan, self._tracker)
        waiting = scan.enters + (0 if scan.interrupted else self._pending)
        self._pending = 0 if self._asked and scan.enters else waiting
        return findings + self._asked.typed(enters=scan.enters, interrupted=scan.interrupted)

    def settled(self, *, reading: bool, line: bool) -> list[Finding]:
        """Take note that output is quiet while the tool waits.

        ``reading``: it is certain that it reads; ``line``: we edit the line, so that output which
        comes while the prompt stands was printed above it and the prompt stays.
        """
        self._ours = line
        findings = self._asked.passed(self._line.raw)
        if self._asked:
            return []
        if self._bracketed:
            findings += self._foreign(rested=True)
            self._unasked.rested(reading=reading)
            if self._typed or self._loose or self._prompt is not None:
                return findings
            # A row that goes on behind the cursor was left by an edit before: it holds the prompt.
            begun = self._tracker.shows or not self._tracker.after_cursor()
            return findings + (self._at_line(self._tracker.before_cursor()) if begun else [])
        if self._editing and self._typed:
            if not self._moved_on():
                return findings
            findings += self._give_drawn()
            self._ahead = True  # the edit may have been drawn again with what was typed
        if len(self._line) > MAX_PROMPT and not self._prompts.ending(self._line.end):
            self._editing = False
            return findings
        self._begin_edit(self._line.raw, drawn=self._editing)
        prompt = self._tracker.before_cursor()
        if not is_question(prompt) and not reading and not self._prompts.plausible(prompt):
            self._editing = False
            return findings
        self._pending = 0
        return findings + self._at_line(prompt)

    def _at_line(self, text: str) -> list[Finding]:
        """Take what the tool waits behind: a prompt, or a question in the middle of a turn."""
        if not is_question(text):
            return self._know_prompt(text)
        self._editing = self._bracketed
        self._aside = True
        self._asked.look(text, self._line.raw)
        return []

    def _moved_on(self) -> bool:
        """Say whether the tool waits elsewhere than in the edit: a pager, a question of its own."""
        return self._drawn.lines > 0 and elsewhere(self._tracker.edited(), self._prompt or "")

    # --- output --------------------------------------------------------------------------------

    def feed(self, raw: int, data: bytes, spots: Sequence[Spot]) -> list[Finding]:
        """Take output from raw offset ``raw`` with the finds of ``watch`` in it."""
        findings: list[Finding] = []
        pos = raw
        for spot in spots:
            opens = switches(spot, b"2004")
            if opens is None or opens == self._bracketed:
                continue
            findings += self._plain(pos, data[pos - raw : max(pos, spot.start) - raw])
            findings += self._open_bracket(spot) if opens else self._close_bracket(spot)
            pos = max(pos, spot.end)
        return findings + self._plain(pos, data[pos - raw :])

    def _plain(self, raw: int, data: bytes) -> list[Finding]:
        findings: list[Finding] = []
        while data:
            if self._leaving:
                found, used = self._leave_row(raw, data)
            elif self._bracketed:
                found, used = self._in_bracket(raw, data)
            elif not self._editing:
                found, used = self._in_output(raw, data)
            elif self._typed:
                found, used = self._in_edit(raw, data)
            else:
                found, used = self._at_prompt(raw, data)
            findings += found
            raw, data = raw + used, data[used:]
        return findings

    def _leave_row(self, raw: int, data: bytes) -> tuple[list[Finding], int]:
        """Skip what takes the cursor out of a line that was taken: zsh does that last."""
        used = leaving(data)
        self._leaving = used == len(data) and data.endswith(b"\r")
        self._line.begin(raw + used)
        return [], used

    def _in_output(self, raw: int, data: bytes) -> tuple[list[Finding], int]:
        """Pass output on; look in it for the echo of a line that was typed ahead."""
        if self._pending and (keys := self._prompts.keys(self._prompt)):
            line = self._line.data + data
            base = raw - len(self._line)
            for start, stop in lines_with(keys, line):
                found = self._typed_ahead(line[start:stop], base + start, base + stop)
                if found:
                    before = data[: max(0, base + start - raw)]
                    self._line.begin(base + stop)
                    return [*([Output(raw, before)] if before else []), *found], base + stop - raw
        self._line.add(raw, data)
        return [Output(raw, data)], len(data)

    def _typed_ahead(self, line: bytes, start: int, end: int) -> list[Finding]:
        """Say whether a whole line of output is a prompt with a line that was typed before it."""
        self._tracker.again(line)
        text = "\n".join(self._tracker.edited())
        prompt = self._prompts.ahead(text, self._prompt)
        if not prompt:
            return []
        self._pending -= 1
        self._prompt, self._ahead = prompt, self._keyed.behind
        return [PromptShown(start, prompt), Accepted(end, text[len(prompt) :], prompt)]

    def _at_prompt(self, raw: int, data: bytes) -> tuple[list[Finding], int]:
        """Take what comes while a prompt stands and nobody has typed."""
        if b"\n" not in data:
            self._tracker.feed(data)
            self._line.add(raw, data)
            if not self._ours:
                self._prompt = self._tracker.before_cursor()  # a prompt drawn in pieces
            return [], len(data)
        # The tool goes on printing. Under our own editor that is printed above the prompt; else it
        # was no prompt.
        self._editing = False
        begin = len(self._base.data) if self._ours else 0
        held = Output(self._line.raw + begin, self._line.data[begin:])
        self._line.begin(raw)
        return [held] if held.data else [], 0

    def _in_edit(self, raw: int, data: bytes) -> tuple[list[Finding], int]:
        """Follow an edit that nothing brackets, up to the line feed that may end it."""
        cut = data.find(b"\n")
        part = data[: cut + 1] if cut >= 0 else data
        self._line.add(raw, part)
        self._drawn.add(raw, part)
        if cut < 0:
            self._tracker.feed(part)
        else:
            self._tracker.feed(part[:-1])
            entered = self._command(self._tracker.edited()) if self._pending else None
            if entered is not None:
                return [self._accept(raw + cut + 1, entered)], len(part)
            self._tracker.feed(b"\n")
        return self._give_drawn() if self._is_no_edit() else [], len(part)

    def _in_bracket(self, raw: int, data: bytes) -> tuple[list[Finding], int]:
        """Follow an edit between its switches."""
        self._line.add(raw, data)
        if self._loose:
            self._tracker.skim(data)
            return [Output(raw, data)], len(data)
        self._drawn.add(raw, data)
        self._unasked.add(data)
        self._tracker.feed(data)
        if not self._is_no_edit():
            return [], len(data)
        found = self._give_drawn()
        self._editing = self._loose = True
        return found, len(data)

    def away(self, raw: int, *, over: bool = False) -> None:
        """Go on at ``raw``: what stood on the line was no prompt; ``over``: an unbracketed edit neither."""
        self._editing = self._editing and (self._bracketed or not over)
        if not (self._editing or self._bracketed):
            self._line.begin(raw)

    # --- edits ---------------------------------------------------------------------------------

    def _begin_edit(self, raw: int, *, drawn: bool = False) -> None:
        """Begin an edit in the unfinished line, or at raw offset ``raw``; ``drawn`` as far as it goes."""
        partial = self._line.data[-MAX_PROMPT:]
        raw = max(raw, raw + len(self._line) - MAX_PROMPT)
        before = output_before(partial)
        self._editing = True
        self._typed = self._loose = self._aside = False
        self._prompt = None
        drawn = drawn and self._base.raw == raw + before
        self._base = Output(raw + before, partial[before:])
        self._lead = self._right = ""
        self._drawn.clear()
        self._unasked.clear()
        if not drawn:
            self._tracker.again(self._base.data)

    def _open_bracket(self, spot: Spot) -> list[Finding]:
        """Begin an edit at ``?2004h``; whether its line's beginning is output is known later."""
        entered = self._typed and self._pending > 0
        self._begin_edit(self._line.raw if len(self._line) else spot.start)
        self._lead = self._tracker.before_cursor() if self._base.data else ""
        self._bracketed = True
        self._bracket_raw = spot.start
        self._typed = entered
        return []

    def _know_prompt(self, text: str) -> list[Finding]:
        """Fix the prompt's text before the first key: what stands before the cursor."""
        raw, text, lead, begun = self._prompts.standing(
            text, self._lead, self._base, self._bracket_raw, ahead=self._ahead
        )
        self._typed = self._typed or begun
        if not self._typed:
            self._prompts.learn(text)
            self._right = self._tracker.after_cursor()
        return self._show(raw, text, lead)

    def _show(self, raw: int, prompt: str, lead: str) -> list[Finding]:
        self._prompt, self._lead = prompt, lead
        self._ahead = False
        self._drawn.put_before(Output(raw, self._base.data[max(0, raw - self._base.raw) :]))
        return [PromptShown(raw, prompt)]

    def _close_bracket(self, spot: Spot) -> list[Finding]:
        """End an edit at ``?2004l``: a line was taken if Enter is pending, else it was abandoned."""
        findings: list[Finding] = []
        if self._pending and not self._aside:
            lines = self._tracker.edited()
            later = self._prompts.last_of(lines)
            if later and self._prompts.beginning(lines[later]) != self._prompt:
                # Another edit followed within the same switches (fish's `read`): only that was taken.
                lines, self._prompt, self._lead = lines[later:], None, ""
            known = self._prompts.beginning("\n".join(lines))
            if self._prompt is None or (known and not self._prompt.strip()):
                text = "\n".join(lines)
                findings += self._show(*self._prompts.behind(text, self._lead, self._base, self._bracket_raw))
            entered = self._command(lines)
            if entered is None:
                entered = lines[-1] if lines else ""  # it was taken, whatever became of its prompt
            findings.append(self._accept(spot.end, entered))
            self._leaving = not self._tracker.at_margin
            return findings
        if self._prompt is None and not self._aside and self._tracker.shows:
            findings += self._know_prompt(self._tracker.before_cursor())
        self._pending = 0
        self._keyed.clear()
        # What the row shows stays there, and the next edit may go on in it.
        self._editing = self._bracketed = self._typed = self._loose = False
        return findings

    def _accept(self, raw: int, entered: str) -> Accepted:
        """Leave the edit, whose line was taken; of one that fills the screen some may have been hidden."""
        entered = self._keyed.better(entered, self._command(self._keyed.before))
        tall = self._tracker.fills(last_line(self._prompt or "") + entered)
        partial = self._unasked.disturbed or self._keyed.partial(entered, tall=tall)
        self._leave_edit(raw)
        self._ahead = self._keyed.behind
        return Accepted(raw, entered, self._prompt or "", partial)

    def _command(self, lines: list[str]) -> str | None:
        return command(lines, self._prompt or "", lead=self._lead, right=self._right)

    def _foreign(self, *, rested: bool) -> list[Finding]:
        """Take what others have printed out of an edit in which no Enter is unanswered."""
        ours = self._prompt is None or self._ours or self._loose or self._aside or self._pending
        size, behind = (0, 0) if ours or not self._bracketed else self._unasked.lines(rested=rested)
        if not size:
            return []
        output = self._drawn.cut(size, behind)
        redraw = self._tracker.again if behind else self._tracker.redraw  # again: on rows of its own
        redraw(self._drawn.newest if behind else self._drawn.behind(self._base))
        return [output]

    def _leave_edit(self, raw: int) -> None:
        self._keyed.clear()
        self._pending = max(0, self._pending - 1)
        self._editing = self._bracketed = self._typed = self._loose = self._ahead = self._leaving = False
        self._line.begin(raw)
        self._drawn.clear()

    def _is_no_edit(self) -> bool:
        return self._drawn.too_much or self._tracker.scrolled

    def _give_drawn(self) -> list[Finding]:
        """Leave an edit that was none: what was drawn is output."""
        self._editing = False
        return [*self._drawn.give()]
