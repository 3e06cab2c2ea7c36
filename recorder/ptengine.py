"""The line editor itself: a prompt-toolkit prompt that is fed keys and stepped, never run.

Implements ``editor.LineEditor`` for whoever brings a completer and a lexer. It touches nothing but
the ``write`` it is given: no stdin, no terminal settings, no signals, no questions to the terminal,
no thread of its own. May not know tools, sessions or slash-commands.

The loop runs only inside these calls and only until nothing is left to do, so each call returns at
once and an edit that ended has erased itself when ``feed`` returns.
"""

from __future__ import annotations

import contextvars
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.shortcuts import PromptSession
from prompt_toolkit.styles import Style

from recorder.editor import Outcome, Verdict
from recorder.ptkeys import bindings, decode
from recorder.ptparts import FromHistory, Loop, NoInput, Recall, Screen, prompt_fragments

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPress
    from prompt_toolkit.lexers import Lexer

    from recorder.model import Size

FRAME_S = 0.008  # least time between two drawings: a burst of keys or output costs one, not hundreds
SLOW_FRAME_S = 0.05  # as much as the time a slow drawing took, up to this
MENU_ROWS = 8
VI_ESCAPE_S = 0.05  # how long Escape waits for a second key in vi mode; emacs keeps prompt-toolkit's 1 s

_ESCAPE = b"\x1b"
_PASTE_ON = b"\x1b[?2004h"
_PASTE_OFF = b"\x1b[?2004l"


@dataclass(frozen=True, slots=True)
class Look:
    """What an engine is like besides its text."""

    vi: bool = False
    color: bool = True
    lexer: Lexer | None = None


class Engine:
    """Edit one line at a time; see ``editor.LineEditor`` for the methods.

    ``history`` returns earlier lines, oldest first, and is asked at each start; what is accepted is
    the caller's to add. ``toolbar`` is the bottom line's text, or empty for none.
    An exception inside prompt-toolkit or a callback ends the edit and comes out of the call.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        size: Callable[[], Size],
        *,
        history: Callable[[], list[str]],
        toolbar: Callable[[], str],
        completer: Completer,
        look: Look,
    ) -> None:
        self._write = write
        self._ask_size = size
        self._size = size()
        self._look = look
        self._toolbar = toolbar
        self._completer = completer
        self._prompt: StyleAndTextTuples = []
        self._loop = Loop()
        self._loop.set_exception_handler(self._note_trouble)
        self._trouble: BaseException | None = None
        self._recall = Recall(history)
        self._input = NoInput()
        self._screen = Screen(write, lambda: self._size)
        self._task: asyncio.Task[Outcome | None] | None = None
        self._hidden = False
        self._fresh = False  # no key has come yet
        self._stale = False
        self._not_before = 0.0  # monotonic: the next drawing
        self._context = contextvars.copy_context()
        self._session = self._make_session()
        self._app = self._session.app
        self._app.terminal_size_polling_interval = None
        if look.vi:
            self._app.timeoutlen = VI_ESCAPE_S
        # prompt-toolkit draws on every change; we note the change and draw at most once a frame.
        self._draw = self._app.invalidate
        self._app.invalidate = self._changed  # type: ignore[method-assign]

    def _make_session(self) -> PromptSession[Any]:
        look = self._look
        session: PromptSession[Any] = PromptSession(
            lambda: self._prompt,
            lexer=look.lexer,
            vi_mode=look.vi,
            completer=self._completer,
            complete_while_typing=False,
            enable_history_search=True,
            history=self._recall,
            auto_suggest=FromHistory(self._recall),
            key_bindings=bindings(self._offers),
            erase_when_done=True,
            color_depth=ColorDepth.DEPTH_8_BIT if look.color else ColorDepth.DEPTH_1_BIT,
            style=Style.from_dict({} if look.color else {"auto-suggestion": "dim"}),
            include_default_pygments_style=look.color,
            input=self._input,
            output=self._screen,
        )
        session.default_buffer.accept_handler = self._accept
        return session

    def _accept(self, buffer: Buffer) -> bool:
        self._app.exit(result=Outcome(Verdict.ACCEPT, buffer.text))
        return True

    async def _edit(self) -> Outcome | None:
        # An AppSession of our own: two engines must not take each other for the running application.
        with create_app_session(self._input, self._screen):
            running = self._app.run_async(set_exception_handler=False, handle_sigint=False)
            outcome: Outcome | None = await running
            return outcome

    def _offers(self, text: str, cursor: int) -> bool:
        event = CompleteEvent(completion_requested=True)
        found = self._completer.get_completions(Document(text, cursor), event)
        return next(iter(found), None) is not None

    # --- the protocol ------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Say whether an edit is under way, hidden or not."""
        return self._task is not None

    def start(self, prompt_b: bytes, text: str = "") -> None:
        """Draw ``prompt_b`` and begin to edit ``text``; an edit under way is dropped."""
        self.stop()
        self._take(self._ask_size())
        self._prompt = prompt_fragments(prompt_b, self._size, color=self._look.color)
        self._recall.refill()
        self._session.layout.focus(self._session.default_buffer)  # an edit may have ended in a search
        self._session.search_buffer.reset()
        self._session.default_buffer.reset(Document(text))
        self._hidden = self._screen.muted = False
        self._fresh = True
        self._write(_PASTE_ON)
        self._read_toolbar()
        self._stale = False
        self._task = self._loop.create_task(self._edit(), context=self._context)
        self._turn()  # draws, and loads the history
        self._not_before = time.monotonic() + FRAME_S

    def feed(self, key: bytes) -> Outcome | None:
        """Give one whole key; return the outcome if it ended the edit.

        The text holds a lone surrogate for each byte that was no UTF-8 (``surrogateescape``).
        """
        presses = decode(key)
        if self._task is None or not presses:
            return None
        if self._fresh:
            self._fresh = False
            self._recall_late()
        if key == _ESCAPE and self._session.default_buffer.complete_state:
            self._loop.call_soon(self._session.default_buffer.cancel_completion, context=self._context)
        else:
            self._loop.call_soon(self._press, presses, context=self._context)
        return self._turn()

    def _recall_late(self) -> None:
        """Take the lines that have become known since the start, before the first key asks for them."""
        if self._recall.refill():
            buffer = self._session.default_buffer
            buffer.reset(buffer.document)
            self._loop.call_soon(buffer.load_history_if_not_yet_loaded, context=self._context)
            self._idle()

    def _press(self, presses: list[KeyPress]) -> None:
        self._app.key_processor.feed_multiple(presses)
        self._app.key_processor.process_keys()

    def stop(self) -> str:
        """Erase the edit and return its text; harmless when not active."""
        if self._task is None:
            return ""
        text = self._session.default_buffer.text
        self._loop.call_soon(lambda: self._app.exit(result=None), context=self._context)
        self._turn()
        return text

    def hide(self) -> None:
        """Erase the drawing and keep the edit; bracketed paste stays on."""
        if self._task is not None and not self._hidden:
            self._app.renderer.erase()
            self._hidden = self._screen.muted = True

    def show(self, prompt_b: bytes) -> None:
        """Draw the edit again, maybe with another prompt; within ``FRAME_S`` of the last drawing, later."""
        if self._task is None:
            return
        self._take(self._ask_size())
        self._prompt = prompt_fragments(prompt_b, self._size, color=self._look.color)
        self._hidden = self._screen.muted = False
        self.refresh()

    def resize(self, size: Size) -> None:
        """Take a new screen size and redraw if active."""
        self._take(size)
        self.refresh()

    def refresh(self) -> None:
        """Redraw if active."""
        self._changed()
        self._turn()

    def fileno(self) -> int | None:
        """Return the loop's selector; nothing of ours ever makes it readable, a completer's thread may."""
        return self._loop.idle.fileno()

    def deadline(self) -> float | None:
        """Return the next timer or delayed drawing (monotonic seconds), or None."""
        due = [self._not_before] if self._must_draw() else []
        if self._loop.idle.wake_at is not None:
            due.append(self._loop.idle.wake_at)
        return min(due, default=None)

    def step(self) -> None:
        """Run whatever is ready; returns at once."""
        self._turn()

    def close(self) -> None:
        """Give the loop's descriptors back; the engine cannot be used afterwards."""
        self.stop()
        self._loop.close()

    # --- the loop ----------------------------------------------------------------------------------

    def _take(self, size: Size) -> None:
        self._size = size
        self._session.reserve_space_for_menu = max(0, min(MENU_ROWS, size.rows - 2))

    def _changed(self) -> None:
        self._stale = True

    def _must_draw(self) -> bool:
        return self._stale and not self._hidden and self._task is not None and not self._task.done()

    def _note_trouble(self, _loop: asyncio.AbstractEventLoop, facts: dict[str, Any]) -> None:
        self._trouble = self._trouble or facts.get("exception") or RuntimeError(facts["message"])

    def _turn(self) -> Outcome | None:
        """Run the loop until it idles, draw if due, and return the outcome if the edit has ended."""
        self._idle()
        if self._must_draw() and time.monotonic() >= self._not_before:
            began = time.monotonic()
            self._stale = False
            self._read_toolbar()
            self._context.run(self._compact)
            self._draw()
            self._idle()
            now = time.monotonic()
            self._not_before = now + max(FRAME_S, min(now - began, SLOW_FRAME_S))
        return self._finish()

    def _idle(self) -> None:
        self._loop.run_forever()
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            self.stop()
            raise trouble

    def _finish(self) -> Outcome | None:
        if self._task is None or not self._task.done():
            return None
        task, self._task = self._task, None
        self._screen.muted = True
        clear_typeahead(self._input)  # keys after the last one must not begin the next edit
        self._write(_PASTE_OFF)
        return task.result()

    def _read_toolbar(self) -> None:
        # On a single row the line itself has priority.
        self._session.bottom_toolbar = (self._toolbar() or None) if self._size.rows > 1 else None

    def _compact(self) -> None:
        """Erase a drawing that is now too high: prompt-toolkit itself never makes one lower."""
        last = self._app.renderer.last_rendered_screen
        if last is not None:
            wanted = self._session.layout.container.preferred_height(self._size.cols, self._size.rows)
            if wanted.preferred < last.height:
                self._app.renderer.erase()
