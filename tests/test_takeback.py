"""/forget and /undo inside running sessions: what is taken back is nowhere any more."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import blackbox
import maker
import pytest
from blackbox import events, log, replay, wait_for
from leftovers import left
from maker import Maker
from shells import SHELLS, Shell

from recorder import lineage, takeback
from recorder.errors import NotFound, Refused, UsageError_
from recorder.stores import files
from recorder.stores.memory import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = b"\x1d"
MARKER = "xyzzy-secret"
TOOL = ["sh", "-c", 'while printf "ask> "; read line; do echo "got $line"; done']


def texts(root, kind):
    return [event["text"] for event in events(root) if event["kind"] == kind]


def turns(root) -> list[dict]:
    """The turns; none as long as there is no session."""
    return log(root) if blackbox.ls(root) else []


def nowhere(root: Path) -> bool:
    return left(root, MARKER.encode()) == []


def test_a_forgotten_turn_is_nowhere_and_the_session_goes_on(start_rec, root):
    term = start_rec(["run", "--mode", "line", "--", *TOOL])
    for line in ("one", f"two {MARKER}", "three"):
        term.line(line)
        term.expect(f"got {line}")
        term.expect("ask>", count=2)
    term.line("/forget 2")
    term.expect("turn 2 erased")
    assert nowhere(root)
    term.send(b"\x1b[A\x1b[A")  # the line editor does not have it either
    term.expect("ask> one")
    term.send(b"\x15")
    term.line("four")
    term.expect("got four")
    term.line("/forget 9")
    term.expect("no such turn: 9")
    term.send(b"\x04")
    assert term.wait() == 0
    assert nowhere(root)
    assert [row["command"] for row in log(root)] == ["one", None, "three", "four"]
    assert [line for line in texts(root, "output") if line] == ["got one\n", "got three\n", "got four\n"]
    assert "[erased]" in blackbox.rec(["replay", "@1"], root).ok().stdout
    doctor = blackbox.rec(["doctor", "--json"], root).json()
    assert [each for each in doctor if each["check"].startswith("store") and not each["ok"]] == []


@pytest.mark.parametrize("tool", [["bash", "--norc"], [sys.executable, "-q"]], ids=["bash", "python"])
def test_the_last_turn_of_a_tool_that_edits_its_line_is_forgotten(start_rec, root, tool):
    quoted = {"bash": ("echo one", "echo xyzzy-sec''ret", "echo three")}.get(
        tool[0], ("print('one')", "print('xyzzy-sec' + 'ret')", "print('three')")
    )
    term = start_rec(["run", "--", *tool], env={"PS1": "ask> "})
    prompt = "ask>" if tool[0] == "bash" else ">>>"
    term.expect(prompt)
    for number, (line, shown) in enumerate(zip(quoted[:2], ("one", MARKER), strict=True), 1):
        term.line(line)
        term.expect_raw(f"{shown}\r\n".encode())
        term.expect(prompt, count=number + 1)
    wait_for(lambda: [row["end"] for row in turns(root)] == ["done"] * 2, what="the turn's end")
    assert not nowhere(root)
    term.send(PREFIX)
    term.line("/forget")
    term.expect("turn 2 erased")
    assert nowhere(root)
    term.expect_gone("turn 2 erased")
    term.line(quoted[2])
    term.expect(f"\nthree\n{prompt} ")
    term.send(b"\x04")
    term.wait()
    assert nowhere(root)
    assert [row["command"] for row in log(root)][:3] == [quoted[0], None, quoted[2]]
    assert b"three" in blackbox.all_raw(root)


@pytest.mark.parametrize("back_end", ["sqlite", "memory"])
def test_what_still_runs_is_not_forgotten_and_what_runs_inside_it_can_be(back_end, tmp_path):
    with closing(maker.store_at(tmp_path / "root") if back_end == "sqlite" else MemoryStore()) as store:
        one = Maker(store, 1)
        with pytest.raises(NotFound, match="there is none yet"):
            takeback.forget(store, tmp_path, one.ulid, "")
        one.turn("before", "b\n")
        outer = one.prompt("bash")
        one.turn("inside", "i\n", parent_turn=outer)
        with pytest.raises(Refused, match="could not erase turn 2: it is still running"):
            takeback.forget(store, tmp_path, one.ulid, "2")
        assert takeback.forget(store, tmp_path, one.ulid, "") == (3, frozenset({"inside"}))
        for words in ("x", "1 2", "0x1", "1.", "--1"):
            with pytest.raises(UsageError_):
                takeback.forget(store, tmp_path, one.ulid, words)
        for words in ("4", "0", "-4"):
            with pytest.raises(NotFound, match=f"no such turn: {words}"):
                takeback.forget(store, tmp_path, one.ulid, words)
        assert takeback.forget(store, tmp_path, one.ulid, ":-3") == (1, frozenset({"before"}))
        assert [turn.command for turn in store.turns(one.ulid)] == ["", "bash", ""]


def test_a_turn_from_before_the_fork_is_forgotten_where_it_is(tmp_path):
    with closing(maker.store_at(tmp_path / "root")) as store:
        parent = Maker(store, 1)
        parent.turn(f"echo {MARKER}", f"{MARKER}\n")
        child = Maker(store, 2, parent_ulid=parent.ulid, fork_turn=1, fork_seq=3)
        child.turn("echo 2", "2\n")
        wraps = files.private_directory(tmp_path / "root" / "wraps")
        for each in (parent, child):
            (wraps / f"{each.ulid}.json").write_text(MARKER)
        assert takeback.forget(store, tmp_path / "root", child.ulid, "1") == (
            1,
            frozenset({f"echo {MARKER}"}),
        )
        assert [turn.command for turn in lineage.turns(store, child.ulid)] == ["", "echo 2"]
    assert nowhere(tmp_path / "root")


def test_undo_takes_back_notes_and_labels(start_rec, root):
    with blackbox.Rec(["run", "--label", "shop", "--", "true"], root) as first:
        first.wait()
    term = start_rec(["run", "--mode", "line", "--", *TOOL])
    for line, told in (
        (f"/note {MARKER}", "noted"),
        ("/label shop", "label shop set"),
        ("/undo", "label shop is taken back"),
        ("/undo", "the last note is taken back"),
        ("/undo", "this session has no note and no label to take back"),
    ):
        term.line(line)
        term.expect(told)
    labels = blackbox.rec(["labels", "--json"], root).json()
    ulids = [row["ulid"] for row in blackbox.ls(root)]
    assert labels == [{"label": "shop", "ulid": ulids[1]}]
    term.send(b"\x04")
    term.wait()
    assert [event["text"] for event in replay(root, "@1")["events"] if event["kind"] == "mark"] == ["", ""]
    assert nowhere(root)


@pytest.mark.parametrize("line", ["/forget", "/undo"])
def test_without_a_store_there_is_nothing_to_take_back(start_rec, line):
    term = start_rec(["run", "--no-persist", "--mode", "line", "--", *TOOL])
    term.line(line)
    term.expect("persistence disabled")


@pytest.mark.parametrize("kind", SHELLS)
def test_a_shells_line_and_what_it_printed_are_nowhere(root, kind):
    with Shell(kind, root) as shell:
        shell.run("echo one")
        shell.run(f"echo {MARKER}")
        shell.run("echo three")
        shell.last("echo three")
        assert not nowhere(root)
        shell.send(PREFIX)
        shell.expect("rec>")
        shell.line("/forget 2")
        shell.expect("turn 2 erased")
        assert nowhere(root)
        shell.send("\r")
        shell.expect_gone("any key: close")
        shell.run("echo four")
        shell.last("echo four")
        shell.leave()
        assert nowhere(root)
        assert [row["command"] for row in shell.log()][:4] == ["echo one", None, "echo three", "echo four"]
