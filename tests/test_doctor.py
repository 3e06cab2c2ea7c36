"""What `rec doctor` finds, and what it repairs."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import termios
from contextlib import closing

import maker
import pytest
from blackbox import rec as call
from maker import GONE, Maker

from recorder import doctor
from recorder.model import Check


def examine(root, env=None, *, fix=False):
    told = {"HOME": str(root.parent / "home"), "TERM": "xterm", "PATH": "", **(env or {})}
    return {check.name: check for check in doctor.examine(str(root), told, fix=fix)}


def faults(root, env=None, *, fix=False):
    return {name for name, check in examine(root, env, fix=fix).items() if not check.ok}


@pytest.fixture
def filled(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1)
        one.turn("select 1;", "1\n" * 5000)
        one.end()
        store.seal(one.ulid)
    return one


def test_nothing_recorded_is_no_fault(root):
    result = call(["doctor"], root)
    assert result.status == 0, result.stdout
    assert all(line.startswith("ok ") for line in result.stdout.splitlines())
    assert not root.exists()


def test_a_healthy_store(root, filled):
    rows = call(["doctor", "--json"], root).ok().json()
    assert all(list(row) == ["check", "ok", "detail", "fix"] for row in rows)
    assert all(row["ok"] is True and row["fix"] is None for row in rows)
    names = [row["check"] for row in rows]
    wanted = ["settings", "root", "permissions", "store", "store: schema", "store: pages", "store: raw bytes"]
    wanted += ["store: turns", "store: writing", "interrupted", "spill", "disk", "file system", "TERM"]
    wanted += ["terminal", "PATH", "rec", "python", "sqlite", "apsw", "zstd", "prompt-toolkit", "pyte"]
    assert set(wanted) <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610])
def test_a_fault_is_shown_with_what_to_do_and_is_1(root, filled, mode):
    (root / "rec.db").chmod(mode)
    result = call(["doctor"], root)
    lines = result.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("FAULT"))
    assert result.status == 1
    assert lines[at] == f"FAULT  permissions: others can read {root / 'rec.db'}"
    assert lines[at + 1].split() == ["rec", "doctor", "--fix"]
    assert call(["doctor", "--fix"], root).status == 0
    assert stat.S_IMODE((root / "rec.db").stat().st_mode) == 0o600
    assert call(["doctor"], root).status == 0


def test_links_are_left_alone(root, filled, tmp_path):
    target = tmp_path / "mine"
    target.write_text("x")
    target.chmod(0o644)
    (root / "link").symlink_to(target)
    assert faults(root, fix=True) == set()
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_damaged_bytes_are_named_by_session(root, filled):
    path = root / "rec.db"
    data = bytearray(path.read_bytes())
    at = data.find(b"\x28\xb5\x2f\xfd")
    assert at > 0
    data[at + 9] ^= 0xFF
    path.write_bytes(data)
    result = call(["doctor", "--json"], root)
    found = [row for row in result.json() if not row["ok"]]
    assert result.status == 1
    assert any(filled.ulid in row["detail"] for row in found)
    assert all(row["fix"] for row in found)


def test_a_file_that_is_no_database(root):
    root.mkdir(mode=0o700)
    (root / "rec.db").write_bytes(b"nonsense" * 1000)
    (root / "rec.db").chmod(0o600)
    assert faults(root) == {"store"}


def test_a_root_that_is_a_file(root):
    root.write_text("")
    assert "root" in faults(root)


def test_wrong_settings_do_not_hide_the_rest(root, filled):
    home = root.parent / "home/.config/rec"
    home.mkdir(parents=True)
    (home / "config.toml").write_text("nonsense = 1\n")
    found = examine(root)
    assert not found["settings"].ok
    assert "line 1" in found["settings"].detail
    assert found["store"].ok


def test_what_waits_in_spill_is_counted(root, filled):
    (root / "spill").mkdir(mode=0o700)
    (root / "spill" / "01J").touch(mode=0o600)
    found = examine(root)["spill"]
    assert (found.ok, found.detail) == (False, "1 waiting to be imported: 01J")


def test_an_interrupted_session_that_is_not_derived_yet(root, filled):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 2, owner=GONE)
        one.prompt("cut off")
        assert one.ulid in examine(root)["interrupted"].detail
        assert faults(root) == {"interrupted"}
        store.append([], recovered=one.invocation)
    assert examine(root)["interrupted"] == Check(
        "interrupted", ok=True, detail="1 interrupted, nothing left to derive"
    )


def test_a_locked_store_is_a_fault_of_writing(root, filled):
    import apsw

    holder = apsw.Connection(str(root / "rec.db"))
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert faults(root) == {"store: writing"}
    finally:
        holder.execute("ROLLBACK")
        holder.close()


# --- programs of the same name -------------------------------------------------------------------


def program(place, text):
    place.mkdir(parents=True)
    (place / "rec").write_text(text)
    (place / "rec").chmod(0o755)


def test_another_rec_on_the_path_is_named(root, tmp_path):
    program(tmp_path / "other", "#!/bin/sh\n")
    program(tmp_path / "ours", f"#!{sys.executable}\nfrom recorder.__main__ import main\n")
    first = examine(root, {"PATH": f"{tmp_path}/other:{tmp_path}/ours"})["PATH"]
    assert not first.ok
    assert f"{tmp_path}/other/rec is another program" in first.detail
    assert f"put {tmp_path}/ours before {tmp_path}/other" in first.fix
    second = examine(root, {"PATH": f"{tmp_path}/ours:{tmp_path}/other"})["PATH"]
    assert second.ok
    assert f"{tmp_path}/other/rec" in second.detail
    assert examine(root, {"PATH": f"{tmp_path}/ours:{tmp_path}/none"})["PATH"].detail == (
        "no other program is called rec"
    )


def test_the_recorder_of_sox_is_known(root, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sox").write_text("#!/bin/sh\n")
    (tmp_path / "bin/sox").chmod(0o755)
    (tmp_path / "bin/rec").symlink_to("sox")
    found = examine(root, {"PATH": str(tmp_path / "bin")})["PATH"]
    assert not found.ok
    assert "SoX" in found.detail


# --- the terminal --------------------------------------------------------------------------------


def test_a_terminal_left_raw_is_found_and_repaired(root, start):
    doctor = f"{sys.executable} -m recorder doctor"
    script = f"stty raw -echo; {doctor} --json; {doctor} --fix >/dev/null; {doctor} --json"
    term = start(["sh", "-c", script], root=root)
    assert term.wait() == 0
    before, after = map(json.loads, re.findall(r"\[\{.*\}\]", bytes(term.raw).decode()))
    terminal = {row["check"]: row for row in before}["terminal"]
    assert (terminal["ok"], terminal["detail"]) == (False, "its modes were left raw")
    assert "rec doctor --fix" in terminal["fix"]
    assert {row["check"]: row for row in after}["terminal"]["ok"] is True
    attributes = termios.tcgetattr(term.slave)
    assert attributes[3] & termios.ECHO
    assert attributes[3] & termios.ICANON
    assert attributes[1] & termios.OPOST


def test_a_terminal_without_a_name(root, start):
    term = start([sys.executable, "-m", "recorder", "doctor"], root=root, env={"TERM": None})
    assert term.wait() == 1
    assert b"FAULT  TERM: not set" in term.raw


def test_the_versions_come_without_a_terminal_too(root):
    done = subprocess.run(
        [sys.executable, "-m", "recorder", "doctor", "--json"],
        env={"HOME": str(root.parent / "home"), "REC_ROOT": str(root)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    rows = {row["check"]: row for row in json.loads(done.stdout)}
    assert (done.returncode, done.stderr) == (0, b"")
    assert rows["TERM"]["detail"] == "not set"
    assert rows["python"]["detail"] == ".".join(map(str, sys.version_info[:3]))


def test_a_root_of_somebody_else(root, filled):
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    os.chown(root, 65534, 65534)
    found = examine(root)
    assert not found["root"].ok
    assert "belongs to another user" in found["root"].detail
    assert not found["store"].ok


# --- what is said --------------------------------------------------------------------------------


def test_what_is_fixed_is_said(root, filled):
    root.chmod(0o755)
    result = call(["doctor", "--fix", "--json"], root).ok()
    told = {row["check"]: row["detail"] for row in result.json()}
    assert told["permissions"] == f"fixed: others could read {root}; now they cannot"
    root.chmod(0o755)
    (root / "rec.db").chmod(0o640)
    lines = call(["doctor", "--fix"], root).ok().stdout.splitlines()
    assert f"ok     permissions: fixed: others could read {root}, {root / 'rec.db'}; now they cannot" in lines
    assert ": fixed: " not in call(["doctor", "--fix"], root).ok().stdout


def test_a_wrong_index_is_named_and_compact_makes_it_anew(root):
    with closing(maker.store_at(root)) as store:
        made = Maker(store)
        made.turn("echo one", "one\n")
        made.end()
        store.index(made.ulid, rest=True)
        store._db.execute("UPDATE block SET words = x'00'")
    check = examine(root)["store: search index"]
    assert (check.ok, check.fix) == (False, "rec compact makes it anew")
    assert check.detail == f"block 0 is not what session {made.ulid} says"
    call(["compact"], root).ok()
    assert examine(root)["store: search index"].ok
