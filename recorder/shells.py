"""Which shell ``rec shell`` records, and how it tells a shell's launcher the end.

Edge: reads what the kernel says of our parent, looks for programs, writes the launcher's status file.
Nothing here starts anything. It is imported before the shell starts: as little as can be.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from recorder import identity, modefile, procfs
from recorder.basics import Owner
from recorder.errors import RecError

if TYPE_CHECKING:
    from collections.abc import Mapping

_GONE = " (deleted)"  # the kernel's word behind a program that was replaced while it runs
_DEFAULT = "/bin/sh"  # where neither the environment nor the password database names a shell


class Shell(NamedTuple):
    """A shell to start: the file, the words and the environment as it is to see them.

    ``again`` are words that start its like from a command line; ``launcher`` is the shell whose launcher
    started us, if one did.
    """

    program: str
    argv: tuple[str, ...]
    again: tuple[str, ...]
    env: Mapping[str, str]
    launcher: Owner | None = None


def own(env: Mapping[str, str]) -> Shell:
    """Return the user's login shell, to be started as an interactive one."""
    path = _chosen(env)
    return Shell(path, (path,), (path,), env)


def outer(env: Mapping[str, str], pid: int) -> Shell:
    """Return the shell whose launcher started us, so that the inner one is just like it.

    It need not be our parent: a version manager's script may stand between. ``argv[0]`` stays, as a
    login shell is known by it (``-bash``), and all options do. Raises RecError where the kernel does not
    say what the process is.
    """
    try:
        program = os.readlink(f"/proc/{pid}/exe")
        words = procfs.read(f"/proc/{pid}/cmdline")
    except OSError as error:
        cause = os.strerror(error.errno or 0).lower()
        raise RecError(f"could not tell which shell to record: {cause}") from error
    argv = tuple(os.fsdecode(word) for word in words.split(b"\0")[:-1])
    if not argv:
        raise RecError("could not tell which shell to record: it has no command line")
    if program.endswith(_GONE):
        program = _in_place_of(program.removesuffix(_GONE), argv[0], env)
    return Shell(program, argv, _again(argv), _without_level(env), Owner(pid, procfs.start_time(pid), ""))


def tell(path: str, status: int, launcher: Owner) -> None:
    """Write the inner shell's status for the launcher, whole or not at all; raise OSError.

    A launcher that is gone (its window was closed) can no longer take its files away: this does it.
    """
    if not identity.alive(launcher):
        for left in (path, f"{path}.err"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(left)
        return
    modefile.put(path, b"%d\n" % status)


def _again(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return words that start such a shell from a command line: ``-bash`` is ``bash -l`` there.

    The option comes last: bash wants its long options before the short ones.
    """
    if argv[0].startswith("-"):
        return (argv[0][1:] or _DEFAULT, *argv[1:], "-l")
    return argv


def _without_level(env: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment for the inner shell: the outer one is no level of shells to the user."""
    level = env.get("SHLVL", "")
    return {**env, "SHLVL": str(int(level) - 1)} if level.isdecimal() and int(level) > 0 else env


def _in_place_of(path: str, name: str, env: Mapping[str, str]) -> str:
    """Return the program for one that was replaced or removed since the outer shell started."""
    name = name.removeprefix("-")
    places = [path, name] if "/" in name else [path]
    if "/" not in name:
        places += [f"{place or '.'}/{name}" for place in env.get("PATH", os.defpath).split(":")]
    return next((place for place in places if _runs(place)), _chosen(env))


def _chosen(env: Mapping[str, str]) -> str:
    """Return the shell that ``$SHELL`` or the password database names."""
    return env.get("SHELL") or identity.shell() or _DEFAULT


def _runs(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
