"""The browser's screen as lines of text and styles: what stands above, in and below its pane.

Everything recorded passes ``visible`` here or was made safe by ``shelf``. What is chosen is reversed,
which is no colour: it is there with ``NO_COLOR``, too.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast

from recorder import render, render_search
from recorder.browsing import Ask, Entry, Level, Line, Want
from recorder.erasing import GONE
from recorder.model import Kind, Turn
from recorder.query import Hit
from recorder.render import clip, width
from recorder.safe import visible
from recorder.units import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recorder.browsing import Pane, View
    from recorder.render import Page
    from recorder.sessions import Row


class Names(NamedTuple):
    """What to call sessions: by the beginning of their id, and by a label where they have one."""

    short: Mapping[str, str] = MappingProxyType({})
    best: Mapping[str, str] = MappingProxyType({})


AROUND = 3  # rows that are no pane: above it the title; below it what is asked or said, and the keys
HEAD = 1  # row of a pane that is no row of its list
LEAST = 8  # columns of the command in a title

HELP = """\
Enter →       open: a session's turns, what a turn printed, what was found
Esc ← BkSp    go back; Esc takes a search back first
↑ ↓ j k       go up, down; PgUp, PgDn, Space a page; Home, End, g, G all the way
/             find while you type. Sessions: with these words in tool, label,
              directory or command line, then every prompt and output with them.
              Turns: by command. Output: any text
n N           in output: the next place, the one before

p             play it, and come back
l             give the session a label
f             fork the session behind this turn; asks, and leaves the browser
r             resume the session; asks, and leaves the browser
y             copy a session's id, a turn's command, or the output shown:
              it goes to your terminal (OSC 52), which may refuse it
q Ctrl-C      quit

Any key goes on."""

_KEYS = {
    Level.SESSIONS: ("Enter open", "/ find", "p play", "l label", "f fork", "r resume", "y copy", "? help"),
    Level.TURNS: ("Enter open", "Esc back", "/ find", "p play", "f fork", "r resume", "y copy", "? help"),
    Level.OUTPUT: ("Esc back", "/ find", "n N next", "p play", "f fork", "r resume", "y copy", "? help"),
}
_ASKED = {Ask.FIND: "/", Ask.LABEL: "label: "}


def title(view: View, names: Names, page: Page) -> str:
    """Return the line at the top: where we are."""
    pane = view.pane
    if pane.of is None:
        return page.paint("rec browse", "bold") + (_of(pane) if pane.fresh else "")
    name = names.best.get(pane.of.session, pane.of.session)
    if pane.level is Level.OUTPUT:
        name += f":{pane.of.turn}"
        last = pane.rows[-1] if pane.rows else None
        first = pane.rows[pane.top] if pane.rows else None
        if isinstance(last, Line) and isinstance(first, Line):
            return page.paint(name, "bold", "cyan") + f"  line {first.number + 1} of {last.number + 1}"
        return page.paint(name, "bold", "cyan")
    facts = _facts(pane.of, page)
    room = None if page.columns is None else page.columns - width(name) - 20
    return page.paint(name, "bold", "cyan") + _of(pane) + "  " + page.paint(clip(facts, room), "dim")


def _of(pane: Pane) -> str:
    number, more = len(pane.rows), "+" if pane.more else ""
    if pane.query:
        return f"  {number}{more} found"
    return f"  {number}{more} {pane.level}" if more else f"  {count(number, str(pane.level)[:-1])}"


def _facts(entry: Entry, page: Page) -> str:
    """Return what a session records, and where."""
    if isinstance(entry.shown, Hit):
        return ""
    stored = cast("Row", entry.shown).summary.session
    words = " ".join([PurePath(stored.tool).name, *stored.argv[1:]])
    return visible(f"{words}  {render.homely(stored.cwd, page.home)}")


def body(view: View, names: Names, page: Page, height: int) -> list[str]:
    """Return the pane's lines, ``height`` of them and ``HEAD`` more at most."""
    pane = view.pane
    if view.helping:
        return HELP.split("\n")[: height + HEAD]
    shown = pane.rows[pane.top : pane.top + height]
    if pane.level is Level.OUTPUT:
        return [_command(pane, page), *(_marked(row, pane.query, page) for row in shown)] if pane.of else []
    if not shown:
        return ["", page.paint(_nothing(pane), "dim")] if pane.fresh else []
    chosen = pane.at - pane.top
    entries = [row for row in shown if isinstance(row, Entry)]
    if pane.level is Level.TURNS:
        names = Names(best={cast("Turn", entry.shown).session: "" for entry in entries})
    plain = list(_listed(entries, names, replace(page, colour=False)))
    lines = list(_listed(entries, names, page))
    row = plain[chosen + HEAD]
    columns = page.columns or width(row)
    lines[chosen + HEAD] = f"\x1b[7m{row}{' ' * (columns - width(row))}\x1b[0m"
    return lines


def _listed(entries: Sequence[Entry], names: Names, page: Page) -> Iterator[str]:
    """Yield a heading and a line for each entry, sessions and turns as `ls` and `log` show them."""
    headed = False
    for kind, group in groupby(entries, key=lambda entry: type(entry.shown)):
        shown = [entry.shown for entry in group]
        if kind is Turn:
            lines = iter(
                (page.paint("TURN", "dim"), *render.log(cast("list[Turn]", shown), names.best, page))
            )
        elif kind is Hit:
            lines = iter((page.paint("FOUND", "dim"), *_places(cast("list[Hit]", shown), names, page)))
        else:
            lines = render.sessions(cast("list[Row]", shown), names.short, page)
        if headed:
            next(lines)
        yield from lines
        headed = True


def _places(hits: Sequence[Hit], names: Names, page: Page) -> Iterator[str]:
    """Yield a line for each place: its turn, when it was, and what stands there."""
    for hit in hits:
        ulid, turn = hit.event.session, hit.event.turn
        name = names.best.get(ulid, ulid) + ("" if turn is None else f":{turn}")
        when = render.when(hit.event.at.wall_ms, page.now_ms)
        room = None if page.columns is None else page.columns - width(name) - len(when) - 2 * len(render.GAP)
        style = ("bold",) if hit.event.kind == Kind.PROMPT else ()
        text = render_search.marked(hit, page, room, *style)
        yield f"{page.paint(name, 'cyan')}{render.GAP}{page.paint(when, 'dim')}{render.GAP}{text}"


def _nothing(pane: Pane) -> str:
    if pane.query:
        return "nothing found yet; End searches everything" if pane.more else "nothing found"
    if pane.level is Level.SESSIONS:
        return "nothing is recorded here yet: `rec run -- TOOL` records a tool"
    return "this session has no turns; p plays what it shows"


def _command(pane: Pane, page: Page) -> str:
    turn = pane.of.shown if pane.of is not None else None
    turn = turn.turn if isinstance(turn, Hit) else turn
    if not isinstance(turn, Turn):
        return ""
    mark, style = render.ending(turn)
    text = GONE if turn.erased else visible(turn.command)
    room = None if page.columns is None else max(LEAST, page.columns - len(mark) - 4)
    return f"{page.paint('>', 'dim')} {page.paint(clip(text, room), 'bold')}  {page.paint(mark, style)}"


def _marked(row: Entry | Line, query: str, page: Page) -> str:
    """Return a row of output with what is searched for in reverse."""
    text = row.text if isinstance(row, Line) else ""
    folded, needle = text.casefold(), query.casefold()
    if not needle or len(folded) != len(text):
        return text
    pieces, at = [], 0
    while (found := folded.find(needle, at)) >= 0:
        end = found + len(needle)
        pieces += [text[at:found], "\x1b[7m", page.paint(text[found:end], "yellow"), "\x1b[0m"]
        at = end
    return "".join([*pieces, text[at:]])


def bottom(view: View, page: Page) -> tuple[str, bool]:
    """Return what is asked or said below the pane, and whether the cursor stands behind it."""
    pane = view.pane
    if view.asking is Ask.SURE and view.wish is not None and view.wish.entry is not None:
        entry = view.wish.entry
        behind = "" if entry.turn is None or view.wish.want is Want.RESUME else f" behind turn {entry.turn}"
        return page.paint(
            f"{view.wish.want} this session{behind}, and leave the browser? [y/N] ", "bold"
        ), True
    if view.asking is not None:
        room = None if page.columns is None else page.columns - 10
        return _ASKED[view.asking] + clip(visible(view.typed), room, tail=True), True
    if view.said:
        return page.paint(visible(view.said), "yellow"), False
    return (page.paint(f"/{visible(pane.query)}", "dim"), False) if pane.query else ("", False)


def keys(view: View, page: Page) -> str:
    """Return the line of keys, as many as fit."""
    if view.asking is Ask.FIND:
        words = ["Enter open" if view.pane.level is not Level.OUTPUT else "Enter done", "↑ ↓ choose"]
        words.append("Esc take back")
    elif view.asking is Ask.LABEL:
        words = ["Enter label the session", "Esc leave it"]
    else:
        words = [*_KEYS[view.pane.level], "q quit"]
    line = "  ".join(words)
    return clip(line, page.columns)


def preview(shown: Sequence[Turn] | Sequence[str], page: Page) -> list[str]:
    """Return the lines beside a list: a session's newest turns, or what a turn printed first."""
    turns = [one for one in shown if isinstance(one, Turn)]
    if turns:
        return list(render.log(turns, {turn.session: "" for turn in turns}, page))
    return [one for one in shown if isinstance(one, str)]
