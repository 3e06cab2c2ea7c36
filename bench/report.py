"""Turns results into a table for people and JSON for programs; measures nothing."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from bench import machine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.peers import Field
    from bench.plan import Plan
    from bench.result import Check, Result

BOLD, DIM, GREEN, RED, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"
VERDICTS = {True: "kept", False: "MISSED", None: "no figure"}


class Printer:
    """Writes results to a stream, in colour on a terminal that did not ask for none."""

    def __init__(self, stream: TextIO) -> None:
        """Decide about colour once: NO_COLOR (no-color.org) and a stream that is no terminal say no."""
        self._stream = stream
        self._tty = stream.isatty()
        self._colour = self._tty and not os.environ.get("NO_COLOR")

    def say(self, text: str) -> None:
        """Show where the run is, on a terminal only: the line is overwritten by the next."""
        if self._tty:
            self._stream.write(f"\r\x1b[K{text[:100]}")
            self._stream.flush()

    def line(self, text: str = "", style: str = "") -> None:
        """Write one line."""
        start = "\r\x1b[K" if self._tty else ""
        body = f"{style}{text}{PLAIN}" if style and self._colour else text
        self._stream.write(f"{start}{body}\n")
        self._stream.flush()

    def result(self, result: Result) -> None:
        """Write one measurement: its table, its checks, its remarks."""
        self.line()
        self.line(result.title, BOLD)
        width = max([len(row.who) for row in result.rows] + [12])
        heads = [f"{column.head:>{_wide(column.head)}}" for column in result.columns]
        self.line(f"  {'':{width}}" + "".join(heads), DIM)
        for row in result.rows:
            cells = [
                f"{_number(row.figures.get(column.key), column.digits):>{_wide(column.head)}}"
                for column in result.columns
            ]
            self.line(f"  {row.who:{width}}" + "".join(cells))
        for note in result.notes:
            self.line(f"  ({note})", DIM)
        if machine.Watch.noisy(result.others_cpus):
            self.line(
                f"  (others kept {result.others_cpus:.1f} CPUs busy meanwhile: compare, do not quote)", RED
            )
        for check in result.checks:
            self.check(check)

    def check(self, check: Check) -> None:
        """Write one figure beside its budget, and where the budget comes from."""
        style = {True: GREEN, False: RED, None: DIM}[check.kept]
        figure, limit = _number(check.figure, check.digits), _number(check.limit, check.digits)
        self.line(f"  {VERDICTS[check.kept]:9} {check.what}: {figure} {check.unit}, budget {limit}", style)
        self.line(f"            {check.source}", DIM)


def _wide(head: str) -> int:
    return max(len(head), 8) + 2


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def head(printer: Printer, field: Field) -> None:
    """Say who takes part, who is missing and why, and on what machine."""
    printer.line("{cpus} CPUs, Linux {kernel}, Python {python}, load {load}".format(**machine.describe()))
    for peer in field.peers:
        if peer.version:
            printer.line(f"  {peer.name}: {peer.version}")
    for name, why in field.missing.items():
        printer.line(f"  {name}: left out, {why}", RED)


def tail(printer: Printer, results: Sequence[Result]) -> None:
    """Say how many budgets were kept, and name those that were not."""
    checks = [check for result in results for check in result.checks]
    missed = [check for check in checks if check.kept is False]
    kept = sum(check.kept is True for check in checks)
    printer.line()
    printer.line(f"{kept} of {len(checks)} budgets kept", GREEN if kept == len(checks) else RED)
    for check in missed:
        figure, limit = _number(check.figure, check.digits), _number(check.limit, check.digits)
        printer.line(f"  missed: {check.what}: {figure} {check.unit}, budget {limit}")


def write_json(path: Path, plan: Plan, field: Field, results: Sequence[Result]) -> None:
    """Write everything that was measured, the single values too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {
        "version": 1,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "machine": machine.describe(),
        "plan": asdict(plan),
        "peers": {peer.name: peer.version for peer in field.peers},
        "missing": field.missing,
        "measurements": {
            result.name: {
                "title": result.title,
                "figures": {row.who: row.figures for row in result.rows},
                "checks": [{**asdict(check), "kept": check.kept} for check in result.checks],
                "notes": result.notes,
                "others_cpus": result.others_cpus,
                "raw": result.raw,
            }
            for result in results
        },
    }
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
