"""A recording as a player sees it: what happened at which time, cut into blocks that are read when needed.

Pure. May live here: play time (gaps capped), blocks, places, which place is when. May not: the store (it
lends ``load``), screens, keys. A place is a block and how many of its pieces have happened. Play time
counts milliseconds from the first byte on; from one run of the tool to the next it goes on after a second.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from recorder.basics import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from recorder.model import Chunk

BLOCK = 128 << 10  # raw bytes; at about 1 MB/s an eighth of a second, the longest that a seek has to draw
BLOCK_CHUNKS = 1024
PIECE = 1024  # raw bytes that happen at once; a flood scrolls by, a hit in it can be shown
BETWEEN_MS = 1000  # from the end of one run of the tool to the beginning of the next
_KEPT = 4  # blocks in memory
FRESH = b"\x1b[?1049l\x1b[!p\r\n"  # a new run begins on a terminal in its usual state

Place = tuple[int, int]
BEGIN: Place = (0, 0)


class Block(NamedTuple):
    """A stretch of one session's raw bytes in one run; ``leg`` counts the sessions of a lineage.

    ``low`` is where the block before it has ended: erased bytes may have been between.
    """

    leg: int
    low: int
    start: int
    end: int
    first_ms: int
    last_ms: int
    fresh: bool = False  # another run has gone before


class Piece(NamedTuple):
    """What happens at one time: bytes, or a new size; ``end`` is the raw offset behind it."""

    ms: int
    act: bytes | Size
    end: int


Resizes = dict[int, list[tuple[int, Size]]]  # by leg: where in the raw bytes the screen changed its size


class Clock:
    """Play time of chunks that come one after the other."""

    def __init__(self, idle_ms: int | None, at_ms: int = 0) -> None:
        """Begin at ``at_ms``; a longer gap than ``idle_ms`` counts as that long."""
        self._idle = idle_ms
        self._at = at_ms
        self._last: Chunk | None = None

    def begins_run(self, chunk: Chunk) -> bool:
        """Say whether a chunk belongs to another run than the one before it, in the same session."""
        last = self._last
        return last is not None and last.session == chunk.session and last.invocation != chunk.invocation

    def at(self, chunk: Chunk) -> int:
        """Return when a chunk happens."""
        last, self._last = self._last, chunk
        if last is not None:
            if last.session == chunk.session and last.invocation == chunk.invocation:
                gap = max(0, chunk.at.offset_ms - last.at.offset_ms)
            elif last.session == chunk.session:
                gap = BETWEEN_MS
            else:
                gap = min(max(0, chunk.at.wall_ms - last.at.wall_ms), BETWEEN_MS)
            self._at += gap if self._idle is None else min(gap, self._idle)
        return self._at


class Cutter:
    """Cut chunks into blocks as they come; what is not full yet is held back until ``flush``."""

    def __init__(self, idle_ms: int | None) -> None:
        """Begin before the first chunk."""
        self._clock = Clock(idle_ms)
        self._open: Block | None = None
        self._chunks = 0
        self._low = (0, 0)  # the last block's leg and end

    def add(self, leg: int, chunk: Chunk) -> Iterator[Block]:
        """Take a chunk; yield the blocks that it completes."""
        fresh = self._clock.begins_run(chunk)
        ms = self._clock.at(chunk)
        at, end = chunk.start, chunk.start + len(chunk.data)
        block = self._open
        if block is not None and (fresh or block.leg != leg or self._chunks >= BLOCK_CHUNKS):
            yield block
            block = None
        while at < end:
            if block is not None and at - block.start >= BLOCK:
                yield block
                block = None
            if block is None:
                low = self._low[1] if self._low[0] == leg else 0
                block = Block(leg, low, at, at, ms, ms, fresh)
                self._chunks, fresh = 0, False
            at = max(at, min(end, block.start + BLOCK))
            block = block._replace(end=at, last_ms=ms)
            self._low = (leg, at)
        self._chunks += 1
        self._open = block

    def flush(self) -> Iterator[Block]:
        """Yield the last block."""
        if self._open is not None:
            yield self._open
            self._open = None


def pieces(
    block: Block,
    chunks: Iterable[Chunk],
    resizes: Sequence[tuple[int, Size]],
    idle_ms: int | None,
    edges: Sequence[int] = (),
) -> list[Piece]:
    """Return what happens in a block: its chunks, cut small, and the new sizes between them.

    ``edges`` are raw offsets in order, to which one wants to go exactly.
    """
    clock = Clock(idle_ms, block.first_ms)
    found = [Piece(block.first_ms, FRESH, block.start)] if block.fresh else []
    due = [each for each in resizes if block.low <= each[0] < block.end]
    for chunk in chunks:
        ms = clock.at(chunk)
        at, end = chunk.start, chunk.start + len(chunk.data)
        while at < end:
            while due and due[0][0] <= at:
                found.append(Piece(ms, due.pop(0)[1], at))
            edge = bisect_right(edges, at)
            upto = min(end, at + PIECE, due[0][0] if due else end, edges[edge] if edge < len(edges) else end)
            found.append(Piece(ms, chunk.data[at - chunk.start : upto - chunk.start], upto))
            at = upto
    found += [Piece(block.last_ms, size, block.end) for _raw, size in due]
    return found


class Reel:
    """All blocks there are so far, and the pieces of those last looked at."""

    def __init__(self, load: Callable[[Block], list[Piece]]) -> None:
        """Begin empty."""
        self._load = load
        self.blocks: list[Block] = []
        self._firsts: list[int] = []  # of the blocks: when they begin
        self._kept: dict[int, list[Piece]] = {}

    def add(self, blocks: Iterable[Block]) -> None:
        """Take blocks behind the last one."""
        for block in blocks:
            self.blocks.append(block)
            self._firsts.append(block.first_ms)

    @property
    def end_ms(self) -> int:
        """Return when the last byte came."""
        return self.blocks[-1].last_ms if self.blocks else 0

    @property
    def end(self) -> Place:
        """Return the place behind everything."""
        return len(self.blocks), 0

    def pieces(self, number: int) -> list[Piece]:
        """Return the pieces of a block."""
        if number not in self._kept:
            while len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[number] = self._load(self.blocks[number])
        found = self._kept[number] = self._kept.pop(number)  # the one last used goes last
        return found

    def settle(self, place: Place) -> Place:
        """Return a place as it is written: never at a block's end, but at the next one's beginning."""
        block, done = place
        while block < len(self.blocks) and done >= len(self.pieces(block)):
            block, done = block + 1, 0
        return block, done

    def next(self, place: Place) -> Piece | None:
        """Return the piece that happens next."""
        block, done = self.settle(place)
        return self.pieces(block)[done] if block < len(self.blocks) else None

    def ms(self, place: Place) -> int:
        """Return when the last thing before a place happened; 0 at the beginning."""
        block, done = place
        while block >= 0:
            if done > 0:
                return self.pieces(block)[done - 1].ms
            block -= 1
            done = len(self.pieces(block)) if block >= 0 else 0
        return 0

    def raw(self, place: Place) -> tuple[int, int]:
        """Return leg and raw offset up to which everything has happened."""
        block, done = place
        if block >= len(self.blocks):
            return (self.blocks[-1].leg, self.blocks[-1].end) if self.blocks else (0, 0)
        return self.blocks[block].leg, self.pieces(block)[done - 1].end if done else self.blocks[block].start

    def at_ms(self, ms: int) -> Place:
        """Return the place behind all that has happened up to a time."""
        block = bisect_right(self._firsts, ms) - 1
        if block < 0:
            return BEGIN
        return self.settle((block, bisect_right(self.pieces(block), ms, key=lambda piece: piece.ms)))

    def at_raw(self, leg: int, raw: int, *, reach: bool = False) -> Place:
        """Return the last place before a raw offset of a session; ``reach``: the first one behind it."""
        block = bisect_right(self.blocks, (leg, raw), key=_where) - 1
        if block < 0:
            return BEGIN
        if self.blocks[block].leg != leg:
            return self.settle((block + 1, 0))
        done = bisect_right(self.pieces(block), raw, key=lambda piece: piece.end)
        short = reach and self.raw((block, done))[1] < raw
        return self.settle((block, done + (short and done < len(self.pieces(block)))))


def _where(block: Block) -> tuple[int, int]:
    return block.leg, block.start
