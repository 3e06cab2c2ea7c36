"""Asciicast v2 and v3, written: a heading, bytes and events in, lines out.

Times are milliseconds, of which v3 writes the difference to the line before: nothing is rounded, so
nothing drifts. Turns are markers, and so are notes and labels; version 2 says in its header which
markers are no turns, version 3 in comments. Output is text: a decoder holds back the beginning of a
character until the rest comes, and what is no UTF-8 becomes U+FFFD; with ``notes`` (v3) the bytes stand
in comments. Keys that were typed are not recorded, so no ``i`` line is ever written.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from recorder import erasing, jsontext
from recorder.erasing import ERASED, GONE
from recorder.formats import notes
from recorder.formats.records import EXIT, LARGEST, MARKER, OUTPUT, RESIZE
from recorder.model import Kind
from recorder.safe import visible
from recorder.turns import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.basics import Size
    from recorder.formats.records import Heading
    from recorder.model import Chunk, Event, JsonValue

LONGEST_LABEL = 200  # characters of a marker


def header(version: int, heading: Heading) -> str:
    """Return the first line."""
    cols, rows = within(heading.size)
    found: dict[str, JsonValue] = {"version": version}
    if version == 2:
        found |= {"width": cols, "height": rows}
    else:
        term: dict[str, JsonValue] = {"cols": cols, "rows": rows}
        found["term"] = term | ({"type": heading.term} if heading.term else {})
    if heading.started_ms is not None:
        found["timestamp"] = heading.started_ms // 1000
    for key, value in (("command", heading.command), ("title", heading.title)):
        if value:
            found[key] = value
    if version == 2:
        found |= {"env": {"TERM": heading.term}} if heading.term else {}
        found["rec"] = notes.VERSION  # readers pass over it; importing knows by it what the markers are
        if heading.remarks:
            found["rec_remarks"] = [*sorted(heading.remarks)]
    return jsontext.dumps(found)


def within(size: Size) -> Size:
    """Return a size that players take: one that is not known is the usual one."""
    if size.cols < 1 or size.rows < 1:
        return size._replace(cols=80, rows=24)
    return size._replace(cols=min(size.cols, LARGEST), rows=min(size.rows, LARGEST))


class Writer:
    """Write what follows the header.

    ``noted`` puts everything that is known in comments (v3), and makes markers of remarks.
    """

    def __init__(self, version: int, *, noted: bool = False) -> None:
        """Begin at the recording's beginning."""
        self._version = version
        self._noted = noted and version == 3
        self._remarks = noted
        self._ms = 0  # of the last line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._track = notes.Track()
        self._runs: dict[str, int] = {}

    def note(self, key: str, value: JsonValue) -> Iterator[str]:
        """Yield a comment, where there are any."""
        if self._noted:
            yield notes.comment(key, value)

    def run(self, ulid: str, facts: dict[str, JsonValue]) -> Iterator[str]:
        """Declare a run that bytes and events belong to; one that is declared already is passed over."""
        if ulid not in self._runs:
            number = self._runs[ulid] = len(self._runs)
            yield from self.note("run", {"number": number, "ulid": ulid, **facts})

    def chunk(self, ms: int, chunk: Chunk) -> Iterator[str]:
        """Yield the lines of some bytes of a run that is declared."""
        text = self._decoder.decode(chunk.data)
        if self._noted:
            held = self._decoder.getstate()[0]
            at = max(ms, self._ms) if text else self._ms  # without an output line no time passes
            said = notes.of_bytes(self._track, at, self._runs[chunk.invocation], chunk, text, held)
            if said:
                yield notes.comment("bytes", said)
        if text:
            yield self._line(ms, OUTPUT, text)

    def event(self, ms: int, event: Event) -> Iterator[str]:
        """Yield the lines of an event: its marker, if it has one, or a size, and in a comment all of it."""
        if self._noted:
            run = None if event.invocation is None else self._runs[event.invocation]
            found: dict[str, JsonValue] = {"at": list(event.at), "kind": event.kind, "text": event.text}
            found |= {"turn": event.turn, "run": run, "meta": dict(event.meta)}
            yield notes.comment("event", found)
        if event.kind == Kind.RESIZE:
            cols, rows = event.meta.get("cols"), event.meta.get("rows")
            if isinstance(cols, int) and isinstance(rows, int) and min(cols, rows) > 0:
                yield self._line(ms, RESIZE, f"{min(cols, LARGEST)}x{min(rows, LARGEST)}")
        elif is_marker(event) or (self._remarks and is_remark(event)):
            yield self._line(ms, MARKER, label(event))

    def resize(self, ms: int, size: Size) -> Iterator[str]:
        """Yield the line of a size that no event tells of: that of a fork's own terminal."""
        cols, rows = within(size)
        yield self._line(ms, RESIZE, f"{cols}x{rows}")

    def close(self, status: int | None) -> Iterator[str]:
        """Yield the end: the rest of a character that never ended, the exit status if it is known."""
        text = self._decoder.decode(b"", final=True)
        if text:
            yield from self.note("bytes", {"void": True})
            yield self._line(self._ms, OUTPUT, text)
        if status is not None:
            yield self._line(self._ms, EXIT, str(status))
        yield from self.note("whole", value=True)

    def _line(self, ms: int, code: str, data: str) -> str:
        ms = max(ms, self._ms)
        shown = ms if self._version == 2 else ms - self._ms
        self._ms = ms
        return f'[{shown // 1000}.{shown % 1000:03d}, "{code}", {jsontext.dumps(data)}]'


def is_marker(event: Event) -> bool:
    """Say whether a turn begins with an event: not one that a program was given inside a shell's turn."""
    return event.kind == Kind.PROMPT and event.turn is not None and event.meta.get("source") != INPUT


def is_remark(event: Event) -> bool:
    """Say whether an event is a marker that is no turn: a note or a label that somebody gave."""
    return erasing.is_remark(event.kind, event.meta) and not event.meta.get("removed")


def label(event: Event) -> str:
    """Return the label of a marker: what was submitted or noted, in one harmless line."""
    return GONE if ERASED in event.meta else visible(event.text)[:LONGEST_LABEL]
