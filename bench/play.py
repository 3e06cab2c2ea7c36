"""Seeks: how long the player takes to any place of a large session, once its screens are packed.

A session of bulk text with stretches of a full-screen program is written through the store's own interface.
It is played in a process of its own, without a terminal: what is measured is finding, unpacking, drawing.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bench import past, peers, recorded, stats
from bench.peers import ROOT, rec_root
from bench.plan import MB
from bench.result import Check, Column, Result, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.context import Context
    from bench.result import Figures

SEEK_MS, MEMORY_MB = 1000.0, 150.0
SEEK_SOURCE = "nobody waits longer for a place that the eye looks for"
MEMORY_SOURCE = "beside what is played a player is no burden"
SEEKS = 60
STEP_MS = 20
_FULL_SCREEN = 10  # one stretch of so many
_LINES, _FRAMES = 60, 2  # in one read


def measure(context: Context) -> list[Result]:
    """Write the session, play it, and seek up and down in it."""
    if not context.field.has(peers.REC):
        return []
    with context.directory() as into:
        context.say(f"writing a session of {context.plan.play_bytes // MB} MB")
        _write(into, context.plan.play_bytes)
        context.say("packing its screens")
        done = subprocess.run(
            [sys.executable, "-m", "bench.play", str(recorded.database(into))],
            env=context.field.env,
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"status {done.returncode}: {done.stderr.decode()[-500:]}")
    return [_result(json.loads(done.stdout), context.plan.play_bytes)]


def _write(into: Path, length: int) -> None:
    from recorder import identity
    from recorder.model import Chunk, Moment
    from recorder.stores.sqlite import SqliteStore

    began = int(time.time() * 1000) - past.MINUTE_MS
    made = past.session(0, began, identity.owner(), None, range(1, 2))
    ulid, run = made.session.ulid, made.invocation.ulid
    rec_root(into).mkdir(mode=0o700, parents=True)
    at = steps = 0
    with closing(SqliteStore(rec_root(into) / "rec.db")) as store:
        store.begin(made.session, made.invocation)
        reads = _reads()
        while at < length:
            chunks = []
            for _ in range(200):
                data, offset = next(reads), steps * STEP_MS
                chunks.append(Chunk(ulid, run, at, Moment(began + offset, offset), data))
                at, steps = at + len(data), steps + 1
            store.append([], chunks)
            if steps % 2000 == 0:
                store.seal(ulid)


def _reads() -> Iterator[bytes]:
    """Yield what a terminal shows, read by read, for ever."""
    dice = random.Random(0)
    log = [b"".join(_line(dice) for _ in range(_LINES)) for _ in range(100)]
    top = [b"".join(_frame(dice) for _ in range(_FRAMES)) for _ in range(100)]
    while True:
        pool = top if dice.randrange(_FULL_SCREEN) == 0 else log
        for _ in range(100):
            yield dice.choice(pool)


def _line(dice: random.Random) -> bytes:
    number, name = dice.randrange(10**6), dice.choice(past.NAMES).encode()
    return b"06:12:%02d \x1b[32mINFO\x1b[0m request %d of %s served\r\n" % (number % 60, number, name)


def _frame(dice: random.Random) -> bytes:
    rows = (
        b"\x1b[1m%7d\x1b[m root   20   0 %8d \x1b[32m%6d\x1b[m process-%d\x1b[K\r\n"
        % (dice.randrange(10**6), dice.randrange(10**7), dice.randrange(10**5), row)
        for row in range(past.ROWS - 1)
    )
    return b"\x1b[H" + b"".join(rows)


def _play(database: Path) -> dict[str, list[float]]:
    """Open the session of a store, pack its screens, seek; return ms by what it was, and MB of memory."""
    from recorder.film import Film
    from recorder.projector import Projector
    from recorder.stores.sqlite import SqliteStore

    times: dict[str, list[float]] = {"open": [], "pack": [], "seek": []}
    with closing(SqliteStore(database, readonly=True)) as store:
        began = time.perf_counter()
        film = Film(store, store.summaries(limit=1)[0].session.ulid, None, lambda _owner: False)
        for _ in film.open():
            pass
        times["open"].append(_since(began))
        projector, began = Projector(film.reel, film.size), time.perf_counter()
        for _ in projector.build():
            pass
        times["pack"].append(_since(began))
        dice = random.Random(1)
        for _ in range(SEEKS):
            began = time.perf_counter()
            for _ in projector.go(film.reel.at_ms(dice.randrange(film.reel.end_ms + 1))):
                pass
            times["seek"].append(_since(began))
    times["memory_mb"] = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000]
    return times


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _result(times: dict[str, list[float]], length: int) -> Result:
    """Make the table of one row."""
    seeks, packing = times["seek"], times["pack"][0]
    figures: Figures = {
        "open_ms": times["open"][0],
        "pack_mb_s": length / MB / (packing / 1000) if packing else None,
        "seek_ms": stats.middle(seeks),
        "worst_ms": max(seeks),
        "memory_mb": times["memory_mb"][0],
    }
    return Result(
        "play",
        f"a session of {length / MB:g} MB, {len(seeks)} seeks to random places",
        (
            Column("open_ms", "opening ms", 0),
            Column("pack_mb_s", "packing MB/s"),
            Column("seek_ms", "median seek ms"),
            Column("worst_ms", "slowest seek ms"),
            Column("memory_mb", "peak memory MB"),
        ),
        (Row(peers.REC, figures),),
        (
            Check("slowest seek", max(seeks), SEEK_MS, "ms", SEEK_SOURCE, 0),
            Check("peak memory of the player", times["memory_mb"][0], MEMORY_MB, "MB", MEMORY_SOURCE, 0),
        ),
        raw=times,
    )


if __name__ == "__main__":
    json.dump(_play(Path(sys.argv[1])), sys.stdout)
