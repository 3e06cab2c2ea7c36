"""The two clocks of a recording. Edge: the only module besides the writer's thread that asks the time."""

from __future__ import annotations

import time

from recorder.basics import Moment


class Clock:
    """Wall time, and offsets that count from the clock's making, never go back and include suspend."""

    def __init__(self) -> None:
        """Start now."""
        self._zero = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self.started_ms = time.time_ns() // 1_000_000

    def now(self) -> Moment:
        """Read both clocks (ms)."""
        offset = (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - self._zero) // 1_000_000
        return Moment(time.time_ns() // 1_000_000, offset)
