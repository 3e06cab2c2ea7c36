"""Cut the tool's output into the spans that become `output` events.

Pure. Rules (the contract's): an output closes at the end of its turn, at 64 KiB, or 5 s after its
first byte; of one turn at most the first and last 512 KiB become text, and a `system` event says
how much is raw only. Output while no turn is open has no turn; it gets a new allowance of text
every minute, so that a tool without prompts (``tail -f``) stays readable all day. Sizes are counted
in raw bytes, full-screen frames aside, so that the loop never has to render.

The line on which the cursor stands is never cut off by size or time: it may turn out to be the
next prompt, which is no output.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from recorder.model import Draft, Kind, Moment, Span

if TYPE_CHECKING:
    from recorder.model import Meta

SPAN_BYTES = 64 << 10
SPAN_MS = 5_000
HEAD_BYTES = TAIL_BYTES = 512 << 10
MAX_LINE = 16 << 10  # a longer unfinished line is no prompt
BACKGROUND_MS = 60_000
MAX_BLANK = 4 << 10  # bytes; what is longer is not searched for something to be seen
_INVISIBLE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|[\x00-\x20]"
)

Item = Draft | Span


class Source(NamedTuple):
    """Whose output it is.

    Raw offsets are counted over all that one process records; ``origin`` is where its session began.
    """

    session: str
    invocation: str
    tool: str
    origin: int = 0
    cap: int = HEAD_BYTES  # so many bytes at either end of a turn become text

    def place(self, raw: int) -> int:
        """Return the session's own raw offset; what stands before its first byte counts as there."""
        return max(0, raw - self.origin)


class _Piece(NamedTuple):
    start: int
    data: bytes
    at: Moment


class Shelf(NamedTuple):
    """What is remembered of a turn while another one is open inside it."""

    turn: int | None
    given: int  # bytes of it that became spans


def shows(data: bytes) -> bool:
    """Say whether output leaves anything to be seen; more than 4 KiB of it always counts."""
    return len(data) > MAX_BLANK or bool(_INVISIBLE.sub(b"", data))


class SpanCutter:
    """Collect output and give it out in spans; ``cols`` follows the terminal's width."""

    def __init__(self, source: Source, cols: int) -> None:
        """Begin outside any turn."""
        self._most = source.cap
        self.source = source
        self.cols = cols
        self.turn: int | None = None
        self._pieces: deque[_Piece] = deque()
        self._size = 0
        self._began_ms = 0
        self._reached = 0  # raw offset where the turn began, or up to which it was given out
        self._given = 0  # bytes of this turn that became spans
        self._left_out = 0  # bytes of this turn that stay raw only
        self._fresh = True

    def begin(self, turn: int | None, at: Moment, raw: int) -> list[Item]:
        """Close what is open and begin ``turn`` (None: background) at raw offset ``raw``."""
        items = self._close(at, raw, None)
        self._renew(turn, at, raw)
        return items

    def end(self, at: Moment, raw: int, meta: Meta) -> list[Item]:
        """Close the open turn at raw offset ``raw``; what was collected beyond it is dropped.

        ``meta`` (end, status, duration) goes into the turn's last output, which is always there.
        """
        items = self._close(at, raw, meta)
        self._renew(None, at, raw)
        return items

    def suspend(self, at: Moment, raw: int) -> tuple[list[Item], Shelf]:
        """Give out what the open turn has printed up to raw offset ``raw``, and put the turn aside."""
        items = self._close(at, raw, None)
        shelf = Shelf(self.turn, self._given)
        self._renew(None, at, raw)
        return items, shelf

    def resume(self, shelf: Shelf, at: Moment, raw: int) -> None:
        """Go on with a turn that was put aside; its allowance of text goes on too."""
        self._renew(shelf.turn, at, raw)
        self._given = shelf.given

    def _renew(self, turn: int | None, at: Moment, raw: int) -> None:
        self.turn = turn
        self._began_ms = at.offset_ms
        self._given = self._left_out = 0
        self._fresh = True
        self._reached = raw

    @property
    def empty(self) -> bool:
        """Say whether the open turn has printed nothing yet."""
        return self._size == 0 and self._given == 0

    @property
    def _capped(self) -> bool:
        return self._given >= self._most

    def add(self, at: Moment, raw: int, data: bytes) -> list[Item]:
        """Take output that begins at raw offset ``raw``; return the spans it completes."""
        if not data:
            return []
        items = self._renew_allowance(at, raw)
        self._pieces.append(_Piece(raw, data, at))
        self._size += len(data)
        while self._size >= min(SPAN_BYTES, self._most) and not self._capped:
            items += self._give(self._whole_lines())
        if self._capped:
            self._forget_middle()
        return items

    def tick(self, now: Moment) -> list[Item]:
        """Close an output whose first byte is 5 s old; the unfinished last line stays open."""
        due = self.due_ms()
        if due is None or now.offset_ms < due:
            return []
        if self._capped:
            last = self._pieces[-1]
            return self._renew_allowance(now, last.start + len(last.data))
        return self._give(min(self._line_end() or 0, self._most - self._given))

    def due_ms(self) -> int | None:
        """Return the offset (ms) at which ``tick`` has something to do, or None."""
        if not self._pieces:
            return None
        if self._capped:
            return self._began_ms + BACKGROUND_MS if self.turn is None else None
        return None if self._line_end() is None else self._pieces[0].at.offset_ms + SPAN_MS

    def so_far(self, *, answered: bool) -> list[Item]:
        """Give out what was printed before an event; ``answered``: with the line on which the cursor stands.

        The tail of a turn that has had its head is given out at its end only.
        """
        size = self._size if answered else self._line_end() or 0
        size = min(size, self._most - self._given)
        items = self._give(size) if size > 0 else []
        return [replace(item, answered=answered) if isinstance(item, Span) else item for item in items]

    def _renew_allowance(self, at: Moment, raw: int) -> list[Item]:
        """Begin anew with background output whose minute is over."""
        over = self._capped and self.turn is None and at.offset_ms - self._began_ms >= BACKGROUND_MS
        return self.begin(None, at, raw) if over else []

    def tail(self, size: int) -> bytes:
        """Return at least the last ``size`` bytes that were collected, as far as they are there."""
        parts: list[bytes] = []
        for piece in reversed(self._pieces):
            parts.insert(0, piece.data)
            size -= len(piece.data)
            if size <= 0:
                break
        return b"".join(parts)

    def drop_from(self, raw: int) -> None:
        """Forget what was collected from raw offset ``raw`` on: it was a prompt."""
        while self._pieces and self._pieces[-1].start >= raw:
            self._size -= len(self._pieces.pop().data)
        if self._pieces:
            last = self._pieces[-1]
            over = last.start + len(last.data) - raw
            if over > 0:
                self._pieces[-1] = last._replace(data=last.data[:-over])
                self._size -= over

    def _line_end(self) -> int | None:
        """Return how many collected bytes are whole lines, or None when there is no line end."""
        open_line = 0
        for piece in reversed(self._pieces):
            found = piece.data.rfind(b"\n")
            open_line += len(piece.data) - found - 1
            if open_line > MAX_LINE:
                return self._size
            if found >= 0:
                return self._size - open_line
        return None

    def _whole_lines(self) -> int:
        """Return how much of the first 64 KiB goes into a span: whole lines, if there are any.

        It depends on nothing but the bytes, so that spans are the same however output arrives.
        """
        limit = min(SPAN_BYTES, self._most - self._given)
        at = cut = 0
        for piece in self._pieces:
            if at >= limit:
                break
            found = piece.data.rfind(b"\n", 0, limit - at)
            if found >= 0:
                cut = at + found + 1
            at += len(piece.data)
        return cut if cut and limit == SPAN_BYTES else limit

    def _give(self, size: int) -> list[Item]:
        """Give out the first ``size`` collected bytes, unless background output begins with nothing."""
        span = self._take(size)
        if self.turn is None and span.fresh and not shows(span.data):
            self._fresh = True
            return []
        return [span]

    def _take(self, size: int, meta: Meta | None = None) -> Span:
        """Make a span of the first ``size`` collected bytes."""
        first = self._pieces[0]
        parts: list[bytes] = []
        end, left = first.start, size
        while left > 0:
            piece = self._pieces.popleft()
            part = piece.data[:left]
            if len(part) < len(piece.data):
                self._pieces.appendleft(
                    piece._replace(start=piece.start + len(part), data=piece.data[len(part) :])
                )
            parts.append(part)
            end = piece.start + len(part)
            left -= len(part)
        self._size -= size
        self._given += size
        self._reached = max(self._reached, end)
        return self._span(first.at, b"".join(parts), (first.start, end), meta)

    def _span(self, at: Moment, data: bytes, raw: tuple[int, int], meta: Meta | None) -> Span:
        span = Span(
            session=self.source.session,
            invocation=self.source.invocation,
            tool=self.source.tool,
            turn=self.turn,
            at=at,
            data=data,
            raw_start=self.source.place(raw[0]),
            raw_end=self.source.place(raw[1]),
            cols=self.cols,
            fresh=self._fresh,
            meta=meta or {},
        )
        self._fresh = False
        return span

    def _forget_middle(self) -> None:
        """Let go of what will be raw only: more is kept than the tail, as a prompt may be cut off it."""
        while self._pieces and self._size - len(self._pieces[0].data) >= self._most + MAX_LINE:
            gone = len(self._pieces.popleft().data)
            self._size -= gone
            self._left_out += gone

    def _trim(self) -> None:
        """Keep exactly the tail of a turn that has had its head."""
        while self._size > self._most:
            first = self._pieces.popleft()
            gone = min(len(first.data), self._size - self._most)
            if gone < len(first.data):
                self._pieces.appendleft(first._replace(start=first.start + gone, data=first.data[gone:]))
            self._size -= gone
            self._left_out += gone

    def _close(self, at: Moment, raw: int, meta: Meta | None) -> list[Item]:
        self.drop_from(raw)
        if self._capped:
            self._trim()
        items: list[Item] = []
        if self._left_out:
            self._fresh = True
            items.append(self._notice(self._pieces[0].at if self._pieces else at))
        while self._size > SPAN_BYTES:
            items.append(self._take(SPAN_BYTES))
        if meta is not None:
            end = max(raw, self._reached)  # an echo that did not come ends the turn where it begins
            last = self._take(self._size, meta) if self._size else self._span(at, b"", (end, end), meta)
            items.append(replace(last, raw_end=max(self.source.place(end), last.raw_end)))
        elif self._size:
            items += self._give(self._size)
        self._pieces.clear()
        self._size = 0
        return items

    def _notice(self, at: Moment) -> Draft:
        return Draft(
            session=self.source.session,
            kind=Kind.SYSTEM,
            at=at,
            text=f"{self._left_out} bytes of output are kept as raw bytes only",
            turn=self.turn,
            invocation=self.source.invocation,
            meta={"raw_only": self._left_out},
        )
