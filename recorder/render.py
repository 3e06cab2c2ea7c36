"""Records as text for people: rows, tables and transcripts, in colour or plain.

Everything recorded passes ``visible`` or ``safe_text`` here, so that no stored byte can drive the
reader's terminal. Prints nothing; layout may change, the JSON beside it may not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from recorder.erasing import ERASED, GONE
from recorder.model import End, Kind, State, Status
from recorder.render_json import kind
from recorder.safe import safe_text, visible
from recorder.turns import INPUT
from recorder.units import ago

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from recorder.model import Event, Summary, Turn
    from recorder.sessions import Row

GAP = "  "
ELLIPSIS = "…"
DAY_S = 86_400
NARROW = 50  # columns
PARTIAL = "[partial: the tool did not show all of this command, or not it alone]"
SHORT_MS = 10_000  # below this a duration shows tenths of a second

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


@dataclass(frozen=True, slots=True)
class Page:
    """Where text goes: colours or none, how many columns (None: no limit), whose home, what time."""

    colour: bool = False
    columns: int | None = None
    home: str | None = None
    now_ms: int = 0

    @property
    def narrow(self) -> bool:
        """Say whether times have to give way to texts."""
        return self.columns is not None and self.columns < NARROW

    def paint(self, text: str, *styles: str) -> str:
        """Return the text in the given styles, or as it is where there are no colours."""
        codes = ";".join(STYLES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.colour and codes and text else text


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table and its styles."""

    text: str
    styles: tuple[str, ...] = ()
    right: bool = False


# --- text ------------------------------------------------------------------------------------


def width(text: str) -> int:
    """Return how many columns a visible text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # half of the lists are pure ASCII

    taken: int = wcswidth(text)
    return taken if taken >= 0 else len(text)


def clip(text: str, columns: int | None, *, tail: bool = False) -> str:
    """Shorten a visible text to some columns; ``tail`` keeps its end."""
    if columns is None or width(text) <= columns:
        return text
    if columns < 1:
        return ""
    kept = text
    while kept and width(kept) >= columns:
        # Characters take 0 to 2 columns: cut by the excess, then look again.
        excess = max(1, (width(kept) - columns + 1) // 2)
        kept = kept[excess:] if tail else kept[:-excess]
    return ELLIPSIS + kept if tail else kept + ELLIPSIS


def table(rows: Sequence[Sequence[Cell]], page: Page) -> Iterator[str]:
    """Yield the lines of a table, columns as wide as their widest cell, the last one left open.

    No line is wider than the page: what is too much is cut off at the right.
    """
    if not rows:
        return
    widths = [max(width(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield _line(row, widths, page)


def _line(cells: Sequence[Cell], widths: Sequence[int], page: Page) -> str:
    """Return cells in one line, as much as the page is wide."""
    parts, left = [], page.columns
    for cell, wanted in zip(cells, widths, strict=True):
        text, room = cell.text, wanted
        if left is not None:
            if left < 1:
                break
            text, room = clip(text, left), min(room, left)
            left -= max(room, width(text)) + len(GAP)
        pad = " " * (room - width(text))
        painted = page.paint(text, *cell.styles)
        parts.append(pad + painted if cell.right else painted + pad)
    return GAP.join(parts).rstrip()


def homely(path: str, home: str | None) -> str:
    """Return a path with the reader's home directory as ``~``."""
    if home and (path == home or path.startswith(home.rstrip("/") + "/")):
        return "~" + path[len(home.rstrip("/")) :]
    return path


def when(wall_ms: int, now_ms: int) -> str:
    """Return a local time, as short as its day allows."""
    then, now = time.localtime(wall_ms / 1000), time.localtime(now_ms / 1000)
    if then[:3] == now[:3]:
        return time.strftime("%H:%M:%S", then)
    return time.strftime("%m-%d %H:%M" if then.tm_year == now.tm_year else "%Y-%m-%d", then)


def lasted(duration_ms: int | None) -> str:
    """Return a duration in at most six characters."""
    if duration_ms is None:
        return "-"
    if duration_ms < SHORT_MS:
        return f"{duration_ms // 1000}.{duration_ms % 1000 // 100}s"
    minutes, seconds = divmod(duration_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{seconds:02d}s" if minutes else f"{seconds}s"


def size(n_bytes: int) -> str:
    """Return a number of bytes with its unit."""
    value = float(n_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":  # the unit's own size
            break
        value /= 1024
    if unit == "bytes":
        return f"{n_bytes} byte" if n_bytes == 1 else f"{n_bytes} bytes"
    return f"{value:.1f} {unit}"


# --- lists -----------------------------------------------------------------------------------

_STATUS_STYLES: dict[str, tuple[str, ...]] = {
    Status.LIVE: ("green",),
    Status.ENDED: ("dim",),
    Status.INTERRUPTED: ("yellow",),
    Status.MISSING: ("red",),
    Status.DAMAGED: ("red",),
}
# The widest row of these fits 80 columns with room for the end of a directory.
LABELS_ROOM, TOOL_ROOM, DIR_ROOM, TEXT_ROOM = 12, 8, 6, 12


def sessions(rows: Sequence[Row], names: Mapping[str, str], page: Page) -> Iterator[str]:
    """Yield the table of ``ls``."""
    if not rows:
        return
    heads = ("SESSION", "LABEL", "TOOL", "STATUS", "AGE", "EVENTS", "TURNS", "DIR")
    numeric = {"AGE", "EVENTS", "TURNS"}
    lines = [[Cell(head, ("dim",), right=head in numeric) for head in heads]]
    lines += [_session_cells(row, names, page) for row in rows]
    if page.columns is not None:
        taken = sum(max(width(line[i].text) for line in lines) + len(GAP) for i in range(len(heads) - 1))
        room = max(DIR_ROOM, page.columns - taken)
        lines = [[*line[:-1], Cell(clip(line[-1].text, room, tail=True), ("dim",))] for line in lines]
    yield from table(lines, page)


def _session_cells(row: Row, names: Mapping[str, str], page: Page) -> list[Cell]:
    stored = row.summary.session
    narrow = page.columns is not None
    labels = ",".join(visible(label) for label in row.summary.labels)
    state, styles = str(row.status), _STATUS_STYLES[row.status]
    if row.status is Status.LIVE and row.state is not State.IDLE:
        state = f"{row.state} :{row.state_turn}" if row.state_turn is not None else str(row.state)
        styles = ("red",) if row.state is State.ERROR else ("green", "bold")
    if stored.archived_ms is not None:
        state += ", archived"
    return [
        Cell(names.get(row.ulid, row.ulid), ("cyan",)),
        Cell(clip(labels, LABELS_ROOM if narrow else None), ("bold",)),
        Cell(clip(visible(PurePath(stored.tool).name), TOOL_ROOM if narrow else None)),
        Cell(state, styles),
        Cell(ago(page.now_ms - stored.created_ms), right=True),
        Cell(str(row.n_events), right=True),
        Cell(str(row.n_turns), right=True),
        Cell(visible(homely(stored.cwd, page.home)), ("dim",)),
    ]


def log(turns: Sequence[Turn], names: Mapping[str, str], page: Page) -> Iterator[str]:
    """Yield a row per turn: its name, time, duration, how it ended, and what was submitted."""
    rows = []
    for turn in turns:
        mark, style = ending(turn)
        rows.append(
            [
                Cell(f"{names.get(turn.session, turn.session)}:{turn.turn}", ("cyan",)),
                Cell(when(turn.started_ms, page.now_ms), ("dim",)),
                Cell(lasted(turn.duration_ms), right=True),
                Cell(mark, (style,)),
                Cell(GONE if turn.erased else visible(turn.command)),
            ]
        )
    if page.columns is not None and rows:
        if page.narrow:
            rows = [[row[0], *row[3:]] for row in rows]
        taken = sum(max(width(row[i].text) for row in rows) + len(GAP) for i in range(len(rows[0]) - 1))
        room = max(TEXT_ROOM, page.columns - taken)
        rows = [[*row[:-1], Cell(clip(row[-1].text, room))] for row in rows]
    yield from table(rows, page)


def ending(turn: Turn) -> tuple[str, str]:
    """Return a turn's mark and its style."""
    if turn.exit_status:
        return str(turn.exit_status), "red"
    if turn.troubled:
        return "warn", "yellow"
    return {
        # A tool that is no shell has no status for a turn: saying `ok` would be a guess.
        End.DONE: ("ok", "green") if turn.exit_status == 0 else ("-", "dim"),
        End.STOPPED: ("stop", "yellow"),
        End.INTERRUPTED: ("cut", "yellow"),
        End.RUNNING: ("run", "cyan"),
        End.UNKNOWN: ("?", "dim"),
    }[turn.end]


_KIND_STYLES: dict[str, tuple[str, ...]] = {
    Kind.PROMPT: ("bold",),
    Kind.COMMAND: ("cyan",),
    Kind.SYSTEM: ("dim",),
    Kind.WARN: ("yellow",),
    Kind.ALERT: ("red", "bold"),
    Kind.RESIZE: ("dim",),
    Kind.MARK: ("dim",),
}


EVENT_WIDTHS: tuple[int, ...] = (
    5,
    11,
    5,
    7,
    0,
)  # seq, time, turn, kind, text: known before the rows, which may be many


def events(rows: Iterable[Event], page: Page) -> Iterator[str]:
    """Yield a line per event: seq, time, turn, kind and text."""
    for row in rows:
        shown = kind(row)
        cells = [
            Cell(str(row.seq), ("dim",), right=True),
            Cell(when(row.at.wall_ms, page.now_ms), ("dim",), right=True),
            Cell(f":{row.turn}" if row.turn is not None else "", ("dim",), right=True),
            Cell(shown, _KIND_STYLES.get(shown, ())),
            Cell(_text(row)),
        ]
        kept = (0, 3, 4) if page.narrow else range(len(cells))
        yield _line([cells[i] for i in kept], [EVENT_WIDTHS[i] for i in kept], page)


def _text(row: Event) -> str:
    if ERASED in row.meta:
        return GONE
    return ("[partial] " if _is_partial(row) else "") + visible(row.text.removesuffix("\n"))


def labels(rows: Sequence[tuple[str, str]], names: Mapping[str, str], page: Page) -> Iterator[str]:
    """Yield a line per label: the label and its session."""
    cells = [
        [Cell(visible(label), ("bold",)), Cell(names.get(ulid, ulid), ("cyan",))] for label, ulid in rows
    ]
    yield from table(cells, page)


# --- transcript ------------------------------------------------------------------------------


def transcript(rows: Iterable[Event], page: Page) -> Iterator[str]:
    """Yield the pieces of a replay: prompts as they were submitted, outputs as they were seen.

    Outputs are whole lines or parts of one; what is not output always begins on its own line.
    """
    at_start = True
    for row in rows:
        shown = kind(row)
        if shown == Kind.OUTPUT:
            text = safe_text(row.text)
            if text:
                yield text
                at_start = text.endswith("\n")
            continue
        if shown == Kind.PROMPT and row.meta.get("source") == INPUT:
            continue  # the terminal has shown it: it stands in the output
        if ERASED in row.meta and shown != Kind.PROMPT:
            continue  # its prompt says so
        if not at_start:
            yield "\n"
        at_start = True
        yield from (line + "\n" for line in _aside(row, shown, page))
    if not at_start:
        yield "\n"


def _is_partial(row: Event) -> bool:
    return kind(row) == Kind.PROMPT and row.meta.get("partial") is True


def _aside(row: Event, shown: str, page: Page) -> Iterator[str]:
    """Yield the lines of an event that is no output."""
    if ERASED in row.meta:
        yield page.paint(GONE, "dim")
    elif shown == Kind.PROMPT:
        before = row.meta.get("prompt_text")
        prompt = page.paint(safe_text(before if isinstance(before, str) else ""), "dim")
        yield prompt + page.paint(safe_text(row.text), "bold")
        if _is_partial(row):
            yield page.paint(PARTIAL, "yellow")
    elif shown == Kind.COMMAND:
        yield page.paint(visible(row.text), "cyan")
        answer = row.meta.get("answer")
        if isinstance(answer, str) and answer:
            yield page.paint(safe_text(answer.rstrip("\n")), "dim")
    elif shown in {Kind.WARN, Kind.ALERT}:
        style = "yellow" if shown == Kind.WARN else "red"
        yield page.paint(f"! {shown}: {visible(row.text)}", style)
    else:
        yield page.paint(f"- {shown}: {visible(row.text)}", "dim")


def notice(text: str, page: Page) -> str:
    """Return the line that stands for output which is kept as raw bytes only."""
    return page.paint(f"[{visible(text)}]", "dim") + "\n"


def provenance(summary: Summary, status: Status, page: Page) -> str:
    """Return what to know before a replay: if it broke off, the recorder's version, the tool's target.

    Of what is not known nothing is said; it may be all.
    """
    run = summary.invocation
    said = [status.value] if status is Status.INTERRUPTED else []
    if run is not None:
        said += [f"recorded by rec {run.version}"] if run.version else []
        said += [] if run.target is None else [f"target {homely(run.target, page.home)}"]
    return visible(", ".join(said))
