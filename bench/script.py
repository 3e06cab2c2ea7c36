"""What is typed in the sessions that ``stored`` records: programs, keys, pauses; no recorder in sight."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.plan import Plan

LIBRARY = Path(os.__file__).parent  # real text to look at, the same on every run of one machine
MODULE = LIBRARY / "argparse.py"
LEVELS = ("DEBUG", "INFO", "INFO", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class Sitting:
    """One session: the tool, what is typed as (pause in units of a key's pause, keys), in order."""

    name: str
    argv: tuple[str, ...]
    keys: tuple[tuple[float, bytes], ...] = ()


def _typed(lines: Sequence[str], dice: random.Random) -> Iterator[tuple[float, bytes]]:
    """Yield the lines key by key, as a hand types: irregular, a pause before each line and Enter."""
    for line in lines:
        yield 8.0, line[:1].encode()
        for key in line[1:]:
            yield dice.uniform(0.4, 1.8), key.encode()
        yield 3.0, b"\r"


def shell_work(dice: random.Random) -> Sitting:
    """Return a quarter of an hour of bash, with the thinking left out."""
    lines = (
        f"cd {LIBRARY}",
        "ls",
        "ls -l json",
        "wc -l argparse.py ast.py asyncio/*.py | tail -8",
        "grep -n 'def ' json/decoder.py",
        "head -30 argparse.py",
        "pwd; date",
        "for f in json/*.py; do echo $f; wc -c < $f; done",
        "sed -n 100,130p ast.py",
        "false; echo status $?",
        "df -h /",
        "cat no-such-file",
        "grep -c import *.py | sort -t: -k2 -n | tail -12",
        "seq 60 | tr '\\n' ' '",
        "ls -l logging importlib",
        "grep -n 'class ' ast.py | head -25",
        "sed -n 1,40p textwrap.py",
        "find . -name '__init__.py' | sort | head -30",
        "du -sk json asyncio logging importlib",
        "tail -25 shlex.py",
        "python3 -c 'import no_such_module'",
        "ls /no/such/directory",
        "wc -w json/*.py",
        "grep -n 'raise ' json/decoder.py",
        "echo $((6 * 7)) is the answer",
        "uname -a",
        "ps | head -5",
        "cat json/tool.py | head -60",
        "history | tail -5",
        "exit",
    )
    argv = ("bash", "--norc", "--noprofile", "-i")
    return Sitting("shell work", argv, tuple(_typed(lines, dice)))


def editor_work() -> Sitting:
    """Return moving about and changing a little in vim."""
    moves = ["j"] * 15 + ["\x04"] * 6 + ["G", "g", "g"] + ["\x06"] * 5 + ["k"] * 5
    moves += [*"/def add_", "\r", "n", "n", "N", *"Onew line of text", "\x1b", "u", *":q!", "\r"]
    argv = ("vim", "-u", "NONE", "-i", "NONE", "-N", "-n", str(MODULE))
    return Sitting("vim", argv, ((10.0, b""), *((2.0, key.encode()) for key in moves)))


def monitor_work(key_pause_s: float) -> Sitting:
    """Return a dozen screens of top, five keys' pauses apart."""
    return Sitting("top", ("top", "-d", f"{5 * key_pause_s:.3f}", "-n", "12"))


def log_reading(file: Path, size: int, dice: random.Random) -> Sitting:
    """Write ``size`` bytes of a service's log into ``file``; return printing it."""
    second = 0.0
    with file.open("w") as out:
        while out.tell() < size:
            second += dice.expovariate(20)
            minutes, rest = divmod(second, 60)
            out.write(
                f"2024-05-17T09:{minutes % 60:02.0f}:{rest:06.3f}Z {dice.choice(LEVELS):7} "
                f"worker-{dice.randrange(8)} request={dice.getrandbits(48):012x} "
                f"path=/api/v1/items/{dice.randrange(100_000)} "
                f"status={dice.choice((200, 200, 200, 404, 500))} "
                f"took={dice.expovariate(0.05):.1f}ms\n"
            )
    return Sitting("bulk log", ("cat", str(file)))


def sittings(scratch: Path, plan: Plan) -> tuple[list[Sitting], list[str]]:
    """Return the sessions that can be held here, and the names of the programs missing for others."""
    dice = random.Random(1)
    every = [
        shell_work(dice),
        editor_work(),
        monitor_work(plan.key_pause_s),
        log_reading(scratch / "service.log", plan.log_bytes, dice),
    ]
    there = [one for one in every if shutil.which(one.argv[0])]
    return there, [one.argv[0] for one in every if one not in there]
