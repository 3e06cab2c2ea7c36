"""``rec pause`` and ``rec unpause``: ask the recorder around us, through its own tty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import current
from recorder.commands.params import Command, in_app

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec pause",), storeless=True)
@in_app
def pause(app: App) -> None:
    """Stop recording the current session.

    Nothing is recorded until `rec unpause`; the tool goes on.
    """
    app.require_current("pause the recording")
    current.pause(app.env)


@click.command(cls=Command, examples=("rec unpause",), storeless=True)
@in_app
def unpause(app: App) -> None:
    """Record the current session again after `rec pause`."""
    app.require_current("unpause the recording")
    current.unpause(app.env)
