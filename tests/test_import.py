"""Imports: what other recorders wrote becomes sessions, ours come back, and a file is whole or nothing."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import json
import os
import re
import struct
import subprocess
from contextlib import closing

import blackbox
import maker
import making
import pytest
from blackbox import rec
from hypothesis import given
from hypothesis import strategies as st
from maker import GONE, Maker

from recorder import care, exporting, identity, importing
from recorder.errors import Refused, StoreFull
from recorder.labels import importing as label_of
from recorder.model import Chunk, Kind
from recorder.stores.memory import MemoryStore

V2 = '{"version": 2, "width": 80, "height": 24, "timestamp": 1700000000, "command": "psql -d x"}\n'


def load(store, path, *more):
    jobs = importing.jobs([str(path), *map(str, more)])
    return [importing.load(store, job, identity.owner()) for job in jobs]


def written(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def exported(store, picked, path, version=3):
    return written(path, "".join(f"{line}\n" for line in exporting.cast_lines(store, picked, version)))


def said(store, ulid):
    return "".join(event.text for event in store.events(ulid, kinds=[Kind.OUTPUT.value]))


# --- our own -------------------------------------------------------------------------------------


def test_an_export_comes_back_as_it_was(store, tmp_path):
    one = Maker(store, 1)
    one.turn("SELECT 1;", "1\n")
    store.append([], [Chunk(one.ulid, one.invocation, one.raw, one.now(), b"\xff\xfe no text \xe2\x82")])
    one.raw += 14
    one.turn("bad", "Error\n", status=1)
    one.end(3)
    other = MemoryStore()
    (done,) = load(other, exported(store, exporting.session(store, one.ulid), tmp_path / "a.cast"))
    assert (done.ulid, done.warnings) == (one.ulid, [])
    assert list(other.events(one.ulid)) == list(store.events(one.ulid))
    assert making.flat(other.raw(one.ulid)) == making.flat(store.raw(one.ulid))
    assert other.turns(one.ulid) == store.turns(one.ulid)
    there, here = other.summary(one.ulid), store.summary(one.ulid)
    assert there.invocation.exit_status == here.invocation.exit_status == 3
    assert (there.session.user, there.session.cwd, there.labels) == ("ada", "/srv/work", ())
    assert there.session.argv == ()  # what a file says is never run
    assert other.meta(one.ulid) == {"imported": "a.cast", "command": "sqlite3 shop.db"}
    with pytest.raises(Refused, match=f"session {one.ulid} is there already"):
        load(other, tmp_path / "a.cast")


def test_a_turn_and_a_fork_become_sessions_of_their_own(store, tmp_path):
    parent = Maker(store, 1)
    parent.turn("one", "1\n")
    parent.turn("two", "2\n")
    child = Maker(store, 2, parent_ulid=parent.ulid, fork_turn=1, fork_seq=3)
    child.turn("three", "3\n")
    turn = exported(store, exporting.turn(store, store.turn(parent.ulid, 2)), tmp_path / "turn")
    fork = exported(store, exporting.session(store, child.ulid), tmp_path / "fork")
    a, b, c = load(store, turn, fork, fork)
    assert len({parent.ulid, child.ulid, a.ulid, b.ulid, c.ulid}) == 5
    assert [each.command for each in store.turns(a.ulid)] == ["two"]
    assert [each.command for each in store.turns(b.ulid)] == ["one", "three"]
    found = store.turns(b.ulid)[1]
    assert b"".join(each.data for each in store.raw(b.ulid, found.raw_start, found.raw_end)) == b"3\r\n"
    assert store.summary(b.ulid).session.parent_ulid is None


def test_markers_of_our_version_2_are_turns(store, tmp_path):
    one = Maker(store, 1)
    one.turn("SELECT 1;", "1\n")
    one.turn("SELECT 2;", "2\n")
    one.end()
    (done,) = load(store, exported(store, exporting.session(store, one.ulid), tmp_path / "a", 2))
    assert [(each.command, each.end, each.exit_status) for each in store.turns(done.ulid)] == [
        ("SELECT 1;", "unknown", None),
        ("SELECT 2;", "unknown", None),
    ]
    assert said(store, done.ulid) == "1\n2\n"


@pytest.mark.parametrize("version", [2, 3])
def test_remarks_come_back_once_and_are_no_turns(store, tmp_path, version):
    marks = '[1, "m", "first"]\n[2, "o", "a\\r\\n"]\n[3, "m", "second"]\n'
    (foreign,) = load(store, written(tmp_path / "a", V2 + marks))
    one = Maker(store, 1)
    one.event("mark", "before", mark="note")
    one.turn("SELECT 1;", "1\n")
    one.event("mark", "label shop", mark="label", label="shop")
    one.turn("SELECT 2;", "2\n")
    for ulid, commands, remarks in (
        (foreign.ulid, [], ["first", "second"]),
        (one.ulid, ["SELECT 1;", "SELECT 2;"], ["before", "label shop"]),
    ):
        here, found = store, ulid
        for _ in range(2):  # nothing is doubled on the way back, either
            path = exported(here, exporting.session(here, found), tmp_path / "b", version)
            here = MemoryStore()
            (done,) = load(here, path)
            found = done.ulid
            assert [turn.command for turn in here.turns(found)] == commands
            assert [event.text for event in here.events(found, kinds=["mark"])] == remarks


def test_a_file_cannot_take_over_another_sessions_run(store, tmp_path):
    victim = Maker(store, 1)
    victim.turn("x", "y\n")
    thief = Maker(MemoryStore(), 2)
    thief.turn("x", "y\n")
    thief.end()
    path = exported(thief.store, exporting.session(thief.store, thief.ulid), tmp_path / "a.cast")
    written(path, path.read_text().replace(thief.invocation, victim.invocation))
    with pytest.raises(Refused, match="is there already, in another session"):
        load(store, path)
    assert store.with_prefix("") == [victim.ulid]
    assert store.summary(victim.ulid).invocation.ended_ms is None


def test_an_interrupted_session_stays_so(store, tmp_path):
    one = Maker(store, 1, owner=GONE)
    one.prompt("SELECT")
    other = MemoryStore()
    load(other, exported(store, exporting.session(store, one.ulid), tmp_path / "a.cast"))
    assert other.summary(one.ulid).invocation.ended_ms is None
    assert other.open_invocations(unrecovered=True) == []


# --- those of others -------------------------------------------------------------------------------


def test_what_asciinema_wrote(root, start, tmp_path):
    blackbox.need("asciinema")
    path = tmp_path / "a.cast"
    term = start(
        ["asciinema", "rec", "--overwrite", "-q", "-c", "printf 'h\\303\\274\\n\\033[1mbold\\033[m\\n'", path]
    )
    assert term.wait() == 0
    result = rec(["import", path], root).ok()
    (session,) = blackbox.ls(root)
    assert result.stdout == f"{session['ulid']}  1 event, 0 turns  {path}\n"
    absent = {
        "argv": [],
        "cwd": None,
        "host": None,
        "user": None,
        "recorder_version": None,
        "exit_status": None,
    }
    assert {key: session[key] for key in absent} == absent
    assert (session["tool"], session["status"], session["end_reason"]) == ("import", "ended", "exit")
    assert blackbox.all_raw(root) == b"h\xc3\xbc\r\n\x1b[1mbold\x1b[m\r\n"
    assert [event["text"] for event in blackbox.events(root)] == ["h\u00fc\nbold\n"]
    refused = rec(["resume", "@1"], root)
    assert (refused.status, "no command line was kept" in refused.stderr) == (1, True)


def test_of_a_recorder_that_nobody_knows_nothing_is_said(root, tmp_path):
    rec(["import", written(tmp_path / "a.cast", V2 + '[1, "o", "x\\r\\n"]\n')], root).ok()
    assert rec(["replay", "@1"], root).ok().stderr == ""
    assert "rec:" not in rec(["replay", "@1", "--raw"], root).ok().stderr
    lines = [line.replace('"version": "0.1.0"', '"version": ""') for line in EXPORT if '"x"' not in line]
    lines = [
        re.sub(r'"ended_ms": \d+, "exit_status": 3, "end_reason": "exit"', '"x": 0', line) for line in lines
    ]
    rec(["import", written(tmp_path / "b.cast", "\n".join(lines) + "\n")], root).ok()
    assert (
        rec(["replay", json.loads(lines[1][6:])["session"]["ulid"]], root).ok().stderr == "rec: interrupted\n"
    )


@pytest.mark.parametrize("form", ["classic", "advanced"])
def test_what_script_wrote(store, tmp_path, form):
    blackbox.need("script")
    words = ["script", "-q", "-m", form, "-T", "timing", "-B", "io", "-c", "read -r a; echo got; exit 3"]
    if form == "classic":
        words[6:8] = ["-O", "io"]
    subprocess.run(words, input=b"secret\n", cwd=tmp_path, check=True, capture_output=True)
    for names in (("io", "timing"), ("timing", "io")):
        (done,) = load(store, *(tmp_path / name for name in names))
        assert done.warnings == []
        assert "got\n" in said(store, done.ulid)
        raw = b"".join(each.data for each in store.raw(done.ulid))
        assert (raw.count(b"secret"), b"Script" in raw) == (1, False)  # the echo, which was output
        status = store.summary(done.ulid).invocation.exit_status
        assert status == (3 if form == "advanced" else None)


def test_what_ttyrec_wrote(start, store, tmp_path):
    blackbox.need("ttyrec")
    term = start(["ttyrec", "-e", "printf 'h\\377i\\n'", "a.ttyrec"], cwd=tmp_path, env={"SHELL": "/bin/sh"})
    assert term.wait() == 0
    (done,) = load(store, tmp_path / "a.ttyrec")
    assert b"".join(each.data for each in store.raw(done.ulid)) == b"h\xffi\r\n"
    assert said(store, done.ulid) == "h\ufffdi\n"


def test_keys_are_dropped_sizes_and_markers_kept(store, tmp_path):
    body = '[1.0, "i", "hunter2"]\n[2.0, "o", "a\\r\\n"]\n[2.5, "r", "40x10"]\n'
    body += '[3.0, "m", "here"]\n[4, "x", "2"]\n'
    (done,) = load(store, written(tmp_path / "a", V2 + body))
    events = list(store.events(done.ulid))
    assert [(event.kind, event.text, event.at.offset_ms) for event in events] == [
        ("output", "a\n", 2000),
        ("resize", "40x10", 2500),
        ("mark", "here", 3000),
        ("system", "exited with status 2", 4000),
    ]
    assert all(event.turn is None for event in events)
    summary = store.summary(done.ulid)
    assert summary.session.created_ms == 1_700_000_000_000
    assert (summary.session.tool, summary.invocation.ended_ms) == ("psql", 1_700_000_004_000)


def test_the_same_foreign_file_twice_is_two_sessions(store, tmp_path):
    path = written(tmp_path / "a", V2 + '[1, "o", "x"]\n')
    first, second = load(store, path, path)
    assert first.ulid != second.ulid


@pytest.mark.parametrize(
    ("data", "timing", "length_s"),
    [
        ('{"version": 2, "width": 0, "height": 0}\n[1, "o", "x"]\n[90.5, "o", "y"]\n', None, 90.5),
        ('{"version": 3, "term": {"cols": 80, "rows": 24}}\n[1, "o", "x"]\n[2, "x", "0"]\n', None, 3),
        ('{"version": 1, "width": 80, "height": 24, "stdout": [[3, "x"], [4, "y"]]}', None, 7),
        (struct.pack("<III", 0, 0, 1) + b"x" + struct.pack("<III", 60, 0, 1) + b"y", None, 60),
        ("Script started on a day\nxy", "1.5 1\n2.5 1\n", 4),
    ],
)
def test_without_a_time_it_ended_when_the_file_was_written(store, tmp_path, data, timing, length_s):
    modified_s = 1_600_000_000
    paths = [written(tmp_path / "a", data)] + ([] if timing is None else [written(tmp_path / "t", timing)])
    os.utime(paths[0], (modified_s, modified_s))
    (done,) = load(store, *paths)
    assert done.warnings == []
    found = store.summary(done.ulid)
    assert found.session.created_ms == int((modified_s - length_s) * 1000)
    assert found.last_event_ms <= found.invocation.ended_ms == modified_s * 1000


def test_a_damaged_file_gives_what_is_whole_and_a_warning(root, tmp_path):
    body = '[1, "o", "first\\r\\n"]\n[NaN, "o", "x"]\n[2, "o", "second\\r\\n"]\n[3, "o", "thi'
    path = written(tmp_path / "a.cast", V2 + body)
    result = rec(["import", path], root).ok()
    assert result.stderr.splitlines() == [
        f"rec: {path}: line 3: NaN is no number",
        f"rec: {path}: line 5: it is torn off",
    ]
    assert blackbox.all_raw(root) == b"first\r\nsecond\r\n"
    written(path, V2 + "no\n" * 1000)
    assert rec(["import", path], root).ok().stderr.splitlines()[5:] == [
        f"rec: {path}: 1000 parts of it in all could not be read"
    ]


def places(value, at=()):
    """Yield the way to each value inside a JSON value, itself first."""
    yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*at, key))


def with_other(value, at, other):
    """Return a JSON value with another one at a place of it; without any there for NOTHING."""
    if not at:
        return {} if other is NOTHING else other
    whole = into = copy.deepcopy(value)
    for key in at[:-1]:
        into = into[key]
    if other is NOTHING:
        del into[at[-1]]
    else:
        into[at[-1]] = other
    return whole


def an_export():
    """Return the lines of an export that has all that one can have."""
    store = MemoryStore()
    one = Maker(store, 1)
    one.turn("SELECT 1;", "1\n")
    bytes_ = Chunk(one.ulid, one.invocation, one.raw, one.now(), b"\xff no text \xe2\x82", ((4, 2, "word"),))
    store.append([], [bytes_])
    one.raw += len(bytes_.data)
    one.turn("bad", "Error\n", status=1)
    one.end(3)
    return list(exporting.cast_lines(store, exporting.session(store, one.ulid), 3))


NOTHING = object()  # in place of a value: it is not there
EXPORT = an_export()
V1 = '{"version": 1, "width": 80, "height": 24, "command": "sh", "env": {}, "stdout": [[0.5, "a"], [1, "b"]]}'
ASCIICAST_2 = [V2.strip(), '[1, "o", "a"]', '[2, "r", "90x30"]', '[3, "m", "x"]', '[4, "x", "0"]']
LINES = [(file, at) for file in (EXPORT, ASCIICAST_2, [V1]) for at in range(len(file))]
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(38, 420).map(lambda n: 10**n)
)
TEXT = st.text() | st.sampled_from(["\0", "\ud800", "100x30", "-1"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=5,
)


@given(st.data(), st.sampled_from(LINES), ANYTHING | st.just(NOTHING))
def test_any_value_in_any_field_is_a_warning_or_a_refusal(tmp_path_factory, data, line, other):
    lines, number = line
    prefix = "# rec " if lines[number].startswith("# rec ") else ""
    value = json.loads(lines[number].removeprefix(prefix))
    damaged = with_other(value, data.draw(st.sampled_from(list(places(value)))), other)
    text = "\n".join([*lines[:number], prefix + json.dumps(damaged), *lines[number + 1 :]])
    path = written(tmp_path_factory.getbasetemp() / "damaged.cast", text)
    with contextlib.suppress(Refused):
        load(MemoryStore(), path)


@pytest.mark.parametrize("note", ["[]", '""', "null", "5", '[["ulid", "x"]]'])
def test_without_any_comment_that_can_be_used_it_is_a_plain_asciicast(store, tmp_path, note):
    text = f'{EXPORT[0]}\n# rec {{"session": {note}}}\n# rec {{"event": 5\n[1.0, "o", "x\\r\\n"]\n'
    (done,) = load(store, written(tmp_path / "a", text))
    assert done.warnings == [
        "line 2: the comment about the session is damaged: it is no object",
        "line 3: it is no JSON",
    ]
    assert said(store, done.ulid) == "x\n"


def spoilt(line):
    """Return a comment damaged in every way that leaves a line."""
    return [
        line.replace('"', '"x', 1),  # a key that nobody knows
        line[: len(line) * 2 // 3],
        line.replace("{", "", 1),
        "no comment",
        line[: line.index(": ") + 2] + "{}}",
        line.replace('"at"', '"ta"').replace('"run": ', '"run": 7').replace('"ulid": "', '"ulid": 5, "x": "'),
    ]


COMMENTS = [at for at, line in enumerate(EXPORT) if line.startswith("# rec ")]


@pytest.mark.parametrize("number", COMMENTS)
@pytest.mark.parametrize("way", range(6))
def test_a_damaged_comment_costs_only_itself(tmp_path, number, way):
    lines = [*EXPORT]
    lines[number] = spoilt(lines[number])[way]
    store = MemoryStore()
    (done,) = load(store, written(tmp_path / "a", "\n".join(lines) + "\n"))
    if lines[number] != EXPORT[number] and "{}}" not in lines[number]:
        assert done.warnings[0].startswith(f"line {number + 1}: ")
    raw = b"".join(each.data for each in store.raw(done.ulid))
    text = "".join(json.loads(line)[2] for line in lines if line.startswith("[") and '"o"' in line)
    assert raw.decode("utf-8", "replace").replace("\ufffd", "") == text.replace("\ufffd", "")
    whole = [
        json.loads(line[6:])["event"] for at, line in enumerate(EXPORT) if '{"event"' in line and at != number
    ]
    found = [(e.at.wall_ms, e.kind, e.text, e.turn) for e in store.events(done.ulid)]
    wanted = [(e["at"][0], e["kind"], e["text"], e["turn"]) for e in whole]
    assert [each for each in found if each in wanted] == wanted
    for turn in store.turns(done.ulid):
        shown = "".join(e.text for e in store.events(done.ulid, kinds=["output"]) if e.turn == turn.turn)
        assert shown.startswith({"SELECT 1;": "1\n", "bad": "Error\n"}[turn.command])
        assert "Error" not in shown or turn.command == "bad"


def test_a_lost_output_is_found_again_and_its_turn_has_an_end(root, tmp_path):
    prompt = (
        '# rec {{"event": {{"at": [{at}, {at}], "kind": "prompt", "text": "{text}", "turn": {turn}, "run": 0'
    )
    prompt += ', "meta": {{"prompt_text": "$ ", "raw": {raw}}}}}}}'
    lines = [
        *EXPORT[:3],
        prompt.format(at=5, text="ls", turn=1, raw=0),
        '# rec {"event": {"at": [6, 6], "kind": "output", "te',
        '[0.5, "o", "needle\\r\\n$ pwd\\r\\n"]',
        prompt.format(at=9, text="pwd", turn=2, raw=15),
        '# rec {"event": {"at": [6, 6], "kind": "output", "te',
        '[0.5, "o", "/srv\\r\\n$ "]',
        '# rec {"whole": true}',
    ]
    path = written(tmp_path / "a.cast", "\n".join(lines) + "\n")
    assert rec(["import", path], root).ok().stderr.splitlines() == [
        f"rec: {path}: line 5: it is no JSON",
        f"rec: {path}: line 8: it is no JSON",
        f"rec: {path}: turn 1 has its text from the bytes",
        f"rec: {path}: turn 2 has its text from the bytes",
    ]
    assert rec(["output", "@1:1"], root).ok().stdout == "needle\n"
    assert rec(["output", "@1:2"], root).ok().stdout == "/srv\n"
    assert "needle" in rec(["search", "needle"], root).ok().stdout
    events = blackbox.events(root)
    assert [(each["kind"], each["turn"]) for each in events] == [
        ("prompt", 1),
        ("output", 1),
        ("prompt", 2),
        ("output", 2),
    ]


def test_two_runs_of_which_a_declaration_is_lost_stay_two(tmp_path):
    source = MemoryStore()
    one = Maker(source, 1)
    one.turn("one", "1\n")
    one.end()
    again = "7" + maker.ulid(2, one.at_ms)[1:]
    row, first = source.summary(one.ulid).session, source.summary(one.ulid).invocation
    source.begin(row, dataclasses.replace(first, ulid=again, started_ms=one.at_ms, ended_ms=None))
    one.invocation, one.began_ms = again, one.at_ms
    one.turn("two", "2\n")
    one.end(4)
    whole = list(exporting.cast_lines(source, exporting.session(source, one.ulid), 3))
    for number, line in enumerate(whole):
        if not line.startswith('# rec {"run"'):
            continue
        lines = [*whole[:number], line.replace("run", "rux"), *whole[number + 1 :]]
        store = MemoryStore()
        (done,) = load(store, written(tmp_path / "a", "\n".join(lines) + "\n"))
        assert done.warnings == [f"line {number + 1}: it is a comment that rec does not know"]
        before = [(start, byte, wall) for start, byte, wall, _ in making.flat(source.raw(one.ulid))]
        assert [(s, byte, wall) for s, byte, wall, _ in making.flat(store.raw(one.ulid))] == before
        assert [e.text for e in store.events(done.ulid)] == [e.text for e in source.events(one.ulid)]
        runs = {chunk.invocation for chunk in store.raw(done.ulid)}
        assert (len(runs), len(runs & {first.ulid, again})) == (2, 1)
        assert store.summary(done.ulid).invocation.exit_status == 4


# --- whole or nothing ------------------------------------------------------------------------------


def test_what_is_no_recording_is_refused_before_anything_is_written(root, tmp_path):
    good = written(tmp_path / "good", V2)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for name, data, cause in (
        ("empty", b"", "it is no recording that rec knows"),
        ("text", b"hello\n", "it is no recording that rec knows"),
        ("packed.cast.gz", b"\x1f\x8b\x08\x00", "it is compressed"),
        ("timing", b"0.5 10\n", "it is the timing of a typescript"),
        ("../" + tmp_path.name + "/none", None, "no such file or directory"),
        ("fifo", None, "it is no regular file"),
        (".", None, "it is no regular file"),
    ):
        path = f"{tmp_path}/{name}"
        if data is not None:
            written(tmp_path / name, data)
        result = rec(["import", good, path], root)
        assert (result.status, result.stdout) == (1, "")
        assert result.stderr.splitlines()[0] == f"rec: could not import {path}: {cause}"
        assert not root.exists()
    assert rec(["import"], root).status == 2


def test_a_header_that_is_wrong_is_one_line(root, tmp_path):
    path = written(tmp_path / "a", '{"version": 2, "width": "80", "height": 24}\n[1, "o", "x"]\n')
    result = rec(["import", path], root)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr == f"rec: could not import {path}: its header has no width that could be one\n"
    assert blackbox.ls(root) == []


def test_a_store_that_fails_in_between_keeps_nothing(store, tmp_path, monkeypatch):
    append, calls = store.append, itertools.count()

    def failing(*args, **more):
        if next(calls) == 2:
            raise StoreFull("could not write: no space left on device")
        return append(*args, **more)

    monkeypatch.setattr(store, "append", failing)
    line = f'[0.001, "o", "{"x" * 60_000}"]\n'
    with pytest.raises(StoreFull):
        load(store, written(tmp_path / "a", V2 + line * 300))
    assert store.with_prefix("") == []
    assert store.labels() == []


def test_what_a_killed_import_left_goes_with_the_next_command(store, tmp_path):
    half = Maker(store, 1, owner=GONE)
    half.event("output", "half")
    store.set_label(label_of(half.ulid), half.ulid)
    other = Maker(store, 2, owner=GONE)
    other.event("output", "interrupted")
    store.set_label(label_of(half.ulid) + "x", other.ulid)
    done = care.tidy(store, tmp_path, identity.alive)
    assert done.problems == []
    assert store.with_prefix("") == [other.ulid]


def test_a_killed_import_is_seen_by_the_next_command(root, tmp_path):
    with closing(maker.store_at(root)) as store:
        half = Maker(store, 1, owner=GONE)
        half.event("output", "half")
        store.set_label(label_of(half.ulid), half.ulid)
    assert blackbox.ls(root) == []
