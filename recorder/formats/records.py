"""What every format is made of: frames, a heading, and what was wrong; no format's own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from recorder.basics import Size

USUAL = Size(80, 24)  # where a recording does not say how large its terminal was
LARGEST = 1000  # columns or rows; a screen of that many cells is still drawn in a moment
LONGEST_MS = 10 * 366 * 86_400_000  # of a recording; what says to be longer is damaged
LONGEST_LINE = 16 << 20  # bytes; no line is read that is longer
OUTPUT, RESIZE, MARKER, EXIT, INPUT = "o", "r", "m", "x", "i"


class Frame(NamedTuple):
    """One thing that happened: ``ms`` since the beginning, which never goes back.

    ``code`` says what: ``o`` output, ``r`` the size ``COLSxROWS``, ``m`` a marker's label, ``x`` the
    exit status in digits.
    """

    ms: int
    code: str
    data: bytes


class Damage(NamedTuple):
    """A part of a file that could not be read, and why; what follows may be whole."""

    why: str
    key: str | None = None  # of one of our comments; "" where nobody can tell which it was


@dataclass(frozen=True, slots=True)
class Heading:
    """What a file says of the whole recording; None where it does not."""

    size: Size = USUAL
    started_ms: int | None = None  # wall
    term: str | None = None
    command: str | None = None
    title: str | None = None
    ours: bool = False  # `rec` wrote it
    remarks: frozenset[int] = (
        frozenset()
    )  # of the markers in a file of ours, counted from 0: those that are no turns


class Wrong(ValueError):
    """Something that a file says cannot be; the text says why, in our words."""


def cause(error: Exception) -> str:
    """Return what was wrong with a value in a file; what Python says of it tells a user nothing."""
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return str(error) if isinstance(error, Wrong) else "it says something of the wrong kind"


class Unreadable(ValueError):
    """A file is not of the format it seemed to be; the text says why."""
