"""Records for tests of the store and what stands on it: sessions, drafts, chunks, made in one call."""

from __future__ import annotations

import os
import time

from recorder.model import Chunk, Draft, Invocation, Kind, Moment, Owner, Session, Size, Span

T0 = 1_763_650_000_000  # 2025-11-20
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(number: int, *, at_ms: int = T0) -> str:
    """A valid ULID that sorts by time, then by number."""
    value = (at_ms << 80) | number
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def session(number: int = 1, **more) -> Session:
    facts = {
        "tool": "sqlite3",
        "argv": ("sqlite3", "shop.db"),
        "argv_masked": False,
        "cwd": "/work",
        "git_root": None,
        "user": "ann",
        "tty": "/dev/pts/3",
        "term": "xterm",
        "size": Size(80, 24),
        "created_ms": T0,
    }
    return Session(ulid=ulid(number), **(facts | more))


def invocation(owner: Session, number: int = 1000, /, **more) -> Invocation:
    facts = {
        "started_ms": owner.created_ms,
        "owner": Owner(os.getpid(), 1, "boot"),
        "version": "0.1.0",
        "host": "here",
    }
    return Invocation(ulid=ulid(number), session=owner.ulid, **(facts | more))


def moment(offset_ms: int = 0) -> Moment:
    return Moment(T0 + offset_ms, offset_ms)


def draft(owner: Session | str, kind: Kind, text: str = "", *, at: int = 0, turn=None, **more) -> Draft:
    name = owner if isinstance(owner, str) else owner.ulid
    return Draft(session=name, kind=kind, at=moment(at), text=text, turn=turn, **more)


def prompt(owner: Session, turn: int, text: str, raw: int = 0, *, at: int = 0, **more) -> Draft:
    meta = {"prompt_text": "sqlite> ", "source": "line", "raw": raw}
    return draft(owner, Kind.PROMPT, text, at=at, turn=turn, meta=meta, **more)


def output(
    owner: Session, turn: int | None, text: str, raw: tuple[int, int], *, at: int = 0, **more
) -> Draft:
    return draft(owner, Kind.OUTPUT, text, at=at, turn=turn, meta={"raw": list(raw), **more})


def ended(owner: Session, turn: int, text: str, raw: tuple[int, int], *, at: int = 0, status=None) -> Draft:
    return output(owner, turn, text, raw, at=at, end="done", status=status, duration_ms=5)


def chunk(run: Invocation, start: int, data: bytes, *, at: int = 0, redactions=()) -> Chunk:
    return Chunk(run.session, run.ulid, start, moment(at), data, tuple(redactions))


def chunks(run: Invocation, data: bytes, sizes, *, start: int = 0, step: int = 7) -> list[Chunk]:
    """Cut data into chunks of the given sizes (the last takes the rest), each ``step`` ms later."""
    made, at, offset = [], 0, 0
    for size in (*sizes, len(data)):
        part = data[at : at + size]
        if part:
            made.append(chunk(run, start + at, part, at=offset))
        at += len(part)
        offset += step
    return made


def span(run: Invocation, turn: int | None, data: bytes, start: int, *, at: int = 0, **more) -> Span:
    facts = {"tool": "sqlite3", "raw_end": start + len(data), "cols": 80, "fresh": True, "meta": {}}
    return Span(
        session=run.session,
        invocation=run.ulid,
        turn=turn,
        at=moment(at),
        data=data,
        raw_start=start,
        **(facts | more),
    )


def flat(read) -> list[tuple[int, int, int, str]]:
    """Every byte of some chunks as (raw offset, byte, wall ms, invocation): equal however it was cut."""
    return [
        (each.start + i, byte, each.at.wall_ms, each.invocation)
        for each in read
        for i, byte in enumerate(each.data)
    ]


def joined(read) -> bytes:
    """The bytes of some chunks, which must follow each other without a hole."""
    whole = bytearray()
    first = None
    for each in read:
        first = each.start if first is None else first
        assert each.start == first + len(whole)
        whole += each.data
    return bytes(whole)


def until(ready, *, deadline_s: float = 30):
    """Poll until ``ready()`` is true and return it; fail at the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        found = ready()
        if found:
            return found
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.005)
