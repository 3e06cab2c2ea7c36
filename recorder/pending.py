"""What waits for the store: raw bytes and events in two queues, with tickets and byte counts.

No thread, no store, no clock (times are given, monotonic seconds), no lock: ``Writer`` guards it
with its own. Raw bytes go first; events keep their order, except that a prompt does not wait behind
much text that is still to be rendered. A switch to another session is a barrier: what comes behind
it waits aside until all before it is written.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from recorder.model import Chunk, Draft, Kind, Span, Switch

if TYPE_CHECKING:
    from recorder.model import Activity

BATCH = 4 << 20  # raw bytes in one transaction; at 200 MB/s that is 20 ms
PATIENCE = 64 << 10  # bytes of text that may be rendered before a prompt is stored
TEXT_CAP = 16 << 20  # bytes of spans that wait; beyond it they stay raw only, as memory must stay flat

Item = Chunk | Draft | Span | Switch


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

    @property
    def items(self) -> list[Item]:
        """All of it, raw bytes first."""
        return [*self.chunks, *self.drafts]

    def halves(self) -> list[Batch]:
        """Return two batches with half of the items each."""
        n, c = len(self.tickets) // 2, len(self.chunks)
        return [
            Batch(self.chunks[:n], self.drafts[: max(0, n - c)], self.tickets[:n]),
            Batch(self.chunks[n:], self.drafts[max(0, n - c) :], self.tickets[n:], self.activity),
        ]


class Pending:
    """The queue. ``raw`` and ``text`` count waiting bytes of chunks and of spans.

    Events are ready as long as no span stands before them; ``_behind`` is empty or begins with one.
    ``since`` is when the oldest of what waits came, or None; ``last`` is the item that came last.
    """

    def __init__(self) -> None:
        self.raw = 0
        self.text = 0
        self.since: float | None = None
        self.last: Item | None = None
        self._activity: tuple[str, Activity] | None = None
        self._written: tuple[str, Activity] | None = None
        self._chunks: deque[tuple[int, Chunk]] = deque()
        self._ready: deque[tuple[int, Draft]] = deque()
        self._behind: deque[tuple[int, Draft | Span]] = deque()
        self._switch: tuple[int, Switch] | None = None  # everything above stands before it
        self._aside: deque[tuple[int, Item]] = deque()  # behind it
        self._prompts = 0  # in _behind
        self._hurry = False  # a prompt is ready
        self._open: dict[int, int] = {}
        self._ticket = 0

    # --- what comes --------------------------------------------------------------------------------

    def put(self, items: tuple[Item, ...], now: float) -> int:
        """Take items in order; return the ticket that stands for them."""
        self._ticket += 1
        if items:
            self.last = items[-1]
            self.since = now if self.since is None else self.since
        ticket = self._ticket
        for item in items:
            if isinstance(item, Span) and self.text + len(item.data) > TEXT_CAP:
                self._take(ticket, _left_out(item))
                self._take(ticket, replace(item, data=b""))
            else:
                self._take(ticket, item)
        return ticket

    def _take(self, ticket: int, item: Item) -> None:
        """Count an item and put it where it has to wait."""
        self._open[ticket] = self._open.get(ticket, 0) + 1
        if isinstance(item, Chunk):
            self.raw += len(item.data)
        elif isinstance(item, Span):
            self.text += len(item.data)
        if self._switch is not None:
            self._aside.append((ticket, item))
        else:
            self._queue(ticket, item)

    def _queue(self, ticket: int, item: Item) -> None:
        if isinstance(item, Switch):
            self._switch, self._hurry = (ticket, item), True
        elif isinstance(item, Chunk):
            self._chunks.append((ticket, item))
        else:
            self._append(ticket, item)

    def _append(self, ticket: int, event: Draft | Span) -> None:
        if isinstance(event, Draft) and not self._behind:
            self._make_ready(ticket, event)
            return
        self._prompts += isinstance(event, Draft) and event.kind is Kind.PROMPT
        self._behind.append((ticket, event))

    def _make_ready(self, ticket: int, draft: Draft) -> None:
        self._ready.append((ticket, draft))
        self._hurry = self._hurry or draft.kind is Kind.PROMPT

    def do(self, activity: tuple[str, Activity], now: float) -> None:
        """Take what a session is doing; the newest is written, once, that of a later session in its time."""
        self._activity = activity
        if activity != self._written:
            self.since = now if self.since is None else self.since

    # --- what is asked -----------------------------------------------------------------------------

    def durable(self, ticket: int) -> bool:
        """Say whether everything that a ticket stands for has been written."""
        return ticket <= self._ticket and ticket not in self._open

    def open_before(self, ticket: int) -> bool:
        """Say whether anything that was put before a ticket has not been written."""
        return next(iter(self._open), ticket) < ticket

    @property
    def empty(self) -> bool:
        """Say whether nothing waits here (a batch may still be on its way)."""
        return not (self._chunks or self._ready or self._behind or self._switch)

    @property
    def ready(self) -> bool:
        """Say whether there is anything to write without rendering first."""
        return bool(self._chunks or self._ready) or self._due_activity() is not None or self._pulls()

    @property
    def switch(self) -> Switch | None:
        """Return the switch that stands before everything that came later, or None."""
        return None if self._switch is None else self._switch[1]

    def _due_activity(self) -> tuple[str, Activity] | None:
        """Return the activity that is to be written now: not before its session is there."""
        late = self._switch is not None or self._activity == self._written
        return None if late else self._activity

    @property
    def hurry(self) -> bool:
        """Say whether a prompt is to be written now."""
        return self._hurry or self._pulls()

    @property
    def span_waits(self) -> bool:
        """Say whether there is anything to render."""
        return bool(self._behind)

    @property
    def span_first(self) -> bool:
        """Say whether a prompt waits for text, and not for much of it."""
        return self._prompts > 0 and not self._pulls()

    def _pulls(self) -> bool:
        """Say whether a prompt is to be written before the text that stands before it."""
        if not self._prompts:
            return False
        before = 0
        for _ticket, event in self._behind:
            if isinstance(event, Span):
                before += len(event.data)
                if before > PATIENCE:
                    return True
            elif event.kind is Kind.PROMPT:
                return False
        return False

    # --- what goes ---------------------------------------------------------------------------------

    def take(self, now: float) -> Batch:
        """Take what can be written in one transaction."""
        batch = Batch(activity=self._due_activity())
        size = 0
        while self._chunks and size < BATCH:
            ticket, chunk = self._chunks.popleft()
            batch.chunks.append(chunk)
            batch.tickets.append(ticket)
            size += len(chunk.data)
        self.raw -= size
        if self._pulls():
            self._pull_prompts()
        for ticket, draft in self._ready:
            batch.drafts.append(draft)
            batch.tickets.append(ticket)
        self._ready.clear()
        self._hurry = False
        self.since = None if self.empty else now
        return batch

    def _pull_prompts(self) -> None:
        behind, self._behind = self._behind, deque()
        for ticket, event in behind:
            if isinstance(event, Draft) and event.kind is Kind.PROMPT:
                self._make_ready(ticket, event)
            else:
                self._behind.append((ticket, event))
        self._prompts = 0

    def done(self, batch: Batch) -> None:
        """Close the tickets of what has been written."""
        self._written = batch.activity or self._written
        for ticket in batch.tickets:
            self._close(ticket)

    def _close(self, ticket: int) -> None:
        left = self._open.get(ticket, 0) - 1
        if left > 0:
            self._open[ticket] = left
        else:
            self._open.pop(ticket, None)

    def cross(self, now: float) -> None:
        """Leave a switch behind, up to the next one: it is done."""
        if self._switch is None:
            return
        (ticket, _switch), self._switch, self._hurry = self._switch, None, False
        while self._aside and self._switch is None:
            self._queue(*self._aside.popleft())
        self._close(ticket)
        self.since = None if self.empty else now

    def take_span(self) -> tuple[int, Span]:
        """Take the first span (``span_waits``), to be rendered and put back by ``rendered``."""
        ticket, event = self._behind.popleft()
        assert isinstance(event, Span)  # noqa: S101  (so _behind begins)
        self.text -= len(event.data)
        return ticket, event

    def rendered(self, ticket: int, drafts: list[Draft], now: float) -> None:
        """Put what a span became where the span was; what stood behind it moves up."""
        for draft in drafts:
            self._open[ticket] += 1
            self._make_ready(ticket, draft)
        self._close(ticket)
        while self._behind and isinstance(self._behind[0][1], Draft):
            number, event = self._behind.popleft()
            if isinstance(event, Draft):
                self._prompts -= event.kind is Kind.PROMPT
                self._make_ready(number, event)
        self.since = now if self.since is None else self.since

    def drain(self) -> list[Item]:
        """Take everything: of each session chunks first, then the events in order, spans unrendered."""
        items: list[Item] = [chunk for _, chunk in self._chunks]
        items += [draft for _, draft in self._ready]
        items += [event for _, event in self._behind]
        items += [] if self._switch is None else [self._switch[1]]
        items += [item for _, item in self._aside]
        for queue in (self._chunks, self._ready, self._behind, self._aside):
            queue.clear()
        self._switch = None
        self.raw = self.text = self._prompts = 0
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
