"""The player: keys and times in, what to show out. It knows no terminal, no store and no clock.

Pure. May live here: what a key does, play time, speed, seeking. May not: drawing (painter, playbar).
What takes long is a job that ``work`` goes on with, step by step; any key may put another in its place.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from recorder.playsearch import Finder
from recorder.playwords import goal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.playsearch import Show, Spot
    from recorder.projector import Projector
    from recorder.reel import Place

SKIP_MS, FAR_MS = 5000, 60_000  # what arrows seek
NEAR_MS = 2000  # so soon after a turn's beginning the one before it is meant
SLOWEST, FASTEST = 1 / 16, 64.0
SHOWN_MS = 3000  # how long the bar stays after a key


class Player:
    """A projector with a clock and keys."""

    def __init__(self, show: Show, projector: Projector, *, speed: float = 1.0, live: bool = False) -> None:
        """Begin at the beginning, playing."""
        self._show = show
        self.projector = projector
        self._reel = projector.reel
        self.speed = speed
        self.live = live  # being recorded: the end is not the end
        self.paused = False
        self.help = False
        self.message = ""
        self.entry: str | None = None  # what is being typed: "/" or "g", and behind it the words
        self.doing = ""  # what a job is about
        self.finder = Finder(show, projector)
        self.left: str | None = None  # the key that ended it
        self._stop: Place | None = None
        self._base_ms = 0.0  # play time at ``_base_now``
        self._base_now: float | None = None
        self._aim_ms: float | None = None  # where a job will be
        self._job: Iterator[None] | None = None
        self._behind = False
        self._following = False  # what comes is shown when it comes
        self._touched = 0.0  # when the last key came

    # --- time ------------------------------------------------------------------------------------

    def position(self, now: float) -> float:
        """Return the play time in ms; ``now`` is any clock's, in ms."""
        if self._job is not None and self._aim_ms is not None:
            return self._aim_ms
        if self.paused or self._job is not None or self._base_now is None:
            return self._base_ms
        return min(self._base_ms + (now - self._base_now) * self.speed, max(self._base_ms, self._reel.end_ms))

    @property
    def at_end(self) -> bool:
        """Say whether everything there is has been shown."""
        return self.projector.place >= self._reel.end

    @property
    def busy(self) -> bool:
        """Say whether there is work to do right now."""
        return self._job is not None or self._behind

    def tick(self, now: float) -> None:
        """Show what has happened by now, or a part of it."""
        if self._base_now is None:
            self._base_now = self._touched = now
        if self.paused or self._job is not None:
            return
        ms = self._reel.end_ms if self.live and self._following else self.position(now)
        stop = self._stop
        if stop is not None and self.projector.place > stop:
            stop = self._stop = None  # somebody went on, or a search did
        if stop is not None and self._reel.at_ms(int(ms)) >= stop:
            self._stop = None
            self._start(self._travel(stop, self._reel.ms(stop)), self._reel.ms(stop))
            self.paused = True
            return
        self._behind = not self.projector.advance(int(ms))
        if self.at_end and not self._behind:
            if self.live:
                self._following = True
                self._rebase(self._reel.end_ms, now)
            elif ms >= self._reel.end_ms:
                self._rebase(self._reel.end_ms, now)
                self.paused = True

    def due_ms(self, now: float) -> float | None:
        """Return in how many ms something will change by itself; None: never."""
        if self.busy:
            return 0
        hides = [self._touched + SHOWN_MS - now] if now < self._touched + SHOWN_MS else []
        if self.paused or self._base_now is None:
            return min(hides, default=None)
        at = self.position(now)
        ahead = self._reel.next(self.projector.place)
        second = (int(at / 1000) + 1) * 1000.0
        changes = second if ahead is None else min(second, ahead.ms)
        return min([max(0.0, changes - at) / self.speed, *hides])

    def bar(self, now: float) -> bool:
        """Say whether the bar is to be seen even where it covers a row."""
        asked = self.paused or self.entry is not None or bool(self.message) or self._job is not None
        return asked or now < self._touched + SHOWN_MS

    def work(self, now: float) -> None:
        """Go on with the job by a step."""
        if self._job is not None and next(self._job, self) is self:
            self._job, self.doing = None, ""
            self._rebase(self.projector.ms if self._aim_ms is None else self._aim_ms, now)
            self._aim_ms = None

    def begin(self, start: Place, stop: Place | None = None, words: str = "") -> None:
        """Go to a place first, and on to where words stand; pause at another one."""
        self._stop = stop
        self._start(self._begin_at(start, words) if words else self._travel(start, None), None)

    def _rebase(self, ms: float, now: float) -> None:
        self._base_ms, self._base_now = ms, now

    def _start(self, job: Iterator[None], aim_ms: float | None) -> None:
        self._job, self._aim_ms, self._behind, self._following = job, aim_ms, False, False

    # --- keys ------------------------------------------------------------------------------------

    def key(self, key: str, now: float) -> None:
        """Do what a key says."""
        self.message = ""
        self._touched = now
        if key in {"interrupt", "suspend"}:
            self.left = key
        elif self.entry is not None:
            self._type(key)
        elif self.help:
            self.help = False
        elif key in _KEYS:
            getattr(self, _KEYS[key])(now)
        elif key in _SKIPS:
            self._to_ms((self.position(now) if self._aim_ms is None else self._aim_ms) + _SKIPS[key])

    def _type(self, key: str) -> None:
        entry = self.entry or ""
        if key in {"escape", "clear"} or (key == "backspace" and len(entry) == 1):
            self.entry = None
        elif key == "backspace":
            self.entry = entry[:-1]
        elif key == "enter":
            self.entry = None
            if entry.startswith("/"):
                self._seek_words(entry[1:])
            else:
                self._go_to(entry[1:])
        elif len(key) == 1:
            self.entry = entry + key

    def _cancel(self, now: float) -> None:
        if self._job is not None:
            self._job, self._aim_ms, self.doing = None, None, ""
            self._rebase(self.projector.ms, now)

    def _quit(self, _now: float) -> None:
        self.left = "q"

    def _show_help(self, _now: float) -> None:
        self.help = True

    def _ask_words(self, _now: float) -> None:
        self.entry = "/"

    def _ask_goal(self, _now: float) -> None:
        self.entry = "g"

    def _toggle(self, now: float) -> None:
        if not self.paused:
            self._rebase(self.position(now), now)
            self.paused, self._following = True, False
            return
        self.paused = False
        self._rebase(self._base_ms, now)
        if self.at_end and not self.live and self._job is None:
            self._to_ms(0)

    def _step(self, _now: float) -> None:
        self.paused = True
        if self._job is None and self.projector.step():
            self._base_ms = self.projector.ms

    def _faster(self, now: float) -> None:
        self._pace(self.speed * 2, now)

    def _slower(self, now: float) -> None:
        self._pace(self.speed / 2, now)

    def _usual(self, now: float) -> None:
        self._pace(1.0, now)

    def _pace(self, speed: float, now: float) -> None:
        self._rebase(self.position(now), now)
        self.speed = min(max(speed, SLOWEST), FASTEST)

    # --- going somewhere -------------------------------------------------------------------------

    def _home(self, _now: float) -> None:
        self._to_ms(0)

    def _end(self, _now: float) -> None:
        self._to_ms(self._reel.end_ms)

    def _to_ms(self, ms: float) -> None:
        ms = min(max(0.0, ms), float(self._reel.end_ms))
        self._start(self._travel(self._reel.at_ms(int(ms)), ms), ms)

    def _travel(self, to: Place, ms: float | None) -> Iterator[None]:
        begun = self.projector.place[0]
        for number, _ in enumerate(self.projector.go(to)):
            whole = max(1, to[0] - begun)
            share = min(99, max(0, self.projector.place[0] - begun) * 100 // whole)
            self.doing = f"drawing {share} %" if number > 4 else ""
            yield
        if ms is None:
            self._aim_ms = self.projector.ms

    def _to_spot(self, spot: Spot) -> None:
        self._start(self._travel(self._reel.at_raw(spot.leg, spot.raw), None), None)

    def _go_to(self, words: str) -> None:
        """Go to what was typed: a time, a turn, a part of the whole."""
        found = goal(words, self._reel.end_ms)
        if found is None:
            self.message = "a time such as 12:30, a turn such as :12, or 50%"
        elif found.turn is None:
            self._to_ms(found.ms)
        else:
            spot = next((each for each in reversed(self._show.turns) if each.turn == found.turn), None)
            if spot is None:
                self.message = f"no turn {found.turn}"
            else:
                self._to_spot(spot)

    def _next_turn(self, now: float) -> None:
        self._along(self._show.turns, "turn", now, forward=True)

    def _last_turn(self, now: float) -> None:
        self._along(self._show.turns, "turn", now, forward=False)

    def _next_mark(self, now: float) -> None:
        self._along(self._show.marks, "mark", now, forward=True)

    def _last_mark(self, now: float) -> None:
        self._along(self._show.marks, "mark", now, forward=False)

    def _along(self, spots: Sequence[Spot], what: str, now: float, *, forward: bool) -> None:
        here = self.projector.raw
        if forward:
            index = bisect_right(spots, here, key=_where)
        else:
            index = bisect_left(spots, here, key=_where) - 1
            if index > 0 and not self.paused:
                begun = self._reel.ms(self._reel.at_raw(*_where(spots[index])))
                index -= self.position(now) - begun < NEAR_MS * self.speed
        if 0 <= index < len(spots):
            self._to_spot(spots[index])
            self.message = spots[index].text if what == "mark" else ""
        else:
            self.message = f"no {what} {'after' if forward else 'before'} this"

    def turn(self) -> tuple[int, Spot | None]:
        """Return how many turns have begun here, and the last of them."""
        count = bisect_right(self._show.turns, self.projector.raw, key=_where)
        return count, self._show.turns[count - 1] if count else None

    @property
    def n_turns(self) -> int:
        """Return how many turns there are."""
        return len(self._show.turns)

    # --- words -----------------------------------------------------------------------------------

    def _seek_words(self, words: str) -> None:
        words = words or self.finder.search.words
        if words:
            self.paused = True
            here = self.projector.raw
            self._start(self._until_found(self.finder.first(words, here)), None)

    def _begin_at(self, start: Place, words: str) -> Iterator[None]:
        self.paused = True
        yield from self._travel(start, None)
        yield from self._until_found(self.finder.first(words, self.projector.raw, here=True))

    def _next_hit(self, _now: float) -> None:
        self._seek_hit(1)

    def _last_hit(self, _now: float) -> None:
        self._seek_hit(-1)

    def _seek_hit(self, step: int) -> None:
        if self.finder.search.words:
            self.paused = True
            self._start(self._until_found(self.finder.another(step)), None)
        else:
            self.entry = "/"

    def _until_found(self, finding: Iterator[str]) -> Iterator[None]:
        for said in finding:
            self.doing = said
            yield
        self.message = self.finder.message
        self._aim_ms = self.projector.ms


def _where(spot: Spot) -> tuple[int, int]:
    return spot.leg, spot.raw


_SKIPS = {"right": SKIP_MS, "left": -SKIP_MS, "up": FAR_MS, "down": -FAR_MS}
_KEYS = {
    "q": "_quit",
    "escape": "_cancel",
    "?": "_show_help",
    "h": "_show_help",
    "/": "_ask_words",
    "g": "_ask_goal",
    " ": "_toggle",
    ".": "_step",
    ">": "_faster",
    "+": "_faster",
    "=": "_faster",
    "<": "_slower",
    "-": "_slower",
    "backspace": "_usual",
    "home": "_home",
    "end": "_end",
    "G": "_end",
    "]": "_next_turn",
    "pagedown": "_next_turn",
    "[": "_last_turn",
    "pageup": "_last_turn",
    "m": "_next_mark",
    "M": "_last_mark",
    "n": "_next_hit",
    "N": "_last_hit",
}
