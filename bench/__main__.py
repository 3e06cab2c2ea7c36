"""Runs the benchmark: words of the call, the measurements in order, the report.

Leaves with 0 when all was measured, missed budgets or not: this is a benchmark, no test. A
measurement that broke is named, the others go on, and the status is 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench import (
    bulk,
    complete,
    echo,
    hooks,
    line,
    lists,
    memory,
    peers,
    play,
    report,
    search,
    start,
    stored,
    tools,
)
from bench.context import Context
from bench.machine import Watch
from bench.plan import BIG, DEFAULT, MB, QUICK
from bench.terminal import TooSlow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.plan import Plan
    from bench.result import Result

RESULTS = Path(__file__).parent / "results" / "latest.json"
MEASUREMENTS: dict[str, Callable[[Context], list[Result]]] = {
    "start": start.measure,
    "echo": echo.measure,
    "line": line.measure,
    "bulk": bulk.measure,
    "memory": memory.measure,
    "stored": stored.measure,
    "lists": lists.measure,
    "search": search.measure,
    "complete": complete.measure,
    "play": play.measure,
    "hooks": hooks.measure,
}


def main(words: Sequence[str] | None = None) -> int:
    """Measure what the words ask for; write the table to stdout and the JSON to its file."""
    options = _parse(words)
    plan = options.plan
    if options.bulk_mb:
        plan = replace(plan, bulk_bytes=options.bulk_mb * MB)
    return run(plan, options.only, RESULTS, report.Printer(sys.stdout))


def run(plan: Plan, names: Sequence[str], into: Path, printer: report.Printer) -> int:
    """Take the measurements of these names; return the exit status."""
    results: list[Result] = []
    broken: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="rec-bench-") as directory:
        scratch = Path(directory)
        field = peers.gather(scratch)
        context = Context(plan, field, tools.build(scratch), scratch, into.parent, printer.say)
        report.head(printer, field)
        for name in names:
            watch = Watch()
            try:
                taken = MEASUREMENTS[name](context)
            except (OSError, EOFError, RuntimeError, TooSlow) as error:
                broken[name] = f"{type(error).__name__}: {error}"
                printer.line(f"{name}: could not be measured: {broken[name][:500]}")
                continue
            around = watch.others()
            for result in taken:
                results.append(replace(result, others_cpus=around))
                printer.result(results[-1])
    report.tail(printer, results)
    report.write_json(into, plan, field, results)
    printer.line(f"figures: {into}")
    return 1 if broken else 0


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the words of the call. Leaves with status 2 when they are wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure rec beside its peers.")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--big",
        dest="plan",
        action="store_const",
        const=BIG,
        default=DEFAULT,
        help="the large sizes: 1 GB, more rounds",
    )
    sizes.add_argument(
        "--quick",
        dest="plan",
        action="store_const",
        const=QUICK,
        default=DEFAULT,
        help="small sizes: for a look, no figures to quote",
    )
    parser.add_argument("--bulk-mb", type=int, metavar="N", help="megabytes of bulk output")
    parser.add_argument(
        "--only", type=_names, default=list(MEASUREMENTS), metavar="NAME,…", help=", ".join(MEASUREMENTS)
    )
    return parser.parse_args(words)


def _names(text: str) -> list[str]:
    """Return the measurements named, in their usual order."""
    asked = set(text.split(","))
    if unknown := asked - set(MEASUREMENTS):
        raise argparse.ArgumentTypeError(f"no such measurement: {', '.join(sorted(unknown))}")
    return [name for name in MEASUREMENTS if name in asked]


if __name__ == "__main__":
    sys.exit(main())
