"""``rec wrap``: what a session came to, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import lookup, render_json, render_wrap, wrapping
from recorder.commands.params import Command, in_app, json_option
from recorder.errors import NotFound, RecError
from recorder.wrap import is_worth_a_line

if TYPE_CHECKING:
    from recorder.commands.app import App
    from recorder.wrap import Wrap


@click.command(cls=Command, examples=("rec wrap shop", "rec wrap @1 --json"))
@click.argument("session")
@json_option
@in_app
def wrap(app: App, session: str, *, as_json: bool) -> None:
    """Sum SESSION up in numbers.

    How long it was, how many turns it had, what failed, what was used most and took longest: all of it is
    computed from what was recorded. At the end of a session of more than two hours it is said in one line,
    and kept as JSON beside the store, in `wraps/ULID.json`; `/wrap-off` inside the session stops that.
    """
    with app.reading() as store:
        found = wrapping.of(store, lookup.session(store, session, app.current()))
    if as_json:
        app.say(render_json.dumps(render_json.wrap(found)))
    else:
        app.say_lines(render_wrap.wrap(found, app.page()))


def at_the_end(app: App, ulid: str) -> None:
    """Keep the wrap-up of a long session that has just ended, and say it in one line."""
    try:
        with app.reading() as store:
            found = wrapping.of(store, ulid)
            if not is_worth_a_line(found) or not wrapping.keep(store, app.settings.root, found, _encoded):
                return
    except NotFound:  # nothing came to be recorded, or somebody was quick to delete it
        return
    except RecError as error:
        app.tell(f"rec: {error.message}")
        return
    app.tell(f"rec: {render_wrap.line(found)}; `rec wrap {ulid}` says more")


def _encoded(found: Wrap) -> bytes:
    return f"{render_json.dumps(render_json.wrap(found))}\n".encode()
