"""``rec output``: what a turn printed."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import click

from recorder import lookup, render, render_json, sessions, transcripts
from recorder.commands.params import Command, in_app, json_option
from recorder.erasing import GONE
from recorder.model import Kind
from recorder.safe import safe_text

if TYPE_CHECKING:
    from recorder.commands.app import App
    from recorder.model import Turn
    from recorder.store import Store


@click.command(cls=Command, examples=("rec output", "rec output shop:3", "rec output :-1 --raw > answer.bin"))
@click.argument("turn", required=False)
@click.option("--raw", is_flag=True, help="The recorded bytes, escape sequences and all.")
@json_option
@in_app
def output(app: App, turn: str | None, *, raw: bool, as_json: bool) -> None:
    """Print what TURN printed.

    Without TURN, the last finished one.
    TURN is SESSION:N, or :N in the current or newest session; a negative N counts from the end.
    """
    if turn is None or turn.startswith(":"):
        app.stay()
    with app.reading() as store:
        if turn is None:
            found = lookup.last_finished(store, app.current())
        else:
            found = lookup.turn(store, turn, app.current())
        if as_json:
            found = sessions.settled(store, [found], app.alive)[0]
            app.say(render_json.dumps(_as_json(store, found, raw=raw)))
        elif raw:
            app.say_bytes(transcripts.output_raw(store, found))
        else:
            with app.paged():
                _say_text(app, store, found)


def _as_json(store: Store, turn: Turn, *, raw: bool) -> render_json.Object:
    line = render_json.turn(turn)
    if raw:
        data = b"".join(transcripts.output_raw(store, turn))
        line["output_b64"] = base64.b64encode(data).decode("ascii")
    else:
        line["output"] = transcripts.output_text(store, turn)
    return line


def _say_text(app: App, store: Store, turn: Turn) -> None:
    """Print the text, made safe where it meets a terminal; elsewhere it is as recorded."""
    page = app.page()
    if turn.erased:
        app.say(page.paint(GONE, "dim"))
        return
    ended, shown = True, False
    for event in transcripts.output_events(store, turn):
        if event.kind == Kind.OUTPUT:
            text = safe_text(event.text) if app.on_terminal else event.text
        else:
            text = ("" if ended else "\n") + render.notice(event.text, page)
        if text:
            app.say(text, end="")
            ended, shown = text.endswith("\n"), True
    if not shown and transcripts.on_full_screen(store, turn):
        app.tell("rec: it drew on the whole screen, of which no lines are left; `rec play` shows it")
    if app.on_terminal and not ended:
        app.say("")
