"""The statements about invocations: begin one, take a session for one, give it back.

Everything here runs inside a write transaction that the caller has begun and will end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.errors import NotFound
from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_connect import fetch_one

if TYPE_CHECKING:
    import apsw

    from recorder.model import Invocation


def begin(db: apsw.Connection, session: int, invocation: Invocation) -> None:
    """Write an invocation's row unless it is there; a new one is the session's newest."""
    owner = invocation.owner
    reason = invocation.end_reason
    db.execute(
        "INSERT OR IGNORE INTO invocation VALUES (NULL" + ", ?" * 12 + ", 0)",
        (
            invocation.ulid,
            session,
            invocation.started_ms,
            owner.pid,
            owner.start_time,
            owner.boot_id,
            invocation.version,
            invocation.host,
            None if invocation.target is None else rows.storable(invocation.target),
            invocation.ended_ms,
            invocation.exit_status,
            None if reason is None else reason.value,
        ),
    )
    if db.changes():
        db.execute(
            "UPDATE progress SET invocation = ?, sealed_raw = raw_length WHERE session = ?",
            (db.last_insert_rowid(), session),
        )


def take(db: apsw.Connection, invocation: Invocation, after: str | None) -> bool:
    """Begin an invocation if the session's newest is ``after``; raise NotFound for no such session."""
    found = fetch_one(
        db,
        "SELECT s.id, i.ulid FROM session s JOIN progress p ON p.session = s.id"
        " LEFT JOIN invocation i ON i.id = p.invocation WHERE s.ulid = ?",
        (invocation.session,),
    )
    if found is None:
        raise NotFound(f"no such session: {invocation.session}")
    session, newest = found
    if newest != after:
        return False
    begin(db, session, invocation)
    return True


def give_back(db: apsw.Connection, ulid: str) -> bool:
    """Take an invocation away that is its session's newest and has no event and no byte."""
    found = fetch_one(
        db,
        "SELECT i.id, i.session FROM invocation i JOIN progress p ON p.invocation = i.id WHERE i.ulid = ?",
        (ulid,),
    )
    if found is None:
        return False
    key, session = found
    for table, bits in (("event", rows.SEQ_BITS), ("segment", rows.RAW_BITS)):
        query = f"SELECT 1 FROM {table} WHERE id BETWEEN ? AND ? AND invocation = ? LIMIT 1"  # noqa: S608
        if fetch_one(db, query, (*rows.span(session, bits), key)) is not None:
            return False
    db.execute("DELETE FROM invocation WHERE id = ?", (key,))
    db.execute(
        "UPDATE progress SET invocation = (SELECT max(id) FROM invocation WHERE session = :session)"
        " WHERE session = :session",
        {"session": session},
    )
    return True
