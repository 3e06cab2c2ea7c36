"""Finds or builds the small program that runs under the recorders; the program itself is tool.c."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = "/usr/bin/python3"


def build(scratch: Path) -> tuple[str, ...]:
    """Compile tool.c into ``scratch``; return its argv, or tool.py's where nothing compiles."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    binary = scratch / "rec-bench-tool"
    if compiler is not None:
        done = subprocess.run(
            [compiler, "-O2", "-o", str(binary), str(HERE / "tool.c")], capture_output=True, check=False
        )
        if done.returncode == 0:
            return (str(binary),)
    interpreter = PYTHON if Path(PYTHON).exists() else shutil.which("python3") or "python3"
    return (interpreter, "-S", "-E", str(HERE / "tool.py"))
