"""Passwords: whatever the tool asks for, and whenever it is typed, the marker is nowhere."""

from __future__ import annotations

import os
import re
import shutil
import termios

import pytest
import strangers
from blackbox import SYSTEM_PYTHON, TRICK, all_raw, grep_root, need, wait_for
from conversation import EDITOR, Turn, shown, texts, turns

MARKER = "hunter2-marker"
everyone = strangers.everyone  # a fixture


@pytest.fixture
def trick(start_rec):
    return lambda *words, **options: start_rec(["run", "--", SYSTEM_PYTHON, TRICK, *words], **options)


def echoes(term):
    """Whether the tool's own terminal echoes, or is in raw mode: it asks for nothing hidden."""
    tools = [pid for pid, words in term.survivors() if words.startswith(SYSTEM_PYTHON)]
    fd = os.open(os.readlink(f"/proc/{tools[0]}/fd/0"), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return bool(termios.tcgetattr(fd)[3] & termios.ECHO)
    finally:
        os.close(fd)


def nowhere(term, root):
    """The marker is neither in the store nor was it ever on the screen."""
    assert MARKER.encode() not in bytes(term.raw)
    assert grep_root(root, MARKER.encode()) == []
    crashes = list((term.home / ".local" / "state").rglob("*")) if (term.home / ".local").exists() else []
    assert not any(MARKER in path.read_text("utf-8", "replace") for path in crashes if path.is_file())


def test_a_password_between_two_questions(trick, root):
    """Case 5."""
    term = trick("dialogue")
    term.expect("name: ")
    term.expect(EDITOR)
    term.line("bob")
    term.expect("password: ")
    wait_for(lambda: not echoes(term))
    term.line(MARKER)
    term.expect("color? ")
    term.expect(EDITOR)
    term.send("red")
    term.expect("color? red")
    term.send("\r")
    term.wait()
    assert shown(term) == ["name: bob", "password:", "color? red", f"hello bob {len(MARKER)} red"]
    nowhere(term, root)
    found = turns(root)
    assert [turn[:2] for turn in found] == [("name: ", "bob"), ("color? ", "red")]
    assert found[1].output == f"hello bob {len(MARKER)} red\n"
    hidden = [text for text in texts(root, "system") if text == "hidden input"]
    assert len(hidden) == 1


def test_typed_in_one_burst(trick, root):
    """Case 6."""
    term = trick("dialogue")
    term.expect("name: ")
    term.expect(EDITOR)
    term.send(f"bob\r{MARKER}\r")
    term.expect("color? ")
    term.line("red")
    term.expect(f"hello bob {len(MARKER)} red")
    term.wait()
    nowhere(term, root)
    assert [turn.command for turn in turns(root)] == ["bob", "red"]


def test_typed_in_one_burst_for_a_shell_that_keeps_what_was_typed(start_rec, root):
    """Case 7."""
    need("bash")
    script = 'read -p "name: " name; read -s -p "pw: " pw; echo; echo "$name ${#pw}"'
    term = start_rec(["run", "--", "bash", "-c", script])
    term.expect("name: ")
    term.expect(EDITOR)
    term.send(f"bob\r{MARKER}\r")
    term.expect(f"bob {len(MARKER)}")
    term.wait()
    nowhere(term, root)
    assert [turn.command for turn in turns(root)] == ["bob"]


def test_typed_ahead_of_its_prompt(trick, root):
    """Case 8."""
    term = trick("quiet", "0.8")
    term.expect("name: ")
    term.expect(EDITOR)
    term.line("bob")
    term.expect_gone(EDITOR)
    term.type(f"{MARKER}\r", 0.005)
    term.expect(f"hello bob {len(MARKER)}")
    term.wait()
    nowhere(term, root)
    assert [turn.command for turn in turns(root)] == ["bob"]


@pytest.mark.parametrize("words", [("dialogue",), ("quiet", "0.05")], ids=["flushing", "quiet"])
def test_bursts_again_and_again_on_a_busy_machine(start_rec, start, root, rounds, words):
    """Case 9: the tool has what is left of a processor that something else keeps busy."""
    cpu = min(os.sched_getaffinity(0))
    hog = start(["taskset", "-c", cpu, "sh", "-c", "while :; do :; done"])
    for _ in range(rounds(4, 50)):
        tool = ["nice", "-n", "19", "taskset", "-c", cpu, SYSTEM_PYTHON, TRICK, *words]
        term = start_rec(["run", "--", *tool])
        term.expect("name: ")
        term.send(f"bob\r{MARKER}\r")
        if words[0] == "dialogue":
            term.expect("color? ")
            term.line("red")
        term.expect(f"hello bob {len(MARKER)}")
        term.wait()
        term.close()
        assert MARKER.encode() not in bytes(term.raw)
    hog.close()
    assert grep_root(root, MARKER.encode()) == []


SNEAKY = """
import os, sys, termios, threading, time
def hide():
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    modes = termios.tcgetattr(0)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSADRAIN, modes)
threading.Thread(target=hide, daemon=True).start()
sys.stdout.write("go: ")
sys.stdout.flush()
print("\\ngot", len(sys.stdin.readline().rstrip()))
"""


def test_the_echo_goes_off_in_the_middle_of_a_line(start_rec, root, tmp_path):
    """Case 10."""
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-c", SNEAKY, tmp_path / "now"])
    term.expect("go: ")
    term.expect(EDITOR)
    term.send("abc")
    term.expect("go: abc")
    (tmp_path / "now").touch()
    wait_for(lambda: not echoes(term), what="the echo to go off")
    term.line(MARKER)
    term.expect(f"got {3 + len(MARKER)}")
    term.wait()
    nowhere(term, root)
    assert turns(root) == []


def test_stars_for_a_password_in_raw_mode(trick, root):
    """Case 11."""
    term = trick("masked")
    term.expect("Password: ")
    term.type(f"{MARKER}x\x7f\r", 0.005)
    term.expect(f"length {len(MARKER)}")
    term.wait()
    nowhere(term, root)
    assert "Password: " + "*" * len(MARKER) in all_raw(root).decode()
    assert turns(root) == []


@pytest.mark.parametrize("ahead", [False, True], ids=["asked", "typed-ahead"])
def test_sudo_that_switches_line_mode_off(trick, root, ahead):
    term = trick("sudo", "ada")
    if not ahead:
        term.expect("password for ada: ")
        wait_for(lambda: not echoes(term))
        term.send(f"{MARKER}\r")
    else:
        term.expect("password for ada: ")
        term.send(f"{MARKER}\r")
    term.expect(f"length {len(MARKER)}")
    term.wait()
    nowhere(term, root)
    assert turns(root) == []
    assert texts(root, "system")[0] == "hidden input"


def test_getpass_inside_python(start_rec, root):
    """Case 17."""
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-q"])
    term.expect(">>> ")
    term.line("import getpass; len(getpass.getpass())")
    term.expect("Password: ")
    wait_for(lambda: not echoes(term))
    term.line(MARKER)
    term.expect(f"\n{len(MARKER)}\n>>> ")
    term.line("'after'")
    term.expect("\n'after'\n>>> ")
    term.send("\x04")
    term.wait()
    nowhere(term, root)
    found = turns(root)
    assert [turn.command for turn in found] == ["import getpass; len(getpass.getpass())", "'after'"]
    assert found[0].output == f"Password: \n{len(MARKER)}\n"
    assert found[1] == Turn(">>> ", "'after'", "'after'\n")


def test_getpass_inside_python_in_one_burst(start_rec, root):
    """Case 17, typed ahead: as on a bare terminal getpass throws away what was there before it."""
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-q"])
    term.expect(">>> ")
    term.line("import getpass; len(getpass.getpass())")
    term.line(MARKER)
    term.expect(re.compile(r"Password: "))
    term.send("\r")
    term.expect(re.compile(r"\n\d+\n>>> "))
    term.send("\x04")
    term.wait()
    commands = [turn.command for turn in turns(root)]
    assert commands == ["import getpass; len(getpass.getpass())"]


def test_nothing_typed_at_a_hidden_prompt_is_recalled_later(trick, root):
    term = trick("dialogue")
    term.expect("name: ")
    term.send(f"bob\r{MARKER}\r")
    term.expect("color? ")
    term.expect(EDITOR)
    term.send("\x1b[A")
    term.expect("color? bob")
    term.send("\x1b[A\x1b[A\x12hunter")
    term.send("\x07\x15red\r")
    term.wait()
    assert MARKER not in term.text()
    assert grep_root(root, MARKER.encode()) == []


@pytest.fixture
def as_account(root, start, account, everyone):
    """Record a tool as an ordinary user; yield the terminal and the root of that user's store."""
    argv, env = everyone
    own = account.home / "rec"

    def begin(*words):
        env_here = {**env, "REC_ROOT": own}
        return start([*argv, "run", "--", *words], user=account.name, home=account.home, env=env_here), own

    yield begin
    shutil.rmtree(own, ignore_errors=True)


def test_a_program_that_nobody_may_look_into(as_account, account, root):
    """Case 45: to an ordinary user su is such a program."""
    term, own = as_account("su", "-c", "echo in; read x; echo got $x", account.name)
    term.expect("Password: ")
    term.line(account.password)
    term.expect("in\n")
    term.expect(EDITOR)
    term.line("a line")
    term.expect("got a line")
    assert term.wait() == 0
    assert account.password not in term.text()
    assert grep_root(own, account.password.encode()) == []
    assert [turn[1:] for turn in turns(shutil.copytree(own, root))] == [("a line", "got a line\n")]


def test_sudo_itself(as_account, account):
    term, own = as_account("sudo", "echo", "allowed")
    term.expect("password for")
    term.line(account.password)
    term.expect("allowed")
    assert term.wait() == 0
    assert account.password not in term.text()
    assert grep_root(own, account.password.encode()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="su asks nobody but root for no password")
def test_a_program_that_su_has_started_in_a_session_of_its_own_gets_its_line(start_rec, root):
    """The foreground group is su, which only waits; nobody but its child reads the terminal."""
    term = start_rec(
        ["run", "--", "su", "nobody", "-s", "/bin/bash", "-c", "read -sp 'word: ' x; echo; echo got ${#x}"]
    )
    term.expect("word: ")
    term.line(MARKER)
    term.expect(f"got {len(MARKER)}")
    assert term.wait() == 0
    assert MARKER not in term.text()
    assert grep_root(root, MARKER.encode()) == []


def test_ssh_asks_for_a_password(start_rec, root, sshd):
    term = start_rec(["run", "--", *sshd.argv])
    term.expect("password: ")
    term.line(sshd.user.password)
    term.expect("$ ")
    term.line("echo over there")
    term.expect("\nover there\n")
    term.line("exit 4")
    assert term.wait() == 4
    assert sshd.user.password not in term.text()
    assert grep_root(root, sshd.user.password.encode()) == []
    assert "echo over there" in [turn.command for turn in turns(root)]
