"""`rec fork`: the tool anew, in a child of a session; with `--rerun` in the state it had."""

from __future__ import annotations

import re
from contextlib import closing

import maker
import pytest
from blackbox import SYSTEM_PYTHON, Rec, events, log, ls, need, rec, wait_for
from conversation import EDITOR, PASTE_OFF, PASTE_ON, turns
from maker import Maker
from shells import Shell

from recorder.model import EndReason


def closed(term):
    term.send("\x04")
    return term.wait()


@pytest.fixture
def cat(start_rec, root):
    """A session of cat with three turns, which ended."""
    term = start_rec(["run", "--label", "shop", "--", "cat"])
    term.expect(EDITOR)
    for line in ("one", "two", "three"):
        term.line(line)
        term.expect(f"{line}\n{line}")
        term.expect(EDITOR)
    assert closed(term) == 0
    return ls(root)[0]


@pytest.fixture
def python(start_rec, root):
    """Talk to the system's Python; by default kill the recorder at the end."""
    need(SYSTEM_PYTHON)

    def start(*lines):
        term = start_rec(["run", "--", SYSTEM_PYTHON, "-q", "-i"])
        term.expect(">>> ")
        for line, answer in lines:
            since = term.position
            term.line(line)
            term.expect_raw(b"\r\n" + answer.replace("\n", "\r\n").encode(), since=since)
        kept(root, len([line for line, _ in lines if line]))
        term.kill()
        term.wait()
        return ls(root)[0]["ulid"]

    return start


def kept(root, number):
    """Wait until the store has as many turns that are done: what is seen is on its way there."""

    def done():
        rows = rec(["log", "@1", "--json"], root)
        return rows.status == 0 and [row["command"] for row in rows.lines() if row["end"] == "done"]

    wait_for(lambda: len([command for command in done() or [] if command]) >= number, what=f"{done()}")


# --- from outside ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "wanted"), [(None, 3), ("2", 2), ("-2", 2), ("1", 1)])
def test_a_fork_goes_on_after_the_turn(start_rec, root, cat, at, wanted):
    term = start_rec(["fork", "shop", *(["--at", at] if at else []), "--label", "second-try"])
    term.expect(f"forked: {cat['ulid']}:{wanted} goes on in ")
    term.expect(EDITOR)
    term.line("more")
    term.expect("more\nmore")
    assert closed(term) == 0
    child = ls(root)[0]
    assert (child["parent_ulid"], child["fork_turn"], child["labels"]) == (
        cat["ulid"],
        wanted,
        ["second-try"],
    )
    assert [row["command"] for row in log(root, "second-try")] == [*["one", "two", "three"][:wanted], "more"]
    assert [row["turn"] for row in log(root, "second-try")] == list(range(1, wanted + 2))
    both = events(root, "second-try")
    seqs = [row["seq"] for row in both]
    # A turn's output may be written behind the next prompt, which is no part of the child.
    assert seqs == sorted(set(seqs))
    assert min(row["seq"] for row in both if row["session"] == child["ulid"]) == child["fork_seq"] + 1
    assert child["n_events"] == seqs[-1]
    assert child["fork_seq"] == max(row["seq"] for row in both if row["session"] == cat["ulid"])
    assert ls(root)[1]["labels"] == ["shop"]


@pytest.mark.parametrize("at", ["4", "0", "-4"])
def test_a_turn_that_does_not_exist(root, cat, at):
    found = rec(["fork", "shop", "--at", at], root)
    assert (found.status, found.stdout) == (1, "")
    assert found.stderr.splitlines()[0] == f"rec: no such turn: {cat['ulid']}:{at}"
    assert len(ls(root)) == 1


def test_what_cannot_be_started_again_is_refused_in_one_line(start_rec, root, tmp_path, cat):
    place = tmp_path / "place"
    place.mkdir()
    rec(["run", "--", "cat"], root, cwd=place, stdin=b"one\n").ok()
    place.rmdir()
    found = rec(["fork", "@1"], root)
    assert found.status == 1
    assert found.stderr.startswith("rec: could not fork ")
    assert "it is gone" in found.stderr.splitlines()[0]
    assert rec(["fork", "@1", "--yes"], root).status == 2
    assert rec(["fork", "nobody"], root).status == 1
    assert rec(["fork", "shop", "--label", "-x"], root).status != 0
    assert len(ls(root)) == 2


def test_a_live_parent_can_be_forked(start_rec, root):
    first = start_rec(["run", "--label", "shop", "--", "cat"])
    first.expect(EDITOR)
    first.line("one")
    first.expect("one\none")
    first.expect(EDITOR)
    rec(["note", "x"], root)  # waits for nothing: outside
    second = start_rec(["fork", "shop"])
    second.expect(":1 goes on in ")
    second.expect(EDITOR)
    second.line("two")
    second.expect("two\ntwo")
    assert closed(second) == 0
    first.line("three")
    first.expect("three\nthree")
    assert closed(first) == 0
    child = ls(root)[0]
    assert [row["command"] for row in log(root, child["ulid"])] == ["one", "two"]
    assert [row["command"] for row in log(root, "shop")] == ["one", "three"]


# --- again -----------------------------------------------------------------------------------------


def test_a_killed_python_is_back_in_its_state(python, start_rec, root):
    parent = python(
        ("x = 40", ">>> "),
        ("def f(y):", "... "),
        ("    return x + y", "... "),
        ("", ">>> "),
        ("z = f(2)", ">>> "),
        ("print('z is', z)", "z is 42\n>>> "),
    )
    term = start_rec(["fork", parent, "--rerun"])
    term.expect("rec: rerun 5/5 done, as recorded\n>>> ")
    term.line("z * 10")
    term.expect("420\n>>> ")
    assert closed(term) == 0
    child = ls(root)[0]
    assert (child["parent_ulid"], child["fork_turn"], child["fork_seq"]) == (parent, 5, 0)
    rows = log(root, child["ulid"])
    assert {row["session"] for row in rows} == {child["ulid"]}
    assert [row["turn"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["command"] for row in rows if row["command"]][-2:] == ["print('z is', z)", "z * 10"]
    prompts = [row for row in events(root, child["ulid"]) if row["kind"] == "prompt" and row["text"]]
    assert [row["meta"].get("rerun") for row in prompts] == [1, 2, 3, 4, 5, None]
    assert b"\x1b]2;rerun 3/5\x07" in term.raw
    assert "rerun 3/5" not in term.text()
    assert child["n_events"] == len(events(root, child["ulid"]))
    assert child["n_turns"] == len(rows)


def test_a_rerun_up_to_a_turn(python, start_rec, root):
    parent = python(("x = 1", ">>> "), ("x += 1", ">>> "), ("x += 10", ">>> "))
    term = start_rec(["fork", parent, "--at", "2", "--rerun"])
    term.expect("rec: rerun 2/2 done, as recorded\n>>> ")
    term.line("print('x is', x)")
    term.expect("x is 2\n>>> ")
    assert closed(term) == 0
    child = ls(root)[0]["ulid"]
    term = start_rec(["fork", child, "--rerun"])  # the repetition of a repetition is as long
    term.expect("rec: rerun 3/3 done, as recorded\n>>> ")
    assert closed(term) == 0


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_rerun_stops_where_a_turn_ends_otherwise(python, start_rec, root, tmp_path, keep_going):
    (tmp_path / "home").mkdir(exist_ok=True)
    file = tmp_path / "home" / "data"
    file.write_text("here")
    parent = python((f"t = open('{file}').read()", ">>> "), ("print('last', 1)", "last 1\n>>> "))
    file.unlink()
    term = start_rec(["fork", parent, "--rerun", *(["--keep-going"] if keep_going else [])])
    if keep_going:
        term.expect("rec: rerun 2/2 done; turn 1 failed this time\n")
        assert "last 1" in term.text()
    else:
        term.expect("rec: rerun stopped at 1/2: turn 1 failed this time\n")
        assert "last 1" not in term.text()
    term.line("'still' + ' here'")
    term.expect("'still here'\n>>> ")
    assert closed(term) == 0


def test_a_turn_that_was_erased_is_named_where_it_is_asked_for(start_rec, root):
    rec(["run", "--", "bash", "--norc", "-i"], root, stdin=b"echo one\necho two\n")
    rec(["rm", "--yes", "@1:1"], root).ok()
    term = start_rec(["fork", "@1", "--rerun"])
    term.expect("  [was erased]\n  echo two\n")
    term.line("n")
    assert term.wait() == 1


def test_hidden_input_stops_a_rerun(start_rec, root):
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-q", "-i"])
    term.expect(">>> ")
    term.line("a = 1")
    term.expect(">>> ", count=2)
    term.line("import getpass; p = getpass.getpass()")
    term.expect("Password: ")
    term.line("s3cret-word")
    term.expect(">>> ", count=3)
    term.line("b = 2")
    term.expect(">>> ", count=4)
    assert closed(term) == 0
    term = start_rec(["fork", "@1", "--rerun"])
    term.expect("rec: rerun stopped at 1/3: turn 2 takes hidden input\n>>> ")
    term.line("print('a is', a)")
    term.expect("a is 1\n>>> ")
    assert closed(term) == 0


def test_what_is_typed_meanwhile_comes_afterwards_and_interrupt_stops(python, start_rec, root):
    go = root.parent / "home" / "go"
    go.touch()
    slow = "print('waits') or any(time.sleep(0.02) for _ in iter(lambda: os.path.exists('go'), True))"
    parent = python(("import os, time", ">>> "), (slow, "waits\nFalse\n>>> "), ("x = 5", ">>> "))
    go.unlink()
    term = start_rec(["fork", parent, "--rerun"])
    term.expect("\nwaits")
    term.line("print('x is', x)")
    go.touch()
    term.expect("x is 5\n>>> ")
    assert closed(term) == 0
    go.unlink()
    term = start_rec(["fork", parent, "--rerun"])
    term.expect("\nwaits")
    term.send("\x03")
    term.expect("rerun stopped at 2/3: before turn 3: interrupted")
    term.expect("KeyboardInterrupt")
    term.line("print('still', 'here')")
    term.expect("still here\n>>> ")
    assert closed(term) == 0


def test_a_killed_sqlite_is_back_in_its_state(start_rec, root):
    need("sqlite3")
    term = start_rec(["run", "--", "sqlite3", ":memory:"])
    term.expect("sqlite> ")
    for number, line in enumerate(
        ["create table t(a);", "insert into t", "values (1), (2);", "select sum(a) from t;"], 2
    ):
        term.line(line)
        term.expect(
            "...> " if line == "insert into t" else re.compile("^sqlite> ", re.MULTILINE),
            count=1 if line == "insert into t" else number - (number > 3),
        )
    kept(root, 4)
    term.kill()
    term.wait()
    term = start_rec(["fork", "@1", "--rerun"])
    term.expect("rec: rerun 4/4 done, as recorded\nsqlite> ")
    term.line("select 'max', max(a) from t;")
    term.expect("max|2\nsqlite> ")
    assert closed(term) == 0


def test_a_rerun_in_line_mode(start_rec, root, cat):
    term = start_rec(["fork", "shop", "--rerun"])
    term.expect("rec: rerun 3/3 done, as recorded")
    term.expect(EDITOR)
    term.line("four")
    term.expect("four\nfour")
    assert closed(term) == 0
    child = ls(root)[0]["ulid"]
    assert [turn[1:] for turn in turns(root, child)] == [
        (word, f"{word}\n") for word in ("one", "two", "three", "four")
    ]


def test_a_shell_is_run_again_only_with_a_yes(start_rec, root):
    first = start_rec(["run", "--", "bash", "--norc", "-i"], env={"PS1": "$ "})
    first.expect("$ ")
    first.line("touch was-run")
    first.expect("$ ", count=2)
    first.line("exit")
    first.wait()
    mark = first.home / "was-run"
    mark.unlink()
    found = rec(["fork", "@1", "--rerun"], root)
    assert (found.status, found.stderr.splitlines()[0]) == (
        1,
        "rec: could not run 1 command of bash again: nobody was asked",
    )
    term = start_rec(["fork", "@1", "--rerun"])
    term.expect("Run 1 command of bash again? [y/N]: ")
    term.line("n")
    assert term.wait() == 1
    assert not mark.exists()
    assert len(ls(root)) == 1
    term = start_rec(["fork", "@1", "--rerun", "--yes"], env={"PS1": "$ "})
    term.expect("rec: rerun 1/1 done, as recorded")
    assert mark.exists()
    term.line("exit")
    assert term.wait() == 0


def test_a_killed_psql_is_back_in_its_state(start_rec, root, postgres):
    env = {**postgres.env, "PAGER": ""}
    term = start_rec(["run", "--", "psql", "-X", "-q"], env=env)
    term.expect("postgres=# ")
    lines = ["create temp table t(a int);", "insert into t", "values (40), (2);", "select nope;"]
    for line, answer in zip(lines, ["=# ", "-# ", "=# ", "=# "], strict=True):
        since = term.position
        term.line(line)
        term.expect_raw(b"postgres" + answer.encode(), since=since)
    kept(root, 4)
    term.kill()
    term.wait()
    term = start_rec(["fork", "@1", "--rerun"], env=env)
    term.expect("rec: rerun 4/4 done, as recorded\npostgres=# ")
    term.line("select 'sum', sum(a) from t;")
    term.expect("sum      |  42")
    term.line("\\q")
    assert term.wait() == 0


def test_a_rerun_needs_no_terminal(root, cat):
    done = rec(["fork", "shop", "--at", "2", "--rerun"], root, stdin=b"four\n")
    assert done.status == 0
    assert [row["command"] for row in log(root)] == ["one", "two", "four"]


def test_statuses_of_a_shell_are_compared(root):
    with Shell("bash", root) as shell:
        (shell.home / "mark").touch()
        for line in ("cd /tmp", "cd -", "test -e mark", "echo last"):
            shell.run(line)
        shell.log(4)
        shell.leave()
        mark = shell.home / "mark"
    ulid = ls(root)[0]["ulid"]
    with Rec(["fork", ulid, "--rerun", "--yes"], root, env={"PS1": None}) as term:
        term.expect("rec: rerun 4/4 done, as recorded")
        term.line("exit")
        assert term.wait() == 0
    assert [row["exit_status"] for row in log(root)][:4] == [0, 0, 0, 0]
    mark.unlink()
    with Rec(["fork", ulid, "--rerun", "--yes"], root, env={"PS1": None}) as term:
        term.expect("rec: rerun stopped at 3/4: turn 3 ended with status 1, not 0")
        term.line("echo still here")
        term.expect("still here\n")
        assert "echo last" not in term.text()


def test_a_question_is_answered_and_the_end_of_the_tool_is_the_end(python, start_rec, root):
    parent = python(
        ("name = input('name? ')", "name? "),
        ("bob", ">>> "),
        ("print('hello', name)", "hello bob\n>>> "),
    )
    term = start_rec(["fork", parent, "--rerun"])
    term.expect("rec: rerun 3/3 done, as recorded\n>>> ")
    assert term.text().count("hello bob") == 1
    term.line("import os; os._exit(3)")
    assert term.wait() == 3
    term = start_rec(["fork", "@1", "--rerun"])
    assert term.wait() == 3
    assert "rec: rerun stopped at 4/4: turn 4 has ended the tool" in term.text()


def test_what_was_erased_is_not_run_again(python, start_rec, root):
    parent = python(("x = 1", ">>> "), ("x = 's3cret'", ">>> "), ("y = 3", ">>> "))
    rec(["rm", f"{parent}:2", "--yes"], root).ok()
    term = start_rec(["fork", parent, "--rerun"])
    term.expect("rec: rerun stopped at 1/3: turn 2 was erased\n>>> ")
    assert closed(term) == 0


@pytest.mark.parametrize(
    ("meta", "text", "why"),
    [
        ({}, "echo \x1b[31m", "turn 2 holds control characters"),
        ({"partial": True}, "x = 2", "turn 2 may not be recorded in full"),
    ],
)
def test_a_line_that_cannot_be_typed_as_it_was_stops_a_rerun(start_rec, root, meta, text, why):
    with closing(maker.store_at(root)) as store:
        made = Maker(store, tool=SYSTEM_PYTHON, argv=(SYSTEM_PYTHON, "-q", "-i"), cwd="/")
        for line, more in (("x = 1", {}), (text, meta), ("x = 3", {})):
            made.prompt(line, ">>> ", **more)
            made.printed("", end="done", status=None, duration_ms=1)
        store.end_invocation(made.invocation, maker.now_ms(), 0, EndReason.EXIT)
    term = start_rec(["fork", "@1", "--rerun", "--keep-going"])
    term.expect(f"rec: rerun stopped at 1/3: {why}\n>>> ")
    term.line("print('x is', x)")
    term.expect("x is 1\n>>> ")
    assert closed(term) == 0


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_commands_of_several_lines_are_typed_as_they_were(root, kind):
    loop = "for n in 1 2\n\techo n$n\nend" if kind == "fish" else "for n in 1 2\ndo\n\techo n$n\ndone"
    with Shell(kind, root) as shell:
        shell.send(f"{PASTE_ON}{loop}{PASTE_OFF}")
        shell.run("")
        shell.run("echo last")
        shell.log(2)
        shell.leave()
    parent = ls(root)[0]["ulid"]
    with Rec(["fork", parent, "--rerun", "--yes"], root, env={"PS1": None}) as term:
        term.expect("rec: rerun 2/2 done, as recorded")
        assert re.search(r"^n1\nn2$", term.text(), re.MULTILINE)
        term.line("exit")
        assert term.wait() == 0
    before, after = log(root, parent), log(root)
    assert [row["command"] for row in after[:2]] == [row["command"] for row in before[:2]]
    assert [row["exit_status"] for row in after[:2]] == [0, 0]


def test_a_shell_inside_a_shell_is_run_again_with_it(root):
    with Shell("bash", root) as shell:
        shell.run("x=1")
        shell.run("bash")
        shell.run("y=2")
        shell.run("echo last")
        shell.log(3)
        shell.kill()
        shell.wait()
    parent = ls(root)[0]["ulid"]
    with Rec(["fork", parent, "--rerun", "--yes"], root, env={"PS1": None}) as term:
        term.expect("rec: rerun 4/4 done, as recorded")
        term.line("echo $x-$y-$SHLVL")
        term.expect("-2-")
