"""``rec import``: recordings in other formats, and our own exports, become sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import importing, units
from recorder.commands.params import Command, in_app
from recorder.commands.progress import Progress
from recorder.identity import owner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.commands.app import App
    from recorder.importsink import Imported


@click.command(
    "import",
    cls=Command,
    examples=("rec import demo.cast shop.cast", "rec import typescript timing", "rec import night.ttyrec"),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@in_app
def import_(app: App, files: Sequence[str]) -> None:
    """Make sessions of recordings in other formats.

    It takes asciicast 1 to 3, ttyrec, and a typescript (script) with its timing file, one named after the
    other. What `rec export -f cast` wrote comes back as it was. Of a damaged file everything whole is taken,
    with a warning; nothing is imported of one that cannot be read. Keys that a file has recorded are
    left out, as passwords may be among them.
    """
    jobs = importing.jobs(files)
    with app.making() as store:
        for job in jobs:
            with Progress("bytes") as progress:
                done = importing.load(store, job, owner(), app.settings.rules, progress.told)
            _tell(app, job.path, done)


def _tell(app: App, path: str, done: Imported) -> None:
    from recorder.safe import visible

    for why in done.warnings:
        app.tell(f"rec: {path}: {why}")
    if done.n_warnings > len(done.warnings):
        app.tell(f"rec: {path}: {units.count(done.n_warnings, 'part')} of it in all could not be read")
    count = f"{units.count(done.n_events, 'event')}, {units.count(done.n_turns, 'turn')}"
    app.say(f"{done.ulid}  {count}  {visible(path)}")
