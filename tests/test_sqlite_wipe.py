"""What SQLite leaves of deleted rows in pages that are in use, and that it is overwritten."""

from __future__ import annotations

import json
import random
import signal
import time

import apsw
import faults
import pytest
from making import draft, ended, invocation, joined, prompt, session

from recorder.errors import StoreBusy
from recorder.model import EndReason, Kind
from recorder.stores import sqlite, sqlite_wipe
from recorder.stores.sqlite import SqliteStore
from recorder.stores.sqlite_wipe import wipe

SESSIONS = 300


@pytest.fixture
def path(tmp_path):
    return tmp_path / "root" / "rec.db"


def mark(number: int) -> bytes:
    return b"planted-%03d|" % number


def fill(store, rng) -> list[str]:
    """Many sessions whose rows come in turns, so that SQLite moves rows from page to page."""
    sessions = [session(number) for number in range(SESSIONS)]
    for number, each in enumerate(sessions):
        store.begin(each, invocation(each, 1000 + number))
        store.end_invocation(invocation(each, 1000 + number).ulid, 1, 0, EndReason.EXIT)
    for turn in range(1, 9):
        for number in rng.sample(range(SESSIONS), SESSIONS):
            text = mark(number).decode() * rng.choice([1, 2, 9, 40])
            each = sessions[number]
            store.append(
                [prompt(each, turn, text), draft(each, Kind.MARK, text), ended(each, turn, "", (0, 0))]
            )
            store.set_meta(each.ulid, f"key{turn}{text[:20]}", text)
            store.set_label(f"{text[:12]}{turn}", each.ulid)
    return [each.ulid for each in sessions]


def left(path, numbers) -> list[int]:
    data = b"".join(each.read_bytes() for each in path.parent.iterdir())
    return [number for number in numbers if mark(number) in data]


def test_secure_delete_alone_leaves_some_rows_and_a_wipe_none(path, monkeypatch):
    store = SqliteStore(path)
    ulids = fill(store, random.Random(1))
    gone = range(0, SESSIONS, 2)
    monkeypatch.setattr(sqlite, "wipe", lambda *_: None)
    assert store.delete([ulids[number] for number in gone])
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert left(path, gone) != []  # else none of this would be needed
    kept = [list(store.events(ulid)) for ulid in ulids]
    wipe(path, 1000)
    assert left(path, gone) == []
    assert left(path, range(1, SESSIONS, 2)) == list(range(1, SESSIONS, 2))
    assert [list(store.events(ulid)) for ulid in ulids] == kept
    assert all(ok for _, ok, _ in store.check())
    for number in range(1, SESSIONS, 2):  # nor do pages that this connection had read bring it back
        store.append([draft(ulids[number], Kind.MARK, f"{number} goes on")])
        store.set_meta(ulids[number], "key0", "between")
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert left(path, gone) == []
    store.close()


def test_a_page_in_doubt_is_left_alone():
    leaf = bytes([13, 0, 0, 0, 1, 3, 0xE8, 0, 3, 0xE8]) + b"x" * 1014  # one cell, at 1000
    assert sqlite_wipe._middle(leaf, 0) == (10, 1000)
    assert sqlite_wipe._middle(b"\x05" + leaf[1:], 0) == (14, 1000)
    for at, value in ((0, 0), (0, 7), (5, 0xFF), (3, 2), (8, 0)):
        wrong = bytearray(leaf)
        wrong[at] = value
        assert sqlite_wipe._middle(bytes(wrong), 0) == (0, 0), (at, value)


def test_recorders_go_on_while_it_wipes(path):
    SqliteStore(path).close()
    writers = [faults.start("write_for", path, number, 3) for number in range(1, 4)]
    end = time.monotonic() + 3
    done = 0
    while time.monotonic() < end:
        try:
            wipe(path, 500)
            done += 1
        except StoreBusy:
            pass
    answers = [json.loads(each.communicate(timeout=60)[0]) for each in writers]
    assert done > 0
    faults.all_kept(path, answers)


def test_a_reader_in_the_middle_is_waited_for_and_then_named(path):
    store = SqliteStore(path)
    fill(store, random.Random(2))
    reader = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM event").fetchall()
    store.append([draft(session(1), Kind.MARK, "a")])
    with pytest.raises(StoreBusy, match="could not wipe the store: others keep using it"):
        wipe(path, 50)
    store._busy_ms = 50
    with pytest.raises(StoreBusy, match="could not wipe the store"):
        store.delete([session(3).ulid])
    assert store.summary(session(3).ulid) is None
    assert left(path, [3]) == [3]
    store.seal(session(1).ulid)  # the next chance
    assert left(path, [3]) == [3]
    reader.execute("ROLLBACK")
    store.seal(session(1).ulid)
    assert left(path, [3]) == []
    reader.close()
    store.close()


def test_killed_while_wiping_the_store_is_whole(path, rng, rounds):
    store = SqliteStore(path)
    ulids = fill(store, rng)
    kept = [list(store.events(ulid)) for ulid in ulids[:5]]
    for _ in range(rounds(5, 50)):
        with faults.start("wipe_for_ever", path) as child:
            assert child.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0, 0.1))
            child.send_signal(signal.SIGKILL)
        assert store._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        store.append([draft(session(9), Kind.MARK, "on")])
    assert [list(store.events(ulid)) for ulid in ulids[:5]] == kept
    assert joined(store.raw(ulids[0])) == b""
    store.close()
