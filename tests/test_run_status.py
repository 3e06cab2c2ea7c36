"""How a recorded tool's end arrives: statuses, stops, jobs that outlive it, recorders in recorders."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys

import blackbox
import pytest
from blackbox import SYSTEM_PYTHON, TRICK, all_raw, events, log, ls, wait_for
from conversation import PREFIX, texts
from processes import REC, in_shell, state, tool_of
from screen import Emulator

CUT = "a background job still held the terminal; what it printed later is not recorded"
# Leaves a job behind that has its signals set before the shell goes on.
JOB = 'mkfifo ready; (trap "" HUP; echo > ready; {job}) & read x < ready; exit 3'


@pytest.mark.parametrize(
    ("script", "status", "name"),
    [
        ("exit 0", 0, None),
        ("exit 1", 1, None),
        ("exit 42", 42, None),
        ("exit 127", 127, None),
        ("kill -KILL $$", 137, "SIGKILL"),
        ("kill -TERM $$", 143, "SIGTERM"),
        ("kill -SEGV $$", 139, "SIGSEGV"),
    ],
)
def test_the_tools_status_is_ours_and_is_stored(root, start_rec, script, status, name):
    term = start_rec(["run", "--", "sh", "-c", script])
    assert term.wait() == status
    assert term.returncode == status  # we leave by ourselves, whatever the tool died of
    assert term.modes() == term.before
    (session,) = ls(root)
    assert (session["status"], session["exit_status"]) == ("ended", status)
    assert session["end_reason"] == ("signal" if name else "exit")
    last = events(root)[-1]
    if name:
        assert (last["kind"], last["text"]) == ("alert", f"ended by signal {name}")
    else:
        assert (last["kind"], last["text"]) == ("system", f"exited with status {status}")


def test_a_tool_that_cannot_start_leaves_no_trace(root, start_rec):
    term = start_rec(["run", "--", "no-such-tool"])
    assert term.wait() == 127
    assert term.text().splitlines() == [
        "rec: could not run no-such-tool: not found",
        "no program of that name is on the PATH; is it installed?",
    ]
    assert term.modes() == term.before
    assert not term.nonblocking
    assert ls(root) == []


def test_words_arrive_as_they_were_given(root, start_rec):
    term = start_rec(["run", "--", "printf", "%s|", "a  b", 'c"d', "", "-h", "$HOME", "é\n"])
    assert term.wait() == 0
    assert bytes(term.raw) == 'a  b|c"d||-h|$HOME|é\r\n|'.encode()
    assert ls(root)[0]["argv"] == ["printf", "%s|", "a  b", 'c"d', "", "-h", "$HOME", "é\n"]


@pytest.mark.parametrize("ignoring", [False, True])
def test_the_tool_finds_a_clean_place(start_rec, start, root, ignoring):
    words = [sys.executable, "-m", "recorder", "run", "--", SYSTEM_PYTHON, str(TRICK), "inspect"]
    if ignoring:  # as under nohup, and as a job of a shell without job control
        script = f"trap '' HUP INT QUIT PIPE CHLD; exec 5</dev/null 6</dev/null; exec {shlex.join(words)}"
        term = start(["bash", "-c", script], root=root)
    else:
        term = start(words, root=root)
    assert term.wait() == 0
    assert term.text().splitlines() == [
        "fds [0, 1, 2]",
        "ignored [] blocked []",
        "leader True foreground True",
        "tty [True, True, True] umask 022",
    ]


def test_a_pipe_whose_reader_leaves_makes_no_noise(start_rec):
    term = start_rec(["run", "--", "bash", "-c", 'yes | head -1; echo "${PIPESTATUS[@]}"'])
    assert term.wait() == 0
    assert bytes(term.raw) == b"y\r\n141 0\r\n"  # 141: SIGPIPE, as without a recorder


# --- job control ---------------------------------------------------------------------------------


def test_job_control_of_a_recorded_shell(root, start_rec):
    term = start_rec(["run", "--", "bash", "--norc", "--noprofile", "-i"])
    term.expect("$ ")
    term.line("sh -c 'echo \"u\"p; exec sleep 1000'")
    term.expect(re.compile("^up$", re.MULTILINE))
    term.send("\x1a")
    term.expect(re.compile(r"Stopped.*\n\$ "))
    term.line("jobs")
    term.expect(re.compile(r"jobs\n.*Stopped.*\n\$ "))
    term.line("fg")
    term.runs("sleep")
    term.send("\x03")
    term.expect("^C\n$ ")
    term.line("echo left $?")
    term.expect("left 130")
    term.line("exit 9")
    assert term.wait() == 9
    assert term.modes() == term.before
    typed = ["sh -c 'echo \"u\"p; exec sleep 1000'", "jobs", "fg", "echo left $?", "exit 9"]
    assert [row["command"] for row in log(root)] == typed


def test_a_tool_that_stops_and_goes_on_and_ends_at_once(start_rec, rounds):
    for _ in range(rounds(8, 20)):
        term = start_rec(["run", "--", "sh", "-c", "kill -STOP $$; exit 3"])
        tool = tool_of(term)
        wait_for(lambda tool=tool: state(tool) == "T", what="the tool to stop")
        os.kill(tool, signal.SIGCONT)
        assert term.wait() == 3
        assert state(tool) == ""
        assert term.modes() == term.before
        term.close()


def test_a_tool_that_stops_gives_the_shell_above_its_terminal_back(root, start):
    term = in_shell(start, root)
    before = term.modes()  # readline's: the shell is at its prompt
    term.line(f"{REC} run -- sh -c 'echo one; kill -STOP $$; echo two; exit 4'; echo status $?")
    term.expect("Stopped")
    term.expect("outer> ", count=2)
    wait_for(lambda: term.modes() == before, what="readline's modes")
    term.line("fg; echo then $?")
    term.expect("then 4")
    term.expect(re.compile("^two$", re.MULTILINE))
    wait_for(lambda: term.modes() == before, what="readline's modes")
    term.line("exit")
    term.wait()
    assert [one["status"] for one in ls(root)] == ["ended"]
    assert all_raw(root) == b"one\r\ntwo\r\n"


# --- what outlives the tool ----------------------------------------------------------------------


def test_a_job_that_ignores_the_hangup_holds_nobody_up_and_is_told(root, start_rec):
    term = start_rec(["run", "--", "sh", "-c", JOB.format(job="sleep 1000; echo LATE")])
    assert term.wait() == 3
    assert [words for _, words in term.survivors()]  # it is still there
    assert term.modes() == term.before
    assert CUT in texts(root, "system")
    assert events(root)[-1]["text"] == "exited with status 3"


@pytest.mark.parametrize(
    "script",
    [
        JOB.format(job="exec >log 2>&1; sleep 1000"),  # it has no terminal any more
        JOB.format(job="sleep 1000").replace('trap "" HUP; ', ""),  # the hangup ends it
        "setsid sleep 1000 >/dev/null 2>&1 </dev/null & exit 3",
    ],
    ids=["redirected", "hung up", "daemon"],
)
def test_a_job_without_the_terminal_is_no_news(root, start_rec, script):
    term = start_rec(["run", "--", "sh", "-c", script])
    assert term.wait() == 3
    assert texts(root, "system") == ["exited with status 3"]


def test_a_job_that_floods_the_terminal_does_not_hold_the_end(root, start_rec):
    term = start_rec(["run", "--", "sh", "-c", JOB.format(job="exec yes")])
    assert term.wait() == 3
    assert term.modes() == term.before
    assert ls(root)[0]["status"] == "ended"


def test_output_of_the_last_moment_is_all_there(root, start_rec):
    job = "seq 1 20000; exit 3"
    term = start_rec(["run", "--", "sh", "-c", f"(trap '' HUP; exec sleep 1000) & {job}"])
    assert term.wait() == 3
    want = b"".join(b"%d\r\n" % n for n in range(1, 20001))
    assert bytes(term.raw) == want
    assert all_raw(root) == want


def test_children_that_we_inherited_are_not_ours(root, start):
    """A shell that had started something became `rec`: it gets SIGCHLD for a process it never made."""
    script = f"""
        mkfifo go gone
        (read x < go; exit 7) &
        other=$!
        exec {REC} run -- sh -c 'echo > go; while kill -0 '$other' 2>/dev/null; do
            case $(cut -d" " -f3 /proc/'$other'/stat) in Z) break;; esac; done; echo done; exit 5'
    """
    term = start(["bash", "-c", script], root=root)
    assert term.wait() == 5
    assert bytes(term.raw) == b"done\r\n"
    assert ls(root)[0]["exit_status"] == 5


# --- recorders in recorders, multiplexers --------------------------------------------------------


def test_a_recorder_in_a_recorder_records_once(root, start_rec):
    term = start_rec(["run", "--label", "outer", "--", "bash", "--norc", "--noprofile", "-i"])
    term.expect("$ ")
    term.line(f"{REC} run --label inner -- cat")
    wait_for(lambda: len(ls(root)) > 1 or "/help" in term.text(), what="the inner recorder")
    term.expect("/help")
    term.line("said inside")
    term.expect("said inside", count=2)
    term.send("\x04")
    term.expect("$ ", count=2)
    term.line("echo out''side")
    term.expect(re.compile("^outside$", re.MULTILINE))
    term.line("exit")
    assert term.wait() == 0
    assert term.modes() == term.before
    inner = next(one for one in ls(root) if one["labels"] == ["inner"])
    assert [row["command"] for row in log(root, "inner")] == ["said inside"]
    marks = [event for event in events(root, "outer") if event["kind"] == "mark"]
    nested = [event["meta"] for event in marks if event["meta"]["mark"].startswith("nested")]
    assert [meta["mark"] for meta in nested] == ["nested", "nested-end"]
    assert nested[0]["ulid"] == inner["ulid"]
    assert b"said inside" not in all_raw(root, "outer")
    assert b"outside" in all_raw(root, "outer")
    assert b"\x1b]7373;" not in term.raw  # what recorders say to each other is not for the terminal


def test_the_prefix_key_is_the_inner_recorders(root, start_rec):
    term = start_rec(["run", "--label", "outer", "--", "bash", "--norc", "--noprofile", "-i"])
    term.expect("$ ")
    term.line(f"{REC} run --label inner -- {SYSTEM_PYTHON} -q")
    term.expect(">>> ")
    term.send(PREFIX)
    term.expect("rec: inner · recording")
    term.line("/note said inside")
    term.expect("any key: close")
    term.send("\r")
    term.expect_gone("any key: close")
    term.line("exit()")
    term.expect("$ ", count=2)
    wait_for(lambda: "nested recording ended" in texts(root, "mark", "outer"))
    term.send(PREFIX)
    term.expect("rec: outer · recording")
    term.line("/note said outside")
    term.expect("any key: close")
    term.send("\r")
    term.expect_gone("any key: close")
    term.line("exit")
    assert term.wait() == 0
    assert "said inside" in texts(root, "mark", "inner")
    assert [text for text in texts(root, "mark", "outer") if text.startswith("said")] == ["said outside"]


def test_the_prefix_key_is_the_outer_recorders_while_the_inner_one_is_stopped(root, start_rec):
    term = start_rec(["run", "--label", "outer", "--", "bash", "--norc", "--noprofile", "-i"])
    term.expect("$ ")
    term.line(f"{REC} run --label inner -- cat")
    term.expect("/help")
    term.send(PREFIX + "xy")  # to a line editor: search for x
    term.expect(re.compile("^y$", re.MULTILINE))
    term.send("\x1a")
    term.expect("Stopped")
    term.expect("$ ", count=2)
    term.send(PREFIX)
    term.expect("rec: outer · recording")
    term.send("\x1b")
    term.expect_gone("rec: outer")
    term.line("kill -9 %1")
    term.line("exit")
    term.line("exit")
    term.wait()


@pytest.mark.parametrize("pid", ["1", "999999999", "none"])
def test_names_of_a_recorder_that_is_gone_are_ignored(root, start_rec, pid):
    stale = {"REC_SESSION": "01J00000000000000000000000", "REC_TTY": "/dev/null", "REC_PID": pid}
    term = start_rec(["run", "--", "printenv", "REC_SESSION"], env={**stale, "REC_NONCE": "abc"})
    assert term.wait() == 0
    (session,) = ls(root)
    assert bytes(term.raw) == session["ulid"].encode() + b"\r\n"


def test_rec_in_tmux(root, start, tmp_path):
    blackbox.need("tmux")
    inner = f"{REC} run --label in-tmux -- cat"
    words = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "socket"), "new-session", inner]
    term = start(words, root=root, answer=True)
    term.expect("/help")
    term.line("hello there")
    term.expect("hello there", count=2)
    term.send("\x04")
    assert term.wait() == 0
    assert [row["command"] for row in log(root, "in-tmux")] == ["hello there"]
    assert ls(root)[0]["status"] == "ended"
    assert texts(root, "output", "in-tmux") == ["hello there\n"]


def test_tmux_in_rec(root, start_rec, tmp_path):
    blackbox.need("tmux")
    words = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "socket"), "new-session", "sh"]
    term = start_rec(["run", "--", *words], answer=True)
    term.expect("$ ")
    term.line("echo answer $((6 * 7))")
    term.expect("answer 42")
    before_end = term.position
    term.line("exit")
    assert term.wait() == 0
    assert term.modes() == term.before
    assert not term.alternate
    raw = all_raw(root)
    assert raw == bytes(term.raw)  # byte for byte what the screen got
    emulator = Emulator(80, 24)
    emulator.feed(raw[:before_end])
    rows = [emulator.screen.line(y) for y in range(24)]
    assert "answer 42" in rows


def test_a_label_at_the_start_moves_and_that_is_said(root, start_rec):
    for _ in range(2):
        term = start_rec(["run", "--label", "shop", "--", "printf", "x"])
        assert term.wait() == 0
    new, old = ls(root)
    assert (new["labels"], old["labels"]) == (["shop"], [])
    assert term.text().splitlines() == ["x", f"rec: label shop moved from {old['ulid']}"]
