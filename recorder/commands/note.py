"""``rec note`` and ``rec alert``: a line of one's own in the session that is being recorded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from recorder import sessions
from recorder.commands.params import Command, in_app, now_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.commands.app import App
    from recorder.model import Event
    from recorder.store import Store

PATIENCE_S, POLL_S = 1.0, 0.05
words_argument = click.argument("words", nargs=-1, required=True, metavar="TEXT")


@click.command(cls=Command, examples=("rec note the index was missing",))
@words_argument
@in_app
def note(app: App, words: tuple[str, ...]) -> None:
    """Write TEXT into the current session as a note."""
    _write(app, "write the note", words, sessions.note)


@click.command(cls=Command, examples=("rec alert the nightly import failed",))
@words_argument
@in_app
def alert(app: App, words: tuple[str, ...]) -> None:
    """Raise an alert with TEXT in the current session."""
    _write(app, "raise the alert", words, sessions.alert)


def _write(
    app: App,
    verb: str,
    words: tuple[str, ...],
    write: Callable[[Store, str, str, int], Event],
) -> None:
    text = " ".join(words)
    if not text.strip():
        raise click.UsageError("TEXT is empty", click.get_current_context())
    ulid = app.require_current(verb)
    app.require_persistence()
    _await_row(app, ulid)
    with app.writing() as store:
        write(store, ulid, text, now_ms())


def _await_row(app: App, ulid: str) -> None:
    """Give the recorder time to store the session: its row comes with the first thing it records."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with app.reading() as store:
            if store.summary(ulid) is not None:
                return
        time.sleep(POLL_S)
