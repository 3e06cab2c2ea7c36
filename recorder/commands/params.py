"""What commands are declared with: their class, types of words (durations, times), shared options."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recorder.commands.app import App

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


in_app = click.make_pass_decorator(App)


class Command(click.Command):
    """A command whose help ends with examples, one call each."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:  # noqa: ANN401
        """Keep the examples; the rest is click's."""
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples as they are to be typed."""
        if self.examples:
            with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
                for line in self.examples:
                    formatter.write(f"  {line}\n")


class Duration(click.ParamType[int]):
    """``90s 10m 2h 7d``, as milliseconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the duration in milliseconds."""
        match = re.fullmatch(r"([0-9]{1,9})([smhd])", str(value))
        if match is None:
            self.fail(f"{value!r} is no duration; write it like 90s, 10m, 2h or 7d", param, ctx)
        return int(match[1]) * UNITS_MS[match[2]]


class Time(click.ParamType[int]):
    """A time: RFC 3339, or a local date (with or without a time of day). Milliseconds since 1970."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the time in milliseconds since the epoch; without a zone it is local time."""
        try:
            return int(datetime.fromisoformat(str(value)).timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is no time; write it like 2026-07-01 or 2026-07-01T12:00Z", param, ctx)


COUNT = click.IntRange(min=0)
DURATION = Duration()
TIME = Time()


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON; its form is stable.")(command)


def now_ms() -> int:
    """Return the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000
