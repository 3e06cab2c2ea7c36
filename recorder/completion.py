"""What Tab offers: pure functions from a text, a cursor and a snapshot to suggestions.

May hold the word lists and rules of completion, and the thin adapters that prompt-toolkit asks. No
prompt, no terminal. The one look outside is ``entries``, which reads a directory and gives up early.
"""

from __future__ import annotations

import builtins
import itertools
import keyword
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prompt_toolkit.completion import Completer, Completion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from recorder.slash import Entry

LIMIT = 200  # more than anybody reads in a menu
PATIENCE_S = 0.05  # a directory on a dead network mount must not stop the keyboard
_ENTRIES = 4096


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_SQL = _list(
    """
    ABORT ADD ALL ALTER ANALYZE AND AS ASC ATTACH AUTOINCREMENT AVG BEGIN BETWEEN BIGINT BLOB
    BOOLEAN BY CASCADE CASE CAST CHAR CHECK COALESCE COLLATE COLUMN COMMIT CONFLICT CONSTRAINT COPY
    COUNT CREATE CROSS CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATABASE DATE DEFAULT DEFERRED
    DELETE DESC DESCRIBE DETACH DISTINCT DROP ELSE END ESCAPE EXCEPT EXCLUSIVE EXECUTE EXISTS
    EXPLAIN EXTRACT FALSE FILTER FOREIGN FROM FULL FUNCTION GLOB GRANT GROUP HAVING ILIKE IMMEDIATE
    IN INDEX INNER INSERT INTEGER INTERSECT INTERVAL INTO IS ISNULL JOIN KEY LATERAL LEFT LENGTH
    LIKE LIMIT LOWER MATCH MATERIALIZED MAX MIN NATURAL NOT NOTNULL NOW NULL NULLIF NUMERIC OFFSET
    ON OR ORDER OUTER OVER PARTITION PRAGMA PRIMARY REAL RECURSIVE REFERENCES REGEXP REINDEX RELEASE
    RENAME REPLACE RETURNING REVOKE RIGHT ROLLBACK ROUND ROW ROWS SAVEPOINT SCHEMA SELECT SEQUENCE
    SERIAL SET SHOW SUBSTR SUM TABLE TEMPORARY TEXT THEN TIMESTAMP TO TRANSACTION TRIGGER TRIM TRUE
    TRUNCATE UNION UNIQUE UPDATE UPPER USE USING VACUUM VALUES VARCHAR VIEW VIRTUAL WHEN WHERE
    WINDOW WITH WITHOUT
    """
)
_SQLITE = _list(
    """
    .backup .changes .databases .dump .echo .exit .explain .headers .help .import .indexes .mode
    .nullvalue .open .output .parameter .print .quit .read .restore .save .schema .separator .shell
    .show .stats .system .tables .timer .width
    """
)
_PSQL = _list(
    r"""
    \c \copy \conninfo \d \dn \df \di \ds \dt \du \dv \e \echo \ef \encoding \g \gexec \h \i \l \o
    \password \pset \q \r \set \sf \timing \unset \watch \x
    """
)
_PYTHON = (*keyword.kwlist, *(name for name in dir(builtins) if not name.startswith("_")))

_TOKEN = re.compile(r"[^\s\"'`,;:=()\[\]{}<>|&!]+\Z")
_COMMAND = re.compile(r"/[a-z-]*\Z")
_BARE_COMMAND = re.compile(r"/?[a-z-]*\Z")
_PYTHONS = re.compile(r"(?:python|pypy)[\d.]*")
_SQL_TOOLS = {"sqlite3": _SQLITE, "psql": _PSQL, "mysql": (), "mariadb": (), "duckdb": _SQLITE}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to insert; ``start`` is where it begins, relative to the cursor (never positive)."""

    text: str
    start: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is to offer at one moment.

    ``keywords`` are the tool's own words and match whatever the case if ``any_case``; ``words`` are
    words seen; ``commands`` the slash-commands; ``names`` lists a directory as written in the line
    (empty for the current one), directories with a slash at their end. ``bare_names`` says that a
    word without a slash may be a file name too.
    """

    keywords: Sequence[str] = ()
    any_case: bool = False
    words: Iterable[str] = ()
    commands: Sequence[Entry] = ()
    names: Callable[[str], Sequence[str]] = lambda _directory: ()
    bare_names: bool = True


def dialect(tool: str) -> str:
    """Return what a tool's lines are written in: ``sql``, ``python`` or nothing known."""
    name = tool.rsplit("/", 1)[-1]
    if name in _SQL_TOOLS:
        return "sql"
    return "python" if _PYTHONS.fullmatch(name) else ""


def keywords(tool: str) -> tuple[str, ...]:
    """Return the tool's own words."""
    kind = dialect(tool)
    if kind == "sql":
        return _SQL + _SQL_TOOLS[tool.rsplit("/", 1)[-1]]
    return _PYTHON if kind == "python" else ()


def suggest(text: str, cursor: int, snapshot: Snapshot) -> list[Suggestion]:
    """Return what could stand at ``cursor`` (an index into ``text``), best first, at most ``LIMIT``.

    Nothing for an empty word: a Tab there is a Tab.
    """
    before = text[:cursor]
    found: list[Suggestion] = []
    if "\n" not in text and _COMMAND.fullmatch(before):
        found += _commands(before, snapshot.commands)
    match = _TOKEN.search(before)
    if match is not None:
        token = match[0]
        quoted = match.start() > 0 and before[match.start() - 1] in "\"'"
        if not quoted:
            found += _keywords(token, snapshot)
        found += _words(token, snapshot)
        if "/" in token or quoted or snapshot.bare_names or before[0] in ".\\":
            found += _files(token, snapshot.names)
    unique: dict[tuple[int, str], Suggestion] = {}
    for item in found:
        unique.setdefault((item.start, item.text), item)
    return list(unique.values())[:LIMIT]


def suggest_commands(text: str, cursor: int, commands: Sequence[Entry]) -> list[Suggestion]:
    """Return the commands that could stand at ``cursor`` where the slash may be left out."""
    before = text[:cursor]
    if not _BARE_COMMAND.fullmatch(before):
        return []
    slash = "/" if before.startswith("/") else ""
    typed = before.removeprefix("/")
    return [
        Suggestion(slash + entry.name, -len(before), entry.help)
        for entry in commands
        if entry.name.startswith(typed) and entry.name != typed
    ]


def entries(base: str | None, directory: str) -> list[str]:
    """List ``directory`` (relative to ``base``), or nothing when that takes over ``PATIENCE_S``.

    Names that a line cannot hold (control characters, bytes that are no text) are left out.
    """
    if base is None and not directory.startswith("/"):
        return []
    path = directory if directory.startswith("/") else f"{base}/{directory}"
    found: list[str] = []

    def read() -> None:
        try:
            with os.scandir(path) as items:
                names = (item.name + "/" * item.is_dir() for item in itertools.islice(items, _ENTRIES))
                found.extend(name for name in names if name.isprintable())
        except OSError:  # gone, not a directory, not ours to read: nothing to offer
            pass

    reader = threading.Thread(target=read, name="completion", daemon=True)
    reader.start()
    reader.join(PATIENCE_S)
    return [] if reader.is_alive() else sorted(found)


def _commands(before: str, commands: Sequence[Entry]) -> Iterator[Suggestion]:
    for entry in commands:
        if f"/{entry.name}".startswith(before) and before != f"/{entry.name}":
            yield Suggestion(f"/{entry.name}", -len(before), entry.help)


def _keywords(token: str, snapshot: Snapshot) -> Iterator[Suggestion]:
    folded, lower = token.casefold(), token != token.upper()
    for word in snapshot.keywords:
        if snapshot.any_case:
            if word.casefold().startswith(folded) and len(word) > len(token):
                yield Suggestion(word.lower() if lower else word, -len(token))
        elif word.startswith(token) and word != token:
            yield Suggestion(word, -len(token))


def _words(token: str, snapshot: Snapshot) -> Iterator[Suggestion]:
    words = _others(snapshot)
    for part in {token: None, token.rpartition(".")[2]: None}:  # `shop.or` may mean `shop.orders` or `orders`
        if part:
            yield from (Suggestion(word, -len(part)) for word in words if _begins(word, part, snapshot))


def _others(snapshot: Snapshot) -> list[str]:
    """Return the words that are not the tool's own; where case means nothing, each in one case."""
    if not snapshot.any_case:
        return [word for word in snapshot.words if word.isprintable()]
    own = {word.casefold() for word in snapshot.keywords}
    found: dict[str, str] = {}
    for word in snapshot.words:
        folded = word.casefold()
        if folded not in own and word.isprintable():
            found.setdefault(folded, word)
    return list(found.values())


def _begins(word: str, part: str, snapshot: Snapshot) -> bool:
    if snapshot.any_case:
        return len(word) > len(part) and word.casefold().startswith(part.casefold())
    return len(word) > len(part) and word.startswith(part)


def _files(token: str, names: Callable[[str], Sequence[str]]) -> Iterator[Suggestion]:
    directory, slash, partial = token.rpartition("/")
    for name in names(directory + slash):
        if name.startswith(partial) and name != partial and (partial or not name.startswith(".")):
            yield Suggestion(name, -len(partial))


class SnapshotCompleter(Completer):
    """Offer what ``suggest`` finds in the snapshot of the moment."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        """Yield completions for prompt-toolkit."""
        found = suggest(document.text, document.cursor_position, self._snapshot())
        return (Completion(item.text, item.start, display_meta=item.note) for item in found)


class CommandCompleter(Completer):
    """Offer slash-commands, with or without the slash."""

    def __init__(self, commands: Sequence[Entry]) -> None:
        self._commands = commands

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        """Yield completions for prompt-toolkit."""
        found = suggest_commands(document.text, document.cursor_position, self._commands)
        return (Completion(item.text, item.start, display_meta=item.note) for item in found)
