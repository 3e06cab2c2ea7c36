"""The command ``rec`` as click sees it: which word is which command, help, wrong usage.

A command's module is imported when it is called. A word that is no command is a tool to record.
How a call ends is in ``commands.exits``.
"""

from __future__ import annotations

import gc
import importlib
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from recorder.commands import COMMANDS, TOOL, exits
from recorder.commands.app import App
from recorder.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """Record any interactive tool, and read it again.

`rec TOOL [ARG…]` records TOOL; all words after TOOL are the tool's.

\b
Examples:
  rec sqlite3 shop.db
  rec run --label shop -- sqlite3 shop.db
  rec replay shop
"""


class Rec(click.Group):
    """A group that loads a command when it is named, and takes other words for a tool."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click calls it so)
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  (as above)
        """Return the command of that name, importing it now."""
        where = COMMANDS.get(cmd_name)
        return None if where is None else _load(where)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names, or the one that records it as a tool."""
        if args[0] in COMMANDS:
            return super().resolve_command(ctx, args)
        return args[0], _load(TOOL), args

    def main(self, args: Sequence[str] | None = None, *_: object, **__: object) -> NoReturn:
        """Run the command line and leave with its status."""
        sys.exit(main(args))


@click.group(
    cls=Rec,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="COMMAND | TOOL [ARG]…",
    no_args_is_help=False,
)
@click.option("--root", metavar="DIR", help="Where recordings are kept, instead of $REC_ROOT or the default.")
@click.version_option(VERSION, "--version", message="rec %(version)s", help="Show the version and leave.")
@click.pass_context
def rec(ctx: click.Context, root: str | None) -> None:
    """Take the global options."""
    ctx.obj = App(root)


def main(args: Sequence[str] | None = None) -> int:
    """Run ``rec`` with some words, those of this process by default; return the exit status."""
    return exits.guarded(lambda: _run(sys.argv[1:] if args is None else list(args)))


def _run(args: list[str]) -> int:
    try:
        with rec.make_context("rec", args) as ctx:
            returned = rec.invoke(ctx)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.UsageError as error:
        return _wrong_usage(error)
    except click.Abort:
        return exits.INTERRUPTED
    return returned if isinstance(returned, int) else 0


def _load(where: str) -> click.Command:
    module, attribute = where.split(":")
    found: click.Command = getattr(importlib.import_module(f"recorder.commands.{module}"), attribute)
    gc.freeze()  # what was imported stays: a look for garbage can pass it over
    gc.enable()
    return found


def _wrong_usage(error: click.UsageError) -> int:
    """Say what is wrong with the words, and where the right ones are listed."""
    path = error.ctx.command_path if error.ctx is not None else "rec"
    message = " ".join(error.format_message().split()).removesuffix(".")
    if message[1:2].islower():  # a word such as `Missing`, and not the name of an argument
        message = message[:1].lower() + message[1:]
    exits.explain(message, f"`{path} --help` shows how it is called")
    return exits.WRONG_USAGE
