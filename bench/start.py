"""Start: from starting the recorder to the first byte of the tool on the screen, and to the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench import peers, stats
from bench.result import Check, Column, Result, Row
from bench.terminal import Terminal

if TYPE_CHECKING:
    from bench.context import Context

LIMIT_MS, AIM_MS = 80.0, 40.0
SOURCE = "asciinema 2 (Python): 109–166 ms; the aim is 40 ms"
WORD = "#first#"  # nothing a recorder would say by itself


def measure(context: Context) -> list[Result]:
    """Start printf under everybody, in turns, after one unmeasured run each."""
    everybody = context.field.among(
        peers.BARE, peers.SCRIPT, peers.ASCIINEMA, peers.TTYREC, peers.RLWRAP, peers.REC
    )
    first: dict[str, list[float]] = {peer.name: [] for peer in everybody}
    whole: dict[str, list[float]] = {peer.name: [] for peer in everybody}
    with context.directory() as into:  # one store for all runs: creating it is not every start's work
        for number, peer in stats.in_turns(everybody, context.plan.starts + 1):
            context.say(f"start: {peer.name}, run {number}")
            with Terminal(peer.argv(("/usr/bin/printf", WORD), into), context.field.env) as terminal:
                terminal.wait_for(WORD.encode())
                shown = time.perf_counter()
                terminal.drain()
                terminal.wait()
                ended = time.perf_counter()
            if number:
                first[peer.name].append((shown - terminal.started) * 1000)
                whole[peer.name].append((ended - terminal.started) * 1000)
    return [_result(first, whole, context.plan.starts)]


def _result(first: dict[str, list[float]], whole: dict[str, list[float]], starts: int) -> Result:
    rows = tuple(
        Row(
            who,
            {
                "first_ms": stats.middle(values),
                "first_p99_ms": max(values),
                "whole_ms": stats.middle(whole[who]),
            },
        )
        for who, values in first.items()
    )
    ours = next((row.figures for row in rows if row.who == peers.REC), None)
    checks = () if ours is None else (Check("first byte", ours["first_ms"], LIMIT_MS, "ms", SOURCE, 1),)
    return Result(
        "start",
        f"start to first byte of the tool, {starts} runs",
        (
            Column("first_ms", "first byte ms"),
            Column("first_p99_ms", "slowest ms"),
            Column("whole_ms", "to the end ms"),
        ),
        rows,
        checks,
        raw=first,
    )
