"""`rec run` where something is missing: a home, a terminal type, a locale, descriptors, a terminal, time.

Cases 36-42 of the black-box list, as far as they concern one recording. Broken stores are in
`test_storage_faults.py`, wrong words and settings in `test_bad_input.py`.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import blackbox
import pytest
from blackbox import SYSTEM_PYTHON, all_raw, environment, events, log, ls, wait_for
from conversation import texts, turns
from processes import REC

PYTHON = [sys.executable, "-m", "recorder"]


def trouble(root, session="@1"):
    """The alerts; that the store was slow for a moment is the machine's doing."""
    return [text for text in texts(root, "alert", session) if "safely stored" not in text]


def recorded(root, tool: str, status: int = 0) -> dict:
    """Check that there is one whole session of a tool, and return it."""
    (session,) = ls(root)
    found = session["tool"], session["status"], session["exit_status"], session["end_reason"]
    assert found == (tool, "ended", status, "exit")
    return session


# --- what the environment says, or does not ---------------------------------------------------------


@pytest.mark.parametrize(
    "env",
    [
        {"HOME": None, "SHELL": None},
        {"HOME": "/dev/null/none"},
        {"SHELL": "/no/such"},
        {"TERM": None},
        {"TERM": "dumb"},
        {"TERM": "no-such-terminal"},
        {"USER": None, "LOGNAME": None},
        {"TMPDIR": "/no/such"},
    ],
    ids=lambda env: ",".join(f"{name}={value}" for name, value in env.items()),
)
def test_a_line_is_edited_and_recorded_whatever_a_variable_says(root, start_rec, env):
    script = 'read line; echo "got $line"; exit 5'
    term = start_rec(["run", "--", "sh", "-c", script], env=env)
    term.expect("/help")  # the editor is there
    term.line("words")
    assert term.wait() == 5
    assert term.modes() == term.before
    assert [row for row in term.text().splitlines() if row] == ["words", "got words"]
    recorded(root, "sh", 5)
    assert [row["command"] for row in log(root)] == ["words"]
    assert trouble(root) == []


def test_an_empty_environment(root, tmp_path):
    """As under a service manager: no PATH, no HOME, no user, no terminal."""
    words = ["env", "-i", *PYTHON, "--root", str(root), "run", "--", "sh", "-c", "env; echo $0 runs"]
    done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"sh runs\r\n")
    told = {line.partition(b"=")[0] for line in done.stdout.splitlines() if b"=" in line}
    ours = {b"REC_SESSION", b"REC_TTY", b"REC_PID", b"REC_START", b"REC_NONCE", b"REC_PERSIST"}
    ours |= {b"REC_SESSION_ROOT"}
    assert told == {b"PWD", *ours}
    assert all_raw(root).endswith(b"sh runs\r\n")


def test_a_working_directory_that_is_gone(root, start, tmp_path):
    place = tmp_path / "gone"
    place.mkdir()
    script = f"rmdir {place}; exec {REC} run -- printf here"
    term = start(["sh", "-c", script], root=root, cwd=place)
    assert term.wait() == 0
    assert bytes(term.raw) == b"here"
    recorded(root, "printf")


# --- locales ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def latin1(tmp_path_factory):
    """Yield the environment of a locale whose letters are no UTF-8, made for this test."""
    blackbox.need("localedef")
    place = tmp_path_factory.mktemp("locales")
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", place / "de_DE.ISO-8859-1"],
        capture_output=True,
        check=False,
    )
    assert made.returncode in (0, 1), made.stderr  # 1: it warned
    env = {"LOCPATH": str(place), "LC_ALL": "de_DE.ISO-8859-1"}
    charmap = subprocess.run(
        ["locale", "charmap"], env={**os.environ, **env}, capture_output=True, check=True
    )
    assert charmap.stdout == b"ISO-8859-1\n"
    return env


SCRIPT = """printf '%s|' "$1"; read line; printf '<%s>\\351\\n' "$line\""""


@pytest.mark.parametrize("name", ["C", "POSIX", "no_SUCH.locale"])
def test_a_locale_that_names_no_letters_changes_none(root, start_rec, name):
    """Words, screen, store and the text of a turn: UTF-8 stays UTF-8, and what is none stays that."""
    words = ["run", "--label", "grüße", "--", "sh", "-c", SCRIPT, "sh", "ü€"]
    term = start_rec(words, env={"LC_ALL": name})
    term.expect("/help")
    term.line("é漢")
    assert term.wait() == 0
    assert "ü€|".encode() in term.raw
    assert "<é漢>".encode() + b"\xe9\r\n" in term.raw
    assert all_raw(root) == "ü€|é漢\r\n<é漢>".encode() + b"\xe9\r\n"
    session = recorded(root, "sh")
    assert session["argv"][-1] == "ü€"
    assert session["labels"] == ["grüße"]
    assert turns(root) == [("ü€|", "é漢", "<é漢>\ufffd\n")]


def test_a_locale_of_another_encoding_changes_no_byte(root, start_rec, latin1):
    """The label is what the user sees; what passes between terminal and tool is bytes."""
    label, word = os.fsdecode(b"gr\xfc\xdfe"), os.fsdecode(b"\xfc")
    term = start_rec(["run", "--label", label, "--", "sh", "-c", SCRIPT, "sh", word], env=latin1)
    term.expect("/help")
    term.send(b"caf\xe9\r")
    assert term.wait() == 0
    assert b"\xfc|" in term.raw
    assert b"<caf\xe9>\xe9\r\n" in term.raw
    assert all_raw(root) == b"\xfc|caf\xe9\r\n<caf\xe9>\xe9\r\n"
    assert recorded(root, "sh")["labels"] == ["grüße"]
    assert turns(root) == [("\ufffd|", "caf\ufffd", "<caf\ufffd>\ufffd\n")]


# --- descriptors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(root, tmp_path, closed):
    """What is closed is nobody's; the tool has its terminal on all three all the same."""
    tool = "for fd in 0 1 2; do test -t $fd && echo tty $fd; done; ls /proc/self/fd | wc -l; cat; exit 7"
    line = f"exec {REC} run -- sh -c {shlex.quote(tool)} {closed}"
    env = blackbox.environment(root, root.parent / "home")
    done = subprocess.run(
        ["setsid", "--wait", "sh", "-c", line],
        env=env, cwd=tmp_path, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip
    wanted = b"tty 0\r\ntty 1\r\ntty 2\r\n4\r\n"  # 4: ls has its directory open
    assert (done.returncode, done.stderr) == (7, b"")
    assert done.stdout == (b"" if " >&-" in f" {closed}" else wanted)
    recorded(root, "sh", 7)
    assert all_raw(root) == wanted
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "root"]


# --- input and output that are no terminal ----------------------------------------------------------


def piped(root, words, data: bytes, **options) -> subprocess.CompletedProcess:
    """Record a tool with a pipe at its input and no controlling terminal, as cron does."""
    return subprocess.run(
        ["setsid", "--wait", *PYTHON, "run", "--", *words],
        input=data,
        capture_output=True,
        env=blackbox.environment(root, root.parent / "home"),
        cwd=root.parent,
        timeout=60,
        check=False,
        **options,
    )


def test_a_script_on_a_pipe_is_run_line_by_line(root):
    done = piped(root, ["sh"], b"echo P\nexit 3\n")
    assert (done.returncode, done.stderr) == (3, b"")
    assert b"\x1b" not in done.stdout  # nothing is edited where nobody sees it
    assert b"\r\nP\r\n" in done.stdout
    recorded(root, "sh", 3)
    assert [row["command"] for row in log(root)] == ["echo P", "exit 3"]
    assert all_raw(root) == done.stdout


@pytest.mark.parametrize(
    ("data", "answers"),
    [(b"one\ntwo\n", [b"xone\r\n", b"xtwo\r\n"]), (b"one\ntwo", [b"xone\r\n", b"twoxtwo"]), (b"", [])],
    ids=["whole", "no newline", "nothing"],
)
def test_the_end_of_a_pipe_reaches_the_tool(root, data, answers):
    """Behind a last line that nobody has entered, too: the tool gets it without the newline it never had."""
    done = piped(root, ["sed", "s/^/x/"], data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [answer for answer in answers if answer not in done.stdout] == []
    assert done.stdout.endswith(answers[-1] if answers else b"")
    assert [row["command"] for row in log(root)] == data.decode().split()
    recorded(root, "sed")


def test_the_end_of_a_pipe_reaches_every_read(root):
    """A pipe that has ended says so for ever; a terminal's end of file is for one read."""
    script = "cat; echo 1; cat; echo 2; read x || echo 3; sh -c 'cat; echo 4'; exit 6"
    done = piped(root, ["sh", "-c", script], b"")
    assert (done.returncode, done.stdout, done.stderr) == (6, b"1\r\n2\r\n3\r\n4\r\n", b"")
    recorded(root, "sh", 6)


@pytest.mark.parametrize(
    ("tool", "data", "shown"),
    [
        ([SYSTEM_PYTHON, "-q"], b"", b">>> "),
        ([SYSTEM_PYTHON, "-q"], b"print(6 * 7)\n", b"42\r\n"),
        (["sqlite3"], b"select 40 + 2;", b"42\r\n"),
        (["bash", "--norc", "--noprofile", "-i"], b"IGNOREEOF=10\necho $((6 * 7))", b"42\r\n"),
    ],
    ids=["python, nothing", "python", "sqlite3, no newline", "bash that ignores ten ends"],
)
def test_the_end_of_a_pipe_reaches_a_tool_that_edits_its_own_line(root, tool, data, shown):
    """Told while its terminal is still canonical, a line editor would never hear of it."""
    blackbox.need(tool[0])
    done = piped(root, tool, data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert shown in done.stdout
    recorded(root, os.path.basename(tool[0]))
    assert all_raw(root) == done.stdout


def test_a_pipe_that_stays_open_does_not_keep_us(root):
    """The tool ends, and whoever writes to us has not closed the pipe."""
    env = blackbox.environment(root, root.parent / "home")
    words = ["setsid", "--wait", *PYTHON, "run", "--", "sh", "-c", "read x; echo got $x; exit 4"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, env=env, cwd=root.parent, **pipes) as process:
        process.stdin.write(b"a\n")
        process.stdin.flush()
        assert process.stdout.read().endswith(b"got a\r\n")
        assert process.wait(blackbox.TIMEOUT) == 4
        assert process.stderr.read() == b""
    recorded(root, "sh", 4)


def test_output_to_a_file_is_the_tools_and_nothing_else(root, tmp_path):
    script = "test -t 1 && echo to a terminal; cat; echo error >&2; exit 4"
    with open(tmp_path / "out", "wb") as out:
        done = subprocess.run(
            ["setsid", "--wait", *PYTHON, "run", "--", "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
            env=blackbox.environment(root, tmp_path / "home"), cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (4, b"")
    assert (tmp_path / "out").read_bytes() == b"to a terminal\r\nerror\r\n"
    recorded(root, "sh", 4)
    assert all_raw(root) == b"to a terminal\r\nerror\r\n"


def without_terminal(root, tool, *options, **more):
    """Record as a job of cron does: no terminal anywhere, nothing to read."""
    home = root.parent / "home"
    return subprocess.run(
        [*PYTHON, "run", *options, "--", *tool],
        **{"env": environment(root, home), "cwd": home, "stderr": subprocess.PIPE, **more},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
        start_new_session=True,
    )


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


def test_without_a_controlling_terminal_the_tool_has_one(root):
    """As under cron: /dev/tty is the tool's own terminal, and job control works in it."""
    script = (
        "echo to the tty >/dev/tty; ps -o tpgid= -p $$ | grep -c -v -e -1; set -m; sleep 0 & wait; exit 2"
    )
    done = piped(root, ["sh", "-c", script], b"")
    assert (done.returncode, done.stdout, done.stderr) == (2, b"to the tty\r\n1\r\n", b"")
    session = recorded(root, "sh", 2)
    assert session["tool"] == "sh"


def test_on_a_terminal_that_is_not_the_controlling_one(root, start):
    """Started with setsid from a terminal: it is edited on as on any other."""
    term = start(
        ["setsid", "--wait", *PYTHON, "run", "--", "sh", "-c", "read x; echo got $x; exit 3"], root=root
    )
    term.expect("/help")
    term.line("here")
    assert term.wait() == 3
    assert term.modes() == term.before
    assert [row for row in term.text().splitlines() if row] == ["here", "got here"]
    recorded(root, "sh", 3)


# --- umask, neighbours ------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", ["000", "022", "777"])
def test_a_umask_changes_the_tools_files_and_none_of_ours(root, start, tmp_path, umask):
    blackbox.need("sh")
    tool = f"umask; : > {tmp_path}/made; read x"
    term = start(["sh", "-c", f"umask {umask}; exec {REC} run -- sh -c {shlex.quote(tool)}"], root=root)
    term.expect(re.compile(f"^0?{umask}$", re.MULTILINE))
    wait_for(lambda: ls(root) and log(root) == [], what="the session in the store")
    modes = {path: path.stat().st_mode for path in [root, *root.rglob("*")]}
    term.line("x")
    assert term.wait() == 0
    assert {path.name for path in modes} >= {"rec.db", "rec.db-wal"}
    wanted = {path: 0o700 if stat.S_ISDIR(mode) else 0o600 for path, mode in modes.items()}
    assert {path: stat.S_IMODE(mode) for path, mode in modes.items()} == wanted
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o666 & ~int(umask, 8)


def test_two_recorders_at_once(root, start_rec):
    """Interleaved on purpose: each keeps its own order, and neither sees the other's lines."""
    first = start_rec(["run", "--label", "first", "--", "cat"])
    second = start_rec(["run", "--label", "second", "--", "cat"])
    for term in (first, second):
        term.expect("/help")
    for number in range(5):
        for name, term in (("first", first), ("second", second)):
            term.line(f"{name} {number}")
            term.expect(f"{name} {number}", count=2)
    assert [row["status"] for row in ls(root)] == ["live", "live"]
    for term in (second, first):
        term.send("\x04")
        assert term.wait() == 0
    assert len({row["ulid"] for row in ls(root)}) == 2
    for name in ("first", "second"):
        said = [f"{name} {number}" for number in range(5)]
        assert [(turn.command, turn.output) for turn in turns(root, name)] == [
            (one, f"{one}\n") for one in said
        ]
        assert [event["seq"] for event in events(root, name)] == list(range(1, len(events(root, name)) + 1))
        assert trouble(root, name) == []


def test_two_recorders_that_make_the_store_at_the_same_moment(root):
    """The first start of all, twice: one makes the database, both record into it."""
    for round_ in range(3):
        place = root.parent / f"root{round_}"
        with ThreadPoolExecutor() as pool:
            done = list(pool.map(lambda n: blackbox.rec(["run", "--", "echo", n], place), "12", timeout=60))  # noqa: B023
        assert [(one.status, one.stderr) for one in done] == [(0, ""), (0, "")]
        assert sorted(row["argv"][1] for row in ls(place)) == ["1", "2"]
        assert sorted(all_raw(place, name) for name in ("@1", "@2")) == [b"1\r\n", b"2\r\n"]


# --- time -------------------------------------------------------------------------------------------

# A `rec` whose two clocks the test can move: what suspend and a clock that is set do to them. The
# kernel's own cannot be, without moving those of everybody.
MOVED = """
import os, sys, time
from recorder import clock
from recorder.__main__ import main
from recorder.model import Moment

def moved(self, now=clock.Clock.now):
    wall, slept = map(int, open(os.environ["MOVED"]).read().split())
    real = now(self)
    return Moment(real.wall_ms + wall, real.offset_ms + slept)

clock.Clock.now = moved
sys.exit(main())
"""
HOUR = 3_600_000


@pytest.fixture
def moved(root, start, tmp_path):
    """Record a tool that works on `between` until told, with clocks that `move(wall_ms, slept_ms)` moves."""
    place, program = tmp_path / "moved", tmp_path / "program.py"
    program.write_text(MOVED)

    def move(wall: int, slept: int) -> None:
        (tmp_path / "new").write_text(f"{wall} {slept}")
        os.replace(tmp_path / "new", place)

    move(0, 0)
    env = {"MOVED": str(place)}
    script = """mkfifo done; while read x; do
        test $x != between || { echo working; read y < done; }
        echo "got $x"
    done"""
    words = [sys.executable, program, "run", "--label", "moved", "--", "sh", "-c", script]
    return start(words, root=root, env=env, cwd=tmp_path), move


def say(term, line: str) -> None:
    term.expect("/help")
    term.line(line)


def wall_ms(event: dict) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(event["at"]).timestamp() * 1000)


@pytest.mark.parametrize(
    ("wall", "slept"),
    [(-HOUR, 0), (HOUR, 0), (2 * HOUR, 2 * HOUR)],
    ids=["set back", "set forward", "suspended for two hours"],
)
def test_a_clock_that_jumps_changes_times_and_no_order(root, moved, tmp_path, wall, slept):
    term, move = moved
    say(term, "before")
    term.expect("got before")
    say(term, "between")
    term.expect("working")
    move(wall, slept)
    (tmp_path / "done").write_text("\n")
    term.expect("got between")
    say(term, "after")
    term.expect("got after")
    term.send("\x04")
    assert term.wait() == 0
    assert [(turn.command, turn.output) for turn in turns(root)] == [
        ("before", "got before\n"),
        ("between", "working\ngot between\n"),
        ("after", "got after\n"),
    ]
    rows = events(root)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    prompts = [wall_ms(row) for row in rows if row["kind"] == "prompt"]
    assert prompts[0] <= prompts[1]
    jump = prompts[2] - prompts[1]  # the wall clock is told as it was
    assert wall <= jump < wall + HOUR // 2
    # the turn over the jump lasted as long as the machine was asleep, whatever the wall clock says
    before, between, after = (row["duration_ms"] for row in log(root))
    assert slept <= between < slept + HOUR // 2
    assert 0 <= before < HOUR // 2
    assert 0 <= after < HOUR // 2
    (session,) = ls(root)
    assert (session["status"], session["exit_status"]) == ("ended", 0)
    first, *_ = blackbox.rec(["replay", "moved"], root).ok().stdout.splitlines()
    assert re.fullmatch(rf"{len(rows)} prior events, most recent [0-9]+[smh] ago", first)
