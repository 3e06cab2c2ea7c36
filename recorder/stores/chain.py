"""The running hash over a session's raw bytes; nothing about where they are kept.

The stream is cut into blocks of 64 KiB at fixed offsets. The hash of all whole blocks is
``whole = blake2b(whole before ‖ block)``; the hash at any offset is that of ``whole`` and the begun
block. So it depends on the bytes alone, never on where segments are cut, and a reader that knows
``whole`` at a segment's end goes on after re-reading less than 64 KiB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import hashlib

BLOCK = 64 * 1024
SIZE = 16


class Chain:
    """The hash of one session's raw bytes up to ``end``; feed it what follows."""

    def __init__(self, whole: bytes, end: int) -> None:
        """Start at raw offset ``end``, with ``whole`` for all that lies before its block.

        A chain that starts anew inside a block (after a hole, after damage) lacks that block's
        first bytes for good; ``resumed`` is for one that goes on.
        """
        self.whole = whole
        self.end = end
        self._fill = end % BLOCK
        self._hash = _hash(whole)

    @staticmethod
    def seed(ulid: str) -> bytes:
        """Return what stands for "all blocks before the first" in this session."""
        return _hash(ulid.encode()).digest()

    @classmethod
    def resumed(cls, whole: bytes, end: int, begun: bytes) -> Chain:
        """Return the chain at ``end`` from the last whole block's hash and the begun block's bytes."""
        chain = cls(whole, end - len(begun))
        chain.feed(begun)
        return chain

    def copy(self) -> Chain:
        """Return an independent chain in the same state."""
        twin = Chain.__new__(Chain)
        twin.__dict__.update(self.__dict__, _hash=self._hash.copy())
        return twin

    def feed(self, data: bytes) -> None:
        """Take the bytes that follow."""
        view = memoryview(data)
        self.end += len(view)
        while view:
            part = view[: BLOCK - self._fill]
            self._hash.update(part)
            self._fill += len(part)
            view = view[len(part) :]
            if self._fill == BLOCK:
                self.whole = self._hash.digest()
                self._hash = _hash(self.whole)
                self._fill = 0

    def digest(self) -> bytes:
        """Return the hash of everything up to ``end``."""
        return self._hash.digest()


def _hash(data: bytes) -> hashlib.blake2b:
    from hashlib import blake2b  # it loads OpenSSL: 3 ms that no list should wait for

    return blake2b(data, digest_size=SIZE)
