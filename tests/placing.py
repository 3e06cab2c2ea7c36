"""A store that puts every session into a directory of its own, for tests that every back end passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import recorder.stores.directory  # noqa: F401  (not while a test waits)
from recorder.stores.rooted import Rooted
from recorder.stores.sqlite import SqliteStore


class InDirectories(Rooted):
    """Sessions go to ``base/ULID``; what is read says the ``directory`` that was asked for."""

    def __init__(self, path, base, **more):
        super().__init__(SqliteStore(path, **more))
        self.base = Path(base)
        self._said = {}

    def _placed_here(self, session):
        self._said.setdefault(session.ulid, session.directory)
        return replace(session, directory=str(self.base / session.ulid))

    def begin(self, session, run, label=None):
        self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
        return super().begin(self._placed_here(session), run, label)

    def switch(self, switch):
        session, moved = super().switch(replace(switch, into=self._placed_here(switch.into)))
        return replace(session, directory=self._said.get(session.ulid)), moved

    def _filled(self, found):
        shown = super()._filled(found)
        said = self._said.get(shown.session.ulid)
        return replace(shown, session=replace(shown.session, directory=said))


def placed(directory):
    """An empty one under ``directory``."""
    return InDirectories(directory / "store" / "rec.db", directory / "sessions")
