"""The SQLite back end: every public method is one whole transaction (the long reads: one per page).

Here may live only the methods of the store protocol; how transactions begin and end and the
statements are in the sqlite_* modules beside this one. Times and sizes are as in the protocol.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from recorder import turns
from recorder.errors import StoreBusy, StoreError
from recorder.stores import sqlite_append as append
from recorder.stores import sqlite_erase as erase
from recorder.stores import sqlite_names as names
from recorder.stores import sqlite_pages as pages
from recorder.stores import sqlite_read as read
from recorder.stores import sqlite_runs as runs
from recorder.stores.sqlite_check import check
from recorder.stores.sqlite_connect import fetch, fetch_one, translated
from recorder.stores.sqlite_seal import seal, seal_anew
from recorder.stores.sqlite_search import Searching
from recorder.stores.sqlite_wipe import wipe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import apsw

    from recorder.model import (
        Activity,
        Chunk,
        Draft,
        EndReason,
        Event,
        Invocation,
        Near,
        Session,
        Summary,
        Switch,
        Turn,
    )

_SPARE = 16  # of so many pages one may be free, for what is written next
_VACUUM = 4096  # free pages given back at once: 4 MiB, each moved under the write lock


class SqliteStore(Searching):
    """A store in one SQLite file; see ``recorder.store.Store`` for what each method promises."""

    # --- writing -----------------------------------------------------------------------------------

    def begin(self, session: Session, invocation: Invocation, label: str | None = None) -> str | None:
        """Write the rows of a session and an invocation that are missing, and the label."""
        with self._writing() as db:
            append.begin(db, session, invocation)
            return None if label is None else append.name(db, label, session.ulid)

    def take(self, invocation: Invocation, after: str | None) -> bool:
        """Begin an invocation of a session whose newest one is still ``after``."""
        with self._writing() as db:
            return runs.take(db, invocation, after)

    def give_back(self, invocation: str) -> bool:
        """Take the session's newest invocation away again, if it has recorded nothing."""
        with self._writing() as db:
            self._memory.invocations.pop(invocation, None)
            return runs.give_back(db, invocation)

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

    def switch(self, switch: Switch) -> tuple[Session, str | None]:
        """Go on in another session; return its row, and who had its label before."""
        with self._writing() as db:
            known = read.summary(db, switch.into.ulid)
            if known is not None:
                return known.session, None
            work = append.Appender(db, self._memory)
            (mark,) = work.events([switch.mark])
            work.finish(None)
            return append.follow(db, switch, mark.seq)

    def seal(self, session: str) -> int:
        """Merge the session's small trailing segments; return how many were merged."""
        key = self._id(session)
        if key is None:
            return 0
        with self._writing() as db:
            merged = seal(db, key)
        if self._unwiped:
            with contextlib.suppress(StoreBusy):
                self.wipe()
        with translated("write the store", self._db):
            if self._db.pragma("freelist_count") > self._db.pragma("page_count") // _SPARE:
                fetch(self._db, f"PRAGMA incremental_vacuum({_VACUUM})")
        return merged

    def end_invocation(self, ulid: str, ended_ms: int, exit_status: int | None, reason: EndReason) -> bool:
        """End an invocation; the first end stays."""
        with self._writing() as db:
            return append.end(db, ulid, ended_ms, exit_status, reason)

    def set_label(self, label: str, ulid: str) -> str | None:
        """Give ``label`` to a session; return the ULID it was moved from, if any."""
        with self._writing() as db:
            append.session_id(db, ulid)
            return append.name(db, label, ulid)

    def drop_label(self, label: str) -> bool:
        """Take a label away; return whether it existed."""
        with self._writing() as db:
            db.execute("DELETE FROM milestone WHERE key = ?", (names.LABEL + label,))
            return db.changes() > 0

    def set_meta(self, session: str, key: str, value: str | None) -> None:
        """Set or remove one metadata value of a session."""
        with self._writing() as db:
            owner = append.session_id(db, session)
            if value is None:
                db.execute("DELETE FROM metadata WHERE session = ? AND key = ?", (owner, key))
            else:
                db.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?, ?)", (owner, key, value))

    # --- keeping and letting go --------------------------------------------------------------------

    def archive(self, ulid: str, at_ms: int | None) -> None:
        """Hide a session from lists, or show it again."""
        with self._writing() as db:
            append.archive(db, ulid, at_ms)

    def delete(self, ulids: Collection[str], *, dead: Collection[str] = ()) -> bool:
        """Delete sessions with everything that belongs to them, if nothing stands against it."""
        with self._writing(durable=True) as db:
            keys = erase.deletable(db, ulids, dead)
            if keys is None:
                return False
            erase.delete(db, keys)
        self._memory.forget()
        self.wipe()
        return True

    def erase(self, session: str, turn: int, *, dead: Collection[str] | None = None) -> bool:
        """Erase a turn and those inside it."""
        key = self._id(session)
        if key is None:
            return False
        with self._writing(durable=True) as db:
            found = (dead is None or erase.ended(db, key, dead)) and erase.turn(db, key, session, turn)
        self._memory.forget()
        if found:
            self._index_again(session)
            self.wipe()
        return found

    def drop_last(self, session: str) -> Event | None:
        """Take back the newest note or label of a session."""
        key = self._id(session)
        if key is None:
            return None
        with self._writing(durable=True) as db:
            event = erase.remark(db, key, session)
        self._memory.forget()
        if event is not None:
            self._index_again(session)
            self.wipe()
        return event

    def compact(self, session: str) -> int:
        """Merge a session's segments anew and rebuild its turn rows and its part of the index."""
        key = self._id(session)
        if key is None:
            return 0
        with self._writing() as db:
            fewer = seal_anew(db, key)
        rebuilt = turns.fold_all(self.events(session))
        if rebuilt != {turn.turn: turn for turn in self.turns(session)}:
            seq = self._progress(session)[2]
            with self._writing() as db:
                work = append.Appender(db, self._memory)
                if work.progress(session).last_seq == seq:
                    work.rebuild(session, rebuilt.values())
                    work.finish(None)
        self._index_anew(session, key)
        return fewer

    def wipe(self) -> None:
        """Give free pages back, and leave nothing of what was deleted."""
        self._unwiped = True  # others may be in the way, or the disk full: then seal tries again
        with translated("write the store", self._db):
            before = 0
            while (free := self._db.pragma("freelist_count")) and free != before:
                before = free
                fetch(self._db, f"PRAGMA incremental_vacuum({_VACUUM})")
        wipe(self.path, self._busy_ms)
        self._unwiped = False
        with contextlib.suppress(StoreError):  # what is missing of the index is searched without it
            self._mend_index()

    # --- reading -----------------------------------------------------------------------------------

    def summaries(
        self,
        *,
        limit: int | None = None,
        archived: bool = False,
        tool: str | None = None,
        host: str | None = None,
        near: Near | None = None,
    ) -> list[Summary]:
        """List sessions, newest first."""
        if limit == 0:
            return []
        with self._reading() as db:
            return read.summaries(db, limit=limit, archived=archived, tool=tool, host=host, near=near)

    def summary(self, ulid: str) -> Summary | None:
        """Return one session, or None."""
        with self._reading() as db:
            return read.summary(db, ulid)

    def with_prefix(self, prefix: str, limit: int = 20) -> list[str]:
        """Return the ULIDs that begin with ``prefix``, newest first."""
        with self._reading() as db:
            return names.with_prefix(db, prefix, limit)

    def labels(self) -> list[tuple[str, str]]:
        """Return all (label, ulid), sorted by label."""
        with self._reading() as db:
            return names.labels(db)

    def children(self, ulid: str) -> list[str]:
        """Return the sessions that were forked off this one, oldest first."""
        with self._reading() as db:
            return names.children(db, ulid)

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

    def sizes(self) -> dict[str, int]:
        """Return about what each session takes on disk."""
        with self._reading() as db:
            return read.sizes(db)

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
