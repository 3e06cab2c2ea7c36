"""Signals as readable bytes: a context in which every signal we care about wakes a poll loop.

Engine. Python's own handlers do nothing here; the C handler writes the number into a pipe, so no
signal is lost between two looks, and none raises in the middle of something.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType

TAKEN = (
    signal.SIGWINCH,
    signal.SIGCHLD,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGCONT,
    # Harmless to a recorder, deadly by default: a session must not die of them with a raw terminal.
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGTTOU,
)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Let the wake-up descriptor speak."""


class Signals:
    """Take the signals of this process for as long as the context lasts."""

    def __init__(self) -> None:
        """Make the pipe; nothing is taken yet."""
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._before: dict[int, Any] = {}
        self._wakeup = -1

    def __enter__(self) -> Self:
        """Take the signals."""
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in TAKEN:
            self._before[number] = signal.signal(number, _ignore)
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back as they were."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self.fd)
        os.close(self._write)

    def taken(self) -> list[int]:
        """Return the signals since the last call, each kind once, in order of arrival."""
        numbers = b""
        with contextlib.suppress(BlockingIOError):
            numbers = os.read(self.fd, 4096)
        return list(dict.fromkeys(numbers))
