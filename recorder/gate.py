"""The read gate: does the tool wait for its terminal? Seen from ``/proc``, nobody is disturbed.

Asked of every thread of the terminal's foreground group: what system call does it sleep in, and on
which descriptor. A program that only polls its terminal waits for it as one in ``read`` does; one
that polls other things too may be waiting for them. What cannot be read (a set-user-id program,
another architecture, no ``/proc``) is unknown, and unknown is never busy: a line held back for a
tool that waits for it would hang for ever.
"""

from __future__ import annotations

import os
import struct
from enum import Enum, auto
from typing import NamedTuple

from recorder import identity, procfs

_MOST = 256  # processes that are looked at; a build with more of them is no prompt
_DEV_TTY = os.makedev(5, 0)
_POLL_IN = 0x43  # POLLIN, POLLPRI, POLLRDNORM
_STRANGE = 1024  # no call that we know has such a number: the x32 flavour of x86-64


class Reading(Enum):
    """What the foreground group does."""

    READING = auto()  # asleep until somebody types
    BUSY = auto()  # something else
    UNKNOWN = auto()  # cannot be known, or waits for other things as well


class Token(NamedTuple):
    """Who was to wake up, and how often each had run: ``(task, time slices)``.

    ``readers`` were waiting for the terminal alone; ``others`` could not be looked into.
    """

    readers: tuple[tuple[str, int], ...]
    others: tuple[tuple[str, int], ...]


class _Calls(NamedTuple):
    """The numbers of the calls that can wait for a terminal, on one architecture."""

    read: frozenset[int]  # read, readv, splice: the descriptor comes first
    select: frozenset[int]
    poll: frozenset[int]
    epoll: frozenset[int]
    opaque: frozenset[int]  # io_uring_enter; restart_syscall, which may be a poll after a stop


def _calls(*groups: tuple[int, ...]) -> _Calls:
    return _Calls(*(frozenset(group) for group in groups))


_TABLES = {
    "x86_64": _calls((0, 19, 275), (23, 270), (7, 271), (232, 281, 441), (219, 426)),
    "aarch64": _calls((63, 65, 76), (72,), (73,), (22, 441), (128, 426)),
}


class ReadGate:
    """Looks at the processes of one tool, each time anew."""

    def __init__(self, root_pid: int) -> None:
        """Watch the tree below ``root_pid``, the session leader on the tool's pty."""
        self._root = root_pid
        self._calls = _TABLES.get(os.uname().machine)
        self._device = 0

    def look(self, foreground_pgid: int | None) -> Reading:
        """Say what the foreground group does now (40-250 us, by the number of threads)."""
        answer = self._scan(foreground_pgid)[0]
        return Reading.BUSY if answer is Reading.UNKNOWN and self._over() else answer

    def token(self, foreground_pgid: int | None) -> Token:
        """Remember who waits now; to be taken just before a line is written."""
        _, readers, others = self._scan(foreground_pgid)
        return Token(_slices(readers), _slices(others))

    def consumed(self, token: Token) -> bool | None:
        """Say whether a line written after ``token`` has been taken; ``None``: cannot be known.

        Just after the write the reader still looks asleep, until it gets its next time slice. One
        that nobody can look into has taken nothing as long as it has not run.
        """
        if token.readers:
            return any(_ran(*each) for each in token.readers)
        if token.others and not any(_ran(*each) for each in token.others):
            return False
        return None

    def _scan(self, group: int | None) -> tuple[Reading, list[str], list[str]]:
        """Look at every thread of the group; return the answer, the readers, the unknown tasks."""
        readers: list[str] = []
        others: list[str] = []
        nothing = Reading.UNKNOWN, readers, others
        try:
            if group is None or self._calls is None or not self._tty_device():
                return nothing
            members, whole = self._members(group)
        except OSError:
            return nothing
        for pid in members:
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
            except OSError:
                whole = whole and not identity.exists(pid)
                continue
            for tid in tasks:
                task = f"{pid}/task/{tid}"
                reading = self._task(task, self._calls)
                if reading is Reading.READING:
                    readers.append(task)
                elif reading is Reading.UNKNOWN:
                    others.append(task)
        if readers:
            return Reading.READING, readers, others
        answer = Reading.UNKNOWN if others or not whole or not members else Reading.BUSY
        return answer, readers, others

    def _over(self) -> bool:
        """Say whether the tool is dead or dying: its terminal has no foreground any more."""
        try:
            return procfs.stat(self._root).over
        except OSError:
            return False

    def _tty_device(self) -> int:
        """Return the device number of the tool's terminal; 0 if it has none (yet)."""
        if not self._device:
            self._device = procfs.stat(self._root).tty
        return self._device

    def _members(self, group: int) -> tuple[list[int], bool]:
        """Find the living members of ``group`` below the root; the flag says that none is hidden.

        Job control holds nobody back who has left its session: a child of theirs that has no terminal of
        its own reads ours by the descriptors it was given.
        """
        found: list[int] = []
        started: set[int] = set()  # by members
        waiting = [self._root]
        for pid in waiting:
            if len(waiting) > _MOST:
                return found, False
            try:
                facts = procfs.stat(pid)
                children = [
                    int(child)
                    for tid in os.listdir(f"/proc/{pid}/task")
                    for child in procfs.read(f"/proc/{pid}/task/{tid}/children").split()
                ]
            except OSError:
                if identity.exists(pid):  # hidden from us (hidepid)
                    return found, False
                continue  # just gone
            if facts.group == group or (facts.tty == 0 and pid in started):
                started.update(children)
                if facts.state not in {b"Z", b"X"}:
                    found.append(pid)
            waiting += children
        return found, True

    def _task(self, task: str, calls: _Calls) -> Reading:
        """Say what one thread does."""
        try:
            fields = procfs.read(f"/proc/{task}/syscall").split()
            if len(fields) < 9:  # "running", or asleep outside any call
                return Reading.BUSY
            number = int(fields[0])
            if number in calls.opaque or number >= _STRANGE or int(fields[7], 16) >> 32 == 0:
                return Reading.UNKNOWN  # the last: the stack of a 32-bit program, whose calls differ
            answer = self._waiting(task, *_descriptors(task, calls, number, fields[1:5]))
            if answer is Reading.READING and procfs.stat(task).state != b"S":  # stopped in its read
                return Reading.BUSY
        except (OSError, ValueError, struct.error, OverflowError):
            gone = not identity.exists(int(task.rpartition("/")[2]))
            return Reading.BUSY if gone else Reading.UNKNOWN
        return answer

    def _waiting(self, task: str, wanted: set[int], others: set[int]) -> Reading:
        """Say what it means to wait for input on ``wanted``, and for something else on ``others``."""
        ttys = {fd for fd in wanted | others if self._is_tty(task, fd)}
        if not wanted & ttys:
            return Reading.BUSY
        return Reading.READING if wanted | others == ttys else Reading.UNKNOWN

    def _is_tty(self, task: str, fd: int) -> bool:
        return procfs.device(f"/proc/{task}/fd/{fd}") in {self._device, _DEV_TTY}


def _descriptors(task: str, calls: _Calls, number: int, words: list[bytes]) -> tuple[set[int], set[int]]:
    """Return what a call waits for: descriptors to read from, and those it watches otherwise."""
    first, second, third, fourth = (int(word, 16) for word in words)
    if number in calls.read:
        return {first}, set()
    if number in calls.select:
        others = _selected(task, first, third) | _selected(task, first, fourth)
        return _selected(task, first, second), others
    if number in calls.poll:
        data = procfs.memory(task, first, second * 8) if second else b""
        entries = [(fd, events) for fd, events, _ in struct.iter_unpack("=iHH", data) if fd >= 0]
    elif number in calls.epoll:
        lines = (line.split() for line in procfs.read(f"/proc/{task}/fdinfo/{first}").splitlines())
        entries = [(int(line[1]), int(line[3], 16)) for line in lines if line[:1] == [b"tfd:"]]
    else:
        return set(), set()
    wanted = {fd for fd, events in entries if events & _POLL_IN}
    return wanted, {fd for fd, _ in entries} - wanted


def _selected(task: str, count: int, address: int) -> set[int]:
    """Return the descriptors in one of the sets of ``select``; null pointers are empty."""
    if not address:
        return set()
    bits = int.from_bytes(procfs.memory(task, address, (count + 7) // 8), "little")
    return {fd for fd in range(count) if bits >> fd & 1}


def _slices(tasks: list[str]) -> tuple[tuple[str, int], ...]:
    """Note how often each thread has run; one whose kernel does not count is left out."""
    noted = ((task, _slice(task)) for task in tasks)
    return tuple((task, count) for task, count in noted if count > 0)


def _slice(task: str) -> int:
    """Return how many time slices a thread has had; -1 if it is gone, 0 if nobody counts."""
    try:
        return int(procfs.read(f"/proc/{task}/schedstat").split()[2])
    except (OSError, IndexError):
        return -1


def _ran(task: str, slices: int) -> bool:
    return _slice(task) != slices
