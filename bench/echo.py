"""Key echo: how long a key takes to come back through each recorder from a tool in raw mode.

All peers are alive at once and take turns key by key, so that the machine's noise hits all alike;
the pauses between keys are irregular, so that no recorder's timer can keep in step with them.
"""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bench import peers, stats
from bench.peers import rec_root
from bench.result import Check, Column, Result, Row
from bench.terminal import PATIENCE_S, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.context import Context
    from bench.peers import Peer

MEDIAN_MS, P99_MS = 0.15, 2.0
SOURCE = "asciinema 3 (Rust) over a bare pty: 0.13 ms median, 3.7 ms p99"
PAUSE_S = (0.002, 0.018)
CTRL_D = b"\x04"
TICK_MS = 100
COLUMNS = (
    Column("median_ms", "median ms", 3),
    Column("p99_ms", "p99 ms", 3),
    Column("max_ms", "max ms", 2),
    Column("added_median_ms", "added median", 3),
    Column("added_p99_ms", "added p99", 3),
)


def measure(context: Context) -> list[Result]:
    """Measure on a quiet machine with everybody, then under fifty recorders with ``rec`` and script."""
    everybody = context.field.among(
        peers.BARE, peers.SCRIPT, peers.ASCIINEMA, peers.TTYREC, peers.RLWRAP, peers.REC
    )
    quiet = _result("echo", "key echo, raw mode", _type(context, everybody, context.plan.keys))
    if not context.field.has(peers.REC):
        return [quiet]
    few = context.field.among(peers.BARE, peers.SCRIPT, peers.REC)
    with context.directory() as into, _load(context, into):
        busy = _type(context, few, context.plan.load_keys, into)
    count = context.plan.load_recorders
    return [quiet, _result("echo-load", f"key echo while {count} recorders write into the same store", busy)]


def _type(
    context: Context, everybody: Sequence[Peer], keys: int, store: Path | None = None
) -> dict[str, list[float]]:
    """Start the echoing tool under all, type into them in turns; return milliseconds per key."""
    times: dict[str, list[float]] = {peer.name: [] for peer in everybody}
    dice = random.Random(keys)
    with ExitStack() as stack:
        screens: dict[str, Terminal] = {}
        for peer in everybody:
            context.say(f"key echo: starting {peer.name}")
            into = store if store and peer.name == peers.REC else stack.enter_context(context.directory())
            argv = peer.argv((*context.tool, "echo"), into)
            screens[peer.name] = stack.enter_context(Terminal(argv, context.field.env))
            screens[peer.name].wait_for(b"READY")
        time.sleep(0.5)  # what a recorder does late at its start is no part of echo
        context.say(f"key echo: {keys} keys each")
        gc.disable()
        try:
            for number, peer in stats.in_turns(everybody, keys):
                time.sleep(dice.uniform(*PAUSE_S))
                times[peer.name].append(_key(screens[peer.name], b"%c" % (97 + number % 26)))
        finally:
            gc.enable()
        for terminal in screens.values():
            terminal.finish(CTRL_D)
    return times


def _key(terminal: Terminal, key: bytes) -> float:
    """Type one key, wait until it is on the screen; return milliseconds."""
    start = time.perf_counter()
    terminal.write(key)
    terminal.wait_for(key)
    return (time.perf_counter() - start) * 1000


def _result(name: str, title: str, times: dict[str, list[float]]) -> Result:
    """Make the table: each figure, and what it adds to the bare pty's."""
    bare = times[peers.BARE]
    rows = []
    for who, values in times.items():
        median, p99 = stats.middle(values), stats.percentile(values, 99)
        rows.append(
            Row(
                who,
                {
                    "median_ms": median,
                    "p99_ms": p99,
                    "max_ms": max(values),
                    "added_median_ms": stats.minus(median, stats.middle(bare)),
                    "added_p99_ms": stats.minus(p99, stats.percentile(bare, 99)),
                },
            )
        )
    ours = next((row.figures for row in rows if row.who == peers.REC), None)
    checks: tuple[Check, ...] = ()
    if ours is not None:
        checks = (
            Check(f"{title}: added, median", ours["added_median_ms"], MEDIAN_MS, "ms", SOURCE, 3),
            Check(f"{title}: added, p99", ours["added_p99_ms"], P99_MS, "ms", SOURCE, 3),
        )
    return Result(name, f"{title}, {len(bare)} keys each", COLUMNS, tuple(rows), checks, (), times)


@contextmanager
def _load(context: Context, into: Path) -> Iterator[None]:
    """Keep recorders writing into the store under ``into`` while the block runs."""
    count = context.plan.load_recorders
    context.say(f"key echo: starting {count} recorders")
    rec_root(into).mkdir(mode=0o700)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load", str(count), str(into), *context.tool, "tick", str(TICK_MS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=peers.ROOT,
        env=context.field.env,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the recorders of the load did not start")
        yield
    finally:
        process.stdin.close()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
