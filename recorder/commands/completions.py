"""``rec completions``: the file that teaches a shell's Tab what ``rec`` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import shipped
from recorder.commands.params import Command, in_app

if TYPE_CHECKING:
    from recorder.commands.app import App

FILES = {"bash": "rec.bash", "zsh": "_rec", "fish": "rec.fish"}  # each is called as its shell wants it


@click.command(
    cls=Command,
    storeless=True,
    examples=(
        "rec completions bash > ~/.local/share/bash-completion/completions/rec",
        "rec completions zsh > ~/.zfunc/_rec",
        "rec completions fish > ~/.config/fish/completions/rec.fish",
    ),
)
@click.argument("shell", type=click.Choice(tuple(FILES)))
@in_app
def completions(app: App, shell: str) -> None:
    """Print what makes Tab in SHELL complete `rec`.

    bash can also be told to `source` the file, zsh after `compinit`.
    """
    app.say_bytes([shipped.find(f"completions/{FILES[shell]}").read_bytes()])
