"""The recorder's own line over a tool in passthrough, on the alternate screen.

Implements ``console.Palette``. It undoes what it does to the terminal: the alternate screen if it
entered it, colours, its drawing. Modes that the tool has set (scroll region, mouse, cursor keys) are
the caller's to take back before ``open`` and to set again after the palette has closed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prompt_toolkit.utils import get_cwidth

from recorder import slash
from recorder.completion import CommandCompleter
from recorder.editor import Verdict
from recorder.errors import RecError
from recorder.promptline import folded
from recorder.ptengine import Engine, Look
from recorder.safe import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recorder.model import Size

_ENTER = b"\x1b[?1049h"
_LEAVE = b"\x1b[0m\x1b[?1049l"
_CLEAR = b"\x1b[0m\x1b[H\x1b[2J"
_ESCAPE = b"\x1b"
_PROMPT = b"rec> "
_HINT = " Enter runs it · Tab completes · Esc closes · help lists the commands"
_MORE = " space: next page · q: close"
_LAST = " Enter or q: close"
_SAID = " any key: close"
_SAID_S = 1.5  # for which a confirmation is shown: time to read it, while the tool's output waits
_NEXT_KEYS = frozenset({b" ", b"\r", b"\n", b"\x1b[6~"})
_CLOSE_KEYS = frozenset({b"q", _ESCAPE, b"\x03", b"\x04"})


class Palette:
    """One line for a slash-command, then its answer.

    ``run`` executes a line (the slash may be missing) and returns the answer; it raises ``RecError``
    when the command failed, which is shown with the line to be corrected. A confirmation of one line is
    shown until the next key, which is nobody else's, or for a moment; what one asked for by pages.
    ``title`` says what is being recorded; ``history`` returns earlier lines, oldest first.
    """

    def __init__(
        self,
        *,
        write: Callable[[bytes], None],
        size: Callable[[], Size],
        run: Callable[[str], str],
        title: Callable[[], str],
        history: Callable[[], list[str]],
        commands: Sequence[str],
        color: bool,
    ) -> None:
        self._write = write
        self._size = size
        self._run = run
        self._title = title
        self._history = history
        self._commands = [entry for entry in slash.COMMANDS if entry.name in commands]
        self._color = color
        self._engine: Engine | None = None
        self._entered = False
        self._answer: list[str] = []
        self._top = 0  # first row of the page on the screen
        self._paging = False
        self._said_until: float | None = None  # monotonic: a confirmation is shown

    # --- the protocol ------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Say whether the palette is open."""
        return self._engine is not None

    def open(self, *, alternate: bool) -> None:
        """Draw; ``alternate`` says that the tool is already on the alternate screen."""
        self._engine = Engine(
            self._write,
            self._size,
            history=self._history,
            toolbar=lambda: _HINT,
            completer=CommandCompleter(self._commands),
            look=Look(color=self._color),
        )
        self._entered = not alternate
        self._paging, self._said_until = False, None
        if self._entered:
            self._write(_ENTER)
        self._ask(self._engine, [], "")

    def feed(self, key: bytes) -> bool:
        """Take one whole key; return True when the palette has closed."""
        if self._engine is None:
            return True
        if self._paging:
            self._turn_page(key)
        elif key == _ESCAPE or self._said_until is not None:
            self.close()
        else:
            outcome = self._engine.feed(key)
            if outcome is not None and outcome.verdict is Verdict.ACCEPT and outcome.text.strip():
                self._execute(self._engine, outcome.text)
            elif outcome is not None:
                self.close()
        return not self.active

    def close(self) -> None:
        """Take the drawing away; the caller gives the tool its modes back."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
            self._write(_LEAVE if self._entered else _CLEAR)

    def resize(self, size: Size) -> None:
        """Redraw for another size."""
        if self._engine is None:
            return
        if self._paging or self._said_until is not None:
            self._top = 0
            self._draw_page(size)
        else:
            self._engine.hide()
            self._write(self._head([], size))
            self._engine.resize(size)
            self._engine.show(_PROMPT)

    def fileno(self) -> int | None:
        """As ``LineEditor.fileno``."""
        return self._engine.fileno() if self._engine is not None else None

    def deadline(self) -> float | None:
        """As ``LineEditor.deadline``."""
        if self._said_until is not None and self._engine is not None:
            return self._said_until
        return self._engine.deadline() if self._engine is not None else None

    def step(self) -> None:
        """As ``LineEditor.step``."""
        if self._said_until is not None and time.monotonic() >= self._said_until:
            self.close()
        if self._engine is not None:
            self._engine.step()

    # --- one command -------------------------------------------------------------------------------

    def _head(self, lines: list[str], size: Size) -> bytes:
        rows = wrapped([f"rec: {self._title().strip()}"], size.cols)[:1] + lines
        return _CLEAR + "".join(f"{row}\r\n" for row in rows).encode()

    def _ask(self, engine: Engine, lines: list[str], text: str) -> None:
        """Show ``lines`` (an error, or nothing) and below them the line to be typed."""
        size = self._size()
        self._write(self._head(wrapped(lines, size.cols)[: max(0, size.rows - 4)], size))
        engine.start(_PROMPT, text)

    def _execute(self, engine: Engine, line: str) -> None:
        try:
            answer = self._run(line)
        except RecError as error:
            said = f"rec: {error.message}\n{error.advice or ''}"
            self._ask(engine, folded(said, self._size().cols), line)
            return
        lines = answer.rstrip().split("\n") if answer.strip() else []
        if not lines:
            self.close()
            return
        self._answer, self._top, self._paging = lines, 0, len(lines) > 1 or slash.asks(line)
        if not self._paging:
            self._said_until = time.monotonic() + _SAID_S
        self._draw_page(self._size())

    # --- its answer --------------------------------------------------------------------------------

    def _draw_page(self, size: Size) -> None:
        rows, height = wrapped(self._answer, size.cols), max(1, size.rows - 1)
        page = rows[self._top : self._top + height]
        last = _LAST if self._paging else _SAID
        foot = wrapped([_MORE if self._top + height < len(rows) else last], size.cols)[0]
        body = "\r\n".join(page)
        self._write(_CLEAR + body.encode() + b"\x1b[%d;1H\x1b[7m" % size.rows + foot.encode() + b"\x1b[0m")

    def _turn_page(self, key: bytes) -> None:
        size = self._size()
        height = max(1, size.rows - 1)
        if key in _CLOSE_KEYS:
            self.close()
        elif key in _NEXT_KEYS:
            self._top += height
            if self._top >= len(wrapped(self._answer, size.cols)):
                self.close()
            else:
                self._draw_page(size)


def wrapped(lines: Sequence[str], cols: int) -> list[str]:
    """Cut lines into rows of ``cols`` columns; nothing in them can drive the terminal."""
    rows: list[str] = []
    for line in lines:
        text = visible(line.expandtabs())
        if text.isascii():
            rows += [text[at : at + cols] for at in range(0, len(text) or 1, cols)]
            continue
        row, used = "", 0
        for char in text:
            width = get_cwidth(char)
            if row and used + width > cols:
                rows.append(row)
                row, used = "", 0
            row += char
            used += width
        rows.append(row)
    return rows
