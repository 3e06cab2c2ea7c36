"""Search in a database: sessions by their newest event, of each the newest events first.

The index (sqlite_index.py) only says where to look; what answers is decided by the texts themselves.
So what is not indexed yet is found, too, and a damaged index hides nothing: it only costs time.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import apsw

from recorder import query as asking
from recorder.errors import RecError
from recorder.stores import segments, wordlists
from recorder.stores import sqlite_index as index
from recorder.stores import sqlite_pages as pages
from recorder.stores import sqlite_read as read
from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_connect import fetch
from recorder.stores.sqlite_transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from recorder.query import Hit, Query

_AT_ONCE = 16  # blocks, a quarter of a second: whoever erases waits
_FIRST = 400  # sessions that are looked at one by one: mostly what is wanted is among them
_PIECE = 256  # seqs that are read at once, 16 MiB at most: in between a search can be stopped

_SESSIONS = (
    "SELECT s.id, s.ulid, p.last_seq, s.fork_seq, s.cwd FROM session s JOIN progress p ON p.session = s.id"
    " LEFT JOIN invocation i ON i.id = p.invocation"
    " WHERE p.last_ms >= coalesce(:since, p.last_ms)"
    " AND (:tool IS NULL OR s.tool = :tool) AND (:host IS NULL OR i.host = :host)"
    " ORDER BY p.last_ms DESC, s.ulid DESC"
)
_BLOCK = "SELECT session, number, first_seq, last_seq FROM block"
_BLOCKS_OF = (
    "SELECT session, number, first_seq, last_seq FROM block WHERE session IN (SELECT value FROM json_each(?))"
)
_LOOSE = (
    "SELECT session, number, first_seq, last_seq FROM block"
    " WHERE number / 64 NOT IN (SELECT number FROM chapter)"
)
_COUNT = "SELECT (SELECT total(n_events) FROM progress) - (SELECT total(last_seq - first_seq + 1) FROM block)"
_BEHIND = (
    "SELECT s.id, coalesce(b.upto, s.fork_seq, 0) FROM session s JOIN progress p ON p.session = s.id"
    " LEFT JOIN (SELECT session, max(last_seq) AS upto FROM block GROUP BY session) b ON b.session = s.id"
    " WHERE p.last_seq > coalesce(b.upto, s.fork_seq, 0)"
)
_UNINDEXED = (
    f"SELECT s.ulid, p.last_seq - b.upto FROM ({_BEHIND.replace(', 0)', ', 0) AS upto', 1)}) b"  # noqa: S608
    " JOIN session s ON s.id = b.id JOIN progress p ON p.session = s.id ORDER BY s.id DESC"
)
_ALL = (
    "SELECT s.ulid, p.n_events FROM session s JOIN progress p ON p.session = s.id WHERE p.n_events"
    " ORDER BY s.id DESC"
)

Run = tuple[int, int]  # first and last seq


class Searching(Transactions):
    """The methods of the store protocol that search and index."""

    def search(self, query: Query, told: Callable[[int, int], None] | None = None) -> Iterator[Hit]:
        """Yield what answers: sessions by their newest event, in each the newest events first."""
        with self._reading() as db:  # no transaction: it says what errors mean
            places = _Places(db, query)
            for done, of, (key, ulid, last, fork, cwd) in _sessions(db, query, places):
                tell = partial(told, done, of) if told is not None else _tell_nobody
                tell()
                source: pages.Events | None = None
                row = partial(read.turn, db, key, ulid)
                for piece in _cut(places.of(key, fork or 0, last, tell)):
                    tell()
                    source = source or pages.Events(db, key, ulid, piece, query.kinds, query.find)
                    source.seek(*piece)
                    events = [event for page in iter(source.page, []) for event in page]
                    yield from asking.answers(query, reversed(events), row, rows.readable(cwd))

    def index(self, session: str, *, rest: bool = False) -> bool:
        """Index the next run of a session's events; say whether there was one."""
        key = self._id(session)
        if key is None:
            return False
        with self._writing() as db:
            return index.step(db, key, session, rest=rest)

    def unindexed(self, over: int = 0) -> dict[str, int]:
        """Return how many events of each session are not in the index; none if not more than ``over``."""
        with self._reading() as db:
            if not index.there(db):
                return dict(fetch(db, _ALL))
            ((count,),) = fetch(db, _COUNT)
            return dict(fetch(db, _UNINDEXED)) if count > over else {}

    def _index_anew(self, session: str, key: int) -> None:
        """Index a session from its first event on."""
        with self._writing() as db:
            index.forget(db, key)
        while self.index(session, rest=True):
            pass

    def _index_again(self, session: str) -> None:
        """Index what erasing took out of the index with what is erased; the rest of a long session later."""
        with suppress(RecError):  # what is erased is erased
            for _ in range(_AT_ONCE):
                if not self.index(session, rest=True):
                    break

    def _mend_index(self) -> None:
        """Make the chapters that are missing, each in a transaction of its own."""
        last: int | None = -1
        while last is not None:
            with self._writing() as db:
                last, before = index.mend(db), last
            if last == before:
                break  # one that cannot be made


def _sessions(db: apsw.Connection, query: Query, places: _Places) -> Iterator[tuple[int, int, rows.Row]]:
    """Yield the sessions to be searched, the newest first: how many before it, of how many, and its row."""
    found = fetch(db, _SESSIONS, {"since": query.since_ms, "tool": query.tool, "host": query.host})
    of = len(found)
    places.look_at([row[0] for row in found[:_FIRST]])
    yield from ((done, of, row) for done, row in enumerate(found[:_FIRST]))
    if of > _FIRST:
        wanted = places.look_ahead()
        for done, row in enumerate(found[_FIRST:], _FIRST):
            if wanted is None or row[0] in wanted:
                yield done, of, row


def _tell_nobody() -> None:
    """Say nothing: nobody asked how far the search is."""


def _cut(runs: Iterable[Run]) -> Iterator[Run]:
    """Yield runs in pieces, the newest of each first."""
    for first, past in runs:
        for last in range(past, first - 1, -_PIECE):
            yield max(first, last - _PIECE + 1), last


class _Places:
    """Where in each session something may answer: runs of seqs, the newest first."""

    def __init__(self, db: apsw.Connection, query: Query) -> None:
        self._db = db
        self._query = query
        self._needs = wordlists.needed(query) if index.there(db) else []
        self._blocks: dict[int, list[tuple[int, int, int]]] = {}
        self._behind: dict[int, int] | None = None
        self._asked: dict[str, dict[int, bool]] = {"block": {}, "chapter": {}}
        self._listed = {row[0] for row in fetch(db, "SELECT number FROM chapter")} if self._needs else set()

    def of(self, session: int, fork: int, last: int, tell: Callable[[], None]) -> Iterator[Run]:
        """Yield the runs of a session whose own seqs go from behind ``fork`` to ``last``.

        ``tell`` is called before each list that is asked.
        """
        if not self._needs:
            yield fork + 1, last
            return
        blocks = self._blocks.get(session, [])
        if self._behind is not None:
            upto = self._behind.get(session, last)
        else:
            upto = blocks[0][2] if blocks else fork
        if last > upto:
            yield upto + 1, last
        for number, first, past in blocks:
            tell()
            if self._may(number):
                yield first, past

    def look_at(self, sessions: list[int]) -> None:
        """Know the blocks of some sessions, whatever is in them."""
        if self._needs:
            wanted = (json.dumps(sessions),)
            self._know(fetch(self._db, _BLOCKS_OF, wanted))

    def look_ahead(self) -> set[int] | None:
        """Ask all chapters, and return the sessions in which something may answer; None: any."""
        if not self._needs:
            return None
        spans = [index.chapter_span(number) for number in self._listed if self._has("chapter", number)]
        if len(spans) * 2 > len(self._listed):  # then all at once
            found = fetch(self._db, _BLOCK)
        else:
            found = fetch(self._db, _LOOSE)
            for span in spans:
                found += fetch(self._db, _BLOCK + " WHERE number BETWEEN ? AND ?", span)
        self._know(found)
        self._behind = dict(fetch(self._db, _BEHIND)) if fetch(self._db, _COUNT) != [(0,)] else {}
        return {*self._blocks, *self._behind}

    def _know(self, blocks: list[rows.Row]) -> None:
        self._blocks = {}
        for session, number, first, last in sorted(blocks, key=lambda row: -row[3]):
            self._blocks.setdefault(session, []).append((number, first, last))

    def _may(self, number: int) -> bool:
        chapter = number // index.CHAPTER
        if chapter in self._listed and not self._has("chapter", chapter):
            return False
        return self._has("block", number)

    def _has(self, table: str, number: int) -> bool:
        """Ask a list, of which no more is read than has to be; one that is gone has been replaced."""
        known = self._asked[table]
        if number not in known:
            known[number] = True
            with (
                suppress(apsw.SQLError, apsw.CorruptError),
                self._db.blob_open("main", table, "words", number, False) as blob,
            ):
                known[number] = self._holds(partial(_read, blob))
        return known[number]

    def _holds(self, read: Callable[[int, int], bytes]) -> bool:
        """Ask one list; one that cannot be read may hold anything."""
        try:
            return wordlists.holds(read, self._query, self._needs)
        except (segments.Damaged, apsw.CorruptError, apsw.AbortError, TypeError, ValueError):
            return True


def _read(blob: apsw.Blob, at: int, size: int) -> bytes:
    blob.seek(at)
    return blob.read(size)
