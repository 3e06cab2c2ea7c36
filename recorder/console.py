"""What the engine needs of the people above it: who answers commands, who edits lines.

Protocols and one record; implementations live in the face and service layers and are handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.editor import LineEditor
    from recorder.model import Size

Action = Literal["", "pause", "unpause", "quit"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The recorder's answer to a line.

    ``line`` is what goes to the tool instead (then there is no answer); ``action`` is what the
    engine has to do; ``failed`` says that the answer is an error.
    """

    text: str = ""
    action: Action = ""
    line: str | None = None
    failed: bool = False


class Console(Protocol):
    """Who answers slash-commands."""

    def reply(self, line: str) -> Reply | None:
        """Answer a submitted line, or return None when it is the tool's."""

    def submitted(self, line: str) -> None:
        """Take note of a line that goes to the tool, for its history."""

    def command(self, line: str) -> Reply:
        """Answer a line of the recorder's own prompt; the slash may be missing."""


class Palette(Protocol):
    """The recorder's own line over a tool in passthrough."""

    def open(self, *, alternate: bool) -> None:
        """Draw; ``alternate`` says that the tool is already on the alternate screen."""

    def feed(self, key: bytes) -> bool:
        """Take one whole key; return True when the palette has closed."""

    def close(self) -> None:
        """Take the drawing away."""

    def resize(self, size: Size) -> None:
        """Redraw for another size."""

    def fileno(self) -> int | None:
        """As ``LineEditor.fileno``."""

    def deadline(self) -> float | None:
        """As ``LineEditor.deadline``."""

    def step(self) -> None:
        """As ``LineEditor.step``."""

    @property
    def active(self) -> bool:
        """Say whether it is open; ``step`` may close it (the Escape key)."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Makers of the two editors; called when first needed, as they import prompt-toolkit."""

    editor: Callable[[], LineEditor] | None
    palette: Callable[[Callable[[str], str]], Palette] | None
    console: Console
    prefix: bytes | None
    slash: bool = True
