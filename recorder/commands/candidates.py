"""``rec --complete KIND WORD [ROOT]``: what a word on the command line can become, for completions/.

A shell asks it on Tab, so it goes without click and the whole store, and where anything is amiss it
offers nothing: a prompt is no place for errors. A candidate is one line: the value, a tab, what it is.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from recorder import config, ids, units
from recorder.stores import sqlite_names as names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from recorder.stores.sqlite_names import Connection

PATIENCE_MS = 50  # for the store's lock
_SHOWN = 20  # ULIDs or turns: as many as one likes to look through
_AGES = 9  # @1 to @9
_LONGEST = 60  # characters of a command

Candidate = tuple[str, str]  # what to insert, what it is


def main(words: Sequence[str]) -> int:
    """Print the candidates that the words ask for; the status is always 0."""
    try:
        found = _asked(words, config.given(os.environ))  # noqa: TID251  (read by config, from this mapping)
        lines = "".join(f"{value}\t{what}\n" for value, what in found)
        with open(1, "wb", closefd=False) as stdout:
            stdout.write(os.fsencode(lines))
    except Exception:  # noqa: BLE001, S110  (no store, a damaged one, wrong settings, a reader who left)
        pass
    return 0


def _asked(words: Sequence[str], env: Mapping[str, str]) -> list[Candidate]:
    kind, word, root = (*words, "", "")[:3]
    if root.startswith("~/"):  # as typed: the shell has not expanded it yet
        root = env.get("HOME", "~") + root[1:]
    current = config.current_session(env)
    if current and word.startswith(":"):  # as App.stay
        root = root or env.get("REC_SESSION_ROOT", "")
    path = config.load_to_read(root or None, env, config.repository(env))[0].root / config.STORE_NAME
    with names.opened(path, PATIENCE_MS) as db:
        return _harmless(_KINDS[kind](db, word, current))


def _harmless(found: Iterable[Candidate]) -> list[Candidate]:
    """Drop a value that could act on a terminal (no label can, in a store that we wrote); show what it is."""
    from recorder.safe import visible

    return [(value, visible(what)) for value, what in found if visible(value) == value]


def _labels(db: Connection, word: str, _current: str | None) -> Iterator[Candidate]:
    about = {ulid: _what(tool, created_ms) for ulid, tool, created_ms in names.labelled(db)}
    for label, ulid in names.labels(db):
        if label.startswith(word):
            yield label, about.get(ulid, ulid)


def _sessions(db: Connection, word: str, current: str | None) -> Iterator[Candidate]:
    yield from _labels(db, word, current)
    if "-".startswith(word):
        yield "-", "the newest but this one" if current else "the newest"
    if "@1".startswith(word[:1]):
        for number, (_ulid, tool, created_ms) in enumerate(names.sessions(db, "", _AGES, archived=False), 1):
            if f"@{number}".startswith(word) and (word or number == 1):
                yield f"@{number}", _what(tool, created_ms)
    yield from _ulids(db, word)


def _ulids(db: Connection, word: str) -> Iterator[Candidate]:
    """Give the shortest unique prefixes; to who has typed more than that, whole ULIDs."""
    found = names.sessions(db, word.upper(), _SHOWN + 1, archived=bool(word))
    ulids = [ulid for ulid, _tool, _created_ms in found]
    short = ids.shortest(ulids, ulids)  # the one too many is a neighbour
    for ulid, tool, created_ms in found[:_SHOWN]:
        value = short[ulid] if len(short[ulid]) > len(word) else ulid
        yield value if word == word.upper() else value.lower(), _what(tool, created_ms)


def _turns(db: Connection, word: str, current: str | None) -> Iterator[Candidate]:
    for value, what in _sessions(db, word, current):
        if value != "-":  # with a colon it would look like an option
            yield f"{value}:", what
    if not word:
        yield ":", "the current session" if current else "the newest session"
    session, colon, digits = word.rpartition(":")  # or a label with a colon in it, see above
    if colon and (not digits or (digits.isascii() and digits.isdecimal())):
        for number, command in names.turns(db, _ulid(db, session, current), digits, _SHOWN):
            yield f"{session}:{number}", " ".join(command[: 2 * _LONGEST].split())[:_LONGEST]


def _ulid(db: Connection, session: str, current: str | None) -> str:
    """Return the ULID that the words before a turn's colon mean, or nothing; tried in lookup's order."""
    if not session and current:
        return current
    newest = int(session[1:]) if session[:1] == "@" and session[1:].isdecimal() else int(not session)
    if newest:
        return names.sessions(db, "", newest, archived=False)[newest - 1][0]
    found = names.with_prefix(db, session.upper(), 2)
    return dict(names.labels(db)).get(session) or (found[0] if len(found) == 1 else "")


def _what(tool: str, created_ms: int) -> str:
    return f"{tool}, {units.ago(time.time_ns() // 1_000_000 - created_ms)} ago"


_KINDS: dict[str, Callable[[Connection, str, str | None], Iterator[Candidate]]] = {
    "labels": _labels,
    "sessions": _sessions,
    "turns": _turns,
}
