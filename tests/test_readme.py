"""The README's first session is what a terminal really shows: it is recorded anew and compared.

Run with `WRITE_README=1` to put what is shown now into the README.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import sqlite3
import sys
from pathlib import Path

import blackbox

from recorder.version import VERSION

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"(<!-- first session: a test writes this -->\n```console\n)(.*?)(```\n)", re.DOTALL)
ULID = re.compile(r"\b01[0-9A-Z]{4,}\b")
AGO = re.compile(r"\b\d+s ago")
AGE = re.compile(r"(interrupted +)\d+s")


def shop(path: Path) -> None:
    """Make the data that the session works on."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, total REAL)")
        rows = [("ada", 19.90), ("grace", 250.00), ("ada", 7.25)]
        db.executemany("INSERT INTO orders (customer, total) VALUES (?, ?)", rows)


def test_the_first_session_is_what_a_terminal_shows(start, tmp_path):
    work = tmp_path / "home" / "work"
    work.mkdir(parents=True)
    shop(work / "shop.db")
    command = tmp_path / "bin" / "rec"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m recorder "$@"\n')
    command.chmod(0o755)
    env = {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "REC_ROOT": str(tmp_path / "root"),
        "PYTHONPATH": str(README.parent),
        "PS1": "$ ",
        "NO_COLOR": "1",
    }
    with start(["bash", "--norc", "--noprofile", "-i"], env=env, cwd=work) as shell:
        shell.expect("$ ")
        shell.line("rec run --label shop -- sqlite3 shop.db", delay=0.005)
        shell.expect("sqlite> ")
        shell.line("SELECT customer, sum(total) FROM orders GROUP BY customer;", delay=0.005)
        shell.expect("grace|250.0")
        shell.expect("sqlite> ", count=2)
        shell.line("UPDATE orders SET total = 0 WHERE customer = 'ada';", delay=0.005)
        shell.expect("sqlite> ", count=3)
        blackbox.wait_for(lambda: ends(tmp_path / "root") == ["done", "done"], what="both turns in the store")
        os.kill(recorder_in(work), signal.SIGKILL)
        shell.expect(re.compile(r"Killed\n\$ "))
        shell.line("rec ls", delay=0.005)
        shell.expect(re.compile("interrupted .*\n.*\\$ "))
        shell.line("rec replay shop", delay=0.005)
        shell.expect(re.compile(r"sqlite> UPDATE[^\n]*\n(?:.*\n)*\$ $"), count=1)
        blackbox.wait_for(lambda: shell.text().rstrip().endswith("$"), what="the shell's prompt")
        shown = normal(shell.text())
    want = BLOCK.search(README.read_text())
    assert want is not None
    if os.environ.get("WRITE_README"):
        README.write_text(BLOCK.sub(lambda found: found[1] + shown + found[3], README.read_text()))
        return
    assert want[2] == shown


def ends(root: Path) -> list[str]:
    """Return how the turns of the session ended, as far as the store knows."""
    return [turn["end"] for turn in blackbox.log(root, "shop")]


def recorder_in(directory: Path) -> int:
    """Return the pid of the recorder that works in a directory."""
    for each in Path("/proc").glob("[0-9]*"):
        try:
            words = (each / "cmdline").read_bytes().split(b"\0")
            here = (each / "cwd").readlink()
        except OSError:
            continue
        if here == directory and b"recorder" in words:
            return int(each.name)
    raise AssertionError("no recorder")


def normal(text: str) -> str:
    """Return what is shown with everything that differs from run to run made the same."""
    lines = [line.rstrip() for line in text.rstrip().splitlines()]
    if lines[-1] == "$":
        lines.pop()
    text = "\n".join(lines) + "\n"
    text = text.replace(f"rec {VERSION}", "rec 0.1.0")
    text = ULID.sub("01K9ZT", text)
    text = AGO.sub("2s ago", text)
    return AGE.sub(r"\g<1> 2s", text)
