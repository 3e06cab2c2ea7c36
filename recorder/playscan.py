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
    from recorder.reel import Piece, Place


_BEFORE = 1024  # bytes before a stretch in which words may begin that end in it
_SETTLED_MS = 100  # what a full-screen program shows so long was its picture, and no part of drawing one
_STYLE = re.compile(rb"\x1b\[[0-9;:]{0,40}m")
_MOVES = re.compile(rb"[\x00-\x09\x0b-\x0c\x0e-\x1a\x1c-\x1f]|\r(?!\n)|\x1b(?!\[[0-9;:]{0,40}m)").search


class Lookout(Stage):
    """A screen that notices where words come to stand on it, in any case, maybe over the end of a row."""

    def __init__(self, size: Size, words: str) -> None:
        """Begin with an empty screen."""
        self.folded = words.casefold()
        some = re.escape(words.casefold() + words.upper()).encode()
        self._may_add = re.compile(b"[\x80-\xff%b]" % some if words.isascii() else b"").search
        self._raw = 0  # raw offset behind what was taken
        self._looking = False
        self._picture: set[tuple[int, int]] = set()  # where words stood in what the alternate screen showed
        self._ms = 0
        self.sighted: list[int] = []  # raw offsets in the last piece at which words have come to stand
        self.place: Place | None = None  # what it shows
        super().__init__(size)

    def look(self, piece: Piece) -> None:
        """Let a piece happen."""
        self.sighted.clear()
        if not self.alternate:
            self._picture = set()
        elif piece.ms - self._ms >= _SETTLED_MS:
            self._picture = self.standing()
        self._ms = piece.ms
        if isinstance(piece.act, Size):
            self.resize(piece.act.rows, piece.act.cols)
            return
        self._raw = piece.end - len(piece.act) - len(self._tokens.pending)
        self._looking = True
        self._draw_all(piece.act)  # whole: nothing may be passed over
        self._looking = False
        if self.sighted and self.alternate and self.standing():
            self.sighted = [piece.end]  # a picture is shown as far drawn as the words stand

    def standing(self) -> set[tuple[int, int]]:
        """Return where the words stand now."""
        return places(self, self.folded, 0, self.lines * self.columns)

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
        reach = 2 * len(self.folded)  # cells, all of them wide
        first = self._at()
        low, past = first - reach, first + len(part) + reach
        before = places(self, self.folded, low, past)
        super()._take(TokenKind.TEXT, part)
        last = self._at()
        if last <= first:  # the rows have moved up by one
            first, low = first - self.columns, low - self.columns
            before = {(begin - self.columns, end - self.columns) for begin, end in before}
        found = places(self, self.folded, low, past)
        new = {(begin, end) for begin, end in found - before if begin < last and end > first}
        if new and not (self.alternate and self._stood(new)):
            self.sighted.append(self._raw)

    def _stood(self, new: set[tuple[int, int]]) -> bool:
        """Say whether the picture that is drawn anew had the words there already."""
        return new <= self._picture and len(self.standing()) <= len(self._picture)

    def _at(self) -> int:
        return self.cursor.y * self.columns + self.cursor.x


def places(board: Board, folded: str, low: int, past: int) -> set[tuple[int, int]]:
    """Return where words stand among the cells from ``low`` to before ``past``, counted row after row."""
    columns = board.columns
    low, past = max(0, low), min(past, board.lines * columns)
    data: list[str] = []
    for y in range(low // columns, -(-past // columns)):
        begin, end = max(0, low - y * columns), min(columns, past - y * columns)
        row = board.row(y)
        data += [row[x].data for x in range(begin, end)] if row else " " * (end - begin)
    text = "".join(data).casefold()
    at = text.find(folded) if folded else -1
    if at < 0:
        return set()
    cells = [cell for cell, each in enumerate(data, low) for _char in each.casefold()]
    found: set[tuple[int, int]] = set()
    while at >= 0:
        found.add((cells[at], cells[at + len(folded) - 1] + 1))
        at = text.find(folded, at + 1)
    return found


def may_stand(folded: str, data: bytes) -> bool:
    """Say whether printing some bytes may make words stand, in any case; False only where it cannot."""
    text = _STYLE.sub(b"", data).decode("utf-8", "replace").casefold()
    if _MOVES(data) or any(char.isspace() for char in folded):
        return all(char in text for char in folded if not char.isspace())
    return folded in text.replace("\r", "").replace("\n", "")


def sightings(
    projector: Projector, lookout: Lookout, leg: int, start: int, end: int
) -> Iterator[tuple[int, bool]]:
    """Yield what ``moments`` does, passing over blocks in which words cannot come to stand."""
    reel = projector.reel
    first, last = reel.at_raw(leg, start)[0], reel.at_raw(leg, end, reach=True)[0]
    for number in range(first, min(last + 1, len(reel.blocks))):
        block = reel.blocks[number]
        low, high = max(start, block.start), min(end, block.end)
        if block.leg != leg or low >= high:
            continue
        near = reel.pieces(number - 1)[-1:] if number and reel.blocks[number - 1].leg == leg else []
        parts = [piece for piece in [*near, *reel.pieces(number)] if low - _BEFORE < piece.end]
        data = b"".join(
            piece.act for piece in parts if isinstance(piece.act, bytes) and piece.end - len(piece.act) < high
        )
        if may_stand(lookout.folded, data):
            yield from moments(projector, lookout, leg, low, high)
        else:
            yield high, False


def moments(
    projector: Projector, lookout: Lookout, leg: int, start: int, end: int
) -> Iterator[tuple[int, bool]]:
    """Yield steps between two raw offsets of a leg: how far it is, and whether words come to stand there."""
    reel = projector.reel
    place, stop = reel.at_raw(leg, start), reel.at_raw(leg, end, reach=True)
    before, lookout.place = lookout.place, None  # it may be left on its way
    for _ in projector.draw(lookout, place, before):
        yield start, False
    lookout.place = place
    while place < stop:
        block, done = place
        pieces = reel.pieces(block)
        upto = stop[1] if block == stop[0] else len(pieces)
        for number, piece in enumerate(pieces[done:upto], done + 1):
            lookout.look(piece)
            lookout.place = reel.settle((block, number))
            for raw in list(lookout.sighted):
                if start < raw <= end:
                    yield raw, True
            yield min(piece.end, end), False
        place = reel.settle((block, upto))
