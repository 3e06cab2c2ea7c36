"""Publish what only a live recorder knows, for ``rec status`` and ``rec pause`` in other processes.

Service. One small file in the run-time directory, replaced as a whole; gone with the session. It is
written by the loop's thread, as the writer's may hang in a store that does not answer.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from recorder import identity
from recorder.basics import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_MS = 1_000  # for the queue's length; pausing is told at once
BACKLOG = 128 << 10  # bytes; what waits for the next commit is no backlog, and a file costs milliseconds
SWEEP_MS = 1_000  # after the start: by then the tool has long printed
_LAUNCH = "launch-"  # and the pid of a shell: what its launcher and its recorder tell each other
MOST = 200  # files that are looked at in one sweep


class Beacon:
    """The published state of one recording."""

    def __init__(self, directory: str, ulid: str) -> None:
        """Publish in ``directory``."""
        self._directory = directory
        self._owner = identity.owner()
        self._swept = False
        self._path = f"{directory}/status-{ulid}.json"
        self.session = ulid  # the present one; the file keeps the name of the first, which the tool was told
        self._told: tuple[str, str, int] | None = None
        self._next_ms = 0

    def tell(self, now_ms: int, recording: str, queue_bytes: int) -> None:
        """Publish the state if it has changed."""
        if now_ms >= SWEEP_MS and not self._swept:
            self._swept = True
            sweep(self._directory)
        fresh = self.session, recording, queue_bytes if queue_bytes >= BACKLOG else 0
        soon = self._told is not None and fresh[:2] == self._told[:2] and now_ms < self._next_ms
        if soon or fresh == self._told:
            return
        self._told, self._next_ms = fresh, now_ms + EVERY_MS
        told = {
            "session": self.session,
            "recording": recording,
            "queue_bytes": fresh[2],
            "owner": self._owner,
        }
        text = json.dumps(told)
        new = f"{self._path}.{self._owner.pid}.new"
        with contextlib.suppress(OSError):  # a full or missing run-time directory stops nobody
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(new, flags, 0o600), "w") as file:
                file.write(text)
            os.replace(new, self._path)

    def put_out(self) -> None:
        """Remove what was published."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        if not self._swept:
            sweep(self._directory)


def dead(directory: str) -> list[str]:
    """Return the paths of what killed recorders have left published, at most ``MOST``."""
    return list(_dead(directory))


def sweep(directory: str) -> list[str]:
    """Remove what killed recorders have left published; return the paths of it."""
    gone = []
    for path in dead(directory):
        with contextlib.suppress(OSError):
            os.unlink(path)
            gone.append(path)
    return gone


def _dead(directory: str) -> Iterator[str]:
    try:
        names = [name for name in os.listdir(directory) if name.startswith(("status-", _LAUNCH))]
    except OSError:
        return
    for name in sorted(names)[:MOST]:
        path = f"{directory}/{name}"
        with contextlib.suppress(OSError):
            if _is_dead(path):
                yield path


def _is_dead(path: str) -> bool:
    """Say whether the owner of what is at ``path`` is gone; what names none is not ours to judge."""
    name = os.path.basename(path)
    if name.startswith(_LAUNCH):  # of a shell whose window was closed
        pid = name.removeprefix(_LAUNCH).partition(".")[0]
        return pid.isdecimal() and not identity.exists(int(pid))
    if path.endswith(".new"):  # maybe half written
        pid = path.split(".")[-2]
        return pid.isdecimal() and not identity.exists(int(pid))
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        try:
            pid, start, boot = json.loads(file.read(4096))["owner"]
            return not identity.alive(Owner(int(pid), int(start), str(boot)))
        except (ValueError, TypeError, KeyError):
            return False
