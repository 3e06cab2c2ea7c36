"""The browser on a terminal: a full-screen prompt-toolkit application around ``browsing``.

Keys are named here and lines put on the screen; what they mean is ``browsing``'s, what they look like
``render_browse``'s. Leaves the terminal as it found it, whatever ends it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.data_structures import Point
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, VSplit, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.output import ColorDepth

from recorder import browsing, render_browse
from recorder.browsing import Ask, Level, Want, Wish
from recorder.errors import RecError
from recorder.render import width
from recorder.render_browse import AROUND, HEAD, Names

if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.key_binding import KeyPressEvent

    from recorder.browsing import Entry
    from recorder.model import Turn
    from recorder.render import Page
    from recorder.shelf import Shelf

ALTERNATE = 1049  # the mode with which prompt-toolkit takes the whole screen
WIDE = 120  # columns from which a preview stands beside a list
TYPING_S = 0.05  # after the last character of a search before it is looked for
ESCAPE_S = 0.05  # after an Esc that begins no longer key
LARGEST = 74_994  # characters of base64 that terminals take for the clipboard
INTERRUPTED, HUNG_UP = 130, 129

_NAMED = {
    "up": "up",
    "down": "down",
    "left": "left",
    "right": "right",
    "pageup": "pageup",
    "pagedown": "pagedown",
    "home": "home",
    "end": "end",
    "enter": "enter",
    "escape": "escape",
    "backspace": "backspace",
    "c-u": "clear",
    "c-w": "word",
}
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Deeds(NamedTuple):
    """What is done outside of the browser; each raises RecError.

    ``label`` and ``play``, which begins where words stand, return what to say of it. ``check`` is called
    before a wish for which the browser is left. ``page`` returns the place of text for some columns.
    """

    label: Callable[[Entry, str], str]
    play: Callable[[Entry, str], str]
    check: Callable[[Wish], None]
    page: Callable[[int], Page]


def browse(shelf: Shelf, deeds: Deeds) -> int | Wish:
    """Let the user browse on this terminal; return the exit status, or what they left it for."""
    browser = Browser(shelf, deeds)
    try:
        return asyncio.run(browser.run())
    except (EOFError, OSError) as error:  # the window is gone
        if isinstance(error, OSError) and error.errno != errno.EIO:
            raise
        return HUNG_UP


class Browser:
    """The view, and the application that shows it."""

    def __init__(self, shelf: Shelf, deeds: Deeds) -> None:
        """Make the application; nothing is shown or read yet."""
        self._shelf, self._deeds = shelf, deeds
        self.view = browsing.View()
        self._names = Names()
        self._size = (0, 0)  # columns and rows
        self._later: asyncio.TimerHandle | None = None
        self._previewed: tuple[object, list[str]] = (None, [])
        colour = deeds.page(1).colour
        self._app: Application[int | Wish] = Application(
            layout=self._layout(),
            key_bindings=self._bindings(),
            full_screen=True,
            color_depth=None if colour else ColorDepth.DEPTH_1_BIT,
        )
        self._app.ttimeoutlen = self._app.timeoutlen = ESCAPE_S
        self._app.before_render += lambda _app: self._measure()

    async def run(self) -> int | Wish:
        """Show it until the user leaves; return what ``browse`` does."""
        loop = asyncio.get_running_loop()
        for each in _SIGNALS:
            loop.add_signal_handler(each, self._leave, 128 + each)
        # prompt-toolkit's own handler would show a trace and wait for Enter.
        loop.set_exception_handler(self._failed)
        return await self._app.run_async(set_exception_handler=False)

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if self._app.future is not None and not self._app.future.done():
            self._app.exit(exception=context.get("exception") or RuntimeError(context["message"]))

    def _leave(self, result: int | Wish) -> None:
        if self._app.future is not None and not self._app.future.done():
            self._app.exit(result=result)

    # --- what is on the screen ---------------------------------------------------------------------

    def _layout(self) -> Layout:
        def line(text: Callable[[], str]) -> Window:
            return Window(FormattedTextControl(lambda: ANSI(text())), height=1, always_hide_cursor=True)

        def pane(lines: Callable[[], list[str]], columns: Callable[[], int] | None = None) -> Window:
            control = FormattedTextControl(lambda: ANSI("\n".join(lines())))
            return Window(control, width=columns, always_hide_cursor=True)

        beside = VSplit([Window(width=1, char="│"), pane(self._preview)])
        self._asked = FormattedTextControl(self._bottom, focusable=True, get_cursor_position=self._cursor)
        return Layout(
            HSplit(
                [
                    line(lambda: render_browse.title(self.view, self._names, self._page(self._size[0]))),
                    VSplit(
                        [
                            pane(self._body, lambda: self._columns),
                            ConditionalContainer(beside, Condition(lambda: self._columns < self._size[0])),
                        ]
                    ),
                    Window(self._asked, height=1),
                    line(lambda: render_browse.keys(self.view, self._page(self._size[0]))),
                ]
            ),
            focused_element=self._asked,
        )

    def _page(self, columns: int) -> Page:
        return self._deeds.page(columns)

    @property
    def _columns(self) -> int:
        """Return how wide the pane is."""
        columns = self._size[0]
        alone = columns < WIDE or self.view.pane.level is Level.OUTPUT or self.view.helping
        return columns if alone else columns // 2

    @property
    def _height(self) -> int:
        return max(1, self._size[1] - AROUND - HEAD)

    def _measure(self) -> None:
        """See how large the window is; output is wrapped for it."""
        found = self._app.output.get_size()
        if (found.columns, found.rows) != self._size:
            self._size = (found.columns, found.rows)
            self.view = browsing.stale(self.view)
            self._read()

    def _body(self) -> list[str]:
        return render_browse.body(self.view, self._names, self._page(self._columns), self._height)

    def _bottom(self) -> ANSI:
        text, self._asked.show_cursor = render_browse.bottom(self.view, self._page(self._size[0]))
        return ANSI(text + " ")  # the cursor stands on a character

    def _cursor(self) -> Point:
        plain = replace(self._page(self._size[0]), colour=False)
        return Point(x=width(render_browse.bottom(self.view, plain)[0]), y=0)

    def _preview(self) -> list[str]:
        """Return what stands beside the list, for what is chosen in it."""
        entry, room = self.view.pane.entry, self._size[0] - self._columns - 2
        wanted = (entry, self._size, self.view.pane.level)
        if self._previewed[0] != wanted:
            shown: list[Turn] | list[str] = []
            if entry is not None:
                with contextlib.suppress(RecError):
                    if entry.turn is None:
                        shown = self._shelf.newest(entry, self._height)
                    else:
                        shown = self._shelf.beginning(entry, room, self._height)
            self._previewed = (wanted, render_browse.preview(shown, self._page(room)))
        return self._previewed[1]

    # --- keys --------------------------------------------------------------------------------------

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        for key, name in _NAMED.items():
            bindings.add(key)(lambda _event, name=name: self._press(name))
        bindings.add("c-c")(lambda _event: self._leave(INTERRUPTED))
        bindings.add("<sigint>")(lambda _event: self._leave(INTERRUPTED))
        bindings.add("c-z")(lambda event: event.app.suspend_to_background())
        bindings.add("c-l")(lambda event: event.app.renderer.clear())

        @bindings.add(Keys.Any)
        @bindings.add(Keys.BracketedPaste)
        def _typed(event: KeyPressEvent) -> None:
            # What is pasted is text for a line that is asked for, and no keys.
            pasted = event.key_sequence[-1].key is Keys.BracketedPaste
            if not pasted or self.view.asking in {Ask.FIND, Ask.LABEL}:
                for char in event.data:
                    self._press(char)

        return bindings

    def _press(self, key: str) -> None:
        if len(key) > 1:
            self._read()  # what is on its way to be found is what the key is for
        self.view, wish = browsing.press(self.view, key, self._height)
        if self.view.asking is Ask.FIND and not self.view.pane.fresh and len(key) == 1:
            self._soon()
        else:
            self._read()
        if wish is not None:
            self._do(wish)

    def _soon(self) -> None:
        if self._later is not None:
            self._later.cancel()
        self._later = asyncio.get_running_loop().call_later(TYPING_S, self._read)

    def _read(self) -> None:
        """Read what the pane is to show, if that is not there yet."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self.view.pane.fresh:
            return
        try:
            rows, more = self._shelf.rows(self.view.pane, self._columns)
            if self.view.pane.level is Level.SESSIONS:
                self._names = Names(*self._shelf.names(rows))
        except RecError as error:
            rows, more = (), False
            self.view = replace(self.view, said=error.message)
        self.view = browsing.filled(self.view, rows, self._height, more=more)
        self._app.invalidate()

    # --- wishes ------------------------------------------------------------------------------------

    def _do(self, wish: Wish) -> None:
        if wish.want is Want.QUIT:
            self._leave(0)
        elif wish.want is Want.PLAY and wish.entry is not None:
            self._app.create_background_task(self._playing(wish.entry, wish.text))
        elif wish.entry is not None:
            try:
                self._say(self._done(wish, wish.entry))
            except RecError as error:
                self._say(error.message)

    def _done(self, wish: Wish, entry: Entry) -> str:
        """Label, copy or leave; return what to say of it."""
        if wish.want in {Want.FORK, Want.RESUME}:
            self._deeds.check(wish)
            self._leave(wish)
            return ""
        if wish.want is Want.COPY:
            return self._copy(*self._copied(entry, output=wish.output))
        return self._anew(self._deeds.label(entry, wish.text))

    async def _playing(self, entry: Entry, words: str) -> None:
        def play() -> None:
            try:
                said = self._deeds.play(entry, words)
            except RecError as error:
                said = error.message
            self._say(self._anew(said))

        await run_in_terminal(play)

    def _anew(self, said: str) -> str:
        """Read everything again: it may have changed; return ``said``, or why that could not be."""
        self.view = replace(browsing.stale(self.view), said=said)
        self._previewed = (None, [])
        self._read()
        try:
            self._names = Names(*self._shelf.names(self.view.panes[0].rows))
        except RecError as error:
            return error.message
        return self.view.said

    def _say(self, text: str) -> None:
        self.view = replace(self.view, said=text)
        self._app.invalidate()

    def _copied(self, entry: Entry, *, output: bool) -> tuple[str, str]:
        """Return what the user wants to have copied, and what it is."""
        if entry.turn is None:
            return entry.session, "the session's id"
        if output:
            return self._shelf.text(entry), "the output"
        turn = self._shelf.turn(entry)
        return ("" if turn is None else turn.command), "the command"

    def _copy(self, text: str, what: str) -> str:
        """Hand a text to the terminal for its clipboard, which answers nothing."""
        coded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
        if not text:
            return f"nothing to copy: {what} is empty"
        if len(coded) > LARGEST:
            return f"could not copy {what}: terminals take no more than {LARGEST // 4 * 3 // 1000} kB"
        self._app.output.write_raw(f"\x1b]52;c;{coded}\x07")
        self._app.output.flush()
        return f"{what} went to the terminal's clipboard (OSC 52), if it allows that"
