"""A family of sessions drawn as a tree, for people: one line a session, its children below it.

Pure: records in, lines out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recorder.safe import visible
from recorder.units import ago

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recorder.lineage import Branch
    from recorder.render import Page


class Lines(NamedTuple):
    """What branches are drawn with: before a child, before the last, and beside what is below each."""

    child: str
    last: str
    beside: str
    below: str


BOXES = Lines("├─ ", "└─ ", "│  ", "   ")
ASCII = Lines("|- ", "`- ", "|  ", "   ")


def tree(root: Branch, named: str, names: Mapping[str, str], page: Page, lines: Lines) -> Iterator[str]:
    """Yield a line per session; ``named`` (ULID) is the one that was asked for."""
    waiting = [(root, "", "")]
    while waiting:
        branch, lead, below = waiting.pop()
        yield page.paint(lead, "dim") + _session(branch, named, names, page)
        for place, child in enumerate(reversed(branch.children)):
            first, then = (lines.last, lines.below) if place == 0 else (lines.child, lines.beside)
            waiting.append((child, below + first, below + then))


def _session(branch: Branch, named: str, names: Mapping[str, str], page: Page) -> str:
    stored = branch.summary.session
    parts = [
        page.paint(names.get(branch.ulid, branch.ulid), "cyan", *(["bold"] if branch.ulid == named else []))
    ]
    if stored.fork_turn is not None:
        parts.insert(0, page.paint(f":{stored.fork_turn}", "yellow"))
    parts += [page.paint(visible(label), "bold") for label in branch.summary.labels]
    parts.append(visible(stored.tool))
    parts.append(page.paint(ago(page.now_ms - stored.created_ms), "dim"))
    if stored.archived_ms is not None:
        parts.append(page.paint("archived", "dim"))
    if branch.ulid == named:
        parts.append(page.paint("<", "bold"))
    return "  ".join(parts)
