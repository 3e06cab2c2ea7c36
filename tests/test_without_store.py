"""A session that is not kept: its tool and its shell are whole, and what needs the store says so.

By every command of the command line from inside, by the editor's line and by the recorder's own.
"""

from __future__ import annotations

import json
import sys

import pytest
from blackbox import SYSTEM_PYTHON, rec, wait_for
from conversation import EDITOR, PREFIX

from recorder.commands import COMMANDS

DISABLED = "persistence disabled"
ARGUMENTS = {
    "events": ["@1"], "replay": ["@1"], "resume": [], "fork": ["@1"], "label": ["@1", "x"],
    "archive": ["@1"], "rm": ["@1"], "prune": ["--max-size", "0"], "wrap": ["@1"], "meta": ["@1", "a", "b"],
    "note": ["x"], "alert": ["x"], "completions": ["bash"], "init": ["bash"],
    "play": ["@1"], "search": ["x"], "diff": ["@1:1", "@1:1"], "tail": ["@1"],
    "export": ["@1", "-f", "txt"], "import": ["/dev/null"],
}  # fmt: skip
# They are of use without what was recorded, or say themselves how that is.
STORELESS = {
    "run",
    "shell",
    "init",
    "uninstall",
    "pause",
    "unpause",
    "status",
    "doctor",
    "completions",
    "trust",
}
# Calls all commands in one process, which has a session around it as a shell has; `rec --help` is one call.
EACH = """
import contextlib, io, json, sys
from recorder.cli import main
told = {}
for words in json.loads(sys.argv[1]):
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    err.seek(0), out.seek(0)
    told[words[0]] = [status, out.read(), err.read()]
open(sys.argv[2], "w").write(json.dumps(told))
"""


@pytest.fixture
def kept(root):
    """Have a session in the store, which no command from a session that is not kept may touch."""
    rec(["run", "--label", "kept", "--", "true"], root).ok()
    before = rec(["events", "kept", "--json"], root).ok().stdout
    yield root
    assert rec(["events", "kept", "--json"], root).ok().stdout == before
    assert len(rec(["ls", "--all", "--json"], root).json()) == 1


def test_every_command_that_needs_the_store_says_that_there_is_none(kept, tmp_path):
    quiet = STORELESS - {"status", "completions", "init"}  # those write elsewhere, or want a terminal
    calls = [[name, *ARGUMENTS.get(name, [])] for name in COMMANDS if name not in quiet]
    code, told = tmp_path / "each.py", tmp_path / "told"
    code.write_text(EACH)
    rec(["run", "--no-persist", "--", sys.executable, code, json.dumps(calls), told], kept).ok()
    found = json.loads(told.read_text())
    assert set(found) == set(COMMANDS) - quiet
    for name, (status, out, err) in found.items():
        if name in STORELESS:
            assert (status, err) == (0, ""), name
            continue
        assert (status, out) == (1, ""), name
        assert err.splitlines() == [
            f"rec: {DISABLED}",
            "this session runs with --no-persist; call rec from another terminal",
        ], name
    assert f"no: {DISABLED}" in found["status"][1]


def test_a_session_inside_is_kept_all_the_same(root, tmp_path):
    inner = f"{sys.executable} -m recorder run -- sh -c 'exit 3'; echo $?"
    assert "3" in rec(["run", "--no-persist", "--", "sh", "-c", inner], root).ok().stdout.splitlines()
    assert [row["argv"][-1] for row in rec(["ls", "--json"], root).json()] == ["exit 3"]


def test_slash_commands_of_the_editor(kept, start_rec):
    term = start_rec(["run", "--no-persist", "--", "cat"])
    term.expect(EDITOR)
    for line in ("/sessions", "/label x", "/save x", "/replay kept", "/note x", "/alert x", "/wrap"):
        since = term.position
        term.line(line)
        term.expect_raw(f"rec: {DISABLED}".encode(), since=since)
        term.expect(EDITOR)
    term.line("/status")
    term.expect(f"kept nowhere: {DISABLED}")
    term.line("on it goes")
    term.expect("on it goes\non it goes\n")
    term.send("\x04")
    assert term.wait() == 0


def test_the_recorders_own_line(kept, start_rec):
    term = start_rec(["run", "--no-persist", "--", SYSTEM_PYTHON, "-q"])
    term.expect(">>> ")
    term.send(PREFIX)
    term.expect("rec>")
    term.line("label x")
    term.expect(f"rec: {DISABLED}")
    term.send("\x1b")
    wait_for(lambda: not term.alternate)
    term.line("6 * 7")
    term.expect("\n42\n")
    term.send("\x04")
    assert term.wait() == 0
