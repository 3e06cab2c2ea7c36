"""`/fork` and `/new`: the recording goes on in another session while the tool runs on."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from itertools import count

import pytest
from blackbox import SYSTEM_PYTHON, all_raw, events, grep_root, log, ls, need, rec, wait_for
from conversation import EDITOR, PREFIX, texts, turns
from shells import SHELLS, Shell


@pytest.fixture
def cat(start_rec):
    """Record cat, and wait for the editor."""

    def start(*options, **more):
        term = start_rec(["run", *options, "--", "cat"], **more)
        term.expect(EDITOR)
        return term

    return start


def say(term, line):
    """Give cat a line and read it twice: its echo and its answer."""
    term.line(line)
    term.expect(f"{line}\n{line}")
    term.expect(EDITOR)


def fork(term):
    """Fork by the recorder's own line over a tool in passthrough."""
    term.send(PREFIX)
    term.expect("rec> ")
    term.line("/fork")
    term.expect("recording goes on in")
    term.send("\r")
    term.expect_gone("any key: close")


def marks(root, session):
    """The texts of a session's own marks of a switch."""
    own = [row for row in events(root, session) if row["session"] == session]
    return [(row["meta"]["mark"], row["meta"]["ulid"]) for row in own if row["meta"].get("ulid")]


def left(term):
    term.send("\x04")
    assert term.wait() == 0


def test_a_fork_goes_on_in_a_child(cat, root):
    term = cat()
    say(term, "one")
    term.line("/fork second-try")
    term.expect("forked after turn 1: recording goes on in ")
    say(term, "two")
    term.expect("second-try")  # the bottom line
    left(term)
    child, parent = ls(root)
    assert (child["parent_ulid"], child["fork_turn"]) == (parent["ulid"], 1)
    assert (child["labels"], parent["labels"]) == (["second-try"], [])
    assert (parent["end_reason"], parent["status"], child["end_reason"]) == ("forked", "ended", "exit")
    assert (child["tool"], child["argv"], child["cwd"]) == (parent["tool"], parent["argv"], parent["cwd"])
    own = events(root, parent["ulid"])
    assert child["fork_seq"] == own[-1]["seq"] == len(own)
    assert marks(root, parent["ulid"]) == [("fork", child["ulid"])]
    both = events(root, child["ulid"])
    assert both[: len(own)] == own
    assert [row["seq"] for row in both] == list(range(1, len(both) + 1))
    assert {row["session"] for row in both[len(own) :]} == {child["ulid"]}
    assert child["n_events"] == len(both)
    assert [(row["turn"], row["command"], row["session"]) for row in log(root, child["ulid"])] == [
        (1, "one", parent["ulid"]),
        (2, "two", child["ulid"]),
    ]
    assert [turn[1:] for turn in turns(root, child["ulid"])] == [("one", "one\n"), ("two", "two\n")]
    assert all_raw(root, parent["ulid"]) == b"one\r\none\r\n"
    assert all_raw(root, child["ulid"]) == b"one\r\none\r\ntwo\r\ntwo\r\n"
    assert rec(["doctor"], root).status == 0


def test_forks_of_forks_follow_each_other(cat, root):
    term = cat("--label", "first")
    for number in range(1, 5):
        say(term, f"line {number}")
        term.line("/fork")
        term.expect(f"forked after turn {number}: ")
    left(term)
    rows = ls(root)
    assert [row["parent_ulid"] for row in rows] == [*(row["ulid"] for row in rows[1:]), None]
    assert [row["fork_turn"] for row in rows] == [4, 3, 2, 1, None]
    assert [row["labels"] for row in rows] == [[], [], [], [], ["first"]]
    assert [row["command"] for row in log(root)] == [f"line {number}" for number in range(1, 5)]
    assert [row["seq"] for row in events(root)] == list(range(1, rows[0]["n_events"] + 1))


def test_new_archives_and_begins_afresh(cat, root):
    term = cat("--label", "old")
    say(term, "one")
    term.line("/new")
    term.expect("is archived; recording goes on in ")
    say(term, "two")
    left(term)
    (fresh,) = ls(root)
    (_fresh, old) = ls(root, "--all")
    assert (fresh["parent_ulid"], fresh["fork_turn"], fresh["fork_seq"]) == (None, None, None)
    assert (old["archived"], old["end_reason"], old["labels"]) == (True, "new", ["old"])
    assert marks(root, old["ulid"]) == [("new", fresh["ulid"])]
    assert events(root)[0]["seq"] == 1
    assert [(row["turn"], row["command"]) for row in log(root)] == [(1, "two")]
    assert all_raw(root) == b"two\r\ntwo\r\n"


def test_a_label_that_is_none_forks_nothing(cat, root):
    term = cat()
    say(term, "one")
    term.line("/fork -x")
    term.expect("rec: could not ")
    term.line("/new shop")  # takes no argument: the tool's
    term.expect("/new shop\n/new shop")
    left(term)
    assert len(ls(root)) == 1


def test_a_label_in_use_moves_and_that_is_said(cat, root):
    term = cat("--label", "shop")
    say(term, "one")
    term.line("/fork shop")
    term.expect("label shop moved from ")
    left(term)
    child, parent = ls(root)
    assert (child["labels"], parent["labels"]) == (["shop"], [])
    assert texts(root, "mark", child["ulid"])[-1] == "label shop"


def test_without_persistence_there_is_nothing_to_fork(cat, root):
    term = cat("--no-persist")
    for line in ("/fork", "/new"):
        term.line(line)
        term.expect("persistence disabled", count=1 if line == "/fork" else 2)
    left(term)
    assert not root.exists() or ls(root) == []


# --- in the middle of things -----------------------------------------------------------------------


def test_a_fork_in_the_middle_of_a_command(start_rec, root):
    """The turn ends unknown in the parent; the child has the rest of what it prints, outside of a turn."""
    term = start_rec(["run", "--", "bash", "--norc", "-i"], env={"PS1": "$ "})
    term.expect("$ ")
    term.line("stty -icanon; echo head; until [ -e go ]; do sleep 0.02; done; echo tail")
    term.expect(re.compile("^head$", re.MULTILINE))
    fork(term)
    (term.home / "go").touch()
    term.expect(re.compile("^tail$", re.MULTILINE))
    term.line("echo again")
    term.expect(re.compile("^again$", re.MULTILINE))
    term.line("exit")
    term.wait()
    child, parent = ls(root)
    rows = log(root, child["ulid"])
    assert [(row["turn"], row["end"]) for row in rows][:2] == [(1, "unknown"), (2, "done")]
    assert rows[0]["session"] == parent["ulid"]
    assert rows[1]["command"] == "echo again"
    printed = [row for row in events(root, child["ulid"]) if row["kind"] == "output"]
    assert [(row["session"], row["turn"], row["text"]) for row in printed[:2]] == [
        (parent["ulid"], 1, "head\n"),
        (child["ulid"], None, "tail\n"),
    ]


def test_a_flood_is_cut_and_nothing_of_it_lost(start_rec, root):
    """The raw bytes of parent and child, one behind the other, are what the tool printed."""
    script = "import sys, tty\ntty.setcbreak(0)\nfor n in range(40000): print(n)\nsys.stdin.readline()"
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-c", script])
    for _ in range(3):
        seen = term.position
        wait_for(lambda seen=seen: term.position > seen or b"39999" in term.raw)
        if b"39999" not in term.raw:
            fork(term)
    term.expect("39999")
    term.line("")
    assert term.wait() == 0
    rows = ls(root)
    assert len(rows) > 1
    wanted = b"".join(b"%d\r\n" % n for n in range(40000))
    with closing(sqlite3.connect(root / "rec.db")) as db, db:
        lengths = dict(
            db.execute("SELECT ulid, raw_length FROM session JOIN progress ON session.id = session")
        )
    assert sum(lengths.values()) == len(wanted)
    parts = []
    for row in reversed(rows):
        found = [each for each in events(root, row["ulid"]) if each["session"] == row["ulid"]]
        parts += [each["text"] for each in found if each["kind"] == "output"]
    assert "".join(parts).split() == [str(n) for n in range(40000)]


def test_a_fork_while_paused_stays_paused(cat, root):
    term = cat()
    say(term, "one")
    for line, answer in (("/pause", "paused: "), ("/fork", "forked after turn 1: ")):
        term.line(line)
        term.expect(answer)
    say(term, "unseen")
    term.line("/unpause")
    term.expect(re.compile("^recording$", re.MULTILINE))
    say(term, "three")
    left(term)
    assert [row["command"] for row in log(root)] == ["one", "three"]
    assert b"unseen" not in all_raw(root, ls(root)[0]["ulid"])


# --- from inside -----------------------------------------------------------------------------------


def test_commands_inside_reach_the_present_session(start_rec, root):
    need("bash")
    term = start_rec(["run", "--", "bash", "--norc", "-i"], env={"PS1": "$ "})
    numbers = count(1)

    def run(line):
        done = next(numbers)
        term.line(f"{line}; echo done-$(({done}))")
        term.expect(f"done-{done}\n")

    term.expect("$ ")
    run("rec note before")
    fork(term)
    run("rec note after")
    run("rec status --json > status")
    term.line("exit")
    term.wait()
    child, parent = ls(root)
    own = [(row["text"], row["session"]) for row in events(root) if row["meta"].get("mark") == "note"]
    assert own == [("before", parent["ulid"]), ("after", child["ulid"])]
    assert child["ulid"] in (term.home / "status").read_text()


# --- kill -9 ---------------------------------------------------------------------------------------


def test_a_killed_recorder_leaves_a_fork_whole_or_none(start_rec, root, rng, rounds):
    """Either side of each switch is whole: who names a child has one, and nothing is lost between them."""
    for _ in range(rounds(25, 200)):
        known = {row["ulid"] for row in ls(root, "--all")} if root.exists() else set()
        term = start_rec(["run", "--", "cat"])
        term.expect(EDITOR)
        for number in range(8):
            term.send(f"line {number}\r/fork\r")
        moment = rng.random() ** 2 * 0.6
        with term._news:
            term._news.wait_for(lambda term=term: b"forked after" in term.raw, 5)
            term._news.wait_for(lambda: False, moment)
        term.kill()
        term.wait()
        rows = [row for row in reversed(ls(root, "--all")) if row["ulid"] not in known]
        rows.sort(key=lambda row: row["fork_seq"] or 0)
        assert [row["parent_ulid"] for row in rows] == [None, *(row["ulid"] for row in rows[:-1])]
        assert [row["end_reason"] for row in rows[:-1]] == ["forked"] * (len(rows) - 1)
        assert rows[-1]["status"] == "interrupted"
        told = events(root, rows[-1]["ulid"])
        assert [row["seq"] for row in told] == list(range(1, len(told) + 1))
        named = [(row["session"], row["meta"]["ulid"], row["seq"]) for row in told if "ulid" in row["meta"]]
        made = [(row["parent_ulid"], row["ulid"], row["fork_seq"]) for row in rows[1:]]
        assert named == made
        commands = [row["command"] for row in log(root, rows[-1]["ulid"])]
        assert commands == [f"line {number}" for number in range(len(commands))]
        raw = all_raw(root, rows[-1]["ulid"])
        assert raw.startswith(b"".join(b"line %d\r\nline %d\r\n" % (n, n) for n in range(len(commands) - 1)))
    assert rec(["doctor"], root).status == 0


# --- shells with our hooks ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHELLS)
def test_a_shell_is_forked_at_its_prompt(root, kind):
    """The prompt, and what is typed behind it, is the child's as a whole."""
    with Shell(kind, root) as shell:
        shell.run("echo one")
        shell.log(1)
        shell.send("echo t")
        shell.expect("echo t")
        fork(shell)
        shell.run("wo")
        shell.expect("two\n")
        shell.run("false")
        rows = shell.log(3)
        assert [(row["command"], row["exit_status"]) for row in rows] == [
            ("echo one", 0),
            ("echo two", 0),
            ("false", 1),
        ]
        assert [row["turn"] for row in rows] == [1, 2, 3]
        shell.leave(3)
    child, parent = ls(root)
    assert [row["session"] for row in rows] == [parent["ulid"], child["ulid"], child["ulid"]]
    assert b"two\r\n" not in all_raw(root, parent["ulid"])
    assert b"two\r\n" in all_raw(root, child["ulid"])
    if kind == "bash":
        assert b"\rone\r\n\x1b[?2004hready> echo two\r\n" in all_raw(root, child["ulid"])


@pytest.mark.parametrize(
    ("kind", "before"),
    [("bash", "HISTCONTROL=ignorespace"), ("zsh", "setopt hist_ignore_space"), ("fish", "")],
)
def test_a_fork_in_the_middle_of_a_hidden_line_keeps_nothing_of_it(root, kind, before):
    with Shell(kind, root, before=before) as shell:
        shell.run("echo one")
        shell.log(1)
        shell.send(" echo s3cret-")
        shell.expect(" echo s3cret-")
        fork(shell)
        shell.run("marker")
        shell.expect("s3cret-marker\n")
        shell.run("echo last")
        shell.last("echo last")
        assert grep_root(root, b"s3cret") == []
        shell.leave()
    assert grep_root(root, b"s3cret") == []
    assert len(ls(root)) == 2


# --- stores that fail ----------------------------------------------------------------------------------


def test_a_locked_store_forks_when_it_is_free(cat, root):
    term = cat()
    say(term, "one")
    wait_for(lambda: len(log(root)) == 1)
    with closing(sqlite3.connect(root / "rec.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        term.line("/fork second-try")
        term.expect("forked after turn 1: ")
        say(term, "two")
        assert [row["labels"] for row in ls(root)] == [[]]
        other.execute("ROLLBACK")
    wait_for(lambda: len(ls(root)) == 2)
    left(term)
    assert [row["command"] for row in log(root, "second-try")] == ["one", "two"]
