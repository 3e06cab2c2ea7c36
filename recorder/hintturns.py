"""The turns that public marks make: what an action of ``hints`` does to the recording.

Pure. As long as marks decide, ``inference`` goes on reading, for what only the screen tells: the text of
a prompt, a command that its mark does not name, and what others print while a prompt stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.findings import Accepted, Hidden, Output, PromptShown
from recorder.hints import Spoken
from recorder.hintshell import Begin, Finish
from recorder.model import End
from recorder.spans import MAX_BLANK, shows
from recorder.turnbook import STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorder.findings import Finding
    from recorder.hints import Hints
    from recorder.hintshell import Action, Prompt
    from recorder.inference import Inference
    from recorder.model import Meta, Moment
    from recorder.shellturns import ShellTurns
    from recorder.stretches import Marked
    from recorder.turnbook import Item, TurnBook


class HintTurns:
    """What the shells that speak in public marks have run."""

    def __init__(self, book: TurnBook, inference: Inference, shells: ShellTurns, hints: Hints) -> None:
        """Begin without any shell; where ``shells`` with our hooks are active, hints count for nothing."""
        self._book = book
        self._inference = inference
        self._shells = shells
        self._hints = hints
        self._prompt = ""
        self._depth = 0  # of the shell whose prompt was last
        self._shown = False  # the prompt is drawn: what is printed now is printed by others
        self._given = 0  # raw offset up to which output is in the book
        self._partial = False  # the line that was read off the screen may not be all

    @property
    def running(self) -> bool:
        """Say whether a marked command runs: all that is printed is its output."""
        return self._hints.running and not self._shells.active

    @property
    def prompting(self) -> bool:
        """Say whether a marked prompt stands."""
        return self._hints.prompting and not self._shells.active

    @property
    def known(self) -> bool:
        """Say whether marks, hints or ours, tell what output is."""
        return self._shells.at_prompt or self.running or self.prompting

    # --- what comes ----------------------------------------------------------------------------

    def marked(self, now: Moment, marked: Marked) -> list[Item]:
        """Take a mark."""
        if self._shells.active:
            return []
        return self._done(now, self._hints.take(Spoken(now, marked.start, marked.end, marked.mark)))

    def printed(self, now: Moment, output: Output) -> list[Item]:
        """Take what is printed on the primary screen; it is output only of a command that runs."""
        if self._shells.active:
            return []
        items = self._done(now, self._hints.printed(output.data))
        if not self._hints.running:
            return items
        self._given = output.raw + len(output.data)
        return items + self._book.printed(now, output)

    def typed(self) -> None:
        """Take note that keys went to the tool: the prompt is drawn."""
        self._shown = True

    def submitted(self, now: Moment, raw: int, line: str) -> list[Item]:
        """Take a line whose turn we have opened ourselves."""
        return [] if self._shells.active else self._done(now, self._hints.sent(now, raw, line))

    def found(self, now: Moment, finding: Finding) -> list[Item] | None:
        """Take what inference has found; None where marks do not decide what it means."""
        if isinstance(finding, Hidden) or self._shells.active:
            return None
        if isinstance(finding, PromptShown):
            over = self._done(now, self._hints.standing(now, finding.raw, finding.text))
            if over:
                return over + self._book.prompt_shown(now, finding, now)
        if self._hints.running:
            # A command whose line was read off the screen begins in the middle of what was read.
            if isinstance(finding, Output) and finding.raw >= self._given:
                return self._book.printed(now, finding)
            return []
        return self._found_at_prompt(now, finding) if self._hints.prompting else None

    def _found_at_prompt(self, now: Moment, finding: Output | PromptShown | Accepted) -> list[Item]:
        if isinstance(finding, PromptShown):
            self._prompt, self._shown = finding.text, True
            self._book.cutter.drop_from(finding.raw)
            return []
        if isinstance(finding, Accepted):
            self._prompt, self._partial = finding.prompt_text, finding.partial
            self._shown = False  # up to its start only the cursor is moved
            return self._done(now, self._hints.drawn(now, finding.raw, finding.command))
        items = self._done(now, self._hints.printed(finding.data))
        return items + self._book.printed(now, finding) if self._shown or self._hints.running else items

    def left(self, now: Moment) -> list[Item]:
        """Give out what still waits: no more marks will come."""
        return [] if self._shells.active else self._done(now, self._hints.left())

    def forget(self) -> None:
        """Know nothing of any shell any more: marks were missed."""
        self._hints.forget()

    # --- what it does --------------------------------------------------------------------------

    def _done(self, now: Moment, actions: Iterable[Action]) -> list[Item]:
        items: list[Item] = []
        for action in actions:
            if isinstance(action, Begin):
                items += self._begin(action)
            elif isinstance(action, Finish):
                items += self._finish(action)
            else:
                items += self._ask(now, action)
        return items

    def _ask(self, now: Moment, prompt: Prompt) -> list[Item]:
        """Begin a prompt: a turn that no mark has opened is over."""
        book, raw = self._book, prompt.raw
        self._prompt, self._shown, self._partial = "", False, False
        self._inference.away(raw, over=True)  # readline opens its brackets before it draws the prompt
        items = book.decide(now, raw) + book.release()
        if book.unmarked:
            items += book.close(now, raw, End.DONE)
        self._depth = prompt.depth
        book.waiting_since = now.wall_ms if prompt.depth else None
        return items

    def _begin(self, begin: Begin) -> list[Item]:
        book, key = self._book, _key(begin.depth)
        if self._inference.editing:
            self._inference.restart(begin.raw)
        book.waiting_since = None
        self._given = max(self._given, begin.raw)
        items: list[Item] = []
        if book.unmarked:
            if not shows(book.cutter.tail(MAX_BLANK)):  # the line that we have sent ourselves
                book.adopt(key)
                return []
            items += book.close(begin.at, begin.raw, End.UNKNOWN)
        more: Meta = {"shell": begin.shell, "cwd": begin.cwd}
        if begin.remote:
            more["remote"] = True
        if begin.command is None or (self._partial and not begin.marked):
            more["partial"] = True
        text = begin.command or ""
        return items + book.open_in_shell(begin.at, key, text, self._prompt, "mark", begin.raw, more)

    def _finish(self, finish: Finish) -> list[Item]:
        if finish.depth < self._depth:
            self._book.waiting_since = None
        end = End.STOPPED if finish.status in STOPPED else finish.end
        return self._book.close_shell(finish.at, finish.raw, _key(finish.depth), end, finish.status)


def _key(depth: int) -> int:
    """Return what a turn at this depth is known by: no pid, as those of shells with our hooks are."""
    return -1 - depth
