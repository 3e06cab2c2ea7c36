"""The raw stream of a session: what is kept of it, where it stands, and what stands out in it.

Pure. Output goes in as it was read, already without our own marks; chunks come out as they are to
be stored, each with its place in the raw stream. What is not to be kept (paused, hidden, recorded
by somebody else) is followed for its modes only and never counted, so that raw offsets have no
holes. A region may be held in memory until it is known whether it may ever be kept; what stands in it
can be read meanwhile, at the offsets that it will have then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recorder.model import Chunk
from recorder.redact import Redactor
from recorder.watch import Watch

if TYPE_CHECKING:
    from recorder.model import Moment
    from recorder.redact import Piece
    from recorder.spans import Source
    from recorder.watch import Spot

MAX_REGION = 4 << 20  # bytes of a shell's prompt and edit kept in memory until its line is known


class Stretch(NamedTuple):
    """A piece of the raw stream: the chunk to store (None while it is held), and what can be read now.

    ``text`` begins at raw offset ``start`` and ends in no middle of a sequence that matters, so it
    may begin with the end of an earlier chunk. ``spots`` are the finds in it, by raw offset.
    """

    chunk: Chunk | None
    start: int
    text: bytes
    spots: list[Spot]


class Tape:
    """Where the raw stream of one session stands."""

    def __init__(self, source: Source, nonce: str, raw: int) -> None:
        """Go on at raw offset ``raw``."""
        self.raw = raw
        self.source = source
        self._watch = Watch()
        self._skew = -raw  # watch counts what it was fed, from 0; raw counts what is kept
        self._redactor = Redactor(nonce)
        self._open = b""  # the end of the last chunk, in the middle of a sequence
        self._region: list[tuple[Moment, Piece]] | None = None
        self._region_size = 0

    @property
    def place(self) -> int:
        """Return the raw offset of the next byte, if what is held will be kept."""
        return self.raw + self._region_size

    @property
    def holding(self) -> bool:
        """Say whether bytes are held back for a redaction; ``flush`` releases them."""
        return self._redactor.holding

    def keep(self, now: Moment, data: bytes) -> list[Stretch]:
        """Take output; return what is kept now, or held."""
        return [self._stretch(now, piece) for piece in self._redactor.feed(data)]

    def flush(self, now: Moment) -> list[Stretch]:
        """Take what was held back for a redaction that did not come."""
        return [self._stretch(now, piece) for piece in self._redactor.flush()]

    def pass_by(self, data: bytes) -> list[Spot]:
        """Take output that is not kept; return the finds in it."""
        self._skew += len(data)
        self._open = b""
        return self._watch.feed(data)

    def _stretch(self, now: Moment, piece: Piece) -> Stretch:
        spots = [
            spot._replace(start=spot.start - self._skew, end=spot.end - self._skew)
            for spot in self._watch.feed(piece.data)
        ]
        text = self._open + piece.data
        start = self.place - len(self._open)
        cut = max(0, len(text) - self._watch.pending)
        self._open = text[cut:]
        if self._region is None:
            return Stretch(self._chunk(now, piece), start, text[:cut], spots)
        self._region.append((now, piece))
        self._region_size += len(piece.data)
        return Stretch(None, start, text[:cut], spots)

    def _chunk(self, now: Moment, piece: Piece) -> Chunk:
        start = self.source.place(self.raw)
        self.raw += len(piece.data)
        return Chunk(
            session=self.source.session,
            invocation=self.source.invocation,
            start=start,
            at=now,
            data=piece.data,
            redactions=tuple((start + at, size, what) for at, size, what in piece.redactions),
        )

    # --- the retractable region ----------------------------------------------------------------

    @property
    def region_full(self) -> bool:
        """Say whether more is held than a line and its prompt can be."""
        return self._region_size > MAX_REGION

    def begin_region(self) -> None:
        """Hold what comes from here on in memory."""
        self._region = []

    def end_region(self, *, keep: bool) -> list[Chunk]:
        """Give out what was held, or forget that it ever was."""
        region, self._region = self._region or [], None
        size, self._region_size = self._region_size, 0
        if keep:
            return [self._chunk(at, piece) for at, piece in region]
        if size:
            self._skew += size
            self._open = b""
        return []
