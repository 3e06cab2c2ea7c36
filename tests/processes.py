"""What the kernel tells of processes that a test did not start itself, but `rec` did.

    children(pid)        the pids that a process has started and that are still there
    words(pid)           its command line
    state(pid)           one letter: R, S, T (stopped), Z (zombie) …; "" when it is gone
    asleep(pid)          whether it waits, with all its threads
    in_shell(start)      an interactive shell on a terminal, to start `rec` from as people do

Like the driver, nothing here imports `recorder`.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from blackbox import wait_for

REC = f"{sys.executable} -m recorder"


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def asleep(pid: int) -> bool:
    """Whether a process waits, with all its threads."""
    with contextlib.suppress(OSError):
        stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        return all(stat.rpartition(")")[2].split()[0] == "S" for stat in stats)
    return False


def words(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def tool_of(term) -> int:
    """The pid of the tool that a `rec` records."""
    return wait_for(lambda: children(term.pid), what="a child of rec")[0]


def memory_kb(pid: int, name: str = "VmHWM") -> int:
    """A number of /proc/PID/status; VmHWM is the most that was ever resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)


def in_shell(start, root: Path, **options):
    """Start an interactive bash whose prompt is `outer> `; `rec` is a job of it then."""
    env = {"PS1": "outer> ", **options.pop("env", {})}
    term = start(["bash", "--norc", "--noprofile", "-i"], root=root, env=env, **options)
    term.expect("outer> ")
    return term
