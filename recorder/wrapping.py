"""The wrap-up of a stored session, and the file that keeps it beside the store.

Service: takes its store and the root as arguments, prints nothing. What is counted is in ``wrap``.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from recorder import lineage
from recorder.errors import NotFound
from recorder.model import Kind
from recorder.stores import files
from recorder.wrap import Wrap, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from recorder.store import Store

WRAPS = "wraps"  # the directory beside the store


def of(store: Store, ulid: str) -> Wrap:
    """Return the wrap-up of a session as it is now; raise NotFound."""
    summary = store.summary(ulid)
    if summary is None:
        raise NotFound(f"no such session: {ulid}")
    events = lineage.events(store, ulid, kinds=(Kind.WARN, Kind.ALERT))
    return wrap(summary, lineage.turns(store, ulid), events)


def keep(store: Store, root: Path, found: Wrap, encoded: Callable[[Wrap], bytes]) -> bool:
    """Write a session's wrap-up beside the store, whole or not at all; say whether it is there.

    What was erased since it was computed must not come back: it is computed again, and removed where
    it has changed. Raises StoreError.
    """
    directory = files.private_directory(files.private_directory(root) / WRAPS)
    files.write_private(directory / f"{found.session}.json", iter([encoded(found)]))
    with contextlib.suppress(NotFound):
        if of(store, found.session) == found:
            return True
    _forget(root, [found.session])
    return False


@contextlib.contextmanager
def erasing(root: Path, ulids: Collection[str]) -> Iterator[None]:
    """Erase something of sessions inside: what keeps their wrap-ups, which quote commands, goes.

    It goes before, as a kill in between must leave no quotation; and after, as such a session may have
    ended meanwhile.
    """
    _forget(root, ulids)
    yield
    _forget(root, ulids)


def _forget(root: Path, ulids: Collection[str]) -> None:
    for ulid in ulids:
        for name in (f"{ulid}.json", f"{ulid}.json{files.PART}"):  # the latter by a killed recorder
            with contextlib.suppress(OSError):
                (root / WRAPS / name).unlink(missing_ok=True)
