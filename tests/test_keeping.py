"""Archiving and deleting sessions: what goes, what has to stay, and that nothing is left of what went."""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import closing
from pathlib import Path

import blackbox
import maker
import pytest
from blackbox import Rec, rec
from leftovers import left
from maker import GONE, Maker

from recorder import keeping, spill
from recorder.errors import Refused
from recorder.identity import alive
from recorder.model import Draft, Kind, Moment
from recorder.stores import files

MARKER = b"xyzzy-planted"
PROJECT = Path(__file__).parent.parent


def family(store):
    """An ended session, a fork of it and a fork of that, and one that has nothing to do with them."""
    parent = Maker(store, 1)
    parent.turn("parent 1", "p1\n")
    parent.end()
    child = Maker(store, 2, parent_ulid=parent.ulid, fork_turn=1, fork_seq=3)
    child.turn("child 2", "c2\n")
    child.end()
    grandchild = Maker(store, 3, parent_ulid=child.ulid, fork_turn=2, fork_seq=6)
    grandchild.end()
    stranger = Maker(store, 4)
    stranger.end()
    return [each.ulid for each in (parent, child, grandchild, stranger)]


# --- what goes -----------------------------------------------------------------------------------


def test_a_session_with_forks_goes_only_with_them(store, tmp_path):
    parent, child, grandchild, stranger = family(store)
    for named, forks in (
        ([parent], "2 sessions were"),
        ([child], "1 session was"),
        ([parent, child], "1 session was"),
    ):
        with pytest.raises(Refused, match=f"could not delete session .*: {forks} forked off it") as caught:
            keeping.delete(store, tmp_path, named, alive)
        assert "--with-forks" in caught.value.advice
    assert store.with_prefix("") == [stranger, grandchild, child, parent]
    assert keeping.delete(store, tmp_path, [child], alive, with_forks=True) == 2
    assert store.with_prefix("") == [stranger, parent]
    assert keeping.delete(store, tmp_path, [parent, stranger, parent], alive) == 2
    assert store.with_prefix("") == []


def test_forks_that_are_named_too_are_no_hindrance(store, tmp_path):
    parent, child, grandchild, stranger = family(store)
    assert keeping.delete(store, tmp_path, [grandchild, parent, child], alive) == 3
    assert store.with_prefix("") == [stranger]


def test_a_live_session_stays_and_so_does_its_family(store, tmp_path):
    parent, *_rest = family(store)
    live = Maker(store, 5, parent_ulid=parent, fork_turn=1, fork_seq=3)
    for named in ([live.ulid], [parent]):
        with pytest.raises(Refused, match=f"could not delete session {live.ulid}: it is being recorded"):
            keeping.delete(store, tmp_path, named, alive, with_forks=True)
    assert len(store.with_prefix("")) == 5


def test_an_interrupted_session_can_be_deleted(store, tmp_path):
    one = Maker(store, 1, owner=GONE)
    one.prompt("sleep 100")
    assert keeping.delete(store, tmp_path, [one.ulid], alive) == 1
    assert store.with_prefix("") == []


def test_what_was_spilled_of_a_deleted_session_goes_too(store, tmp_path):
    one, two = Maker(store, 1), Maker(store, 2)
    directory = files.private_directory(tmp_path / "root" / "spill")
    for each in (one, two):
        each.end()
        run = next(s for s in store.summaries() if s.session.ulid == each.ulid)
        rest = spill.Spill(run.session, run.invocation, [Draft(each.ulid, Kind.MARK, Moment(1, 1), "x")])
        files.write_private(directory / each.invocation, spill.encode(rest))
    keeping.delete(store, tmp_path / "root", [one.ulid], alive)
    assert [path.name for path in directory.iterdir()] == [two.invocation]


# --- the commands --------------------------------------------------------------------------------


@pytest.fixture
def filled(root):
    with closing(maker.store_at(root)) as store:
        return family(store)


def refused(result, message):
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.splitlines()[0] == f"rec: {message}"
    assert len(result.stderr.splitlines()) <= 2


def test_archive_hides_and_undo_shows_again(root, filled):
    parent, *_rest = filled
    rec(["label", parent, "shop"], root).ok()
    rec(["archive", "shop"], root).ok()
    assert parent not in [row["ulid"] for row in blackbox.ls(root)]
    assert [row["archived"] for row in blackbox.ls(root, "--all") if row["ulid"] == parent] == [True]
    assert blackbox.replay(root, "shop")["n_events"] == 4
    shown = rec(["ls", "--all"], root).ok().stdout.splitlines()
    assert ["ended, archived" in line for line in shown[1:]] == ["shop" in line for line in shown[1:]]
    rec(["archive", "--undo", "shop"], root).ok()
    assert [row["archived"] for row in blackbox.ls(root) if row["ulid"] == parent] == [False]
    refused(rec(["archive", "nope"], root), "no such session: nope")


def test_rm_refuses_what_it_must_and_then_deletes_nothing(root, filled):
    parent, *_forks, stranger = filled
    with closing(maker.store_at(root)) as store:
        live = Maker(store, 9)
        refused(rec(["rm", stranger, "nope"], root), "no such session: nope")
        refused(
            rec(["rm", stranger, parent], root),
            f"could not delete session {parent}: 2 sessions were forked off it",
        )
        refused(
            rec(["rm", stranger, "@1"], root), f"could not delete session {live.ulid}: it is being recorded"
        )
    assert len(blackbox.ls(root)) == 5
    assert rec(["rm", "--with-forks", parent], root).ok().stdout == "3 sessions deleted\n"
    assert rec(["rm", "--yes", stranger], root).ok().stdout == "1 session deleted\n"
    assert [row["ulid"] for row in blackbox.ls(root)] == [live.ulid]


def test_an_erased_turn_says_so_everywhere(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1)
        for word in ("first", "second", "third"):
            one.turn(f"echo {word}", f"{word}\n")
        one.end()
    rec(["rm", "@1:2"], root).ok()
    assert [row["command"] for row in blackbox.log(root)] == ["echo first", None, "echo third"]
    assert [row["end"] for row in blackbox.log(root)] == ["done"] * 3
    assert [line.split()[-1] for line in rec(["log", "@1"], root).ok().stdout.splitlines()] == [
        "first",
        "[erased]",
        "third",
    ]
    assert rec(["output", "@1:2"], root).ok().stdout == "[erased]\n"
    shown = blackbox.output(root, "@1:2")
    assert (shown["output"], shown["prompt_text"], shown["cwd"]) == ("", None, None)
    assert blackbox.output_raw(root, "@1:2") == b""
    assert rec(["replay", "@1"], root).ok().stdout.splitlines()[1:] == [
        "sqlite> echo first",
        "first",
        "[erased]",
        "sqlite> echo third",
        "third",
    ]
    assert blackbox.all_raw(root) == b"first\r\nthird\r\n"
    assert rec(["events", "@1"], root).ok().stdout.count("[erased]") == 3
    refused(rec(["rm", "@1:9"], root), "no such turn: @1:9")


def test_a_turn_of_a_live_session_or_one_that_forks_have_stays(root, filled):
    parent, child, grandchild, stranger = filled
    refused(
        rec(["rm", stranger, f"{child}:1"], root),
        f"could not erase turn {parent}:1: 1 session was forked off behind it",
    )
    with closing(maker.store_at(root)) as store:
        live = Maker(store, 9)
        live.turn("echo 1", "1\n")
        refused(
            rec(["rm", "@1:1"], root), f"could not erase turn {live.ulid}:1: its session is being recorded"
        )
    assert len(blackbox.ls(root)) == 5
    assert [row["command"] for row in blackbox.log(root, grandchild)] == ["parent 1", "child 2"]
    assert rec(["rm", f"{grandchild}:1", "--with-forks", stranger], root).ok().stdout == (
        "1 session deleted\n1 turn erased\n"
    )
    assert [row["command"] for row in blackbox.log(root, grandchild)] == [None, "child 2"]
    assert blackbox.output(root, f"{grandchild}:1")["output"] == ""


def test_on_a_terminal_rm_asks_and_only_yes_means_yes(root, filled):
    *_rest, stranger = filled
    for answer, status in (("", 1), ("n", 1), ("y", 0)):
        with Rec(["rm", stranger], root) as term:
            term.expect(f"session {stranger}: sqlite3, 0 events")
            term.expect("Delete for good? [y/N]:")
            term.line(answer)
            assert term.wait() == status
            assert ("rec: nothing was deleted" in term.text()) == (status == 1)
            assert ("1 session deleted" in term.text()) == (status == 0)
    with Rec(["rm", "--yes", "--with-forks", filled[0]], root) as term:
        assert term.wait() == 0
        assert "?" not in term.text()


# --- nothing is left -----------------------------------------------------------------------------


def planted(store, number, marker, **facts):
    """A session with a marker in everything that a user can put into one."""
    made = Maker(store, number, argv=("sh", f"argv {marker}"), cwd=f"/srv/{marker}", **facts)
    made.prompt(f"echo command {marker}", f"prompt {marker}> ", cwd=f"/srv/turn/{marker}")
    made.printed(f"output {marker}\n" * 50)
    made.event("alert", f"alert {marker}", made.turns, rule=marker)
    made.done()
    made.event("mark", f"note {marker}", mark="note")
    for nth in range(30):
        made.turn(f"echo {nth} {marker}", f"{nth} {marker}\n")
    store.set_label(f"label-{marker}", made.ulid)
    store.set_meta(made.ulid, f"key-{marker}", f"value {marker}")
    return made


@pytest.mark.parametrize("sealed", [False, True])
def test_no_byte_of_an_erased_turn_is_left(root, sealed):
    kept = b"other-marker"
    with closing(maker.store_at(root)) as store:
        made = [Maker(store, number) for number in range(4)]
        for turn in range(40):
            for each in made:
                marker = MARKER if each is made[1] and turn == 20 else kept
                text = f"{turn} {marker.decode()} of {each.ulid[-8:]}\n"
                each.prompt(f"echo {text}", f"prompt {marker.decode()}> ", cwd=f"/srv/{marker.decode()}")
                each.printed(text * (60 if turn % 5 == 0 else 1))
                each.event("warn", f"warn {text}", each.turns, rule=text)
                each.event("mark", f"note {text}", each.turns, mark="note")
                each.done()
            if sealed and turn % 15 == 14:
                store.seal(made[1].ulid)
        made[1].event("command", "/replay", 40, answer=f"again {MARKER.decode()}", failed=False)
        for each in made:
            each.end()
        before = list(store.events(made[1].ulid))
    assert left(root, MARKER) != []
    assert rec(["rm", f"{made[1].ulid}:21"], root).ok().stdout == "1 turn erased\n"
    assert left(root, MARKER) == []
    with closing(maker.store_at(root)) as store:
        findings = store.check()
        assert all(ok for _, ok, _ in findings), findings
        after = list(store.events(made[1].ulid))
        changed = [event.seq for event, old in zip(after, before, strict=True) if event != old]
        assert changed == [each.seq for each in before if each.turn == 21 or MARKER.decode() in repr(each)]
        for number, each in enumerate(made):
            assert len(store.turns(each.ulid)) == 40
            raw = b"\n" + b"".join(chunk.data for chunk in store.raw(each.ulid))
            assert [raw.count(f"\n{turn} {kept.decode()} of".encode()) for turn in range(40)] == [
                (60 if turn % 5 == 0 else 1) * (number != 1 or turn != 20) for turn in range(40)
            ]


@pytest.mark.parametrize("sealed", [False, True])
def test_no_byte_of_a_deleted_session_is_left(root, sealed):
    kept = MARKER + b"-kept"
    with closing(maker.store_at(root)) as store:
        made = [planted(store, number, (kept if number == 3 else MARKER).decode()) for number in range(6)]
        for each in made:
            if sealed:
                store.seal(each.ulid)
            each.end()
        before = {each.ulid: list(store.events(each.ulid)) for each in made}
    gone = [each.ulid for number, each in enumerate(made) if number != 3]
    assert left(root, MARKER + b"\n") != []
    rec(["rm", *gone[:2]], root).ok()
    with closing(maker.store_at(root)) as another:  # others have the store open
        list(another.events(gone[2]))
        rec(["rm", *gone[2:]], root).ok()
        assert all(ok for _, ok, _ in another.check())
        assert list(another.events(made[3].ulid)) == before[made[3].ulid]
    shutil.copytree(root, root.with_name("without"))
    with closing(maker.store_at(root.with_name("without"))) as store:
        store.delete([made[3].ulid])
    assert left(root, kept) != []
    assert left(root.with_name("without"), MARKER) == []


def test_compact_makes_a_store_smaller_and_changes_nothing(root):
    with closing(maker.store_at(root)) as store:
        made = [Maker(store, number) for number in range(4)]
        for turn in range(100):
            for each in made:
                each.turn(f"echo {turn}", f"{turn} of {each.ulid}\n" * 20)
        for each in made[:3]:
            each.end()
        before = [list(store.events(each.ulid)) for each in made]
        raw = [b"".join(chunk.data for chunk in store.raw(each.ulid)) for each in made]
        pieces = store._db.execute("SELECT count(*) FROM segment").fetchone()[0]
        shown = rec(["compact"], root).ok()
        assert shown.stderr == ""
        assert " before, " in shown.stdout
        assert [list(store.events(each.ulid)) for each in made] == before
        assert [b"".join(chunk.data for chunk in store.raw(each.ulid)) for each in made] == raw
        assert pieces == 400
        assert store._db.execute("SELECT count(*) FROM segment").fetchone() == (103,)  # one is live
        assert store._db.pragma("freelist_count") == 0
        assert all(ok for _, ok, _ in store.check())


def test_on_a_terminal_compact_says_how_far_it_is(root, filled, start):
    impatient = "from recorder.commands import progress; progress.PATIENCE_S = progress.STEP_S = 0"
    script = f"{impatient}; from recorder.cli import main; raise SystemExit(main(['compact']))"
    term = start([sys.executable, "-c", script], root=root, cwd=str(PROJECT))
    assert term.wait() == 0
    assert b"\r[##########..........]  50 % (2 of 4 sessions)" in term.raw
    assert b"] 100 % (4 of 4 sessions)\x1b[K\r\x1b[K" in term.raw
    assert re.search(r"^[0-9.]+ KiB before, [0-9.]+ KiB now$", term.text(), re.MULTILINE)


@pytest.mark.parametrize("how", ["rm", "prune"])
def test_nothing_is_left_while_others_record(root, how, start_rec):
    tool = ["sh", "-c", 'while printf "ask> "; read line; do echo "got $line"; done']
    others = [start_rec(["run", "--mode", "line", "--label", f"live{n}", "--", *tool]) for n in range(3)]
    marker = MARKER.decode()
    term = start_rec(["run", "--mode", "line", "--label", f"label-{marker}", "--", *tool, f"argv {marker}"])
    for number in range(20):
        for each in (*others, term):
            text = f"{number} {marker if each is term else 'other'}"
            each.line(text)
            each.expect_raw(f"got {text}\r\n".encode())
    term.line(f"/note {marker}")
    term.expect("noted")
    term.send(b"\x04")
    assert term.wait() == 0
    assert left(root, MARKER) != []
    if how == "rm":
        rec(["rm", f"label-{marker}"], root).ok()
    else:
        assert rec(["prune", "--older-than", "0s"], root).ok().stdout == "1 session deleted\n"
    assert left(root, MARKER) == []
    for each in others:
        each.line("the last")
        each.expect_raw(b"got the last\r\n")
        each.send(b"\x04")
        assert each.wait() == 0
        assert b"rec: " not in each.raw, each.dump()
    assert left(root, MARKER) == []
    assert [row["n_turns"] for row in blackbox.ls(root)] == [21] * 3
