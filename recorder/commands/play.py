"""``rec play``: a session again, at its own pace."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from recorder import config, lookup, screening
from recorder.commands.params import Command, in_app
from recorder.commands.progress import Progress
from recorder.errors import Refused
from recorder.film import Film
from recorder.model import End
from recorder.origin import IMPORTED
from recorder.playback import Player
from recorder.projector import Projector
from recorder.reel import BEGIN
from recorder.safe import visible
from recorder.terminal import Terminal

if TYPE_CHECKING:
    from recorder.commands.app import App
    from recorder.reel import Place
    from recorder.store import Store

_LEAST, _MOST = 1 / 16, 64.0


def _speed(text: str) -> float:
    """Return a speed such as ``2`` or ``0.5``."""
    value = _number(text)
    if value is None or not _LEAST <= value <= _MOST:
        message = f"{text!r} is no speed; write it like 2 or 0.5, from 1/16 to 64"
        raise click.BadParameter(message)
    return value


def _idle(text: str) -> float:
    """Return seconds such as ``2``, ``0.5`` or ``2s``."""
    value = _number(text.removesuffix("s"))
    if value is None or value > 10**9:
        message = f"{text!r} is no number of seconds; write it like 2 or 0.5"
        raise click.BadParameter(message)
    return value


def _number(text: str) -> float | None:
    if not text.isascii() or not text.replace(".", "", 1).isdigit() or len(text) > 12:
        return None
    return float(text)


@click.command(
    cls=Command,
    examples=("rec play shop", "rec play shop:12 --speed 2", "rec play @1 --idle 1", "rec play - --raw"),
)
@click.argument("which", metavar="SESSION|TURN")
@click.option(
    "--speed", type=_speed, default="1", metavar="X", help="How fast, from 1/16 to 64; keys change it."
)
@click.option("--idle", type=_idle, metavar="S", help="Let no pause take longer than S seconds.")
@click.option("--find", default="", metavar="WORDS", help="Begin where WORDS stand, as / does; paused.")
@click.option("--raw", is_flag=True, help="The recorded bytes as they are; they can drive your terminal.")
@click.option("--yes", is_flag=True, help="Play the bytes of a file that was imported without being asked.")
@in_app
@click.pass_context
def play(
    ctx: click.Context,
    app: App,
    which: str,
    *,
    speed: float,
    idle: float | None,
    find: str,
    raw: bool,
    yes: bool,
) -> int:
    """Play SESSION as it was, at its own pace.

    Space pauses, arrows seek, [ and ] go from turn to turn, / searches, ? lists all keys.
    A TURN is played from its beginning and pauses at its end.
    Nothing recorded can drive your terminal, unless you ask for --raw; what was imported asks once more.
    Where there is no terminal to play on, or with --raw, it is written at its pace, with no keys but q.
    """
    if yes and not raw:
        ctx.fail("--yes goes with --raw")
    if find and raw:
        ctx.fail("--find does not go with --raw")
    if which.startswith(":"):
        app.stay()
    with app.reading() as store:
        turn = lookup.turn(store, which, app.current()) if lookup.is_turn(which) else None
        if turn is None:
            ulid = lookup.session(store, which, app.current())
        else:
            ulid = lookup.owner(store, which.rpartition(":")[0], app.current())
        if raw and not yes:
            _ask(app, store, which, ulid)
        film = Film(store, ulid, None if idle is None else int(idle * 1000), app.alive)
        with Progress("bytes") as progress:
            for done, total in film.open():
                progress.told(done, total)
        span: tuple[Place, Place | None] = (BEGIN, None)
        if turn is not None:
            if turn.erased:
                raise Refused(f"could not play {which}: it is erased")
            stop = None if turn.end is End.RUNNING else film.place(turn.session, turn.raw_end, reach=True)
            span = film.place(turn.session, turn.raw_start), stop
        if not film.reel.blocks:
            raise Refused(f"could not play {which}: no output is kept of it")
        return _show(app, film, span, speed, find=find, raw=raw)


def _ask(app: App, store: Store, which: str, ulid: str) -> None:
    """Ask before bytes that came in a file drive a terminal; raise Refused unless the answer is yes."""
    name = store.meta(ulid).get(IMPORTED)  # no fork has such bytes: what is imported has no command line
    if name is None:
        return
    if not app.can_ask():
        raise Refused(
            f"could not play {which} raw: it was imported: nobody was asked",
            advice="its bytes can drive a terminal; --yes says that they may",
        )
    app.tell(f"rec: this session was imported from {visible(name)}: its bytes can drive your terminal")
    if not click.confirm("Play them as they are?", err=True):
        raise Refused("nothing was played")


def _show(
    app: App, film: Film, span: tuple[Place, Place | None], speed: float, *, find: str, raw: bool
) -> int:
    """Play on the terminal with keys; where that cannot be, straight through."""
    terminal = Terminal.open()
    notes = config.runtime_dir(app.env)
    with contextlib.closing(terminal):
        if raw or not terminal.interactive or app.env.get("TERM", "dumb") == "dumb":
            if find:
                raise Refused("could not find words: this needs a terminal", advice="`rec search` finds them")
            return screening.straight(terminal, film.reel, span, speed, raw=raw, notes=notes)
        projector = Projector(film.reel, film.size)
        player = Player(film, projector, speed=speed, live=film.live())
        player.begin(*span, find)

        def grown() -> bool:
            film.more()
            return film.live()

        colour = not app.env.get("NO_COLOR")
        return screening.Screening(terminal, player, colour=colour, notes=notes, grown=grown).screen()
