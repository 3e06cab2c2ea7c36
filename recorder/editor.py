"""The line editor that the relay needs, as a protocol; implementations live in the face layer.

An editor is an engine only: keys in, bytes for the screen out. It never opens stdin, sets terminal
modes, installs signal handlers, asks the terminal anything, or starts a loop of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from recorder.model import Size


class Verdict(Enum):
    """How an edit ended."""

    ACCEPT = auto()  # Enter
    INTERRUPT = auto()  # Ctrl-C
    EOF = auto()  # Ctrl-D on an empty line
    QUIT = auto()  # Ctrl-\
    SUSPEND = auto()  # Ctrl-Z


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one edit; ``text`` may hold newlines (a paste, Alt-Enter)."""

    verdict: Verdict
    text: str


class LineEditor(Protocol):
    """Edit one line at a time at the place where the cursor stands (column 0 of the prompt's row)."""

    @property
    def active(self) -> bool:
        """Say whether an edit is on the screen."""

    def start(self, prompt_b: bytes, text: str = "") -> None:
        """Draw ``prompt_b`` (SGR colours allowed) and begin to edit ``text``."""

    def feed(self, key: bytes) -> Outcome | None:
        """Give one whole key (or one whole bracketed paste); return the outcome if it ended the edit.

        An edit that ended has erased itself: the cursor is at column 0 of the prompt's row.
        """

    def stop(self) -> str:
        """Erase the edit and return its text; harmless when not active."""

    def hide(self) -> None:
        """Erase the drawing and keep the edit, so that output can be printed; ``show`` follows."""

    def show(self, prompt_b: bytes) -> None:
        """Draw the edit again, maybe with another prompt."""

    def resize(self, size: Size) -> None:
        """Take a new screen size and redraw if active."""

    def refresh(self) -> None:
        """Redraw if active (the bottom line's facts have changed)."""

    def fileno(self) -> int | None:
        """Return a descriptor that becomes readable when ``step`` has work, or None."""

    def deadline(self) -> float | None:
        """Return when ``step`` must be called at the latest (monotonic seconds), or None."""

    def step(self) -> None:
        """Run whatever is ready (completions, timers); returns at once."""
