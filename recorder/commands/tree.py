"""``rec tree``: a session and everything that was forked off it, or it was forked off."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from recorder import lineage, lookup, render_json, render_tree, sessions
from recorder.commands.params import Command, in_app, json_option

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec tree", "rec tree shop", "rec tree @1 --json"))
@click.argument("session", required=False)
@json_option
@in_app
def tree(app: App, session: str | None, *, as_json: bool) -> None:
    """Draw the family of SESSION: what was forked off what.

    Each line begins with the turn that a fork was cut after.

    Without SESSION, that of the current session, else of the newest one.
    """
    if session is None:
        app.stay()
    with app.reading() as store:
        ulid = lookup.owner(store, session or "", app.current())
        root = lineage.family(store, ulid)
        names = {} if as_json else sessions.short_names(store, root.ulids())
    if as_json:
        app.say(render_json.dumps(render_json.tree(root)))
        return
    drawn = render_tree.ASCII if not _draws_boxes() else render_tree.BOXES
    with app.paged():
        app.say_lines(render_tree.tree(root, ulid, names, app.page(), drawn))


def _draws_boxes() -> bool:
    """Say whether what standard output is encoded in has the characters of boxes."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        "├─│└".encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True
