"""The page of ``rec export -f html``: a session or a turn with asciinema's player and a list of turns.

Service: takes its store as an argument, yields text. The player is a file of ours (see ``shipped``), so
that the page is made, and works, without a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder import exporting, lineage, shipped
from recorder.formats import cast, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.exporting import Picked, Told
    from recorder.model import Event
    from recorder.store import Store

_FILES = {
    "player.js": "asciinema-player.min.js",
    "player.css": "asciinema-player.css",
    "page.js": "page.js",
    "page.css": "page.css",
}


def pieces(store: Store, picked: Picked, told: Told | None = None) -> Iterator[str]:
    """Yield the page; raise Refused where this installation lacks a file."""
    files = {name: _read(name_there) for name, name_there in _FILES.items()}
    turns = {turn.turn: turn for turn in lineage.turns(store, picked.summary.session.ulid)}
    entries: list[str] = []

    def marked(ms: int, event: Event) -> None:
        entries.append(page.entry(ms, cast.label(event), turns.get(event.turn or 0)))

    title, facts = exporting.title(picked), exporting.facts(store, picked)
    # Without comments: what the page does not show is not in it.
    lines = exporting.cast_lines(store, picked, 3, told, noted=False, marked=marked)
    yield from page.page(
        _read("page.html"),
        {
            "title": [page.text(title)],
            "facts": [" · ".join(map(page.text, facts))],
            "hashes": [page.hashes(files[name] for name in page.SCRIPTS)],
            "cast": page.quoted(lines),
            "turns": entries,  # full when the recording has been written, which stands before it
            **{name: [text] for name, text in files.items()},
        },
    )


def _read(name: str) -> str:
    return shipped.find(f"player/{name}").read_text(encoding="utf-8")
