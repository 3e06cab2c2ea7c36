"""The tool's unfinished line on the screen, and the edit that may stand in its place.

Engine. The line is what the tool printed since its last newline: while the tool waits for input,
its prompt. The editor draws prompt and text itself, so the tool's own drawing is rubbed out first
and put back before anything else is written there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.editor import LineEditor

MAX_LINE = 16 << 10  # bytes; a longer unfinished line is no prompt
UNWRAPPED = 0x7FFF  # columns: no line is wrapped


class PromptLine:
    """The row in which the tool prompts."""

    def __init__(self, screen: Callable[[bytes], None], columns: Callable[[], int]) -> None:
        """Write through ``screen``; ``columns`` is asked when something has to be rubbed out."""
        self._screen = screen
        self._columns = columns
        self._line = b""
        self._prompt = b""
        self._erased = False  # an edit took the prompt's place
        self.covered = False  # … and made room for output itself

    @property
    def line(self) -> str:
        """Return the tool's unfinished line as seen."""
        return shown(self._line)

    @property
    def prompt(self) -> str:
        """Return the prompt of the edit, or else the tool's unfinished line, as seen."""
        return shown(self._prompt if self._erased else self._line)

    def printed(self, data: bytes) -> None:
        """Take note of output that was written to the screen."""
        cut = data.rfind(b"\n")
        self._line = data[cut + 1 :] if cut >= 0 else self._line + data
        if len(self._line) > MAX_LINE:
            self._line = self._line[-MAX_LINE:]

    def edit(self, editor: LineEditor) -> None:
        """Begin an edit behind the tool's prompt."""
        if not self._erased:
            self._prompt = self._line
            self._rub_out()
        editor.start(self._prompt)
        self._erased = True

    def cover(self, editor: LineEditor) -> None:
        """Make room for output while the edit goes on."""
        if not self.covered:
            editor.hide()
            self.covered = True

    def uncover(self, editor: LineEditor) -> None:
        """Draw the edit again below output that has come to rest."""
        self.covered = False
        if not editor.active:
            return
        if self._line:
            # The tool went on behind its prompt, or printed it again, or another: that is it now.
            self._prompt = self._line
            self._rub_out()
        editor.show(self._prompt)

    def put_back(self) -> None:
        """Draw the tool's prompt where an edit had taken its place."""
        if self._erased:
            self._erased = False
            self._screen(self._prompt)
            self._line = self._prompt

    def answer(self, text: str) -> None:
        """Write lines of ours where the edit was; the prompt stays erased, for the next edit."""
        lines = "".join(f"{line}\r\n" for line in text.split("\n"))
        self._screen(self._prompt + lines.encode(errors="surrogateescape"))

    def typed(self, text: str) -> None:
        """Draw text behind the prompt that the edit leaves there (an abandoned line)."""
        data = text.replace("\n", "\r\n").encode(errors="surrogateescape")
        self._screen(data)
        self.printed(data)

    def _rub_out(self) -> None:
        if self._line:
            above = max(0, len(self.line) - 1) // max(1, self._columns())
            self._screen((b"\x1b[%dA" % above if above else b"") + b"\r\x1b[J")


def shown(row: bytes) -> str:
    """Return the text of an unfinished line as seen."""
    from recorder.text import plain  # only line mode and hidden reads need it

    return plain(row, UNWRAPPED).rpartition("\n")[2]
