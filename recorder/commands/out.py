"""Standard output and standard error: the only module that writes to them.

Nothing recorded is made safe here but what goes to standard error; ``render`` does it for the rest.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from recorder.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


def write(data: bytes) -> None:
    """Write bytes to standard output; a closed one takes everything."""
    if sys.stdout is not None and data:
        with _as_output_error():
            sys.stdout.buffer.write(data)


def flush() -> None:
    """Hand over what was written to standard output; the last chance for it to fail."""
    if sys.stdout is not None:
        with _as_output_error():
            sys.stdout.flush()


def complain(text: str) -> None:
    """Write one line to standard error; whatever it quotes cannot drive the terminal."""
    from recorder.safe import visible

    if sys.stderr is None:
        return
    try:
        sys.stderr.buffer.write(visible(text).encode("utf-8", "replace") + b"\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        _abandon(sys.stderr)


def abandon_stdout() -> None:
    """Leave the reader who left."""
    _abandon(sys.stdout)


def _abandon(stream: TextIO) -> None:
    """Let what nobody takes go nowhere: else the interpreter tries again at its exit, and leaves with 120."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def encoded(text: str) -> bytes:
    """Encode text for standard output; what its encoding lacks becomes a question mark."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace")


@contextlib.contextmanager
def _as_output_error() -> Iterator[None]:
    """Name the trouble with standard output; a reader who left is no trouble."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_stdout()
        cause = (error.strerror or str(error)).lower()
        raise Refused(f"could not write to standard output: {cause}") from error
