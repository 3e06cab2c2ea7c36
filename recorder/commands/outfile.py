"""A file that the user asked for: whole or not there, never instead of another unless that was asked for.

What is written holds a recording, so it is 0600, whatever the umask says.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import tempfile
from typing import TYPE_CHECKING

from recorder.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)  # deadly by default, without a chance to take anything away
_HELD = (*_ENDING, signal.SIGINT)


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

    Until then it has a name of its own in the same directory, and is gone if anything fails, or if a
    signal ends us.
    """
    with _ended_by_an_error():
        _write(path, pieces, force=force)


def _write(path: str, pieces: Iterable[bytes], *, force: bool) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)  # until somebody takes away what is made
    try:
        with _as_refusal(path):
            fd, part = tempfile.mkstemp(prefix=".rec-export-", dir=os.path.dirname(path) or ".")
    except BaseException:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
        raise
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
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


@contextlib.contextmanager
def _ended_by_an_error() -> Iterator[None]:
    """Let the signals that end us raise meanwhile, so that what is half done is taken away; see ``_HELD``.

    One that is ignored (``nohup``) stays so.
    """
    before = {number: signal.getsignal(number) for number in _ENDING}

    def leave(number: int, _frame: FrameType | None) -> None:
        for each in taken:
            signal.signal(each, signal.SIG_IGN)  # a second one would leave what the first takes away
        raise SystemExit(128 + number)

    taken = [number for number, handler in before.items() if handler is signal.SIG_DFL]
    for each in taken:
        signal.signal(each, leave)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)


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
