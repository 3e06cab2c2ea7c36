"""Words in a recording: from one place where they stand to the next, shown on the screen.

Pure. May live here: what a show is to the player, and finding. May not: keys, times, reading the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from recorder.playscan import Lookout, moments, places
from recorder.reel import PIECE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from recorder.projector import Projector

_STEPS = 64  # pieces, after which it is said how far one is
_HELD = 64 << 10  # bytes: the beginning of an event's first row may have come with the event before


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


class Hit(Protocol):
    """Where words stand: the raw bytes that show them."""

    @property
    def leg(self) -> int: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102


class Show(Protocol):
    """What is played."""

    @property
    def turns(self) -> Sequence[Spot]: ...  # noqa: D102
    @property
    def marks(self) -> Sequence[Spot]: ...  # noqa: D102

    def hits(self, words: str) -> Iterator[Hit | None]:
        """Yield where words stand, in order; None now and then while looking."""
        ...


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
        self._hits: list[Hit] = []
        self._looking: Iterator[Hit | None] = iter(())
        self.search = Search()
        self.message = ""  # how it has ended

    def first(self, words: str, after: tuple[int, int], *, here: bool = False) -> Iterator[str]:
        """Show the first hit behind a raw offset of a leg, or ``here`` at it, else the very first one."""
        self._hits, self._looking = [], self._show.hits(words)
        self.search, self.message = Search(words), ""
        number = 1
        while True:
            yield from self._look(number)
            if number > len(self._hits):
                break
            hit = self._hits[number - 1]
            if (hit.leg, hit.end) > after or (here and (hit.leg, hit.start) >= after):
                yield from self._show_hit(number)
                return
            number += 1
        if self._hits:
            yield from self._show_hit(1)
            self.message = "no hit after this: from the beginning on"
        else:
            self.message = f"not found: {words}"

    def another(self, step: int) -> Iterator[str]:
        """Show the next hit (1) or the one before (-1)."""
        number, self.message = self.search.at + step, ""
        yield from self._look(number)
        if 0 < number <= len(self._hits):
            yield from self._show_hit(number)
        else:
            self.message = "no hit after this" if step > 0 else "no hit before this"

    def _look(self, number: int) -> Iterator[str]:
        """Find hits up to a number, if there are so many."""
        while len(self._hits) < number and not self.search.whole:
            try:
                hit = next(self._looking)
            except StopIteration:
                self.search = self.search._replace(whole=True)
                return
            if hit is None:
                yield "searching"
            else:
                self._hits.append(hit)
                self.search = self.search._replace(found=len(self._hits))

    def _show_hit(self, number: int) -> Iterator[str]:
        """Go to the moment at which the words of a hit come to stand on the screen."""
        hit = self._hits[number - 1]
        self.search = self.search._replace(at=number)
        projector, raw = self._projector, None
        for start in (hit.start, max(0, hit.start - _HELD)):
            if raw is None and hit.start < hit.end:
                raw = yield from self._moment(hit, start)
        for _ in projector.go_raw(hit.leg, hit.end if raw is None else raw):
            yield "drawing"
        if raw is None and hit.start < hit.end and not self._shown():
            self.message = "printed here, but never on the screen in one piece"

    def _moment(self, hit: Hit, start: int) -> Generator[str, None, int | None]:
        """Return the raw offset of the first moment from ``start`` to a hit's end."""
        lookout = Lookout(self._projector.stage.size, self.search.words)
        steps = moments(self._projector, lookout, hit.leg, start, hit.end)
        whole = (hit.end - start) // PIECE + 1
        for number, raw in enumerate(steps):
            if raw is not None:
                return raw
            yield f"drawing {min(99, number * 100 // whole)} %" if number > _STEPS else "drawing"
        return None

    def _shown(self) -> bool:
        """Say whether the words stand on the screen, maybe over the end of a row."""
        stage = self._projector.stage
        return bool(places(stage, self.search.words.casefold(), 0, stage.lines))
