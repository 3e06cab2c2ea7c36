"""``rec note`` and ``rec alert``: a line of one's own in the session that is being recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import sessions
from recorder.commands.params import Command, in_app, now_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.commands.app import App
    from recorder.model import Event
    from recorder.store import Store

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
    _ = app.settings  # wrong ones are refused before anything is read
    app.await_row(ulid)
    with app.writing() as store:
        write(store, ulid, text, now_ms())
