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
from pathlib import Path

import blackbox
import hypothesis
import pytest
from servers import account, postgres, redis, sshd  # noqa: F401  (fixtures for everybody)

# The explosion: nothing can be made below a device, and the name explains itself in the message.
NO_HOME = "/dev/null/tests-must-not-touch-the-home"
REAL_HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)
DEFAULTS = [REAL_HOME / part / "rec" for part in (".local/share", ".local/state", ".config", ".cache")]

DRIVES = {"start", "start_rec", "postgres", "redis", "account", "sshd"}

for _name in [name for name in os.environ if name.startswith(("XDG_", "REC_")) and "TEST" not in name]:
    if _name != "REC_SOAK":
        del os.environ[_name]
os.environ["HOME"] = NO_HOME
os.environ["REC_ROOT"] = f"{NO_HOME}/root"

# What may land is judged by the same dice every time; a developer's run and `make soak` throw new ones.
CI = os.environ.get("CI") == "true"
hypothesis.settings.register_profile("daily", deadline=None, print_blob=True, derandomize=CI)
hypothesis.settings.register_profile("soak", deadline=None, print_blob=True, max_examples=2000)
hypothesis.settings.load_profile("soak" if os.environ.get("REC_SOAK") == "1" else "daily")
pytest.register_assert_rewrite("neighbours")


# --- the run as a whole --------------------------------------------------------------------------


def pytest_configure(config):
    # Set before xdist starts its workers, which inherit it.
    os.environ.setdefault("REC_TEST_SEED", "1" if CI else str(random.SystemRandom().randrange(1 << 32)))
    config.addinivalue_line("markers", "blackbox: drives a program on a pty (set by itself)")


def pytest_report_header(config):
    return f"REC_TEST_SEED={os.environ['REC_TEST_SEED']}"


def pytest_collection_modifyitems(items):
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if "rounds" in names:
            item.add_marker("rounds")
        if names & DRIVES or hasattr(item.module, "blackbox"):
            item.add_marker("blackbox")
        if hasattr(item.module, "any_python"):
            item.add_marker("any_python")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and CI:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


def pytest_sessionstart(session):
    session.config.defaults_before = [path for path in DEFAULTS if path.exists()]


def pytest_sessionfinish(session, exitstatus):
    made = [path for path in DEFAULTS if path.exists() and path not in session.config.defaults_before]
    if made:
        print(f"\na test wrote to the real home: {', '.join(map(str, made))}")
        session.exitstatus = 9  # no status of pytest's: a second try of some tests would not undo it


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


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    """An empty store, of each back end; what every back end promises is in test_store_contract.py."""
    import maker

    from recorder.stores.memory import MemoryStore

    made = maker.store_at(tmp_path / "root") if request.param == "sqlite" else MemoryStore()
    with contextlib.closing(made) as one:
        yield one


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
