"""Reading events and raw bytes, which may be long: page by page, each page one short transaction.

Nothing is open while the caller looks at a page: a parked reader would keep the WAL from being
reset, and a ``seal`` by the writer may move bytes and texts between two pages.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import apsw

from recorder.model import Chunk, Moment
from recorder.stores import segments
from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_connect import fetch, fetch_one
from recorder.stores.sqlite_packs import PAGE, Packs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from recorder.model import Event, JsonValue

_SEGMENTS = 4  # of up to 1 MiB
_SALVAGE = 4096  # rows tried one by one behind a damaged page; one holds far fewer

_EVENT = (
    "SELECT e.id, k.name, e.skew_ms, e.offset_ms, i.ulid, i.started_ms, e.turn, e.text, e.meta FROM event e"
    " JOIN kind k ON k.id = e.kind LEFT JOIN invocation i ON i.id = e.invocation"
)
_WANTED = " WHERE e.id BETWEEN ? AND ? AND (? IS NULL OR k.name IN (SELECT value FROM json_each(?)))"
_SEGMENT = (
    "SELECT g.id, g.length, i.ulid, g.wall_ms, g.offset_ms, g.meta, g.times, g.data FROM segment g"
    " LEFT JOIN invocation i ON i.id = g.invocation"
)


@contextmanager
def reading(db: apsw.Connection) -> Iterator[None]:
    """Read several things as of one moment: that of the caller's transaction, if there is one."""
    if own := not db.in_transaction:
        db.execute("BEGIN")
    try:
        yield
    finally:
        if own and db.in_transaction:
            db.execute("ROLLBACK")  # nothing was written, and a COMMIT behind damage fails


# --- events ----------------------------------------------------------------------------------------


class Events:
    """The events of one session with ids from ``first`` to ``past``, whose text is wanted, a page at a time.

    The older ones are in packs, in runs without a gap; the others are rows, and follow them.
    """

    def __init__(
        self,
        db: apsw.Connection,
        session: int,
        ulid: str,
        span: tuple[int, int],
        kinds: Sequence[str],
        wanted: Callable[[str], object] | None = None,
    ) -> None:
        self._db = db
        self._ulid = ulid
        self._wanted = wanted
        self._base, self._end = rows.span(session)
        self._kinds = json.dumps(list(kinds)) if kinds else None
        self._packs = Packs(db, session, kinds)
        self.seek(*span)

    def seek(self, first: int, past: int) -> None:
        """Go to the events with seqs from ``first`` to ``past``."""
        self._first, self._past = self._base + max(0, first), min(self._base + past, self._end)

    def keep_last(self, count: int) -> None:
        """Leave out all but the last ``count``."""
        with reading(self._db):
            found = fetch(
                self._db,
                "SELECT e.id FROM event e JOIN kind k ON k.id = e.kind"  # noqa: S608
                + _WANTED
                + " ORDER BY e.id DESC LIMIT ?",
                (self._first, self._past, self._kinds, self._kinds, count),
            )
            keys = [row[0] for row in found]
            if len(keys) < count:
                keys += self._packs.last(self._first, self._past, count - len(keys))
        self._first = keys[-1] if keys else self._past + 1

    def page(self) -> list[Event]:
        """Return the next events; none at the end."""
        page: list[Event] = []
        while not page and self._first <= self._past:
            try:
                with reading(self._db):
                    page = self._next()
            except apsw.CorruptError:
                page = self._salvage()
        return page

    def _next(self) -> list[Event]:
        if self._packs.find(self._first, self._past):
            return self._packed()
        found = self._rows(self._first, self._past)
        self._pass(found[-1][0] if found else self._past)
        return self._read(found)

    def _pass(self, key: object) -> None:
        """Go on behind ``key``; damaged pages may hold anything."""
        self._first = max(self._first, key if isinstance(key, int) else 0) + 1

    def _packed(self) -> list[Event]:
        """Take a page out of the pack that was found."""
        found, key = self._packs.rows(self._first, self._past)
        self._pass(key)
        return self._read(found)

    def _read(self, found: list[tuple[Any, ...]]) -> list[Event]:
        page: list[Event] = []
        for row in found:
            try:
                if self._wanted is None or self._wanted(rows.readable(row[7])):
                    page.append(rows.event(self._ulid, row))
            except (TypeError, ValueError):
                continue  # damaged; check counts it
        return page

    def _rows(self, first: int, past: int) -> list[tuple[Any, ...]]:
        return fetch(
            self._db,
            _EVENT + _WANTED + " ORDER BY e.id LIMIT ?",
            (first, past, self._kinds, self._kinds, PAGE),
        )

    def _salvage(self) -> list[Event]:
        """Take rows and packs one by one: what shares a page with the damage is passed over."""
        found: list[tuple[Any, ...]] = []
        last = self._first
        for key in range(self._first, min(self._first + _SALVAGE, self._past + 1)):
            try:
                if self._packs.find(key, key):
                    if not found:
                        self._first = key
                        return self._packed()
                    break
                found += self._rows(key, key)
            except apsw.CorruptError:
                pass
            last = key
            if len(found) == PAGE:
                break
        self._pass(last)
        return self._read(found)


# --- raw bytes -------------------------------------------------------------------------------------


class Raw:
    """The chunks of one session that lie in ``[start, end)``, some segments at a time."""

    def __init__(self, db: apsw.Connection, session: int, ulid: str, start: int, end: int) -> None:
        self._db = db
        self._ulid = ulid
        self._base, top = rows.span(session, rows.RAW_BITS)
        self._at = start
        self._end = min(end, top - self._base)

    def page(self) -> list[Chunk] | None:
        """Return the next chunks, maybe none of a damaged segment; None at the end."""
        if self._at >= self._end:
            return None
        try:
            found = self._rows(_SEGMENTS)
        except apsw.CorruptError:
            found = self._salvage()
        if not found:
            return None
        chunks: list[Chunk] = []
        for row in found:
            start = rows.low(row[0], rows.RAW_BITS)
            chunks += (
                cut
                for chunk in _chunks(self._ulid, row)
                if (cut := clip(chunk, self._at, self._end)) is not None
            )
            length = row[1] if isinstance(row[1], int) else 0
            self._at = max(self._at, start + max(1, length))  # damaged pages may hold any number
        return chunks

    def _rows(self, count: int, columns: str = _SEGMENT) -> list[tuple[Any, ...]]:
        """Fetch segments from the one that holds ``at`` (or follows it) on."""
        with reading(self._db):
            before = fetch_one(
                self._db,
                "SELECT id, length FROM segment WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
                (self._base, self._base + self._at),
            )
            first = self._base + self._at
            if before is not None and isinstance(before[1], int) and before[0] + before[1] > first:
                first = before[0]
            return fetch(
                self._db,
                columns + " WHERE g.id >= ? AND g.id < ? ORDER BY g.id LIMIT ?",
                (first, self._base + self._end, count),
            )

    def _salvage(self) -> list[tuple[Any, ...]]:
        """Fetch one segment; where even that is damaged, pass over it by its length."""
        try:
            return self._rows(1)
        except apsw.CorruptError:
            pass
        try:
            found = self._rows(2, "SELECT g.id, g.length FROM segment g")
        except apsw.CorruptError:
            return []
        # its bytes cannot be had: an empty blob reads as damaged
        return [(*found[0], None, 0, 0, "", b"", b"")] if found else []


def _chunks(ulid: str, row: Sequence[Any]) -> list[Chunk]:
    """Return the chunks of one segment; none if it is damaged."""
    key, length, invocation, wall_ms, offset_ms, meta, times, data = row
    try:
        body = segments.raw_body(data, length)
        ticks = segments.unpack_times(times, Moment(wall_ms, offset_ms), length)
    except (segments.Damaged, TypeError, ValueError):
        return []
    at = 0
    start = rows.low(key, rows.RAW_BITS)
    redactions = _redactions(rows.load(meta).get("redactions"))
    chunks: list[Chunk] = []
    for wall, offset, size in ticks:
        here = start + at
        chunks.append(
            Chunk(
                session=ulid,
                invocation=invocation or "",
                start=here,
                at=Moment(wall, offset),
                data=body[at : at + size],
                redactions=tuple(each for each in redactions if here <= each[0] < here + size),
            )
        )
        at += size
    return chunks


def _redactions(value: JsonValue) -> list[tuple[int, int, str]]:
    if not isinstance(value, list):
        return []
    return [
        (each[0], each[1], each[2])
        for each in value
        if isinstance(each, list)
        and len(each) == 3
        and isinstance(each[0], int)
        and isinstance(each[1], int)
        and isinstance(each[2], str)
    ]


def clip(chunk: Chunk, start: int, end: int) -> Chunk | None:
    """Return the part of a chunk that lies in ``[start, end)``, or nothing."""
    low, high = max(start, chunk.start), min(end, chunk.start + len(chunk.data))
    if low >= high:
        return None
    if high - low == len(chunk.data):
        return chunk
    return Chunk(
        session=chunk.session,
        invocation=chunk.invocation,
        start=low,
        at=chunk.at,
        data=chunk.data[low - chunk.start : high - chunk.start],
        redactions=tuple(each for each in chunk.redactions if low <= each[0] < high),
    )
