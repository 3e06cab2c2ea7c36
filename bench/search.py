"""Search: whole-process time of a first page over a million events, and how large the index is."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from bench import lists, many, past, peers, recorded, stats
from bench.peers import rec_command, rec_root
from bench.result import Check, Column, Result, Row

if TYPE_CHECKING:
    from pathlib import Path

    from bench.context import Context

WORD_MS, PART_MS = 200.0, 500.0
SOURCE = "a first page at which nobody has to wait, as a whole process"
SAMPLE = 100  # sessions whose text is measured


def measure(context: Context) -> list[Result]:
    """Time searches in turns; each finds something."""
    if not context.field.has(peers.REC):
        return []
    store = many.sessions(context)
    per_mb, common, both = _facts(store.into)
    rare = both[1]
    asked: dict[str, tuple[float, tuple[str, ...]]] = {
        "a common word": (WORD_MS, (common,)),
        "a rare word": (WORD_MS, (rare,)),
        "the beginning of a word": (WORD_MS, (f"{common[:-1]}*",)),
        "two words": (WORD_MS, both),
        "a phrase": (WORD_MS, (" ".join(both),)),
        "a word in prompts": (WORD_MS, (common, "--in", "prompt")),
        "a part of many words": (PART_MS, (f"*{common[1:-1]}*",)),
        "a part of a rare word": (PART_MS, (f"*{rare[:-1]}*",)),
        "a part of a word, for which there is none": (PART_MS, (rare[:-1],)),
    }
    rec = [*rec_command(), "--root", str(rec_root(store.into)), "search"]
    commands = {
        lists.FLOOR: [sys.executable, "-c", "pass"],
        **{name: [*rec, *words] for name, (_limit, words) in asked.items()},
    }
    times, _printed = lists.timed(context, commands)
    rows = tuple(
        Row(name, {"ms": stats.middle(values), "worst_ms": max(values)}) for name, values in times.items()
    )
    checks = tuple(
        Check(f"search for {row.who}", row.figures["ms"], asked[row.who][0], "ms", SOURCE, 0)
        for row in rows
        if row.who in asked
    )
    plan = context.plan
    return [
        Result(
            "search",
            f"search: whole process, {plan.sessions} sessions of {plan.session_turns} turns",
            (Column("ms", "median ms"), Column("worst_ms", "slowest ms")),
            rows,
            checks,
            (f"the index takes {per_mb:.2f} MB for each MB of text",),
            raw=times,
        )
    ]


class Facts(NamedTuple):
    """MB of index for each MB of text; a name that is in prompts; two words of the oldest output."""

    per_mb: float
    common: str
    rare: tuple[str, str]


def _facts(into: Path) -> Facts:
    from recorder.stores.sqlite import SqliteStore

    with closing(SqliteStore(recorded.database(into), readonly=True)) as store:
        ulids = store.with_prefix("", limit=1_000_000_000)[::-1]
        sample = ulids[:: max(1, len(ulids) // SAMPLE)]
        size = sum(len(event.text.encode()) for ulid in sample for event in store.events(ulid))
        ((taken,),) = store._db.execute(  # noqa: SLF001  (the store's protocol knows no pages)
            "SELECT sum(pgsize) FROM dbstat WHERE name IN ('block', 'block_session', 'chapter')"
        ).fetchall()
        middle = ulids[len(ulids) // 2 :]
        prompts = (event.text for ulid in middle for event in store.events(ulid, kinds=["prompt"]))
        common = next(word for text in prompts for word in re.findall(r"\w+", text) if word in past.NAMES)
        outputs = (event.text for ulid in ulids for event in store.events(ulid, kinds=["output"]))
        first, second = next(text.split()[:2] for text in outputs if text)
    return Facts(taken / (size / len(sample) * len(ulids)), common, (first, second))
