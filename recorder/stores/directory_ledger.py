"""What the lines of events.jsonl come to: which of them count, and the sums that the next one needs.

Pure but for the file that it is given to read. Nothing here holds a text longer than its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from recorder import turns
from recorder.model import Activity, Event, Turn
from recorder.stores.directory_lines import Done, Erased, Line, Run, Sums, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_strings = re.compile(rb'"(?:[^"\\]|\\.)*+"').sub


@dataclass(slots=True)
class Batch:
    """The lines of one transaction that is whole, and where the file goes on behind it."""

    lines: list[Line]
    end: int
    bad: int = 0  # lines among them that are none of ours


def torn(text: bytes) -> bool:
    """Say whether a last line without its newline is one of ours, cut short, or the zeros of a power loss.

    All others were written by somebody else, or are spoilt; they stay.
    """
    text = text.strip()
    if not text or b"\0" in text:
        return True
    rest = _strings(b"", text)
    opened = rest.count(b"{") + rest.count(b"[") > rest.count(b"}") + rest.count(b"]")
    return text.startswith(b"{") and (opened or b'"' in rest)


def batches(file: IO[bytes], session: str, start: int, limit: int) -> Iterator[Batch | list[Line]]:
    """Yield the transactions in the bytes ``[start, limit)``, and as a list the lines of one cut short.

    A last line without its newline counts if it is whole.
    """
    file.seek(start)
    at, held, bad = start, list[Line](), 0
    while at < limit and (text := file.readline(limit - at)):
        at += len(text)
        line = decode(text, session) if text.strip() else None
        if line is None:
            if at >= limit and not text.endswith(b"\n") and torn(text):
                break  # whoever wrote it did not finish
            bad += 1
            if not held:
                yield Batch([], at, bad)
                bad = 0
            continue
        if isinstance(line.what, Done):
            if held and held[-1].condition == line.what.condition:
                yield Batch(held, at, bad)
                held, bad = [], 0
            continue
        held.append(line)
        if not line.waits:
            yield Batch(held, at, bad)
            held, bad = [], 0
    if held:
        yield held


def whole(file: IO[bytes], session: str, limit: int) -> Iterator[Line]:
    """Yield the lines that count in the first ``limit`` bytes, in order; events with a seq that grows."""
    newest = 0
    for batch in batches(file, session, 0, limit):
        if isinstance(batch, list):
            return
        for line in batch.lines:
            if isinstance(line.what, Event):
                if line.what.seq <= newest:
                    continue  # by hand, or a copy pasted: the first one stays
                newest = line.what.seq
            yield line


@dataclass(slots=True)
class Ledger:
    """The sums over a session's lines up to ``end`` (bytes)."""

    session: str
    fork_seq: int
    end: int = 0
    last_seq: int = 0
    n_events: int = 0
    last_ms: int | None = None
    raw_end: int = 0
    bad: int = 0  # lines that are none of ours
    doubtful: bool = False  # one of them may speak of the last raw bytes
    turns: dict[int, Turn] = field(default_factory=dict)
    activity: Activity | None = None
    runs: set[str] = field(default_factory=set)  # invocations that have recorded something
    kept: list[list[int]] = field(default_factory=list)  # stretches [start, end) of raw bytes that count
    cut: list[Line] = field(default_factory=list)  # the lines of a transaction cut short at the end

    def __post_init__(self) -> None:
        self.last_seq = self.fork_seq

    def read(self, file: IO[bytes], size: int) -> None:
        """Take in what a file of ``size`` bytes has behind ``end``."""
        self.cut = []
        for batch in batches(file, self.session, self.end, size):
            if isinstance(batch, list):
                self.cut = batch
                break
            self.bad += batch.bad
            self.add(batch.lines, batch.end)
            if batch.bad:
                self.doubtful = True

    def add(self, lines: Sequence[Line], end: int) -> None:
        """Take in lines that count."""
        for line in lines:
            what = line.what
            if isinstance(what, Event):
                self._event(what)
            elif isinstance(what, Run):
                self.runs.add(what.invocation)
                self._bytes(what)
                self.doubtful = False
            elif isinstance(what, Erased):
                self.raw_end = max(self.raw_end, what.end)
            elif isinstance(what, Activity):
                self.activity = what
        self.end = end

    def _event(self, event: Event) -> None:
        if event.seq <= self.last_seq:
            self.bad += 1
            return
        self.last_seq = event.seq
        self.n_events += 1
        self.last_ms = event.at.wall_ms
        if event.invocation is not None:
            self.runs.add(event.invocation)
        if event.turn is not None:
            row = turns.fold(self.turns.get(event.turn), event)
            if row is not None:
                self.turns[event.turn] = row

    def _bytes(self, run: Run) -> None:
        if self.kept and self.kept[-1][1] == run.start:
            self.kept[-1][1] = run.end
        else:
            self.kept.append([run.start, run.end])
        self.raw_end = max(self.raw_end, run.end)

    def sums(self, stamp: tuple[int, int]) -> Sums:
        """Return what a list shows of it."""
        return Sums(stamp, self.n_events, len(self.turns), self.last_ms, self.activity)

    def kept_upto(self, start: int, limit: int) -> int:
        """Return where the last raw bytes that count in ``[start, limit)`` end; ``start`` if none do."""
        ends = (end for first, end in self.kept if first < limit and end > start)
        return min(max(ends, default=start), limit)
