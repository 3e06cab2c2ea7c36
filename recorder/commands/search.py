"""``rec search``: where some words were submitted or printed."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from recorder import query as asking
from recorder import render_json, searching, sessions
from recorder.commands.params import Command, count, in_app, json_option, moment
from recorder.commands.progress import Progress
from recorder.errors import NotFound, RecError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from recorder.commands.app import App
    from recorder.query import Hit, Query, Spans

PAGE = 20  # hits, for a person who names no number
TEXT_S = 1.0  # for one text: a regular expression may take for ever on 64 KiB
_UNSEEN = (
    "what drew on the whole screen, and the middle of very long outputs, is not searched; `rec play` has it"
)
TEXTS = 3  # that may take longer before it is given up


@click.command(
    cls=Command,
    examples=(
        "rec search connection refused",
        "rec search 'conn*' --in output --since 7d",
        'rec search "no such file" --failed',
        "rec search --regex '^ERROR: +[a-z]+' --tool psql",
        "rec search drop table --in prompt --json",
    ),
)
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--in",
    "place",
    type=click.Choice(tuple(asking.PLACES)),
    default="all",
    help="Only what was submitted, or only what came back.",
)
@click.option(
    "--regex", is_flag=True, help="WORDS is one regular expression (Python's); it reads every text."
)
@click.option("--tool", metavar="T", help="Only sessions of tool T.")
@click.option("--host", metavar="T", help="Only sessions on host T.")
@click.option("--cwd", metavar="DIR", help="Only turns that ran in DIR.")
@click.option("--failed", is_flag=True, help="Only turns with a status other than 0, a warn or an alert.")
@click.option(
    "--since",
    "since_ms",
    type=moment,
    metavar="T",
    help="Only what is from T or later: how long ago (90s 10m 2h 7d), a local date (2026-07-01), or an"
    " RFC 3339 time.",
)
@click.option("--best", is_flag=True, help="The best of the newest 1000 hits first, not the newest.")
@click.option(
    "-n", "limit", type=count, metavar="N", help=f"At most N hits; without it {PAGE}, with --json all."
)
@json_option
@in_app
def search(
    app: App,
    /,
    words: tuple[str, ...],
    limit: int | None,
    *,
    regex: bool,
    best: bool,
    as_json: bool,
    **narrow: Any,  # noqa: ANN401  (options that are called as a query's fields)
) -> None:
    """Find WORDS in prompts and outputs, newest session first.

    All WORDS must be in one text, whatever their case, and are taken literally: 'conn*' is the
    beginning of a word, '*conn*' any part of one, one argument of two words a phrase. If no word is
    found, parts of words are. What an earlier search printed is passed over.
    """
    patience = _Patience()
    queries = [_narrowed(app, query, **narrow) for query in _queries(words, patience, regex=regex)]
    most = limit if limit is not None or as_json else PAGE
    with app.reading() as store, Progress("sessions") as progress:
        _catch_up(app, searching.behind(store))
        found = searching.find(store, queries, most, progress.told, best=best)
        if as_json:
            hits = []
            any_hit = _say_json(app, found.hits)
        else:
            hits = list(found.hits)
            any_hit = bool(hits)
            names = sessions.turn_names(store, [hit.event for hit in hits])
    patience.report(app)
    if not any_hit:
        raise NotFound(f"nothing found: {' '.join(words)}", advice=_UNSEEN)
    if not as_json:
        _say(app, hits, names, cut=len(hits) == most and limit is None)
        if found.loose:
            app.tell("rec: no such word; it is a part of these")


def _narrowed(app: App, query: Query, *, place: str, cwd: str | None, **narrow: Any) -> Query:  # noqa: ANN401  (as above)
    """Return a query for less; the rest of ``narrow`` is called as in the query itself."""
    cwds = None if cwd is None else app.directory(cwd)
    return replace(query, kinds=asking.PLACES[place], cwds=cwds, **narrow)


def _queries(words: Sequence[str], patience: _Patience, *, regex: bool) -> list[Query]:
    """Return what is to be searched for, and what instead if that is not found."""
    if regex:
        query = asking.of_pattern(" ".join(words))
        return [replace(query, find=patience.limited(query.find))]
    return asking.asked(words)


def _say_json(app: App, hits: Iterable[Hit]) -> bool:
    """Print each hit when it is found; say whether there was one."""
    found = False
    for hit in hits:
        found = True
        app.say(render_json.dumps(render_json.hit(hit)))
    return found


def _say(app: App, hits: Sequence[Hit], names: Mapping[str, str], *, cut: bool) -> None:
    from recorder import render_search

    app.say_lines(render_search.hits(hits, names, app.page()))
    if cut:
        app.tell(f"rec: the first {len(hits)} hits; -n {5 * PAGE} shows more")


def _catch_up(app: App, behind: Sequence[str]) -> None:
    """Index what is not, if it is much: a store of an older version, or one without a recorder's end."""
    if not behind:
        return
    with suppress(RecError), app.writing() as store, Progress("sessions indexed") as progress:
        searching.catch_up(store, behind, progress.told)  # where it cannot be, every text is looked at


class _TooLongError(Exception):
    """One text has taken too long."""


def _too_slow() -> Refused:
    return Refused(
        f"could not search: the regular expression takes longer than {TEXT_S:.0f} s on one text",
        advice="one without repetitions within repetitions, such as (a+)+, is faster",
    )


class _Patience:
    """How long a regular expression may take: it can be interrupted by a signal only."""

    def __init__(self) -> None:
        self._late = 0

    def limited(self, find: Callable[[str], Spans]) -> Callable[[str], Spans]:
        """Return what searches as ``find`` does, and passes over a text that takes too long."""
        signal.signal(signal.SIGALRM, self._ring)

        def search_one(text: str) -> Spans:
            try:
                signal.setitimer(signal.ITIMER_REAL, TEXT_S)
                try:
                    return find(text)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except _TooLongError:
                self._late += 1
                if self._late == TEXTS:
                    raise _too_slow() from None
                return []

        return search_one

    @staticmethod
    def _ring(*_: object) -> None:
        raise _TooLongError

    def report(self, app: App) -> None:
        """Say what was passed over."""
        if self._late:
            app.tell(f"rec: {self._late} texts were passed over: the regular expression takes too long")
