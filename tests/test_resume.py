"""Going on with a session: the tool again, in the same place, recorded behind what is there.

Real tools on real terminals; what is promised of every store is in `test_store_contract.py`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import apsw
import blackbox
import maker
import pytest
from blackbox import SYSTEM_PYTHON, all_raw, environment, events, log, ls, need, rec, replay, wait_for
from maker import GONE, Maker

from recorder import resuming
from recorder.errors import NotFound, Refused
from recorder.identity import alive, owner
from recorder.model import Near, Size

FIRST = re.compile(r"resuming: (\d+) prior events?, most recent \d+[smhd] ago")
PYTHON = [SYSTEM_PYTHON, "-q"]
HOUR = 3_600_000


def typed(term, *lines):
    """Type lines at python3's prompt, each when the one before has been answered."""
    for line, answer in lines:
        term.expect(re.compile(r">>> \Z"))
        term.line(line)
        term.expect(f"\n{answer}\n")


def left(term, status=0):
    term.expect(re.compile(r">>> \Z"))
    term.line(f"raise SystemExit({status})")
    assert term.wait() == status


def recorded(start_rec, *words, **options):
    """Record one turn of python3, and leave."""
    with start_rec(["run", *words, "--", *PYTHON], **options) as term:
        typed(term, ("40 + 2", "42"))
        left(term)


def whole(root):
    """The store is sound: turn rows, seqs, references, the running hash of the raw bytes."""
    checks = rec(["doctor", "--json"], root).json()
    assert [each for each in checks if each["check"].startswith("store") and not each["ok"]] == []


def one_line(result, status, message):
    """Check what a refusal is; return its second line, the advice."""
    first, *advice = result.stderr.splitlines()
    assert (result.status, first) == (status, f"rec: {message}")
    assert len(advice) < 2
    return advice


# --- what it records -----------------------------------------------------------------------------


def test_a_session_goes_on_in_its_own_place_behind_what_is_there(root, start_rec, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    recorded(start_rec, cwd=place)
    before, raw = ls(root)[0], all_raw(root)
    present = {"TERM": "xterm", "SHOP": "two"}
    with start_rec(["resume", "@1"], cols=250, cwd=tmp_path, env=present) as term:
        assert int(term.expect(FIRST)[1]) == before["n_events"]
        typed(term, ("import os; os.getcwd(), os.environ['PWD']", f"('{place}', '{place}')"))
        typed(term, ("os.environ['REC_SESSION']", f"'{before['ulid']}'"))
        typed(term, ("[os.environ[name] for name in ('TERM', 'SHOP')]", "['xterm', 'two']"))
        assert term.text().splitlines()[1] == f"rec: it goes on in {place}"
        left(term, 3)
    (session,) = ls(root)
    assert (session["ulid"], session["status"], session["exit_status"]) == (before["ulid"], "ended", 3)
    assert (session["n_turns"], session["state"], session["end_reason"]) == (6, "idle", "exit")
    turns = log(root)
    assert [turn["turn"] for turn in turns] == [1, 2, 3, 4, 5, 6]
    assert [turn["end"] for turn in turns] == ["done"] * 6
    rows = events(root)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    runs = list(dict.fromkeys(row["invocation"] for row in rows))
    assert len(runs) == 2
    assert [row["invocation"] for row in rows[: before["n_events"]]] == [runs[0]] * before["n_events"]
    assert all_raw(root).startswith(raw)
    assert f"{place}".encode() in all_raw(root)[len(raw) :]
    assert blackbox.output(root, ":1")["output"] == "42\n"
    assert blackbox.output(root, ":4")["output"] == f"'{before['ulid']}'\n"
    assert b"os.environ" not in blackbox.output_raw(root, ":3")
    shown = replay(root)
    assert (shown["n_events"], len(shown["events"])) == (len(rows), len(rows))
    whole(root)


def test_a_resumed_session_can_be_resumed(root, start_rec):
    recorded(start_rec, "--label", "twice")
    counts = []
    for number in (1, 2):
        with start_rec(["resume", "twice"]) as term:
            counts.append(int(term.expect(FIRST)[1]))
            typed(term, (f"{number} + 100", f"{number + 100}"))
            left(term, number)
    assert counts[0] < counts[1] < len(events(root))
    (session,) = ls(root)
    assert (session["exit_status"], session["labels"]) == (2, ["twice"])
    commands = [turn["command"] for turn in log(root)]
    assert commands[:2] + commands[2::2] == ["40 + 2", "raise SystemExit(0)", "1 + 100", "2 + 100"]
    assert len({row["invocation"] for row in events(root)}) == 3
    whole(root)


def test_after_kill_9_a_session_goes_on_and_its_last_turn_is_interrupted(root, start_rec):
    with start_rec(["run", "--", *PYTHON]) as term:
        typed(term, ("40 + 2", "42"))
        term.line("import time; print('begun'); time.sleep(1000)")
        term.expect(re.compile(r"\nbegun\Z"))
        wait_for(lambda: "begun" in "".join(row["text"] for row in events(root, "@1") if row["turn"] == 2) or
                 b"begun\r\n" in all_raw(root))  # fmt: skip
        term.kill(signal.SIGKILL)
        term.wait()
    assert ls(root)[0]["status"] == "interrupted"
    with start_rec(["resume"]) as term:
        term.expect(FIRST)
        term.expect(re.compile(r">>> \Z"))
        wait_for(lambda: ls(root)[0]["state"] == "idle")
        assert ls(root)[0]["status"] == "live"
        assert [turn["end"] for turn in log(root)] == ["done", "interrupted"]
        typed(term, ("6 * 7", "42"))
        wait_for(lambda: len(log(root)) == 3)
        left(term)
    assert [turn["turn"] for turn in log(root)] == [1, 2, 3, 4]
    assert [turn["end"] for turn in log(root)] == ["done", "interrupted", "done", "done"]
    assert blackbox.output(root, ":2")["output"] == "begun\n"
    assert ls(root)[0]["status"] == "ended"
    whole(root)


def test_a_line_tool_counts_what_was_there_before(root, start_rec):
    with start_rec(["run", "--", "cat"]) as term:
        term.expect("/help")
        term.line("one")
        term.expect("\none\n")
        term.send(b"\x04")
        assert term.wait() == 0
    prior = ls(root)[0]["n_events"]
    with start_rec(["resume"]) as term:
        term.expect(f"· {prior} events ·")
        term.line("two")
        term.expect("\ntwo\n")
        term.send(b"\x04")
        assert term.wait() == 0
    assert [turn["command"] for turn in log(root)] == ["one", "two"]
    assert [blackbox.output(root, f":{n}")["output"] for n in (1, 2)] == ["one\n", "two\n"]


def test_another_size_of_the_terminal_is_on_record(root, start_rec):
    recorded(start_rec, cols=80, rows=24)
    for cols in (100, 100):
        with start_rec(["resume"], cols=cols, rows=30) as term:
            left(term)
    sizes = [(row["text"], row["meta"]["raw"]) for row in events(root, "@1", "--kind", "resize")]
    assert [size for size, _raw in sizes] == ["100x30"]
    assert 0 < sizes[0][1] < len(all_raw(root))


def test_sqlite_goes_on_with_its_file(root, start_rec, tmp_path):
    need("sqlite3")
    with start_rec(["sqlite3", "shop.db"], cwd=tmp_path) as term:
        term.expect("sqlite> ")
        term.line("create table t (a); insert into t values (17);")
        term.expect("sqlite> ", count=2)
        term.line(".quit")
        assert term.wait() == 0
    with start_rec(["resume"], cwd=tmp_path) as term:
        term.expect("sqlite> ")
        term.line("select a + 1 from t;")
        term.expect("\n18\n")
        term.line(".quit")
        assert term.wait() == 0
    assert [turn["command"] for turn in log(root)][-2:] == ["select a + 1 from t;", ".quit"]


def test_a_shell_goes_on(root, start_rec):
    env = {"SHELL": "/bin/bash", "PS1": None}
    (root.parent / "home/.bashrc").write_text("PS1='one> '\n")
    for number in (1, 2):
        with start_rec(["shell"] if number == 1 else ["resume"], env=env) as term:
            term.expect("one> ")
            term.line(f"echo number {number}")
            term.expect(f"\nnumber {number}\n")
            term.line("exit")
            term.wait()
    assert ls(root)[0]["argv"] == ["/bin/bash"]
    assert len(ls(root)) == 1
    assert [turn["command"] for turn in log(root)] == ["echo number 1", "exit", "echo number 2", "exit"]


def test_without_a_terminal_it_goes_on_as_well(root):
    rec(["run", "--", "sh"], root, stdin=b"echo one\n").ok()
    done = rec(["resume"], root, stdin=b"echo two\n").ok()
    assert FIRST.fullmatch(done.stdout.splitlines()[0])
    assert "two" in done.stdout.splitlines()[1:]
    assert (done.stderr, len(ls(root))) == ("", 1)


def test_numbers_of_prior_events_are_said_in_the_words_of_the_contract(tmp_path):
    with closing(maker.store_at(tmp_path / "root")) as store:
        made = Maker(store, 1, cwd=str(tmp_path)).end()
        greetings = []
        for _ in range(3):
            origin = resuming.take(store, store.summary(made.ulid), ("sqlite3",), {}, made.at_ms + 90_000)
            greetings.append(origin.greeting)
            made.event("mark", "a note")
        ago = ", most recent"
    assert greetings[0] == "resuming: no prior events"
    assert greetings[1].startswith(f"resuming: 1 prior event{ago}")
    assert greetings[2].startswith(f"resuming: 2 prior events{ago}")


# --- what is refused -----------------------------------------------------------------------------


def test_a_live_session_is_refused_and_passed_over(root, start_rec):
    with start_rec(["run", "--label", "busy", "--", *PYTHON]) as term:
        typed(term, ("40 + 2", "42"))
        wait_for(lambda: ls(root) and log(root))
        ulid = ls(root)[0]["ulid"]
        for name in ("busy", "@1", ulid):
            message = f"could not resume {ulid}: it is live, recorded by process {term.pid}"
            one_line(rec(["resume", name], root), 1, message)
        one_line(rec(["resume"], root), 1, "could not resume: no session that has ended was used here lately")
        left(term)
    assert len({row["invocation"] for row in events(root)}) == 1


def test_a_missing_directory_is_said_and_nothing_is_changed(root, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    rec(["run", "--", "sh"], root, stdin=b"echo one\n", cwd=place).ok()
    before, text = ls(root), events(root)
    place.rmdir()
    ulid = before[0]["ulid"]
    message = f"could not resume {ulid}: its directory is {place}, and it is gone"
    one_line(rec(["resume", "@1"], root), 1, message)
    place.write_text("no directory")
    message = f"could not resume {ulid}: its directory is {place}, and not a directory"
    one_line(rec(["resume", "@1"], root), 1, message)
    assert (ls(root), events(root)) == (before, text)


@pytest.mark.parametrize("how", ["by name", "by path", "not executable"])
def test_a_tool_that_is_not_installed_any_more_leaves_the_session_as_it_was(root, tmp_path, how):
    tool = tmp_path / "home/own-tool"
    tool.write_text("#!/bin/sh\necho out\nexit 4\n")
    tool.chmod(0o755)
    env = {"PATH": f"{tool.parent}:/usr/bin:/bin"}
    word = "own-tool" if how == "by name" else str(tool)
    assert rec(["run", "--label", "tool", "--", word], root, env=env).status == 4
    before, text = ls(root), events(root)
    if how == "not executable":
        tool.chmod(0o644)
    else:
        tool.unlink()
    result = rec(["resume", "tool"], root, env=env)
    assert result.status == (126 if how == "not executable" else 127)
    assert result.stderr.startswith(f"rec: could not run {word}: ")
    assert (ls(root), events(root)) == (before, text)
    tool.write_text("#!/bin/sh\nexit 5\n")
    tool.chmod(0o755)
    assert rec(["resume", "tool"], root, env=env).status == 5
    assert ls(root)[0]["exit_status"] == 5
    whole(root)


def test_a_masked_command_line_is_refused_and_the_whole_one_goes_on(root, tmp_path):
    words = [SYSTEM_PYTHON, "-c", "import sys; print(sys.argv[1:])", "postgres://ann:s3cret@db/shop"]
    rec(["run", "--", *words], root).ok()
    ulid = ls(root)[0]["ulid"]
    message = f"could not resume {ulid}: the password in its command line was not kept"
    for call in (["resume"], ["resume", "@1"]):
        (advice,) = one_line(rec(call, root), 1, message)
        assert "--continue" in advice
    done = rec(["run", "--continue", "--", *words], root).ok()
    assert FIRST.match(done.stdout)
    assert "s3cret" in done.stdout
    assert len(ls(root)) == 1


def test_no_such_session_and_several(root):
    for needle in ("nowhere", "@7", "-"):
        one_line(rec(["resume", needle], root), 1, f"no such session: {needle}")
    message = "could not resume: no session that has ended was used here lately"
    one_line(rec(["resume"], root), 1, message)
    assert not root.exists()


def test_a_damaged_event_does_not_stop_it(root, start_rec):
    recorded(start_rec)
    n_events = ls(root)[0]["n_events"]
    with closing(apsw.Connection(str(root / "rec.db"))) as db:
        db.execute("UPDATE event SET meta = '{', text = x'ff00'")
        db.execute("UPDATE pack SET facts = x'00', data = x'00'")
    with start_rec(["resume"]) as term:
        assert int(term.expect(FIRST)[1]) == n_events
        typed(term, ("6 * 7", "42"))
        left(term)
    (session,) = ls(root)
    assert (session["status"], session["n_turns"]) == ("ended", 4)


# --- what is said --------------------------------------------------------------------------------


def test_what_is_not_as_it_was_recorded_is_said_in_one_line_each(root, tmp_path):
    need("sqlite3")
    rec(["run", "--", "sqlite3", "shop.db"], root, stdin=b"select 1;\n").ok()
    assert rec(["resume"], root).ok().stderr == ""
    with closing(apsw.Connection(str(root / "rec.db"))) as db:
        db.execute("UPDATE invocation SET version = '0.0.7', host = 'elsewhere', target = 'other.db'")
    told = rec(["resume"], root).ok().stderr.splitlines()
    assert len(told) == 3
    assert re.fullmatch(r"rec: this is rec \S+; the session was last recorded by 0\.0\.7", told[0])
    assert told[1] == f"rec: this host is {os.uname().nodename}; the session last ran on elsewhere"
    assert re.fullmatch(r"rec: the tool talks to .*shop\.db.*; last time to other\.db", told[2])
    assert rec(["resume"], root).ok().stderr == ""
    assert ls(root)[0]["recorder_version"] != "0.0.7"
    assert "shop.db" in ls(root)[0]["target"]


# --- which session -------------------------------------------------------------------------------


def test_the_newest_of_this_place_is_meant(root, tmp_path):
    repository = tmp_path / "repository"
    for place in ("repository/.git", "repository/deep", "other"):
        (tmp_path / place).mkdir(parents=True)
    for label, place in (("top", repository), ("deep", repository / "deep"), ("other", tmp_path / "other")):
        rec(["run", "--label", label, "--", "sh"], root, stdin=b"echo\n", cwd=place).ok()
    rec(["resume", "top"], root, stdin=b"echo\n").ok()  # used last, although not the youngest
    for place, label in (("repository", "top"), ("repository/deep", "top"), ("other", "other")):
        before = {session["labels"][0]: session["n_turns"] for session in ls(root)}
        rec(["resume"], root, stdin=b"echo\n", cwd=tmp_path / place).ok()
        after = {session["labels"][0]: session["n_turns"] for session in ls(root)}
        assert {name for name in after if after[name] != before[name]} <= {label}
        runs = {row["invocation"] for row in events(root, label)}
        assert len(runs) >= 2
    message = "could not resume: no session that has ended was used here lately"
    one_line(rec(["resume"], root, cwd=tmp_path), 1, message)


def test_it_is_chosen_by_place_age_and_command_line(store):
    at = maker.now_ms() - HOUR
    gone = Maker(store, 1, at_ms=at, owner=GONE, cwd="/a", git_root="/g")
    gone.turn("one", "1\n")
    ended = Maker(store, 2, at_ms=at, cwd="/b", git_root="/g", argv=("sqlite3", "b.db")).end()
    ended.turn("two", "2\n")
    ended.turn("three", "3\n")
    live = Maker(store, 3, at_ms=at + 60_000, cwd="/a", git_root="/g", owner=owner())
    live.turn("four", "4\n")

    def chosen(cwd, git_root=None, since=0, argv=None):
        found = resuming.newest(store, Near(cwd, git_root, since), alive, argv)
        return None if found is None else found.session.ulid

    assert chosen("/a") == gone.ulid
    assert chosen("/b") == ended.ulid
    assert chosen("/c") is None
    assert chosen("/c", "/g") == ended.ulid
    assert chosen("/c", "/g", argv=("sqlite3", "shop.db")) == gone.ulid
    assert chosen("/c", "/g", argv=("sqlite3", "shop.db", "-x")) is None
    assert chosen("/a", since=gone.at_ms) == gone.ulid
    assert chosen("/a", since=gone.at_ms + 1) is None
    store.end_invocation(live.invocation, live.at_ms, 0, resuming.EndReason.EXIT)
    assert chosen("/a") == live.ulid
    store.archive(live.ulid, live.at_ms)
    assert chosen("/a") == gone.ulid


def test_a_child_goes_on_with_the_numbers_of_its_lineage(store, tmp_path):
    parent = Maker(store, 1, cwd=str(tmp_path))
    for number in (1, 2, 3):
        parent.turn(f"parent {number}", "p\n")
    cut = max(event.seq for event in store.events(parent.ulid) if event.turn == 2)
    child = Maker(store, 2, parent_ulid=parent.ulid, fork_turn=2, fork_seq=cut, owner=GONE)
    origin = resuming.take(store, store.summary(child.ulid), ("sqlite3",), {}, child.at_ms)
    assert (origin.turn, origin.raw, origin.n_events, origin.size) == (2, 0, cut, Size(80, 24))
    child.turn("child 3", "abc\n")
    child.event("resize", "90x20", cols=90, rows=20)
    origin = resuming.take(store, store.summary(child.ulid), ("sqlite3",), {}, child.at_ms)
    assert (origin.turn, origin.raw, origin.n_events, origin.size) == (3, 5, cut + 4, Size(90, 20))
    assert origin.session == store.summary(child.ulid).session
    assert origin.invocation == store.summary(child.ulid).invocation


def test_continue_within_is_how_long_ago_it_may_be(root):
    rec(["run", "--", "sh"], root, stdin=b"echo\n").ok()
    with closing(apsw.Connection(str(root / "rec.db"))) as db:
        db.execute("UPDATE progress SET last_ms = last_ms - 3660000")
        db.execute("UPDATE session SET created_ms = created_ms - 3660000")
    message = "could not resume: no session that has ended was used here lately"
    one_line(rec(["resume"], root), 1, message)
    settings = root.parent / "home/.config/rec"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text('[record]\ncontinue_within = "2h"\n')
    assert FIRST.match(rec(["resume"], root).ok().stdout)


# --- by exactly one ------------------------------------------------------------------------------

# A real `rec` that waits before it takes the session, when it has looked at it.
WAITS = """
import os, sys, time
from recorder.stores.sqlite import SqliteStore
take = SqliteStore.take
def waits(*words):
    open({flag!r} + str(os.getpid()), "w").close()
    while not os.path.exists({flag!r}):
        time.sleep(0.01)
    return take(*words)
SqliteStore.take = waits
from recorder.__main__ import main
sys.argv = ["rec", *{words!r}]
sys.exit(main())
"""


@pytest.mark.parametrize("words", [["resume"], ["run", "--continue", "--", "sh"]])
def test_of_two_terminals_that_want_a_session_one_gets_it(root, tmp_path, words):
    rec(["run", "--", "sh"], root, stdin=b"echo one\n").ok()
    flag = str(tmp_path / "go")
    code = WAITS.format(flag=flag, words=words)
    home = root.parent / "home"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(root, home),
            cwd=home,
            text=True,
        )
        for _ in range(2)
    ]
    wait_for(lambda: len(list(tmp_path.glob("go[0-9]*"))) == 2)
    (tmp_path / "go").touch()
    ended = [(*racer.communicate("echo two\n", timeout=60), racer.returncode) for racer in racers]
    won = [each for each in ended if FIRST.match(each[0])]
    ((out, err, status),) = [each for each in ended if each not in won]
    assert [each[1:] for each in won] == [("", 0)]
    ulid = ls(root)[-1]["ulid"]
    refusal = f"rec: could not resume {ulid}: another terminal has just taken it"
    if words == ["resume"]:
        assert (out, err.splitlines(), status) == ("", [refusal], 1)
        assert len(ls(root)) == 1
    else:
        assert (err.splitlines(), status) == ([f"{refusal}: a new session begins"], 0)
        assert "two" in out.splitlines()
        assert len(ls(root)) == 2
    assert [turn["command"] for turn in log(root, ulid)] == ["echo one", "echo two"]
    assert len({row["invocation"] for row in events(root, ulid)}) == 2


def test_whoever_read_the_session_before_another_took_it_is_refused(store, tmp_path):
    one = Maker(store, 1, owner=GONE, cwd=str(tmp_path))
    seen = store.summary(one.ulid)
    assert resuming.take(store, seen, ("sqlite3",), {}, one.at_ms).invocation is not None
    with pytest.raises(Refused, match=r"another terminal has just taken it$"):
        resuming.take(store, seen, ("sqlite3",), {}, one.at_ms)
    strange = replace(seen, session=replace(seen.session, ulid=maker.ulid(9)))
    with pytest.raises(NotFound):
        resuming.take(store, strange, ("sqlite3",), {}, one.at_ms)


# --- rec run --continue, --new -------------------------------------------------------------------


def test_run_continue_goes_on_with_the_same_call_and_else_begins_anew(root):
    def ran(*words):
        return rec(["run", *words], root, stdin=b"echo x\n").ok()

    anew = "rec: there is no session to continue here: a new one begins\n"
    assert (ran("--continue", "--", "sh").stderr, len(ls(root))) == (anew, 1)
    again = ran("--continue", "--label", "again", "--", "sh")
    assert FIRST.match(again.stdout)
    assert (again.stderr, len(ls(root))) == ("", 1)
    assert ls(root)[0]["labels"] == ["again"]
    assert (ran("--continue", "--", "sh", "-e").stderr, len(ls(root))) == (anew, 2)
    assert ("resuming" in ran("--new", "--", "sh").stdout, len(ls(root))) == (False, 3)
    # the form that needs click: options in another spelling
    assert FIRST.match(ran("--mode=auto", "--continue", "--", "sh").stdout)
    assert len(ls(root)) == 3


def test_run_continue_never_takes_a_live_session(root, start_rec):
    with start_rec(["run", "--", "sh"]) as term:
        term.expect("$ ")
        term.line("echo 'li'ne")
        term.expect("\nline\n")
        wait_for(lambda: ls(root) and log(root))
        rec(["run", "--continue", "--", "sh"], root, stdin=b"echo x\n").ok()
        assert len(ls(root)) == 2
        term.line("exit")
        assert term.wait() == 0


@pytest.mark.parametrize("words", [["--continue", "--new"], ["--new", "--continue"]])
def test_both_at_once_are_wrong_usage(root, words):
    result = rec(["run", *words, "--", "sh"], root)
    one_line(result, 2, "--continue and --new exclude each other")
    assert not root.exists()


def test_nothing_to_continue_without_persistence(root):
    for words in (["--continue", "--no-persist"], ["--no-persist", "--continue", "--mode=auto"]):
        one_line(rec(["run", *words, "--", "sh"], root), 1, "persistence disabled")


def test_a_store_that_fails_keeps_nobody_from_the_tool(root):
    root.mkdir(mode=0o700)
    (root / "rec.db").write_bytes(b"no database" * 1000)
    done = rec(["run", "--continue", "--", "sh"], root, stdin=b"echo x\n")
    assert (done.status, "\nx\r\n" in done.stdout) == (0, True)
    assert re.match(r"rec: could not .*: a new session begins\n", done.stderr)
    assert rec(["resume"], root).status == 3


# --- inside a session ----------------------------------------------------------------------------


def test_inside_a_session_the_command_to_run_after_leaving_is_said(root, start_rec):
    rec(["run", "--label", "the shop", "--", "sh"], root, stdin=b"echo one\n").ok()
    with start_rec(["run", "--", "cat"], cols=120) as term:
        term.expect("/help")
        for words, answer in (
            ("/resume the shop", "after leaving this tool: rec resume 'the shop'"),
            ("/resume nowhere", "rec: no such session: nowhere; `rec ls --all` lists"),
            ("/resume", "rec: could not say how to resume: no session is named; type /resume SESSION"),
        ):
            term.line(words)
            term.expect(answer)
        term.send(b"\x04")
        assert term.wait() == 0
    with start_rec(["run", "--no-persist", "--", "cat"]) as term:
        term.expect("/help")
        term.line("/resume the shop")
        term.expect("persistence disabled")
        term.send(b"\x04")
        assert term.wait() == 0
