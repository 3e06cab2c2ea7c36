"""Merge a session's small segments into large ones, and move events to the bytes they came from.

Rendered text repeats the raw bytes almost word for word, and an event's row weighs more than what
it says: in packs (packs.py) both cost next to nothing. Live rows are plain; this runs when 256 KiB of
small segments have come together and when an invocation ends. Everything here runs inside one write
transaction of the caller; raw bytes, times, events and hashes stay what they were.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recorder.model import Moment
from recorder.stores import packs, pieces, segments
from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_connect import fetch, fetch_one
from recorder.stores.sqlite_packs import unpacked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import apsw

    from recorder.model import Meta

BIG = 64 * 1024  # a live segment of a flood; not worth merging when there are many
ENOUGH = 256 * 1024  # a merged segment that is not merged again
_ALL = 2 * 1024 * 1024  # beyond it big segments stay as they are, unless they have text
_MAX_TEXT = 1024 * 1024  # characters in one pack …
_MAX_RAW = 64 * 1024 * 1024  # bytes of a session that is sealed anew …
_MAX_EVENTS = 200_000  # … and events: they are all held in memory
_ROW = 256  # … and what an event without any counts: 4096 make a pack that is read in 50 ms

Entry = tuple[packs.Fact, packs.Text]


@dataclass
class _Group:
    """Segments that become one, and the events that go behind their bytes."""

    parts: list[tuple[Any, ...]] = field(default_factory=list)  # id, length, invocation, restart
    length: int = 0
    merge: bool = True
    events: list[Entry] = field(default_factory=list)
    size: int = 0  # of the texts, in characters

    @property
    def key(self) -> int:
        """The id of the first segment."""
        return int(self.parts[0][0])

    @property
    def end(self) -> int:
        """The raw offset after the last one."""
        return rows.low(self.key, rows.RAW_BITS) + self.length


class _Row:
    """An event's row, and the raw offset it belongs to."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        fact = packs.Fact(rows.low(row[0]), *row[1:6])
        text, meta = rows.readable(row[6]), rows.readable(row[7])
        self.entry: Entry = (fact, (text, meta))
        self.size = _ROW + len(text) + len(meta)
        self.place = _raw_start(rows.load(meta).get("raw"))


def seal(db: apsw.Connection, session: int) -> int:
    """Merge what can be merged; return how many segments were replaced."""
    row = fetch_one(
        db, "SELECT sealed_raw, raw_length, packed_seq, last_seq FROM progress WHERE session = ?", (session,)
    )
    if row is None:
        return 0
    sealed_raw, raw_length, packed_seq, last_seq = row
    events = _rows(db, session, packed_seq)
    groups = _groups(db, session, sealed_raw, {event.place for event in events if event.place is not None})
    if not groups:
        return 0
    tail = groups[-1]
    old = _old_events(db, session, groups[0])
    first, past = rows.span(session)
    db.execute("DELETE FROM event WHERE id BETWEEN ? AND ?", (first + packed_seq + 1, past))
    merged = _lay(db, session, groups, events, old)
    again = tail.merge and tail.length < ENOUGH and tail.size < _MAX_TEXT // 2
    done = rows.low(tail.key, rows.RAW_BITS) if again else raw_length
    db.execute(
        "UPDATE progress SET sealed_raw = ?, packed_seq = ? WHERE session = ?", (done, last_seq, session)
    )
    return merged


def seal_anew(db: apsw.Connection, session: int) -> int:
    """Merge all segments of a session as if none had been; return how many there are less.

    One that is too long to be held in memory is sealed as usual; one that is damaged stays as it is.
    """
    row = fetch_one(db, "SELECT raw_length, n_events, last_seq FROM progress WHERE session = ?", (session,))
    if row is None or not _mergeable(db, session):
        return 0
    if row[0] > _MAX_RAW or row[1] > _MAX_EVENTS:
        before = _count(db, session)
        seal(db, session)
        return before - _count(db, session)
    try:
        events = [*_packed(db, session), *_rows(db, session, 0)]
    except segments.Damaged:
        return 0
    before = _count(db, session)
    hosts = {
        host
        for (host,) in fetch(db, "SELECT segment FROM pack WHERE id BETWEEN ? AND ?", rows.span(session))
        if host is not None
    }
    places = {event.place for event in events if event.place is not None}
    groups = _groups(db, session, 0, places | {rows.low(host, rows.RAW_BITS) for host in hosts})
    groups = groups or [_Group(merge=False)]  # only texts
    for table in ("pack", "event"):
        db.execute(f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", rows.span(session))  # noqa: S608
    _lay(db, session, groups, events, [], hosts)
    db.execute(
        "UPDATE progress SET sealed_raw = ?, packed_seq = ? WHERE session = ?", (row[0], row[2], session)
    )
    return before - _count(db, session)


def _mergeable(db: apsw.Connection, session: int) -> bool:
    """Say whether a session has segments or events that seal would put together."""
    rest = fetch_one(db, "SELECT 1 FROM event WHERE id BETWEEN ? AND ? LIMIT 1", rows.span(session))
    return rest is not None or any(len(group.parts) > 1 for group in _groups(db, session, 0, set()))


def _count(db: apsw.Connection, session: int) -> int:
    span = rows.span(session, rows.RAW_BITS)
    return int((fetch_one(db, "SELECT count(*) FROM segment WHERE id BETWEEN ? AND ?", span) or (0,))[0])


def _packed(db: apsw.Connection, session: int) -> Iterator[_Row]:
    """Yield the events that are in packs; raise Damaged."""
    for row in fetch(
        db,
        "SELECT id, last_seq, segment, facts, data FROM pack WHERE id BETWEEN ? AND ? ORDER BY id",
        rows.span(session),
    ):
        pack, texts = unpacked(db, row)
        for fact, (text, meta) in zip(pack.facts, texts, strict=True):
            yield _Row((fact.seq, *fact[1:], text, meta))


def _lay(
    db: apsw.Connection,
    session: int,
    groups: list[_Group],
    events: list[_Row],
    old: list[Entry],
    hosts: Collection[int] = (),
) -> int:
    """Write groups and events; return how many segments were replaced.

    ``old`` are events that the first group has already; ``hosts`` are segments whose texts have moved.
    """
    _spread(groups, events)
    merged = 0
    for group in groups:
        stale = any(part[0] in hosts for part in group.parts)
        if group.merge and (len(group.parts) > 1 or group.events or stale):
            merged += _merge(db, session, group, old if group is groups[0] else [])
        elif group.events:
            write_pack(db, session, group.events)
    return merged


def _groups(db: apsw.Connection, session: int, sealed_raw: int, places: set[int]) -> list[_Group]:
    """Group the segments that are not sealed yet: no hole, restart or other invocation inside.

    ``places`` are the raw offsets of texts: a big segment with text is always worth merging.
    """
    first, past = rows.span(session, rows.RAW_BITS)
    found = fetch(
        db,
        "SELECT id, length, invocation, restart FROM segment WHERE id BETWEEN ? AND ? ORDER BY id",
        (first + sealed_raw, past),
    )
    everything = sum(row[1] for row in found) <= _ALL
    ordered = sorted(places)
    groups: list[_Group] = []
    for row in found:
        key, length, invocation, restart = row
        start = rows.low(key, rows.RAW_BITS)
        texts = bisect_left(ordered, start + length) - bisect_left(ordered, start)
        alone = not everything and length >= BIG and not texts
        last = groups[-1] if groups else None
        if (
            last is None
            or alone
            or not last.merge
            or restart
            or last.key + last.length != key
            or last.parts[-1][2] != invocation
            or last.length + length > pieces.MAX_RAW
        ):
            last = _Group(merge=not alone)
            groups.append(last)
        last.parts.append(row)
        last.length += length
    return groups


def _old_events(db: apsw.Connection, session: int, group: _Group) -> list[Entry]:
    """Read the pack of the segment that the last seal made and this one merges again.

    Only the first group can have one: it begins where the last seal ended.
    """
    row = fetch_one(
        db,
        "SELECT id, last_seq, segment, facts, data FROM pack WHERE id BETWEEN ? AND ? AND segment = ?",
        (*rows.span(session), group.key),
    )
    if row is None or not group.merge:
        return []
    try:
        pack, texts = unpacked(db, row)
    except segments.Damaged:
        group.merge = False  # what is damaged is left as it is
        return []
    group.size = sum(_ROW + len(text) + len(meta) for text, meta in texts)
    return list(zip(pack.facts, texts, strict=True))


def _rows(db: apsw.Connection, session: int, packed_seq: int) -> list[_Row]:
    """Read the events that are still in their rows."""
    first, past = rows.span(session)
    found = fetch(
        db,
        "SELECT id, kind, skew_ms, offset_ms, invocation, turn, text, meta FROM event"
        " WHERE id BETWEEN ? AND ? ORDER BY id",
        (first + packed_seq + 1, past),
    )
    return [_Row(row) for row in found]


def _spread(groups: list[_Group], events: list[_Row]) -> None:
    """Give each event to the group that holds the bytes it was rendered from.

    Seqs stay ascending from group to group: a pack holds all events from its first to its last.
    """
    at = 0
    for event in events:
        while (
            at + 1 < len(groups)
            and event.place is not None
            and groups[at + 1].parts
            and event.place >= groups[at].end
        ):
            at += 1
        if groups[at].size and groups[at].size + event.size > _MAX_TEXT:
            at += 1
            if at == len(groups):
                groups.append(_Group(merge=False))  # texts without bytes
        groups[at].events.append(event.entry)
        groups[at].size += event.size


def _raw_start(raw: Any) -> int | None:  # noqa: ANN401  (JSON)
    """Return where the bytes of an event begin: ``[start, end]`` of an output, ``start`` of a prompt."""
    if isinstance(raw, list):
        raw = raw[0] if raw else None
    return raw if isinstance(raw, int) else None


def _merge(db: apsw.Connection, session: int, group: _Group, old: list[Entry]) -> int:
    """Replace a group's segments by one; return how many it were, 0 if one of them is damaged."""
    bodies: list[bytes] = []
    ticks: list[segments.Tick] = []
    more: Meta = {}
    redactions: list[Any] = []
    found = fetch(
        db,
        "SELECT length, wall_ms, offset_ms, restart, whole, digest, meta, times, data FROM segment"
        " WHERE id BETWEEN ? AND ? ORDER BY id",
        (group.key, group.parts[-1][0]),
    )
    try:
        for length, wall_ms, offset_ms, _restart, _whole, _digest, text, times, data in found:
            meta = rows.load(text)
            more = more or {key: meta[key] for key in ("whole",) if key in meta}  # of the first, see bury
            bodies.append(segments.raw_body(data, length))
            ticks += segments.unpack_times(times, Moment(wall_ms, offset_ms), length)
            listed = meta.get("redactions")
            redactions += listed if isinstance(listed, list) else []
    except segments.Damaged:
        if group.events:
            write_pack(db, session, group.events)
        return 0
    raw = b"".join(bodies)
    events = [*old, *group.events]
    facts, behind = packs.pack(events, raw, rows.low(group.key, rows.RAW_BITS)) if events else (b"", b"")
    _replace(
        db,
        group,
        (
            group.key,
            group.length,
            group.parts[0][2],
            found[0][1],
            found[0][2],
            found[0][3],
            found[-1][4],
            found[-1][5],
            rows.dump(more | ({"redactions": redactions} if redactions else {})),
            segments.pack_times(segments.join_ticks(ticks), segments.SEAL_LEVEL),
            segments.squeeze_shown(raw + behind),
        ),
    )
    if events:
        db.execute(  # the events of an old pack have moved on with its segment
            "DELETE FROM pack WHERE id BETWEEN ? AND ? AND segment = ?", (*rows.span(session), group.key)
        )
        _insert_pack(db, session, events, (group.key, facts, None))
    return len(found)


def _replace(db: apsw.Connection, group: _Group, values: tuple[Any, ...]) -> None:
    db.execute("DELETE FROM segment WHERE id BETWEEN ? AND ?", (group.key, group.parts[-1][0]))
    db.execute("INSERT INTO segment VALUES (?" + ", ?" * 10 + ")", values)


def write_pack(db: apsw.Connection, session: int, events: list[Entry]) -> None:
    """Write a pack of its own, where no segment is being rewritten."""
    facts, body = packs.pack(events, b"", 0)
    _insert_pack(db, session, events, (None, facts, segments.squeeze_shown(body)))


def _insert_pack(
    db: apsw.Connection, session: int, events: list[Entry], rest: tuple[int | None, bytes, bytes | None]
) -> None:
    first, last = events[0][0].seq, events[-1][0].seq
    db.execute("INSERT INTO pack VALUES (?, ?, ?, ?, ?)", (session << rows.SEQ_BITS | first, last, *rest))
