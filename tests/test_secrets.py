"""Passwords typed into real programs are nowhere on disk, nor on the screen unless the program shows them.

A planted marker is looked for in every file under the root and under the home (where the status and
state files are), also inside compressed frames. "At once" is typed at the prompt, "ahead" before it.
"""

from __future__ import annotations

import re
import shlex
import signal
import stat
import sys
from typing import TYPE_CHECKING

import blackbox
import pytest
from blackbox import TRICK, Rec, events, grep_root, log, ls, need, wait_for

if TYPE_CHECKING:
    from pathlib import Path

PY = blackbox.SYSTEM_PYTHON
MARKER = "zq-Planted-7731"  # long enough for every program
TRICKS = [PY, str(TRICK)]
GETPASS = "import getpass; p = getpass.getpass('Password: '); print('length', len(p)); input('more? ')"


def nowhere(root: Path, marker: str = MARKER) -> None:
    """Assert that the marker is in no file of ours, of any kind."""
    for place in (root, root.parent / "home"):
        for words in (marker.encode(), marker.encode().hex().encode(), marker[::-1].encode()):
            assert grep_root(place, words) == []


def hidden(root: Path) -> list[dict]:
    return [event for event in events(root) if event["kind"] == "system" and event["text"] == "hidden input"]


def unseen(term, marker: str = MARKER) -> None:
    assert marker.encode() not in term.raw, term.dump()


def recorded(root: Path) -> None:
    wait_for(lambda: (root / "rec.db").exists() and ls(root), what="a session")


# --- asked at once ---------------------------------------------------------------------------------


LENGTH = "echo; echo length ${#p}; read m"
PROGRAMS = {
    "getpass": [PY, "-c", GETPASS],
    "stty": ["sh", "-c", f"printf 'Password: '; stty -echo; read p; stty echo; {LENGTH}"],
    "read -s": ["bash", "-c", f"read -rsp 'Password: ' p; {LENGTH}"],
    "read -s -e": ["bash", "-c", f"read -rsep 'Password: ' p; {LENGTH}"],
    "read -s -n": ["bash", "-c", f"read -rsn {len(MARKER)} -p 'Password: ' p; {LENGTH}"],
    "sudo": [*TRICKS, "sudo"],
    "masked": [*TRICKS, "masked"],
}
ONE_QUESTION = ("sudo", "masked")
ANSWER = f"length {len(MARKER)}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_password_typed_at_its_prompt_is_nowhere(root, name):
    with Rec(["run", "--", *PROGRAMS[name]], root) as term:
        term.expect(re.compile("[Pp]assword.*: "))
        term.send(MARKER if name == "read -s -n" else MARKER + "\r")
        term.expect(ANSWER)
        if name not in ONE_QUESTION:
            term.line("visible-answer")
        assert term.wait() == 0
        unseen(term)
    nowhere(root)
    assert len(hidden(root)) == 1
    assert hidden(root)[0]["meta"].get("hidden") is True
    if name not in ONE_QUESTION:
        assert [turn["command"] for turn in log(root)] == ["visible-answer"]


@pytest.mark.parametrize("name", ["getpass", "stty", "read -s"])
def test_a_password_typed_before_the_program_is_there_is_nowhere(root, name):
    with Rec(["run", "--", *PROGRAMS[name]], root, type_ahead=(MARKER + "\n").encode()) as term:
        term.expect(ANSWER)
        term.line("visible-answer")
        assert term.wait() == 0
    nowhere(root)


@pytest.mark.parametrize("name", ["getpass", "stty", "read -s"])
def test_a_password_typed_in_one_burst_with_the_line_before_is_nowhere(root, name):
    script = f"read name; echo hello $name; sleep 0.3; exec {shlex.join(PROGRAMS[name])}"
    with Rec(["run", "--", "sh", "-c", script], root) as term:
        term.expect_raw(b"recording")
        term.send(f"anna\r{MARKER}\rvisible-answer\r")
        term.expect(ANSWER)
        assert term.wait() == 0
    assert [turn["command"] for turn in log(root)] == ["anna", "visible-answer"]
    nowhere(root)
    assert len(hidden(root)) == 1


def test_an_echo_that_goes_off_without_a_prompt_hides_what_was_typed_ahead(root):
    with Rec(["run", "--", *TRICKS, "quiet", "0.5"], root) as term:
        term.expect("name: ")
        term.send(f"anna\r{MARKER}\r")
        term.expect("hello anna 15")
        assert term.wait() == 0
    assert [turn["command"] for turn in log(root)] == ["anna"]
    nowhere(root)


# --- prompts that are hard to see ------------------------------------------------------------------

SPLIT = r"""
import os, sys, termios, time, tty
before = termios.tcgetattr(0)
now = termios.tcgetattr(0)
now[3] &= ~(termios.ECHO | termios.ICANON)
termios.tcsetattr(0, termios.TCSADRAIN, now)
for byte in sys.argv[1].encode():
    os.write(1, bytes([byte]))
    time.sleep(0.003)
typed = b""
while not typed.endswith((b"\r", b"\n")):
    typed += os.read(0, 1)
termios.tcsetattr(0, termios.TCSADRAIN, before)
print("\nlength", len(typed) - 1)
"""
PROMPTS = {
    "split": "[sudo] password for anna: ",
    "coloured": "\x1b[1;31mPass\x1b[0m\x1b[32mword\x1b[0m:\x1b[K ",
    "long": "x" * 300 + " Enter passphrase for key '/home/a/.ssh/id': ",
    "german": "Passwort für anna: ",
    "french": "Mot de passe : ",
    "spanish": "Contraseña: ",
    "russian": "Пароль: ",
    "japanese": "パスワード: ",
    "chinese": "密码：",
}


@pytest.mark.parametrize("name", PROMPTS)
def test_a_cbreak_prompt_is_seen_however_it_is_written(root, name):
    with Rec(["run", "--", PY, "-c", SPLIT, PROMPTS[name]], root) as term:
        term.expect_raw(PROMPTS[name].encode()[-6:])
        term.send(MARKER + "\r")
        term.expect(ANSWER)
        assert term.wait() == 0
        unseen(term)
    nowhere(root)
    assert len(hidden(root)) == 1


# --- real programs ---------------------------------------------------------------------------------


def test_openssl_asks_twice(root):
    need("openssl")
    with Rec(["run", "--", "openssl", "passwd", "-1"], root) as term:
        term.expect("Password: ")
        term.line(MARKER)
        term.expect("Verifying - Password: ")
        term.line(MARKER)
        assert term.wait() == 0
        unseen(term)
    assert len(hidden(root)) == 2
    nowhere(root)


def test_openssl_gets_both_answers_in_one_burst(root):
    need("openssl")
    with Rec(["run", "--", "openssl", "passwd", "-1"], root) as term:
        term.expect("Password: ")
        term.send(f"{MARKER}\r{MARKER}\r")
        assert term.wait() == 0
        assert b"$1$" in term.raw
        unseen(term)
    assert len(hidden(root)) == 2
    nowhere(root)


def test_ssh_keygen_asks_for_a_passphrase(root, tmp_path):
    need("ssh-keygen")
    with Rec(["run", "--", "ssh-keygen", "-q", "-t", "ed25519", "-f", str(tmp_path / "key")], root) as term:
        term.expect(re.compile(r"Enter passphrase"))
        term.line(MARKER)
        term.expect(re.compile(r"Enter same passphrase"))
        term.line(MARKER)
        assert term.wait() == 0
        unseen(term)
    assert (tmp_path / "key").exists()
    assert len(hidden(root)) == 2
    nowhere(root)


def test_psql_asks_for_the_password_and_for_a_new_one(root, postgres):
    need("psql")
    postgres.query(f"DROP ROLE IF EXISTS hush; CREATE ROLE hush LOGIN PASSWORD '{MARKER}'")
    argv = ["psql", "-X", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "hush", "postgres"]
    with Rec(["run", "--", *argv], root) as term:
        term.expect("Password for user hush: ")
        term.line(MARKER)
        term.expect("postgres=>")
        term.line("\\password")
        term.expect("Enter new password")
        term.line(MARKER)
        term.expect("Enter it again")
        term.line(MARKER)
        term.expect("postgres=>", count=2)
        term.line("select 6*7 as answer;")
        term.expect("42")
        term.line("\\q")
        assert term.wait() == 0
        unseen(term)
    assert len(hidden(root)) == 3
    assert [turn["command"] for turn in log(root)] == ["\\password", "select 6*7 as answer;", "\\q"]
    nowhere(root)
    postgres.query("DROP ROLE hush")


def test_psql_gets_a_new_password_in_one_burst_with_its_command(root, postgres):
    postgres.query(f"DROP ROLE IF EXISTS hush; CREATE ROLE hush LOGIN PASSWORD '{MARKER}'")
    argv = ["psql", "-X", "-h", str(postgres.directory), "-p", str(postgres.port), "-U", "hush", "postgres"]
    with Rec(["run", "--", *argv], root) as term:
        term.expect("postgres=>")
        term.send("\\password\r")
        term.expect("Enter new password")
        term.send(f"{MARKER}\r{MARKER}\r")
        term.expect("postgres=>", count=2)
        term.line("\\q")
        assert term.wait() == 0
        unseen(term)
    nowhere(root)
    postgres.query("DROP ROLE hush")


def as_account(account, *words: str) -> list[str]:
    return ["setpriv", f"--reuid={account.name}", "--regid=100", "--clear-groups", *words]


def test_sudo_asks_the_user(root, account):
    need("setpriv", "sudo")
    argv = as_account(account, "sudo", "-k", "sh", "-c", "echo I am $(id -u)")
    with Rec(["run", "--", *argv], root) as term:
        term.expect(re.compile("password for"))
        term.line(account.password)
        term.expect("I am 0")
        assert term.wait() == 0
        unseen(term, account.password)
    assert len(hidden(root)) == 1
    nowhere(root, account.password)


def test_su_asks_the_user(root, account):
    need("setpriv", "su")
    argv = as_account(account, "su", account.name, "-c", "echo I am $(id -un)")
    with Rec(["run", "--", *argv], root) as term:
        term.expect("Password: ")
        term.line(account.password)
        term.expect(f"I am {account.name}")
        assert term.wait() == 0
        unseen(term, account.password)
    assert len(hidden(root)) == 1
    nowhere(root, account.password)


def test_ssh_asks_for_the_password_of_the_other_side(root, sshd, account):
    with Rec(["run", "--", *sshd.argv, "-t", "bash", "--norc"], root) as term:
        term.expect("password: ")
        term.line(account.password)
        term.expect(re.compile(r"\$ $"))
        term.send("read -rsp 'Password: ' p; echo; echo length ${#p}")  # raw on this side, hidden on that
        term.expect("length ${#p}")  # an echo that comes later than Enter would be none
        term.send("\r")
        term.expect(re.compile(r"^Password: $", re.MULTILINE))
        term.line(MARKER)
        term.expect(re.compile(rf"{ANSWER}\n.*\$ $"))
        term.send("sudo -k id -u")
        term.expect("sudo -k id -u")
        term.send("\r")
        term.expect("password for")
        term.line(account.password)
        term.expect(re.compile(r"^0$", re.MULTILINE))
        # On a busy machine ssh and sshd now and then wait for each other when their shell has left.
        term.kill(signal.SIGTERM)
        assert term.wait() == 128 + signal.SIGTERM
        unseen(term)
        unseen(term, account.password)
    nowhere(root)
    nowhere(root, account.password)
    assert len(hidden(root)) == 3


# --- pause -----------------------------------------------------------------------------------------


def test_what_is_printed_and_typed_while_paused_is_nowhere(root):
    with Rec(["run", "--", "cat"], root) as term:
        term.line("before")
        term.expect("before", count=2)
        term.line("/pause")
        term.expect("nothing is recorded until /unpause")
        term.line(MARKER)
        term.expect(MARKER, count=2)
        term.line("/unpause")
        term.expect(re.compile(r"/unpause\s+recording"))
        term.line("after")
        term.expect("after", count=2)
        term.send(b"\x04")
        assert term.wait() == 0
    assert [turn["command"] for turn in log(root)] == ["before", "after"]
    marks = [event["meta"]["mark"] for event in events(root) if event["kind"] == "mark"]
    assert marks == ["pause", "unpause"]
    nowhere(root)


def test_a_password_while_paused_is_no_event(root):
    with Rec(["run", "--", *TRICKS, "dialogue"], root) as term:
        term.expect("name: ")
        term.line("/pause")
        term.expect("nothing is recorded")
        term.line("anna-" + MARKER)
        term.expect("password: ")
        term.line(MARKER)
        term.expect("color? ")
        term.line("/unpause")
        term.line("blue")
        term.expect("15 blue")
        assert term.wait() == 0
    assert hidden(root) == []
    assert "blue" in [turn["command"] for turn in log(root)]


def test_a_paused_recording_ends_at_once(root):
    with Rec(["run", "--", "cat"], root) as term:
        term.line("/pause")
        term.expect("nothing is recorded")
        term.line(MARKER)
        term.expect(MARKER, count=2)
        term.kill(signal.SIGTERM)
        assert term.wait(5) == 128 + signal.SIGTERM
    nowhere(root)


# --- command lines, the environment, files ---------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ["sh", "-c", "exit 0", "x", f"postgresql://anna:{MARKER}@localhost/shop"],
        ["sh", "-c", "exit 0", "x", f"--password={MARKER}"],
        ["sh", "-c", "exit 0", "x", "--password", MARKER],
        ["sh", "-c", "exit 0", "x", f"host=db password={MARKER} user=anna"],
        ["env", f"PGPASSWORD={MARKER}", "true"],
        ["curl", "-H", f"Authorization: Bearer {MARKER}", "file:///dev/null"],
    ],
    ids=["dsn", "glued", "next", "keywords", "env", "header"],
)
def test_a_password_in_the_command_line_is_masked(root, argv):
    need(argv[0])
    with Rec(["run", "--", *argv], root) as term:
        assert term.wait() == 0
    nowhere(root)
    (session,) = ls(root)
    assert MARKER not in str(session)
    assert "***" in str(session)


def test_psql_is_given_its_password_by_a_dsn(root, postgres):
    with Rec(["run", "--", "psql", "-X", postgres.dsn], root) as term:
        term.expect("postgres=#")
        term.line("\\q")
        assert term.wait() == 0
    (session,) = ls(root)
    assert postgres.password not in str(session)
    assert f"127.0.0.1:{postgres.port}" in str(session)
    nowhere(root, postgres.password)


def test_the_nonce_is_shown_to_the_tool_and_never_stored(root):
    with Rec(["run", "--", "sh", "-c", "env; read x"], root) as term:
        nonce = term.expect_raw(re.compile(rb"REC_NONCE=(\S+)\r\n"))[1]
        term.line("x")
        assert term.wait() == 0
    assert len(nonce) >= 16
    nowhere(root, nonce.decode())


def test_the_environment_is_not_stored(root):
    with Rec(["run", "--", "cat"], root, env={"MY_TOKEN": MARKER}) as term:
        term.line("one")
        term.expect("one", count=2)
        term.send(b"\x04")
        assert term.wait() == 0
    nowhere(root)


def test_everything_is_private_under_a_permissive_umask_which_the_tool_keeps(root):
    script = f'umask 000; exec {shlex.quote(sys.executable)} -m recorder run -- "$@"'
    tool = ["sh", "-c", f"{shlex.join([*TRICKS, 'inspect'])}; read x"]
    with blackbox.Term(["sh", "-c", script, "sh", *tool], root=root) as term:
        term.expect("umask 000")
        term.expect("fds [0, 1, 2]")
        recorded(root)
        state = [path for path in (root.parent / "home").rglob("*") if path.is_file()]
        modes = {path: path.stat().st_mode for path in [root, *root.rglob("*"), *state]}
        term.line("x")
        assert term.wait() == 0
    assert {path.name for path in modes} >= {"rec.db", "rec.db-wal", "rec.db-shm"}
    wanted = {path: 0o700 if stat.S_ISDIR(mode) else 0o600 for path, mode in modes.items()}
    assert {path: stat.S_IMODE(mode) for path, mode in modes.items()} == wanted
