"""A session's wrap-up as lines for people: one for its end, and the whole.

Face. What is counted is in ``wrap``; a command passes ``visible`` before it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder import render
from recorder.safe import visible
from recorder.units import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.render import Page
    from recorder.wrap import Wrap


def line(found: Wrap) -> str:
    """Return what is said in one line: ``3h12m, 41 turns, 3 failed, 1 alert``."""
    parts = [render.lasted(found.duration_ms), count(found.n_turns, "turn")]
    parts += [f"{found.n_failures} failed"] if found.n_failures else []
    parts += [count(found.n_warns, "warn")] if found.n_warns else []
    parts += [count(found.n_alerts, "alert")] if found.n_alerts else []
    return ", ".join(parts)


def wrap(found: Wrap, page: Page) -> Iterator[str]:
    """Yield the lines of a wrap-up."""
    name = " ".join([found.session, *found.labels])
    yield f"{page.paint(visible(name), 'bold')}  {visible(found.tool)}"
    yield f"{render.when(found.started_ms, page.now_ms)}  {line(found)}"
    if found.most_used:
        yield ""
        yield "most used"
        yield from render.table(
            [
                [render.Cell(f"{times}", right=True), render.Cell(visible(word))]
                for word, times in found.most_used
            ],
            page,
        )
    if found.longest:
        yield ""
        yield "longest"
        yield from render.table(
            [
                [
                    render.Cell(render.lasted(turn.duration_ms), right=True),
                    render.Cell(f":{turn.turn}"),
                    render.Cell(visible(turn.command)),
                ]
                for turn in found.longest
            ],
            page,
        )
