"""The finder of what changes the terminal: the same finds however output is cut, and no others."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import watch
from recorder.watch import Spot, SpotKind, Watch

WORDS = [
    b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?2004h", b"\x1b[?1;25;1000h", b"\x1b[?h", b"\x1b[?7l",
    b"\x1b[>4;2m", b"\x1b[>1u", b"\x1b[<u", b"\x1b[=5u", b"\x1b[2 q", b"\x1b[ q", b"\x1b[1;10r", b"\x1b[r",
    b"\x1b=", b"\x1b>", b"\x1bc", b"\x1b[!p", b"\x07", b"\x1b]0;title\x07", b"\x1b]9;done\x1b\\",
    b"\x1bPq#0\x07;~\x1b\\", b"\x1b_G\x1b\\", b"\x1b^pm\x1b\\", b"\x1bXsos\x1b\\",
    b"\x1b]0;cut\x18", b"\x1b]0;again\x1b[?25l", b"\x1b[31m", b"\x1b[2J", b"\x1b[?1$p", b"\x1b(B",
    b"\x1b", b"\x1b[", b"\x1b[?", b"\x1b]", b"\x1bP", b"\\", b"text", b"\r\n", b"h", b"25;", b"\x18",
    "é".encode(),
]  # fmt: skip
STREAM = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=3)), max_size=20).map(b"".join)
CUTS = st.lists(st.integers(0, 300), max_size=8)


def pieces(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def finds(parts):
    found = Watch()
    return [spot for part in parts for spot in found.feed(part)]


@given(STREAM, CUTS)
def test_the_same_finds_however_output_is_cut(data, cuts):
    whole = finds([data])
    assert finds(pieces(data, cuts)) == whole
    assert finds([data[i : i + 1] for i in range(len(data))]) == whole


@given(STREAM)
def test_finds_stand_where_they_say_and_never_overlap(data):
    at = 0
    for spot in finds([data]):
        assert at <= spot.start < spot.end <= len(data)
        at = spot.end
        raw = data[spot.start : spot.end]
        if spot.kind in (SpotKind.SET, SpotKind.UNSET):
            assert raw == b"\x1b[?" + spot.body + (b"h" if spot.kind is SpotKind.SET else b"l")
        elif spot.kind is SpotKind.OSC:
            assert raw in (b"\x1b]" + spot.body + b"\x07", b"\x1b]" + spot.body + b"\x1b\\")
        else:
            assert raw == spot.body


@pytest.mark.parametrize(
    ("data", "kind", "body"),
    [
        (b"\x1b[?1049h", SpotKind.SET, b"1049"),
        (b"\x1b[?1049;25l", SpotKind.UNSET, b"1049;25"),
        (b"\x1b[>4;2m", SpotKind.KEYS, b"\x1b[>4;2m"),
        (b"\x1b[>1u", SpotKind.KEYS, b"\x1b[>1u"),
        (b"\x1b[<1u", SpotKind.KEYS, b"\x1b[<1u"),
        (b"\x1b[=5;1u", SpotKind.KEYS, b"\x1b[=5;1u"),
        (b"\x1b[6 q", SpotKind.SHAPE, b"\x1b[6 q"),
        (b"\x1b[2;20r", SpotKind.REGION, b"\x1b[2;20r"),
        (b"\x1b=", SpotKind.KEYPAD, b"\x1b="),
        (b"\x1bc", SpotKind.RESET, b"\x1bc"),
        (b"\x1b[!p", SpotKind.RESET, b"\x1b[!p"),
        (b"\x07", SpotKind.BELL, b"\x07"),
        (b"\x1b]0;a title\x07", SpotKind.OSC, b"0;a title"),
        (b"\x1b]9;a\xc2\x9cb\x1b\\", SpotKind.OSC, b"9;a\xc2\x9cb"),
    ],
)
@pytest.mark.parametrize("around", [b"", b"x" * 10, b"\x1b[31m", "日本".encode()])
def test_each_kind_between_anything(data, kind, body, around):
    start = len(around)
    assert finds([around + data + around]) == [Spot(kind, start, start + len(data), body)]


@pytest.mark.parametrize(
    "data",
    [b"\x1b[31m", b"\x1b[2J\x1b[H", b"\x1b[?1049$p", b"\x1b[38;5;1m", b"\x1bM", b"\x1b(0", b"\x1b[?6c"],
)
def test_the_bulk_of_sequences_is_none(data):
    found = Watch()
    assert found.feed(data + b"x") == []
    assert found.pending == 0


def test_bel_ends_an_osc_only():
    kinds = [spot.kind for spot in finds([b"\x1b]0;t\x07\x07\x1bPsixel\x07\x07more\x1b\\\x07"])]
    assert kinds == [SpotKind.OSC, SpotKind.BELL, SpotKind.BELL]


def test_an_aborted_string_is_no_find_and_what_aborts_it_is():
    assert finds([b"\x1b]0;t\x1b[?25lx"]) == [Spot(SpotKind.UNSET, 5, 11, b"25")]
    assert finds([b"\x1b]0;t\x18\x07"]) == [Spot(SpotKind.BELL, 6, 7, b"\x07")]


@pytest.mark.parametrize("cut", range(1, 8))
def test_what_may_become_a_find_is_pending(cut):
    found = Watch()
    assert found.feed(b"ab\x1b[?1049h"[: 2 + cut]) == []
    assert found.pending == cut
    assert found.feed(b"ab\x1b[?1049h"[2 + cut :]) == [Spot(SpotKind.SET, 2, 10, b"1049")]
    assert found.pending == 0


@pytest.mark.parametrize("size", [watch.MAX_CSI - 1, watch.MAX_CSI, watch.MAX_CSI + 1, 300])
def test_a_control_sequence_that_is_too_long_is_none_however_cut(size):
    data = b"\x1b[?" + b"1" * (size - 4) + b"h\x07"
    expected = 2 if size <= watch.MAX_CSI else 1
    assert len(finds([data])) == expected
    assert finds([data[i : i + 1] for i in range(len(data))]) == finds([data])


@pytest.mark.parametrize("end", [b"\x07", b"\x1b\\", b"\x18", b"\x1b[?25l"])
@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_string_whose_end_is_too_far_is_given_up_however_cut(monkeypatch, end, extra):
    monkeypatch.setattr(watch, "MAX_STRING", 64)
    data = b"\x1b]" + b"a" * (64 - 2 + extra) + end + b"b\x07"
    whole = finds([data])
    assert finds([data[i : i + 1] for i in range(len(data))]) == whole
    assert finds([data[:65], data[65:]]) == finds([data[:66], data[66:]]) == whole
    assert any(spot.kind is SpotKind.OSC for spot in whole) == (extra < 0 and end in (b"\x07", b"\x1b\\"))


@given(STREAM, CUTS)
def test_short_limits_change_nothing_about_cutting(data, cuts):
    before = watch.MAX_STRING
    watch.MAX_STRING = 6
    try:
        assert finds(pieces(data, cuts)) == finds([data])
    finally:
        watch.MAX_STRING = before


def test_a_long_string_in_small_pieces_is_searched_once():
    found = Watch()
    found.feed(b"\x1b]52;c;")
    body = b"A" * 1000
    for _ in range(900):
        assert found.feed(body) == []
    (spot,) = found.feed(b"\x07")
    assert spot == Spot(SpotKind.OSC, 0, 900_008, b"52;c;" + body * 900)
    assert found.feed(b"\x1b]0;t\x07") == [Spot(SpotKind.OSC, 900_008, 900_014, b"0;t")]
