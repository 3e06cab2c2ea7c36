"""What the relay lends to the parts that handle typing; the relay implements it.

Engine. A protocol only, so that these parts can be read and tested without the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorder.capture import Item
    from recorder.console import Reply
    from recorder.model import Moment
    from recorder.promptline import PromptLine


class Wires(Protocol):
    """What the relay lends to the keyboard."""

    @property
    def row(self) -> PromptLine:
        """The tool's unfinished line on the screen."""

    def now(self) -> Moment:
        """Read both clocks."""

    def screen(self, data: bytes) -> None:
        """Write to the user's terminal."""

    def send(self, data: bytes) -> None:
        """Write to the tool."""

    def record(self, items: Iterable[Item]) -> int:
        """Hand items to the writer; return a ticket."""

    def durable(self, ticket: int) -> bool:
        """Say whether what the ticket stands for is in the store."""

    def act(self, reply: Reply) -> None:
        """Do what a reply asks of the engine."""

    def redraw(self) -> None:
        """Make a full-screen tool draw itself again."""

    def suspend(self) -> None:
        """Stop the tool and ourselves (Ctrl-Z)."""

    def settle(self) -> None:
        """Look again soon whether the tool waits: a line was sent."""

    def output_waits(self) -> bool:
        """Say whether the tool has printed something that was not read yet."""

    def columns(self) -> int:
        """Return the terminal's width."""
