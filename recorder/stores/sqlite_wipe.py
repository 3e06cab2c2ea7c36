"""Overwrite what SQLite leaves of deleted rows in pages that are still in use.

``secure_delete`` overwrites what is freed, and only that. When SQLite moves rows to even out its
pages, their old copies stay in the unallocated middle of a page, between its list of cells and the
cells: of 2000 deleted rows among 2000 others 8 could still be read. VACUUM would rewrite the whole
file, a second per 100 MB with everybody locked out and as much again on disk; this overwrites the
middles alone, in place, 0.06 s per 100 MB.

Why writing past SQLite is safe: the middle of a page has no meaning in the file format. The file is
written by checkpoints only, and there is none while the write lock is ours and the log is empty. The
bytes go through the file that SQLite itself opened, so no lock of this process is lost. The commit at
the end makes every other connection forget the pages it had read. A kill leaves some middles undone.
"""

from __future__ import annotations

import struct
import time
from contextlib import closing
from typing import TYPE_CHECKING

import apsw

from recorder.errors import StoreBusy
from recorder.stores.sqlite_connect import fetch, open_writer, translated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INTERIOR = (2, 5)  # the first byte of a page that has children; their header is 4 bytes longer
_LEAF = (10, 13)
_FILE_HEADER = 100  # bytes, before the first page's own
_WAIT_S = 0.005


def wipe(path: Path, busy_ms: int) -> None:
    """Leave nothing of deleted rows in the database or its log; raise StoreBusy if others are in the way.

    Waits at most ``busy_ms`` for the moment in which the log is empty and the write lock free.
    """
    files = _Files()
    try:
        with (
            closing(open_writer(path, busy_ms, vfs=files.name)) as db,
            translated("wipe the store", db),
        ):
            _alone(db, path, time.monotonic() + busy_ms / 1000)
            try:
                for page, first, past in _middles(db, files.database):
                    files.database.xWrite(bytes(past - first), page + first)
                files.database.xSync(apsw.SQLITE_SYNC_FULL)
                db.pragma("user_version", db.pragma("user_version"))  # a change, for the others to see
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
    finally:
        files.unregister()


def _alone(db: apsw.Connection, path: Path, deadline: float) -> None:
    """Begin a transaction in which no one has anything to write to the database file."""
    log = path.with_name(path.name + "-wal")
    while True:
        ((busy, _frames, _moved),) = fetch(db, "PRAGMA wal_checkpoint(TRUNCATE)")
        if not busy:
            db.execute("BEGIN IMMEDIATE")
            if log.stat().st_size == 0:
                return
            db.execute("ROLLBACK")  # somebody was faster
        if time.monotonic() >= deadline:
            raise StoreBusy(
                "could not wipe the store: others keep using it",
                advice="what was deleted is gone from it; `rec compact` overwrites the rest",
            )
        time.sleep(_WAIT_S)


def _middles(db: apsw.Connection, file: apsw.VFSFile) -> Iterator[tuple[int, int, int]]:
    """Yield (offset of the page, first, past) of every unallocated middle that holds anything."""
    size = int(str(db.pragma("page_size")))
    # SQLite says itself which pages are nodes of its trees.
    for (number,) in fetch(db, "SELECT pageno FROM dbstat WHERE pagetype <> 'overflow'"):
        offset = (number - 1) * size
        page = file.xRead(size, offset)
        first, past = _middle(page, _FILE_HEADER if number == 1 else 0)
        if any(page[first:past]):
            yield offset, first, past


def _middle(page: bytes, header: int) -> tuple[int, int]:
    """Return where the unallocated middle of a tree's page begins and ends; nowhere if in doubt.

    https://www.sqlite.org/fileformat2.html#b_tree_pages
    """
    kind = page[header]
    count, past = struct.unpack_from(">HH", page, header + 3)
    first = header + (12 if kind in _INTERIOR else 8) + 2 * count
    if kind not in (*_INTERIOR, *_LEAF) or not first <= past <= len(page):
        return 0, 0
    cells = struct.unpack_from(f">{count}H", page, first - 2 * count)
    return (first, past) if min(cells, default=past) >= past else (0, 0)


class _Files(apsw.VFS):
    """The system's files, and a hand on the database among them."""

    def __init__(self) -> None:
        super().__init__(f"rec-wipe-{id(self)}", "")
        self.name = f"rec-wipe-{id(self)}"
        self.database: apsw.VFSFile

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  (SQLite's name)
        """Open a file as the system does."""
        file = apsw.VFSFile("", name, flags)
        if flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            self.database = file
        return file
