"""Fork a session from outside: where it is cut, the child's row, and what a rerun would submit.

Service: takes its store as an argument, starts no tool and prints nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from recorder import ids, lineage, lookup, newrun
from recorder.erasing import ERASED
from recorder.errors import Refused
from recorder.model import End, Kind, Size, Status
from recorder.origin import Origin
from recorder.rerun import SHELLS, Step, quits
from recorder.sessions import status_of
from recorder.turns import INPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recorder.model import Event, Owner, Session, Summary, Turn
    from recorder.store import Store

    Alive = Callable[[Owner], bool]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # tabs and newlines can be pasted


def turn(store: Store, summary: Summary, at: int | None, alive: Alive) -> int:
    """Return the number of the turn after which to cut; without ``at`` the last, 0 where there is none.

    Negative numbers count from the end. Raises NotFound, and Refused for a turn that still runs.
    """
    ulid = summary.session.ulid
    live = status_of(summary, alive) is Status.LIVE
    if at is None:
        turns = [each for each in lineage.turns(store, ulid) if not (live and each.end is End.RUNNING)]
        return turns[-1].turn if turns else 0
    found = lookup.turn(store, f"{ulid}:{at}")
    if live and found.end is End.RUNNING:
        raise Refused(
            f"could not fork {ulid} after turn {found.turn}: it still runs", advice="wait for its end"
        )
    return found.turn


def origin(
    store: Store, parent: Session, cut: int, env: Mapping[str, str], now_ms: int, *, again: bool
) -> Origin:
    """Return where a child of ``parent`` begins that has its turns up to ``cut``, in the working directory.

    ``again``: they will be run again in it, so that it inherits none of them: ``fork_seq`` is 0.
    """
    seq = 0 if again else last_seq(store, parent.ulid, cut)
    fresh = newrun.session(ids.ulid(now_ms), parent.argv, env, tty=None, size=Size(80, 24), since=now_ms)
    child = replace(fresh, parent_ulid=parent.ulid, fork_turn=cut, fork_seq=seq)
    greeting = f"forked: {parent.ulid}:{cut} goes on in {child.ulid}"
    return Origin(child, turn=0 if again else cut, raw=0, greeting=greeting, n_events=seq)


def last_seq(store: Store, ulid: str, cut: int) -> int:
    """Return the seq of the last event of a lineage that belongs to its turns up to ``cut``.

    What is not of any turn belongs to the turn before it.
    """
    inside = last = 0
    beyond: int | None = None
    for event in lineage.events(store, ulid):
        last = event.seq
        if event.turn is not None and event.turn <= cut:
            inside = event.seq
        elif event.turn is not None and beyond is None:
            beyond = event.seq
    return last if beyond is None else max(inside, beyond - 1)


def is_shell(session: Session) -> bool:
    """Say whether what would be run again are a shell's commands."""
    return session.tool.lstrip("-") in SHELLS


def steps(store: Store, ulid: str, cut: int) -> list[Step]:
    """Return what to submit for the turns up to ``cut``, in the order in which it was submitted.

    A last line that only ended the tool is left out: what it was for is a tool that runs.
    """
    turns = {each.turn: each for each in lineage.turns(store, ulid)}
    found: list[Step] = []
    for event in lineage.events(store, ulid, kinds=[Kind.PROMPT.value, Kind.SYSTEM.value]):
        if event.turn is not None and event.turn > cut:
            continue
        if event.kind == Kind.PROMPT:
            found.append(_step(event, turns))
        elif event.meta.get("hidden"):
            _hide(found, event)
    if found and quits(found[-1].text):
        found.pop()
    return found


def _step(event: Event, turns: Mapping[int, Turn]) -> Step:
    shown = event.meta.get("prompt_text")
    prompt = shown if isinstance(shown, str) else ""
    inner = event.meta.get("source") == INPUT
    before = None if inner or event.turn is None else turns.get(event.turn)
    return Step(event.turn, event.text, prompt, before, inner, _obstacle(event))


def _obstacle(event: Event) -> str | None:
    """Say why a line cannot be typed again as it was, if it cannot."""
    if event.meta.get("partial"):
        return "may not be recorded in full"
    if ERASED in event.meta:
        return "was erased"
    if _CONTROL.search(event.text):
        return "holds control characters"
    return None


def _hide(found: list[Step], event: Event) -> None:
    """Take note that something was entered here of which there is no record."""
    cause = "takes hidden input"
    if found and found[-1].turn == event.turn:
        found[-1] = replace(found[-1], cause=cause)
    else:
        found.append(Step(event.turn, "", "", cause=cause))
