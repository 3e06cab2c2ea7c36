"""What waits for the store: raw bytes and events in two queues, with tickets and byte counts.

No thread, no store, no clock (times are given, monotonic seconds), no lock: ``Writer`` guards it
with its own. Raw bytes go first; events keep their order, except that a prompt does not wait behind
much text that is still to be rendered.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recorder.model import Chunk, Draft, Kind, Span

if TYPE_CHECKING:
    from recorder.model import Activity

BATCH = 4 << 20  # raw bytes in one transaction; at 200 MB/s that is 20 ms
PATIENCE = 64 << 10  # bytes of text that may be rendered before a prompt is stored
TEXT_CAP = 16 << 20  # bytes of spans that wait; beyond it they stay raw only, as memory must stay flat

Item = Chunk | Draft | Span


@dataclass
class Batch:
    """What one transaction writes; ``tickets`` has one entry per item."""

    chunks: list[Chunk] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    tickets: list[int] = field(default_factory=list)
    activity: tuple[str, Activity] | None = None

    @property
    def raw(self) -> int:
        """The number of raw bytes."""
        return sum(len(chunk.data) for chunk in self.chunks)

    def halves(self) -> list[Batch]:
        """Return two batches with half of the items each."""
        n, c = len(self.tickets) // 2, len(self.chunks)
        return [
            Batch(self.chunks[:n], self.drafts[: max(0, n - c)], self.tickets[:n]),
            Batch(self.chunks[n:], self.drafts[max(0, n - c) :], self.tickets[n:], self.activity),
        ]


class Pending:
    """The queue. ``raw`` and ``text`` count waiting bytes of chunks and of spans, ``prompts`` prompts.

    ``since`` is when the oldest of what waits came, or None; ``last`` is the item that came last.
    """

    def __init__(self) -> None:
        self.raw = 0
        self.text = 0
        self.prompts = 0
        self.since: float | None = None
        self.last: Item | None = None
        self._activity: tuple[str, Activity] | None = None
        self._written: tuple[str, Activity] | None = None
        self._chunks: deque[tuple[int, Chunk]] = deque()
        self._events: deque[tuple[int, Draft | Span]] = deque()
        self._open: dict[int, int] = {}
        self._ticket = 0

    def put(self, items: tuple[Item, ...], now: float) -> int:
        """Take items in order; return the ticket that stands for them."""
        self._ticket += 1
        if items:
            self.last = items[-1]
            self.since = now if self.since is None else self.since
        ticket = self._ticket
        for item in items:
            if isinstance(item, Chunk):
                self._chunks.append((ticket, item))
                self.raw += len(item.data)
                self._open[ticket] = self._open.get(ticket, 0) + 1
            elif isinstance(item, Span) and self.text + len(item.data) > TEXT_CAP:
                self._append(ticket, _left_out(item))
                self._append(ticket, replace(item, data=b""))
            else:
                self._append(ticket, item)
        return ticket

    def do(self, activity: tuple[str, Activity], now: float) -> None:
        """Take what a session is doing; the newest is written, once."""
        self._activity = activity
        if activity != self._written:
            self.since = now if self.since is None else self.since

    def _append(self, ticket: int, event: Draft | Span) -> None:
        self._events.append((ticket, event))
        self._open[ticket] = self._open.get(ticket, 0) + 1
        if isinstance(event, Span):
            self.text += len(event.data)
        else:
            self.prompts += event.kind is Kind.PROMPT

    def done(self, batch: Batch) -> None:
        """Close the tickets of what has been written."""
        self._written = batch.activity or self._written
        for ticket in batch.tickets:
            left = self._open.get(ticket, 0) - 1
            if left > 0:
                self._open[ticket] = left
            else:
                self._open.pop(ticket, None)

    def durable(self, ticket: int) -> bool:
        """Say whether everything that a ticket stands for has been written."""
        return ticket <= self._ticket and ticket not in self._open

    def open_before(self, ticket: int) -> bool:
        """Say whether anything that was put before a ticket has not been written."""
        return next(iter(self._open), ticket) < ticket

    @property
    def empty(self) -> bool:
        """Say whether nothing waits here (a batch may still be on its way)."""
        return not self._chunks and not self._events

    @property
    def ready(self) -> bool:
        """Say whether there is anything to write without rendering first."""
        return (
            bool(self._chunks)
            or self._activity != self._written
            or self._pulls()
            or (bool(self._events) and isinstance(self._events[0][1], Draft))
        )

    @property
    def span_waits(self) -> bool:
        """Say whether the next event is still to be rendered."""
        return bool(self._events) and isinstance(self._events[0][1], Span)

    @property
    def span_first(self) -> bool:
        """Say whether a prompt waits for that, and for little else."""
        return self.prompts > 0 and self.span_waits and not self._pulls()

    def _pulls(self) -> bool:
        """Say whether a prompt is to be written before the text that stands before it."""
        if not self.prompts or not self.span_waits:
            return False
        before = 0
        for _ticket, event in self._events:
            if isinstance(event, Span):
                before += len(event.data)
                if before > PATIENCE:
                    return True
            elif event.kind is Kind.PROMPT:
                return False
        return False

    def take(self, now: float) -> Batch:
        """Take what can be written in one transaction."""
        batch = Batch(activity=None if self._activity == self._written else self._activity)
        size = 0
        while self._chunks and size < BATCH:
            ticket, chunk = self._chunks.popleft()
            batch.chunks.append(chunk)
            batch.tickets.append(ticket)
            size += len(chunk.data)
        self.raw -= size
        while self._events and isinstance(self._events[0][1], Draft):
            self._move(batch, *self._events.popleft())
        if self._pulls():
            rest, self._events = self._events, deque()
            for ticket, event in rest:
                if isinstance(event, Draft) and event.kind is Kind.PROMPT:
                    self._move(batch, ticket, event)
                else:
                    self._events.append((ticket, event))
        self.since = None if self.empty else now
        return batch

    def _move(self, batch: Batch, ticket: int, event: Draft | Span) -> None:
        if isinstance(event, Draft):
            batch.drafts.append(event)
            batch.tickets.append(ticket)
            self.prompts -= event.kind is Kind.PROMPT

    def take_span(self) -> tuple[int, Span]:
        """Take the span at the head (``span_waits``), to be rendered and put back by ``rendered``."""
        ticket, event = self._events.popleft()
        assert isinstance(event, Span)  # noqa: S101  (span_waits said so)
        self.text -= len(event.data)
        return ticket, event

    def rendered(self, ticket: int, drafts: list[Draft]) -> None:
        """Put what a span became where the span was."""
        self._open[ticket] = self._open.get(ticket, 0) + len(drafts) - 1
        self._events.extendleft((ticket, draft) for draft in reversed(drafts))
        self.prompts += sum(draft.kind is Kind.PROMPT for draft in drafts)
        if self._open[ticket] <= 0:
            del self._open[ticket]

    def drain(self) -> list[Item]:
        """Take everything: chunks first, then the events in order, spans unrendered."""
        items: list[Item] = [chunk for _, chunk in self._chunks]
        items += [event for _, event in self._events]
        self._chunks.clear()
        self._events.clear()
        self.raw = self.text = self.prompts = 0
        return items


def _left_out(span: Span) -> Draft:
    """Return the notice that a span's text is not kept."""
    return Draft(
        session=span.session,
        kind=Kind.SYSTEM,
        at=span.at,
        text=f"{len(span.data)} bytes of output are kept as raw bytes only",
        turn=span.turn,
        invocation=span.invocation,
        meta={"raw_only": len(span.data)},
    )
