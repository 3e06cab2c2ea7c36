"""What ``rec`` stored, asked through its own store; else only ``many``, ``play`` and ``hooks`` import it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from bench.peers import rec_root

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.model import Chunk

MAGIC = b"SQLite format 3\x00"


def database(into: Path) -> Path:
    """Return the one database under the root that ``rec`` used there. Raises FileNotFoundError."""
    for path in sorted(rec_root(into).rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(MAGIC)) == MAGIC:
                    return path
    raise FileNotFoundError(rec_root(into))


def newest(into: Path) -> list[Chunk]:
    """Return the raw bytes of the newest session, as they were read."""
    from recorder.stores.sqlite import SqliteStore

    with closing(SqliteStore(database(into), readonly=True)) as store:
        ulid = store.summaries(limit=1)[0].session.ulid
        return list(store.raw(ulid))


def raw_bytes(into: Path) -> int:
    """Return how many raw bytes the newest session holds, counting what is there, not what is said."""
    return sum(len(chunk.data) for chunk in newest(into))


def used_bytes(into: Path) -> int:
    """Return the bytes of the database's pages in use; free pages are the next session's.

    From the header (https://sqlite.org/fileformat2.html#the_database_header), so once it is closed.
    """
    header = database(into).read_bytes()[:100]
    size = int.from_bytes(header[16:18], "big")
    pages, free = (int.from_bytes(header[at : at + 4], "big") for at in (28, 36))
    return (pages - free) * (65536 if size == 1 else size)


def disk_bytes(directory: Path) -> int:
    """Return the bytes of all files under a directory: database, WAL, shared memory, spill, or a cast."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def indexed(into: Path) -> bool:
    """Say whether the store carries a search index: the budget for its size is another then."""
    return b"CREATE TABLE block" in database(into).read_bytes()[:65536]
