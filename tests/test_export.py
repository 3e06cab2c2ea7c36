"""Exports: what other programs make of them, what stays in, and files that are whole or not there."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import blackbox
import maker
import pytest
from blackbox import rec
from hypothesis import given
from hypothesis import strategies as st
from maker import Maker

from recorder import exporting
from recorder.commands.progress import bar
from recorder.formats import transcript
from recorder.model import Chunk, Event, Kind, Moment
from recorder.safe import safe_text

PROJECT = Path(__file__).parent.parent
NASTY = "</script>\x1b]0;owned\x07\u202e"


def session(store, number=1, **more) -> Maker:
    """Two turns, a note, a size, letters that are cut between two reads."""
    one = Maker(store, number, **more)
    one.shown(b"sqlite> ", 30)
    one.turn("SELECT 1;", "1\n")
    one.shown("sqlite> \x1b[1mgr\u00fc\u00df".encode()[:-1], 250)
    one.shown("\u00df \u20ac\U0001f600\x1b[m\r\n".encode()[1:], 7)
    one.event("mark", "looks good", mark="note")
    one.event("resize", "100x30", cols=100, rows=30, raw=one.raw)
    one.turn(f"SELECT '{NASTY}';", "Error: no such table\n", status=1)
    return one.end()


def lines(store, ulid, version=3, **more) -> list:
    found = list(exporting.cast_lines(store, exporting.session(store, ulid), version, **more))
    return [json.loads(line) for line in found if not line.startswith("#")]


def raw_of(store, ulid) -> bytes:
    return b"".join(each.data for each in store.raw(ulid))


# --- asciicast -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
def test_the_output_is_all_there_and_turns_are_markers(store, version):
    one = session(store)
    head, *frames = lines(store, one.ulid, version)
    assert head["version"] == version
    assert head["timestamp"] == one.began_ms // 1000
    assert head["command"] == "sqlite3 shop.db"
    assert "".join(data for _, code, data in frames if code == "o").encode() == raw_of(store, one.ulid)
    assert [data for _, code, data in frames if code == "m"] == [
        "SELECT 1;",
        "looks good",
        "SELECT '</script>\\x1b]0;owned\\x07\\u202e';",
    ]
    assert [data for _, code, data in frames if code == "r"] == ["100x30"]
    assert [data for *_, data in frames[:3]] == ["sqlite> ", "SELECT 1;", "1\r\n"]  # before what it printed
    assert frames[-1][1:] == ["x", "0"]
    assert {code for _, code, _ in frames} == set("omrx")


@pytest.mark.parametrize("version", [2, 3])
def test_notes_and_labels_are_markers_where_they_were_made(store, version):
    one = Maker(store, 1)
    one.event("mark", "before all", mark="note")
    one.turn("one", "1\n")
    one.event("mark", "label shop", mark="label", label="shop")
    one.event("mark", "label shop removed", mark="label", label="shop", removed=True)
    one.event("mark", "two\nlines\x1b", mark="note")
    one.event("mark", "paused", mark="pause")
    one.turn("two", "2\n")
    head, *frames = lines(store, one.ulid, version)
    assert [data for _, code, data in frames if code in "mo"] == [
        "before all",
        "one",
        "1\r\n",
        "label shop",
        "two\u23celines\\x1b",
        "two",
        "2\r\n",
    ]
    assert head.get("rec_remarks") == ([0, 2, 3] if version == 2 else None)
    _, *without = lines(store, one.ulid, version, noted=False)  # as in a page, which does not show them
    assert [data for _, code, data in without if code == "m"] == ["one", "two"]


def test_a_label_that_came_later_makes_no_recording_longer(store):
    one = Maker(store, 1)
    one.turn("one", "1\n")
    one.event("mark", "in time", mark="note")
    one.end()
    one.at_ms += 7 * 86_400_000
    one.event("mark", "label shop", mark="label", label="shop")
    row, first = store.summary(one.ulid).session, store.summary(one.ulid).invocation
    again = "7" + maker.ulid(2, one.at_ms)[1:]
    frames = lines(store, one.ulid, 2)[1:]
    assert frames[-3:] == [[4.0, "m", "in time"], [4.0, "m", "label shop"], [4.0, "x", "0"]]
    store.begin(row, replace(first, ulid=again, started_ms=one.at_ms, ended_ms=None))
    one.invocation, one.began_ms = again, one.at_ms
    one.turn("two", "2\n")
    one.event("mark", "label more", mark="label", label="more")
    frames = [frame for frame in lines(store, one.ulid, 2)[1:] if frame[1] == "m"]
    assert [label for *_, label in frames] == ["one", "in time", "label shop", "two", "label more"]
    assert all(ms < 20 for ms, *_ in frames)


def test_times_of_the_two_versions_say_the_same(store):
    one = session(store)
    since, gone = [], 0
    for ms, *_ in lines(store, one.ulid, 3)[1:]:
        gone += round(ms * 1000)
        since.append(gone)
    assert since == [round(ms * 1000) for ms, *_ in lines(store, one.ulid, 2)[1:]]
    assert since == sorted(since)


def test_the_packaged_asciinema_prints_the_same_bytes(root, start, tmp_path):
    blackbox.need("asciinema")
    with closing(maker.store_at(root)) as store:
        one = session(store)
        raw = raw_of(store, one.ulid)
    rec(["export", "@1", "-f", "cast2", "-o", tmp_path / "a.cast"], root).ok()
    term = start(["asciinema", "cat", tmp_path / "a.cast"])
    assert term.wait() == 0
    term.drain()
    assert bytes(term.raw) == raw


def test_a_turn_begins_with_its_prompt_and_ends_with_its_output(store):
    one = session(store)
    picked = exporting.turn(store, store.turn(one.ulid, 2))
    head, *frames = [json.loads(line) for line in exporting.cast_lines(store, picked, 3) if line[0] != "#"]
    assert (head["term"]["cols"], frames[0][0]) == (100, 0)
    text = "".join(data for _, code, data in frames if code == "o")
    assert text.endswith("Error: no such table\r\n")
    assert "\r\nsqlite> " not in text
    assert [event.turn for event in exporting.events(store, picked)] == [2, 2, 2]


def test_what_was_idle_before_a_turn_is_cut_short(store):
    one = Maker(store, 1)
    one.shown(b"sqlite> ", 30)
    one.shown(b"SELECT", 3_600_000)
    one.shown(b" 1;\r\n", 500)
    one.turn("SELECT 1;", "1\n")
    picked = exporting.turn(store, store.turn(one.ulid, 1))
    frames = [json.loads(line) for line in exporting.cast_lines(store, picked, 2, noted=False)][1:]
    assert [ms for ms, *_ in frames] == [0, 1.0, 1.5, 2.5, 3.5, 3.5]


def test_a_fork_is_exported_with_what_it_inherited(store):
    parent = session(store)
    cut = [event.seq for event in store.events(parent.ulid) if event.turn == 1][-1]
    child = Maker(store, 2, parent_ulid=parent.ulid, fork_turn=1, fork_seq=cut)
    child.turn("child", "c\n")
    picked = exporting.session(store, child.ulid)
    text = "".join(data for _, code, data in lines(store, child.ulid)[1:] if code == "o")
    assert text == "sqlite> 1\r\nc\r\n"
    made = [item for item in exporting.stream(store, picked) if isinstance(item, Chunk | Event)]
    chunks = [item for item in made if isinstance(item, Chunk)]
    assert [each.start for each in chunks] == [0, len("sqlite> "), len("sqlite> 1\r\n")]
    prompts = [item for item in made if isinstance(item, Event) and item.kind == Kind.PROMPT]
    assert [event.meta["raw"] for event in prompts] == [8, 11]
    assert not picked.whole


def test_what_was_erased_is_left_out_and_time_goes_on(store):
    one = session(store)
    store.erase(one.ulid, 1)
    frames = lines(store, one.ulid, 2)[1:]
    assert next(data for _, code, data in frames if code == "m") == "[erased]"
    assert "SELECT 1" not in str(list(exporting.cast_lines(store, exporting.session(store, one.ulid), 3)))
    assert "".join(data for _, code, data in frames if code == "o").encode() == raw_of(store, one.ulid)
    assert [ms for ms, *_ in frames] == sorted(ms for ms, *_ in frames)


# --- transcripts ---------------------------------------------------------------------------------


def happened(pairs) -> list[Event]:
    """Turns of (submitted, printed)."""
    found: list[Event] = []
    for turn, (typed, printed) in enumerate(pairs, 1):
        for kind, text in (("prompt", typed), ("output", printed), ("warn", printed)):
            found.append(Event("S", len(found) + 1, kind, Moment(0, 0), text, turn, None, {}))
    return found


text = st.text(st.sampled_from("ab `~>-!#\n\t\r\x1b\x9b\u202e\0") | st.characters(), max_size=20)


@given(st.lists(st.tuples(text, text), max_size=5))
def test_text_tells_by_its_first_column_what_was_typed(pairs):
    whole = "".join(transcript.plain("shop", ["fact"], happened(pairs)))
    assert safe_text(whole) == whole
    head, _, body = whole.partition("\n\n")
    assert head == "shop\nfact"
    lines = body.split("\n")
    assert lines.pop() == ""
    assert all(line == "" or line[:2] in {"> ", "  ", "! "} for line in lines)
    typed = [line[2:] for line in lines if line[:1] == ">"]
    assert typed == [line for pair in pairs for line in safe_text(pair[0]).split("\n")]
    assert len([line for line in lines if line[:1] == "!"]) == len(pairs)


@given(st.lists(st.tuples(text, text), max_size=5))
def test_nothing_inside_closes_a_fence_of_markdown(pairs):
    whole = "".join(transcript.markdown("shop", ["fact"], happened(pairs)))
    assert safe_text(whole) == whole
    blocks, fence = [], ""
    for line in whole.split("\n"):
        if fence and re.fullmatch(rf" {{0,3}}{fence}`*[ \t]*", line):
            fence = ""
        elif fence:
            blocks[-1][1].append(line)
        elif opened := re.fullmatch(r"(`{3,})(input|output)", line):
            fence = opened[1]
            blocks.append((opened[2], []))
        else:
            assert not line or re.match(r"(# |- |## Turn \d|> warn: )", line)
    assert not fence
    typed = ["\n".join(lines) for word, lines in blocks if word == "input"]
    assert typed == [safe_text(pair[0]).removesuffix("\n") for pair in pairs]
    printed = ["\n".join(lines) for word, lines in blocks if word == "output"]
    assert printed == [safe_text(pair[1]).removesuffix("\n") for pair in pairs if pair[1]]


def test_transcripts_of_a_session_and_of_a_turn(shop, tmp_path):
    shown = rec(["export", "@1", "-f", "txt"], shop).ok().stdout
    assert "\n2 turns\n\n> SELECT 1;\n  1\n- mark: looks good\n- resize: 100x30\n> SELECT" in shown
    assert shown.endswith("  Error: no such table\n")
    shown = rec(["export", "@1:1", "-f", "md"], shop).ok().stdout
    assert shown.endswith("\n## Turn 1\n\n```input\nSELECT 1;\n```\n\n```output\n1\n```\n")


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def shop(root):
    with closing(maker.store_at(root)) as store:
        session(store)
    return root


def test_a_file_is_private_and_never_replaced_unasked(shop, tmp_path):
    path = tmp_path / "a.cast"
    rec(["export", "@1", "-f", "cast", "-o", path], shop).ok()
    first = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = rec(["export", "@1", "-f", "jsonl", "-o", path], shop)
    assert (again.status, again.stderr) == (
        1,
        f"rec: could not write {path}: it exists\n--force replaces it\n",
    )
    assert path.read_bytes() == first
    rec(["export", "@1", "-f", "jsonl", "-o", path, "--force"], shop).ok()
    assert path.read_text() == rec(["events", "@1", "--json"], shop).ok().stdout
    assert sorted(os.listdir(tmp_path)) == ["a.cast", "home", "root"]


def test_a_target_that_cannot_be_written_is_refused_and_nothing_is_left(shop, tmp_path):
    aside = tmp_path / "aside"
    aside.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(aside)
    closed = tmp_path / "closed"
    closed.mkdir()
    for target, cause in {
        link: "it is a symbolic link",
        closed: "it is no regular file",
        tmp_path / "gone" / "a.cast": "no such file or directory",
        aside / "a.cast": "not a directory",
        tmp_path / ("n" * 300): "file name too long",
        "/proc/a.cast": "no such file or directory",
    }.items():
        result = rec(["export", "@1", "-f", "cast", "--force", "-o", target], shop)
        assert result.status == 1
        assert result.stderr.splitlines()[0] == f"rec: could not write {target}: {cause}"
    assert aside.read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["aside", "closed", "home", "link", "root"]


def test_a_disk_that_is_full_leaves_no_part_of_a_file(shop, tmp_path):
    path = tmp_path / "a.html"
    words = [sys.executable, "-m", "recorder", "export", "@1", "-f", "html", "-o", str(path)]
    limited = ["sh", "-c", 'ulimit -f 200; exec "$@"', "sh", *words]  # a page takes more than its player
    done = subprocess.run(
        limited,
        env=blackbox.environment(shop, tmp_path / "home"),
        cwd=PROJECT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.decode() == f"rec: could not write {path}: file too large\n"
    assert sorted(os.listdir(tmp_path)) == ["home", "root"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_part_of_a_file_and_the_old_one_as_it_was(shop, start, tmp_path, number):
    path = tmp_path / "a.cast"
    path.write_text("mine")
    words = ["export", "@1", "-f", "cast", "--force", "-o", str(path)]
    slow = "import os, time; os.fsync = lambda fd: print('all is written', flush=True) or time.sleep(60)"
    script = f"{slow}; from recorder.cli import main; raise SystemExit(main({words}))"
    term = start([sys.executable, "-c", script], root=shop, cwd=str(PROJECT))
    term.expect("all is written")
    assert list(tmp_path.glob(".rec-export-*"))
    os.kill(term.pid, number)
    assert term.wait() == 128 + number
    assert path.read_text() == "mine"
    assert not list(tmp_path.glob(".rec-export-*"))


def test_a_hangup_that_is_ignored_ends_no_export(shop, tmp_path):
    path = tmp_path / "a.cast"
    words = ["export", "@1", "-f", "cast", "-o", str(path)]
    hang_up = "import os, signal; signal.signal(1, signal.SIG_IGN); os.fsync = lambda _: os.kill(me, 1)"
    hang_up += "; me = os.getpid()"
    script = f"{hang_up}; from recorder.cli import main; raise SystemExit(main({words}))"
    env = blackbox.environment(shop, tmp_path / "home")
    subprocess.run([sys.executable, "-c", script], env=env, cwd=PROJECT, check=True)
    assert path.exists()


def test_wrong_words(shop):
    assert rec(["export", "@1", "-f", "gif"], shop).status == 2
    assert rec(["export", "@1"], shop).status == 2
    assert rec(["export", "@9", "-f", "cast"], shop).stderr.startswith("rec: no such session: @9")
    assert rec(["export", "@1:9", "-f", "cast"], shop).stderr.startswith("rec: no such turn: @1:9")


def test_on_a_terminal_a_bar_says_how_far_it_is(shop, start, tmp_path):
    assert bar(0, 4, "sessions") == "[....................]   0 % (0 of 4 sessions)"
    assert bar(5, 4, "bytes") == bar(1, 0, "bytes") == "[####################] 100 %"
    impatient = "from recorder.commands import progress; progress.PATIENCE_S = progress.STEP_S = 0"
    for words in (
        ["export", "@1", "-f", "cast2", "-o", str(tmp_path / "a")],
        ["import", str(tmp_path / "a")],
    ):
        script = f"{impatient}; from recorder.cli import main; raise SystemExit(main({words}))"
        term = start([sys.executable, "-c", script], root=shop, cwd=str(PROJECT))
        assert term.wait() == 0
        assert b"\r[####################] 100 %\x1b[K\r\x1b[K" in term.raw


def test_a_terminal_gets_no_cast(shop, start_rec):
    term = start_rec(["export", "@1", "-f", "cast"])
    term.expect("name a file with -o FILE")
    assert term.wait() == 1
    assert b"sqlite>" not in term.raw
