"""A user's rc file on disk: read, replaced at one stroke, and a copy of it kept.

Edge: files only; what stands in them is ``rcblocks``'. A file that is not plainly the user's own is
refused: these are the files that can lock somebody out of a machine.
"""

from __future__ import annotations

import contextlib
import os
import stat

from recorder.errors import RecError, Refused

_BACKUP = ".rec-backup"
_LARGEST = 16 << 20  # bytes; no rc file is as large


def link_target(path: str) -> str | None:
    """Return where a symbolic link finally leads; None for what is no link. Raises Refused."""
    if not os.path.islink(path):
        return None
    target = os.path.realpath(path)
    if not os.path.exists(target):
        raise Refused(f"could not change {path}: it is a link that leads nowhere")
    return target


def peek(path: str) -> bytes:
    """Return what can be read of an rc file without any demand on it; nothing if that is not possible."""
    with contextlib.suppress(OSError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return file.read(_LARGEST)
    return b""


def read(path: str) -> bytes | None:
    """Return an rc file's bytes, None if there is none; raise Refused for one that is not ours to change."""
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        _check_directory(path)
        return None
    except OSError as error:
        raise _error("read", path, error) from error
    if not stat.S_ISREG(facts.st_mode):
        raise Refused(f"could not change {path}: it is no regular file")
    if facts.st_uid != os.geteuid():
        raise Refused(f"could not change {path}: it belongs to another user")
    if not os.access(path, os.W_OK):
        raise Refused(f"could not change {path}: it is not writable")
    if facts.st_size > _LARGEST:
        raise Refused(f"could not change {path}: it is too large for an rc file")
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise _error("read", path, error) from error


def replace(path: str, text: bytes) -> None:
    """Give a file, or the target of a link, new contents at one stroke; its mode and owner stay.

    One that is not there is made, and its directory too. Raises RecError.
    """
    path = os.path.realpath(path)
    fresh = f"{path}.rec-new-{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        facts = os.stat(path) if os.path.exists(path) else None
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with os.fdopen(fd, "wb") as file:
            if facts is not None:
                with contextlib.suppress(OSError):  # a group that we are not in
                    os.fchown(fd, facts.st_uid, facts.st_gid)
                os.fchmod(fd, stat.S_IMODE(facts.st_mode))
            file.write(text)
            file.flush()
            os.fsync(fd)
        os.replace(fresh, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise _error("write", path, error) from error


def back_up(path: str, text: bytes) -> str:
    """Keep a file's own contents beside it; return where. Raises RecError."""
    place = path + _BACKUP
    if os.path.islink(place) or (os.path.exists(place) and not os.path.isfile(place)):
        raise Refused(f"could not keep a copy of {path}: {place} is no regular file")
    replace(place, text)
    with contextlib.suppress(OSError):
        os.chmod(place, stat.S_IMODE(os.stat(path).st_mode))  # it may be for nobody else to read
    return place


def has_backup(path: str) -> bool:
    """Say whether there is a copy."""
    return os.path.lexists(path + _BACKUP)


def drop_backup(path: str, text: bytes) -> None:
    """Remove the copy if it holds nothing but what the file itself holds now."""
    place = path + _BACKUP
    with contextlib.suppress(OSError):
        if not os.path.islink(place) and os.stat(place).st_size == len(text):
            with open(place, "rb") as file:
                same = file.read() == text
            if same:
                os.unlink(place)


def remove(path: str) -> None:
    """Remove a file that we made."""
    try:
        os.unlink(path)
    except OSError as error:
        raise _error("remove", path, error) from error


def _check_directory(path: str) -> None:
    """Refuse to make a file in another user's directory, as root could."""
    place = os.path.dirname(path)
    while not os.path.isdir(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    if os.stat(place).st_uid != os.geteuid():
        raise Refused(f"could not make {path}: {place} belongs to another user")


def _error(verb: str, path: str, error: OSError) -> RecError:
    return RecError(f"could not {verb} {path}: {os.strerror(error.errno or 0).lower()}")
