"""Reading the events that ``seal`` has moved into packs, as rows like those of the others.

Statements here run inside a read transaction of the caller.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import apsw

from recorder.stores import packs, segments
from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_connect import fetch, fetch_one

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = 128  # events; at 64 KiB of text each that is 8 MiB at most

_PACK = "SELECT id, last_seq, segment, facts, data FROM pack"


class Packs:
    """The events that ``seal`` has moved into packs; the pack read last is kept."""

    def __init__(self, db: apsw.Connection, session: int, kinds: Sequence[str]) -> None:
        self._db = db
        self._base, _past = rows.span(session)
        self._kinds = kinds
        self._names: dict[int, str] = {}
        self._runs: dict[int, tuple[str | None, int | None]] = {}
        self._key = self._last = 0
        self._facts: list[packs.Fact] = []
        self._texts: dict[int, packs.Text] | None = None

    def find(self, first: int, past: int) -> bool:
        """Find the pack that holds ``first``, or else the next one that begins up to ``past``."""
        if self._key <= first <= self._last:
            return True
        row = fetch_one(
            self._db,
            _PACK + " WHERE id BETWEEN ? AND ? AND last_seq >= ? ORDER BY id LIMIT 1",
            (self._base, past, first - self._base),
        )
        if row is not None:
            self._take(row)
        return row is not None

    def _take(self, row: Sequence[Any]) -> None:
        self._key = self._last = row[0]
        self._texts = None
        self._facts = []
        with suppress(segments.Damaged, TypeError):  # check misses its events
            self._last = self._base + row[1]
            self._facts = _pack(row[3]).facts

    def rows(self, first: int, past: int) -> tuple[list[tuple[Any, ...]], int]:
        """Return events of the pack found, as rows of ``_EVENT``, and the key up to which that is all."""
        wanted = self._wanted(first, past)
        if wanted and self._texts is None:
            self._texts = self._read()
            if self._texts is None:  # since we looked into it, others have put it into a larger one
                self._key = self._last = 0
                if self.find(first, past):
                    wanted, self._texts = self._wanted(first, past), self._read()
        texts = self._texts or {}
        found = [
            (
                self._base + fact.seq,
                self._name(fact.kind),
                fact.skew_ms,
                fact.offset_ms,
                *self._run(fact.run),
                fact.turn,
                *texts.get(fact.seq, ("", '{"damaged":true}')),
            )
            for fact in wanted[:PAGE]
        ]
        return found, found[-1][0] if len(wanted) > PAGE else self._last

    def _wanted(self, first: int, past: int) -> list[packs.Fact]:
        low, high = first - self._base, past - self._base
        return [fact for fact in self._facts if low <= fact.seq <= high and self._chosen(fact)]

    def last(self, first: int, past: int, count: int) -> list[int]:
        """Return the keys of the last ``count`` events, newest first."""
        keys: list[int] = []
        top = past
        while len(keys) < count:
            row = fetch_one(
                self._db,
                _PACK + " WHERE id BETWEEN ? AND ? AND last_seq >= ? ORDER BY id DESC LIMIT 1",
                (self._base, top, first - self._base),
            )
            if row is None:
                break
            self._take(row)
            top = self._key - 1
            known = [self._base + fact.seq for fact in self._facts if self._chosen(fact)]
            keys += [key for key in reversed(known) if first <= key <= past]
        return keys[:count]

    def _read(self) -> dict[int, packs.Text] | None:
        """Read the texts of the pack found, if it is there, as it is now: maybe longer than it was."""
        try:
            row = fetch_one(self._db, _PACK + " WHERE id = ?", (self._key,))
            if row is None:
                return None
            pack, texts = unpacked(self._db, row)
        except (segments.Damaged, apsw.CorruptError):
            return {}
        return {fact.seq: text for fact, text in zip(pack.facts, texts, strict=True)}

    def _chosen(self, fact: packs.Fact) -> bool:
        return not self._kinds or self._name(fact.kind) in self._kinds

    def _name(self, kind: int) -> str:
        if not self._names:
            self._names = dict(fetch(self._db, "SELECT id, name FROM kind"))
        return self._names.get(kind, "system")

    def _run(self, key: int | None) -> tuple[str | None, int | None]:
        """Return ULID and start of an invocation."""
        if key is None:
            return None, None
        if key not in self._runs:
            row = fetch_one(self._db, "SELECT ulid, started_ms FROM invocation WHERE id = ?", (key,))
            self._runs[key] = (None, None) if row is None else (row[0], row[1])
        return self._runs[key]


def unpacked(db: apsw.Connection, row: Sequence[Any]) -> tuple[packs.Pack, list[packs.Text]]:
    """Return the events of a row of ``_PACK``; raise Damaged."""
    _key, _last, segment, facts, data = row
    if segment is None:
        return _pack(facts), _texts(facts, data, 0, 0)
    host = fetch_one(db, "SELECT length, data FROM segment WHERE id = ?", (segment,))
    if host is None:
        raise segments.Damaged("its segment is gone")
    return _pack(facts), _texts(facts, host[1], host[0], rows.low(segment, rows.RAW_BITS))


# A pack is read several times in a row, of which nothing is known but its bytes: by a search, which looks
# into it first, and by the index, which takes a part of it each time.


@lru_cache(maxsize=1)
def _pack(facts: bytes) -> packs.Pack:
    return packs.Pack(facts)


@lru_cache(maxsize=1)
def _texts(facts: bytes, data: bytes, length: int, start: int) -> list[packs.Text]:
    """Read the texts behind ``length`` raw bytes that begin at ``start``; raise Damaged."""
    body = segments.unsqueeze(data)
    return _pack(facts).texts(body[:length], body[length:], start)
