"""``rec replay``: the first line, then the transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import lookup, render, render_json, sessions, transcripts
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

    First how much there is, then what was typed and what came back. In between, and on standard error if
    the output is no terminal: which version recorded it, what the tool talked to, and `interrupted` if its
    recorder died.
    Nothing recorded can drive your terminal, unless you ask for --raw.
    """
    with app.reading() as store:
        summary = lookup.summary(store, session, app.current())
        ulid = summary.session.ulid
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
        page, status = app.page(), sessions.status_of(summary, app.alive)
        known = render.provenance(summary, status, page)
        if raw:
            app.tell(shown.first_line)  # beside the bytes, which stay exactly what was recorded
            if known:
                app.tell(f"rec: {known}")
            app.say_bytes(transcripts.replay_raw(store, ulid, last))
            return
        with app.paged():
            app.say(shown.first_line)
            if known and app.on_terminal:
                app.say(page.paint(f"rec: {known}", "dim"))
            elif known:
                app.tell(f"rec: {known}")
            for piece in render.transcript(shown.events, page):
                app.say(piece, end="")
