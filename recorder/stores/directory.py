"""One session in a directory of its own: session.json, events.jsonl, and the raw bytes in raw/.

It can be searched with grep, copied and moved. A transaction first writes its raw bytes, then its lines
in one go: what is behind the last whole line is no part of it, and the next writer takes it away. Raw bytes
are kept as the tool wrote them, in files of about 1 MiB named by the raw offset of their first byte.

session.json repeats what the root's database knows of the session, for those who have only the
directory; it is replaced as a whole. What is erased is left out of new files, and the old ones are
overwritten: the new events.jsonl is what counts, so a kill before it has changed nothing, and the next
writer overwrites what a kill after it has left.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from recorder import erasing
from recorder.errors import StoreBusy, StoreDamaged, StoreError, StoreMissing
from recorder.model import Event
from recorder.stores import directory_erase, pieces
from recorder.stores import directory_lines as lines
from recorder.stores.directory_begin import read_record, see_that_it_is_free
from recorder.stores.directory_files import EVENTS, RECORD, Files, segment
from recorder.stores.directory_ledger import Ledger, torn, whole
from recorder.stores.directory_lines import Line, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from recorder.model import Activity, Chunk, Draft
    from recorder.stores.directory_lines import Record, Sums

_BUSY_MS = 5000


class Directory:
    """The directory of one session, open for reading and writing; one thread at a time."""

    def __init__(self, path: Path, ulid: str, busy_ms: int = _BUSY_MS) -> None:
        """Open the directory of the session ``ulid``; raise StoreMissing where it is not there."""
        self.ulid = ulid
        self._busy_ms = busy_ms
        self._files = Files(path)
        self._ledger: Ledger | None = None
        self._place = (0, 0)  # device and inode of the events that the ledger is of
        self._unsynced: set[str] = set()
        self._clean = False
        self._floor: int | None = None  # raw offset before which nothing is written, see ``reached``
        self._sums: Sums | None = None
        self.path = self._files.path

    def close(self) -> None:
        """Give the descriptors back."""
        self._files.close()

    # --- the record ----------------------------------------------------------------------------

    def record(self) -> Record:
        """Return what session.json says; raise StoreMissing, or StoreDamaged for another session's."""
        found = read_record(self._files)
        if found is None and self._files.size(EVENTS):
            raise StoreDamaged(
                f"could not read session {self.ulid}: {self.path / RECORD} is gone",
                advice="put the file back; nothing else of the session is touched",
            )
        if found is None:
            raise StoreMissing(
                f"could not read session {self.ulid}: {self.path} does not hold it any more",
                advice="`rec doctor --fix` forgets it",
            )
        if found.session.ulid != self.ulid:
            raise StoreDamaged(
                f"could not read session {self.ulid}: {self.path} holds session {found.session.ulid}",
                advice="put its own directory back",
            )
        return found

    def begin(self, record: Record) -> bool:
        """Write the record of a session that is not there yet; say whether it was not."""
        with self._files.locked(self._busy_ms):
            found = read_record(self._files)
            if found is not None:
                self.record()
                return False
            see_that_it_is_free(self._files)
            self._files.append(EVENTS, 0, b"")
            self._files.replace(RECORD, [lines.encode_record(record)])
            return True

    def keep(self, make: Callable[[], Record]) -> None:
        """Replace the record by what ``make`` returns, if that is something else."""
        with self._files.locked(self._busy_ms):
            self.record()  # nobody else's is replaced, nor one that cannot be read
            with suppress(StoreDamaged):  # then they are counted by who asks
                self._read_sums()
            body = lines.encode_record(replace(make(), sums=self._sums))
            if body != self._files.read(RECORD):
                self._files.replace(RECORD, [body])

    def _read_sums(self) -> None:
        ledger = self.ledger()
        stamp = self._files.stamp(EVENTS)
        whole = ledger.end == stamp[0]
        self._sums = ledger.sums(stamp) if whole else None

    def sums(self) -> Sums:
        """Return what is counted of the session; what the record says, if no line came since."""
        known = self.record().sums
        if known is not None and self._ledger is None and known.stamp == self._files.stamp(EVENTS):
            return known
        return self.ledger().sums(self._files.stamp(EVENTS))

    # --- reading -------------------------------------------------------------------------------

    def ledger(self) -> Ledger:
        """Return the sums over all lines; read anew is only what came since."""
        while not self._read_on():
            self._ledger = None  # it was replaced under our hands
        assert self._ledger is not None  # noqa: S101  (for the type checker)
        return self._ledger

    def _read_on(self) -> bool:
        """Take in what came since; say whether the file that was read is still the one."""
        fd = self._files.opened(EVENTS)
        if fd is None:
            raise self._without_events()
        with os.fdopen(fd, "rb") as file:
            found = os.fstat(fd)
            place = found.st_dev, found.st_ino
            known = self._ledger
            if known is None or place != self._place or found.st_size < known.end:
                known = Ledger(self.ulid, self.record().session.fork_seq or 0)
            known.read(file, found.st_size)
            if self._floor is None:  # before we have written any: what we fail to write is no such bytes
                self._floor = directory_erase.reached(self._files, known.raw_end) if known.doubtful else 0
            known.raw_end = max(known.raw_end, self._floor)
            self._ledger, self._place = known, place
            return os.fstat(fd).st_nlink > 0

    def _without_events(self) -> StoreDamaged:
        return StoreDamaged(
            f"could not read session {self.ulid}: {self.path / EVENTS} is gone",
            advice="put the file back; nothing else of the session is touched",
        )

    def _lines(self) -> Iterator[Line]:
        """Yield the lines that count when this begins."""
        fd = self._files.opened(EVENTS)
        if fd is None:
            raise self._without_events()
        with os.fdopen(fd, "rb") as file:
            size = os.fstat(fd).st_size
            yield from whole(file, self.ulid, size)
            if os.fstat(fd).st_nlink == 0 and os.pread(fd, 1, 0) == b"\0":
                raise StoreBusy(f"could not read session {self.ulid}: something in it was erased meanwhile")

    def events(
        self,
        *,
        kinds: Sequence[str] = (),
        after: int = 0,
        upto: int | None = None,
        last: int | None = None,
    ) -> Iterator[Event]:
        """Yield the events as the store's protocol has it."""
        found = (
            line.what
            for line in self._lines()
            if isinstance(line.what, Event)
            and line.what.seq > after
            and (upto is None or line.what.seq <= upto)
            and (not kinds or line.what.kind in kinds)
        )
        yield from found if last is None else deque(found, maxlen=max(0, last))

    def raw(self, start: int, end: int) -> Iterator[Chunk]:
        """Yield the raw bytes in ``[start, end)``; a run that is damaged is left out."""
        starts = self._files.segments()
        for line in self._lines():
            run = line.what
            if isinstance(run, Run) and run.start < end and run.end > start:
                data = directory_erase.data_of(self._files, starts, run)
                if data is None:
                    continue
                for chunk in run.chunks(self.ulid, data):
                    cut = pieces.clip(chunk, start, end)
                    if cut is not None:
                        yield cut

    # --- writing -------------------------------------------------------------------------------

    @contextmanager
    def _writing(self, holds: Callable[[str], bool] | None = None) -> Iterator[Ledger]:
        """Be the only writer; what a killed one left half done is not there any more.

        ``holds`` says of a ULID whether the session exists for which a line waits.
        """
        with self._files.locked(self._busy_ms):
            self.record()
            ledger = self.ledger()
            waiting = ledger.cut[-1].condition if ledger.cut else None
            if waiting is not None and holds is not None and holds(waiting):
                done = lines.encode([Line(lines.Done(waiting))])
                self._add(self._files.size(EVENTS) - self._torn(), done)
                ledger = self.ledger()
            if not self._clean:
                self._files.clean()
                if not ledger.bad:  # else a line that cannot be read may speak of what no other does
                    directory_erase.unsplit(self._files, self._lines())
                    directory_erase.scrub(self._files, ledger)
                self._clean = True
            try:
                yield ledger
            except BaseException:
                self._ledger, self._clean = None, False
                raise

    def append(
        self,
        drafts: Sequence[Draft],
        chunks: Sequence[Chunk] = (),
        activity: Activity | None = None,
        *,
        if_last_seq: int | None = None,
        holds: Callable[[str], bool] | None = None,
        durable: bool = False,
    ) -> list[Event] | None:
        """Write events and bytes in one transaction; None, and nothing, where ``if_last_seq`` is another.

        ``durable``: they and all that was written before are on the disk then; who is told that they
        could not be brought there finds none of them.
        """
        with self._writing(holds) as ledger:
            if if_last_seq is not None and ledger.last_seq != if_last_seq:
                return None
            fresh = pieces.fresh(chunks, lambda _ulid: ledger.raw_end)
            whats: list[Event | Run | Activity] = list(self._put(ledger, fresh))
            events = [draft.numbered(ledger.last_seq + nth) for nth, draft in enumerate(drafts, 1)]
            whats += events
            whats += [] if activity is None else [activity]
            before = ledger.end
            if whats:
                self._write(ledger, lines.together(whats))
            if durable:
                self._sync_or_cut(before)
            return events

    def _sync_or_cut(self, before: int) -> None:
        """Sync; where that fails, end the lines where they ended ``before`` (bytes)."""
        try:
            self.sync()
        except StoreError:
            self._files.append(EVENTS, before, b"")
            raise

    def announce(
        self, draft: Draft, into: str, then: Callable[[int], None], holds: Callable[[str], bool]
    ) -> None:
        """Write an event that counts only if the session ``into`` exists; ``then`` (its seq) makes that."""
        with self._writing(holds) as ledger:
            event = draft.numbered(ledger.last_seq + 1)
            start = ledger.end
            waiting = [Line(event, condition=into)]
            at = self._add(start, lines.encode(waiting))
            self.sync()
            then(event.seq)
            at = self._add(at, lines.encode([Line(lines.Done(into))]))
            ledger.add(waiting, at)

    def _write(self, ledger: Ledger, found: Sequence[Line]) -> None:
        ledger.add(found, self._add(ledger.end, lines.encode(found)))

    def _add(self, at: int, data: bytes) -> int:
        """Write lines at ``at``; return where they end."""
        if at and self._last_byte(at) != b"\n":  # a person's editor may have left it out
            data = b"\n" + data
        self._files.append(EVENTS, at, data)
        self._unsynced.add(EVENTS)
        return at + len(data)

    def _torn(self) -> int:
        """Return how many bytes of a line that was cut short the lines end with."""
        tail = (self._files.read(EVENTS) or b"").rpartition(b"\n")[2]
        return len(tail) if lines.decode(tail, self.ulid) is None and torn(tail) else 0

    def _last_byte(self, at: int) -> bytes:
        fd = self._files.opened(EVENTS)
        if fd is None:
            raise self._without_events()
        try:
            return os.pread(fd, 1, at - 1)
        finally:
            os.close(fd)

    def _put(self, ledger: Ledger, fresh: Sequence[Chunk]) -> Iterator[Run]:
        """Write raw bytes behind those that count; yield what is to be said of them."""
        end = ledger.raw_end
        starts = self._files.segments()
        last = starts[-1] if starts else -1
        for piece in pieces.joined(fresh):
            run, data = lines.run_of(piece)
            at = run.start - last
            fits = last >= 0 and run.start == end and 0 <= at < pieces.MAX_RAW
            if not fits or self._files.size(segment(last)) < at:
                last, at = run.start, 0
            self._files.append(segment(last), at, data)
            self._unsynced.add(segment(last))
            end = run.end
            yield run

    def sync(self) -> None:
        """Bring to the disk what was written since the last time."""
        if self._unsynced:
            self._files.sync(sorted(self._unsynced, reverse=True))  # raw/… before the lines about it
            self._unsynced.clear()

    # --- letting go ----------------------------------------------------------------------------

    def erase(self, number: int, holds: Callable[[str], bool]) -> bool:
        """Erase a turn and those inside it; say whether there was one."""
        with self._writing(holds) as ledger:
            if number not in ledger.turns:
                return False
            have = sorted(ledger.turns.values(), key=lambda each: each.turn)
            grave = erasing.grave(have, number, ledger.raw_end)
            since = next((event.seq for event in self.events() if event.turn in grave.turns), 0)
            directory_erase.split(self._files, self._lines(), grave.end)
            self._rewrite(directory_erase.without(self._files, self._lines(), grave, since))
            return True

    def drop_last(self, before: Callable[[Event], None], holds: Callable[[str], bool]) -> Event | None:
        """Take back the newest note or label; ``before`` is called with it while it is still there."""
        with self._writing(holds):
            found, made = directory_erase.remark(self.events)
            if found is None:
                return None
            before(found)
            self._rewrite(directory_erase.emptied(self._lines(), {found.seq, made}))
            return found

    def _rewrite(self, found: Iterator[Line]) -> None:
        """Replace the lines, then overwrite the bytes that do not count any more."""
        self._files.replace(EVENTS, (lines.encode([line]) for line in found), erasing=True)
        self._ledger = None
        directory_erase.scrub(self._files, self.ledger())

    def tidy(self) -> None:
        """Take away what killed writers have left; nothing that can be read changes."""
        self._clean = False
        with self._writing():
            pass

    def remove(self) -> None:
        """Remove all that we wrote here, and the directory if nothing else is in it."""
        with self._files.locked(self._busy_ms):
            if read_record(self._files) is None:  # all but what is called .part went before a kill
                self._files.clean()
            else:
                self.record()
                self._files.remove_all()
        self._ledger = None

    # --- care ----------------------------------------------------------------------------------

    def size_bytes(self) -> int:
        """Return what it takes on disk."""
        return self._files.bytes_used()

    def faults(self) -> list[str]:
        """Examine the directory; return what is wrong, one line each."""
        self.record()
        ledger = self.ledger()
        told = []
        if ledger.bad:
            told.append(f"{EVENTS}: {ledger.bad} lines cannot be read")
        if ledger.last_seq != ledger.fork_seq + ledger.n_events:
            told.append(f"{EVENTS}: events are missing")
        starts = self._files.segments()
        runs = [line.what for line in self._lines() if isinstance(line.what, Run)]
        damaged = [run for run in runs if directory_erase.data_of(self._files, starts, run) is None]
        if damaged:
            told.append(f"raw bytes {damaged[0].start} to {damaged[-1].end} are damaged")
        return told
