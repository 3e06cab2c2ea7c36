"""The SQLite back end: every public method is one whole transaction (the long reads: one per page).

Here may live only the methods of the store protocol and how they begin and end transactions; the
statements are in the sqlite_* modules beside this one. Times and sizes are as in the protocol.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from recorder.errors import NotFound, StoreBusy, StoreDamaged, StoreMissing, StoreReadOnly
from recorder.stores import sqlite_append as append
from recorder.stores import sqlite_pages as pages
from recorder.stores import sqlite_read as read
from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_check import check
from recorder.stores.sqlite_connect import fetch, fetch_one, open_reader, open_writer, translated
from recorder.stores.sqlite_seal import seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import apsw

    from recorder.model import (
        Activity,
        Chunk,
        Draft,
        EndReason,
        Event,
        Invocation,
        Session,
        Summary,
        Turn,
    )

T = TypeVar("T")

_SPARE = 16  # of so many pages one may be free, for what is written next
_VACUUM = 4096  # free pages given back at once: 4 MiB, each moved under the write lock


class SqliteStore:
    """A store in one SQLite file; see ``recorder.store.Store`` for what each method promises."""

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

    # --- writing -----------------------------------------------------------------------------------

    def begin(self, session: Session, invocation: Invocation, label: str | None = None) -> str | None:
        """Write the rows of a session and an invocation that are missing, and the label."""
        with self._writing() as db:
            append.begin(db, session, invocation)
            return None if label is None else append.name(db, label, session.ulid)

    def append(
        self,
        drafts: Sequence[Draft],
        chunks: Sequence[Chunk] = (),
        *,
        activity: tuple[str, Activity] | None = None,
        durable: bool = False,
        if_last_seq: int | None = None,
        recovered: str | None = None,
    ) -> list[Event]:
        """Write events and raw bytes in one transaction; return the events with their seqs."""
        with self._writing(durable=durable) as db:
            work = append.Appender(db, self._memory)
            if if_last_seq is not None:
                owner = _owner(drafts, chunks, recovered, db)
                if owner is not None and work.progress(owner).last_seq != if_last_seq:
                    return []
            work.raw(chunks)
            events = work.events(drafts)
            work.finish(activity)
            if recovered is not None:
                db.execute("UPDATE invocation SET recovered = 1 WHERE ulid = ?", (recovered,))
            if durable and not (drafts or chunks or activity or recovered):
                # without a changed page there is nothing to sync
                db.pragma("user_version", db.pragma("user_version"))
            return events

    def seal(self, session: str) -> int:
        """Merge the session's small trailing segments; return how many were merged."""
        key = self._id(session)
        if key is None:
            return 0
        with self._writing() as db:
            merged = seal(db, key)
        with translated("write the store", self._db):
            if self._db.pragma("freelist_count") > self._db.pragma("page_count") // _SPARE:
                fetch(self._db, f"PRAGMA incremental_vacuum({_VACUUM})")
        return merged

    def end_invocation(self, ulid: str, ended_ms: int, exit_status: int | None, reason: EndReason) -> bool:
        """End an invocation; the first end stays."""
        with self._writing() as db:
            db.execute(
                "UPDATE invocation SET ended_ms = ?, exit_status = ?, end_reason = ?"
                " WHERE ulid = ? AND ended_ms IS NULL",
                (ended_ms, exit_status, reason.value, ulid),
            )
            return db.changes() > 0

    def set_label(self, label: str, ulid: str) -> str | None:
        """Give ``label`` to a session; return the ULID it was moved from, if any."""
        with self._writing() as db:
            append.session_id(db, ulid)
            return append.name(db, label, ulid)

    def drop_label(self, label: str) -> bool:
        """Take a label away; return whether it existed."""
        with self._writing() as db:
            db.execute("DELETE FROM milestone WHERE key = ?", (rows.LABEL + label,))
            return db.changes() > 0

    def set_meta(self, session: str, key: str, value: str | None) -> None:
        """Set or remove one metadata value of a session."""
        with self._writing() as db:
            owner = append.session_id(db, session)
            if value is None:
                db.execute("DELETE FROM metadata WHERE session = ? AND key = ?", (owner, key))
            else:
                db.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?, ?)", (owner, key, value))

    # --- reading -----------------------------------------------------------------------------------

    def summaries(
        self,
        *,
        limit: int | None = None,
        archived: bool = False,
        tool: str | None = None,
        host: str | None = None,
    ) -> list[Summary]:
        """List sessions, newest first."""
        if limit == 0:
            return []
        with self._reading() as db:
            return read.summaries(db, limit=limit, archived=archived, tool=tool, host=host)

    def summary(self, ulid: str) -> Summary | None:
        """Return one session, or None."""
        with self._reading() as db:
            return read.summary(db, ulid)

    def with_prefix(self, prefix: str, limit: int = 20) -> list[str]:
        """Return the ULIDs that begin with ``prefix``, newest first."""
        with self._reading() as db:
            found = fetch(
                db,
                "SELECT ulid FROM session WHERE ulid >= ? AND ulid < ? ORDER BY ulid DESC LIMIT ?",
                (prefix, prefix + "~", limit),  # '~' follows every character of a ULID
            )
            return [row[0] for row in found]

    def labels(self) -> list[tuple[str, str]]:
        """Return all (label, ulid), sorted by label."""
        with self._reading() as db:
            return read.labels(db)

    def meta(self, session: str) -> dict[str, str]:
        """Return a session's metadata."""
        with self._reading() as db:
            return dict(
                fetch(
                    db,
                    "SELECT key, value FROM metadata WHERE session = ? ORDER BY key",
                    (self._id(session),),
                )
            )

    def count(self, session: str) -> int:
        """Return the number of own events."""
        return self._progress(session)[0]

    def raw_length(self, session: str) -> int:
        """Return the raw offset after a session's last byte."""
        return self._progress(session)[1]

    def _progress(self, session: str) -> tuple[int, int, int]:
        """Return number of own events, raw length and newest seq; zeros for an unknown session."""
        with self._reading() as db:
            row = fetch_one(
                db,
                "SELECT n_events, raw_length, last_seq FROM progress WHERE session = ?",
                (self._id(session),),
            )
            return (0, 0, 0) if row is None else (row[0], row[1], row[2])

    def events(
        self,
        session: str,
        *,
        kinds: Sequence[str] = (),
        after: int = 0,
        upto: int | None = None,
        last: int | None = None,
    ) -> Iterator[Event]:
        """Yield a session's own events in ascending seq."""
        key = self._id(session)
        if key is None:
            return
        newest = self._progress(session)[2]
        span = (after + 1, newest if upto is None else min(upto, newest))
        with self._reading() as db:
            source = pages.Events(db, key, session, span, kinds)
            if last is not None:
                source.keep_last(last)
        while page := self._page(source.page):
            yield from page

    def raw(self, session: str, start: int = 0, end: int | None = None) -> Iterator[Chunk]:
        """Yield the raw bytes in ``[start, end)`` with their times."""
        key = self._id(session)
        if key is None:
            return
        length = self.raw_length(session)
        source = pages.Raw(self._db, key, session, start, length if end is None else min(end, length))
        while (page := self._page(source.page)) is not None:
            yield from page

    def _page(self, fetch: Callable[[], T]) -> T:
        with self._reading():
            return fetch()

    def turns(
        self,
        session: str | None = None,
        *,
        since_ms: int | None = None,
        last: int | None = None,
    ) -> list[Turn]:
        """Return turns of one session in order, or of all sessions by start time."""
        with self._reading() as db:
            if session is None:
                return read.turns_of_all(db, since_ms, last)
            key = self._id(session)
            return [] if key is None else read.turns_of(db, key, session, since_ms, last)

    def turn(self, session: str, number: int) -> Turn | None:
        """Return one turn of a session's own, or None."""
        key = self._id(session)
        if key is None:
            return None
        with self._reading() as db:
            return read.turn(db, key, session, number)

    def history(self, tool: str, limit: int = 1000) -> list[str]:
        """Return the newest commands submitted to ``tool``, oldest first, no repeats."""
        with self._reading() as db:
            return read.history(db, tool, limit)

    def open_invocations(self, *, unrecovered: bool = False) -> list[Invocation]:
        """Return the invocations without an end, newest first."""
        with self._reading() as db:
            return read.open_invocations(db, unrecovered=unrecovered)

    # --- care --------------------------------------------------------------------------------------

    def check(self) -> list[tuple[str, bool, str]]:
        """Examine the store."""
        with self._reading() as db:
            return check(db)

    def size_bytes(self) -> int:
        """Return what the database takes on disk, its WAL included."""
        size = 0
        for suffix in ("", "-wal", "-shm"):
            try:
                size += self.path.with_name(self.path.name + suffix).stat().st_size
            except OSError:
                continue
        return size


def _owner(
    drafts: Sequence[Draft], chunks: Sequence[Chunk], recovered: str | None, db: apsw.Connection
) -> str | None:
    """Return the session that ``if_last_seq`` speaks of."""
    if drafts or chunks:
        return drafts[0].session if drafts else chunks[0].session
    row = fetch_one(
        db,
        "SELECT s.ulid FROM invocation i JOIN session s ON s.id = i.session WHERE i.ulid = ?",
        (recovered,),
    )
    return None if row is None else row[0]
