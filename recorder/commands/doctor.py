"""``rec doctor``: whether everything that recording needs is in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import doctor as service
from recorder import render_health, render_json
from recorder.commands.params import Command, in_app, json_option

if TYPE_CHECKING:
    from recorder.commands.app import App

FAULT_FOUND = 1


@click.command(cls=Command, examples=("rec doctor", "rec doctor --fix"), storeless=True)
@click.option("--fix", is_flag=True, help="Put right what can be, and say what was.")
@json_option
@in_app
def doctor(app: App, *, fix: bool, as_json: bool) -> int:
    """Examine the store, the terminal and the versions.

    The status is 1 when a fault is found.
    """
    checks = service.examine(app.root, app.env, fix=fix)
    if as_json:
        app.say(render_json.dumps([render_json.check(check) for check in checks]))
    else:
        app.say_lines(render_health.checks(checks, app.page()))
    return 0 if all(check.ok for check in checks) else FAULT_FOUND
