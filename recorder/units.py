"""Durations, sizes and counts as people write them: ``90s 10m 2h 7d``, ``500M 2G``, ``3 turns``."""

from __future__ import annotations

from recorder.errors import UsageError_

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def seconds(text: str) -> int:
    """Return the seconds in a duration such as ``10m``; raise UsageError_ for anything else."""
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not _digits(number):
        raise UsageError_(f"could not read {text!r} as a duration: expected one such as 90s, 10m, 2h or 7d")
    return int(number) * _SECONDS[unit]


def size(text: str) -> int:
    """Return the bytes in a size such as ``500M`` (units of 1024); raise UsageError_ for anything else."""
    number = text.rstrip("KMGTkmgt")
    unit = text[len(number) :].upper()
    if unit not in _BYTES or not _digits(number):
        raise UsageError_(f"could not read {text!r} as a size: expected one such as 512K, 500M or 2G")
    return int(number) * _BYTES[unit]


def ago(span_ms: int) -> str:
    """Return a time span as one floored unit: ``0s``, ``42s``, ``14m``, ``3h``, ``2d``.

    A negative span (the clock was set back) is no time at all.
    """
    span = max(0, span_ms) // 1000
    unit = max((unit for unit in _SECONDS if span >= _SECONDS[unit]), key=_SECONDS.__getitem__, default="s")
    return f"{span // _SECONDS[unit]}{unit}"


def count(number: int, noun: str) -> str:
    """Return a number of things: ``1 turn``, ``2 turns``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12  # no number of ours is longer
