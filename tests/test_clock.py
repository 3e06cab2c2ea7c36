"""The two clocks: cut to milliseconds as one, and each still its own."""

from __future__ import annotations

import pytest

from recorder import clock
from recorder.clock import Clock

MS = 1_000_000
JITTER_NS = 200


class Hands:
    """Both clocks of the system, in ns, moved by hand."""

    def __init__(self) -> None:
        self.wall = 1_763_650_000_000 * MS + 999_999
        self.boot = 5_000 * MS + 1

    def turn(self, ns: int) -> None:
        self.wall += ns
        self.boot += ns


@pytest.fixture
def hands(monkeypatch):
    made = Hands()
    monkeypatch.setattr(clock.time, "time_ns", lambda: made.wall)
    monkeypatch.setattr(clock.time, "clock_gettime_ns", lambda _which: made.boot)
    return made


def test_their_distance_does_not_waver(hands, rng):
    """Each cut for itself would be one apart half of the time, and every change is stored."""
    ours = Clock()
    for _ in range(500):
        hands.turn(rng.randrange(3 * MS))
        hands.wall += rng.randrange(-JITTER_NS, JITTER_NS)  # between the two readings
        now = ours.now()
        assert now.wall_ms - now.offset_ms == ours.started_ms
        assert abs(now.wall_ms * MS - hands.wall) < 2 * MS + 500 * JITTER_NS  # two cuts and all jitter


def test_a_wall_clock_that_is_set_is_followed(hands):
    ours = Clock()
    hands.turn(10 * MS)
    hands.wall -= 86_400_000 * MS
    now = ours.now()
    assert (now.offset_ms, now.wall_ms) == (10, ours.started_ms + 10 - 86_400_000)
    hands.turn(MS)
    assert ours.now().wall_ms == now.wall_ms + 1
