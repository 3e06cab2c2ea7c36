"""What the shells' launchers left in the run-time directory when a recorder failed them.

Service. The launchers write it in shell code, as no Python may be there then: `launcher-failed` tells of
the last failure, `launcher-off` of the second one within a minute, and keeps all launchers quiet.
Both are five words and a line: time, status, shell, path of rec; then the cause.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import NamedTuple

from recorder import procfs
from recorder.model import Check

OFF, FAILED = "launcher-off", "launcher-failed"
NAME = "launcher"


class Failure(NamedTuple):
    """One failed start; ``at_s`` is the wall clock in seconds, 0 where the file is not readable."""

    at_s: int
    status: str
    shell: str
    rec: str
    cause: str


def examine(directory: str, *, fix: bool) -> Check:
    """Say whether launchers failed or are off; with ``fix`` let them start again."""
    off, failed = (os.path.lexists(f"{directory}/{name}") for name in (OFF, FAILED))
    if not off and not failed:
        return Check(NAME, ok=True, detail="no shell was left unrecorded")
    what = _told(_read(f"{directory}/{OFF if off else FAILED}"))
    if fix:
        for name in (OFF, FAILED):
            with contextlib.suppress(OSError):
                os.unlink(f"{directory}/{name}")
        return Check(NAME, ok=True, detail=f"fixed: new shells are recorded again; it was: {what}")
    if off:
        detail = f"switched off after two failures within a minute: {what}"
        return Check(NAME, ok=False, detail=detail, fix="put the cause right, then rec doctor --fix")
    advice = "put the cause right and start a new shell; rec doctor --fix forgets this failure"
    return Check(NAME, ok=False, detail=f"a shell was left unrecorded: {what}", fix=advice)


def _read(path: str) -> Failure | None:
    """Return the failure that a file tells of; None where it cannot be understood."""
    with contextlib.suppress(OSError, ValueError, OverflowError):
        first, _, cause = procfs.read(path).decode("utf-8", "replace").partition("\n")
        at, status, shell, rec = first.split(" ", 3)
        return Failure(int(at), status, shell, rec, cause.strip())
    return None


def _told(failure: Failure | None) -> str:
    if failure is None:
        return "its record cannot be read"
    with contextlib.suppress(ValueError, OverflowError, OSError):
        at = datetime.fromtimestamp(failure.at_s, UTC).astimezone()
        when = f"{at:%Y-%m-%d %H:%M:%S}"
        return f"{when}, {failure.shell}: {failure.rec} ended with status {failure.status}: {failure.cause}"
    return "its record cannot be read"
