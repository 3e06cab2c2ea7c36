"""The driver of every test that talks to a program on a terminal: the whole `rec`, or any other.

    Term     any program on a pty that is ours: type, read the screen, resize, hang up, stall
    Rec      the same for `rec` itself
    rec      one call of `rec` without a terminal: status, stdout, stderr, JSON
    look     the same for what only looks: the real command line, in a process that has it imported
    events, log, output, replay, ls     what it says of a store
    grep_root, all_raw, wait_for, need, rounds

Rules: wait for text or data, never for time; assert on the store as well as on the screen.
Nothing here imports `recorder`: the tests see what a user sees.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import fcntl
import functools
import json
import os
import pwd
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from screen import Emulator

TIMEOUT = 20.0  # s; a test that waits this long has failed
VENV_BIN = Path(sys.executable).parent
DICTIONARY = Path(__file__).parent.parent / "recorder" / "stores" / "dictionary-1.zstd"
TRICK = Path(__file__).parent / "tools" / "trick.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # also runs for users who cannot read a private environment
CLEAN_SIGNALS = ["env", "--default-signal"]  # a test run in the background may ignore SIGINT
MARK = "REC_TEST_PROCESS"  # environment variable by which all descendants of one Term are known


def environment(root: Path | None, home: Path, **more: str) -> dict[str, str]:
    """Build an environment from nothing. System programs come first: `python3` is the system's."""
    env = {
        "PATH": f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{VENV_BIN}",
        "HOME": str(home),
        "USER": pwd.getpwuid(os.getuid()).pw_name,
        "SHELL": "/bin/sh",
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "PS1": "$ ",
        "TMPDIR": tempfile.gettempdir(),
    }
    if root is not None:
        env["REC_ROOT"] = str(root)
    for name in ("COVERAGE_PROCESS_START", "PYTHONDONTWRITEBYTECODE"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(more)
    return env


def need(*commands: str) -> None:
    """Skip the test where a program is missing (in CI a skipped test is a failed one)."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [name for name in commands if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


def rounds(normal: int = 25, soak: int = 200) -> int:
    """How often a random loop runs: a little every day, in full in `make soak`."""
    return soak if os.environ.get("REC_SOAK") == "1" else normal


def wait_for(predicate, timeout: float = TIMEOUT, what: str = ""):
    """Poll until `predicate()` is true and return its value; fail after `timeout` seconds.

    One that asserts is not true yet: `events(root)` as long as there is no session.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            value = last = predicate()
        except AssertionError as error:
            value, last = None, error
        if value:
            return value
        if time.monotonic() > deadline:
            message = f"not within {timeout} s: {what or predicate}; last value {last!r:.500}"
            raise AssertionError(message)
        time.sleep(0.02)


# --- programs without a terminal -----------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What one call of a program gave back."""

    status: int
    stdout: str
    stderr: str

    def json(self):
        return json.loads(self.stdout)

    def lines(self) -> list:
        """One JSON value per line."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def ok(self) -> Result:
        assert self.status == 0, f"status {self.status}\n{self.stdout}\n{self.stderr}"
        return self


def rec(args, root: Path, *, home: Path | None = None, env=None, cwd=None, stdin=b"", timeout=60.0) -> Result:
    """Call `rec` with no terminal and wait for it."""
    home = home or Path(root).parent / "home"
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*CLEAN_SIGNALS, sys.executable, "-m", "recorder", *map(str, args)],
        input=stdin,
        capture_output=True,
        env=environment(root, home, **(env or {})),
        cwd=cwd or home,
        timeout=timeout,
        start_new_session=True,  # no controlling terminal, wherever the tests were started
        check=False,
    )
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return Result(status, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


class _Looker:
    """The process of `looker.py`: `rec`, imported once. It ends with the one that started it."""

    def __init__(self) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="rec-test-looker-")
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*CLEAN_SIGNALS, sys.executable, Path(__file__).with_name("looker.py"), self._place.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(None, Path(self._place.name)),
            start_new_session=True,
            text=True,
        )
        atexit.register(self.close)

    def __call__(self, args, root: Path) -> tuple[int, bytes, bytes]:
        home = Path(root).parent / "home"
        home.mkdir(parents=True, exist_ok=True)
        call = {"args": [*map(str, args)], "env": environment(root, home), "cwd": str(home)}
        with self._lock:
            self._process.stdin.write(json.dumps(call) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            shown, said = (Path(self._place.name, name).read_bytes() for name in ("out", "err"))
        return (status if status >= 0 else 128 - status), shown, said

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._place.cleanup()


_looker = functools.cache(_Looker)


def look(args, root: Path) -> Result:
    """As `rec`, for looking at what is stored, in a tenth of the time."""
    status, shown, said = _looker()(args, root)
    return Result(status, shown.decode("utf-8", "replace"), said.decode("utf-8", "replace"))


def ls(root: Path, *args: str) -> list[dict]:
    """The sessions, newest first."""
    return look(["ls", "--json", *args], root).ok().json()


def events(root: Path, session: str = "@1", *args: str) -> list[dict]:
    return look(["events", session, "--json", *args], root).ok().lines()


def log(root: Path, session: str = "@1", *args: str) -> list[dict]:
    return look(["log", session, "--json", *args], root).ok().lines()


def output(root: Path, turn: str = "@1:-1") -> dict:
    return look(["output", turn, "--json"], root).ok().json()


def output_raw(root: Path, turn: str = "@1:-1") -> bytes:
    return base64.b64decode(look(["output", turn, "--raw", "--json"], root).ok().json()["output_b64"])


def replay(root: Path, session: str = "@1", *args: str) -> dict:
    return look(["replay", session, "--json", *args], root).ok().json()


def all_raw(root: Path, session: str = "@1") -> bytes:
    """All raw bytes of a session, as they came."""
    status, shown, said = _looker()(["replay", session, "--raw"], root)
    assert status == 0, said
    return shown


def grep_root(root: Path, marker: bytes) -> list[Path]:
    """The files under `root` in which the bytes stand, as they are or in a zstd frame of the file."""
    found = []
    for path in sorted(Path(root).rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if marker in data or any(marker in plain for plain in zstd_frames(data)):
                found.append(path)
    return found


def zstd_frames(data: bytes):
    """Decompress whatever begins with zstd's magic number; a frame cut by database pages gives a part.

    Short ones are made with a dictionary, and nothing in them says so.
    """
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    at = data.find(b"\x28\xb5\x2f\xfd")
    while at >= 0:
        for words in (None, zstd.ZstdDict(DICTIONARY.read_bytes())):
            decompressor = zstd.ZstdDecompressor(zstd_dict=words)
            plain = b""
            with contextlib.suppress(zstd.ZstdError):
                for start in range(at, min(len(data), at + (4 << 20)), 512):
                    plain += decompressor.decompress(data[start : start + 512])
                    if decompressor.eof:
                        break
            yield plain
        at = data.find(b"\x28\xb5\x2f\xfd", at + 4)


# --- programs on a terminal ----------------------------------------------------------------------


@dataclass(frozen=True)
class Modes:
    """A terminal's settings; two are equal when nothing differs."""

    iflag: int
    oflag: int
    cflag: int
    lflag: int
    speeds: tuple[int, int]
    cc: tuple

    @property
    def echo(self) -> bool:
        return bool(self.lflag & termios.ECHO)

    @property
    def canonical(self) -> bool:
        return bool(self.lflag & termios.ICANON)


class Term:
    """A program on a pty whose other end is ours.

    A thread reads all the time, so the program never waits for the test (but see `stall`).
    The slave end stays open here: settings can be read after the program has ended.
    `answer` makes the terminal answer the usual questions (DA, CPR, colours); else it is mute.
    `user` runs the program as another user (root only). `env` adds to the environment, a value of
    None takes a variable away. Use as a context manager, or through the `start` fixtures.
    """

    opened = 0  # by all tests of this process; `secondtry` asks

    def __init__(
        self,
        argv,
        *,
        root: Path | None = None,
        home: Path | None = None,
        cols: int = 80,
        rows: int = 24,
        env=None,
        cwd=None,
        answer: bool = False,
        user: str | None = None,
        type_ahead: bytes = b"",
    ) -> None:
        Term.opened += 1
        self.argv = [str(word) for word in argv]
        self.cols, self.rows = cols, rows
        self.answer = answer
        self._own_home = None
        if home is None and root is not None:
            home = Path(root).parent / "home"
            home.mkdir(parents=True, exist_ok=True)
        elif home is None:
            self._own_home = tempfile.mkdtemp(prefix="rec-test-home-")
            home = Path(self._own_home)
        self.home = Path(home)

        self.master, self.slave = os.openpty()
        self._tty = os.ttyname(self.slave)
        self._window()  # before the program starts: some read it once
        os.set_blocking(self.master, False)
        self.before = self.modes()
        if type_ahead:
            self._write(type_ahead)  # typed before the program is there

        self._mark = uuid.uuid4().hex
        full = environment(root, self.home, **{MARK: self._mark})
        for name, value in (env or {}).items():
            full.pop(name, None)
            if value is not None:
                full[name] = str(value)
        identity = {}
        if user is not None:
            entry = pwd.getpwnam(user)
            os.fchown(self.slave, entry.pw_uid, -1)
            identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            full["USER"] = user
        # setsid(1) makes the session and takes its standard input as controlling terminal, in the
        # same process; doing it here would need a preexec_fn, which does not go with threads.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *CLEAN_SIGNALS, *self.argv],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=full,
            cwd=cwd or self.home,
            **identity,
        )
        self.pid = self._process.pid

        self.raw = bytearray()  # everything the program has shown
        self._emulator = Emulator(cols, rows)
        self._emulated = 0  # how much of `raw` the emulator has seen
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._stalled = False
        self._closed = False
        self._drained = False
        self._wake_r, self._wake_w = os.pipe()
        self._sentinel = f"\x1b_end of {self._mark}\x1b\\".encode()
        self._thread = threading.Thread(target=self._pump, name="term-reader", daemon=True)
        self._thread.start()

    # --- reading ---------------------------------------------------------------------------------

    def _pump(self) -> None:
        while not self._closed:
            watched = [self._wake_r] if self._stalled else [self._wake_r, self.master]
            ready, _, _ = select.select(watched, [], [])
            if self._wake_r in ready:
                os.read(self._wake_r, 4096)
                continue
            try:
                data = os.read(self.master, 65536)
            except BlockingIOError:
                continue
            except OSError:  # EIO: nobody holds the other end, which only happens after a hang-up
                return
            with self._news:
                self.raw += data
                cut = self.raw.find(self._sentinel, max(0, len(self.raw) - len(data) - len(self._sentinel)))
                if cut >= 0:
                    del self.raw[cut : cut + len(self._sentinel)]
                    self._drained = True
                if self.answer:
                    self._emulate()
                self._news.notify_all()

    def _emulate(self) -> None:
        with self._lock:
            fresh = bytes(self.raw[self._emulated :])
            self._emulated = len(self.raw)
            self._emulator.feed(fresh)
            answers, self._emulator.answers = self._emulator.answers, b""
            if self.answer and answers:
                self._write(answers)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_w, b"x")

    def drain(self, timeout: float = TIMEOUT) -> None:
        """Wait until everything written to the terminal so far has been read here."""
        with self._news:
            if self._closed or self._stalled:
                return
            self._drained = False
            # What is written to the other end now comes out after all that was written before.
            own = os.open(self._tty, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                if select.select([], [own], [], timeout)[1]:
                    os.write(own, self._sentinel)
                    self._news.wait_for(lambda: self._drained, timeout)
            except OSError:
                pass
            finally:
                os.close(own)

    def screen(self) -> list[str]:
        """The rows as a person sees them, without trailing blanks."""
        with self._lock:
            self._emulate()
            shown = self._emulator.screen
            return [shown.line(y) for y in range(shown.lines)]

    def text(self) -> str:
        """The screen, and before it what scrolled off its top; blanks before the cursor are kept."""
        with self._lock:
            rows = self.screen()
            x, y = self.cursor()
            rows[y] = rows[y].ljust(x)
            return "\n".join([*self._emulator.screen.scrolled, *rows]).rstrip("\n")

    def cursor(self) -> tuple[int, int]:
        """Column and row, from 0."""
        with self._lock:
            self._emulate()
            cursor = self._emulator.screen.cursor
            return cursor.x, cursor.y

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        self.screen()
        return self._emulator.screen.alternate

    @property
    def private_modes(self) -> set[int]:
        """The DEC private modes now set (2004: bracketed paste, 1000…: mouse, 1049: alternate)."""
        self.screen()
        return set(self._emulator.screen.private_modes)

    @property
    def position(self) -> int:
        """How many bytes have been read; for `expect_raw(…, since=…)`."""
        with self._lock:
            return len(self.raw)

    def expect(self, what, timeout: float = TIMEOUT, *, count: int = 1):
        """Wait until a text, or a compiled pattern, stands `count` times on the screen or above it."""
        pattern = what if isinstance(what, re.Pattern) else re.compile(re.escape(what))

        def look():
            found = list(pattern.finditer(self.text()))
            return found[count - 1] if len(found) >= count else None

        return self._await(look, timeout, f"{what!r} ×{count} on the screen")

    def expect_gone(self, what, timeout: float = TIMEOUT) -> None:
        """Wait until a text, or a compiled pattern, is no longer on the screen."""
        pattern = what if isinstance(what, re.Pattern) else re.compile(re.escape(what))
        self._await(
            lambda: not pattern.search("\n".join(self.screen())), timeout, f"{what!r} to leave the screen"
        )

    def expect_raw(self, what, timeout: float = TIMEOUT, *, since: int = 0):
        """Wait until bytes, or a compiled bytes pattern, come by after offset `since`; return the match."""
        pattern = what if isinstance(what, re.Pattern) else re.compile(re.escape(what))
        return self._await(lambda: pattern.search(self.raw, since), timeout, f"{what!r} in the bytes")

    def _await(self, look, timeout: float, what: str):
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                ended = self._process.poll() is not None
                if ended:
                    self.drain()
                began = time.monotonic()
                found = look()
                if found:
                    return found
                cost = time.monotonic() - began
                left = deadline - time.monotonic()
                if ended or left <= 0:
                    break
                self._news.wait(min(left, 0.1))
                # While much is printed, do not look at all of it after each little piece.
                self._news.wait_for(lambda: False, min(left, cost, 0.5))
        why = f"the program ended with {self.status}" if ended else f"{timeout} s are over"
        raise AssertionError(f"expected {what}; {why}\n{self.dump()}")

    def dump(self) -> str:
        """All that helps to see why a test failed."""
        shown = "\n".join(f"  |{row}" for row in self.text().splitlines()[-60:])
        return f"argv {self.argv}\nscreen:\n{shown}\nlast bytes: {bytes(self.raw[-1500:])!r}"

    # --- typing ----------------------------------------------------------------------------------

    def send(self, data: bytes | str, timeout: float = TIMEOUT) -> None:
        """Give bytes to the terminal in one go (in pieces where it takes no more)."""
        self._write(data.encode() if isinstance(data, str) else data, timeout)

    def _write(self, data: bytes, timeout: float = TIMEOUT) -> None:
        deadline = time.monotonic() + timeout
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.master, view) :]
            except BlockingIOError:
                left = deadline - time.monotonic()
                assert left > 0, f"the terminal took no more; {len(view)} bytes left\n{self.dump()}"
                select.select([], [self.master], [], min(left, 0.1))

    def type(self, text: str, delay: float = 0.02) -> None:
        """Press the keys one after the other, as a quick typist does."""
        for key in text:
            self.send(key.encode())
            time.sleep(delay)

    def line(self, text: str, delay: float | None = None) -> None:
        """Send a line and Enter (which is a carriage return); with `delay` key by key."""
        if delay is None:
            self.send(text + "\r")
        else:
            self.type(text + "\r", delay)

    # --- the terminal ----------------------------------------------------------------------------

    def _window(self) -> None:
        termios.tcsetwinsize(self.slave, (self.rows, self.cols))

    def resize(self, cols: int, rows: int) -> None:
        """Give the terminal another size; the kernel tells the foreground program."""
        with self._lock:
            self._emulate()
            self.cols, self.rows = cols, rows
            self._emulator.resize(cols, rows)
            termios.tcsetwinsize(self.master, (rows, cols))

    def modes(self) -> Modes:
        """The settings now; compare with `before`."""
        i, o, c, lflag, ispeed, ospeed, cc = termios.tcgetattr(self.slave)
        return Modes(i, o, c, lflag, (ispeed, ospeed), tuple(cc))

    @property
    def nonblocking(self) -> bool:
        """Whether somebody left O_NONBLOCK on the terminal's open file."""
        return bool(fcntl.fcntl(self.slave, fcntl.F_GETFL) & os.O_NONBLOCK)

    def stall(self) -> None:
        """Stop reading, as a terminal does whose window hangs."""
        self._stalled = True
        self._wake()

    def unstall(self) -> None:
        self._stalled = False
        self._wake()

    def close_terminal(self) -> None:
        """Hang up, as closing the window does."""
        with self._news:
            self._closed = True
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)
        with contextlib.suppress(OSError):
            os.close(self.master)

    # --- the program -----------------------------------------------------------------------------

    def kill(self, sig: int = signal.SIGKILL) -> None:
        """Send a signal to the program itself."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(sig)

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Wait for the program's end and return its status (128+n after signal n)."""
        deadline = time.monotonic() + timeout
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"still running after {timeout} s\n{self.dump()}"
            time.sleep(0.005)
        self.drain()
        return self.status

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """As `subprocess` tells it: negative when the program itself died by a signal."""
        return self._process.poll()

    @property
    def status(self) -> int | None:
        code = self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def survivors(self) -> list[tuple[int, str]]:
        """(pid, command line) of every process that descends from this one and still runs."""
        wanted = f"{MARK}={self._mark}".encode()
        found = []
        for base in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if wanted in (base / "environ").read_bytes().split(b"\0"):
                    words = (base / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    if words:  # a zombie has none
                        found.append((int(base.name), words.strip()))
        return found

    def runs(self, name: str, timeout: float = TIMEOUT) -> None:
        """Wait until a descendant of this name has its terminal and runs.

        Neither the echo of a command line nor a mark of its start shows that: until the shell has
        handed the terminal over, Ctrl-C and Ctrl-Z are the shell's.
        """

        def there() -> bool:
            for pid, _words in self.survivors():
                with contextlib.suppress(OSError):
                    program, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
                    state, _parent, group, _session, _tty, foreground = rest.split()[:6]
                    if program == name and group == foreground and state != "T":
                        return True
            return False

        wait_for(there, timeout, what=f"{name} in the foreground; there are {self.survivors()}")

    def close(self) -> None:
        """End the program and all its descendants, and give everything back. Harmless when repeated."""
        if self._wake_w < 0:
            return
        for _ in range(3):  # a process may start another one while we look
            for pid, _words in self.survivors():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait(10)
        self.close_terminal()
        for fd in (self.slave, self._wake_r, self._wake_w):
            os.close(fd)
        self._wake_w = -1
        if self._own_home:
            shutil.rmtree(self._own_home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc) -> None:
        self.close()


class Rec(Term):
    """`rec` itself on a terminal: `Rec(["run", "--", "cat"], root)`."""

    def __init__(self, args, root: Path, **kwargs) -> None:
        self.root = Path(root)
        super().__init__([sys.executable, "-m", "recorder", *args], root=root, **kwargs)
