"""Give a session or a turn to others: its parts in the order in which they happened, and as lines.

Service: takes its store as an argument, yields records and text, writes no file and prints nothing.
The lineage becomes one stream: raw offsets, and where events quote them, count on from part to part.
What was erased is not there; time goes on over it.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recorder import erasing, lineage, units
from recorder.errors import NotFound
from recorder.formats import cast, notes
from recorder.formats.records import Heading
from recorder.model import Chunk, Event, Kind, Size, Summary
from recorder.safe import visible
from recorder.stores.pieces import clip
from recorder.turns import raw_offset
from recorder.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recorder.model import Invocation, JsonValue, Meta, Session, Turn
    from recorder.store import Store

    Told = Callable[[int, int], None]  # how much is done, of how much

PIECE = 64 << 10  # bytes of one output line
IDLE_MS = 1000  # the longest pause before a turn's prompt in an export of that turn alone
OFFSETS = ("raw", "raw_at", "recovered")  # keys of an event's meta that hold raw offsets


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one session: the turns of it that are meant (None: all), and its raw bytes.

    ``shift`` is what its raw offsets are moved by.
    """

    leg: lineage.Leg
    turns: frozenset[int] | None
    start: int
    end: int
    shift: int


@dataclass(frozen=True, slots=True)
class Picked:
    """What is exported: a session with its lineage, or one turn of it."""

    summary: Summary
    parts: tuple[Part, ...]
    size: Size
    turn: Turn | None = None

    @property
    def n_bytes(self) -> int:
        """Return how many bytes of output there are; erased ones count."""
        return sum(part.end - part.start for part in self.parts)

    @property
    def whole(self) -> bool:
        """Say whether it is all of one session, with nothing of another."""
        return self.turn is None and len(self.parts) == 1 and self.parts[0].leg.upto_seq is None


def session(store: Store, ulid: str) -> Picked:
    """Pick a session with all that it inherited; raise NotFound."""
    parts: list[Part] = []
    at = 0
    for leg in lineage.legs(store, ulid):
        end = lineage.end_of(store, leg)
        end = store.raw_length(leg.ulid) if end is None else end
        parts.append(Part(leg, None, 0, end, at))
        at += end
    if not parts:
        raise NotFound(f"no such session: {ulid}")
    return Picked(parts[-1].leg.summary, tuple(parts), parts[0].leg.summary.session.size)


def turn(store: Store, found: Turn) -> Picked:
    """Pick a turn, with the turns inside it, from the end of the one before: its prompt, too."""
    summary = store.summary(found.session)
    if summary is None:
        raise NotFound(f"no such session: {found.session}")
    turns = store.turns(found.session)
    grave = erasing.grave(turns, found.turn, 0)
    end = max(each.raw_end for each in turns if each.turn in grave.turns)
    part = Part(lineage.Leg(summary, None, None), grave.turns, grave.start, end, -grave.start)
    return Picked(summary, (part,), _size_at(store, summary.session, found), found)


def _size_at(store: Store, of: Session, found: Turn) -> Size:
    """Return the terminal's size when a turn began."""
    size = of.size
    for event in store.events(of.ulid, kinds=[Kind.RESIZE.value]):
        if (raw_offset(event) or 0) > found.raw_start:
            break
        size = size_of(event) or size
    return size


def size_of(event: Event) -> Size | None:
    """Return the size that an event tells of, if it is one."""
    cols, rows = event.meta.get("cols"), event.meta.get("rows")
    if event.kind == Kind.RESIZE and isinstance(cols, int) and isinstance(rows, int):
        return Size(cols, rows)
    return None


def events(store: Store, picked: Picked) -> Iterator[Event]:
    """Yield the events, as they are stored."""
    for part in picked.parts:
        yield from _events(store, part)


def _events(store: Store, part: Part) -> Iterator[Event]:
    for event in lineage.events_of(store, part.leg):
        if part.turns is None or event.turn in part.turns:
            yield event


# --- one stream ------------------------------------------------------------------------------------


def stream(store: Store, picked: Picked) -> Iterator[Chunk | Event | Summary]:
    """Yield bytes and events as they happened, each part after the row of its session."""
    for part in picked.parts:
        yield part.leg.summary
        chunks = store.raw(part.leg.ulid, part.start, part.end) if part.end > part.start else iter(())
        for item in merged(chunks, _events(store, part)):
            yield shifted(item, part.shift)


def merged(chunks: Iterator[Chunk], events: Iterator[Event]) -> Iterator[Chunk | Event]:
    """Put events between bytes: where they say to be in the stream, else by their time.

    Both keep their own order. Bytes come in small pieces, cut where an event stands inside.
    """
    waiting = next(events, None)
    for chunk in chunks:
        at, end = chunk.start, chunk.start + len(chunk.data)
        while at < end:
            while waiting is not None and _is_due(waiting, at, chunk):
                yield waiting
                waiting = next(events, None)
            place = None if waiting is None else raw_offset(waiting)
            stop = min(end, at + PIECE, end if place is None or place <= at else place)
            piece = clip(chunk, at, stop)
            if piece is not None:
                yield piece
            at = stop
    if waiting is not None:
        yield waiting
    yield from events


def _is_due(event: Event, at: int, chunk: Chunk) -> bool:
    place = raw_offset(event)
    return event.at.wall_ms <= chunk.at.wall_ms if place is None else place <= at


def shifted(item: Chunk | Event, by: int) -> Chunk | Event:
    """Return an item with its raw offsets moved; none becomes negative."""
    if by == 0:
        return item
    if isinstance(item, Chunk):
        moved = tuple((at + by, size, what) for at, size, what in item.redactions)
        return replace(item, start=item.start + by, redactions=moved)
    meta: Meta = dict(item.meta)
    for key in OFFSETS:
        value = meta.get(key)
        if isinstance(value, list):
            meta[key] = [max(0, each + by) if isinstance(each, int) else each for each in value]
        elif isinstance(value, int) and not isinstance(value, bool):
            meta[key] = max(0, value + by)
    return replace(item, meta=meta)


class Timeline:
    """The time of a recording over all its runs: between two of them none passes."""

    def __init__(self, *, of_turn: bool = False) -> None:
        """Begin where the first run began.

        With ``of_turn`` begin at the first bytes, and cut short what was idle before the turn was submitted.
        """
        self._origin: int | None = None if of_turn else 0
        self._waiting = of_turn
        self._run: str | None = None
        self.now = 0

    def of(self, item: Chunk | Event) -> int:
        """Return an item's time in ms; it never goes back. An event of another run is of this moment."""
        if isinstance(item, Chunk) and item.invocation != self._run:
            if self._run is not None:
                self._origin = -self.now
            elif self._origin is None:
                self._origin = item.at.offset_ms
            self._run = item.invocation
        if item.invocation == self._run and self._origin is not None:
            gone = max(self.now, item.at.offset_ms - self._origin) - self.now
            if self._waiting and gone > IDLE_MS:
                self._origin += gone - IDLE_MS
                gone = IDLE_MS
            self.now += gone
        self._waiting = self._waiting and not isinstance(item, Event)
        return self.now


def timed(
    items: Iterator[Chunk | Event | Summary], timeline: Timeline
) -> Iterator[tuple[int, Chunk | Event | Summary]]:
    """Yield items with their times (ms).

    A label may be given to a session weeks after its tool has ended. Marks behind the last bytes of a run
    count as of that moment, unless they are known to be from before its end: no time passes for them.
    """
    ends: dict[str | None, int] = {}
    held: list[Event] = []  # a mark, and the events behind it: bytes that follow say whether the run went on

    def released(run: str | None) -> Iterator[tuple[int, Event]]:
        for event in held:
            late = event.kind == Kind.MARK and event.invocation != run
            late = late and event.at.wall_ms > ends.get(event.invocation, 0)
            yield timeline.now if late else timeline.of(event), event
        held.clear()

    for item in items:
        if isinstance(item, Event) and (held or item.kind == Kind.MARK):
            held.append(item)
            continue
        yield from released(item.invocation if isinstance(item, Chunk) else None)
        if not isinstance(item, Summary):
            yield timeline.of(item), item
            continue
        if item.invocation is not None and item.invocation.ended_ms is not None:
            ends[item.invocation.ulid] = item.invocation.ended_ms
        yield timeline.now, item
    yield from released(None)


# --- lines -----------------------------------------------------------------------------------------


def cast_lines(
    store: Store,
    picked: Picked,
    version: int,
    told: Told | None = None,
    *,
    noted: bool = True,
    marked: Callable[[int, Event], None] | None = None,
) -> Iterator[str]:
    """Yield an asciicast's lines; ``noted`` puts all that v3 cannot say in comments, and remarks in markers.

    ``told`` is called now and then with how many bytes of output are done, and of how many; ``marked``
    with the time (ms) and the prompt of each turn that becomes a marker.
    """
    head = heading(picked)
    if noted and version == 2:
        head = replace(head, remarks=_remarks(store, picked))
    yield cast.header(version, head)
    writer = cast.Writer(version, noted=noted)
    yield from writer.note("session", _facts(picked))
    timeline = Timeline(of_turn=picked.turn is not None)
    size, done = picked.size, 0
    known: dict[str, Invocation] = {}
    for ms, item in timed(stream(store, picked), timeline):
        if isinstance(item, Summary):
            if item.invocation is not None:
                known[item.invocation.ulid] = item.invocation
            if picked.turn is None and item.session.size != size:
                size = item.session.size
                yield from writer.resize(ms, size)
            continue
        if item.invocation is not None:
            began = item.at.wall_ms - item.at.offset_ms
            yield from writer.run(item.invocation, _run(known.get(item.invocation), began))
        if isinstance(item, Chunk):
            yield from writer.chunk(ms, item)
            done += len(item.data)
            if told is not None:
                told(done, picked.n_bytes)
        else:
            yield from writer.event(ms, item)
            if marked is not None and cast.is_marker(item):
                marked(ms, item)
            size = size_of(item) or size
    newest = picked.summary.invocation
    if newest is not None and picked.whole:
        yield from writer.run(newest.ulid, _run(newest, newest.started_ms))
    yield from writer.close(_status(picked))


def _remarks(store: Store, picked: Picked) -> frozenset[int]:
    """Return which of the markers, counted from 0, are no turns; the header of version 2 says so."""
    marks = (cast.is_remark(event) for event in events(store, picked) if _has_marker(event))
    return frozenset(number for number, remark in enumerate(marks) if remark)


def _has_marker(event: Event) -> bool:
    return cast.is_marker(event) or cast.is_remark(event)


def title(picked: Picked) -> str:
    """Return what a transcript is called: the label or ULID, and what was recorded."""
    labels, row = picked.summary.labels, picked.summary.session
    name = labels[0] if labels else row.ulid
    if picked.turn is not None:
        name = f"{name}:{picked.turn.turn}"
    return f"{name}: {shlex.join(row.argv) or row.tool}"


def facts(store: Store, picked: Picked) -> list[str]:
    """Return what a transcript says of the whole, a line each."""
    row, turns = picked.summary.session, lineage.turns(store, picked.summary.session.ulid)
    began = row.created_ms if picked.turn is None else picked.turn.started_ms
    found = [time.strftime("recorded %Y-%m-%d %H:%M:%S UTC", time.gmtime(began / 1000))]
    if row.user or row.cwd:
        found.append(f"by {row.user or 'somebody'} in {row.cwd or 'an unknown directory'}")
    if picked.turn is None:
        found.append(units.count(len(turns), "turn"))
    elif picked.turn.exit_status is not None:
        found.append(f"exit status {picked.turn.exit_status}")
    return found


def heading(picked: Picked) -> Heading:
    """Return what a file says of the whole."""
    first = picked.parts[0].leg.summary.session
    labels = picked.summary.labels
    return Heading(
        size=picked.size,
        started_ms=first.created_ms if picked.turn is None else picked.turn.started_ms,
        term=picked.summary.session.term,
        command=shlex.join(picked.summary.session.argv) or None,
        title=(labels[0] if labels else None) if picked.turn is None else _title(picked.turn),
    )


def _title(of: Turn) -> str | None:
    """Return what was submitted, in one line that is not endless."""
    return visible(of.command)[: cast.LONGEST_LABEL] or None


def _status(picked: Picked) -> int | None:
    if picked.turn is not None:
        return picked.turn.exit_status
    newest = picked.summary.invocation
    return None if newest is None else newest.exit_status


def _facts(picked: Picked) -> dict[str, JsonValue]:
    """Return what importing needs of a session's row; its command line is in the header, to be read only."""
    row = picked.summary.session
    return {
        "format": notes.VERSION,
        "recorder": VERSION,
        "part": None if picked.whole else "fork" if picked.turn is None else "turn",
        "ulid": row.ulid,
        "tool": row.tool,
        "cwd": row.cwd,
        "git_root": row.git_root,
        "user": row.user,
        "tty": row.tty,
        "created_ms": picked.parts[0].leg.summary.session.created_ms,
    }


def _run(known: Invocation | None, began: int) -> dict[str, JsonValue]:
    """Return what is known of a run: of the newest one all, of those before it when they began."""
    if known is None:
        return {"started_ms": max(0, began)}
    return {
        "started_ms": known.started_ms,
        "version": known.version,
        "host": known.host,
        "target": known.target,
        "ended_ms": known.ended_ms,
        "exit_status": known.exit_status,
        "end_reason": known.end_reason,
    }
