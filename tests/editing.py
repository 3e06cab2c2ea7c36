"""An editor on an emulated terminal: the harness of the line editor's and the palette's tests."""

from __future__ import annotations

import contextlib
import re
import select
import time

from screen import Emulator

from recorder import keys
from recorder.editor import Outcome, Verdict
from recorder.model import Size
from recorder.repl import ReplEditor
from recorder.slash import NAMES

UP, DOWN, RIGHT, LEFT = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D"
ENTER, TAB, BACKSPACE, ESC = b"\r", b"\t", b"\x7f", b"\x1b"
TOOLBAR = " shop · recording · 3 events"


def paste(text: bytes) -> bytes:
    return keys.PASTE_BEGIN + text + keys.PASTE_END


def accepted(text: str) -> Outcome:
    return Outcome(Verdict.ACCEPT, text)


class View:
    """A terminal, and what was written to it."""

    def __init__(self, cols, rows):
        self.terminal = Emulator(cols, rows)
        self.size = Size(cols, rows)
        self.written = bytearray()

    def write(self, data):
        self.written += data
        self.terminal.feed(data)

    def resize(self, cols, rows):
        self.size = Size(cols, rows)
        self.terminal.resize(cols, rows)

    @property
    def lines(self):
        """The rows of the screen down to the last that shows something."""
        rows = [self.terminal.screen.line(y) for y in range(self.terminal.screen.lines)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def cursor(self):
        return self.terminal.screen.cursor.x, self.terminal.screen.cursor.y

    @property
    def modes(self):
        """The private modes that are on; pyte keeps those it knows itself shifted by five bits."""
        screen = self.terminal.screen
        return ({mode >> 5 for mode in screen.mode} & {7, 25}) | (screen.private_modes - {7, 25})

    def settle(self, editor):
        """Step until nothing is due within a tenth of a second, as a relay's poll loop would."""
        while (due := editor.deadline()) is not None and due - time.monotonic() < 0.1:
            select.select([editor.fileno()], [], [], max(0, due - time.monotonic()))
            editor.step()

    def check(self):
        """Check what must hold of everything an editor writes."""
        assert self.terminal.faults == []
        questions = rb"\x1b\[\??[56]n|\x1b\[[>=]?c|\x1b\]1[01];\?|\$p"
        assert not re.search(questions, self.written)


def split(*typed):
    """Cut what is typed into whole keys."""
    rest = b"".join(item.encode() if isinstance(item, str) else item for item in typed)
    while rest:
        key, rest = keys.split_key(rest, final=True)
        yield key


class Desk(View):
    """An editor, the terminal it draws on, and the relay's part between them."""

    def __init__(self, cols=80, rows=24, **options):
        super().__init__(cols, rows)
        self.history = options.pop("history", [])
        self.bar = TOOLBAR
        facts = {
            "tool": "cat",
            "write": self.write,
            "size": lambda: self.size,
            "history": lambda: list(self.history),
            "toolbar": lambda: self.bar,
            "words": list,
            "cwd": lambda: None,
            "commands": NAMES,
            "vi": False,
            "color": True,
        }
        self.editor = ReplEditor(**{**facts, **options})

    def type(self, *typed):
        """Feed keys one by one; return the outcome, which must come with the last of them."""
        outcome = None
        for key in split(*typed):
            assert outcome is None, key
            outcome = self.editor.feed(key)
        self.settle(self.editor)
        return outcome


@contextlib.contextmanager
def desks():
    """Yield a maker of desks, which are closed and checked at the end."""
    made = []

    def make(*args, **options):
        made.append(Desk(*args, **options))
        return made[-1]

    yield make
    for item in made:
        item.editor.close()
        item.check()
