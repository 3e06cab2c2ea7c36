"""How a recording comes to its end: asked politely, waited for, insisted on, drained.

Engine. A tool that is asked to go gets what a closing terminal gives it (SIGHUP, SIGCONT; SIGTERM
alone means nothing to an interactive shell), a second to go, and SIGKILL after that. A tool that
is gone has its last output drained, also when a background job still holds its terminal.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.child import Exited, Stopped
from recorder.model import EndReason

if TYPE_CHECKING:
    from recorder.child import Child

GRACE_MS = 1_000  # between hangup and SIGKILL
DRAIN_MS = 1_000  # for output that a background job goes on printing after the tool's end
QUIET_END_MS = 20  # of silence after the tool's end, while somebody else holds its terminal

_OURS = frozenset({signal.SIGHUP, signal.SIGKILL})  # what a tool that is asked to go may die of


@dataclass(frozen=True, slots=True)
class Ending:
    """How the tool ended; ``signal`` is the name of the one that ended it, or us."""

    status: int
    reason: EndReason
    signal: str | None


class Leaving:
    """The way of one tool to its end."""

    def __init__(self, child: Child) -> None:
        """Nothing has ended."""
        self._child = child
        self.exited: Exited | None = None
        self.hangup = False
        self._signal: int | None = None
        self._quit = False  # because of /quit
        self._until: int | None = None  # offset (ms) at which patience ends
        self._killed = False
        self._company = False  # other processes held the terminal when the tool had ended

    @property
    def under_way(self) -> bool:
        """Say whether the tool was asked to go, or is gone."""
        return self._until is not None

    def due_ms(self) -> int | None:
        """Return the offset (ms) at which patience ends, or None."""
        return None if self._killed and self.exited is None else self._until

    def ask(self, now_ms: int, number: int | None, *, hangup: bool) -> bool:
        """Ask the tool to go because of signal ``number`` (None: /quit); False if that was done before."""
        self.hangup = self.hangup or hangup
        if self.under_way:
            return False
        self._signal = number
        self._quit = number is None
        self._until = now_ms + GRACE_MS
        self._child.signal(signal.SIGHUP)
        self._child.signal(signal.SIGCONT)
        return True

    def look(self, now_ms: int) -> Exited | Stopped | None:
        """Look what became of the tool since the last call; kill it when patience has ended."""
        if self.exited is not None:
            return None
        state = self._child.reap()
        if isinstance(state, Exited):
            self.exited = state
            self._until = now_ms + DRAIN_MS
            self._company = bool(self._child.survivors())
        elif state is None and self._until is not None and now_ms >= self._until and not self._killed:
            self._killed = True
            self._child.kill_all()
        return state

    def drained(self, now_ms: int, quiet_ms: int, *, over: bool, unwritten: bool) -> bool:
        """Say whether the last output is out: the pty ended, or is silent, or patience did.

        ``over``: the pty gave its end of file, which it does while others of the tool's session live:
        they get a moment to go. ``unwritten``: the screen has not taken all yet.
        """
        if self.exited is None:
            return False
        if self._until is not None and now_ms >= self._until:
            return True
        return not unwritten and ((over and not self._company) or quiet_ms >= QUIET_END_MS)

    def cut(self) -> bool:
        """Say whether a job outlived the tool on its terminal: what it prints later is lost."""
        return self._company and bool(self._child.survivors())

    def ending(self) -> Ending:
        """Return how it ended, for the user's shell and for the store."""
        exited = self.exited or Exited(1, None)
        number = self._signal if self._signal is not None else exited.signal
        if self._quit and number in _OURS:
            number = None  # no accident: this is how the user wanted it
        status = exited.status if self._signal is None else 128 + self._signal
        reason = EndReason.HANGUP if self.hangup else EndReason.SIGNAL if number else EndReason.EXIT
        return Ending(status, reason, _name(number))


def _name(number: int | None) -> str | None:
    if number is None:
        return None
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
