"""The file in which the end of a session waits when the store did not take it.

Pure: records to bytes and back. One line per record: a CRC-32 of the rest in hex, a space, JSON;
raw bytes are base64. A torn or damaged line ends what is read: everything before it is whole.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from recorder.model import Chunk, Draft, EndReason, Invocation, Kind, Moment, Owner, Session, Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORMAT = 1


class End(NamedTuple):
    """The end of the invocation, as ``Store.end_invocation`` takes it."""

    ended_ms: int
    exit_status: int | None
    reason: EndReason


class Spilled(NamedTuple):
    """What a spill file holds; ``whole`` is False when its end is missing or damaged."""

    session: Session
    invocation: Invocation
    drafts: tuple[Draft, ...]
    chunks: tuple[Chunk, ...]
    end: End | None
    whole: bool


def encode(
    session: Session, invocation: Invocation, items: Iterable[Draft | Chunk], end: End | None
) -> Iterator[bytes]:
    """Yield the lines of a spill file."""
    yield _line({"is": "rec-spill", "format": FORMAT, "session": asdict(session)})
    yield _line({"is": "invocation", **asdict(invocation)})
    for item in items:
        if isinstance(item, Draft):
            yield _line({"is": "event", **asdict(item)})
        else:
            data = base64.b64encode(item.data).decode()
            yield _line({"is": "raw", **asdict(item), "data": data})
    if end is not None:
        yield _line({"is": "end", **end._asdict()})
    yield _line({"is": "eof"})


def decode(data: bytes) -> Spilled | None:
    """Read a spill file; None when not even its head is whole."""
    records = list(_records(data))
    if len(records) < 2 or records[0].get("is") != "rec-spill" or records[0].get("format") != FORMAT:
        return None
    drafts: list[Draft] = []
    chunks: list[Chunk] = []
    end: End | None = None
    for record in records[2:]:
        what = record.pop("is")
        if what == "event":
            drafts.append(_draft(record))
        elif what == "raw":
            chunks.append(_chunk(record))
        elif what == "end":
            end = End(record["ended_ms"], record["exit_status"], EndReason(record["reason"]))
    whole = records[-1].get("is") == "eof"
    return Spilled(
        _session(records[0]["session"]), _invocation(records[1]), tuple(drafts), tuple(chunks), end, whole
    )


def _line(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _records(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.split(b"\n"):
        checksum, _, text = line.partition(b" ")
        if not text or checksum != b"%08x" % zlib.crc32(text):
            return
        yield json.loads(text)


def _draft(record: dict[str, Any]) -> Draft:
    return Draft(**{**record, "kind": Kind(record["kind"]), "at": Moment(**record["at"])})


def _chunk(record: dict[str, Any]) -> Chunk:
    redactions = tuple((at, size, what) for at, size, what in record["redactions"])
    data = base64.b64decode(record["data"])
    return Chunk(**{**record, "at": Moment(**record["at"]), "data": data, "redactions": redactions})


def _session(record: dict[str, Any]) -> Session:
    return Session(**{**record, "argv": tuple(record["argv"]), "size": Size(**record["size"])})


def _invocation(record: dict[str, Any]) -> Invocation:
    record = {key: value for key, value in record.items() if key != "is"}
    reason = record["end_reason"]
    ended = EndReason(reason) if reason is not None else None
    return Invocation(**{**record, "owner": Owner(**record["owner"]), "end_reason": ended})
