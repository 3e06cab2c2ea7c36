"""`rec run` in poor places: no home, no shell, odd terminals and locales, no terminal at all, bad words.

Each either simply works or is one clear line; the tool's status is ours, and what was recorded is there.
"""

from __future__ import annotations

import subprocess
import sys

import blackbox
import pytest
from blackbox import CLEAN_SIGNALS, all_raw, environment, events, log, ls, rec

TOOL = ["sh", "-c", "read word; echo got $word; exit 7"]
REC = [*CLEAN_SIGNALS, sys.executable, "-m", "recorder"]

POOR = {
    "no-shell": {"SHELL": None},
    "no-such-shell": {"SHELL": "/no/such"},
    "no-term": {"TERM": None},
    "dumb": {"TERM": "dumb"},
    "unknown-term": {"TERM": "no-such-terminal"},
    "c": {"LC_ALL": "C", "LANG": None},
    "posix": {"LC_ALL": "POSIX", "LANG": None},
    "latin-1": {"LC_ALL": "en_US.ISO-8859-1"},
    "no-such-locale": {"LC_ALL": "no_SUCH.UTF-8"},
    "no-home": {"HOME": None},
    "home-is-gone": {"HOME": "/no/such/home"},
    "no-path": {"PATH": "/usr/bin:/bin"},
    "no-user": {"USER": None, "LOGNAME": None},
    "no-colour": {"NO_COLOR": "1"},
    "optimised": {"PYTHONOPTIMIZE": "2"},
    "debugged": {"PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"},
}


@pytest.mark.parametrize("env", POOR.values(), ids=POOR)
def test_a_line_is_edited_recorded_and_answered(root, start_rec, env):
    term = start_rec(["run", "--", *TOOL], env=env)
    term.expect_raw(b"/help")
    term.line("w\u00f6rd")
    assert term.wait() == 7
    assert "got w\u00f6rd".encode() in term.raw
    assert b"rec:" not in term.raw, term.dump()
    assert b"Traceback" not in term.raw
    assert b"Warning" not in term.raw
    assert term.modes() == term.before
    assert [(row["command"], row["end"]) for row in log(root)] == [("w\u00f6rd", "done")]
    assert [event["text"] for event in events(root, "@1", "--kind", "output")] == ["got w\u00f6rd\n"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_descriptors_take_no_file_of_ours(root, closed):
    script = f'exec "$@" {closed}'
    words = ["sh", "-c", script, "sh", *REC, "run", "--", "sh", "-c", "echo one; echo two >&2; exit 5"]
    home = root.parent / "home"
    done = subprocess.run(
        words, env=environment(root, home), cwd=home, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 5
    assert all_raw(root) == b"one\r\ntwo\r\n"
    assert ls(root)[0]["status"] == "ended"


def test_a_pipe_is_read_to_its_end_and_the_end_is_passed_on(root):
    done = rec(["run", "--", "sh", "-c", "cat; echo over"], root, stdin=b"first\nsecond without end")
    assert done.status == 0
    assert "over" in done.stdout
    assert [row["command"] for row in log(root)] == ["first", "second without end"]
    assert done.stdout.replace("\r", "").endswith("second without endover\n")


def without_terminal(root, tool, *options, **more):
    """Record as a job of cron does: no terminal anywhere, nothing to read."""
    home = root.parent / "home"
    return subprocess.run(
        [*REC, "run", *options, "--", *tool],
        **{"env": environment(root, home), "cwd": home, "stderr": subprocess.PIPE, **more},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
        start_new_session=True,
    )


def test_an_empty_input_ends_a_tool_that_reads(root):
    done = without_terminal(root, ["cat"], stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_as_from_cron_with_output_into_a_file(root, tmp_path):
    env = environment(root, root.parent / "home")
    bare = {key: value for key, value in env.items() if key not in {"TERM", "USER"}}
    target = tmp_path / "out"
    with target.open("wb") as file:
        tool = ["sh", "-c", "echo done; exit 3"]
        done = without_terminal(root, tool, "--label", "nightly", env=bare, cwd="/", stdout=file)
    assert (done.returncode, done.stderr) == (3, b"")
    assert target.read_bytes() == b"done\r\n"
    (session,) = ls(root)
    assert (session["labels"], session["exit_status"], session["cwd"]) == (["nightly"], 3, "/")


def test_an_output_that_is_full_does_not_end_the_tool_silently(root):
    with open("/dev/full", "wb") as full:
        done = without_terminal(root, ["sh", "-c", "echo one; sleep 0.2; exit 4"], stdout=full)
    assert done.returncode in (4, 129)  # the tool's own, or that of the hangup which it was given
    assert b"Traceback" not in done.stderr
    assert ls(root)[0]["status"] == "ended"


# --- bad words -----------------------------------------------------------------------------------

BAD = {
    "missing": (["run", "--", "no-such-tool"], 127, "rec: could not run no-such-tool: not found"),
    "path": (["run", "--", "/no/such/tool"], 127, "rec: could not run /no/such/tool: not found"),
    "directory": (["run", "--", "/usr"], 126, "rec: could not run /usr: is a directory"),
    "not-executable": (
        ["run", "--", "/etc/passwd"],
        126,
        "rec: could not run /etc/passwd: permission denied",
    ),
    "empty-word": (["run", "--", ""], 127, "rec: could not run"),
    "no-tool": (["run"], 2, "rec: no TOOL to record"),
    "no-tool-after-dashes": (["run", "--"], 2, "rec: no TOOL to record"),
    "mode": (["run", "--mode", "fast", "--", "true"], 2, "rec: invalid value for '--mode': 'fast'"),
    "label": (["run", "--label", "a/b", "--", "true"], 2, "rec: could not use the label: it holds a '/'"),
    "short": (["evnts"], 127, "rec: could not run evnts: not found"),
}


@pytest.mark.parametrize(("words", "status", "line"), BAD.values(), ids=BAD)
def test_bad_words_are_one_clear_line_and_start_nothing(root, start_rec, words, status, line):
    term = start_rec(words, cols=200)
    assert term.wait() == status
    first, *more = term.text().strip().splitlines()
    assert first.startswith(line), term.dump()
    assert len(more) <= 1  # what to do
    assert "Traceback" not in term.text()
    assert term.modes() == term.before
    assert not root.exists()


CONFIGS = {
    "wrong-key": ('prefix = "C-]"\ncolour = 1\n', "line 2", "colour"),
    "wrong-value": ("[record]\nslash = 3\n", "line 2", "slash"),
    "no-toml": ("[record\n", "line 1", ""),
}


@pytest.mark.parametrize(("text", "line", "key"), CONFIGS.values(), ids=CONFIGS)
def test_settings_that_are_wrong_are_named_before_the_tool_starts(root, start_rec, text, line, key):
    place = root.parent / "home" / ".config" / "rec" / "config.toml"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    term = start_rec(["run", "--", "sh", "-c", "echo started"])
    assert term.wait() == 2
    said = term.text().replace("\n", "")
    assert str(place) in said
    assert line in said
    assert key in said
    assert "started" not in said
    assert term.modes() == term.before


@pytest.mark.parametrize("number", [1, 2])
def test_a_clock_that_is_set_back_keeps_the_order(root, start, number):
    """Order is by seq, never by the clock; a session from the future is no error either."""
    step = -3600 if number == 1 else 7200
    program = f"""
import sys, time
from recorder.__main__ import main
real, begun = time.time_ns, time.monotonic()
time.time_ns = lambda: real() + ({step} * 10**9 if time.monotonic() - begun > 0.4 else 0)
sys.exit(main())
"""
    place = root.parent / "program.py"
    place.write_text(program)
    script = "echo one; sleep 0.6; echo two; read word; echo three"
    term = start([sys.executable, str(place), "run", "--", "sh", "-c", script], root=root)
    term.expect("two")
    term.line("go")
    assert term.wait() == 0
    rows = events(root)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert "".join(row["text"] for row in rows if row["kind"] == "output") == "one\ntwo\nthree\n"
    (turn,) = log(root)
    assert turn["duration_ms"] >= 0
    first = blackbox.replay(root)["first_line"]
    assert first.startswith(f"{len(rows)} prior events, most recent ")
    assert "-" not in first
