"""What happens to the next typed byte: rows written by hand, and rules that hold for every row."""

from __future__ import annotations

from itertools import product

import pytest

from recorder.dialog import SETTLE_MS, Facts, Reads, Step, decide, waits
from recorder.modes import Mode

LINE, SECRET, RAW = Mode.LINE, Mode.SECRET, Mode.RAW
YES, NO, UNKNOWN = Reads.YES, Reads.NO, Reads.UNKNOWN
IDLE = {
    "mode": LINE,
    "reads": YES,
    "quiet_ms": 0,
    "acknowledged": True,
    "editing": False,
    "editor": True,
    "lines": 0,
    "control": False,
    "keys": False,
}


def facts(**known):
    return Facts(**{**IDLE, **known})


@pytest.mark.parametrize(
    ("known", "step"),
    [
        # The tool edits its own line: it gets everything, whatever the gate says.
        ({"mode": RAW, "keys": True}, Step.PASS),
        ({"mode": RAW, "keys": True, "reads": NO}, Step.PASS),
        ({"mode": RAW, "keys": True, "control": True}, Step.PASS),
        ({"mode": RAW, "keys": True, "acknowledged": False}, Step.PASS),
        ({"mode": RAW}, Step.WAIT),
        # … but first our editor goes, and its text and the lines not yet sent go back to the keys.
        ({"mode": RAW, "editing": True, "keys": True}, Step.LEAVE),
        ({"mode": RAW, "editing": True}, Step.LEAVE),
        ({"mode": RAW, "lines": 2, "keys": True}, Step.LEAVE),
        ({"mode": SECRET, "editing": True, "keys": True}, Step.LEAVE),
        ({"mode": SECRET, "lines": 1}, Step.LEAVE),
        # A hidden read: when it reads, and not before it has the line that was sent.
        ({"mode": SECRET, "keys": True}, Step.SECRET),
        ({"mode": SECRET, "keys": True, "reads": NO}, Step.WAIT),
        ({"mode": SECRET, "keys": True, "reads": UNKNOWN}, Step.WAIT),
        ({"mode": SECRET, "keys": True, "reads": UNKNOWN, "quiet_ms": SETTLE_MS}, Step.SECRET),
        ({"mode": SECRET, "keys": True, "acknowledged": False}, Step.WAIT),
        ({"mode": SECRET, "keys": True, "control": True, "reads": NO}, Step.CONTROL),
        ({"mode": SECRET}, Step.WAIT),
        # Line mode: the editor opens when the tool reads.
        ({}, Step.OPEN),
        ({"keys": True}, Step.OPEN),
        ({"reads": NO}, Step.WAIT),
        ({"reads": NO, "keys": True}, Step.HOLD),
        ({"reads": NO, "keys": True, "quiet_ms": 10_000}, Step.HOLD),
        ({"reads": UNKNOWN, "keys": True}, Step.HOLD),
        ({"reads": UNKNOWN, "keys": True, "quiet_ms": SETTLE_MS - 1}, Step.HOLD),
        ({"reads": UNKNOWN, "keys": True, "quiet_ms": SETTLE_MS}, Step.OPEN),
        # Without an editor (an end is no terminal) only keys make something happen.
        ({"editor": False}, Step.WAIT),
        ({"editor": False, "keys": True}, Step.OPEN),
        # The editor gets keys one by one, whatever the tool does.
        ({"editing": True, "keys": True}, Step.EDIT),
        ({"editing": True, "keys": True, "reads": NO}, Step.EDIT),
        ({"editing": True, "keys": True, "control": True}, Step.EDIT),
        ({"editing": True}, Step.WAIT),
        # A submitted line goes when the tool reads and has taken the one before.
        ({"lines": 1}, Step.SEND),
        ({"lines": 1, "keys": True}, Step.SEND),
        ({"lines": 1, "reads": NO}, Step.WAIT),
        ({"lines": 1, "acknowledged": False}, Step.WAIT),
        ({"lines": 1, "acknowledged": False, "quiet_ms": 10_000}, Step.WAIT),
        ({"lines": 1, "acknowledged": None}, Step.WAIT),
        ({"lines": 1, "acknowledged": None, "quiet_ms": SETTLE_MS}, Step.SEND),
        ({"lines": 1, "reads": UNKNOWN}, Step.WAIT),
        ({"lines": 1, "reads": UNKNOWN, "quiet_ms": SETTLE_MS}, Step.SEND),
        # Nobody can look into the tool: after silence it counts as waiting, or lines would hang.
        ({"lines": 1, "reads": UNKNOWN, "acknowledged": False, "quiet_ms": SETTLE_MS}, Step.SEND),
        ({"lines": 1, "reads": UNKNOWN, "acknowledged": None, "quiet_ms": SETTLE_MS}, Step.SEND),
        # Ctrl-C reaches a busy tool at once.
        ({"keys": True, "control": True, "reads": NO}, Step.CONTROL),
        ({"keys": True, "control": True, "lines": 1, "acknowledged": False}, Step.CONTROL),
        ({"control": True}, Step.OPEN),
    ],
)
def test_what_is_done(known, step):
    assert decide(facts(**known)) is step


EVERY = [
    Facts(*row)
    for row in product(
        Mode,
        Reads,
        (0, SETTLE_MS - 1, SETTLE_MS, 100_000),
        (True, False, None),
        (True, False),
        (True, False),
        (0, 1, 3),
        (True, False),
        (True, False),
    )
]


def those(step):
    return [row for row in EVERY if decide(row) is step]


def test_keys_reach_the_tool_raw_only_where_it_edits_its_own_line():
    assert all(row.mode is RAW and row.keys and not row.editing and not row.lines for row in those(Step.PASS))


def test_a_line_is_sent_only_to_a_canonical_terminal_with_echo_whose_tool_waits():
    for row in those(Step.SEND):
        assert row.mode is LINE
        assert row.lines
        assert row.reads is not NO
        assert row.acknowledged is not False or (row.reads is UNKNOWN and row.quiet_ms >= SETTLE_MS)


def test_what_the_editor_gets_no_hidden_read_gets():
    assert all(row.mode is LINE and row.keys for row in those(Step.EDIT))
    assert all(row.mode is LINE and not row.lines and not row.editing for row in those(Step.OPEN))


def test_a_hidden_read_gets_keys_only_when_it_waits():
    for row in those(Step.SECRET):
        assert row.mode is SECRET
        assert row.keys
        assert row.reads is not NO
        assert not row.editing
        assert not row.lines


def test_nothing_is_sent_before_the_last_line_was_taken_where_that_is_known():
    for row in EVERY:
        if row.acknowledged is False and row.reads is YES:
            assert decide(row) not in {Step.SEND, Step.SECRET, Step.OPEN}


def test_a_busy_tool_gets_signals_and_nothing_else():
    for row in EVERY:
        if row.mode is not RAW and row.reads is NO and not row.editing:
            assert decide(row) in {Step.WAIT, Step.HOLD, Step.CONTROL, Step.LEAVE}


def test_the_editor_never_stays_where_the_tool_edits():
    for row in EVERY:
        if row.mode is not LINE and (row.editing or row.lines):
            assert decide(row) is Step.LEAVE


def test_without_keys_no_step_needs_any():
    for row in EVERY:
        if not row.keys:
            assert decide(row) in {Step.WAIT, Step.OPEN, Step.SEND, Step.LEAVE}


def test_unknown_is_never_busy_for_ever():
    for row in EVERY:
        if row.reads is UNKNOWN and row.quiet_ms >= SETTLE_MS:
            assert waits(row)


def test_a_certain_reader_waits_at_once_unless_its_line_may_be_on_the_way():
    assert waits(facts())
    assert not waits(facts(acknowledged=False, quiet_ms=100_000))
    assert not waits(facts(acknowledged=None))
    assert waits(facts(acknowledged=None, quiet_ms=SETTLE_MS))
