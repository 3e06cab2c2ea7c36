"""The reading half of ``rooted``: where a session is, and what the root and the directories say together.

A directory that is gone or broken hides no other session: lists go on without what is in it, and only
who asks for that very session is told.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.errors import StoreDamaged, StoreError, StoreMissing
from recorder.model import Status, Summary
from recorder.stores import sqlite_places as places
from recorder.stores.rooted_search import RootedSearching
from recorder.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.model import Chunk, Event, Invocation, Near, Turn
    from recorder.stores.directory import Directory
    from recorder.stores.directory_lines import Record
    from recorder.stores.memory import MemoryStore


class RootedReading(RootedSearching):
    """Everything of ``Rooted`` that only reads."""

    def __init__(
        self, root: SqliteStore | MemoryStore, *, readonly: bool = False, busy_ms: int = 5000
    ) -> None:
        """Take over an open store; one in memory stands for a root in which nothing is recorded yet."""
        self._root = root
        self._readonly = readonly
        self._busy_ms = busy_ms
        self._open: dict[str, Directory] = {}
        self._named: dict[str, str] = {}  # directories by ULID, where the user said which one it is
        self._runs: set[str] = set()  # invocations that are known to be there
        self.stale = getattr(root, "stale", False)

    def close(self) -> None:
        """Give all back."""
        self.release()
        self._root.close()

    def release(self) -> None:
        """Give the directories back, not the root."""
        for ulid in [*self._open]:
            self._let_go(ulid)

    # --- where a session is ------------------------------------------------------------------------

    def _place_of(self, ulid: str) -> str | None:
        """Return the directory of a session; None for one that is in the root, and for none."""
        named = self._named.get(ulid)
        if named is not None:
            return named
        if isinstance(self._root, SqliteStore):
            return self._root.read(lambda db: places.directory(db, ulid))
        row = self._root.summary(ulid)
        return None if row is None else row.session.directory

    def _at(self, ulid: str) -> Directory | None:
        """Return a session's directory, opened; None for one in the root; raise where it is not usable."""
        found = self._open.get(ulid)
        if found is None:
            place = self._place_of(ulid)
            if place is None:
                return None
            from recorder.stores.directory import Directory

            try:
                found = Directory(Path(place), ulid, self._busy_ms)
            except StoreMissing as error:
                raise _unusable(ulid, place, error) from error
            self._open[ulid] = found
        return found

    def _let_go(self, ulid: str) -> None:
        found = self._open.pop(ulid, None)
        if found is not None:
            found.close()

    def _is_there(self, ulid: str) -> bool:
        with suppress(StoreError):
            found = self._at(ulid)
            return found is not None and found.record() is not None
        return False

    def _sql(self) -> SqliteStore:
        """Return the database; raise StoreMissing where there is none yet."""
        if isinstance(self._root, SqliteStore):
            return self._root
        raise StoreMissing("could not write the store: nothing was recorded in it yet")

    def _holds(self, ulid: str) -> bool:
        return bool(self._root.with_prefix(ulid, limit=1))

    def _owner(self, invocation: str) -> str | None:
        """Return the session of an invocation."""
        if isinstance(self._root, SqliteStore):
            return self._root.read(lambda db: places.owner(db, invocation))
        return next((run.session for run in self._root.open_invocations() if run.ulid == invocation), None)

    def _placed(self, tool: str | None = None) -> list[tuple[str, str]]:
        """Return (ULID, directory) of all sessions in directories."""
        if isinstance(self._root, SqliteStore):
            return self._root.read(lambda db: places.directories(db, tool))
        return []

    def _every(self, tool: str | None = None) -> Iterator[tuple[str, Directory]]:
        """Yield the directories that can be opened."""
        for ulid, _place in self._placed(tool):
            with suppress(StoreError):
                found = self._at(ulid)
                if found is not None:
                    yield ulid, found

    def _held(self, directory: str) -> Record | None:
        """Return what a directory says of the session in it."""
        from recorder.stores.directory_begin import held
        from recorder.stores.directory_files import RECORD

        path = Path(directory)
        # What holds no session is not asked to be ours alone: it is any directory.
        return held(path) if os.path.lexists(path / RECORD) else None

    def _told(self, ulid: str) -> Record:
        """Return what the database says of a session, for its directory to repeat."""
        from recorder.stores.directory_lines import Record

        row = self._root.summary(ulid)
        if row is None:
            raise StoreMissing(f"could not read session {ulid}: it is gone")
        if isinstance(self._root, SqliteStore):
            runs = self._root.read(lambda db: places.invocations(db, ulid))
        else:
            runs = [] if row.invocation is None else [row.invocation]
        return Record(row.session, tuple(runs), tuple(sorted(self._root.meta(ulid).items())))

    # --- sessions ----------------------------------------------------------------------------------

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
        rows = self._root.summaries(limit=limit, archived=archived, tool=tool, host=host, near=near)
        found = [each if each.session.directory is None else self._filled(each) for each in rows]
        if near is None or limit == 0:
            return found
        # the database does not know when something happened last in a directory
        have = {each.session.ulid for each in found}
        others = (self.summary(ulid) for ulid, _place in self._placed(tool) if ulid not in have)
        found += [
            each
            for each in others
            if each is not None
            and (archived or each.session.archived_ms is None)
            and (host is None or (each.invocation is not None and each.invocation.host == host))
            and near.fits(each)
        ]
        return sorted(found, key=lambda each: each.session.ulid, reverse=True)[:limit]

    def summary(self, ulid: str) -> Summary | None:
        """Return one session, or None."""
        found = self._root.summary(ulid)
        if found is None and ulid in self._named:
            record = self._held(self._named[ulid])
            if record is not None:
                newest = record.invocations[-1] if record.invocations else None
                session = replace(record.session, directory=self._named[ulid])
                found = Summary(session, newest, (), None, 0, 0, None)
        if found is None or (found.session.directory is None and ulid not in self._named):
            return found
        return self._filled(found)

    def _filled(self, found: Summary) -> Summary:
        """Return a session with what its directory counts; one that is gone says so."""
        try:
            directory = self._at(found.session.ulid)
            if directory is None:
                return found
            sums = directory.sums()
        except StoreDamaged:
            return replace(found, trouble=Status.DAMAGED)
        except StoreError:
            return replace(found, trouble=Status.MISSING)
        return replace(
            found,
            activity=sums.activity,
            n_events=sums.n_events,
            n_turns=sums.n_turns,
            last_event_ms=sums.last_ms,
        )

    def with_prefix(self, prefix: str, limit: int = 20) -> list[str]:
        """Return the ULIDs that begin with ``prefix``, newest first."""
        return self._root.with_prefix(prefix, limit)

    def labels(self) -> list[tuple[str, str]]:
        """Return all (label, ulid), sorted by label."""
        return self._root.labels()

    def children(self, ulid: str) -> list[str]:
        """Return the sessions that were forked off this one, oldest first."""
        return self._root.children(ulid)

    def meta(self, session: str) -> dict[str, str]:
        """Return a session's metadata."""
        if session in self._named and not self._holds(session):
            record = self._held(self._named[session])
            return {} if record is None else dict(record.meta)
        return self._root.meta(session)

    def open_invocations(self, *, unrecovered: bool = False) -> list[Invocation]:
        """Return the invocations without an end, newest first; none to recover where the bytes are gone."""
        found = self._root.open_invocations(unrecovered=unrecovered)
        if not unrecovered:
            return found
        return [run for run in found if self._place_of(run.session) is None or self._is_there(run.session)]

    # --- what is in a session ----------------------------------------------------------------------

    def count(self, session: str) -> int:
        """Return the number of own events."""
        found = self._at(session)
        return self._root.count(session) if found is None else found.ledger().n_events

    def raw_length(self, session: str) -> int:
        """Return the raw offset after a session's last byte."""
        found = self._at(session)
        return self._root.raw_length(session) if found is None else found.ledger().raw_end

    def events(
        self,
        session: str,
        *,
        kinds: Sequence[str] = (),
        after: int = 0,
        upto: int | None = None,
        last: int | None = None,
    ) -> Iterator[Event]:
        """Yield a session's own events in ascending seq; in a directory, by reading all its lines."""
        directory = self._at(session)
        if directory is None:
            yield from self._root.events(session, kinds=kinds, after=after, upto=upto, last=last)
            return
        directory.record()
        yield from directory.events(kinds=kinds, after=after, upto=upto, last=last)

    def raw(self, session: str, start: int = 0, end: int | None = None) -> Iterator[Chunk]:
        """Yield the raw bytes in ``[start, end)`` with their times."""
        directory = self._at(session)
        if directory is None:
            yield from self._root.raw(session, start, end)
            return
        length = directory.ledger().raw_end
        yield from directory.raw(start, length if end is None else min(end, length))

    def turns(
        self,
        session: str | None = None,
        *,
        since_ms: int | None = None,
        last: int | None = None,
    ) -> list[Turn]:
        """Return turns of one session in order, or of all sessions by start time."""
        if session is not None:
            directory = self._at(session)
            if directory is None:
                return self._root.turns(session, since_ms=since_ms, last=last)
            rows = directory.ledger().turns
            return _chosen([rows[number] for number in sorted(rows)], since_ms, last)
        placed = [turn for _ulid, each in self._every() for turn in _turns_of(each)]
        found = self._root.turns(since_ms=since_ms, last=last)
        if not placed:
            return found
        every = sorted([*found, *placed], key=lambda turn: (turn.started_ms, turn.session, turn.turn))
        return _chosen(every, since_ms, last)

    def turn(self, session: str, number: int) -> Turn | None:
        """Return one turn of a session's own, or None."""
        directory = self._at(session)
        if directory is None:
            return self._root.turn(session, number)
        return directory.ledger().turns.get(number)

    def history(self, tool: str, limit: int = 1000) -> list[str]:
        """Return the newest commands submitted to ``tool``, oldest first, no repeats."""
        placed = [(t.started_ms, t.command) for _u, each in self._every(tool) for t in _turns_of(each)]
        if not placed or not isinstance(self._root, SqliteStore):
            return self._root.history(tool, limit)
        newest: dict[str, int] = {}
        for started_ms, command in (*self._root.read(lambda db: places.commands(db, tool)), *placed):
            if command:
                newest[command] = max(started_ms, newest.get(command, started_ms))
        ordered = sorted(newest, key=lambda text: newest[text])
        return ordered[max(0, len(ordered) - limit) :]

    # --- care --------------------------------------------------------------------------------------

    def missing(self) -> list[tuple[str, str]]:
        """Return (ULID, directory) of the sessions whose directory is gone."""
        rows = ((ulid, place, self.summary(ulid)) for ulid, place in self._placed())
        return [(ulid, place) for ulid, place, row in rows if row and row.trouble is Status.MISSING]

    def check(self) -> list[tuple[str, bool, str]]:
        """Examine the root, and each directory that is there."""
        findings = self._root.check()
        seen = bad = 0
        for ulid, place in self._placed():
            try:
                directory = self._at(ulid)
                told = [] if directory is None else directory.faults()
            except StoreDamaged as error:
                told = [error.message]
            except StoreError:
                continue  # gone: that is no damage
            seen, bad = seen + 1, bad + bool(told)
            findings += [("directory", False, f"{ulid} in {place}: {each}") for each in told]
        if seen and not bad:
            findings.append(("directories", True, f"{seen} looked through"))
        return findings

    def sizes(self) -> dict[str, int]:
        """Return about what each session takes on disk."""
        found = self._root.sizes()
        for ulid, directory in self._every():
            found[ulid] = found.get(ulid, 0) + directory.size_bytes()
        return found

    def size_bytes(self) -> int:
        """Return what the root's database and the directories take on disk."""
        return self._root.size_bytes() + sum(each.size_bytes() for _ulid, each in self._every())


def _unusable(ulid: str, place: str, error: StoreError) -> StoreError:
    if os.path.lexists(place):  # a link, not ours, others may write in it
        return StoreDamaged(f"could not read session {ulid}: {error.message}", advice=error.advice)
    return StoreMissing(
        f"could not read session {ulid}: its directory {place} is missing",
        advice="bring it back, or name it where it is now; `rec doctor --fix` forgets it",
    )


def _turns_of(directory: Directory) -> list[Turn]:
    with suppress(StoreError):
        return list(directory.ledger().turns.values())
    return []


def _chosen(found: list[Turn], since_ms: int | None, last: int | None) -> list[Turn]:
    kept = [turn for turn in found if since_ms is None or turn.started_ms >= since_ms]
    return kept if last is None else kept[max(0, len(kept) - last) :]
