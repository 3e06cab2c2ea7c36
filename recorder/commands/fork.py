"""``rec fork``: start a session's tool anew, and record into a child of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import care, forking, lookup, resuming, units
from recorder.commands import out, resume
from recorder.commands.params import Command, in_app, now_ms
from recorder.commands.record import Wanted, record
from recorder.errors import Refused
from recorder.labels import check_label
from recorder.rerun import Plan
from recorder.safe import visible

if TYPE_CHECKING:
    from recorder.commands.app import App
    from recorder.model import Session
    from recorder.origin import Origin
    from recorder.rerun import Step


@click.command(
    cls=Command,
    examples=("rec fork shop", "rec fork @1 --at 12 --label second-try", "rec fork @1 --rerun"),
)
@click.argument("session")
@click.option(
    "--at", "at", type=int, metavar="N", help="Cut after turn N; -1 is the last. Default: the last."
)
@click.option("--rerun", is_flag=True, help="Submit the turns up to there again, one after the other.")
@click.option("--keep-going", is_flag=True, help="Do not stop where a turn ends otherwise than it did.")
@click.option("--yes", is_flag=True, help="Run a shell's commands again without being asked.")
@click.option("--label", metavar="L", help="Name the child.")
@in_app
@click.pass_context
def fork(
    ctx: click.Context,
    app: App,
    session: str,
    at: int | None,
    label: str | None,
    *,
    rerun: bool,
    keep_going: bool,
    yes: bool,
) -> int:
    """Start the tool of SESSION anew, in a child of it.

    The child has the turns of SESSION up to turn N, and goes on from there. With --rerun the tool is brought
    to where it was then: the child's first turns are those of SESSION, submitted again. That stops at the
    first that ends otherwise, and at hidden input; Ctrl-C stops it, too.
    """
    if (keep_going or yes) and not rerun:
        ctx.fail("--keep-going and --yes go with --rerun")
    name = None if label is None else check_label(label)
    origin, argv, steps = _planned(app, session, at, again=rerun)
    if rerun and not yes and forking.is_shell(origin.session) and steps:
        _ask(app, origin.session, steps)
    app.say(origin.greeting)
    out.flush()  # before the tool's first word
    plan = Plan(steps, keep_going=keep_going) if rerun else None
    return record(app, Wanted(argv, name, origin=origin, rerun=plan))


def _planned(
    app: App, needle: str, at: int | None, *, again: bool
) -> tuple[Origin, tuple[str, ...], list[Step]]:
    """Look into the store, go to the session's directory, see that the tool is there."""
    with app.writing(needle) as store:
        care.tidy(store, app.settings.root, app.alive, app.settings.rules)
        summary = lookup.summary(store, needle, app.current())
        cut = forking.turn(store, summary, at, app.alive)
        parent = summary.session
        argv = resuming.command_line(parent, "fork")
        resume.see_command_line(app, store, parent, "fork")
        resume.go_there(app, parent, argv, "fork")
        steps = forking.steps(store, parent.ulid, cut) if again else []
        return forking.origin(store, parent, cut, app.env, now_ms(), again=again), argv, steps


def _ask(app: App, session: Session, steps: list[Step]) -> None:
    """Ask whether a shell's commands are to be run again; raise Refused unless the answer is yes."""
    count = units.count(len(steps), "command")
    if not app.can_ask():
        raise Refused(
            f"could not run {count} of {session.tool} again: nobody was asked", advice="--yes says yes"
        )
    for step in steps[:10]:
        gone = f"[{step.cause}]" if step.cause and not step.text else ""
        click.echo(f"  {visible(step.text)}{gone}", err=True)
    if len(steps) > 10:
        click.echo(f"  and {len(steps) - 10} more", err=True)
    if not click.confirm(f"Run {count} of {session.tool} again?", err=True):
        raise Refused("nothing was run")
