"""The recorded tool and its pseudo-terminal: start, bytes both ways, size, signals, reaping, hangup.

The only module that touches the pty. It knows nothing of recording, the user's terminal or the
loop: every call returns at once, and "would block" is a value (``None`` or 0), never an exception.
Finding and becoming the program is in ``launch``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import termios
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from recorder import launch, procfs
from recorder.errors import RecError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recorder.basics import Size

Attributes = list[Any]  # what termios.tcgetattr returns: six numbers and a list of characters

_LFLAG, _CC = 3, 6  # indices into Attributes
_LFLAG_AT = slice(12, 16)  # in struct termios
_IUTF8 = 0o40000  # termios has no name for it before Python 3.13
_DISABLED = b"\0"  # _POSIX_VDISABLE: this control character is switched off
_REAPED_ELSEWHERE = 255  # what we say when somebody else took the exit status
_KILL_PASSES = 5  # a process may fork while we walk /proc


class Tty(NamedTuple):
    """The tool's own terminal settings; a control character that is switched off is ``b""``."""

    canonical: bool
    echo: bool
    isig: bool
    eof: bytes
    intr: bytes
    susp: bytes
    quit: bytes


class Exited(NamedTuple):
    """The tool is gone: ``status`` 0-255 (128+n after signal n) and the signal that ended it."""

    status: int
    signal: int | None


class Stopped(NamedTuple):
    """The tool was stopped by a signal."""

    signal: int


# A pty that can no longer be asked (closed) reads as hidden input: nothing may be recorded from it.
_GONE = Tty(canonical=True, echo=False, isig=False, eof=b"", intr=b"", susp=b"", quit=b"")


class Child:
    """One running tool on its own pty.

    We keep the slave open until the tool is reaped. So the master gives no EOF while the tool merely
    closed its descriptors (``POLLHUP`` would make a poll loop spin), ``pending`` can be asked, and
    the tool's end is known by its process, as it must be: EOF alone is no proof.
    """

    def __init__(self, pid: int, master: int, slave: int) -> None:
        """Take over the process and both ends of its pty; use ``start``."""
        self.pid = pid
        self.fd = master
        self._slave = slave
        self._name = _name(slave)
        self.pidfd: int | None = None
        self._exited: Exited | None = None
        self._flags = bytearray(64)  # struct termios has 36 bytes, 60 on other architectures
        with contextlib.suppress(OSError):  # old kernels and seccomp filters: SIGCHLD has to do
            self.pidfd = os.pidfd_open(pid)

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        *,
        size: Size,
        env: Mapping[str, str],
        attributes: Attributes | None,
        cwd: str | None = None,
        tty_variable: str | None = None,
        program: str | None = None,
    ) -> Self:
        """Start ``argv`` on a new pty of ``size`` as session leader in the foreground.

        ``attributes`` are the user's terminal's own modes, taken before it was made raw; ``None``
        gives the kernel's defaults and UTF-8 erase. ``tty_variable`` is an environment variable that
        tells the tool its terminal's path; ``program`` is as in ``launch.plan``. Raises ToolNotFound,
        ToolNotExecutable, and RecError where there is no pty to be had; nothing is left behind then.
        """
        plan = launch.plan(argv, env, cwd, program)
        try:
            master, slave = os.openpty()
        except OSError as error:
            cause = os.strerror(error.errno or 0).lower()
            raise RecError(f"could not open a pseudo-terminal: {cause}") from error
        try:
            _dress(slave, attributes)
            termios.tcsetwinsize(slave, (size.rows, size.cols))
            if tty_variable is not None:
                with contextlib.suppress(OSError):  # a /dev/pts that is not the pty's own
                    plan.env[os.fsencode(tty_variable)] = os.fsencode(os.ttyname(slave))
            os.set_blocking(master, False)
            if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
                # inherited from our parent; the kernel would throw the tool's status away
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            pid = launch.spawn(plan, slave)
        except BaseException:
            os.close(master)
            os.close(slave)
            raise
        return cls(pid, master, slave)

    def read(self, n: int = 65536) -> bytes | None:
        """Return what the tool wrote; ``None`` if there is nothing now, ``b""`` at the end (EIO)."""
        try:
            return os.read(self.fd, n)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def write(self, data: bytes | memoryview) -> int:
        """Give ``data`` to the tool and return the bytes taken; 0 when its queue is full.

        Input for a tool that is gone counts as taken, so that nobody keeps it for later.
        """
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def tty(self) -> Tty:
        """Read the tool's terminal settings from the kernel (about 1 us; nothing is cached)."""
        try:
            attributes = termios.tcgetattr(self.fd)
        except (termios.error, ValueError):
            return _GONE
        flags, chars = attributes[_LFLAG], attributes[_CC]

        def char(index: int) -> bytes:
            value = chars[index]
            return b"" if value == _DISABLED or not isinstance(value, bytes) else value

        return Tty(
            canonical=bool(flags & termios.ICANON),
            echo=bool(flags & termios.ECHO),
            isig=bool(flags & termios.ISIG),
            eof=char(termios.VEOF),
            intr=char(termios.VINTR),
            susp=char(termios.VSUSP),
            quit=char(termios.VQUIT),
        )

    def canonical(self) -> bool:
        """Say whether the kernel edits the tool's line; as ``tty``, but quick enough for every key."""
        try:
            fcntl.ioctl(self.fd, termios.TCGETS, self._flags)
        except (OSError, ValueError):
            return True
        return bool(int.from_bytes(self._flags[_LFLAG_AT], sys.byteorder) & termios.ICANON)

    def pending(self) -> int | None:
        """Count the input bytes that wait for the tool (whole lines only, in canonical mode).

        Bytes of the last microseconds may not be counted yet: the kernel moves them to the reader
        in a work queue. ``None``: cannot be known.
        """
        count = bytearray(4)
        try:
            fcntl.ioctl(self._slave, termios.FIONREAD, count)
        except (OSError, ValueError):
            return None
        return int.from_bytes(count, "little")

    def resize(self, size: Size) -> None:
        """Set the pty's size; the kernel sends SIGWINCH to the foreground group if it changed."""
        with contextlib.suppress(termios.error, ValueError):
            termios.tcsetwinsize(self.fd, (size.rows, size.cols))

    def foreground(self) -> int | None:
        """Return the process group that owns the pty now, or ``None`` when there is none."""
        try:
            return os.tcgetpgrp(self.fd) or None
        except OSError:
            return None

    def signal(self, number: int) -> None:
        """Send a signal to the foreground group and to the tool's own group, to each once."""
        for group in {self.foreground(), self.pid} - {None}:
            # gone already, or a set-user-id program that we may not signal
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group or self.pid, number)

    def hangup(self) -> None:
        """Take the terminal away: SIGHUP and SIGCONT to both groups, then close the master."""
        self.signal(signal.SIGHUP)
        self.signal(signal.SIGCONT)
        self._close_pty()

    def reap(self) -> Exited | Stopped | None:
        """Ask what became of the tool, without waiting; ``Exited`` is repeated for ever.

        To be called whenever SIGCHLD or the pidfd says so: a stop, a continue and an exit may have
        merged into one signal. Only our own process is waited for.
        """
        if self._exited is not None:
            return self._exited
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return self._finish(Exited(_REAPED_ELSEWHERE, None))
        if pid == 0:
            return None
        if os.WIFSTOPPED(status):
            return Stopped(os.WSTOPSIG(status))
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            return self._finish(Exited(128 + number, number))
        return self._finish(Exited(os.WEXITSTATUS(status), None))

    def survivors(self) -> list[int]:
        """List the processes of the tool's session that live and still hold its terminal.

        The kernel has hung that terminal up when the tool is gone: what they print is lost, and the
        master's end of file says nothing about them.
        """
        return [pid for pid in procfs.session_members(self.pid) if self._holds_terminal(pid)]

    def _holds_terminal(self, pid: int) -> bool:
        try:
            return any(link.partition(" ")[0] == self._name for link in procfs.descriptors(pid))
        except FileNotFoundError:
            return False  # it ended meanwhile
        except OSError:
            return True  # another user's: it may

    def kill_all(self) -> None:
        """Send SIGKILL to every process of the tool's session, also those in other groups."""
        for _ in range(_KILL_PASSES):
            members = procfs.session_members(self.pid)
            for pid in members:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if not members:
                return

    def close(self) -> None:
        """Close every descriptor; the tool, if it lives, gets a hangup from the kernel."""
        self._close_pty()
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None

    def _finish(self, exited: Exited) -> Exited:
        self._exited = exited
        self._close_slave()  # from now on the master ends with EIO once the last holder is gone
        return exited

    def _close_pty(self) -> None:
        self._close_slave()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _close_slave(self) -> None:
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1


def _name(slave: int) -> str:
    """Return what ``/proc`` shows where a process has this terminal open."""
    try:
        return os.readlink(f"/proc/self/fd/{slave}")
    except OSError:
        return ""


def _dress(slave: int, attributes: Attributes | None) -> None:
    """Give the new pty the user's modes, or the kernel's defaults with UTF-8 erase."""
    if attributes is None:
        iflag, *others = termios.tcgetattr(slave)
        attributes = [iflag | _IUTF8, *others]
    with contextlib.suppress(termios.error):  # modes of a serial line that a pty refuses
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
