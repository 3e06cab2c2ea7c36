"""Pruning to a budget, when asked and at a session's end: which families go, and that nothing is left."""

from __future__ import annotations

import os
from contextlib import closing

import blackbox
import leftovers
import maker
import pytest
from blackbox import Rec, rec
from maker import GONE, Maker

from recorder import keeping
from recorder.identity import alive
from recorder.keeping import Budget

DAY = 86_400_000
NOW = 1_800_000_000_000


def session(store, number, days, *, size=1, **facts):
    """An ended session whose last event is so many days old."""
    made = Maker(store, number, at_ms=NOW - days * DAY, **facts)
    made.turn(f"turn of {number}", "", size=size)
    made.printed("", os.urandom(size))
    made.end()
    return made.ulid


def test_a_family_goes_by_its_newest_event(store, tmp_path):
    old, older, young = session(store, 1, 40), session(store, 2, 90), session(store, 3, 1)
    parent = session(store, 4, 80)
    child = session(store, 5, 70, parent_ulid=parent, fork_turn=1, fork_seq=2)
    grandchild = session(store, 6, 5, parent_ulid=child, fork_turn=1, fork_seq=2)
    orphan = session(store, 7, 60, parent_ulid=maker.ulid(99), fork_turn=1, fork_seq=2)
    store.archive(older, NOW)
    store.set_label("kept", young)

    def prune(days):
        gone = keeping.prune(store, tmp_path, Budget(days * DAY, None), alive, NOW)
        return gone, set(store.with_prefix(""))

    family = {parent, child, grandchild}
    assert prune(100) == (0, family | {old, older, young, orphan})
    assert prune(50) == (2, family | {old, young})
    assert prune(30) == (1, family | {young})
    assert prune(4) == (3, {young})
    assert store.labels() == [("kept", young)]


def test_live_and_spared_families_stay_and_interrupted_ones_go(store, tmp_path):
    parent = session(store, 1, 90)
    live = Maker(store, 2, at_ms=NOW - 80 * DAY, parent_ulid=parent, fork_turn=1, fork_seq=2)
    spared = session(store, 3, 90)
    cut = Maker(store, 4, at_ms=NOW - 70 * DAY, owner=GONE)
    cut.prompt("sleep 1")
    assert keeping.prune(store, tmp_path, Budget(DAY, 0), alive, NOW, spare=spared) == 1
    assert set(store.with_prefix("")) == {parent, live.ulid, spared}


def test_the_oldest_go_until_the_rest_fits(tmp_path):
    with closing(maker.store_at(tmp_path / "root")) as store:
        ulids = [session(store, number, 50 - number, size=100_000) for number in range(10)]
        sizes = store.sizes()
        assert sum(sizes.values()) <= store.size_bytes()
        assert all(100_000 < sizes[ulid] < 150_000 for ulid in ulids)
        assert keeping.prune(store, tmp_path, Budget(None, 450_000), alive, NOW) == 6
        assert sorted(store.with_prefix("")) == sorted(ulids[6:])
        assert store.size_bytes() < 550_000
        assert keeping.prune(store, tmp_path, Budget(None, 450_000), alive, NOW) == 0


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def filled(root):
    with closing(maker.store_at(root)) as store:
        for number, days in enumerate((30, 20, 10)):
            made = Maker(store, number, at_ms=maker.now_ms() - days * DAY)
            made.turn(f"echo marker-{days}", f"marker-{days}\n")
            made.end()


def settings(root, text):
    place = root.parent / "home" / ".config" / "rec"
    place.mkdir(mode=0o700, parents=True)
    (place / "config.toml").write_text(text)


def left(root):
    return [days for days in (30, 20, 10) if leftovers.left(root, b"marker-%d" % days)]


def test_prune_deletes_without_a_trace(root, filled):
    assert rec(["prune", "--older-than", "25d"], root).ok().stdout == "1 session deleted\n"
    assert left(root) == [20, 10]
    assert rec(["prune", "--max-size", "0"], root).ok().stdout == "2 sessions deleted\n"
    assert left(root) == []
    assert blackbox.ls(root) == []


def test_prune_wants_to_be_told_what_is_too_much(root, filled):
    for words, message in (
        ([], "expected --older-than or --max-size, as config.toml has no [keep]"),
        (["--max-size", "much"], "'much' is no size; write it like 512K, 500M or 2G"),
        (["--older-than", "5"], "'5' is no duration; write it like 90s, 10m, 2h or 7d"),
    ):
        result = rec(["prune", *words], root)
        assert result.status == 2
        assert message in result.stderr.splitlines()[0]
    assert len(blackbox.ls(root)) == 3


def test_the_standing_budget_holds_at_each_end_and_is_shown(root, filled):
    settings(root, '[keep]\nage = "25d"\nmax_size = "2G"\n')
    with Rec(["run", "--", "sh", "-c", "rec status"], root) as term:
        assert term.wait() == 0
        assert "kept       for 25d, up to 2.0 GiB in all" in term.text()
        assert "rec: 1 old session was deleted, as [keep] in config.toml says" in term.text()
    assert left(root) == [20, 10]
    (root.parent / "home" / ".config" / "rec" / "config.toml").write_text('[keep]\nmax_size = "1K"\n')
    with Rec(["run", "--no-persist", "--", "true"], root) as term:
        assert term.wait() == 0
    assert left(root) == [20, 10]
    with Rec(["run", "--label", "mine", "--", "true"], root) as term:
        assert term.wait() == 0
        assert "3 old sessions were deleted" in term.text()
    assert [row["labels"] for row in blackbox.ls(root)] == [["mine"]]  # what was just recorded stays
    (root.parent / "home" / ".config" / "rec" / "config.toml").write_text('[keep]\nage = "0s"\n')
    assert rec(["prune"], root).ok().stdout == "1 session deleted\n"
