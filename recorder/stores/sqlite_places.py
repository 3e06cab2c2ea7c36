"""The statements about sessions that are kept in a directory of their own: where, and which are let go.

The database has their rows, invocations, labels and metadata; events and bytes are in the directory. A
directory whose session was deleted stands as a leftover until its files are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_connect import fetch, fetch_one

if TYPE_CHECKING:
    import apsw

    from recorder.model import Invocation

LEFTOVER = "store.leftover."  # milestone: of a deleted session, by ULID → its directory
_LEFTOVERS = (LEFTOVER, LEFTOVER[:-1] + "/")  # first, and behind the last: '/' follows '.'


def directories(db: apsw.Connection, tool: str | None = None) -> list[tuple[str, str]]:
    """Return (ULID, directory) of the sessions that have one, oldest first; only those of ``tool``."""
    found = fetch(
        db,
        "SELECT ulid, directory FROM session WHERE directory IS NOT NULL AND (? IS NULL OR tool = ?)"
        " ORDER BY ulid",
        (tool, tool),
    )
    return [(ulid, rows.readable(directory)) for ulid, directory in found]


def directory(db: apsw.Connection, ulid: str) -> str | None:
    """Return where a session is kept, if not in the database."""
    row = fetch_one(db, "SELECT directory FROM session WHERE ulid = ?", (ulid,))
    return None if row is None or row[0] is None else rows.readable(row[0])


def move(db: apsw.Connection, ulid: str, directory: str | None) -> None:
    """Note that a session is kept elsewhere now."""
    value = None if directory is None else rows.storable(directory)
    db.execute("UPDATE session SET directory = ? WHERE ulid = ?", (value, ulid))


def invocations(db: apsw.Connection, ulid: str) -> list[Invocation]:
    """Return all invocations of a session, oldest first."""
    found = fetch(db, rows.INVOCATIONS + " WHERE s.ulid = ? ORDER BY i.id", (ulid,))
    return [rows.invocation(row[0], row[1:]) for row in found]


def owner(db: apsw.Connection, invocation: str) -> str | None:
    """Return the ULID of the session that an invocation belongs to."""
    row = fetch_one(
        db,
        "SELECT s.ulid FROM invocation i JOIN session s ON s.id = i.session WHERE i.ulid = ?",
        (invocation,),
    )
    return None if row is None else row[0]


def commands(db: apsw.Connection, tool: str) -> list[tuple[int, str]]:
    """Return (wall ms, command) of every command submitted to a tool, its newest time."""
    found = fetch(
        db,
        "SELECT max(t.started_ms), t.command FROM session s"
        " JOIN turn t ON t.id BETWEEN s.id << :bits AND (s.id + 1 << :bits) - 1"
        " WHERE s.tool = :tool AND t.command <> '' GROUP BY t.command",
        {"bits": rows.SEQ_BITS, "tool": tool},
    )
    return [(started_ms, rows.readable(command)) for started_ms, command in found]


def leave(db: apsw.Connection, key: int) -> None:
    """Note the directory of a session that is being deleted, for its files to follow."""
    db.execute(
        "INSERT OR REPLACE INTO milestone SELECT ? || ulid, directory FROM session"
        " WHERE id = ? AND directory IS NOT NULL",
        (LEFTOVER, key),
    )


def leftovers(db: apsw.Connection) -> list[tuple[str, str]]:
    """Return (ULID, directory) of deleted sessions whose files may still be there."""
    found = fetch(db, "SELECT key, value FROM milestone WHERE key >= ? AND key < ?", _LEFTOVERS)
    return [(key[len(LEFTOVER) :], rows.readable(value)) for key, value in found]


def cleared(db: apsw.Connection, ulid: str) -> None:
    """Note that the files of a deleted session are gone."""
    db.execute("DELETE FROM milestone WHERE key = ?", (LEFTOVER + ulid,))
