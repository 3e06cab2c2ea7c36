"""The end of the user's input: a pipe that has ended, or Ctrl-D on a terminal that is not raw.

Pure. A terminal's hangup is no such end; the relay tells them apart.
"""

from __future__ import annotations


class InputEnd:
    """Whether the input has ended, and whether the tool has been told."""

    def __init__(self) -> None:
        """Begin with an input that is open."""
        self.final = False  # nothing can come any more
        self.due = False  # the tool is still to be told

    def came(self, *, final: bool, tell: bool) -> None:
        """Take note of an end; ``final``: there is nothing to be read behind it."""
        self.final = final
        self.due = self.due or tell

    def told(self, eof: bytes, *, canonical: bool) -> bytes:
        """Return what tells the tool, once; ``eof`` is its terminal's character for it, or empty."""
        sent = eof if canonical else b"\x04"  # every line editor takes Ctrl-D for the end
        self.due = not sent
        return sent
