"""The writer: takes what was captured off a bounded queue and puts it into the store in batches.

Engine, owner of the one thread. ``put`` never blocks and never touches a disk; the thread owns the
one write connection. Raw bytes go first; the text of outputs is rendered behind them, in order,
and a prompt does not wait for it when it lags. A store that fails is told once, retried, and never
felt by the tool; what it has not taken in the end goes into a spill file.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from recorder import spill as spilling
from recorder.errors import NotFound, RecError, StoreBusy, StoreError
from recorder.model import Chunk, Draft, Kind, Span
from recorder.transcript import TextPass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from recorder.model import Activity, EndReason, Invocation, Session
    from recorder.store import Store

T = TypeVar("T")
Item = Chunk | Draft | Span

COMMIT_S = 0.1  # at latest after the first waiting item; the promise is 250 ms
COMMIT_BYTES = 64 << 10
BATCH_BYTES = 1 << 20  # raw bytes in one transaction while there is a backlog
FULL_BYTES = 32 << 20  # raw bytes in the queue at which it is full
LAG_BYTES = 64 << 10  # unrendered bytes that a prompt does not wait behind
SYNC_S = 2.0  # at latest between a write and a sync to disk
SEAL_BYTES = 256 << 10  # of small segments
RETRY_S = (0.25, 0.5, 1.0, 2.0)
SAY_AFTER_S = 1.0  # a store that is merely busy for less is nobody's business


class _Put(NamedTuple):
    ticket: int
    item: Item | _Call


class _Call:
    """Something to be done with the store, in order with what is written."""

    def __init__(self, work: Callable[[Store], Any]) -> None:
        self.work = work
        self.future: Future[Any] = Future()


@dataclass(frozen=True, slots=True)
class Closing:
    """How the writer ended: where what the store did not take waits, or why it is lost."""

    spilled: Path | None = None
    failed: str | None = None


class Writer:
    """The way of one invocation's items into the store."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        session: Session,
        invocation: Invocation,
        *,
        spill: Path | None,
        rules: Sequence[Any] = (),
    ) -> None:
        """Prepare; nothing is opened and no thread runs yet."""
        self._open_store = open_store
        self._session = session
        self._invocation = invocation
        self._spill = spill
        self._text = TextPass(rules)
        self._store: Store | None = None
        self._begun = False
        self._queue: deque[_Put] = deque()
        self._todo: deque[_Put] = deque()  # taken off the queue: events and spans still to be written
        self._todo_bytes = 0
        self._chunks: list[Chunk] = []  # … and raw bytes
        self._ready: list[_Put] = []  # rendered
        self._wake_up = threading.Condition()
        self._ticket = 0
        self._taken = 0  # of the last item that came off the queue
        self._done = 0
        self._early: set[int] = set()  # tickets of prompts that were pulled ahead
        self._activity: Activity | None = None
        self._notices: list[str] = []
        self._trouble: str | None = None
        self._trouble_since = 0.0
        self._told = False
        self._urgent = False
        self._idle = True
        self._closing: float | None = None  # when patience ends (monotonic)
        self._end: spilling.End | None = None
        self._dirty_since: float | None = None
        self._small = 0
        self.backlog = 0
        self.n_events = 0
        self.wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._closed = Closing()

    # --- the caller's side ---------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, *items: Item) -> int:
        """Queue items; return a ticket for ``durable``. Never blocks."""
        if not items:
            return self._ticket
        self._ticket += 1
        urgent = False
        for item in items:
            if isinstance(item, Chunk):
                self.backlog += len(item.data)
            elif isinstance(item, Draft) and item.kind is Kind.PROMPT:
                urgent = True
            self._queue.append(_Put(self._ticket, item))
        if self._idle or urgent or self.backlog >= COMMIT_BYTES:
            self._notify(urgent=urgent)
        return self._ticket

    def call(self, work: Callable[[Store], T]) -> Future[T]:
        """Run ``work`` on the writer's thread after everything queued before it."""
        call = _Call(work)
        self._ticket += 1
        self._queue.append(_Put(self._ticket, call))
        self._notify(urgent=True)
        return call.future

    def activity(self, activity: Activity) -> None:
        """Write what the session is doing with the next commit."""
        self._activity = activity

    def durable(self, ticket: int) -> bool:
        """Say whether what was put under ``ticket`` is committed."""
        return ticket <= self._done or ticket in self._early

    @property
    def full(self) -> bool:
        """Say whether the queue takes no more raw bytes."""
        return self.backlog >= FULL_BYTES

    def clear_wake(self) -> None:
        """Take the reason for waking off ``wake_fd``."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.wake_fd)

    def notices(self) -> list[str]:
        """Return what the user has to be told, once."""
        notices, self._notices = self._notices, []
        return notices

    def close(
        self, ended_ms: int, exit_status: int | None, reason: EndReason, deadline_s: float = 2.0
    ) -> Closing:
        """End the invocation and the thread; what is not in the store after the deadline is spilled."""
        self._end = spilling.End(ended_ms, exit_status, reason)
        self._closing = time.monotonic() + deadline_s
        self._notify(urgent=True)
        self._thread.join(deadline_s + 1.0)
        if self._thread.is_alive():
            # Stuck in a system call: nobody knows how far it got, so all of it is spilled.
            self._closed = self._spill_rest()
        return self._closed

    def _notify(self, *, urgent: bool) -> None:
        with self._wake_up:
            self._urgent = self._urgent or urgent
            self._wake_up.notify()

    # --- the thread ----------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            self._wait()
            self._take()
            if not self._write():
                self._closed = self._spill_rest()
                break
            if self._closing is not None and not self._queue and not self._todo:
                if not self._finish():
                    self._closed = self._spill_rest()
                break
        if self._store is not None:
            with contextlib.suppress(RecError):
                self._store.close()

    def _wait(self) -> None:
        """Sleep until there is something to do: at once for a prompt, else for a batch or 100 ms."""
        with self._wake_up:
            if not self._queue and not self._todo and self._closing is None:
                self._idle = True
                if not self._queue:
                    self._wake_up.wait(self._until_sync())
                self._idle = False
            if not self._urgent and not self._todo and self._closing is None and self._queue:
                end = time.monotonic() + COMMIT_S
                while not self._urgent and self.backlog < COMMIT_BYTES and self._closing is None:
                    left = end - time.monotonic()
                    if left <= 0 or not self._wake_up.wait(left):
                        break
            self._urgent = False

    def _until_sync(self) -> float | None:
        if self._dirty_since is None:
            return None
        return max(0.0, self._dirty_since + SYNC_S - time.monotonic())

    def _take(self) -> None:
        """Take a batch off the queue: raw bytes apart, everything else in order."""
        taken = 0
        while self._queue and taken < BATCH_BYTES:
            put = self._queue.popleft()
            self._taken = put.ticket
            item = put.item
            if isinstance(item, Chunk):
                self._chunks.append(item)
                taken += len(item.data)
                continue
            if isinstance(item, Span):
                self._todo_bytes += len(item.data)
            self._todo.append(put)

    def _write(self) -> bool:
        """Write what was taken; False when patience ended before the store took it."""
        ready = self._leading()
        if (ready or self._chunks or self._sync_due()) and not self._commit(ready):
            self._ready = ready
            return False
        if self._todo and isinstance(self._todo[0].item, _Call):
            self._answer(self._todo.popleft())
        self._progress()
        return True

    def _leading(self) -> list[_Put]:
        """Render and take what can be written now: little text at once, much of it piece by piece."""
        ready: list[_Put] = []
        rendered = 0
        while self._todo and rendered < LAG_BYTES:
            put = self._todo[0]
            item = put.item
            if isinstance(item, _Call):
                break
            if isinstance(item, Span):
                if self._todo_bytes > LAG_BYTES:
                    self._pull_prompts(ready)
                rendered += max(1, len(item.data))
                self._todo_bytes -= len(item.data)
                self._todo.popleft()
                ready += [_Put(put.ticket, draft) for draft in self._text.render(item)]
                continue
            ready.append(self._todo.popleft())
        return ready

    def _pull_prompts(self, ready: list[_Put]) -> None:
        """Take prompts out of the middle: no prompt may be lost because text lags behind."""
        prompts = [put for put in self._todo if isinstance(put.item, Draft) and put.item.kind is Kind.PROMPT]
        if not prompts:
            return
        self._todo = deque(put for put in self._todo if put not in prompts)
        self._early.update(put.ticket for put in prompts)
        ready += prompts

    def _sync_due(self) -> bool:
        return self._dirty_since is not None and self._until_sync() == 0.0

    def _commit(self, ready: list[_Put]) -> bool:
        drafts = [put.item for put in ready if isinstance(put.item, Draft)]
        chunks = tuple(self._chunks)
        activity, self._activity = self._activity, None
        durable = self._sync_due()

        def work(store: Store) -> int:
            doing = None if activity is None else (self._session.ulid, activity)
            return len(store.append(drafts, chunks, activity=doing, durable=durable))

        count = self._insist(work)
        if count is None:
            self._activity = activity
            return False
        self.n_events += count
        size = sum(len(chunk.data) for chunk in self._chunks)
        self._chunks.clear()
        self.backlog -= size
        self._small += size
        now = time.monotonic()
        self._dirty_since = None if durable else (self._dirty_since or now)
        if self._small >= SEAL_BYTES:
            self._small = 0
            self._insist(lambda store: store.seal(self._session.ulid))
        return True

    def _progress(self) -> None:
        """Say how far the store has come: everything before the first thing that still waits."""
        done = self._taken
        if self._queue:
            done = min(done, self._queue[0].ticket - 1)
        if self._todo:
            done = min(done, self._todo[0].ticket - 1)
        self._done = max(self._done, done)
        self._early = {ticket for ticket in self._early if ticket > self._done}
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self.wake_fd, 1)

    def _answer(self, put: _Put) -> None:
        """Do what a caller waits for; its own error is its answer."""
        call = put.item
        if isinstance(call, _Call):
            try:
                call.future.set_result(call.work(self._opened()))
            except Exception as error:  # noqa: BLE001  (whatever it is, it belongs to the caller)
                call.future.set_exception(error)

    # --- the store -----------------------------------------------------------------------------

    def _opened(self) -> Store:
        if self._store is None:
            self._store = self._open_store()
            self._begun = False
        if not self._begun:
            self._store.begin(self._session, self._invocation)
            self._begun = True
        return self._store

    def _insist(self, work: Callable[[Store], T]) -> T | None:
        """Do ``work`` until the store takes it; None when patience ended first."""
        tries = 0
        while True:
            try:
                result = work(self._opened())
            except NotFound:
                self._begun = False  # somebody removed the session under us: it begins anew
                error: StoreError = StoreError("the session was removed")
            except StoreError as failure:
                error = failure
            else:
                self._recovered()
                return result
            self._troubled(error)
            if self._closing is not None and time.monotonic() >= self._closing:
                return None
            self._pause(RETRY_S[min(tries, len(RETRY_S) - 1)])
            tries += 1
            if not isinstance(error, StoreBusy):
                self._drop_store()

    def _pause(self, seconds: float) -> None:
        if self._closing is not None:
            seconds = min(seconds, 0.05)
        end = time.monotonic() + seconds
        with self._wake_up:
            while (left := end - time.monotonic()) > 0 and self._closing is None:
                self._wake_up.wait(left)
        if self._closing is not None:
            time.sleep(min(seconds, 0.05))

    def _drop_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(RecError):
                store.close()

    def _troubled(self, error: StoreError) -> None:
        now = time.monotonic()
        if self._trouble is None:
            self._trouble_since = now
            self._told = False
        self._trouble = error.message
        late = now - self._trouble_since >= SAY_AFTER_S
        if not self._told and (late or not isinstance(error, StoreBusy)):
            self._told = True
            self._say(f"recording suspended: {error.message}")

    def _recovered(self) -> None:
        if self._trouble is not None and self._told:
            self._say("recording resumed")
        self._trouble = None

    def _say(self, notice: str) -> None:
        self._notices.append(notice)
        self._wake()

    # --- the end -------------------------------------------------------------------------------

    def _finish(self) -> bool:
        end = self._end
        if end is None or (self._store is None and self._done == 0 and self._ticket == 0):
            return True  # nothing was ever put: a session without an event leaves nothing

        def work(store: Store) -> bool:
            store.end_invocation(self._invocation.ulid, end.ended_ms, end.exit_status, end.reason)
            store.append([], durable=True)
            with contextlib.suppress(StoreError):
                store.seal(self._session.ulid)
            return True

        return bool(self._insist(work))

    def _spill_rest(self) -> Closing:
        """Put what the store did not take into a file of its own."""
        why = self._trouble or "the store does not answer"
        if self._spill is None:
            return Closing(failed=why)
        rest = [*self._ready, *self._todo, *self._queue]
        items: list[Draft | Chunk] = list(self._chunks)
        for put in rest:
            if isinstance(put.item, Span):
                items += self._text.render(put.item)
            elif not isinstance(put.item, _Call):
                items.append(put.item)
        path = self._spill / self._invocation.ulid
        try:
            _write_private(path, spilling.encode(self._session, self._invocation, items, self._end))
        except OSError as error:
            return Closing(failed=f"{why}; and {path} could not be written: {error.strerror}")
        return Closing(spilled=path)


def _write_private(path: Path, lines: Any) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, flags, 0o600), "wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
