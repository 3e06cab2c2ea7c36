"""Rows of the database to records and back, one pair of functions per table; no statement runs here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recorder.model import (
    Activity,
    End,
    EndReason,
    Event,
    Invocation,
    Moment,
    Owner,
    Session,
    Size,
    State,
    Summary,
    Turn,
)
from recorder.stores import segments, sqlite_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recorder.model import JsonValue, Meta

Row = tuple[Any, ...]

SEQ_BITS = sqlite_names.SEQ_BITS  # event.id, turn.id, pack.id = session.id << 32 | number
RAW_BITS = 40  # segment.id = session.id << 40 | raw offset

# Statements are put together from constants only.
_SESSION = (
    "s.ulid, s.tool, s.argv, s.argv_masked, s.cwd, s.git_root, s.user, s.tty, s.term, s.cols, s.rows,"
    " s.created_ms, s.parent, s.fork_turn, s.fork_seq, s.archived_ms, s.directory"
)
_INVOCATION = (
    "i.ulid, i.started_ms, i.pid, i.pid_start, i.boot_id, i.version, i.host, i.target, i.ended_ms,"
    " i.exit_status, i.end_reason"
)
SUMMARIES = (
    "SELECT " + _SESSION + ", " + _INVOCATION + ", p.state, p.state_turn, p.state_ms, p.n_events,"  # noqa: S608
    " p.n_turns, p.last_ms FROM session s JOIN progress p ON p.session = s.id"
    " LEFT JOIN invocation i ON i.id = p.invocation"
)
INVOCATIONS = "SELECT s.ulid, " + _INVOCATION + " FROM invocation i JOIN session s ON s.id = i.session"  # noqa: S608
TURNS = (
    "SELECT t.id, t.command, f.text, t.started_ms, t.raw_start, t.raw_length, t.end, t.exit_status,"
    " t.duration_ms, c.text, t.shell, t.parent_turn, t.flags FROM turn t"
    " LEFT JOIN phrase f ON f.id = (t.id >> 32 << 32 | t.prompt_text)"
    " LEFT JOIN phrase c ON c.id = (t.id >> 32 << 32 | t.cwd)"
)
_TRUNCATED, _TROUBLED, ERASED = 1, 2, 4


def span(session: int, bits: int = SEQ_BITS) -> tuple[int, int]:
    """Return the first and the last id that rows of a session can have."""
    return session << bits, (session + 1 << bits) - 1


def low(number: int, bits: int = SEQ_BITS) -> int:
    """Return the seq, turn or raw offset in an id."""
    return number & (1 << bits) - 1


def dump(meta: Mapping[str, JsonValue]) -> str:
    """Return meta as stored: compact JSON, or nothing."""
    return json.dumps(meta, ensure_ascii=False, separators=(",", ":")) if meta else ""


def load(text: str) -> Meta:
    """Read stored meta; what a damaged row holds reads as nothing."""
    try:
        meta = json.loads(text) if text else {}
    except ValueError:
        return {}
    return meta if isinstance(meta, dict) else {}


def storable(text: str) -> str | bytes:
    """Return text as SQLite can hold it: with undecodable bytes of a file name in it, as a blob."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return segments.encode(text)
    return text


def readable(value: str | bytes) -> str:
    """Undo ``storable``."""
    return value if isinstance(value, str) else segments.decode(value)


def storables(*texts: str | None) -> Row:
    """Return texts as they are stored: bytes where they are no Unicode."""
    return tuple(None if each is None else storable(each) for each in texts)


def _readable(values: Sequence[Any]) -> Sequence[Any]:
    if bytes not in map(type, values):
        return values
    return [segments.decode(each) if isinstance(each, bytes) else each for each in values]


def session_values(session: Session) -> Row:
    """Return the values of a new session row, in the order of the table."""
    return (
        session.ulid,
        *storables(session.tool),
        json.dumps(session.argv),  # ASCII: keeps undecodable bytes of the command line
        session.argv_masked,
        *storables(session.cwd, session.git_root, session.user, session.tty, session.term),
        session.size.cols,
        session.size.rows,
        session.created_ms,
        session.parent_ulid,
        session.fork_turn,
        session.fork_seq,
        session.archived_ms,
        *storables(session.directory),
    )


def session(row: Sequence[Any]) -> Session:
    """Read the columns of a session."""
    row = _readable(row)
    return Session(
        ulid=row[0],
        tool=row[1],
        argv=tuple(json.loads(row[2])),
        argv_masked=bool(row[3]),
        cwd=row[4],
        git_root=row[5],
        user=row[6],
        tty=row[7],
        term=row[8],
        size=Size(row[9], row[10]),
        created_ms=row[11],
        parent_ulid=row[12],
        fork_turn=row[13],
        fork_seq=row[14],
        archived_ms=row[15],
        directory=row[16],
    )


def invocation(ulid: str, row: Sequence[Any]) -> Invocation:
    """Read the columns of an invocation."""
    return Invocation(
        ulid=row[0],
        session=ulid,
        started_ms=row[1],
        owner=Owner(row[2], row[3], row[4]),
        version=row[5],
        host=row[6],
        target=row[7],
        ended_ms=row[8],
        exit_status=row[9],
        end_reason=_REASONS.get(row[10]),
    )


def summary(row: Sequence[Any], labels: tuple[str, ...]) -> Summary:
    """Read a row of ``SUMMARIES``."""
    whole = session(row)
    state, turn, since = row[28:31]
    return Summary(
        session=whole,
        invocation=None if row[17] is None else invocation(whole.ulid, row[17:28]),
        labels=labels,
        activity=None if state is None else Activity(_STATES.get(state, State.IDLE), turn, since),
        n_events=row[31],
        n_turns=row[32],
        last_event_ms=row[33],
    )


def event(ulid: str, row: Sequence[Any]) -> Event:
    """Read ``id, kind name, skew_ms, offset_ms, invocation ulid, started_ms, turn, text, meta``."""
    return Event(
        session=ulid,
        seq=low(row[0]),
        kind=row[1],
        at=Moment(row[2] + row[3] + (row[5] or 0), row[3]),
        text=readable(row[7]),
        turn=row[6],
        invocation=row[4],
        meta=load(readable(row[8])),
    )


def turn_values(key: int, turn: Turn, prompt_text: int | None, cwd: int | None) -> Row:
    """Return the values of a turn row, in the order of the table; the last two are phrases."""
    return (
        key,
        storable(turn.command),
        prompt_text,
        turn.started_ms,
        turn.raw_start,
        turn.raw_end - turn.raw_start,
        None if turn.end is End.DONE else turn.end.value,
        turn.exit_status,
        turn.duration_ms,
        cwd,
        *storables(turn.shell),
        turn.parent_turn,
        turn.truncated * _TRUNCATED | turn.troubled * _TROUBLED | turn.erased * ERASED,
    )


def turn(ulid: str, row: Sequence[Any]) -> Turn:
    """Read a row of ``TURNS``."""
    row = _readable(row)
    return Turn(
        session=ulid,
        turn=low(row[0]),
        command=row[1],
        prompt_text=row[2],
        started_ms=row[3],
        raw_start=row[4],
        raw_end=row[4] + row[5],
        end=End.DONE if row[6] is None else _ENDS.get(row[6], End.UNKNOWN),
        exit_status=row[7],
        duration_ms=row[8],
        cwd=row[9],
        shell=row[10],
        parent_turn=row[11],
        truncated=bool(row[12] & _TRUNCATED),
        troubled=bool(row[12] & _TROUBLED),
        erased=bool(row[12] & ERASED),
    )


# Words of a newer version read as the one that claims least.
_ENDS = {each.value: each for each in End}
_STATES = {each.value: each for each in State}
_REASONS = {each.value: each for each in EndReason}
