"""Complete: what a shell's Tab waits for, as a whole process over a store with ten thousand sessions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench import lists, many, peers, stats
from bench.peers import rec_command, rec_root
from bench.result import Check, Column, Result, Row

if TYPE_CHECKING:
    from bench.context import Context

LIMIT_MS = 60.0
SOURCE = "below what a person who pressed Tab notices, the shell's own work included"


def measure(context: Context) -> list[Result]:
    """Ask for labels, sessions and turns as completions/ do."""
    if not context.field.has(peers.REC):
        return []
    store = many.sessions(context)
    ask, root = [*rec_command(), "--complete"], str(rec_root(store.into))
    commands = {
        lists.FLOOR: [sys.executable, "-c", "pass"],
        "labels": [*ask, "labels", "la", root],
        "sessions": [*ask, "sessions", "", root],
        "sessions by prefix": [*ask, "sessions", store.ulid[:4], root],
        "turns": [*ask, "turns", f"{store.ulid}:", root],
    }
    times, printed = lists.timed(context, commands)
    empty = [name for name in commands if name != lists.FLOOR and not printed[name]]
    if empty:
        raise RuntimeError(f"nothing was offered: {', '.join(empty)}")
    rows = tuple(
        Row(name, {"ms": stats.middle(values), "worst_ms": max(values), "printed": printed[name]})
        for name, values in times.items()
    )
    return [
        Result(
            "complete",
            f"Tab: whole process, {context.plan.sessions} sessions, {context.plan.list_runs} runs",
            (
                Column("ms", "median ms"),
                Column("worst_ms", "slowest ms"),
                Column("printed", "printed bytes", 0),
            ),
            rows,
            tuple(
                Check(f"Tab for {row.who}", row.figures["ms"], LIMIT_MS, "ms", SOURCE, 0) for row in rows[1:]
            ),
            raw=times,
        )
    ]
