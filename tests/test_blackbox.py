"""The driver itself, shown on programs that are known to behave."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path

import blackbox
import conftest
import pytest
from blackbox import Modes, grep_root, look, rec, wait_for
from screen import Emulator


def test_types_reads_the_screen_and_leaves_with_a_status(start):
    term = start(["sh", "-c", 'printf "name: "; read name; echo "hello $name"; exit 7'])
    term.expect("name: ")
    term.line("ada")
    term.expect("hello ada")
    assert term.wait() == 7
    assert [row for row in term.screen() if row] == ["name: ada", "hello ada"]
    assert term.before == term.modes()


def test_key_by_key_and_the_cursor(start):
    term = start(["cat"])
    term.type("ab", delay=0)
    term.expect("ab")
    assert term.cursor() == (2, 0)
    term.send("\x04\x04")
    assert term.wait() == 0


def test_a_signal_is_128_and_its_number(start):
    term = start(["sh", "-c", "kill -TERM $$"])
    assert term.wait() == 128 + signal.SIGTERM
    assert term.returncode == -signal.SIGTERM


def test_the_size_is_there_before_the_program(start):
    term = start(["stty", "size"], cols=132, rows=40)
    term.expect("40 132")


def test_resize_reaches_the_foreground_program(start):
    term = start([blackbox.SYSTEM_PYTHON, blackbox.TRICK, "sizes"])
    term.expect("size 80x24")
    term.resize(100, 30)
    term.expect("size 100x30")
    term.resize(40, 10)
    term.expect("size 40x10")
    assert len(term.screen()) == 10


def test_all_bytes_before_the_end_are_read(start):
    term = start(["seq", "1", "50000"])
    assert term.wait() == 0
    assert bytes(term.raw) == b"".join(b"%d\r\n" % n for n in range(1, 50001))


def test_hang_up_ends_the_program(start):
    term = start(["sh", "-c", "echo up; sleep 1000"])
    term.expect("up")
    term.close_terminal()
    assert term.wait() == 128 + signal.SIGHUP


def waiting(fd: int) -> int:
    """How many bytes can be read."""
    return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_stalled_terminal_blocks_the_program_until_it_reads_again(start):
    term = start(["sh", "-c", "echo up; read x; head -c 300000 /dev/zero | tr '\\0' x; echo over"])
    term.expect("up")
    term.stall()
    term.line("")
    wait_for(lambda: waiting(term.master) > 1000)
    assert bytes(term.raw) == b"up\r\n"
    term.unstall()
    term.expect("over")
    assert term.wait() == 0


def test_modes_are_seen_from_outside(start):
    term = start(["sh", "-c", "stty -echo -icanon; echo changed; read x; stty sane; exit 0"])
    term.expect("changed")
    wait_for(lambda: not term.modes().echo)
    assert not term.modes().canonical
    assert term.modes() != term.before
    assert isinstance(term.before, Modes)
    assert term.before.echo
    assert term.before.canonical


def test_what_is_missing_fails_at_once_when_the_program_has_ended(start):
    term = start(["sh", "-c", "echo other"])
    with pytest.raises(AssertionError, match="the program ended with 0"):
        term.expect("this")


def test_expect_counts_and_looks_above_the_screen(start):
    term = start(["sh", "-c", "seq 100 160; echo done"], rows=10)
    term.expect("done")
    assert term.expect("100\n101")
    assert term.expect(re.compile(r"^1\d\d$", re.MULTILINE), count=61)
    with pytest.raises(AssertionError):
        term.expect("done", count=2)


def test_type_ahead_is_there_before_the_program(start):
    term = start(["sh", "-c", "read x; echo got $x"], type_ahead=b"early\n")
    term.expect("got early")


def test_the_environment_is_made_from_nothing(start, monkeypatch):
    monkeypatch.setenv("LEAK", "1")
    term = start(["env"], env={"TERM": None, "MORE": "2"})
    term.wait()
    names = {row.split("=")[0] for row in term.text().splitlines() if re.match(r"[A-Z_0-9]+=", row)}
    assert "LEAK" not in names
    assert "TERM" not in names
    assert {"PATH", "HOME", "LC_ALL", "PS1", "MORE"} <= names


def test_descendants_are_found_and_ended(start):
    term = start(["sh", "-c", "trap '' HUP; setsid sleep 1000 & echo up; wait"])
    term.expect("up")
    wait_for(lambda: any("sleep 1000" in words for _, words in term.survivors()))
    term.close()
    assert wait_for(lambda: not term.survivors())


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody else")
def test_a_program_of_another_user_has_the_terminal(start):
    term = start(["sh", "-c", "id -un; echo direct >/dev/tty"], user="nobody", cwd="/")
    term.expect("nobody")
    term.expect("direct")


def test_a_mute_terminal_and_one_that_answers(start):
    ask = "import os, sys, tty\ntty.setraw(0)\nos.write(1, b'\\x1b[4G\\x1b[6n')\n"
    ask += "print(os.read(0, 100), end='', flush=True)"
    term = start([sys.executable, "-c", ask], answer=True)
    term.expect(r"b'\x1b[1;4R'")
    mute = start([sys.executable, "-c", ask])
    mute.expect_raw(b"\x1b[6n")
    mute.send(b"k")
    mute.expect("b'k'")


def test_real_editors_draw_what_they_should(start, tmp_path):
    blackbox.need("vim")
    (tmp_path / "text").write_text("first\nsecond\n")
    term = start(["vim", "-u", "NONE", "-N", str(tmp_path / "text")], answer=True)
    term.expect(re.compile(r"^second$", re.MULTILINE))
    assert term.alternate
    term.send("Goadded\x1b")
    term.expect_gone("-- INSERT --")  # with a key right behind the escape, vim may read it as Alt
    term.expect(re.compile(r"^added$", re.MULTILINE))
    term.send(":wq\r")
    assert term.wait() == 0
    assert not term.alternate
    assert (tmp_path / "text").read_text() == "first\nsecond\nadded\n"


# --- the emulator --------------------------------------------------------------------------------


def shown(data: bytes, cols: int = 20, rows: int = 4) -> list[str]:
    emulator = Emulator(cols, rows)
    emulator.feed(data)
    assert not emulator.faults
    return [emulator.screen.line(y) for y in range(rows)]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"a\x1b[3b", ["aaaa", "", "", ""]),
        (b"1\r\n2\r\n3\r\n4\x1b[2S", ["3", "4", "", ""]),
        (b"1\r\n2\r\n3\r\n4\x1b[1T", ["", "1", "2", "3"]),
        (b"one\x1b[?1049h\x1b[Htwo\x1b[?1049l", ["one", "", "", ""]),
        (b"\x1b]0;title\x07a\x1b]8;;x\x1b\\b", ["ab", "", "", ""]),
        (b"\x1bPq#0\x1b\\a\x1b[>4;2mb\x1b[4:3mc\x1b[2 qd\x1b[!pe", ["abcde", "", "", ""]),
        ("é€漢".encode(), ["é€漢", "", "", ""]),
    ],
)
def test_emulator_whole_and_byte_by_byte(data, rows):
    assert shown(data) == rows
    emulator = Emulator(20, 4)
    for byte in data:
        emulator.feed(bytes([byte]))
    assert [emulator.screen.line(y) for y in range(4)] == rows


# --- the surroundings ----------------------------------------------------------------------------


def test_bytes_under_a_directory_are_found_compressed_or_not(tmp_path):
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    (tmp_path / "plain").write_bytes(b"..hunter2..")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "packed").write_bytes(b"head" + zstd.compress(b"x" * 999 + b"hunter2" * 3) + b"tail")
    (tmp_path / "innocent").write_bytes(b"hunter3")
    assert grep_root(tmp_path, b"hunter2") == [tmp_path / "deep" / "packed", tmp_path / "plain"]
    assert grep_root(tmp_path, b"nothing") == []


def test_the_default_places_explode():
    for place in (Path("~").expanduser(), os.environ["REC_ROOT"]):
        with pytest.raises(NotADirectoryError):
            Path(place, "rec").mkdir(parents=True)
    assert os.environ["HOME"] == conftest.NO_HOME


def test_the_root_fixture_is_a_place_of_its_own(root, tmp_path):
    assert os.environ["REC_ROOT"] == str(root)
    assert root.is_relative_to(tmp_path)
    assert not root.exists()


def test_random_numbers_come_again_with_the_seed(rng, request):
    import random

    same = random.Random(f"{os.environ['REC_TEST_SEED']} {request.node.nodeid}")
    assert [rng.random() for _ in range(3)] == [same.random() for _ in range(3)]


def test_postgres_answers_on_its_socket_and_asks_for_a_password_on_loopback(postgres, start):
    assert postgres.query("select 6 * 7") == "42"
    term = start(["psql", "-X", "-h", "127.0.0.1", "-p", postgres.port, "-U", postgres.user, "postgres"])
    term.expect("Password")
    wait_for(lambda: not term.modes().echo)
    term.line(postgres.password)
    term.expect("postgres=#")
    done = subprocess.run(
        ["psql", postgres.dsn, "-Atc", "select 1"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"


def test_redis_answers(redis, start):
    term = start(redis.argv)
    term.expect(f"127.0.0.1:{redis.port}>")
    term.line("set greeting hello")
    term.expect("OK")
    assert redis.ask(b"GET greeting") == b"$5\r\nhello\r\n"


def test_the_account_gets_in_by_ssh_and_may_use_sudo_with_its_password(sshd, account, start):
    term = start([*sshd.argv, "-t", "id -un; sudo -p 'again: ' id -un"])
    term.expect("password: ")
    wait_for(lambda: not term.modes().echo)
    term.line(account.password)
    term.expect(re.compile(f"^{account.name}$", re.MULTILINE))
    term.expect("again: ")
    assert not term.modes().canonical  # ssh is raw here; the password is asked over there
    term.line(account.password)
    term.expect(re.compile("^root$", re.MULTILINE))
    assert term.wait() == 0


def test_sudo_asks_on_the_terminal_of_another_user(account, start):
    term = start(["sudo", "-p", "pass phrase: ", "id", "-un"], user=account.name, home=account.home)
    term.expect("pass phrase: ")
    wait_for(lambda: not term.modes().echo)
    term.line(account.password)
    term.expect(re.compile("^root$", re.MULTILINE))
    assert term.wait() == 0


def test_a_look_is_what_rec_says(root):
    rec(["run", "--label", "é", "--", "cat"], root, stdin="ünï\n".encode()).ok()
    for words in (
        ["log", "@1", "--json"],
        ["events", "é", "--json"],
        ["log", "nowhere"],
        ["log", "--nonsense"],
        ["ls", "-h"],
    ):
        assert look(words, root) == rec(words, root)
    assert look(["ls", "--json"], root.parent / "other" / "root").json() == []
