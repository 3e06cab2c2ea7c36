"""Real faults for tests of the store: other users, small disks, killed processes, lost power.

Run as a program it is the child of such a test: ``faults.py NAME ARG…`` calls the function below
that is called NAME.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import apsw

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

NOBODY = 65534


def as_nobody(work):
    """Run ``work()`` in a child process without privileges; return what it returned (JSON)."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            answer = {"uid": os.geteuid(), "answer": work()}
        except BaseException:  # noqa: BLE001  (told to the test, which fails)
            answer = {"error": traceback.format_exc()}
        os.write(write, json.dumps(answer).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = json.loads(pipe.read())
    os.waitpid(pid, 0)
    assert "error" not in answer, answer["error"]
    assert answer["uid"] != 0
    return answer["answer"]


def all_kept(path, answers) -> None:
    """Check that a store has all that children said they had written, and is sound."""
    from contextlib import closing

    from recorder.stores.sqlite import SqliteStore

    assert [answer["errors"] for answer in answers if answer["errors"]] == []
    with closing(SqliteStore(path)) as store:
        for answer in answers:
            assert store.count(answer["session"]) == answer["events"]
            assert store.raw_length(answer["session"]) == answer["raw"]
        findings = store.check()
    assert all(ok for _, ok, _ in findings), findings


def give_to_nobody(path):
    """Make a file or directory the unprivileged user's (we are root), or leave it ours."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def on_small_disk(size, name, *args):
    """Call a function of this file with a directory on a tmpfs of ``size``; return what it printed (JSON)."""
    script = 'mount -t tmpfs -o "size=$1,mode=0700" rec "$2" && shift 2 && exec "$@"'
    mount_point = Path(args[0])
    mount_point.mkdir(mode=0o700)
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    done = subprocess.run(
        [*unshare, "sh", "-c", script, "sh", size, mount_point, sys.executable, __file__, name, *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def start(name, *args, **more):
    """Start a function of this file in a process of its own, its output a pipe."""
    return subprocess.Popen([sys.executable, __file__, name, *map(str, args)], stdout=subprocess.PIPE, **more)


def tell(*words):
    """Tell the test a line in one write: print() makes several of it where PYTHONUNBUFFERED is set."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def told(data):
    """The lines that a killed child has told, without one that the kill has cut."""
    return data.decode().split("\n")[:-1]


# --- lost power ------------------------------------------------------------------------------------


class Volatile(apsw.VFS):
    """A file system whose writes are lost unless synced; ``lost_power`` copies what has survived."""

    def __init__(self):
        super().__init__("volatile", "unix", makedefault=True)
        self.synced = {}

    def xOpen(self, name, flags):  # noqa: N802  (SQLite's name)
        return _VolatileFile(self, name, flags)

    def xDelete(self, name, sync):  # noqa: N802
        self.synced.pop(str(name), None)
        super().xDelete(name, sync)

    def lost_power(self, target):
        for path, data in self.synced.items():
            copy = Path(target) / Path(path).name
            copy.write_bytes(data)
            copy.chmod(0o600)


class _VolatileFile(apsw.VFSFile):
    def __init__(self, owner, name, flags):
        super().__init__("unix", name, flags)
        self._owner = owner
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._keeps = self._path and not str(self._path).endswith("-shm")

    def xSync(self, flags):  # noqa: N802  (SQLite's name)
        if self._keeps:
            # Read past SQLite and past the locks: by the same descriptor.
            self._owner.synced[str(self._path)] = super().xRead(super().xFileSize(), 0)
        super().xSync(flags)


# --- the children ----------------------------------------------------------------------------------


def fill(directory):
    """Record until the disk is full, free space, go on; then tell what is there."""
    from making import T0, chunk, draft, invocation, session, until

    from recorder.model import EndReason, Kind
    from recorder.stores.sqlite import SqliteStore
    from recorder.writer import Writer

    root = Path(directory) / "root"
    root.mkdir(mode=0o700)
    ballast = Path(directory) / "ballast"
    s = session(1)
    i = invocation(s, 1001)
    writer = Writer(lambda: SqliteStore(root / "rec.db", busy_ms=100), s, i, spill=root / "spill")
    writer.start()
    ticket = writer.put(draft(s, Kind.MARK, "before"), chunk(i, 0, os.urandom(1000)))
    until(lambda: writer.durable(ticket))
    fill_up(ballast)
    at, told = 1000, []
    while not told:
        ticket = writer.put(draft(s, Kind.MARK, str(at)), chunk(i, at, os.urandom(20_000)))
        at += 20_000
        until(lambda ticket=ticket: writer.durable(ticket) or writer._outage.on)
        told = writer.notices()
    waiting = writer.put(draft(s, Kind.MARK, "while full"))
    reading = _try_to_read(root / "rec.db", s.ulid)
    ballast.unlink()
    until(lambda: writer.durable(waiting))
    told += writer.notices()
    closing = writer.close(T0, 0, EndReason.EXIT)
    store = SqliteStore(root / "rec.db", readonly=True)
    return {
        "told": told,
        "reading": reading,
        "closing": [str(closing.spilled), closing.failed],
        "kinds": [[event.kind, event.text] for event in store.events(s.ulid)],
        "raw": [at, store.raw_length(s.ulid)],
        "check": [list(row) for row in store.check()],
    }


def fill_up(path):
    """Leave no byte on the disk of ``path``."""
    with path.open("wb", buffering=0) as file:
        size = 65536
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2


def _try_to_read(path, ulid):
    from recorder.errors import StoreError
    from recorder.stores.sqlite import SqliteStore

    try:
        store = SqliteStore(path, readonly=True)
    except StoreError as error:
        return [type(error).__name__, error.message]
    found = [store.stale, store.summary(ulid) is not None]
    store.close()
    return found


def full_from_the_start(directory):
    """Open a store on a disk without a free byte, one that has data and one that has none."""
    from making import draft, invocation, session

    from recorder.errors import StoreError
    from recorder.model import Kind
    from recorder.stores.sqlite import SqliteStore

    path = Path(directory) / "root" / "rec.db"
    s = session(1)
    store = SqliteStore(path)
    store.begin(s, invocation(s, 1001))
    store.append([draft(s, Kind.MARK, "kept")])
    store.close()
    fill_up(Path(directory) / "ballast")
    answers = []
    for open_store in (
        lambda: SqliteStore(path),
        lambda: SqliteStore(Path(directory) / "other" / "rec.db"),
    ):
        try:
            store = open_store()
            store.begin(session(2), invocation(session(2), 1002))
            answers.append("worked")
        except StoreError as error:
            answers.append(type(error).__name__)
    reader = SqliteStore(path, readonly=True)
    answers.append([reader.stale, [event.text for event in reader.events(s.ulid)]])
    return answers


def record_for_ever(path, seed):
    """Append events and bytes until killed; print the seq and raw length of each acknowledged append."""
    import random

    from making import chunk, draft, invocation, session

    from recorder.model import Kind
    from recorder.stores.sqlite import SqliteStore

    dice = random.Random(int(seed))
    store = SqliteStore(Path(path))
    s = session(1)
    i = invocation(s, 1001 + int(seed))
    store.begin(s, i)
    at = store.raw_length(s.ulid)
    tell("ready")
    while True:
        size = dice.choice([0, 1, 100, 5_000, 70_000])
        data = pattern(at, size)
        events = store.append(
            [draft(s, Kind.MARK, f"{n} of {at}", invocation=i.ulid) for n in range(dice.randrange(1, 4))],
            [chunk(i, at, data)] if data else [],
            durable=dice.random() < 0.2,
        )
        at += size
        tell(events[-1].seq, at)
        if dice.random() < 0.2:
            store.index(s.ulid, rest=dice.random() < 0.5)
        if dice.random() < 0.1:
            store.seal(s.ulid)


def put_for_ever(path, seed):
    """Put bytes and prompts until killed; print raw offset and prompts whenever they are durable."""
    import random
    import time

    from making import chunk, invocation, prompt, session

    from recorder.stores.sqlite import SqliteStore
    from recorder.writer import Writer

    dice = random.Random(int(seed))
    s = session(int(seed) + 1)
    i = invocation(s, 1001 + int(seed))
    writer = Writer(lambda: SqliteStore(Path(path), busy_ms=200), s, i, spill=None)
    writer.start()
    at = turn = 0
    put = []
    tell("ready")
    while True:
        data = pattern(at, dice.choice([1, 50, 4096]))
        at += len(data)
        items = [chunk(i, at - len(data), data)]
        if dice.random() < 0.1:
            turn += 1
            items.append(prompt(s, turn, f"prompt {turn}", at))
        put.append((writer.put(*items), at, turn))
        durable = 0
        while durable < len(put) and writer.durable(put[durable][0]):
            durable += 1
        if durable:
            tell(*put[durable - 1][1:])
            del put[:durable]
        time.sleep(dice.uniform(0, 0.002))


def pattern(at, size):
    """Bytes that tell their raw offset."""
    first = at // 8
    return b"".join(b"%07d\n" % (n % 10**7) for n in range(first, first + size // 8 + 2))[at % 8 :][:size]


def write_for(path, number, seconds):
    """Be one of many recorders for some seconds; print how many events were written and all errors."""
    import time

    from making import chunk, draft, invocation, prompt, session

    from recorder.errors import StoreError
    from recorder.model import Kind
    from recorder.stores.sqlite import SqliteStore

    s = session(int(number))
    i = invocation(s, 1000 + int(number))
    errors, count, at = [], 0, 0
    end = time.monotonic() + float(seconds)
    try:
        store = SqliteStore(Path(path))
        store.begin(s, i)
        while time.monotonic() < end:
            data = b"event %d of %s\r\n" % (count, number.encode())
            count += len(
                store.append(
                    [prompt(s, count + 1, f"command {count}"), draft(s, Kind.MARK, str(count))],
                    [chunk(i, at, data)],
                )
            )
            at += len(data)
            if count % 50 == 0:
                store.seal(s.ulid)
            time.sleep(0.01)
        store.close()
    except StoreError as error:
        errors.append(f"{type(error).__name__}: {error.message}")
    return {"session": s.ulid, "events": count, "raw": at, "errors": errors}


def wipe_for_ever(path):
    """Overwrite what deleted rows left until killed, each time with something to do."""
    from making import draft, session

    from recorder.model import Kind
    from recorder.stores import sqlite_wipe
    from recorder.stores.sqlite import SqliteStore

    store = SqliteStore(Path(path))
    tell("ready")
    while True:
        store.append([draft(session(9), Kind.MARK, "x" * 300)])
        sqlite_wipe.wipe(Path(path), 1000)


def live_and_let_go(path, seed, state, kind="sqlite"):
    """Do random things to a store's sessions until killed; print each before and after it is done."""
    import random

    import lifecycle

    dice = random.Random(int(seed))
    store = lifecycle.OPENERS[kind](Path(path))
    model = json.loads(state)
    tell("ready")
    while True:
        op = lifecycle.choose(model, dice)
        tell("try", json.dumps(op))
        lifecycle.do(store, model, op)
        tell("did", json.dumps(op))
        model = lifecycle.apply(model, op)


def upgrade_for_ever(path):
    """Upgrade copies of a store of version 1, one after the other, until killed; print each one's name."""
    import shutil

    from recorder.stores.sqlite import SqliteStore

    tell("ready")
    number = 0
    while True:
        number += 1
        copy = f"{path}-{number}"
        shutil.copy(path, copy)
        tell(copy)
        SqliteStore(Path(copy)).close()


def lose_power(directory, target, durable_every):
    """Write on a volatile file system, then lose power; print what had been acknowledged as durable."""
    vfs = Volatile()
    from making import chunk, draft, invocation, session

    from recorder.model import Kind
    from recorder.stores.sqlite import SqliteStore

    store = SqliteStore(Path(directory) / "root" / "rec.db")
    s = session(1)
    i = invocation(s, 1001)
    store.begin(s, i)
    seq = raw = at = 0
    for n in range(1, 200):
        data = pattern(at, 3000)
        durable = n % int(durable_every) == 0
        events = store.append([draft(s, Kind.MARK, str(n))], [chunk(i, at, data)], durable=durable)
        at += len(data)
        if durable:
            seq, raw = events[-1].seq, at
        if n % 60 == 0:
            store.seal(s.ulid)
    Path(target).mkdir(mode=0o700)
    vfs.lost_power(target)
    return {"seq": seq, "raw": raw, "written": at}


if __name__ == "__main__":
    found = globals()[sys.argv[1]](*sys.argv[2:])
    tell(json.dumps(found))
    os._exit(0)  # no clean-up: what was not synced is lost, what was not closed stays open
