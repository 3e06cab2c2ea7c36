"""``rec run``, and the short form ``rec TOOL``, where their words need click; see ``record``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder.commands.params import Command, in_app
from recorder.commands.record import MODES, Wanted, record

if TYPE_CHECKING:
    from recorder.commands.app import App

ALL_WORDS = {"allow_interspersed_args": False}


@click.command(
    cls=Command,
    examples=(
        "rec run -- sqlite3 shop.db",
        "rec run --label shop -- psql -h db.example.org shop",
        "rec run --mode raw --no-persist -- bash",
    ),
    context_settings=ALL_WORDS,
)
@click.option("--label", metavar="L", help="Name the session.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="Who edits the line: as the tool's terminal settings say, always rec, never rec.",
)
@click.option("--no-persist", is_flag=True, help="Keep nothing on disk.")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="-- TOOL [ARG]...")
@in_app
@click.pass_context
def run(
    ctx: click.Context,
    app: App,
    label: str | None,
    mode: str,
    argv: tuple[str, ...],
    *,
    no_persist: bool,
) -> int:
    """Record TOOL and leave with its exit status.

    All words after TOOL are the tool's.
    128+n is left after signal n, 127 when TOOL is not found, 126 when it cannot be started.
    """
    if not argv:
        ctx.fail("no TOOL to record")
    return record(app, Wanted(argv, label, mode, persist=not no_persist))


@click.command(context_settings=ALL_WORDS, add_help_option=False)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@in_app
def tool(app: App, argv: tuple[str, ...]) -> int:
    """Record a tool named where a command could have been."""
    return record(app, Wanted(argv, short=True))
