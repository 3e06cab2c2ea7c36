"""Whether the tool took our line, where the kernel does not tell who was to take it."""

from __future__ import annotations

from types import SimpleNamespace

from recorder.dialog import SETTLE_MS
from recorder.gate import Token
from recorder.model import Moment
from recorder.sense import Sense


class Blind:
    """A gate that saw nobody wait when the line was sent: the tool was between two looks at its terminal."""

    def token(self, _group):
        return Token((), ())

    def consumed(self, _token):
        return None


def test_a_tool_that_prints_without_a_pause_has_taken_the_line_when_none_is_pending():
    clock, pending = [0], [9]
    child = SimpleNamespace(foreground=lambda: 1, pending=lambda: pending[0])
    wires = SimpleNamespace(now=lambda: Moment(clock[0], clock[0]), settle=lambda: None)
    sense = Sense(child, Blind(), wires, "auto")
    sense.expect_answer()
    assert sense.acknowledged() is False
    pending[0] = 0
    assert sense.acknowledged() is None  # maybe the kernel has it in its hands
    for clock[0] in range(2, SETTLE_MS, 2):
        sense.heard()
        assert sense.acknowledged() is None
    clock[0] = SETTLE_MS
    sense.heard()
    assert sense.acknowledged() is True
