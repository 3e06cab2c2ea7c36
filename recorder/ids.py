"""Make identifiers for sessions, invocations and marks, and shorten them.

Edge: asks the kernel for randomness. ULIDs are spelled out here although python-ulid makes them:
importing it takes 18 ms, a fifth of what may pass before the first byte of a recorded tool, and the
tool's environment needs the identifier. A test reads these with python-ulid.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_LENGTH = 26  # 48 bits of milliseconds, 80 of randomness
_SHORTEST = 6  # characters of a prefix, so that a label can hardly be mistaken for one


def ulid(wall_ms: int) -> str:
    """Return a new ULID for a moment (ms since the epoch)."""
    value = wall_ms << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def nonce() -> str:
    """Return 128 bits that nobody guesses, in hex."""
    return os.urandom(16).hex()


def shortest(wanted: Iterable[str], every: Iterable[str]) -> dict[str, str]:
    """Return for each wanted ULID its shortest prefix that no other one of ``every`` shares."""
    ordered = sorted(every)
    names = {}
    for ulid in wanted:
        at = bisect_left(ordered, ulid)
        after = bisect_right(ordered, ulid)
        neighbours = ordered[max(0, at - 1) : at] + ordered[after : after + 1]
        shared = max((_common(each, ulid) for each in neighbours), default=0)
        names[ulid] = ulid[: max(_SHORTEST, shared + 1)]
    return names


def _common(one: str, other: str) -> int:
    """Return how many characters two words share at their beginning."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
