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
    storeless=True,
    examples=(
        "rec run -- sqlite3 shop.db",
        "rec run --label shop -- psql -h db.example.org shop",
        "rec run --mode raw --no-persist -- bash",
        "rec run --continue -- python3",
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
@click.option("--session-dir", "directory", metavar="DIR", help="Keep the session in DIR.")
@click.option("--continue", "onward", is_flag=True, help="Go on with the newest session of this call here.")
@click.option("--new", is_flag=True, help="Begin a new session; that is the default.")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="-- TOOL [ARG]...")
@in_app
def run(
    app: App,
    label: str | None,
    mode: str,
    directory: str | None,
    argv: tuple[str, ...],
    *,
    no_persist: bool,
    onward: bool,
    new: bool,
) -> int:
    """Record TOOL and leave with its exit status.

    All words after TOOL are the tool's.
    --continue chooses a session as `rec resume` does, but only one of the same TOOL and ARGs.
    Where there is none, it says so and begins a new one.
    --session-dir makes DIR if it is missing; one that holds a session already is refused.
    128+n is left after signal n, 127 when TOOL is not found, 126 when it cannot be started.
    """
    ctx = click.get_current_context()
    if not argv:
        ctx.fail("no TOOL to record")
    if onward and new:
        ctx.fail("--continue and --new exclude each other")
    if directory is not None and (no_persist or onward):
        ctx.fail("--session-dir excludes --no-persist and --continue")
    if directory == "":
        ctx.fail("--session-dir expects a directory")
    persist = not no_persist
    return record(app, Wanted(argv, label, mode, persist, onward=onward, directory=directory))


@click.command(context_settings=ALL_WORDS, add_help_option=False)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@in_app
def tool(app: App, argv: tuple[str, ...]) -> int:
    """Record a tool named where a command could have been."""
    return record(app, Wanted(argv, short=True))
