"""The statements that read sessions, turns and names; events and raw bytes are in sqlite_pages.

Each function fetches all it reads before it returns: a statement that is left open would keep a
read transaction, and that would keep the WAL from being reset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.stores import sqlite_names
from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_connect import fetch, fetch_one

if TYPE_CHECKING:
    import apsw

    from recorder.model import Invocation, Near, Summary, Turn


# --- sessions --------------------------------------------------------------------------------------


def summaries(
    db: apsw.Connection,
    *,
    limit: int | None,
    archived: bool,
    tool: str | None,
    host: str | None,
    near: Near | None,
) -> list[Summary]:
    """List sessions, newest first."""
    chosen = {"archived": archived, "tool": tool, "host": host, "limit": -1 if limit is None else limit}
    cwd, git_root = (None, None) if near is None else rows.storables(near.cwd, near.git_root)
    place = {"cwd": cwd, "git_root": git_root, "since_ms": None if near is None else near.since_ms}
    found = fetch(
        db,
        rows.SUMMARIES + " WHERE (:archived OR s.archived_ms IS NULL)"
        " AND (:tool IS NULL OR s.tool = :tool) AND (:host IS NULL OR i.host = :host)"
        " AND (:cwd IS NULL OR ((s.cwd = :cwd OR s.git_root = :git_root)"
        " AND max(ifnull(p.last_ms, 0), s.created_ms) >= :since_ms))"
        " ORDER BY s.ulid DESC LIMIT :limit",
        chosen | place,
    )
    names = _names(db)
    return [rows.summary(row, names.get(row[0], ())) for row in found]


def summary(db: apsw.Connection, ulid: str) -> Summary | None:
    """Return one session."""
    row = fetch_one(db, rows.SUMMARIES + " WHERE s.ulid = ?", (ulid,))
    return None if row is None else rows.summary(row, _names(db).get(ulid, ()))


def _names(db: apsw.Connection) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for label, ulid in sqlite_names.labels(db):
        names[ulid] = (*names.get(ulid, ()), label)
    return names


def open_invocations(db: apsw.Connection, *, unrecovered: bool) -> list[Invocation]:
    """Return the invocations without an end, newest first."""
    found = fetch(
        db,
        rows.INVOCATIONS + " WHERE i.ended_ms IS NULL AND i.recovered <= ? ORDER BY i.id DESC",
        (not unrecovered,),
    )
    return [rows.invocation(row[0], row[1:]) for row in found]


# --- turns -----------------------------------------------------------------------------------------


def turns_of(
    db: apsw.Connection, session: int, ulid: str, since_ms: int | None, last: int | None
) -> list[Turn]:
    """Return the turns of one session in order."""
    found = fetch(
        db,
        rows.TURNS + " WHERE t.id BETWEEN ? AND ? AND t.started_ms >= ? ORDER BY t.id DESC LIMIT ?",
        (*rows.span(session), _since(since_ms), -1 if last is None else last),
    )
    return [rows.turn(ulid, row) for row in reversed(found)]


def turns_of_all(db: apsw.Connection, since_ms: int | None, last: int | None) -> list[Turn]:
    """Return the turns of all sessions by start time.

    No index on the start time: sessions are taken by their newest event, and none of those that
    are left can hold a newer turn once enough have been found.
    """
    found: list[Turn] = []
    for session, ulid, newest in _by_newest_event(db, None, _since(since_ms)):
        if last is not None and len(found) >= last:
            found = sorted(found, key=_started)[-last:] if last else []
            if not found or newest < found[0].started_ms:
                break
        found += turns_of(db, session, ulid, since_ms, last)
    found.sort(key=_started)
    return found if last is None else found[max(0, len(found) - last) :]


def turn(db: apsw.Connection, session: int, ulid: str, number: int) -> Turn | None:
    """Return one turn."""
    key = session << rows.SEQ_BITS | number
    row = fetch_one(db, rows.TURNS + " WHERE t.id = ?", (key,))
    return None if row is None else rows.turn(ulid, row)


def history(db: apsw.Connection, tool: str, limit: int) -> list[str]:
    """Return the newest commands submitted to a tool, oldest first, no repeats."""
    newest: dict[str, int] = {}
    for session, _ulid, last_ms in _by_newest_event(db, tool, _since(None)):
        if len(newest) >= limit:
            oldest = sorted(newest.values(), reverse=True)[limit - 1] if limit else last_ms + 1
            if last_ms < oldest:
                break
        found = fetch(
            db,
            "SELECT command, max(started_ms) FROM turn WHERE id BETWEEN ? AND ? AND command <> ''"
            " GROUP BY command",
            rows.span(session),
        )
        for command, started_ms in found:
            text = rows.readable(command)
            newest[text] = max(started_ms, newest.get(text, started_ms))
    ordered = sorted(newest, key=lambda text: newest[text])
    return ordered[max(0, len(ordered) - limit) :]


def _by_newest_event(db: apsw.Connection, tool: str | None, since_ms: int) -> list[rows.Row]:
    """Return (id, ulid, wall time of the newest event) of sessions that have events, newest first."""
    return fetch(
        db,
        "SELECT s.id, s.ulid, p.last_ms FROM session s JOIN progress p ON p.session = s.id"
        " WHERE p.last_ms >= :since AND (:tool IS NULL OR s.tool = :tool)"
        " ORDER BY p.last_ms DESC, s.ulid DESC",
        {"tool": tool, "since": since_ms},
    )


def _since(since_ms: int | None) -> int:
    return -(1 << 62) if since_ms is None else since_ms


def _started(each: Turn) -> tuple[int, str, int]:
    return each.started_ms, each.session, each.turn


# --- sizes -----------------------------------------------------------------------------------------

# Bytes that a row takes beside what is counted, and the session that it belongs to, per table.
_SIZES = (
    ("segment", "length(data) + length(times) + length(meta)", 100, rows.RAW_BITS),
    ("pack", "length(facts) + coalesce(length(data), 0)", 30, rows.SEQ_BITS),
    ("event", "length(text) + length(meta)", 30, rows.SEQ_BITS),
    ("turn", "length(command)", 50, rows.SEQ_BITS),
    ("phrase", "length(text)", 12, rows.SEQ_BITS),
)
_SESSION = 1000  # bytes of the rows and the index entries that every session has


def sizes(db: apsw.Connection) -> dict[str, int]:
    """Return what each session takes of the file, by ULID: what its rows hold, scaled to the pages in use."""
    ulids = dict(fetch(db, "SELECT id, ulid FROM session"))
    held = dict.fromkeys(ulids, _SESSION)
    for table, counted, more, bits in _SIZES:
        found = fetch(
            db,
            f"SELECT id >> {bits}, sum({counted} + {more}) FROM {table} GROUP BY id >> {bits}",  # noqa: S608
        )
        for key, size in found:
            held[key] = held.get(key, 0) + size
    pages = int(str(db.pragma("page_count"))) - int(str(db.pragma("freelist_count")))
    used, total = pages * int(str(db.pragma("page_size"))), sum(held.values())
    return {ulid: held[key] * used // total for key, ulid in ulids.items()}
