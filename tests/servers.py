"""Real servers and a real account for the tests: started when first asked for, one per worker.

postgres    a cluster of its own, trust on its socket, a password on loopback
redis       an empty server on loopback
account     a user with a known password who may use sudo (root only)
sshd        a server on loopback that lets that user in with the password (root only)
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import blackbox
import pytest


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


@dataclass(frozen=True)
class Account:
    """A user of this machine for as long as the tests run."""

    name: str
    password: str
    home: Path


@pytest.fixture(scope="session")
def account():
    if os.getuid() != 0:
        pytest.skip("only root may make a user")
    blackbox.need("useradd", "userdel", "chpasswd", "sudo")
    name = f"rec-test-{os.getpid()}"
    home = Path("/tmp", name)
    user = Account(name, "nine thousand zebras", home)
    rule = Path("/etc/sudoers.d", name)
    subprocess.run(["useradd", "-M", "-N", "-d", home, "-s", "/bin/bash", name], check=True)
    try:
        home.mkdir(mode=0o700)
        shutil.chown(home, name)
        subprocess.run(["chpasswd"], input=f"{name}:{user.password}".encode(), check=True)
        # Asked every time, so that one test does not open the door for the next.
        rule.write_text(f"Defaults:{name} timestamp_timeout=0, !lecture\n{name} ALL=(ALL) ALL\n")
        rule.chmod(0o440)
        yield user
    finally:
        rule.unlink(missing_ok=True)
        subprocess.run(["pkill", "-KILL", "-u", name], check=False)
        subprocess.run(["userdel", name], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True)
class Sshd:
    """A server on loopback; `argv` asks for the account's password and trusts the host key."""

    port: int
    user: Account

    @property
    def argv(self) -> list[str]:
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        options += ["PubkeyAuthentication=no", "PreferredAuthentications=password"]
        words = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", *words, "-p", str(self.port), f"{self.user.name}@127.0.0.1"]


@pytest.fixture(scope="session")
def sshd(account):
    blackbox.need("sshd", "ssh", "ssh-keygen")
    place = Path(tempfile.mkdtemp(prefix="rec-sshd-", dir="/tmp"))
    instance = Sshd(free_port(), account)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd confines itself
    key = place / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    settings = f"""
        Port {instance.port}
        ListenAddress 127.0.0.1
        HostKey {key}
        PidFile none
        PasswordAuthentication yes
        KbdInteractiveAuthentication no
        UsePAM no
        PrintMotd no
        PrintLastLog no
        AllowUsers {account.name}
    """
    (place / "config").write_text(settings)

    def ready():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", instance.port), 1) as link:
            return link.recv(4) == b"SSH-"
        return False

    binary = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")  # it wants its whole path
    try:
        with server([binary, "-D", "-e", "-f", place / "config"], ready, place / "log"):
            yield instance
    finally:
        shutil.rmtree(place, ignore_errors=True)
