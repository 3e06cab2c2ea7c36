"""The running hash of a session, rebuilt from its segments; only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.stores import segments
from recorder.stores import sqlite_rows as rows
from recorder.stores.chain import BLOCK, Chain
from recorder.stores.sqlite_connect import fetch_one

if TYPE_CHECKING:
    import apsw


def chain_at(db: apsw.Connection, session: int, ulid: str, start: int) -> tuple[Chain, bool]:
    """Rebuild the running hash at a segment's start, or start anew where that cannot be (hole, damage)."""
    first, _past = rows.span(session, rows.RAW_BITS)
    row = fetch_one(
        db,
        "SELECT id, length, whole, digest, length(data) FROM segment WHERE id >= ? AND id < ?"
        " ORDER BY id DESC LIMIT 1",
        (first, first + start),
    )
    if row is None:
        return Chain(Chain.seed(ulid), start), start > 0
    key, length, whole, digest, stored = row
    if rows.low(key, rows.RAW_BITS) + length == start and stored > 1:  # 1: a tombstone
        try:
            chain = Chain.resumed(whole, start, _begun(db, session, start))
        except segments.Damaged:
            pass
        else:
            if chain.digest() == digest:
                return chain, False
    return Chain(digest, start), True


def _begun(db: apsw.Connection, session: int, end: int) -> bytes:
    """Return the bytes from the begun block's start (or a restart within it) to ``end``."""
    parts: list[bytes] = []
    first, _past = rows.span(session, rows.RAW_BITS)
    at = end
    while at > end - end % BLOCK:
        row = fetch_one(
            db,
            "SELECT id, length, restart, data FROM segment WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
            (first, first + at),
        )
        if row is None:
            break
        key, length, restart, blob = row
        start = rows.low(key, rows.RAW_BITS)
        body = segments.raw_body(blob, length)
        if start + length != at:
            raise segments.Damaged("bytes are missing")
        parts.append(body[max(0, end - end % BLOCK - start) :])
        at = start
        if restart:
            break
    return b"".join(reversed(parts))
