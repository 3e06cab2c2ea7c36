"""The back end that keeps nothing: the store protocol in dictionaries, for ``--no-persist`` and tests.

The writer thread fills it and the palette reads it from the main thread, hence the one lock.
"""

from __future__ import annotations

from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING

from recorder import erasing
from recorder.errors import NotFound
from recorder.model import Invocation, Summary
from recorder.stores.memory_record import Record
from recorder.stores.memory_search import Searching
from recorder.stores.pieces import clip

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from recorder.model import Activity, Chunk, Draft, EndReason, Event, Near, Session, Switch, Turn


class MemoryStore(Searching):
    """A store in memory; see ``recorder.store.Store`` for what each method promises."""

    def __init__(self, *, keep_raw: int | None = None) -> None:
        """Keep at most ``keep_raw`` raw bytes per session, the newest; all if None."""
        self._keep_raw = keep_raw
        self._lock = RLock()
        self._records: dict[str, Record] = {}
        self._invocations: dict[str, Invocation] = {}
        self._recovered: set[str] = set()
        self._labels: dict[str, str] = {}

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    # --- writing -----------------------------------------------------------------------------------

    def begin(self, session: Session, invocation: Invocation, label: str | None = None) -> str | None:
        """Write the rows of a session and an invocation that are missing, and the label."""
        with self._lock:
            record = self._records.setdefault(session.ulid, Record(session))
            if invocation.ulid not in self._invocations:
                self._invocations[invocation.ulid] = replace(invocation, session=session.ulid)
                record.invocations.append(invocation.ulid)
            return None if label is None else self.set_label(label, session.ulid)

    def take(self, invocation: Invocation, after: str | None) -> bool:
        """Begin an invocation of a session whose newest one is still ``after``."""
        with self._lock:
            record = self._record(invocation.session)
            if (record.invocations[-1] if record.invocations else None) != after:
                return False
            self.begin(record.session, invocation)
            return True

    def give_back(self, invocation: str) -> bool:
        """Take the session's newest invocation away again, if it has recorded nothing."""
        with self._lock:
            found = self._invocations.get(invocation)
            record = self._records.get(found.session) if found else None
            if record is None or record.invocations[-1] != invocation:
                return False
            recorded: list[Event | Chunk] = [*record.events, *record.chunks]
            if any(each.invocation == invocation for each in recorded):
                return False
            record.invocations.pop()
            del self._invocations[invocation]
            return True

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
                self._records[chunk.session].keep(chunk, self._keep_raw)
            written = [self._records[draft.session].write(draft) for draft in drafts]
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

    def _record(self, ulid: str) -> Record:
        found = self._records.get(ulid)
        if found is None:
            raise NotFound(f"no such session: {ulid}")
        return found

    def seal(self, session: str) -> int:  # noqa: ARG002
        """Merge nothing: there are no segments."""
        return 0

    def switch(self, switch: Switch) -> tuple[Session, str | None]:
        """Go on in another session; return its row, and who had its label before."""
        with self._lock:
            known = self._records.get(switch.into.ulid)
            if known is not None:
                return known.session, None
            (mark,) = self.append([switch.mark])
            self.end_invocation(mark.invocation or "", mark.at.wall_ms, None, switch.reason)
            if switch.archived:
                self.archive(mark.session, mark.at.wall_ms)
            into = switch.row(mark.seq)
            return into, self.begin(into, switch.run, switch.label)

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

    # --- keeping and letting go --------------------------------------------------------------------

    def archive(self, ulid: str, at_ms: int | None) -> None:
        """Hide a session from lists, or show it again."""
        with self._lock:
            record = self._record(ulid)
            record.session = replace(record.session, archived_ms=at_ms)

    def delete(self, ulids: Collection[str], *, dead: Collection[str] = ()) -> bool:
        """Delete sessions with everything that belongs to them, if nothing stands against it."""
        with self._lock:
            gone = set(ulids)
            runs = [each for each in self._invocations.values() if each.session in gone]
            if any(each.ended_ms is None and each.ulid not in dead for each in runs):
                return False
            if any(child not in gone for ulid in gone for child in self.children(ulid)):
                return False
            for ulid in gone:
                self._records.pop(ulid, None)
            for run in runs:
                del self._invocations[run.ulid]
                self._recovered.discard(run.ulid)
            self._labels = {label: owner for label, owner in self._labels.items() if owner not in gone}
            return True

    def erase(self, session: str, turn: int, *, dead: Collection[str] | None = None) -> bool:
        """Erase a turn and those inside it."""
        with self._lock:
            record = self._records.get(session)
            if record is None or turn not in record.turns:
                return False
            runs = (self._invocations[each] for each in record.invocations)
            if dead is not None and any(run.ended_ms is None and run.ulid not in dead for run in runs):
                return False
            record.erase(turn)
            return True

    def drop_last(self, session: str) -> Event | None:
        """Take back the newest note or label of a session."""
        with self._lock:
            record = self._records.get(session)
            event = record.take_back() if record else None
            if event is None:
                return None
            name = str(event.meta.get("label"))
            back = erasing.label_back(event.meta, session, self._labels.get(name))
            if back is not None:
                self._labels.pop(name, None)
                if back[1] in self._records:
                    self._labels[name] = back[1]
            return event

    def compact(self, session: str) -> int:  # noqa: ARG002
        """Merge nothing: there are no segments."""
        return 0

    def wipe(self) -> None:
        """Do nothing: nothing is on disk."""

    # --- reading -----------------------------------------------------------------------------------

    def summaries(
        self,
        *,
        limit: int | None = None,
        archived: bool = False,
        tool: str | None = None,
        host: str | None = None,
        near: Near | None = None,
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
            and (near is None or near.fits(each))
        ]
        return found if limit is None else found[:limit]

    def summary(self, ulid: str) -> Summary | None:
        """Return one session, or None."""
        with self._lock:
            record = self._records.get(ulid)
            return None if record is None else self._summary(record)

    def _summary(self, record: Record) -> Summary:
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

    def at(self, directory: str) -> str | None:
        """Return None: nothing is in a directory."""

    def with_prefix(self, prefix: str, limit: int = 20) -> list[str]:
        """Return the ULIDs that begin with ``prefix``, newest first."""
        with self._lock:
            return sorted((ulid for ulid in self._records if ulid.startswith(prefix)), reverse=True)[:limit]

    def labels(self) -> list[tuple[str, str]]:
        """Return all (label, ulid), sorted by label."""
        with self._lock:
            return sorted(self._labels.items())

    def children(self, ulid: str) -> list[str]:
        """Return the sessions that were forked off this one, oldest first."""
        with self._lock:
            return sorted(
                record.session.ulid for record in self._records.values() if record.session.parent_ulid == ulid
            )

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
        yield from filter(None, (clip(chunk, start, stop) for chunk in chunks))

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
        """Examine nothing."""
        return [("memory", True, "nothing is kept on disk")]

    def sizes(self) -> dict[str, int]:
        """Return zeros: nothing is on disk."""
        with self._lock:
            return dict.fromkeys(self._records, 0)

    def size_bytes(self) -> int:
        """Return 0: nothing is on disk."""
        return 0
