"""The tool's side: what a started child finds, how it ends, and what its pty says."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
from processes import children

from recorder import procfs
from recorder.child import Child, Exited, Stopped, Tty
from recorder.errors import RecError, ToolNotExecutable, ToolNotFound
from recorder.model import Size

SIZE = Size(80, 24)
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
DEADLINE = 20.0


@pytest.fixture
def start():
    children = []

    def begin(*argv, **options):
        child = Child.start(argv, **{"size": SIZE, "env": ENV, "attributes": None, **options})
        children.append(child)
        return child

    yield begin
    for child in children:
        child.kill_all()
        wait_exit(child)
        child.close()


def expect(child, needle, deadline=DEADLINE):
    """Read until ``needle`` has come; return everything read."""
    end = time.monotonic() + deadline
    seen = b""
    while needle not in seen:
        assert time.monotonic() < end, seen
        select.select([child.fd], [], [], 0.2)
        data = child.read()
        assert data != b"" or needle in seen, seen
        seen += data or b""
    return seen


def wait_exit(child, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while not isinstance(result := child.reap(), Exited):
        assert time.monotonic() < end
        select.select([child.pidfd], [], [], 0.2)
    return result


def drain(child, seen=b""):
    """Everything until the pty's end; the tool must be reaped already."""
    end = time.monotonic() + DEADLINE
    while (data := child.read()) != b"":
        assert time.monotonic() < end
        if data is None:
            select.select([child.fd], [], [], 0.2)
        else:
            seen += data
    return seen


def finish(child):
    """Read to the end and return (output, exit)."""
    end = time.monotonic() + DEADLINE
    seen = b""
    while not isinstance(child.reap(), Exited):
        assert time.monotonic() < end, seen
        select.select([child.fd, child.pidfd], [], [], 0.2)
        seen += child.read() or b""
    return drain(child, seen), child.reap()


def until(condition):
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < end
        os.sched_yield()
    return value


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def caught(pid, number):
    """Say whether the process has a handler for a signal by now."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(status.partition("SigCgt:")[2].split()[0], 16)
    return mask >> (number - 1) & 1


# --- what the child finds ------------------------------------------------------------------------


def test_child_has_no_descriptor_but_its_terminal(start):
    leaked = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leaked, True)  # as if our own parent had given it to us
    try:
        output, ended = finish(start("sh", "-c", "ls -l /proc/self/fd; tty; test -t 0 -a -t 1 -a -t 2"))
    finally:
        os.close(leaked)
    lines = output.decode().splitlines()
    links = [line.partition(" -> ")[2] for line in lines if " -> " in line]
    name = lines[-1]
    assert name.startswith("/dev/pts/")
    assert links[:3] == [name] * 3
    assert len(links) == 4  # the listing's own
    assert "/proc/" in links[3]
    assert ended == Exited(0, None)


def test_signals_are_default_and_unblocked_even_if_ours_are_not(start):
    hup = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGINT})
    try:
        child = start("cat", "/proc/self/status")
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask | {signal.SIGUSR1, signal.SIGINT}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGHUP, hup)
    output, _ = finish(child)
    lines = dict(line.split(":", 1) for line in output.decode().splitlines())
    # 32 and 33 belong to the C library's threads: nobody can set them, and they may come inherited.
    ours = ~(0b11 << 31)
    assert [int(lines[key], 16) & ours for key in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]


def test_umask_and_limits_are_the_callers(start):
    old = os.umask(0o027)
    try:
        child = start("sh", "-c", "umask; ulimit -n")
    finally:
        os.umask(old)
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert finish(child)[0].decode().split() == ["0027", str(soft)]


def test_child_leads_its_session_in_the_foreground(start):
    child = start("sh", "-c", "ps -o pid=,pgid=,sid=,tpgid= -p $$; cat")
    numbers = expect(child, b"\n").split()[:4]
    assert numbers == [str(child.pid).encode()] * 4
    assert child.foreground() == child.pid


def test_words_environment_and_directory_arrive_exactly(start, tmp_path):
    odd = tmp_path / "a  b"
    odd.mkdir()
    script = 'printf "%s|" "$@"; printf "%s" "$ODD"; pwd'
    words = ["sh", "a  b", 'c"d', "\udcff", ""]
    child = start("sh", "-c", script, *words, env={**ENV, "ODD": "\udcfe="}, cwd=str(odd))
    assert finish(child)[0] == b'a  b|c"d|\xff||\xfe=' + os.fsencode(odd) + b"\r\n"


def test_size_is_set_before_the_start_and_changes_are_announced(start):
    script = "trap 'stty size' WINCH; stty size; sleep 1000 & while :; do wait $!; done"
    child = start("bash", "-c", script, size=Size(132, 43))
    expect(child, b"43 132\r\n")
    child.resize(Size(40, 30))
    assert b"30 40\r\n" in expect(child, b"30 40\r\n")


def test_default_modes_are_sane_and_utf8(start):
    output, _ = finish(start("stty", "-a"))
    words = output.decode().replace(";", " ").split()
    assert {"icanon", "echo", "isig", "opost", "onlcr", "icrnl", "iutf8"} <= set(words)


def test_modes_come_from_the_users_terminal(start):
    master, slave = os.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[3] &= ~termios.ECHOE
    attributes[6][termios.VERASE] = b"\x08"
    os.close(master)
    os.close(slave)
    output, _ = finish(start("stty", "-a", attributes=attributes))
    assert b"erase = ^H" in output
    assert b"-echoe" in output


def test_the_tool_is_told_its_terminal(start):
    child = start("sh", "-c", 'echo "$WHERE"; tty', tty_variable="WHERE", env={**ENV, "WHERE": "x"})
    told, found = finish(child)[0].split()
    assert told == found


# --- what cannot be started ----------------------------------------------------------------------


def open_fds():
    return len(list(Path("/proc/self/fd").iterdir()))


def refuse(error, argv, text, **options):
    before = open_fds(), children(os.getpid())
    with pytest.raises(error) as caught:
        Child.start(argv, **{"size": SIZE, "env": ENV, "attributes": None, **options})
    assert caught.value.message == text
    assert (open_fds(), children(os.getpid())) == before  # a process that nobody waits for is a child still


def test_a_missing_tool_is_127(tmp_path):
    refuse(ToolNotFound, ["no-such-tool-9"], "could not run no-such-tool-9: not found")
    refuse(ToolNotFound, [str(tmp_path / "x")], f"could not run {tmp_path}/x: not found")
    refuse(ToolNotFound, [""], "could not run '': the name is empty")
    refuse(ToolNotFound, ["ls"], "could not run ls: not found", env={"PATH": str(tmp_path)})


def test_what_exists_and_cannot_run_is_126(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("echo hello\n")
    plain.chmod(0o644)
    orphan = tmp_path / "orphan"
    orphan.write_text("#!/no/such/interpreter\n")
    orphan.chmod(0o755)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x00\x01\x02\x03" * 100)
    binary.chmod(0o755)
    refuse(ToolNotExecutable, [str(plain)], f"could not run {plain}: permission denied")
    path = {"PATH": str(tmp_path)}
    refuse(ToolNotExecutable, ["plain"], "could not run plain: permission denied", env=path)
    refuse(ToolNotExecutable, [str(orphan)], f"could not run {orphan}: its interpreter was not found")
    refuse(ToolNotExecutable, [str(binary)], f"could not run {binary}: exec format error")
    refuse(ToolNotExecutable, [str(tmp_path)], f"could not run {tmp_path}: is a directory")
    nowhere = str(tmp_path / "no")
    refuse(
        ToolNotExecutable, ["cat"], f"could not run cat in {nowhere}: no such file or directory", cwd=nowhere
    )
    assert ToolNotExecutable("").status == 126
    assert ToolNotFound("").status == 127


def test_a_script_without_interpreter_line_runs_in_the_shell(start, tmp_path):
    script = tmp_path / "script"
    script.write_text('echo "$0 $1"; exit 3\n')
    script.chmod(0o755)
    output, ended = finish(start("script", "one", env={"PATH": f"/nowhere:{tmp_path}:/usr/bin"}))
    assert output == f"{script} one\r\n".encode()
    assert ended == Exited(3, None)


def test_a_directory_or_a_forbidden_file_earlier_in_the_path_is_passed_over(start, tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    (tmp_path / "one/tool").mkdir()
    (tmp_path / "two/tool").write_text("echo wrong\n")
    (tmp_path / "three/tool").write_text("#!/bin/sh\necho right\n")
    (tmp_path / "three/tool").chmod(0o755)
    path = ":".join(str(tmp_path / name) for name in ("one", "two", "three"))
    assert finish(start("tool", env={"PATH": path}))[0] == b"right\r\n"


def test_an_argument_with_nul_is_refused_in_words():
    refuse(ToolNotExecutable, ["cat", "a\0b"], "could not run cat: invalid argument")


def test_no_pty_left_is_said(monkeypatch):
    def none():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "openpty", none)
    refuse(RecError, ["cat"], "could not open a pseudo-terminal: no space left on device")


# --- bytes ---------------------------------------------------------------------------------------


def test_reads_and_writes_never_block(start):
    child = start("sleep", "100")
    assert child.read() is None
    attributes = termios.tcgetattr(child.fd)
    attributes[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(child.fd, termios.TCSANOW, attributes)
    until(lambda: child.write(b"x" * 4096) == 0)  # nobody reads: there is an end to what it takes


def test_every_byte_survives_the_tools_end(start):
    for _ in range(30):
        output, ended = finish(start("printf", "Bingo"))
        assert (output, ended) == (b"Bingo", Exited(0, None))


def test_a_tool_that_closes_its_terminal_has_not_ended(start):
    script = "exec <&- >&- 2>&-; trap 'echo again >/dev/tty' USR1; while :; do :; done"
    child = start("sh", "-c", script)
    until(lambda: not list(Path(f"/proc/{child.pid}/fd").iterdir()))
    assert child.read() is None
    assert select.select([child.fd], [], [], 0)[0] == []  # no end of file that would spin a loop
    assert child.reap() is None
    until(lambda: caught(child.pid, signal.SIGUSR1))
    os.kill(child.pid, signal.SIGUSR1)
    expect(child, b"again\r\n")


def test_input_for_a_dead_tool_counts_as_taken(start):
    child = start("true")
    finish(child)
    assert child.read() == b""
    child.hangup()
    assert child.write(b"lost") == 4
    assert child.read() == b""
    assert child.foreground() is None
    assert child.tty().echo is False
    child.resize(SIZE)


def test_pending_counts_what_the_tool_has_not_read(start):
    script = "trap 'read -r x; echo got $x' USR1; echo up; while :; do sleep 100 & wait; done"
    child = start("sh", "-c", script)
    expect(child, b"up\r\n")
    assert child.pending() == 0
    child.write(b"one\ntw")
    assert until(child.pending) == 4
    os.kill(child.pid, signal.SIGUSR1)
    expect(child, b"got one\r\n")
    assert child.pending() == 0
    child.signal(signal.SIGKILL)
    wait_exit(child)
    assert child.pending() is None


# --- settings ------------------------------------------------------------------------------------


def test_tty_follows_the_tools_own_settings(start):
    script = "echo a; read x; stty -echo; echo b; read x; stty -icanon -isig intr undef; echo c; cat"
    child = start("sh", "-c", script)
    expect(child, b"a\r\n")
    assert child.tty() == Tty(True, True, True, b"\x04", b"\x03", b"\x1a", b"\x1c")
    child.write(b"\n")
    expect(child, b"b\r\n")
    assert child.tty() == Tty(True, False, True, b"\x04", b"\x03", b"\x1a", b"\x1c")
    child.write(b"\n")
    expect(child, b"c\r\n")
    tty = child.tty()
    assert (tty.canonical, tty.echo, tty.isig, tty.intr) == (False, False, False, b"")


# --- how it ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 1, 42, 127, 255])
def test_status_is_the_tools(start, status):
    assert wait_exit(start("sh", "-c", f"exit {status}")) == Exited(status, None)


@pytest.mark.parametrize("name", ["KILL", "TERM", "PIPE", "XFSZ", "HUP"])
def test_death_by_signal_is_128_plus_n(start, name):
    number = signal.Signals[f"SIG{name}"]
    assert wait_exit(start("sh", "-c", f"kill -{number:d} $$")) == Exited(128 + number, number)


def test_reap_repeats_the_end_and_takes_no_other_child(start):
    other = subprocess.Popen(["sh", "-c", "exit 7"])
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    child = start("true")
    assert wait_exit(child) == Exited(0, None)
    assert child.reap() == Exited(0, None)
    assert other.wait() == 7


def test_an_ignored_sigchld_does_not_lose_the_status(start):
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert wait_exit(start("sh", "-c", "exit 5")) == Exited(5, None)
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_a_status_that_somebody_else_took_is_no_success(start):
    child = start("true")
    os.waitpid(child.pid, 0)
    assert child.reap() == Exited(255, None)


def test_stop_continue_and_exit_may_merge(start):
    for _ in range(20):
        child = start("sh", "-c", "kill -STOP $$; exit 9")
        until(lambda child=child: child.reap() == Stopped(signal.SIGSTOP))
        child.signal(signal.SIGCONT)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # all of it happened before we look
        assert child.reap() == Exited(9, None)


def test_signal_reaches_the_foreground_job_and_the_tool(start):
    job = "trap 'echo job' USR1; echo up; while :; do sleep 1000 & wait; done"
    child = start("bash", "-c", "set -m; trap 'echo tool' USR1; sh -c \"$0\"; cat", job)
    expect(child, b"up\r\n")
    assert child.foreground() != child.pid
    child.signal(signal.SIGUSR1)
    expect(child, b"job\r\n")
    os.killpg(child.foreground(), signal.SIGKILL)
    expect(child, b"tool\r\n")


def test_hangup_ends_a_shell_and_its_job(start):
    child = start("bash", "--norc", "-i", env={**ENV, "PS1": "ready> ", "HOME": "/nonexistent"})
    expect(child, b"ready> ")
    child.write(b"sleep 1000\n")
    until(lambda: child.foreground() not in {child.pid, None})
    job = child.foreground()
    # a signal before the exec would meet bash's own handlers, in a copy of bash
    until(lambda: Path(f"/proc/{job}/comm").read_text() == "sleep\n")
    child.hangup()
    assert child.fd == -1
    wait_exit(child)
    until(lambda: gone(job))


def test_hangup_wakes_a_stopped_tool(start):
    child = start("sh", "-c", "kill -STOP $$; cat")
    until(lambda: child.reap() == Stopped(signal.SIGSTOP))
    child.hangup()
    assert wait_exit(child).signal == signal.SIGHUP


def test_hangup_reaches_a_job_whose_shell_stays(start):
    child = start("bash", "-c", "set -m; trap : HUP; sleep 1000; cat")
    until(lambda: child.foreground() not in {child.pid, None})
    job = child.foreground()
    until(lambda: Path(f"/proc/{job}/comm").read_text() == "sleep\n")
    child.hangup()
    until(lambda: gone(job))


def test_hangup_wakes_a_stopped_helper_of_a_tool_that_stays(start):
    child = start("sh", "-c", "trap : HUP; sh -c 'echo $$; kill -STOP $$'; cat")
    helper = int(expect(child, b"\n"))
    until(lambda: Path(f"/proc/{helper}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    child.hangup()
    until(lambda: gone(helper))


def test_kill_all_finds_every_group_of_the_session(start):
    script = "trap '' HUP TERM; set -m; sleep 1000 & sleep 1000 & echo $! up; wait"
    child = start("bash", "-c", script)
    other = int(expect(child, b"up\r\n").split()[0])
    assert {child.pid, other} <= set(procfs.session_members(child.pid))
    child.kill_all()
    until(lambda: gone(child.pid) and gone(other))
    until(lambda: procfs.session_members(child.pid) == [])  # ours is a zombie yet
    assert wait_exit(child) == Exited(137, signal.SIGKILL)


def test_starts_from_a_process_with_threads_and_from_a_thread():
    gate = threading.Event()
    helper = threading.Thread(target=gate.wait)
    helper.start()
    results = []

    def work():
        child = Child.start(["echo", "hi"], size=SIZE, env=ENV, attributes=None)
        results.append(finish(child))
        child.close()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    gate.set()
    helper.join()
    assert results == [(b"hi\r\n", Exited(0, None))]


def test_a_signal_during_the_start_runs_its_handler_here_only():
    program = """
import os, signal, time
from recorder.child import Child
from recorder.model import Size
r, w = os.pipe()
os.set_blocking(w, False)
if os.fork() == 0:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    while os.getppid() == os.getpgrp():
        os.killpg(0, signal.SIGUSR1)  # also meets a child that has not left our group yet
        time.sleep(0.00002)  # faster than Python's handler returns, each would run inside the one before
    os._exit(0)
def handler(*_):
    try:
        os.write(w, b"%d " % os.getpid())
    except BlockingIOError:
        pass
signal.signal(signal.SIGUSR1, handler)
seen = set()
for _ in range(100):
    child = Child.start(["true"], size=Size(80, 24), env={"PATH": "/usr/bin:/bin"}, attributes=None)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert child.reap().status == 0
    child.close()
    seen |= set(os.read(r, 1 << 20).split())
assert seen == {b"%d" % os.getpid()}, seen
print("fine", flush=True)
os.killpg(0, signal.SIGKILL)
"""
    words = [sys.executable, "-c", "import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n" + program]
    done = subprocess.run(words, capture_output=True, text=True, check=False, start_new_session=True)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_a_child_that_could_not_become_the_tool_runs_nothing_of_ours(tmp_path):
    program = """
import os, sys
from recorder import procfs
from recorder.child import Child
from recorder.model import Size
try:
    Child.start(["/no/such"], size=Size(80, 24), env={}, attributes=None)
except Exception as error:
    print(error)
with open(sys.argv[1], "a") as file:
    print("once", file=file)
"""
    trace = tmp_path / "trace"
    words = [sys.executable, "-c", program, trace]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("could not run /no/such: not found\n", "")
    assert trace.read_text() == "once\n"
