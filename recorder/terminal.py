"""The user's terminal: its descriptors, its modes, its size. The only writer to it.

Nothing here knows the tool or the recording. Calls return at once; "would block" is a value. The
descriptors that we inherited are shared with our parent, so they never get O_NONBLOCK: a terminal
is opened afresh, and what cannot be opened again is used in pieces that ``poll`` has promised to
take. ``rescue`` repairs what a recorder that was killed left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import stat
import termios
from typing import TYPE_CHECKING, Any, Self

from recorder import modefile
from recorder.basics import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.basics import Owner

Attributes = list[Any]  # what termios.tcgetattr returns: six numbers and a list of characters

DEFAULT_SIZE = Size(80, 24)
_PIPE_PIECE = 4096  # PIPE_BUF: what a blocking pipe takes after POLLOUT
_TTY_PIECE = 256  # the kernel wakes writers of a terminal when about this much has gone
_WHOLE = 1 << 30  # a file
_TIOCGDEV = 0x80045432  # the real device behind /dev/tty; Linux, no name in termios
_DEV_TTY = os.makedev(5, 0)
_FRESH = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC

# All mouse and focus reports, bracketed paste, application keys and keypad, kitty and xterm key reports
# off; wrapping, cursor and whole-screen scrolling on; no colours, no line-drawing characters.
_USUAL = (
    b"\x1b[?9;1000;1001;1002;1003;1004;1005;1006;1015;1016l\x1b[?2004l\x1b[?1l\x1b>\x1b[=0u\x1b[>4m"
    b"\x1b7\x1b[r\x1b8\x1b[?7h\x1b[?25h\x1b[0m\x0f\x1b(B"
)


def reset(alternate: int = 0) -> bytes:
    """Return what makes a screen usable again; ``alternate`` opened the alternate screen, 0 is unknown.

    1049l brings back the cursor of the primary screen. It is not for a terminal that may be there
    already: tmux keeps that cursor apart from the one that ESC 7 saves, and would go to an old place.
    """
    leave = b"\x1b7\x1b[?%dl" % alternate if alternate else b"\x1b7\x1b[?47l\x1b8"
    return leave + _USUAL


class TerminalGone(OSError):
    """Nothing can be written any more: a hangup, a pipe without reader, a full disk."""


class Terminal:
    """The user's terminal, or the pipes and files in its place.

    ``in_fd`` and ``out_fd`` are for ``poll`` (``epoll`` refuses files); both are the same descriptor
    when standard input and output are one terminal.
    """

    def __init__(self) -> None:
        """Look at descriptors 0 and 1; use ``open``."""
        self.stdin_tty = os.isatty(0)
        self.stdout_tty = os.isatty(1)
        self.interactive = self.stdin_tty and self.stdout_tty
        self._fresh: dict[int, int] = {}  # device -> descriptor that we opened
        self.in_fd: int | None = self._adopt(0)
        self.out_fd: int | None = self._adopt(1)
        # the descriptor that modes and size are asked of
        self._tty = self.in_fd if self.stdin_tty else self.out_fd if self.stdout_tty else None
        self.name = _name(0 if self.stdin_tty else 1) if self._tty is not None else None
        self._piece = _piece(1)
        self._own: Attributes | None = None  # the user's modes, while the terminal is raw
        self._note: str | None = None

    @classmethod
    def open(cls) -> Self:
        """Take the terminal behind descriptors 0 and 1; never fails, whatever they are."""
        return cls()

    # --- bytes ---

    def read(self, n: int = 65536) -> bytes | None:
        """Return what was typed; ``None``: nothing now; ``b""``: end of file or hangup (EIO too)."""
        if self.in_fd is None:
            return b""
        if self.in_fd not in self._fresh.values() and not _ready(self.in_fd, select.POLLIN):
            return None
        try:
            return os.read(self.in_fd, n)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def hung_up(self) -> bool:
        """Say whether an end of file was the terminal's end: without raw mode Ctrl-D gives one as well."""
        return self.stdin_tty and (self.in_fd is None or _ready(self.in_fd, select.POLLHUP))

    def write(self, data: bytes | memoryview) -> int:
        """Write what goes without blocking and return the bytes taken; 0 when there is no room.

        Raises TerminalGone when nobody will ever read it.
        """
        if self.out_fd is None:
            raise TerminalGone
        try:
            if self.out_fd in self._fresh.values():
                return os.write(self.out_fd, data)
            return self._write_guarded(self.out_fd, memoryview(data))
        except BlockingIOError:
            return 0
        except OSError as error:
            raise TerminalGone(error.errno, error.strerror) from error

    def size(self) -> Size:
        """Return the terminal's size; 80x24 where it is unknown or zero."""
        fd = self.out_fd if self.stdout_tty else self._tty
        if fd is None:
            return DEFAULT_SIZE
        try:
            rows, cols = termios.tcgetwinsize(fd)
        except termios.error:
            return DEFAULT_SIZE
        return Size(cols, rows) if cols and rows else DEFAULT_SIZE

    # --- modes ---

    def attributes(self) -> Attributes | None:
        """Return the user's own modes (also while the terminal is raw); ``None`` without terminal."""
        if self._own is not None:
            return self._own
        if self._tty is None:
            return None
        try:
            return termios.tcgetattr(self._tty)
        except termios.error:
            return None

    def raw(self) -> None:
        """Make the terminal raw: every byte comes as it is, none is echoed, type-ahead survives.

        The modes found now are the ones that ``restore`` brings back.
        """
        if self._tty is None or self._own is not None:
            return
        own = self.attributes()
        if own is not None:
            self._own = own  # before the change: a signal in between must find what to restore
            with contextlib.suppress(termios.error):
                _set(self._tty, make_raw(own))

    def restore(self) -> None:
        """Bring back the modes found by ``raw``; harmless at any time, any number of times.

        In the background (stopped from outside while raw) the shell has already set its own modes:
        ours would spoil them, and the attempt would stop us for good.
        """
        own = self._own
        if own is None or self._tty is None:
            return
        if not _background(self._tty):
            # SIGTTOU: the foreground may change between the question and the call
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
            try:
                with contextlib.suppress(termios.error):  # gone: nothing to restore
                    _set(self._tty, own)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self._own = None

    def remember(self, directory: str) -> None:
        """Note the user's modes in ``directory``, for ``rescue`` after we were killed."""
        attributes = self.attributes()
        if self._tty is not None and attributes is not None:
            with contextlib.suppress(OSError):  # a full or missing run-time directory stops nobody
                self._note = modefile.write(directory, _device(self._tty) or 0, attributes)

    def on_screen(self, alternate: int | None) -> None:
        """Note which mode number has opened the alternate screen, None for the primary one."""
        if self._note is not None:
            with contextlib.suppress(OSError):
                modefile.on_screen(self._note, alternate or 0)

    def forget(self) -> None:
        """Remove the note: the modes are back."""
        if self._note is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._note)
            self._note = None

    def close(self) -> None:
        """Restore the modes and close what ``open`` opened."""
        self.restore()
        self.forget()
        for fd in self._fresh.values():
            os.close(fd)
        self._fresh.clear()
        self.in_fd = self.out_fd = self._tty = None

    # --- inner ---

    def _adopt(self, fd: int) -> int | None:
        """Return the descriptor to use for ``fd``: a fresh one of the same terminal, else itself."""
        device = _device(fd)
        if device is None:
            return fd if _is_open(fd) else None
        if device not in self._fresh:
            fresh = _open_again(fd, device)
            if fresh is None:
                return fd
            self._fresh[device] = fresh
        return self._fresh[device]

    def _write_guarded(self, fd: int, data: memoryview) -> int:
        """Write to a blocking descriptor in pieces, each announced by ``poll``."""
        taken = 0
        while taken < len(data) and _ready(fd, select.POLLOUT):
            taken += os.write(fd, data[taken : taken + self._piece])
        return taken


def rescue(directory: str, alive: Callable[[Owner], bool]) -> bool:
    """Reset this terminal if a recorder was killed on it; say whether that was so.

    Looks for notes of dead owners about the terminal at descriptors 0-2 and removes them.
    """
    fd = next((fd for fd in (0, 1, 2) if os.isatty(fd)), None)
    device = None if fd is None else _device(fd)
    if fd is None or device is None or _background(fd):
        return False
    rescued = False
    for note, here in modefile.dead(directory, device, alive):
        with contextlib.suppress(OSError, termios.error):
            if here and not rescued:
                rescued = True
                if _unusual(termios.tcgetattr(fd)):  # else a shell or the user has repaired them
                    _set(fd, note.attributes)
                os.write(fd, reset(note.alternate))
        with contextlib.suppress(OSError):
            os.unlink(note.path)
    return rescued


def left_raw() -> bool:
    """Say whether the terminal at descriptors 0-2 is in modes that no shell would leave it in."""
    fd = next((fd for fd in (0, 1, 2) if os.isatty(fd)), None)
    if fd is None:
        return False
    with contextlib.suppress(termios.error):
        return _unusual(termios.tcgetattr(fd))
    return False


def make_usable() -> None:
    """Give the terminal at descriptors 0-2 the modes of a fresh one, where nobody noted its own."""
    fd = next((fd for fd in (0, 1, 2) if os.isatty(fd)), None)
    if fd is None or _background(fd):
        return
    with contextlib.suppress(termios.error):
        iflag, oflag, cflag, lflag, *rest = termios.tcgetattr(fd)
        local = termios.ICANON | termios.ECHO | termios.ECHOE | termios.ECHOK | termios.ISIG | termios.IEXTEN
        _set(
            fd,
            [
                iflag | termios.ICRNL | termios.IXON | termios.BRKINT,
                oflag | termios.OPOST | termios.ONLCR,
                cflag,
                lflag | local,
                *rest,
            ],
        )
        os.write(fd, reset())


def plug_std_fds() -> None:
    """Open ``/dev/null`` in place of closed descriptors 0-2, lest the store's file lands there."""
    for fd in (0, 1, 2):
        if not _is_open(fd):
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: fd


def make_raw(own: Attributes) -> Attributes:
    """Return ``own`` with everything off that the terminal does to bytes (cfmakeraw)."""
    iflag, oflag, cflag, lflag, ispeed, ospeed, chars = own
    breaks = termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP
    newlines = termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON
    local = termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN
    size = termios.CSIZE | termios.PARENB
    values = list(chars)
    values[termios.VMIN], values[termios.VTIME] = 1, 0
    return [
        *(iflag & ~(breaks | newlines), oflag & ~termios.OPOST, cflag & ~size | termios.CS8, lflag & ~local),
        *(ispeed, ospeed, values),
    ]


def _set(fd: int, attributes: Attributes) -> None:
    """Change modes at once: FLUSH would eat type-ahead, DRAIN hang where output is stopped."""
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _unusual(attributes: Attributes) -> bool:
    """Say whether no shell would leave a terminal so."""
    local = termios.ICANON | termios.ECHO | termios.ISIG
    return attributes[3] & local != local or not attributes[1] & termios.OPOST


def _background(fd: int) -> bool:
    """Say whether another process group has our controlling terminal (any change would stop us)."""
    try:
        return os.tcgetpgrp(fd) not in {0, os.getpgrp()}
    except OSError:  # not our controlling terminal: no job control applies
        return False


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _device(fd: int) -> int | None:
    """Return the number of the terminal device behind ``fd`` (behind ``/dev/tty`` too), else None."""
    if not os.isatty(fd):
        return None
    number = bytearray(4)
    try:
        fcntl.ioctl(fd, _TIOCGDEV, number)
    except OSError:
        device = os.fstat(fd).st_rdev
        return None if device == _DEV_TTY else device
    return int.from_bytes(number, "little")


def _open_again(fd: int, device: int) -> int | None:
    """Open the terminal at ``fd`` anew; None where that is not allowed or finds another device."""
    # /dev/tty: after `su` the terminal's own name still belongs to somebody else
    for path in (_name(fd), f"/proc/self/fd/{fd}", "/dev/tty"):
        with contextlib.suppress(OSError):
            if path is not None:
                fresh = os.open(path, _FRESH)
                if _device(fresh) == device:
                    return fresh
                os.close(fresh)
    return None


def _name(fd: int) -> str | None:
    """Return the terminal's path, also where it is not visible from inside a container."""
    with contextlib.suppress(OSError):
        return os.ttyname(fd)
    with contextlib.suppress(OSError):
        path = os.readlink(f"/proc/self/fd/{fd}")
        return path if path.startswith("/dev/") else None
    return None


def _piece(fd: int) -> int:
    """Return how many bytes a blocking descriptor takes, once ``poll`` says that it takes some."""
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return 0
    if stat.S_ISREG(mode):
        return _WHOLE
    return _PIPE_PIECE if stat.S_ISFIFO(mode) else _TTY_PIECE


def _ready(fd: int, events: int) -> bool:
    """Say whether a read or write would not block; an error or hangup is an answer too."""
    poll = select.poll()
    poll.register(fd, events)
    return bool(poll.poll(0))
