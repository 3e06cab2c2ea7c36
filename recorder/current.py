"""The session we run in, seen from a command inside it: ask its recorder, and say how it is doing.

Its recorder is another process, and it alone knows whether it records and what waits to be stored:
it is asked by a private mark through the terminal it owns, and read from the small file that it
keeps in the run-time directory.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder import config, lineage
from recorder.errors import Refused
from recorder.marks import encode_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recorder.settings import Settings
    from recorder.store import Store

ON, PAUSED, OFF = "on", "paused", "off"
PATIENCE_S = 2.0  # for a recorder to say that it has paused
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Health:
    """How a live recording is doing; None is what cannot be known from here."""

    session: str
    recording: str
    label: str | None
    n_events: int | None
    queue_bytes: int | None
    store_bytes: int | None
    persist: bool
    keep_age_s: int | None = None
    keep_max_bytes: int | None = None


def health(store: Store | None, ulid: str, env: Mapping[str, str], settings: Settings) -> Health:
    """Return how the session we run in is doing; without a store, what its recorder alone says."""
    told = config.published(env)
    recording, waiting = told.get("recording"), told.get("queue_bytes")
    summary = store.summary(ulid) if store is not None else None
    return Health(
        session=ulid,
        recording=recording if isinstance(recording, str) else OFF if store is None else ON,
        label=summary.labels[0] if summary is not None and summary.labels else None,
        n_events=lineage.count(store, ulid) if store is not None else None,
        queue_bytes=waiting if isinstance(waiting, int) else None,
        store_bytes=store.size_bytes() if store is not None else None,
        persist=store is not None,
        keep_age_s=settings.keep_age_s,
        keep_max_bytes=settings.keep_max_bytes,
    )


def pause(env: Mapping[str, str]) -> None:
    """Ask the recorder to stop recording; raises Refused if it cannot be asked or does not do it."""
    _ask(env, "pause", PAUSED)


def unpause(env: Mapping[str, str]) -> None:
    """Ask the recorder to record again; raises Refused if it cannot be asked or does not do it."""
    _ask(env, "unpause", ON)


def keep(env: Mapping[str, str]) -> None:
    """Ask the recorder to store the session's row before its first event; raises Refused if it cannot."""
    _send(env, "keep", "store the session")


def _ask(env: Mapping[str, str], verb: str, goal: str) -> None:
    """Send a verb in-band and wait until the recorder says that it is so, if it says anything."""
    _send(env, verb, f"{verb} the recording")
    deadline = time.monotonic() + PATIENCE_S
    while config.published(env).get("recording", goal) != goal:
        if time.monotonic() > deadline:
            raise Refused(
                f"could not {verb} the recording: its recorder does not answer",
                advice="a multiplexer in between may have swallowed the question: try it in the outer shell",
            )
        time.sleep(POLL_S)


def _send(env: Mapping[str, str], verb: str, what: str) -> None:
    """Send a verb in-band: through the terminal that the recorder reads; ``what`` is what it is for."""
    nonce = env.get("REC_NONCE")
    if not nonce:
        raise Refused(f"could not {what}: its recorder gave no key", advice="use the prefix key")
    # The counter tells marks of one process apart; the clock does, also across two calls of rec.
    mark = encode_private(nonce, os.getpid(), time.time_ns() // 1000, verb)
    try:
        fd = os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            os.write(fd, mark)
        finally:
            os.close(fd)
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise Refused(f"could not {what}: no terminal to ask through: {cause}") from error
