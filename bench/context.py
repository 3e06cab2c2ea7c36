"""What every measurement is given: sizes, peers, the tool, a place to write, a way to say where it is."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.peers import Field
    from bench.plan import Plan


@dataclass(frozen=True, slots=True)
class Context:
    """One run's surroundings; ``tool`` is the argv prefix of the program in tool.c.

    ``scratch`` goes with the run, ``kept`` stays for the next one.
    """

    plan: Plan
    field: Field
    tool: tuple[str, ...]
    scratch: Path
    kept: Path
    say: Callable[[str], None]

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """Give an empty directory to record into, and take it away afterwards."""
        into = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            yield into
        finally:
            shutil.rmtree(into, ignore_errors=True)
