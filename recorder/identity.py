"""Who we are: this process as an owner, its user, its host; and whether another owner still lives.

Nothing is looked up over a network, and nothing here can fail: a missing ``/proc``, password entry
or host name gives an empty or numeric answer.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recorder import procfs
from recorder.basics import Owner

if TYPE_CHECKING:
    import pwd


def owner() -> Owner:
    """Return this process as an owner that pid reuse and reboots cannot counterfeit."""
    pid = os.getpid()
    return Owner(pid, procfs.start_time(pid), procfs.boot_id())


def alive(owner: Owner) -> bool:
    """Say whether ``owner`` is still running here; where there is no ``/proc``, whether its pid is."""
    if owner.pid <= 0:
        return False
    if not owner.start_time:
        return exists(owner.pid)
    try:
        facts = procfs.stat(owner.pid)
    except OSError:
        return False
    same_boot = not owner.boot_id or owner.boot_id == procfs.boot_id()
    return same_boot and facts.start == owner.start_time and facts.state not in {b"Z", b"X"}


def host() -> str:
    """Return this machine's own name, without asking any name service."""
    return os.uname().nodename


def user() -> str:
    """Return the effective user's name; its number where the password database has none."""
    entry = _entry()
    return str(os.geteuid()) if entry is None else entry.pw_name


def home() -> str | None:
    """Return the home that the password database gives the effective user, if any."""
    entry = _entry()
    return None if entry is None else entry.pw_dir


def shell() -> str | None:
    """Return the login shell that the password database gives the effective user, if any."""
    entry = _entry()
    return None if entry is None else entry.pw_shell or None


def _entry() -> pwd.struct_passwd | None:
    """Return what the password database has about the effective user."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid())
    except KeyError:
        return None


def exists(pid: int) -> bool:
    """Say whether there is a process, or a thread, with this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def group(pid: int) -> int | None:
    """Return the process group of a process, None when it is gone."""
    try:
        return os.getpgid(pid)
    except OSError:
        return None
