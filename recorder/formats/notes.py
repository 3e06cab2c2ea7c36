"""What an asciicast v3 cannot say, in comment lines beside it; both ways.

A comment is ``# rec`` and a JSON object with one key: ``session`` (once, behind the header), ``run``
(before what belongs to it), ``event``, ``bytes`` (of the output line that follows) and ``whole`` (the last
line). Output lines hold text; ``bytes`` says what of the recorded bytes the text and the interval do
not give: where they stand in the stream, other times, bytes that are no UTF-8. Where both foretell it,
there is no comment. Reader and writer keep the same ``Track``, which is what foretells.
"""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from recorder import jsontext
from recorder.formats.records import Wrong
from recorder.model import Chunk, Moment

if TYPE_CHECKING:
    from recorder.model import JsonValue

PREFIX = "# rec "
VERSION = 1  # of these comments
KEYS = frozenset({"session", "run", "event", "bytes", "whole"})
LARGEST = 1 << 53  # of a whole number: what any reader of JSON keeps exactly
MOST = 1 << 40  # bytes of a session, as the store counts them; also above any time in ms


class Spot(NamedTuple):
    """Where and when bytes were read: raw offset, wall and boot clock (ms), number of the run."""

    start: int
    wall_ms: int
    offset_ms: int
    run: int


NOWHERE = Spot(0, 0, 0, -1)


@dataclass
class Track:
    """What the next bytes are taken to be, if nothing else is said of them."""

    spot: Spot = NOWHERE
    ms: int = 0  # the recording's time at the spot
    held: bytes = b""  # the beginning of a character whose end is to come

    def foretold(self, ms: int) -> Spot:
        """Return the spot of bytes that come at a time of the recording."""
        gone = ms - self.ms
        return self.spot._replace(wall_ms=self.spot.wall_ms + gone, offset_ms=self.spot.offset_ms + gone)

    def settle(self, spot: Spot, size: int, ms: int, held: bytes) -> None:
        """Go on behind ``size`` bytes that were read at ``spot``."""
        self.spot, self.ms, self.held = spot._replace(start=spot.start + size), ms, held


def comment(key: str, value: JsonValue) -> str:
    """Return a comment line."""
    return PREFIX + jsontext.dumps({key: value})


def of_bytes(track: Track, ms: int, run: int, chunk: Chunk, text: str, held: bytes) -> dict[str, JsonValue]:
    """Return what is to be said of a chunk beside ``text``, its output line at ``ms``; settle the track.

    ``held`` are the bytes at its end that are not in the text yet. No text is no output line.
    """
    spot, told = Spot(chunk.start, *chunk.at, run), track.foretold(ms)
    facts = zip(Spot._fields, spot, told, strict=True)
    said: dict[str, JsonValue] = {name: value for name, value, before in facts if value != before}
    if track.held + chunk.data != text.encode() + held:
        said["b64"] = base64.b64encode(chunk.data).decode()
    if held:
        said["held"] = held.hex()
    if not text:
        said["alone"] = True
    if chunk.redactions:
        said["redactions"] = [[at - chunk.start, size, what] for at, size, what in chunk.redactions]
    track.settle(spot, len(chunk.data), ms, held)
    return said


def to_chunk(track: Track, ms: int, said: dict[str, Any], text: bytes) -> tuple[int, Chunk]:
    """Return the run and the chunk of an output line and what was said of it; settle the track.

    Session and invocation are left empty. Raises Wrong for what no recorder says.
    """
    told = track.foretold(ms)
    facts = [number(said.get(name, before)) for name, before in zip(Spot._fields, told, strict=True)]
    spot = Spot(*facts)
    held = bytes.fromhex(string(said.get("held", "")))
    if "b64" in said:
        data = _decoded(said["b64"])
    elif (text + held).startswith(track.held):
        data = (text + held)[len(track.held) :]
    else:
        raise Wrong("its bytes do not follow those before them")
    if spot.start < track.spot.start:
        raise Wrong("its bytes were there already")
    redactions = tuple(
        (spot.start + number(at), number(size), string(what)) for at, size, what in said.get("redactions", ())
    )
    track.settle(spot, len(data), ms, held)
    return spot.run, Chunk("", "", spot.start, Moment(spot.wall_ms, spot.offset_ms), data, redactions)


def _decoded(value: Any) -> bytes:  # noqa: ANN401  (whatever the file says)
    try:
        return base64.b64decode(string(value), validate=True)
    except binascii.Error as error:
        raise Wrong("its bytes are no base64") from error


# --- values that a file gives ------------------------------------------------------------------------


def number(value: Any, *, most: int = MOST * 16) -> int:  # noqa: ANN401  (as above)
    """Return a whole number that is not negative; raise Wrong for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < most:
        raise Wrong(f"{_short(value)} is no number that can stand there")
    return value


def finite(value: Any) -> bool:  # noqa: ANN401  (as above)
    """Say whether a value is a number that can be reckoned with: JSON's may have hundreds of digits."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def string(value: Any) -> str:  # noqa: ANN401  (as above)
    """Return a text; raise Wrong for anything else."""
    if not isinstance(value, str):
        raise Wrong(f"{_short(value)} is no text")
    return value


def _short(value: Any) -> str:  # noqa: ANN401  (as above)
    """Return how a value is called in a message; what is nested without end is not spelled out."""
    return f"a {type(value).__name__}" if isinstance(value, list | dict) else repr(str(value)[:20])
