"""What a running session takes back: a turn that should not have been shown, a note or a label.

Service: works on the store it is given, returns what to tell the user, prints nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from recorder import erasing, lineage, wrapping
from recorder.errors import NotFound, Refused, UsageError_
from recorder.model import End

if TYPE_CHECKING:
    from pathlib import Path

    from recorder.model import Turn
    from recorder.store import Store

_NUMBER = re.compile(r":?(-?[0-9]{1,9})")


class Forgotten(NamedTuple):
    """A turn that was erased, and what was submitted in it."""

    turn: int
    commands: frozenset[str]


def forget(store: Store, root: Path, ulid: str, words: str) -> Forgotten:
    """Erase a turn of a session's lineage, the last one if no number is given.

    Wrap-ups below ``root`` of earlier runs and of forks go where they may quote it.
    Raises NotFound, and Refused for one that still runs: what it prints next would be recorded again.
    """
    turns = lineage.turns(store, ulid)
    turn = _chosen(turns, words)
    own = [each for each in turns if each.session == turn.session]
    doomed = erasing.grave(own, turn.turn, 0).turns
    gone = [each for each in own if each.turn in doomed]
    if any(each.end is End.RUNNING for each in gone):
        raise Refused(
            f"could not erase turn {turn.turn}: it is still running", advice="try again when it has ended"
        )
    with wrapping.erasing(root, lineage.holders(store, turn)):
        store.erase(turn.session, turn.turn)
    return Forgotten(turn.turn, frozenset(each.command for each in gone))


def undo(store: Store, root: Path, ulid: str) -> str:
    """Take back the session's last note or label; return what that was.

    The wrap-up below ``root`` of an earlier run goes: it has the label, and the session's end makes another.
    """
    with wrapping.erasing(root, [ulid]):
        event = store.drop_last(ulid)
    if event is None:
        raise Refused("could not undo: this session has no note and no label to take back")
    if event.meta.get("mark") == "note":
        return "the last note is taken back"
    label = event.meta.get("label")
    return f"label {label} is {'here again' if event.meta.get('removed') else 'taken back'}"


def _chosen(turns: list[Turn], words: str) -> Turn:
    if not words:
        if not turns:
            raise NotFound("no such turn: there is none yet")
        return turns[-1]
    match = _NUMBER.fullmatch(words)
    if match is None:
        raise UsageError_(f"could not read {words!r} as the number of a turn", advice="type /forget 12")
    number = int(match[1])
    if number < 0:
        found = turns[number] if -number <= len(turns) else None
    else:
        found = next((turn for turn in reversed(turns) if turn.turn == number), None)
    if found is None:
        raise NotFound(f"no such turn: {words}", advice="`rec log` lists them")
    return found
