"""Lists: whole-process time of the reading commands over a store with ten thousand sessions."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from bench import peers, recorded, stats
from bench.peers import ROOT, rec_command, rec_root
from bench.result import Check, Column, Result, Row
from bench.terminal import COLS, ROWS, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from bench.context import Context
    from bench.plan import Plan
    from recorder.model import Draft, Invocation, Session

LIMIT_MS = 200.0
SOURCE = "a first page at which nobody has to wait, as a whole process"
PAGE = "40"
TURNS = 4
MINUTE_MS = 60_000
TOOLS = ("bash", "psql", "python3", "sqlite3", "gdb")
FLOOR = "python3 -c pass"


def measure(context: Context) -> list[Result]:
    """Fill a store through its own interface; time each command in turns."""
    if not context.field.has(peers.REC):
        return []
    with context.directory() as into:
        context.say(f"lists: writing {context.plan.sessions} sessions")
        ulid = _fill(context, into)
        rec = [*rec_command(), "--root", str(rec_root(into))]
        commands = {
            FLOOR: [sys.executable, "-c", "pass"],
            "rec --version": [*rec, "--version"],
            f"rec ls -n {PAGE}": [*rec, "ls", "-n", PAGE],
            "rec ls": [*rec, "ls"],
            "rec ls --json": [*rec, "ls", "--json"],
            f"rec log -n {PAGE}": [*rec, "log", "-n", PAGE],
            "rec log SESSION": [*rec, "log", ulid],
            "rec replay SESSION": [*rec, "replay", ulid],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        printed: dict[str, int] = {}
        for number, name in stats.in_turns(list(commands), context.plan.list_runs + 1):
            context.say(f"lists: {name}, run {number}")
            start = time.perf_counter()
            done = subprocess.run(
                commands[name], env=context.field.env, cwd=ROOT, capture_output=True, check=False
            )
            took = (time.perf_counter() - start) * 1000
            if done.returncode:
                raise RuntimeError(f"{name}: status {done.returncode}: {done.stderr.decode()[-500:]}")
            if number:
                times[name].append(took)
            printed[name] = len(done.stdout)
    return [_result(times, printed, context.plan)]


def _fill(context: Context, into: Path) -> str:
    """Write the sessions into the store that ``rec`` itself made; return the ULID of the newest."""
    from recorder.model import EndReason
    from recorder.stores.sqlite import SqliteStore

    (rec,) = context.field.among(peers.REC)
    with Terminal(rec.argv(("/usr/bin/true",), into), context.field.env) as terminal:
        terminal.drain()
        terminal.wait()
    now_ms = time.time_ns() // 1_000_000
    newest = ""
    with closing(SqliteStore(recorded.database(into))) as store:
        for number in range(context.plan.sessions):
            started_ms = now_ms - (context.plan.sessions - number) * MINUTE_MS
            session, invocation, drafts = _session(number, started_ms)
            store.begin(session, invocation)
            store.append(drafts)
            store.end_invocation(invocation.ulid, started_ms + MINUTE_MS, 0, EndReason.EXIT)
            newest = session.ulid
    return newest


def _session(number: int, started_ms: int) -> tuple[Session, Invocation, list[Draft]]:
    """Return a session of a few turns, as a recorder would have written it."""
    from ulid import ULID

    from recorder.model import Draft, Invocation, Kind, Moment, Owner, Session, Size

    tool = TOOLS[number % len(TOOLS)]
    ulid = str(ULID.from_timestamp(started_ms / 1000))
    session = Session(
        ulid=ulid,
        tool=tool,
        argv=(tool, "-q"),
        argv_masked=False,
        cwd=f"/home/someone/project-{number % 37}",
        git_root=None,
        user="someone",
        tty="/dev/pts/7",
        term="xterm-256color",
        size=Size(COLS, ROWS),
        created_ms=started_ms,
    )
    invocation = Invocation(
        ulid=str(ULID.from_timestamp(started_ms / 1000)),
        session=ulid,
        started_ms=started_ms,
        owner=Owner(1, 1, "another-boot"),
        version="0",
        host="somewhere",
    )
    drafts = []
    for turn in range(1, TURNS + 1):
        at = Moment(started_ms + turn * 1000, turn * 1000)
        asked = Draft(ulid, Kind.PROMPT, at, f"select {turn} from items;", turn, invocation.ulid)
        asked.meta.update(prompt_text=f"{tool}> ", source="line", raw=turn * 100)
        said = Draft(ulid, Kind.OUTPUT, at, f" item {turn} of {number}\n" * 8, turn, invocation.ulid)
        said.meta.update(raw=[turn * 100, turn * 100 + 99], end="done", status=None, duration_ms=12)
        drafts += [asked, said]
    return session, invocation, drafts


def _result(times: dict[str, list[float]], printed: dict[str, int], plan: Plan) -> Result:
    """Make the table; the budget is for pages and single sessions, not for printing everything."""
    floor = stats.middle(times[FLOOR])
    rows = tuple(
        Row(
            name,
            {
                "ms": stats.middle(values),
                "worst_ms": max(values),
                "floor": stats.over(stats.middle(values), floor),
                "printed_kb": printed[name] / 1000,
            },
        )
        for name, values in times.items()
    )
    checks = tuple(
        Check(row.who, row.figures["ms"], LIMIT_MS, "ms", SOURCE, 0)
        for row in rows
        if row.who in {f"rec ls -n {PAGE}", "rec log SESSION", "rec replay SESSION"}
    )
    return Result(
        "lists",
        f"whole process, a store with {plan.sessions} sessions, {plan.list_runs} runs",
        (
            Column("ms", "median ms"),
            Column("worst_ms", "slowest ms"),
            Column("floor", "× python", 1),
            Column("printed_kb", "printed kB"),
        ),
        rows,
        checks,
        raw=times,
    )
