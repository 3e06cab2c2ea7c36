"""A foreign recording as `rec` would have recorded it: frames in, bytes and events out.

Its output is of no turn, as nobody knows what was typed. Only where `rec` wrote the file are the
markers turns, but for those that it calls remarks: each ends where the next begins, and how it ended is
not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recorder.formats.records import EXIT, MARKER, OUTPUT
from recorder.model import Chunk, Draft, End, Kind, Moment, Span
from recorder.rendering import Rendering
from recorder.spans import SpanCutter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recorder.formats.records import Frame, Heading
    from recorder.spans import Item, Source

PIECE = 64 << 10  # bytes that are taken at once


class Intake:
    """Take frames in order; the heading says whether markers begin turns."""

    def __init__(self, source: Source, heading: Heading, started_ms: int, rules: Sequence[Any] = ()) -> None:
        """Begin a session that nothing is known of; ``started_ms`` is wall time."""
        self._source = source
        self._started_ms = started_ms
        self._cutter = SpanCutter(source, heading.size.cols)
        self._rendering = Rendering(rules)
        self._heading = heading
        self._markers = 0
        self._turn = 0
        self._raw = 0
        self.status: int | None = None
        self.last_ms = 0  # of the recording

    def take(self, frame: Frame) -> list[Chunk | Draft]:
        """Return what a frame gives."""
        self.last_ms = frame.ms
        at = self._moment()
        found = self._rendered(self._cutter.tick(at))
        if frame.code == OUTPUT:
            for start in range(0, len(frame.data), PIECE):
                found += self._output(at, frame.data[start : start + PIECE])
        elif frame.code == EXIT:
            self.status = int(frame.data)
        elif frame.code == MARKER and self._is_turn():
            found += self._begin(at, frame.data.decode())
        else:
            found += self._rendered(self._cutter.so_far(answered=False))
            found.append(self._marker(at, frame) if frame.code == MARKER else self._resize(at, frame))
        return found

    def close(self) -> list[Chunk | Draft]:
        """Return the rest, and how the tool ended, if the file says so."""
        at = self._moment()
        found = self._end(at) if self._turn else self._rendered(self._cutter.begin(None, at, self._raw))
        if self.status is not None:
            words = f"exited with status {self.status}"
            found.append(self._draft(at, Kind.SYSTEM, words, exit_status=self.status, signal=None))
        return found

    def _is_turn(self) -> bool:
        """Say whether the next marker begins a turn."""
        number = self._markers
        self._markers += 1
        return self._heading.ours and number not in self._heading.remarks

    def _moment(self) -> Moment:
        return Moment(self._started_ms + self.last_ms, self.last_ms)

    def _output(self, at: Moment, data: bytes) -> list[Chunk | Draft]:
        chunk = Chunk(self._source.session, self._source.invocation, self._raw, at, data)
        items = self._cutter.add(at, self._raw, data)
        self._raw += len(data)
        return [chunk, *self._rendered(items)]

    def _rendered(self, items: Iterable[Item]) -> list[Chunk | Draft]:
        found: list[Chunk | Draft] = []
        for item in items:
            found += self._rendering.drafts(item) if isinstance(item, Span) else [item]
        return found

    def _begin(self, at: Moment, label: str) -> list[Chunk | Draft]:
        found = self._end(at) if self._turn else self._rendered(self._cutter.begin(None, at, self._raw))
        self._turn += 1
        self._cutter.begin(self._turn, at, self._raw)
        found.append(self._draft(at, Kind.PROMPT, label, self._turn, source="marker", raw=self._raw))
        return found

    def _end(self, at: Moment) -> list[Chunk | Draft]:
        meta = {"end": End.UNKNOWN.value, "status": None, "duration_ms": None}
        return self._rendered(self._cutter.end(at, self._raw, {**meta}))

    def _marker(self, at: Moment, frame: Frame) -> Draft:
        return self._draft(at, Kind.MARK, frame.data.decode(), mark="note")

    def _resize(self, at: Moment, frame: Frame) -> Draft:
        cols, rows = map(int, frame.data.split(b"x"))
        self._cutter.cols = cols
        return self._draft(at, Kind.RESIZE, f"{cols}x{rows}", cols=cols, rows=rows, raw=self._raw)

    def _draft(
        self, at: Moment, kind: Kind, text: str, turn: int | None = None, **meta: str | int | None
    ) -> Draft:
        return Draft(self._source.session, kind, at, text, turn, self._source.invocation, {**meta})
