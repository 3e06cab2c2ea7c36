"""The names by which sessions are found: labels, ULIDs and their prefixes, numbers of turns.

Here may live only statements that a shell's Tab waits for, hence no import of the records: a
connection and these take a third of the time that the whole back end does.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeAlias

from recorder.stores.sqlite_connect import fetch, open_reader, translated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import apsw

LABEL = "session.label."  # milestone keys of labels
HIGHEST = "store.highest-session"  # milestone: no session with a higher id was ever deleted
_LABELS = (LABEL, LABEL[:-1] + "/")  # first, and behind the last: '/' follows '.'
_BEHIND = "~"  # follows every character of a ULID
SEQ_BITS = 32  # turn.id = session.id << 32 | number

Connection: TypeAlias = "apsw.Connection"  # for those who only hand it on
Named = tuple[str, str, int]  # ULID, tool, wall time of the start in ms


@contextmanager
def opened(path: Path, busy_ms: int) -> Iterator[apsw.Connection]:
    """Open the database to read names, nothing else; raises the StoreError family."""
    db, _stale = open_reader(path, busy_ms)
    with closing(db), translated("read the store", db):
        yield db


def labels(db: apsw.Connection) -> list[tuple[str, str]]:
    """Return (label, ulid), sorted by label."""
    found = fetch(db, "SELECT key, value FROM milestone WHERE key >= ? AND key < ? ORDER BY key", _LABELS)
    return [(key[len(LABEL) :], value) for key, value in found]


def with_prefix(db: apsw.Connection, prefix: str, limit: int) -> list[str]:
    """Return the ULIDs that begin with ``prefix``, newest first."""
    # The ULIDs alone are in their index: with ten thousand sessions the rows take three times as long.
    found = fetch(
        db,
        "SELECT ulid FROM session WHERE ulid >= ? AND ulid < ? ORDER BY ulid DESC LIMIT ?",
        (prefix, prefix + _BEHIND, limit),
    )
    return [row[0] for row in found]


def sessions(db: apsw.Connection, prefix: str, limit: int, *, archived: bool = True) -> list[Named]:
    """Return the sessions whose ULID begins with ``prefix``, newest first."""
    found = fetch(
        db,
        "SELECT ulid, tool, created_ms FROM session WHERE ulid >= ? AND ulid < ?"
        " AND (? OR archived_ms IS NULL) ORDER BY ulid DESC LIMIT ?",
        (prefix, prefix + _BEHIND, archived, limit),
    )
    return [(ulid, _text(tool), created_ms) for ulid, tool, created_ms in found]


def children(db: apsw.Connection, ulid: str) -> list[str]:
    """Return the ULIDs of the sessions that were forked off one, oldest first."""
    return [row[0] for row in fetch(db, "SELECT ulid FROM session WHERE parent = ? ORDER BY ulid", (ulid,))]


def labelled(db: apsw.Connection) -> list[Named]:
    """Return the sessions that have a label."""
    found = fetch(
        db,
        "SELECT ulid, tool, created_ms FROM session"
        " WHERE ulid IN (SELECT value FROM milestone WHERE key >= ? AND key < ?)",
        _LABELS,
    )
    return [(ulid, _text(tool), created_ms) for ulid, tool, created_ms in found]


def turns(db: apsw.Connection, ulid: str, digits: str, limit: int) -> list[tuple[int, str]]:
    """Return (number, command) of the session's turns whose number begins with ``digits``, newest first."""
    found = fetch(
        db,
        "SELECT t.id & :mask, t.command FROM session s JOIN turn t"
        " ON t.id BETWEEN s.id << :bits AND (s.id + 1 << :bits) - 1"
        " WHERE s.ulid = :ulid AND CAST(t.id & :mask AS TEXT) LIKE :digits ORDER BY t.id DESC LIMIT :limit",
        {
            "mask": (1 << SEQ_BITS) - 1,
            "bits": SEQ_BITS,
            "ulid": ulid,
            "digits": digits + "%",
            "limit": limit,
        },
    )
    return [(number, _text(command)) for number, command in found]


def _text(value: str | bytes) -> str:
    """Return a text, also one that was stored as bytes since it is not all characters."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
