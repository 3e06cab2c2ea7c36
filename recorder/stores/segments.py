"""How raw bytes, their times and event texts are laid out in blobs; no SQL, no store.

A blob is one tag byte and a body: ``0`` plain, ``1`` a zstd frame with its own checksum. Numbers
are LEB128 varints; what may be negative is zigzagged. A ``times`` blob holds, column by column, the
lengths, the steps of ``offset_ms`` and, only where one is not zero, the steps of
``wall_ms - offset_ms`` of the chunks of one segment.
"""

from __future__ import annotations

import sys
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
MAX_RAW = 1024 * 1024  # of one segment
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


def unsqueeze(blob: bytes) -> bytes:
    """Return the body of a blob; raise Damaged if there is none."""
    if blob[:1] == b"\x00":
        return blob[1:]
    if blob[:1] != b"\x01":
        raise Damaged("unknown tag")
    try:
        reader = zstd.ZstdDecompressor()
        body = reader.decompress(blob[1:], _MAX_BODY)
    except (zstd.ZstdError, MemoryError) as error:
        raise Damaged(str(error)) from error
    if not reader.eof or reader.unused_data:
        raise Damaged("the frame does not end where it should")
    return body


def raw_body(blob: bytes, length: int) -> bytes:
    """Return the ``length`` raw bytes of a segment's data, without the texts behind them."""
    body = unsqueeze(blob)
    if len(body) < length:
        raise Damaged("bytes are missing")
    return body[:length]


def _options(level: int) -> dict[int, int]:
    parameter = zstd.CompressionParameter
    return {parameter.compression_level: level, parameter.checksum_flag: 1}


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


def pack_times(ticks: Sequence[Tick], level: int = LIVE_LEVEL) -> bytes:
    """Encode the chunks' lengths and times; the first chunk's time is kept beside the blob."""
    wall, offset, _length = ticks[0]
    skew = wall - offset
    steps: list[int] = []
    skews: list[int] = []
    for at_wall, at_offset, _length in ticks:
        steps.append(zigzag(at_offset - offset))
        skews.append(zigzag(at_wall - at_offset - skew))
        offset, skew = at_offset, at_wall - at_offset
    columns = [len(ticks), *(length for _, _, length in ticks), *steps]
    if any(skews):
        columns += skews
    return squeeze(varints(columns), level)


def unpack_times(blob: bytes, start: Moment, total: int) -> list[Tick]:
    """Decode a ``times`` blob of ``total`` bytes; raise Damaged if it does not fit."""
    columns = list(read_varints(unsqueeze(blob)))
    count = columns[0] if columns else 0
    if len(columns) not in (1 + 2 * count, 1 + 3 * count) or not count:
        raise Damaged("times: wrong number of columns")
    lengths = columns[1 : 1 + count]
    if sum(lengths) != total:
        raise Damaged("times: lengths do not add up")
    steps = columns[1 + count : 1 + 2 * count]
    skews = columns[1 + 2 * count :] or [0] * count
    offset, skew = start.offset_ms, start.wall_ms - start.offset_ms
    ticks: list[Tick] = []
    for length, step, drift in zip(lengths, steps, skews, strict=True):
        offset += unzigzag(step)
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

Text = tuple[int, str, str]  # seq, text, meta (JSON or "")


def encode(text: str) -> bytes:
    """Return text as bytes; undecodable bytes of a file name come back as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def decode(body: bytes) -> str:
    """Undo ``encode``."""
    return body.decode("utf-8", "surrogateescape")


def pack_texts(texts: Sequence[Text]) -> tuple[bytes, bytes]:
    """Return the blob of where each text is and the bytes of all of them, still uncompressed.

    The bytes are to be compressed behind the raw bytes that they were rendered from: in one frame
    they cost little, alone they would cost as much again. For that, lines end as a terminal's do,
    so that repetitions do not stop at each of them, and the metas stand together.
    """
    where: list[int] = []
    bodies: list[bytes] = []
    metas: list[bytes] = []
    before = 0
    for seq, text, meta in texts:
        body, extra = encode(text), encode(meta)
        wide = b"\r" not in body
        bodies.append(body.replace(b"\n", b"\r\n") if wide else body)
        metas.append(extra)
        where += (seq - before, len(bodies[-1]) << 1 | wide, len(extra))
        before = seq
    return squeeze(varints(where), SEAL_LEVEL), b"".join(bodies + metas)


def unpack_texts(blob: bytes, body: bytes) -> dict[int, tuple[str, str]]:
    """Return ``seq → (text, meta)``; raise Damaged if the pieces do not add up."""
    where = list(read_varints(unsqueeze(blob)))
    if len(where) % 3 or sum(size >> 1 for size in where[1::3]) + sum(where[2::3]) != len(body):
        raise Damaged("texts: lengths do not add up")
    found: dict[int, tuple[str, str]] = {}
    seq = at = 0
    extra_at = len(body) - sum(where[2::3])
    for i in range(0, len(where), 3):
        seq += where[i]
        end, extra_end = at + (where[i + 1] >> 1), extra_at + where[i + 2]
        text = body[at:end].replace(b"\r\n", b"\n") if where[i + 1] & 1 else body[at:end]
        found[seq] = (decode(text), decode(body[extra_at:extra_end]))
        at, extra_at = end, extra_end
    return found
