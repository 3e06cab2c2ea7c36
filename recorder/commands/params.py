"""What commands are declared with: their class, types of words (durations, times), shared options."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recorder import units
from recorder.commands.app import App
from recorder.errors import UsageError_

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

LONGEST_COUNT = 9  # digits; nobody has so many rows

in_app = click.make_pass_decorator(App)


class Command(click.Command):
    """A command whose help ends with examples, one call each; in a session that is not kept it refuses.

    ``storeless`` ones are of use there, too: they live without what was recorded.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        examples: Sequence[str] = (),
        storeless: bool = False,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Keep the examples, and whether it needs the store; the rest is click's."""
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.storeless = storeless

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Call the command, unless it needs a store that the session around us does not have."""
        if not self.storeless:
            ctx.ensure_object(App).require_persistence()
        return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words; what is wrong with them is said with this command's name, not the group's."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples as they are to be typed."""
        if self.examples:
            with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
                for line in self.examples:
                    formatter.write(f"  {line}\n")


def duration(text: str) -> int:
    """Return a duration (``90s 10m 2h 7d``) in milliseconds."""
    try:
        return units.seconds(text) * 1000
    except UsageError_ as error:
        message = f"{text!r} is no duration; write it like 90s, 10m, 2h or 7d"
        raise click.BadParameter(message) from error


def moment(text: str) -> int:
    """Return a time in milliseconds since the epoch: RFC 3339, a local date or time, or how long ago."""
    with contextlib.suppress(UsageError_):
        return now_ms() - units.seconds(text) * 1000
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        message = f"{text!r} is no time; write it like 2h, 2026-07-01, 2026-07-01T12:00Z"
        raise click.BadParameter(message) from error


def count(text: str) -> int:
    """Return a number of rows."""
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_COUNT):
        message = f"{text!r} is no number of rows; write it like 20"
        raise click.BadParameter(message)
    return int(text)


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON; its form is stable.")(command)


def now_ms() -> int:
    """Return the wall clock in milliseconds."""
    return time.time_ns() // 1_000_000
