"""The back end that keeps nothing: the store protocol in dictionaries, for ``--no-persist`` and tests.

The writer thread fills it and the palette reads it from the main thread, hence the one lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import RLock
from typing import TYPE_CHECKING

from recorder import turns
from recorder.errors import NotFound
from recorder.model import Chunk, Event, Invocation, Session, Summary, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.model import Activity, Draft, EndReason


@dataclass
class _Record:
    """Everything about one session."""

    session: Session
    invocations: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    turns: dict[int, Turn] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    kept: int = 0  # bytes in chunks
    raw_length: int = 0
    activity: Activity | None = None
    meta: dict[str, str] = field(default_factory=dict)

    @property
    def last_seq(self) -> int:
        """The seq of the newest event."""
        return self.events[-1].seq if self.events else self.session.fork_seq or 0


class MemoryStore:
    """A store in memory; see ``recorder.store.Store`` for what each method promises."""

    def __init__(self, *, keep_raw: int | None = None) -> None:
        """Keep at most ``keep_raw`` raw bytes per session, the newest; all if None."""
        self._keep_raw = keep_raw
        self._lock = RLock()
        self._records: dict[str, _Record] = {}
        self._invocations: dict[str, Invocation] = {}
        self._recovered: set[str] = set()
        self._labels: dict[str, str] = {}

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    # --- writing -----------------------------------------------------------------------------------

    def begin(self, session: Session, invocation: Invocation, label: str | None = None) -> str | None:
        """Write the rows of a session and an invocation that are missing, and the label."""
        with self._lock:
            record = self._records.setdefault(session.ulid, _Record(session))
            if invocation.ulid not in self._invocations:
                self._invocations[invocation.ulid] = replace(invocation, session=session.ulid)
                record.invocations.append(invocation.ulid)
            return None if label is None else self.set_label(label, session.ulid)

    def append(
        self,
        drafts: Sequence[Draft],
        chunks: Sequence[Chunk] = (),
        *,
        activity: tuple[str, Activity] | None = None,
        durable: bool = False,  # noqa: ARG002  (nothing here is)
        if_last_seq: int | None = None,
        recovered: str | None = None,
    ) -> list[Event]:
        """Write events and raw bytes; return the events with their seqs."""
        with self._lock:
            owner = self._check(drafts, chunks, activity, recovered)
            if if_last_seq is not None and owner and self._records[owner].last_seq != if_last_seq:
                return []
            for chunk in chunks:
                self._keep(self._records[chunk.session], chunk)
            written = [self._write(self._records[draft.session], draft) for draft in drafts]
            if activity is not None:
                self._records[activity[0]].activity = activity[1]
            if recovered is not None:
                self._recovered.add(recovered)
            return written

    def _check(
        self,
        drafts: Sequence[Draft],
        chunks: Sequence[Chunk],
        activity: tuple[str, Activity] | None,
        recovered: str | None,
    ) -> str | None:
        """Raise NotFound before anything is written; return the session that this is about."""
        written: list[Draft | Chunk] = [*drafts, *chunks]
        sessions = [each.session for each in written]
        for ulid in (*sessions, *((activity[0],) if activity else ())):
            self._record(ulid)
        for invocation in (each.invocation for each in written):
            if invocation is not None and invocation not in self._invocations:
                raise NotFound(f"no such invocation: {invocation}")
        if sessions:
            return sessions[0]
        found = self._invocations.get(recovered or "")
        return found.session if found else None

    def _record(self, ulid: str) -> _Record:
        found = self._records.get(ulid)
        if found is None:
            raise NotFound(f"no such session: {ulid}")
        return found

    def _write(self, record: _Record, draft: Draft) -> Event:
        event = Event(
            session=draft.session,
            seq=record.last_seq + 1,
            kind=draft.kind.value,
            at=draft.at,
            text=draft.text,
            turn=draft.turn,
            invocation=draft.invocation,
            meta=draft.meta,
        )
        record.events.append(event)
        if event.turn is not None:
            row = turns.fold(record.turns.get(event.turn), event)
            if row is not None:
                record.turns[event.turn] = row
        return event

    def _keep(self, record: _Record, chunk: Chunk) -> None:
        fresh = _clip(chunk, record.raw_length, chunk.start + len(chunk.data))
        if fresh is None:
            return
        record.chunks.append(fresh)
        record.raw_length = fresh.start + len(fresh.data)
        record.kept += len(fresh.data)
        while self._keep_raw is not None and record.kept > self._keep_raw and len(record.chunks) > 1:
            record.kept -= len(record.chunks.pop(0).data)

    def seal(self, session: str) -> int:  # noqa: ARG002
        """Merge nothing: there are no segments."""
        with self._lock:
            return 0

    def end_invocation(self, ulid: str, ended_ms: int, exit_status: int | None, reason: EndReason) -> bool:
        """End an invocation; the first end stays."""
        with self._lock:
            found = self._invocations.get(ulid)
            if found is None or found.ended_ms is not None:
                return False
            self._invocations[ulid] = replace(
                found, ended_ms=ended_ms, exit_status=exit_status, end_reason=reason
            )
            return True

    def set_label(self, label: str, ulid: str) -> str | None:
        """Give ``label`` to a session; return the ULID it was moved from, if any."""
        with self._lock:
            self._record(ulid)
            before = self._labels.get(label)
            self._labels[label] = ulid
            return before if before != ulid else None

    def drop_label(self, label: str) -> bool:
        """Take a label away; return whether it existed."""
        with self._lock:
            return self._labels.pop(label, None) is not None

    def set_meta(self, session: str, key: str, value: str | None) -> None:
        """Set or remove one metadata value of a session."""
        with self._lock:
            meta = self._record(session).meta
            if value is None:
                meta.pop(key, None)
            else:
                meta[key] = value

    # --- reading -----------------------------------------------------------------------------------

    def summaries(
        self,
        *,
        limit: int | None = None,
        archived: bool = False,
        tool: str | None = None,
        host: str | None = None,
    ) -> list[Summary]:
        """List sessions, newest first."""
        with self._lock:
            every = [self._summary(self._records[ulid]) for ulid in sorted(self._records, reverse=True)]
        found = [
            each
            for each in every
            if (archived or each.session.archived_ms is None)
            and tool in (None, each.session.tool)
            and (host is None or (each.invocation is not None and each.invocation.host == host))
        ]
        return found if limit is None else found[:limit]

    def summary(self, ulid: str) -> Summary | None:
        """Return one session, or None."""
        with self._lock:
            record = self._records.get(ulid)
            return None if record is None else self._summary(record)

    def _summary(self, record: _Record) -> Summary:
        ulid = record.session.ulid
        return Summary(
            session=record.session,
            invocation=self._invocations[record.invocations[-1]] if record.invocations else None,
            labels=tuple(sorted(label for label, owner in self._labels.items() if owner == ulid)),
            activity=record.activity,
            n_events=len(record.events),
            n_turns=len(record.turns),
            last_event_ms=record.events[-1].at.wall_ms if record.events else None,
        )

    def with_prefix(self, prefix: str, limit: int = 20) -> list[str]:
        """Return the ULIDs that begin with ``prefix``, newest first."""
        with self._lock:
            found = sorted((ulid for ulid in self._records if ulid.startswith(prefix)), reverse=True)
        return found[:limit]

    def labels(self) -> list[tuple[str, str]]:
        """Return all (label, ulid), sorted by label."""
        with self._lock:
            return sorted(self._labels.items())

    def meta(self, session: str) -> dict[str, str]:
        """Return a session's metadata."""
        with self._lock:
            record = self._records.get(session)
            return dict(sorted(record.meta.items())) if record else {}

    def count(self, session: str) -> int:
        """Return the number of own events."""
        with self._lock:
            record = self._records.get(session)
            return len(record.events) if record else 0

    def events(
        self,
        session: str,
        *,
        kinds: Sequence[str] = (),
        after: int = 0,
        upto: int | None = None,
        last: int | None = None,
    ) -> Iterator[Event]:
        """Yield a session's own events in ascending seq."""
        with self._lock:
            record = self._records.get(session)
            found = [
                event
                for event in (record.events if record else ())
                if event.seq > after
                and (upto is None or event.seq <= upto)
                and (not kinds or event.kind in kinds)
            ]
        yield from found if last is None else found[max(0, len(found) - last) :]

    def turns(
        self,
        session: str | None = None,
        *,
        since_ms: int | None = None,
        last: int | None = None,
    ) -> list[Turn]:
        """Return turns of one session in order, or of all sessions by start time."""
        with self._lock:
            if session is None:
                every = [turn for record in self._records.values() for turn in record.turns.values()]
                every.sort(key=lambda turn: (turn.started_ms, turn.session, turn.turn))
            else:
                record = self._records.get(session)
                every = sorted(record.turns.values(), key=lambda turn: turn.turn) if record else []
        found = [turn for turn in every if since_ms is None or turn.started_ms >= since_ms]
        return found if last is None else found[max(0, len(found) - last) :]

    def turn(self, session: str, number: int) -> Turn | None:
        """Return one turn of a session's own, or None."""
        with self._lock:
            record = self._records.get(session)
            return record.turns.get(number) if record else None

    def raw(self, session: str, start: int = 0, end: int | None = None) -> Iterator[Chunk]:
        """Yield the raw bytes in ``[start, end)`` with their times."""
        with self._lock:
            record = self._records.get(session)
            chunks = list(record.chunks) if record else []
            stop = self.raw_length(session) if end is None else end
        for chunk in chunks:
            cut = _clip(chunk, start, stop)
            if cut is not None:
                yield cut

    def raw_length(self, session: str) -> int:
        """Return the raw offset after a session's last byte."""
        with self._lock:
            record = self._records.get(session)
            return record.raw_length if record else 0

    def history(self, tool: str, limit: int = 1000) -> list[str]:
        """Return the newest commands submitted to ``tool``, oldest first, no repeats."""
        newest: dict[str, None] = {}
        for turn in self.turns():
            if turn.command and self._records[turn.session].session.tool == tool:
                newest.pop(turn.command, None)
                newest[turn.command] = None
        found = list(newest)
        return found[max(0, len(found) - limit) :]

    def open_invocations(self, *, unrecovered: bool = False) -> list[Invocation]:
        """Return the invocations without an end, newest first."""
        with self._lock:
            return [
                each
                for each in reversed(self._invocations.values())
                if each.ended_ms is None and not (unrecovered and each.ulid in self._recovered)
            ]

    # --- care --------------------------------------------------------------------------------------

    def check(self) -> list[tuple[str, bool, str]]:
        """Examine the store: there is nothing on disk that could be damaged."""
        return [("memory", True, "nothing is kept on disk")]

    def size_bytes(self) -> int:
        """Return 0: nothing is on disk."""
        return 0


def _clip(chunk: Chunk, start: int, end: int) -> Chunk | None:
    """Return the part of a chunk that lies in ``[start, end)``, or nothing."""
    low, high = max(start, chunk.start), min(end, chunk.start + len(chunk.data))
    if low >= high:
        return None
    return replace(
        chunk,
        start=low,
        data=chunk.data[low - chunk.start : high - chunk.start],
        redactions=tuple(each for each in chunk.redactions if low <= each[0] < high),
    )
