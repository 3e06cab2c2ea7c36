"""Is anything left of what was deleted? In every file, as it stands and decompressed, and in every row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw
from blackbox import grep_root, zstd_frames

if TYPE_CHECKING:
    from pathlib import Path


def left(root: Path, marker: bytes) -> list[str]:
    """Where the bytes stand below ``root``: names of files, and of tables of the database."""
    return [*(path.name for path in grep_root(root, marker)), *_tables(root / "rec.db", marker)]


def _tables(path: Path, marker: bytes) -> list[str]:
    """The tables of whose rows one holds the marker; a large blob is cut by pages in the file."""
    db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    try:
        names = [
            name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        ]
        return [
            name for name in names if any(_holds(row, marker) for row in db.execute(f"SELECT * FROM {name}"))
        ]
    finally:
        db.close()


def _holds(row, marker: bytes) -> bool:
    for value in row:
        data = value.encode() if isinstance(value, str) else value
        if isinstance(data, bytes) and (
            marker in data or any(marker in plain for plain in zstd_frames(data))
        ):
            return True
    return False
