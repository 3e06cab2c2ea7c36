"""The statements of ``append`` and ``begin``: seqs, turn rows, segments, progress.

Everything here runs inside a write transaction that the caller has begun and will end; nothing here
commits. What is remembered between transactions (``Memory``) is only a saving: it is checked
against the database or rebuilt from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recorder import turns
from recorder.errors import NotFound
from recorder.stores import pieces, segments
from recorder.stores import sqlite_names as names
from recorder.stores import sqlite_rows as rows
from recorder.stores import sqlite_runs as runs
from recorder.stores.sqlite_chain import chain_at
from recorder.stores.sqlite_connect import fetch, fetch_one

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import apsw

    from recorder.model import (
        Activity,
        Chunk,
        Draft,
        EndReason,
        Event,
        Invocation,
        Session,
        Switch,
        Turn,
    )
    from recorder.stores.chain import Chain


@dataclass
class Memory:
    """What one store object remembers: ids by ULID, kinds by name, running hashes by session id."""

    sessions: dict[str, int] = field(default_factory=dict)
    invocations: dict[str, tuple[int, int]] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    chains: dict[int, Chain] = field(default_factory=dict)
    phrases: dict[int, dict[str, int]] = field(default_factory=dict)

    def forget(self) -> None:
        """Start anew, after a failed transaction."""
        self.sessions.clear()
        self.invocations.clear()
        self.kinds.clear()
        self.chains.clear()
        self.phrases.clear()


@dataclass
class Progress:
    """The ``progress`` row of a session while a transaction works on it."""

    session: int
    ulid: str
    last_seq: int
    n_events: int
    n_turns: int
    last_ms: int | None
    raw_length: int


def begin(db: apsw.Connection, session: Session, invocation: Invocation) -> None:
    """Write the rows that are missing."""
    # Never an id that a deleted session had: who remembers it would write into the new one.
    db.execute(
        "INSERT OR IGNORE INTO session SELECT 1 + max(coalesce((SELECT max(id) FROM session), 0),"
        " coalesce((SELECT CAST(value AS INTEGER) FROM milestone WHERE key = ?), 0))" + ", ?" * 17,
        (names.HIGHEST, *rows.session_values(session)),
    )
    key = session_id(db, session.ulid)
    db.execute(
        "INSERT OR IGNORE INTO progress VALUES (?, NULL, ?, 0, 0, NULL, 0, 0, ?, NULL, NULL, NULL)",
        (key, session.fork_seq or 0, session.fork_seq or 0),
    )
    runs.begin(db, key, invocation)


def end(
    db: apsw.Connection, ulid: str | None, ended_ms: int, exit_status: int | None, reason: EndReason
) -> bool:
    """End an invocation that has not ended; say whether it had not."""
    db.execute(
        "UPDATE invocation SET ended_ms = ?, exit_status = ?, end_reason = ?"
        " WHERE ulid = ? AND ended_ms IS NULL",
        (ended_ms, exit_status, reason.value, ulid),
    )
    return db.changes() > 0


def archive(db: apsw.Connection, ulid: str, at_ms: int | None) -> None:
    """Hide a session, or show it again; raise NotFound."""
    db.execute("UPDATE session SET archived_ms = ? WHERE ulid = ?", (at_ms, ulid))
    if not db.changes():
        raise NotFound(f"no such session: {ulid}")


def name(db: apsw.Connection, label: str, ulid: str) -> str | None:
    """Give ``label`` to a session that exists; return the ULID it was moved from, if any."""
    key = names.LABEL + label
    before = fetch_one(db, "SELECT value FROM milestone WHERE key = ?", (key,))
    db.execute("INSERT OR REPLACE INTO milestone VALUES (?, ?)", (key, ulid))
    return before[0] if before is not None and before[0] != ulid else None


def follow(db: apsw.Connection, switch: Switch, seq: int) -> tuple[Session, str | None]:
    """Write what follows the mark of a switch, whose seq is given: one ends, the other begins."""
    mark = switch.mark
    end(db, mark.invocation, mark.at.wall_ms, None, switch.reason)
    if switch.archived:
        archive(db, mark.session, mark.at.wall_ms)
    into = switch.row(seq)
    begin(db, into, switch.run)
    return into, None if switch.label is None else name(db, switch.label, into.ulid)


def session_id(db: apsw.Connection, ulid: str) -> int:
    """Return the id of a session; raise NotFound."""
    found = fetch_one(db, "SELECT id FROM session WHERE ulid = ?", (ulid,))
    if found is None:
        raise NotFound(f"no such session: {ulid}")
    return int(found[0])


class Appender:
    """One ``append``: takes what is to be written, writes it, knows the events it made."""

    def __init__(self, db: apsw.Connection, memory: Memory) -> None:
        self._db = db
        self._memory = memory
        self._open: dict[str, Progress] = {}
        self._turns: dict[int, Turn | None] = {}

    def progress(self, ulid: str) -> Progress:
        """Return the progress of a session as this transaction has it; raise NotFound."""
        found = self._open.get(ulid)
        if found is None:
            key = self._memory.sessions.get(ulid) or session_id(self._db, ulid)
            row = fetch_one(
                self._db,
                "SELECT last_seq, n_events, n_turns, last_ms, raw_length FROM progress WHERE session = ?",
                (key,),
            )
            if row is None:
                raise NotFound(f"no such session: {ulid}")
            self._memory.sessions[ulid] = key
            found = self._open[ulid] = Progress(key, ulid, *row)
        return found

    def finish(self, activity: tuple[str, Activity] | None) -> None:
        """Write the turn rows and the progress rows."""
        self._db.executemany(
            "INSERT OR REPLACE INTO turn VALUES (?" + ", ?" * 12 + ")",
            [
                rows.turn_values(key, turn, self._phrase(key, turn.prompt_text), self._phrase(key, turn.cwd))
                for key, turn in self._turns.items()
                if turn is not None
            ],
        )
        self._db.executemany(
            "UPDATE progress SET last_seq = ?, n_events = ?, n_turns = ?, last_ms = ?, raw_length = ?"
            " WHERE session = ?",
            [
                (p.last_seq, p.n_events, p.n_turns, p.last_ms, p.raw_length, p.session)
                for p in self._open.values()
            ],
        )
        if activity is not None:
            ulid, now = activity
            self._db.execute(
                "UPDATE progress SET state = ?, state_turn = ?, state_ms = ? WHERE session = ?",
                (now.state.value, now.turn, now.since_ms, self.progress(ulid).session),
            )

    def rebuild(self, ulid: str, turns: Collection[Turn]) -> None:
        """Replace all turn rows of a session."""
        progress = self.progress(ulid)
        for table in ("turn", "phrase"):
            self._db.execute(f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", rows.span(progress.session))  # noqa: S608
        self._memory.phrases.clear()
        self._turns = {progress.session << rows.SEQ_BITS | turn.turn: turn for turn in turns}
        progress.n_turns = len(turns)

    # --- events ------------------------------------------------------------------------------------

    def events(self, drafts: Iterable[Draft]) -> list[Event]:
        """Give the drafts their seqs and write them; return what they became."""
        written: list[Event] = []
        values: list[tuple[int | str | bytes | None, ...]] = []
        for draft in drafts:
            progress = self.progress(draft.session)
            progress.last_seq += 1
            progress.n_events += 1
            progress.last_ms = draft.at.wall_ms
            event = draft.numbered(progress.last_seq)
            run, started_ms = (None, 0) if event.invocation is None else self._run(event.invocation)
            values.append(
                (
                    progress.session << rows.SEQ_BITS | event.seq,
                    self._kind(event.kind),
                    event.at.wall_ms - event.at.offset_ms - started_ms,
                    event.at.offset_ms,
                    run,
                    event.turn,
                    rows.storable(event.text),
                    rows.storable(rows.dump(event.meta)),
                )
            )
            self._fold(progress, event)
            written.append(event)
        self._db.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        return written

    def _fold(self, progress: Progress, event: Event) -> None:
        """Bring the row of the event's turn up to date."""
        if event.turn is None:
            return
        key = progress.session << rows.SEQ_BITS | event.turn
        if key not in self._turns:
            row = fetch_one(self._db, rows.TURNS + " WHERE t.id = ?", (key,))
            self._turns[key] = None if row is None else rows.turn(event.session, row)
        before = self._turns[key]
        after = turns.fold(before, event)
        if before is None and after is not None:
            progress.n_turns += 1
        self._turns[key] = after

    def _phrase(self, turn_key: int, text: str | None) -> int | None:
        """Return the number of a phrase of the turn's session; write it if it is new."""
        if text is None:
            return None
        session = turn_key >> rows.SEQ_BITS
        known = self._memory.phrases.get(session)
        if known is None:
            found = fetch(
                self._db, "SELECT text, id FROM phrase WHERE id BETWEEN ? AND ?", rows.span(session)
            )
            known = {rows.readable(each): rows.low(key) for each, key in found}
            self._memory.phrases = {session: known}
        if text not in known:
            number = max(known.values(), default=-1) + 1
            self._db.execute(
                "INSERT INTO phrase VALUES (?, ?)",
                (session << rows.SEQ_BITS | number, rows.storable(text)),
            )
            known[text] = number
        return known[text]

    def _kind(self, name: str) -> int:
        kinds = self._memory.kinds
        if not kinds:
            kinds.update((word, key) for key, word in fetch(self._db, "SELECT id, name FROM kind"))
        return kinds[name]

    def _run(self, ulid: str) -> tuple[int, int]:
        """Return an invocation's id and when it started."""
        known = self._memory.invocations
        if ulid not in known:
            row = fetch_one(self._db, "SELECT id, started_ms FROM invocation WHERE ulid = ?", (ulid,))
            if row is None:
                raise NotFound(f"no such invocation: {ulid}")
            known[ulid] = (row[0], row[1])
        return known[ulid]

    # --- raw bytes ---------------------------------------------------------------------------------

    def raw(self, chunks: Sequence[Chunk]) -> None:
        """Write chunks as segments of at most 1 MiB; leave out what is there already."""
        fresh = pieces.fresh(chunks, lambda ulid: self.progress(ulid).raw_length)
        for piece in pieces.joined(fresh):
            self._segment(piece)

    def _segment(self, piece: list[Chunk]) -> None:
        """Write one segment."""
        first = piece[0]
        progress = self.progress(first.session)
        data = first.data if len(piece) == 1 else b"".join([chunk.data for chunk in piece])
        ticks = segments.join_ticks(
            (chunk.at.wall_ms, chunk.at.offset_ms, len(chunk.data)) for chunk in piece
        )
        chain, restart = self._chain(progress, first.start)
        chain.feed(data)
        redactions = [list(each) for chunk in piece for each in chunk.redactions]
        self._db.execute(
            "INSERT INTO segment VALUES (?" + ", ?" * 10 + ")",
            (
                progress.session << rows.RAW_BITS | first.start,
                len(data),
                self._run(first.invocation)[0],
                first.at.wall_ms,
                first.at.offset_ms,
                restart,
                chain.whole,
                chain.digest(),
                rows.dump({"redactions": redactions}) if redactions else "",  # type: ignore[dict-item]
                segments.pack_times(ticks),
                segments.squeeze(data),
            ),
        )
        progress.raw_length = chain.end
        self._memory.chains = {progress.session: chain}

    def _chain(self, progress: Progress, start: int) -> tuple[Chain, bool]:
        """Return the running hash at ``start``, and whether it starts anew there."""
        known = self._memory.chains.get(progress.session)
        if known is not None and known.end == start == progress.raw_length:
            return known, False
        return chain_at(self._db, progress.session, progress.ulid, start)
