"""Long text on a terminal goes through the user's pager; short text and pipes do not."""

from __future__ import annotations

from contextlib import closing

import maker
import pytest
from blackbox import rec as call
from maker import Maker

from recorder.commands import pager


@pytest.fixture
def long(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1, tool="bash")
        for number in range(60):
            one.turn(f"echo {number}.", f"{number}\n")
        one.turn("seq 20000", "".join(f"row {number}\n" for number in range(20000)))
        one.end(0)
    return root


def test_less_pages_what_is_longer_than_the_screen_and_leaves_with_its_key(long, start_rec):
    term = start_rec(["log"])
    term.expect("echo 20.")
    term.expect(":")
    assert "seq 20000" not in term.text()
    term.send("G")
    term.expect("seq 20000")
    term.send("q")
    assert term.wait() == 0


def test_a_reader_who_leaves_early_is_no_error(long, start_rec):
    term = start_rec(["output", ":-1"])
    term.expect("row 20")
    term.send("q")
    assert term.wait() == 0
    assert "row 19999" not in term.text()
    assert "rec:" not in term.text()


def test_ctrl_c_is_a_key_of_the_pager(long, start_rec):
    term = start_rec(["output", ":-1"])
    term.expect("row 20")
    term.send("\x03")
    term.send("/row 70\r")
    term.expect("row 70")
    term.send("q")
    assert term.wait() in {0, 130}


def test_what_fits_on_the_screen_needs_no_key(long, start_rec):
    term = start_rec(["log", "-n", "5"])
    assert term.wait() == 0
    assert "seq 20000" in term.text()


def test_the_users_own_pager_is_used(long, start_rec):
    term = start_rec(["log", "-n", "3"], env={"PAGER": "sed 's/^/mine /' | cat"})
    assert term.wait() == 0
    assert [line.startswith("mine ") for line in term.text().splitlines() if line] == [True] * 3


def test_nothing_is_paged_in_a_pipe(long):
    assert len(call(["log"], long, env={"PAGER": "false"}).ok().stdout.splitlines()) == 61


@pytest.mark.parametrize(
    ("env", "chosen"),
    [
        ({}, "less"),
        ({"PAGER": "more -d"}, "more -d"),
        ({"PAGER": ""}, None),
        ({"PAGER": "cat"}, None),
        ({"PAGER": "no-such-pager -R"}, None),
        ({"PAGER": "'"}, None),
        ({"TERM": "dumb"}, None),
        ({"PATH": "/nowhere"}, None),
    ],
)
def test_which_pager(env, chosen):
    assert pager.chosen({"TERM": "xterm", "PATH": "/usr/bin:/bin", **env}) == chosen
