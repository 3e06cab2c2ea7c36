"""Which repositories' settings the user trusts: looked at, noted, and taken back.

Edge: files only; what they may say is ``settings``'. Until a ``.rec.toml`` is trusted nothing of it is
used but its hash: it came with a repository, from whoever made that. A note per repository lies in a
directory of the user's, with the path and the hash of what was trusted: a changed file is not trusted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from typing import NamedTuple

from recorder import modefile
from recorder.errors import Refused

NAME = ".rec.toml"
LARGEST = 64 << 10  # bytes; who has more to say than that does not say it to us


class Repository(NamedTuple):
    """A repository with a file of settings; ``text`` is what it says, None where that does not count.

    ``why`` is then the reason, as the end of a sentence; ``changed``: it did count, as it was before.
    """

    directory: str
    text: bytes | None
    why: str = ""
    changed: bool = False

    @property
    def path(self) -> str:
        """Return the path of the file."""
        return path_in(self.directory)


def path_in(directory: str) -> str:
    """Return where a repository's settings lie."""
    return f"{directory.rstrip('/')}/{NAME}"


def look(directory: str, notes: str) -> Repository:
    """Return what counts of the settings in ``directory``, by the ``notes``; there is such a file."""
    try:
        data = contents(path_in(directory))
    except Refused as refused:
        return Repository(directory, None, f"is not used: {refused.message}")
    try:
        noted = contents(_note(directory, notes))
    except Refused:
        return Repository(directory, None, "is not trusted and not used")
    if noted != _entry(directory, data):
        return Repository(directory, None, "has changed since it was trusted and is not used", changed=True)
    return Repository(directory, data)


def contents(path: str) -> bytes:
    """Return what is in a plain file of the user's own; raise Refused with nothing but the cause."""
    try:
        _check(os.lstat(path))  # a device, or a pipe, can do things when it is opened
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            _check(os.fstat(fd))
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Refused(os.strerror(error.errno or 0).lower()) from error
    if len(data) > LARGEST:  # it grows
        raise Refused("it is too large")
    return data


def trust(directory: str, notes: str, data: bytes) -> None:
    """Note that ``data`` is trusted as the settings in ``directory``; raise OSError."""
    modefile.put(_note(directory, notes), _entry(directory, data))


def distrust(directory: str, notes: str) -> bool:
    """Forget what was trusted in ``directory``, whatever is there now; say whether there was anything."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(_note(directory, notes))
        return True
    return False


def _check(facts: os.stat_result) -> None:
    """Raise Refused for what is not plainly the user's own file."""
    if stat.S_ISLNK(facts.st_mode):
        raise Refused("it is a symbolic link")
    if not stat.S_ISREG(facts.st_mode):
        raise Refused("it is no regular file")
    if facts.st_uid != os.geteuid():
        raise Refused("it belongs to another user")
    if facts.st_size > LARGEST:
        raise Refused("it is too large")


def _note(directory: str, notes: str) -> str:
    return f"{notes}/{hashlib.sha256(os.fsencode(directory)).hexdigest()[:32]}"


def _entry(directory: str, data: bytes) -> bytes:
    """Return a note: the hash first, so that no path can look like one; then the path, for people."""
    return f"{hashlib.sha256(data).hexdigest()}\n".encode() + os.fsencode(directory) + b"\n"
