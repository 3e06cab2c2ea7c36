"""``rec archive``: take a session out of the lists, or put it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import lookup
from recorder.commands.params import Command, in_app, now_ms

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec archive shop", "rec archive --undo shop"))
@click.argument("session")
@click.option("--undo", is_flag=True, help="Show SESSION in lists again.")
@in_app
def archive(app: App, session: str, *, undo: bool) -> None:
    """Hide SESSION from lists.

    Nothing of it is deleted: it keeps its labels, and every command still finds it by its name.
    """
    with app.writing(session) as store:
        ulid = lookup.session(store, session, app.current())
        store.archive(ulid, None if undo else now_ms())
