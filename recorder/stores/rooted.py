"""The root's database together with the sessions that are kept in directories of their own: one store.

The database has the row of every session, its invocations, labels and metadata, and decides all
races about them. Of a session with a ``directory`` the events, turns and raw bytes are there, and
session.json repeats the rest; it is written last and put right by the next change. What spans both is done
in such an order that a kill between them is no half: see each method.

A directory without a row can be read by its path; whoever opens the store for writing adopts it.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from recorder.errors import NotFound, Refused, StoreDamaged, StoreError, StoreMissing
from recorder.origin import ADOPTED
from recorder.stores import sqlite_append, sqlite_erase
from recorder.stores import sqlite_places as places
from recorder.stores.rooted_read import RootedReading
from recorder.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from recorder.model import Activity, Chunk, Draft, EndReason, Event, Invocation, Session, Switch
    from recorder.store import Store
    from recorder.stores.directory import Directory
    from recorder.stores.sqlite_names import Connection


@contextmanager
def over(store: Store) -> Iterator[Store]:
    """Lend a store that finds sessions in directories, too, for reading: over one that does not."""
    if not isinstance(store, SqliteStore):
        yield store
        return
    found = Rooted(store, readonly=True)
    try:
        yield found
    finally:
        found.release()


class Rooted(RootedReading):
    """A store in a root and in directories; see ``recorder.store.Store`` for what each method promises."""

    # --- writing -----------------------------------------------------------------------------------

    def begin(self, session: Session, invocation: Invocation, label: str | None = None) -> str | None:
        """Write the rows that are missing; the directory comes first, so that no row is without it."""
        known = self._root.summary(session.ulid)
        place = session.directory if known is None else known.session.directory
        if place is None:
            return self._root.begin(session, invocation, label)
        self._begin_in(place, session, invocation, known=known is not None)
        moved = self._root.begin(session, invocation, label)
        self._repeat(session.ulid)
        return moved

    def _begin_in(self, place: str, session: Session, invocation: Invocation, *, known: bool) -> None:
        """Make the session's directory, or take in what one holds that the database has no row of.

        That of a session which is ``known`` was made once: it is waited for, never begun anew.
        """
        from recorder.stores.directory import Directory
        from recorder.stores.directory_begin import make
        from recorder.stores.directory_lines import Record

        if known:
            self._there(session.ulid)
            return
        make(Path(place))
        directory = self._open.get(session.ulid) or Directory(Path(place), session.ulid, self._busy_ms)
        self._open[session.ulid] = directory
        if not directory.begin(Record(session, (invocation,))):
            found = directory.record()
            if directory.ledger().n_events or len(found.invocations) > 1:
                self._adopt(found.session, found.invocations, found.meta, place)
            else:  # of a process that was killed before it wrote the row
                directory.keep(lambda: Record(session, (invocation,)))

    def _there(self, ulid: str) -> None:
        """Raise StoreMissing or StoreDamaged where a session's directory is not there, or cannot be read."""
        directory = self._at(ulid)
        if directory is not None:
            directory.record()

    def take(self, invocation: Invocation, after: str | None) -> bool:
        """Begin an invocation of a session whose newest one is still ``after``."""
        self._there(invocation.session)
        taken = self._root.take(invocation, after)
        if taken:
            self._repeat(invocation.session)
        return taken

    def give_back(self, invocation: str) -> bool:
        """Take the session's newest invocation away again, if it has recorded nothing."""
        owner = self._owner(invocation)
        directory = None if owner is None else self._at(owner)
        if directory is not None and invocation in directory.ledger().runs:
            return False
        given = self._root.give_back(invocation)
        if given and owner is not None:
            self._repeat(owner)
        return given

    def append(
        self,
        drafts: Sequence[Draft],
        chunks: Sequence[Chunk] = (),
        *,
        activity: tuple[str, Activity] | None = None,
        durable: bool = False,
        if_last_seq: int | None = None,
        recovered: str | None = None,
    ) -> list[Event]:
        """Write events and raw bytes; of several sessions, each in a transaction of its own."""
        parts: list[Draft | Chunk] = [*drafts, *chunks]
        named = [each.session for each in parts] + ([] if activity is None else [activity[0]])
        ulids = [*dict.fromkeys(named)] or [*filter(None, [self._owner(recovered or "")])]
        if durable:  # who was refused tries again, so nothing may fail behind what is committed
            for ulid, directory in self._open.items():
                if ulid not in ulids:
                    directory.sync()
        if all(self._at(ulid) is None for ulid in ulids):
            return self._root.append(
                drafts,
                chunks,
                activity=activity,
                durable=durable,
                if_last_seq=if_last_seq,
                recovered=recovered,
            )
        self._check(ulids, [each.invocation for each in parts])
        if durable:
            self._root.append([], durable=True)
        events: list[Event] = []
        for nth, ulid in enumerate(ulids):
            mine = [each for each in drafts if each.session == ulid]
            bytes_ = [each for each in chunks if each.session == ulid]
            now = activity[1] if activity is not None and activity[0] == ulid else None
            last_seq = if_last_seq if nth == 0 else None
            found = self._append(ulid, mine, bytes_, now, if_last_seq=last_seq, durable=durable)
            if found is None:
                return []
            events += found
        if recovered is not None:
            with suppress(StoreError):  # then the next one looks again, and finds what is written
                self._root.append([], recovered=recovered)
        order = {ulid: iter([each for each in events if each.session == ulid]) for ulid in ulids}
        return [next(order[draft.session]) for draft in drafts]

    def _append(
        self,
        ulid: str,
        drafts: Sequence[Draft],
        chunks: Sequence[Chunk],
        activity: Activity | None,
        *,
        if_last_seq: int | None,
        durable: bool,
    ) -> list[Event] | None:
        directory = self._at(ulid)
        if directory is None:
            now = None if activity is None else (ulid, activity)
            return self._root.append(drafts, chunks, activity=now, if_last_seq=if_last_seq, durable=durable)
        return directory.append(
            drafts, chunks, activity, if_last_seq=if_last_seq, holds=self._holds, durable=durable
        )

    def _check(self, ulids: Collection[str], invocations: Collection[str | None]) -> None:
        """Raise NotFound before anything is written."""
        for ulid in ulids:
            if ulid not in self._open and not self._holds(ulid):
                raise NotFound(f"no such session: {ulid}")
        for run in set(invocations) - self._runs - {None}:
            if self._owner(cast("str", run)) is None:
                raise NotFound(f"no such invocation: {run}")
            self._runs.add(cast("str", run))

    def switch(self, switch: Switch) -> tuple[Session, str | None]:
        """Go on in another session; its mark waits in the directory until the database has the rest."""
        known = self._root.summary(switch.into.ulid)
        left = None if known is not None else self._at(switch.mark.session)
        if left is None:
            return self._root.switch(switch)
        found: list[tuple[Session, str | None]] = []

        def follow(seq: int) -> None:
            into = switch.row(seq)
            if into.directory is not None:
                self._begin_in(into.directory, into, switch.run, known=False)
            found.append(self._sql().write(lambda db: sqlite_append.follow(db, switch, seq)))

        left.announce(switch.mark, switch.into.ulid, follow, self._holds)
        self._repeat(switch.mark.session)
        return found[0]

    def seal(self, session: str) -> int:
        """Merge the session's small trailing segments; a directory has none."""
        return self._root.seal(session) if self._at(session) is None else 0

    def end_invocation(self, ulid: str, ended_ms: int, exit_status: int | None, reason: EndReason) -> bool:
        """End an invocation; the first end stays."""
        first = self._root.end_invocation(ulid, ended_ms, exit_status, reason)
        owner = self._owner(ulid)
        if owner is not None:
            self._repeat(owner)
        return first

    def set_label(self, label: str, ulid: str) -> str | None:
        """Give ``label`` to a session; return the ULID it was moved from, if any."""
        return self._root.set_label(label, ulid)

    def drop_label(self, label: str) -> bool:
        """Take a label away; return whether it existed."""
        return self._root.drop_label(label)

    def set_meta(self, session: str, key: str, value: str | None) -> None:
        """Set or remove one metadata value of a session."""
        self._root.set_meta(session, key, value)
        self._repeat(session)

    # --- keeping and letting go --------------------------------------------------------------------

    def archive(self, ulid: str, at_ms: int | None) -> None:
        """Hide a session from lists, or show it again."""
        self._root.archive(ulid, at_ms)
        self._repeat(ulid)

    def delete(self, ulids: Collection[str], *, dead: Collection[str] = ()) -> bool:
        """Delete sessions, if nothing stands against it: the rows first, which note what is to follow."""
        found = {ulid: directory for ulid in ulids if (directory := self._at(ulid)) is not None}
        for directory in found.values():
            directory.record()  # one that is not as it was is not taken away
        try:
            gone = self._root.delete(ulids, dead=dead)
        except StoreError:
            gone = False
            if any(self._holds(ulid) for ulid in ulids):
                raise
            self._remove(found)
            raise
        if gone:
            self._remove(found)
        return gone

    def _remove(self, found: dict[str, Directory]) -> None:
        for ulid, directory in found.items():
            directory.remove()
            self._open.pop(ulid, None)
            directory.close()
            if isinstance(self._root, SqliteStore):
                self._root.write(lambda db, ulid=ulid: places.cleared(db, ulid))  # type: ignore[misc]

    def erase(self, session: str, turn: int, *, dead: Collection[str] | None = None) -> bool:
        """Erase a turn and those inside it."""
        directory = self._at(session)
        if directory is None:
            return self._root.erase(session, turn, dead=dead)
        runs = [run.ulid for run in self._root.open_invocations() if run.session == session]
        if dead is not None and any(run not in dead for run in runs):
            return False
        return directory.erase(turn, self._holds)

    def drop_last(self, session: str) -> Event | None:
        """Take back the newest note or label of a session; the label goes back first."""
        directory = self._at(session)
        if directory is None:
            return self._root.drop_last(session)
        return directory.drop_last(lambda event: self._label_back(session, event), self._holds)

    def _label_back(self, session: str, event: Event) -> None:
        from recorder import erasing

        name = str(event.meta.get("label"))
        back = erasing.label_back(event.meta, session, dict(self.labels()).get(name))
        if back is None:
            return
        if back[1] is not None and self._holds(back[1]):
            self._root.set_label(name, back[1])
        else:
            self._root.drop_label(name)

    def compact(self, session: str) -> int:
        """Merge a session's segments anew; in a directory, take away what killed writers have left."""
        if self._place_of(session) is None:
            return self._root.compact(session)
        with suppress(StoreMissing, StoreDamaged):  # doctor tells of those
            directory = self._at(session)
            if directory is not None:
                directory.tidy()
        return 0

    def wipe(self) -> None:
        """Give free pages back; remove the files of directories whose rows are gone."""
        self.finish()
        self._root.wipe()

    # --- directories -------------------------------------------------------------------------------

    def finish(self) -> None:
        """Remove the files of sessions that were deleted by somebody who was killed meanwhile."""
        if not isinstance(self._root, SqliteStore):
            return
        for ulid, place in self._root.read(places.leftovers):
            from recorder.stores.directory import Directory

            try:
                self._remove({ulid: Directory(Path(place), ulid, self._busy_ms)})
            except StoreMissing:
                if not Path(place).exists():  # else it is in the way of us: a second name, a mode
                    self._root.write(lambda db, ulid=ulid: places.cleared(db, ulid))  # type: ignore[misc]
            except StoreError:
                continue  # locked, or edited since: the next one looks again

    def forget(self, ulid: str) -> bool:
        """Delete the row of a session whose directory is gone, not what may come back of it."""
        if not isinstance(self._root, SqliteStore):
            return False
        runs = [run.ulid for run in self._root.open_invocations() if run.session == ulid]

        def gone(db: Connection) -> bool:
            keys = sqlite_erase.deletable(db, [ulid], runs)
            if keys is not None:
                places.move(db, ulid, None)  # it leaves no leftover
                sqlite_erase.delete(db, keys)
            return keys is not None

        return self._root.write(gone)

    def at(self, directory: str) -> str | None:
        """Return the ULID of the session in a directory; a store that is written to adopts it."""
        found = self._held(directory)
        if found is None:
            return None
        ulid, place = found.session.ulid, str(Path(directory).resolve())
        if self._readonly:
            self._named[ulid] = place
            return ulid
        row = self._root.summary(ulid)
        if row is None:
            self._adopt(found.session, found.invocations, found.meta, place)
            self._root.set_meta(ulid, ADOPTED, place)  # its command line is the word of who made it
        elif row.session.directory != place:
            self._moved(ulid, row.session.directory, place)
        return ulid

    def _moved(self, ulid: str, before: str | None, place: str) -> None:
        """Note where a session is now; raise Refused for a copy of one that is where it was."""
        if before is None or self._is_there(ulid):
            raise Refused(
                f"could not use {place}: it is a copy of session {ulid}, which is in {before or 'the store'}",
                advice="name the session itself; a copy can be read",
            )
        if isinstance(self._root, SqliteStore):
            self._root.write(lambda db: places.move(db, ulid, place))
        self._let_go(ulid)

    def _adopt(
        self, session: Session, runs: Sequence[Invocation], meta: Sequence[tuple[str, str]], place: str
    ) -> None:
        """Write the rows of a session that only a directory has."""
        row = replace(session, directory=place)
        for run in runs:
            self._root.begin(row, run)
        for key, value in meta:
            self._root.set_meta(row.ulid, key, value)
        if row.archived_ms is not None:
            self._root.archive(row.ulid, row.archived_ms)

    def _repeat(self, ulid: str) -> None:
        """Let session.json say what the database says of a session, unless somebody has changed it."""
        with suppress(StoreMissing, StoreDamaged):
            directory = self._at(ulid)
            if directory is not None:
                directory.keep(lambda: self._told(ulid))
