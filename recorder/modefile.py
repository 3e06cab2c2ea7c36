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

_MAGIC = "rec-terminal-2"
_SCREEN = "%4d"  # at the end, of one width: it is overwritten in place


class Note(NamedTuple):
    """What a recorder left: where, who, in which terminal session, the modes it had found, the screen.

    ``session`` is the pid and start time of the terminal's session leader. Device numbers are reused
    at once for the next window; a session leader is not. ``alternate`` is the mode number that the tool
    had opened the alternate screen with, 0 for the primary one.
    """

    path: str
    owner: Owner
    session: tuple[int, int]
    attributes: Attributes
    alternate: int


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
            _SCREEN % 0,
        )
    )
    path = f"{directory}/tty-{device:x}-{owner.pid}"
    put(path, text.encode())
    return path


def put(path: str, data: bytes) -> None:
    """Write a small private file, whole or not at all; raise OSError."""
    fresh = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(fd, 0o600)  # whatever the umask
        os.write(fd, data)
    finally:
        os.close(fd)
    os.replace(fresh, path)


def on_screen(path: str, alternate: int) -> None:
    """Write into the note at ``path`` which mode number has opened the alternate screen, 0 for none."""
    fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        text = (_SCREEN % alternate).encode()
        os.pwrite(fd, text, os.lseek(fd, -len(text), os.SEEK_END))
    finally:
        os.close(fd)


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
    magic, numbers, boot, flags, chars, screen = procfs.read(path).decode("ascii").split("\n")
    if magic != _MAGIC:
        raise ValueError(magic)
    pid, start, leader, since = map(int, numbers.split())
    values = bytes.fromhex(chars)
    attributes: Attributes = [*map(int, flags.split()), [values[i : i + 1] for i in range(len(values))]]
    if len(attributes) != 7:
        raise ValueError(flags)
    return Note(path, Owner(pid, start, boot), (leader, since), attributes, int(screen))


def _session() -> tuple[int, int]:
    leader = os.getsid(0)
    return leader, procfs.start_time(leader)


def _byte(char: bytes | int) -> bytes:
    return bytes([char]) if isinstance(char, int) else char
