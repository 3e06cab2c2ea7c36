"""When the relay looks whether a quiet tool waits for input."""

from __future__ import annotations

import itertools

import pytest

from recorder.settle import FARTHEST_MS, LOOKS_MS, Settle


def looks(settle, *, waits, turn, most=100):
    """Return the times of all looks until there are no more."""
    times = []
    while (due := settle.due_ms(turn=turn)) is not None and len(times) < most:
        times.append(due)
        settle.looked(waits=waits, turn=turn)
    return times


@pytest.mark.parametrize("turn", [False, True])
def test_a_busy_tool_is_looked_at_ever_more_rarely(turn):
    """One that has no turn yet may still be starting: it prints, works for a second, and then reads."""
    settle = Settle()
    settle.printed(1000)
    times = [at - 1000 for at in looks(settle, waits=False, turn=turn)]
    assert times[: len(LOOKS_MS)] == list(LOOKS_MS)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps[-3:] == sorted(gaps[-3:])
    assert times[-1] <= FARTHEST_MS
    assert len(times) > len(LOOKS_MS)


def test_a_tool_that_waits_is_not_looked_at_again():
    settle = Settle()
    settle.printed(0)
    assert looks(settle, waits=True, turn=False) == [LOOKS_MS[0]]
    settle.printed(1000)
    for _ in LOOKS_MS:
        settle.looked(waits=False, turn=False)
    assert len(looks(settle, waits=True, turn=False)) == 1


def test_output_begins_anew():
    settle = Settle()
    looks(settle, waits=True, turn=False)
    settle.printed(500)
    assert settle.due_ms(turn=False) == 500 + LOOKS_MS[0]
