"""When words come to stand on the screen: each moment found is one, and none is passed over."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_projector import RUN, SIZE, made
from test_stage import BULK, BYTES, fed, picture

from recorder import reel as reels
from recorder.playscan import Lookout, may_stand, moments, places, sightings
from recorder.projector import Projector


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Several blocks and pieces even of a few bytes."""
    monkeypatch.setattr(reels, "BLOCK", 64)
    monkeypatch.setattr(reels, "PIECE", 24)


def found(data, words, start=0, end=None):
    projector = Projector(made([(RUN, 0, data)]), SIZE)
    steps = moments(projector, Lookout(SIZE, words), 0, start, len(data) if end is None else end)
    return [raw for raw, stands in steps if stands]


def stands(data, words):
    """Whether words stand on a screen that was fed this."""
    return bool(places(fed(data, size=SIZE), words.casefold(), 0, SIZE.rows * SIZE.cols))


def numbers(first, past):
    return b"".join(b"%d\r\n" % number for number in range(first, past))


@pytest.mark.parametrize(
    ("data", "words", "ends"),
    [
        (b"a needle here", "needle", [b"a needle her"]),  # a part of a text is as wide as the screen
        (b"Needle\r\n", "nEEDLE", [b"Needle"]),
        (b"nee" + b"dle", "needle", [b"needle"]),
        (b"needle\x1b[2J\x1b[Hgone", "needle", [b"needle"]),  # wiped away within a piece
        (b"loading\rneedle \rready  ", "needle", [b"loading\rneedle "]),
        (b"\x1b[1mnee\x1b[mdle", "needle", [b"\x1b[1mnee\x1b[mdle"]),
        (b"123456789needle", "needle", [b"123456789needle"]),  # over the end of a row
        (b"\n\n\n\n123456789needle", "needle", [b"\n\n\n\n123456789needle"]),  # ... which scrolls
        (b"\n\n\n\nneedle\rneedle.......", "needle", [b"\n\n\n\nneedle"]),  # as it stood, a row higher
        (b"\xc3\xa9t\xc3\xa9", "ÉTÉ", [b"\xc3\xa9t\xc3\xa9"]),
        ("日本語".encode(), "本語", ["日本語".encode()]),
        (b"nle\x1b[2G\x1b[4hr", "nrle", [b"nle\x1b[2G\x1b[4hr"]),  # put together of what stood in part
        (b"needle\rneedle", "needle", [b"needle"]),  # drawn anew where it stands
        (b"needle\r\nneedle", "needle", [b"needle", b"needle\r\nneedle"]),
        (b"\x1b]0;needle\x07$ ", "needle", []),  # a window's title
        (
            b"\x1b[?1049hneedle\x1b[2;1Hmore",
            "needle",
            [b"\x1b[?1049hneedle\x1b[2;1Hmore"],
        ),  # as far as it is drawn
        (b"nothing", "needle", []),
        (b"abc", "", []),
    ],
)
def test_the_moments_of_words(data, words, ends):
    assert found(data, words) == [len(end) for end in ends]


def test_what_scrolls_by_is_found_at_the_moment_at_which_it_stands():
    data = numbers(1, 301)
    assert found(data, "150") == [len(numbers(1, 150)) + 3]
    assert not stands(data, "150")
    assert len(found(data, "7")) == 57


def test_a_picture_that_is_drawn_anew_has_no_new_words():
    page = b"\x1b[H\x1b[2Jfirst\r\nneedle"
    shown = [b"\x1b[?1049h", page, page, b"\x1b[H\x1b[2J", page, b"\x1b[4;1Hneedle", b"\x1b[?1049l", page]
    reel = made([(RUN, 1000 * number, data) for number, data in enumerate(shown)])
    steps = moments(Projector(reel, SIZE), Lookout(SIZE, "needle"), 0, 0, sum(map(len, shown)))
    ends = [sum(map(len, shown[: number + 1])) for number in range(len(shown))]
    assert [raw for raw, stands in steps if stands] == [ends[1], ends[4], ends[5], ends[7]]


@given(BYTES, st.sampled_from(["abc", "B", "xyz", "日"]))
def test_blocks_are_passed_over_only_where_words_cannot_stand(data, words):
    assert may_stand(words.casefold(), data) or not found(data, words)


def test_only_moments_of_the_stretch_count_and_what_stood_before_is_none():
    data = b"needle\r\none\r\nneedle\r\ntwo\r\n"
    first, second = len(b"needle"), len(b"needle\r\none\r\nneedle")
    assert found(data, "needle", 0, 12) == [first]
    assert found(data, "needle", 6) == [second]
    assert found(data, "needle", 6, 12) == []


def test_stretches_are_looked_through_by_the_block_and_from_where_one_is():
    data = numbers(1, 400) + b"nee" + b"dle\r\n" + numbers(1, 200) + b"\x1b[5D\x1b[Anee\x1b[mdle"
    projector, lookout = Projector(made([(RUN, 0, data)]), SIZE), Lookout(SIZE, "needle")
    whole = [raw for raw, stands in sightings(projector, lookout, 0, 0, len(data)) if stands]
    assert whole == found(data, "needle")
    edges = [0, whole[0] - 2, whole[0], whole[0] + 100, len(data)]
    for low, high in pairwise(edges):
        part = [raw for raw, stands in sightings(projector, lookout, 0, low, high) if stands]
        assert part == [raw for raw in whole if low < raw <= high]


ROLL = st.lists(st.sampled_from([b"ab", b"b", b"aa", b" ", b"\r\n", b"\x1b[1m"]), max_size=80)
WORDS = st.sampled_from(["ab", "aab", "B a", "bb"])


@settings(deadline=None)
@given(st.one_of(BYTES, BULK, ROLL.map(b"".join)), WORDS)
def test_words_stand_at_every_moment_that_is_found(data, words):
    for raw in found(data, words):
        assert stands(data[:raw], words)


@settings(deadline=None)
@given(ROLL.map(b"".join), WORDS)
def test_words_that_stand_at_any_time_are_found(data, words):
    shown = next((at for at in range(len(data) + 1) if stands(data[:at], words)), None)
    moment = next(iter(found(data, words)), None)
    assert (moment is None) == (shown is None)
    assert shown is None or shown <= moment < shown + SIZE.cols


@settings(max_examples=40, deadline=None)
@given(BYTES.filter(len), st.lists(st.tuples(st.booleans(), st.integers(0, 10**6)), max_size=8))
def test_any_offset_shows_what_a_fresh_screen_would(data, goals):
    projector = Projector(made([(RUN, 0, data)]), SIZE)
    for exact, goal in goals:
        raw = goal % (len(data) + 1)
        for _ in projector.go_raw(0, raw) if exact else projector.go(projector.reel.at_raw(0, raw)):
            pass
        assert projector.raw[1] == (raw if exact else projector.reel.raw(projector.place)[1])
        assert picture(projector.stage) == picture(fed(data[: projector.raw[1]], size=SIZE))
