"""Lines sent while a shell's command runs that may leave them to the shell, which may hide them.

Pure. A program that nobody can look into (set-user-id, or asleep in a poll of several things) may never
read what it was sent: then the shell finds the line in the terminal, reads it, and says with its marks
whether the user hides it. Up to then nothing of the line is kept: its event waits until the program has
taken it, and what is printed meanwhile waits, for a moment, since the kernel's echo of the line is in it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from recorder.capture import Capture
from recorder.echo import as_echoed
from recorder.keys import Scan

if TYPE_CHECKING:
    from recorder.capture import Item
    from recorder.model import Moment

HOLD_MS = 250  # after which output waits no longer: what nobody has taken is cut out of it
MOST = 256 << 10  # bytes of output, more than a pty holds: an echo that is not in them comes in no one piece


@dataclass(slots=True)
class Sent:
    """A line that was sent, shown behind ``prompt``; ``hold`` as ``Capture.submitted`` has it."""

    text: str
    prompt: str
    hold: bool
    taken: bool = False
    shown: bool = False  # what was printed has been given out as far as its echo

    @property
    def data(self) -> bytes:
        """Return its bytes as they were sent."""
        return self.text.encode(errors="surrogateescape")


class Given(NamedTuple):
    """Output that waits no longer, and how many bytes of it cannot be kept."""

    data: bytes
    lost: int


class Ahead:
    """The lines that nobody has taken yet, and the output that may hold their echo."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lines: list[Sent] = []
        self._output = bytearray()
        self._due_ms: int | None = None

    @property
    def waiting(self) -> bool:
        """Say whether there are lines that nobody has taken."""
        return bool(self._lines)

    @property
    def holding(self) -> bool:
        """Say whether output has to wait here."""
        return not all(line.shown for line in self._lines)

    def due_ms(self) -> int | None:
        """Return the offset (ms) at which output has waited long enough, or None."""
        return self._due_ms

    def sent(self, now: Moment, line: Sent) -> None:
        """Take a line."""
        self._lines.append(line)
        self._due_ms = now.offset_ms + HOLD_MS

    def printed(self, data: bytes) -> None:
        """Take output that has to wait."""
        self._output += data

    def taken(self, pending: int) -> list[Sent]:
        """Return what was taken since: all lines but the last ``pending`` bytes of them."""
        lines = [line for line in self._lines if not line.taken]
        rest = sum(len(line.data) + 1 for line in lines)
        found: list[Sent] = []
        for line in lines:
            rest -= len(line.data) + 1
            if rest < pending:
                break
            line.taken = True
            found.append(line)
        return found

    def ripe(self, now: Moment) -> bool:
        """Say whether output has waited long enough, and every echo is in it or will not come."""
        if all(line.taken for line in self._lines) or len(self._output) > MOST:
            return True
        if self._due_ms is not None and now.offset_ms < self._due_ms:
            return False
        self._due_ms = None
        return self._cut() is not None

    def give(self) -> Given:
        """Give out what has waited, without the echo of lines that nobody has taken.

        Where such an echo is not to be found, it may be there in pieces: nothing is given out.
        """
        data, lost = self._cut(), len(self._output)
        self._output.clear()
        self._due_ms = None
        for line in self._lines:
            line.shown = True
        self._lines = [line for line in self._lines if not line.taken]
        return Given(b"", lost) if data is None else Given(data, 0)

    def drop(self) -> list[Sent]:
        """Forget the lines, and return them: the shell has them now."""
        lines, self._lines = self._lines, []
        return lines

    def _cut(self) -> bytes | None:
        """Return what has waited without the echoes that may not be kept; None where one is not found."""
        output, out, at = bytes(self._output), bytearray(), 0
        for line in self._lines:
            if line.shown:
                continue
            echo = as_echoed(line.data)
            found = output.find(echo, at)
            found = found if found >= 0 else output.find(echo[:-2], at)
            if found >= 0:
                end = found + len(echo) - 2  # the newline stays: what follows begins a row
                out += output[at : end if line.taken else found]
                at = end
            elif not line.taken:
                return None
        return bytes(out + output[at:])


class AheadCapture(Capture):
    """Capture that keeps nothing of a line before it is known who reads it."""

    @functools.cached_property
    def _ahead(self) -> Ahead:
        return Ahead()

    @property
    def ahead(self) -> bool:
        """Say whether lines were sent of which it is not known who reads them: ``taken`` or ``let_go``."""
        return self._ahead.waiting

    def submitted(self, now: Moment, text: str, prompt: str, *, hold: bool = False) -> list[Item]:
        """Take a line that we are about to send; it waits where the shell may get it, and may hide it."""
        running = self._shells.running and not (self.paused or self._shells.hiding)
        if not (running and text.strip() and (hold or self.ahead or self._shells.may_hide(text))):
            return super().submitted(now, text, prompt, hold=hold)
        self._ahead.sent(now, Sent(text, prompt, hold))
        return []

    def taken(self, now: Moment, pending: int) -> list[Item]:
        """Take note that the program which runs has read all of our lines but ``pending`` bytes."""
        items: list[Item] = []
        for line in self._ahead.taken(pending):
            items += super().submitted(now, line.text, line.prompt, hold=line.hold)
        return items + self._ripe(now)

    def let_go(self, now: Moment) -> list[Item]:
        """Keep nothing of the lines that nobody has taken: the shell reads them, a hidden read, or nobody."""
        if not self.ahead:
            return []
        items = self._given(now)
        for line in self._ahead.drop():
            self._shells.typed(Scan(line.data + b"\r", 1, interrupted=False, hit=False, rest=b""))
        return items

    def _ripe(self, now: Moment) -> list[Item]:
        return self._given(now) if self.ahead and self._ahead.ripe(now) else []

    def _given(self, now: Moment) -> list[Item]:
        data, lost = self._ahead.give()
        items = super().output(now, data) if data else []
        return items + self.gap(now, lost) if lost else items

    # --- what else comes -----------------------------------------------------------------------

    def output(self, now: Moment, data: bytes) -> list[Item]:
        """Take what the tool printed; it waits where it may hold the echo of a line that may not be kept."""
        if not self._ahead.holding:
            return super().output(now, data)
        self._ahead.printed(data)
        return self._ripe(now)

    def _before_mark(self, now: Moment) -> list[Item]:
        return self.let_go(now) + super()._before_mark(now)

    def shell_gone(self, now: Moment, pid: int) -> list[Item]:
        """Take note that the process of a shell is gone: what it was started from goes on."""
        return self.let_go(now) + super().shell_gone(now, pid)

    def hidden(self, now: Moment, prompt: str) -> list[Item]:
        """Take note that a line was entered which the tool did not show."""
        return self.let_go(now) + super().hidden(now, prompt)

    def due_ms(self) -> int | None:
        """Return the offset (ms) at which ``tick`` has something to do, or None."""
        due = [super().due_ms(), self._ahead.due_ms()]
        return min((at for at in due if at is not None), default=None)

    def tick(self, now: Moment) -> list[Item]:
        """Do what time alone asks for."""
        return self._ripe(now) + super().tick(now)

    def pause(self, now: Moment) -> list[Item]:
        """Stop recording: what comes is neither text nor raw bytes until ``unpause``."""
        return self.let_go(now) + super().pause(now)

    def ended(self, now: Moment, *, status: int | None, signal: str | None, hangup: bool) -> list[Item]:
        """Close everything: the tool is gone, or we are."""
        return self.let_go(now) + super().ended(now, status=status, signal=signal, hangup=hangup)
