"""The steps that make and upgrade the database, and nothing that reads or writes recordings.

Each step is one transaction together with the record that it ran. Steps only add, so an older
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
    return [("create", _COMMENT.sub("", text))]  # SQLite would keep the comments in every database


VERSION = 1  # what the last of the steps makes


def version(db: apsw.Connection) -> int:
    """Return the version of the schema that the database has; 0 is an empty file."""
    return int(str(db.pragma("user_version")))


def migrate(db: apsw.Connection, todo: Sequence[Step] | None = None) -> int:
    """Run the steps that are missing; return how many ran. Raises StoreReadOnly for a newer schema.

    Two processes may do this at once: the second finds inside its transaction that nothing is left.
    """
    todo = steps() if todo is None else todo
    ran = 0
    while version(db) < len(todo):
        db.execute("BEGIN IMMEDIATE")
        try:
            have = version(db)
            if have < len(todo):
                name, sql = todo[have]
                db.execute(sql)
                db.execute(
                    "INSERT INTO migration VALUES (?, ?, ?)", (have + 1, name, int(time.time() * 1000))
                )
                db.pragma("user_version", have + 1)
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
