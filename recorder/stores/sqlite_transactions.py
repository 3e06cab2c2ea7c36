"""The connection of one SQLite store object, and how its transactions begin and end.

Here may live only what every method of the store stands on; the methods are in sqlite.py. A failed
transaction leaves nothing, in the file or in what is remembered.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from recorder.errors import NotFound, StoreBusy, StoreDamaged, StoreMissing, StoreReadOnly
from recorder.stores import sqlite_append as append
from recorder.stores.sqlite_connect import open_reader, open_writer, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import apsw

T = TypeVar("T")


class Transactions:
    """One SQLite file, opened for reading or for writing."""

    def __init__(self, path: Path, *, readonly: bool = False, busy_ms: int = 5000) -> None:
        """Open ``path``, for writing also make and upgrade it; wait ``busy_ms`` for other processes.

        Raises StoreMissing, StoreReadOnly, StoreFull, StoreBusy, StoreDamaged or StoreError.
        """
        self.path = path
        self.stale = False  # what is read may lack the newest transactions (full disk, read-only media)
        if readonly:
            self._db, self.stale = open_reader(path, busy_ms)
        else:
            self._db = open_writer(path, busy_ms)
        self._readonly = readonly
        self._busy_ms = busy_ms
        self._unwiped = False  # something was deleted, and not overwritten yet
        self._memory = append.Memory()
        self._full = False  # synchronous=FULL is set
        self._place = self._where()

    def close(self) -> None:
        """Close the connection; the last one folds the WAL into the file."""
        with translated("close the store", self._db):
            self._db.close()

    # --- transactions ------------------------------------------------------------------------------

    def _where(self) -> tuple[int, int]:
        """Return device and inode of the file; stat only, opening it would drop our locks."""
        try:
            found = self.path.lstat()
        except OSError as error:
            raise StoreMissing(
                f"could not use the store: {self.path} is gone", advice="it is made anew if possible"
            ) from error
        return found.st_dev, found.st_ino

    @contextmanager
    def _writing(self, *, durable: bool = False) -> Iterator[apsw.Connection]:
        """Run one write transaction; nothing of it is left when it fails."""
        if self._readonly:
            raise StoreReadOnly("could not write the store: it is open for reading only")
        if self._where() != self._place:  # SQLite would go on writing into a file nobody finds
            raise StoreMissing(f"could not write the store: {self.path} is another file now")
        db = self._db
        with self._seeing_others(), translated("write the store", db):
            if durable != self._full:
                db.pragma("synchronous", "full" if durable else "normal")
                self._full = durable
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except BaseException:
                self._memory.forget()
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _seeing_others(self) -> Iterator[None]:
        """Say with a StoreBusy whether other processes wrote while we waited: then nothing is stuck."""
        before = self._wal_written()
        try:
            yield
        except StoreBusy as error:
            error.moving = self._wal_written() != before
            raise

    def _wal_written(self) -> int:
        """Return when the WAL was last written to (ns), 0 without one."""
        try:
            return os.stat(f"{self.path}-wal").st_mtime_ns
        except OSError:
            return 0

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        with translated("read the store", self._db):
            try:
                yield self._db
            except (TypeError, ValueError, OverflowError) as error:  # of rows that we did not write so
                raise StoreDamaged("could not read the store: a row is not what was written") from error

    def _id(self, ulid: str) -> int | None:
        """Return a session's id, or None; a session keeps its id for ever."""
        known = self._memory.sessions.get(ulid)
        if known is None:
            try:
                with self._reading() as db:
                    known = append.session_id(db, ulid)
            except NotFound:
                return None
            self._memory.sessions[ulid] = known
        return known

    def _page(self, fetch: Callable[[], T]) -> T:
        with self._reading():
            return fetch()

    def at(self, directory: str) -> str | None:  # noqa: ARG002
        """Return None: who knows directories is built on this (``rooted``)."""
        return None

    # --- for back ends that are built on this one --------------------------------------------------

    def read(self, fn: Callable[[apsw.Connection], T]) -> T:
        """Return what a function reads from the database."""
        with self._reading() as db:
            return fn(db)

    def write(self, fn: Callable[[apsw.Connection], T]) -> T:
        """Run a function of the database as one write transaction."""
        with self._writing() as db:
            return fn(db)
