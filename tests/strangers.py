"""The interpreter and the code under test where every user of the machine may read them.

A checkout may stand in a home that nobody else may enter; tests of other users run `rec` from here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent


@contextlib.contextmanager
def bound(source: Path, target: Path):
    """Show a directory at a second place, read-only."""
    target.mkdir()
    subprocess.run(["mount", "--bind", "-o", "ro", source, target], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", target], check=True)


@pytest.fixture(scope="session")
def everyone():
    """Yield the argv of `rec` for any user, and the environment that it needs."""
    if os.geteuid() != 0:
        pytest.skip("only root may be several users")
    place = Path(tempfile.mkdtemp(prefix="rec-all-", dir="/tmp"))
    place.chmod(0o755)
    base = Path(sys.base_prefix).resolve()
    executable = Path(sys.executable).resolve().relative_to(base)
    sources = {"base": base, "code": REPO, "site": Path(pytest.__file__).parent.parent}
    try:
        with contextlib.ExitStack() as stack:
            for name, source in sources.items():
                stack.enter_context(bound(source, place / name))
            env = {
                "PYTHONPATH": f"{place / 'code'}:{place / 'site'}",
                "LD_LIBRARY_PATH": str(place / "base" / "lib"),
                "PYTHONHOME": str(place / "base"),
            }
            yield [place / "base" / executable, "-m", "recorder"], env
    finally:
        shutil.rmtree(place, ignore_errors=True)
