"""See what the tool does with its terminal: its mode, whether it reads, whether it took our line.

Engine. Nothing is cached: each question is answered by the kernel at the moment it is asked, since
a key is to be routed by what holds when it arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder import identity
from recorder.dialog import SETTLE_MS, Reads
from recorder.gate import Reading
from recorder.modes import Mode, mode_of

if TYPE_CHECKING:
    from recorder.child import Child, Tty
    from recorder.gate import ReadGate, Token
    from recorder.wires import Wires

_READS = {Reading.READING: Reads.YES, Reading.BUSY: Reads.NO, Reading.UNKNOWN: Reads.UNKNOWN}


class Sense:
    """The eyes of the keyboard."""

    def __init__(self, child: Child, gate: ReadGate, wires: Wires, override: str) -> None:
        """Look at ``child``; ``override`` is the mode the user asked for, or ``auto``."""
        self._child = child
        self._gate = gate
        self._wires = wires
        self._override = override
        self._sent: Token | None = None  # acknowledgement token of the last line
        self._sent_ms = 0  # when it was sent
        self._quiet_since = 0

    @property
    def quiet_ms(self) -> int:
        """Return how long (ms) the tool has been silent, counted from our last line at most."""
        return self._wires.now().offset_ms - self._quiet_since

    def heard(self) -> None:
        """Take note that there was output, or that something was sent."""
        self._quiet_since = self._wires.now().offset_ms

    def tty(self) -> Tty:
        """Read the tool's terminal settings."""
        return self._child.tty()

    def raw(self) -> bool:
        """Say whether the tool edits its own line; quicker than ``mode``, asked for each key."""
        return self._override != "line" and not self._child.canonical()

    def mode(self, tty: Tty) -> Mode:
        """Return the mode for these settings."""
        return mode_of(canonical=tty.canonical, echo=tty.echo, override=self._override)

    def reads(self) -> Reads:
        """Say whether the tool waits for input; what it printed before it began to read comes first."""
        reads = _READS[self._gate.look(self._child.foreground())]
        return Reads.NO if self._wires.output_waits() else reads

    def in_foreground(self) -> bool:
        """Say whether the tool itself has its terminal, not a job of its own."""
        return self._child.foreground() == self._child.pid

    def holds_terminal(self, pid: int) -> bool:
        """Say whether a process below the tool has its terminal: not stopped, not in the background."""
        return identity.group(pid) == self._child.foreground()

    def expect_answer(self) -> None:
        """Remember who is to take what is sent next."""
        self._sent = self._gate.token(self._child.foreground())
        self.heard()
        self._sent_ms = self._quiet_since
        self._wires.settle()

    def pending(self) -> int | None:
        """Count the bytes of our lines that nobody has read; None: cannot be known yet.

        The shell says that it is back before it reads: what it may have said is looked at first.
        """
        if self.acknowledged():
            pending: int | None = 0
        elif self._wires.now().offset_ms - self._sent_ms < SETTLE_MS:
            return None
        else:
            pending = self._child.pending()
        return None if self._wires.output_waits() else pending

    def acknowledged(self) -> bool | None:
        """Say whether the tool has consumed the line that we sent last; None: nobody can tell."""
        if self._sent is None:
            return True
        consumed = self._gate.consumed(self._sent)
        if consumed is False:
            return False
        pending = self._child.pending()
        if pending:
            return False
        # Nothing pending may also mean that the kernel has not handed the line over yet. What counts is
        # the time since then: a tool that prints without a pause is never quiet.
        if consumed is None and (pending is None or self._wires.now().offset_ms - self._sent_ms < SETTLE_MS):
            return None
        self._sent = None
        return True
