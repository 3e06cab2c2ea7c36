"""What people and scripts are shown: tables, transcripts, and the JSON of the contract."""

from __future__ import annotations

import json

import pytest

from recorder import render, render_health, render_json
from recorder.model import (
    End,
    EndReason,
    Event,
    Invocation,
    Moment,
    Owner,
    Session,
    Size,
    State,
    Status,
    Summary,
    Turn,
)
from recorder.render import Page
from recorder.sessions import Row

NOW = 1_782_907_200_000  # 2026-07-01T12:00:00Z
ULID = "01K0000000AAAAAAAAAAAAAAAA"
HOUR = 3_600_000


def summary(ulid=ULID, labels=(), tool="sqlite3", cwd="/home/ada/work", **more):
    session = Session(
        ulid=ulid,
        tool=tool,
        argv=(tool, "shop.db"),
        argv_masked=False,
        cwd=cwd,
        git_root=None,
        user="ada",
        tty="/dev/pts/1",
        term="xterm",
        size=Size(80, 24),
        created_ms=NOW - 3 * HOUR,
    )
    invocation = Invocation(
        ulid="01K0000000BBBBBBBBBBBBBBBB",
        session=ulid,
        started_ms=NOW - 3 * HOUR,
        owner=Owner(1, 2, "boot"),
        version="0.1.0",
        host="engine",
        target="shop.db",
        ended_ms=NOW - HOUR,
        exit_status=0,
        end_reason=EndReason.EXIT,
    )
    facts = {"n_events": 7, "n_turns": 2, "last_event_ms": NOW - HOUR, **more}
    return Summary(session=session, invocation=invocation, labels=tuple(labels), activity=None, **facts)


def row(status=Status.ENDED, state=State.IDLE, turn=None, **more):
    of = summary(**more)
    return Row(of, status, state, turn, NOW - HOUR, of.n_events, of.n_turns)


def event(kind, text, seq=1, turn=None, **meta):
    return Event(ULID, seq, kind, Moment(NOW, 0), text, turn, None, meta)


def turn(number=1, command="select 1;", **more):
    facts = {"end": End.DONE, "exit_status": 0, "duration_ms": 1234, **more}
    return Turn(ULID, number, command, "sqlite> ", NOW - HOUR, 10, 25, **facts)


# --- JSON ----------------------------------------------------------------------------------------


def test_session_json_is_the_contract():
    shown = json.loads(render_json.dumps(render_json.session(row(labels=["shop"]))))
    assert list(shown.items()) == [
        ("ulid", ULID),
        ("labels", ["shop"]),
        ("tool", "sqlite3"),
        ("argv", ["sqlite3", "shop.db"]),
        ("cwd", "/home/ada/work"),
        ("git_root", None),
        ("host", "engine"),
        ("user", "ada"),
        ("started_at", "2026-07-01T09:00:00.000Z"),
        ("ended_at", "2026-07-01T11:00:00.000Z"),
        ("status", "ended"),
        ("exit_status", 0),
        ("end_reason", "exit"),
        ("state", "idle"),
        ("state_turn", None),
        ("state_since", "2026-07-01T11:00:00.000Z"),
        ("n_events", 7),
        ("n_turns", 2),
        ("last_event_at", "2026-07-01T11:00:00.000Z"),
        ("parent_ulid", None),
        ("fork_turn", None),
        ("fork_seq", None),
        ("recorder_version", "0.1.0"),
        ("target", "shop.db"),
        ("archived", False),
        ("directory", None),
    ]


def test_event_json_is_the_contract():
    shown = json.loads(render_json.dumps(render_json.event(event("output", "1\n", 3, 1, raw=[10, 12]))))
    assert list(shown.items()) == [
        ("session", ULID),
        ("seq", 3),
        ("at", "2026-07-01T12:00:00.000Z"),
        ("kind", "output"),
        ("text", "1\n"),
        ("turn", 1),
        ("invocation", None),
        ("meta", {"raw": [10, 12]}),
    ]


def test_a_kind_of_the_future_is_system():
    assert render_json.event(event("hologram", "…"))["kind"] == "system"
    assert "system" in next(render.events([event("hologram", "x")], Page(now_ms=NOW)))


def test_turn_json_is_the_contract():
    shown = json.loads(render_json.dumps(render_json.turn(turn())))
    assert list(shown.items()) == [
        ("session", ULID),
        ("turn", 1),
        ("parent_turn", None),
        ("shell", None),
        ("prompt_text", "sqlite> "),
        ("command", "select 1;"),
        ("cwd", None),
        ("exit_status", 0),
        ("end", "done"),
        ("started_at", "2026-07-01T11:00:00.000Z"),
        ("duration_ms", 1234),
        ("n_output_bytes", 15),
        ("truncated", False),
    ]


@pytest.mark.parametrize("code", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u200b", "\u2028", "\n", "\r"])
def test_json_carries_nothing_a_terminal_obeys(code):
    line = render_json.dumps({"text": f"a{code}b"})
    assert code not in line
    assert json.loads(line) == {"text": f"a{code}b"}


def test_json_keeps_text_readable_and_marks_bytes_that_are_none():
    assert render_json.dumps("Grüße 漢字") == '"Grüße 漢字"'
    assert json.loads(render_json.dumps("a\udcffb")) == "a\ufffdb"


# --- small texts ---------------------------------------------------------------------------------


def test_durations_take_six_characters_at_most():
    values = [None, 0, 999, 9_999, 10_000, 59_999, 60_000, 3_599_999, 3_600_000, 359_999_000]
    assert [render.lasted(value) for value in values] == [
        "-", "0.0s", "0.9s", "9.9s", "10s", "59s", "1m00s", "59m59s", "1h00m", "99h59m",
    ]  # fmt: skip


def test_sizes():
    assert [render.size(n) for n in (0, 1, 1023, 1024, 1536 * 1024, 3 << 30)] == [
        "0 bytes", "1 byte", "1023 bytes", "1.0 KiB", "1.5 MiB", "3.0 GiB",
    ]  # fmt: skip


def test_clip_counts_columns_not_characters():
    assert render.clip("abcdef", 4) == "abc…"
    assert render.clip("abcdef", 4, tail=True) == "…def"
    assert render.clip("abcdef", 6) == "abcdef"
    assert render.clip("漢字漢字", 5) == "漢字…"
    assert render.width("漢字…") == 5


def test_printed_text_keeps_what_only_shapes_it():
    family = "\U0001f469\u200d\U0001f467 \u05d0\u200f"
    assert render.safe_text(family) == family


def test_recorded_text_keeps_its_lines_and_loses_its_power():
    shown = render.safe_text("plain\tcell\nGrüße\x1b[31mred\x1b]0;t\x07\x9b2J")
    assert shown.startswith("plain\tcell\nGrüße")
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) <= 0x9F for c in shown)


# --- tables --------------------------------------------------------------------------------------


def plain_rows():
    return [
        row(Status.LIVE, State.RUNNING, 123, labels=["a-label-that-is-long"], n_events=1_234_567),
        row(Status.INTERRUPTED, tool="/usr/bin/a-very-long-tool", cwd="/srv/" + "x/" * 60),
        row(labels=["shop"], cwd="/home/ada/漢字/" + "漢字" * 30),
    ]


def test_the_list_fits_eighty_columns_and_is_aligned():
    page = Page(columns=80, now_ms=NOW, home="/home/ada")
    lines = list(render.sessions(plain_rows(), {ULID: "01K0000000AA"}, page))
    assert len(lines) == 4
    assert all(render.width(line) <= 80 for line in lines)
    assert lines[0].split() == ["SESSION", "LABEL", "TOOL", "STATUS", "AGE", "EVENTS", "TURNS", "DIR"]
    assert [line[: line.index(" ")] for line in lines[1:]] == ["01K0000000AA"] * 3
    assert "running :123" in lines[1]
    assert "interrupted" in lines[2]
    assert "a-very-…" in lines[2]


def test_the_list_is_whole_and_plain_where_nobody_looks():
    lines = list(render.sessions(plain_rows(), {}, Page(now_ms=NOW, home="/home/ada")))
    assert "a-label-that-is-long" in lines[1]
    assert lines[2].endswith("/srv/" + "x/" * 60)
    assert lines[1].endswith("~/work")
    assert "\x1b" not in "".join(lines)
    assert "\x1b[" in "".join(render.sessions(plain_rows(), {}, Page(colour=True, now_ms=NOW)))


def test_no_sessions_no_lines():
    assert list(render.sessions([], {}, Page())) == []


def test_metadata_cannot_drive_the_terminal():
    evil = "x\x1b]0;owned\x07\u202e"
    rows = [row(labels=[evil], tool=evil, cwd=evil)]
    lines = [
        *render.sessions(rows, {}, Page(now_ms=NOW)),
        *render.log([turn(command=evil)], {}, Page(now_ms=NOW)),
        *render.events([event("prompt", evil)], Page(now_ms=NOW)),
        *render.labels([(evil, ULID)], {}, Page()),
        *render.transcript([event("prompt", evil, prompt_text=evil), event("output", evil)], Page()),
    ]
    shown = "".join(lines)
    assert shown.count("owned") == 9
    assert not {"\x1b", "\x07"} & set(shown)


def test_log_rows_say_how_a_turn_ended():
    turns = [
        turn(1),
        turn(2, exit_status=1),
        turn(3, troubled=True),
        turn(4, end=End.RUNNING, exit_status=None, duration_ms=None),
        turn(5, end=End.INTERRUPTED, exit_status=None),
        turn(6, "begin;\ncommit;", end=End.UNKNOWN, exit_status=None),
        turn(7, exit_status=None),
    ]
    lines = list(render.log(turns, {ULID: "shop"}, Page(now_ms=NOW)))
    assert [line.split()[0] for line in lines] == [f"shop:{n}" for n in range(1, 8)]
    assert [line.split()[3] for line in lines] == ["ok", "1", "warn", "run", "cut", "?", "-"]
    assert lines[5].endswith("begin;⏎commit;")


# --- transcript ----------------------------------------------------------------------------------


def test_transcript_shows_the_session_as_it_was():
    rows = [
        event("prompt", "select 1;", 1, 1, prompt_text="sqlite> "),
        event("output", "1\n", 2, 1),
        event("prompt", "select", 3, 2, prompt_text="sqlite> "),
        event("output", "part", 4, 2),
        event("output", " of a line", 5, 2),
        event("warn", "Error: incomplete input", 6, 2),
        event("mark", "look here", 7),
        event("command", "/label shop", 8, answer="labelled"),
        event("output", "", 9, 2),
        event("alert", "it died", 10),
    ]
    assert "".join(render.transcript(rows, Page())) == (
        "sqlite> select 1;\n"
        "1\n"
        "sqlite> select\n"
        "part of a line\n"
        "! warn: Error: incomplete input\n"
        "- mark: look here\n"
        "/label shop\n"
        "labelled\n"
        "! alert: it died\n"
    )


def test_transcript_ends_its_last_line():
    assert "".join(render.transcript([event("output", "no newline")], Page())) == "no newline\n"


def test_transcript_in_colour_marks_prompts():
    shown = "".join(render.transcript([event("prompt", "ls", prompt_text="$ ")], Page(colour=True)))
    assert shown == "\x1b[2m$ \x1b[0m\x1b[1mls\x1b[0m\n"


def test_checks_name_the_fault_and_the_cure():
    rows = [render_check("store", True), render_check("disk", False)]
    assert list(render_health.checks(rows, Page())) == [
        "ok     store: detail",
        "FAULT  disk: detail",
        "       do it",
    ]


def render_check(name, ok):
    from recorder.model import Check

    return Check(name, ok, "detail", "do it")
