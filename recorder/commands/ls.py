"""``rec ls``: the sessions, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import render, render_json, sessions
from recorder.commands.params import Command, count, duration, in_app, json_option, now_ms

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(
    cls=Command, examples=("rec ls -n 10", "rec ls --here --tool psql", "rec ls --stuck 10m --json")
)
@click.option("-n", "limit", type=count, metavar="N", help="At most N sessions; 0 is none.")
@click.option("--all", "archived", is_flag=True, help="Archived sessions too.")
@click.option("--running", is_flag=True, help="Only those in which a turn is running.")
@click.option(
    "--stuck",
    "stuck_ms",
    type=duration,
    metavar="D",
    help="Only those running for D or longer (90s 10m 2h 7d).",
)
@click.option("--here", is_flag=True, help="Only those of this git work tree, else of this directory.")
@click.option("--tool", metavar="T", help="Only those of tool T.")
@json_option
@in_app
def ls(
    app: App,
    limit: int | None,
    stuck_ms: int | None,
    tool: str | None,
    *,
    archived: bool,
    running: bool,
    here: bool,
    as_json: bool,
) -> None:
    """List sessions, newest first."""
    place, git_root = app.here() if here else (None, None)
    wanted = sessions.Wanted(
        limit=limit,
        archived=archived,
        tool=tool,
        running=running,
        stuck_ms=stuck_ms,
        here=place,
        here_root=git_root,
    )
    with app.reading() as store:
        rows = sessions.listing(store, wanted, app.alive, now_ms())
        names = {} if as_json else sessions.short_names(store, (row.ulid for row in rows))
    if as_json:
        app.say(render_json.dumps([render_json.session(row) for row in rows]))
        return
    with app.paged():
        app.say_lines(render.sessions(rows, names, app.page()))
