"""Words in a recording: from one place where they stand to the next, shown on the screen.

Pure. May live here: what a show is to the player, the order in which it is looked through. May not: keys,
times, reading the store. Where there is text of what was printed, it tells where words stand; what has none
(the frames of full-screen programs, the middle of a long output, lines while they are edited) is a stretch,
drawn on a screen aside when the search comes to it and no earlier.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple, Protocol

from recorder.playscan import Lookout, moments, places, sightings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from recorder.projector import Projector

_SOME = 64 << 10  # bytes, from which on it is said how far one is
_HELD = 64 << 10  # bytes: the beginning of an event's first row may have come with the event before
_AHEAD = 200  # texts: a prompt may be kept before outputs that came before it


class Spot(Protocol):
    """A turn or a mark, by the raw offset at which it stands."""

    @property
    def leg(self) -> int: ...  # noqa: D102
    @property
    def raw(self) -> int: ...  # noqa: D102
    @property
    def turn(self) -> int | None: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102


class Hit(NamedTuple):
    """Where words stand: the raw bytes that show them, or the moment; ``prompt``: they were submitted."""

    leg: int
    start: int
    end: int
    prompt: bool = False


class Stretch(NamedTuple):
    """Raw bytes of which no text is kept; ``once``: an edited line, drawn anew with each key."""

    leg: int
    start: int
    end: int
    once: bool = False


class Text(NamedTuple):
    """Raw bytes of which a text is kept, and whether it has the words; ``whole``: it has all that stood."""

    start: int
    end: int
    holds: bool
    prompt: bool = False
    whole: bool = True


class Show(Protocol):
    """What is played."""

    @property
    def turns(self) -> Sequence[Spot]: ...  # noqa: D102
    @property
    def marks(self) -> Sequence[Spot]: ...  # noqa: D102

    def hits(self, words: str) -> Iterator[Hit | Stretch | None]:
        """Yield where words stand or may stand, in order; None now and then while looking."""
        ...


def laid_out(leg: int, texts: Iterable[Text | None], end: Iterable[int]) -> Iterator[Hit | Stretch | None]:
    """Yield the hits among the texts of a leg and the stretches between them, up to its end, in order."""
    covered = 0
    for text in _in_order(texts):
        if text is None:
            yield None
        elif text.prompt:
            # What was submitted stands in the line that was edited, if anywhere.
            begin = min(covered, text.start)
            if text.holds:
                yield Hit(leg, begin, text.start, prompt=True)
            elif begin < text.start:
                yield Stretch(leg, begin, text.start, once=True)
            covered = max(covered, text.start)
        else:
            if covered < text.start:
                yield Stretch(leg, covered, text.start)
            if not text.whole and text.start < text.end:
                yield Stretch(leg, text.start, text.end)
            elif text.holds:
                yield Hit(leg, text.start, text.end)
            covered = max(covered, text.end)
    for last in end:
        if covered < last:
            yield Stretch(leg, covered, last)


def _in_order(texts: Iterable[Text | None]) -> Iterator[Text | None]:
    """Yield texts by their place; each comes at most some texts too late."""
    held: list[Text] = []
    for text in texts:
        if text is None:
            yield None
            continue
        heappush(held, text)
        if len(held) > _AHEAD:
            yield heappop(held)
    yield from sorted(held)


class Search(NamedTuple):
    """A search: the words, the hit that is shown (from 1, 0 before the first), how many, and whether all."""

    words: str = ""
    at: int = 0
    found: int = 0
    whole: bool = False


class Finder:
    """The search under way. What it does comes as steps that say what they are about."""

    def __init__(self, show: Show, projector: Projector) -> None:
        """Begin without words."""
        self._show = show
        self._projector = projector
        self._lookout = Lookout(projector.stage.size, "")
        self._found: list[Hit | Stretch] = []  # so far, in order; stretches are still to be looked through
        self._at = -1  # the hit that is shown, among them
        self._looking: Iterator[Hit | Stretch | None] = iter(())
        self._listed_all = False
        self.search = Search()
        self.message = ""  # how it has ended

    def first(self, words: str, after: tuple[int, int], *, here: bool = False) -> Iterator[str]:
        """Show the first hit behind a raw offset of a leg, or ``here`` at it, else the very first one."""
        self._found, self._at = [], -1
        self._looking, self._listed_all = self._show.hits(words), False
        self._lookout = Lookout(self._projector.stage.size, words)
        self.search, self.message = Search(words), ""
        at = yield from self._behind(after, here=here)
        if at is None:
            at = yield from self._forward(0)
            self.message = "no hit after this: from the beginning on"
        if at is not None:
            yield from self._show_hit(at)
        else:
            self._count()
            stands = self._stands()
            self.message = f"nowhere but on this screen: {words}" if stands else f"not found: {words}"

    def another(self, step: int) -> Iterator[str]:
        """Show the next hit (1) or the one before (-1)."""
        self.message = ""
        at = yield from self._forward(self._at + 1) if step > 0 else self._backward(self._at - 1)
        if at is not None:
            yield from self._show_hit(at)
        else:
            self._count()
            self.message = "no hit after this" if step > 0 else "no hit before this"

    # --- looking ---------------------------------------------------------------------------------

    def _behind(self, after: tuple[int, int], *, here: bool) -> Generator[str, None, int | None]:
        """Return which is the first hit behind a place."""
        index = 0
        while (yield from self._listed(index)):
            found = self._found[index]
            begin, end = (found.leg, found.start), (found.leg, found.end)
            if end > after > begin:
                # We are in the midst of it: what stood earlier is behind us.
                if isinstance(found, Stretch):
                    self._put(index, [found._replace(end=after[1]), found._replace(start=after[1])])
                    index += 1
                    return (yield from self._forward(index))
                raw = yield from self._moment(found.leg, after[1], found.end)
                if raw is not None:
                    self._put(index, [found._replace(start=raw, end=raw)])
                    return index
            elif begin >= after and (end > after or here):
                return (yield from self._forward(index))
            elif here and end == after and isinstance(found, Hit) and found.prompt:
                return index
            index += 1
        return None

    def _forward(self, index: int) -> Generator[str, None, int | None]:
        """Return which is the first hit from an index on."""
        while (yield from self._listed(index)):
            found = self._found[index]
            if isinstance(found, Hit):
                return index
            raw = yield from self._sight(found)
            if raw is None:
                self._put(index, [])
                continue
            rest = [found._replace(start=raw)] if raw < found.end and not found.once else []
            self._put(index, [Hit(found.leg, raw, raw), *rest])
        return None

    def _backward(self, index: int) -> Generator[str, None, int | None]:
        """Return which is the last hit up to an index."""
        while index >= 0:
            found = self._found[index]
            if isinstance(found, Hit):
                return index
            hits: list[Hit] = []
            left: Stretch | None = found
            while left is not None:
                raw = yield from self._sight(left)
                hits += [Hit(left.leg, raw, raw)] if raw is not None else []
                more = raw is not None and raw < left.end and not left.once
                left = left._replace(start=raw) if more and raw is not None else None
            self._put(index, hits)
            index += len(hits) - 1
        return None

    def _listed(self, index: int) -> Generator[str, None, bool]:
        """Say whether there are so many hits and stretches."""
        while len(self._found) <= index and not self._listed_all:
            found = next(self._looking, self)
            if found is self:
                self._listed_all = True
            elif found is None:
                yield "searching"
            elif isinstance(found, Hit | Stretch):
                self._found.append(found)
        return index < len(self._found)

    def _put(self, index: int, found: Sequence[Hit | Stretch]) -> None:
        """Put what was found in the place of what was to be looked through."""
        self._found[index : index + 1] = found
        if index < self._at:
            self._at += len(found) - 1

    def _count(self) -> None:
        hits = [isinstance(found, Hit) for found in self._found]
        whole = self._listed_all and all(hits)
        self.search = self.search._replace(at=sum(hits[: self._at + 1]), found=sum(hits), whole=whole)

    def _sight(self, stretch: Stretch) -> Generator[str, None, int | None]:
        """Return the first moment in a stretch at which the words come to stand."""
        steps = sightings(self._projector, self._lookout, *stretch[:3])
        return (yield from _first(steps, stretch.start, stretch.end, "searching"))

    def _moment(self, leg: int, start: int, end: int) -> Generator[str, None, int | None]:
        """Return the first moment in bytes of which a text is kept."""
        steps = moments(self._projector, self._lookout, leg, start, end)
        return (yield from _first(steps, start, end, "drawing"))

    # --- showing ---------------------------------------------------------------------------------

    def _show_hit(self, index: int) -> Iterator[str]:
        """Go to the moment at which the words of a hit come to stand on the screen."""
        hit = self._found[index]
        self._at = index
        self._count()
        raw = None
        for start in (hit.start, max(0, hit.start - _HELD)):
            if raw is None and hit.start < hit.end:
                raw = yield from self._moment(hit.leg, start, hit.end)
        for _ in self._projector.go_raw(hit.leg, hit.end if raw is None else raw):
            yield "drawing"
        if raw is None and hit.start < hit.end and not self._stands():
            self.message = "printed here, but never on the screen in one piece"

    def _stands(self) -> bool:
        """Say whether the words stand on the screen, maybe over the end of a row."""
        stage = self._projector.stage
        return bool(places(stage, self.search.words.casefold(), 0, stage.lines * stage.columns))


def _first(
    steps: Iterator[tuple[int, bool]], start: int, end: int, what: str
) -> Generator[str, None, int | None]:
    """Return the first moment among steps, each of which says how far it is and whether it is one."""
    for raw, stands in steps:
        if stands:
            return raw
        share = min(99, max(0, raw - start) * 100 // max(1, end - start))
        yield f"{what} {share} %" if end - start > _SOME else what
    return None
