"""The two clocks of a recording. Edge: the only module besides the writer's thread that asks the time."""

from __future__ import annotations

import time

from recorder.basics import Moment


class Clock:
    """Wall time, and offsets that count from the clock's making, never go back and include suspend."""

    def __init__(self) -> None:
        """Start now."""
        self._zero = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self._wall = time.time_ns()
        self.started_ms = self._wall // 1_000_000

    def now(self) -> Moment:
        """Read both clocks (ms).

        They are cut to milliseconds as one: else their distance, which is stored where it changes,
        would waver by one for ever.
        """
        passed = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - self._zero
        drift = time.time_ns() - self._wall - passed
        offset = passed // 1_000_000
        return Moment(self.started_ms + offset + round(drift / 1_000_000), offset)
