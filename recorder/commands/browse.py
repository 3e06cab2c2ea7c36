"""``rec browse``: sessions, their turns and what they printed, on the whole screen."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import click

from recorder import config, forking, lookup, resuming, sessions
from recorder.browsing import Want, Wish
from recorder.commands import out
from recorder.commands.params import Command, in_app, now_ms
from recorder.errors import Refused
from recorder.terminal import Terminal

if TYPE_CHECKING:
    from recorder.browsing import Entry
    from recorder.commands.app import App
    from recorder.render import Page
    from recorder.store import Store

_AGAIN = (sys.executable, "-P", "-m", "recorder")  # this very `rec`, wherever we are


@click.command(cls=Command, examples=("rec browse",))
@in_app
def browse(app: App) -> int:
    """Look through sessions on the whole screen.

    Enter opens: a session's turns, then what a turn printed; Esc goes back. / finds while you type; p plays,
    l labels, f forks, r resumes, y copies; ? lists all keys. Forking and resuming ask first, and leave the
    browser.
    """
    if not (sys.stdin is not None and sys.stdin.isatty() and app.on_terminal):
        raise Refused("could not browse: this needs a terminal", advice="`rec ls` lists the sessions")
    if app.env.get("TERM", "dumb") == "dumb":
        raise Refused("could not browse: this terminal is dumb", advice="`rec ls` lists the sessions")
    with app.reading() as store:
        from recorder import ptbrowse
        from recorder.shelf import Shelf

        deeds = ptbrowse.Deeds(
            label=lambda entry, name: _label(app, entry, name),
            play=lambda entry, find: _play(app, entry, find),
            check=lambda wish: _check(app, store, wish),
            page=lambda columns: _page(app, columns),
        )
        with contextlib.closing(Terminal.open()) as terminal:
            # prompt-toolkit gives the modes back; the note is for the next `rec` if we are killed.
            terminal.remember(config.runtime_dir(app.env))
            terminal.on_screen(ptbrowse.ALTERNATE)
            left = ptbrowse.browse(Shelf(store, app.alive), deeds)
    if left == ptbrowse.HUNG_UP:
        out.abandon_stdout()  # what was drawn last has nobody to take it
    if isinstance(left, Wish):
        _go_on(app, left)
    return left


def _page(app: App, columns: int) -> Page:
    return replace(app.page(), columns=columns)


def _label(app: App, entry: Entry, name: str) -> str:
    with app.writing() as store:
        moved = sessions.label(store, entry.session, name, now_ms())
    return f"label {name} moved from {moved}" if moved is not None else f"this session is {name} now"


def _play(app: App, entry: Entry, find: str) -> str:
    """Play on this terminal, which the browser has left, at what was found; return what it complained of."""
    which = entry.session if entry.turn is None else f"{entry.session}:{entry.turn}"
    words = [*_AGAIN, "--root", app.place, "play", which, *([f"--find={find}"] if find else [])]
    try:
        done = subprocess.run(words, env=app.env, stderr=subprocess.PIPE, check=False)
    except OSError as error:
        raise Refused(f"could not play {which}: {error.strerror}") from error
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    return lines[0].removeprefix("rec: ") if lines and done.returncode else ""


def _check(app: App, store: Store, wish: Wish) -> None:
    """Raise what `rec fork` or `rec resume` would refuse, while there still is a browser to say it in."""
    if wish.entry is None:
        return
    summary = lookup.summary(store, wish.entry.session)
    if wish.want is Want.RESUME:
        resuming.check(summary, app.alive)
    else:
        forking.turn(store, summary, wish.entry.turn, app.alive)
    resuming.command_line(summary.session, wish.want.value)


def _go_on(app: App, wish: Wish) -> NoReturn:
    """Become the `rec` that forks or resumes."""
    entry = wish.entry
    words = [wish.want.value, "" if entry is None else entry.session]
    if wish.want is Want.FORK and entry is not None and entry.turn is not None:
        words += ["--at", str(entry.turn)]
    out.flush()
    with contextlib.suppress(OSError):
        os.execve(sys.executable, [*_AGAIN, "--root", app.place, *words], app.env)
    raise Refused(f"could not {wish.want}: rec cannot be started again", advice=f"rec {' '.join(words)}")
