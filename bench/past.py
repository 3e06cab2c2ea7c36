"""One session of a store's past, as its recording left it: rows, events, raw bytes; no store, no clock.

Everything is drawn from the session's number, so that the same store comes about at every run. The words
are few where people repeat themselves (commands, listings) and many where they do not (names, hosts).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recorder.model import Chunk, Draft, Invocation, Meta, Owner, Session

MINUTE_MS = 60_000
TURN_MS = 1000
FAILS = 20  # one turn of so many
TOOLS = ("bash", "psql", "python3", "sqlite3", "gdb")
PROMPTS = {"bash": "$ ", "psql": "shop=> ", "python3": ">>> ", "sqlite3": "sqlite> ", "gdb": "(gdb) "}
COMMANDS = {
    "bash": ("ls -l {0}", "grep -rn {1} {0}", "git log --oneline {0}", "systemctl status {1}", "cd {0}"),
    "psql": ("select * from {0} where {1} > {2};", "\\d {0}", "explain update {0} set {1} = {2};"),
    "python3": ("{0} = {2}", "print({0}.{1})", "import {1}", "[{1} for {1} in {0}][:{2}]"),
    "sqlite3": ("select count(*) from {0};", ".schema {0}", "delete from {0} where {1} = {2};"),
    "gdb": ("print {0}->{1}", "break {0}.c:{2}", "info locals", "backtrace {2}"),
}
SYLLABLES = ("ba", "con", "der", "fi", "gra", "hul", "in", "ka", "lo", "men", "no", "pri", "ser", "tor", "us")
NAMES = ["".join(some) for length in (2, 3) for some in product(SYLLABLES, repeat=length)]
COLS, ROWS = 80, 24


@dataclass
class Past:
    """A session and what happened in it, in the order of its recording; ``length`` counts its raw bytes."""

    session: Session
    invocation: Invocation
    drafts: list[Draft] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    length: int = 0


def session(
    number: int, started_ms: int, owner: Owner, parent: Session | None, turns: range, rows: int = 6
) -> Past:
    """Return a session with these turns; one that has a parent was forked off its turn before them.

    A turn prints at most ``rows`` rows.
    """
    from ulid import ULID

    from recorder.model import Invocation, Session, Size

    dice = random.Random(number)
    tool = TOOLS[number % len(TOOLS)] if parent is None else parent.tool
    ulid, run = (str(ULID.from_bytes(started_ms.to_bytes(6) + dice.randbytes(10))) for _ in range(2))
    row = Session(
        ulid=ulid,
        tool=tool,
        argv=(tool, "-q", dice.choice(NAMES)),
        argv_masked=False,
        cwd=f"/home/someone/project-{number % 37}",
        git_root=f"/home/someone/project-{number % 37}" if number % 2 else None,
        user="someone",
        tty=f"/dev/pts/{number % 9}",
        term="xterm-256color",
        size=Size(COLS, ROWS),
        created_ms=started_ms,
        parent_ulid=None if parent is None else parent.ulid,
        fork_turn=None if parent is None else turns.start - 1,
        fork_seq=None if parent is None else 2 * (turns.start - 1),
    )
    host = f"host-{number % 5}"
    past = Past(row, Invocation(run, ulid, started_ms, owner, "0", host, f"{tool} on {host}"))
    for turn in turns:
        _turn(past, turn, dice, rows)
    return past


def ended(past: Past, at_ms: int) -> Draft:
    """Return the last event of a session whose tool ended."""
    from recorder.model import Draft, Kind, Moment

    at = Moment(at_ms, at_ms - past.invocation.started_ms)
    meta: Meta = {"exit_status": 0, "signal": None}
    return Draft(past.session.ulid, Kind.SYSTEM, at, "exited with status 0", None, past.invocation.ulid, meta)


def _turn(past: Past, turn: int, dice: random.Random, rows: int) -> None:
    """Put a prompt and its output at the end of a session: what was shown, and the bytes it came from."""
    from recorder.model import Chunk, Draft, Kind, Moment

    ulid, run = past.session.ulid, past.invocation.ulid
    prompt = PROMPTS[past.session.tool]
    command = dice.choice(COMMANDS[past.session.tool]).format(
        *dice.choices(NAMES, k=2), dice.randrange(10_000)
    )
    named = dice.choices(NAMES, k=dice.randrange(1, rows + 1))
    said = "".join(f"{name:<12} {dice.getrandbits(20):>8} row {row}\n" for row, name in enumerate(named))
    shown = f"\x1b[?2004h{prompt}{command}\r\n\x1b[?2004l".encode()
    data = said.replace("\n", "\r\n").encode()
    at = Moment(past.session.created_ms + turn * TURN_MS, turn * TURN_MS)
    begin = past.length + len(shown)
    past.length = begin + len(data)
    status = 1 if not dice.randrange(FAILS) else 0
    past.chunks += [
        Chunk(ulid, run, begin - len(shown), at, shown),
        Chunk(ulid, run, begin, Moment(at.wall_ms + 7, at.offset_ms + 7), data),
    ]
    asked: Meta = {"prompt_text": prompt, "source": "hook", "raw": begin, "cwd": past.session.cwd}
    answered: Meta = {"raw": [begin, past.length], "end": "done", "status": status, "duration_ms": 7}
    past.drafts += [
        Draft(ulid, Kind.PROMPT, at, command, turn, run, asked),
        Draft(ulid, Kind.OUTPUT, Moment(at.wall_ms + 7, at.offset_ms + 7), said, turn, run, answered),
    ]
