"""``rec events``: the typed rows of a session, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import lineage, lookup, render, render_json
from recorder.commands.params import Command, count, in_app, json_option
from recorder.model import Kind

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(
    cls=Command, examples=("rec events shop --kind prompt --kind alert", "rec events @1 -n 20 --json")
)
@click.argument("session")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in Kind]),  # click shows the names of an enum, not its values
    multiple=True,
    help="Only this kind; may be repeated.",
)
@click.option("-n", "last", type=count, metavar="N", help="The last N events.")
@json_option
@in_app
def events(app: App, session: str, kinds: tuple[str, ...], last: int | None, *, as_json: bool) -> None:
    """List the events of SESSION in order."""
    with app.reading() as store:
        ulid = lookup.session(store, session, app.current())
        rows = lineage.events(store, ulid, kinds=kinds, last=last)
        if as_json:
            app.say_lines(render_json.dumps(render_json.event(row)) for row in rows)
        else:
            with app.paged():
                app.say_lines(render.events(rows, app.page()))
