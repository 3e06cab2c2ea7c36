"""``rec prune``: delete what is too old or too much; and what ``[keep]`` asks for at a session's end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from recorder import config, keeping, units
from recorder.commands.params import Command, duration, in_app, now_ms
from recorder.errors import RecError, UsageError_

if TYPE_CHECKING:
    from recorder.commands.app import App
    from recorder.settings import Settings

BUSY_MS = 250  # at a session's end nobody is to wait; the next end does it


def _size(text: str) -> int:
    try:
        return units.size(text)
    except UsageError_ as error:
        message = f"{text!r} is no size; write it like 512K, 500M or 2G"
        raise click.BadParameter(message) from error


@click.command(cls=Command, examples=("rec prune --older-than 90d", "rec prune --max-size 2G"))
@click.option("--older-than", "age_ms", type=duration, metavar="D", help="What is older than D (2h 7d).")
@click.option("--max-size", "max_bytes", type=_size, metavar="S", help="The oldest beyond S (500M 2G).")
@in_app
@click.pass_context
def prune(ctx: click.Context, app: App, age_ms: int | None, max_bytes: int | None) -> None:
    """Delete old sessions; no byte of them is left.

    Forks go with their parent, all of them by the newest event among them.
    Archived and labelled sessions count like others; one that is being recorded stays.
    Without options it does what [keep] in config.toml says, as every session's end does.
    """
    budget = keeping.Budget(age_ms, max_bytes)
    if budget == (None, None):
        budget = standing(app.settings)
    if budget == (None, None):
        ctx.fail("expected --older-than or --max-size, as config.toml has no [keep]")
    with app.writing() as store:
        count = keeping.prune(store, app.settings.root, budget, app.alive, now_ms())
    app.say(f"{units.count(count, 'session')} deleted")


def standing(settings: Settings) -> keeping.Budget:
    """Return what ``[keep]`` says."""
    age = settings.keep_age_s
    return keeping.Budget(None if age is None else age * 1000, settings.keep_max_bytes)


def at_the_end(app: App, session: str) -> None:
    """Prune to the standing budget when ``session`` has ended; it stays, and nothing here may fail."""
    from recorder.stores.rooted import Rooted
    from recorder.stores.sqlite import SqliteStore

    count = 0
    with contextlib.suppress(RecError, OSError):
        root = app.settings.root
        database = SqliteStore(root / config.STORE_NAME, busy_ms=BUSY_MS)
        with contextlib.closing(Rooted(database, busy_ms=BUSY_MS)) as store:
            count = keeping.prune(store, root, standing(app.settings), app.alive, now_ms(), spare=session)
    if count:
        which = "1 old session was" if count == 1 else f"{count} old sessions were"
        app.tell(f"rec: {which} deleted, as [keep] in config.toml says")
