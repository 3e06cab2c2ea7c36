"""Every way in which a call of ``rec`` ends, as an exit status and at most two lines.

Commands raise ``RecError``; nothing here is ever a stack trace. click's own errors are ``cli``'s.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from recorder.commands import out
from recorder.errors import Ambiguous, RecError

if TYPE_CHECKING:
    from collections.abc import Callable

WRONG_USAGE, UNEXPECTED, INTERRUPTED = 2, 3, 130


def guarded(call: Callable[[], int]) -> int:
    """Make a call and return the exit status, whatever happens in it."""
    try:
        status = call()
        out.flush()
    except RecError as error:
        explain(error.message, error.advice)
        if isinstance(error, Ambiguous):
            for ulid in error.candidates:
                out.complain(f"  {ulid}")
        return error.status
    except BrokenPipeError:
        out.abandon_stdout()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the boundary: whatever it is, the user gets one line)
        return _unexpected(error)
    return status


def hand_over() -> None:
    """Write what is not written yet, before a process that does not end in good order."""
    with suppress(RecError, BrokenPipeError):
        out.flush()


def explain(message: str, advice: str | None) -> None:
    """Write an error: what it is, and what to do."""
    out.complain(f"rec: {message}")
    if advice:
        out.complain(advice)


def _unexpected(error: Exception) -> int:
    """Keep the trace in a file that can be attached to a report, and say so in two lines."""
    from recorder.commands import crash  # needed once in a lifetime, we hope

    kind = type(error).__name__
    path = crash.write_report(error, os.environ)  # noqa: TID251  (read by config, from this mapping)
    advice = "this is a bug in rec; no report could be written"
    if path is not None:
        advice = f"this is a bug in rec; please report it with {path}"
    text = " ".join(str(error).split())[:200]
    explain(f"could not finish: {kind}: {text}" if text else f"could not finish: {kind}", advice)
    return UNEXPECTED
