"""The browser of sessions as a state machine: keys in, a view and at most one wish out.

Pure: what stands in a pane is read by others (``shelf``) and put in with ``filled``; what a view looks
like is ``render_browse``'s, and what a wish does is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PAGE = 200  # sessions that are read at once
NEAR = 20  # rows before the last one that was read, where more are


class Level(StrEnum):
    """What a pane lists."""

    SESSIONS = "sessions"
    TURNS = "turns"
    OUTPUT = "output"


class Ask(StrEnum):
    """What the bottom line is asked for."""

    FIND = "find"
    LABEL = "label"
    SURE = "sure"


class Want(StrEnum):
    """What only the caller can do; the view waits for none of it."""

    PLAY = "play"
    LABEL = "label"
    FORK = "fork"
    RESUME = "resume"
    COPY = "copy"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a list: a session, or a turn as one of ``session``'s lineage.

    ``shown`` is the record behind it, ``find`` what its output is to be opened at,
    ``words`` what was found in it.
    """

    session: str
    turn: int | None
    shown: object
    find: str = ""
    words: str = ""

    @property
    def key(self) -> tuple[str, int | None]:
        """Return what the row is known by when it is read again."""
        return self.session, self.turn


class Line(NamedTuple):
    """A row of output as wide as the pane: a piece of the line of that number, from 0."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with a session or a turn; ``output``: with what it printed.

    ``text`` is the label to give, or the words to play it at.
    """

    want: Want
    entry: Entry | None = None
    text: str = ""
    output: bool = False


@dataclass(frozen=True, slots=True)
class Pane:
    """One level: its rows, the chosen one (of output: the first one shown), the first one shown.

    ``fresh``: the rows are those of ``query`` and ``limit``; else they are to be read. ``aim``: the row to
    choose then, a key or the number of a line. ``start``: where a search in output began.
    """

    level: Level
    of: Entry | None = None
    query: str = ""
    rows: tuple[Entry | Line, ...] = ()
    at: int = 0
    top: int = 0
    limit: int | None = PAGE
    more: bool = False
    fresh: bool = False
    aim: tuple[str, int | None] | int | None = None
    start: int = 0

    @property
    def entry(self) -> Entry | None:
        """Return what a key acts on: the chosen row, of output the turn that printed it."""
        if self.level is Level.OUTPUT:
            return self.of
        row = self.rows[self.at] if 0 <= self.at < len(self.rows) else None
        return row if isinstance(row, Entry) else None


@dataclass(frozen=True, slots=True)
class View:
    """All of the browser: the panes, the last one shown; what is asked and typed; what was said."""

    panes: tuple[Pane, ...] = (Pane(Level.SESSIONS),)
    asking: Ask | None = None
    typed: str = ""
    wish: Wish | None = None  # done if the user is sure
    said: str = ""
    helping: bool = False

    @property
    def pane(self) -> Pane:
        """Return the pane that is shown."""
        return self.panes[-1]

    def put(self, pane: Pane) -> View:
        """Return the view with another pane in the place of the one that is shown."""
        return replace(self, panes=(*self.panes[:-1], pane))


Step = tuple[View, Wish | None]


def press(view: View, key: str, height: int) -> Step:
    """Return what a key makes of the view; ``height`` is the rows of a pane.

    A key is a character, or one of the names in ``MOVES`` and below; others do nothing.
    """
    view = replace(view, said="")
    if view.helping:
        return replace(view, helping=False), None
    if view.asking is Ask.SURE:
        sure = view.wish if key in {"y", "Y", "enter"} else None
        return replace(view, asking=None, wish=None), sure
    if key in MOVES and (view.asking is None or (view.asking is Ask.FIND and len(key) > 1)):
        return view.put(_shown(moved(view.pane, key, height), height)), None
    view, wish = _typed(view, key) if view.asking is not None else _commanded(view, key)
    return view.put(_shown(view.pane, height)), wish


# --- moving ----------------------------------------------------------------------------------------

MOVES: dict[str, Callable[[int, int, int], int]] = {
    "up": lambda at, _page, _last: at - 1,
    "k": lambda at, _page, _last: at - 1,
    "down": lambda at, _page, _last: at + 1,
    "j": lambda at, _page, _last: at + 1,
    "pageup": lambda at, page, _last: at - page,
    "pagedown": lambda at, page, _last: at + page,
    " ": lambda at, page, _last: at + page,
    "home": lambda _at, _page, _last: 0,
    "g": lambda _at, _page, _last: 0,
    "end": lambda _at, _page, last: last,
    "G": lambda _at, _page, last: last,
}


def moved(pane: Pane, key: str, height: int) -> Pane:
    """Return the pane with another row chosen; near the end of what was read, more is to be read."""
    pane = replace(pane, at=MOVES[key](pane.at, max(1, height - 1), len(pane.rows) - 1))
    if not pane.more or pane.limit is None or pane.at < len(pane.rows) - NEAR:
        return pane
    whole = key in {"end", "G"}
    entry = pane.entry
    aim = None if whole or entry is None else entry.key
    return replace(
        pane,
        at=2**31 if whole else pane.at,
        limit=None if whole else pane.limit * 4,
        aim=aim,
        fresh=False,
    )


def _shown(pane: Pane, height: int) -> Pane:
    """Return the pane with a row chosen that is there, and in sight."""
    if not pane.fresh and pane.at >= len(pane.rows):
        return pane  # the row is still to be read
    height = max(1, height)
    if pane.level is Level.OUTPUT:
        at = max(0, min(pane.at, len(pane.rows) - height))
        return replace(pane, at=at, top=at)
    at = max(0, min(pane.at, len(pane.rows) - 1))
    top = max(at - height + 1, min(pane.top, at))
    return replace(pane, at=at, top=max(0, min(top, len(pane.rows) - height)))


def filled(view: View, rows: Sequence[Entry | Line], height: int, *, more: bool = False) -> View:
    """Return the view with what was read for its pane."""
    pane, aim = replace(view.pane, rows=tuple(rows), more=more, fresh=True, aim=None), view.pane.aim
    if isinstance(aim, tuple):
        keys = (i for i, row in enumerate(rows) if isinstance(row, Entry) and row.key == aim)
        pane = replace(pane, at=next(keys, pane.at))
    elif aim is not None:
        lines = (i for i, row in enumerate(rows) if isinstance(row, Line) and row.number >= aim)
        pane = replace(pane, at=next(lines, len(rows)))
    elif pane.level is Level.OUTPUT:
        pane = replace(pane, at=next(iter(places(pane)), 0))
    return view.put(_shown(pane, height))


def stale(view: View) -> View:
    """Return the view with all panes to be read again, each at the row where it is."""
    return replace(view, panes=tuple(_stale(pane) for pane in view.panes))


def _stale(pane: Pane) -> Pane:
    row = pane.rows[pane.at] if pane.at < len(pane.rows) else None
    aim = pane.aim if row is None else row.number if isinstance(row, Line) else row.key
    return replace(pane, fresh=False, aim=aim)


# --- finding ---------------------------------------------------------------------------------------


def places(pane: Pane) -> list[int]:
    """Return the rows of output at which what is searched for begins, in their order."""
    needle = pane.query.casefold()
    found: list[int] = []
    if not needle:
        return []
    rows = [row for row in pane.rows if isinstance(row, Line)]
    begin = 0
    while begin < len(rows):
        end = begin
        while end < len(rows) and rows[end].number == rows[begin].number:
            end += 1
        folded = [row.text.casefold() for row in rows[begin:end]]
        at, whole = -1, "".join(folded)
        while (at := whole.find(needle, at + 1)) >= 0:
            row = _holding(folded, at) + begin
            if not found or found[-1] != row:
                found.append(row)
        begin = end
    return found


def _holding(pieces: Sequence[str], at: int) -> int:
    """Return which piece holds the character at an offset into all of them."""
    for nth, piece in enumerate(pieces):
        if at < len(piece):
            return nth
        at -= len(piece)
    return len(pieces) - 1


def _next_place(view: View, *, back: bool) -> View:
    pane = view.pane
    if not pane.query:
        return replace(view, said="nothing is searched for: / finds")
    found = places(pane)
    further = [row for row in found if (row < pane.at if back else row > pane.at)]
    if not further:
        return replace(view, said="no more" if found else f"not found: {pane.query}")
    return view.put(replace(pane, at=further[-1] if back else further[0]))


def _sought(view: View, query: str) -> View:
    """Return the view with another search: a list is read again, output goes to the first place."""
    pane = view.pane
    if query == pane.query:
        return view
    if pane.level is not Level.OUTPUT:
        return view.put(replace(pane, query=query, at=0, top=0, aim=None, fresh=False))
    pane = replace(pane, query=query)
    found = places(pane)
    later = next((row for row in found if row >= pane.start), None)
    at = later if later is not None else found[0] if found else pane.start
    missing = f"not found: {query}" if query and not found else ""
    return replace(view.put(replace(pane, at=at)), said=missing)


# --- a line that is typed --------------------------------------------------------------------------


def _typed(view: View, key: str) -> Step:
    """Return what a key makes of the line that is asked for."""
    if key == "enter":
        return _given(view)
    if key == "escape" or (key == "backspace" and not view.typed):
        view = _sought(view, "") if view.asking is Ask.FIND else view
        return replace(view, asking=None, typed=""), None
    text = {
        "backspace": view.typed[:-1],
        "clear": "",
        "word": view.typed.rstrip().rpartition(" ")[0],
    }.get(key, view.typed + key if len(key) == 1 and key.isprintable() else view.typed)
    view = replace(view, typed=text)
    return (_sought(view, text) if view.asking is Ask.FIND else view), None


def _given(view: View) -> Step:
    """Take the line; what was found is opened."""
    line, asked = view.typed.strip(), view.asking
    view = replace(view, asking=None, typed="")
    if asked is Ask.LABEL:
        return view, Wish(Want.LABEL, view.pane.entry, line) if line else None
    return (view if view.pane.level is Level.OUTPUT else opened(view)), None


# --- keys that do something ------------------------------------------------------------------------


def _commanded(view: View, key: str) -> Step:
    if key in {"n", "N"} and view.pane.level is Level.OUTPUT:
        return _next_place(view, back=key == "N"), None
    if key in _SHOW:
        return _SHOW[key](view), None
    if key in {"q", "quit"}:
        return view, Wish(Want.QUIT)
    return _asked_for(view, key)


def opened(view: View) -> View:
    """Return the view one level deeper; behind a turn found among sessions stand its session's turns."""
    pane, entry = view.pane, view.pane.entry
    if entry is None or pane.level is Level.OUTPUT:
        return view
    panes = view.panes
    if pane.level is Level.SESSIONS:
        aim = None if entry.turn is None else entry.key
        session = replace(entry, turn=None, find="")
        # The newest turn is what one comes back for.
        panes = (*panes, Pane(Level.TURNS, session, aim=aim, at=2**31))
    if entry.turn is not None:
        panes = (*panes, Pane(Level.OUTPUT, entry, query=entry.find))
    return replace(view, panes=panes)


def back(view: View) -> View:
    """Return the view one level up; the first level has none."""
    if len(view.panes) == 1:
        return replace(view, said="q quits")
    return replace(view, panes=view.panes[:-1])


def _escaped(view: View) -> View:
    """Take a search back, else go up; output that was opened at a place is left at once."""
    pane = view.pane
    opened_at = "" if pane.of is None else pane.of.find
    return back(view) if pane.query in {"", opened_at} else _sought(view, "")


def _find(view: View) -> View:
    pane = replace(view.pane, start=view.pane.at)
    return replace(view.put(pane), asking=Ask.FIND, typed=pane.query)


_SHOW: dict[str, Callable[[View], View]] = {
    "enter": opened,
    "right": opened,
    "escape": _escaped,
    "backspace": back,
    "left": back,
    "/": _find,
    "?": lambda view: replace(view, helping=True),
}


def _asked_for(view: View, key: str) -> Step:
    """Return what a key asks to be done with the chosen session or turn."""
    entry = view.pane.entry
    if entry is None:
        return view, None
    if key == "p":
        return view, Wish(
            Want.PLAY, entry, view.pane.query if view.pane.level is Level.OUTPUT else entry.words
        )
    if key == "y":
        return view, Wish(Want.COPY, entry, output=view.pane.level is Level.OUTPUT)
    if key == "l":
        return replace(view, asking=Ask.LABEL, typed=""), None
    if key in {"f", "r"}:
        wish = Wish(Want.FORK if key == "f" else Want.RESUME, entry)
        return replace(view, asking=Ask.SURE, wish=wish), None
    return view, None
