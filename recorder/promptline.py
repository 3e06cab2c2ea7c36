"""The tool's unfinished line on the screen, and the edit that may stand in its place.

Engine. The line is what the tool printed since its last newline: while the tool waits for input,
its prompt. The editor draws prompt and text itself, so the tool's own drawing is rubbed out first
and put back before anything else is written there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.editor import LineEditor

MAX_LINE = 16 << 10  # bytes; a longer unfinished line is no prompt
UNWRAPPED = 0x7FFF  # columns: no line is wrapped
_DRAWS = re.compile(rb"\x1b(?:\[[0-9;:]*[@-HJKPXZ`abdefmsu]|[78])")  # colours, cursor moves, erasing
_BLANKS = re.compile(rb"( +)(?:\x1b\[[0-9;:]*m)*\Z")


_SWITCH = re.compile(rb"\x1b\[\?[0-9;]*\b(?:1049|1047|47)(?:;[0-9;]*)?[hl]")


class PromptLine:
    """The row in which the tool prompts.

    Two things may stand there: the prompt at which the edit began, and what the tool has printed
    since its last newline. Whole lines that come while one types go above the prompt; a line that
    the tool began and did not end is shown in the prompt's stead until it ends.
    """

    def __init__(self, screen: Callable[[bytes], None], columns: Callable[[], int]) -> None:
        """Write through ``screen``; ``columns`` is asked when something has to be rubbed out."""
        self._screen = screen
        self._columns = columns
        self._line = b""
        self._drawn = True  # the unfinished line is on the screen as the tool drew it
        self._prompt = b""  # of the edit
        self._erased = False  # an edit took the prompt's place
        self.covered = False  # … and made room for output itself …
        self.covered_ms = 0  # … since then

    @property
    def line(self) -> str:
        """Return the tool's unfinished line as seen."""
        return shown(self._line)

    @property
    def prompt(self) -> str:
        """Return the prompt of the edit, or else the tool's unfinished line, as seen."""
        return shown(self._before)

    @property
    def unfinished(self) -> bool:
        """Say whether the tool has begun a line in the middle of an edit: maybe its prompt again."""
        return bool(self._line) and self._line != self._prompt

    @property
    def _before(self) -> bytes:
        """Return what stands before the edited text."""
        return self._line or self._prompt if self._erased else self._line

    def printed(self, data: bytes) -> None:
        """Take note of output that was written to the screen."""
        cut = data.rfind(b"\n") + 1
        line = data[cut:] if cut else self._line + data
        switches = list(_SWITCH.finditer(line)) if b"\x1b[?" in line else []
        # What a full-screen tool drew is no line: it is gone with its screen.
        self._line = line[switches[-1].end() :] if switches else line
        self._drawn = True
        if len(self._line) > MAX_LINE:
            self._line = self._line[-MAX_LINE:]

    def edit(self, editor: LineEditor, text: str = "") -> None:
        """Begin an edit behind the tool's prompt; ``text`` is there already."""
        self.covered = False
        if not self._erased:
            self._prompt = self._line
            self._rub_out()
        editor.start(self._before, text)
        self._erased = True

    def cover(self, editor: LineEditor, data: bytes, now_ms: int = 0) -> None:
        """Make room for output while the edit goes on; ``data`` is what will be written."""
        if self.covered:
            return
        editor.hide()
        self.covered, self.covered_ms = True, now_ms
        if self._line == self._prompt and b"\n" in data:
            self._line = b""  # it goes above the prompt
        elif not self._drawn:
            self._screen(again(self._line))  # it goes on behind it
        self._drawn = True

    def uncover(self, editor: LineEditor) -> None:
        """Draw the edit again below output that has come to rest."""
        self.covered = False
        if editor.active:
            self._rub_out()
            editor.show(self._before)

    def put_back(self) -> None:
        """Draw the tool's prompt where an edit had taken its place."""
        if self._erased:
            before, self._erased = self._before, False
            if not (self._line and self._drawn):
                self._screen(again(before))
            self._line = before
            self._drawn = True

    def answer(self, text: str) -> None:
        """Write lines of ours where the edit was; the prompt stays erased, for the next edit."""
        lines = "".join(f"{line}\r\n" for line in text.split("\n"))
        self._screen(again(self._before) + lines.encode(errors="surrogateescape"))

    def above(self, text: str) -> None:
        """Write a line of ours above the tool's unfinished one, which is drawn again below it."""
        self._rub_out()
        self._screen(f"{text}\r\n".encode(errors="surrogateescape") + again(self._line))
        self._drawn = True

    def typed(self, text: str) -> None:
        """Draw text behind the prompt that the edit leaves there (an abandoned line)."""
        data = text.replace("\n", "\r\n").encode(errors="surrogateescape")
        self._screen(data)
        self.printed(data)

    def shadow(self, text: str) -> None:
        """Draw text behind the prompt that is not part of it: the edit will go on elsewhere."""
        self._screen(text.replace("\n", "\r\n").encode(errors="surrogateescape"))

    def lost(self, *, moved: bool) -> None:
        """Take note that the line does not stand at the cursor any more; go to a new row if need be."""
        self._drawn = False
        if not moved:
            self._screen(b"\r\n")

    def _rub_out(self) -> None:
        if self._line and self._drawn:
            from recorder.row import width

            above = max(0, width(self.line) - 1) // max(1, self._columns())
            self._screen((b"\x1b[%dA" % above if above else b"") + b"\r\x1b[J")
        self._drawn = False


def folded(text: str, columns: int) -> list[str]:
    """Return a message in rows that break between words; a word longer than a row stays whole."""
    from textwrap import wrap  # something has gone wrong: there is time

    rows: list[str] = []
    for line in text.splitlines():
        rows += wrap(line, max(1, columns), break_long_words=False, break_on_hyphens=False)
    return rows


def again(row: bytes) -> bytes:
    """Return what draws an unfinished line once more, without what asks or switches the terminal."""
    if b"\x1b" not in row:
        return row.replace(b"\x07", b"")
    from recorder.ansi import Tokenizer, TokenKind

    tokens = Tokenizer()
    kept = {TokenKind.TEXT, TokenKind.CONTROL}
    parts = [*tokens.feed(row), *tokens.flush()]
    return b"".join(raw for kind, raw in parts if (kind in kept and raw != b"\x07") or _DRAWS.fullmatch(raw))


def shown(row: bytes) -> str:
    """Return the text of an unfinished line as seen; blanks at its end are part of a prompt."""
    from recorder.text import plain  # only line mode and hidden reads need it

    seen = plain(row, UNWRAPPED).rpartition("\n")[2]
    blanks = _BLANKS.search(row)
    return seen.rstrip(" ") + blanks[1].decode() if blanks else seen
