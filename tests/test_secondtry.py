"""The second try of conversations that failed: who gets one, and what is said of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from secondtry import may_be_tried_again

any_python = True
HERE = Path(__file__).parent
LAST = "PASSED ONLY AT THE SECOND TRY: "
# `fails` fails the first time(s) that the test of this name runs.
HEAD = """
import blackbox
from pathlib import Path

def fails(name, times=1):
    place = Path(__file__).with_name(f"{name}.runs")
    runs = len(place.read_text()) if place.exists() else 0
    place.write_text("x" * (runs + 1))
    assert runs >= times, f"run {runs} of {name}"

def talk(name, times=1):
    with blackbox.Term(["echo", "said"]) as term:
        term.expect("said")
    fails(name, times)

"""
PURE = "def test_pure(): fails('pure')\n"
DRAWN = """
import pytest

@pytest.fixture
def rng(): return None

def test_drawn(rng): talk('drawn')
"""


def talks(*names: str, times: int = 1) -> str:
    return "".join(f"def test_{name}(): talk({name!r}, {times})\n" for name in names)


@pytest.fixture
def run(tmp_path):
    """Run tests in a pytest of their own; return the status, the last line and everything printed."""

    def run(text: str, *words: str):
        (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {HERE}\n")
        (tmp_path / "test_inner.py").write_text(HEAD + text)
        words = [sys.executable, HERE / "secondtry.py", "-q", "-p", "no:cacheprovider", *words]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.rstrip().rpartition("\n")[2], done.stdout

    return run


def test_conversations_that_fail_once_pass_and_are_named(run):
    status, last, shown = run(talks("a", "b", "c") + "def test_fine(): pass\n", "-n", "2")
    assert status == 0, shown
    assert last.startswith(LAST)
    assert sorted(last.removeprefix(LAST).split(", ")) == [f"test_inner.py::test_{n}" for n in "abc"]
    assert "AssertionError: run 0 of b" in shown.partition("--- the first failure of")[2]
    assert "3 passed" in shown  # alone


def test_one_that_fails_twice_fails(run):
    status, last, shown = run(talks("a", times=2))
    assert status == 1
    assert "run 1 of a" in shown
    assert "1 failed" in last


@pytest.mark.parametrize(
    "text", [talks("a") + PURE, talks("a", "b", "c", "d"), DRAWN], ids=["pure", "four", "drawn"]
)
def test_everybody_else_gets_no_second_try(run, text):
    status, last, shown = run(text)
    assert status == 1
    assert "second try" not in shown.lower()
    assert "failed" in last


@pytest.mark.parametrize(
    ("file", "talked", "text", "again"),
    [
        ("test_run_status.py", True, "expected 'x' on the screen", True),
        ("test_run_status.py", False, "expected 'x' on the screen", False),
        ("test_secrets.py", True, "expected 'x' on the screen", False),
        ("test_tools_secrets.py", True, "expected 'x' on the screen", False),
        ("test_shells_hidden.py", True, "expected 'x' on the screen", False),
        ("test_shells_ahead.py", True, "expected 'x' on the screen", False),
        ("test_order.py", True, "    assert grep_root(root, MARKER) == []\n", False),
    ],
)
def test_who_may_be_tried_again(file, talked, text, again):
    report = SimpleNamespace(nodeid=f"{file}::test", user_properties=[["talked", talked]], longreprtext=text)
    assert may_be_tried_again(report) == again
