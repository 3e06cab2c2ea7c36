"""The text of a turn whose `output` comment is lost, from its bytes; only where something was lost.

What is whole comes through as it was. A lost comment may have been anything, so its place is only the
beginning of a search: bytes from there on that no output of the open turn covers get their text, up to the
next output or prompt. A turn that is still open where the next one begins had its end in what was lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recorder import recover
from recorder.model import Draft, End, Kind
from recorder.rendering import Rendering
from recorder.spans import Source, SpanCutter
from recorder.turns import INPUT, raw_offset

if TYPE_CHECKING:
    from recorder.model import Chunk, Meta, Moment
    from recorder.spans import Item

MOST = recover.WHOLE  # bytes that are held; the text of what is longer ends there


class _Open(NamedTuple):
    """A turn that has no end yet; None is what comes before the first one."""

    turn: int | None
    prompt_text: str | None


_BEFORE = _Open(None, None)


class Fill:
    """Take a session's bytes and events in order; ``told`` says what was derived."""

    def __init__(self, session: str, tool: str, cols: int) -> None:
        """Begin where nothing is lost."""
        self._session, self._tool, self._cols = session, tool, cols
        self._open: list[_Open] = [_BEFORE]  # innermost last
        self._covered = 0  # raw offset up to which outputs have text
        self._since: int | None = None  # from where on text may be missing
        self._chunks: list[Chunk] = []
        self._size = 0
        self.told: list[str] = []

    def lost(self, place: int) -> None:
        """Begin the search: an event was lost at a raw offset."""
        if self._since is None and self._open:
            self._since = max(place, self._covered)

    def take(self, chunk: Chunk) -> None:
        """Keep bytes that may have no text."""
        if self._since is not None and self._size < MOST:
            self._chunks.append(chunk)
            self._size += len(chunk.data)

    def before(self, event: Draft) -> list[Draft]:
        """Return the events that stand before this one."""
        found: list[Draft] = []
        place = raw_offset(event)
        begins = event.kind is Kind.PROMPT and event.meta.get("source") != INPUT
        if self._since is not None and place is not None:
            inmost = self._open[-1]
            if event.kind is Kind.OUTPUT and event.turn == inmost.turn:
                found = self._derived(place, None, ends=False)
            elif begins:
                prompt = event.meta.get("prompt_text")
                ends = inmost.turn is not None and event.meta.get("parent_turn") != inmost.turn
                found = self._derived(place, prompt if isinstance(prompt, str) else None, ends=ends)
        self._follow(event, begins=begins)
        return found

    def close(self) -> list[Draft]:
        """Return what the end of the recording gives."""
        if self._since is None or not self._chunks:
            return []
        inmost, last = self._open[-1], self._chunks[-1]
        end = last.start + len(last.data)
        return self._derived(end, inmost.prompt_text, ends=inmost.turn is not None)

    def _follow(self, event: Draft, *, begins: bool) -> None:
        """Keep in mind which turns are open, and how wide the terminal is."""
        if begins:
            prompt = event.meta.get("prompt_text")
            self._open = [each for each in self._open if each.turn is not None]
            self._open.append(_Open(event.turn, prompt if isinstance(prompt, str) else None))
        elif event.kind is Kind.OUTPUT:
            raw = event.meta.get("raw")
            if isinstance(raw, list) and isinstance(raw[-1], int):
                self._covered = max(self._covered, raw[-1])
            if "end" in event.meta:
                self._open = [each for each in self._open if each.turn != event.turn]
        elif event.kind is Kind.RESIZE and isinstance(cols := event.meta.get("cols"), int) and cols > 0:
            self._cols = cols

    def _derived(self, end: int, prompt_text: str | None, *, ends: bool) -> list[Draft]:
        """Return the text of what is held, up to a raw offset; ``ends`` ends the turn there."""
        since, chunks, inmost = self._since or 0, self._chunks, self._open[-1]
        self._since, self._chunks, self._size = None, [], 0
        if not chunks:
            return []
        meta: Meta | None = {"end": End.UNKNOWN.value, "status": None, "duration_ms": None} if ends else None
        source = Source(self._session, chunks[0].invocation, self._tool)
        rendering = Rendering(())
        found: list[Draft] = []
        for item in _items(SpanCutter(source, self._cols), inmost.turn, chunks, (since, end), meta):
            found += [item] if isinstance(item, Draft) else rendering.drafts(item)
        hole = recover.Hole(None, since, end, last=False, prompt_text=prompt_text)
        found = recover.without_prompt([each for each in found if each.kind in _KEPT], hole)
        if inmost.turn is None and not any("\n" in each.text for each in found):
            return []  # a prompt, and what was typed there
        if found and inmost.turn is None:
            self.told.append("what was printed before the first turn has its text from the bytes")
        elif found:
            self.told.append(f"turn {inmost.turn} has its text from the bytes")
        if ends:
            self._open.pop()
        return found


_KEPT = frozenset({Kind.OUTPUT, Kind.SYSTEM})  # findings have comments of their own


def _items(
    cutter: SpanCutter, turn: int | None, chunks: list[Chunk], raw: tuple[int, int], meta: Meta | None
) -> list[Item]:
    """Return the spans of bytes between two raw offsets; with ``meta`` the last one ends the turn."""
    since, end = raw
    at: Moment | None = None
    items: list[Item] = []
    for moment, start, data in recover.printed(chunks):
        begin = max(start, since)
        if begin < min(start + len(data), end):
            if at is None:
                cutter.begin(turn, moment, begin)
            at = moment
            items += cutter.add(at, begin, data[begin - start : end - start])
    if meta is not None:
        if at is None:
            at = chunks[-1].at
            cutter.begin(turn, at, end)
        return items + cutter.end(at, end, meta)
    return items + ([] if at is None else cutter.begin(None, at, end))
