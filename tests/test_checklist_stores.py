"""What the systems that this project grew from could do, each by name, as a store promises it.

Two rows of the checklist: the SQLite session store and the session back-end trait. The other two are in
`test_checklist.py`. What can be said of every store is tested with each of them; at length it is in
`test_store_contract.py` and `test_sqlite_store.py`.
"""

from __future__ import annotations

from contextlib import closing

import apsw
import maker
import pytest
from blackbox import rec as call
from click.testing import CliRunner
from maker import GONE, Maker, now_ms

from recorder import identity, keeping, lineage, lookup, sessions
from recorder.cli import rec
from recorder.errors import StoreError
from recorder.model import EndReason, Kind, State
from recorder.store import Store
from recorder.stores import sqlite_schema
from recorder.stores.memory import MemoryStore
from recorder.stores.sqlite import SqliteStore

BACK_ENDS = [SqliteStore, MemoryStore]
DAY = 86_400_000


def run(*args):
    """One call inside this process: the command line, without its start."""
    return CliRunner().invoke(rec, list(args))


@pytest.fixture
def path(root):
    return root / "rec.db"


@pytest.fixture
def on_disk(root):
    with closing(maker.store_at(root)) as store:
        yield store


@pytest.fixture
def other(on_disk, path):
    """A connection beside the store's own, which sees what everybody does."""
    with closing(apsw.Connection(str(path))) as db:
        yield db


# --- the SQLite session store ----------------------------------------------------------------------


def test_sqlite_migrations_twice_are_once(on_disk, other):
    """SQLite session store: migrations twice = once."""
    Maker(on_disk).turn("select 1;", "1\n")
    ran = other.execute("SELECT * FROM migration ORDER BY version").fetchall()
    assert [row[0] for row in ran] == list(range(1, sqlite_schema.VERSION + 1))
    schema = other.execute("SELECT * FROM sqlite_schema").fetchall()
    assert [sqlite_schema.migrate(other) for _ in range(2)] == [0, 0]
    assert other.execute("SELECT * FROM migration ORDER BY version").fetchall() == ran
    assert other.execute("SELECT * FROM sqlite_schema").fetchall() == schema


def test_sqlite_wal_and_foreign_keys(on_disk, other):
    """SQLite session store: WAL, foreign keys."""
    assert other.pragma("journal_mode") == "wal"
    assert on_disk._db.pragma("foreign_keys") == 1
    with pytest.raises(apsw.ConstraintError, match="FOREIGN KEY"):
        on_disk._db.execute("INSERT INTO metadata VALUES (4711, 'key', 'value')")


def test_sqlite_seq_is_allocated_by_the_store(store):
    """SQLite session store: seq allocated by the store."""
    one, two = Maker(store, 1), Maker(store, 2)
    given = [each.event("mark", "x").seq for each in (one, two, one, one, two)]
    assert given == [1, 1, 2, 3, 2]
    assert [event.seq for event in store.append([one.draft("mark", "y"), one.draft("mark", "z")])] == [4, 5]


def test_sqlite_tail_in_ascending_order(store):
    """SQLite session store: tail in ascending order."""
    made = Maker(store)
    for number in range(1, 8):
        made.event("mark", str(number))
    assert [event.text for event in store.events(made.ulid, last=3)] == ["5", "6", "7"]
    child = Maker(store, 2, parent_ulid=made.ulid, fork_turn=0, fork_seq=6)
    child.event("mark", "8")
    assert [event.text for event in lineage.events(store, child.ulid, last=3)] == ["5", "6", "8"]


def test_sqlite_last_session(store):
    """SQLite session store: last session."""
    older, newer = (
        Maker(store, number, at_ms=now_ms() - age).end() for number, age in ((2, 9000), (1, 5000))
    )
    assert [each.session.ulid for each in store.summaries(limit=1)] == [newer.ulid]
    assert (lookup.session(store, "@1"), lookup.session(store, "-")) == (newer.ulid, newer.ulid)
    assert lookup.session(store, "-", current=newer.ulid) == older.ulid


def test_sqlite_ending_twice_keeps_the_first_end(store):
    """SQLite session store: ending twice keeps the first end."""
    made = Maker(store).end(3)
    first = store.summary(made.ulid).invocation
    assert not store.end_invocation(made.invocation, first.ended_ms + 5000, 0, EndReason.SIGNAL)
    assert store.summary(made.ulid).invocation == first
    assert (first.exit_status, first.end_reason) == (3, EndReason.EXIT)


def test_sqlite_kinds_are_checked_by_the_schema(on_disk, other):
    """SQLite session store: kinds checked by the schema."""
    Maker(on_disk)
    assert {name for (name,) in other.execute("SELECT name FROM kind")} == {kind.value for kind in Kind}
    row = "INSERT INTO event VALUES ((1 << 32) + 1, 99, 0, 0, NULL, NULL, 'x', '')"
    with pytest.raises(apsw.ConstraintError):
        on_disk._db.execute(row)


def test_sqlite_milestones_upsert(store):
    """SQLite session store: milestones upsert."""
    one, two = Maker(store, 1), Maker(store, 2)
    assert store.set_label("shop", one.ulid) is None
    assert store.set_label("shop", one.ulid) in {None, one.ulid}
    assert store.labels() == [("shop", one.ulid)]
    assert store.set_label("shop", two.ulid) == one.ulid
    assert store.labels() == [("shop", two.ulid)]


def test_sqlite_count_without_reading(on_disk, other, path):
    """SQLite session store: count without reading."""
    made = Maker(on_disk)
    for number in range(40):
        made.turn(f"select {number};", f"{number}\n" * 50)
    on_disk.seal(made.ulid)
    assert len(list(on_disk.events(made.ulid))) == 120
    for table in ("event", "pack"):
        other.execute(f"ALTER TABLE {table} RENAME TO hidden_{table}")
    with closing(SqliteStore(path, readonly=True)) as reader:
        assert reader.count(made.ulid) == 120
        with pytest.raises(StoreError):
            list(reader.events(made.ulid))


# --- the session back-end trait --------------------------------------------------------------------


def test_trait_two_back_ends_behind_one_protocol():
    """Session back-end trait: two back ends behind one protocol."""
    promised = {name for name in vars(Store) if not name.startswith("_")}
    assert promised > {"begin", "append", "drop_last", "summaries", "compact", "delete", "labels"}
    for back_end in BACK_ENDS:
        assert promised <= set(dir(back_end))
        assert {name for name in vars(back_end) if not name.startswith("_")} <= promised | {"stale"}


def test_trait_load_append_remove_last(store):
    """Session back-end trait: load, append, remove last."""
    made = Maker(store)
    made.turn("select 1;", "1\n")
    made.event("mark", "a slip", mark="note")
    assert [event.text for event in store.events(made.ulid)] == ["select 1;", "1\n", "", "a slip"]
    assert store.drop_last(made.ulid).text == "a slip"
    assert "a slip" not in [event.text for event in store.events(made.ulid)]
    assert made.event("mark", "behind it").seq == 5  # no seq is given twice
    made.event("mark", "kept", mark="note")
    assert [event.text for event in store.events(made.ulid, last=2)] == ["behind it", "kept"]


def test_trait_list_with_metadata(store):
    """Session back-end trait: list with metadata (name, created, last activity, count)."""
    made = Maker(store)
    created = made.at_ms
    made.turn("select 1;", "1\n")
    store.set_label("shop", made.ulid)
    (row,) = sessions.listing(store, sessions.Wanted(), identity.alive, now_ms())
    assert row.summary.labels == ("shop",)
    assert row.summary.session.created_ms == created
    assert (row.summary.last_event_ms, row.n_events) == (made.at_ms, 3)


def test_trait_compact(store):
    """Session back-end trait: compact."""
    made = Maker(store, owner=GONE)
    for number in range(20):
        made.turn(f"select {number};", f"{number}\n")
    made.end()

    def readable():
        raw = b"".join(chunk.data for chunk in store.raw(made.ulid))
        return list(store.events(made.ulid)), store.turns(made.ulid), raw, store.summary(made.ulid)

    before = readable()
    keeping.compact(store, identity.alive, lambda *_: None)
    assert readable() == before
    assert all(ok for _, ok, _ in store.check())


def test_trait_clean_up_stale_by_age(store, tmp_path):
    """Session back-end trait: clean up stale by age."""
    ages = [100, 31, 29, 0]
    made = [Maker(store, number, at_ms=now_ms() - days * DAY) for number, days in enumerate(ages, 1)]
    for each in made[:3]:
        each.event("mark", "something")
        each.end()
    gone = keeping.prune(store, tmp_path, keeping.Budget(30 * DAY, None), identity.alive, now_ms())
    assert gone == 2
    assert [row.session.ulid for row in store.summaries(archived=True)] == [made[3].ulid, made[2].ulid]


def test_trait_clean_up_stale_by_age_from_the_command_line(on_disk):
    """Session back-end trait: clean up stale by age, also what a recorder left that died."""
    Maker(on_disk, 1, at_ms=now_ms() - 40 * DAY).end()
    Maker(on_disk, 2, at_ms=now_ms() - 35 * DAY, owner=GONE)
    fresh = Maker(on_disk, 3).end()
    assert run("prune", "--older-than", "30d").stdout == "2 sessions deleted\n"
    assert [row.session.ulid for row in on_disk.summaries()] == [fresh.ulid]


def test_trait_delete(store):
    """Session back-end trait: delete."""
    one, two = Maker(store, 1).end(), Maker(store, 2).end()
    one.event("mark", "x")
    store.set_label("shop", one.ulid)
    assert store.delete([one.ulid])
    assert (store.summary(one.ulid), list(store.events(one.ulid)), store.labels()) == (None, [], [])
    assert store.summary(two.ulid) is not None


def test_trait_names(on_disk, root):
    """Session back-end trait: names; the store, a session's row, `rec labels` and Tab agree."""
    one, two = Maker(on_disk, 1), Maker(on_disk, 2)
    for label, made in (("shop", one), ("ünï", two), ("before migration", one)):
        on_disk.set_label(label, made.ulid)
    names = [("before migration", one.ulid), ("shop", one.ulid), ("ünï", two.ulid)]
    assert on_disk.labels() == names
    assert on_disk.summary(one.ulid).labels == ("before migration", "shop")
    assert [(each["label"], each["ulid"]) for each in call(["labels", "--json"], root).json()] == names
    offered = call(["--complete", "labels", ""], root).ok().stdout.splitlines()
    assert [line.split("\t")[0] for line in offered] == [label for label, _ulid in names]


def test_trait_running_and_stuck_sessions_with_turn_id(store):
    """Session back-end trait: running and stuck sessions with turn id."""
    idle, running, stuck, dead = (
        Maker(store, number, owner=GONE if number == 4 else None, at_ms=now_ms() - age)
        for number, age in ((1, 1000), (2, 60_000), (3, 3_600_000), (4, 3_600_000))
    )
    idle.turn("select 1;")
    for each in (running, stuck, dead):
        each.turn("select 1;")
        each.prompt("select pg_sleep(1000);")

    def found(**wanted):
        rows = sessions.listing(store, sessions.Wanted(**wanted), identity.alive, now_ms())
        return [(row.ulid, row.state, row.state_turn) for row in rows]

    assert found(running=True) == [(running.ulid, State.RUNNING, 2), (stuck.ulid, State.RUNNING, 2)]
    assert found(stuck_ms=600_000) == [(stuck.ulid, State.RUNNING, 2)]
    assert (idle.ulid, State.IDLE, None) in found()
    assert (dead.ulid, State.IDLE, None) in found()
