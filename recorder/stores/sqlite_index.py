"""The search index: lists of words for runs of events, and for runs of those.

A block is the list of a run of a session's events, without a gap from its first event on: up to where
a session is indexed its last block says. A chapter is the list of 64 neighbouring blocks, so that most
of them need not be looked at. All of it is derived: what is missing is searched without it, and
``rec compact`` makes it anew. Blocks go with their session, a chapter with any of its blocks: that is
done by the schema, so that recorders of an older version that delete leave no word either.

Statements here run inside a write transaction of the caller, those of ``faults`` apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.query import PLACES
from recorder.stores import segments, wordlists
from recorder.stores import sqlite_pages as pages
from recorder.stores.sqlite_connect import fetch, fetch_one

if TYPE_CHECKING:
    import apsw

CHAPTER = 64  # blocks
_TEXT = 64 << 10  # characters: indexed in 20 ms, read again in as much
_EVENTS = 1024

# Read by every search; steps in sqlite_schema.py make the tables.
MISSING = (
    "SELECT DISTINCT number / 64 FROM block WHERE number / 64 < (SELECT max(number) / 64 FROM block)"
    " AND number / 64 NOT IN (SELECT number FROM chapter)"
)


def there(db: apsw.Connection) -> bool:
    """Say whether the database has an index: an older version made it without, and none has written since."""
    return db.table_exists(None, "block")


def upto(db: apsw.Connection, session: int) -> int:
    """Return the seq up to which a session is indexed."""
    row = fetch_one(db, "SELECT max(last_seq) FROM block WHERE session = ?", (session,))
    return 0 if row is None or row[0] is None else int(row[0])


def step(db: apsw.Connection, session: int, ulid: str, *, rest: bool) -> bool:
    """Index the next block of a session, with ``rest`` also one that is not full; say if there was one."""
    fork, last = fetch_one(
        db,
        "SELECT coalesce(s.fork_seq, 0), p.last_seq FROM session s JOIN progress p ON p.session = s.id"
        " WHERE s.id = ?",
        (session,),
    ) or (0, 0)
    first = max(fork, upto(db, session)) + 1
    block, full = _collect(db, session, ulid, (first, last))
    if block is None or not (full or rest):
        return False
    (number,) = fetch_one(db, "SELECT coalesce(max(number), -1) + 1 FROM block") or (0,)
    db.execute("INSERT INTO block VALUES (?, ?, ?, ?, ?)", (number, session, first, *block))
    # Blocks behind this one may have been deleted: then its chapter is there already, without it.
    db.execute("DELETE FROM chapter WHERE number = ?", (number // CHAPTER,))
    if number % CHAPTER == CHAPTER - 1:
        _close_chapter(db, number // CHAPTER)
    return True


def _collect(
    db: apsw.Connection, session: int, ulid: str, span: tuple[int, int]
) -> tuple[tuple[int, bytes] | None, bool]:
    """Return last seq and list of the next block, if there are events for one; and whether it is full."""
    words, count, size, last = wordlists.Words(), 0, 0, 0
    source = pages.Events(db, session, ulid, span, ())
    while page := source.page():
        for event in page:
            if event.kind in PLACES["all"]:
                words.add(event.kind, event.text)
                size += len(event.text)
            count, last = count + 1, event.seq
            if size >= _TEXT or count >= _EVENTS:
                return (last, words.blob()), True
    # What is damaged up to there is nothing to be searched.
    return ((span[1], words.blob()) if span[1] >= span[0] else None), False


def mend(db: apsw.Connection) -> int | None:
    """Make one chapter that is missing; return its number, None if none is."""
    row = fetch_one(db, MISSING + " LIMIT 1")
    if row is None:
        return None
    _close_chapter(db, row[0])
    return int(row[0])


def _close_chapter(db: apsw.Connection, chapter: int) -> None:
    blobs = fetch(db, "SELECT words FROM block WHERE number BETWEEN ? AND ?", chapter_span(chapter))
    try:
        words = wordlists.merged(blob for (blob,) in blobs)
    except segments.Damaged:
        return  # its blocks are asked one by one
    db.execute("INSERT OR REPLACE INTO chapter VALUES (?, ?)", (chapter, words))


def chapter_span(chapter: int) -> tuple[int, int]:
    """Return the numbers of a chapter's first and last block."""
    return chapter * CHAPTER, chapter * CHAPTER + CHAPTER - 1


def forget(db: apsw.Connection, session: int, seq: int = 0) -> None:
    """Leave no word of a session's events from ``seq`` on in the index."""
    db.execute("DELETE FROM block WHERE session = ? AND last_seq >= ?", (session, seq))


# --- examined --------------------------------------------------------------------------------------


def faults(db: apsw.Connection) -> list[str]:
    """Return what is wrong: blocks that are not what their events say, chapters that their blocks do not."""
    found = []
    for session, ulid in fetch(db, "SELECT id, ulid FROM session ORDER BY id"):
        at = None
        for number, first, last, blob in fetch(
            db,
            "SELECT number, first_seq, last_seq, words FROM block WHERE session = ? ORDER BY last_seq",
            (session,),
        ):
            if (at is not None and first != at + 1) or not _tells(db, session, ulid, (first, last), blob):
                found.append(f"block {number} is not what session {ulid} says")
            at = last
    for chapter, blob in fetch(db, "SELECT number, words FROM chapter"):
        blocks = fetch(db, "SELECT words FROM block WHERE number BETWEEN ? AND ?", chapter_span(chapter))
        try:
            fits = wordlists.merged([blob]) == wordlists.merged(each for (each,) in blocks)
        except segments.Damaged:
            fits = False
        if not fits:
            found.append(f"chapter {chapter} is not what its blocks say")
    return found


def _tells(db: apsw.Connection, session: int, ulid: str, span: tuple[int, int], blob: bytes) -> bool:
    words = wordlists.Words()
    source = pages.Events(db, session, ulid, span, PLACES["all"])
    while page := source.page():
        for event in page:
            words.add(event.kind, event.text)
    try:
        return wordlists.merged([blob]) == wordlists.merged([words.blob()])
    except segments.Damaged:
        return False
