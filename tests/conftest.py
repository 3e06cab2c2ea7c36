"""What every test gets: a home that explodes, a store of its own, programs on terminals, servers.

root            directory for a store (not yet made), with HOME and REC_ROOT pointing beside it
start           start(argv, **Term options): any program on a terminal; ended at the test's end
start_rec       start_rec(args, **Term options): `rec` on a terminal, recording into `root`
rng             random.Random seeded from REC_TEST_SEED, which a failing test prints
rounds          rounds(25, 200): how often a random loop runs (every day, in `make soak`)
postgres, redis real servers, one of each per worker, started when first asked for
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import blackbox
import hypothesis
import pytest

# The explosion: nothing can be made below a device, and the name explains itself in the message.
NO_HOME = "/dev/null/tests-must-not-touch-the-home"
REAL_HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)
DEFAULTS = [REAL_HOME / part / "rec" for part in (".local/share", ".local/state", ".config", ".cache")]

for _name in [name for name in os.environ if name.startswith(("XDG_", "REC_")) and "TEST" not in name]:
    if _name != "REC_SOAK":
        del os.environ[_name]
os.environ["HOME"] = NO_HOME
os.environ["REC_ROOT"] = f"{NO_HOME}/root"

hypothesis.settings.register_profile("daily", deadline=None, print_blob=True)
hypothesis.settings.register_profile("soak", deadline=None, print_blob=True, max_examples=2000)
hypothesis.settings.load_profile("soak" if os.environ.get("REC_SOAK") == "1" else "daily")


# --- the run as a whole --------------------------------------------------------------------------


def pytest_configure(config):
    # Set before xdist starts its workers, which inherit it.
    os.environ.setdefault("REC_TEST_SEED", str(random.SystemRandom().randrange(1 << 32)))
    config.addinivalue_line("markers", "blackbox: drives a program on a pty (set by itself)")
    config.addinivalue_line("markers", "smoke: the black-box tests that also run on the second Python")


def pytest_report_header(config):
    return f"REC_TEST_SEED={os.environ['REC_TEST_SEED']}"


def pytest_collection_modifyitems(items):
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if "rounds" in names:
            item.add_marker("rounds")
        if names & {"start", "start_rec", "postgres", "redis"} or hasattr(item.module, "blackbox"):
            item.add_marker("blackbox")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


def pytest_sessionstart(session):
    session.config.defaults_before = [path for path in DEFAULTS if path.exists()]


def pytest_sessionfinish(session, exitstatus):
    made = [path for path in DEFAULTS if path.exists() and path not in session.config.defaults_before]
    if made:
        print(f"\na test wrote to the real home: {', '.join(map(str, made))}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if note := os.environ.get("REC_TEST_NOTE"):
        terminalreporter.write_line(note)


# --- places and numbers --------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("REC_ROOT", str(tmp_path / "root"))
    return tmp_path / "root"


@pytest.fixture
def rng(request):
    seed = os.environ["REC_TEST_SEED"]
    print(f"REC_TEST_SEED={seed}")  # shown with a failure
    return random.Random(f"{seed} {request.node.nodeid}")


@pytest.fixture
def rounds(rng):
    return blackbox.rounds


# --- programs ------------------------------------------------------------------------------------


@pytest.fixture
def start(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as stack:
        yield lambda argv, **options: stack.enter_context(blackbox.Term(argv, **{"home": home, **options}))


@pytest.fixture
def start_rec(root):
    with contextlib.ExitStack() as stack:
        yield lambda args, **options: stack.enter_context(blackbox.Rec(args, **{"root": root, **options}))


# --- servers -------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(argv, ready, log: Path, **options):
    """Run a server until the block ends; it may be used when `ready()` is true."""
    with log.open("ab") as sink:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, **options)
    try:
        deadline = time.monotonic() + 60
        while not ready():
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                pytest.fail(f"{argv[0]}: {log.read_text('utf-8', 'replace')}")
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Postgres:
    """A cluster of its own: trust on the socket, a password on loopback."""

    directory: Path  # of the socket
    port: int
    user: str = "rec"
    password: str = "ten-thousand-elephants"
    database: str = "postgres"

    @property
    def env(self) -> dict[str, str]:
        """With these in the environment plain `psql` connects without a password."""
        return {
            "PGHOST": str(self.directory),
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.database,
        }

    @property
    def dsn(self) -> str:
        """Over loopback, with the password in it."""
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/{self.database}"

    @property
    def argv(self) -> list[str]:
        """A psql that asks nobody and reads no start-up file."""
        return ["psql", "-X", "-h", str(self.directory), "-p", str(self.port), "-U", self.user, self.database]

    def query(self, sql: str) -> str:
        done = subprocess.run([*self.argv, "-Atqc", sql], capture_output=True, text=True, check=True)
        return done.stdout.strip()


def unprivileged() -> dict:
    """Popen options that drop root, which PostgreSQL refuses; nothing for anybody else."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    message = "no unprivileged user to run a server as"
    raise AssertionError(message)


def postgres_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [
        Path(name) for name in [shutil.which("initdb")] if name
    ]
    if not found:
        pytest.skip("missing: initdb (PostgreSQL's server)")
    return found[-1].parent


@pytest.fixture(scope="session")
def postgres():
    blackbox.need("psql")
    binaries = postgres_binaries()
    identity = unprivileged()
    # Not below pytest's directories: those are ours alone, and sockets have short paths.
    place = Path(tempfile.mkdtemp(prefix="rec-pg-", dir="/tmp"))
    place.chmod(0o755)
    if identity:
        os.chown(place, identity["user"], identity["group"])
    server_db = Postgres(place, free_port())
    data = place / "data"
    secret = place / "password"
    secret.write_text(server_db.password)
    secret.chmod(0o644)
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(place), "TZ": "UTC"}
    options = {"cwd": place, "env": env, **identity}
    auth = ["--auth-local=trust", "--auth-host=scram-sha-256"]
    try:
        made = subprocess.run(
            [
                binaries / "initdb",
                "-D",
                data,
                "-U",
                server_db.user,
                "--pwfile",
                secret,
                "-E",
                "UTF8",
                "-N",
                *auth,
            ],
            check=False,
            capture_output=True,
            text=True,
            **options,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": server_db.port,
            "unix_socket_directories": place,
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "40",
            "jit": "off",
        }
        argv = [binaries / "postgres", "-D", data]
        argv += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

        def ready():
            probe = [binaries / "pg_isready", "-q", "-h", place, "-p", str(server_db.port)]
            return subprocess.run(probe, check=False).returncode == 0

        with server(argv, ready, place / "log", **options):
            yield server_db
    finally:
        shutil.rmtree(place, ignore_errors=True)


@dataclass(frozen=True)
class Redis:
    """An empty server on loopback."""

    port: int

    @property
    def argv(self) -> list[str]:
        return ["redis-cli", "-p", str(self.port)]

    def ask(self, line: bytes) -> bytes:
        """Send one inline command and return the first piece of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as link:
            link.sendall(line + b"\r\n")
            return link.recv(65536)


@pytest.fixture(scope="session")
def redis():
    blackbox.need("redis-server", "redis-cli")
    instance = Redis(free_port())
    place = Path(tempfile.mkdtemp(prefix="rec-redis-", dir="/tmp"))

    def ready():
        with contextlib.suppress(OSError):
            return instance.ask(b"PING") == b"+PONG\r\n"
        return False

    argv = ["redis-server", "--port", str(instance.port), "--bind", "127.0.0.1", "--save", "", "--dir", place]
    env = {"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": str(place), "LC_ALL": "C.UTF-8"}
    try:
        with server(argv, ready, place / "log", env=env):
            yield instance
    finally:
        shutil.rmtree(place, ignore_errors=True)
