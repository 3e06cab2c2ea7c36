"""``rec diff``: what differs between two outputs, as a pure function and as a command."""

from __future__ import annotations

from contextlib import closing

import maker
import pytest
from blackbox import rec as call
from hypothesis import given
from hypothesis import strategies as st
from maker import Maker

from recorder import difference

TEXTS = st.lists(st.sampled_from(["a", "b", "", "c d", "--- x", "\\ no", "\r"])).map("\n".join)


@given(TEXTS, TEXTS)
def test_only_what_differs_differs(one, other):
    assert (list(difference.unified(one, other, ("x", "y"))) == []) == (one == other)


@given(TEXTS, TEXTS)
def test_the_signs_tell_the_sides(one, other):
    body = list(difference.unified(one, other, ("x", "y")))[2:]
    for sign, text in (("-", one), ("+", other)):
        signed = [line[1:] for line in body if line.startswith(sign)]
        left = iter(text.split("\n"))
        assert all(line in left for line in signed), "lines of one side, in their order"


def test_a_missing_newline_is_said():
    assert list(difference.unified("a\nb", "a\nb\n", ("x", "y"))) == [
        *("--- x", "+++ y", "@@ -1,2 +1,2 @@", " a", "-b", "\\ no newline at the end", "+b"),
    ]


@pytest.fixture
def two(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1, tool="bash")
        one.turn("make", "cc a.c\ncc b.c\nlinked\n")
        one.turn("make -j2", "cc a.c\n\x1b]0;title\x07cc b.c: error\n", status=2)
        one.turn("make", "cc a.c\ncc b.c\nlinked\n")
        one.end()
        store.set_label("build", one.ulid)
    return root


def test_two_runs_of_a_command(two):
    assert call(["diff", "build:1", ":-2"], two).ok().stdout.splitlines() == [
        "--- build:1  ok  1.2s  make",
        "+++ build:2  2  1.2s  make -j2",
        "@@ -1,3 +1,2 @@",
        " cc a.c",
        "-cc b.c",
        "-linked",
        "+\\x1b]0;title\\x07cc b.c: error",
    ]


def test_no_difference_is_said(two):
    assert call(["diff", ":1", ":3"], two).ok().stdout.splitlines() == [
        "--- build:1  ok  1.2s  make",
        "+++ build:3  ok  1.2s  make",
        "no difference",
    ]


def test_json(two):
    same = call(["diff", ":1", ":3", "--json"], two).ok().json()
    assert (same["same"], same["diff"]) == (True, [])
    assert [row["turn"] for row in same["turns"]] == [1, 3]
    other = call(["diff", ":1", ":2", "--json"], two).ok().json()
    assert other["same"] is False
    assert other["diff"][:3] == ["--- build:1", "+++ build:2", "@@ -1,3 +1,2 @@"]
    assert other["diff"][-1] == "+\x1b]0;title\x07cc b.c: error"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((":1", ":9"), 1, "rec: no such turn: :9"),
        (("nobody:1", ":1"), 1, "rec: no such turn: nobody:1"),
        ((":1",), 2, "rec: missing argument 'TURN'"),
    ],
)
def test_what_cannot_be_compared(two, words, status, message):
    found = call(["diff", *words], two)
    assert (found.status, found.stderr.splitlines()[0], found.stdout) == (status, message, "")


def test_an_erased_turn_and_a_cut_one(two):
    call(["rm", "--yes", "build:2"], two).ok()
    found = call(["diff", ":1", ":2"], two)
    assert (found.status, found.stderr) == (1, "rec: could not compare :2: it was erased\n")
    with closing(maker.store_at(two)) as store:
        long = Maker(store, 2, tool="bash", at_ms=maker.now_ms())
        long.prompt("seq 9")
        long.printed("1\n")
        long.event("system", "9 bytes are kept as raw bytes only", long.turns, raw_only=[0, 9])
        long.done()
    found = call(["diff", ":1", "build:1"], two).ok()
    assert found.stderr.splitlines()[0].endswith(":1 is long: its middle is not compared")
