"""An end of input reaches the tool once, as the character that its terminal takes for it."""

from __future__ import annotations

import pytest

from recorder.child import Tty
from recorder.inputend import InputEnd

COOKED = Tty(canonical=True, echo=True, isig=True, eof=b"\x05", intr=b"\x03", susp=b"\x1a", quit=b"\x1c")


@pytest.mark.parametrize(
    ("tty", "sent"),
    [(COOKED, b"\x05"), (COOKED._replace(canonical=False), b"\x04")],
    ids=["cooked", "raw"],
)
def test_the_tool_is_told_once_in_its_own_way(tty, sent):
    end = InputEnd()
    end.came(final=True, tell=True)
    assert end.due
    assert end.told(tty) == sent
    assert not end.due
    assert end.final


def test_a_terminal_without_the_character_is_asked_again_later():
    end = InputEnd()
    end.came(final=True, tell=True)
    assert end.told(COOKED._replace(eof=b"")) == b""
    assert end.due


def test_a_hangup_is_nothing_to_tell():
    end = InputEnd()
    end.came(final=True, tell=False)
    assert end.final
    assert not end.due
