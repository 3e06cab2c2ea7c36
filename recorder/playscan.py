"""Words as they come to stand on the screen: a reel's bytes in, the raw offsets of those moments out.

Pure. May live here: the screen that notices words, the run of a stretch over it. May not: which stretches are
looked through and in which order (playsearch), reading the store. A moment is the end of a run of text that
completes the words, so that one need not be a whole piece: what scrolls by within a piece is found, too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recorder.ansi import TokenKind
from recorder.basics import Size
from recorder.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.board import Board
    from recorder.projector import Projector
    from recorder.reel import Piece


class Lookout(Stage):
    """A screen that notices where words come to stand on it, in any case, maybe over the end of a row."""

    def __init__(self, size: Size, words: str) -> None:
        """Begin with an empty screen."""
        self._words = words.casefold()
        some = re.escape(words.casefold() + words.upper()).encode()
        self._may_add = re.compile(b"[\x80-\xff%b]" % some if words.isascii() else b"").search
        self._raw = 0  # raw offset behind what was taken
        self._looking = False
        self.sighted: list[int] = []  # raw offsets at which words have come to stand
        super().__init__(size)

    def look(self, piece: Piece) -> None:
        """Let a piece happen."""
        if isinstance(piece.act, Size):
            self.resize(piece.act.rows, piece.act.cols)
            return
        self._raw = piece.end - len(piece.act) - len(self._tokens.pending)
        self._looking = True
        self._draw_all(piece.act)  # whole: nothing may be passed over
        self._looking = False

    def _take(self, kind: TokenKind, raw: bytes) -> None:
        begun = self._raw
        if self._looking and kind is TokenKind.TEXT and self._may_add(raw):
            width = self.columns  # so that a part scrolls by a row at most
            for at in range(0, len(raw), width):
                self._raw = begun + min(len(raw), at + width)
                self._write(raw[at : at + width])
        else:
            super()._take(kind, raw)
        self._raw = begun + len(raw)

    def _write(self, part: bytes) -> None:
        """Draw a part of a text, and notice words that stand in its cells and did not before."""
        reach = 1 + 2 * len(self._words) // self.columns  # rows
        y, first = self.cursor.y, self._at()
        before = places(self, self._words, y - reach, y + reach + 1)
        super()._take(TokenKind.TEXT, part)
        last = self._at()
        y = min(y, self.cursor.y)
        found = places(self, self._words, y - reach, y + reach + 1)
        if last <= first:  # the rows have moved up by one
            first -= self.columns
            before = {(begin - self.columns, end - self.columns) for begin, end in before}
        if any(begin < last and end > first for begin, end in found - before):
            self.sighted.append(self._raw)

    def _at(self) -> int:
        return self.cursor.y * self.columns + self.cursor.x


def places(board: Board, folded: str, top: int, past: int) -> set[tuple[int, int]]:
    """Return where words stand in the rows from ``top`` to before ``past``: cells, counted row after row."""
    top, past = max(0, top), min(past, board.lines)
    columns = range(board.columns)
    data: list[str] = []
    for y in range(top, past):
        row = board.row(y)
        data += [row[x].data for x in columns] if row else " " * board.columns
    text = "".join(data).casefold()
    at = text.find(folded) if folded else -1
    if at < 0:
        return set()
    cells = [cell for cell, each in enumerate(data, top * board.columns) for _char in each.casefold()]
    found: set[tuple[int, int]] = set()
    while at >= 0:
        found.add((cells[at], cells[at + len(folded) - 1] + 1))
        at = text.find(folded, at + 1)
    return found


def moments(projector: Projector, lookout: Lookout, leg: int, start: int, end: int) -> Iterator[int | None]:
    """Yield the raw offsets between two of a leg at which words come to stand; None with each step."""
    reel = projector.reel
    place, stop = reel.at_raw(leg, start), reel.at_raw(leg, end, reach=True)
    for _ in projector.draw(lookout, place):
        yield None
    while place < stop:
        block, done = place
        pieces = reel.pieces(block)
        upto = stop[1] if block == stop[0] else len(pieces)
        for piece in pieces[done:upto]:
            lookout.sighted.clear()
            lookout.look(piece)
            for raw in lookout.sighted:
                if start < raw <= end:
                    yield raw
            yield None
        place = reel.settle((block, upto))
