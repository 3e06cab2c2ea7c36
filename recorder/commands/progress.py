"""How far something is that takes longer than a second: a bar on the terminal, and nothing elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE_S, STEP_S = 1.0, 0.1  # from when on and how often to say how far it is
WIDTH = 20  # characters of the bar


class Progress:
    """A line on standard error, if that is a terminal; it is gone at the end."""

    def __init__(self, noun: str) -> None:
        """Say what is counted, in the plural; ``bytes`` are shown as a share only."""
        self._noun = noun
        self._next = time.monotonic() + PATIENCE_S
        self._shown = False
        self._wanted = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Self:
        """Begin to wait."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    def told(self, done: int, of: int) -> None:
        """Say it, if it is time to."""
        if self._wanted and time.monotonic() >= self._next:
            self._next = time.monotonic() + STEP_S
            self._shown = True
            click.echo(f"\r{bar(done, of, self._noun)}\x1b[K", nl=False, err=True)


def bar(done: int, of: int, noun: str) -> str:
    """Return the line: how much of it all, as a bar, a share and a count."""
    share = min(1.0, done / of) if of > 0 else 1.0
    full = int(share * WIDTH)
    count = "" if noun == "bytes" else f" ({done} of {of} {noun})"
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {int(share * 100):3d} %{count}"
