"""From the words a user types to a session or a turn: the one parser for all commands.

It only finds; it writes nothing and knows no terminal. What is tried, in this order: a whole ULID,
a label, a unique prefix of six characters or more, ``@N``, ``-``; what contains a ``/`` is a directory.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from recorder import lineage
from recorder.errors import Ambiguous, NotFound
from recorder.model import End

if TYPE_CHECKING:
    from recorder.model import Summary, Turn
    from recorder.store import Store

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")  # Crockford's alphabet, 128 bits
_PREFIX = re.compile(r"[0-9A-HJKMNP-TV-Z]{6,25}")
_TURN = re.compile(r"(?P<session>.*):(?P<number>-?[0-9]{1,18})", re.DOTALL)


def session(store: Store, needle: str, current: str | None = None) -> str:
    """Return the ULID of the session that ``needle`` names; raises NotFound or Ambiguous.

    ``current`` is the session we run in, which ``-`` skips.
    """
    if "/" in needle:
        return _in_directory(store, needle)
    found = _by_ulid(store, needle) or _by_label(store, needle) or _by_prefix(store, needle)
    if found is None and needle.startswith("@"):
        found = _by_age(store, needle[1:])
    if found is None and needle == "-":
        found = _newest(store, besides=current)
    if found is None:
        raise NotFound(f"no such session: {needle}", advice="`rec ls --all` lists the sessions there are")
    return found


def summary(store: Store, needle: str, current: str | None = None) -> Summary:
    """Return the session that ``needle`` names, as a list shows it; raises NotFound or Ambiguous."""
    found = store.summary(session(store, needle, current))
    if found is None:  # deleted meanwhile
        raise NotFound(f"no such session: {needle}")
    return found


def turn(store: Store, needle: str, current: str | None = None) -> Turn:
    """Return the turn that ``SESSION:N`` or ``:N`` names; raises NotFound or Ambiguous."""
    match = _TURN.fullmatch(needle)
    if match is None:
        raise _no_turn(needle, "a turn is named SESSION:N, or :N in the current or newest session")
    try:
        ulid = owner(store, match["session"], current)
    except Ambiguous:
        raise
    except NotFound as error:
        raise _no_turn(needle, error.message) from error
    number = int(match["number"])
    found = None
    if number > 0:
        found = lineage.turn(store, ulid, number)
    elif number < 0:
        turns = lineage.turns(store, ulid)
        found = turns[number] if -number <= len(turns) else None
    if found is None:
        raise _no_turn(needle, f"`rec log {ulid}` lists the turns there are")
    return found


def is_turn(needle: str) -> bool:
    """Say whether ``needle`` names a turn; a label cannot end so."""
    return _TURN.fullmatch(needle) is not None


def owner(store: Store, words: str, current: str | None) -> str:
    """Return the session before a turn's colon; nothing there is the current or newest one."""
    return session(store, words or current or "@1", current)


def last_finished(store: Store, current: str | None) -> Turn:
    """Return the last turn that has ended, in the current or newest session."""
    ulid = owner(store, "", current)
    for found in reversed(lineage.turns(store, ulid)):
        if found.end is not End.RUNNING:
            return found
    raise NotFound("no such turn: none has finished yet", advice=f"`rec log {ulid}` lists the turns")


def _in_directory(store: Store, needle: str) -> str:
    found = store.at(needle)
    if found is None:
        advice = "with a / it is a directory, and there is no session.json in it"
        raise NotFound(f"no such session: {needle}", advice=advice)
    return found


def _by_ulid(store: Store, needle: str) -> str | None:
    ulid = needle.upper()
    if not _ULID.fullmatch(ulid):
        return None
    return ulid if store.summary(ulid) is not None else None


def _by_label(store: Store, needle: str) -> str | None:
    return dict(store.labels()).get(unicodedata.normalize("NFC", needle))


def _by_prefix(store: Store, needle: str) -> str | None:
    prefix = needle.upper()
    if not _PREFIX.fullmatch(prefix):
        return None
    found = store.with_prefix(prefix)
    if len(found) > 1:
        raise Ambiguous(f"could not choose a session: several begin with {needle}", tuple(found))
    return found[0] if found else None


def _by_age(store: Store, digits: str) -> str | None:
    if not re.fullmatch("[0-9]{1,9}", digits) or int(digits) == 0:
        return None
    rows = store.summaries(limit=int(digits))
    return rows[-1].session.ulid if len(rows) == int(digits) else None


def _newest(store: Store, besides: str | None) -> str | None:
    for row in store.summaries(limit=2):
        if row.session.ulid != besides:
            return row.session.ulid
    return None


def _no_turn(needle: str, advice: str) -> NotFound:
    return NotFound(f"no such turn: {needle}", advice=advice)
