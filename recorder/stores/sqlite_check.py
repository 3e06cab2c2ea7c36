"""Examine a database: pages, references, turn rows, and the running hash of every session.

Only reads. Each finding is ``(check, ok, detail)``; a session whose bytes are damaged is named and
does not end the examination of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from recorder import turns, units
from recorder.model import Moment
from recorder.stores import segments, sqlite_index, sqlite_schema
from recorder.stores import sqlite_pages as pages
from recorder.stores import sqlite_read as read
from recorder.stores import sqlite_rows as rows
from recorder.stores.chain import Chain
from recorder.stores.sqlite_connect import fetch, fetch_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recorder.model import JsonValue, Meta, Turn

Finding = tuple[str, bool, str]


def check(db: apsw.Connection) -> list[Finding]:
    """Return all findings, one row per check and one per damaged session."""
    findings = [_schema(db), _pages(db), _references(db)]
    try:
        sessions = fetch(db, "SELECT id, ulid FROM session ORDER BY ulid")
    except apsw.CorruptError:
        return [*findings, ("sessions", False, "the list of sessions cannot be read")]
    findings += [*_each(db, sessions, "turns", _turns), *_each(db, sessions, "raw bytes", _raw)]
    return [*findings, _index(db)]


def _schema(db: apsw.Connection) -> Finding:
    have = sqlite_schema.version(db)
    return "schema", have <= sqlite_schema.VERSION, f"version {have}, ours is {sqlite_schema.VERSION}"


def _pages(db: apsw.Connection) -> Finding:
    try:
        answers = [str(row[0]) for row in fetch(db, "PRAGMA integrity_check(10)")]
    except apsw.Error as error:
        answers = [str(error)]
    return "pages", answers == ["ok"], "; ".join(answers)


def _references(db: apsw.Connection) -> Finding:
    try:
        lost = len(fetch(db, "PRAGMA foreign_key_check"))
    except apsw.Error as error:
        return "references", False, str(error)
    return "references", not lost, f"{lost} rows without the row they refer to" if lost else "ok"


def _index(db: apsw.Connection) -> Finding:
    """Look whether the search index says what the events say; what it lacks is searched without it."""
    if not sqlite_index.there(db):
        return "search index", True, "none yet"
    try:
        faults = sqlite_index.faults(db)
    except apsw.Error as error:
        return "search index", False, str(error)
    return "search index", not faults, "; ".join(faults[:3]) or "ok"


def _each(
    db: apsw.Connection,
    sessions: list[rows.Row],
    name: str,
    examine: Callable[[apsw.Connection, int, str], str | None],
) -> Iterator[Finding]:
    """Examine every session; yield the damaged ones and one row for all."""
    bad = 0
    for key, ulid in sessions:
        try:
            cause = examine(db, key, ulid)
        except (apsw.CorruptError, segments.Damaged, TypeError, ValueError) as error:
            cause = str(error)
        if cause is not None:
            bad += 1
            yield name, False, f"session {ulid}: {cause}"
    if not bad:
        yield name, True, units.count(len(sessions), "session")


def _turns(db: apsw.Connection, session: int, ulid: str) -> str | None:
    """Fold all events again and compare; also count them."""
    last_seq, n_events, n_turns = fetch_one(
        db, "SELECT last_seq, n_events, n_turns FROM progress WHERE session = ?", (session,)
    ) or (0, 0, 0)
    source = pages.Events(db, session, ulid, (0, last_seq), ())
    rebuilt: dict[int, Turn] = {}
    count = lost = 0
    while page := source.page():
        count += len(page)
        lost += sum("damaged" in event.meta for event in page)
        for event in page:
            if event.turn is not None and (row := turns.fold(rebuilt.get(event.turn), event)) is not None:
                rebuilt[event.turn] = row
    if lost:
        return f"{lost} event texts are damaged"
    if count != n_events:
        return f"{count} events are there, {n_events} were written"
    have = {turn.turn: turn for turn in read.turns_of(db, session, ulid, None, None)}
    wrong = sorted(
        number for number in have.keys() | rebuilt.keys() if have.get(number) != rebuilt.get(number)
    )
    if wrong or len(have) != n_turns:
        return f"turn rows are not what the events say: {', '.join(map(str, wrong[:5]))}"
    return None


def _raw(db: apsw.Connection, session: int, ulid: str) -> str | None:
    """Follow the running hash through all segments; say where it is broken first."""
    base, past = rows.span(session, rows.RAW_BITS)
    chain: Chain | None = Chain(Chain.seed(ulid), 0)
    before = Chain.seed(ulid)
    key = base - 1
    cause: str | None = None
    at = 0
    while True:
        row = fetch_one(
            db,
            "SELECT id, length, restart, whole, digest, meta, times, data FROM segment"
            " WHERE id > ? AND id <= ? ORDER BY id LIMIT 1",
            (key, past),
        )
        if row is None:
            break
        key, length, restart, whole, digest, text, times, data = row
        start, meta = rows.low(key, rows.RAW_BITS), rows.load(text)
        if restart:
            chain = _restarted(before, start, meta, restart)
        elif start != at:
            cause = cause or f"bytes {at} to {start} are missing"
            chain = None
        if "erased" in meta:
            chain, fault = None, _tombstone(meta["erased"], data, (start, length, digest))
        else:
            chain, fault = _follow(chain, (times, data), (start, length, whole, digest))
        cause = cause or fault
        before, at = digest, start + length
    total = fetch_one(db, "SELECT raw_length FROM progress WHERE session = ?", (session,))
    if cause is None and (total is None or total[0] != at):
        cause = f"bytes from {at} on are missing"
    return cause


def _restarted(before: bytes, start: int, meta: Meta, restart: int) -> Chain | None:
    """Return the hash that starts anew at a segment; None if damage hides what it goes on from."""
    if restart == 1:
        return Chain(before, start)
    whole = meta.get("whole")
    return Chain(bytes.fromhex(whole), start) if isinstance(whole, str) else None


def _tombstone(said: JsonValue, data: bytes, facts: tuple[int, int, bytes]) -> str | None:
    """Say what is wrong with a segment whose bytes were erased."""
    start, length, digest = facts
    if said != [start, length, digest.hex()] or segments.unsqueeze(data):
        return f"bytes {start} to {start + length} are said to be erased, and are not"
    return None


def _follow(
    chain: Chain | None, blobs: tuple[bytes, bytes], facts: tuple[int, int, bytes, bytes]
) -> tuple[Chain | None, str | None]:
    """Feed one segment; return the chain behind it (None: not known any more) and what is wrong."""
    start, length, whole, digest = facts
    try:
        segments.unpack_times(blobs[0], Moment(0, 0), length)
        body = segments.raw_body(blobs[1], length)
    except segments.Damaged:
        return None, f"bytes {start} to {start + length} are damaged"
    if chain is None:
        return None, None
    chain.feed(body)
    if (chain.whole, chain.digest()) != (whole, digest):
        return None, f"bytes {start} to {start + length} are not those that were written"
    return chain, None
