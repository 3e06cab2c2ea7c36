"""Recordings of other programs, and our own exports, become sessions: each file whole or not at all.

Service: takes its store as an argument, reads the files, prints nothing. What a file says is not run
because somebody types `rec resume`: an imported session keeps no command line.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from recorder import ids
from recorder.formats import castread, guess, notes, ttyrec, typescript
from recorder.formats.fill import Fill
from recorder.formats.intake import Intake
from recorder.formats.records import Damage, Frame, Unreadable, Wrong, cause
from recorder.formats.restore import Restore
from recorder.importsink import Imported, Sink, refused
from recorder.model import Draft, EndReason, Invocation, Session
from recorder.spans import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from recorder.basics import Owner
    from recorder.errors import Refused
    from recorder.formats.records import Heading
    from recorder.store import Store

    Told = Callable[[int, int], None]  # how much is done, of how much

PIECE = 1 << 20  # bytes of one read
LONGEST = 4096  # characters of a fact
TOOL = "import"  # where a file does not say what was recorded
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}").fullmatch


@dataclass(frozen=True, slots=True)
class Job:
    """One recording: its file, and of a typescript that of its timing."""

    path: str
    form: str
    timing: str | None = None


# --- which files -----------------------------------------------------------------------------------


def jobs(paths: Sequence[str]) -> list[Job]:
    """Return what is to be imported; raise Refused for a file that nobody knows.

    A timing file belongs to the typescript that is named just before it, else to the one behind it.
    """
    forms = [_form(path) for path in paths]
    found: list[Job] = []
    at = 0
    while at < len(paths):
        pair = forms[at : at + 2]
        if pair in ([None, guess.TIMING], [guess.TIMING, None]):
            data, timing = (at, at + 1) if pair[0] is None else (at + 1, at)
            found.append(Job(paths[data], "typescript", paths[timing]))
            at += 2
            continue
        form = forms[at]
        if form is None or form in {guess.TIMING, guess.PACKED}:
            raise _unknown(paths[at], form)
        found.append(Job(paths[at], form))
        at += 1
    return found


def _unknown(path: str, form: str | None) -> Refused:
    if form == guess.PACKED:
        return refused(path, "it is compressed", "unpack it first")
    if form == guess.TIMING:
        return refused(path, "it is the timing of a typescript", f"name both: `rec import TYPESCRIPT {path}`")
    return refused(
        path,
        "it is no recording that rec knows",
        "it takes asciicast (1, 2, 3), ttyrec, and a typescript together with its timing file",
    )


def _form(path: str) -> str | None:
    with _open(path) as file:
        return guess.guess(b"".join(_pieces(path, file, guess.ENOUGH))[: guess.ENOUGH])


def _open(path: str) -> BinaryIO:
    """Open a file that must be a regular one; raise Refused."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a fifo would keep us waiting
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise refused(path, _why(error)) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise refused(path, "it is no regular file")
    return os.fdopen(fd, "rb")


def _pieces(path: str, file: BinaryIO, most: int | None = None, told: Told | None = None) -> Iterator[bytes]:
    """Yield a file's bytes, no more than about ``most``; raise Refused."""
    total, done = os.fstat(file.fileno()).st_size, 0
    while most is None or done < most:
        try:
            data = file.read(PIECE if most is None else min(PIECE, most - done))
        except OSError as error:
            raise refused(path, _why(error)) from error
        if not data:
            return
        yield data
        done += len(data)
        if told is not None:
            told(done, total)


def _why(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) else None
    return (words or str(error)).lower()


# --- one of them -----------------------------------------------------------------------------------


def load(
    store: Store, job: Job, owner: Owner, rules: Sequence[Any] = (), told: Told | None = None
) -> Imported:
    """Import one recording; raise Refused or a StoreError, and then nothing of it is there.

    ``owner`` is this process; ``rules`` find trouble in what a foreign recording shows.
    """
    with contextlib.ExitStack() as stack:
        heading, items, modified_ms = _read(job, stack, told)
        if heading.started_ms is None:
            heading = replace(heading, started_ms=max(0, modified_ms - _length(job)))
        return _load(store, job, owner, rules, heading, items)


def _read(
    job: Job, stack: contextlib.ExitStack, told: Told | None = None
) -> tuple[Heading, Iterator[castread.Item], int]:
    """Open what a recording is made of; return its heading, what happened, and when it was written (ms)."""
    file = stack.enter_context(_open(job.path))
    modified_ms = os.fstat(file.fileno()).st_mtime_ns // 1_000_000
    pieces = _pieces(job.path, file, told=told)
    items: Iterator[castread.Item]
    try:
        if job.timing is not None:
            timing = stack.enter_context(_open(job.timing))
            heading, items = typescript.read(_pieces(job.timing, timing), pieces)
        elif job.form == guess.TTYREC:
            heading, items = ttyrec.read(pieces)
        else:
            heading, items = castread.read(pieces)
    except Unreadable as error:
        raise refused(job.path, str(error)) from error
    return heading, items, modified_ms


def _length(job: Job) -> int:
    """Return how long a recording is (ms): a file was written last when that time was over."""
    with contextlib.ExitStack() as stack:
        _heading, items, _modified_ms = _read(job, stack)
        return max((item.ms for item in items if isinstance(item, Frame)), default=0)


def _load(
    store: Store,
    job: Job,
    owner: Owner,
    rules: Sequence[Any],
    heading: Heading,
    items: Iterator[castread.Item],
) -> Imported:
    first = next(items, None)
    known, row, why = _begun(job, heading, first)
    if known is not None and store.summary(row.ulid) is not None:
        advice = f"`rec rm {row.ulid}` deletes that one; `rec export` in version 2 makes a copy"
        raise refused(job.path, f"session {row.ulid} is there already", advice)
    sink = Sink(store, row, owner, job.path)
    with sink:
        if why is not None:
            sink.done.warn(why)
        everything = itertools.chain([] if first is None else [first], items)
        if known is not None:
            _restore(sink, everything, keep=known.get("part") is None)
        else:
            _take_in(sink, everything, heading, rules)
        return sink.finish(heading)


def _begun(
    job: Job, heading: Heading, first: castread.Item | None
) -> tuple[dict[str, Any] | None, Session, str | None]:
    """Return what our own comments say of the session, its row, and what was wrong with the first one.

    The file becomes a session of its own where the first comment is damaged, for nobody knows which one it
    was; and a foreign recording where no event is left.
    """
    why: str | None = None
    known: dict[str, Any] | None = None
    if isinstance(first, castread.Note):
        try:
            said = _known(first)
            return said, _row(heading, said, heading.started_ms or 0), None
        except (ValueError, TypeError) as error:
            why = f"line {first.line}: the comment about the session is damaged: {cause(error)}"[:200]
    if job.form == guess.CAST and isinstance(first, castread.Note | Damage) and _has_events(job):
        known = {"part": "damaged"}
    return known, _row(heading, known, heading.started_ms or 0), why


def _known(first: castread.Note) -> dict[str, Any]:
    """Return what our own comment says of the session; raise Wrong for what is no such comment."""
    if first.key != "session":
        raise Wrong("it is missing")
    if not isinstance(first.value, dict):
        raise Wrong("it is no object")
    return first.value


def _has_events(job: Job) -> bool:
    """Say whether a file has events in comments of ours that can be read."""
    with _open(job.path) as file:
        _heading, items = castread.read(_pieces(job.path, file))
        return any(isinstance(item, castread.Note) and item.key == "event" for item in items)


def _row(heading: Heading, known: dict[str, Any] | None, started_ms: int) -> Session:
    """Return the session that a file is to become; raise Wrong for facts that cannot be.

    ``known`` is what our own comment says. Only a whole session is the same one again; a part becomes one
    of its own.
    """
    words = _split(heading.command or "")
    facts: dict[str, Any] = {"tool": words[0] if words else TOOL, "created_ms": started_ms}
    facts |= known or {}
    created_ms = notes.number(facts["created_ms"])
    ulid = facts.get("ulid") if facts.get("part") is None else None
    if ulid is not None and not _ULID(notes.string(ulid)):
        raise Wrong("its ULID is none")

    def text(name: str) -> str | None:
        value = facts.get(name)
        return None if value is None else notes.string(value)[:LONGEST]

    return Session(
        ulid=ulid or ids.ulid(created_ms),
        tool=os.path.basename(text("tool") or "") or TOOL,
        argv=(),
        argv_masked=False,
        cwd=text("cwd") or "",
        git_root=text("git_root"),
        user=text("user") or "",
        tty=text("tty"),
        term=heading.term,
        size=heading.size,
        created_ms=created_ms,
    )


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _restore(sink: Sink, items: Iterator[castread.Item], *, keep: bool) -> None:
    """Write a session that `rec` exported; ``keep`` keeps the ULIDs of its runs, too."""

    def name(ulid: str, started_ms: int) -> str:
        return ulid if keep and _ULID(ulid) else ids.ulid(started_ms)

    row = sink.row
    restore = Restore(row.ulid, sink.owner, name, row.created_ms)
    fill = Fill(row.ulid, row.tool, row.size.cols)
    for item in items:
        for part in restore.take(item):
            if isinstance(part, Invocation):
                sink.begin(part)
            elif isinstance(part, Damage):
                sink.done.warn(part.why)
                if part.key in {"event", "", None}:  # it is an event's, or may have been
                    fill.lost(restore.place)
            elif isinstance(part, Draft):
                for draft in fill.before(part):
                    sink.add(draft)
                sink.add(part)
            else:
                fill.take(part)
                sink.add(part)
    for draft in fill.close():
        sink.add(draft)
    for why in fill.told:
        sink.done.warn(why)
    if not restore.whole:
        sink.done.warn("it ends before the recording does")
    sink.ends = {run.ulid: restore.ended(run) for run in restore.runs}


def _take_in(sink: Sink, items: Iterator[castread.Item], heading: Heading, rules: Sequence[Any]) -> None:
    """Write a recording of another program."""
    row = sink.row
    run = sink.unknown_run()
    sink.begin(run)
    source = Source(row.ulid, run.ulid, row.tool)
    intake = Intake(source, heading, row.created_ms, rules)
    for item in items:
        if isinstance(item, Frame):
            for part in intake.take(item):
                sink.add(part)
        elif isinstance(item, Damage):
            sink.done.warn(item.why)
    for part in intake.close():
        sink.add(part)
    sink.ends = {run.ulid: (row.created_ms + intake.last_ms, intake.status, EndReason.EXIT)}
