"""Our end of a pty with a program on the other: start, read, type, wait for an answer, end.

Knows nothing of recorders and decides nothing about measuring; it is what a terminal emulator is to
the programs measured, and as quick as Python can be one.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLS, ROWS = 120, 40
READ_SIZE = 16384  # a pty gives at most 4 KiB at a time; larger buffers only cost their allocation
PATIENCE_S = 30.0  # how long anything may take before the run gives up on a program


class TooSlow(Exception):
    """A program did not answer within ``PATIENCE_S``."""


class Ending(NamedTuple):
    """How a program ended: wait status, and CPU seconds of it and its children."""

    status: int
    cpu_s: float


class Terminal:
    """One program on a pty of ours; a context manager that leaves no process behind."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Start ``argv`` as leader of a new session whose controlling terminal is the pty."""
        self._master, slave = os.openpty()
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
            # Opening the name, not inheriting the descriptor, makes it the controlling terminal.
            actions = [
                (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
            ]
            self.started = time.perf_counter()
            self.pid = os.posix_spawnp(argv[0], list(argv), env, file_actions=actions, setsid=True)
        except OSError:
            os.close(self._master)
            raise
        finally:
            os.close(slave)
        self._ending: Ending | None = None
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)

    def __enter__(self) -> Self:
        """Return the terminal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the program if it still runs."""
        self.close()

    def fileno(self) -> int:
        """Return the descriptor of our end, for waiting."""
        return self._master

    def write(self, data: bytes) -> None:
        """Type ``data``."""
        os.write(self._master, data)

    def read(self, timeout_s: float = PATIENCE_S) -> bytes:
        """Return what there is, waiting at most ``timeout_s``; empty at the end. Raises TooSlow."""
        if not self._poll.poll(timeout_s * 1000):
            raise TooSlow
        try:
            return os.read(self._master, READ_SIZE)
        except OSError:  # EIO: the last descriptor of the other end is closed
            return b""

    def wait_for(self, marker: bytes) -> bytes:
        """Read until ``marker`` was seen; return all that came. Raises TooSlow; EOFError at the end."""
        seen = b""
        while marker not in seen:
            data = self.read()
            if not data:
                raise EOFError(seen)
            seen += data
        return seen

    def quiet(self, pause_s: float) -> bytes:
        """Read until nothing came for ``pause_s``; return all that came."""
        seen = b""
        while True:
            try:
                data = self.read(pause_s)
            except TooSlow:
                return seen
            if not data:
                return seen
            seen += data

    def drain(self) -> int:
        """Read to the end as fast as possible; return the number of bytes."""
        total = 0
        master = self._master
        try:
            while data := os.read(master, READ_SIZE):
                total += len(data)
        except OSError:
            pass
        return total

    def wait(self) -> Ending:
        """Wait for the program's end and return how it ended; asks nothing of it."""
        if self._ending is None:
            _, status, usage = os.wait4(self.pid, 0)
            self._ending = Ending(status, usage.ru_utime + usage.ru_stime)
        return self._ending

    def finish(self, farewell: bytes) -> None:
        """Type the word that ends the tool and read to the end, for at most ``PATIENCE_S``."""
        self.write(farewell)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.read(max(0.0, deadline - time.monotonic())):
            pass

    def close(self) -> None:
        """Hang up, and kill what does not go within two seconds."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        if self._ending is not None:
            return
        handle = os.pidfd_open(self.pid)
        try:
            gone = select.poll()
            gone.register(handle, select.POLLIN)
            if not gone.poll(2000):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)
        self.wait()
