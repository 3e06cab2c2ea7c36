"""One HTML page that plays a recording by itself: its parts filled into a template, piece by piece.

Everything recorded is either text that ``html.escape`` made harmless or a JSON string without ``<``, so
that nothing closes the element it stands in; and the page allows no scripts but those whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from typing import TYPE_CHECKING

from recorder.safe import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from recorder.model import Turn

SCRIPTS = ("player.js", "page.js")
_place = re.compile(r"@([a-z.]+)@").split


def page(template: str, parts: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield the template with its ``@places@`` filled in, in their order; a place that is none stays."""
    for at, piece in enumerate(_place(template)):
        if at % 2 == 0:
            yield piece
        elif piece in parts:
            yield from parts[piece]
        else:
            yield f"@{piece}@"


def text(value: str) -> str:
    """Return text for a page, in one line, on which nothing is invisible."""
    return escape(visible(value))


def hashes(scripts: Iterable[str]) -> str:
    """Return what a page's policy says of its scripts."""
    found = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{each}'" for each in found)


def quoted(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as one JSON string that can stand in a script element."""
    yield '"'
    for line in lines:
        yield json.dumps(line + "\n")[1:-1].replace("<", "\\u003c")
    yield '"'


def entry(ms: int, label: str, turn: Turn | None) -> str:
    """Return a line of the list of turns: when, what, and its status if that was not 0."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    when = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    status = None if turn is None else turn.exit_status
    bad = f'<span class="bad">{status}</span>' if status else ""
    shown = f"<time>{when}</time><code>{text(label)}</code>{bad}"
    return f'<li><button type="button" title="{text(label)}">{shown}</button></li>\n'
