"""Line mode: how long a key and an Enter take where the recorder edits the line; beside rlwrap.

The tool reads lines in canonical mode, as ``cat`` does, and answers each in lower case, so that its
answer cannot be taken for the echo of what was typed.
"""

from __future__ import annotations

import gc
import random
import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench import peers, stats
from bench.result import Column, Result, Row
from bench.terminal import Terminal

if TYPE_CHECKING:
    from bench.context import Context

LETTERS = "QXZVWJ"  # capitals that no status line shows and few escape sequences end in
WORD = 8
PAUSE_S = (0.01, 0.03)
SETTLED_S = 0.05  # silence after which a prompt is taken to be ready for the next line
ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
CTRL_D = b"\x04"

Times = dict[str, list[float]]


def measure(context: Context) -> list[Result]:
    """Type lines into the bare pty, rlwrap and ``rec``, in turns."""
    everybody = context.field.among(peers.BARE, peers.RLWRAP, peers.REC)
    dice = random.Random(context.plan.lines)
    times: dict[str, Times] = {peer.name: {"first": [], "next": [], "enter": []} for peer in everybody}
    with ExitStack() as stack:
        screens: dict[str, Terminal] = {}
        for peer in everybody:
            context.say(f"line mode: starting {peer.name}")
            into = stack.enter_context(context.directory())
            argv = peer.argv((*context.tool, "line"), into)
            terminal = stack.enter_context(Terminal(argv, context.field.env))
            terminal.wait_for(b"> ")
            terminal.quiet(0.5)
            screens[peer.name] = terminal
        context.say(f"line mode: {context.plan.lines} lines each")
        gc.disable()
        try:
            for _, peer in stats.in_turns(everybody, context.plan.lines):
                _line(screens[peer.name], dice, times[peer.name])
        finally:
            gc.enable()
        for terminal in screens.values():
            terminal.finish(CTRL_D)
    return [_result(times, context.plan.lines)]


def _line(terminal: Terminal, dice: random.Random, times: Times) -> None:
    """Type one line, key by key, each after the last is seen; then Enter, and wait for the answer."""
    word = "".join(dice.choices(LETTERS, k=WORD)).encode()
    for place in range(WORD):
        time.sleep(dice.uniform(*PAUSE_S))
        key = word[place : place + 1]
        times["next" if place else "first"].append(_until(terminal, key, key))
        terminal.quiet(0.002)
    times["enter"].append(_until(terminal, b"\r", b"=" + word.lower()))
    terminal.quiet(SETTLED_S)


def _until(terminal: Terminal, key: bytes, wanted: bytes) -> float:
    """Type ``key`` and wait until ``wanted`` is on the screen, colours aside; return milliseconds."""
    start = time.perf_counter()
    terminal.write(key)
    seen = b""
    while wanted not in ESCAPES.sub(b"", seen):
        data = terminal.read()
        if not data:
            raise EOFError(seen)
        seen += data
    return (time.perf_counter() - start) * 1000


def _result(times: dict[str, Times], lines: int) -> Result:
    """Make the table; line mode has no budget, rlwrap stands beside it."""
    rows = []
    for who, parts in times.items():
        rows.append(
            Row(
                who,
                {
                    "first_ms": stats.middle(parts["first"]),
                    "next_ms": stats.middle(parts["next"]),
                    "next_p99_ms": stats.percentile(parts["next"], 99),
                    "enter_ms": stats.middle(parts["enter"]),
                    "enter_p99_ms": stats.percentile(parts["enter"], 99),
                },
            )
        )
    return Result(
        "line",
        f"line mode, {lines} lines each",
        (
            Column("first_ms", "first key ms", 2),
            Column("next_ms", "next keys ms", 2),
            Column("next_p99_ms", "p99", 2),
            Column("enter_ms", "Enter→answer ms", 2),
            Column("enter_p99_ms", "p99", 2),
        ),
        tuple(rows),
        raw={f"{who}: {part}": values for who, parts in times.items() for part, values in parts.items()},
    )
