"""The on-disk session directory of the systems that this project grew from, capability by capability.

Each test names the row of the checklist and its capability; the same is tested at length in
`test_session_directory.py`.
"""

from __future__ import annotations

import json
import threading
from contextlib import closing

import blackbox
import maker
import pytest
from blackbox import ls
from maker import Maker
from making import invocation, session
from placing import placed

from recorder import render
from recorder.stores.directory import Directory

ROW = "on-disk session directory"


@pytest.fixture
def call(root, tmp_path):
    """One call of rec in a directory of its own, with files of somebody else's in it."""
    work = tmp_path / "work"
    work.mkdir(mode=0o700)

    def call(*args, **more):
        return blackbox.rec(args, root, **{"cwd": work, **more})

    call.root, call.work = root, work
    return call


def kept(call, *more, status=0):
    """Record a tool that prints and leaves into work/kept; return the directory."""
    done = call("run", "--session-dir", "kept", *more, "--", "sh", "-c", f"echo a word; exit {status}")
    assert done.status == status, done.stderr
    return call.work / "kept"


def test_automatic_and_explicit_directory(call):
    """On-disk session directory: automatic and explicit directory."""
    call("run", "--", "sh", "-c", "echo automatic").ok()
    assert (ls(call.root)[0]["directory"], (call.root / "rec.db").exists()) == (None, True)
    place = kept(call)
    assert ls(call.root)[0]["directory"] == str(place)
    assert sorted(path.name for path in place.iterdir()) == ["events.jsonl", "raw", "session.json"]


def test_atomic_record(tmp_path):
    """On-disk session directory: atomic record; whoever reads it while it is written finds it whole."""
    owner = session(1)
    with closing(placed(tmp_path)) as store:
        store.begin(owner, invocation(owner, 1001))
    path, seen, done = tmp_path / "sessions" / owner.ulid / "session.json", set(), threading.Event()

    def write():
        try:
            with closing(placed(tmp_path)) as mine:
                for number in range(60):
                    mine.set_meta(owner.ulid, "number", str(number) * 2000)
        finally:
            done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        seen.add(len(json.loads(path.read_bytes())["metadata"].get("number", "")))
    writer.join()
    assert json.loads(path.read_bytes())["metadata"]["number"] == "59" * 2000
    assert seen <= {0, 2000, 4000}
    assert sorted(each.name for each in path.parent.iterdir()) == ["events.jsonl", "session.json"]


def test_finalize_with_end_and_status(call):
    """On-disk session directory: finalize with end and status."""
    place = kept(call, status=3)
    (run,) = json.loads((place / "session.json").read_text())["invocations"]
    assert (run["exit_status"], run["end_reason"], run["ended_ms"] >= run["started_ms"]) == (3, "exit", True)
    (row,) = ls(call.root)
    assert (row["status"], row["exit_status"], row["end_reason"]) == ("ended", 3, "exit")


def test_list_skips_foreign_content(call):
    """On-disk session directory: list skips foreign content, in the directory and beside it."""
    place = call.work / "kept"
    place.mkdir(mode=0o700)
    (place / "notes.txt").write_text("mine")
    (call.root / "somebody").mkdir(mode=0o700, parents=True)
    (call.root / "somebody" / "session.json").write_text("{}")
    call.root.chmod(0o700)
    kept(call)
    (place / "raw" / "readme").write_text("mine")
    (place / "events.jsonl.bak").write_text("mine")
    assert [row["directory"] for row in ls(call.root)] == [str(place)]
    shown = call("replay", "kept/").ok().stdout
    assert "a word" in shown
    assert "mine" not in shown


def test_by_id_by_label_by_path(call):
    """On-disk session directory: by id, by path (and by label)."""
    place = kept(call, "--label", "shop")
    ulid = ls(call.root)[0]["ulid"]
    for needle in (ulid, ulid[:8].lower(), "shop", "@1", "kept/", "./kept", str(place)):
        assert "a word" in call("replay", needle).ok().stdout, needle
    none = call("replay", "nowhere/")
    assert (none.status, none.stderr.splitlines()[0]) == (1, "rec: no such session: nowhere/")


@pytest.mark.parametrize("by", ["id", "path"])
def test_remove_by_id_by_path(call, by):
    """On-disk session directory: remove by id, by path."""
    place = kept(call)
    (place / "notes.txt").write_text("mine")
    name = ls(call.root)[0]["ulid"] if by == "id" else "kept/"
    assert call("rm", name).ok().stdout == "1 session deleted\n"
    assert ls(call.root, "--all") == []
    assert [path.name for path in place.iterdir()] == ["notes.txt"]


def test_root_cascade(call, tmp_path):
    """On-disk session directory: root cascade flag > repository > user > default."""
    home, shop = tmp_path / "home", call.work / "shop"
    (shop / ".git").mkdir(parents=True)
    roots = [home / ".local/share/rec", tmp_path / "user", shop / ".rec", tmp_path / "flag"]

    def record(*words):
        before = [root for root in roots if (root / "rec.db").exists()]
        done = blackbox.rec(
            [*words, "run", "--session-dir", f"kept{len(before)}", "--", "true"],
            call.root,
            home=home,
            cwd=shop,
            env={"REC_ROOT": ""},
        )
        assert done.status == 0, done.stderr
        (fresh,) = [root for root in roots if (root / "rec.db").exists() and root not in before]
        return fresh

    assert record() == roots[0]
    (home / ".config/rec").mkdir(parents=True)
    (home / ".config/rec/config.toml").write_text(f'root = "{roots[1]}"\n')
    assert record() == roots[1]
    (shop / ".rec.toml").write_text('root = ".rec"\n')
    blackbox.rec(["trust"], call.root, home=home, cwd=shop, env={"REC_ROOT": ""}).ok()
    assert record() == roots[2]
    assert record("--root", str(roots[3])) == roots[3]
    assert [len(ls(root)) for root in roots] == [1, 1, 1, 1]


def test_durations(root):
    """On-disk session directory: `m s` and `h m` durations."""
    assert [render.lasted(seconds * 1000) for seconds in (42, 65, 600, 3725, 90_000)] == [
        "42s",
        "1m05s",
        "10m00s",
        "1h02m",
        "25h00m",
    ]
    with closing(maker.store_at(root)) as store:
        one = Maker(store)
        one.prompt("sleep 65")
        one.event("output", "", 1, None, raw=[0, 0], end="done", status=0, duration_ms=65_000)
    assert "1m05s" in blackbox.rec(["log"], root).ok().stdout


def test_ls_logs_discard(call):
    """On-disk session directory: `ls`, `logs`, `discard` as users know them: ls, log, rm."""
    place = kept(call)
    assert "sh" in call("ls").ok().stdout
    assert "a word" in call("events", "kept/").ok().stdout
    for known, ours in (("logs", "log"), ("discard", "rm")):
        told = call(known)
        assert (told.status, told.stderr.splitlines()[1]) == (127, f"did you mean `rec {ours}`?")
    call("log", "kept/").ok()
    call("rm", "kept/").ok()
    assert not place.exists()


def test_the_directory_alone_is_enough(call, tmp_path):
    """On-disk session directory: what is in it can be read without the root that it was recorded in."""
    place = kept(call)
    with closing(
        Directory(place, json.loads((place / "session.json").read_text())["session"]["ulid"])
    ) as one:
        assert "a word\n" in [event.text for event in one.events()]
    other = tmp_path / "other"
    assert "a word" in blackbox.rec(["replay", f"{place}/"], other).ok().stdout
    assert not other.exists()
