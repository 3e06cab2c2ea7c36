"""Stored bytes: what a session takes on disk, beside the same session as an asciicast v2.

The same keys are typed into the same real programs under each recorder, all at once: what is stored
does not depend on how fast. ``rec``'s figure is what the pages in use grew by, over a store that held
one trivial session before: its empty tables are no session's, and free pages are the next session's.
All its files together stand beside it.
"""

from __future__ import annotations

import codecs
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from bench import peers, recorded, script, stats
from bench.result import Check, Column, Result, Row
from bench.terminal import COLS, ROWS, Terminal, TooSlow

if TYPE_CHECKING:
    from pathlib import Path

    from bench.context import Context
    from bench.peers import Peer
    from bench.script import Sitting

PLAIN, INDEXED = 0.25, 0.75
SOURCE = "asciicast v2 of the same session: a quarter without a search index, three quarters with one"
KB = 1000


class Size(NamedTuple):
    """Bytes on disk: the session's, all files, and (rec only) the same session written as asciicast v2."""

    session: int
    whole: int
    as_cast: int


def measure(context: Context) -> list[Result]:
    """Hold every session under every recorder at once; compare what each left on disk."""
    sittings, missing = script.sittings(context.scratch, context.plan)
    recorders = context.field.among(peers.SCRIPT, peers.ASCIINEMA, peers.TTYREC, peers.REC)
    context.say(f"stored bytes: {len(sittings)} sessions under {len(recorders)} recorders")
    with context.directory() as into, ThreadPoolExecutor(len(sittings) * len(recorders)) as pool:
        jobs = {
            (sitting.name, peer.name): pool.submit(
                _hold, context, peer, sitting, into / f"{sitting.name}-{peer.name}"
            )
            for sitting in sittings
            for peer in recorders
        }
        sizes = {key: job.result() for key, job in jobs.items()}
        index = context.field.has(peers.REC) and recorded.indexed(into / f"{sittings[0].name}-{peers.REC}")
    return [_result([one.name for one in sittings], sizes, missing, index=index)]


def _hold(context: Context, peer: Peer, sitting: Sitting, into: Path) -> Size:
    """Record one session; return what it takes. ``rec``'s store is made by a trivial session before."""
    into.mkdir()
    ours = peer.name == peers.REC
    before = 0
    if ours:
        with Terminal(peer.argv(("/usr/bin/true",), into), context.field.env) as terminal:
            terminal.drain()
            terminal.wait()
        before = recorded.used_bytes(into)
    with Terminal(peer.argv(sitting.argv, into), context.field.env) as terminal:
        _type(terminal, sitting, context.plan.key_pause_s)
        terminal.drain()
        terminal.wait()
    whole = recorded.disk_bytes(into)
    return Size(recorded.used_bytes(into) - before, whole, _as_cast(into)) if ours else Size(whole, whole, 0)


def _type(terminal: Terminal, sitting: Sitting, key_pause_s: float) -> None:
    """Type the session's keys with their pauses, reading the screen meanwhile."""
    if not sitting.keys:
        return
    terminal.read()  # the first prompt: some recorders throw away what was typed before it
    due = time.monotonic()
    for pause, keys in sitting.keys:
        due += pause * key_pause_s
        while (left := due - time.monotonic()) > 0:
            try:
                if not terminal.read(left):
                    return
            except TooSlow:
                break
        if keys:
            terminal.write(keys)


def _as_cast(into: Path) -> int:
    """Return the bytes of the newest session written as asciicast v2, as asciinema 2 writes it."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    size = len(json.dumps({"version": 2, "width": COLS, "height": ROWS, "timestamp": 1_700_000_000})) + 1
    dice = random.Random(0)
    for chunk in recorded.newest(into):
        # The store keeps milliseconds, a cast microseconds: the digits between are drawn.
        at = round(chunk.at.offset_ms / 1000 + dice.uniform(0, 0.001), 6)
        line = json.dumps([at, "o", decode(chunk.data)], ensure_ascii=False, separators=(", ", ": "))
        size += len(line.encode()) + 1
    return size


def _result(
    names: list[str], sizes: dict[tuple[str, str], Size], missing: list[str], *, index: bool
) -> Result:
    """Make the table, one row per session; a ratio is against asciinema's file where there is one."""
    rows, checks = [], []
    for name in names:
        ours = sizes.get((name, peers.REC))
        theirs = sizes.get((name, peers.ASCIINEMA))
        cast = theirs.session if theirs else ours.as_cast if ours else None
        figures = {
            key: size.session / KB if (size := sizes.get((name, who))) else None
            for key, who in (("script_kb", peers.SCRIPT), ("ttyrec_kb", peers.TTYREC), ("rec_kb", peers.REC))
        }
        figures["cast_kb"] = cast / KB if cast else None
        figures["rec_whole_kb"] = ours.whole / KB if ours else None
        figures["own_cast_kb"] = ours.as_cast / KB if ours else None
        figures["to_cast"] = stats.over(ours.session if ours else None, cast)
        rows.append(Row(name, figures))
        if ours:
            limit = INDEXED if index else PLAIN
            checks.append(Check(f"stored / asciicast v2: {name}", figures["to_cast"], limit, "×", SOURCE))
    return Result(
        "stored",
        "stored bytes, kB",
        (
            Column("script_kb", "script"),
            Column("ttyrec_kb", "ttyrec"),
            Column("cast_kb", "asciicast v2"),
            Column("own_cast_kb", "rec's as v2"),
            Column("rec_kb", "rec, session"),
            Column("rec_whole_kb", "rec, all files"),
            Column("to_cast", "rec / v2", 2),
        ),
        tuple(rows),
        tuple(checks),
        tuple(f"{name} is not installed: its session is left out" for name in missing)
        + (("the store holds a search index",) if index else ()),
    )
