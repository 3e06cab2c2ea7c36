"""The misbehaving test client misbehaves as it says."""

from __future__ import annotations

import re

import pytest
from blackbox import SYSTEM_PYTHON, TRICK, wait_for


@pytest.fixture
def trick(start):
    return lambda *words, **options: start([SYSTEM_PYTHON, TRICK, *words], **options)


def test_it_lists_its_tricks(trick):
    term = trick()
    assert term.wait() == 2
    names = {row.split()[0] for row in term.text().splitlines() if row}
    assert {"dialogue", "quiet", "masked", "queries", "ticker", "half", "fork-and-die", "frames"} <= names


def test_dialogue_hides_the_password(trick):
    term = trick("dialogue")
    term.expect("name: ")
    term.line("bob")
    term.expect("password: ")
    wait_for(lambda: not term.modes().echo)
    term.line("hunter2")
    term.expect("color? ")
    term.line("red")
    term.expect("hello bob 7 red")
    assert "hunter2" not in term.text()
    assert term.wait() == 0
    assert term.modes() == term.before


def test_quiet_drops_the_echo_without_a_word(trick):
    term = trick("quiet", "0.1")
    term.line("bob")
    wait_for(lambda: not term.modes().echo)
    term.line("secret")
    term.expect("hello bob 6")
    assert "secret" not in term.text()


def test_stars_for_a_password_in_raw_mode(trick):
    term = trick("masked")
    wait_for(lambda: not term.modes().canonical)
    term.line("abcd\x7fe")
    term.expect("Password: ****")
    term.expect("length 4")


def test_sudo_reads_without_line_mode_and_without_echo(trick):
    term = trick("sudo")
    term.expect("[sudo] password for x: ")
    wait_for(lambda: not term.modes().canonical)
    assert not term.modes().echo
    term.line("pw")
    term.expect("length 2")
    assert term.modes() == term.before


def test_queries_are_answered(trick):
    term = trick("queries", answer=True)
    term.expect("name: ")
    assert "R'" in term.text()
    term.line("bob")
    term.expect("got 'bob'")


def test_output_comes_resolved(trick):
    term = trick("redraw")
    term.wait()
    assert term.text().splitlines() == ["right", "abXY", "short", "red"]


def test_progress_ends_in_a_prompt(trick):
    term = trick("progress")
    term.expect(re.compile("^name: ", re.MULTILINE))
    term.line("x")
    term.expect("got 'x'")


def test_frames_leave_nothing_on_the_screen(trick):
    term = trick("frames", "5")
    assert term.wait() == 0
    assert term.text().splitlines() == ["before", "after"]
    assert b"frame 5" in term.raw


def test_litter_is_left(trick):
    term = trick("litter")
    assert term.wait() == 137
    assert term.modes() != term.before
    assert {1049, 2004, 1000, 1006} <= term.private_modes


def test_ends(trick):
    assert trick("leave", "42").wait() == 42
    assert trick("die").wait() == 139
    assert trick("die", "KILL").wait() == 137


def test_fork_and_die_leaves_somebody_behind(trick):
    term = trick("fork-and-die", "1000")
    assert term.wait() == 0
    assert term.survivors()


def test_inspect_sees_a_clean_start(trick):
    term = trick("inspect")
    term.wait()
    assert "fds [0, 1, 2]" in term.text()
    assert "ignored [] blocked []" in term.text()
    assert "leader True foreground True" in term.text()


def test_ticks_while_one_types(trick):
    term = trick("ticker", "0.05", "3")
    term.expect("tick 3")
    term.line("abc")
    term.expect("got 'abc'")
