"""Open the store for one command, after looking whether a crash or a failing store left work to do.

Reading opens it read-only and never makes it. What is left behind is looked after on the way (see
``care``), which is never a reason for the command to fail or to wait.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, cast

from recorder import config, identity, lookup
from recorder.errors import RecError, StoreEmpty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from recorder.settings import Settings
    from recorder.store import Store
    from recorder.stores.rooted import Rooted

SPILL = "spill"  # as care has it; importing that costs more than this question
PATIENCE_MS = 200  # for the lock, when we only want to tidy


@contextlib.contextmanager
def reading(settings: Settings, *, tidy: bool = True) -> Iterator[Store]:
    """Open the store for reading; one that is not there yet is an empty one.

    Without ``tidy`` what a crash left stays as it is, until the settings can be read that hold for it.
    """
    path = settings.root / config.STORE_NAME
    if tidy and not _recorded(path):
        _tidy(settings, None)
    with contextlib.closing(_opened(path)) as store:
        if tidy:
            _tidy(settings, store)
        yield cast("Store", store)


def _opened(path: Path) -> Rooted:
    """Open what can be read; where nothing was recorded yet, a directory still can be."""
    from recorder.stores.rooted import Rooted

    with contextlib.suppress(StoreEmpty):
        if _recorded(path):
            from recorder.stores.sqlite import SqliteStore

            return Rooted(SqliteStore(path, readonly=True), readonly=True)
    from recorder.stores.memory import MemoryStore

    return Rooted(MemoryStore(), readonly=True)


@contextlib.contextmanager
def writing(settings: Settings, names: Sequence[str] = ()) -> Iterator[Store]:
    """Open the store for writing; one that is not there is not made: nothing is in it to change.

    But for a session in a directory that the user has named: what is changed of it is noted in the store.
    """
    path = settings.root / config.STORE_NAME
    with reading(settings) as store:
        if not _recorded(path) and not any(_is_in_a_directory(store, name) for name in names):
            yield store
            return
    from recorder.stores.rooted import Rooted
    from recorder.stores.sqlite import SqliteStore

    with contextlib.closing(Rooted(SqliteStore(path))) as store:
        store.finish()
        yield cast("Store", store)


@contextlib.contextmanager
def making(settings: Settings) -> Iterator[Store]:
    """Open the store for writing; one that is not there is made."""
    from recorder.stores.sqlite import SqliteStore

    with reading(settings):
        pass  # what a crash left is looked after first
    with contextlib.closing(SqliteStore(settings.root / config.STORE_NAME)) as store:
        yield store


def _is_in_a_directory(store: Store, name: str) -> bool:
    """Say whether a user's words for a session or a turn name a directory that holds one."""
    place = name.rpartition(":")[0] if lookup.is_turn(name) else name
    return "/" in place and store.at(place) is not None


def _recorded(path: Path) -> bool:
    """Say whether there is a store; what we may not look at is one, and opening it says why."""
    try:
        return path.lstat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:  # a file in its way, too
        return True


def _tidy(settings: Settings, store: Rooted | None) -> None:
    """Import what was spilled and complete what a dead recorder left, if there is any of it."""
    with contextlib.suppress(RecError, OSError):
        if _spilled(settings.root) or (store is not None and _orphaned(store)):
            from recorder import care
            from recorder.stores.rooted import Rooted
            from recorder.stores.sqlite import SqliteStore

            path = settings.root / config.STORE_NAME
            database = SqliteStore(path, busy_ms=PATIENCE_MS)
            with contextlib.closing(Rooted(database, busy_ms=PATIENCE_MS)) as writer:
                care.tidy(writer, settings.root, identity.alive, settings.rules)


def _spilled(root: Path) -> bool:
    try:
        return bool(os.listdir(root / SPILL))
    except OSError:
        return False


def _orphaned(store: Rooted) -> bool:
    return any(not identity.alive(run.owner) for run in store.open_invocations(unrecovered=True))
