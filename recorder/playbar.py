"""The player's last row and its page of help.

Pure: how a player stands, as cells and lines. May not: what a key does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.painter import cells
from recorder.playwords import clock, pace
from recorder.row import width
from recorder.safe import visible

if TYPE_CHECKING:
    from recorder.painter import Line
    from recorder.playback import Player

_REVERSE = "7"
_DONE, _AHEAD = "━", "─"
_LEAST_LINE, _LONGEST_LINE = 6, 60
KEYS = "space pause  ←→ 5 s  [] turn  / search  ? help  q quit"
SHORT_KEYS = "space pause  ? help  q quit"

HELP = (
    "",
    "  space       pause, go on; at the end: from the beginning",
    "  .           one step (paused)",
    "  > <  + -    faster, slower; backspace: as it was",
    "  → ←         5 seconds on, back",
    "  ↑ ↓         a minute on, back",
    "  ] [         next, previous turn (page down, page up)",
    "  m M         next, previous mark: notes, labels, alerts",
    "  g           go to a time (12:30), a turn (:12) or a part (50%)",
    "  home end    the beginning, the end",
    "  /           search; n N: next, previous hit",
    "  escape      stop searching or drawing",
    "  Ctrl-L      draw the screen anew",
    "  Ctrl-Z      stop the player, as any job",
    "  q           quit",
    "",
    "  Any key goes back.",
)


def bar(player: Player, now: float, cols: int) -> Line:
    """Return the last row."""
    if player.entry is not None:
        asked = player.entry if player.entry.startswith("/") else "go to: " + player.entry[1:]
        return _row(f" {_tail(asked, cols - 3)}▏", "", "", cols)
    at, end = player.position(now), player.projector.reel.end_ms
    state = "live" if player.live and player.at_end and not player.paused else _state(player)
    left = f" {state}  {clock(at)}/{clock(end)} "
    if player.message or player.doing:
        return _row(left, "", f" {player.message or player.doing} ", cols)
    right = f" {_turn(player)}{_hits(player)}{pace(player.speed)} "
    if player.projector.built < 1:
        right += f"({int(player.projector.built * 100)} % ready) "
    for keys in (KEYS, SHORT_KEYS, ""):
        room = cols - width(left) - width(right) - width(keys) - 2
        if room >= _LEAST_LINE:
            break
    line = ""
    if room >= _LEAST_LINE and end:
        length = min(room, _LONGEST_LINE)
        done = round(length * min(1.0, at / end))
        line = _DONE * done + _AHEAD * (length - done)
    return _row(left, line, f"{right}{keys} " if keys else right, cols)


def _state(player: Player) -> str:
    if player.paused:
        return "end" if player.at_end else "paused"
    return "playing"


def _turn(player: Player) -> str:
    number, _spot = player.turn()
    return f"turn {number}/{player.n_turns}  " if player.n_turns else ""


def _hits(player: Player) -> str:
    search = player.finder.search
    return f"hit {search.at}/{search.found}{'' if search.whole else '+'}  " if search.at else ""


def _row(left: str, line: str, right: str, cols: int) -> Line:
    """Return a row in reverse, the right part at the right edge."""
    left, right = visible(left), visible(right)
    gap = max(0, cols - width(left) - width(line) - width(right))
    return cells(f"{left}{line}{' ' * gap}{right}", _REVERSE)[:cols]


def _tail(text: str, cols: int) -> str:
    shown = visible(text)
    return shown if width(shown) <= cols else "…" + shown[-max(1, cols - 1) :]
