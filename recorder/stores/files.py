"""Make and check the files that hold recordings: private, ours, and no links; nothing about SQL.

Nothing here opens an existing file: in a process that has the database open, closing any other
descriptor of it would drop the locks (POSIX). The umask is neither trusted nor changed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from recorder.errors import StoreFull, StoreMissing, StoreReadOnly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

YOUR_OWN = "name one of your own (--root, --session-dir)"  # whose name was given is not known here


def private_directory(path: Path) -> Path:
    """Make ``path`` (0700) if it is missing, check that it is ours alone, return it resolved.

    Links further up are the user's own affair and are resolved; ``path`` itself may not be one.
    Raises StoreMissing (not ours to use), StoreReadOnly or StoreFull.
    """
    with as_store_errors("create the directory", path):
        _make(path)
    return checked_directory(path)


def checked_directory(path: Path) -> Path:
    """Check an existing directory as ``private_directory`` does; return it resolved."""
    try:
        found = path.lstat()
    except OSError as error:
        raise StoreMissing(f"could not open the directory {path}: {_why(error)}") from error
    if stat.S_ISLNK(found.st_mode):
        raise _not_ours(path, "it is a symbolic link", "name the directory itself")
    if not stat.S_ISDIR(found.st_mode):
        raise _not_ours(path, "it is not a directory", "move it away or name another root")
    if found.st_uid != os.geteuid():
        raise _not_ours(path, "it belongs to another user", YOUR_OWN)
    if found.st_mode & 0o022:
        raise _not_ours(path, "others may write in it", f"chmod 700 {path}")
    return path.resolve()


def private_file(path: Path) -> bool:
    """Make an empty file (0600) at ``path`` unless there is one; say whether it was made.

    One that exists must be a regular file, ours, and have no second name. ``path`` must lie in a
    directory that ``private_directory`` has returned.
    """
    if os.path.lexists(path):
        checked_file(path)
        return False
    with as_store_errors("create", path):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:  # somebody was faster
            checked_file(path)
            return False
        try:
            os.fchmod(fd, 0o600)  # a umask may have taken even our own bits
        finally:
            os.close(fd)
        return True


def checked_file(path: Path) -> os.stat_result:
    """Check that the file at ``path`` is regular, ours and has one name; return what it is."""
    try:
        found = path.lstat()
    except OSError as error:
        raise StoreMissing(f"could not open {path}: {_why(error)}") from error
    check(path, found)
    return found


def check(path: Path, found: os.stat_result) -> None:
    """Raise StoreMissing unless what was ``found`` at ``path`` is a regular file, ours, with one name."""
    if stat.S_ISLNK(found.st_mode):
        raise a_link(path)
    if not stat.S_ISREG(found.st_mode):
        raise _not_ours(path, "it is not a regular file", "move it away")
    if found.st_uid != os.geteuid():
        raise _not_ours(path, "it belongs to another user", YOUR_OWN)
    if found.st_nlink != 1:
        raise _not_ours(path, "it has a second name (hard link)", "remove the other name")


PART = ".part"


def write_private(path: Path, parts: Iterator[bytes]) -> None:
    """Write a file (0600) from ``parts``, sync it, and give it its name when it is whole.

    Until then it is called ``NAME.part``. Raises the StoreError family; nothing is overwritten but
    an older ``.part``.
    """
    part = path.with_name(path.name + PART)
    with as_store_errors("write", path):
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, 0o600)
            for each in parts:
                file.write(each)
            file.flush()
            os.fsync(fd)
        part.rename(path)


def read_private(path: Path) -> bytes:
    """Read a whole file that must be ours, regular and no link; raises the StoreError family."""
    checked_file(path)
    with as_store_errors("read", path):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            return file.read()


def _make(path: Path) -> None:
    """Make the directory and what is missing above it, each 0700 whatever the umask is."""
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for each in reversed(missing):
        try:
            each.mkdir(mode=0o700)
        except FileExistsError:
            continue
        if stat.S_IMODE(each.lstat().st_mode) != 0o700:
            each.chmod(0o700)  # just made by us in a directory of ours: nobody else can swap it


def a_link(path: Path) -> StoreMissing:
    """Return the error about a symbolic link where a file should be."""
    return _not_ours(path, "it is a symbolic link", "put the file itself there")


def _not_ours(path: Path, cause: str, advice: str) -> StoreMissing:
    return StoreMissing(f"could not use {path}: {cause}", advice=advice)


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


@contextlib.contextmanager
def as_store_errors(verb: str, path: Path) -> Iterator[None]:
    """Turn an OSError into the store error that says what kind of trouble it is."""
    try:
        yield
    except OSError as error:
        message = f"could not {verb} {path}: {_why(error)}"
        if error.errno in FULL:
            raise StoreFull(message, advice="make room on that disk") from error
        if error.errno in DENIED:
            raise StoreReadOnly(message, advice="check who owns it and its permissions") from error
        raise StoreMissing(message) from error
