"""How a connection to the database is made, and what its errors are called in ``rec``.

Here may live only connecting, its fall-backs and the translation of errors; no table is named.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import apsw

from recorder.errors import (
    RecError,
    StoreBusy,
    StoreDamaged,
    StoreEmpty,
    StoreError,
    StoreFull,
    StoreMissing,
    StoreReadOnly,
)
from recorder.stores import files, sqlite_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_NOFOLLOW = apsw.SQLITE_OPEN_NOFOLLOW
_LENGTH_LIMIT = 64 * 1024 * 1024  # of one text or blob; ours stay below 3 MiB
_PAGE = 1024  # bytes; as fast here as 4096, and a store with one session is 50 KB smaller
_CHECKPOINT = 4 * 1024 * 1024  # bytes of WAL
_JOURNAL_LIMIT = 64 * 1024 * 1024  # what a WAL shrinks to after a burst
_SHM_TROUBLE = frozenset(
    {
        apsw.SQLITE_IOERR_SHMSIZE,  # a full disk
        apsw.SQLITE_IOERR_SHMOPEN,
        apsw.SQLITE_IOERR_SHMMAP,
        apsw.SQLITE_READONLY_CANTINIT,
        apsw.SQLITE_READONLY_RECOVERY,
        apsw.SQLITE_READONLY_DIRECTORY,
        apsw.SQLITE_CANTOPEN,  # a directory without write permission
    }
)


def open_writer(path: Path, busy_ms: int, *, vfs: str | None = None) -> apsw.Connection:
    """Open (and make, and upgrade) the database for writing; raises the StoreError family."""
    directory = files.private_directory(path.parent)
    path = directory / path.name
    with translated("open the store"):
        files.private_file(path)
        _no_linked_neighbours(path)
        db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE | _NOFOLLOW, vfs)
        try:
            _settings(db, busy_ms)
            if not db.pragma("page_count"):  # later it has no effect, and yet takes the write lock
                db.pragma("page_size", _PAGE)
                db.pragma("auto_vacuum", "incremental")
            _wal(db, busy_ms)
            db.pragma("synchronous", "normal")
            db.wal_autocheckpoint(_CHECKPOINT // _PAGE)
            sqlite_schema.migrate(db)
        except BaseException:
            db.close()
            raise
        return db


def open_reader(path: Path, busy_ms: int) -> tuple[apsw.Connection, bool]:
    """Open the database for reading; also say whether what it shows may be stale.

    Where the shared memory that WAL needs cannot be had (full disk, read-only directory), the file
    is read as it is, without what still stands in the WAL.
    """
    directory = files.checked_directory(path.parent)
    path = directory / path.name
    files.checked_file(path)
    _no_linked_neighbours(path)
    flags = apsw.SQLITE_OPEN_READONLY | _NOFOLLOW
    with translated("open the store"):
        try:
            return _reader(str(path), flags, busy_ms), False
        except apsw.Error as error:
            if extended(error) == apsw.SQLITE_READONLY_ROLLBACK:
                # only a store in the making has a rollback journal: this one's maker was killed
                raise StoreEmpty("could not read the store: it was not finished") from error
            if extended(error) not in _SHM_TROUBLE:
                raise
        from urllib.parse import quote  # 2 ms that a shell's Tab would wait for

        name = f"file:{quote(str(path))}?immutable=1"
        return _reader(name, flags | apsw.SQLITE_OPEN_URI, busy_ms), True


def _reader(name: str, flags: int, busy_ms: int) -> apsw.Connection:
    """Open one way and read the first page, which is when trouble shows."""
    db = apsw.Connection(name, flags)
    try:
        _settings(db, busy_ms)
        _check_begun(db)
    except BaseException:
        db.close()
        raise
    return db


def _check_begun(db: apsw.Connection) -> None:
    if not sqlite_schema.version(db):
        raise StoreEmpty("could not read the store: nothing was recorded yet")


def _settings(db: apsw.Connection, busy_ms: int) -> None:
    """Set what holds for this connection only; none of it needs the file."""
    db.set_busy_timeout(busy_ms)
    db.limit(apsw.SQLITE_LIMIT_LENGTH, _LENGTH_LIMIT)
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    db.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    db.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    db.pragma("trusted_schema", value=False)
    db.pragma("foreign_keys", value=True)
    db.pragma("secure_delete", value=True)
    db.pragma("cell_size_check", value=True)
    db.pragma("mmap_size", 0)
    db.pragma("journal_size_limit", _JOURNAL_LIMIT)


def _wal(db: apsw.Connection, busy_ms: int) -> None:
    """Switch to WAL and check the answer; the switch does not honour the busy timeout by itself."""
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            mode = db.pragma("journal_mode", "wal")
            break
        except apsw.BusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.005)
    if mode != "wal":
        raise StoreError(
            f"could not open the store: its journal mode is {mode}, not wal",
            advice="keep it on a local disk: network file systems lack the shared memory it needs",
        )


def _no_linked_neighbours(path: Path) -> None:
    """Refuse files beside the database that SQLite would write through a link."""
    for suffix in ("-wal", "-shm", "-journal"):
        neighbour = path.with_name(path.name + suffix)
        if os.path.lexists(neighbour):
            files.checked_file(neighbour)


def fetch(
    db: apsw.Connection, sql: str, values: Mapping[str, object] | Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    """Return all rows of a statement; none of it stays open."""
    try:
        return db.execute(sql, cast("tuple[None, ...]", values)).fetchall()
    except UnicodeDecodeError as error:  # SQLite does not look into texts
        raise apsw.CorruptError("a text is not UTF-8") from error


def fetch_one(db: apsw.Connection, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
    """Return the first row of a statement, or None."""
    found = fetch(db, sql, values)
    return found[0] if found else None


# --- errors ----------------------------------------------------------------------------------------


@contextmanager
def translated(verb: str, db: apsw.Connection | None = None) -> Iterator[None]:
    """Turn whatever SQLite raises into the StoreError family: ``could not VERB: cause``.

    ``db`` knows the system's error number, which tells a quota from a broken disk.
    """
    try:
        yield
    except RecError:
        raise
    except apsw.Error as error:
        number = db.system_errno if db is not None and isinstance(error, apsw.IOError) else 0
        raise translate(verb, error, number) from error
    except OSError as error:
        raise StoreError(f"could not {verb}: {(error.strerror or str(error)).lower()}") from error


def extended(error: apsw.Error) -> int:
    """Return SQLite's extended result code, or 0."""
    return int(getattr(error, "extendedresult", 0))


def translate(verb: str, error: apsw.Error, number: int = 0) -> StoreError:
    """Return the StoreError that says what an apsw error means; ``number`` is the system's errno."""
    kind, cause, advice = _meaning(error, number)
    return kind(f"could not {verb}: {cause}", advice=advice)


def _meaning(error: apsw.Error, number: int) -> tuple[type[StoreError], str, str | None]:
    """Say class, cause and advice of an apsw error."""
    code = extended(error)
    if isinstance(error, apsw.BusyError | apsw.LockedError | apsw.ProtocolError):
        return StoreBusy, "another process has locked it", "it is tried again"
    if isinstance(error, apsw.FullError) or code == apsw.SQLITE_IOERR_SHMSIZE or number in files.FULL:
        return StoreFull, "no space left", "make room on that disk"
    if code == apsw.SQLITE_READONLY_DBMOVED:
        return StoreMissing, "it was moved or deleted", None
    if isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError) or number in files.DENIED:
        return StoreReadOnly, "it may not be written", "check its owner and permissions"
    if isinstance(error, apsw.CantOpenError):
        return StoreMissing, "it cannot be opened", "check that the directory is there and yours"
    if isinstance(error, apsw.CorruptError | apsw.NotADBError | apsw.FormatError):
        return StoreDamaged, "the file is damaged", "rec doctor names what is damaged"
    if isinstance(error, apsw.IOError):
        return StoreDamaged, "the disk reports an error", "check the disk"
    return StoreError, str(error) or type(error).__name__, None
