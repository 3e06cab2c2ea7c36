"""The mode follows the terminal's settings; the ledger gives back what the tool had switched on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.modes import DEFAULT_ON, KEPT, SOFT, Ledger, Mode, mode_of
from recorder.watch import SpotKind, Watch


@pytest.mark.parametrize(
    ("canonical", "echo", "override", "mode"),
    [
        (True, True, "auto", Mode.LINE),
        (True, False, "auto", Mode.SECRET),
        (False, False, "auto", Mode.RAW),
        (False, True, "auto", Mode.RAW),
        (True, True, "raw", Mode.RAW),
        (False, False, "line", Mode.LINE),
        (False, True, "line", Mode.LINE),
        (True, True, "line", Mode.LINE),
        (False, False, "raw", Mode.RAW),
        # A hidden read stays hidden.
        (True, False, "line", Mode.SECRET),
        (True, False, "raw", Mode.SECRET),
    ],
)
def test_mode(canonical, echo, override, mode):
    assert mode_of(canonical=canonical, echo=echo, override=override) is mode


class Terminal:
    """What a terminal does with the sequences that the ledger follows, by its own simple rules."""

    def __init__(self):
        self.modes = {number: number in DEFAULT_ON for number in KEPT}
        self.keypad = False
        self.shape = 0
        self.region = b""
        self.modify = 0
        self.kitty = [0]
        self.alternate = False
        self._watch = Watch()

    def state(self):
        return (self.modes, self.keypad, self.shape, self.region, self.modify, self.kitty)

    def feed(self, data):
        for spot in self._watch.feed(data):
            body = spot.body
            if spot.kind in (SpotKind.SET, SpotKind.UNSET):
                on = spot.kind is SpotKind.SET
                for number in [int(part) for part in body.split(b";") if part]:
                    if number in self.modes:
                        self.modes[number] = on
                    elif number in (47, 1047, 1049):
                        self.alternate = on
            elif spot.kind is SpotKind.KEYPAD:
                self.keypad = body == b"\x1b="
            elif spot.kind is SpotKind.SHAPE:
                self.shape = int(body[2:-2] or 0)
            elif spot.kind is SpotKind.REGION:
                self.region = body[2:-1]
            elif spot.kind is SpotKind.RESET:
                self.reset(soft=body == b"\x1b[!p")
            elif spot.kind is SpotKind.KEYS:
                self.keys(chr(body[2]), body[3:-1], chr(body[-1]))

    def reset(self, *, soft):
        if not soft:
            self.__init__()
            return
        self.modes |= {1: False, 7: True, 25: True, 66: False}
        self.keypad, self.shape, self.region, self.modify = False, 0, b"", 0

    def keys(self, prefix, params, final):
        numbers = [int(part or 0) for part in params.split(b";")]
        if final == "m":
            if prefix == ">" and numbers[0] in (0, 4):
                self.modify = numbers[1] if len(numbers) > 1 else 0
        elif prefix == ">":
            self.kitty.append(numbers[0])
        elif prefix == "<":
            for _ in range(numbers[0] or 1):
                if len(self.kitty) > 1:
                    self.kitty.pop()
        else:
            how = numbers[1] if len(numbers) > 1 else 1
            old = self.kitty[-1]
            self.kitty[-1] = {1: numbers[0], 2: old | numbers[0], 3: old & ~numbers[0]}.get(how, old)


MODE_NUMBERS = st.sampled_from([*sorted(KEPT), 3, 47, 1047, 1049, 1048, 99999])
SEQUENCES = st.one_of(
    st.builds(lambda n, c: b"\x1b[?%d%c" % (n, ord(c)), MODE_NUMBERS, st.sampled_from("hl")),
    st.builds(
        lambda a, b, c: b"\x1b[?%d;%d%c" % (a, b, ord(c)), MODE_NUMBERS, MODE_NUMBERS, st.sampled_from("hl")
    ),
    st.sampled_from([
        b"\x1b=", b"\x1b>", b"\x1b[ q", b"\x1b[0 q", b"\x1b[2 q", b"\x1b[6 q", b"\x1b[r", b"\x1b[1;10r",
        b"\x1b[5;20r", b"\x1b[>4;2m", b"\x1b[>4;1m", b"\x1b[>4;0m", b"\x1b[>4;m", b"\x1b[>4m", b"\x1b[>m",
        b"\x1b[>1u", b"\x1b[>5u", b"\x1b[>u", b"\x1b[<u", b"\x1b[<1u", b"\x1b[<9u", b"\x1b[=5u", b"\x1b[=0u",
        b"\x1b[=1;2u", b"\x1b[=4;3u", b"\x1bc", b"\x1b[!p", b"text", b"\x1b[31m", b"\x1b[?h", b"\x1b[?;25l",
    ]),
)  # fmt: skip
STREAM = st.lists(SEQUENCES, max_size=25).map(b"".join)


def follow(data, ledger=None):
    ledger = ledger or Ledger()
    for spot in Watch().feed(data):
        ledger.note(spot)
    return ledger


@given(STREAM)
def test_neutral_gives_the_usual_terminal_and_reassert_the_tools_again(data):
    terminal, ledger = Terminal(), follow(data)
    terminal.feed(data)
    before, alternate = repr(terminal.state()), terminal.alternate
    terminal.feed(ledger.neutral())
    assert terminal.state() == Terminal().state()
    assert terminal.alternate == alternate
    terminal.feed(ledger.reassert())
    assert repr(terminal.state()) == before
    assert terminal.alternate == alternate == (ledger.alternate is not None)


@given(STREAM)
def test_what_a_dead_tool_left_on_is_undone_and_then_nothing_is_left(data):
    terminal, ledger = Terminal(), follow(data)
    terminal.feed(data)
    terminal.feed(ledger.leave())
    assert terminal.state() == Terminal().state()
    assert not terminal.alternate
    assert follow(ledger.leave(), ledger).leave() == b""


@given(STREAM)
def test_is_on_says_what_the_terminal_says(data):
    terminal, ledger = Terminal(), follow(data)
    terminal.feed(data)
    assert {number: ledger.is_on(number) for number in KEPT} == terminal.modes


WELL_BEHAVED = {
    "readline": b"\x1b[?2004h$ ls\r\n\x1b[?2004l\rfile\r\n",
    "vim": b"\x1b[?1049h\x1b[22;0;0t\x1b[>4;2m\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[1;24r\x1b[?12h\x1b[?12l"
    b"\x1b[?25l\x1b[?25h\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[>4;m\x1b[?1049l\x1b[r",
    "less": b"\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\r\x1b[K\x1b[?1l\x1b>\x1b[?1049l",
    "mouse": b"\x1b[?1000;1002;1006h\x1b[?1000;1002;1006l",
    "kitty keys": b"\x1b[>1u\x1b[=5u\x1b[<u",
    "kitty flags": b"\x1b[=5u\x1b[=0u",
    "cursor": b"\x1b[?25l\x1b[5 q\x1b[0 q\x1b[?25h",
    "reset": b"\x1b[?1049h\x1b[?1000h\x1b[>1u\x1bc",
    "tmux": b"\x1b[?1049h\x1b[1;24r\x1b[?1049l",
    "pyrepl": b"\x1b[?2004h\x1b[?1h\x1b=\x1b[?25l\x1b[?12l\x1b[?25h\n\r\x1b[?2004l\x1b[?1l\x1b>",
}


@pytest.mark.parametrize("name", WELL_BEHAVED)
def test_a_well_behaved_tool_leaves_nothing_to_undo(name):
    ledger = follow(WELL_BEHAVED[name])
    assert ledger.leave() == ledger.neutral() == ledger.reassert() == b""


@pytest.mark.parametrize(
    ("left", "undone"),
    [
        (b"\x1b[?1000h", b"\x1b[?1000l"),
        (b"\x1b[?25l", b"\x1b[?25h"),
        (b"\x1b[?2004h\x1b[?1h", b"\x1b[?1l\x1b[?2004l"),
        (b"\x1b=", b"\x1b>"),
        (b"\x1b[5 q", b"\x1b[0 q"),
        (b"\x1b[3;9r", b"\x1b7\x1b[r\x1b8"),  # the cursor stays where it is
        (b"\x1b[>4;2m", b"\x1b[>4;0m"),
        (b"\x1b[>1u\x1b[>5u", b"\x1b[<2u"),
        (b"\x1b[=5u", b"\x1b[=0u"),
        (b"\x1b[?1049h\x1b[?1000h", b"\x1b[?1000l\x1b[?1049l"),
        (b"\x1b[?47h", b"\x1b[?47l"),
    ],
)
def test_what_undoes_what(left, undone):
    assert follow(left).leave() == undone


def test_a_region_comes_back_without_moving_the_cursor():
    assert follow(b"\x1b[3;9r").reassert() == b"\x1b7\x1b[3;9r\x1b8"


@pytest.mark.parametrize("region", [b"\x1b[r", b"\x1b[1;10r", b"\x1b[;10r", b"\x1b[0;99r", b"\x1b[1r"])
def test_a_region_that_is_the_whole_screen_is_none(region):
    assert follow(region, Ledger(10)).leave() == b""


def test_a_region_is_seen_with_the_screen_as_it_is_now():
    ledger = Ledger(10)
    ledger.rows = 20
    assert follow(b"\x1b[1;10r", ledger).leave() == b"\x1b7\x1b[r\x1b8"


def test_the_alternate_screen_is_known_and_not_touched_by_neutral():
    ledger = follow(b"\x1b[?1049h\x1b[?25l")
    assert ledger.alternate == 1049
    assert ledger.neutral() == b"\x1b[?25h"
    assert follow(b"\x1b[?1047l", ledger).alternate is None


def test_a_soft_reset_keeps_screen_mouse_and_paste():
    ledger = follow(b"\x1b[?1049h\x1b[?1000h\x1b[?2004h\x1b[?1h\x1b[?25l\x1b[?7l\x1b=\x1b[2;3r\x1b[!p")
    assert ledger.alternate == 1049
    assert ledger.neutral() == b"\x1b[?1000l\x1b[?2004l"
    assert SOFT <= KEPT


def test_other_peoples_key_sequences_change_nothing():
    assert follow(b"\x1b[<4;2m\x1b[=4;2m\x1b[>1;2m\x1b[=7;9u").leave() == b""
