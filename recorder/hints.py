"""Decide what public marks say about a shell's turns: OSC 133, 633, 7, 1337 and 3008.

Pure: parsed marks in, with their places in the raw stream, and what is printed between them;
``Prompt``, ``Begin`` and ``Finish`` out. Anybody may write these marks, and each of the known
writers lies in its own way: redraws repeat the prompt's marks, ends come without a beginning and
with the status of an older command, two integrations speak at once, a shell inside a shell and one
at the other end of ssh speak in between. What is known of one shell is in ``hintshell``; the
wording is in ``marks``; what an action does to the recording is decided in ``capture``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recorder.hintshell import Action, Command, Place, Prompt, Rank, Shell
from recorder.marks import UserVars, status_of
from recorder.model import End
from recorder.spans import shows

if TYPE_CHECKING:
    from recorder.marks import Public
    from recorder.model import Moment

PARTS = frozenset({"s", "c", "r"})  # prompts that begin no line of their own: secondary, continued, right
MAX_SHELLS = 64  # one inside the other; anybody can print marks that ask for more, without an end
AWAY = frozenset({"remote", "container", "vm"})  # what a 3008 context of these kinds holds is elsewhere


class Spoken(NamedTuple):
    """A public mark and its place: raw offsets ``start`` and ``end``."""

    at: Moment
    start: int
    end: int
    mark: Public


class Hints:
    """The shells that speak, the innermost last."""

    def __init__(self, host: str = "", nonce: str = "") -> None:
        """Know our own ``host``, and the ``nonce`` that VS Code gave to its shells."""
        self.active = False  # a prompt or an end was marked: it is a shell that speaks, and marks decide
        self._host = host
        self._nonce = nonce
        self._shells = [Shell()]
        self._vars = UserVars()
        self._reversed = False  # the output ended where zsh's end-of-line mark would follow
        self._plain: str | None = None  # text of the last prompt that nobody marked

    # --- what is known ---------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Say whether a marked command runs: what is printed is its output, whatever it looks like."""
        return self.active and self._top.command is not None

    @property
    def prompting(self) -> bool:
        """Say whether a marked prompt stands."""
        return self.active and self._top.prompting

    @property
    def _top(self) -> Shell:
        return self._shells[-1]

    # --- what comes ------------------------------------------------------------------------------

    def take(self, spoken: Spoken) -> list[Action]:
        """Take the next mark of the stream."""
        mark = spoken.mark
        if mark.family == 3008:
            return self._context(spoken)
        if mark.family in {7, 1337}:
            self._told(mark)
        elif (mark.family, mark.kind) == (633, "E"):
            self._line(mark)
        elif (mark.family, mark.kind) == (633, "P"):
            self._moved(mark.options.get("Cwd"), None)
        else:
            return self._lettered(spoken)
        return []

    def printed(self, data: bytes) -> list[Action]:
        """Take what was printed since the last mark, or since the last call."""
        if not self._top.curious:
            return []
        if self._reversed and data[:1] in {b"%", b"#"}:
            data = data[1:]
        self._reversed = data.endswith(b"\x1b[7m")
        for sign in (b"%", b"#"):
            data = data.replace(b"\x1b[7m" + sign, b"")
        return self._top.shown(self._depth) if shows(data) else []

    def drawn(self, at: Moment, raw: int, line: str) -> list[Action]:
        """Take the line that a shell showed at its marked prompt when Enter ended it at ``raw``."""
        return self._top.drew(Command(at, raw, line), self._depth) if self.prompting else []

    def sent(self, at: Moment, raw: int, line: str) -> list[Action]:
        """Take a line that we have sent to a shell at its marked prompt, which leaves the edit to us."""
        return self._top.sent(Command(at, raw, line), self._depth) if self.prompting else []

    def standing(self, at: Moment, raw: int, prompt: str) -> list[Action]:
        """Take a prompt that stands on the screen: one from before there were marks ends them."""
        if not self.active:
            self._plain = prompt
            return []
        if self.prompting or not prompt.strip() or prompt != self._plain:
            return []
        actions = self._leave(0, at, raw)
        self.forget()
        return actions

    def forget(self) -> None:
        """Know nothing of any shell any more."""
        self._shells = [Shell()]
        self.active = False

    def left(self) -> list[Action]:
        """Give out an end that waited for its status: no more marks will come."""
        return self._top.release()

    # --- 133 and 633 -----------------------------------------------------------------------------

    def _lettered(self, spoken: Spoken) -> list[Action]:
        mark = spoken.mark
        part = mark.options.get("k") in PARTS
        if mark.kind not in "ABCDP" + ("IN" if mark.family == 133 else "") or part:
            return []
        who = mark.options.get("aid")
        if who is not None:
            head, dash, count = who.rpartition("-")  # iTerm2 counts its commands: SALT-COUNT
            who = head if dash and count.isdecimal() else who
        actions = self._find(spoken, who)
        if mark.kind in "ANP":
            return actions + self._prompt(spoken, initial=mark.kind == "P" and mark.options.get("k") == "i")
        if mark.kind in "BI":
            return actions + self._top.release()
        if mark.kind == "C":
            return actions + self._begin(spoken)
        return actions + self._end(spoken, status_of(mark))

    def _find(self, spoken: Spoken, who: str | None) -> list[Action]:
        """Make the shell that speaks the innermost one; what runs inside it has ended unseen."""
        kind = spoken.mark.kind
        if who is None:
            signs = self._top.signs
            if self._top.command is not None and (kind in signs or (kind == "D" and "C" in signs)):
                self._nest(None)  # the shell itself would have said who it is
            return []
        for depth, shell in enumerate(self._shells):
            if shell.who == who:
                shell.signs.add(kind)
                return self._leave(depth + 1, spoken.at, spoken.start)
        command = self._top.command
        if command is None or (kind == "C" and not command.shown):
            self._top.who = who  # so far it did not say, or two integrations call it differently
        else:
            self._nest(who)
        self._top.signs.add(kind)
        return []

    def _nest(self, who: str | None, *, context: str = "", away: bool = False) -> None:
        """Take note of a shell inside the innermost one; deeper than can be true, of none."""
        if len(self._shells) >= MAX_SHELLS:
            return
        place = Place(None, remote=away or self._top.place.remote)
        self._shells.append(Shell(who=who, place=place, context=context, away=away))

    def _leave(self, depth: int, at: Moment, raw: int) -> list[Action]:
        """Forget the shells from ``depth`` on."""
        actions: list[Action] = []
        while len(self._shells) > depth:
            actions += self._top.release() + self._top.end(at, raw, End.UNKNOWN, None, self._depth)
            actions += self._top.release()
            self._shells.pop()
        return actions

    @property
    def _depth(self) -> int:
        """Count the commands in which the innermost shell runs."""
        return sum(shell.command is not None and shell.command.begun for shell in self._shells[:-1])

    def _prompt(self, spoken: Spoken, *, initial: bool = False) -> list[Action]:
        """Begin a prompt, if it is not one that is drawn again; a command that runs has ended."""
        self.active = True
        shell = self._top
        shell.announces = True
        if shell.prompting:
            shell.ghostly = shell.ghostly or initial
            shell.redrawn(spoken.at, spoken.start)
            return []
        actions: list[Action] = []
        if shell.command is not None:
            actions += shell.end(spoken.at, spoken.start, End.DONE, None, self._depth)
        else:
            actions += shell.unmarked(spoken.at, spoken.start, None, self._depth)
        return [*actions, *self._ask(shell, spoken.start)]

    def _ask(self, shell: Shell, raw: int) -> list[Action]:
        shell.prompting = True
        shell.texts.clear()
        shell.line = shell.again = None
        return [Prompt(raw, self._depth)]

    def _begin(self, spoken: Spoken, context: str = "") -> list[Action]:
        """Begin a command; a lone mark in the output of a tool, which marks no prompts, begins none."""
        if not self.active:
            return []
        options = spoken.mark.options
        for rank, key in ((Rank.URL, "cmdline_url"), (Rank.TEXT, "cmdline")):
            if options.get(key):
                self._top.texts[rank] = options[key]
        return self._top.begin(Command(spoken.at, spoken.end, None, context), spoken.start, self._depth)

    def _end(self, spoken: Spoken, status: int | None, *, certain: bool = False) -> list[Action]:
        """End the command that runs; an end without one is none."""
        self.active = True
        shell = self._top
        actions: list[Action] = []
        if shell.command is not None:
            status = shell.believed(status)
            # VS Code's script gives a status only where a command was run.
            certain = certain or (spoken.mark.family == 633 and status is not None)
            if not shell.command.begun and certain:
                actions += shell.give(self._depth)
            actions += shell.end(spoken.at, spoken.start, End.DONE, status, self._depth)
        elif shell.waiting is not None:
            return shell.fill(status)
        else:
            actions += shell.unmarked(spoken.at, spoken.start, status, self._depth)
        if not shell.announces and not shell.prompting:
            actions += self._ask(shell, spoken.start)
        return actions

    def _line(self, mark: Public) -> None:
        line, nonce = (*mark.fields, "", "")[:2]
        ours = bool(self._nonce) and nonce == self._nonce
        if line:
            self._top.texts[Rank.NONCE if ours else Rank.TEXT] = line

    # --- 3008 ------------------------------------------------------------------------------------

    def _context(self, spoken: Spoken) -> list[Action]:
        """Take the beginning or the end of one of systemd's contexts."""
        mark = spoken.mark
        name, options = mark.fields[0], mark.options
        if mark.kind == "end":
            return self._context_over(spoken, name)
        kind = options.get("type")
        if kind in AWAY:
            if self._top.command is not None:
                self._nest(None, context=name, away=True)
            return []
        if kind not in {"shell", "command"}:
            return []
        actions = self._find(spoken, options.get("pid"))
        self._moved(options.get("cwd"), options.get("hostname"))
        return actions + (self._prompt(spoken) if kind == "shell" else self._begin(spoken, name))

    def _context_over(self, spoken: Spoken, name: str) -> list[Action]:
        for depth, shell in enumerate(self._shells):
            if shell.context == name and depth > 0:
                return self._leave(depth, spoken.at, spoken.start)
            if shell.command is not None and shell.command.context == name:
                actions = self._leave(depth + 1, spoken.at, spoken.start)
                return actions + self._end(spoken, status_of(spoken.mark), certain=True)
        return []

    # --- 7 and 1337 ------------------------------------------------------------------------------

    def _told(self, mark: Public) -> None:
        """Take what a shell tells about itself."""
        value = mark.fields[0] if mark.fields else ""
        if mark.family == 7:
            self._moved(mark.fields[1] if mark.fields else "", value if mark.fields else None)
        elif mark.kind == "CurrentDir":
            self._moved(value, None)
        elif mark.kind == "RemoteHost":
            self._moved(None, value.rpartition("@")[2])
        elif mark.kind == "SetUserVar" and (known := self._vars.take(value)) is not None:
            name, text = known
            self._top.honest = self._top.honest or name.startswith("WEZTERM_")
            if name == "WEZTERM_PROG":
                self._top.texts[Rank.TEXT] = text

    def _moved(self, cwd: str | None, host: str | None) -> None:
        self._top.move(cwd, away=None if host is None else not self._is_ours(host))

    def _is_ours(self, host: str) -> bool:
        """Compare names of hosts, of which one may be short."""
        host, ours = host.lower().rstrip("."), self._host.lower().rstrip(".")
        if host in {"", "localhost", ours}:
            return True
        short = "." not in host or "." not in ours
        return short and host.partition(".")[0] == ours.partition(".")[0]
