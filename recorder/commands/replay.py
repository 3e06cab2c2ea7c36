"""``rec replay``: the first line, then the transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import lookup, render, render_json, transcripts
from recorder.commands.params import Command, count, in_app, json_option, now_ms

if TYPE_CHECKING:
    from recorder.commands.app import App


@click.command(cls=Command, examples=("rec replay shop", "rec replay @1 -n 20", "rec replay - --json"))
@click.argument("session")
@click.option("-n", "last", type=count, metavar="N", help="The last N events.")
@click.option("--raw", is_flag=True, help="The recorded bytes; they can drive your terminal.")
@json_option
@in_app
def replay(app: App, session: str, last: int | None, *, raw: bool, as_json: bool) -> None:
    """Show SESSION as it was.

    First how much there is, then what was typed and what came back.
    Nothing recorded can drive your terminal, unless you ask for --raw.
    """
    with app.reading() as store:
        ulid = lookup.session(store, session, app.current())
        shown = transcripts.replay(store, ulid, now_ms(), last)
        if as_json:
            app.say(
                render_json.dumps(
                    {
                        "first_line": shown.first_line,
                        "n_events": shown.n_events,
                        "most_recent_at": render_json.moment(shown.most_recent_ms),
                        "events": [render_json.event(event) for event in shown.events],
                    }
                )
            )
            return
        if raw:
            app.tell(shown.first_line)  # beside the bytes, which stay exactly what was recorded
            app.say_bytes(transcripts.replay_raw(store, ulid, last))
        else:
            app.say(shown.first_line)
            for piece in render.transcript(shown.events, app.page()):
                app.say(piece, end="")
