"""The spill file: what a recorder could not write into its store, kept beside it until next time.

The file begins with ``rec-spill 1``. Each record is a line ``CRC HEADER-LENGTH BODY-LENGTH``, the
header (JSON) and the body (bytes); CRC is the zlib CRC-32 of both in hexadecimal. So a torn tail is
seen, and everything before it is whole. Pure: records to bytes and back; the writer makes the file,
care imports it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

from recorder.model import (
    Chunk,
    Draft,
    EndReason,
    Invocation,
    Kind,
    Moment,
    Owner,
    Session,
    Size,
    Span,
    Switch,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.model import JsonValue

_MAGIC = b"rec-spill 1\n"

Item = Chunk | Draft | Span | Switch


@dataclass
class Spill:
    """The contents of one spill file; ``seen`` is the last seq of each session that its writer knew.

    ``session`` and ``invocation`` are the first ones; where there are more, a switch leads to each, and
    ``end`` is that of the last.
    """

    session: Session
    invocation: Invocation
    items: list[Item] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    end: tuple[int, int | None, EndReason] | None = None  # ended_ms, exit status, reason
    whole: bool = True  # nothing was torn off


def encode(spill: Spill) -> Iterator[bytes]:
    """Yield the parts of a spill file."""
    yield _MAGIC
    yield _record({"is": "session", **_of_session(spill.session)})
    yield _record({"is": "invocation", **_of_invocation(spill.invocation)})
    yield _record({"is": "seen", "seqs": dict(spill.seen)})
    if spill.end is not None:
        ended_ms, status, reason = spill.end
        yield _record({"is": "end", "ended_ms": ended_ms, "status": status, "reason": reason.value})
    for item in spill.items:
        yield _item(item)
    yield _record({"is": "whole"})


def _of_session(session: Session) -> dict[str, Any]:
    return {**asdict(session), "size": session.size._asdict()}


def _of_invocation(invocation: Invocation) -> dict[str, Any]:
    return {**asdict(invocation), "owner": invocation.owner._asdict()}


def _item(item: Item) -> bytes:
    if isinstance(item, Switch):
        into, run = _of_session(item.into), _of_invocation(item.run)
        return _record({"is": "switch", **asdict(item), "into": into, "run": run})
    header: dict[str, Any] = {"is": type(item).__name__.lower()}
    body = b""
    for name in item.__slots__:
        value = getattr(item, name)
        if name == "data":
            body = value
        elif isinstance(value, Moment):
            header[name] = [value.wall_ms, value.offset_ms]
        else:
            header[name] = value
    return _record(header, body)


def _record(header: dict[str, Any], body: bytes = b"") -> bytes:
    head = json.dumps(header).encode()
    return b"%08x %d %d\n%s%s\n" % (crc32(body, crc32(head)), len(head), len(body), head, body)


# --- reading ---------------------------------------------------------------------------------------


def decode(data: bytes) -> Spill | None:
    """Read a spill file; None if not even its session is whole."""
    if not data.startswith(_MAGIC):
        return None
    found: Spill | None = None
    session: Session | None = None
    whole = False
    for header, body in _parse(data):
        kind = header.pop("is", None)
        if kind == "session":
            session = _session(header)
        elif kind == "invocation" and session is not None:
            found = Spill(session, _invocation(header))
        elif found is not None:
            whole = _take(found, kind, header, body)
    if found is not None:
        found.whole = whole
    return found


def _parse(data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield the records that are whole; stop at the first that is not."""
    at = len(_MAGIC)
    while at < len(data):
        eol = data.find(b"\n", at, at + 64)
        try:
            crc, head_size, body_size = data[at : max(at, eol)].split(b" ")
            middle = eol + 1 + int(head_size)
            end = middle + int(body_size)
            head, body = data[eol + 1 : middle], data[middle:end]
            if data[end : end + 1] != b"\n" or crc32(body, crc32(head)) != int(crc, 16):
                return
            header = json.loads(head)
        except ValueError:
            return
        yield header, body
        at = end + 1


def _take(spill: Spill, kind: JsonValue, header: dict[str, Any], body: bytes) -> bool:
    """Put one record into a spill; say whether it was the last."""
    if kind == "seen":
        spill.seen = header["seqs"]
    elif kind == "end":
        spill.end = header["ended_ms"], header["status"], EndReason(header["reason"])
    elif kind == "chunk":
        header["redactions"] = tuple(tuple(each) for each in header["redactions"])
        spill.items.append(Chunk(**_at(header), data=body))
    elif kind == "draft":
        spill.items.append(Draft(**_at(header) | {"kind": Kind(header["kind"])}))
    elif kind == "span":
        spill.items.append(Span(**_at(header), data=body))
    elif kind == "switch":
        spill.items.append(_switch(header))
    return kind == "whole"


def _at(header: dict[str, Any]) -> dict[str, Any]:
    return header | {"at": Moment(*header["at"])}


def _switch(header: dict[str, Any]) -> Switch:
    mark = Draft(**_at(header["mark"]) | {"kind": Kind(header["mark"]["kind"])})
    into, run = _session(header["into"]), _invocation(header["run"])
    return Switch(**header | {"mark": mark, "reason": EndReason(header["reason"]), "into": into, "run": run})


def _session(header: dict[str, Any]) -> Session:
    return Session(**header | {"argv": tuple(header["argv"]), "size": Size(**header["size"])})


def _invocation(header: dict[str, Any]) -> Invocation:
    reason = header["end_reason"]
    return Invocation(
        **header
        | {"owner": Owner(**header["owner"]), "end_reason": None if reason is None else EndReason(reason)}
    )
