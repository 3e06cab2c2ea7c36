"""An empty line that was entered: a turn only if something comes back.

Pure. Enter at a prompt may mean nothing, or a lot (gdb repeats the last command, a pager goes on).
What the tool prints is kept here until a whole line of it shows something, or the next prompt says
that nothing came; a prompt is no answer, so an unfinished line does not decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.spans import shows

if TYPE_CHECKING:
    from recorder.findings import Accepted, Output

MAX_KEPT = 16 << 10  # bytes; more of them are an answer, whatever they show


class EmptyLine:
    """One empty line and what was printed since."""

    def __init__(self, accepted: Accepted) -> None:
        """Begin with nothing printed."""
        self.accepted = accepted
        self.outputs: list[Output] = []
        self._size = 0

    def add(self, output: Output) -> bool:
        """Keep output; return whether it is an answer for certain."""
        self.outputs.append(output)
        self._size += len(output.data)
        if self._size > MAX_KEPT:
            return True
        if b"\n" not in output.data:
            return False
        data = b"".join(part.data for part in self.outputs)
        return shows(data[: data.rfind(b"\n")])

    def shows(self, raw: int) -> bool:
        """Say whether what was printed before raw offset ``raw`` shows anything."""
        return shows(b"".join(part.data[: max(0, raw - part.raw)] for part in self.outputs))
