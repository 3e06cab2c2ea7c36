"""Medians, percentiles and taking turns; pure."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")


def middle(values: Sequence[float]) -> float | None:
    """Return the median, or None of nothing."""
    return median(values) if values else None


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the nearest-rank percentile, or None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return the median of the ratios of figures taken in the same round: noise hits both alike."""
    return middle([a / b for a, b in zip(ours, theirs, strict=False) if b])


def minus(ours: float | None, theirs: float | None) -> float | None:
    """Return the difference, or None where one is missing."""
    return None if ours is None or theirs is None else ours - theirs


def over(ours: float | None, theirs: float | None) -> float | None:
    """Return the ratio, or None where one is missing or zero."""
    return None if ours is None or not theirs else ours / theirs


def in_turns(items: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Yield (round, item), each round beginning with another item, so that no one is always first."""
    for number in range(rounds):
        for step in range(len(items)):
            yield number, items[(number + step) % len(items)]
