"""The end of an input reaches every read of the tool, as the character that its terminal takes for it."""

from __future__ import annotations

import pytest

from recorder.inputend import FIRST_MS, HELD_LOOK_MS, MOST_RAW, SLOWEST_MS, InputEnd

COOKED = {"canonical": True, "eof": b"\x05"}
RAW = {"canonical": False, "eof": b"\x05"}


def ended(*, final: bool = True) -> InputEnd:
    end = InputEnd()
    end.came(100, final=final, tell=True)
    assert end.due_ms == 100
    assert not end.repeats
    return end


@pytest.mark.parametrize(("tty", "sent"), [(COOKED, b"\x05"), (RAW, b"\x04")], ids=["cooked", "raw"])
def test_the_tool_is_told_in_its_own_way(tty, sent):
    assert ended().told(100, **tty) == sent


def test_an_end_on_a_terminal_is_told_once():
    end = ended(final=False)
    assert end.told(100, **COOKED) == b"\x05"
    assert end.due_ms is None
    assert not end.final


def test_the_end_of_a_pipe_is_told_again_and_looked_for_less_and_less_often():
    end = ended()
    end.told(100, **COOKED)
    assert end.repeats
    assert end.due_ms == 100 + FIRST_MS
    waits = []
    for _ in range(8):
        end.later(1000)
        waits.append(end.due_ms - 1000)
    assert waits == [20, 40, 80, 160, 320, SLOWEST_MS, SLOWEST_MS, SLOWEST_MS]
    end.told(2000, **COOKED)
    assert end.due_ms == 2000 + FIRST_MS


def test_what_a_raw_tool_does_not_take_for_the_end_is_not_sent_for_ever():
    end = ended()
    sent = 0
    while end.due_ms is not None:
        sent += len(end.told(end.due_ms, **RAW))
    assert sent == MOST_RAW


def test_before_the_first_time_one_looks_often():
    end = ended()
    for now in range(100, 200, 10):
        end.later(now)
        assert end.due_ms == now + HELD_LOOK_MS


def test_a_terminal_without_the_character_is_asked_again_later():
    end = ended()
    assert end.told(100, canonical=True, eof=b"") == b""
    assert end.due_ms == 100 + HELD_LOOK_MS


def test_a_hangup_is_nothing_to_tell():
    end = InputEnd()
    end.came(100, final=True, tell=False)
    assert end.final
    assert end.due_ms is None


@pytest.mark.parametrize(("last", "sent"), [(b"a\nb", b"\r\x04"), (b"a\n", b"\x04"), (b"a\r", b"\x04")])
def test_a_line_editor_gets_its_last_line_entered_before_the_end(last, sent):
    end = InputEnd()
    end.read(b"whatever")
    end.read(last)
    end.came(100, final=True, tell=True)
    assert end.told(100, **RAW) == sent
    assert end.told(200, **RAW) == b"\x04"
