"""Keep the trace of an error that nobody expected in a file fit for a report."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
import traceback
from typing import TYPE_CHECKING

from recorder import config
from recorder.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_report(error: BaseException, env: Mapping[str, str]) -> Path | None:
    """Write versions and the trace to a private file; return where, or None if that failed too.

    The words of the command line stay out: a tool's may hold a password.
    """
    versions = f"rec {VERSION}, Python {platform.python_version()}, {platform.platform()}"
    trace = "".join(traceback.format_exception(error))
    command = next((word for word in sys.argv[1:2] if word.isalpha()), "-")
    with contextlib.suppress(OSError):
        path = config.state_dir(env) / time.strftime(f"crash-%Y%m%d-%H%M%S-{os.getpid()}.txt")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{versions}\ncommand: {command}\n\n{trace}")
        return path
    return None
