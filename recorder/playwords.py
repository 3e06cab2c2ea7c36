"""How a player's times and goals are written, and read from what a user types: ``12:30``, ``:12``, ``50%``.

Pure text. May not: what is done with them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TIME = re.compile(r"(?:(?:(\d{1,5}):)?(\d{1,5}):)?(\d{1,7})(\.\d{1,3})?").fullmatch


class Goal(NamedTuple):
    """A time, or the number of a turn."""

    ms: int
    turn: int | None = None


def goal(text: str, end_ms: int) -> Goal | None:
    """Return where somebody wants to go; None if it is no such thing."""
    text = text.strip()
    if not text.isascii():
        return None
    if text.startswith(":") and text[1:].isdigit():
        return Goal(0, int(text[1:10]))
    if text.endswith("%") and text[:-1].isdigit():
        return Goal(end_ms * min(100, int(text[:-1][:4])) // 100)
    found = _TIME(text)
    if not found:
        return None
    hours, minutes, seconds, rest = found.groups()
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds)
    return Goal(whole * 1000 + round(float(rest or 0) * 1000))


def clock(ms: float) -> str:
    """Return a play time: ``00:05``, ``12:30``, ``1:02:03``."""
    seconds = int(ms) // 1000
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def pace(speed: float) -> str:
    """Return a speed: ``×1``, ``×0.5``, ``×16``."""
    return f"×{speed:g}"
