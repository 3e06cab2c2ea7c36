"""The command ``rec``: which word is which command, and the one place that makes an exit status.

A command module is imported when it is called, as each import delays the first byte of a recorded
tool. A word that is no command is a tool to record. Commands raise ``RecError``; the boundary here
turns every way to end into a status and at most two lines, never into a stack trace.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from recorder.commands import COMMANDS, TOOL, base
from recorder.errors import Ambiguous, RecError
from recorder.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

WRONG_USAGE, UNEXPECTED, INTERRUPTED = 2, 3, 130

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
        sys.exit(guarded(self, sys.argv[1:] if args is None else list(args)))


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
    ctx.obj = base.App(root)


def main() -> int:
    """Run ``rec`` with this process's words; return the exit status."""
    return guarded(rec, sys.argv[1:])


def guarded(group: click.Group, args: list[str]) -> int:
    """Run one command line to its exit status; every error becomes at most two lines."""
    try:
        status = _run(group, args)
        base.flush()
    except RecError as error:
        _explain(error.message, error.advice)
        if isinstance(error, Ambiguous):
            _list(error.candidates)
        return error.status
    except click.UsageError as error:
        return _wrong_usage(error)
    except BrokenPipeError:
        base.abandon_stdout()
        return 0
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the boundary: whatever it is, the user gets one line)
        return _unexpected(error)
    return status


def _run(group: click.Group, args: list[str]) -> int:
    try:
        with group.make_context("rec", args) as ctx:
            returned = group.invoke(ctx)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    return returned if isinstance(returned, int) else 0


def _load(where: str) -> click.Command:
    module, attribute = where.split(":")
    found: click.Command = getattr(importlib.import_module(f"recorder.commands.{module}"), attribute)
    return found


def _explain(message: str, advice: str | None) -> None:
    base.complain(f"rec: {message}")
    if advice:
        base.complain(advice)


def _list(candidates: Sequence[str]) -> None:
    for ulid in candidates:
        base.complain(f"  {ulid}")


def _wrong_usage(error: click.UsageError) -> int:
    """Say what is wrong with the words, and where the right ones are listed."""
    path = error.ctx.command_path if error.ctx is not None else "rec"
    message = " ".join(error.format_message().split()).removesuffix(".")
    _explain(message[:1].lower() + message[1:], f"`{path} --help` shows how it is called")
    return WRONG_USAGE


def _unexpected(error: Exception) -> int:
    """Keep the trace in a file that can be attached to a report, and say so in two lines."""
    from recorder.commands import crash  # needed once in a lifetime, we hope

    kind = type(error).__name__
    path = crash.write_report(error, os.environ)  # noqa: TID251  (read by config, from this mapping)
    advice = "this is a bug in rec; no report could be written"
    if path is not None:
        advice = f"this is a bug in rec; please report it with {path}"
    text = " ".join(str(error).split())[:200]
    _explain(f"could not finish: {kind}: {text}" if text else f"could not finish: {kind}", advice)
    return UNEXPECTED
