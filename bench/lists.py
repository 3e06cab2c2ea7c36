"""Lists: whole-process time of the reading commands over ten thousand sessions with a million events."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from bench import many, peers, stats
from bench.peers import ROOT, rec_command, rec_root
from bench.result import Check, Column, Result, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.context import Context
    from bench.plan import Plan

LIMIT_MS = 200.0
SOURCE = "a first page at which nobody has to wait, as a whole process"
PAGE = "50"
PREFIX = 12  # characters
FLOOR = "python3 -c pass"
WHOLE = ("rec ls", "rec ls --json")  # they print all there is, which has no budget


def measure(context: Context) -> list[Result]:
    """Time each command in turns."""
    if not context.field.has(peers.REC):
        return []
    store = many.sessions(context)
    rec = [*rec_command(), "--root", str(rec_root(store.into))]
    commands = {
        FLOOR: [sys.executable, "-c", "pass"],
        "rec --version": [*rec, "--version"],
        f"rec ls -n {PAGE}": [*rec, "ls", "-n", PAGE],
        "rec ls --running": [*rec, "ls", "--running"],
        "rec ls --stuck 10m": [*rec, "ls", "--stuck", "10m"],
        f"rec ls --tool gdb -n {PAGE}": [*rec, "ls", "--tool", "gdb", "-n", PAGE],
        "rec events LABEL -n 1": [*rec, "events", store.label, "-n", "1"],
        "rec events PREFIX -n 1": [*rec, "events", store.ulid[:PREFIX], "-n", "1"],
        f"rec log -n {PAGE}": [*rec, "log", "-n", PAGE],
        "rec log SESSION": [*rec, "log", store.ulid],
        "rec replay SESSION": [*rec, "replay", store.ulid],
        "rec labels": [*rec, "labels"],
        "rec tree SESSION": [*rec, "tree", store.ulid],
        **{name: [*rec, *name.split()[1:]] for name in WHOLE},
    }
    times, printed = timed(context, commands)
    return [_result(times, printed, context.plan)]


def timed(
    context: Context, commands: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Run each command in turns; return by its name the times in ms, and how many bytes it printed.

    The first run of each is not measured. Raises RuntimeError for a command that fails.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    printed: dict[str, int] = {}
    for number, name in stats.in_turns(list(commands), context.plan.list_runs + 1):
        context.say(f"{name}, run {number}")
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
    return times, printed


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
        if row.who not in {FLOOR, *WHOLE}
    )
    return Result(
        "lists",
        f"whole process, {plan.sessions} sessions of {plan.session_turns} turns, {plan.list_runs} runs",
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
