"""``rec rm``: delete sessions, or single turns, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import keeping, lookup, units
from recorder.commands.params import Command, in_app
from recorder.errors import Refused
from recorder.safe import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.commands.app import App
    from recorder.model import Summary, Turn

_SHOWN = 60  # characters of a command


@click.command(cls=Command, examples=("rec rm shop", "rec rm shop:12", "rec rm --with-forks --yes shop @3"))
@click.argument("names", nargs=-1, required=True, metavar="SESSION|TURN…")
@click.option("--with-forks", is_flag=True, help="Also the sessions that were forked off them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_app
def rm(app: App, names: Sequence[str], *, with_forks: bool, yes: bool) -> None:
    """Delete sessions, or erase turns; no byte of them is left.

    TURN is SESSION:N. An erased turn keeps its number, its time and how it ended.
    A session that is being recorded stays as it is, and so does one with forks without --with-forks.
    On a terminal it asks first; elsewhere it does not, as with rm.
    """
    if all(each.startswith(":") for each in names):
        app.stay()
    with app.writing(*names) as store:
        turns = [lookup.turn(store, each, app.current()) for each in names if lookup.is_turn(each)]
        ulids = [lookup.session(store, each, app.current()) for each in names if not lookup.is_turn(each)]
        what = keeping.doomed(store, ulids, app.alive, with_forks=with_forks)
        for turn in turns:
            keeping.erasable(store, turn, app.alive, with_forks=with_forks)
        if not yes and app.can_ask():
            _ask(app, [*map(_session, what.sessions), *map(_turn, turns)])
        deleted = keeping.delete(store, app.settings.root, ulids, app.alive, with_forks=with_forks)
        for turn in turns:
            keeping.erase(store, app.settings.root, turn, app.alive)
    if ulids:
        app.say(f"{units.count(deleted, 'session')} deleted")
    if turns:
        app.say(f"{units.count(len(turns), 'turn')} erased")


def _ask(app: App, things: list[str]) -> None:
    """Ask whether these are to be deleted; raise Refused unless the answer is yes."""
    for each in things:
        app.tell(f"  {visible(each)}")
    if not click.confirm("Delete for good?", err=True):
        raise Refused("nothing was deleted")


def _session(each: Summary) -> str:
    labels = f" ({', '.join(each.labels)})" if each.labels else ""
    return f"session {each.session.ulid}{labels}: {each.session.tool}, {units.count(each.n_events, 'event')}"


def _turn(each: Turn) -> str:
    return f"turn {each.session}:{each.turn}: {each.command[:_SHOWN]}"
