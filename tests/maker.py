"""Stores with sessions in them, made through the store protocol as a recorder would."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from recorder import identity
from recorder.model import (
    Activity,
    Chunk,
    Draft,
    EndReason,
    Invocation,
    Kind,
    Moment,
    Owner,
    Session,
    Size,
    State,
)
from recorder.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GONE = Owner(pid=2**22 + 1, start_time=1, boot_id="an earlier boot")


def now_ms():
    return time.time_ns() // 1_000_000


def ulid(number, at_ms=1_750_000_000_000):
    """A ULID of a given instant; `number` orders those of one instant."""
    value, text = at_ms << 80 | number << 40, ""
    for _ in range(26):
        text = ALPHABET[value & 31] + text
        value >>= 5
    return text


def store_at(root: Path) -> SqliteStore:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteStore(root / "rec.db")


class Maker:
    """One session, written step by step; `turn` is a whole turn: prompt, output, end."""

    def __init__(self, store, number=1, *, tool="sqlite3", owner=None, at_ms=None, run=None, **facts):
        self.store = store
        self.at_ms = at_ms if at_ms is not None else now_ms() - 3_600_000
        self.ulid = ulid(number, self.at_ms)
        self.invocation = "7" + self.ulid[1:]
        self.raw = self.turns = 0
        self.began_ms = self.at_ms
        values = {
            "argv": (tool, "shop.db"),
            "cwd": "/srv/work",
            "git_root": None,
            "parent_ulid": None,
            "fork_turn": None,
            "fork_seq": None,
            **facts,
        }
        self.turns = values["fork_turn"] or 0
        session = Session(
            ulid=self.ulid,
            tool=tool,
            argv_masked=False,
            user="ada",
            tty=None,
            term="xterm",
            size=Size(80, 24),
            created_ms=self.at_ms,
            **values,
        )
        invocation = Invocation(
            ulid=self.invocation,
            session=self.ulid,
            started_ms=self.at_ms,
            owner=owner or identity.owner(),
            version="0.1.0",
            host="engine",
            **(run or {}),
        )
        store.begin(session, invocation)

    def moment(self):
        self.at_ms += 1000
        return self.now()

    def now(self):
        return Moment(self.at_ms, self.at_ms - self.began_ms)

    def draft(self, kind, text, turn=None, **meta):
        return Draft(self.ulid, Kind(kind), self.moment(), text, turn, self.invocation, meta)

    def event(self, kind, text, turn=None, activity=None, **meta):
        draft = self.draft(kind, text, turn, **meta)
        where = (self.ulid, activity) if activity is not None else None
        return self.store.append([draft], activity=where)[0]

    def prompt(self, command, prompt_text="sqlite> ", **meta):
        """Submit something; the turn stays open."""
        self.turns += 1
        activity = Activity(State.RUNNING, self.turns, self.at_ms + 1000)
        facts = {"prompt_text": prompt_text, "source": "line", "raw": self.raw, **meta}
        self.event("prompt", command, self.turns, activity, **facts)
        return self.turns

    def printed(self, text, raw_b=None, **meta):
        """Output of the open turn."""
        data = raw_b if raw_b is not None else text.replace("\n", "\r\n").encode()
        chunk = Chunk(self.ulid, self.invocation, self.raw, self.now(), data)
        start, self.raw = self.raw, self.raw + len(data)
        self.store.append([], [chunk] if data else [])
        return self.event("output", text, self.turns, None, raw=[start, self.raw], **meta)

    def shown(self, data, after_ms=0):
        """Bytes of no event: a prompt, an echo."""
        self.at_ms += after_ms
        self.store.append([], [Chunk(self.ulid, self.invocation, self.raw, self.now(), data)])
        self.raw += len(data)

    def done(self, status=0, end="done"):
        """End the open turn."""
        where = [self.raw, self.raw]
        state, turn = (State.ERROR, self.turns) if status else (State.IDLE, None)
        idle = Activity(state, turn, self.at_ms + 1000)
        return self.event("output", "", self.turns, idle, raw=where, end=end, status=status, duration_ms=1234)

    def turn(self, command, text="", *, status=0, **meta):
        """A whole turn."""
        number = self.prompt(command, **meta)
        if text:
            self.printed(text)
        self.done(status)
        return number

    def end(self, status=0):
        self.store.end_invocation(self.invocation, self.moment().wall_ms, status, EndReason.EXIT)
        return self
