"""One session of the memory store: its events, turns and bytes; no lock, no other session."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recorder import erasing, turns
from recorder.model import Chunk, Event, Kind, Session, Turn
from recorder.stores.pieces import clip

if TYPE_CHECKING:
    from recorder.model import Activity, Draft


@dataclass
class Record:
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

    def write(self, draft: Draft) -> Event:
        """Make an event of a draft."""
        event = draft.numbered(self.last_seq + 1)
        self.events.append(event)
        if event.turn is not None:
            row = turns.fold(self.turns.get(event.turn), event)
            if row is not None:
                self.turns[event.turn] = row
        return event

    def keep(self, chunk: Chunk, most: int | None) -> None:
        """Take the bytes that are new; keep at most the newest ``most``."""
        fresh = clip(chunk, self.raw_length, chunk.start + len(chunk.data))
        if fresh is None:
            return
        self.chunks.append(fresh)
        self.raw_length = fresh.start + len(fresh.data)
        self.kept += len(fresh.data)
        while most is not None and self.kept > most and len(self.chunks) > 1:
            self.kept -= len(self.chunks.pop(0).data)

    def erase(self, number: int) -> None:
        """Erase a turn that is there, and those inside it."""
        have = sorted(self.turns.values(), key=lambda each: each.turn)
        grave = erasing.grave(have, number, self.raw_length)
        since = next((event.seq for event in self.events if event.turn in grave.turns), 0)
        self.events = [erasing.event_left(grave, event, since) for event in self.events]
        for each in grave.turns:
            self.turns[each] = erasing.buried(self.turns[each])
        spans = ((0, grave.start), (grave.end, self.raw_length))
        cuts = (clip(chunk, *span) for chunk in self.chunks for span in spans)
        self.chunks = [cut for cut in cuts if cut is not None]

    def take_back(self) -> Event | None:
        """Empty the newest note or label, and the command that made it; return it as it was."""
        for at in range(len(self.events) - 1, -1, -1):
            event = self.events[at]
            if erasing.is_remark(event.kind, event.meta):
                self._empty(at)
                for by in range(len(self.events) - 1, -1, -1):
                    command = self.events[by]
                    if command.kind == Kind.COMMAND and erasing.made(command.text, event.text, event.meta):
                        self._empty(by)
                        break
                return event
        return None

    def _empty(self, at: int) -> None:
        event = self.events[at]
        self.events[at] = replace(event, text="", meta=erasing.left(event.meta))
