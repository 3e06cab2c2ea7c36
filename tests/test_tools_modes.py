"""Switching between line, hidden and raw in one session, job control, ends, and the tool's own terminal."""

from __future__ import annotations

import re
import signal
import sys

import pytest
from blackbox import SYSTEM_PYTHON, TRICK, all_raw, ls, need, wait_for
from conversation import EDITOR, Turn, shown, turns


@pytest.fixture
def bash(start_rec):
    need("bash")

    def start(**options):
        term = start_rec(["run", "--", "bash", "--norc", "--noprofile"], **options)
        term.expect("$ ")
        return term

    return start


def test_raw_line_raw_line_without_losing_a_key(bash, root):
    term = bash()
    for number in range(5):
        term.line("cat")
        term.expect(EDITOR)
        term.line(f"line {number}")
        term.expect(re.compile(f"line {number}\nline {number}\n"))
        term.expect(EDITOR)
        term.send("\x04")
        term.expect("$ ", count=number + 2)
    term.line("exit")
    term.wait()
    wanted = [turn for n in range(5) for turn in ("cat", f"line {n}")]
    assert [turn.command for turn in turns(root)] == [*wanted, "exit"]


def test_what_follows_the_end_of_an_inner_program_goes_to_the_outer_one(bash, root):
    term = bash()
    term.line("cat")
    term.expect(EDITOR)
    term.send("one\rtwo\r\x04echo back\r")
    term.expect("\nback\n$ ")
    term.send("\x04")
    term.wait()
    assert [turn.command for turn in turns(root)] == ["cat", "one", "two", "echo back"]
    assert term.text().count("echo back") == 1


def test_an_unfinished_line_goes_along_when_the_mode_changes(start_rec, root, tmp_path):
    script = """
import os, sys, termios, threading, time, tty
def change():
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    tty.setcbreak(0)
    os.write(1, b"\\r\\nraw> ")
threading.Thread(target=change, daemon=True).start()
os.write(1, b"line> ")
got = b""
while not got.endswith(b"!"):
    got += os.read(0, 100)
os.write(1, b"\\r\\ngot %r\\r\\n" % got)
"""
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-c", script, tmp_path / "go"])
    term.expect("line> ")
    term.expect(EDITOR)
    term.send("abc")
    term.expect("line> abc")
    (tmp_path / "go").touch()
    term.expect("raw> ")
    term.send("def!")
    term.expect("got b'abcdef!'")
    term.wait()


def test_forced_line_mode_and_forced_raw_mode(start_rec, root):
    term = start_rec(["run", "--mode", "raw", "--", "cat"])
    wait_for(lambda: not term.modes().echo)
    term.line("plain")
    term.expect("plain", count=2)
    term.send("\x04")
    term.wait()
    assert b"\x1b" not in term.raw
    assert turns(root) == [Turn("", "plain", "plain\n")]


# --- signals and job control -------------------------------------------------------------------------


def test_interrupt_and_quit_in_line_mode(start_rec, root):
    script = "trap 'echo caught' INT; while :; do printf '? '; read x || exit 3; echo got $x; done"
    term = start_rec(["run", "--", "bash", "-c", script])
    term.expect(EDITOR)
    term.send("half a line\x03")
    term.expect("caught")
    term.expect(EDITOR)
    term.line("whole")
    term.expect("got whole")
    term.expect(EDITOR)
    term.send("\x04")
    assert term.wait() == 3
    assert "half a line" not in [turn.command for turn in turns(root)]
    assert [turn.command for turn in turns(root)][-1] == "whole"


def test_interrupt_ends_a_tool_that_does_not_catch_it(start_rec, root):
    term = start_rec(["run", "--", "cat"])
    term.expect(EDITOR)
    term.send("abc\x03")
    assert term.wait() == 128 + signal.SIGINT
    assert ls(root)[0]["exit_status"] == 130
    assert turns(root) == []
    assert term.modes() == term.before


def test_a_signal_key_reaches_a_busy_tool_at_once(start_rec, root):
    term = start_rec(["run", "--", "dash", "-i"])
    term.expect("$ ")
    term.expect(EDITOR)
    term.line("sleep 1000")
    term.runs("sleep")
    term.expect_gone(EDITOR)
    term.send("typed ahead\x03")
    term.expect("$ ", count=2)
    term.expect(EDITOR)
    term.line("echo alive")
    term.expect("\nalive\n")
    term.line("exit")
    term.wait()
    assert [turn.command for turn in turns(root)] == ["sleep 1000", "echo alive", "exit"]


def test_stop_and_continue_under_a_shell(root, start):
    """Case 50."""
    need("bash")
    term = start(["bash", "--norc", "--noprofile", "-i"], root=root)
    term.expect("$ ")
    before = term.modes()
    term.line(f"{sys.executable} -m recorder run -- cat")
    term.expect(EDITOR)
    term.send("unfinished")
    term.expect("\nunfinished")
    term.send("\x1a")
    term.expect("Stopped")
    term.expect("$ ", count=2)
    wait_for(lambda: term.modes().lflag == before.lflag)
    term.line("fg")
    term.expect(EDITOR)
    term.expect(re.compile("fg\n.*\nunfinished$", re.MULTILINE))
    term.send(" business\r")
    term.expect(re.compile("^unfinished business\nunfinished business$", re.MULTILINE))
    term.expect(EDITOR)
    term.send("\x04")
    term.expect("$ ", count=3)
    term.line("exit")
    term.wait()
    assert turns(root) == [Turn("", "unfinished business", "unfinished business\n")]
    assert ls(root)[0]["exit_status"] == 0


# --- the end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["TERM", "HUP"])
def test_a_signal_to_the_recorder_ends_both_in_order(start_rec, root, number):
    """Case 43."""
    term = start_rec(["run", "--", "cat"])
    term.expect(EDITOR)
    term.line("kept")
    term.expect("kept", count=2)
    term.expect(EDITOR)
    term.send("unfinished")
    term.expect("\nunfinished")
    term.kill(number)
    assert term.wait() == 128 + number
    assert term.modes() == term.before
    assert b"\x1b[?2004l" in term.raw[term.raw.rindex(b"\x1b[?2004h") :]
    assert term.survivors() == []
    assert turns(root) == [Turn("", "kept", "kept\n")]
    assert ls(root)[0]["status"] == "ended"


@pytest.mark.parametrize(("how", "status"), [(("leave", "3"), 3), (("die", "SEGV"), 139), (("litter",), 137)])
def test_the_status_and_the_terminal_after_the_end(start_rec, root, how, status):
    """Case 42."""
    term = start_rec(["run", "--", SYSTEM_PYTHON, TRICK, *how])
    assert term.wait() == status
    assert term.modes() == term.before
    assert not term.alternate
    assert not term.private_modes & {1000, 1006, 2004, 1}
    assert ls(root)[0]["exit_status"] == status


def test_a_background_job_does_not_hold_the_end(start_rec):
    """Case 44."""
    term = start_rec(["run", "--", "sh", "-c", "sleep 30 & echo bye"])
    assert term.wait(timeout=10) == 0
    assert shown(term)[0] == "bye"


def test_passthrough_does_not_load_the_editor(root, start):
    """Case 47."""
    env = {"PYTHONPROFILEIMPORTTIME": "1"}
    term = start([sys.executable, "-m", "recorder", "run", "--", "echo", "hi"], root=root, env=env)
    assert term.wait() == 0
    loaded = term.raw.decode()
    assert "recorder.relay" in loaded
    assert "prompt_toolkit" not in loaded
    assert "pyte" not in loaded


@pytest.mark.parametrize("which", ["stdin", "stdout"])
def test_one_end_is_no_terminal(root, start, tmp_path, which):
    """Case 46."""
    rec = f"{sys.executable} -m recorder run -- "
    if which == "stdin":
        term = start(["sh", "-c", f"printf 'a\\nb\\n' | {rec} sed s/^/x/"], root=root)
        assert term.wait() == 0
        assert b"\x1b" not in term.raw
        assert [row for row in shown(term) if row.startswith("x")] == ["xa", "xb"]
    else:
        term = start(["sh", "-c", f"{rec} cat > {tmp_path}/out"], root=root)
        term.line("a")
        wait_for(lambda: (tmp_path / "out").exists() and b"a" in (tmp_path / "out").read_bytes())
        term.send("\x04")
        assert term.wait() == 0
        assert b"\x1b" not in (tmp_path / "out").read_bytes()
    assert b"a" in all_raw(root)
    assert ls(root)[0]["exit_status"] == 0


# --- vi keys ------------------------------------------------------------------------------------------


def test_vi_keys_for_who_has_them_in_the_shell(start_rec, root, tmp_path):
    (tmp_path / "home" / ".inputrc").write_text("set editing-mode vi\n")
    term = start_rec(["run", "--", "cat"])
    term.expect(EDITOR)
    term.send("one two")
    term.expect("one two")
    term.send("\x1b")
    wait_for(lambda: term.cursor()[0] == 6)
    term.send("0dw")
    term.expect(re.compile("^two$", re.MULTILINE))
    term.send("\r")
    term.expect("two", count=2)
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn("", "two", "two\n")]
