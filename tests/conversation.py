"""What a recorded conversation with a tool left behind, in a form that a test can write down.

    turns(root)      every turn as (prompt, command, output), read back through `rec log` and `rec output`
    ends(root)       how each turn ended
    shown(term)      the rows of the screen that are not empty
    texts(root, K)   the texts of all events of kind K
    say, left        a line to a tool that echoes it (`cat`), and the end of that

Like the driver, nothing here imports `recorder`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import blackbox

if TYPE_CHECKING:
    from pathlib import Path

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
PREFIX = "\x1d"
PASTE_ON, PASTE_OFF = "\x1b[200~", "\x1b[201~"
EDITOR = "/help"  # stands in the bottom line while the editor is on the screen


class Turn(NamedTuple):
    """One turn as `rec log` and `rec output` tell it."""

    prompt: str
    command: str
    output: str


def turns(root: Path, session: str = "@1") -> list[Turn]:
    """All turns; what the two commands say of the same turn must agree."""
    found = []
    for row in blackbox.log(root, session):
        shown = blackbox.output(root, f"{session}:{row['turn']}")
        assert {key: shown[key] for key in row} == row
        found.append(Turn(row["prompt_text"], row["command"], shown["output"]))
    return found


def ends(root: Path, session: str = "@1") -> list[str]:
    return [row["end"] for row in blackbox.log(root, session)]


def texts(root: Path, kind: str, session: str = "@1") -> list[str]:
    """The texts of all events of one kind."""
    return [event["text"] for event in blackbox.events(root, session) if event["kind"] == kind]


def shown(term: blackbox.Term) -> list[str]:
    return [row for row in term.screen() if row]


def say(term: blackbox.Term, line: str, answer: str | None = None) -> None:
    """Submit a line, and wait until the editor is there again behind its answer."""
    term.line(line)
    term.expect(answer or f"{line}\n{line}\n")
    term.expect(EDITOR)


def left(term: blackbox.Term) -> None:
    """End the input of a tool that echoes, and see that it leaves with 0."""
    term.send("\x04")
    assert term.wait() == 0
