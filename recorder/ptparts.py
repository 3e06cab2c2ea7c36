"""prompt-toolkit without a terminal: the loop, input, output, history and prompt that an engine needs.

Each part replaces one that would reach for the real terminal, a signal or a thread. May hold such
replacements only; what they are put together for is in ``ptengine``.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from contextlib import nullcontext
from itertools import groupby
from typing import TYPE_CHECKING, TextIO, cast

from prompt_toolkit.auto_suggest import AutoSuggest, Suggestion
from prompt_toolkit.data_structures import Size as PtSize
from prompt_toolkit.formatted_text import ANSI, to_formatted_text
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.output.vt100 import Vt100_Output

from recorder import ansi

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from contextlib import AbstractContextManager

    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPress

    from recorder.model import Size

RECALLED = 5000  # lines of history in an edit; more would be felt at each start
_UNWRAPPED = 0x7FFF  # columns


class IdleSelector(selectors.DefaultSelector):
    """Never wait: where the loop would go to sleep, tell it to stop and note when to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.stop: Callable[[], None] = lambda: None
        self.wake_at: float | None = None  # monotonic: the next timer, or None if there is none

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; ``timeout`` is 0 while callbacks wait."""
        ready = super().select(0)
        if not ready and timeout != 0:
            self.wake_at = None if timeout is None else time.monotonic() + timeout
            self.stop()
        return ready


class Loop(asyncio.SelectorEventLoop):
    """An event loop that is stepped: ``run_forever`` returns as soon as nothing is left to do."""

    def __init__(self) -> None:
        self.idle = IdleSelector()
        super().__init__(self.idle)
        self.idle.stop = self.stop
        self.set_debug(False)  # PYTHONASYNCIODEBUG would log into the user's screen

    def add_signal_handler(self, *_args: object) -> None:
        """Do nothing: prompt-toolkit asks for SIGWINCH, and signals are the caller's."""

    def remove_signal_handler(self, _sig: int) -> bool:
        """Do nothing, as above."""
        return False

    def __del__(self) -> None:
        # An engine lives as long as its recording, and nobody must remember to close it.
        if not self.is_closed():
            self.close()


class NoInput(Input):
    """An input that never has anything: keys are handed to the key processor one by one."""

    closed = False

    def fileno(self) -> int:
        """Refuse: there is no descriptor."""
        raise NotImplementedError

    def typeahead_hash(self) -> str:
        """Return a name for keys that prompt-toolkit could not use."""
        return f"rec-{id(self)}"

    def read_keys(self) -> list[KeyPress]:
        """Return nothing."""
        return []

    def raw_mode(self) -> AbstractContextManager[None]:
        """Leave the terminal alone."""
        return nullcontext()

    def cooked_mode(self) -> AbstractContextManager[None]:
        """Leave the terminal alone."""
        return nullcontext()

    def attach(self, input_ready_callback: Callable[[], None]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Watch nothing."""
        return nullcontext()

    def detach(self) -> AbstractContextManager[None]:
        """Watch nothing, as before."""
        return nullcontext()


class _Sink:
    """The ``stdout`` of the output below: text in, bytes to the caller's ``write``, or nowhere."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self.muted = True  # prompt-toolkit writes from its constructors already

    def write(self, data: str) -> None:
        if not self.muted:
            self._write(data.encode("utf-8", "surrogateescape"))

    def flush(self) -> None:
        pass


class Screen(Vt100_Output):
    """Drawing for a terminal that somebody else owns: asks nothing, changes no lasting mode."""

    def __init__(self, write: Callable[[bytes], None], size: Callable[[], Size]) -> None:
        self._sink = _Sink(write)
        super().__init__(
            cast("TextIO", self._sink),
            lambda: PtSize(rows=max(1, size().rows), columns=max(1, size().cols)),
            enable_cpr=False,
        )

    @property
    def muted(self) -> bool:
        """Say whether drawing goes nowhere."""
        return self._sink.muted

    @muted.setter
    def muted(self, value: bool) -> None:
        self._sink.muted = value

    def get_rows_below_cursor_position(self) -> int:
        """Return 1: a known height is what prompt-toolkit shows its toolbar for, and it needs no more."""
        return 1

    def show_cursor(self) -> None:
        """Show the cursor and, unlike prompt-toolkit, do not stop its blinking."""
        if not self._cursor_visible:
            self._cursor_visible = True
            self.write_raw("\x1b[?25h")

    def enable_bracketed_paste(self) -> None:
        """Do nothing: the engine switches it for a whole edit, not for each drawing."""

    def disable_bracketed_paste(self) -> None:
        """Do nothing, as above."""

    def reset_cursor_key_mode(self) -> None:
        """Do nothing: both forms of the cursor keys are understood, and the mode is the tool's."""


class Recall(History):
    """The lines that Up brings back; ``lines`` is what there is, oldest first, at the start of an edit."""

    def __init__(self, lines: Callable[[], list[str]]) -> None:
        super().__init__()
        self._lines = lines
        self.newest_first: list[str] = []

    def refill(self) -> bool:
        """Ask for the lines anew; runs of the same line become one. Say whether they are others now."""
        before = self.newest_first
        lines = filter(None, self._lines()[-RECALLED:])
        self.newest_first = [line for line, _run in groupby(lines)][::-1]
        return self.newest_first != before

    async def load(self) -> AsyncGenerator[str, None]:
        """Yield the newest first; never waits, so it is done within the first drawing's step."""
        for line in self.newest_first:
            yield line

    def get_strings(self) -> list[str]:
        """Return the oldest first."""
        return self.newest_first[::-1]

    def append_string(self, string: str) -> None:
        """Do nothing: which lines are kept is the caller's decision."""

    def load_history_strings(self) -> Iterable[str]:
        """Return the newest first."""
        return self.newest_first

    def store_string(self, string: str) -> None:
        """Do nothing, as above."""


class FromHistory(AutoSuggest):
    """Suggest how the newest line that begins like this one went on."""

    def __init__(self, recall: Recall) -> None:
        self._recall = recall

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:  # noqa: ARG002
        """Return the rest of that line, or nothing."""
        typed = document.text
        if not typed.strip() or "\n" in typed:
            return None
        for line in self._recall.newest_first:
            if line.startswith(typed) and line != typed and "\n" not in line:
                return Suggestion(line[len(typed) :])
        return None


def prompt_fragments(prompt: bytes, size: Size, *, color: bool) -> StyleAndTextTuples:
    """Return what a tool's prompt looks like, for prompt-toolkit to draw.

    Colours stay unless ``color`` is false. Titles and modes in it were obeyed when it was printed
    and are left out; if it moves the cursor, its plain text as seen is taken. Of a prompt that
    would fill the screen the end is shown.
    """
    tokenizer = ansi.Tokenizer()
    tokens = [*tokenizer.feed(prompt), *tokenizer.flush()]
    if all(_harmless(token) for token in tokens):
        kept = b"".join(token.raw for token in tokens if _is_text(token) or (color and _is_sgr(token)))
        fragments = to_formatted_text(ANSI(kept.decode("utf-8", "replace")))
    else:
        from recorder.text import plain  # only for prompts like progress bars

        seen = plain(prompt, _UNWRAPPED).rpartition("\n")[2]  # maybe without the blanks at its end
        blanks = len(prompt) - len(prompt.rstrip(b" "))
        fragments = to_formatted_text(seen.rstrip() + " " * blanks)
    limit = max(1, size.cols * size.rows // 2)
    if sum(len(part[1]) for part in fragments) > limit:
        return list(explode_text_fragments(fragments))[-limit:]
    return fragments


def _is_text(token: ansi.Token) -> bool:
    return token.kind is ansi.TokenKind.TEXT


def _is_sgr(token: ansi.Token) -> bool:
    return token.kind is ansi.TokenKind.CSI and token.raw.endswith(b"m") and token.raw[2:3] not in b"<=>?"


def _harmless(token: ansi.Token) -> bool:
    """Say whether a token leaves the text of a prompt as it is: all but cursor moves and erasures."""
    if token.kind is ansi.TokenKind.CONTROL:
        return token.raw in b"\x00\x07\x0e\x0f"
    if token.kind is ansi.TokenKind.ESC:
        return token.raw[1:2] not in b"78DEMc"
    return token.kind is not ansi.TokenKind.CSI or token.raw[-1:] in b"mhlqtnc"
