"""Memory: what the recorder's processes hold while a raw tool floods the screen; flat, or growing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import peers, stats
from bench.result import Check, Column, Result, Row
from bench.terminal import Terminal, TooSlow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.context import Context
    from bench.peers import Peer

LIMIT_MB = 40.0
GROWTH = 1.1
SOURCE = "asciinema 2 (Python): 24–52 MB"
FLAT = "flat: resident memory at the last byte / early, when every buffer has been full once"
MB = 1_000_000
WARM = 50 * MB  # buffers and caches have reached their size; before that growth is no leak
SETTLE_S = 1.0


class Use(NamedTuple):
    """Resident bytes of the recorder's processes: early, at the last byte, a second later, the peak."""

    early: int
    late: int
    rest: int
    peak: int


def measure(context: Context) -> list[Result]:
    """Flood each recorder once and look into /proc meanwhile."""
    uses = {}
    for peer in context.field.among(peers.SCRIPT, peers.ASCIINEMA, peers.TTYREC, peers.REC):
        context.say(f"memory: {peer.name}")
        with context.directory() as into:
            uses[peer.name] = _flood(context, peer, into)
    return [_result(uses, context.plan.memory_bytes)]


def _flood(context: Context, peer: Peer, into: Path) -> Use:
    """Run the flood under one peer; sample early, at the end, and after a rest."""
    size = context.plan.memory_bytes
    warm = min(max(size // 10, WARM), size // 2)
    tool = (*context.tool, "flood", str(size))
    with Terminal(peer.argv(tool, into), context.field.env) as terminal:
        early, got, tail = 0, 0, b""
        while not tail.endswith(b"END"):
            data = terminal.read()
            if not data:
                raise EOFError(tail)
            got += len(data)
            tail = (tail + data)[-3:]
            if not early and got >= warm:
                early = _resident(terminal.pid, context.tool)[0]
        late = _resident(terminal.pid, context.tool)[0]
        time.sleep(SETTLE_S)
        rest, peak = _resident(terminal.pid, context.tool)
        try:
            terminal.finish(b"q")
        except TooSlow:
            context.say(f"memory: {peer.name} did not end by itself")
    return Use(early, late, rest, peak)


def _resident(pid: int, tool: Sequence[str]) -> tuple[int, int]:
    """Return (resident, peak) bytes of a process and its descendants, the tool itself left out."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it ended meanwhile
        return 0, 0
    if tuple(words[: len(tool)]) == tuple(tool):
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith("Vm")}
    now, peak = sizes.get("VmRSS", 0), sizes.get("VmHWM", 0)
    for child in children:
        more, more_peak = _resident(int(child), tool)
        now, peak = now + more, peak + more_peak
    return now, peak


def _result(uses: dict[str, Use], size: int) -> Result:
    rows = tuple(
        Row(
            who,
            {
                "early_mb": use.early / MB,
                "late_mb": use.late / MB,
                "rest_mb": use.rest / MB,
                "peak_mb": use.peak / MB,
                "growth": stats.over(use.late, use.early),
            },
        )
        for who, use in uses.items()
    )
    ours = next((row.figures for row in rows if row.who == peers.REC), None)
    checks: tuple[Check, ...] = ()
    if ours is not None:
        checks = (
            Check("peak memory in passthrough", ours["peak_mb"], LIMIT_MB, "MB", SOURCE, 1),
            Check(f"memory over {size / MB:.0f} MB", ours["growth"], GROWTH, "×", FLAT),
        )
    return Result(
        "memory",
        f"resident memory over {size / MB:.0f} MB of output",
        (
            Column("early_mb", "early MB"),
            Column("late_mb", "last byte MB"),
            Column("rest_mb", "1 s later"),
            Column("peak_mb", "peak MB"),
            Column("growth", "last / early", 2),
        ),
        rows,
        checks,
        (
            "early: after a tenth, at least 50 MB where there is more",
            "several processes are added up; pages they share count in each",
        ),
    )
