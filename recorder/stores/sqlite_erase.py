"""The statements that delete: whole sessions, single turns of one, a note or label made by mistake.

Everything here runs inside one write transaction of the caller. ``secure_delete`` overwrites what is
freed; the caller empties the log behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder import erasing
from recorder.model import Event, Kind, Moment
from recorder.stores import packs, segments, sqlite_bury, sqlite_index, sqlite_places
from recorder.stores import sqlite_names as names
from recorder.stores import sqlite_read as read
from recorder.stores import sqlite_rows as rows
from recorder.stores.sqlite_connect import fetch, fetch_one
from recorder.stores.sqlite_packs import unpacked
from recorder.stores.sqlite_seal import write_pack

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import apsw

    from recorder.model import Meta, Turn

_BY_NUMBER = ("event", "pack", "turn", "phrase")
_EVENT = (
    "SELECT id, kind, skew_ms, offset_ms, invocation, turn, text, meta FROM event"
    " WHERE id BETWEEN ? AND ? ORDER BY id"
)
_PACK = "SELECT id, last_seq, segment, facts, data FROM pack WHERE id BETWEEN ? AND ? ORDER BY id"


# --- sessions --------------------------------------------------------------------------------------


def deletable(db: apsw.Connection, ulids: Collection[str], dead: Collection[str]) -> dict[str, int] | None:
    """Return the ids of the sessions that are there, by ULID; None if one of them has to stay.

    That is so for one that has other children, or an open invocation that is not ``dead``.
    """
    keys: dict[str, int] = {}
    for ulid in ulids:
        for (key,) in fetch(db, "SELECT id FROM session WHERE ulid = ?", (ulid,)):
            keys[ulid] = key
    for ulid, key in keys.items():
        if any(child not in keys for child in names.children(db, ulid)) or not ended(db, key, dead):
            return None
    return keys


def ended(db: apsw.Connection, session: int, dead: Collection[str]) -> bool:
    """Say whether all invocations of a session have an end, or are ``dead`` (ULIDs)."""
    runs = fetch(db, "SELECT ulid FROM invocation WHERE session = ? AND ended_ms IS NULL", (session,))
    return all(run in dead for (run,) in runs)


def delete(db: apsw.Connection, keys: dict[str, int]) -> None:
    """Delete sessions (id by ULID) and everything that belongs to them."""
    db.execute(
        "INSERT INTO milestone VALUES (?, ?) ON CONFLICT (key)"
        " DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
        (names.HIGHEST, str(max(keys.values(), default=0))),
    )
    for ulid, key in keys.items():
        for table in _BY_NUMBER:
            db.execute(f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", rows.span(key))  # noqa: S608
        db.execute("DELETE FROM segment WHERE id BETWEEN ? AND ?", rows.span(key, rows.RAW_BITS))
        db.execute("DELETE FROM milestone WHERE value = ?", (ulid,))
        sqlite_places.leave(db, key)
        db.execute("DELETE FROM session WHERE id = ?", (key,))  # its other rows follow


# --- turns -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Scope:
    """Where to look for what goes: the kinds' names, the seqs, the segments that are rewritten.

    ``first`` is the seq after the prompt before the turn, ``since`` that of the turn's first event,
    ``last`` that of its last.
    """

    grave: erasing.Grave
    kinds: dict[int, str]
    hosts: frozenset[int]
    first: int
    since: int
    last: int

    def holds(self, fact: packs.Fact) -> bool:
        """Say whether an event may have to be changed, by what is known without its text."""
        if fact.turn in self.grave.turns:
            return True
        if self.kinds.get(fact.kind) == Kind.COMMAND:
            return fact.seq > self.since
        return fact.turn is None and self.first <= fact.seq <= self.last

    def left(self, fact: packs.Fact, text: packs.Text) -> packs.Text:
        """Return what stays of an event's text and meta."""
        meta = rows.load(text[1])
        kind = self.kinds.get(fact.kind, "")
        if erasing.goes(self.grave, kind, fact.turn, meta):
            return "", rows.dump(erasing.left(meta))
        if kind == Kind.COMMAND and fact.seq > self.since:
            return text[0], rows.dump(erasing.unanswered(meta))
        return text


def turn(db: apsw.Connection, session: int, ulid: str, number: int) -> bool:
    """Erase a turn and those inside it; say whether there was one.

    The rows keep their places: a seq, a raw offset, how it ended. Everything that quotes it goes, and
    so do our later answers to slash-commands, which may.
    """
    have = read.turns_of(db, session, ulid, None, None)
    if all(each.turn != number for each in have):
        return False
    (length,) = fetch_one(db, "SELECT raw_length FROM progress WHERE session = ?", (session,)) or (0,)
    grave = erasing.grave(have, number, length)
    scope = _scope(db, session, have, grave)
    _rows(db, session, scope)
    _packs(db, session, scope)
    if grave.end > grave.start:
        sqlite_bury.bury(db, session, ulid, grave.start, grave.end)
    db.executemany(
        "UPDATE turn SET command = '', prompt_text = NULL, cwd = NULL, flags = flags | ? WHERE id = ?",
        [(rows.ERASED, session << rows.SEQ_BITS | each) for each in grave.turns],
    )
    _drop_phrases(db, session)
    sqlite_index.forget(db, session)
    return True


def _scope(db: apsw.Connection, session: int, have: list[Turn], grave: erasing.Grave) -> _Scope:
    kinds: dict[int, str] = dict(fetch(db, "SELECT id, name FROM kind"))
    hosts = frozenset(sqlite_bury.chosen(db, session, grave.start, grave.end))
    first = since = last = 0
    for fact in _facts(db, session):
        if fact.turn in grave.turns:
            since = since or fact.seq
            last = fact.seq
        elif not since and kinds.get(fact.kind) == Kind.PROMPT:
            first = fact.seq + 1
    if have[-1].turn in grave.turns:
        last = (1 << rows.SEQ_BITS) - 1  # all that came since
    return _Scope(grave, kinds, hosts, first, since, last)


def _facts(db: apsw.Connection, session: int) -> Iterable[packs.Fact]:
    """Yield what is known of all events without their texts, in order."""
    for (blob,) in fetch(
        db, "SELECT facts FROM pack WHERE id BETWEEN ? AND ? ORDER BY id", rows.span(session)
    ):
        try:
            yield from packs.Pack(blob).facts
        except segments.Damaged:
            continue
    for row in fetch(db, _EVENT, rows.span(session)):
        yield packs.Fact(rows.low(row[0]), *row[1:6])


def _rows(db: apsw.Connection, session: int, scope: _Scope | _Remark) -> None:
    """Empty the events that are rows."""
    for row in fetch(db, _EVENT, rows.span(session)):
        fact = packs.Fact(rows.low(row[0]), *row[1:6])
        if scope.holds(fact):
            text, meta = scope.left(fact, (rows.readable(row[6]), rows.readable(row[7])))
            db.execute(
                "UPDATE event SET text = ?, meta = ? WHERE id = ?",
                (rows.storable(text), rows.storable(meta), row[0]),
            )


def _packs(db: apsw.Connection, session: int, scope: _Scope | _Remark) -> None:
    """Empty the events in packs; a pack behind bytes that are cut gets its texts for itself."""
    for row in fetch(db, _PACK, rows.span(session)):
        try:
            facts = packs.Pack(row[3]).facts
        except segments.Damaged:  # nobody can read its texts, and nobody shall
            if rows.low(row[0]) <= scope.last and row[1] >= scope.first:
                db.execute("UPDATE pack SET segment = NULL, data = ? WHERE id = ?", (b"", row[0]))
            continue
        if row[2] not in scope.hosts and not any(map(scope.holds, facts)):
            continue
        try:
            texts = unpacked(db, row)[1]
        except segments.Damaged:
            texts = [("", '{"damaged":true}')] * len(facts)
        db.execute("DELETE FROM pack WHERE id = ?", (row[0],))
        write_pack(
            db,
            session,
            [
                (fact, scope.left(fact, text) if scope.holds(fact) else text)
                for fact, text in zip(facts, texts, strict=True)
            ],
        )


def _drop_phrases(db: apsw.Connection, session: int) -> None:
    """Delete the phrases that no turn of the session says any more."""
    span = rows.span(session)
    db.execute(
        "DELETE FROM phrase WHERE id BETWEEN ? AND ? AND id NOT IN ("
        "SELECT ? | prompt_text FROM turn WHERE id BETWEEN ? AND ? AND prompt_text IS NOT NULL"
        " UNION SELECT ? | cwd FROM turn WHERE id BETWEEN ? AND ? AND cwd IS NOT NULL)",
        (*span, span[0], *span, span[0], *span),
    )


# --- remarks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Remark:
    """A remark and the command that made it."""

    seqs: frozenset[int]
    hosts: frozenset[int] = frozenset()

    @property
    def first(self) -> int:
        return min(self.seqs)

    @property
    def last(self) -> int:
        return max(self.seqs)

    def holds(self, fact: packs.Fact) -> bool:
        return fact.seq in self.seqs

    def left(self, _fact: packs.Fact, text: packs.Text) -> packs.Text:
        return "", rows.dump(erasing.left(rows.load(text[1])))


def remark(db: apsw.Connection, session: int, ulid: str) -> Event | None:
    """Empty the session's newest note or label, give the label back; return what it was."""
    events = _newest_first(db, session, Kind.MARK)
    found = next((each for each in events if erasing.is_remark(Kind.MARK, each[2])), None)
    if found is None:
        return None
    fact, text, meta = found
    commands = _newest_first(db, session, Kind.COMMAND)
    made = (each[0].seq for each in commands if erasing.made(each[1], text, meta))
    scope = _Remark(frozenset({fact.seq, next(made, fact.seq)}))
    _rows(db, session, scope)
    _packs(db, session, scope)
    sqlite_index.forget(db, session, scope.first)
    _give_back(db, meta, ulid)
    run = fetch_one(db, "SELECT ulid, started_ms FROM invocation WHERE id = ?", (fact.run,)) or (None, 0)
    return Event(
        session=ulid,
        seq=fact.seq,
        kind=Kind.MARK.value,
        at=Moment(fact.skew_ms + fact.offset_ms + run[1], fact.offset_ms),
        text=text,
        turn=fact.turn,
        invocation=run[0],
        meta=meta,
    )


def _give_back(db: apsw.Connection, meta: Meta, ulid: str) -> None:
    """Let the label of a mark that is taken back belong to whom it did before."""
    key = names.LABEL + str(meta.get("label"))
    owner = fetch_one(db, "SELECT value FROM milestone WHERE key = ?", (key,))
    back = erasing.label_back(meta, ulid, None if owner is None else owner[0])
    if back is None:
        return
    db.execute("DELETE FROM milestone WHERE key = ?", (key,))
    db.execute("INSERT INTO milestone SELECT ?, ulid FROM session WHERE ulid = ?", (key, back[1]))


def _newest_first(db: apsw.Connection, session: int, kind: Kind) -> Iterator[tuple[packs.Fact, str, Meta]]:
    """Yield the session's events of a kind, the newest first, with text and meta."""
    (wanted,) = fetch_one(db, "SELECT id FROM kind WHERE name = ?", (kind.value,)) or (None,)
    for row in reversed(fetch(db, _EVENT, rows.span(session))):
        if row[1] == wanted:
            fact = packs.Fact(rows.low(row[0]), *row[1:6])
            yield fact, rows.readable(row[6]), rows.load(rows.readable(row[7]))
    for row in reversed(fetch(db, _PACK, rows.span(session))):
        try:
            if all(fact.kind != wanted for fact in packs.Pack(row[3]).facts):
                continue
            pack, texts = unpacked(db, row)
        except segments.Damaged:
            continue
        for fact, (text, meta) in reversed(list(zip(pack.facts, texts, strict=True))):
            if fact.kind == wanted:
                yield fact, text, rows.load(meta)
