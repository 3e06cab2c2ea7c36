"""``rec shell``, where its words need click; see ``record``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder.commands.params import Command, in_app
from recorder.commands.record import Wanted, record

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec shell",), storeless=True)
@click.option("--status-file", metavar="FILE", hidden=True, help="Set by a launcher; FILE gets the status.")
@click.option("--pid", type=int, metavar="PID", hidden=True, help="Set by a launcher: its shell.")
@in_app
@click.pass_context
def shell(ctx: click.Context, app: App, status_file: str | None, pid: int | None) -> int:
    """Record your login shell.

    It is the one that $SHELL names. The lines that `rec init` prints call this for every new shell.
    """
    if (status_file is None) != (pid is None):
        ctx.fail("--status-file and --pid belong together")
    launcher = None if status_file is None or pid is None else (status_file, pid)
    return record(app, Wanted((), login=True, launcher=launcher))
