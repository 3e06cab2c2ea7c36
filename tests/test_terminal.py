"""The user's side: how the terminal is opened, made raw, restored, rescued; and what replaces it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from recorder.child import Child, Exited
from recorder.model import Size
from recorder.terminal import make_raw, reset

DEADLINE = 30.0
SIZE = Size(80, 24)
ROOT = Path(__file__).resolve().parent.parent
ENV = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
PRELUDE = """
import fcntl, os, select, signal, sys, termios
from pathlib import Path
from recorder import identity, terminal
from recorder.terminal import Terminal, TerminalGone

def flags(fd):
    return fcntl.fcntl(fd, fcntl.F_GETFL)

def nonblocking(fd):
    return bool(flags(fd) & os.O_NONBLOCK)

def say(*words):
    os.write(2, " ".join(map(str, words)).encode() + b"\\n")

def wait(t):
    poll = select.poll()
    poll.register(t.in_fd, select.POLLIN)
    poll.poll()
"""


class Window:
    """A fake terminal with one program on it; the program's descriptors 0-2 are the terminal."""

    def __init__(self, program, *argv, attributes=None, size=SIZE):
        words = [sys.executable, "-c", PRELUDE + program, *map(str, argv)]
        self.child = Child.start(words, size=size, env=ENV, attributes=attributes)
        self.seen = b""

    def expect(self, needle):
        """Read until ``needle``; return what came before it."""
        end = time.monotonic() + DEADLINE
        while needle not in self.seen:
            assert time.monotonic() < end, self.seen
            select.select([self.child.fd], [], [], 0.2)
            data = self.child.read()
            assert data != b"", self.seen
            self.seen += data or b""
            assert not isinstance(self.child.reap(), Exited) or needle in self.seen or data, self.seen
        before, _, self.seen = self.seen.partition(needle)
        return before

    def modes(self):
        return termios.tcgetattr(self.child.fd)

    def send(self, data):
        assert self.child.write(data) == len(data)

    def finish(self):
        """Read to the end; return everything not yet expected, decoded, and check the exit."""
        end = time.monotonic() + DEADLINE
        while not isinstance(ended := self.child.reap(), Exited):
            assert time.monotonic() < end, self.seen
            select.select([self.child.fd, self.child.pidfd], [], [], 0.2)
            self.seen += self.child.read() or b""
        while data := self.child.read():
            self.seen += data
        assert ended == Exited(0, None), self.seen.decode()
        return self.seen.decode().replace("\r\n", "\n")

    def close(self):
        self.child.kill_all()
        while not isinstance(self.child.reap(), Exited):
            select.select([self.child.pidfd], [], [], 0.2)
        self.child.close()


@pytest.fixture
def window():
    windows = []

    def make(*words, **options):
        windows.append(Window(*words, **options))
        return windows[-1]

    yield make
    for each in windows:
        each.close()


def run(program, *argv, **options):
    """Run a program without a terminal."""
    words = [sys.executable, "-c", PRELUDE + program, *map(str, argv)]
    return subprocess.run(words, env=ENV, timeout=DEADLINE, check=False, **options)


# --- opening -------------------------------------------------------------------------------------


def test_terminal_is_opened_afresh_and_the_inherited_flags_stay(window):
    program = """
t = Terminal.open()
say(t.interactive, t.stdin_tty, t.stdout_tty, t.in_fd == t.out_fd, t.in_fd > 2, t.name == os.ttyname(0))
say(nonblocking(0), nonblocking(1), nonblocking(t.in_fd), os.get_inheritable(t.in_fd), t.size())
t.close()
say(t.in_fd, t.out_fd, nonblocking(0))
"""
    output = window(program, size=Size(132, 43)).finish()
    assert output == (
        "True True True True True True\nFalse False True False Size(cols=132, rows=43)\nNone None False\n"
    )


def test_size_of_an_unsized_terminal_is_the_default(window):
    assert window("say(Terminal.open().size())", size=Size(0, 0)).finish() == "Size(cols=80, rows=24)\n"


def test_two_terminals_are_two_descriptors(window):
    program = """
master, slave = os.openpty()
os.dup2(slave, 1)
t = Terminal.open()
say(t.in_fd != t.out_fd, t.interactive, t.name == os.ttyname(0))
t.write(b"over there")
say(os.read(master, 100))
"""
    assert window(program).finish() == "True True True\nb'over there'\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_after_su_the_terminal_is_still_opened_afresh(window):
    program = """
os.setresuid(65534, 65534, 65534)
try:
    os.open(os.ttyname(0), os.O_RDWR)
except PermissionError:
    say(os.getuid(), "refused")
t = Terminal.open()
t.raw()
say(t.in_fd > 2, nonblocking(t.in_fd), nonblocking(0), t.read())
t.restore()
"""
    assert window(program).finish() == "65534 refused\nTrue True False None\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_terminal_that_cannot_be_opened_is_used_as_it_is(window, tmp_path):
    program = """
result = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
os.setresuid(65534, 65534, 65534)
if os.fork():
    os.wait()
    os._exit(0)
os.setsid()                         # no controlling terminal, so no /dev/tty
t = Terminal.open()
said = [t.interactive, t.in_fd, t.out_fd, t.read(), nonblocking(0), nonblocking(1)]
t.raw()
total = 0
while (n := t.write(b"x" * 100000)):   # nobody reads yet: must end, and not block
    total += n
said += [total > 1000, nonblocking(1)]
os.write(result, repr(said).encode())
say("total", total)
os._exit(0)
"""
    result = tmp_path / "result"
    view = window(program, result)
    end = time.monotonic() + DEADLINE
    while not result.exists() or not result.read_text():
        assert time.monotonic() < end
        os.sched_yield()
    assert result.read_text() == "[True, 0, 1, None, False, False, True, False]"
    before, _, total = view.finish().rpartition("total ")
    assert before == "x" * int(total)


def test_opening_a_terminal_does_not_make_it_the_controlling_one():
    master, slave = os.openpty()
    program = "from recorder import procfs\nt = Terminal.open()\nsay(t.in_fd > 2, procfs.stat('self').tty)"
    done = run(program, stdin=slave, stdout=slave, stderr=subprocess.PIPE, start_new_session=True)
    os.close(master)
    os.close(slave)
    assert done.stderr == b"True 0\n"


def test_a_terminal_whose_name_leads_elsewhere_is_used_as_it_is():
    program = """
master, slave = os.openpty()
os.dup2(master, 0)      # opening its name, /dev/ptmx, makes another pty
t = Terminal.open()
os.write(slave, b"here")
wait(t)
say(t.in_fd, t.read())
"""
    assert run(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr == b"0 b'here'\n"


# --- no terminal ---------------------------------------------------------------------------------


def test_pipes_give_bytes_and_end_of_file():
    program = """
t = Terminal.open()
say(t.interactive, t.stdin_tty, t.stdout_tty, t.name, t.attributes(), t.size())
say(t.read(), nonblocking(0), nonblocking(1))
os.write(feed, b"one")
say(t.read())
os.close(feed)
say(t.read())
t.raw(); t.restore()
say(t.write(b"out"), t.write(memoryview(b"put")))
"""
    setup = "r, feed = os.pipe(); os.dup2(r, 0)"
    done = run(setup + program, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.stderr.decode().splitlines() == [
        "False False False None None Size(cols=80, rows=24)",
        "None False False",
        "b'one'",
        "b''",
        "3 3",
    ]
    assert done.stdout == b"output"


def test_a_full_pipe_takes_nothing_and_blocks_nothing():
    program = """
r, w = os.pipe()
os.dup2(w, 1)
os.close(w)
t = Terminal.open()
total = 0
while (n := t.write(b"x" * 8192)):
    total += n
say(total == fcntl.fcntl(1, 1032), nonblocking(1))  # F_GETPIPE_SZ
os.read(r, 8192)
say(t.write(b"y" * 10000))
os.close(r)
try:
    t.write(b"z")
except TerminalGone as gone:
    say(gone.strerror)
"""
    assert run(program, stderr=subprocess.PIPE).stderr == b"True False\n8192\nBroken pipe\n"


def test_files_are_read_and_written_whole(tmp_path):
    (tmp_path / "in").write_bytes(b"input")
    program = "t = Terminal.open()\nsay(t.read(), t.read(), t.write(b'x' * 1000000), nonblocking(1))"
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as sink:
        done = run(program, stdin=source, stdout=sink, stderr=subprocess.PIPE)
    assert done.stderr == b"b'input' b'' 1000000 False\n"
    assert (tmp_path / "out").stat().st_size == 1000000


def test_a_full_disk_is_a_terminal_gone():
    with Path("/dev/full").open("wb") as sink:
        done = run(
            "try:\n Terminal.open().write(b'x')\nexcept TerminalGone as gone:\n say(gone.strerror)",
            stdout=sink,
            stderr=subprocess.PIPE,
        )
    assert done.stderr == b"No space left on device\n"


def test_closed_descriptors():
    program = """
os.close(0); os.close(1)
t = Terminal.open()
say(t.in_fd, t.out_fd, t.read())
try:
    t.write(b"x")
except TerminalGone:
    say("gone")
"""
    assert run(program, stderr=subprocess.PIPE).stderr == b"None None b''\ngone\n"


def test_closed_descriptors_are_plugged_before_a_file_lands_there(tmp_path):
    program = """
keep = os.dup(2)
for fd in (0, 1, 2):
    os.close(fd)
terminal.plug_std_fds()
said = [os.readlink(f"/proc/self/fd/{fd}") for fd in (0, 1, 2)], [os.get_inheritable(fd) for fd in (0, 1, 2)]
said += (os.open(sys.argv[1], os.O_CREAT | os.O_RDWR) > 2, Terminal.open().read())
os.write(keep, repr(said).encode())
"""
    done = run(program, tmp_path / "store", stderr=subprocess.PIPE)
    assert done.stderr.decode() == repr(
        (["/dev/null"] * 3, [True] * 3, True, b""),
    )


def test_plugging_leaves_open_descriptors_alone():
    program = "a = os.fstat(1).st_ino\nterminal.plug_std_fds()\nsay(os.fstat(1).st_ino == a)"
    assert run(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stderr == b"True\n"


# --- modes ---------------------------------------------------------------------------------------


def test_raw_and_back_keeps_modes_and_type_ahead(window):
    program = """
t = Terminal.open()
say("ready")
sys.stdin.readline()
wait(t)
t.raw()
t.raw()
say("raw")
got = b""
while not got.endswith(b"\\x03"):
    wait(t)
    got += t.read()
t.restore()
t.restore()
say(got)
os.read(0, 1)
"""
    view = window(program)
    before = view.modes()
    view.expect(b"ready\r\n")
    view.send(b"\nahead\n")  # the second line waits in the kernel when the terminal becomes raw
    view.expect(b"raw\n")
    assert b"\r" not in view.seen
    assert view.modes() == make_raw(before)
    view.send(b"\x11\x00\xff\r\n\x1a\x1c\x16\x03")
    view.expect(rb"b'ahead\n\x11\x00\xff\r\n\x1a\x1c\x16\x03'" + b"\r\n")
    assert view.modes() == before
    view.send(b"\n")
    view.finish()


def test_raw_is_what_cfmakeraw_makes():
    done = subprocess.run(
        ["script", "-qec", "stty raw -echo -echonl -iexten; stty -g", "/dev/null"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    fields = [int(field, 16) for field in done.stdout.strip().split(":")]
    master, slave = os.openpty()
    raw = make_raw(termios.tcgetattr(slave))
    os.close(master)
    os.close(slave)
    assert [raw[1] & termios.OPOST, raw[3] & ~termios.ECHOCTL] == [
        fields[1] & 1,
        fields[3] & ~termios.ECHOCTL,
    ]
    assert raw[0] == 0
    assert (raw[6][termios.VMIN], raw[6][termios.VTIME]) == (1, 0)
    assert make_raw(raw) == raw


def test_attributes_are_the_users_own_even_while_raw(window):
    program = """
t = Terminal.open()
a = t.attributes()
t.raw()
b = t.attributes()
t.restore()
say(a == b == t.attributes(), bool(a[3] & termios.ICANON))
"""
    assert window(program).finish() == "True True\n"


def test_changes_made_between_two_raws_are_kept(window):
    program = """
t = Terminal.open()
t.raw(); t.restore()
os.system("stty -ixon erase ^H")
t.raw(); t.restore()
os.system("stty -a")
"""
    output = window(program).finish()
    assert "-ixon" in output
    assert "erase = ^H" in output


def test_modes_come_back_after_an_exception_and_at_exit(window):
    for body in (
        "try:\n  t.raw(); 1/0\nexcept ZeroDivisionError: pass\nfinally:\n  t.restore()",
        "import atexit; atexit.register(t.restore); t.raw()",
    ):
        view = window("t = Terminal.open()\n" + body)
        before = view.modes()
        view.finish()
        assert view.modes() == before


def test_in_the_background_restore_touches_nothing(window):
    program = """
t = Terminal.open()
t.raw()
other = os.fork()
if other == 0:
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    os.tcsetpgrp(0, os.getpid())    # as a shell does that takes the terminal back
    os.kill(os.getppid(), signal.SIGUSR1)
    signal.pause()
signal.sigwait({signal.SIGUSR1})
t.restore()
os.write(2, b"not stopped\\r\\n")
os.kill(other, signal.SIGKILL)
"""
    view = window("signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})" + program)
    before = view.modes()
    view.expect(b"not stopped\r\n")
    assert view.modes() == make_raw(before)
    view.finish()


def test_hangup_is_end_of_file_and_a_terminal_gone():
    master, slave = os.openpty()
    program = """
signal.signal(signal.SIGHUP, signal.SIG_IGN)
t = Terminal.open()
t.raw()
say("up")
wait(t)
said = [t.read()]
try:
    t.write(b"x")
except TerminalGone as gone:
    said.append(gone.strerror)
t.restore(); t.close(); t.restore()
said.append(t.size())
say(said)
"""
    words = [sys.executable, "-c", PRELUDE + program]
    process = subprocess.Popen(words, env=ENV, stdin=slave, stdout=slave, stderr=subprocess.PIPE)
    assert process.stderr.readline() == b"up\n"
    os.close(slave)
    os.close(master)
    rest = process.communicate(timeout=DEADLINE)[1]
    assert rest == b"[b'', 'Input/output error', Size(cols=80, rows=24)]\n"
    assert process.returncode == 0


def test_a_terminal_that_takes_nothing_blocks_nothing(window):
    program = """
t = Terminal.open()
t.raw()
total = 0
while (n := t.write(b"x" * 65536)):
    total += n
say("total", total)
"""
    view = window(program)
    before, _, total = view.finish().rpartition("total ")
    assert before == "x" * int(total)


# --- rescue --------------------------------------------------------------------------------------

VICTIM = """
t = Terminal.open()
t.remember(Path(sys.argv[1]))
t.raw()
t.write(b"\\x1b[?1049h\\x1b[?1000h")
os.kill(os.getpid(), signal.SIGKILL)
"""
# the shell's place: it outlives the recorder and starts the next one
SHELL = """
directory = Path(sys.argv[1])
def victim():
    pid = os.fork()
    if pid == 0:
        exec(VICTIM)
    os.waitpid(pid, 0)
VICTIM = sys.argv[2]
"""


def test_the_next_recorder_repairs_what_a_killed_one_left(window, tmp_path):
    program = (
        SHELL
        + """
victim()
note, = directory.iterdir()
say("killed", oct(note.stat().st_mode), note.name.startswith("tty-"))
sys.stdin.buffer.read(1)
done = terminal.rescue(directory, identity.alive)
say(done, list(directory.iterdir()), terminal.rescue(directory, identity.alive))
sys.stdin.readline()
"""
    )
    view = window(program, tmp_path, VICTIM)
    before = view.modes()
    view.expect(b"\x1b[?1049h\x1b[?1000h")
    assert view.expect(b"\n") == b"killed 0o100600 True"
    assert view.modes() == make_raw(before)
    view.send(b"x")
    assert view.expect(b"True [] False\r\n") == reset()
    assert view.modes() == before


@pytest.mark.parametrize("number", [47, 1047, 1049])
def test_the_alternate_screen_is_left_as_it_was_entered(window, tmp_path, number):
    program = (
        SHELL
        + """
victim()
terminal.rescue(directory, identity.alive)
say("done")
sys.stdin.readline()
"""
    )
    victim = VICTIM.replace("os.kill", f"t.on_screen(None); t.on_screen({number}); os.kill")
    view = window(program, tmp_path, victim)
    view.expect(b"\x1b[?1000h")
    assert view.expect(b"done\r\n") == reset(number)


def test_modes_repaired_by_somebody_else_are_left_alone(window, tmp_path):
    program = (
        SHELL
        + """
victim()
os.system("stty sane -ixon")
terminal.rescue(directory, identity.alive)
say("done")
sys.stdin.readline()
"""
    )
    view = window(program, tmp_path, VICTIM)
    view.expect(b"\x1b[?1000h")
    assert view.expect(b"done\r\n") == reset()
    assert not view.modes()[0] & termios.IXON


def test_a_living_recorder_is_not_disturbed(window, tmp_path):
    program = """
t = Terminal.open()
t.remember(Path(sys.argv[1]))
t.raw()
pid = os.fork()
if pid == 0:
    say(terminal.rescue(Path(sys.argv[1]), identity.alive), len(os.listdir(sys.argv[1])))
    os._exit(0)
os.waitpid(pid, 0)
t.restore()
t.forget()
t.forget()
say(os.listdir(sys.argv[1]))
"""
    assert window(program, tmp_path).finish() == "False 1\n[]\n"


def test_a_note_about_an_earlier_window_of_the_same_number_is_thrown_away(window, tmp_path):
    program = (
        SHELL
        + """
victim()
pid = os.fork()
if pid == 0:
    os.setsid()                      # as a new window: same device number, another session
    say(terminal.rescue(directory, identity.alive), os.listdir(directory))
    os._exit(0)
os.waitpid(pid, 0)
"""
    )
    view = window(program, tmp_path, VICTIM)
    view.expect(b"\x1b[?1000h")
    assert view.finish() == "False []\n"


def test_broken_notes_and_missing_directories_stop_nobody(window, tmp_path):
    program = """
directory = Path(sys.argv[1])
t = Terminal.open()
t.remember(directory / "missing")
t.forget()
t.remember(directory)
note, = directory.iterdir()
other = "rec-terminal-1\\n" + note.read_text().partition("\\n")[2]
for text in ("", "x", "rec-terminal-2\\n1 2 3 4\\n\\nz\\n", other):
    note.write_text(text)
    say(terminal.rescue(directory, lambda owner: False), list(directory.iterdir()))
say(terminal.rescue(directory / "missing", lambda owner: False))
"""
    assert window(program, tmp_path).finish() == "False []\n" * 4 + "False\n"


def test_without_a_terminal_there_is_nothing_to_rescue(tmp_path):
    program = (
        "say(terminal.rescue(Path(sys.argv[1]), identity.alive)); Terminal.open().remember(Path(sys.argv[1]))"
    )
    done = run(program, tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert done.stderr == b"False\n"
    assert list(tmp_path.iterdir()) == []


def test_signals_at_any_moment_leave_the_modes_whole(window):
    program = """
class Leave(Exception): pass
def leave(*_): raise Leave
signal.signal(signal.SIGALRM, leave)
t = Terminal.open()
for i in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + i))
        while True:
            t.raw()
            t.restore()
    except Leave:
        pass
    finally:
        t.restore()
"""
    view = window(program)
    before = view.modes()
    view.finish()
    assert view.modes() == before
