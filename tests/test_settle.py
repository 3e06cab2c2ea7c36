"""When the relay looks whether a quiet tool waits for input."""

from __future__ import annotations

import itertools

from recorder.settle import FARTHEST_MS, LOOKS_MS, Settle


def looks(settle, *, waits, turn, most=100):
    """Return the times of all looks until there are no more."""
    times = []
    while (due := settle.due_ms(turn=turn)) is not None and len(times) < most:
        times.append(due)
        settle.looked(waits=waits, turn=turn)
    return times


def test_an_idle_tool_is_looked_at_a_few_times_and_then_left_in_peace():
    settle = Settle()
    settle.printed(1000)
    assert looks(settle, waits=False, turn=False) == [1000 + at for at in LOOKS_MS]


def test_a_busy_tool_is_looked_at_ever_more_rarely():
    settle = Settle()
    settle.printed(0)
    times = looks(settle, waits=False, turn=True)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps[-3:] == sorted(gaps[-3:])
    assert times[-1] <= FARTHEST_MS
    assert len(times) > len(LOOKS_MS)


def test_a_tool_that_waits_is_not_looked_at_again():
    settle = Settle()
    settle.printed(0)
    assert looks(settle, waits=True, turn=False) == [LOOKS_MS[0]]


def test_output_begins_anew():
    settle = Settle()
    looks(settle, waits=True, turn=False)
    settle.printed(500)
    assert settle.due_ms(turn=False) == 500 + LOOKS_MS[0]
