"""What public marks have told about one shell: its prompt, its command, what it can be believed.

Pure; for ``hints`` alone, which decides what a mark means and whose it is. No wording of marks here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from recorder.model import End

if TYPE_CHECKING:
    from recorder.model import Moment


class Rank(IntEnum):
    """Where a command's text comes from, best first."""

    NONCE = 1  # 633 E with the nonce that we were given
    URL = 2  # fish's cmdline_url
    TEXT = 3  # kitty's and 3008's cmdline, WEZTERM_PROG, a 633 E of somebody else


class Prompt(NamedTuple):
    """A shell's prompt begins at raw offset ``raw``; not given again when it is drawn again.

    ``depth`` counts the commands inside of which the shell runs.
    """

    raw: int
    depth: int


class Begin(NamedTuple):
    """A command begins; its output begins at raw offset ``raw``.

    ``command`` is None where nobody knows it; ``marked``: it is known from marks, not from the
    screen. ``depth`` counts the commands inside of which it runs.
    """

    at: Moment
    raw: int
    command: str | None
    marked: bool
    cwd: str | None
    shell: str | None
    remote: bool
    depth: int


class Finish(NamedTuple):
    """The command at ``depth`` has ended; its output ended at raw offset ``raw``."""

    at: Moment
    raw: int
    end: End
    status: int | None
    depth: int


Action = Prompt | Begin | Finish


class Place(NamedTuple):
    """Where a shell is; a directory of another machine is none of ours."""

    cwd: str | None = None
    remote: bool = False


@dataclass(slots=True)
class Command:
    """A command that was read, and runs."""

    at: Moment
    raw: int
    text: str | None
    context: str = ""  # of 3008
    place: Place = field(default_factory=Place)  # where it began
    begun: bool = False  # its Begin was given out
    shown: bool = False  # something visible was printed


@dataclass(slots=True)
class Shell:
    """One shell; ``who`` is what it calls itself, None if it does not."""

    who: str | None = None
    place: Place = field(default_factory=Place)
    context: str = ""  # of 3008, in which it runs
    away: bool = False  # in a context of another machine
    signs: set[str] = field(default_factory=set)  # kinds of marks on which it says who it is
    prompting: bool = False  # its prompt stands
    announces: bool = False  # it marks its prompts
    starts: bool | None = None  # it marks the start of its commands; None: not known yet
    ghostly: bool = False  # it is Ghostty's bash, or like it: its status is always 0
    honest: bool = False  # … or rather not
    command: Command | None = None
    line: Command | None = None  # the line that it showed, not marked as a command yet
    again: tuple[Moment, int] | None = None  # where its prompt was drawn again after that line
    waiting: Finish | None = None  # an end whose status may still be told
    texts: dict[Rank, str] = field(default_factory=dict)

    @property
    def curious(self) -> bool:
        """Say whether it matters that something visible is printed."""
        command = self.command
        return (command is not None and not command.shown) or bool(self.waiting or self.line)

    # --- where -----------------------------------------------------------------------------------

    def move(self, cwd: str | None, *, away: bool | None) -> None:
        """Take a new directory ("": none), or whether it is away, where they are known."""
        remote = self.place.remote if away is None else away
        kept = self.place.cwd if remote == self.place.remote else None
        self.place = Place((kept if cwd is None else cwd) or None, remote or self.away)

    # --- commands --------------------------------------------------------------------------------

    def begin(self, command: Command, raw: int, depth: int) -> list[Action]:
        """Begin a command, marked at ``raw``, unless it is the one that runs, marked twice."""
        line, self.line, self.again = self.line, None, None
        self.starts, self.prompting = True, False
        marked = next((text for _, text in sorted(self.texts.items()) if text), None)
        self.texts.clear()
        if self.command is not None and not self.command.shown:
            self.command.text = self.command.text or marked
            self.command.context = self.command.context or command.context
            return self.give(depth, marked=True) if marked and not self.command.begun else []
        actions = self.release() + self.end(command.at, raw, End.UNKNOWN, None, depth) + self.release()
        self.command = command
        command.place = self.place
        command.text = marked or (line.text if line else None)
        # Without a text it may be a phantom: iTerm2 and powerlevel10k mark empty lines and Ctrl-C, too.
        return actions + (self.give(depth, marked=bool(marked)) if command.text else [])

    def give(self, depth: int, *, marked: bool = False) -> list[Action]:
        """Give out that the command has begun."""
        command = self.command
        if command is None or command.begun:
            return []
        command.begun = True
        who, (cwd, remote) = self.who, command.place
        return [Begin(command.at, command.raw, command.text, marked, cwd, who, remote, depth)]

    def end(self, at: Moment, raw: int, end: End, status: int | None, depth: int) -> list[Action]:
        """End the command that runs; one that was never given out was a phantom."""
        command, self.command = self.command, None
        if command is None or not command.begun:
            return []
        finish = Finish(at, raw, end, status, depth)
        if status is None:
            self.waiting = finish
            return []
        return [finish]

    def fill(self, status: int | None) -> list[Action]:
        """Take a second end of a command, which may know its status."""
        if self.waiting is None or status is None:
            return []
        self.waiting = self.waiting._replace(status=status)
        return self.release()

    def release(self) -> list[Action]:
        """Give out an end that waits for its status no longer."""
        waiting, self.waiting = self.waiting, None
        return [waiting] if waiting else []

    def believed(self, status: int | None) -> int | None:
        """Return a status as far as this shell can be believed.

        Ghostty's script for bash (``A P;k=i B`` around its prompt) always says 0; a shell that has
        once said otherwise is another one.
        """
        self.honest = self.honest or bool(status)
        return None if status == 0 and self.ghostly and not self.honest else status

    # --- lines that only the screen shows --------------------------------------------------------

    def drew(self, line: Command, depth: int) -> list[Action]:
        """Take a line; it is a command at once in a shell that is known not to mark them.

        One that follows another without a new prompt goes on with it.
        """
        actions: list[Action] = []
        if self.again is not None:
            actions = self.unmarked(*self.again, None, depth) + self.release()
            self.line = self.again = None
        if self.line is not None:
            line.text = f"{self.line.text}\n{line.text}"
        line.place = self.place
        self.line = line if line.text else None
        return actions + (self._run(depth) if self.starts is False else [])

    def sent(self, line: Command, depth: int) -> list[Action]:
        """Take a line that we have sent, whose turn is open; its shell may still mark where it begins."""
        line.place = self.place
        self.line, self.again = line, None
        return [] if self.starts else self._run(depth)

    def redrawn(self, at: Moment, raw: int) -> None:
        """Take note that the prompt is drawn again.

        After a line this is powerlevel10k, which makes the old prompt shorter, or it is the next prompt
        behind a line that was no command or is not marked as one; what comes next decides.
        """
        if self.line is not None and self.again is None:
            self.again = (at, raw)

    def shown(self, depth: int) -> list[Action]:
        """Take note that something visible was printed."""
        actions = self.release()
        if self.command is not None and not self.command.shown:
            actions += self.give(depth)
            self.command.shown = True
        elif self.starts is None and self.again is None:
            actions += self._run(depth)
        return actions

    def unmarked(self, at: Moment, raw: int, status: int | None, depth: int) -> list[Action]:
        """End a line that was never marked as a command; its shell marks only prompts or ends."""
        if self.starts or self.line is None:
            return []
        self.starts = False
        return self._run(depth) + self.end(at, raw, End.DONE, self.believed(status), depth)

    def _run(self, depth: int) -> list[Action]:
        """Take the line that was shown for a command."""
        if self.line is None:
            return []
        self.command, self.line, self.again = replace(self.line), None, None
        self.prompting = False
        return self.give(depth)
