"""Reels and projectors: play time, blocks however they are cut, any place as a fresh screen would show it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import chunk, invocation, session
from test_stage import BULK, BYTES, picture

from recorder import reel as reels
from recorder.basics import Size
from recorder.projector import Projector
from recorder.reel import Cutter, Reel, pieces
from recorder.stage import Stage

ONE, OTHER = session(1), session(2)
RUN, LATER = invocation(ONE, 10), invocation(ONE, 11)
FORKED = invocation(OTHER, 12)
SIZE = Size(12, 5)


def made(parts, *, resizes=(), idle_ms=None, edges=(), legs=None):
    """A reel of chunks ``(run, ms, data)``, one after the other in its session."""
    ends: dict[str, int] = {}
    chunks = []
    for run, ms, data in parts:
        start = ends.get(run.session, 0)
        chunks.append(chunk(run, start, data, at=ms))
        ends[run.session] = start + len(data)
    legs = legs or {ONE.ulid: 0, OTHER.ulid: 1}

    def load(block):
        own = [each for each in chunks if legs[each.session] == block.leg]
        clipped = []
        for each in own:
            low, high = max(block.start, each.start), min(block.end, each.start + len(each.data))
            if low < high:
                data = each.data[low - each.start : high - each.start]
                run = next(run for run in (RUN, LATER, FORKED) if run.ulid == each.invocation)
                clipped.append(chunk(run, low, data, at=each.at.offset_ms))
        return pieces(block, clipped, list(resizes) if block.leg == 0 else [], idle_ms, edges)

    reel, cutter = Reel(load), Cutter(idle_ms)
    for each in chunks:
        reel.add(cutter.add(legs[each.session], each))
    reel.add(cutter.flush())
    return reel


def everything(reel):
    return [piece for number in range(len(reel.blocks)) for piece in reel.pieces(number)]


def places(reel):
    """All places, each as it is written."""
    found = {reel.settle((b, k)) for b in range(len(reel.blocks)) for k in range(len(reel.pieces(b)) + 1)}
    return sorted(found | {reel.end})


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Blocks and pieces so small that a few bytes need many of them."""
    monkeypatch.setattr(reels, "BLOCK", 64)
    monkeypatch.setattr(reels, "BLOCK_CHUNKS", 6)
    monkeypatch.setattr(reels, "PIECE", 10)


PARTS = st.lists(st.tuples(st.integers(0, 9000), st.binary(min_size=1, max_size=150)), max_size=12)


@given(PARTS, st.sampled_from([None, 0, 500]))
def test_nothing_is_lost_and_time_never_goes_back(parts, idle_ms):
    reel = made([(RUN, ms, data) for ms, data in parts], idle_ms=idle_ms)
    found = everything(reel)
    assert b"".join(piece.act for piece in found) == b"".join(data for _ms, data in parts)
    times = [piece.ms for piece in found]
    assert times == sorted(times)
    assert all(len(piece.act) <= 10 for piece in found)
    assert [block.first_ms for block in reel.blocks] == [
        reel.pieces(n)[0].ms for n in range(len(reel.blocks))
    ]
    assert [block.last_ms for block in reel.blocks] == [
        reel.pieces(n)[-1].ms for n in range(len(reel.blocks))
    ]
    if idle_ms is not None:
        assert all(later - earlier <= idle_ms for earlier, later in pairwise(times))
    for place in places(reel):
        done = (
            len(found) if place == reel.end else sum(len(reel.pieces(b)) for b in range(place[0])) + place[1]
        )
        assert reel.ms(place) == (found[done - 1].ms if done else 0)
        assert reel.raw(place) == (0, sum(len(piece.act) for piece in found[:done]))
        assert reel.next(place) == (found[done] if done < len(found) else None)


@given(PARTS, st.integers(-5, 100_000))
def test_a_time_is_the_place_behind_all_that_has_happened_by_then(parts, ms):
    reel = made([(RUN, at, data) for at, data in parts])
    place = reel.at_ms(ms)
    assert place == reel.settle(place)
    ahead = reel.next(place)
    assert ahead is None or ahead.ms > ms
    assert reel.ms(place) <= max(ms, 0)


@given(PARTS, st.integers(0, 2000), st.lists(st.integers(0, 1500), max_size=4))
def test_an_offset_is_a_place_before_it_or_behind_it(parts, raw, edges):
    reel = made([(RUN, at, data) for at, data in parts], edges=sorted(edges))
    whole = sum(len(data) for _at, data in parts)
    before, behind = reel.at_raw(0, raw), reel.at_raw(0, raw, reach=True)
    assert reel.raw(before)[1] <= raw
    assert reel.raw(behind)[1] >= min(raw, whole)
    assert behind in {before, reel.settle((before[0], before[1] + 1))}
    for edge in edges:
        assert edge >= whole or reel.raw(reel.at_raw(0, edge))[1] == edge


def test_play_time_goes_on_from_run_to_run_and_from_leg_to_leg():
    reel = made([(RUN, 0, b"a"), (RUN, 300, b"b"), (LATER, 0, b"c"), (LATER, 50, b"d"), (FORKED, 60, b"e")])
    found = everything(reel)
    assert [(piece.ms, piece.act) for piece in found] == [
        (0, b"a"),
        (300, b"b"),
        (1300, reels.FRESH),
        (1300, b"c"),
        (1350, b"d"),
        (1360, b"e"),
    ]
    assert [(block.leg, block.fresh) for block in reel.blocks] == [(0, False), (0, True), (1, False)]
    assert reel.at_raw(1, 0) == (2, 0)


def test_a_new_size_comes_with_what_is_drawn_in_it():
    reel = made([(RUN, 0, b"ab"), (RUN, 900, b"cdef")], resizes=[(2, Size(9, 3)), (4, Size(8, 2))])
    assert [(piece.ms, piece.act) for piece in everything(reel)] == [
        (0, b"ab"),
        (900, Size(9, 3)),
        (900, b"cd"),
        (900, Size(8, 2)),
        (900, b"ef"),
    ]


# --- screens -------------------------------------------------------------------------------------


def fresh(reel, place):
    """What a screen shows that has seen nothing but what happened before a place."""
    stage = Stage(SIZE)
    done = sum(len(reel.pieces(b)) for b in range(min(place[0], len(reel.blocks)))) + place[1]
    for piece in everything(reel)[:done]:
        if isinstance(piece.act, Size):
            stage.resize(piece.act.rows, piece.act.cols)
        else:
            stage.feed(piece.act)
    return picture(stage)


SHOWS = st.lists(st.tuples(st.integers(0, 2000), st.one_of(BYTES, BULK).filter(len)), min_size=1, max_size=4)
SIZES = st.lists(
    st.tuples(st.integers(0, 500), st.builds(Size, st.integers(2, 30), st.integers(1, 8))), max_size=3
)


@settings(max_examples=40, deadline=None)
@given(SHOWS, SIZES, st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.sampled_from([300, 1 << 20]))
def test_any_place_shows_what_a_fresh_screen_would(parts, sizes, goals, budget):
    reel = made([(RUN, ms, data) for ms, data in parts], resizes=sorted(sizes, key=lambda each: each[0]))
    projector = Projector(reel, SIZE, budget)
    there = places(reel)
    building = projector.build()
    for goal in goals:
        next(building, None)
        place = there[goal % len(there)]
        going = projector.go(place)
        for _ in range(goal % 5):  # left in the middle, it is somewhere on the way
            next(going, None)
        assert picture(projector.stage) == fresh(reel, projector.place)
        for _ in projector.go(place):
            pass
        assert projector.place == place
        assert picture(projector.stage) == fresh(reel, place)
    for _ in building:
        pass
    assert projector.built == 1
    last = there[goals[0] % len(there)]
    for _ in projector.go(last):
        pass
    assert picture(projector.stage) == fresh(reel, last)


def test_packed_screens_stay_below_their_budget_and_still_serve():
    reel = made([(RUN, n, b"\x1b[%d;1Hline %d" % (n % 5 + 1, n)) for n in range(400)])
    projector = Projector(reel, SIZE, 2000)
    for _ in projector.build():
        pass
    assert sum(map(len, projector._packed.values())) <= 2000
    for place in ((50, 2), (3, 0), (0, 0), reel.end):
        for _ in projector.go(place):
            pass
        assert picture(projector.stage) == fresh(reel, place)


def test_a_seek_draws_no_more_than_a_block_once_all_is_packed(monkeypatch):
    reel = made([(RUN, n, b"\x1b[%d;1Hline %d" % (n % 5 + 1, n)) for n in range(400)])
    projector = Projector(reel, SIZE)
    for _ in projector.build():
        pass
    fed = []
    feed = Stage.feed
    monkeypatch.setattr(Stage, "feed", lambda self, data: fed.append(len(data)) or feed(self, data))
    for _ in projector.go((len(reel.blocks) // 2, 3)):
        pass
    assert sum(fed) <= reels.BLOCK


def test_steps_and_times():
    reel = made([(RUN, 0, b"a"), (RUN, 100, b"b"), (RUN, 200, b"c")])
    projector = Projector(reel, SIZE)
    assert projector.advance(150)
    assert projector.stage.text(0) == "ab"
    assert projector.step()
    assert projector.stage.text(0) == "abc"
    assert not projector.step()
    assert projector.advance(0)  # going on never goes back
    assert projector.stage.text(0) == "abc"
