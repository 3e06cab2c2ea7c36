"""What others want done with the store on the writer's thread, in order with what they have put.

No thread and no lock of its own: ``Writer`` guards it. Every errand ends: with a result, with its
own error, or refused.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from recorder.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from recorder.store import Store

T = TypeVar("T")


class Errands:
    """A queue of functions of the store, each behind a ticket."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Callable[[Store], Any], Future[Any]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def ticket(self) -> int:
        """The ticket behind which the next one stands."""
        return self._waiting[0][0]

    def add(self, ticket: int, fn: Callable[[Store], T]) -> Future[T]:
        """Take an errand; return what it will come to."""
        from concurrent.futures import Future  # brings logging: 4 ms, and most sessions have no errand

        future: Future[T] = Future()
        self._waiting.append((ticket, fn, future))
        return future

    def take(self) -> Callable[[Callable[[], Store]], None]:
        """Take the next errand off the queue; the caller runs it without the lock."""
        _ticket, fn, future = self._waiting.popleft()

        def run(store: Callable[[], Store]) -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(store()))
            except Exception as error:  # noqa: BLE001  (the caller's future carries it)
                future.set_exception(error)

        return run

    def refuse(self, cause: str) -> None:
        """Fail all that wait: nobody waits for a store that does not work."""
        while self._waiting:
            _ticket, _fn, future = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                future.set_exception(StoreError(f"could not use the store: {cause}"))
