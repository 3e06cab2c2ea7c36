"""The programs compared: how each is started around a tool, in what environment, and its version.

A peer that is not installed, or does not run, is named with the reason and left out; never fatal.
"""

from __future__ import annotations

import compileall
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.terminal import Terminal, TooSlow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parent.parent
BARE, SCRIPT, ASCIINEMA, TTYREC, RLWRAP, REC = "bare pty", "script", "asciinema", "ttyrec", "rlwrap", "rec"


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to run a tool; ``argv(tool, directory)`` records into the directory (an existing one)."""

    name: str
    argv: Callable[[Sequence[str], Path], list[str]]
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """Everybody who takes part, who is missing and why, and the environment all run in."""

    peers: tuple[Peer, ...]
    missing: dict[str, str]
    env: dict[str, str]

    def among(self, *names: str) -> tuple[Peer, ...]:
        """Return the peers of these names that are there, in this order."""
        return tuple(peer for name in names for peer in self.peers if peer.name == name)

    def has(self, name: str) -> bool:
        """Say whether a peer takes part."""
        return any(peer.name == name for peer in self.peers)


def _shell(tool: Sequence[str]) -> str:
    """Return the tool as one string for recorders that take a shell command; no shell stays between."""
    return "exec " + shlex.join(tool)


def _bare(tool: Sequence[str], _: Path) -> list[str]:
    return list(tool)


def _script(tool: Sequence[str], into: Path) -> list[str]:
    return ["script", "-q", "-O", str(into / "typescript"), "-T", str(into / "timing"), "-c", _shell(tool)]


def _asciinema(tool: Sequence[str], into: Path) -> list[str]:
    return ["asciinema", "rec", "-q", "--overwrite", "-c", _shell(tool), str(into / "session.cast")]


def _ttyrec(tool: Sequence[str], into: Path) -> list[str]:
    return ["ttyrec", "-e", _shell(tool), str(into / "session.tty")]


def _rlwrap(tool: Sequence[str], into: Path) -> list[str]:
    return ["rlwrap", "-H", str(into / "history"), *tool]


def rec_command() -> list[str]:
    """Return the argv prefix of ``rec`` of this interpreter: the installed command, else the module."""
    installed = Path(sysconfig.get_path("scripts")) / "rec"
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "recorder"]


def rec_root(into: Path) -> Path:
    """Return the root that ``rec`` uses when it records into a directory."""
    return into / "rec"


def _rec(tool: Sequence[str], into: Path) -> list[str]:
    return [*rec_command(), "--root", str(rec_root(into)), "run", "--", *tool]


def environment(scratch: Path) -> dict[str, str]:
    """Return what all programs see: no settings, no home, no Python switches of the caller.

    Without the caller's PYTHONDONTWRITEBYTECODE compiled modules are used, as after an installation.
    """
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "SHELL": "/bin/sh",
        "TERM": "xterm-256color",
        "TMPDIR": str(scratch),
        "USER": "bench",
    }


def known() -> tuple[Peer, ...]:
    """Return everybody that may take part, there or not."""
    return (
        Peer(BARE, _bare),
        Peer(SCRIPT, _script),
        Peer(ASCIINEMA, _asciinema),
        Peer(TTYREC, _ttyrec),
        Peer(RLWRAP, _rlwrap),
        Peer(REC, _rec),
    )


def _first_line(argv: Sequence[str], env: dict[str, str]) -> tuple[str | None, str]:
    """Return (first line printed, "") or (None, why not)."""
    try:
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        return None, f"status {done.returncode}: {' '.join(last)}"
    return ((done.stdout or done.stderr).splitlines() or [""])[0].strip(), ""


def _version(peer: Peer, env: dict[str, str]) -> tuple[str | None, str]:
    """Return (version, "") of a peer, or (None, why it cannot take part)."""
    if peer.name == BARE:
        return "", ""
    command = rec_command() if peer.name == REC else [peer.name]
    if shutil.which(command[0], path=env["PATH"]) is None:
        return None, "not installed"
    if peer.name == TTYREC:  # knows no option that prints its version and ends
        return "", ""
    return _first_line([*command, "--version"], env)


def _trial(peer: Peer, env: dict[str, str], scratch: Path) -> str:
    """Record ``true``, which also warms the caches; return what went wrong, or nothing."""
    into = Path(tempfile.mkdtemp(prefix=f"trial-{peer.name}-", dir=scratch))
    with Terminal(peer.argv(("/usr/bin/true",), into), env) as terminal:
        printed = b""
        try:
            while data := terminal.read():
                printed += data
        except TooSlow:
            return f"recording `true` did not end; it printed {printed!r}"
        code = os.waitstatus_to_exitcode(terminal.wait().status)
    last = printed.decode(errors="replace").strip().splitlines()[-1:]
    return f"recording `true` gave {code}: {' '.join(last)}" if code else ""


def gather(scratch: Path) -> Field:
    """Find out who is there and can record. Compiles our modules first, as an installation would."""
    env = environment(scratch)
    compileall.compile_dir(ROOT / "recorder", quiet=2)
    there: list[Peer] = []
    missing: dict[str, str] = {}
    for peer in known():
        version, why = _version(peer, env)
        if version is not None:
            why = _trial(peer, env, scratch)
            if why and peer.name != REC:  # a tool that ends at once is rare, and has hung one of them once
                why = _trial(peer, env, scratch)
        if why:
            missing[peer.name] = why
        else:
            there.append(replace(peer, version=version or None))
    return Field(tuple(there), missing, env)
