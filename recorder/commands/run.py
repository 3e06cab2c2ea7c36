"""``rec run``, and the short form ``rec TOOL``: record a tool and leave with its status."""

from __future__ import annotations

import difflib

import click

from recorder.commands import COMMANDS
from recorder.commands.base import App, Command, in_app
from recorder.errors import ToolNotFound

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
    type=click.Choice(["auto", "line", "raw"]),
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
    return _record(app, argv, label=label, mode=mode, persist=not no_persist)


@click.command(context_settings=ALL_WORDS, add_help_option=False)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@in_app
def tool(app: App, argv: tuple[str, ...]) -> int:
    """Record a tool named where a command could have been."""
    try:
        return _record(app, argv, label=None, mode="auto", persist=True)
    except ToolNotFound as error:
        raise _with_nearest(error, argv[0]) from error


def _record(app: App, argv: tuple[str, ...], *, label: str | None, mode: str, persist: bool) -> int:
    from recorder import recording  # help and wrong words need none of it
    from recorder.faces import faces

    request = recording.RunRequest(
        argv=argv,
        settings=app.settings,
        env=app.env,
        faces=faces(app.env, str(app.settings.root)),
        label=label,
        mode=mode,
        persist=persist,
    )
    outcome = recording.run(request)
    for notice in outcome.notices:
        app.tell(f"rec: {notice}")
    return outcome.status


def _with_nearest(error: ToolNotFound, word: str) -> ToolNotFound:
    """Return the error with the command that may have been meant."""
    near = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.0)
    return ToolNotFound(error.message, advice=f"did you mean `rec {near[0]}`?")
