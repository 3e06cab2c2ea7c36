"""The SQLite back end beyond the contract: its file, its settings, its upgrades, real faults."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import apsw
import faults
import pytest
from making import T0, chunk, chunks, draft, ended, invocation, joined, prompt, session

from recorder.errors import (
    NotFound,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreMissing,
    StoreReadOnly,
)
from recorder.model import Kind
from recorder.stores import sqlite_connect, sqlite_pages, sqlite_schema
from recorder.stores.segments import (
    Damaged,
    pack_times,
    read_varints,
    squeeze,
    unpack_times,
    unsqueeze,
    unzigzag,
    varints,
    zigzag,
)
from recorder.stores.sqlite import SqliteStore

S = session(1)
I = invocation(S, 1001)  # noqa: E741
SOAK = os.environ.get("REC_SOAK") == "1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "root" / "rec.db"


@pytest.fixture
def store(path):
    made = SqliteStore(path)
    made.begin(S, I)
    yield made
    made.close()


def mode(path):
    return path.stat().st_mode & 0o777


def family(path):
    return [path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))]


# --- the file --------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_everything_on_disk_is_private_whatever_the_umask(tmp_path, umask):
    path = tmp_path / "a" / "b" / "rec.db"
    before = os.umask(umask)
    try:
        store = SqliteStore(path)
        store.begin(S, I)
        store.append([draft(S, Kind.MARK, "a")], [chunk(I, 0, b"x" * 100_000)])
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert [mode(each) for each in family(path)] == [0o600] * 3
    assert (mode(path.parent), mode(path.parent.parent)) == (0o700, 0o700)
    store.close()


def test_a_link_is_no_place_for_a_store(tmp_path, path):
    SqliteStore(path).close()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    target = elsewhere / "target"
    for where in (target, Path("/dev/zero"), tmp_path / "dangling"):
        link = elsewhere / "rec.db"
        link.symlink_to(where)
        for readonly in (False, True):
            with pytest.raises(StoreMissing, match="symbolic link"):
                SqliteStore(link, readonly=readonly)
        link.unlink()
    assert not target.exists()
    (tmp_path / "linked").symlink_to(path.parent)
    with pytest.raises(StoreMissing, match="symbolic link"):
        SqliteStore(tmp_path / "linked" / "rec.db")
    for suffix in ("-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + suffix)
        beside.symlink_to(target)
        with pytest.raises(StoreMissing, match="symbolic link"):
            SqliteStore(path)
        beside.unlink()
    assert not target.exists()


def test_what_is_no_file_is_refused_without_hanging(path):
    path.parent.mkdir(mode=0o700)
    os.mkfifo(path)
    with pytest.raises(StoreMissing, match="not a regular file"):
        SqliteStore(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreMissing, match="not a regular file"):
        SqliteStore(path)


def test_a_second_name_is_refused(tmp_path, path):
    SqliteStore(path).close()
    os.link(path, tmp_path / "other")
    for readonly in (False, True):
        with pytest.raises(StoreMissing, match="hard link") as raised:
            SqliteStore(path, readonly=readonly)
    assert raised.value.advice


@pytest.mark.parametrize("bits", [0o770, 0o707, 0o722])
def test_a_directory_that_others_may_write_is_refused(path, bits):
    path.parent.mkdir()
    path.parent.chmod(bits)
    with pytest.raises(StoreMissing, match="others may write") as raised:
        SqliteStore(path)
    assert "chmod 700" in raised.value.advice


def test_what_belongs_to_somebody_else_is_refused(path, monkeypatch):
    SqliteStore(path).close()
    if os.geteuid() == 0:
        os.chown(path, faults.NOBODY, faults.NOBODY)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(StoreMissing, match="belongs to another user"):
        SqliteStore(path)
    if os.geteuid() == 0:
        os.chown(path, 0, 0)
        os.chown(path.parent, faults.NOBODY, faults.NOBODY)
        with pytest.raises(StoreMissing, match="belongs to another user") as refused:
            SqliteStore(path)
        assert refused.value.advice == "name one of your own (--root, --session-dir)"


def test_a_store_that_was_never_made(path):
    with pytest.raises(StoreMissing):
        SqliteStore(path, readonly=True)
    assert not path.parent.exists()
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    with pytest.raises(StoreMissing, match="nothing was recorded yet"):
        SqliteStore(path, readonly=True)


def test_the_database_files_are_never_opened_by_path_beside_sqlite(tmp_path):
    """Closing such a descriptor would drop the locks of this process."""
    script = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parent.parent)]!r}
from pathlib import Path
from making import *
from recorder.stores.sqlite import SqliteStore
from recorder.model import Kind
opened = []
sys.addaudithook(lambda name, args: name in ("open", "os.open") and opened.append(str(args[0])))
path = Path({str(tmp_path / "root" / "rec.db")!r})
s = session(1); i = invocation(s, 1001)
first = SqliteStore(path)
made = opened.count(str(path))
opened.clear()
for store in (first, SqliteStore(path), SqliteStore(path, readonly=True)):
    if store.path and not store._readonly:
        store.begin(s, i)
        store.append([draft(s, Kind.MARK, "a")], [chunk(i, store.raw_length(s.ulid), b"x" * 9999)])
        store.seal(s.ulid)
    list(store.events(s.ulid)), list(store.raw(s.ulid)), store.check(), store.size_bytes()
    store.close()
print(made, [name for name in opened if "rec.db" in name])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1)[1].strip() == "[]"


# --- settings --------------------------------------------------------------------------------------


def test_settings_of_the_file_and_of_each_connection(store, path):
    for each in (store, SqliteStore(path), SqliteStore(path, readonly=True)):
        db = each._db
        assert db.pragma("journal_mode") == "wal"
        assert db.pragma("auto_vacuum") == 2
        assert db.pragma("secure_delete") == 1
        assert db.pragma("foreign_keys") == 1
        assert db.pragma("trusted_schema") == 0
        assert db.pragma("cell_size_check") == 1
        assert db.pragma("mmap_size") in (0, None)
        assert db.pragma("journal_size_limit") == 64 << 20
        assert db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, -1) == 1


def test_sqlite_is_one_without_the_wal_reset_bug():
    version = tuple(map(int, apsw.sqlite_lib_version().split(".")))
    assert version >= (3, 51, 3)


def test_commits_are_synced_when_asked(store, monkeypatch):
    asked = []
    real = store._db.pragma

    class Spy:
        def __init__(self, inner):
            self._inner = inner

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def pragma(self, name, *args):
            if name == "synchronous":
                asked.append(*args)
            return real(name, *args)

    monkeypatch.setattr(store, "_db", Spy(store._db))
    for durable in (False, True, True, False):
        store.append([draft(S, Kind.MARK, "a")], durable=durable)
    assert asked == ["full", "normal"]


def test_the_kinds_are_checked_by_the_schema(store):
    with pytest.raises(apsw.ConstraintError):
        store._db.execute("INSERT INTO event VALUES ((1 << 32) + 1, 99, 0, 0, NULL, NULL, 'x', '')")
    names = [row[0] for row in store._db.execute("SELECT name FROM kind")]
    assert sorted(names) == sorted(Kind)


def test_kinds_of_a_newer_version_are_kept_and_read(store, path):
    store.append([draft(S, Kind.MARK, "a")])
    store._db.execute("INSERT INTO kind VALUES (8, 'hologram')")
    store._db.execute("INSERT INTO event VALUES ((1 << 32) + 2, 8, 0, 0, NULL, NULL, 'new', '{\"x\":1}')")
    store._db.execute("UPDATE progress SET last_seq = 2, n_events = 2")
    other = SqliteStore(path)
    assert [(event.kind, event.text) for event in other.events(S.ulid)] == [
        ("mark", "a"),
        ("hologram", "new"),
    ]
    assert [event.seq for event in other.append([draft(S, Kind.MARK, "b")])] == [3]
    assert all(ok for _, ok, _ in other.check())
    other.close()


# --- upgrades --------------------------------------------------------------------------------------

MORE = ("add", "CREATE TABLE later (a); INSERT INTO later VALUES (1)")


def test_upgrading_twice_is_upgrading_once(store):
    db = store._db
    todo = [*sqlite_schema.steps(), MORE]
    assert [sqlite_schema.migrate(db, todo) for _ in range(3)] == [1, 0, 0]
    assert db.execute("SELECT count(*) FROM later").fetchone() == (1,)
    ran = db.execute("SELECT version, name FROM migration ORDER BY version").fetchall()
    assert ran == [*enumerate([name for name, _sql in todo], 1)]
    assert sqlite_schema.version(db) == len(todo)


def test_a_step_that_fails_leaves_the_old_schema(store):
    db = store._db
    todo = [*sqlite_schema.steps(), ("bad", "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)")]
    with pytest.raises(apsw.SQLError):
        sqlite_schema.migrate(db, todo)
    assert sqlite_schema.version(db) == sqlite_schema.VERSION
    assert not db.table_exists(None, "half")
    assert db.execute("SELECT count(*) FROM migration").fetchone() == (sqlite_schema.VERSION,)
    store.append([draft(S, Kind.MARK, "still works")])


def test_versions_are_as_many_as_there_are_steps():
    assert len(sqlite_schema.steps()) == sqlite_schema.VERSION


def test_every_column_has_a_comment_or_explains_itself():
    text = Path(sqlite_schema.__file__).with_name("schema.sql").read_text()
    tables = re.findall(r"CREATE TABLE \w+ \(.*?\n\)", text, re.DOTALL)
    assert len(tables) == 12
    assert all(re.search(r"-- .*", table.splitlines()[0]) for table in tables)
    assert "Version history" in text


def test_a_newer_schema_can_be_read_and_says_why_it_cannot_be_written(store, path):
    store.append([draft(S, Kind.MARK, "a")])
    store._db.pragma("user_version", 99)
    with pytest.raises(StoreReadOnly, match="version 99, newer than ours") as raised:
        SqliteStore(path)
    assert "upgrade" in raised.value.advice
    reader = SqliteStore(path, readonly=True)
    assert [event.text for event in reader.events(S.ulid)] == ["a"]
    reader.close()
    assert store.append([draft(S, Kind.MARK, "one that was open goes on")])


def test_many_processes_make_the_store_at_once(path):
    children = [faults.start("write_for", path, number, 0.2) for number in range(1, 9)]
    answers = [json.loads(child.communicate(timeout=60)[0]) for child in children]
    assert [answer["errors"] for answer in answers] == [[]] * 8
    store = SqliteStore(path)
    assert len(store.summaries()) == 8
    assert all(ok for _, ok, _ in store.check())
    store.close()


# --- locks, disks, users ---------------------------------------------------------------------------


def test_a_locked_store_is_busy_and_can_be_read(store, path):
    store.append([draft(S, Kind.MARK, "a")])
    lock = apsw.Connection(str(path))
    lock.execute("BEGIN EXCLUSIVE")
    other = SqliteStore(path, busy_ms=1)
    with pytest.raises(StoreBusy, match="another process has locked it"):
        other.append([draft(S, Kind.MARK, "b")])
    assert [event.text for event in other.events(S.ulid)] == ["a"]
    lock.execute("ROLLBACK")
    other.append([draft(S, Kind.MARK, "b")])
    assert [event.text for event in store.events(S.ulid)] == ["a", "b"]
    other.close()


def test_a_failed_append_leaves_nothing(store):
    store.append([draft(S, Kind.MARK, "a")], [chunk(I, 0, b"abc")])
    db = store._db
    db.execute("CREATE TEMP TRIGGER no BEFORE UPDATE ON progress BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(StoreError):
        store.append([prompt(S, 1, "b")], [chunk(I, 3, b"def")])
    db.execute("DROP TRIGGER no")
    assert [event.text for event in store.events(S.ulid)] == ["a"]
    assert (store.raw_length(S.ulid), store.turns(S.ulid)) == (3, [])
    store.append([prompt(S, 1, "b")], [chunk(I, 3, b"def")])
    assert all(ok for _, ok, _ in store.check())


def test_an_unprivileged_user_may_read_what_may_not_be_written():
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    path = base / "root" / "rec.db"
    store = SqliteStore(path)
    store.begin(S, I)
    store.append([draft(S, Kind.MARK, "a")])
    store.close()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    for each in (path, path.parent):
        faults.give_to_nobody(each)

    def work():
        answers = []
        for readonly in (False, True):
            try:
                opened = SqliteStore(path, readonly=readonly)
                answers.append([opened.stale, [event.text for event in opened.events(S.ulid)]])
            except StoreError as error:
                answers.append([type(error).__name__, error.message])
        return answers

    writing, reading = faults.as_nobody(work)
    assert writing[0] == "StoreReadOnly"
    assert reading == [True, ["a"]]

    def make():
        try:
            SqliteStore(path.parent / "deep" / "rec.db")
        except StoreError as error:
            return type(error).__name__
        return "made"

    assert faults.as_nobody(make) == "StoreReadOnly"
    path.parent.chmod(0o700)
    shutil.rmtree(base)


def test_a_file_size_limit_is_a_full_disk(tmp_path):
    script = f"""
import resource, sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parent.parent)]!r}
import os
from pathlib import Path
from making import *
from recorder.stores.sqlite import SqliteStore
from recorder.errors import StoreError
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
s = session(1); i = invocation(s, 1001)
store = SqliteStore(Path({str(tmp_path / "root" / "rec.db")!r}))
store.begin(s, i)
try:
    for n in range(100):
        store.append([], [chunk(i, n * 50_000, os.urandom(50_000))])
except StoreError as error:
    print(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "StoreFull"


def test_a_disk_that_fills_up_and_is_freed(tmp_path):
    told = faults.on_small_disk("4M", "fill", str(tmp_path / "disk"))
    suspended, resumed = told["told"]
    advice = "make room on that disk; then recording goes on by itself"
    assert suspended == f"recording suspended: the store: no space left; {advice}"
    assert re.fullmatch(r"recording resumed after [0-9.]+ s: nothing is lost", resumed)
    marks = [text for kind, text in told["kinds"] if kind == "mark"]
    assert (marks[0], marks[-1]) == ("before", "while full")
    (alert,) = [text for kind, text in told["kinds"] if kind == "alert"]
    assert "no space left; nothing is lost" in alert
    assert told["raw"][0] == told["raw"][1]
    assert all(ok for _, ok, _ in told["check"])
    assert told["closing"] == ["None", None]
    assert told["reading"] in ([False, True], [True, True])


def test_a_disk_that_is_full_from_the_start(tmp_path):
    writing, making, reading = faults.on_small_disk("4M", "full_from_the_start", str(tmp_path / "disk"))
    assert (writing, making) == ("StoreFull", "StoreFull")
    assert reading == [True, ["kept"]]


def test_a_deleted_file_is_noticed(store, path):
    store.append([draft(S, Kind.MARK, "a")])
    for each in family(path):
        each.unlink()
    with pytest.raises(StoreMissing, match="is gone"):
        store.append([draft(S, Kind.MARK, "b")])
    SqliteStore(path).close()
    with pytest.raises(StoreMissing, match="another file now"):
        store.append([draft(S, Kind.MARK, "b")])


# --- damage ----------------------------------------------------------------------------------------


def several(path, count=4):
    """A store with some sessions, each with turns and some 100 KB of bytes; return it and their bytes."""
    store = SqliteStore(path)
    kept = {}
    for number in range(1, count + 1):
        s = session(number)
        i = invocation(s, 1000 + number)
        store.begin(s, i)
        data = b"".join(b"%d: line %06d of the output\r\n" % (number, n) for n in range(4000))
        at = 0
        for part in chunks(i, data, [9000] * 8):
            turn = at // 9000 + 1
            text = part.data.decode().replace("\r\n", "\n")
            end = at + len(part.data)
            store.append([prompt(s, turn, f"cmd {turn}", at), ended(s, turn, text, (at, end))], [part])
            at = end
        store.seal(s.ulid)
        kept[s.ulid] = data
    return store, kept


def test_what_is_no_database_is_damaged(path):
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"this is a letter, and no database " * 100)
    path.chmod(0o600)
    for readonly in (False, True):
        with pytest.raises(StoreDamaged):
            SqliteStore(path, readonly=readonly)


def test_flipped_bytes_are_named_and_do_not_hide_the_others(path):
    store, kept = several(path)
    names = sorted(kept)
    for nth, column in enumerate(["data", "times"]):
        row = store._db.execute(
            f"SELECT id, {column} FROM segment WHERE id >= ? << 40 LIMIT 1", (nth + 1,)
        ).fetchone()
        blob = bytearray(row[1])
        blob[len(blob) // 2] ^= 0x10
        store._db.execute(f"UPDATE segment SET {column} = ? WHERE id = ?", (bytes(blob), row[0]))
    findings = store.check()
    bad = [detail for _, ok, detail in findings if not ok]
    assert any(names[0] in detail for detail in bad)
    assert not any(names[2] in detail or names[3] in detail for detail in bad)
    assert list(store.raw(names[0])) == []
    for name in names[2:]:
        assert joined(store.raw(name)) == kept[name]
    events = list(store.events(names[0]))
    assert len(events) == store.count(names[0])
    assert all(event.meta == {"damaged": True} for event in events if event.kind == "output")
    store.close()


def test_every_change_of_stored_bytes_is_found(store):
    """The chain: alter, swap, delete a segment."""
    data = b"".join(b"%06d\n" % n for n in range(60_000))
    for at in range(0, len(data), 70_000):
        store.append([], [chunk(I, at, data[at : at + 70_000], at=at)])
    assert all(ok for _, ok, _ in store.check())
    ids = [row[0] for row in store._db.execute("SELECT id FROM segment ORDER BY id")]
    saved = store._db.execute("SELECT * FROM segment ORDER BY id").fetchall()

    def restore():
        store._db.execute("DELETE FROM segment")
        store._db.executemany("INSERT INTO segment VALUES (?,?,?,?,?,?,?,?,?,?,?)", saved)

    def raw_findings():
        return [detail for name, ok, detail in store.check() if name == "raw bytes" and not ok]

    altered = bytearray(data[140_000:210_000])
    altered[5] ^= 1
    store._db.execute("UPDATE segment SET data = ? WHERE id = ?", (squeeze(bytes(altered)), ids[2]))
    assert "bytes 140000 to 210000 are not those that were written" in raw_findings()[0]
    restore()
    store._db.execute("UPDATE segment SET data = ? WHERE id = ?", (saved[3][-1], ids[1]))
    assert "bytes 70000 to 140000" in raw_findings()[0]
    restore()
    store._db.execute("DELETE FROM segment WHERE id = ?", (ids[2],))
    assert "bytes 140000 to 210000 are missing" in raw_findings()[0]
    restore()
    store._db.execute("DELETE FROM segment WHERE id = ?", (ids[-1],))
    assert "on are missing" in raw_findings()[0]
    restore()
    assert raw_findings() == []


@pytest.mark.parametrize("again", [False, True])
def test_a_change_behind_an_erased_turn_is_found(store, again):
    db = store._db
    data = random.Random(5).randbytes(300_000)
    for at in range(0, len(data), 20_000):
        store.append(
            [prompt(S, at // 20_000 + 1, "x", at), ended(S, at // 20_000 + 1, "", (at, at + 20_000))],
            [chunk(I, at, data[at : at + 20_000])],
        )
    assert store.erase(S.ulid, 2)  # bytes 20,000 to 40,000: the rest of their block has a hash of its own
    if again:
        store.seal(S.ulid)
        assert store.erase(S.ulid, 7)  # in the segment in which the old hash went on
    assert all(ok for _, ok, _ in store.check())
    for (key,) in db.execute("SELECT id FROM segment WHERE length(data) > 1").fetchall():
        length, old = db.execute("SELECT length, data FROM segment WHERE id = ?", (key,)).fetchone()
        body = bytearray(unsqueeze(old))
        body[length // 2] ^= 1
        db.execute("UPDATE segment SET data = ? WHERE id = ?", (squeeze(bytes(body)), key))
        named = [detail for name, ok, detail in store.check() if not ok and name == "raw bytes"]
        start = key & (1 << 40) - 1
        assert f"bytes {start} to {start + length} are not those that were written" in named[0]
        db.execute("UPDATE segment SET data = ? WHERE id = ?", (old, key))
    db.execute("UPDATE segment SET data = ? WHERE length(data) = 1", (squeeze(b"back"),))
    assert any("are said to be erased, and are not" in detail for _, ok, detail in store.check() if not ok)


def test_compacting_merges_what_was_left_small_and_rebuilds_turns(store):
    db = store._db
    data = random.Random(5).randbytes(300_000)
    for at in range(0, len(data), 3_000):
        store.append(
            [prompt(S, at // 3_000 + 1, "x", at), ended(S, at // 3_000 + 1, "", (at, at + 3_000))],
            [chunk(I, at, data[at : at + 3_000])],
        )
    turns = store.turns(S.ulid)
    db.execute("UPDATE turn SET command = 'wrong', cwd = 77 WHERE id % 3 = 0")
    db.execute("DELETE FROM turn WHERE id % 5 = 0")
    db.execute("DELETE FROM phrase")
    assert [ok for name, ok, _ in store.check() if name == "turns"] == [False]
    assert store.compact(S.ulid) == 99
    assert store.turns(S.ulid) == turns
    assert all(ok for _, ok, _ in store.check()), store.check()
    assert joined(store.raw(S.ulid)) == data


def test_a_pack_that_was_looked_into_may_have_gone_into_a_larger_one(store):
    at = 0
    for turn in range(1, 9):
        text = f"{turn}: {random.Random(turn).randbytes(60_000).hex()}\n"
        data = text.replace("\n", "\r\n").encode()
        store.append(
            [prompt(S, turn, f"{turn}", at), ended(S, turn, text, (at, at + len(data)))],
            chunks(I, data, [50_000], start=at),
        )
        at += len(data)
        store.seal(S.ulid)
    before = list(store.events(S.ulid))
    packs = store._db.execute("SELECT count(*) FROM pack").fetchone()[0]
    source = sqlite_pages.Events(store._db, store._id(S.ulid), S.ulid, (1, 16), ())
    source.keep_last(3)
    assert store.compact(S.ulid) > 0
    assert store._db.execute("SELECT count(*) FROM pack").fetchone()[0] < packs
    got = []
    while page := source.page():
        got += page
    assert got == before[-3:]


def test_nobody_writes_into_a_session_that_has_taken_the_place_of_a_deleted_one(store, path):
    gone = session(2)
    store.begin(gone, invocation(gone, 1002))
    store.append([draft(gone, Kind.MARK, "a")])  # now this connection knows its id
    other = SqliteStore(path)
    assert other.delete([gone.ulid], dead=[invocation(gone, 1002).ulid])
    for number in (3, 4):
        fresh = session(number)
        other.begin(fresh, invocation(fresh, 1000 + number))
        with pytest.raises(NotFound):
            store.append([draft(gone, Kind.MARK, "too late")])
        assert other.count(fresh.ulid) == 0
        assert other.delete([fresh.ulid], dead=[invocation(fresh, 1000 + number).ulid])
    assert other.labels() == []
    other.close()


def test_recording_goes_on_behind_damage(store, path):
    store.append([], [chunk(I, 0, b"a" * 1000)])
    store._db.execute("UPDATE segment SET data = x'01aa'")
    other = SqliteStore(path)
    other.append([], [chunk(I, 1000, b"b" * 1000)])
    other.seal(S.ulid)
    assert [(each.start, each.data) for each in other.raw(S.ulid)] == [(1000, b"b" * 1000)]
    (finding,) = [detail for name, ok, detail in other.check() if name == "raw bytes"]
    assert "bytes 0 to 1000 are damaged" in finding
    other.close()


def test_sealing_joins_nothing_across_a_change_or_a_loss(store, path):
    for at in range(0, 5000, 1000):
        store.append([], [chunk(I, at, bytes([65 + at // 1000]) * 1000)])
    first = 1 << 40
    altered = squeeze(b"X" * 1000)
    store._db.execute("UPDATE segment SET data = ? WHERE id = ?", (altered, first + 4000))
    other = SqliteStore(path)  # it finds that the hash does not fit, and starts anew
    other.append([], [chunk(I, 5000, b"F" * 1000)])
    other._db.execute("DELETE FROM segment WHERE id = ?", (first + 2000,))
    other.seal(S.ulid)
    whole = b"".join(each.data for each in other.raw(S.ulid))
    assert whole == b"A" * 1000 + b"B" * 1000 + b"D" * 1000 + b"X" * 1000 + b"F" * 1000
    assert other._db.execute("SELECT id & 65535 FROM segment ORDER BY id").fetchall() == [
        (0,),
        (3000,),
        (5000,),
    ]
    (finding,) = [detail for name, ok, detail in other.check() if name == "raw bytes"]
    assert "bytes 2000 to 3000 are missing" in finding
    other.close()


def test_each_text_goes_behind_the_bytes_it_came_from(path):
    """Else nothing would be gained: these lines repeat nothing but themselves."""
    store = SqliteStore(path)
    store.begin(S, I)
    noise = random.Random(2)
    at = 1_000_000
    store.append([], [chunk(I, 0, noise.randbytes(at // 2).hex().encode())])
    for n in range(15):
        lines = [noise.randbytes(60).hex() for _ in range(400)]
        raw = "\r\n".join([*lines, ""]).encode()
        end = at + len(raw)
        store.append([ended(S, 1, "\n".join([*lines, ""]), (at, end))], [chunk(I, at, raw, at=n)])
        at = end
    store.seal(S.ulid)
    assert 1 << 20 < at < 2 << 20
    stored = store._db.execute("SELECT sum(length(data)) FROM segment").fetchone()[0]
    packed = store._db.execute("SELECT coalesce(sum(length(data)), 0) FROM pack").fetchone()[0]
    assert stored + packed < at * 0.55 * 1.1  # hexadecimal digits are half a byte each
    store.close()


def test_a_damaged_page_does_not_hide_the_rest(path):
    store, kept = several(path, 3)
    names = sorted(kept)
    for name in names:
        store.append([draft(name, Kind.MARK, f"a mark of some length, number {n}") for n in range(100)])
    first_leaf = "SELECT pageno FROM dbstat WHERE name = 'event' AND pagetype = 'leaf' ORDER BY path LIMIT 1"
    page = store._db.execute(first_leaf).fetchone()[0]
    size = store._db.pragma("page_size")
    store.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(os.urandom(size))
    store = SqliteStore(path)
    findings = store.check()
    assert ("pages", False) in [(name, ok) for name, ok, _ in findings]
    assert any(names[0] in detail for _, ok, detail in findings if not ok)
    read = {name: sum(1 for _ in store.events(name)) for name in names}
    assert 50 < read[names[0]] < store.count(names[0])
    assert read[names[2]] == store.count(names[2])
    assert joined(store.raw(names[0])) == kept[names[0]]
    store.close()


@pytest.mark.parametrize("facts", [b"", b"\x01?", "text", 7, b"\x00\x05"])
@pytest.mark.parametrize("last", [None, 10**9, 0, -5, "x"])
def test_a_damaged_pack_hides_no_other_session(path, facts, last):
    store, _ = several(path, 2)
    first, second = sorted(store._db.execute("SELECT ulid FROM session"))
    store.append([draft(first[0], Kind.MARK, "later")])
    (key,) = store._db.execute("SELECT id FROM pack ORDER BY id LIMIT 1").fetchone()
    store._db.execute("UPDATE pack SET facts = ? WHERE id = ?", (facts, key))
    if last is not None:
        store._db.execute("UPDATE pack SET last_seq = ? WHERE id = ?", (last, key))
    list(store.events(first[0]))
    assert len(list(store.events(second[0]))) == store.count(second[0])
    bad = [detail for _, ok, detail in store.check() if not ok]
    assert any(first[0] in detail for detail in bad)
    assert not any(second[0] in detail for detail in bad)
    store.close()


def test_random_damage_ends_in_an_answer(path, rng, rounds):
    """Whatever is damaged: a StoreError or data, and bytes that are returned are the right ones."""
    store, kept = several(path, 3)
    store.close()
    whole = path.read_bytes()
    wrong = []
    for _ in range(rounds(40, 300)):
        data = bytearray(whole)
        size = rng.choice([1, 16, 1024])
        at = rng.randrange(100, len(data) - size)
        data[at : at + size] = rng.randbytes(size)
        path.write_bytes(data)
        try:
            store = SqliteStore(path, readonly=True)
        except StoreError:
            continue
        try:
            named = "\n".join(detail for _, ok, detail in store.check() if not ok)
            for name, wanted in kept.items():
                list(store.events(name))
                found = b"".join(each.data for each in store.raw(name))
                if found != wanted and not named:
                    wrong.append((at, size, name))
            store.summaries()
            store.turns()
        except StoreError:
            pass
        finally:
            store.close()
    assert wrong == []


def test_hostile_blobs_are_damaged_and_nothing_worse():
    for blob in (b"", b"\x02x", b"\x01", b"\x01" + b"\x28\xb5\x2f\xfd", squeeze(b"a" * 999)[:-1]):
        with pytest.raises(Damaged):
            unsqueeze(blob)
    with pytest.raises(Damaged):
        list(read_varints(b"\x80"))
    from making import moment

    for even, steps in (
        ([], []),
        ([8, 1], [0]),
        ([4, 5, 0], [0]),
        ([4, 4], [0]),
        ([4, 5], [0, 0]),
        ([5, 5], [0]),
    ):
        head = squeeze(varints(even))
        with pytest.raises(Damaged):
            unpack_times(varints([len(head)]) + head + squeeze(varints(steps)), moment(), 5)
    for blob in (b"", b"\x05", b"\xff", b"\x02\x00\x04"):
        with pytest.raises(Damaged):
            unpack_times(blob, moment(), 5)
    assert unpack_times(pack_times([(5, 3, 5)]), moment(), 5) == [(T0, 0, 5)]
    for number in (0, 1, -1, 127, -128, 1 << 40, -(1 << 40)):
        assert unzigzag(zigzag(number)) == number
        assert list(read_varints(varints([zigzag(number), 7]))) == [zigzag(number), 7]


# --- crashes ---------------------------------------------------------------------------------------


def test_killed_at_any_moment_nothing_acknowledged_is_missing(path, rng, rounds):
    seq = at = 0
    for number in range(rounds(25, 200)):
        if number % 25 == 0:
            seq = at = 0
            path = path.with_name(f"rec{number}.db")
        with faults.start("record_for_ever", path, number) as child:
            assert child.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0, 0.25))
            child.send_signal(signal.SIGKILL)
            told = faults.told(child.stdout.read())
        if told:
            seq, at = (max(*each) for each in zip((seq, at), map(int, told[-1].split()), strict=True))
        store = SqliteStore(path)
        newest = [event.seq for event in store.events(S.ulid)]
        assert newest == list(range(1, len(newest) + 1))
        assert len(newest) >= seq
        length = store.raw_length(S.ulid)
        assert length >= at
        assert joined(store.raw(S.ulid)) == faults.pattern(0, length)
        findings = store.check()
        assert all(ok for _, ok, _ in findings), findings
        store.close()
        seq, at = len(newest), length
    assert seq > 0


@pytest.mark.rounds
def test_many_recorders_write_into_one_store(path):
    seconds = 60 if SOAK else 5
    SqliteStore(path).close()
    children = [faults.start("write_for", path, number, seconds) for number in range(1, 51)]
    answers = [json.loads(child.communicate(timeout=seconds + 120)[0]) for child in children]
    faults.all_kept(path, answers)


@pytest.mark.parametrize("every", [1, 7, 50])
def test_lost_power_takes_only_what_was_not_synced(tmp_path, every):
    (tmp_path / "a").mkdir(mode=0o700)
    target = tmp_path / "b"
    child = faults.start("lose_power", tmp_path / "a", target, every)
    told = json.loads(child.communicate(timeout=60)[0])
    store = SqliteStore(target / "rec.db")
    assert store.count(S.ulid) >= told["seq"] > 0
    length = store.raw_length(S.ulid)
    assert told["raw"] <= length <= told["written"]
    assert joined(store.raw(S.ulid)) == faults.pattern(0, length)
    findings = store.check()
    assert all(ok for _, ok, _ in findings), findings
    store.append([draft(S, Kind.MARK, "goes on")], [chunk(I, length, b"x")])
    store.close()


# --- size and speed, as far as they are facts and no durations -----------------------------------------


def test_a_list_takes_the_same_few_statements_however_long_it_is(path):
    store = SqliteStore(path)
    for number in range(1, 301):
        s = session(number)
        store.begin(s, invocation(s, 1000 + number))
        if number % 10 == 0:
            store.set_label(f"label {number}", s.ulid)
    counted = []
    store._db.trace_v2(apsw.SQLITE_TRACE_STMT, lambda fact: counted.append(fact["sql"]))
    assert len(store.summaries()) == 300
    assert len(store.summaries(limit=50)) == 50
    store._db.trace_v2(0, None)
    assert len(counted) == 4
    plan = store._db.execute(
        "EXPLAIN QUERY PLAN " + sqlite_plan(), {"archived": False, "tool": None, "host": None, "limit": 50}
    ).fetchall()
    assert not any("TEMP B-TREE" in row[-1] for row in plan)
    store.close()


def sqlite_plan():
    from recorder.stores import sqlite_rows

    return sqlite_rows.SUMMARIES + " WHERE :archived IS NOT NULL ORDER BY s.ulid DESC LIMIT :limit"


def test_text_behind_its_bytes_costs_little(path):
    """Sealed: the bytes, their times and the texts together take less than the text alone would plain."""
    store, kept = several(path, 1)
    ((ulid, data),) = kept.items()
    stored = store._db.execute("SELECT sum(length(data) + length(times)) FROM segment").fetchone()[0]
    assert stored < len(data) / 8
    left = store._db.execute("SELECT count(*) FROM event").fetchone()[0]
    packed = store._db.execute("SELECT sum(length(facts)) FROM pack").fetchone()[0]
    assert not left
    assert packed < 12 * store.count(ulid)
    assert sum(len(event.text) for event in store.events(ulid)) > len(data) * 0.9
    store.close()


def test_what_is_freed_is_given_back(path):
    store = SqliteStore(path)
    store.begin(S, I)
    noise = random.Random(1)
    for n in range(400):
        text = noise.randbytes(300).hex()
        at = n * 602
        raw = (text + "\r\n").encode()
        store.append([ended(S, 1, text + "\n", (at, at + 602))], [chunk(I, at, raw, at=n)])
        if n % 100 == 99:
            store.seal(S.ulid)
    free = store._db.pragma("freelist_count")
    assert free <= max(64, store._db.pragma("page_count") // 8)
    store.close()
    assert not path.with_name("rec.db-wal").exists()


def test_a_reader_that_takes_its_time_does_not_make_the_wal_grow(path):
    store = SqliteStore(path)
    store.begin(S, I)
    for n in range(300):
        store.append([draft(S, Kind.MARK, str(n))], [chunk(I, n * 100, bytes(100))])
    reader = SqliteStore(path, readonly=True)
    events, raw = reader.events(S.ulid), reader.raw(S.ulid)
    next(events), next(raw)
    for n in range(300, 2000):
        store.append([], [chunk(I, n * 20_000, os.urandom(20_000))])
    wal = path.with_name("rec.db-wal").stat().st_size
    assert wal < 3 * sqlite_connect._CHECKPOINT
    assert sum(1 for _ in events) == 299
    reader.close()
    store.close()
