"""``rec log``: the turns of a session, or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import lookup, render, render_json, sessions
from recorder.commands.params import Command, count, in_app, json_option, moment

if TYPE_CHECKING:
    from recorder.commands.app import App

MANY = 1000  # turns, for a person who narrows nothing: those of a year take seconds, and the newest are last


@click.command(cls=Command, examples=("rec log shop", "rec log --failed --since 2h", "rec log -n 20 --json"))
@click.argument("session", required=False)
@click.option("--failed", is_flag=True, help="Only turns with a status other than 0, a warn or an alert.")
@click.option("--cwd", metavar="DIR", help="Only turns that ran in DIR.")
@click.option(
    "--since",
    "since_ms",
    type=moment,
    metavar="T",
    help="Only turns that began at T or later: how long ago (90s 10m 2h 7d), a local date (2026-07-01), or an"
    " RFC 3339 time.",
)
@click.option(
    "-n",
    "last",
    type=count,
    metavar="N",
    help=f"The last N turns; on a terminal {MANY} of all sessions' where nothing else narrows them.",
)
@json_option
@in_app
def log(
    app: App,
    session: str | None,
    cwd: str | None,
    since_ms: int | None,
    last: int | None,
    *,
    failed: bool,
    as_json: bool,
) -> None:
    """List the turns of SESSION, or of all sessions."""
    cut = app.on_terminal and last is None and session is None and since_ms is None
    with app.reading() as store:
        ulid = None if session is None else lookup.session(store, session, app.current())
        picked = sessions.Picked(
            session=ulid,
            failed=failed,
            cwds=None if cwd is None else app.directory(cwd),
            since_ms=since_ms,
            last=MANY if cut else last,
        )
        turns = sessions.log(store, picked, app.alive)
        names = {} if as_json else sessions.turn_names(store, turns)
    if as_json:
        app.say_lines(render_json.dumps(render_json.turn(turn)) for turn in turns)
    else:
        with app.paged():
            app.say_lines(render.log(turns, names, app.page()))
        if cut and len(turns) == MANY:
            app.tell(f"rec: the newest {MANY} turns; -n or --since shows more")
