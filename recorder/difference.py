"""What differs between the outputs of two turns, line by line. Pure: texts in, lines out."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_NEWLINE = "\\ no newline at the end"  # as diff says it
AROUND = 3  # lines of context, as in diff and git


def unified(one: str, other: str, names: tuple[str, str]) -> Iterator[str]:
    """Yield the lines of a unified diff, without line ends; none where the texts are equal.

    A missing newline at the end of a text is a difference, and said in a line of its own.
    """
    found = difflib.unified_diff(_lines(one), _lines(other), *names, n=AROUND, lineterm="")
    for line in found:
        text, _, missing = line.partition("\n")
        yield text
        if missing:
            yield missing


def _lines(text: str) -> list[str]:
    """Return a text's lines; the one that lacks its newline carries what is said of it."""
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "\n" + NO_NEWLINE
    else:
        lines.pop()
    return lines
