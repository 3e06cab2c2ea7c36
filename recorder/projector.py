"""Show a reel on a stage: go to any place, forwards or backwards, by way of packed screens.

Pure. The screen at a place is that of a fresh stage fed everything before it. Packed screens are kept in
memory and nowhere else, so that none outlives what it was made of; a few dozen MB at most. Work that
may take long comes as an iterator: each step is some 20 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.basics import Size
from recorder.reel import BEGIN
from recorder.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.reel import Place, Reel

MAX_PACKED = 48 << 20  # bytes; beyond it every other packed screen goes
_STEP = 16 << 10  # bytes that are drawn in one step, if all of them must be
_LONG_STEP = 128 << 10  # ... that are taken in one step, if most can be passed over


class Projector:
    """A reel, the stage that shows it, and packed screens at the beginnings of blocks."""

    def __init__(self, reel: Reel, size: Size, budget: int = MAX_PACKED) -> None:
        """Begin at the beginning; ``size`` is that of the screen then."""
        self.reel = reel
        self.stage = Stage(size)
        self.place: Place = BEGIN
        self._within = 0  # bytes of the next piece that the stage shows already
        self._scout = Stage(size)  # goes ahead and packs
        self._scouted = 0  # the block before which it stands
        self._packed: dict[int, bytes] = {0: self.stage.freeze()}
        self._bytes = len(self._packed[0])
        self._stride = 1
        self._budget = budget
        self._step = _STEP

    @property
    def built(self) -> float:
        """Return for how much of the reel there are packed screens, from 0 to 1."""
        return self._scouted / len(self.reel.blocks) if self.reel.blocks else 1.0

    @property
    def ms(self) -> int:
        """Return when the last thing that is shown happened."""
        piece = self.reel.next(self.place) if self._within else None
        return self.reel.ms(self.place) if piece is None else piece.ms

    @property
    def raw(self) -> tuple[int, int]:
        """Return leg and raw offset up to which everything is shown."""
        leg, raw = self.reel.raw(self.place)
        return leg, raw + self._within

    def build(self) -> Iterator[None]:
        """Pack screens up to the end of what is there, step by step; going on is what ``go`` does, too."""
        while self._scouted < len(self.reel.blocks):
            ahead = max(self._packed)
            if ahead > self._scouted:  # somebody went there meanwhile
                self._scout.thaw(self._packed[ahead])
                self._scouted = ahead
                continue
            yield from self._run(self._scout, self._scouted, 0, None)
            self._scouted += 1
            self._pack(self._scouted, self._scout)

    def go(self, to: Place) -> Iterator[None]:
        """Go to a place, step by step; left in the middle, the stage shows a place on the way."""
        to = min(self.reel.settle(to), self.reel.end)
        near = self._near(to)
        if not (near, 0) <= self.place <= to or (self._within and self.place == to):
            self.stage.thaw(self._packed[near])
            self.place, self._within = (near, 0), 0
        while self.place < to:
            block, done = self.place
            yield from self._run(self.stage, block, done, to[1] if block == to[0] else None)

    def go_raw(self, leg: int, raw: int) -> Iterator[None]:
        """Go to a raw offset, which may be within a piece; the place is the last one before it."""
        yield from self.go(self.reel.at_raw(leg, raw))
        piece = self.reel.next(self.place)
        if piece is not None and isinstance(piece.act, bytes) and self.reel.raw(self.place)[0] == leg:
            within = raw - (piece.end - len(piece.act))
            if 0 < within < len(piece.act):
                self.stage.feed(piece.act[:within])
                self._within = within

    def draw(self, stage: Stage, to: Place, at: Place | None = None) -> Iterator[None]:
        """Draw the screen at a place on another stage, which shows ``at``, step by step."""
        block, done = self._near(to), 0
        if at is not None and (block, 0) <= at <= to:
            block, done = at
        else:
            stage.thaw(self._packed[block])
        while (block, done) < to:
            yield from self._run(stage, block, done, to[1] if block == to[0] else None)
            block, done = block + 1, 0

    def _near(self, place: Place) -> int:
        """Return the last block before a place at whose beginning there is a packed screen."""
        return max(block for block in self._packed if (block, 0) <= place)

    def advance(self, ms: int) -> bool:
        """Go on to what has happened up to a time; False when only a part of it could be done at once."""
        to = self.reel.at_ms(ms)
        if to <= self.place:
            return True
        for _ in self.go(to):
            return self.place >= to
        return True

    def step(self) -> bool:
        """Let the next thing happen; False at the end."""
        if self.reel.next(self.place) is None:
            return False
        block, done = self.reel.settle(self.place)
        for _ in self.go((block, done + 1)):
            pass
        return True

    def _run(self, stage: Stage, block: int, done: int, upto: int | None) -> Iterator[None]:
        """Draw the pieces of a block on a stage in steps; what is shown is where we are."""
        pieces = self.reel.pieces(block)
        upto = len(pieces) if upto is None else upto
        while done < upto:
            held: list[bytes] = []
            size = 0
            while done < upto and size < self._step:
                act = pieces[done].act
                if stage is self.stage and self._within and isinstance(act, bytes):
                    act, self._within = act[self._within :], 0
                if isinstance(act, Size):
                    if held:
                        break
                    stage.resize(act.rows, act.cols)
                else:
                    held.append(act)
                    size += len(act)
                done += 1
            drawn = stage.feed(b"".join(held))
            self._step = min(2 * self._step, _LONG_STEP) if drawn < size // 4 else _STEP
            if stage is self.stage:
                self._arrive((block, done))
            yield

    def _arrive(self, place: Place) -> None:
        self.place = self.reel.settle(place)
        if self.place[1] == 0:
            self._pack(self.place[0], self.stage)

    def _pack(self, block: int, stage: Stage) -> None:
        if block in self._packed or block % self._stride:
            return
        packed = self._packed[block] = stage.freeze()
        self._bytes += len(packed)
        while self._bytes > self._budget and len(self._packed) > 2:
            self._stride *= 2
            for other in [each for each in self._packed if each % self._stride]:
                self._bytes -= len(self._packed.pop(other))
