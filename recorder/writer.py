"""The one thread that writes: it takes what capture made, and no store can make it keep anybody waiting.

Here may live only the thread, its timing and what it does when the store fails. Nothing that other
threads call here blocks or touches the disk, ``close`` apart, which keeps its deadline. The store
belongs to the thread alone. Raw bytes are written at once; text is rendered when nothing is more
urgent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from recorder.errands import Errands
from recorder.model import Draft, Kind
from recorder.outage import Outage
from recorder.pen import Closing, End, Pen
from recorder.pending import Batch, Pending
from recorder.rendering import Rendering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from recorder.model import Activity, EndReason, Invocation, Session, Span, Switch
    from recorder.pending import Item
    from recorder.store import Store

T = TypeVar("T")

FULL = 32 << 20  # raw bytes; then the relay lets the tool wait
GROUP_S = 0.1  # the oldest waiting byte is written after this time …
GROUP_BYTES = 64 << 10  # … or when this much waits: together the loss bound, with room to spare
TEXT_S = 1.0  # a span waits no longer for a lull in a flood
_LAST_S = 0.3  # of close's deadline, for the spill


class Writer:
    """Write one invocation's items into a store, in a thread of its own."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        session: Session,
        invocation: Invocation,
        *,
        spill: Path | None,
        rules: Sequence[Any] = (),
        label: str | None = None,
        n_events: int = 0,
        place: str = "the store",
    ) -> None:
        """Prepare; ``open_store`` is called on the thread; ``spill`` takes what the store did not."""
        self._pen = Pen(open_store, session, invocation, label, n_events)
        self._spill_dir = spill
        self._cond = threading.Condition(threading.Lock())
        self._pending = Pending()
        self._work: deque[Batch] = deque()  # taken from pending, not written yet
        self._in_work = 0  # raw bytes of it
        self._in_hand: Span | None = None  # being rendered
        self._errands = Errands()
        self._outage = Outage(place)
        self._rendered_at = 0.0
        self._text = Rendering(rules)
        self._notices: list[str] = []
        self._end: End | None = None
        self._closing: Closing | None = None
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    # --- called by others: never blocks ------------------------------------------------------------

    def start(self) -> None:
        """Start the thread, unless it has been."""
        if self._thread.ident is None:
            self._thread.start()

    def put(self, *items: Item) -> int:
        """Take items in order; return the ticket that ``durable`` understands."""
        with self._cond:
            before = self._pending.raw
            idle = self._pending.since is None
            ticket = self._pending.put(items, time.monotonic())
            # The thread is woken for what changes its plans, not for every read of a flood.
            if idle or self._pending.hurry or before < GROUP_BYTES <= self._pending.raw:
                self._cond.notify()
            return ticket

    def call(self, fn: Callable[[Store], T]) -> Future[T]:
        """Run ``fn`` with the store on the thread, after what was put before; a failing store fails it."""
        with self._cond:
            future = self._errands.add(self._pending.put((), 0.0), fn)
            if self._closing is not None:
                self._errands.refuse("the recording has ended")
            self._cond.notify()
        return future

    def durable(self, ticket: int) -> bool:
        """Say whether everything the ticket stands for has been committed."""
        with self._cond:
            return self._pending.durable(ticket)

    @property
    def backlog(self) -> int:
        """The number of raw bytes that are not committed yet."""
        return self._pending.raw + self._in_work

    @property
    def full(self) -> bool:
        """Say whether nothing more should be put."""
        return self.backlog >= FULL

    @property
    def suspended(self) -> bool:
        """Whether the user was told that the store fails, and not yet that it is well again."""
        return self._outage.told

    @property
    def n_events(self) -> int:
        """The number of events of the current session, its lineage included."""
        return self._pen.n_events

    @property
    def moved(self) -> str | None:
        """The session (ULID) that the label was taken from, if there was one."""
        return self._pen.moved

    @property
    def wake_fd(self) -> int:
        """A descriptor that is readable after a commit or a notice, until ``clear_wake``."""
        return self._wake

    def clear_wake(self) -> None:
        """Make ``wake_fd`` wait for the next commit or notice."""
        with contextlib.suppress(OSError):  # mostly: nothing to read
            os.eventfd_read(self._wake)

    def notices(self) -> list[str]:
        """Return what the user should be told, each notice once."""
        with self._cond:
            told, self._notices = self._notices, []
            return told

    def activity(self, now: Activity) -> None:
        """Have what the session is doing written with the next commit, which is soon."""
        with self._cond:
            last = self._pending.last
            session = self._pen.session.ulid if last is None else last.session
            self._pending.do((session, now), time.monotonic())
            self._cond.notify()

    def close(
        self, ended_ms: int, exit_status: int | None, reason: EndReason, deadline_s: float = 2.0
    ) -> Closing:
        """Write the rest, end the invocation, stop; after ``deadline_s`` the rest goes to a spill file."""
        end = End(ended_ms, exit_status, reason, time.monotonic() + deadline_s)
        with self._cond:
            if self._closing is not None:
                return self._closing
            self._end = end
            self._cond.notify()
        if self._thread.is_alive():
            self._thread.join(deadline_s)
        with self._cond:
            if self._closing is None:  # the thread is stuck in a call of the system
                self._closing = self._spill(end)
        if not self._thread.is_alive():
            os.close(self._wake)
        return self._closing

    # --- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            with self._cond:
                while (job := self._next()) is None:
                    self._cond.wait(self._patience())
            if job == self._finish:
                job()
                return
            job()

    def _next(self) -> Callable[[], None] | None:
        """Choose what to do now, or nothing. Called with the lock held."""
        if self._end is not None:
            return self._finish
        now = time.monotonic()
        if self._outage.on and self._errands:
            return self._refuse
        if self._outage.on and now < self._outage.retry_at:
            return None
        return self._urgent(now) or self._at_leisure(now)

    def _urgent(self, now: float) -> Callable[[], None] | None:
        """Choose among what somebody waits for. Called with the lock held."""
        pending = self._pending
        if self._work:
            return self._write
        if pending.switch is not None:
            return self._last_job()
        starved = pending.span_waits and not pending.hurry and now - self._rendered_at >= TEXT_S
        if pending.span_first or starved:
            return self._render
        due = pending.since is not None and now >= pending.since + GROUP_S
        if pending.raw >= GROUP_BYTES or pending.hurry or ((due or self._errands) and pending.ready):
            return self._write
        if due and not pending.span_waits:
            pending.since = None  # nothing is left of what came then
        return None

    def _at_leisure(self, now: float) -> Callable[[], None] | None:
        """Choose among what can wait, less than a sync. Called with the lock held."""
        if self._pen.sync_at is not None and now >= self._pen.sync_at:
            return self._sync
        if self._errands and not self._pending.open_before(self._errands.ticket):
            return self._answer
        if self._pending.span_waits:
            return self._render
        return self._pen.chore

    def _patience(self) -> float | None:
        """Return how long nothing will be due (s), unless something comes. Called with the lock held."""
        since = self._pending.since
        times = (None if since is None else since + GROUP_S, self._pen.sync_at)
        if self._outage.on:
            times = (self._outage.retry_at, None)
        until = [each for each in times if each is not None]
        return max(0.0, min(until) - time.monotonic()) if until else None

    def _write(self) -> None:
        """Write one batch; keep it when the store fails."""
        with self._cond:
            if not self._work:
                self._work.append(self._pending.take(time.monotonic()))
                self._in_work = self._work[0].raw
            batch = self._work[0]
        if not self._tried(lambda: self._pen.write(batch)):
            return
        with self._cond:
            self._done(batch)
            self._well()
        self._ring()

    def _done(self, batch: Batch) -> None:
        """Take a batch off the list. Called with the lock held."""
        if self._work and self._work[0] is batch:
            self._work.popleft()
        self._in_work = sum(each.raw for each in self._work)
        self._pending.done(batch)

    def _render(self) -> None:
        """Turn the next span into events."""
        with self._cond:
            ticket, span = self._pending.take_span()
            self._in_hand = span
        drafts = self._text.drafts(span)
        with self._cond:
            self._in_hand = None
            self._pending.rendered(ticket, drafts, time.monotonic())
            self._rendered_at = time.monotonic()

    def _switch(self, switch: Switch) -> None:
        """Go on in another session: all that stands before is written."""
        moved: list[str | None] = []
        if not self._tried(lambda: moved.append(self._pen.switch(switch))):
            return
        with self._cond:
            self._pending.cross(time.monotonic())
            self._well()
            self._notices += [f"label {switch.label} moved from {ulid}" for ulid in moved if ulid is not None]
        self._ring()

    def _sync(self) -> None:
        if self._tried(self._pen.sync):
            with self._cond:
                self._well()

    def _answer(self) -> None:
        with self._cond:
            run = self._errands.take()
        run(self._pen.store)

    def _refuse(self) -> None:
        with self._cond:
            self._errands.refuse(self._outage.cause if self._outage.on else "the recording has ended")

    # --- when the store fails ----------------------------------------------------------------------

    def _tried(self, work: Callable[[], None]) -> bool:
        """Do something with the store; say whether it went well."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  (whatever it is, the recording goes on)
            self._failed(error)
            return False
        return True

    def _failed(self, error: Exception) -> None:
        """Remember the failure, tell it once, and plan the next try."""
        self._pen.release(error)
        with self._cond:
            now = time.monotonic()
            notice = self._outage.failed(error, now, refused=self._pen.refused)
            if notice is not None:
                self._notices.append(notice)
            if self._outage.hopeless and self._work:
                self._divide()
                self._outage.again(now)
        self._ring()

    def _divide(self) -> None:
        """Halve a batch that is refused again and again; drop the one item that is to blame."""
        batch = self._work[0]
        if len(batch.tickets) == 1:
            self._outage.lost += 1
            self._done(batch)
        else:
            self._work.popleft()
            self._work.extendleft(reversed(batch.halves()))

    def _well(self) -> None:
        """Put on record what an outage was that is over now. Called with the lock held."""
        told = self._outage.over(time.monotonic())
        if told is None:
            return
        if told.notice is not None:
            self._notices.append(told.notice)
        last = self._pending.last
        if last is not None:
            alert = Draft(last.session, Kind.ALERT, last.at, told.text, None, last.invocation, told.meta)
            self._pending.put((alert,), time.monotonic())

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # mostly: it rings already
            os.eventfd_write(self._wake, 1)

    # --- the end -----------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Write what can be written before the deadline; spill the rest."""
        end = self._end
        assert end is not None  # noqa: S101  (this job was chosen because of it)
        until = end.deadline - _LAST_S
        while time.monotonic() < until:
            with self._cond:
                if self._closing is not None:
                    return  # close has lost its patience and spilled what there was
                if self._outage.on and time.monotonic() < self._outage.retry_at:
                    self._cond.wait(min(self._outage.retry_at, until) - time.monotonic())
                    self._outage.hurry()
                    continue
                job = self._last_job()
            if job is None:
                break
            job()
        self._write_end(end)
        self._refuse()
        with self._cond:
            if self._closing is None:
                self._closing = self._spill(end)

    def _last_job(self) -> Callable[[], None] | None:
        """Choose what is still to be done before the end, or a switch. Called with the lock held."""
        if self._work or self._pending.ready:
            return self._write
        if self._pending.span_waits:
            return self._render
        if (switch := self._pending.switch) is not None:
            return lambda: self._switch(switch)
        return self._answer if self._errands else None

    def _write_end(self, end: End) -> None:
        """End the invocation in the store, if it is there and can be."""
        if self._pending.last is None and not self._pen.begun:
            self._pen.close()
            return
        try:
            self._pen.end(end, end.deadline - _LAST_S)
        except Exception:  # noqa: BLE001  (the end then goes to the spill file)
            self._pen.close()

    def _spill(self, end: End) -> Closing:
        """Write what is left, the end at least, into a spill file. Called with the lock held."""
        rest = self._work or self._in_hand is not None or not self._pending.empty
        if self._pending.last is None or self._spill_dir is None or (self._pen.ended and not rest):
            return Closing(None, None)
        items = [item for batch in self._work for item in batch.items]
        items += [*filter(None, [self._in_hand]), *self._pending.drain()]
        self._work.clear()
        self._in_work = 0
        return self._pen.spill(self._spill_dir, items, end)
