"""What a search found, as lines for people: a head for each turn, below it the places."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from recorder.model import Kind
from recorder.render import ELLIPSIS, GAP, Page, clip, when, width
from recorder.render_json import kind
from recorder.safe import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from recorder.query import Hit

_INDENT = "    "
_LEAST = 20  # columns for a text, however narrow the page is
CUT = "the middle of this output is kept as raw bytes only, and not searched"


def hits(found: Iterable[Hit], names: Mapping[str, str], page: Page) -> Iterator[str]:
    """Yield the lines of some hits, in their order; neighbours of one turn share a head."""
    for (ulid, turn), group in groupby(found, key=lambda hit: (hit.event.session, hit.event.turn)):
        yield from _turn(list(group), f"{names.get(ulid, ulid)}:{'' if turn is None else turn}", page)


def _turn(group: Sequence[Hit], name: str, page: Page) -> Iterator[str]:
    first = group[-1]
    time = when(first.event.at.wall_ms, page.now_ms)
    head = page.paint(name, "cyan") + GAP + page.paint(time, "dim")
    asked = next((hit for hit in group if hit.event.kind == Kind.PROMPT), None)
    room = None if page.columns is None else page.columns - width(name) - width(time) - 2 * len(GAP)
    if asked is not None:
        yield head + GAP + marked(asked, page, room, "bold")
    elif first.turn is not None and first.turn.command:
        command = visible(first.turn.command)
        yield head + GAP + page.paint(clip(command, _room(room)), "bold")
    else:
        yield head
    for hit in reversed(group):
        if hit is not asked:
            shown = kind(hit.event)
            lead = "" if shown == Kind.OUTPUT else f"{shown}: "
            left = None if page.columns is None else page.columns - len(_INDENT) - len(lead)
            yield _INDENT + page.paint(lead, "dim") + marked(hit, page, left)
    if first.turn is not None and first.turn.truncated:
        yield _INDENT + page.paint(f"[{CUT}]", "dim")


def _room(columns: int | None) -> int | None:
    return None if columns is None else max(_LEAST, columns)


def marked(hit: Hit, page: Page, columns: int | None, *styles: str) -> str:
    """Return a snippet with its places marked; what is wider than ``columns`` loses its ends."""
    text, marks, room = hit.snippet, hit.marks, _room(columns)
    start = 0
    if room is not None and marks and width(visible(text)) > room and marks[0][0] > room // 2:
        start = marks[0][0] - room // 3
    pieces = [(ELLIPSIS, False)] if start else []
    at = start + len(pieces)
    for low, high in marks:
        pieces += [(text[at : max(at, low)], False), (text[max(at, low) : high], True)]
        at = max(at, high)
    pieces.append((text[at:], False))
    shown = ""
    for piece, marked in pieces:
        part = visible(piece)
        if room is not None:
            part = clip(part, room)
            room -= width(part)
        shown += page.paint(part, "yellow", "bold") if marked else page.paint(part, *styles)
    return shown.rstrip() if not page.colour else shown
