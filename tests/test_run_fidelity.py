"""What passes through `rec` passes unchanged: bytes, sizes, type-ahead, pastes, floods, silence."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import blackbox
import pytest
from blackbox import SYSTEM_PYTHON, TRICK, all_raw, events, log, ls, wait_for
from conversation import texts
from processes import children, memory_kb, state, tool_of

MIB = 1 << 20
BAD_BYTES = b"A\xff\xfeB\x80C\xc3\xa9D \xe2\x82\xac \x00 \x1b[31mred\x1b[0m\r\r\n"
# Reads so many bytes from its raw terminal, and says what they were.
DIGEST = """
import hashlib, os, sys, termios, tty
before = termios.tcgetattr(0)
tty.setraw(0)
os.write(1, b"ready.")
got = hashlib.md5()
left = int(sys.argv[1])
while left:
    data = os.read(0, min(65536, left))
    got.update(data)
    left -= len(data)
termios.tcsetattr(0, termios.TCSANOW, before)
print(got.hexdigest())
"""


def numbered(count: int) -> bytes:
    return b"".join(b"%d\r\n" % number for number in range(1, count + 1))


def sizes_recorded(root) -> list[tuple[int, int]]:
    found = [event["meta"] for event in events(root) if event["kind"] == "resize"]
    return [(meta["cols"], meta["rows"]) for meta in found]


@contextlib.contextmanager
def busy_machine(programs: int = 4):
    """More work than there are processors."""
    spin = [os.posix_spawn("/bin/sh", ["sh", "-c", "while :; do :; done"], {}) for _ in range(programs)]
    try:
        yield
    finally:
        for pid in spin:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


# --- output --------------------------------------------------------------------------------------


def test_a_large_output_arrives_whole_on_screen_and_in_the_store(root, start_rec):
    term = start_rec(["run", "--", "sh", "-c", "seq 1 200000; exit 42"])
    assert term.wait(60) == 42
    assert bytes(term.raw) == numbered(200000)
    assert all_raw(root) == numbered(200000)
    assert term.modes() == term.before
    assert not term.nonblocking


def test_bytes_that_are_no_text_are_kept(root, start_rec):
    term = start_rec(["run", "--", SYSTEM_PYTHON, str(TRICK), "bad-bytes"])
    assert term.wait() == 0
    assert bytes(term.raw) == BAD_BYTES
    assert all_raw(root) == BAD_BYTES
    (text,) = texts(root, "output")
    assert text.count("\ufffd") == 3
    assert "A\ufffd\ufffdB\ufffdCéD €" in text
    assert text.endswith("red\n")


def test_nothing_is_lost_of_a_tool_that_ends_at_once(root, start_rec, rounds):
    with busy_machine():
        for number in range(rounds(6, 1000)):
            place = root.parent / f"root{number % 10}"
            label = f"bingo-{number}"
            term = start_rec(["run", "--label", label, "--", "printf", "Bingo"], root=place)
            assert term.wait(60) == 0
            assert bytes(term.raw) == b"Bingo"
            assert all_raw(place, label) == b"Bingo"
            assert term.modes() == term.before
            term.close()


def test_a_line_without_end_takes_no_memory(root, start_rec, rounds):
    size = rounds(20, 100) * MIB
    script = f"head -c {size} /dev/zero | tr '\\0' x; read answer"
    term = start_rec(["run", "--mode", "raw", "--", "sh", "-c", script])
    wait_for(lambda: term.position >= size, timeout=120, what="the line on the screen")
    assert memory_kb(term.pid) < 150_000
    term.line("")
    assert term.wait() == 0
    assert bytes(term.raw) == b"x" * size + b"\r\n"
    assert all_raw(root) == bytes(term.raw)


def test_a_terminal_that_reads_no_more_stops_the_tool_and_nothing_else(root, start_rec):
    term = start_rec(["run", "--", "yes"])
    term.expect_raw(b"y\r\ny\r\n")
    tool = tool_of(term)
    term.stall()
    wait_for(lambda: blocked(tool), what="yes to wait")
    wait_for(lambda: ls(root), what="the session in the store")
    resident, stored = memory_kb(term.pid, "VmRSS"), used(root)
    time.sleep(1)  # that nothing happens has to be waited for
    assert blocked(tool)
    assert memory_kb(term.pid, "VmRSS") < resident + 20_000  # it may still import some of its modules
    assert used(root) < stored + 5 * MIB
    term.send("\x03")  # the keyboard is not behind the screen
    wait_for(lambda: state(tool) in ("", "Z"), what="the end of yes")
    term.unstall()
    assert term.wait() == 130
    assert term.modes() == term.before
    assert log(root) == []


def cpu_ticks(pid: int) -> int:
    """Hundredths of a second that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def blocked(pid: int) -> bool:
    """Whether a process sleeps, and gets no further, however often one looks."""
    with contextlib.suppress(OSError):
        before = cpu_ticks(pid)
        for _ in range(20):
            if state(pid) != "S":
                return False
            time.sleep(0.005)
        return cpu_ticks(pid) == before
    return False


def used(root) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


# --- input ---------------------------------------------------------------------------------------


def test_a_large_paste_arrives_whole(start_rec):
    data = bytes((i * 7 + i // 251) % 256 for i in range(1_000_000)).replace(b"\x1d", b"a")
    term = start_rec(["run", "--", sys.executable, "-c", DIGEST, str(len(data))])
    term.expect("ready.")
    term.send(data, timeout=60)
    term.expect(hashlib.md5(data).hexdigest())
    assert term.wait() == 0
    assert term.modes() == term.before


def test_a_paste_typed_before_the_tool_is_there_arrives_whole(start_rec):
    data = bytes(range(32, 127)) * 30  # what a terminal's own queue holds
    term = start_rec(["run", "--", sys.executable, "-c", DIGEST, str(len(data) + 1)], type_ahead=data + b"\n")
    term.expect(re.compile("[0-9a-f]{32}"))
    assert term.wait() == 0
    got = hashlib.md5(data + b"\n").hexdigest(), hashlib.md5(data + b"\r").hexdigest()
    assert term.text().split("ready.")[1].strip() in got


def test_a_paste_that_nobody_reads_holds_nobody_up(root, start_rec):
    """The tool floods and never reads; who writes both ways with one hand stands still here for ever."""
    term = start_rec(["run", "--", "sh", "-c", "timeout 3 yes; echo; echo FIN"])
    term.expect_raw(b"y\r\ny\r\n")
    paste(term, b"x" * MIB)
    term.expect_raw(b"FIN", timeout=60)
    assert term.wait() == 0
    assert term.modes() == term.before


def paste(term, data: bytes) -> None:
    """Type as much as the terminal takes until the tool has ended."""
    view = memoryview(data)
    while view and term.running:
        with contextlib.suppress(BlockingIOError):
            view = view[os.write(term.master, view[:4096]) :]
            continue
        time.sleep(0.01)


def test_keys_that_wait_for_a_busy_tool_cost_nothing(root, start_rec):
    term = start_rec(["run", "--", "sh", "-c", 'echo up; sleep 3; read x; echo "got $x"'])
    term.expect("up")
    term.line("typed ahead")
    tool = tool_of(term)
    wait_for(lambda: children(tool))
    before = cpu_ticks(term.pid)
    wait_for(lambda: not children(tool), what="the end of sleep")
    assert cpu_ticks(term.pid) - before < 40  # of 300 in which one could spin
    term.expect("got typed ahead")
    assert term.wait() == 0
    assert [row["command"] for row in log(root)] == ["typed ahead"]


def test_more_than_can_be_held_is_left_in_the_pipe(root, tmp_path):
    """A pipe without end must not end in our memory."""
    line = b"x" * 3999 + b"\n"
    left = memoryview(line * 500)
    script = "mkfifo go; echo up; read x < go; head -n 500 | wc -c"
    tool = [sys.executable, "-m", "recorder", "run", "--", "sh", "-c", script]
    env = blackbox.environment(root, root.parent / "home")
    with subprocess.Popen(
        tool, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=tmp_path, start_new_session=True
    ) as process:
        assert process.stdout.readline() == b"up\r\n"
        os.set_blocking(process.stdin.fileno(), False)
        while select.select([], [process.stdin], [], 1.0)[1]:
            left = left[os.write(process.stdin.fileno(), left) :]
        assert 500_000 < len(left) < 1_000_000  # one MiB and what pipes hold is gone
        os.set_blocking(process.stdin.fileno(), True)
        (tmp_path / "go").write_text("")
        assert process.communicate(left)[0].endswith(b"2000000\r\n")
    assert process.returncode == 0


def test_what_is_typed_before_the_tool_is_there_reaches_it(root, start_rec):
    term = start_rec(["run", "--", "sh"], type_ahead=b'echo EAR""LY\rexit 5\r')
    assert term.wait() == 5
    assert re.search("^EARLY$", term.text(), re.MULTILINE)
    assert [row["command"] for row in log(root)] == ['echo EAR""LY', "exit 5"]


# --- the terminal --------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", [["cat"], ["bash", "--norc", "--noprofile", "-i"]])
def test_a_terminal_that_never_answers_is_asked_nothing(start_rec, tool):
    term = start_rec(["run", "--", *tool])
    term.expect("/help" if tool == ["cat"] else "$ ")
    asked = re.compile(rb"\x1b\[[?>=]?[0-9;]*[cn]|\x1b\][0-9;]*\?|\x1b\[\?[0-9;]*\$p|\x1bP\+q|\x1b\[\?u|\x05")
    assert not asked.search(term.raw)
    term.send("\x04")
    assert term.wait() == 0


def test_the_tool_sees_every_size(root, start_rec):
    term = start_rec(["run", "--", SYSTEM_PYTHON, str(TRICK), "sizes"], cols=80, rows=24)
    term.expect("size 80x24")
    term.resize(132, 40)
    term.expect("size 132x40")
    term.resize(100, 30)
    term.expect("size 100x30")
    term.line("")
    assert term.wait() == 0
    assert sizes_recorded(root) == [(132, 40), (100, 30)]
    first, second = (event["meta"]["raw"] for event in events(root) if event["kind"] == "resize")
    raw = all_raw(root)
    # Each stands in the raw bytes where the screen had changed, before what the tool said to it.
    assert b"size 80x24" in raw[:first]
    assert b"size 132x40" in raw[first:second]
    assert b"size 100x30" in raw[second:]


def test_a_storm_of_sizes_ends_with_the_right_one(root, start_rec, rng, rounds):
    term = start_rec(["run", "--", SYSTEM_PYTHON, str(TRICK), "sizes"], cols=80, rows=24)
    term.expect("size 80x24")
    for _ in range(rounds(100, 300)):
        term.resize(rng.choice((60, 80, 100)), rng.choice((20, 24, 50)))
        time.sleep(0.01)
    term.resize(77, 33)
    term.expect("size 77x33")
    assert size_of(term) == (77, 33)
    term.line("")
    assert term.wait() == 0
    recorded = sizes_recorded(root)
    assert recorded[-1] == (77, 33)
    assert all(one != next_one for one, next_one in zip([(80, 24), *recorded], recorded, strict=False))


def size_of(term) -> tuple[int, int]:
    """The size of the tool's own terminal."""
    with open(f"/proc/{children(term.pid)[0]}/fd/0") as tty:
        rows, cols = termios.tcgetwinsize(tty)
    return cols, rows
