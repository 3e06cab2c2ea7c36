"""The whole `rec` on a terminal while its store fails: the tool goes on, the user is told once.

Real faults only: small disks, locks held by other processes, directories of others, damaged files.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import apsw
import blackbox
import pytest
from blackbox import Rec, all_raw, events, log, ls, need, output, wait_for
from faults import NOBODY, fill_up
from processes import children, memory_kb, words

SOAK = os.environ.get("REC_SOAK") == "1"
LOCKED_S = 60.0 if SOAK else 5.0
REPO = Path(__file__).parent.parent
SUSPENDED = b"recording suspended"

# For each "FROM TO" prints the numbered lines, which no compression makes small; ends with 5.
NUMBERS = """
import hashlib, sys
for line in sys.stdin:
    first, end = map(int, line.split())
    for n in range(first, end):
        print(n, hashlib.sha512(b"%d" % n).hexdigest())
    print("done", end, flush=True)
sys.exit(5)
"""
NUMBERS_TOOL = [blackbox.SYSTEM_PYTHON, "-c", NUMBERS]


def numbers(first: int, end: int) -> str:
    return (
        "".join(f"{n} {hashlib.sha512(b'%d' % n).hexdigest()}\n" for n in range(first, end)) + f"done {end}\n"
    )


def ask(term, first: int, end: int) -> None:
    """Have the tool print some lines, and wait until they are on the screen."""
    since = term.position
    term.line(f"{first} {end}")
    term.expect_raw(f"done {end}\r\n".encode(), since=since)


def end_of_input(term) -> int:
    term.send(b"\x04")
    return term.wait()


def doctor(root: Path) -> list[dict]:
    """What is wrong, as `rec doctor` sees it."""
    return [check for check in blackbox.rec(["doctor", "--json"], root).json() if not check["ok"]]


def prompts(root: Path) -> int:
    """Return how many turns the newest session has in the store now."""
    answer = blackbox.rec(["log", "@1", "--json"], root)
    return len(answer.lines()) if answer.status == 0 else 0


def told(term, words: bytes = SUSPENDED) -> int:
    return bytes(term.raw).count(words)


def outages(root: Path) -> list[dict]:
    return [event for event in events(root) if event["meta"].get("outage_ms") is not None]


def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may mount")


@contextlib.contextmanager
def mounted(where: Path, *words: str):
    need("mount", "umount")
    as_root()
    where.mkdir(mode=0o700, exist_ok=True)
    subprocess.run(["mount", *words, str(where)], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", where], check=True)


@contextlib.contextmanager
def lock(root: Path):
    """Hold the store's lock by another process until the block ends."""
    code = (
        "import apsw, sys, time; db = apsw.Connection(sys.argv[1]); db.set_busy_timeout(10000);"
        "db.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, root / "rec.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"locked\n"
        yield
    finally:
        holder.stdin.close()
        holder.wait(20)
        holder.stdout.close()


# --- a full disk -----------------------------------------------------------------------------------


@pytest.mark.parametrize("back_end", ["sqlite", "directory"])
def test_a_full_disk_is_told_once_and_recording_resumes_when_there_is_room(tmp_path, back_end):
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none") as small:
        root, ballast, place, options = small / "root", small / "ballast", small / "root" / "rec.db", []
        if back_end == "directory":
            place = small / "kept"
            root, options = tmp_path / "root", ["--session-dir", str(place)]
        with Rec(["run", *options, "--", *NUMBERS_TOOL], root, home=home(tmp_path)) as term:
            ask(term, 0, 10)
            wait_for((root / "rec.db").exists, what="the store")
            fill_up(ballast)
            ask(term, 10, 3000)
            term.expect("recording suspended")
            term.expect(" · suspended · ")  # so says the bottom line
            found = [check["check"] for check in doctor(root)]
            if back_end == "sqlite":
                assert any(name == "disk" or name.startswith("store") for name in found), found
            assert f"suspended: the store {place}: no space left".encode() in term.raw
            ask(term, 3000, 3010)
            ballast.unlink()
            term.expect("recording resumed")
            term.expect_gone(" · suspended · ")
            ask(term, 3010, 3020)
            assert end_of_input(term) == 5
            assert (told(term), told(term, b"recording resumed")) == (1, 1)
        assert [turn["command"] for turn in log(root)] == ["0 10", "10 3000", "3000 3010", "3010 3020"]
        printed = [output(root, f"@1:{n}")["output"] for n in (1, 2, 3, 4)]
        assert printed == [numbers(0, 10), numbers(10, 3000), numbers(3000, 3010), numbers(3010, 3020)]
        (outage,) = outages(root)
        assert outage["kind"] == "alert"
        assert outage["meta"]["lost"] == 0
        assert "no space left" in outage["text"]
        assert [check for check in doctor(root) if check["check"].startswith("store")] == []


def test_a_disk_that_stays_full_changes_nothing_for_the_tool(tmp_path):
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none") as small:
        root = small / "root"
        with Rec(["run", "--label", "early", "--", "echo", "one"], root, home=home(tmp_path)) as term:
            assert term.wait() == 0
        with Rec(["run", "--", *NUMBERS_TOOL], root, home=home(tmp_path)) as term:
            ask(term, 0, 10)
            ask(term, 10, 12000)
            term.expect("recording suspended")
            ask(term, 12000, 12010)
            assert end_of_input(term) == 5
            assert told(term) == 1
        assert output(root, "early:-1")["output"] == "one\n" if log(root, "early") else True
        assert {session["status"] for session in ls(root)} <= {"ended", "interrupted"}
        assert "0 10" in [turn["command"] for turn in log(root, "@1")]
        assert [check["check"] for check in doctor(root)] != []


# --- a locked store --------------------------------------------------------------------------------


@pytest.mark.rounds
def test_a_store_that_is_locked_for_a_while_loses_nothing(root):
    with Rec(["run", "--", *NUMBERS_TOOL], root) as term:
        ask(term, 0, 10)
        wait_for(lambda: prompts(root) == 1)
        with lock(root):
            ask(term, 10, 500)
            term.expect("recording suspended")
            ask(term, 500, 510)
            with contextlib.suppress(subprocess.TimeoutExpired):
                term._process.wait(LOCKED_S - 2.5)  # so long the fault itself lasts
            ask(term, 510, 520)
        term.expect("recording resumed")
        ask(term, 520, 530)
        assert end_of_input(term) == 5
        assert (told(term), told(term, b"recording resumed")) == (1, 1)
    bounds = [0, 10, 500, 510, 520, 530]
    pairs = list(itertools.pairwise(bounds))
    assert [turn["command"] for turn in log(root)] == [f"{a} {b}" for a, b in pairs]
    assert [output(root, f"@1:{n}")["output"] for n in range(1, 6)] == [numbers(a, b) for a, b in pairs]
    (outage,) = outages(root)
    assert "locked" in outage["text"]
    assert outage["meta"]["lost"] == 0


def test_a_store_that_stays_locked_leaves_a_spill_file_which_the_next_start_imports(root):
    with Rec(["run", "--", *NUMBERS_TOOL], root) as term:
        ask(term, 0, 10)
        wait_for(lambda: prompts(root) == 1)
        with lock(root):
            ask(term, 10, 500)
            term.send(b"\x04")
            assert term.wait(8) == 5
            (spilled,) = (root / "spill").iterdir()
            assert spilled.stat().st_mode & 0o777 == 0o600
            assert (root / "spill").stat().st_mode & 0o777 == 0o700
            assert "spill" in [check["check"] for check in doctor(root)]
        assert told(term, spilled.name.encode()) == 1
    assert [turn["command"] for turn in log(root)] == ["0 10", "10 500"]
    assert list((root / "spill").iterdir()) == []
    assert output(root, "@1:2")["output"] == numbers(10, 500)
    (session,) = ls(root)
    assert (session["status"], session["exit_status"]) == ("ended", 5)
    assert doctor_of_store(root) == []


def test_a_store_that_is_locked_from_the_start_does_not_keep_the_tool_waiting(root):
    with Rec(["run", "--", "echo", "first"], root) as term:
        assert term.wait() == 0
    with lock(root), Rec(["run", "--", *NUMBERS_TOOL], root) as term:
        ask(term, 0, 10)
        assert end_of_input(term) == 5
    assert [turn["command"] for turn in log(root)] == ["0 10"]
    assert len(ls(root)) == 2


def test_output_beyond_the_queue_goes_on_after_a_while_and_the_gap_is_an_event(root):
    size = 48 << 20
    script = f"read x; echo ready; read y; head -c {size} /dev/zero; echo end; read z; exit 6"
    with Rec(["run", "--", "sh", "-c", script], root) as term:
        term.line("one")
        term.expect("ready")
        wait_for(lambda: prompts(root) == 1)
        with lock(root):
            term.line("two")
            term.expect_raw(b"end\r\n", timeout=60)
            assert max(memory_kb(pid, "VmRSS") for pid in recorders(term)) < 150 << 10
        term.expect_raw(b"recording resumed")  # not by the screen: emulating so much takes its time
        term.line("three")
        assert term.wait() == 6
        assert (told(term), told(term, b"recording resumed")) == (1, 1)
    assert [turn["command"] for turn in log(root)] == ["one", "two", "three"]
    gaps = [event for event in events(root) if event["meta"].get("gap_bytes")]
    assert {event["kind"] for event in gaps} == {"alert"}
    missed = sum(event["meta"]["gap_bytes"] for event in gaps)
    assert 0 < missed <= size - (31 << 20)
    echoed = len("one\r\ntwo\r\nthree\r\nready\r\nend\r\n")
    assert len(all_raw(root)) + missed == size + echoed
    assert doctor_of_store(root) == []


def recorders(term) -> list[int]:
    every = [term.pid, *children(term.pid)]
    return [pid for pid in every if "recorder" in words(pid)]


def doctor_of_store(root: Path) -> list[dict]:
    return [check for check in doctor(root) if check["check"].startswith(("store", "spill"))]


# --- places that cannot be written -----------------------------------------------------------------


@pytest.fixture(scope="module")
def everyone():
    """The interpreter and the code where every user of the machine may read them: argv, environment."""
    as_root()
    place = Path(tempfile.mkdtemp(prefix="rec-all-", dir="/tmp"))
    place.chmod(0o755)
    sources = {"base": sys.base_prefix, "code": REPO, "site": Path(apsw.__file__).parent.parent}
    executable = Path(sys.executable).resolve().relative_to(Path(sys.base_prefix).resolve())
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        for name, source in sources.items():
            stack.enter_context(mounted(place / name, "--bind", "-o", "ro", str(source)))
            (place / name).stat()
        env = {
            "PYTHONPATH": f"{place / 'code'}:{place / 'site'}",
            "LD_LIBRARY_PATH": f"{place / 'base' / 'lib'}",
            "PYTHONHOME": str(place / "base"),
        }
        yield [str(place / "base" / executable), "-m", "recorder"], env


@pytest.fixture
def open_tmp():
    place = Path(tempfile.mkdtemp(prefix="rec-open-", dir="/tmp"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir(mode=0o700, exist_ok=True)
    return tmp_path / "home"


def test_a_directory_without_write_permission_is_told_and_read(everyone, open_tmp):
    argv, env = everyone
    root, place = open_tmp / "root", home(open_tmp)
    os.chown(open_tmp, NOBODY, NOBODY)
    os.chown(place, NOBODY, NOBODY)

    def run(*words: str) -> blackbox.Term:
        return blackbox.Term([*argv, *words], root=root, home=place, env=env, user="nobody")

    with run("run", "--label", "old", "--", "sh", "-c", "id -u; read x") as term:
        term.expect(str(NOBODY))  # permissions mean something
        term.line("x")
        assert term.wait() == 0
    assert root.stat().st_uid == NOBODY
    for path in [*root.iterdir()]:
        path.chmod(0o400 if path.is_file() else 0o500)
    root.chmod(0o500)
    with run("run", "--", "sh", "-c", "echo here; read x; exit 4") as term:
        term.expect("recording suspended")
        term.line("x")
        assert term.wait() == 4
        assert told(term) == 1
        assert b"could not be kept" in term.raw
        assert b"Traceback" not in term.raw
    with run("ls") as term:
        status = term.wait()
        assert status == 0, term.dump()
        term.expect("old")
    with run("doctor") as term:
        assert term.wait() != 0
        term.expect("FAULT")


def test_a_read_only_file_system_is_told_and_read(root):
    with Rec(["run", "--label", "old", "--", "echo", "one"], root) as term:
        assert term.wait() == 0
    with mounted(root, "--bind", str(root)):
        subprocess.run(["mount", "-o", "remount,ro,bind", root], check=True)
        with Rec(["run", "--", "sh", "-c", "echo here; read x; exit 4"], root) as term:
            term.expect("recording suspended")
            term.line("x")
            assert term.wait() == 4
            assert told(term) == 1
        assert [session["labels"] for session in ls(root)] == [["old"]]
        assert [check["check"] for check in doctor(root)] != []


def test_a_directory_that_is_missing_is_made_private(root):
    below = root / "a" / "b"
    with Rec(["run", "--", "echo", "one"], below, home=home(root.parent)) as term:
        assert term.wait() == 0
    assert [path.stat().st_mode & 0o777 for path in (root, root / "a", below)] == [0o700] * 3


def test_a_directory_that_is_removed_is_made_again(root):
    with Rec(["run", "--", *NUMBERS_TOOL], root) as term:
        ask(term, 0, 10)
        wait_for(lambda: prompts(root) == 1)
        shutil.rmtree(root)
        ask(term, 10, 20)
        term.expect("recording resumed")
        ask(term, 20, 30)
        assert end_of_input(term) == 5
        assert told(term) == 1
    assert [turn["command"] for turn in log(root)][-2:] == ["10 20", "20 30"]
    assert output(root, "@1:-1")["output"] == numbers(20, 30)
    (outage,) = outages(root)
    assert "gone" in outage["text"]
    assert doctor_of_store(root) == []


# --- places that are not ours ----------------------------------------------------------------------


def of_another_user(root: Path) -> Path:
    as_root()
    os.chown(root, NOBODY, NOBODY)
    return root


def open_to_the_group(root: Path) -> Path:
    root.chmod(0o770)
    return root


def open_to_the_world(root: Path) -> Path:
    root.chmod(0o777)
    return root


def a_link(root: Path) -> Path:
    real = root.with_name("real")
    root.rename(real)
    root.symlink_to(real)
    return real


def a_linked_store(root: Path) -> Path:
    (root / "rec.db").rename(root.with_name("elsewhere.db"))
    (root / "rec.db").symlink_to(root.with_name("elsewhere.db"))
    return root.with_name("elsewhere.db")


def a_store_with_two_names(root: Path) -> Path:
    os.link(root / "rec.db", root.with_name("second.db"))
    return root.with_name("second.db")


def a_store_of_another_user(root: Path) -> Path:
    as_root()
    os.chown(root / "rec.db", NOBODY, NOBODY)
    return root / "rec.db"


REFUSED = {
    of_another_user: "belongs to another user",
    open_to_the_group: "others may write in it",
    open_to_the_world: "others may write in it",
    a_link: "is a symbolic link",
}
ODD_STORES = {
    a_linked_store: "is a symbolic link",
    a_store_with_two_names: "second name",
    a_store_of_another_user: "belongs to another user",
}


@pytest.mark.parametrize("make", [*REFUSED, *ODD_STORES], ids=lambda make: make.__name__)
def test_a_place_that_is_not_ours_is_refused_untouched_and_the_tool_goes_on(root, make):
    with Rec(["run", "--label", "old", "--", "echo", "one"], root) as term:
        assert term.wait() == 0
    target = make(root)
    before = snapshot(target)
    words = {**REFUSED, **ODD_STORES}[make]
    with Rec(["run", "--", "sh", "-c", "echo here; read x; echo planted-$x; exit 4"], root) as term:
        term.expect(words)
        term.line("marker")
        term.expect("planted-marker")
        assert term.wait() == 4
        assert told(term) == 1
    assert snapshot(target) == before
    if make in REFUSED:  # nothing is put where others could read or change it
        assert blackbox.grep_root(root, b"planted-marker") == []
        term.expect("could not be kept")
    named = [check for check in doctor(root) if words in check["detail"] or check["check"] == "root"]
    assert named
    listed = blackbox.rec(["ls"], root)
    assert listed.status == 3
    assert words in listed.stderr


def snapshot(path: Path) -> dict[str, bytes]:
    found = path.rglob("*") if path.is_dir() else [path]
    return {
        str(each): each.read_bytes() for each in found if each.is_file() and not each.name.endswith("-shm")
    }


# --- damage ----------------------------------------------------------------------------------------


def test_a_damaged_session_is_named_and_hides_no_other(root):
    for label in ("first", "second", "third"):
        with Rec(
            ["run", "--label", label, "--", "sh", "-c", f"for i in $(seq 3000); do echo {label} $i; done"],
            root,
        ) as term:
            assert term.wait() == 0
    whole = {label: all_raw(root, label) for label in ("first", "second", "third")}
    damage(root / "rec.db", "second", root)
    with Rec(["run", "--", *NUMBERS_TOOL], root) as term:
        ask(term, 0, 10)
        assert end_of_input(term) == 5
        assert told(term) <= 1
    assert output(root, "@1:1")["output"] == numbers(0, 10)
    assert len(ls(root)) == 4
    for label in ("first", "third"):
        assert all_raw(root, label) == whole[label]
        assert blackbox.replay(root, label)["events"]
    second = next(session["ulid"] for session in ls(root) if session["labels"] == ["second"])
    assert [check for check in doctor(root) if second in check["detail"]]
    answer = blackbox.rec(["replay", "second", "--raw"], root)
    assert answer.status != 0 or answer.stdout.encode() != whole["second"]
    assert "Traceback" not in answer.stderr


def damage(path: Path, label: str, root: Path) -> None:
    """Overwrite the middle of a session's raw bytes in the file."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ulid = next(session["ulid"] for session in ls(root) if session["labels"] == [label])
    (blob,) = db.execute(
        "SELECT data FROM segment WHERE id >> 40 = (SELECT id FROM session WHERE ulid = ?)"
        " ORDER BY length(data) DESC LIMIT 1",
        (ulid,),
    ).fetchone()
    db.close()
    data = bytearray(path.read_bytes())
    piece = bytes(blob[100:132])
    at = data.find(piece)
    assert at > 0, "the segment's bytes are in the file"
    data[at : at + 32] = bytes(255 - byte for byte in piece)
    path.write_bytes(data)


def test_a_store_that_is_no_database_is_told_and_kept(root):
    with Rec(["run", "--", "echo", "one"], root) as term:
        assert term.wait() == 0
    for name in ("rec.db-wal", "rec.db-shm"):
        (root / name).unlink(missing_ok=True)
    garbage = bytes(range(256)) * 200
    (root / "rec.db").write_bytes(garbage)
    with Rec(["run", "--", *NUMBERS_TOOL], root) as term:
        ask(term, 0, 10)
        term.expect("recording suspended")
        assert end_of_input(term) == 5
        assert told(term) == 1
    assert (root / "rec.db").read_bytes() == garbage
    assert "store" in [check["check"] for check in doctor(root)]
    assert blackbox.rec(["ls"], root).status == 3
    (root / "rec.db").rename(root / "broken")  # what the user does about it
    assert [turn["command"] for turn in log(root)] == ["0 10"]
    assert output(root, "@1:1")["output"] == numbers(0, 10)


def test_a_store_replaced_by_garbage_in_the_middle_does_not_end_the_tool(root):
    with Rec(["run", "--", *NUMBERS_TOOL], root) as term:
        ask(term, 0, 10)
        wait_for(lambda: prompts(root) == 1)
        new = root / "new"
        new.write_bytes(os.urandom(40_000))
        new.chmod(0o600)
        new.rename(root / "rec.db")
        for name in ("rec.db-wal", "rec.db-shm"):  # from which SQLite would put it right
            (root / name).unlink()
        ask(term, 10, 500)
        term.expect("recording suspended")
        ask(term, 500, 510)
        assert end_of_input(term) == 5
        assert told(term) == 1
    assert list((root / "spill").iterdir())
    assert {check["check"] for check in doctor(root)} >= {"store", "spill"}


def test_a_killed_lock_holder_frees_the_store(root):
    with Rec(["run", "--", "cat"], root) as term:
        term.line("one")
        wait_for(lambda: prompts(root) == 1)
        with lock(root):
            holder = next(pid for pid in children(os.getpid()) if "BEGIN EXCLUSIVE" in words(pid))
            os.kill(holder, signal.SIGKILL)
        term.line("two")
        wait_for(lambda: prompts(root) == 2)
        assert end_of_input(term) == 0


def test_doctor_passes_over_a_directory_of_the_path_that_it_may_not_enter(everyone, open_tmp):
    argv, env = everyone
    place, closed = home(open_tmp), open_tmp / "closed"
    os.chown(place, NOBODY, NOBODY)
    closed.mkdir()
    (closed / "rec").write_text("#!/bin/sh\n")
    (closed / "rec").chmod(0o755)
    closed.chmod(0o700)
    env = {**env, "PATH": f"{closed}:/usr/bin:/bin"}
    with blackbox.Term(
        [*argv, "doctor"], root=open_tmp / "root", home=place, env=env, user="nobody", cols=200
    ) as term:
        term.expect("PATH: no other program is called rec")
        term.wait()
        assert b"bug in rec" not in term.raw
