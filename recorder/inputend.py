"""The end of the user's input: a pipe that has ended, or Ctrl-D on a terminal that is not raw.

Pure. A terminal's hangup is no such end; the relay tells them apart. A pipe that has ended says so to
every read, a terminal to one: who reads again is told again. It is lost, too, on a tool whose terminal
changes from canonical to raw meanwhile, as that of every line editor does at its start.
"""

from __future__ import annotations

HELD_LOOK_MS = 10  # while the tool has not taken what came before
FIRST_MS, SLOWEST_MS = 20, 500  # between two looks whether it reads again
MOST_RAW = 16  # a raw tool may mean something else by Ctrl-D; bash's IGNOREEOF takes ten for one


class InputEnd:
    """Whether the input has ended, and when the tool is to be told."""

    def __init__(self) -> None:
        """Begin with an input that is open."""
        self.final = False  # nothing can come any more
        self.due_ms: int | None = None  # offset at which to tell the tool, or to look whether to
        self.repeats = False  # it was told, and is told again only if it reads again
        self._open_line = False  # the input's last line has no newline
        self._pace = FIRST_MS
        self._raw = 0  # how often a raw tool was told

    def read(self, data: bytes) -> None:
        """Take note of what came."""
        self._open_line = not data.endswith((b"\n", b"\r"))

    def came(self, now_ms: int, *, final: bool, tell: bool) -> None:
        """Take note of an end; ``final``: there is nothing to be read behind it."""
        self.final = final
        if tell:
            self.due_ms = now_ms

    def later(self, now_ms: int) -> None:
        """Look again in a while: what came before is not taken, or the tool does not read."""
        self.due_ms = now_ms + (self._pace if self.repeats else HELD_LOOK_MS)
        self._pace = min(2 * self._pace, SLOWEST_MS)

    def told(self, now_ms: int, *, canonical: bool, eof: bytes) -> bytes:
        """Return what tells the tool; nothing while its terminal has no character for it."""
        # Every line editor takes Ctrl-D for the end, but only in an empty line.
        sent = eof if canonical else b"\r\x04" if self._open_line and self.final else b"\x04"
        if not sent:
            self.later(now_ms)
            return b""
        self._raw += not canonical
        self._open_line = False
        self.repeats, self._pace = self.final, FIRST_MS
        self.due_ms = now_ms + FIRST_MS if self.final and self._raw < MOST_RAW else None
        return sent
