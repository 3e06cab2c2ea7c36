"""``rec trust``: let the settings count that came with a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import trusting
from recorder.commands.params import Command, in_app
from recorder.safe import visible

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec trust", "rec trust --rm ~/src/shop"), storeless=True)
@click.argument("place", required=False, default=".", metavar="[DIR]")
@click.option("--rm", "back", is_flag=True, help="Take it back.")
@in_app
def trust(app: App, place: str, *, back: bool) -> None:
    """Let the .rec.toml of a repository count.

    It lies at the top of the git repository around DIR, or around this directory, and may set `root` (a
    relative one is in the repository), `[alerts]`, `[index]` and, below `[record]`, `continue_within`,
    `ignore_commands` and `ignore_dirs`. It counts as it is now: once changed, it has to be trusted again.
    What it sets is shown.
    """
    if back:
        app.say(f"{visible(trusting.distrust(place, app.env))}: no longer trusted")
        return
    granted = trusting.trust(place, app.env)
    app.say(f"{visible(granted.path)}: trusted, as it is now")
    app.say_lines(f"  {visible(line)}" for line in granted.lines or ["it sets nothing"])
    if granted.root is None:
        return
    app.say(f"recordings made in this repository go to {visible(granted.root)}")
    if granted.filled:
        app.tell("rec: there are recordings in it; if they are not yours: `rec resume` runs what they say")
    elif granted.inside:
        app.tell("rec: that is in the repository: keep it out of git")
