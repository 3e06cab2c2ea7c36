"""Words in a recording: from one place where they stand to the next, shown on the screen.

Pure. May live here: what a show is to the player, and finding. May not: keys, times, reading the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.projector import Projector

_STEPS = 16  # pieces between two steps of a search


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
        self._reel = projector.reel
        self._hits: list[Hit] = []
        self._looking: Iterator[Hit | None] = iter(())
        self.search = Search()
        self.message = ""  # how it has ended

    def first(self, words: str, after: tuple[int, int]) -> Iterator[str]:
        """Show the first hit behind a raw offset of a leg, else the very first one."""
        self._hits, self._looking = [], self._show.hits(words)
        self.search, self.message = Search(words), ""
        number = 1
        while True:
            yield from self._look(number)
            if number > len(self._hits):
                break
            hit = self._hits[number - 1]
            if (hit.leg, hit.end) > after:
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
        """Go to where the words of a hit come to be on the screen."""
        hit = self._hits[number - 1]
        self.search = self.search._replace(at=number)
        projector = self._projector
        for _ in projector.go(self._reel.at_raw(hit.leg, hit.start)):
            yield "drawing"
        end = self._reel.at_raw(hit.leg, hit.end, reach=True)
        if projector.place < end:
            projector.step()  # what shows there already may be an earlier hit
        steps = 0
        while projector.place < end and not self._shown() and projector.step():
            steps += 1
            if steps % _STEPS == 0:
                yield "drawing"

    def _shown(self) -> bool:
        """Say whether the words stand on the screen, maybe over the end of a row."""
        stage = self._projector.stage
        rows = [stage.text(y).ljust(stage.columns) for y in range(stage.lines)]
        return self.search.words.casefold() in "".join(rows).casefold()
