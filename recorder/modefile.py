"""The note about a terminal's modes that outlives a recorder which was killed.

One small text file per recorder in the run-time directory, named by the terminal's device number and
the recorder's pid. Files only: the terminal itself is touched by ``terminal``.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from recorder import identity, procfs
from recorder.basics import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Attributes = list[Any]  # what termios.tcgetattr returns: six numbers and a list of characters

_MAGIC = "rec-terminal-1"


class Note(NamedTuple):
    """What a recorder left: where, who, in which terminal session, and the modes it had found.

    ``session`` is the pid and start time of the terminal's session leader. Device numbers are reused
    at once for the next window; a session leader is not.
    """

    path: str
    owner: Owner
    session: tuple[int, int]
    attributes: Attributes


def write(directory: str, device: int, attributes: Attributes) -> str:
    """Write the note of this process and return its path; raise OSError if that cannot be done."""
    owner = identity.owner()
    *flags, chars = attributes
    leader, since = _session()
    text = "\n".join(
        (
            _MAGIC,
            f"{owner.pid} {owner.start_time} {leader} {since}",
            owner.boot_id,
            " ".join(map(str, flags)),
            b"".join(_byte(char) for char in chars).hex(),
        )
    )
    path = f"{directory}/tty-{device:x}-{owner.pid}"
    fresh = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
    os.replace(fresh, path)
    return path


def dead(directory: str, device: int, alive: Callable[[Owner], bool]) -> Iterator[tuple[Note, bool]]:
    """Yield the notes about ``device`` whose recorders are gone, and whether this session was theirs.

    Notes that cannot be read are removed: they help nobody.
    """
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    here = (_session(), procfs.boot_id())
    for name in names:
        if not name.startswith(f"tty-{device:x}-"):
            continue
        path = f"{directory}/{name}"
        try:
            note = _parse(path)
        except (OSError, ValueError, IndexError):
            with contextlib.suppress(OSError):
                os.unlink(path)
            continue
        if not alive(note.owner):
            yield note, (note.session, note.owner.boot_id) == here


def _parse(path: str) -> Note:
    magic, numbers, boot, flags, chars = procfs.read(path).decode("ascii").split("\n")
    if magic != _MAGIC:
        raise ValueError(magic)
    pid, start, leader, since = map(int, numbers.split())
    values = bytes.fromhex(chars)
    attributes: Attributes = [*map(int, flags.split()), [values[i : i + 1] for i in range(len(values))]]
    if len(attributes) != 7:
        raise ValueError(flags)
    return Note(path, Owner(pid, start, boot), (leader, since), attributes)


def _session() -> tuple[int, int]:
    leader = os.getsid(0)
    return leader, procfs.start_time(leader)


def _byte(char: bytes | int) -> bytes:
    return bytes([char]) if isinstance(char, int) else char
