"""``rec init`` and ``rec uninstall``: the lines in the rc files that record every shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from recorder import integration
from recorder.commands.params import Command, in_app
from recorder.errors import RecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.commands.app import App

yes_option = click.option("--yes", is_flag=True, help="Change the file that a symbolic link leads to.")


@click.command(
    cls=Command,
    storeless=True,
    examples=("rec init bash", "rec init zsh --install"),
)
@click.argument("shell", type=click.Choice(integration.SHELLS))
@click.option(
    "--install", is_flag=True, help="Write the lines into the shell's rc file, and keep a copy of it."
)
@yes_option
@in_app
def init(app: App, shell: str, *, install: bool, yes: bool) -> int:
    """Print or write the lines that record every shell.

    One block has to be the first in the rc file, the other the last.
    """
    if not install:
        app.say_bytes([integration.shown(shell, app.env)])
        return 0
    change = integration.install(shell, app.env, _follow(yes=yes))
    if not change.changed:
        app.say(f"{change.path}: already there")
    else:
        kept = f"; as it was: {change.backup}" if change.backup else ""
        app.say(f"{change.path}: written{kept}")
        app.say(f"new shells are recorded; this one too after `exec {shell}`")
    gap = integration.login_gap(app.env) if shell == "bash" else None
    if gap is not None:
        what = "does not read ~/.bashrc" if os.path.exists(gap) else "is not there to read ~/.bashrc"
        app.tell(f"rec: a login bash is not recorded: {gap} {what}; add `. ~/.bashrc` to it")
    return 0


@click.command(cls=Command, examples=("rec uninstall",), storeless=True)
@yes_option
@in_app
def uninstall(app: App, *, yes: bool) -> int:
    """Take the lines of `rec init` out of all rc files."""
    taken = 0
    problems: list[RecError] = []
    for shell in integration.SHELLS:
        try:
            change = integration.uninstall(shell, app.env, _follow(yes=yes))
        except RecError as error:
            problems.append(error)
            continue
        if change.changed:
            taken += 1
            app.say(f"{change.path}: taken out")
    if problems:
        for problem in problems[:-1]:
            app.tell(f"rec: {problem.message}")
        raise problems[-1]
    if not taken:
        app.say("there was nothing to take out")
    return 0


def _follow(*, yes: bool) -> Callable[[str, str], bool]:
    """Return who says whether a link may be followed: the option, or the user on a terminal."""

    def follow(path: str, target: str) -> bool:
        if yes or not (os.isatty(0) and os.isatty(2)):
            return yes
        return click.confirm(f"{path} is a link to {target}; change that file?", err=True)

    return follow
