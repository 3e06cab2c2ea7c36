"""Where a session directory can begin, and whether one is there; nothing about events and bytes."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recorder.errors import Refused, StoreDamaged
from recorder.stores import directory_lines as lines
from recorder.stores import files
from recorder.stores.directory_files import NAMES, RECORD, Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recorder.stores.directory_lines import Record


def free(path: Path) -> Path:
    """Return a directory, made if it is missing, in which a session can begin; raise Refused if one has."""
    place = files.private_directory(path)
    with _opened(place) as found:
        record = read_record(found)
        if record is not None:
            raise Refused(
                f"could not record into {path}: it already holds session {record.session.ulid}",
                advice=f"`rec resume {path}/` goes on with it",
            )
        see_that_it_is_free(found)
    return place


def make(path: Path) -> None:
    """Make the directory if it is missing, not what is above it: that may be a disk that is not there."""
    if not path.exists() and path.parent.is_dir():
        files.private_directory(path)


def held(path: Path) -> Record | None:
    """Return what a directory's session.json says, if it has one; raise StoreMissing or StoreDamaged."""
    with _opened(path) as found:
        return read_record(found)


@contextmanager
def _opened(path: Path) -> Iterator[Files]:
    found = Files(path)
    try:
        yield found
    finally:
        found.close()


def read_record(found: Files) -> Record | None:
    """Return what the session.json of an open directory says; None where there is none."""
    body = found.read(RECORD)
    if body is None:
        return None
    try:
        return lines.decode_record(body)
    except lines.Wrong as error:
        raise StoreDamaged(
            f"could not read the session in {found.path}: {RECORD}: {error}",
            advice="put the file back as it was; nothing else of the session is touched",
        ) from error


def see_that_it_is_free(found: Files) -> None:
    """Raise Refused where files that are not ours have our names."""
    for name in NAMES:
        path = found.path / name
        if os.path.lexists(path) and (found.segments() if path.is_dir() else path.lstat().st_size):
            raise Refused(
                f"could not record into {found.path}: a file called {name} is there, and no session",
                advice="name another directory",
            )
