"""Cut what is to be appended into the pieces that are stored: pure, the same for every back end on disk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from recorder.model import Chunk

MAX_RAW = 1024 * 1024  # bytes of one piece


def fresh(chunks: Sequence[Chunk], length: Callable[[str], int]) -> list[Chunk]:
    """Return what of some chunks is not stored yet; ``length`` says how many raw bytes a session has."""
    known: dict[str, int] = {}
    found: list[Chunk] = []
    for chunk in chunks:
        have = known.get(chunk.session)
        if have is None:
            have = length(chunk.session)
        known[chunk.session] = max(have, chunk.start + len(chunk.data))
        rest = _after(chunk, have) if chunk.start < have else chunk
        if rest.data:
            found.append(rest)
    return found


def joined(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Group chunks into runs of one session and invocation, without a hole, of at most 1 MiB."""
    piece: list[Chunk] = []
    size = 0
    for chunk in chunks:
        rest = chunk
        while rest.data:
            if piece and (size >= MAX_RAW or not _follows(piece[-1], rest)):
                yield piece
                piece, size = [], 0
            head = rest
            if size + len(rest.data) > MAX_RAW:
                head = _before(rest, rest.start + MAX_RAW - size)
            piece.append(head)
            size += len(head.data)
            rest = _after(rest, head.start + len(head.data))
    if piece:
        yield piece


def _follows(before: Chunk, after: Chunk) -> bool:
    return (before.session, before.invocation, before.start + len(before.data)) == (
        after.session,
        after.invocation,
        after.start,
    )


def _before(chunk: Chunk, offset: int) -> Chunk:
    """Return the part of a chunk before a raw offset."""
    return replace(
        chunk,
        data=chunk.data[: offset - chunk.start],
        redactions=tuple(each for each in chunk.redactions if each[0] < offset),
    )


def _after(chunk: Chunk, offset: int) -> Chunk:
    """Return the part of a chunk from a raw offset on."""
    return replace(
        chunk,
        start=offset,
        data=chunk.data[max(0, offset - chunk.start) :],
        redactions=tuple(each for each in chunk.redactions if each[0] >= offset),
    )


def clip(chunk: Chunk, start: int, end: int) -> Chunk | None:
    """Return the part of a chunk that lies in ``[start, end)``, or nothing."""
    low, high = max(start, chunk.start), min(end, chunk.start + len(chunk.data))
    if low >= high:
        return None
    return replace(
        chunk,
        start=low,
        data=chunk.data[low - chunk.start : high - chunk.start],
        redactions=tuple(each for each in chunk.redactions if low <= each[0] < high),
    )
