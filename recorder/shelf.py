"""What the browser's panes hold, read from the store as far as it is shown.

Takes its store and the liveness check, prints nothing. What is read to be searched in while somebody types is
kept until the search is over.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

from recorder import lineage, query, searching, sessions, transcripts
from recorder.browsing import Entry, Level, Line
from recorder.erasing import GONE
from recorder.model import Kind
from recorder.row import cell_width, expand
from recorder.safe import safe_text, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from recorder.browsing import Pane
    from recorder.model import Summary, Turn
    from recorder.query import Hit
    from recorder.sessions import Alive
    from recorder.store import Store

PATIENCE_S = 0.3  # for a search while somebody types


class _LateError(Exception):
    """A search has taken long enough."""


class Shelf:
    """One store as the browser reads it, and what a search that is being typed goes through."""

    def __init__(self, store: Store, alive: Alive, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep them; nothing is read yet."""
        self._store, self._alive, self._clock = store, alive, clock
        self._short: dict[str, str] = {}
        self._summaries: list[tuple[str, Summary]] | None = None

    def rows(self, pane: Pane, columns: int) -> tuple[Sequence[Entry | Line], bool]:
        """Return the rows of a pane, and whether there are more than its limit."""
        if pane.level is Level.OUTPUT:
            return self._output(pane.of, columns), False
        if pane.level is Level.TURNS:
            return self._turns(pane), False
        if pane.query.strip():
            return self._found(pane)
        self._summaries, self._short = None, {}
        rows = sessions.listing(self._store, sessions.Wanted(limit=pane.limit), self._alive, 0)
        return [Entry(row.ulid, None, row) for row in rows], len(rows) == pane.limit

    def names(self, rows: Sequence[Entry | Line]) -> tuple[dict[str, str], dict[str, str]]:
        """Return what to call the sessions of some rows: in short, and by a label where there is one."""
        ulids = {row.session for row in rows if isinstance(row, Entry)}
        if new := ulids - self._short.keys():  # all ids are looked through for that
            self._short |= sessions.short_names(self._store, new)
        short = {ulid: self._short[ulid] for ulid in ulids}
        labels = {ulid: label for label, ulid in reversed(self._store.labels()) if ulid in ulids}
        return short, {**short, **labels}

    def turn(self, entry: Entry) -> Turn | None:
        """Return the turn that a row means, as it is now."""
        return None if entry.turn is None else lineage.turn(self._store, entry.session, entry.turn)

    def text(self, entry: Entry) -> str:
        """Return what a turn printed, as it was recorded."""
        turn = self.turn(entry)
        return "" if turn is None else transcripts.output_text(self._store, turn)

    def newest(self, entry: Entry, count: int) -> list[Turn]:
        """Return the newest turns of a session's own."""
        return sessions.settled(self._store, self._store.turns(entry.session, last=count), self._alive)

    def beginning(self, entry: Entry, columns: int, count: int) -> list[str]:
        """Return the first rows of what a turn printed, or those from where it is to be opened."""
        rows = (row.text for row in self._printed(entry, columns))
        if not entry.find:
            return list(islice(rows, count))
        whole, find = list(rows), entry.find.casefold()
        at = next((i for i, row in enumerate(whole) if find in row.casefold()), 0)
        return whole[at : at + count]

    # --- lists -------------------------------------------------------------------------------------

    def _turns(self, pane: Pane) -> list[Entry]:
        if pane.of is None:
            return []
        ulid, words = pane.of.session, _words(pane.query)
        turns = sessions.settled(self._store, lineage.turns(self._store, ulid), self._alive)
        return [
            Entry(ulid, turn.turn, turn, words=_together(words, turn.command))
            for turn in turns
            if _holds(turn.command.casefold(), words)
        ]

    def _found(self, pane: Pane) -> tuple[list[Entry], bool]:
        """Return the sessions whose tool, label or directory holds the words, then where they stand."""
        words = _words(pane.query)
        if self._summaries is None:
            self._summaries = [(_described(each), each) for each in self._store.summaries()]
        rows = [sessions.row(each, self._alive) for text, each in self._summaries if _holds(text, words)]
        hits, more = self._hits(pane.query, pane.limit)
        return [*(Entry(row.ulid, None, row) for row in rows), *map(_place, hits)], more

    def _hits(self, line: str, limit: int | None) -> tuple[list[Hit], bool]:
        """Return where the words of a line stand, the last one as far as it is typed; whether there is more.

        With a limit it takes no longer than a person who types waits for.
        """
        words = query.spoken(line)
        words[-1] += "*" if words[-1][-1].isalnum() else ""
        phrase = query.asked([" ".join(words)])[0]
        until = None if limit is None else self._clock() + PATIENCE_S

        def told(_done: int, _of: int) -> None:
            if until is not None and self._clock() > until:
                raise _LateError

        hits: list[Hit] = []
        try:
            for hit in searching.find(self._store, query.asked(words), limit, told).hits:
                hits.append(_nearer(hit, phrase))  # noqa: PERF401  (what was found before it is late counts)
        except _LateError:
            return hits, True
        return hits, len(hits) == limit

    # --- output ------------------------------------------------------------------------------------

    def _output(self, entry: Entry | None, columns: int) -> list[Line]:
        return [] if entry is None else list(self._printed(entry, columns))

    def _printed(self, entry: Entry, columns: int) -> Iterator[Line]:
        """Yield what a turn printed, made safe, in rows of at most some columns."""
        turn = self.turn(entry)
        if turn is None or turn.erased:
            yield Line(0, GONE if turn is not None else "this turn is not there any more")
            return
        for number, line in enumerate(self._lines(turn)):
            for row in wrapped(expand(line, 0), max(1, columns)):
                yield Line(number, row)

    def _lines(self, turn: Turn) -> Iterator[str]:
        """Yield the lines of an output; what is kept as raw bytes only has a line that says so."""
        held = ""
        for event in transcripts.output_events(self._store, turn):
            if event.kind != Kind.OUTPUT:
                yield from [held] if held else []
                held = ""
                yield f"[{visible(event.text)}]"
                continue
            *whole, held = (held + safe_text(event.text)).split("\n")
            yield from whole
        yield from [held] if held else []


def _words(line: str) -> list[str]:
    return line.casefold().split()


def _nearer(hit: Hit, phrase: query.Query) -> Hit:
    """Return the place in the same text at which the words stand as they were typed, if they do."""
    return next(query.answers(phrase, (hit.event,), lambda _number: hit.turn, ""), hit)


def _place(hit: Hit) -> Entry:
    """Return the row of a place that was found; what was printed is opened there."""
    first, past = hit.marks[0] if hit.marks else (0, 0)
    words = hit.snippet[first:past]
    find = words if hit.event.kind == Kind.OUTPUT else ""
    return Entry(hit.event.session, hit.event.turn, hit, find, words)


def _together(words: Sequence[str], text: str) -> str:
    """Return words as they stand in a text: one behind the other, else the first of them."""
    phrase = " ".join(words)
    return phrase if phrase in text.casefold() else words[0]


def _holds(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)


def _described(summary: Summary) -> str:
    session = summary.session
    return "\n".join([session.tool, session.ulid, session.cwd, *session.argv, *summary.labels]).casefold()


def wrapped(text: str, columns: int) -> Iterator[str]:
    """Yield a line in rows of at most some columns, each character in one of them; an empty one is a row."""
    if text.isascii():
        yield from (text[i : i + columns] for i in range(0, len(text) or 1, columns))
        return
    begin = taken = 0
    for i, char in enumerate(text):
        width = cell_width(char)
        if taken + width > columns and i > begin:
            yield text[begin:i]
            begin, taken = i, 0
        taken += width
    yield text[begin:]
