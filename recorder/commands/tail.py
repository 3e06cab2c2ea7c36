"""``rec tail``: the end of a session, and what comes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from recorder import lookup, render, screening
from recorder.commands.params import Command, in_app
from recorder.following import Follower, newest, screenful
from recorder.safe import safe_text
from recorder.terminal import Terminal

if TYPE_CHECKING:
    from recorder.commands.app import App

_ROWS = 24  # where there is no terminal to fill


@click.command(cls=Command, examples=("rec tail shop", "rec tail -f @1"))
@click.option("-f", "--follow", is_flag=True, help="Go on with what is recorded, until the session ends.")
@click.argument("session")
@in_app
def tail(app: App, session: str, *, follow: bool) -> int:
    """Print the last screenful of SESSION.

    With -f also what comes, as it comes, until the session ends.
    In a pipe that is text, a line when it is whole; nothing recorded can drive your terminal.
    """
    with app.reading() as store:
        ulid = lookup.session(store, session, app.current())
        seen = newest(store, ulid)
        page = app.page()
        terminal = Terminal.open()
        with contextlib.closing(terminal):
            rows = terminal.size().rows if terminal.stdout_tty else _ROWS
            app.say(screenful(render.transcript(seen, page), rows - 1), end="")
            if not follow:
                return 0
            app.flush()
            follower = Follower(store, ulid, app.alive, seen)

            def text() -> tuple[bytes, bool]:
                found, early, more = follower.events()
                shown = "".join(render.transcript(found, page)) + safe_text(early)
                return shown.encode("utf-8", "replace"), more

            return screening.follow(terminal, follower.raw if terminal.stdout_tty else text)
