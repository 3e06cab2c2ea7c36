"""What differs between two turns, as lines for people. Face; the differences come from ``difference``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder import render
from recorder.safe import safe_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.model import Turn
    from recorder.render import Page

_STYLES = {"-": ("red",), "+": ("green",), "@": ("cyan",), "\\": ("dim",)}
_TITLES = 2  # lines of a unified diff that name its sides


def diff(turns: Sequence[Turn], titles: Sequence[str], lines: Sequence[str], page: Page) -> Iterator[str]:
    """Yield what two turns were and how they ended, and below it the lines of their unified diff."""
    for sign, turn, title in zip("-+", turns, titles, strict=True):
        yield _title(f"{sign * 3} {visible(title)}", turn, page)
    if not lines:
        yield page.paint("no difference", "dim")
    for line in lines[_TITLES:]:
        yield page.paint(safe_text(line), *_STYLES.get(line[:1], ()))


def _title(name: str, turn: Turn, page: Page) -> str:
    """Return one side's name, how it ended, how long it took, and as much of its command as there is room."""
    mark, style = render.ending(turn)
    took = render.lasted(turn.duration_ms)
    taken = sum(map(render.width, (name, mark, took))) + 3 * len(render.GAP)
    room = None if page.columns is None else max(0, page.columns - taken)
    command = render.clip(visible(turn.command), room)
    return render.GAP.join((page.paint(name, "bold"), page.paint(mark, style), took, command)).rstrip()
