"""ttyrec, read: frames of twelve bytes (seconds, microseconds, length; little-endian) and their data."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from recorder.formats.lines import Stretches
from recorder.formats.records import LONGEST_LINE, LONGEST_MS, OUTPUT, Damage, Frame, Heading, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADER = struct.Struct("<III")
SIZE = _HEADER.size


def plausible(header: bytes) -> bool:
    """Say whether bytes can be a frame's header."""
    if len(header) < SIZE:
        return False
    micros: int
    length: int
    _seconds, micros, length = _HEADER.unpack_from(header)
    return micros < 1_000_000 and length <= LONGEST_LINE


def read(pieces: Iterable[bytes]) -> tuple[Heading, Iterator[Frame | Damage]]:
    """Return when it began, and then its frames; raise Unreadable."""
    source = Stretches(pieces)
    header = source.exactly(SIZE)
    if not plausible(header):
        raise Unreadable("it does not begin with a frame of ttyrec")
    source.back(header)
    seconds, micros, _length = _HEADER.unpack(header)
    began = seconds * 1000 + micros // 1000
    known = began > LONGEST_MS  # less counts from the recording's beginning, not from 1970
    return Heading(started_ms=began if known else None), _frames(source, began)


def _frames(source: Stretches, began: int) -> Iterator[Frame | Damage]:
    ms, back = 0, False
    while header := source.exactly(SIZE):
        if not plausible(header):
            yield Damage("a frame's header is damaged, or the file torn: what follows is lost")
            return
        seconds, micros, length = _HEADER.unpack(header)
        now = seconds * 1000 + micros // 1000 - began
        if (now < ms or now > LONGEST_MS) and not back:
            back = True
            yield Damage("its times go back or leap; those are taken as the time before them")
        ms = now if ms <= now <= LONGEST_MS else ms
        data = source.exactly(length)
        if data:
            yield Frame(ms, OUTPUT, data)
        if len(data) < length:
            yield Damage("its last frame is torn off")
            return
