"""The command line as a user and a script meet it: words, statuses, texts, JSON."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from contextlib import closing

import apsw
import maker
import pytest
from blackbox import environment
from blackbox import rec as call
from click.testing import CliRunner
from maker import GONE, Maker

from recorder import sessions
from recorder.cli import rec
from recorder.commands import record
from recorder.commands import run as run_command
from recorder.model import Chunk
from recorder.version import VERSION

PYTHON = [sys.executable, "-m", "recorder"]


@pytest.fixture
def filled(root):
    """A store with three sessions; the newest is live, the oldest was cut off."""
    with closing(maker.store_at(root)) as store:
        cut = Maker(store, 1, owner=GONE, at_ms=maker.now_ms() - 9_000_000)
        cut.turn("select 1;", "1\n")
        cut.prompt("select 2;")
        store.append([], recovered=cut.invocation)  # nothing is left to derive
        ended = Maker(store, 2, tool="psql", at_ms=maker.now_ms() - 6_000_000)
        ended.turn("\\d", "nothing\n")
        ended.turn("select x;", "ERROR:  no x\n", status=1)
        ended.end(3)
        live = Maker(store, 3, tool="bash", at_ms=maker.now_ms() - 3_000_000)
        live.turn("ls", "a b\n")
        live.prompt("sleep 100")
        store.set_label("old", cut.ulid)
    return [cut, ended, live]


def run(*args, **env):
    """One call inside this process."""
    return CliRunner().invoke(rec, list(args), env=env)


def refused(result, status, message):
    """Check a refusal: its status, its first line, an advice at most, no trace."""
    lines = result.stderr.splitlines()
    assert (result.exit_code if hasattr(result, "exit_code") else result.status) == status, result.stderr
    assert lines[0] == f"rec: {message}"
    assert len(lines) <= 2
    assert "Traceback" not in result.stderr


# --- words and statuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (["ls"], ""),
        (["ls", "--json"], "[]\n"),
        (["ls", "--all", "--running", "--stuck", "1s", "--here"], ""),
        (["log"], ""),
        (["log", "--json"], ""),
        (["labels"], ""),
        (["labels", "--json"], "[]\n"),
    ],
)
def test_nothing_recorded_is_no_error(root, args, shown):
    result = call(args, root)
    assert (result.status, result.stdout, result.stderr) == (0, shown, "")
    assert not root.exists()


@pytest.mark.parametrize("args", [["events", "x"], ["replay", "x"], ["label", "x", "y"], ["log", "x"]])
def test_no_such_session(root, args):
    result = call(args, root)
    refused(result, 1, "no such session: x")
    assert result.stdout == ""
    assert not root.exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "missing command"),
        (["--bogus"], "no such option '--bogus'"),
        (["ls", "--bogus"], "no such option '--bogus'"),
        (["events"], "missing argument 'SESSION'"),
        (["label", "x"], "expected SESSION LABEL, or --rm LABEL"),
        (["label", "x", "y", "z"], "expected SESSION LABEL, or --rm LABEL"),
        (["label", "x", "--rm", "y"], "expected SESSION LABEL, or --rm LABEL"),
        (["ls", "-n", "-1"], "invalid value for '-n': '-1' is no number of rows; write it like 20"),
        (["log", "-n", "x"], "invalid value for '-n': 'x' is no number of rows; write it like 20"),
        (
            ["ls", "--stuck", "10"],
            "invalid value for '--stuck': '10' is no duration; write it like 90s, 10m, 2h or 7d",
        ),
        (
            ["log", "--since", "soon"],
            "invalid value for '--since': 'soon' is no time; write it like 2h, 2026-07-01, 2026-07-01T12:00Z",
        ),
        (["run"], "no TOOL to record"),
        (["run", "--"], "no TOOL to record"),
        (
            ["run", "--mode", "x", "--", "true"],
            "invalid value for '--mode': 'x' is not one of 'auto', 'line', 'raw'",
        ),
        (
            ["run", "--session-dir", "x", "--no-persist", "--", "true"],
            "--session-dir excludes --no-persist and --continue",
        ),
        (
            ["run", "--continue", "--session-dir", "x", "--", "true"],
            "--session-dir excludes --no-persist and --continue",
        ),
        (["run", "--session-dir", "", "--", "true"], "--session-dir expects a directory"),
        (["note"], "missing argument 'TEXT'"),
        (["note", " "], "TEXT is empty"),
    ],
)
def test_wrong_usage_is_two_lines_and_2(root, args, message):
    result = run(*args)
    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert lines[0] == f"rec: {message}"
    assert lines[1].endswith("--help` shows how it is called")
    assert len(lines) == 2
    assert result.stdout == ""


def test_kinds_of_events_are_those_of_the_contract(root):
    result = run("events", "x", "--kind", "noise")
    assert result.exit_code == 2
    kinds = ["prompt", "output", "command", "system", "warn", "alert", "resize", "mark"]
    assert all(f"'{kind}'" in result.stderr for kind in kinds)


def test_version(root):
    result = call(["--version"], root)
    assert (result.status, result.stdout) == (0, f"rec {VERSION}\n")


def test_root_of_the_command_line_wins(root, filled, tmp_path):
    assert run("--root", str(tmp_path / "other"), "ls", "--json").stdout == "[]\n"
    assert len(json.loads(run("--root", str(root), "ls", "--json", REC_ROOT="/nowhere").stdout)) == 3


def test_wrong_settings_are_named(root, tmp_path):
    (tmp_path / "home/.config/rec").mkdir(parents=True)
    file = tmp_path / "home/.config/rec/config.toml"
    file.write_text('prefix = "Ctrl-]"\n[record]\nslush = true\n')
    result = call(["label", "@1", "shop"], root)
    refused(result, 2, f"could not use {file}: line 3: unknown key `record.slush`")


@pytest.mark.parametrize(
    "args",
    [
        ["ls", "--json"],
        ["log", "--json"],
        ["labels", "--json"],
        ["replay", "@1"],
        ["events", "@1", "--json"],
        ["output", "@1:1", "--raw"],
    ],
)
def test_wrong_settings_do_not_stop_reading(root, filled, tmp_path, args):
    right = run(*args).stdout
    (tmp_path / "home/.config/rec").mkdir(parents=True)
    file = tmp_path / "home/.config/rec/config.toml"
    file.write_text("[record]\nslush = true\n")
    result = call(args, root)
    expected = (
        f"rec: could not use {file}: line 2: unknown key `record.slush`; "
        f"{root} is read with the default settings\n"
    )
    assert (result.status, result.stderr.splitlines(keepends=True)[0]) == (0, expected)
    assert result.stdout.splitlines()[1:] == right.splitlines()[1:]  # ages stand in the first line
    assert result.stderr.count("default settings") == 1


def test_wrong_settings_still_name_the_store_that_is_read(root, filled, tmp_path):
    (tmp_path / "home/.config/rec").mkdir(parents=True)
    file = tmp_path / "home/.config/rec/config.toml"
    file.write_text(f'nonsense = 1\nroot = "{root}"\n')
    result = run("ls", "--json", REC_ROOT="")
    assert [result.exit_code, len(json.loads(result.stdout))] == [0, 3]
    assert result.stderr.endswith(f"; {root} is read with the default settings\n")


def test_what_a_crash_left_waits_for_settings_that_can_be_used(root, tmp_path):
    """Completing it makes alerts by the user's rules, once and for good."""

    def incomplete() -> int:
        with closing(maker.store_at(root)) as store:
            return len(list(store.open_invocations(unrecovered=True)))

    with closing(maker.store_at(root)) as store:
        Maker(store, 1, owner=GONE, at_ms=maker.now_ms() - 9_000_000).prompt("select 2;")
    (tmp_path / "home/.config/rec").mkdir(parents=True)
    file = tmp_path / "home/.config/rec/config.toml"
    file.write_text("nonsense = 1\n")
    assert call(["ls"], root).status == 0
    assert incomplete() == 1
    file.unlink()
    assert call(["ls"], root).status == 0
    assert incomplete() == 0


def test_what_is_quoted_in_an_error_cannot_drive_the_terminal(root):
    result = run("replay", "a\x1b]0;owned\x07\nb")
    assert result.stderr.splitlines()[0] == "rec: no such session: a\\x1b]0;owned\\x07⏎b"


def test_words_that_are_no_utf8(root, filled):
    done = subprocess.run([*PYTHON, "replay", b"\xff\xfe"], capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"rec: no such session: ")


def test_an_interrupt_is_130(root, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sessions, "listing", interrupt)
    result = run("ls")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "")


def test_an_unexpected_error_is_one_line_and_a_report(root, monkeypatch, tmp_path):
    def burst(*_):
        raise ValueError("seven\nis not\x1b[2J five")

    monkeypatch.setattr(sessions, "listing", burst)
    old = os.umask(0)
    try:
        result = run("ls", "--tool", "hunter2")
    finally:
        os.umask(old)
    refused(result, 3, "could not finish: ValueError: seven is not\\x1b[2J five")
    (report,) = (tmp_path / "home/.local/state/rec").iterdir()
    assert result.stderr.splitlines()[1] == f"this is a bug in rec; please report it with {report}"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700
    text = report.read_text()
    assert "Traceback (most recent call last)" in text
    assert f"rec {VERSION}" in text
    assert "hunter2" not in text


def test_a_report_that_cannot_be_written_is_no_second_error(root, monkeypatch):
    monkeypatch.setattr(sessions, "listing", lambda *_: 1 / 0)
    result = run("ls", XDG_STATE_HOME="/dev/null/x")
    refused(result, 3, "could not finish: ZeroDivisionError: division by zero")


def test_a_damaged_store_is_store_trouble(root):
    root.mkdir(mode=0o700)
    (root / "rec.db").write_bytes(b"this is no database" * 1000)
    result = call(["ls"], root)
    assert result.status == 3
    assert result.stderr.startswith("rec: could not open the store: ")
    assert "Traceback" not in result.stderr


# --- where the output goes -----------------------------------------------------------------------


def long_session(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1)
        one.prompt("seq")
        for n in range(300):
            one.printed(f"{n} " + "x" * 1000 + "\n")
        one.done()
    return one


@pytest.mark.parametrize("args", [["events", "@1"], ["replay", "@1"], ["output"], ["replay", "@1", "--raw"]])
def test_a_reader_who_leaves_is_no_error(root, args):
    long_session(root)
    process = subprocess.Popen([*PYTHON, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(100)
    process.stdout.close()
    assert process.stderr.read().count(b"\n") <= 2  # what is said beside a raw replay
    assert process.wait() == 0
    process.stderr.close()


def test_a_full_disk_behind_the_output_is_said(root):
    long_session(root)
    with open("/dev/full", "w") as full:
        done = subprocess.run([*PYTHON, "ls"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.stderr == b"rec: could not write to standard output: no space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_descriptors(root, filled, closed):
    line = f"exec {sys.executable} -m recorder replay old {closed}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr.count(b"\n") == ("2>&-" not in closed)  # what is said beside a replay
    assert (b"select 1;" in done.stdout) == (">&-" not in closed.replace("2>&-", ""))


def test_a_locale_without_utf8(root, filled):
    with closing(maker.store_at(root)) as store:
        Maker(store, 9, at_ms=maker.now_ms()).turn("select 'ä漢';", "ä漢\n")
    env = environment(root, root.parent / "home", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    done = subprocess.run([*PYTHON, "output"], env=env, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"??\n")
    done = subprocess.run([*PYTHON, "output", "--json"], env=env, capture_output=True, check=False)
    assert done.returncode == 0


def test_light_commands_stay_light(root, filled):
    heavy = {
        "apsw",
        "prompt_toolkit",
        "pyte",
        "ulid",
        "platformdirs",
        "recorder.sessions",
        "importlib.metadata",
    }
    for args, absent in (
        (["--version"], heavy),
        (["ls"], {"prompt_toolkit", "pyte", "ulid", "platformdirs"}),
    ):
        code = f"import sys; sys.argv = ['rec', *{args}]\nfrom recorder.cli import main\nmain()\n"
        code += f"print(sorted({absent} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


# --- what is shown -------------------------------------------------------------------------------


def test_ls(root, filled):
    cut, ended, live = filled
    rows = call(["ls", "--json"], root).json()
    assert [row["ulid"] for row in rows] == [live.ulid, ended.ulid, cut.ulid]
    assert [row["status"] for row in rows] == ["live", "ended", "interrupted"]
    assert [row["state"] for row in rows] == ["running", "error", "idle"]
    assert [row["exit_status"] for row in rows] == [None, 3, None]
    assert [row["labels"] for row in rows] == [[], [], ["old"]]
    assert [row["n_turns"] for row in rows] == [2, 2, 2]
    assert [row["ulid"] for row in call(["ls", "-n", "1", "--json"], root).json()] == [live.ulid]
    assert [row["ulid"] for row in call(["ls", "--running", "--json"], root).json()] == [live.ulid]
    assert [row["ulid"] for row in call(["ls", "--tool", "psql", "--json"], root).json()] == [ended.ulid]
    assert call(["ls", "-n", "0", "--json"], root).json() == []
    lines = call(["ls"], root).stdout.splitlines()
    assert [line.split()[1:4] for line in lines[1:]] == [
        ["bash", "running", ":2"],
        ["psql", "ended", "1h"],
        ["old", "sqlite3", "interrupted"],
    ]
    for line, made in zip(lines[1:], (live, ended, cut), strict=True):
        assert made.ulid.startswith(line.split()[0])


def test_ls_here(root, tmp_path):
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "deep").mkdir()
    with closing(maker.store_at(root)) as store:
        inside = Maker(store, 1, cwd=str(tree / "deep"), git_root=str(tree))
        outside = Maker(store, 2, cwd=str(tmp_path / "plain/x"))
    (tmp_path / "plain").mkdir()
    assert [row["ulid"] for row in call(["ls", "--here", "--json"], root, cwd=tree).json()] == [inside.ulid]
    assert [row["ulid"] for row in call(["ls", "--here", "--json"], root, cwd=tmp_path / "plain").json()] == [
        outside.ulid
    ]


def test_events(root, filled):
    rows = call(["events", "old", "--json"], root).lines()
    assert [row["kind"] for row in rows] == ["prompt", "output", "output", "prompt"]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    some = call(["events", "old", "--kind", "prompt", "--kind", "warn", "-n", "1", "--json"], root).lines()
    assert [row["text"] for row in some] == ["select 2;"]
    assert call(["events", "old", "-n", "0", "--json"], root).stdout == ""
    lines = call(["events", "old"], root).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4"]
    assert lines[0].endswith("select 1;")


def test_log(root, filled):
    cut, ended, _live = filled
    rows = call(["log", "--json"], root).lines()
    assert [row["command"] for row in rows] == [
        "select 1;",
        "select 2;",
        "\\d",
        "select x;",
        "ls",
        "sleep 100",
    ]
    assert [row["end"] for row in rows] == ["done", "interrupted", "done", "done", "done", "running"]
    assert [row["n_output_bytes"] for row in rows] == [3, 0, 9, 14, 5, 0]
    assert [row["command"] for row in call(["log", ended.ulid, "--json"], root).lines()] == [
        "\\d",
        "select x;",
    ]
    assert [row["command"] for row in call(["log", "--failed", "--json"], root).lines()] == ["select x;"]
    assert [row["command"] for row in call(["log", "-n", "1", "--json"], root).lines()] == ["sleep 100"]
    assert len(call(["log", "--since", "2020-01-01", "--json"], root).lines()) == 6
    assert call(["log", "--since", "2100-01-01T00:00:00+02:00", "--json"], root).stdout == ""
    assert len(call(["log", "--cwd", "/srv/work", "--json"], root).lines()) == 6
    assert call(["log", "--cwd", ".", "--json"], root).stdout == ""
    lines = call(["log"], root).stdout.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["old:1", "old:2"]
    for line, row in zip(lines, rows, strict=True):
        name = line.split()[0]
        found = call(["output", name, "--json"], root).json()
        assert (found["session"], found["turn"]) == (row["session"], row["turn"])
    assert cut.ulid == rows[0]["session"]


def test_log_since_some_time_ago(root, filled):
    def listed(since):
        return len(call(["log", "--since", since, "--json"], root).lines())

    assert (listed("0s"), listed("1000d")) == (0, len(call(["log", "--json"], root).lines()))
    assert "90s 10m 2h 7d" in " ".join(call(["log", "--help"], root).stdout.split())


def test_output(root, filled):
    _cut, ended, _live = filled
    assert call(["output"], root).stdout == "a b\n"
    assert call(["output", f"{ended.ulid[:10]}:-1"], root).stdout == "ERROR:  no x\n"
    assert call(["output", f"{ended.ulid}:1", "--raw"], root).stdout == "nothing\r\n"
    line = call(["output", "old:1", "--json"], root).json()
    assert list(line)[-2:] == ["truncated", "output"]
    assert (line["command"], line["output"], line["exit_status"]) == ("select 1;", "1\n", 0)
    raw = call(["output", "old:1", "--json", "--raw"], root).json()
    assert list(raw)[-2:] == ["truncated", "output_b64"]
    assert base64.b64decode(raw["output_b64"]) == b"1\r\n"
    assert call(["output", "old:2", "--json"], root).json()["end"] == "interrupted"
    refused(call(["output", "old:3"], root), 1, "no such turn: old:3")
    refused(call(["output", "old"], root), 1, "no such turn: old")


def test_replay(root, filled):
    result = call(["replay", "old"], root)
    first, *rest = result.stdout.splitlines()
    assert first == "4 prior events, most recent 2h ago"
    assert rest == ["sqlite> select 1;", "1", "sqlite> select 2;"]
    shown = call(["replay", "old", "-n", "1", "--json"], root).json()
    assert list(shown) == ["first_line", "n_events", "most_recent_at", "events"]
    assert (shown["first_line"], shown["n_events"]) == (first, 4)
    assert [event["text"] for event in shown["events"]] == ["select 2;"]
    assert shown["most_recent_at"] == shown["events"][0]["at"]
    raw = call(["replay", "old", "--raw"], root)
    assert raw.stdout == "1\r\n"
    assert raw.stderr.splitlines() == [first, *result.stderr.splitlines()]


def test_replay_of_bytes_that_drive_terminals(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1)
        one.prompt("evil")
        one.printed("\x1b]52;c;cm0=\x07\x9b5n", b"\x1b]52;c;cm0=\x07\xff")
        one.done()
    shown = call(["replay", "@1"], root).stdout
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    raw = subprocess.run([*PYTHON, "replay", "@1", "--raw"], capture_output=True, check=True).stdout
    assert raw == b"\x1b]52;c;cm0=\x07\xff"


def test_labels(root, filled):
    cut, ended, live = filled
    assert call(["label", "@1", "shop"], root).stdout == ""
    assert call(["label", "@2", "shop"], root).stdout == f"label shop moved from {live.ulid}\n"
    rows = call(["labels", "--json"], root).json()
    assert rows == [{"label": "old", "ulid": cut.ulid}, {"label": "shop", "ulid": ended.ulid}]
    assert [line.split()[0] for line in call(["labels"], root).stdout.splitlines()] == ["old", "shop"]
    assert call(["label", "--rm", "shop"], root).stdout == ""
    refused(call(["label", "--rm", "shop"], root), 1, "no such label: shop")
    refused(call(["label", "old", "a/b"], root), 2, "could not use the label: it holds a '/'")
    assert (
        call(["events", "@2", "--kind", "mark", "--json"], root).lines()[-1]["text"] == "label shop removed"
    )


def test_several_sessions_are_listed(root):
    at_ms = maker.now_ms()
    with closing(maker.store_at(root)) as store:
        one, two = Maker(store, 1, at_ms=at_ms), Maker(store, 2, at_ms=at_ms)
    result = call(["replay", one.ulid[:8]], root)
    assert result.status == 1
    assert result.stderr.splitlines() == [
        f"rec: could not choose a session: several begin with {one.ulid[:8]}",
        f"  {two.ulid}",
        f"  {one.ulid}",
    ]


def test_what_a_crash_left_out_is_derived_by_the_next_command(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1, owner=GONE)
        one.prompt("select 1;")
        moment = one.moment()
        store.append([], [Chunk(one.ulid, one.invocation, 0, moment, b"1\r\n2\r\n")])
    (row,) = call(["log", "--json"], root).lines()
    assert row["end"] == "interrupted"
    assert call(["output", "--json"], root).json()["output"] == "1\n2\n"
    assert call(["doctor"], root).status == 0
    count = len(call(["events", "@1", "--json"], root).lines())
    assert (
        count
        == len(call(["events", "@1", "--json"], root).lines())
        == call(["replay", "@1", "--json"], root).json()["n_events"]
    )


def test_a_store_that_cannot_be_tidied_is_read_all_the_same(root):
    import apsw

    with closing(maker.store_at(root)) as store:
        Maker(store, 1, owner=GONE).prompt("select 1;")
        holder = apsw.Connection(str(root / "rec.db"))
        holder.execute("BEGIN IMMEDIATE")
        (row,) = call(["log", "--json"], root).lines()
        holder.close()
    assert (row["command"], row["end"]) == ("select 1;", "interrupted")


# --- on a terminal -------------------------------------------------------------------------------


def test_colours_are_for_terminals_that_have_them(root, filled, start):
    coloured = start([*PYTHON, "ls"], root=root)
    assert coloured.wait() == 0
    assert b"\x1b[" in coloured.raw
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}):
        plain = start([*PYTHON, "ls"], root=root, env={"PAGER": "cat", **env})
        assert plain.wait() == 0
        assert b"\x1b" not in plain.raw
        assert b"interrupted" in plain.raw


def test_tables_fit_the_terminal(root, start):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1, cwd="/a/very/long/directory/" + "deep/" * 30)
        one.turn("select " + "x, " * 100, "y" * 300 + "\n")
        store.set_label("a label that is quite long, as labels may be", one.ulid)
    for args in (["ls"], ["log"], ["events", "@1"]):
        term = start([*PYTHON, *args], root=root, cols=80, env={"NO_COLOR": "1", "PAGER": "cat"})
        assert term.wait() == 0
        rows = bytes(term.raw).decode().splitlines()
        assert len(rows) == {"ls": 2, "log": 1, "events": 3}[args[0]]
        assert max(map(len, rows)) <= 80


def test_the_turns_of_all_sessions_are_the_newest_for_a_person(root, start):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1)
        for number in range(1003):
            one.prompt(f"line {number}")
    for words, first in (([], 3), (["--since", "2020-01-01"], 0), (["@1"], 0), (["-n", "1001"], 2)):
        term = start([*PYTHON, "log", *words], root=root, env={"PAGER": "cat"})
        assert term.wait() == 0
        shown = [row for row in bytes(term.raw).decode().splitlines() if not row.startswith("rec:")]
        assert len(shown) == 1003 - first
        assert shown[0].endswith(f"line {first}")
        assert (b"rec: the newest 1000 turns; -n or --since shows more\r\n" in term.raw) == (not words)
    assert len(call(["log"], root).stdout.splitlines()) == 1003


@pytest.mark.parametrize("cols", [30, 47, 80])
def test_no_row_is_wider_than_the_terminal(root, start, cols):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1, cwd="/srv/" + "deep/" * 30)
        one.turn("select " + "x, " * 100, "漢字 " * 80 + "\n")
    for args in (["ls"], ["log"], ["events", "@1"]):
        term = start([*PYTHON, *args], root=root, cols=cols)
        assert term.wait() == 0
        assert len(term.text().splitlines()) == bytes(term.raw).count(b"\n")
        assert "…" in term.text() or (args, cols) == (["ls"], 30)
    if cols < 50:
        assert term.screen()[0].split()[:3] == ["1", "prompt", "select"]  # times and turns gave way
    assert "漢字 " * 79 in call(["events", "@1"], root).stdout  # in a pipe it is whole


def test_output_is_made_safe_on_a_terminal(root, start):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1)
        one.prompt("evil")
        one.printed("tab\tand \x1b]0;title\x07 no newline", b"\x1b]0;title\x07")
        one.done()
    term = start([*PYTHON, "output"], root=root, env={"PAGER": "cat"})
    assert term.wait() == 0
    assert bytes(term.raw) == b"tab\tand \\x1b]0;title\\x07 no newline\r\n"
    assert call(["output"], root).stdout == "tab\tand \x1b]0;title\x07 no newline"


def test_a_turn_that_left_no_lines_says_where_they_are(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1)
        one.prompt("less notes")
        one.printed("", b"\x1b[?1049h\x1b[Hnotes\x1b[?1049l")
        one.done()
        one.turn("true", "")
    told = call(["output", ":1"], root).ok()
    assert (told.stdout, told.stderr) == (
        "",
        "rec: it drew on the whole screen, of which no lines are left; `rec play` shows it\n",
    )
    assert call(["output", ":2"], root).ok().stderr == ""


# --- inside a session ----------------------------------------------------------------------------


@pytest.fixture
def inside(root, start):
    """Run `rec` on a terminal as if inside a recorded session; its recorder is the shell we start."""

    def begin(ulid, line, **env):
        facts = {"REC_SESSION": ulid, "REC_NONCE": "n0nce", "XDG_RUNTIME_DIR": str(root.parent), **env}
        script = f"REC_TTY=$(tty) REC_PID=$$; export REC_TTY REC_PID; {sys.executable} -m recorder {line}"
        term = start(["sh", "-c", script + "; exit $?"], root=root, env=facts)
        return term.wait(), bytes(term.raw).decode()

    (root.parent / "rec").mkdir(mode=0o700)
    return begin


@pytest.mark.parametrize("args", [["note", "x"], ["alert", "x"], ["pause"], ["unpause"], ["status"]])
def test_outside_a_session_is_refused(root, filled, args):
    result = call(args, root)
    assert result.status == 1
    assert result.stderr.splitlines()[0].endswith(": this is not a recorded session")
    # a variable alone is no proof
    told = {
        "REC_SESSION": filled[2].ulid,
        "REC_PID": str(os.getpid()),
        "REC_TTY": "/dev/tty",
        "REC_NONCE": "x",
    }
    assert call(args, root, env=told).status == 1


def test_note_and_alert(root, inside, filled):
    live = filled[2]
    assert inside(live.ulid, "note the index  was missing") == (0, "")
    assert inside(live.ulid, "alert -- -- too hot") == (0, "")
    note, alert = call(["events", live.ulid, "-n", "2", "--json"], root).lines()
    assert (note["kind"], note["text"], note["turn"]) == ("mark", "the index was missing", 2)
    assert (alert["kind"], alert["text"], alert["turn"]) == ("alert", "-- too hot", 2)
    assert note["meta"] == {"mark": "note"}
    assert call(["log", live.ulid, "--failed", "--json"], root).lines()[0]["turn"] == 2


def test_what_needs_the_store_says_that_there_is_none(root, inside, filled):
    live = filled[2]
    advice = "this session runs with --no-persist; call rec from another terminal"
    for line in ("note x", "output :1 --json"):
        status, shown = inside(live.ulid, line, REC_PERSIST="0")
        assert (status, shown.splitlines()) == (1, ["rec: persistence disabled", advice])
    assert len(call(["events", live.ulid, "--json"], root).lines()) == 4


def test_a_session_without_a_row_cannot_be_noted_in(root, inside, filled):
    status, shown = inside(maker.ulid(77), "note x")
    assert status == 1
    asked, _, told = shown.partition("\x07")
    assert asked.split(";")[-1] == "keep"  # the recorder was asked to store it
    assert told.startswith("rec: could not write to session ")


def test_status(root, inside, filled):
    live = filled[2]
    (root.parent / "rec" / f"status-{live.ulid}.json").write_text('{"recording": "paused", "queue_bytes": 7}')
    status, shown = inside(live.ulid, "status --json")
    assert status == 0
    row = json.loads(shown)
    assert list(row) == ["session", "recording", "label", "n_events", "queue_bytes", "store_bytes", "persist"]
    assert row["store_bytes"] > 0
    assert (row["session"], row["recording"], row["label"]) == (live.ulid, "paused", None)
    assert (row["n_events"], row["queue_bytes"], row["persist"]) == (4, 7, True)
    status, shown = inside(live.ulid, "status", NO_COLOR="1")
    assert (status, shown.split()[:4]) == (0, ["session", live.ulid, "recording", "paused"])


def test_status_of_a_session_that_is_not_kept(root, inside):
    status, shown = inside(maker.ulid(77), "status --json", REC_PERSIST="0")
    row = json.loads(shown)
    assert status == 0
    assert (row["recording"], row["n_events"], row["store_bytes"], row["persist"]) == (
        "off",
        None,
        None,
        False,
    )


def test_status_of_a_recorder_that_publishes_nothing(root, inside, filled):
    _status, shown = inside(filled[2].ulid, "status --json")
    row = json.loads(shown)
    assert (row["recording"], row["queue_bytes"]) == ("on", None)


@pytest.mark.parametrize(("verb", "goal"), [("pause", "paused"), ("unpause", "on")])
def test_pause_goes_through_the_terminal(root, inside, filled, verb, goal):
    live = filled[2]
    (root.parent / "rec" / f"status-{live.ulid}.json").write_text(json.dumps({"recording": goal}))
    status, shown = inside(live.ulid, verb)
    introducer, nonce, _pid, _counter, said = shown.removesuffix("\x07").split(";")
    assert (status, introducer, nonce, said) == (0, "\x1b]7373", "n0nce", verb)


def test_a_recorder_that_does_not_answer_is_named(root, inside, filled):
    live = filled[2]
    (root.parent / "rec" / f"status-{live.ulid}.json").write_text('{"recording": "on"}')
    status, shown = inside(live.ulid, "pause")
    assert status == 1
    assert "rec: could not pause the recording: its recorder does not answer" in shown


# --- around a tool -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "status", "shown"),
    [
        (["sh", "-c", "exit 4"], 4, ""),
        (["run", "--", "sh", "-c", "exit 3"], 3, ""),
        (["run", "sh", "-c", "kill -9 $$"], 137, ""),
        (["printf", "%s,", "-h", "--json", "--", "--root"], 0, "-h,--json,--,--root,"),
        (["run", "printf", "%s,", "--help"], 0, "--help,"),
        (["run", "--no-persist", "--", "printf", "%s,", "--", "-n"], 0, "--,-n,"),
    ],
)
def test_all_words_after_the_tool_are_its_own(root, args, status, shown):
    result = call(args, root)
    assert (result.status, result.stdout, result.stderr) == (status, shown, "")
    assert len(call(["ls", "--json"], root).json()) == ("--no-persist" not in args)


def test_a_tool_that_is_not_there(root):
    result = call(["repaly", "x"], root)
    refused(result, 127, "could not run repaly: not found")
    assert result.stderr.splitlines()[1] == "did you mean `rec replay`?"
    refused(call(["run", "--", "repaly"], root), 127, "could not run repaly: not found")
    assert not (root / "rec.db").exists()
    assert call(["help"], root).stderr.splitlines()[1] == "did you mean `rec --help`?"


def test_a_label_that_is_not_kept_is_said(root):
    found = call(["run", "--no-persist", "--label", "shop", "--", "true"], root)
    assert (found.status, found.stderr) == (0, "rec: the label is not kept: persistence disabled\n")
    assert call(["labels", "--json"], root).json() == []


@pytest.mark.parametrize("word", ["frobnicate", "sqlite4", "x"])
def test_what_is_like_no_command_is_not_likened_to_one(root, word):
    result = call([word], root)
    refused(result, 127, f"could not run {word}: not found")
    assert result.stderr.splitlines()[1] == "`rec --help` lists the commands"


def test_a_program_with_the_name_of_a_command_is_recorded_by_run(root, tmp_path):
    program = tmp_path / "browse"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert call(["run", "--", "browse"], root, env=path).ok().stdout.strip() == "started"


def test_a_label_that_is_none_starts_no_tool(root, tmp_path):
    result = call(["run", "--label", "a/b", "--", "touch", str(tmp_path / "started")], root)
    refused(result, 2, "could not use the label: it holds a '/'")
    assert not (tmp_path / "started").exists()


def test_commands_inside_a_recorded_shell(root, start_rec):
    rec = " ".join(PYTHON)
    term = start_rec(["run", "--label", "shop", "--", "sh"])
    term.expect("$ ")
    for number, line in enumerate(["note the index", "alert too hot", "pause", "note unseen", "unpause"]):
        term.line(f"{rec} {line}; echo end-{number}-$?")
        term.expect(f"end-{number}-0")
    term.line(f"{rec} status --json > {root.parent}/told; {rec} output :1; echo end-9-$?")
    term.expect("end-9-0")
    term.line("exit")
    assert term.wait() == 0
    told = json.loads((root.parent / "told").read_text())
    assert (told["label"], told["recording"], told["persist"]) == ("shop", "on", True)
    rows = call(["events", "shop", "--json"], root).lines()
    marks = [(row["kind"], row["text"]) for row in rows if row["kind"] in {"mark", "alert"}]
    assert marks == [
        ("mark", "label shop"),
        ("mark", "the index"),
        ("alert", "too hot"),
        ("mark", "paused"),
        ("mark", "unseen"),
        ("mark", "recording again"),
    ]
    turns = call(["log", "shop", "--json"], root).lines()
    assert [row["turn"] for row in rows if row["text"] in {"the index", "too hot"}] == [1, 2]
    assert f"{rec} note unseen" not in "".join(row["command"] for row in turns)
    assert call(["output", "shop:1"], root).stdout == "end-0-0\n"


# --- without click -------------------------------------------------------------------------------

CALLS = [
    ["sqlite3"],
    ["sqlite3", "-h", "--label", "x"],
    ["--root", "r", "sqlite3", "shop.db"],
    ["--root", "r", "run", "true"],
    ["run", "true", "--label", "x"],
    ["run", "--", "true", "--", "x"],
    ["run", "--", "--label"],
    ["run", "--label", "a b", "--mode", "line", "--no-persist", "--", "run"],
    ["run", "--mode", "raw", "ls"],
    ["run", "--label", "--", "true"],
    ["run", "--no-persist", "--no-persist", "--label", "a", "--label", "b", "true"],
    ["", "x"],
    ["run", "--", ""],
]
LEFT = [
    "",
    "-h",
    "--version",
    "--root",
    "--root r",
    "--root r -h",
    "--root=r true",
    "-- x",
    "ls",
    "--root r ls",
    "tail -f x",
    "--root r search x",
]
LEFT += ["run", "run -h", "run --", "run --mode x true", "run --label", "run --label=x true", "run -n true"]


@pytest.mark.parametrize("words", CALLS)
def test_recordings_are_recognised_as_click_would(root, monkeypatch, words):
    seen = []
    for module in (record, run_command):
        monkeypatch.setattr(module, "record", lambda app, wanted: seen.append((app.root, wanted)) or 0)
    assert run(*words).exit_code == 0
    assert seen == [record.recognise(words)]


@pytest.mark.parametrize("words", LEFT)
def test_everything_else_is_left_to_click(words):
    assert record.recognise(words.split()) is None


def test_recording_goes_without_what_is_slow_to_import(root):
    code = "import os, sys; sys.argv = ['rec', 'run', '--', 'true']\n"
    code += "os._exit = lambda status: None\nfrom recorder.__main__ import main\nmain()\n"
    code += "print(sorted({'click', 'logging', 'prompt_toolkit', 'pygments'} & set(sys.modules)))"
    env = environment(root, root.parent / "home")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_store_whose_first_transaction_is_missing_reads_as_an_empty_one(tmp_path):
    root = tmp_path / "begun"
    root.mkdir(mode=0o700)
    with closing(apsw.Connection(str(root / "rec.db"))) as db:
        db.pragma("journal_mode", "wal")
    for each in root.iterdir():
        each.chmod(0o600)
    assert (root / "rec.db").stat().st_size > 0
    found = call(["ls", "--json"], root)
    assert (found.status, found.json()) == (0, [])


def test_a_store_whose_maker_was_killed_reads_as_an_empty_one(tmp_path):
    """Killed between the first page and the switch to WAL: a journal waits that a reader cannot roll back."""
    root = tmp_path / "begun"
    root.mkdir(mode=0o700)
    code = """
import apsw, os, signal, sys
os.umask(0o077)
db = apsw.Connection(sys.argv[1])
db.pragma("cache_size", 1)
db.execute("CREATE TABLE begun(text)")
db.execute("BEGIN IMMEDIATE")
for _ in range(100):
    db.execute("INSERT INTO begun VALUES (zeroblob(9000))")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, root / "rec.db"], check=False)
    assert (root / "rec.db-journal").stat().st_size > 0
    found = call(["ls", "--json"], root)
    assert (found.status, found.json()) == (0, [])
