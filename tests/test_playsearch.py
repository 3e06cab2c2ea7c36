"""The order in which a recording is searched: texts tell, what has none is drawn, nothing is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_playback import Show, Theatre

from recorder.playsearch import Hit, Stretch, Text, laid_out

WIDE = 9  # bytes of a line in a show


def texts(*found):
    return list(laid_out(0, found, [100]))


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ((), [Stretch(0, 0, 100)]),
        ((Text(0, 100, False),), []),
        ((Text(0, 100, True),), [Hit(0, 0, 100)]),
        ((Text(10, 20, True), Text(20, 100, False)), [Stretch(0, 0, 10), Hit(0, 10, 20)]),
        ((Text(0, 30, False), Text(70, 100, True)), [Stretch(0, 30, 70), Hit(0, 70, 100)]),  # a long output
        ((Text(0, 50, True, whole=False), Text(50, 100, False)), [Stretch(0, 0, 50)]),  # over a full screen
        ((Text(9, 9, False, prompt=True), Text(9, 100, False)), [Stretch(0, 0, 9, once=True)]),
        ((Text(9, 9, True, prompt=True), Text(9, 100, False)), [Hit(0, 0, 9, prompt=True)]),
        ((Text(0, 0, True, prompt=True), Text(0, 100, False)), [Hit(0, 0, 0, prompt=True)]),  # not echoed
        (
            (Text(50, 50, False, prompt=True), Text(0, 50, True), Text(50, 100, False)),
            [Hit(0, 0, 50)],
        ),  # late
        ((None, Text(0, 100, False)), [None]),
    ],
)
def test_what_has_no_text_lies_between_what_has_one(kept, found):
    assert texts(*kept) == found


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 30), st.booleans(), st.booleans()), max_size=20)
)
def test_every_byte_is_told_of_or_drawn(kept):
    found = [Text(start, min(100, start + size), holds, whole=whole) for start, size, holds, whole in kept]
    laid = texts(*found)
    seen = {raw for each in laid for raw in range(each.start, each.end)}
    told = {raw for each in found if each.whole or each.holds for raw in range(each.start, each.end)}
    assert seen | told == set(range(100))
    assert [each.start for each in laid] == sorted(each.start for each in laid)


class Partly(Show):
    """A show of which some lines have no text."""

    def __init__(self, n, drawn):
        super().__init__(n)
        self.drawn = drawn

    def hits(self, words):
        kept = (
            Text(WIDE * number, WIDE * (number + 1), words.encode() in line)
            for number, line in enumerate(self.lines)
            if number not in self.drawn
        )
        return laid_out(0, kept, [WIDE * len(self.lines)])


def walked(it, key):
    """The lines at which a key stops until there is no more."""
    stops = []
    while it.press(key).player.message == "":
        stops.append(it.last)
    return stops


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 39)), st.integers(0, 39), st.sampled_from(["7", "line 1", "line", "x"]))
def test_texts_or_not_the_next_hit_is_the_same(drawn, begin, words):
    it = Theatre(Partly(40, drawn))
    lines = [f"line {number:02}" for number in range(40)]
    wanted = [line for line in lines if words in line]
    it.press(" ", *f"g{begin}", "enter", "/", *words, "enter")
    later = [line for line in lines[begin + 1 :] if words in line]
    if not wanted:
        assert (it.player.message, it.last) == (f"not found: {words}", lines[begin])
        return
    assert it.last == (later or wanted)[0]
    first = wanted.index(it.last)
    assert walked(it, "n") == wanted[first + 1 :]
    assert walked(it, "N") == wanted[:-1][::-1]
    assert it.player.finder.search[1:] == (1, len(wanted), True)


def test_a_line_that_is_edited_is_one_hit_and_words_on_the_screen_are_not_denied():
    show = Show(3)
    show.hits = lambda _words: iter([Stretch(0, 0, 27, once=True)])
    it = Theatre(show).press(" ", *"/line", "enter")
    assert it.last == "line 01"  # behind what was shown
    assert it.press("n").player.message == "no hit after this"
    show.hits = lambda _words: iter([])
    assert it.press(*"/line 00", "enter").player.message == "nowhere but on this screen: line 00"
