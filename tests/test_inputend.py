"""An end of input reaches the tool once, as the character that its terminal takes for it."""

from __future__ import annotations

import pytest

from recorder.inputend import InputEnd


@pytest.mark.parametrize(
    ("canonical", "sent"),
    [(True, b"\x05"), (False, b"\x04")],
    ids=["cooked", "raw"],
)
def test_the_tool_is_told_once_in_its_own_way(canonical, sent):
    end = InputEnd()
    end.came(final=True, tell=True)
    assert end.due
    assert end.told(b"\x05", canonical=canonical) == sent
    assert not end.due
    assert end.final


def test_a_terminal_without_the_character_is_asked_again_later():
    end = InputEnd()
    end.came(final=True, tell=True)
    assert end.told(b"", canonical=True) == b""
    assert end.due


def test_a_hangup_is_nothing_to_tell():
    end = InputEnd()
    end.came(final=True, tell=False)
    assert end.final
    assert not end.due
