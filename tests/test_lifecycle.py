"""kill -9 while sessions live and are let go; upgrades, killed in the middle and under a live recorder."""

from __future__ import annotations

import json
import signal
import time
from hashlib import blake2b

import apsw
import faults
import lifecycle
import pytest
from making import T0, chunk, draft, invocation, joined, prompt, session, ulid
from version1 import Version1

from recorder.model import EndReason, Kind
from recorder.stores import files, sqlite_schema
from recorder.stores.sqlite import SqliteStore

# Of the first step's statements without comments and blanks. It made stores that are in use: a change
# belongs into a step of its own.
FIRST_STEP = "2dcd032bb36592e2"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "root" / "rec.db"


def whole(store):
    database = getattr(store, "_root", store)._db
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    findings = store.check()
    assert all(ok for _, ok, _ in findings), findings


# --- kills ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("back_end", lifecycle.OPENERS)
def test_killed_at_any_moment_nothing_is_half_there(path, rng, rounds, back_end):
    model = lifecycle.empty()
    seen, cut = set(), []
    for number in range(rounds(25, 200)):
        state = json.dumps(model)
        with faults.start("live_and_let_go", path, rng.randrange(1 << 30), state, back_end) as child:
            assert child.stdout.readline() == b"ready\n"
            said = b"".join(
                child.stdout.readline() for _ in range(rng.randrange(24))
            )  # a slow disk gets its time
            time.sleep(rng.uniform(0, 0.02))
            child.send_signal(signal.SIGKILL)
            said += child.stdout.read()
        assert child.returncode == -signal.SIGKILL
        tried = None
        for line in faults.told(said):
            word, op = line.split(" ", 1)
            op = json.loads(op)
            if word == "did":
                model, tried = lifecycle.apply(model, op), None
                seen.add(op[0])
            else:
                tried = op
        store = lifecycle.OPENERS[back_end](path)
        whole(store)
        after = model if tried is None else lifecycle.apply(model, tried)
        cut += [tried[0]] if tried else []
        found = lifecycle.snapshot(store, after["used"])
        expected = [{**each, "used": after["used"]} for each in (model, after)]
        assert found in expected, (number, tried)
        model = after if found == expected[1] else model
        store.close()
    print(f"done {sorted(seen)}, cut in {sorted(cut)}")
    assert {"turn", "begin", "erase", "compact", "delete"} <= seen
    assert cut


# --- upgrades ------------------------------------------------------------------------------------


def version1(path):
    """A store as version 1 makes it."""
    files.private_directory(path.parent)
    files.private_file(path)
    db = apsw.Connection(str(path))
    db.pragma("page_size", 1024)
    db.pragma("auto_vacuum", "incremental")
    assert db.pragma("journal_mode", "wal") == "wal"
    assert sqlite_schema.migrate(db, sqlite_schema.steps()[:1]) == 1
    db.close()


def test_the_first_step_is_what_it_was():
    sql = "".join(sqlite_schema.steps()[0][1].split())
    assert blake2b(sql.encode(), digest_size=8).hexdigest() == FIRST_STEP


def test_a_recorder_of_version_1_goes_on_while_the_store_is_upgraded(path):
    version1(path)
    old, other = Version1(path, ulid(1), ulid(1001)), Version1(path, ulid(2), ulid(1002))
    old.begin()
    old.record("echo 1", b"1\r\n")
    store = SqliteStore(path)
    assert sqlite_schema.version(store._db) == sqlite_schema.VERSION > 1
    mine = session(3)
    store.begin(mine, invocation(mine, 1003), "mine")
    other.begin()  # one of version 1 that was open and had written nothing yet
    for number in range(2, 30):
        old.record(f"echo {number}", b"%d\r\n" % number)
        other.record(f"echo other {number}", b"other %d\r\n" % number)
        store.append(
            [prompt(mine, number, f"mine {number}", number)], [chunk(invocation(mine, 1003), number, b"x")]
        )
        if number == 10:
            store.seal(mine.ulid)
            store.archive(mine.ulid, T0)
            store.wipe()
        if number == 20:
            assert store.erase(mine.ulid, 12)
            assert not store.delete([ulid(2)])
            store.compact(mine.ulid)
    old.end()
    other.end()
    for each, words in ((ulid(1), "echo {}"), (ulid(2), "echo other {}")):
        first = 1 if each == ulid(1) else 2
        assert [turn.command for turn in store.turns(each)] == [words.format(n) for n in range(first, 30)]
        assert store.summary(each).invocation.end_reason is EndReason.EXIT
    assert joined(store.raw(ulid(1))) == b"".join(b"%d\r\n" % number for number in range(1, 30))
    whole(store)
    store.seal(ulid(1))
    store.compact(ulid(2))
    assert store.delete([ulid(2)])
    assert joined(store.raw(ulid(1))) == b"".join(b"%d\r\n" % number for number in range(1, 30))
    whole(store)
    store.close()


def test_an_upgrade_that_is_killed_has_happened_or_not(path, rng, rounds):
    version1(path)
    old = Version1(path, ulid(1), ulid(1001))
    old.begin()
    old.record("echo 1", b"1\r\n")
    old.end()
    versions = []
    for _ in range(rounds(25, 200)):
        with faults.start("upgrade_for_ever", path) as child:
            assert child.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0, 0.1))
            child.send_signal(signal.SIGKILL)
            names = faults.told(child.stdout.read())
        if not names:
            continue
        last = path.with_name(names[-1].rpartition("/")[2])
        if last.stat().st_size == path.stat().st_size or last.with_name(last.name + "-wal").exists():
            db = apsw.Connection(str(last))
            versions.append(sqlite_schema.version(db))
            db.close()
        if last.stat().st_size < path.stat().st_size:
            continue  # not even copied
        store = SqliteStore(last)
        assert sqlite_schema.version(store._db) == sqlite_schema.VERSION
        assert [turn.command for turn in store.turns(ulid(1))] == ["echo 1"]
        store.append([draft(ulid(1), Kind.MARK, "a")])
        whole(store)
        store.close()
    assert set(versions) <= {1, sqlite_schema.VERSION}
    assert versions
