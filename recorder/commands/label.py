"""``rec label`` and ``rec labels``: names for sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import lookup, render, render_json, sessions
from recorder.commands.params import Command, in_app, json_option, now_ms

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec label @1 shop", "rec label --rm shop"))
@click.argument("words", nargs=-1, metavar="SESSION LABEL")
@click.option("--rm", "dropped", metavar="LABEL", help="Take LABEL away.")
@in_app
@click.pass_context
def label(ctx: click.Context, app: App, words: tuple[str, ...], dropped: str | None) -> None:
    """Name a session, or take a name away.

    A LABEL that another session has moves to SESSION.
    """
    if len(words) != (0 if dropped is not None else 2):
        ctx.fail("expected SESSION LABEL, or --rm LABEL")
    if words:
        app.await_row(words[0])
    with app.writing(*words[:1]) as store:
        if dropped is not None:
            sessions.unlabel(store, dropped, now_ms())
            return
        needle, name = words
        ulid = lookup.session(store, needle, app.current())
        moved = sessions.label(store, ulid, name, now_ms())
    if moved is not None:
        app.say(f"label {name} moved from {moved}")


@click.command(cls=Command, examples=("rec labels --json",))
@json_option
@in_app
def labels(app: App, *, as_json: bool) -> None:
    """List all labels and the sessions they name."""
    with app.reading() as store:
        rows = store.labels()
        names = {} if as_json else sessions.short_names(store, (ulid for _label, ulid in rows))
    if as_json:
        app.say(render_json.dumps([{"label": name, "ulid": ulid} for name, ulid in rows]))
    else:
        app.say_lines(render.labels(rows, names, app.page()))
