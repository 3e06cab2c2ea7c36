"""The parts of one recording and the plain ways between them, which the loop and the keyboard share.

Engine. Nothing here waits and nothing decides: bytes to the screen, bytes to the tool, items to the
writer. What the loop does with them is in ``relay``.
"""

from __future__ import annotations

import select
import signal
from typing import TYPE_CHECKING

from recorder import identity
from recorder.outlet import Outlet
from recorder.promptline import PromptLine
from recorder.settle import Settle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorder.ahead import AheadCapture
    from recorder.capture import Item
    from recorder.child import Child
    from recorder.clock import Clock
    from recorder.model import Moment, Switch
    from recorder.terminal import Terminal
    from recorder.writer import Writer


class Wiring:
    """Terminal, tool, capture and writer of one recording, connected."""

    def __init__(
        self, terminal: Terminal, child: Child, capture: AheadCapture, writer: Writer, clock: Clock
    ) -> None:
        """Connect the parts; nothing runs yet."""
        self.terminal = terminal
        self.child = child
        self.capture = capture
        self.writer = writer
        self.clock = clock
        self.output_over = False  # the tool's terminal gave its end of file
        self.outward = Outlet(terminal.write)
        self.inward = Outlet(child.write)
        self.quiet = Settle()
        self.row = PromptLine(self.screen, self.columns)
        self._turn: int | None = None
        self._ticket = 0
        self._alternate: int | None = None

    def now(self) -> Moment:
        """Read both clocks."""
        return self.clock.now()

    def columns(self) -> int:
        """Return the terminal's width."""
        return self.terminal.size().cols

    def screen(self, data: bytes) -> None:
        """Write to the user's terminal; what it does not take now waits."""
        if not self.outward.put(data):
            self.hang_up(signal.SIGHUP)

    def undo(self) -> bool:
        """Take back the terminal modes that the tool has left on; say whether there were any."""
        left = self.capture.ledger.leave()
        self.screen(left)
        self.row.printed(left)
        return bool(left)

    def end_line(self) -> None:
        """Go to a new line if the tool has left one unfinished: something is to be said."""
        if self.terminal.stdout_tty and self.row.line:
            self.screen(b"\r\n")

    def send(self, data: bytes) -> None:
        """Write to the tool; what its terminal does not take now waits."""
        self.inward.put(data)

    def flush(self) -> None:
        """Write what waits, as far as it goes."""
        self.inward.flush()
        if not self.outward.flush():
            self.hang_up(signal.SIGHUP)

    def hang_up(self, number: int) -> None:
        """Begin the end: the user's terminal is gone. The loop knows how."""
        raise NotImplementedError

    def record(self, items: Iterable[Item | Switch]) -> int:
        """Hand items to the writer, and the new state with them when it changed."""
        items = list(items)
        if self.capture.ledger.alternate != self._alternate:
            self._alternate = self.capture.ledger.alternate
            self.terminal.on_screen(self._alternate)  # for who comes after us, should we be killed
        if not items and not self.capture.wanted:
            return self._ticket  # nothing to tell the writer's thread: waking it would cost a key its time
        ticket = self._ticket = self.writer.put(*items)
        if self.capture.running != self._turn or self.capture.wanted:
            self._turn, self.capture.wanted = self.capture.running, False
            self.writer.activity(self.capture.activity())
        return ticket

    def note_gone(self, now: Moment) -> None:
        """Take note of a recorder, or of a shell with our hooks, that is inside the tool no longer."""
        nested = self.capture.nested
        if nested is not None and not identity.exists(nested):
            self.record(self.capture.nested_over(now))
        while (shell := self.capture.shell) is not None and not identity.exists(shell):
            self.record(self.capture.shell_gone(now, shell))

    def durable(self, ticket: int) -> bool:
        """Say whether what the ticket stands for is in the store."""
        return self.writer.durable(ticket)

    def output_waits(self) -> bool:
        """Say whether the tool has printed something that was not read yet."""
        if self.child.fd < 0 or self.output_over:
            return False
        probe = select.poll()
        probe.register(self.child.fd, select.POLLIN)
        return bool(probe.poll(0))

    def settle(self) -> None:
        """Look again soon whether the tool waits."""
        self.quiet.printed(self.now().offset_ms)
