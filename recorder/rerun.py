"""What a rerun submits, and when: the prompts of another session, one at a time.

Pure. The engine asks ``next_step`` when the tool waits for a line, and tells how the turn ended that it has
submitted; here is decided whether it is as recorded, and what is said when it stops.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.model import End

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.model import Turn

SHELLS = frozenset(
    {"ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "nu", "pwsh", "sh", "tcsh", "xonsh", "zsh"}
)
_QUITS = re.compile(r"[\\.:/]?(?:exit|quit|bye|logout|q)\s*(?:\(\s*\d*\s*\)|\d*)\s*;?", re.IGNORECASE)
_MORE = "..."  # Python's prompt within a statement; an empty line ends it, of which there may be no record


@dataclass(frozen=True, slots=True)
class Step:
    """One line to submit: the number of its turn, and what the record says of it.

    ``inner`` is a line for a program that the turn runs. ``cause`` says why it cannot be submitted.
    """

    turn: int | None
    text: str
    prompt: str
    before: Turn | None = None
    inner: bool = False
    cause: str | None = None


class Plan:
    """The steps of one rerun, and where it stands; ``over`` says how it has ended, "" before."""

    def __init__(self, steps: Sequence[Step], *, keep_going: bool) -> None:
        """Begin before the first step."""
        self._steps = steps
        self._keep_going = keep_going
        self._next = 0
        self._emptied = False  # an empty line was sent to end a statement
        self._differs: list[str] = []
        self.over = "" if steps else "rerun: there is nothing to run again"

    @property
    def progress(self) -> str:
        """Return how far it is, in few words."""
        return f"rerun {self._next}/{len(self._steps)}"

    @property
    def current(self) -> Step | None:
        """Return the step that was submitted last."""
        return self._steps[self._next - 1] if self._next else None

    def upcoming(self, prompt: str, *, running: bool) -> Step | None:
        """Return what to submit now that the tool waits behind ``prompt``; None ends it, or is not yet.

        ``running``: it waits in the middle of a turn.
        """
        if self._next == len(self._steps):
            self._end()
            return None
        step = self._steps[self._next]
        if step.cause is not None:
            self._stopped(f"turn {step.turn} {step.cause}" if step.turn is not None else f"it {step.cause}")
            return None
        if running and not step.inner:
            return None
        if prompt.strip() == _MORE and step.prompt.strip() != _MORE and not self._emptied:
            self._emptied = True
            return Step(None, "", prompt)
        self._emptied = False
        self._next += 1
        return step

    def ended(self, after: Turn | None) -> None:
        """Take how the step that was submitted last has ended, as far as anybody knows."""
        step = self.current
        difference = None if step is None else _difference(step.before, after)
        if step is None or difference is None:
            return
        self._differs.append(f"turn {step.turn} {difference}")
        if not self._keep_going:
            self._stopped(self._differs[-1])

    def gone(self) -> None:
        """Take note that the tool has ended."""
        step = self.current
        self._stopped("the tool has ended" if step is None else f"turn {step.turn} has ended the tool")

    def stop(self, cause: str) -> None:
        """End before the next step."""
        step = self._steps[min(self._next, len(self._steps) - 1)]
        where = f"before turn {step.turn}" if step.turn is not None else "before its end"
        self._stopped(f"{where}: {cause}")

    def _stopped(self, why: str) -> None:
        self.over = f"rerun stopped at {self._next}/{len(self._steps)}: {why}"

    def _end(self) -> None:
        count = f"rerun {self._next}/{len(self._steps)} done"
        self.over = f"{count}; {'; '.join(self._differs)}" if self._differs else f"{count}, as recorded"


def quits(text: str) -> bool:
    """Say whether a line does nothing but end its tool."""
    return _QUITS.fullmatch(text.strip()) is not None


def _difference(before: Turn | None, after: Turn | None) -> str | None:
    """Say how a turn ended otherwise than the record has it; one that was cut off is no measure."""
    if before is None or after is None or before.end not in (End.DONE, End.STOPPED):
        return None
    if before.exit_status != after.exit_status and None not in (before.exit_status, after.exit_status):
        return f"ended with status {after.exit_status}, not {before.exit_status}"
    if before.troubled and not after.troubled:
        return "did not fail this time"
    if after.troubled and not before.troubled:
        return "failed this time"
    return None
