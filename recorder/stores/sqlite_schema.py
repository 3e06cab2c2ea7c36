"""The steps that make and upgrade the database, and nothing that reads or writes recordings.

All missing steps are one transaction, together with the record that they ran. Steps only add, so an older
recorder that is still running goes on writing; one that opens a newer database may only read.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.errors import StoreReadOnly

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_COMMENT = re.compile(r" *--.*$", re.MULTILINE)
Step = tuple[str, str]  # name, SQL; the n-th step makes version n


def steps() -> list[Step]:
    """Return all steps, oldest first."""
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    create = _COMMENT.sub("", text)  # SQLite would keep the comments in every database
    return [("create", create), ("families", _FAMILIES), ("places", _PLACES), ("index", _INDEX)]


VERSION = 4  # what the last of the steps makes
# Columns would be seen by a running recorder of version 1, whose INSERTs name none.
_FAMILIES = """
CREATE INDEX session_parent ON session (parent) WHERE parent IS NOT NULL;
CREATE INDEX invocation_session ON invocation (session);
"""
# Among 10,000 sessions those in a directory are found without looking at the others.
_PLACES = "CREATE INDEX session_directory ON session (directory) WHERE directory IS NOT NULL;"
# The search index (see sqlite_index.py). Triggers, as recorders of an older version delete, too: what
# they empty, the index must not say. Only a note in a pack that they take back stays in it.
_INDEX = """
CREATE TABLE block (
  number      INTEGER PRIMARY KEY,
  session     INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  first_seq   INTEGER NOT NULL,
  last_seq    INTEGER NOT NULL,
  words       BLOB NOT NULL
);
CREATE INDEX block_session ON block (session, last_seq, first_seq);
CREATE TABLE chapter (
  number      INTEGER PRIMARY KEY,
  words       BLOB NOT NULL
);
CREATE TRIGGER block_gone AFTER DELETE ON block BEGIN
  DELETE FROM chapter WHERE number = old.number / 64;
END;
CREATE TRIGGER turn_erased AFTER UPDATE OF flags ON turn WHEN new.flags & 4 AND NOT old.flags & 4 BEGIN
  DELETE FROM block WHERE session = new.id >> 32;
END;
CREATE TRIGGER event_emptied AFTER UPDATE OF text ON event WHEN new.text = '' AND old.text <> '' BEGIN
  DELETE FROM block WHERE session = new.id >> 32 AND last_seq >= (new.id & 4294967295);
END;
"""


def version(db: apsw.Connection) -> int:
    """Return the version of the schema that the database has; 0 is an empty file."""
    return int(str(db.pragma("user_version")))


def migrate(db: apsw.Connection, todo: Sequence[Step] | None = None) -> int:
    """Run the steps that are missing; return how many ran. Raises StoreReadOnly for a newer schema.

    Two processes may do this at once: the second finds inside its transaction that nothing is left.
    """
    todo = steps() if todo is None else todo
    ran = 0
    if version(db) < len(todo):
        db.execute("BEGIN IMMEDIATE")
        try:
            have = version(db)
            for number, (name, sql) in enumerate(todo[have:], have + 1):
                db.execute(sql)
                db.execute("INSERT INTO migration VALUES (?, ?, ?)", (number, name, int(time.time() * 1000)))
                db.pragma("user_version", number)
                ran += 1
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    if version(db) > len(todo):
        raise StoreReadOnly(
            f"could not write the store: its schema is version {version(db)}, newer than ours ({len(todo)})",
            advice="upgrade rec; reading still works",
        )
    return ran
