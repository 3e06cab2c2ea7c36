"""Bulk output: how fast megabytes of text pass through each recorder to the screen, whole and kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from bench import peers, recorded, stats
from bench.result import Check, Column, Result, Row
from bench.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.context import Context
    from bench.peers import Peer

LINE = 10  # bytes of one line on the screen: eight digits, CR, LF
FIRST = 10_000_000  # the first number of eight digits
RLWRAP_SHARE = 20  # rlwrap passes under 2 MB/s; a twentieth is enough to say so
LIMIT = 1.0
SOURCE = "util-linux script with a timing log (C), same run"


class Pass(NamedTuple):
    """One run: seconds until the program ended, until the last byte, CPU seconds, bytes lost."""

    whole_s: float
    screen_s: float
    cpu_s: float
    lost: int


def measure(context: Context) -> list[Result]:
    """Measure a tool that writes line by line (seq) and one that writes blocks (cat of a file)."""
    lines = context.plan.bulk_bytes // LINE
    file = context.scratch / "bulk.txt"
    with file.open("w") as out:
        out.writelines(f"{number}\n" for number in range(FIRST, FIRST + lines))
    few = lines // RLWRAP_SHARE
    start = context.scratch / "few.txt"
    with start.open("w") as out:
        out.writelines(f"{number}\n" for number in range(FIRST, FIRST + few))
    by_line = _compare(
        context,
        "bulk",
        "lines (seq)",
        ("seq", str(FIRST), str(FIRST + lines - 1)),
        ("seq", str(FIRST), str(FIRST + few - 1)),
    )
    by_block = _compare(context, "bulk-blocks", "blocks (cat)", ("cat", str(file)), ("cat", str(start)))
    file.unlink()
    return [by_line, by_block]


def _compare(context: Context, name: str, what: str, tool: Sequence[str], small: Sequence[str]) -> Result:
    """Run the tool under everybody in turns; rlwrap gets the small one, once."""
    runs: dict[str, list[Pass]] = {}
    kept: dict[str, int] = {}
    lines = context.plan.bulk_bytes // LINE
    everybody = context.field.among(peers.BARE, peers.SCRIPT, peers.ASCIINEMA, peers.TTYREC, peers.REC)
    for number, peer in stats.in_turns(everybody, context.plan.bulk_rounds):
        context.say(f"{what}: {peer.name}, round {number + 1}")
        with context.directory() as into:
            runs.setdefault(peer.name, []).append(_once(context, peer, tool, into, lines * LINE))
            if peer.name == peers.REC:
                kept[peer.name] = recorded.raw_bytes(into)
    for peer in context.field.among(peers.RLWRAP):
        context.say(f"{what}: {peer.name}")
        with context.directory() as into:
            one = _once(context, peer, small, into, lines // RLWRAP_SHARE * LINE)
            scaled = (one.whole_s * RLWRAP_SHARE, one.screen_s * RLWRAP_SHARE, one.cpu_s * RLWRAP_SHARE)
            runs[peer.name] = [Pass(*scaled, one.lost)]
    return _result(context, name, what, runs, kept)


def _once(context: Context, peer: Peer, tool: Sequence[str], into: Path, size: int) -> Pass:
    """Run the tool under one peer and read it to the end."""
    with Terminal(peer.argv(tool, into), context.field.env) as terminal:
        got = terminal.drain()
        screen = time.perf_counter() - terminal.started
        ending = terminal.wait()
        return Pass(time.perf_counter() - terminal.started, screen, ending.cpu_s, size - got)


def _result(
    context: Context, name: str, what: str, runs: dict[str, list[Pass]], kept: dict[str, int]
) -> Result:
    """Make the table; the ratio is between runs of the same round."""
    size = context.plan.bulk_bytes // LINE * LINE
    script = [run.whole_s for run in runs.get(peers.SCRIPT, [])]
    rows = []
    for who, passes in runs.items():
        whole = stats.middle([run.whole_s for run in passes])
        rows.append(
            Row(
                who,
                {
                    "mb_per_s": stats.over(size / 1e6, whole),
                    "seconds": whole,
                    "screen_s": stats.middle([run.screen_s for run in passes]),
                    "cpu_s": stats.middle([run.cpu_s for run in passes]),
                    "lost": None if who == peers.RLWRAP else max(run.lost for run in passes),
                    "to_script": stats.paired_ratio([run.whole_s for run in passes], script),
                },
            )
        )
    return Result(
        name,
        f"bulk output in {what}, {size / 1e6:.0f} MB, {context.plan.bulk_rounds} rounds",
        (
            Column("mb_per_s", "MB/s"),
            Column("seconds", "seconds", 2),
            Column("screen_s", "to last byte", 2),
            Column("cpu_s", "CPU s", 2),
            Column("lost", "bytes lost", 0),
            Column("to_script", "× script", 2),
        ),
        tuple(rows),
        _checks(rows, what, kept.get(peers.REC), size),
        (f"rlwrap: measured with a {RLWRAP_SHARE}th and scaled; it records nothing",)
        if peers.RLWRAP in runs
        else (),
        {who: [run.whole_s for run in passes] for who, passes in runs.items()},
    )


def _checks(rows: list[Row], what: str, kept: int | None, size: int) -> tuple[Check, ...]:
    """Compare the time with script's, and see that nothing was lost, on the screen or in the store."""
    ours = next((row.figures for row in rows if row.who == peers.REC), None)
    if ours is None:
        return ()
    return (
        Check(f"time for bulk {what} / script", ours["to_script"], LIMIT, "×", SOURCE),
        Check("bytes missing on the screen", ours["lost"], 0, "bytes", "promise: nothing is lost", 0),
        Check(
            "bytes missing in the store",
            None if kept is None else abs(size - kept),
            0,
            "bytes",
            "promise: nothing is lost",
            0,
        ),
    )
