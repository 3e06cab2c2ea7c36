"""Replace a range of a session's raw bytes by a tombstone: segments cut, the running hash kept.

A tombstone is a segment without bytes that keeps its length and the running hash behind it. What of
its last 64 KiB block stays cannot be followed from there, as the block's beginning is gone: up to the
block's end the hash starts anew (restart 1). From there on the old one goes on, with the hash of all
whole blocks that the segment's meta then has (restart 2). So no later segment changes.

Runs inside a write transaction of the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from recorder.model import Moment
from recorder.stores import segments
from recorder.stores import sqlite_rows as rows
from recorder.stores.chain import BLOCK, Chain
from recorder.stores.sqlite_chain import chain_at
from recorder.stores.sqlite_connect import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw

    from recorder.model import JsonValue, Meta
    from recorder.stores.segments import Tick

ERASED, WHOLE = "erased", "whole"  # keys of a segment's meta
_COLUMNS = "id, length, invocation, wall_ms, offset_ms, restart, whole, digest, meta, times, data"


@dataclass
class _Segment:
    """A segment with its bytes; none if they cannot be read."""

    row: tuple[Any, ...]
    start: int
    end: int
    meta: Meta
    body: bytes | None
    ticks: list[Tick]

    @property
    def restart(self) -> int:
        return int(self.row[5])

    @property
    def digest(self) -> bytes:
        return bytes(self.row[7])


def chosen(db: apsw.Connection, session: int, start: int, end: int) -> list[int]:
    """Return the ids of the segments that ``bury`` would change."""
    return [segment.row[0] for segment in _overlapping(db, session, start, end)]


def bury(db: apsw.Connection, session: int, ulid: str, start: int, end: int) -> None:
    """Replace the raw bytes in ``[start, end)``; what is damaged among them goes as a whole."""
    found = _overlapping(db, session, start, end)
    if not found:
        return
    chain, fresh = chain_at(db, session, ulid, found[0].start)
    old: Chain | None = chain
    if fresh and not found[0].restart:
        old = None  # damaged before; check names it
    digest = _digest_before(db, session, ulid, found[0].start)
    cutter = _Cutter(start, end, old, digest)
    pieces = [piece for segment in found for piece in cutter.cut(segment)]
    for segment in found:
        db.execute("DELETE FROM segment WHERE id = ?", (segment.row[0],))
    base, _past = rows.span(session, rows.RAW_BITS)
    db.executemany(
        "INSERT INTO segment VALUES (?" + ", ?" * 10 + ")",
        [(base + piece[0], *piece[1:]) for piece in pieces],
    )


def _overlapping(db: apsw.Connection, session: int, start: int, end: int) -> list[_Segment]:
    """Return the segments from ``start`` to the end of the last block, and the one behind them."""
    base, past = rows.span(session, rows.RAW_BITS)
    limit = -(-end // BLOCK) * BLOCK
    found = fetch(
        db,
        f"SELECT {_COLUMNS} FROM segment WHERE id BETWEEN ? AND ? AND id + length > ? AND id < ? ORDER BY id",  # noqa: S608
        (base, past, base + start, base + limit),
    )
    if not found:
        return []
    found += fetch(
        db,
        f"SELECT {_COLUMNS} FROM segment WHERE id > ? AND id <= ? ORDER BY id LIMIT 1",  # noqa: S608
        (found[-1][0], past),
    )
    return [_read(row) for row in found]


def _read(row: tuple[Any, ...]) -> _Segment:
    key, length, _invocation, wall_ms, offset_ms, _restart, _whole, _digest, meta, times, data = row
    start = rows.low(key, rows.RAW_BITS)
    body: bytes | None = None
    ticks: list[Tick] = []
    try:
        ticks = segments.unpack_times(times, Moment(wall_ms, offset_ms), length)
        body = segments.raw_body(data, length)
    except segments.Damaged:
        pass
    return _Segment(row, start, start + length, rows.load(meta), body, ticks)


def _digest_before(db: apsw.Connection, session: int, ulid: str, start: int) -> bytes:
    base, _past = rows.span(session, rows.RAW_BITS)
    found = fetch(
        db,
        "SELECT digest FROM segment WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
        (base, base + start),
    )
    return bytes(found[0][0]) if found else Chain.seed(ulid)


class _Cutter:
    """Cuts segment after segment into pieces, each with its hash.

    ``old`` is the running hash as it was, None where damage hides it; ``own`` the one that starts
    behind the tombstone. ``before`` is the digest before the next piece as it was, ``now`` as it is;
    ``even``: they are the same for good.
    """

    def __init__(self, start: int, end: int, old: Chain | None, before: bytes) -> None:
        self._start = start
        self._end = end
        self._limit = -(-end // BLOCK) * BLOCK
        self._old = old
        self._own: Chain | None = None
        self._before = self._now = before
        self._at: int | None = None
        self._even = False

    def cut(self, segment: _Segment) -> Iterator[tuple[Any, ...]]:
        """Yield the rows that a segment becomes; their ids are raw offsets."""
        if self._even:
            yield (segment.start, *segment.row[1:])
            return
        if segment.restart or (self._at is not None and self._at != segment.start):
            self._old = self._begun(segment)
            self._own = None
        whole = segment.body is None and segment.start < self._end and segment.end > self._start
        marks = (self._start, self._end, self._limit)
        cuts = [segment.start, *(mark for mark in marks if segment.start < mark < segment.end), segment.end]
        if segment.body is None:
            cuts = [segment.start, segment.end]
        for first, past in pairwise(cuts):
            if whole or self._start <= first < self._end:
                yield self._tombstone(segment, first, past)
            elif segment.body is None or past <= self._start:
                yield self._kept(segment, first, past, segment.restart if first == segment.start else 0)
            else:
                yield self._behind(segment, first, past)
        self._before, self._at = segment.digest, segment.end

    def _begun(self, segment: _Segment) -> Chain | None:
        """Return the hash as it was at a segment where it started anew."""
        if segment.restart == 2:
            whole = segment.meta.get(WHOLE)
            return Chain(bytes.fromhex(whole), segment.start) if isinstance(whole, str) else None
        return Chain(self._before, segment.start)

    def _tombstone(self, segment: _Segment, first: int, past: int) -> tuple[Any, ...]:
        if ERASED in segment.meta:
            self._now = segment.digest
            self._old = None
            return (segment.start, *segment.row[1:])
        self._feed(segment, first, past)
        whole, digest = self._hash(segment, past)
        self._own = None
        wall_ms, offset_ms, _length = _ticks(segment, first, past)[0]
        meta: Meta = {ERASED: [first, past - first, digest.hex()]}
        times = segments.pack_times([(wall_ms, offset_ms, past - first)])
        self._now = digest
        facts = (segment.row[2], wall_ms, offset_ms, 1, whole, digest)
        return (first, past - first, *facts, rows.dump(meta), times, segments.squeeze(b""))

    def _kept(self, segment: _Segment, first: int, past: int, restart: int) -> tuple[Any, ...]:
        """Return a piece before the tombstone, or one that cannot be read."""
        if segment.body is None:
            self._old = None
            self._now = segment.digest
            return (segment.start, *segment.row[1:])
        self._feed(segment, first, past)
        whole, digest = self._hash(segment, past)
        self._now = digest
        more: Meta = {WHOLE: segment.meta[WHOLE]} if restart and WHOLE in segment.meta else {}
        return _piece(segment, (first, past), (restart, whole, digest), more)

    def _behind(self, segment: _Segment, first: int, past: int) -> tuple[Any, ...]:
        """Return a piece behind the tombstone: in its last block with a hash of its own."""
        if first >= self._limit:
            return self._again(segment, first, past)
        restart = 0
        if self._own is None:
            self._own = Chain(self._now, first)
            restart = 1
        body = _bytes(segment, first, past)
        self._own.feed(body)
        self._feed(segment, first, past)
        self._now = self._own.digest()
        return _piece(segment, (first, past), (restart, self._own.whole, self._now), {})

    def _again(self, segment: _Segment, first: int, past: int) -> tuple[Any, ...]:
        """Return the piece with which the old hash goes on."""
        more: Meta = {} if self._old is None else {WHOLE: self._old.whole.hex()}
        self._even = True
        return _piece(segment, (first, past), (2, bytes(segment.row[6]), segment.digest), more)

    def _feed(self, segment: _Segment, first: int, past: int) -> None:
        if segment.body is None:
            self._old = None
        elif self._old is not None:
            self._old.feed(_bytes(segment, first, past))

    def _hash(self, segment: _Segment, past: int) -> tuple[bytes, bytes]:
        """Return the old hash at ``past``: as it was written where a segment ends there."""
        if past == segment.end or self._old is None:
            return bytes(segment.row[6]), segment.digest
        return self._old.whole, self._old.digest()


def _bytes(segment: _Segment, first: int, past: int) -> bytes:
    assert segment.body is not None  # noqa: S101  (the callers looked)
    return segment.body[first - segment.start : past - segment.start]


def _ticks(segment: _Segment, first: int, past: int) -> list[Tick]:
    """Return the times of a part of a segment."""
    found: list[Tick] = []
    at = segment.start
    for wall_ms, offset_ms, length in segment.ticks:
        low, high = max(first, at), min(past, at + length)
        if low < high:
            found.append((wall_ms, offset_ms, high - low))
        at += length
    return found or [(segment.row[3], segment.row[4], past - first)]


def _piece(
    segment: _Segment, part: tuple[int, int], chain: tuple[int, bytes, bytes], more: Meta
) -> tuple[Any, ...]:
    """Return the row of a part of a segment: without the texts of a pack behind its bytes."""
    first, past = part
    ticks = _ticks(segment, first, past)
    meta = dict(more)
    redactions = segment.meta.get("redactions")
    if isinstance(redactions, list):
        kept: list[JsonValue] = [
            each for each in redactions if isinstance(each, list) and _lies(each[:1], first, past)
        ]
        if kept:
            meta["redactions"] = kept
    return (
        first,
        past - first,
        segment.row[2],
        *ticks[0][:2],
        *chain,
        rows.dump(meta),
        segments.pack_times(ticks, segments.SEAL_LEVEL),
        segments.squeeze_shown(_bytes(segment, first, past)),
    )


def _lies(at: Sequence[Any], first: int, past: int) -> bool:
    return bool(at) and isinstance(at[0], int) and first <= at[0] < past
