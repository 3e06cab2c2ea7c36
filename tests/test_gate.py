"""The read gate on real programs: who waits for the terminal, who is busy, who cannot be looked into."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recorder import procfs
from recorder.child import Child, Exited, Stopped
from recorder.gate import ReadGate, Reading, Token
from recorder.model import Size

DEADLINE = 20.0
ENV = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm", "PS1": "ready> ", "HISTFILE": ""}
READING, BUSY, UNKNOWN = Reading


class Watched:
    """A tool, what it printed, and the gate on it."""

    def __init__(self, argv):
        self.child = Child.start(argv, size=Size(80, 24), env=ENV, attributes=None)
        self.gate = ReadGate(self.child.pid)

    def look(self):
        return self.gate.look(self.child.foreground())

    def until(self, condition):
        end = time.monotonic() + DEADLINE
        while not (value := condition()):
            assert time.monotonic() < end, self.look()
            os.sched_yield()
        return value

    def expect(self, needle):
        seen = b""
        end = time.monotonic() + DEADLINE
        while needle not in seen:
            assert time.monotonic() < end, seen
            select.select([self.child.fd], [], [], 0.2)
            seen += self.child.read() or b""
        return seen

    def close(self):
        self.child.kill_all()
        while not isinstance(self.child.reap(), Exited):
            select.select([self.child.pidfd], [], [], 0.2)
        self.child.close()


@pytest.fixture
def watch():
    tools = []

    def start(*argv):
        tools.append(Watched(argv))
        return tools[-1]

    yield start
    for tool in tools:
        tool.close()


@pytest.fixture
def python(watch):
    """Start a program that says ``up`` and then does what the test is about."""

    def start(body):
        head = "import os, select, socket, sys, threading, time\nr, w = os.pipe()\n"
        tool = watch(sys.executable, "-c", head + "os.write(1, b'up.')\n" + body)
        tool.expect(b"up.")
        return tool

    return start


# --- waiting for the terminal --------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        ["cat"],
        ["dash"],
        ["bash", "-c", "read -r line"],
        ["bash", "-c", "read -rs secret"],
        ["bash", "--norc", "-i"],
        ["sh", "-c", "sh -c 'cat; true'; true"],
        ["sh", "-c", "cat | sleep 1000"],
        [sys.executable, "-c", "input('? ')"],
        [sys.executable, "-c", "import getpass; getpass.getpass()"],
        [sys.executable, "-i"],
        ["sqlite3"],
        ["bc"],
        ["ed"],
        ["less", "/etc/passwd"],
    ],
    ids=" ".join,
)
def test_a_tool_at_its_prompt_is_reading(watch, argv):
    tool = watch(*argv)
    tool.until(lambda: tool.look() is READING)


WAITS = {
    "select": "select.select({}, [], [])",
    "select-except": "select.select({0}, [], {0})",
    "poll": "p = select.poll(); [p.register(fd, select.POLLIN) for fd in {}]; p.poll()",
    "epoll": "p = select.epoll(); [p.register(fd, select.EPOLLIN) for fd in {}]; p.poll()",
}


@pytest.mark.parametrize("how", WAITS)
@pytest.mark.parametrize(
    ("fds", "answer"), [("[0]", READING), ("[0, r]", UNKNOWN), ("[r]", BUSY)], ids=["tty", "both", "pipe"]
)
def test_a_poll_is_judged_by_what_it_polls(python, how, fds, answer):
    tool = python(WAITS[how].format(fds))
    tool.until(lambda: tool.look() is not BUSY or asleep(tool.child.pid))
    assert tool.look() is answer


def test_waiting_to_write_is_not_reading(python):
    tool = python("p = select.poll(); p.register(0, 0); p.register(r, select.POLLIN); p.poll()")
    tool.until(lambda: asleep(tool.child.pid))
    assert tool.look() is BUSY


def test_the_reader_may_be_a_thread(python):
    tool = python("t = threading.Thread(target=os.read, args=(0, 1)); t.start(); t.join()")
    tool.until(lambda: tool.look() is READING)


def test_the_reader_may_have_the_terminal_under_another_name(python):
    tool = python("os.read(os.open('/dev/tty', os.O_RDWR), 1)")
    tool.until(lambda: tool.look() is READING)


def test_the_gate_follows_the_foreground(watch):
    tool = watch("bash", "--norc", "-i")
    tool.expect(b"ready> ")
    tool.until(lambda: tool.look() is READING)
    shell = tool.gate.token(tool.child.foreground())
    tool.child.write(b"cat\n")
    tool.until(lambda: tool.child.foreground() != tool.child.pid)
    tool.until(lambda: tool.look() is READING)
    assert tool.gate.token(tool.child.foreground()).readers != shell.readers
    tool.child.write(b"\x1a")
    tool.expect(b"ready> ")
    assert tool.child.foreground() == tool.child.pid
    tool.until(lambda: tool.look() is READING)


# --- busy ----------------------------------------------------------------------------------------


def asleep(pid):
    fields = Path(f"/proc/{pid}/syscall").read_text().split()
    return len(fields) == 9 and procfs.stat(pid).state == b"S"


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(1000)",
        "os.read(r, 1)",
        "a, b = socket.socketpair(); a.recv(1)",
        (
            "s = socket.create_server(('', 0))\n"
            "c = socket.create_connection(s.getsockname()); os.read(c.fileno(), 1)"
        ),
        "select.select([], [], [], 1000)",
        "os.system('sleep 1000')",
        "threading.Event().wait()",
    ],
)
def test_a_tool_that_waits_for_something_else_is_busy(python, body):
    tool = python(body)
    for _ in range(20):
        assert tool.look() is BUSY
    tool.until(lambda: asleep(tool.child.pid))
    assert tool.look() is BUSY


def test_a_computing_tool_is_busy(python):
    tool = python("while True: pass")
    for _ in range(50):
        assert tool.look() is BUSY


@pytest.mark.parametrize("reader", ["read x", "sh -c 'read x'", "cat"])
def test_the_reader_may_have_left_the_session(watch, reader):
    """`su -c COMMAND` starts it so, and waits: the foreground group itself reads nothing."""
    tool = watch("sh", "-c", f'setsid --wait sh -c "{reader}"; :')
    tool.until(lambda: tool.look() is READING)


def test_one_that_has_left_the_session_and_does_something_else_is_busy(watch):
    tool = watch("sh", "-c", "setsid --wait sh -c 'echo on; sleep 100'; :")
    tool.expect(b"on")
    tool.until(lambda: tool.look() is BUSY)


def test_a_daemon_of_the_background_that_reads_does_not_count(watch):
    """It was not started by the foreground group, but by one that is no longer there."""
    tool = watch(
        "bash", "--norc", "-i", "-c", "set -m; setsid sh -c 'echo on; read x' <&0 & sleep 0.2; sleep 100"
    )
    tool.expect(b"on")
    tool.until(lambda: tool.look() is BUSY)


def test_a_reader_in_the_background_does_not_count(watch):
    tool = watch("bash", "--norc", "-ic", "cat & echo up; sleep 1000; true")
    tool.expect(b"up\r\n")
    tool.until(lambda: tool.child.foreground() != tool.child.pid)
    assert tool.look() is BUSY


def test_a_stopped_reader_is_busy(watch):
    tool = watch("cat")
    tool.until(lambda: tool.look() is READING)
    os.kill(tool.child.pid, signal.SIGSTOP)
    tool.until(lambda: tool.child.reap() == Stopped(signal.SIGSTOP))
    assert tool.look() is BUSY
    os.kill(tool.child.pid, signal.SIGCONT)
    tool.until(lambda: tool.look() is READING)


# --- unknown -------------------------------------------------------------------------------------


def test_a_poll_with_a_deadline_that_was_stopped_is_unknown(python):
    tool = python("p = select.poll(); p.register(0, select.POLLIN); p.poll(1000000)")
    tool.until(lambda: tool.look() is READING)
    os.kill(tool.child.pid, signal.SIGSTOP)
    tool.until(lambda: tool.child.reap() == Stopped(signal.SIGSTOP))
    os.kill(tool.child.pid, signal.SIGCONT)
    tool.until(lambda: procfs.stat(tool.child.pid).state == b"S")
    # the kernel says `restart_syscall` now, and no longer which call
    assert tool.look() is UNKNOWN


def test_nothing_to_look_at_is_unknown(watch):
    tool = watch("cat")
    assert tool.gate.look(None) is UNKNOWN
    assert tool.gate.look(1) is UNKNOWN  # a group without a member below the tool
    assert tool.gate.consumed(tool.gate.token(None)) is None
    tool.child.kill_all()
    tool.until(lambda: isinstance(tool.child.reap(), Exited))
    assert tool.gate.look(tool.child.pid) is UNKNOWN


def test_a_tool_that_is_dead_reads_no_more(watch):
    tool = watch("cat")
    tool.until(lambda: tool.look() is READING)
    os.kill(tool.child.pid, signal.SIGKILL)
    tool.until(lambda: procfs.stat(tool.child.pid).over)
    assert tool.look() is BUSY  # no prompt of its own appears between its end and our noticing


def test_a_tool_whose_first_thread_alone_has_ended_is_not_dead(python):
    tool = python(
        "threading.Thread(target=os.read, args=(0, 9)).start()\n"
        "import ctypes\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    tool.until(lambda: procfs.stat(tool.child.pid).state == b"Z")
    assert tool.look() is UNKNOWN


def answer_with(monkeypatch, name, content):
    """Let every file of that name in ``/proc`` say something else."""
    real = procfs.read
    monkeypatch.setattr(procfs, "read", lambda path: content if path.endswith(name) else real(path))


@pytest.mark.parametrize(
    "line",
    [
        "3 0x0 0x1000 0x400 0x0 0x0 0x0 0xffb61f38 0xf7f3b579",  # read(2) of a 32-bit program
        "1073741824 0x0 0x1 0x1 0x0 0x0 0x0 0x7ffe4a1c2b18 0x7f0a",  # read(2) of x32
        "0 0x63 0x1 0x1 0x0 0x0 0x0 0x7ffe4a1c2b18 0x7f0a",  # a descriptor that is gone by now
        "gibberish 0x0 0x1 0x1 0x0 0x0 0x0 0x7ffe4a1c2b18 0x7f0a",
    ],
)
def test_calls_that_we_cannot_read_are_unknown(watch, monkeypatch, line):
    tool = watch("cat")
    answer_with(monkeypatch, "syscall", line.encode())
    assert tool.look() is UNKNOWN


def test_another_machine_is_unknown(watch, monkeypatch):
    names = os.uname()
    strange = os.uname_result(("Linux", names.nodename, names.release, names.version, "vax"))
    monkeypatch.setattr(os, "uname", lambda: strange)
    tool = watch("cat")
    assert tool.look() is UNKNOWN


AS_NOBODY = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from recorder.child import Child
from recorder.gate import ReadGate, Reading
from recorder.model import Size
assert os.getuid() == os.geteuid() == 65534
child = Child.start(["su", "root"], size=Size(80, 24), env={"PATH": "/usr/bin:/bin"}, attributes=None)
gate = ReadGate(child.pid)
end = time.monotonic() + 20
while child.tty().echo or not (child.read() or b"").endswith(b": "):
    assert time.monotonic() < end
seen = {gate.look(child.foreground()) for _ in range(100)}
assert seen == {Reading.UNKNOWN}, seen
token = gate.token(child.foreground())
assert not token.readers and token.others, token
while gate.consumed(token) is None:   # su may still be on its way into its read
    token = gate.token(child.foreground())
    assert time.monotonic() < end
assert gate.consumed(token) is False
child.write(b"wrong\\n")
while gate.consumed(token) is False:
    assert time.monotonic() < end
assert gate.consumed(token) is None
print("unknown, never busy")
child.hangup()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_set_user_id_program_is_unknown_and_never_busy(tmp_path):
    # our interpreter may be out of the other user's reach, and so may the checkout
    package = tmp_path / "lib" / "recorder"
    package.mkdir(parents=True)
    for source in Path(procfs.__file__).parent.glob("*.py"):
        (package / source.name).write_bytes(source.read_bytes())
    for directory in (tmp_path, *tmp_path.parents):
        if directory.is_relative_to("/tmp") and directory != Path("/tmp"):
            directory.chmod(0o755)
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    words = [*become, "/usr/bin/python3", "-c", AS_NOBODY]
    done = subprocess.run([*words, package.parent], capture_output=True, text=True, check=False, cwd="/")
    assert (done.stdout, done.stderr) == ("unknown, never busy\n", "")


# --- the acknowledgement -------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [["cat"], ["sh", "-c", "cat; true"], ["bash", "--norc", "-i"]], ids=" ".join)
def test_a_line_is_acknowledged_when_its_reader_has_run(watch, argv):
    tool = watch(*argv)
    tool.until(lambda: tool.look() is READING)
    for number in range(50):
        tool.until(lambda: tool.look() is READING)
        token = tool.gate.token(tool.child.foreground())
        assert len(token.readers) == 1
        assert tool.gate.consumed(token) is False
        tool.child.write(b"#%d\n" % number)
        tool.until(lambda token=token: tool.gate.consumed(token))
        assert tool.gate.consumed(token) is True
        tool.until(lambda: tool.child.pending() == 0)


def test_a_reader_that_died_has_taken_its_line(watch):
    tool = watch("sh", "-c", "cat; sleep 1000")
    tool.until(lambda: tool.look() is READING)
    token = tool.gate.token(tool.child.foreground())
    tool.child.write(b"\x04")
    tool.until(lambda: tool.gate.consumed(token))
    tool.until(lambda: not os.path.exists(f"/proc/{token.readers[0][0]}"))
    assert tool.gate.consumed(token) is True


def test_without_a_counting_kernel_nothing_is_acknowledged(watch, monkeypatch):
    tool = watch("cat")
    tool.until(lambda: tool.look() is READING)
    answer_with(monkeypatch, "schedstat", b"0 0 0\n")
    token = tool.gate.token(tool.child.foreground())
    assert token == Token((), ())
    assert tool.gate.consumed(token) is None
