"""Where a recording from a file becomes a session: all of it, or nothing; no format, no file.

While it is being written it has a label of its own (``labels.importing``) and this process as its owner.
What fails takes it away again; after a kill ``care`` does.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from recorder import ids
from recorder.errors import RecError, Refused
from recorder.labels import importing
from recorder.model import Chunk, Draft, Invocation
from recorder.origin import IMPORTED
from recorder.safe import visible

if TYPE_CHECKING:
    from types import TracebackType

    from recorder.basics import Owner
    from recorder.formats.records import Heading
    from recorder.model import EndReason, Session
    from recorder.store import Store

BATCH_BYTES, BATCH_EVENTS = 4 << 20, 2000  # of one transaction
MOST_TOLD = 5  # warnings; a file that is all damage is one trouble, not a million
META_COMMAND = "command"  # what is kept with the session besides the file's name: its command line


@dataclass
class Imported:
    """What became of a file: its session, and what of it could not be read."""

    ulid: str
    n_events: int = 0
    n_turns: int = 0
    warnings: list[str] = field(default_factory=list)
    n_warnings: int = 0

    def warn(self, why: str) -> None:
        """Take note of damage; of very many only the first are told."""
        self.n_warnings += 1
        if self.n_warnings <= MOST_TOLD:
            self.warnings.append(why)


def refused(path: str, cause: str, advice: str | None = None) -> Refused:
    """Return the error that says why a file is not imported."""
    return Refused(f"could not import {path}: {cause}", advice=advice)


class Sink:
    """A session as it is written: all of it is there at the end, or nothing."""

    def __init__(self, store: Store, row: Session, owner: Owner, path: str) -> None:
        self.row, self.owner = row, owner
        self.done = Imported(row.ulid)
        self.ends: dict[str, tuple[int, int | None, EndReason] | None] = {}
        self._store, self._path = store, path
        self._runs: list[str] = []
        self._drafts: list[Draft] = []
        self._chunks: list[Chunk] = []
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take everything away again if anything failed; what the store does not let go, care does."""
        if error is not None and self._runs:
            with contextlib.suppress(RecError):
                self._store.delete([self.row.ulid], dead=self._runs)

    def unknown_run(self) -> Invocation:
        """Return a run of which only is known that there was one."""
        began = self.row.created_ms
        return Invocation(ids.ulid(began), self.row.ulid, began, self.owner, version="", host="")

    def begin(self, run: Invocation) -> None:
        """Write a run's row, with the first one the session's; raise Refused for one of another session."""
        first = not self._runs
        self._runs.append(run.ulid)
        self._store.begin(self.row, run, importing(self.row.ulid) if first else None)
        found = self._store.summary(self.row.ulid)
        if found is None or found.invocation is None or found.invocation.ulid != run.ulid:
            raise refused(self._path, f"its run {run.ulid} is there already, in another session")

    def add(self, part: Chunk | Draft) -> None:
        """Write bytes or an event, soon."""
        if not self._runs:
            self.begin(self.unknown_run())
        if isinstance(part, Chunk):
            self._chunks.append(part)
            self._size += len(part.data)
        else:
            self._drafts.append(part)
            self._size += len(part.text)
        if self._size >= BATCH_BYTES or len(self._drafts) >= BATCH_EVENTS:
            self._flush()

    def _flush(self) -> None:
        self._store.append(self._drafts, self._chunks)
        self._drafts, self._chunks, self._size = [], [], 0

    def finish(self, heading: Heading) -> Imported:
        """Write the rest and the ends; from here on it is a session as any other."""
        if not self._runs:
            self.begin(self.unknown_run())
        self._flush()
        ulid = self.row.ulid
        self._store.set_meta(ulid, IMPORTED, visible(os.path.basename(self._path)))
        if heading.command:
            self._store.set_meta(ulid, META_COMMAND, visible(heading.command))
        self._store.seal(ulid)
        self._store.drop_label(importing(ulid))
        for run in self._runs:
            end = self.ends.get(run)
            if end is None:
                self._store.append([], recovered=run)  # nothing is left to derive from its bytes
            else:
                self._store.end_invocation(run, *end)
        found = self._store.summary(ulid)
        if found is not None:
            self.done.n_events, self.done.n_turns = found.n_events, found.n_turns
        return self.done
