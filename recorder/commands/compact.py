"""``rec compact``: put a store together again, and give back what it does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import keeping, render
from recorder.commands.params import Command, in_app
from recorder.commands.progress import Progress

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec compact",))
@in_app
def compact(app: App) -> None:
    """Merge small pieces of recordings and give free space back.

    Nothing that was recorded changes; sessions can be read and recorded meanwhile.
    """
    with app.writing() as store, Progress("sessions") as progress:
        before, after = keeping.compact(store, app.alive, progress.told)
    app.say(f"{render.size(before)} before, {render.size(after)} now")
