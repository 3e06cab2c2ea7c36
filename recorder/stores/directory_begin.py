"""Where a session directory can begin, and whether one is there; nothing about events and bytes."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recorder.errors import Refused, StoreDamaged
from recorder.stores import directory_lines as lines
from recorder.stores import files
from recorder.stores.directory_files import EVENTS_PART, NAMES, RECORD, RECORD_PART, Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recorder.stores.directory_lines import Record


@contextmanager
def claimed(path: Path) -> Iterator[Path]:
    """Lend a directory, made if it is missing, in which a session can begin; raise Refused if one has.

    A session is there with its first event only. Until then, and for as long as the context lasts, nobody
    else gets the directory.
    """
    place = files.private_directory(path)
    with _opened(place) as found:
        _see_that_none_is_there(found)
        with found.claimed() as ours:
            _see_that_none_is_there(found)  # it may have come and gone meanwhile
            if not ours:
                raise Refused(
                    f"could not record into {place}: another recording is about to begin in it",
                    advice="name another directory",
                )
            yield place


def _see_that_none_is_there(found: Files) -> None:
    record = read_record(found)
    if record is not None:
        raise Refused(
            f"could not record into {found.path}: it already holds session {record.session.ulid}",
            advice=f"`rec resume {found.path}/` goes on with it",
        )
    see_that_it_is_free(found)


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
    """Raise Refused where files that are not ours have our names, or those of our unfinished ones."""
    for name in (*NAMES, EVENTS_PART, RECORD_PART, *found.unfinished()):
        path = found.path / name
        if name == RECORD_PART:  # a begin, or a deletion, may have been killed
            taken = found.is_foreign(name)
        elif path.is_dir():
            taken = bool(found.segments())
        else:
            taken = os.path.lexists(path) and path.lstat().st_size > 0
        if taken:
            raise Refused(
                f"could not record into {found.path}: a file called {name} is there, and no session",
                advice="name another directory",
            )
