"""``rec resume``, and how ``rec run --continue`` finds what it goes on with.

Only the order of things is decided here: everything that can be refused is, before the session is
taken; it is taken before the tool starts, and given back if that fails.
"""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING

import click

from recorder import care, config, identity, launch, lookup, newrun, resuming
from recorder.commands import out
from recorder.commands.params import Command, in_app, now_ms
from recorder.commands.record import Wanted, record
from recorder.errors import NotFound, RecError, Refused, StoreError
from recorder.model import Near
from recorder.safe import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.commands.app import App
    from recorder.model import Session, Summary
    from recorder.origin import Origin
    from recorder.store import Store


@click.command(cls=Command, examples=("rec resume", "rec resume shop", "rec resume @1"))
@click.argument("session", required=False)
@in_app
def resume(app: App, session: str | None) -> int:
    """Start SESSION's tool again, and record on into it.

    The tool gets the same command line in the same directory; its events come behind those that are there.
    Without SESSION: the one that this directory, or its git root, was left with last, if that is no longer
    ago than `continue_within` in config.toml (60m by default). A live session is never taken.
    """
    with app.writing(*filter(None, [session])) as store:
        _tidy(app, store)
        summary = _named(app, store, session) if session is not None else _near(app, store)
        argv = resuming.command_line(summary.session)
        see_command_line(app, store, summary.session, "resume")
        origin = _take(app, store, summary, argv)
    return record(app, Wanted(argv, origin=origin))


def continued(app: App, wanted: Wanted) -> Wanted:
    """Return what ``--continue`` goes on with: the newest such session of this command line, or a new one.

    A tool is never kept from its user by a store that fails, or by another terminal that was quicker.
    """
    try:
        with app.writing() as store:
            _tidy(app, store)
            summary = _newest(app, store, wanted.argv)
            if summary is None:
                app.tell("rec: there is no session to continue here: a new one begins")
                return wanted
            return wanted._replace(origin=_take(app, store, summary, wanted.argv))
    except (Refused, NotFound, StoreError) as error:
        app.tell(f"rec: {error.message}: a new session begins")
        return wanted


def see_command_line(app: App, store: Store, session: Session, verb: str) -> None:
    """Ask before a command line is run that came with a directory; raise Refused unless the answer is yes."""
    if not resuming.is_foreign(store, session):
        return
    line = visible(shlex.join(session.argv))
    if not app.can_ask():
        raise Refused(
            f"could not {verb} {session.ulid}: its command line came with its directory: nobody was asked",
            advice=f"it would run {line}; `rec meta {session.ulid} --rm adopted` says that it may",
        )
    app.tell(f"rec: this session came with its directory, {session.directory}")
    if not click.confirm(f"Run {line} in {visible(session.cwd)}?", err=True):
        raise Refused("nothing was run")
    resuming.vouch(store, session)


def give_back(app: App, origin: Origin, status: int) -> None:
    """Leave the session as it was: its tool could not be started, for which ``status`` stands."""
    if origin.invocation is not None:
        with contextlib.suppress(RecError), app.writing() as store:
            resuming.give_back(store, origin.invocation, now_ms(), status)


def go_there(app: App, session: Session, argv: Sequence[str], verb: str) -> None:
    """Go to the session's directory and see that the tool is there; raise what keeps it from starting."""
    resuming.enter(session, verb)
    app.env = {**app.env, "PWD": session.cwd}
    launch.plan(argv, app.env, None)


def _tidy(app: App, store: Store) -> None:
    """Complete what crashes left, however long that takes: what follows must not come before it."""
    for problem in care.tidy(store, app.settings.root, app.alive, app.settings.rules).problems:
        app.tell(f"rec: {problem}")


def _named(app: App, store: Store, needle: str) -> Summary:
    summary = lookup.summary(store, needle, app.current())
    resuming.check(summary, app.alive)
    return summary


def _near(app: App, store: Store) -> Summary:
    """Return the session that this place was left with last; raise Refused where there is none."""
    summary = _newest(app, store)
    if summary is None:
        raise NotFound(
            "could not resume: no session that has ended was used here lately",
            advice="`rec ls --here` lists the sessions of this place; `rec resume SESSION` takes any of them",
        )
    return summary


def _newest(app: App, store: Store, argv: Sequence[str] | None = None) -> Summary | None:
    place = newrun.cwd()
    near = Near(place, config.git_root(place), now_ms() - app.settings.continue_within_s * 1000)
    return resuming.newest(store, near, identity.alive, argv)


def _take(app: App, store: Store, summary: Summary, argv: Sequence[str]) -> Origin:
    """Go to the session's directory, see that the tool is there, take the session, say what there is."""
    session, here = summary.session, newrun.cwd()
    go_there(app, session, argv, "resume")
    origin = resuming.take(store, summary, argv, app.env, now_ms())
    app.say(origin.greeting)
    out.flush()  # the tool's output goes past Python's buffer
    told = [f"it goes on in {session.cwd}"] if session.cwd != here else []
    if origin.invocation is not None:
        told += resuming.differences(summary.invocation, origin.invocation)
    for line in told:
        app.tell(f"rec: {line}")
    return origin
