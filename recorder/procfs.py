"""What the kernel says about processes, read from ``/proc``; nothing here keeps state.

The one reader of ``/proc/PID``. Absence and refusal stay ``OSError`` for those who must tell them
apart; whoever asks a yes/no question gets an answer that is safe where there is no ``/proc``.
"""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

_ENOUGH = 4096  # every file read here is one short line; `children` of a busy shell is the longest
_EXITING = 0x4  # PF_EXITING, a flag of the kernel's


class Stat(NamedTuple):
    """The fields of ``/proc/PID/stat`` that we use.

    ``tty`` is the controlling terminal's device number, as ``st_rdev`` has it; 0 is none. ``start``
    counts clock ticks since boot. ``over``: it is dead, or inside its exit, with all its threads (one
    whose first thread has ended shows as a zombie and lives).
    """

    state: bytes
    parent: int
    group: int
    session: int
    tty: int
    start: int
    over: bool


def read(path: str) -> bytes:
    """Return a small file's bytes (about 5 us; a Python file object takes three times that)."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, _ENOUGH)
        while len(data) % _ENOUGH == 0 and (more := os.read(fd, _ENOUGH)):
            data += more
        return data
    finally:
        os.close(fd)


def device(path: str) -> int:
    """Return the number of the device that a descriptor's link leads to; 0 for anything else."""
    return os.stat(path).st_rdev


def memory(where: int | str, address: int, length: int) -> bytes:
    """Return a piece of a process's memory; raise OSError if we may not look or it is not there."""
    fd = os.open(f"/proc/{where}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(fd, length, address)
    finally:
        os.close(fd)


def stat(where: int | str) -> Stat:
    """Return the parsed stat line of a pid, or of ``PID/task/TID``; raise OSError if it is gone."""
    # the name in parentheses may itself hold parentheses and blanks
    fields = read(f"/proc/{where}/stat").rpartition(b")")[2].split()
    number = int(fields[4])  # the kernel's own packing: minor 31-20 and 7-0, major 19-8
    tty = os.makedev(number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00)
    ended = fields[0] in {b"Z", b"X"} or bool(int(fields[6]) & _EXITING)
    over = ended and int(fields[17]) <= 1
    return Stat(fields[0], int(fields[1]), int(fields[2]), int(fields[3]), tty, int(fields[19]), over)


def session_members(session: int) -> list[int]:
    """List the living processes of a session."""
    members = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                facts = stat(name)
            except OSError:
                continue
            if facts.session == session and not facts.over:
                members.append(int(name))
    return members


def descriptors(pid: int) -> list[str]:
    """List what a process has open, as the kernel names it; raise OSError if we may not look."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found


def start_time(pid: int) -> int:
    """Return when ``pid`` started (clock ticks since boot); 0 if there is no such process."""
    try:
        return stat(pid).start
    except OSError:
        return 0


def boot_id() -> str:
    """Return the kernel's id of this boot, or ``""``."""
    try:
        return read("/proc/sys/kernel/random/boot_id").decode("ascii").strip()
    except OSError:
        return ""
