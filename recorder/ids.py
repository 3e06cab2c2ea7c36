"""Make identifiers for sessions, invocations and marks.

Edge: asks the kernel for randomness. ULIDs are spelled out here although python-ulid makes them:
importing it takes 18 ms, a fifth of what may pass before the first byte of a recorded tool, and the
tool's environment needs the identifier. A test reads these with python-ulid.
"""

from __future__ import annotations

import os

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_LENGTH = 26  # 48 bits of milliseconds, 80 of randomness


def ulid(wall_ms: int) -> str:
    """Return a new ULID for a moment (ms since the epoch)."""
    value = wall_ms << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def nonce() -> str:
    """Return 128 bits that nobody guesses, in hex."""
    return os.urandom(16).hex()
