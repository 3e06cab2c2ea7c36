"""How raw bytes and their times are laid out in blobs; no SQL, no store.

A blob is one tag byte and a body: ``0`` plain, ``1`` a zstd frame with its own checksum, ``2`` such a
frame made with ``dictionary-1.zstd`` (see ``scripts/dictionary``). That file stays as it is for ever,
as do the frames that need it; a better one gets the next number and a tag of its own. Numbers
are LEB128 varints; what may be negative is zigzagged. ``times`` are two blobs behind the length of
the first, for the chunks of one segment: their number, their lengths and, only where one is not
zero, the steps of ``wall_ms - offset_ms``; then the steps of ``offset_ms``. Apart they take an
eighth less: typed keys come one by one, but no two after the same pause.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from recorder.model import Moment

LIVE_LEVEL = 3  # about 600 MB/s: beside the relay on two cores it costs next to nothing
SEAL_LEVEL = 9  # about 75 MB/s, a fifth smaller; paid once per 256 KiB of a quiet session
_SHORT = 64 * 1024  # the whole of most sessions: at its end one may take 20 ms …
_SHORT_LEVEL = 17  # … and be 3 % smaller
_TINY = 48  # a zstd frame with its checksum takes some 15 bytes itself
_MAX_BODY = 64 * 1024 * 1024  # a hostile or damaged frame must not eat the memory


class Damaged(Exception):
    """A blob is not what was written."""


def squeeze(body: bytes, level: int = LIVE_LEVEL) -> bytes:
    """Return the blob of ``body``, compressed where that makes it smaller."""
    if len(body) >= _TINY:
        packed = zstd.compress(body, options=_options(level))
        if len(packed) < len(body):
            return b"\x01" + packed
    return b"\x00" + body


def squeeze_shown(body: bytes) -> bytes:
    """Return the blob of what a terminal showed, as small as can be had.

    A short session ends before it has taught the compressor what sessions look like: the
    dictionary takes an eighth off 20 KB. To a long one it only is in the way (a log: 3 % more).
    """
    words = _dictionary(1) if _TINY <= len(body) <= _SHORT else None
    if words is None:
        return squeeze(body, SEAL_LEVEL)
    packed = zstd.compress(body, options=_options(_SHORT_LEVEL), zstd_dict=words)
    return b"\x02" + packed if len(packed) < len(body) else b"\x00" + body


def unsqueeze(blob: bytes) -> bytes:
    """Return the body of a blob; raise Damaged if there is none."""
    tag = blob[:1]
    if tag == b"\x00":
        return blob[1:]
    if tag not in (b"\x01", b"\x02"):
        raise Damaged("unknown tag")
    words = _dictionary(1) if tag == b"\x02" else None
    if words is None and tag == b"\x02":
        raise Damaged("its dictionary is not installed")
    try:
        reader = zstd.ZstdDecompressor(zstd_dict=words)
        body = reader.decompress(blob[1:], _MAX_BODY)
    except (zstd.ZstdError, MemoryError) as error:
        raise Damaged(str(error)) from error
    if not reader.eof or reader.unused_data:
        raise Damaged("the frame does not end where it should")
    return body


@cache
def _dictionary(number: int) -> zstd.ZstdDict | None:
    """Read a dictionary when the first frame needs it, which is never before the tool's first byte.

    Where an installation lacks it, recording goes on without.
    """
    try:
        return zstd.ZstdDict(Path(__file__).with_name(f"dictionary-{number}.zstd").read_bytes())
    except OSError:
        return None


def raw_body(blob: bytes, length: int) -> bytes:
    """Return the ``length`` raw bytes of a segment's data, without the texts behind them."""
    body = unsqueeze(blob)
    if len(body) < length:
        raise Damaged("bytes are missing")
    return body[:length]


def _options(level: int) -> dict[int, int]:
    parameter = zstd.CompressionParameter
    # The tag says which dictionary it was.
    return {parameter.compression_level: level, parameter.checksum_flag: 1, parameter.dict_id_flag: 0}


# --- numbers ---------------------------------------------------------------------------------------


def varints(numbers: Iterable[int]) -> bytes:
    """Encode numbers >= 0."""
    out = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def read_varints(body: bytes) -> Iterator[int]:
    """Decode what ``varints`` made; raise Damaged if it ends within a number."""
    number = shift = 0
    for byte in body:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            continue
        yield number
        number = shift = 0
    if shift:
        raise Damaged("cut within a number")


def zigzag(number: int) -> int:
    """Map ..., -1, 0, 1, ... to 1, 0, 2, ..."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def unzigzag(number: int) -> int:
    """Undo ``zigzag``."""
    return -(number + 1 >> 1) if number & 1 else number >> 1


# --- times -----------------------------------------------------------------------------------------

Tick = tuple[int, int, int]  # wall_ms, offset_ms, length of the chunk in bytes


# Skews are there; the clock went back, so the steps are zigzagged: else 64 ms would take two bytes.
_SKEWED, _BACK = 1, 2


def pack_times(ticks: Sequence[Tick], level: int = LIVE_LEVEL) -> bytes:
    """Encode the chunks' lengths and times; the first chunk's time is kept beside the blob."""
    wall, offset, _length = ticks[0]
    skew = wall - offset
    steps: list[int] = []
    skews: list[int] = []
    for at_wall, at_offset, _length in ticks:
        steps.append(at_offset - offset)
        skews.append(zigzag(at_wall - at_offset - skew))
        offset, skew = at_offset, at_wall - at_offset
    back = min(steps) < 0
    flags = any(skews) * _SKEWED | back * _BACK
    even = [len(ticks) << 2 | flags, *(length for _, _, length in ticks), *(skews if any(skews) else ())]
    head = squeeze(varints(even), level)
    return varints([len(head)]) + head + squeeze(varints(map(zigzag, steps) if back else steps), level)


def unpack_times(blob: bytes, start: Moment, total: int) -> list[Tick]:
    """Decode ``times`` of ``total`` bytes; raise Damaged if they do not fit."""
    size = next(read_varints(blob), 0)
    at = len(varints([size]))
    head, *columns = [*read_varints(unsqueeze(blob[at : at + size]))] or [0]
    steps = list(read_varints(unsqueeze(blob[at + size :])))
    count = head >> 2
    if not count or len(steps) != count or len(columns) != count * (2 if head & _SKEWED else 1):
        raise Damaged("times: wrong number of columns")
    lengths, skews = columns[:count], columns[count:] or [0] * count
    if sum(lengths) != total:
        raise Damaged("times: lengths do not add up")
    if head & _BACK:
        steps = [unzigzag(step) for step in steps]
    offset, skew = start.offset_ms, start.wall_ms - start.offset_ms
    ticks: list[Tick] = []
    for length, step, drift in zip(lengths, steps, skews, strict=True):
        offset += step
        skew += unzigzag(drift)
        ticks.append((offset + skew, offset, length))
    return ticks


def join_ticks(ticks: Iterable[Tick]) -> list[Tick]:
    """Join neighbours of one instant: a flood arrives in 4 KiB reads, many in each millisecond."""
    joined: list[Tick] = []
    for tick in ticks:
        if joined and joined[-1][:2] == tick[:2]:
            wall, offset, length = joined[-1]
            joined[-1] = (wall, offset, length + tick[2])
        else:
            joined.append(tick)
    return joined


# --- texts -----------------------------------------------------------------------------------------


def encode(text: str) -> bytes:
    """Return text as bytes; undecodable bytes of a file name come back as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def decode(body: bytes) -> str:
    """Undo ``encode``."""
    return body.decode("utf-8", "surrogateescape")
