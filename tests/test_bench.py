"""The benchmark runs: every measurement, tiny, with its figures and checks; never how long anything took."""

from __future__ import annotations

import importlib
import io
import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from recorder import identity, sessions
from recorder.model import Status
from recorder.stores.sqlite import SqliteStore

any_python = True
ROOT = Path(__file__).parent.parent
RECORDERS = ["bare pty", "script", "asciinema", "ttyrec", "rec"]
KEPT = "bytes missing on the screen", "bytes missing in the store"
SHAPES = {
    "start": {"start": ["bare pty", "script", "asciinema", "ttyrec", "rlwrap", "rec"]},
    "echo": {
        "echo": ["bare pty", "script", "asciinema", "ttyrec", "rlwrap", "rec"],
        "echo-load": ["bare pty", "script", "rec"],
    },
    "line": {"line": ["bare pty", "rlwrap", "rec"]},
    "bulk": {"bulk": [*RECORDERS, "rlwrap"], "bulk-blocks": [*RECORDERS, "rlwrap"]},
    "memory": {"memory": ["script", "asciinema", "ttyrec", "rec"]},
    "stored": {"stored": ["shell work", "vim", "top", "bulk log"]},
    "lists": {
        "lists": [
            "python3 -c pass",
            "rec --version",
            "rec ls -n 50",
            "rec ls --running",
            "rec ls --stuck 10m",
            "rec ls --tool gdb -n 50",
            "rec events LABEL -n 1",
            "rec events PREFIX -n 1",
            "rec log -n 50",
            "rec log SESSION",
            "rec replay SESSION",
            "rec labels",
            "rec tree SESSION",
            "rec ls",
            "rec ls --json",
        ]
    },
    "search": {
        "search": [
            "python3 -c pass",
            "a common word",
            "a rare word",
            "the beginning of a word",
            "two words",
            "a phrase",
            "a word in prompts",
            "a part of many words",
            "a part of a rare word",
            "a part of a word, for which there is none",
        ]
    },
    "complete": {"complete": ["python3 -c pass", "labels", "sessions", "sessions by prefix", "turns"]},
    "play": {"play": ["rec"]},
    "hooks": {
        "hooks": [name for name in ("bash", "zsh", "fish") if (ROOT / "shell" / f"hooks.{name}").exists()]
    },
}
NUMBER_OF_CHECKS = {
    "start": 1,
    "echo": 2,
    "echo-load": 2,
    "line": 0,
    "bulk": 3,
    "bulk-blocks": 3,
    "memory": 2,
    "stored": 4,
    "lists": 12,
    "search": 9,
    "complete": 4,
    "play": 2,
    "hooks": len(SHAPES["hooks"]["hooks"]),
}


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def bench(monkeypatch):
    """Give a function that imports a module of the benchmark, which is no part of the package."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"bench.{name}")


@pytest.fixture
def tiny(bench):
    return bench("plan").Plan(
        bulk_bytes=400_000,
        bulk_rounds=1,
        keys=4,
        load_recorders=2,
        load_keys=4,
        lines=2,
        starts=1,
        memory_bytes=1_000_000,
        key_pause_s=0.002,
        log_bytes=50_000,
        sessions=12,
        session_turns=3,
        list_runs=1,
        prompts=2,
        play_bytes=300_000,
    )


@pytest.fixture
def measure(bench, tiny, tmp_path):
    """Run measurements; return (status, the JSON, what was printed)."""

    def run(*names):
        out = io.StringIO()
        status = bench("__main__").run(tiny, names, tmp_path / "out.json", bench("report").Printer(out))
        return status, json.loads((tmp_path / "out.json").read_text()), out.getvalue()

    return run


@pytest.mark.parametrize("name", SHAPES)
def test_every_measurement_has_everybody_and_every_figure(measure, name):
    status, data, printed = measure(name)

    assert status == 0, printed
    assert data["missing"] == {}
    taken = data["measurements"]
    assert {part: list(taken[part]["figures"]) for part in taken} == SHAPES[name]
    for part in taken.values():
        for who, figures in part["figures"].items():
            absent = {key for key, value in figures.items() if value is None}
            assert absent <= {"lost", "to_script"} if who == "rlwrap" else not absent, (who, figures)
    assert {part: len(taken[part]["checks"]) for part in taken} == {
        part: NUMBER_OF_CHECKS[part] for part in taken
    }
    assert all(
        check["source"] and check["kept"] is not None for part in taken.values() for check in part["checks"]
    )


def test_bulk_output_arrives_whole_on_the_screen_and_in_the_store(measure):
    _, data, _ = measure("bulk")

    checks = [check for part in data["measurements"].values() for check in part["checks"]]
    assert {(check["what"], check["figure"]) for check in checks if check["what"] in KEPT} == {
        (what, 0) for what in KEPT
    }


def test_the_store_of_many_sessions_is_kept_and_its_live_sessions_are_new_each_time(bench, tiny, tmp_path):
    peers, many = bench("peers"), bench("many")
    env = peers.environment(tmp_path)
    field = peers.Field(tuple(each for each in peers.known() if each.name == peers.REC), {}, env)
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        context = bench("context").Context(tiny, field, (), tmp_path / name, tmp_path / "kept", str)
        made.append(many.sessions(context))

    rows = []
    for one in made:
        with closing(SqliteStore(one.into / "rec" / "rec.db", readonly=True)) as store:
            stored = sessions.listing(store, sessions.Wanted(archived=True), identity.alive, 0)
            every = [row for row in stored if row.summary.session.tool != "true"]  # which made the store
            running = sessions.listing(store, sessions.Wanted(running=True), identity.alive, 0)
            rows.append([(row.ulid, row.status, row.n_turns) for row in every])
            assert len(every) == tiny.sessions
            assert [row.status for row in every] == [Status.LIVE] * 6 + [Status.ENDED] * 5 + [
                Status.INTERRUPTED
            ]
            assert len(running) == 3
            assert all(ok for _, ok, _ in store.check())
    assert rows[0][6:] == rows[1][6:]
    assert {ulid for ulid, _, _ in rows[0][:6]}.isdisjoint(ulid for ulid, _, _ in rows[1][:6])
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_missing_peers_are_named_and_without_a_compiler_python_is_the_tool(measure, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    status, data, printed = measure("echo")

    assert status == 0
    assert data["missing"] == dict.fromkeys(["script", "asciinema", "ttyrec", "rlwrap"], "not installed")
    assert "rlwrap: left out, not installed" in printed
    assert list(data["measurements"]["echo"]["figures"]) == ["bare pty", "rec"]


def test_a_measurement_that_breaks_is_named_and_the_others_go_on(bench, measure, monkeypatch):
    def breaks(_):
        raise EOFError("the tool ended early")

    monkeypatch.setitem(bench("__main__").MEASUREMENTS, "line", breaks)

    status, data, printed = measure("line", "start")

    assert status == 1
    assert "line: could not be measured: EOFError: the tool ended early" in printed
    assert list(data["measurements"]) == ["start"]


def test_an_unknown_measurement_is_wrong_usage(bench, capsys):
    with pytest.raises(SystemExit) as left:
        bench("__main__").main(["--only", "start,nonsense"])

    assert left.value.code == 2
    assert "no such measurement: nonsense" in capsys.readouterr().err


def test_a_budget_is_kept_missed_or_without_a_figure(bench):
    result, report = bench("result"), bench("report")
    out = io.StringIO()
    for figure in (1.0, 1.01, None):
        report.Printer(out).check(result.Check("time", figure, 1.0, "×", "somebody's figure"))

    assert [line.split()[0] for line in out.getvalue().splitlines() if "time" in line] == [
        "kept",
        "MISSED",
        "no",
    ]


@pytest.mark.parametrize(("no_color", "colours"), [("", True), ("1", False)])
def test_colour_is_for_terminals_that_want_it(bench, monkeypatch, no_color, colours):
    monkeypatch.setenv("NO_COLOR", no_color)
    screen = Screen()

    bench("report").Printer(screen).line("kept", "\x1b[32m")

    assert ("\x1b[32m" in screen.getvalue()) is colours


def test_what_others_do_meanwhile_is_said(bench):
    result, machine, out = bench("result"), bench("machine"), io.StringIO()
    cpus = os.cpu_count()
    for others in (0.0, float(cpus)):
        quiet = result.Result("name", "title", (), (), others_cpus=others)
        bench("report").Printer(out).result(quiet)

    assert machine.Watch.noisy(cpus)
    assert machine.Watch().others() >= 0
    assert out.getvalue().count("CPUs busy meanwhile") == 1


def test_turns_begin_with_another_one_each_round(bench):
    assert [name for _, name in bench("stats").in_turns("abc", 3)] == list("abcbcacab")


def test_percentiles_are_nearest_rank(bench):
    stats = bench("stats")
    values = list(range(1, 201))

    assert [stats.percentile(values, percent) for percent in (0, 50, 99, 100)] == [1, 100, 198, 200]
    assert stats.percentile([], 99) is None


def test_the_environment_is_not_the_callers(bench, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("REC_SESSION", "somebody's")

    env = bench("peers").environment(tmp_path)

    assert set(env) == {"HOME", "LANG", "PATH", "PYTHONPATH", "SHELL", "TERM", "TMPDIR", "USER"}
    assert env["HOME"] != os.environ["HOME"]
