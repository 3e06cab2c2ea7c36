"""``rec meta``: values that are kept with a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from recorder import lookup, metadata, render_json
from recorder.commands.params import Command, in_app, json_option
from recorder.errors import UsageError_

if TYPE_CHECKING:
    from recorder.commands.app import App
    from recorder.model import JsonValue


@click.command(
    cls=Command,
    examples=("rec meta shop ticket OPS-42", "rec meta shop external_id", "rec meta shop --rm ticket"),
)
@click.argument("session")
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--rm", "dropped", metavar="KEY", help="Take KEY away.")
@json_option
@in_app
def meta(
    app: App, session: str, key: str | None, value: str | None, dropped: str | None, *, as_json: bool
) -> None:
    """Keep a value with SESSION, or show what is kept.

    Without VALUE: that of KEY; without KEY: all. `external_id` is for the id that the tool itself gives
    its session.
    """
    if dropped is not None and key is not None:
        raise UsageError_("could not take a key away: expected SESSION --rm KEY")
    if value is None and dropped is None:
        _show(app, session, key, as_json=as_json)
        return
    app.await_row(session)
    with app.writing(session) as store:
        ulid = lookup.session(store, session, app.current())
        if dropped is not None:
            metadata.remove(store, ulid, dropped)
        elif key is not None and value is not None:
            metadata.put(store, ulid, key, value)


def _show(app: App, session: str, key: str | None, *, as_json: bool) -> None:
    with app.reading() as store:
        ulid = lookup.session(store, session, app.current())
        kept: dict[str, JsonValue] = (
            {key: metadata.value(store, ulid, key)} if key is not None else dict(store.meta(ulid))
        )
    if as_json:
        app.say(render_json.dumps(kept))
    elif key is not None:
        app.say(str(kept[key]))
    else:
        app.say_lines(f"{name}\t{text}" for name, text in sorted(kept.items()))
