"""What a player needs of a stored session: its reel, its turns and marks, and where words stand in it.

Reads the store over the lineage. Packed screens, found places and all else derived are in memory only:
what is erased leaves nothing behind here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from recorder import lineage
from recorder.basics import Size
from recorder.model import Kind, Status
from recorder.playsearch import Text, laid_out
from recorder.reel import Cutter, Reel, pieces
from recorder.sessions import status_of
from recorder.turns import INPUT, raw_end, raw_offset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.lineage import Leg
    from recorder.model import Event
    from recorder.playsearch import Hit, Stretch
    from recorder.reel import Block, Piece, Place, Resizes
    from recorder.sessions import Alive
    from recorder.store import Store

_MARKED = (Kind.MARK.value, Kind.ALERT.value)
_LOOK_BACK = 20  # events
_WORDS = (Kind.PROMPT.value, Kind.OUTPUT.value, Kind.SYSTEM.value)


class Spot(NamedTuple):
    """A place that can be gone to by name: a turn or a mark."""

    leg: int
    raw: int
    turn: int | None
    text: str


class Film:
    """A session to be played."""

    def __init__(self, store: Store, ulid: str, idle_ms: int | None, alive: Alive) -> None:
        """Look at the lineage; nothing is read yet."""
        self._alive = alive
        self._store = store
        self._idle = idle_ms
        self.ulid = ulid
        self._legs = lineage.legs(store, ulid)
        self._ends = [lineage.end_of(store, leg) for leg in self._legs]
        self._resizes: Resizes = {}
        self._edges: dict[Block, list[int]] = {}
        self._seen: dict[int, int] = {}  # by leg: the last mark's seq
        self._cutter = Cutter(idle_ms)
        self._next = 0  # raw offset in the last leg, behind what is on the reel
        self.reel = Reel(self._load)
        self.turns: list[Spot] = []
        self.marks: list[Spot] = []

    @property
    def size(self) -> Size:
        """Return the screen's size at the beginning."""
        return self._legs[0].summary.session.size if self._legs else Size(80, 24)

    def open(self) -> Iterator[tuple[int, int]]:
        """Put all there is on the reel; yield now and then how many bytes of how many are done."""
        lengths = [
            self._store.raw_length(leg.ulid) if end is None else end
            for leg, end in zip(self._legs, self._ends, strict=True)
        ]
        done, total = 0, sum(lengths) or 1
        for number, (leg, end) in enumerate(zip(self._legs, self._ends, strict=True)):
            self._note_resizes(number)
            before = done
            if end == 0:
                continue
            for chunk in self._store.raw(leg.ulid, 0, end):
                self.reel.add(self._cutter.add(number, chunk))
                self._next = chunk.start + len(chunk.data)
                if before + self._next - done > (1 << 20):
                    done = before + self._next
                    yield done, total
            done = before + lengths[number]
        self.reel.add(self._cutter.flush())
        self._note_spots()

    def place(self, session: str, raw: int, *, reach: bool = False) -> Place:
        """Return the last place before a raw offset of a session; ``reach``: the first one behind it."""
        number = next((number for number, leg in enumerate(self._legs) if leg.ulid == session), 0)
        return self.reel.at_raw(number, raw, reach=reach)

    def live(self) -> bool:
        """Say whether the session is being recorded now."""
        summary = self._store.summary(self.ulid)
        return summary is not None and status_of(summary, self._alive) is Status.LIVE

    def more(self) -> bool:
        """Look whether the session has grown; say whether it has."""
        if not self._legs or self._store.raw_length(self.ulid) <= self._next:
            return False
        last = len(self._legs) - 1
        self._note_resizes(last)
        for chunk in self._store.raw(self.ulid, self._next):
            self.reel.add(self._cutter.add(last, chunk))
            self._next = chunk.start + len(chunk.data)
        self.reel.add(self._cutter.flush())
        self._note_spots()
        return True

    def _load(self, block: Block) -> list[Piece]:
        """Read a block; where turns begin it is cut, the same way whenever it is read again."""
        if block not in self._edges:
            first = bisect_right(self.turns, (block.leg, block.start), key=_where)
            last = bisect_left(self.turns, (block.leg, block.end), key=_where)
            self._edges[block] = [spot.raw for spot in self.turns[first:last]]
        chunks = self._store.raw(self._legs[block.leg].ulid, block.start, block.end)
        return pieces(block, chunks, self._resizes.get(block.leg, ()), self._idle, self._edges[block])

    def _note_resizes(self, number: int) -> None:
        """Find the new sizes of one leg, the one that its session begins with, too."""
        leg = self._legs[number]
        found = [(0, leg.summary.session.size)] if number else []
        for event in self._store.events(leg.ulid, kinds=(Kind.RESIZE.value,), upto=leg.upto_seq):
            cols, rows = event.meta.get("cols"), event.meta.get("rows")
            raw = raw_offset(event)
            if isinstance(cols, int) and isinstance(rows, int) and raw is not None:
                found.append((raw, Size(cols, rows)))
        self._resizes[number] = sorted(found, key=lambda each: each[0])

    def _note_spots(self) -> None:
        """Find the turns and the marks."""
        self.turns = [
            Spot(number, turn.raw_start, turn.turn, turn.command)
            for number, leg in enumerate(self._legs)
            for turn in self._store.turns(leg.ulid)
            if leg.holds(turn.turn)
        ]
        self.turns.sort(key=_where)
        for number, leg in enumerate(self._legs):
            seen = self._seen.get(number, 0)
            for event in self._store.events(leg.ulid, kinds=_MARKED, after=seen, upto=leg.upto_seq):
                self._seen[number] = event.seq
                if leg.has(event):
                    self.marks.append(Spot(number, self._near(event), event.turn, event.text))
        self.marks.sort(key=_where)

    def _near(self, event: Event) -> int:
        """Return where an event stands; one that another process wrote stands where those before it do."""
        own = raw_offset(event)
        if own is not None:
            return own
        before = self._store.events(event.session, upto=event.seq - 1, last=_LOOK_BACK)
        return max((raw_end(each) for each in before), default=0)

    # --- words -----------------------------------------------------------------------------------

    def hits(self, words: str) -> Iterator[Hit | Stretch | None]:
        """Yield where words stand or may stand, in order; None now and then while looking."""
        wanted = words.casefold()
        for number, leg in enumerate(self._legs):
            yield from laid_out(number, self._texts(leg, wanted), self._length(number))

    def _texts(self, leg: Leg, wanted: str) -> Iterator[Text | None]:
        """Yield which raw bytes a leg's events tell the text of, and whether it has the words."""
        looked = 0
        framed: set[int | None] = set()  # the turns whose next output may begin before a full-screen program
        for event in self._store.events(leg.ulid, kinds=_WORDS, upto=leg.upto_seq):
            looked += len(event.text) + 1000
            if looked > (1 << 20):
                looked = 0
                yield None
            if not leg.has(event):
                continue
            if "full_screen_ms" in event.meta:
                framed.add(event.turn)
            start = raw_offset(event)
            if start is None or event.kind == Kind.SYSTEM:
                continue
            holds = wanted in event.text.casefold()
            if event.kind == Kind.OUTPUT:
                whole = event.turn not in framed and "unrendered" not in event.meta
                framed.discard(event.turn)
                yield Text(start, max(start, raw_end(event)), holds, whole=whole)
            elif event.meta.get("source") != INPUT:
                yield Text(start, start, holds, prompt=True)
            elif holds:
                yield Text(start, start, holds)

    def _length(self, number: int) -> Iterator[int]:
        """Yield the raw offset at which a leg ends on the reel; read last, for what is live grows."""
        end = self._ends[number]
        if number == len(self._legs) - 1:
            end = self._next
        yield self._store.raw_length(self._legs[number].ulid) if end is None else end


def _where(spot: Spot) -> tuple[int, int]:
    return spot.leg, spot.raw
