"""``rec status``: how the recording around us is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import current, render_health, render_json
from recorder.commands.params import Command, in_app, json_option

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec status --json",), storeless=True)
@json_option
@in_app
def status(app: App, *, as_json: bool) -> None:
    """Show how the current session is doing.

    Whether it is recorded, how many events it has, what waits to be stored.
    """
    ulid = app.require_current("show the status")
    if app.persists:
        with app.reading() as store:
            shown = current.health(store, ulid, app.env, app.settings_to_read[0])
    else:
        shown = current.health(None, ulid, app.env, app.settings_to_read[0])
    if as_json:
        app.say(render_json.dumps(render_json.health(shown)))
    else:
        app.say_lines(render_health.health(shown, app.page()))
