"""The words of ``rec``: frozen records and enumerations that every layer speaks.

No behaviour beyond trivial derived properties, no I/O, no clock. Times are integer milliseconds:
``wall_ms`` since the Unix epoch (UTC), ``offset_ms`` since the invocation's start on the boot-time
clock, which never goes back and counts suspend.
Raw offsets count bytes of the tool's output since the session began, over all its invocations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from recorder.basics import Moment, Owner, Size

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Activity",
    "Chunk",
    "Draft",
    "End",
    "EndReason",
    "Event",
    "Invocation",
    "JsonValue",
    "Kind",
    "Meta",
    "Moment",
    "Owner",
    "Session",
    "Size",
    "Span",
    "State",
    "Status",
    "Summary",
    "Switch",
    "Turn",
]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
Meta = dict[str, JsonValue]


class Kind(StrEnum):
    """The kinds of event the contract names; the store's schema checks the same list."""

    PROMPT = "prompt"
    OUTPUT = "output"
    COMMAND = "command"
    SYSTEM = "system"
    WARN = "warn"
    ALERT = "alert"
    RESIZE = "resize"
    MARK = "mark"


class Status(StrEnum):
    """What became of a session; the last three are computed when read, never written."""

    LIVE = "live"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    MISSING = "missing"  # it is in a directory that is gone
    DAMAGED = "damaged"  # … or that somebody has changed


class State(StrEnum):
    """What a live session is doing."""

    IDLE = "idle"
    RUNNING = "running"
    ERROR = "error"


class End(StrEnum):
    """How a turn ended."""

    DONE = "done"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    RUNNING = "running"
    UNKNOWN = "unknown"


class EndReason(StrEnum):
    """Why an invocation ended."""

    EXIT = "exit"
    SIGNAL = "signal"
    HANGUP = "hangup"
    FORKED = "forked"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Session:
    """One recorded conversation with a tool; written once, at its first event."""

    ulid: str
    tool: str
    argv: tuple[str, ...]
    argv_masked: bool
    cwd: str
    git_root: str | None
    user: str
    tty: str | None
    term: str | None
    size: Size
    created_ms: int
    parent_ulid: str | None = None
    fork_turn: int | None = None
    fork_seq: int | None = None
    archived_ms: int | None = None
    directory: str | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of the tool's process inside a session."""

    ulid: str
    session: str
    started_ms: int
    owner: Owner
    version: str
    host: str
    target: str | None = None
    ended_ms: int | None = None
    exit_status: int | None = None
    end_reason: EndReason | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before the store has given it its ``seq``."""

    session: str
    kind: Kind
    at: Moment
    text: str
    turn: int | None = None
    invocation: str | None = None
    meta: Meta = field(default_factory=dict)

    def numbered(self, seq: int) -> Event:
        """Return the event that this becomes."""
        return Event(
            session=self.session,
            seq=seq,
            kind=self.kind.value,
            at=self.at,
            text=self.text,
            turn=self.turn,
            invocation=self.invocation,
            meta=self.meta,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One typed row. ``kind`` is a plain string, as a newer version may have written one we lack."""

    session: str
    seq: int
    kind: str
    at: Moment
    text: str
    turn: int | None
    invocation: str | None
    meta: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Switch:
    """The place where a recording goes on in another session, while its tool runs on.

    ``mark`` is the last event of the session that is left; the invocation that it names ends with
    ``reason``, at its time. ``into`` is the session that follows, ``run`` its first invocation. Of a
    fork it has no ``fork_seq`` yet: the store makes it that of ``mark``. ``archived``: the session that is
    left is to be hidden.
    """

    mark: Draft
    reason: EndReason
    into: Session
    run: Invocation
    label: str | None = None
    archived: bool = False

    @property
    def session(self) -> str:
        """Return the ULID of the session that follows."""
        return self.into.ulid

    @property
    def invocation(self) -> str:
        """Return the ULID of the invocation that follows."""
        return self.run.ulid

    @property
    def at(self) -> Moment:
        """Return when it was."""
        return self.mark.at

    def row(self, seq: int) -> Session:
        """Return the row of the session that follows: a child is cut at ``seq``, that of the mark."""
        return self.into if self.into.parent_ulid is None else replace(self.into, fork_seq=seq)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Raw bytes of the tool's output as one read returned them.

    ``start`` is the session's raw offset of the first byte; ``redactions`` lists what was replaced
    in ``data`` as ``(raw offset, length now stored, what)``.
    """

    session: str
    invocation: str
    start: int
    at: Moment
    data: bytes
    redactions: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """The raw bytes of one output event, still to be rendered into text by the lagging pass.

    ``data`` may be shorter than ``raw_end - raw_start``: full-screen frames are left out.
    ``fresh`` says that the text starts on a clean line. ``meta`` goes into the output's meta.
    ``answered``: an event follows that answers what the last row says, so that it is said now.
    """

    session: str
    invocation: str
    tool: str
    turn: int | None
    at: Moment
    data: bytes
    raw_start: int
    raw_end: int
    cols: int
    fresh: bool
    meta: Meta = field(default_factory=dict)
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt, what came back, how it ended. Derived from events by ``turns.fold``.

    ``raw_start``/``raw_end`` bound the turn's output in the session's raw stream (bytes).
    """

    session: str
    turn: int
    command: str
    prompt_text: str | None
    started_ms: int
    raw_start: int
    raw_end: int
    end: End = End.RUNNING
    exit_status: int | None = None
    duration_ms: int | None = None
    cwd: str | None = None
    shell: str | None = None
    parent_turn: int | None = None
    truncated: bool = False
    troubled: bool = False  # it has a warn or an alert
    erased: bool = False  # its texts and bytes are gone for good


@dataclass(frozen=True, slots=True)
class Activity:
    """What a session is doing, as its recorder last wrote it."""

    state: State
    turn: int | None
    since_ms: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A session as a list shows it: the row, its newest invocation, labels and counts."""

    session: Session
    invocation: Invocation | None
    labels: tuple[str, ...]
    activity: Activity | None
    n_events: int
    n_turns: int
    last_event_ms: int | None
    trouble: Status | None = None  # MISSING or DAMAGED: what is in its directory cannot be read


@dataclass(frozen=True, slots=True)
class Near:
    """Where and since when sessions are looked for: a directory or its git root, a wall time."""

    cwd: str
    git_root: str | None
    since_ms: int

    def fits(self, summary: Summary) -> bool:
        """Say whether a session was begun there, and something has happened in it then or later."""
        session = summary.session
        if session.cwd != self.cwd and (self.git_root is None or session.git_root != self.git_root):
            return False
        return max(summary.last_event_ms or 0, session.created_ms) >= self.since_ms


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of ``doctor``; ``fix`` is what to do about a fault."""

    name: str
    ok: bool
    detail: str
    fix: str | None = None
