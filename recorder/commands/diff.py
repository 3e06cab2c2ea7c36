"""``rec diff``: what changed between the outputs of two turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import difference, lookup, render_diff, render_json, sessions, transcripts
from recorder.commands.params import Command, in_app, json_option
from recorder.errors import Refused

if TYPE_CHECKING:
    from recorder.commands.app import App
    from recorder.model import Turn
    from recorder.store import Store


@click.command(
    cls=Command, examples=("rec diff :-2 :-1", "rec diff before:12 after:12", "rec diff shop:3 :-1 --json")
)
@click.argument("one", metavar="TURN")
@click.argument("other", metavar="TURN")
@json_option
@in_app
def diff(app: App, one: str, other: str, *, as_json: bool) -> None:
    """Compare what two turns printed.

    Lines that only the first one printed begin with -, those of the second with +.
    A TURN is SESSION:N, or :N in the current or newest session; a negative N counts from the end.
    The status is 0 whether something differs or not.
    """
    if one.startswith(":") or other.startswith(":"):
        app.stay()
    with app.reading() as store:
        turns = [_turn(store, words, app.current()) for words in (one, other)]
        turns = sessions.settled(store, turns, app.alive)
        names = sessions.turn_names(store, turns)
        texts = [transcripts.output_text(store, turn) for turn in turns]
        left_out = [turn for turn in turns if turn.truncated]
    titles = [f"{names[turn.session]}:{turn.turn}" for turn in turns]
    lines = list(difference.unified(texts[0], texts[1], (titles[0], titles[1])))
    for turn in left_out:
        app.tell(f"rec: the output of {names[turn.session]}:{turn.turn} is long: its middle is not compared")
    if as_json:
        app.say(render_json.dumps(render_json.diff(turns, lines)))
        return
    with app.paged():
        app.say_lines(render_diff.diff(turns, titles, lines, app.page()))


def _turn(store: Store, words: str, current: str | None) -> Turn:
    """Return the turn that was named; raises Refused where nothing is left of it."""
    found = lookup.turn(store, words, current)
    if found.erased:
        raise Refused(f"could not compare {words}: it was erased")
    return found
