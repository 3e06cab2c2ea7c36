"""The user's pager, for text that is longer than their screen; nothing else starts it.

As in git: ``$PAGER``, else ``less``, which leaves by itself when everything fits on the screen.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

from recorder.commands import out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What git gives less, too: leave if all fits, let colours through, leave the text on the screen.
LESS = "FRX"
_STDOUT = 1


def chosen(env: Mapping[str, str]) -> str | None:
    """Return the command line of the pager, or None: none wanted, none found, a terminal that cannot page."""
    line = env.get("PAGER", "less").strip()
    if not line or line == "cat" or env.get("TERM", "dumb") == "dumb":
        return None
    try:
        program = shlex.split(line)[0]
    except (ValueError, IndexError):
        return None
    # A shell would say that the program is missing, after it has swallowed what was to be shown.
    return line if shutil.which(program, path=env.get("PATH")) else None


@contextlib.contextmanager
def through(line: str, env: Mapping[str, str]) -> Iterator[None]:
    """Let standard output go through a pager; wait until the user has left it."""
    out.flush()
    pager = subprocess.Popen(["/bin/sh", "-c", line], stdin=subprocess.PIPE, env={"LESS": LESS, **env})
    assert pager.stdin is not None  # noqa: S101  (for the type checker: it is a pipe)
    kept = os.dup(_STDOUT)
    os.dup2(pager.stdin.fileno(), _STDOUT)
    pager.stdin.close()
    try:
        yield
        out.flush()
    except BrokenPipeError:  # they have seen enough
        out.abandon_stdout()
        out.flush()  # what is left in the buffer, into nothing: not onto the screen
    finally:
        os.dup2(kept, _STDOUT)
        os.close(kept)
        _wait(pager)


def _wait(pager: subprocess.Popen[bytes]) -> None:
    """Wait for the pager to leave; Ctrl-C is its key while it has the terminal."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pager.wait()
    finally:
        signal.signal(signal.SIGINT, before)
