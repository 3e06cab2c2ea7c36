"""Decide what happens to the next typed byte: the table of the mode machine.

Pure: facts in, one ``Step`` out; the relay takes the step and asks again. The rules that it keeps:
a key goes to exactly one consumer; a line is sent only while the tool's terminal is canonical with
echo, the tool is reading, and it has consumed the line before; in any other case typed bytes
stay in their queue, where a later hidden read finds them unshown and unrecorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from recorder.modes import Mode

SETTLE_MS = 30  # silence after which an unknown tool counts as waiting (rlwrap waits 40)


class Step(Enum):
    """What to do next."""

    WAIT = auto()  # nothing, until a timer or new bytes
    HOLD = auto()  # keep the keys: the tool is busy
    CONTROL = auto()  # give a signal or flow-control key to the tool at once
    OPEN = auto()  # start the line editor
    EDIT = auto()  # give one key to the line editor
    SEND = auto()  # send the next submitted line
    LEAVE = auto()  # take the editor away, put its text back in front of the keys
    PASS = auto()  # give all keys to the tool
    SECRET = auto()  # give keys to the tool up to and including Enter, keep nothing


class Reads(Enum):
    """Whether the tool waits in a read of its terminal."""

    YES = auto()
    NO = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision depends on."""

    mode: Mode
    reads: Reads
    quiet_ms: int  # since the tool's last output or our last line
    acknowledged: bool | None  # the last line we sent was consumed; None: nobody can tell
    editing: bool  # the editor is on the screen
    editor: bool  # there is an editor (both ends are terminals)
    lines: int  # submitted and not yet sent
    control: bool  # the first key is a signal or flow-control key
    keys: bool  # there are keys


def passing(quiet_ms: int, editing: bool, lines: int, *, keys: bool) -> Facts:  # noqa: FBT001
    """Return the facts for a raw tool, as far as they count there: an echo waits for them."""
    return Facts(
        mode=Mode.RAW,
        reads=Reads.NO,
        quiet_ms=quiet_ms,
        acknowledged=True,
        editing=editing,
        editor=False,
        lines=lines,
        control=False,
        keys=keys,
    )


def waits(facts: Facts) -> bool:
    """Say whether the tool takes a line now; "unknown" becomes yes after silence."""
    if facts.acknowledged is False and not (facts.quiet_ms >= SETTLE_MS and facts.reads is Reads.UNKNOWN):
        return False
    if facts.reads is Reads.YES:
        return facts.acknowledged is True or facts.quiet_ms >= SETTLE_MS
    return facts.reads is Reads.UNKNOWN and facts.quiet_ms >= SETTLE_MS


def decide(facts: Facts) -> Step:
    """Return the next step."""
    if facts.mode is not Mode.LINE and (facts.editing or facts.lines):
        return Step.LEAVE
    if facts.mode is Mode.RAW:
        return Step.PASS if facts.keys else Step.WAIT
    if facts.control and facts.keys and not facts.editing:
        return Step.CONTROL
    if facts.mode is Mode.SECRET:
        return Step.SECRET if facts.keys and waits(facts) else Step.WAIT
    if facts.lines:
        return Step.SEND if waits(facts) else Step.WAIT
    if facts.editing:
        return Step.EDIT if facts.keys else Step.WAIT
    if waits(facts):
        return Step.OPEN if facts.editor or facts.keys else Step.WAIT
    return Step.HOLD if facts.keys else Step.WAIT
