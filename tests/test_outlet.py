"""Outlets: order is kept, nothing is lost, and a place that is gone takes no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recorder.outlet import FULL, Outlet
from recorder.terminal import TerminalGone


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(0, 7), min_size=1))
def test_everything_arrives_in_order_however_little_is_taken_at_a_time(parts, takes):
    got = bytearray()
    turn = iter(takes * 1000)

    def write(data):
        taken = min(len(data), next(turn, 7))
        got.extend(data[:taken])
        return taken

    outlet = Outlet(write)
    for part in parts:
        assert outlet.put(part)
    for _ in range(400):
        outlet.flush()
    takes_anything = any(takes)
    assert not takes_anything or bytes(got) == b"".join(parts)
    assert outlet.waiting == (len(got) < len(b"".join(parts)))


def test_it_is_full_when_nothing_is_taken_and_not_before():
    outlet = Outlet(lambda _data: 0)
    outlet.put(b"x" * (FULL - 1))
    assert not outlet.full
    outlet.put(b"x")
    assert outlet.full


def test_a_place_that_is_gone_is_told_once_and_takes_everything_silently():
    def write(_data):
        raise TerminalGone

    outlet = Outlet(write)
    assert outlet.put(b"x") is False
    assert outlet.gone
    assert outlet.put(b"y") is True
    assert not outlet.waiting


def test_a_place_may_go_while_something_waits_for_it():
    room = iter([True, False])

    def write(data):
        kept = memoryview(data)  # as a frame on the way of an error keeps what it was given
        if next(room):
            return 0
        raise TerminalGone(kept.nbytes)

    outlet = Outlet(write)
    assert outlet.put(b"x") is True
    assert outlet.flush() is False
    assert (outlet.gone, outlet.waiting) == (True, False)
