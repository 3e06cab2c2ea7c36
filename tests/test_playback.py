"""The player: keys and times in, what is shown out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_projector import RUN, SIZE, made

from recorder import playbar, projector
from recorder import reel as reels
from recorder.film import Spot
from recorder.playback import FAR_MS, SHOWN_MS, SKIP_MS, Player
from recorder.playkeys import Keys
from recorder.playsearch import Hit
from recorder.playwords import clock, goal, pace
from recorder.projector import Projector


class Show:
    """A show of lines, one a second; turns begin at each tenth."""

    def __init__(self, n=40):
        self.lines = [b"\r\nline %02d" % number for number in range(n)]
        self.reel = made([(RUN, 1000 * number, line) for number, line in enumerate(self.lines)])
        self.turns = [Spot(0, 90 * number, number + 1, f"turn {number + 1}") for number in range(n // 10)]
        self.marks = [Spot(0, 45, None, "a note")]

    def hits(self, words):
        yield None
        for number, line in enumerate(self.lines):
            if words.encode() in line:
                yield Hit(0, 9 * number, 9 * number + 9)


class Theatre:
    """A player and a clock."""

    def __init__(self, show=None, **more):
        self.show = show or Show()
        self.player = Player(self.show, Projector(self.show.reel, SIZE), **more)
        self.now = 50_000.0
        self.player.tick(self.now)

    def wait(self, ms):
        self.now += ms
        self.settle()

    def settle(self):
        self.player.tick(self.now)
        for _ in range(10_000):
            if not self.player.busy:
                return self
            self.player.work(self.now)
            self.player.tick(self.now)
        raise AssertionError("it never comes to rest")

    def press(self, *keys):
        for key in keys:
            self.player.key(key, self.now)
            self.settle()
        return self

    @property
    def last(self):
        stage = self.player.projector.stage
        return next((stage.text(y) for y in reversed(range(stage.lines)) if stage.text(y)), "")

    @property
    def at(self):
        return self.player.position(self.now)

    @property
    def bar(self):
        return "".join(data for data, _style in playbar.bar(self.player, self.now, 100))


def test_it_plays_at_its_pace_and_stays_at_the_end():
    it = Theatre()
    it.wait(2500)
    assert (it.last, it.at) == ("line 02", 2500)
    it.wait(100_000)
    assert (it.last, it.at, it.player.paused) == ("line 39", 39_000, True)
    assert "end  00:39/00:39" in it.bar
    it.press(" ")
    assert (it.last, it.at, it.player.paused) == ("line 00", 0, False)


def test_what_is_due():
    it = Theatre()
    it.wait(200)
    assert it.player.due_ms(it.now) == 800
    it.press(">")
    assert it.player.due_ms(it.now) == 400
    it.press(" ")
    assert it.player.due_ms(it.now) == SHOWN_MS  # then the bar may go
    it.wait(SHOWN_MS)
    assert it.player.due_ms(it.now) is None


def test_pause_step_and_speed():
    it = Theatre()
    it.wait(2500)
    it.press(" ").wait(60_000)
    assert (it.last, it.at) == ("line 02", 2500)
    it.press(".", ".")
    assert (it.last, it.at) == ("line 04", 4000)
    it.press(" ", ">", ">").wait(1000)
    assert (it.last, it.at, it.player.speed) == ("line 08", 8000, 4)
    it.press("<", "-", "-").wait(1000)
    assert (it.at, it.player.speed) == (8500, 0.5)
    it.press("backspace").wait(1500)
    assert (it.at, it.player.speed) == (10_000, 1)
    it.press(*">" * 20)
    assert it.player.speed == 64
    it.press(*"<" * 40)
    assert it.player.speed == 1 / 16


def test_arrows_home_and_end():
    it = Theatre()
    it.press(" ", "right", "right")
    assert (it.last, it.at) == ("line 10", 2 * SKIP_MS)
    it.press("left")
    assert (it.last, it.at) == ("line 05", SKIP_MS)
    it.press("up")
    assert (it.last, it.at) == ("line 39", min(FAR_MS, 39_000))
    it.press("down", "left")
    assert (it.last, it.at) == ("line 00", 0)
    it.press("end")
    assert it.last == "line 39"
    it.press("home")
    assert it.last == "line 00"


def test_keys_that_come_while_it_is_on_its_way_add_up():
    it = Theatre()
    for _ in range(4):
        it.player.key("right", it.now)
    it.settle()
    assert it.at == 4 * SKIP_MS


def test_turns_and_marks():
    it = Theatre()
    it.press(" ", "]")
    assert it.last == "line 09"  # a turn begins with what it prints still to come
    assert "turn 2/4" in it.bar
    it.press("pagedown")
    assert it.last == "line 19"
    it.press("[")
    assert it.last == "line 09"
    it.press("]", "]")
    assert it.last == "line 29"
    it.press("]")
    assert (it.last, it.player.message) == ("line 29", "no turn after this")
    it.press("M")
    assert (it.last, it.player.message) == ("line 04", "a note")
    it.press("M")
    assert it.player.message == "no mark before this"
    it.press("home", "m")
    assert it.last == "line 04"


def test_the_turn_before_is_meant_soon_after_one_has_begun():
    it = Theatre()
    it.press("]", "]")
    it.wait(500)
    it.press("[")
    assert it.last == "line 09"
    it.press("]").wait(5000)
    it.press("[")
    assert it.last == "line 19"


def test_going_to_what_is_typed():
    it = Theatre()
    it.press(" ", *"g0:17", "enter")
    assert it.last == "line 17"
    it.press(*"g:3", "enter")
    assert it.last == "line 19"
    it.press(*"g50%", "enter")
    assert it.at == 19_500
    it.press(*"g99", "backspace", "enter")
    assert it.last == "line 09"
    it.press(*"g:77", "enter")
    assert (it.last, it.player.message) == ("line 09", "no turn 77")
    it.press(*"gx", "enter")
    assert it.player.message.startswith("a time such as")
    it.press("g", "backspace")
    assert it.player.entry is None
    it.press("g", "1", "escape", " ")
    assert it.player.entry is None


def test_searching():
    it = Theatre()
    it.press(*"/line 2", "enter")
    assert (it.last, it.player.paused) == ("line 20", True)
    assert "hit 1/1+" in it.bar
    it.press("n", "n")
    assert it.last == "line 22"
    it.press("N")
    assert it.last == "line 21"
    it.press(*"n" * 20)
    assert (it.last, it.player.message) == ("line 29", "no hit after this")
    it.press("n")
    assert it.player.message == "no hit after this"
    assert it.player.finder.search[1:] == (10, 10, True)
    it.press("home", "N")
    assert it.last == "line 28"
    it.press(*"/LINE 03", "enter")
    assert it.player.message == "not found: LINE 03"


def test_a_search_begins_behind_what_is_shown_and_goes_round():
    it = Theatre()
    it.press(" ", *"g25", "enter", *"/line 1", "enter")
    assert it.last == "line 10"
    assert it.player.message == "no hit after this: from the beginning on"
    it.press(*"g15", "enter", "/", "enter")  # the same words again
    assert it.last == "line 16"
    it = Theatre()
    it.press("n")
    assert it.player.entry == "/"


def test_it_begins_where_words_stand_in_a_turn():
    it = Theatre()
    it.player.begin(it.show.reel.at_raw(0, 90), it.show.reel.at_raw(0, 180, reach=True), "line")
    it.settle()
    assert (it.last, it.player.paused) == ("line 10", True)
    assert "hit 11/11+" in it.bar
    it.press("N")
    assert it.last == "line 09"
    it.press("n", " ").wait(60_000)
    assert (it.last, it.player.paused) == ("line 19", True)  # the turn's end is still the end
    it = Theatre()
    it.player.begin(it.show.reel.at_raw(0, 90), it.show.reel.at_raw(0, 180, reach=True), "line 3")
    it.settle()
    assert it.last == "line 30"
    it.press(" ").wait(2000)
    assert (it.last, it.player.paused) == ("line 32", False)  # not back to it
    it = Theatre()
    it.player.begin(it.show.reel.at_raw(0, 90), None, "nowhere")
    it.settle()
    assert (it.last, it.player.message) == ("line 09", "not found: nowhere")


def test_a_search_that_begins_at_a_place_takes_what_stands_there(monkeypatch):
    it = Theatre()
    monkeypatch.setattr(
        it.show, "hits", lambda _words: iter([Hit(0, 81, 90), Hit(0, 90, 90), Hit(0, 99, 108)])
    )
    it.player.begin(it.show.reel.at_raw(0, 90), None, "line")
    it.settle()
    assert (it.last, it.player.finder.search.at) == ("line 09", 2)
    it.press("/", "enter")
    assert (it.last, it.player.finder.search.at) == ("line 11", 3)


def test_escape_stops_what_takes_long(monkeypatch):
    monkeypatch.setattr(projector, "_STEP", 64)
    it = Theatre(Show(2000))
    it.player.key("end", it.now)
    for _ in range(3):
        it.player.work(it.now)
    it.press("escape", " ")
    assert 0 < it.at < 1_999_000
    assert it.last == f"line {int(it.at) // 1000:02}"
    assert it.player.doing == ""


def test_a_turn_is_played_to_its_end():
    it = Theatre()
    it.player.begin(it.show.reel.at_raw(0, 90), it.show.reel.at_raw(0, 180, reach=True))
    it.settle()
    assert it.last == "line 09"
    it.wait(60_000)
    assert (it.last, it.player.paused) == ("line 19", True)
    it.press(" ").wait(1000)
    assert it.last == "line 20"


def test_a_live_session_goes_on(monkeypatch):
    monkeypatch.setattr(reels, "BLOCK_CHUNKS", 20)
    it = Theatre(live=True)
    it.wait(100_000)
    assert (it.last, it.player.paused) == ("line 39", False)
    assert "live" in it.bar
    more = made([(RUN, 1000 * number, b"\r\nline %02d" % number) for number in range(45)])
    for block in more.blocks[len(it.show.reel.blocks) :]:
        it.show.reel.add([block])
    it.show.reel._load = more._load
    it.wait(10)
    assert it.last == "line 44"
    it.press("left")
    it.wait(1000)
    assert it.last == "line 40"
    it.player.live = False
    it.press("end").wait(10)
    assert it.player.paused


def test_leaving_and_help():
    it = Theatre()
    it.press("?")
    assert it.player.help
    it.press("q")
    assert not it.player.help
    assert it.player.left is None
    it.press("q")
    assert it.player.left == "q"
    it.press("/", "interrupt")
    assert it.player.left == "interrupt"


def test_the_bar_fits():
    it = Theatre()
    for width in range(1, 200):
        assert len(playbar.bar(it.player, it.now, width)) <= width
    it.player.entry = "/" + "日本" * 50
    for width in range(4, 120):
        assert len(playbar.bar(it.player, it.now, width)) <= width
    it.player.entry = None
    it.player.message = "\x1b[31mnot so\n"
    assert "\x1b" not in it.bar


def test_there_is_a_bar_over_the_last_row_only_while_it_is_wanted():
    it = Theatre()
    it.wait(10)
    assert it.player.bar(it.now)
    it.wait(SHOWN_MS + 10)
    assert not it.player.bar(it.now)
    it.press(" ").wait(SHOWN_MS + 10)
    assert it.player.bar(it.now)


NAMES = [
    *"q?/gnNmM[].><+- hG0123:x",
    "enter",
    "escape",
    "backspace",
    "left",
    "right",
    "up",
    "down",
    "home",
    "end",
]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(NAMES), st.integers(0, 5000)), max_size=30))
def test_whatever_is_pressed_the_screen_is_that_of_the_place(doings):
    it = Theatre()
    for doing in doings:
        if isinstance(doing, int):
            it.wait(doing)
        else:
            it.press(doing)
        raw = it.show.reel.raw(it.player.projector.place)[1]
        assert it.last == (f"line {raw // 9 - 1:02}" if raw else "")
        assert 0 <= it.at <= it.show.reel.end_ms


# --- words and keys ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("90", (90_000, None)),
        ("1:30", (90_000, None)),
        ("01:02:03", (3_723_000, None)),
        ("0:00.5", (500, None)),
        (" 12 ", (12_000, None)),
        (":12", (0, 12)),
        ("50%", (5000, None)),
        ("900%", (10_000, None)),
        ("", None),
        (":", None),
        ("x", None),
        ("1:2:3:4", None),
        ("-3", None),
        ("٣", None),
        ("9" * 50, None),
    ],
)
def test_goals(text, found):
    assert goal(text, 10_000) == found


def test_times_and_paces():
    assert [clock(ms) for ms in (0, 59_999, 60_000, 3_600_000)] == ["00:00", "00:59", "01:00", "1:00:00"]
    assert [pace(speed) for speed in (1.0, 0.5, 16.0, 1 / 16)] == ["×1", "×0.5", "×16", "×0.0625"]


TYPED = b"q \x1b[C\x1b[D\x1bOA\x1b[5~\r\x7f\x03\x1a\x0cn\xc3\xa9\x1b[H"
NAMED = ["q", " ", "right", "left", "up", "pageup", "enter", "backspace"]
NAMED += ["interrupt", "suspend", "redraw", "n", "é", "home"]
ANSWERS = [b"\x1b[?62;22c", b"\x1b[>41;354;0c", b"\x1b[0n", b"\x1b[12;40R", b"\x1b[?2004;1$y"]
ANSWERS += [
    b"\x1b]11;rgb:0000/0000/0000\x07",
    b"\x1bP1$r0m\x1b\\",
    b"\x1b]lq\x1b\\",
    b"\x1b[<0;3;4M",
    b"\x1b[I",
]


@given(st.lists(st.integers(0, len(TYPED)), max_size=6))
def test_keys_are_the_same_however_they_come(places):
    edges = [0, *sorted(places), len(TYPED)]
    keys = Keys()
    found = [key for a, b in pairwise(edges) for key in keys.feed(TYPED[a:b])]
    assert found == NAMED
    assert not keys.waiting


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_a_terminal_answers_is_no_key(answer):
    assert Keys().feed(answer + b"n") == ["n"]


def test_the_escape_key():
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.waiting
    assert keys.late() == ["escape"]
    assert not keys.waiting
    assert keys.feed(b"n") == ["n"]
