"""What a session says now: the end of its transcript, and what comes while somebody looks on.

Reads the store in short looks; decides nothing about terminals.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from recorder import lineage
from recorder.echo import as_echoed
from recorder.model import Kind, State, Status
from recorder.modes import finds_full_screen
from recorder.sessions import status_of
from recorder.spans import SPAN_BYTES
from recorder.text import Renderer
from recorder.turns import INPUT, raw_end, raw_offset

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorder.model import Event, Summary
    from recorder.sessions import Alive
    from recorder.store import Store

EVENTS = 200  # more than any screen shows lines of


def newest(store: Store, ulid: str) -> list[Event]:
    """Return the last events of the lineage: surely a screenful."""
    return list(lineage.events(store, ulid, last=EVENTS))


def screenful(pieces: Iterable[str], rows: int) -> str:
    """Return the last lines of a text that comes in pieces."""
    kept: deque[str] = deque(maxlen=max(1, rows))
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        kept.extend(line + "\n" for line in lines)
    if rest:
        kept.append(rest)
    return "".join(kept)


class Follower:
    """What comes behind the events that were read: as events, or as the raw bytes before they are events."""

    def __init__(self, store: Store, ulid: str, alive: Alive, seen: Iterable[Event]) -> None:
        """Begin behind what was ``seen``."""
        own = [event for event in seen if event.session == ulid]
        self._store = store
        self._ulid = ulid
        self._alive = alive
        self._seq = own[-1].seq if own else 0
        self._raw = max((raw_end(event) for event in own), default=0)
        self._early = Early(store, ulid)
        for event in own:
            self._early.unsaid(event)

    def events(self) -> tuple[list[Event], str, bool]:
        """Return the events since the last look, lines that no event says yet, and whether more may come.

        What was among such lines before is not in the events that say it.
        """
        summary, more = self._live()  # asked first: what is written before the end is read after it
        upto = self._early.look()
        found = list(self._store.events(self._ulid, after=self._seq))
        if found:
            self._seq = found[-1].seq
        rows = [self._early.unsaid(event) for event in found]
        early = self._early.lines(summary, upto) if more and summary is not None else ""
        return rows, early, more

    def raw(self) -> tuple[bytes, bool]:
        """Return the raw bytes since the last look, and whether more may come."""
        _summary, more = self._live()
        found = []
        for chunk in self._store.raw(self._ulid, self._raw):
            found.append(chunk.data)
            self._raw = chunk.start + len(chunk.data)
        return b"".join(found), more

    def _live(self) -> tuple[Summary | None, bool]:
        summary = self._store.summary(self._ulid)
        return summary, summary is not None and status_of(summary, self._alive) is Status.LIVE


class Early:
    """Whole lines that were printed and that no event says yet: an output is written when it is 5 s old.

    Only those that are surely text of the next output: of a turn that runs, or of a tool that has no turns.
    Between two turns a line may still turn out to be a prompt. What moves about on the screen waits for its
    event. Should one say otherwise, it is said from the line on in which it differs.
    """

    def __init__(self, store: Store, ulid: str) -> None:
        """Begin where the session does."""
        self._store, self._ulid = store, ulid
        self._cols = 0
        self._seen = 0  # raw bytes that were there at the last look
        self._said = ""  # lines that no event has said since
        self._full = False  # a full-screen program was there; what it draws are no lines
        self._begin(None, 0)

    def _begin(self, turn: int | None, raw: int, echo: bytes = b"") -> None:
        """Take what comes from a raw offset on for output of ``turn``; just before it ``echo`` was drawn."""
        self._turn, self._raw, self._echo = turn, raw - len(echo), echo
        self._renderer: Renderer | None = Renderer(self._cols)

    def look(self) -> int:
        """Return how many raw bytes there were at the last look.

        An event that is about them is there by now: the recorder waits a moment to know a prompt.
        """
        upto, self._seen = self._seen, self._store.raw_length(self._ulid)
        return upto

    def unsaid(self, event: Event) -> Event:
        """Take note of an event; return it without the text that was among the lines."""
        meta, raw = event.meta, raw_offset(event)
        if event.kind == Kind.OUTPUT:
            text, self._said = _behind(event.text, self._said)
            if "end" in meta:
                self._renderer, self._said = None, ""
            elif event.turn != self._turn or raw_end(event) > self._raw:
                self._begin(event.turn, raw_end(event))
            return replace(event, text=text)
        if event.kind == Kind.PROMPT and meta.get("source") != INPUT and raw is not None:
            line = event.text.encode("utf-8", "surrogateescape")
            self._begin(event.turn, raw, as_echoed(line) if meta.get("source") == "line" else b"")
            self._said, self._full = "", False
        elif event.kind == Kind.RESIZE and isinstance(cols := meta.get("cols"), int):
            self._cols = cols
        elif "raw_only" in meta or "gap_bytes" in meta:
            self._renderer = None
        return event

    def lines(self, summary: Summary, upto: int) -> str:
        """Return the whole lines in what stands before the raw offset ``upto``; each is returned once."""
        now = summary.activity
        turn = now.turn if now is not None and now.state is State.RUNNING else None
        if turn != self._turn or (turn is None and summary.n_turns) or upto <= self._raw:
            return ""
        data = self._read(upto)
        if data is None:
            self._renderer = None
        if self._renderer is None or data is None:
            return ""
        whole = data.rfind(b"\n") + 1
        self._raw += whole
        self._renderer.feed(data[:whole])
        text = self._renderer.take(edited=False)
        if self._renderer.moved:
            self._renderer = None
            return ""
        self._said += text
        return text

    def _read(self, upto: int) -> bytes | None:
        """Return the bytes that are to be looked at; None where it is left to events to say what they are."""
        if self._renderer is None or self._full or upto - self._raw > SPAN_BYTES or self._raw < 0:
            return None
        data = b""
        for chunk in self._store.raw(self._ulid, self._raw, upto):
            if chunk.start != self._raw + len(data):
                return None
            data += chunk.data
        if len(data) < len(self._echo):
            return data if self._echo.startswith(data) and b"\n" not in data else None
        self._full = finds_full_screen(data) is not None
        if self._full or not data.startswith(self._echo):
            return None
        self._raw += len(self._echo)
        data, self._echo = data[len(self._echo) :], b""
        return data


def _behind(text: str, said: str) -> tuple[str, str]:
    """Return what of a text was not said, and what was said beyond it."""
    if said.startswith(text):
        return "", said[len(text) :]
    same = next((at for at, (one, other) in enumerate(zip(text, said, strict=False)) if one != other), None)
    at = len(said) if same is None else text.rfind("\n", 0, same) + 1
    return text[at:], ""
