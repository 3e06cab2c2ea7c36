"""What is known of a failing store: when to try again, what to tell the user, what to put on record.

State without thread, clock or store; ``Writer`` asks it under its lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.errors import (
    RecError,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    StoreMissing,
    StoreReadOnly,
)

if TYPE_CHECKING:
    from recorder.model import Meta

FIRST_S, LONGEST_S = 0.25, 2.0  # pauses between tries
TURN_S = 0.01  # … of a store whose lock others take in turns
BUSY_S = 2.0  # a locked store is called trouble only when nobody else has written for so long
TRIES = 3  # for what a healthy store refuses

# What passes by itself; anything else lies in what was to be written and would come back for ever.
_PASSING = (StoreBusy, StoreFull, StoreReadOnly, StoreMissing, StoreDamaged)


@dataclass(frozen=True)
class Told:
    """What the end of an outage has to say: a notice for the user and an alert for the record."""

    notice: str | None
    text: str
    meta: Meta


class Outage:
    """The failures since the last success of the store at ``place``; times are monotonic seconds."""

    def __init__(self, place: str = "the store") -> None:
        self._place = place
        self.lost = 0  # items given up since the last success
        self._since: float | None = None
        self._stuck_since = 0.0  # since when nobody else got the store's lock and gave it back
        self._retry_at = 0.0
        self._pause = FIRST_S
        self._told = False
        self._refusals = 0
        self.cause = ""

    @property
    def on(self) -> bool:
        """Say whether the last try failed."""
        return self._since is not None

    @property
    def told(self) -> bool:
        """Say whether the user was told that recording is suspended, and not yet that it goes on."""
        return self._told

    @property
    def retry_at(self) -> float:
        """When to try again."""
        return self._retry_at

    def failed(self, error: Exception, now: float, *, refused: bool) -> str | None:
        """Take note of a failure; return what to tell the user, once per outage.

        ``refused``: the store was well, and did not take what was to be written.
        """
        cause = error.message if isinstance(error, RecError) else f"{type(error).__name__}: {error}"
        self.cause = cause.partition(": ")[2] or cause
        if self._since is None:
            self._since = self._stuck_since = now
        if isinstance(error, StoreBusy) and error.moving:
            self._stuck_since = now
        taking_turns = isinstance(error, StoreBusy) and now - self._stuck_since < BUSY_S
        if taking_turns:
            self._retry_at = now + TURN_S  # the store was asked for a while already
        else:
            self._retry_at = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_S)
        if refused and not isinstance(error, _PASSING):
            self._refusals += 1
            return None
        if self._told or taking_turns:
            return None
        self._told = True
        return f"recording suspended: {self._place}: {self.cause}; {_hope(error)}"

    @property
    def hopeless(self) -> bool:
        """Say whether what is being written is to blame, and not the store."""
        return self._refusals >= TRIES

    def again(self, now: float) -> None:
        """Try at once: something else is tried now."""
        self._retry_at = now
        self._refusals = TRIES - 1

    def hurry(self) -> None:
        """Keep the pauses short: the end is near."""
        self._pause = FIRST_S

    def over(self, now: float) -> Told | None:
        """Take note of a success; return what there is to say about the time before it."""
        since, told, lost = self._since, self._told, self.lost
        cause = self.cause
        self.__dict__.update(Outage(self._place).__dict__)
        if not told and not lost:
            return None
        text = "nothing is lost" if not lost else "1 item is lost" if lost == 1 else f"{lost} items are lost"
        if not told or since is None:
            return Told(None, f"the store refused what was recorded: {cause}; {text}", {"lost": lost})
        seconds = now - since
        return Told(
            f"recording resumed after {_length(seconds)}: {text}",
            f"recording was suspended for {seconds:.1f} s: {cause}; {text}",
            {"rule": "storage", "lost": lost, "outage_ms": int(seconds * 1000)},
        )


def _hope(error: Exception) -> str:
    """Say when recording goes on, and what to do for it."""
    if isinstance(error, StoreBusy):
        return "recording goes on when it is free"
    advice = error.advice if isinstance(error, RecError) else None
    return f"{advice}; then recording goes on by itself" if advice else "recording goes on when that is over"


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
