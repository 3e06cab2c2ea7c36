"""``rec pause`` and ``rec unpause``: ask the recorder around us, through its own tty."""

from __future__ import annotations

import click

from recorder import current
from recorder.commands.base import App, Command, in_app


@click.command(cls=Command, examples=("rec pause",))
@in_app
def pause(app: App) -> None:
    """Stop recording the current session.

    Nothing is recorded until `rec unpause`; the tool goes on.
    """
    current.pause(app.require_current("pause the recording"), app.env)


@click.command(cls=Command, examples=("rec unpause",))
@in_app
def unpause(app: App) -> None:
    """Record the current session again after `rec pause`."""
    current.unpause(app.require_current("unpause the recording"), app.env)
