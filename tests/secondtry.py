"""Run pytest, and what failed of the conversations with real programs once more, alone.

    python tests/secondtry.py PYTEST-ARGUMENTS

The machine that runs the tests is shared, and schedules programs that are not ours. When at most three
tests have failed, all of them conversations on a terminal, they are run again without any others; if they
pass, the run passes, shows their first failure again and names them in its last line. A test that opened no
terminal gets no second try, nor does one about secrets or one that draws what it does (`rng`): a leak or a
loss that is seen once is one.

It is the plugin of the first run as well, which tells what failed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

MOST = 3
TOLD = "REC_TEST_FAILED"  # environment variable: the file for what has failed
# In a test's file, or in what its failure shows.
SECRET_FILES = re.compile(r"secret|hidden|shells_ahead|takeback|mask|redact")
SECRET_WORDS = re.compile(r"\b(?:grep_root|nowhere|nothing_kept|kept_nowhere|unseen)\b|\bleft\(root")
_opened = pytest.StashKey[int]()


class Failure(NamedTuple):
    """One failed test, and whether it may be tried again."""

    test: str
    again: bool
    text: str


def terminals() -> int:
    """How many terminals the tests of this process have opened."""
    blackbox = sys.modules.get("blackbox")
    return blackbox.Term.opened if blackbox else 0


# --- the plugin ----------------------------------------------------------------------------------

_failures: dict[str, Failure] = {}


def pytest_runtest_setup(item):
    item.stash[_opened] = terminals()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        talked = terminals() > item.stash[_opened] and "rng" not in item.fixturenames
        report.user_properties.append(("talked", talked))
    return report


def pytest_runtest_logreport(report):
    if report.failed:  # the set-up, the test or its end: each of them must allow it
        before = _failures.get(report.nodeid, Failure(report.nodeid, True, ""))
        again = before.again and may_be_tried_again(report)
        _failures[report.nodeid] = Failure(report.nodeid, again, before.text + report.longreprtext)


def may_be_tried_again(report) -> bool:
    talked = ("talked", True) in map(tuple, report.user_properties)
    file = report.nodeid.partition("::")[0]
    return talked and not SECRET_FILES.search(file) and not SECRET_WORDS.search(report.longreprtext)


def pytest_sessionfinish(session):
    if TOLD in os.environ and not hasattr(session.config, "workerinput"):
        Path(os.environ[TOLD]).write_text(json.dumps(list(_failures.values())))


# --- the program ---------------------------------------------------------------------------------


def run(words: list[str], **env: str) -> int:
    """Run pytest with these words; return its status."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words], env={**os.environ, **env}, check=False
    ).returncode


def main(words: list[str]) -> int:
    here = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    with tempfile.TemporaryDirectory() as place:
        told = Path(place, "failed")
        status = run(["-p", "secondtry", *words], PYTHONPATH=here, **{TOLD: str(told)})
        failures = [Failure(*each) for each in json.loads(told.read_text())] if told.exists() else []
    tried = failures and len(failures) <= MOST and all(each.again for each in failures)
    if status != pytest.ExitCode.TESTS_FAILED or not tried:
        return status
    print("\nsecond try, alone:", *(each.test for each in failures), sep="\n  ", flush=True)
    status = run(["-n", "0", "-p", "no:cacheprovider", *(each.test for each in failures)])
    if status == 0:
        for each in failures:
            print(f"\n--- the first failure of {each.test} ---\n{each.text}")
        print("\nPASSED ONLY AT THE SECOND TRY:", ", ".join(each.test for each in failures))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
