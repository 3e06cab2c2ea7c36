"""The turns of shells that have our hooks: what a verified mark of theirs does.

Pure. A shell says when its prompt begins, which line it runs, and how that ended; here this becomes
turns, one inside the other where a shell was started from a shell. What is drawn between the prompt and
the start of a line waits in the tape's region: a line that turns out to be hidden was then never kept.
Meanwhile ``inference`` reads it, for what only the screen tells: the prompt's text, what others print
into the edit, and whether a line that the shell's history did not take is the one it names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recorder.findings import Accepted, Output, PromptShown
from recorder.keys import only_replies
from recorder.model import End, Kind
from recorder.turnbook import STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from recorder.findings import Finding
    from recorder.inference import Inference
    from recorder.keys import Scan
    from recorder.marks import Private
    from recorder.model import Meta, Moment
    from recorder.tape import Tape
    from recorder.turnbook import Item, TurnBook

# What zsh prints before its hooks run (PROMPT_SP): a mark that shows where output ended without a
# newline, blanks to the right edge, and back to the left one.
_END_MARK = re.compile(
    rb"(?:(?:\x1b\[[0-9;]*m)+[^\x1b\r\n]{1,16}(?:\x1b\[[0-9;]*m)+)? {8,}\r \r(?:\x1b\[[0-9;?]*[a-zA-Z])*\Z"
)
# As tmux does when it begins. Our mark goes with all that nobody has read yet; its end is seen.
FLUSHED = "gap: a program has flushed the terminal, and the start of its command was not seen"
_BLANKS = re.compile(r"[\s;]+")
_END_MARK_MOST = 2 << 10  # bytes; it is as long as a row


@dataclass(slots=True)
class _Edit:
    """The line at the prompt of the innermost shell."""

    private: bool
    typed: bool
    begun: bool  # more than Enter and Ctrl-D was typed: there may be something to hide
    shown: bool = False  # the prompt is drawn: what is printed now is printed by others
    prompt: str = ""
    accepted: list[str] = field(default_factory=list)
    outputs: list[tuple[Moment, Output]] = field(default_factory=list)
    notified: list[tuple[Moment, str]] = field(default_factory=list)


class ShellTurns:
    """The shells of one session."""

    def __init__(
        self,
        book: TurnBook,
        tape: Tape,
        inference: Inference,
        ignored: Callable[[str, str | None], bool] | None,
    ) -> None:
        """Begin without any shell; ``ignored`` says of a command and its directory that it is not wanted."""
        self._book = book
        self._tape = tape
        self._inference = inference
        self._ignored = ignored
        self._shells: list[int] = []  # their pids, the outermost first
        self._waiting = False  # the innermost one is at its prompt
        self._edit: _Edit | None = None
        self._private = False
        self._enters = 0  # that were typed and have not ended an edit yet
        self._begun = False  # keys were typed behind the last of them
        self._worded = False  # with them, more was typed than Enter and Ctrl-D
        self._hidden_by: int | None = None

    @property
    def active(self) -> bool:
        """Say whether a shell with our hooks runs."""
        return bool(self._shells)

    @property
    def innermost(self) -> int | None:
        """Return the pid of the shell that has spoken last."""
        return self._shells[-1] if self._shells else None

    @property
    def at_prompt(self) -> bool:
        """Say whether what is drawn now belongs to a prompt and the line behind it."""
        return self._edit is not None

    @property
    def running(self) -> bool:
        """Say whether a line of a shell with our hooks runs."""
        return self.active and not self.at_prompt

    @property
    def waiting(self) -> bool:
        """Say whether the innermost shell is at its prompt, recorded or not."""
        return self._waiting

    @property
    def hiding(self) -> bool:
        """Say whether nothing of what comes may be kept."""
        return self._hidden_by is not None

    # --- marks ---------------------------------------------------------------------------------

    def mark(self, now: Moment, mark: Private, *, paused: bool) -> list[Item]:
        """Take a mark of a shell: ``prompt``, ``start``, ``hide`` or ``end``."""
        if self._hidden_by is not None and mark.pid not in self._shells:
            return []  # a shell that a hidden line has started is hidden with it
        if mark.verb == "prompt":
            return self._prompt(now, mark, paused=paused)
        if mark.verb == "end":
            return self._end(now, mark)
        if mark.verb == "hide" or not mark.args or self._unwanted(mark.args):
            return self._hide(now, mark.pid)
        return self._start(now, mark, paused=paused)

    def _prompt(self, now: Moment, mark: Private, *, paused: bool) -> list[Item]:
        self._hidden_by = None
        items = self.leave()
        if self._waiting:
            self._answered()
        raw = self._before_end_mark()
        items += self._enter(now, raw, mark.pid)
        self._book.prompting(now, raw)
        self._waiting = True
        self._private = "private" in mark.args[1:]
        if not paused:
            self._begin_edit(typed=self._begun or self._enters > 0, begun=self._worded)
        return items

    def _start(self, now: Moment, mark: Private, *, paused: bool) -> list[Item]:
        self._hidden_by = None
        edit = self._edit
        prompt = edit.prompt if edit is not None else ""
        if edit is not None and _holds_more(edit.accepted, mark.args[0]):
            edit.private = True  # one of the lines pasted with this one may turn out to be hidden
        items = self._started() + self._enter(now, self._tape.raw, mark.pid)
        if paused:
            return items
        text, cwd = mark.args[0], mark.args[1] if len(mark.args) > 1 else None
        more: Meta = {"shell": mark.pid, "cwd": cwd or None}
        return items + self._book.open_in_shell(now, mark.pid, text, prompt, "hook", self._tape.raw, more)

    def _hide(self, now: Moment, pid: int) -> list[Item]:
        if self._edit is not None:
            self._edit.private = True
        items = self._started() + self._enter(now, self._tape.raw, pid)
        self._hidden_by = pid
        return items

    def _end(self, now: Moment, mark: Private) -> list[Item]:
        if mark.pid not in self._shells:
            return []
        lost = self._waiting and self.innermost == mark.pid
        if self._hidden_by != mark.pid:  # else up to its prompt: others' hooks name the line that has run
            self._hidden_by = None
        items = self.leave()  # the prompt of a shell inside, which has ended there
        if lost:
            items += self._book.event(Kind.ALERT, now, FLUSHED, {"rule": "gap"})
        del self._shells[self._shells.index(mark.pid) + 1 :]
        self._waiting = False
        told = mark.args[0] if mark.args else ""
        status = int(told) if told.isdecimal() and len(told) < 10 else None
        end = End.STOPPED if status in STOPPED else End.DONE
        return items + self._book.close_shell(now, self._before_end_mark(), mark.pid, end, status)

    def _unwanted(self, args: tuple[str, ...]) -> bool:
        """Say whether a line may not be kept.

        Bash names the line before, where its history did not take this one. If this one is the same, it
        was left out as a duplicate; else, or where what was drawn does not tell, the user has hidden it.
        """
        text, cwd, *flags = args if len(args) > 1 else (*args, "")
        drawn = "\n".join(self._edit.accepted) if self._edit is not None else None
        if self._private or ("stale" in flags and drawn != text):
            return True
        return self._ignored is not None and self._ignored(text, cwd or None)

    def may_hide(self, text: str) -> bool:
        """Say whether the user may hide a line, should a shell get it."""
        return text[:1].isspace() or self._private or bool(self._ignored and self._ignored(text, None))

    def _started(self) -> list[Item]:
        self._answered()
        items = self._give_out()
        self._inference.restart(self._tape.raw)
        self._waiting = False
        return items

    def _answered(self) -> None:
        """Take note that the edit is over; a command of several rows has taken an Enter for each."""
        rows = len(self._edit.accepted) if self._edit is not None else 0
        self._enters = max(0, self._enters - max(1, rows))
        self._worded = self._worded and (self._begun or self._enters > 0)

    def _enter(self, now: Moment, raw: int, pid: int) -> list[Item]:
        """Take note of which shell speaks; a line of its own that was not ended is over."""
        if pid in self._shells:
            del self._shells[self._shells.index(pid) + 1 :]
        else:
            self._shells.append(pid)
        return self._book.close_shell(now, raw, pid, End.UNKNOWN)

    def gone(self, now: Moment, pid: int) -> list[Item]:
        """Take note that the process of a shell is gone."""
        if pid not in self._shells:
            return []
        items = self.leave() + self._book.close_shell(now, self._tape.raw, pid, End.UNKNOWN)
        del self._shells[self._shells.index(pid) :]
        self._waiting = False
        if self._hidden_by not in self._shells:
            self._hidden_by = None
        self._inference.restart(self._tape.raw)
        return items

    # --- the line at the prompt ----------------------------------------------------------------

    def _begin_edit(self, *, typed: bool, begun: bool) -> None:
        self._tape.begin_region()
        self._inference.restart(self._tape.place)
        self._edit = _Edit(self._private, typed, begun)

    def leave(self) -> list[Item]:
        """Give out what was drawn since the prompt; of a line that was not run, only if it hides nothing.

        Nobody will say whether the user wants it hidden. What was typed at a prompt and then taken back
        is often a password that was meant for somebody else.
        """
        edit = self._edit
        if (
            edit is not None
            and edit.begun
            and (self._begun or self._enters == 0 or _secretive(edit.accepted))
        ):
            edit.private = True
            self._inference.restart(self._tape.raw)
        return self._give_out()

    def _give_out(self) -> list[Item]:
        """Give out what was drawn since the prompt; nothing of a private one."""
        edit, self._edit = self._edit, None
        self._book.waiting_since = None
        if edit is None:
            return []
        items: list[Item] = [*self._tape.end_region(keep=not edit.private)]
        return items if edit.private else items + self._printed(edit)

    def again(self, now: Moment) -> list[Item]:
        """Hold what is drawn from here on: recording goes on, or more is drawn than a line can be."""
        items = self.leave()
        if self._waiting:
            self._book.waiting_since = now.wall_ms
            self._begin_edit(typed=True, begun=self._worded)
        return items

    def typed(self, scan: Scan) -> None:
        """Take note that keys went to the shell, or to what it runs; they may be drawn at its next prompt."""
        if only_replies(scan.forward):
            return
        self._enters = scan.enters + (0 if scan.interrupted else self._enters)
        self._begun = not scan.forward.endswith((b"\r", b"\n", b"\x03"))
        worded = bool(scan.forward.strip(b"\r\n\x04"))
        self._worded = worded or self._worded
        if self._edit is not None:
            self._edit.typed = self._edit.shown = True
            self._edit.begun = self._edit.begun or worded

    def submitted(self, text: str, prompt: str) -> None:
        """Take note of a line that we are about to send to a shell which leaves the edit to us."""
        if self._edit is not None:
            self._edit.typed = self._edit.shown = True
            self._edit.prompt = prompt
            self._edit.accepted.append(text)

    def rested(self) -> list[Item]:
        """Give out the prompt, as long as nobody has typed behind it: there is nothing to hide."""
        edit = self._edit
        if edit is None or edit.private:
            return []
        edit.shown = True
        if edit.typed:
            return []
        items: list[Item] = [*self._tape.end_region(keep=True)]
        self._tape.begin_region()
        items += self._printed(edit)
        edit.outputs.clear()
        edit.notified.clear()
        return items

    def notified(self, now: Moment, text: str) -> list[Item]:
        """Take a desktop notification; with what else is printed now, it may turn out to be hidden."""
        if self._edit is None:
            return self._book.notified(now, text)
        self._edit.notified.append((now, text))
        return []

    def found(self, now: Moment, findings: Iterable[Finding]) -> None:
        """Take what inference has found in what was drawn since the prompt."""
        edit = self._edit
        if edit is None:
            return
        for finding in findings:
            if isinstance(finding, Output):
                if edit.shown:  # else it is the upper part of the prompt
                    edit.outputs.append((now, finding))
            elif isinstance(finding, PromptShown):
                edit.prompt = edit.prompt or finding.text
                edit.shown = True
                edit.outputs = _before(edit.outputs, finding.raw)
            elif isinstance(finding, Accepted):
                edit.accepted.append(finding.command)
                edit.prompt = edit.prompt or finding.prompt_text
                edit.shown = False  # up to its start, or its next row, only the cursor is moved

    def _printed(self, edit: _Edit) -> list[Item]:
        items: list[Item] = []
        for at, output in edit.outputs:
            items += self._book.printed(at, output)
        for at, text in edit.notified:
            items += self._book.notified(at, text)
        return items

    def _before_end_mark(self) -> int:
        """Return the raw offset at which output ends that zsh has marked the end of."""
        found = _END_MARK.search(self._book.cutter.tail(_END_MARK_MOST)[-_END_MARK_MOST:])
        return self._tape.raw - (len(found[0]) if found else 0)


def _holds_more(accepted: list[str], command: str) -> bool:
    """Say whether more lines were drawn in one edit than the command has: bash runs them one by one.

    It may name a compound command in one line (cmdhist), so that blanks and semicolons do not count.
    """
    several = [drawn for drawn in accepted if "\n" in drawn.strip()]
    return any(_BLANKS.sub("", drawn) != _BLANKS.sub("", command) for drawn in several)


def _secretive(accepted: list[str]) -> bool:
    """Say whether a line that was entered and not run (a mistake in it) may be one to hide, or is unknown."""
    return not accepted or any(line[:1].isspace() for line in accepted)


def _before(outputs: list[tuple[Moment, Output]], raw: int) -> list[tuple[Moment, Output]]:
    """Return output without what stands at raw offset ``raw`` or behind it: that is the prompt."""
    cut = [(at, Output(each.raw, each.data[: max(0, raw - each.raw)])) for at, each in outputs]
    return [(at, each) for at, each in cut if each.data]
