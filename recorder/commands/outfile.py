"""A file that the user asked for: whole or not there, never instead of another unless that was asked for.

What is written holds a recording, so it is 0600, whatever the umask says.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import TYPE_CHECKING

from recorder.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def check(path: str, *, force: bool) -> None:
    """Raise Refused where ``write`` would, as far as that can be seen before anything is read."""
    with _as_refusal(path):
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return
    if stat.S_ISLNK(found.st_mode):
        raise _refused(path, "it is a symbolic link", "name the file itself")
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "it is no regular file", "without -o it goes to standard output")
    if not force:
        raise _refused(path, "it exists", "--force replaces it")


def write(path: str, pieces: Iterable[bytes], *, force: bool) -> None:
    """Write a file from ``pieces`` and give it its name when it is whole; raise Refused.

    Until then it has a name of its own in the same directory, and is gone if anything fails.
    """
    with _as_refusal(path):
        fd, part = tempfile.mkstemp(prefix=".rec-export-", dir=os.path.dirname(path) or ".")
    try:
        with _as_refusal(path), os.fdopen(fd, "wb") as file:
            for each in pieces:
                file.write(each)
            file.flush()
            os.fsync(file.fileno())
        check(path, force=force)  # it may have come meanwhile
        with _as_refusal(path):
            _rename(part, path, force=force)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def _rename(part: str, path: str, *, force: bool) -> None:
    """Give a file its name: a link first, as that fails where the name is taken."""
    if not force:
        try:
            os.link(part, path)
        except FileExistsError:
            raise _refused(path, "it exists", "--force replaces it") from None
        except OSError:  # a file system without links
            os.rename(part, path)
        else:
            os.unlink(part)
        return
    os.rename(part, path)


def _refused(path: str, cause: str, advice: str | None = None) -> Refused:
    return Refused(f"could not write {path}: {cause}", advice=advice)


@contextlib.contextmanager
def _as_refusal(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise _refused(path, (cause or str(error)).lower()) from error
