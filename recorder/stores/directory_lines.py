"""The wording of a session directory: session.json, and the lines of events.jsonl; no file is touched.

A line is one JSON object. Most are events, in the shape of ``rec events --json`` with the exact times
in ``ms`` (wall, offset). Others say where raw bytes are (``raw``), which were erased (``erased``), and
what the session is doing (``activity``). A transaction is the lines up to one without ``more``: a file that
ends before it lacks all of it. A line with ``if`` waits for ``done`` with the same ULID.

A person may have edited what is read here, so nothing is believed: what is no line of ours is None.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

from recorder.model import Activity, Chunk, EndReason, Event, Invocation, Moment, Owner, Session, Size, State
from recorder.stores import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMAT = 1  # of the directory; a newer one may only be read by who knows it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")  # a ULID: nothing that leads out of a directory
_LARGEST = 1 << 53  # of a number that every reader of JSON keeps exactly
_WALL = (-62_135_596_800_000, 253_402_300_799_999)  # ms of the years 1 to 9999

Read: TypeAlias = tuple[int, int, int]  # length, wall_ms, offset_ms


class Wrong(ValueError):
    """What is read is not what was written; says what."""


@dataclass(frozen=True, slots=True)
class Run:
    """Raw bytes in ``[start, end)`` of one invocation, as they were read."""

    start: int
    end: int
    invocation: str
    reads: tuple[Read, ...]
    redactions: tuple[tuple[int, int, str], ...]
    checksum: str

    def chunks(self, session: str, data: bytes) -> list[Chunk]:
        """Return the bytes as they were read."""
        found, at = [], 0
        for length, wall_ms, offset_ms in self.reads:
            start = self.start + at
            marks = tuple(each for each in self.redactions if start <= each[0] < start + length)
            part = data[at : at + length]
            found.append(Chunk(session, self.invocation, start, Moment(wall_ms, offset_ms), part, marks))
            at += length
        return found


@dataclass(frozen=True, slots=True)
class Erased:
    """Raw bytes in ``[start, end)`` that are gone for good."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Done:
    """The condition of the lines before it is met."""

    condition: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it says, and whether it waits for others."""

    what: Event | Run | Erased | Activity | Done
    more: bool = False
    condition: str | None = None

    @property
    def waits(self) -> bool:
        """Say whether the line counts only with what follows."""
        return self.more or self.condition is not None


def run_of(chunks: Sequence[Chunk]) -> tuple[Run, bytes]:
    """Return what is to be said of neighbouring chunks of one invocation, and their bytes."""
    data = b"".join(chunk.data for chunk in chunks)
    first = chunks[0]
    run = Run(
        start=first.start,
        end=first.start + len(data),
        invocation=first.invocation,
        reads=tuple((len(chunk.data), chunk.at.wall_ms, chunk.at.offset_ms) for chunk in chunks),
        redactions=tuple(mark for chunk in chunks for mark in chunk.redactions),
        checksum=checksum(data),
    )
    return run, data


def checksum(data: bytes) -> str:
    """Return what tells raw bytes from others: each run has its own, as runs may be cut."""
    return blake2b(data, digest_size=8).hexdigest()


# --- lines -------------------------------------------------------------------------------------------


def encode(lines: Iterable[Line]) -> bytes:
    """Return lines as bytes, each with its newline."""
    return b"".join(map(_encode, lines))


def together(whats: Sequence[Event | Run | Activity]) -> list[Line]:
    """Return the lines of one transaction."""
    return [Line(what, more=nth < len(whats)) for nth, what in enumerate(whats, 1)]


def _encode(line: Line) -> bytes:
    facts = _facts(line.what)
    if line.more:
        facts["more"] = True
    if line.condition is not None:
        facts["if"] = line.condition
    return dump(facts) + b"\n"


def dump(facts: Any, indent: int | None = None) -> bytes:  # noqa: ANN401  (JSON)
    """Return JSON that can be searched for words; bytes that are no UTF-8 stay as escapes."""
    try:
        return json.dumps(facts, ensure_ascii=False, indent=indent).encode()
    except UnicodeEncodeError:
        return json.dumps(facts, indent=indent).encode()


def _facts(what: Event | Run | Erased | Activity | Done) -> dict[str, Any]:
    if isinstance(what, Event):
        return {
            "session": what.session,
            "seq": what.seq,
            "at": _shown(what.at.wall_ms),
            "kind": str(what.kind),
            "text": what.text,
            "turn": what.turn,
            "invocation": what.invocation,
            "meta": dict(what.meta),
            "ms": [what.at.wall_ms, what.at.offset_ms],
        }
    if isinstance(what, Run):
        marks = {"redactions": what.redactions} if what.redactions else {}
        return {
            "raw": [what.start, what.end],
            "invocation": what.invocation,
            "reads": what.reads,
            "sum": what.checksum,
            **marks,
        }
    if isinstance(what, Erased):
        return {"erased": [what.start, what.end]}
    if isinstance(what, Done):
        return {"done": what.condition}
    return {"activity": {"state": what.state.value, "turn": what.turn, "since_ms": what.since_ms}}


def _shown(wall_ms: int) -> str:
    at = _EPOCH + timedelta(milliseconds=min(max(wall_ms, _WALL[0]), _WALL[1]))
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def decode(line: bytes, session: str) -> Line | None:
    """Read a line of a session's; None where it is not one."""
    try:
        facts = json.loads(line)
        what = _what(facts, session)
        more = facts.get("more", False)
        condition = None if "if" not in facts else _ulid(facts["if"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Line(what, more is True, condition)


def _what(facts: dict[str, Any], session: str) -> Event | Run | Erased | Activity | Done:
    if "kind" in facts:
        return _event(facts, session)
    if "raw" in facts:
        return _run(facts)
    if "erased" in facts:
        return Erased(*_span(facts["erased"]))
    if "done" in facts:
        return Done(_ulid(facts["done"]))
    return _activity(facts["activity"])


def _activity(now: dict[str, Any]) -> Activity:
    return Activity(State(now["state"]), _optional(now["turn"]), _number(now["since_ms"]))


def _event(facts: dict[str, Any], session: str) -> Event:
    if facts["session"] != session:
        raise Wrong("it is of another session")
    meta, run = facts["meta"], facts["invocation"]
    if not isinstance(meta, dict):
        raise Wrong("meta is no object")
    return Event(
        session=session,
        seq=_number(facts["seq"], least=1),
        kind=_text(facts["kind"]),
        at=_moment(*facts["ms"]),
        text=_text(facts["text"]),
        turn=_optional(facts["turn"]),
        invocation=None if run is None else _ulid(run),
        meta=meta,
    )


def _run(facts: dict[str, Any]) -> Run:
    start, end = _span(facts["raw"])
    reads = tuple((_number(size, least=1), *_times(wall, offset)) for size, wall, offset in facts["reads"])
    if sum(size for size, _wall, _offset in reads) != end - start:
        raise Wrong("the reads do not add up")
    if end - start > pieces.MAX_RAW:
        raise Wrong("more bytes than one run has")
    return Run(
        start=start,
        end=end,
        invocation=_ulid(facts["invocation"]),
        reads=reads,
        redactions=tuple(
            (_number(at, least=0), _number(size, least=0), _text(what))
            for at, size, what in facts.get("redactions", ())
        ),
        checksum=_text(facts["sum"]),
    )


def _moment(wall: Any, offset: Any) -> Moment:  # noqa: ANN401  (JSON, as in what follows)
    return Moment(*_times(wall, offset))


def _times(wall: Any, offset: Any) -> tuple[int, int]:  # noqa: ANN401
    if not _WALL[0] <= _number(wall) <= _WALL[1]:
        raise Wrong("no time")
    return wall, _number(offset)


def _span(value: Any) -> tuple[int, int]:  # noqa: ANN401
    start, end = value
    return _number(start, least=0), _number(end, least=start)


def _number(value: Any, least: int = -_LARGEST) -> int:  # noqa: ANN401
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST:
        raise Wrong("no such number")
    return value


def _optional(value: Any) -> int | None:  # noqa: ANN401
    return None if value is None else _number(value)


def _text(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise Wrong("no text")
    return value


def _words(value: Any) -> str | None:  # noqa: ANN401
    return None if value is None else _text(value)


def _ulid(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Wrong("no ULID")
    return value


# --- session.json ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sums:
    """What is counted of a session, so that a list need not read its events.

    ``stamp``: length and time (ns) of the events.jsonl that it was counted in; another one is counted anew.
    """

    stamp: tuple[int, int]
    n_events: int
    n_turns: int
    last_ms: int | None
    activity: Activity | None


@dataclass(frozen=True, slots=True)
class Record:
    """What session.json says: the session, its invocations (oldest first), its metadata, its sums."""

    session: Session
    invocations: tuple[Invocation, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    sums: Sums | None = None


def encode_record(record: Record) -> bytes:
    """Return session.json; the place it is in is not in it, as it may be moved."""
    session = asdict(record.session) | {"size": record.session.size._asdict()}
    del session["directory"]
    runs = [asdict(run) | {"owner": run.owner._asdict()} for run in record.invocations]
    for run in runs:
        del run["session"]
    facts = {"rec": FORMAT, "session": session, "invocations": runs, "metadata": dict(record.meta)}
    if record.sums is not None:
        now = record.sums.activity
        facts["sums"] = asdict(record.sums) | ({} if now is None else _facts(now))
    return dump(facts, indent=1) + b"\n"


def decode_record(body: bytes) -> Record:
    """Read session.json; raise Wrong."""
    try:
        facts = json.loads(body)
        _known(facts["rec"])
        session = _session(facts["session"])
        runs = tuple(_invocation(each, session.ulid) for each in facts["invocations"])
        meta = tuple((_text(key), _text(value)) for key, value in facts["metadata"].items())
        sums = _sums(facts["sums"]) if "sums" in facts else None
    except Wrong:
        raise
    except (ValueError, RecursionError) as error:
        raise Wrong(f"it is no JSON ({error})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Wrong("something in it is missing") from error
    return Record(session, runs, meta, sums)


def _sums(facts: dict[str, Any]) -> Sums:
    size, changed = facts["stamp"]
    if not isinstance(changed, int):
        raise Wrong("no such number")
    return Sums(
        stamp=(_number(size, least=0), changed),
        n_events=_number(facts["n_events"], least=0),
        n_turns=_number(facts["n_turns"], least=0),
        last_ms=None if facts["last_ms"] is None else _times(facts["last_ms"], 0)[0],
        activity=None if facts["activity"] is None else _activity(facts["activity"]),
    )


def _known(number: Any) -> None:  # noqa: ANN401
    if _number(number) > FORMAT:
        raise Wrong("a newer version of rec wrote it")


def _session(facts: dict[str, Any]) -> Session:
    size = facts["size"]
    known = {field.name for field in fields(Session)} - {"directory"}
    values = {key: value for key, value in facts.items() if key in known}
    for name in ("git_root", "tty", "term"):
        values[name] = _words(facts[name])
    for name in ("fork_turn", "fork_seq", "archived_ms"):
        values[name] = _optional(facts[name])
    parent = facts["parent_ulid"]
    values |= {
        "ulid": _ulid(facts["ulid"]),
        "tool": _text(facts["tool"]),
        "argv": tuple(map(_text, facts["argv"])),
        "argv_masked": facts["argv_masked"] is not False,
        "cwd": _text(facts["cwd"]),
        "user": _text(facts["user"]),
        "size": Size(_number(size["cols"], least=0), _number(size["rows"], least=0)),
        "created_ms": _times(facts["created_ms"], 0)[0],
        "parent_ulid": None if parent is None else _ulid(parent),
    }
    return Session(**values)


def _invocation(facts: dict[str, Any], session: str) -> Invocation:
    owner, reason, ended = facts["owner"], facts["end_reason"], facts["ended_ms"]
    return Invocation(
        ulid=_ulid(facts["ulid"]),
        session=session,
        started_ms=_times(facts["started_ms"], 0)[0],
        owner=Owner(_number(owner["pid"]), _number(owner["start_time"]), _text(owner["boot_id"])),
        version=_text(facts["version"]),
        host=_text(facts["host"]),
        target=_words(facts["target"]),
        ended_ms=None if ended is None else _times(ended, 0)[0],
        exit_status=_optional(facts["exit_status"]),
        end_reason=None if reason is None else EndReason(reason),
    )
