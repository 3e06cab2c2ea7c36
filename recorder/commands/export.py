"""``rec export``: a session or a turn in a format that others read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import exporting, exportpage, lookup, render_json
from recorder.commands import outfile
from recorder.commands.params import Command, in_app
from recorder.commands.progress import Progress
from recorder.errors import Refused
from recorder.formats import transcript

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.commands.app import App
    from recorder.exporting import Picked, Told
    from recorder.model import Event
    from recorder.store import Store

HELP = """Write a session or a turn in another format.

TURN is SESSION:N. A fork is written with what it inherited; what was erased is left out.

\b
cast, cast2   asciicast 3 and 2, for asciinema and its player; turns are
              markers. Only the former can be imported without loss.
txt, md       a transcript that tells typed from printed
html          one page with a player and a list of turns, for any browser
jsonl         the events, as `rec events --json` prints them
"""
FORMATS = ("cast", "cast2", "txt", "md", "html", "jsonl")
FOR_PROGRAMS = ("cast", "cast2", "html")  # no use on a terminal


@click.command(
    cls=Command,
    help=HELP,
    examples=(
        "rec export shop -f cast -o shop.cast",
        "rec export shop:3 -f md > turn.md",
        "rec export @1 -f html -o shop.html",
    ),
)
@click.argument("name", metavar="SESSION|TURN")
@click.option("-f", "form", type=click.Choice(FORMATS), required=True, help="The format.")
@click.option("-o", "path", metavar="FILE", help="Write to FILE instead of standard output.")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@in_app
def export(app: App, name: str, form: str, path: str | None, *, force: bool) -> None:
    """Write a session or a turn in another format."""
    if name.startswith(":"):
        app.stay()
    if path is None and app.on_terminal and form in FOR_PROGRAMS:
        raise Refused(
            f"could not export {name}: {form} is not for a terminal", advice="name a file with -o FILE"
        )
    if path is not None:
        outfile.check(path, force=force)
    with app.reading() as store, Progress("bytes") as progress:
        picked = _picked(app, store, name)
        pieces = (text.encode("utf-8", "replace") for text in _text(store, picked, form, progress.told))
        if path is None:
            app.say_bytes(pieces)
        else:
            outfile.write(path, pieces, force=force)


def _picked(app: App, store: Store, name: str) -> Picked:
    if lookup.is_turn(name):
        return exporting.turn(store, lookup.turn(store, name, app.current()))
    return exporting.session(store, lookup.session(store, name, app.current()))


def _text(store: Store, picked: Picked, form: str, told: Told) -> Iterator[str]:
    """Yield the file's text in pieces."""
    if form in {"txt", "md"}:
        write = transcript.markdown if form == "md" else transcript.plain
        rows = _counted(exporting.events(store, picked), told, picked.summary.n_events)
        return write(exporting.title(picked), exporting.facts(store, picked), rows)
    if form == "html":
        return exportpage.pieces(store, picked, told)
    lines: Iterator[str]
    if form == "jsonl":
        rows = _counted(exporting.events(store, picked), told, picked.summary.n_events)
        lines = (render_json.dumps(render_json.event(row)) for row in rows)
    else:
        lines = exporting.cast_lines(store, picked, 2 if form == "cast2" else 3, told)
    return (line + "\n" for line in lines)


def _counted(rows: Iterator[Event], told: Told, of: int) -> Iterator[Event]:
    for number, row in enumerate(rows, 1):
        yield row
        told(number, of)
