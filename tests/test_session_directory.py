"""Sessions in directories of their own: torn, edited, copied, moved, erased; what is in the way of them."""

from __future__ import annotations

import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest
from blackbox import grep_root
from making import T0, chunk, draft, ended, invocation, joined, prompt, session, ulid
from placing import InDirectories

from recorder import keeping, lookup
from recorder.errors import NotFound, Refused, StoreBusy, StoreDamaged, StoreError, StoreMissing
from recorder.identity import alive
from recorder.model import Activity, EndReason, Kind, State, Status, Switch
from recorder.stores.directory import Directory
from recorder.stores.directory_begin import claimed
from recorder.stores.directory_files import Files
from recorder.stores.directory_ledger import torn
from recorder.stores.directory_lines import Record
from recorder.stores.rooted import Rooted
from recorder.stores.sqlite import SqliteStore

S = session(1)
I = invocation(S, 1001)  # noqa: E741
MARKER = "xyzzy-planted"


@pytest.fixture
def store(tmp_path):
    with closing(InDirectories(tmp_path / "root" / "rec.db", tmp_path / "sessions")) as one:
        yield one


@pytest.fixture
def place(store):
    """The directory of a session with two turns."""
    store.begin(S, I)
    for turn in (1, 2):
        at = store.raw_length(S.ulid)
        store.append(
            [prompt(S, turn, f"ask {turn}", at, at=turn), ended(S, turn, f"{turn}\n", (at, at + 3), at=turn)],
            [chunk(I, at, b"%d\r\n" % turn, at=turn)],
            activity=(S.ulid, Activity(State.IDLE, None, T0)),
        )
    return store.base / S.ulid


def again(store):
    """The same store as another process opens it."""
    return InDirectories(store._root.path, store.base)


def texts(store, name=S.ulid):
    return [event.text for event in store.events(name)]


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


# --- what is written ---------------------------------------------------------------------------------


def test_it_can_be_read_without_rec(place, store):
    store.set_meta(S.ulid, "ticket", "OPS-42")
    record = json.loads((place / "session.json").read_text())
    assert (record["session"]["ulid"], record["session"]["argv"]) == (S.ulid, ["sqlite3", "shop.db"])
    assert [run["ulid"] for run in record["invocations"]] == [I.ulid]
    assert record["metadata"] == {"ticket": "OPS-42"}
    assert str(place) not in (place / "session.json").read_text()
    lines = [json.loads(line) for line in (place / "events.jsonl").read_text().splitlines()]
    first = next(line for line in lines if line.get("kind") == "prompt")
    assert {"session", "seq", "at", "kind", "text", "turn", "invocation", "meta"} <= set(first)
    assert (first["at"], first["text"]) == ("2025-11-20T14:46:40.001Z", "ask 1")
    assert (place / "raw" / f"{0:020}").read_bytes() == b"1\r\n2\r\n"


def test_only_its_owner_can_look_at_it(tmp_path, store):
    before = os.umask(0)
    try:
        store.begin(S, I)
        store.append([draft(S, Kind.MARK, "a")], [chunk(I, 0, b"x")])
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in [store.base, *store.base.rglob("*")]}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_long_output_is_cut_into_files_of_about_a_mebibyte(store):
    store.begin(S, I)
    data = os.urandom(3_500_000)
    for at in range(0, len(data), 100_000):
        store.append([], [chunk(I, at, data[at : at + 100_000])])
    sizes = [path.stat().st_size for path in sorted((store.base / S.ulid / "raw").iterdir())]
    assert sum(sizes) == len(data)
    assert max(sizes) < 2 << 20
    assert len(sizes) > 2
    assert joined(store.raw(S.ulid)) == data


# --- torn and killed ---------------------------------------------------------------------------------


def test_a_transaction_torn_anywhere_is_not_there_at_all(place, store):
    whole = (place / "events.jsonl").read_bytes()
    store.append([draft(S, Kind.MARK, "c"), draft(S, Kind.MARK, "d")], [chunk(I, 6, b"more")])
    after = (place / "events.jsonl").read_bytes()
    for cut in [*range(len(whole), len(after) - 1, 7), len(after) - 2]:
        (place / "events.jsonl").write_bytes(after[:cut])
        with closing(again(store)) as one:
            assert (texts(one), one.raw_length(S.ulid)) == (["ask 1", "1\n", "ask 2", "2\n"], 6)
            (event,) = one.append([draft(S, Kind.MARK, "next")], [chunk(I, 6, b"rest")])
            assert (event.seq, joined(one.raw(S.ulid))) == (5, b"1\r\n2\r\nrest")
            assert all(ok for _, ok, _ in one.check()), one.check()
    (place / "events.jsonl").write_bytes(after[:-1])  # an editor took the last newline
    (place / "raw" / f"{0:020}").write_bytes(b"1\r\n2\r\nmore")
    with closing(again(store)) as one:
        assert texts(one)[4:] == ["c", "d"]
        one.append([draft(S, Kind.MARK, "next")])
        assert texts(one)[4:] == ["c", "d", "next"]


def test_every_beginning_of_a_line_is_known_to_be_torn(place, store):
    store.append([draft(S, Kind.MARK, 'a "quoted" \\ {[ \u20ac', meta={"a": [{"b": "}"}]})])
    lines = (place / "events.jsonl").read_bytes().splitlines()
    assert [torn(line) for line in lines] == [False] * len(lines)
    assert all(torn(line[:size]) for line in lines for size in range(len(line)))
    assert torn(lines[0][:9] + b"\0" * 9)  # the power was lost
    assert not any(map(torn, [b"a remark", b"a {", b'{"a": 1}', b"{} more", b'"']))


def test_who_was_refused_a_durable_append_and_tries_again_writes_it_once(place, store):
    path = store._root.path
    with (
        closing(InDirectories(path, store.base, busy_ms=20)) as one,
        closing(apsw.Connection(str(path))) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            with pytest.raises(StoreBusy):
                one.append([draft(S, Kind.MARK, "once")], [chunk(I, 6, b"once")], durable=True)
        other.execute("ROLLBACK")
        one.append([draft(S, Kind.MARK, "once")], [chunk(I, 6, b"once")], durable=True)
        assert texts(one)[4:] == ["once"]
        assert joined(one.raw(S.ulid)) == b"1\r\n2\r\nonce"


def test_what_could_not_be_synced_is_not_there(place, store, monkeypatch):
    def fails(*_):
        raise StoreError("could not sync: Input/output error")

    monkeypatch.setattr(Files, "sync", fails)
    for _ in range(2):
        with pytest.raises(StoreError, match="Input/output"):
            store.append([draft(S, Kind.MARK, "once")], [chunk(I, 6, b"once")], durable=True)
        assert len(texts(store)) == 4
    monkeypatch.undo()
    (event,) = store.append([draft(S, Kind.MARK, "once")], [chunk(I, 6, b"once")], durable=True)
    assert (event.seq, texts(store)[4:]) == (5, ["once"])
    assert joined(store.raw(S.ulid)) == b"1\r\n2\r\nonce"


class Killed(BaseException):
    """As if the process had ended here."""


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("followed", [False, True])
def test_a_switch_cut_in_the_middle_has_happened_or_not(place, store, monkeypatch, followed, edited):
    child = session(2, parent_ulid=S.ulid, fork_turn=2)
    mark = draft(S, Kind.MARK, "forked", at=9, invocation=I.ulid)
    write = store._root.write

    def cut(fn):
        if followed:
            write(fn)
        raise Killed

    monkeypatch.setattr(store._root, "write", cut)
    with pytest.raises(Killed):
        store.switch(Switch(mark, EndReason.FORKED, child, invocation(child, 1002)))
    monkeypatch.undo()
    if edited:  # an editor took the last newline
        edit(place / "events.jsonl", lambda body: body.removesuffix(b"\n"))
    with closing(again(store)) as one:
        assert (one.summary(child.ulid) is not None) == followed
        (event,) = one.append([draft(S, Kind.MARK, "later")])
        assert texts(one)[4:] == (["forked", "later"] if followed else ["later"])
        assert event.seq == (6 if followed else 5)
        assert (one.summary(S.ulid).invocation.ended_ms is not None) == followed
        if followed:
            assert one.summary(child.ulid).session.fork_seq == 5


def test_a_done_torn_anywhere_is_written_anew(place, store):
    child = session(2, parent_ulid=S.ulid, fork_turn=2)
    mark = draft(S, Kind.MARK, "forked", at=9, invocation=I.ulid)
    store.switch(Switch(mark, EndReason.FORKED, child, invocation(child, 1002)))
    whole = (place / "events.jsonl").read_bytes()
    *_, done = whole.splitlines(keepends=True)
    for size in range(1, len(done)):
        (place / "events.jsonl").write_bytes(whole.removesuffix(done) + done[:size])
        with closing(again(store)) as one:
            one.append([draft(S, Kind.MARK, "later")])
            assert texts(one)[4:] == ["forked", "later"]
            assert all(ok for _, ok, _ in one.check()), one.check()
        assert (place / "events.jsonl").read_bytes().startswith(whole)


def test_a_begin_that_was_killed_before_the_row_is_begun_again(tmp_path, store, monkeypatch):
    monkeypatch.setattr(store._root, "begin", lambda *_: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        store.begin(S, I)
    monkeypatch.undo()
    with closing(again(store)) as one:
        assert one.summary(S.ulid) is None
        one.begin(S, invocation(S, 1005))
        assert one.summary(S.ulid).invocation.ulid == ulid(1005)
        assert [run.ulid for run in Directory(one.base / S.ulid, S.ulid).record().invocations] == [ulid(1005)]


def test_a_deletion_that_was_killed_is_finished_by_the_next(place, store, monkeypatch):
    monkeypatch.setattr(store, "_remove", lambda _found: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        store.delete([S.ulid], dead=[I.ulid])
    assert place.exists()
    with closing(again(store)) as one:
        assert one.summary(S.ulid) is None
        one.finish()
    assert not place.exists()


def test_a_list_reads_no_events_but_where_they_have_changed(place, store, monkeypatch):
    store.append([draft(S, Kind.MARK, "last", at=77)])
    store.end_invocation(I.ulid, T0 + 9, 0, EndReason.EXIT)
    monkeypatch.setattr(Directory, "ledger", lambda _self: pytest.fail("it reads all lines"))
    with closing(again(store)) as one:
        (row,) = one.summaries()
        facts = (row.n_events, row.n_turns, row.last_event_ms, row.activity.state)
        assert facts == (5, 2, T0 + 77, State.IDLE)
    monkeypatch.undo()
    edit(place / "events.jsonl", lambda body: body.replace(b'"turn": 2', b'"turn": 1'))
    with closing(again(store)) as one:
        assert one.summaries()[0].n_turns == 1
    with closing(again(store)) as one:
        one.append([draft(S, Kind.MARK, "later")])
        assert one.summaries()[0].n_events == 6


@pytest.mark.parametrize("stage", range(4))
def test_a_deletion_killed_anywhere_is_finished(tmp_path, store, monkeypatch, stage):
    place = planted(store)
    cut, calls = Files.cut, []

    def until(self, name, at):
        calls.append(name)
        if len(calls) > stage:
            raise Killed
        cut(self, name, at)

    monkeypatch.setattr(Files, "cut", until)
    with pytest.raises(Killed):
        store.delete([S.ulid], dead=[I.ulid])
    monkeypatch.undo()
    with closing(again(store)) as one:
        one.finish()
        assert one.summaries(archived=True) == []
    assert not place.exists()
    assert grep_root(tmp_path, MARKER.encode()) == []


def test_several_processes_append_to_one_directory(place, store):
    with closing(again(store)) as other:
        for number in range(20):
            (store if number % 3 else other).append([draft(S, Kind.MARK, f"n{number}")])
        assert texts(store) == texts(other)
        assert [event.seq for event in store.events(S.ulid)] == list(range(1, 25))


# --- nothing is left -----------------------------------------------------------------------------------


def planted(store, kept=b"kept\r\n"):
    store.begin(S, I)
    secret = MARKER.encode() * 3
    store.append([prompt(S, 1, "keep", 0), ended(S, 1, "kept\n", (0, 6))], [chunk(I, 0, kept)])
    store.append(
        [prompt(S, 2, f"cat {MARKER}", 6), ended(S, 2, MARKER, (6, 6 + len(secret)))],
        [chunk(I, 6, secret)],
    )
    at = 6 + len(secret)
    store.append([prompt(S, 3, "keep too", at), ended(S, 3, "x\n", (at, at + 3))], [chunk(I, at, b"x\r\n")])
    return store.base / S.ulid


def test_of_an_erased_turn_no_byte_is_left(tmp_path, store):
    planted(store)
    assert grep_root(tmp_path, MARKER.encode())
    assert store.erase(S.ulid, 2, dead=[I.ulid])
    assert grep_root(tmp_path, MARKER.encode()) == []
    assert [t.command for t in store.turns(S.ulid)] == ["keep", "", "keep too"]
    assert b"".join(c.data for c in store.raw(S.ulid)) == b"kept\r\nx\r\n"


def test_of_a_note_taken_back_no_byte_is_left(tmp_path, place, store):
    store.append([draft(S, Kind.MARK, MARKER, meta={"mark": "note"})])
    assert store.drop_last(S.ulid).text == MARKER
    assert grep_root(tmp_path, MARKER.encode()) == []


def test_who_reads_while_a_turn_is_erased_gets_what_is_left_or_is_told(tmp_path, store):
    planted(store)
    with closing(again(store)) as other:
        reading = other.events(S.ulid)
        assert next(reading).text == "keep"
        assert store.erase(S.ulid, 2)
        with pytest.raises(StoreBusy, match="erased meanwhile"):
            list(reading)
        assert texts(other) == ["keep", "kept\n", "", "", "keep too", "x\n"]
        assert other.summary(S.ulid).n_events == 6


@pytest.mark.parametrize("how", ["rm", "prune"])
def test_of_a_deleted_session_no_byte_is_left_and_foreign_files_stay(tmp_path, store, how):
    place = planted(store)
    foreign = {place / "notes.txt": b"mine", place / "raw" / "readme": b"mine", place / "sub" / "x": b"mine"}
    for path, body in foreign.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    if how == "rm":
        assert keeping.delete(store, tmp_path / "root", [S.ulid], lambda _owner: False) == 1
    else:
        nothing = keeping.Budget(None, 0)
        assert keeping.prune(store, tmp_path / "root", nothing, lambda _owner: False, T0) == 1
    assert grep_root(tmp_path, MARKER.encode()) == []
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == foreign


def test_a_directory_with_nothing_else_in_it_goes_too(store):
    place = planted(store)
    assert store.delete([S.ulid], dead=[I.ulid])
    assert not place.exists()


def test_what_a_killed_writer_left_is_overwritten(tmp_path, place, store):
    line, whole = (
        (place / "events.jsonl").read_text().split("\n")[0] + "\n",
        (place / "session.json").read_text(),
    )
    left = {
        "events.jsonl.part": line,
        "session.json.part": whole,
        f"raw/{6:020}.part": "",
        f"raw/{99:020}": "",
    }
    for name, before in left.items():
        (place / name).write_text(f"{before[:-1]}{MARKER}")
    edit(place / "raw" / f"{0:020}", lambda body: body + MARKER.encode())
    with closing(again(store)) as one:
        one.compact(S.ulid)
        assert grep_root(tmp_path, MARKER.encode()) == []
        assert joined(one.raw(S.ulid)) == b"1\r\n2\r\n"


def test_a_first_write_leaves_segments_alone_that_are_as_they_should_be(place, store):
    segment = place / "raw" / f"{0:020}"
    before = segment.stat().st_ctime_ns
    with closing(again(store)) as one:
        one.append([draft(S, Kind.MARK, "a")])
    assert segment.stat().st_ctime_ns == before


# --- edited by hand --------------------------------------------------------------------------------------


def _other_id(body):
    return body.replace(S.ulid.encode(), ulid(77).encode())


def _escape(body):
    return body.replace(S.ulid.encode(), b"../../../etc/passwd")


DAMAGE = {
    "no json": ("session.json", lambda _body: b"{ not json"),
    "another id": ("session.json", _other_id),
    "a path for an id": ("session.json", _escape),
    "not an object": ("session.json", lambda _body: b"[1, 2]"),
    "nested": ("session.json", lambda _body: b"[" * 100_000),
    "a newer format": ("session.json", lambda body: body.replace(b'"rec": 1', b'"rec": 99')),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_record_is_one_line_and_hides_no_other_session(place, store, damage):
    name, change = DAMAGE[damage]
    other = session(2)
    store.begin(other, invocation(other, 1002))
    before = (place / "events.jsonl").read_bytes()
    edit(place / name, change)
    with closing(again(store)) as one:
        rows = {row.session.ulid: row for row in one.summaries()}
        assert rows[other.ulid].trouble is None
        assert rows[S.ulid].trouble is Status.DAMAGED
        for use in (
            texts,
            lambda each: each.append([draft(S, Kind.MARK, "a")]),
            lambda e: e.erase(S.ulid, 1),
        ):
            with pytest.raises(StoreDamaged, match=r"could not read .*session") as caught:
                use(one)
            assert "\n" not in caught.value.message
        with pytest.raises(StoreDamaged):
            one.delete([S.ulid], dead=[I.ulid])
        assert [detail for _, ok, detail in one.check() if not ok]
        assert one.compact(S.ulid) == 0
    assert (place / "events.jsonl").read_bytes() == before


def test_lines_that_are_none_of_ours_are_passed_over_and_named(place, store):
    lines = (place / "events.jsonl").read_bytes().splitlines(keepends=True)
    nasty = [
        b"\n",
        b"no json at all\n",
        b"{}\n",
        b'{"kind": "mark"}\n',
        b"[" * 50_000 + b"\n",
        lines[1].replace(S.ulid.encode(), ulid(5).encode(), 1),
        lines[1],  # the same seq twice
        b'{"raw": [0, -5], "invocation": 7, "reads": [], "sum": ""}\n',
        b'{"erased": [0, 99999999999999999999999]}\n',
        b'{"activity": {"state": "dancing", "turn": null, "since_ms": 0}}\n',
    ]
    (place / "events.jsonl").write_bytes(b"".join([*lines[:4], *nasty, *lines[4:]]))
    with closing(again(store)) as one:
        assert texts(one) == ["ask 1", "1\n", "ask 2", "2\n"]
        assert one.count(S.ulid) == 4
        told = [detail for _, ok, detail in one.check() if not ok]
        assert len(told) == 1
        assert "lines cannot be read" in told[0]
        assert one.append([draft(S, Kind.MARK, "next")])[0].seq == 5
    kept = (place / "events.jsonl").read_bytes()
    assert b"no json at all" in kept  # nothing is lost


@pytest.mark.parametrize("same", [True, False])
def test_an_erasure_that_fails_behind_its_split_loses_nothing(place, store, monkeypatch, same):
    """Two turns in one run of bytes: the second one's segment begins inside it, and stays if it counts."""
    store.append(
        [
            *(prompt(S, 3, "ask 3", 6, at=3), ended(S, 3, "3\n", (6, 9), at=3)),
            *(prompt(S, 4, "ask 4", 9, at=4), ended(S, 4, "4\n", (9, 12), at=4)),
        ],
        [chunk(I, 6, b"3\r\n4\r\n", at=3)],
    )
    replace = Files.replace

    def full(files, name, parts, **more):
        if name == "events.jsonl":
            raise StoreError("the disk is full")
        replace(files, name, parts, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Files, "replace", full)
        with pytest.raises(StoreError):
            store.erase(S.ulid, 3)
    assert len(list((place / "raw").iterdir())) == 2
    with closing(again(store)) as other:
        one = store if same else other
        one.append([draft(S, Kind.MARK, "note")], [chunk(I, 12, b"5\r\n", at=5)])
        assert joined(one.raw(S.ulid)) == b"1\r\n2\r\n3\r\n4\r\n5\r\n"
        assert one.erase(S.ulid, 3)
        assert b"".join(each.data for each in one.raw(S.ulid)) == b"1\r\n2\r\n4\r\n5\r\n"
        assert grep_root(place, b"3\r\n") == []


@pytest.mark.parametrize("nth", [0, 1])
@pytest.mark.parametrize("spoil", [lambda line: line.replace(b'"raw"', b'"rwa"'), lambda _line: b""])
def test_bytes_whose_line_was_spoilt_are_there_when_it_is_put_right(place, store, nth, spoil):
    store.append([draft(S, Kind.MARK, "c")], [chunk(I, 6, b"3\r\n")])
    lines = (place / "events.jsonl").read_bytes().splitlines(keepends=True)
    line = [each for each in lines if each.startswith(b'{"raw"')][nth]
    whole = b"1\r\n", b"2\r\n", b"3\r\n"
    edit(place / "events.jsonl", lambda body: body.replace(line, spoil(line)))
    with closing(again(store)) as one:
        one.append([draft(S, Kind.MARK, "note")])
        assert [each.data for each in one.raw(S.ulid)] == [*whole[:nth], *whole[nth + 1 :]]
    edit(place / "events.jsonl", lambda body: line + body.replace(spoil(line) or b"\0", b""))
    with closing(again(store)) as one:
        assert sorted(each.data for each in one.raw(S.ulid)) == [*whole]
        assert texts(one)[4:] == ["c", "note"]


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize(
    "spoil", [(b'"raw"', b'"rwa"'), (b'"raw": [', b'"raw": ['[:-1] + b"x"), (b"}", b"}}")]
)
def test_the_bytes_of_a_last_line_that_was_spoilt_are_not_written_over(place, store, spoil, end):
    store.append([], [chunk(I, 6, b"3\r\n")])
    *_, line = (place / "events.jsonl").read_bytes().splitlines(keepends=True)
    spoilt = line.replace(*spoil).removesuffix(b"\n") + end
    edit(place / "events.jsonl", lambda body: body.replace(line, spoilt))
    with closing(again(store)) as one:
        assert one.raw_length(S.ulid) == 9
        one.append([draft(S, Kind.MARK, "note")], [chunk(I, 9, b"4\r\n")])
        assert [each.data for each in one.raw(S.ulid)] == [b"1\r\n", b"2\r\n", b"4\r\n"]
    edit(place / "events.jsonl", lambda body: body.replace(spoilt.strip(), line.strip()))
    with closing(again(store)) as one:
        assert joined(one.raw(S.ulid)) == b"1\r\n2\r\n3\r\n4\r\n"
        assert texts(one)[4:] == ["note"]
        assert all(ok for _, ok, _ in one.check()), one.check()


def test_bytes_that_could_not_be_written_are_written_at_the_next_try_beside_a_spoilt_line(
    place, store, monkeypatch
):
    edit(place / "events.jsonl", lambda body: body + b"spoilt\n")
    append = Files.append

    def full(files, name, at, data):
        if name == "events.jsonl":
            raise StoreError("the disk is full")
        append(files, name, at, data)

    with closing(again(store)) as one:
        with monkeypatch.context() as patch:
            patch.setattr(Files, "append", full)
            with pytest.raises(StoreError):
                one.append([], [chunk(I, 6, b"3\r\n")])
        one.append([], [chunk(I, 6, b"3\r\n")])
        assert joined(one.raw(S.ulid)) == b"1\r\n2\r\n3\r\n"


@pytest.mark.parametrize("foreign", [b"a remark", b'{"a": 1}', b"{} and more", b'"'])
def test_a_last_line_that_is_none_of_ours_stays_without_its_newline_too(place, store, foreign):
    edit(place / "events.jsonl", lambda body: body + foreign)
    with closing(again(store)) as one:
        assert [event.seq for event in one.append([draft(S, Kind.MARK, "next")])] == [5]
        assert texts(one)[4:] == ["next"]
    assert foreign + b"\n" in (place / "events.jsonl").read_bytes()


def test_of_an_erased_turn_no_byte_is_left_beside_lines_that_were_spoilt(tmp_path, store):
    place = planted(store)
    at = store.raw_length(S.ulid)
    store.append([], [chunk(I, at, b"more\r\n")])
    lines = (place / "events.jsonl").read_bytes().splitlines(keepends=True)
    behind = [each for each in lines if each.startswith(b'{"raw"')][2]
    edit(place / "events.jsonl", lambda body: body.replace(behind, behind.replace(b'"raw"', b'"rwa"')))
    with closing(again(store)) as one:
        assert one.erase(S.ulid, 2, dead=[I.ulid])
        assert [each.data for each in one.raw(S.ulid)] == [b"kept\r\n", b"more\r\n"]
    assert grep_root(tmp_path, MARKER.encode()) == []


def test_of_a_damaged_run_that_reaches_out_of_an_erased_turn_no_byte_is_left(tmp_path, store):
    store.begin(S, I)
    secret, rest = b"secret " + MARKER.encode(), b" and more\r\n"
    store.append(
        [prompt(S, 1, "cat", 0), ended(S, 1, "secret", (0, 7)), prompt(S, 2, "keep", 7)],
        [chunk(I, 0, secret + rest)],
    )
    end = len(secret + rest)
    store.append([ended(S, 2, "kept", (end, end + 6))], [chunk(I, end, b"kept\r\n")])
    edit(store.base / S.ulid / "raw" / f"{0:020}", lambda body: body.replace(b"secret", b"SECRET"))
    with closing(again(store)) as one:
        assert one.erase(S.ulid, 1, dead=[I.ulid])
        assert joined(one.raw(S.ulid)) == b"kept\r\n"
    assert grep_root(tmp_path, MARKER.encode()) == []


def test_missing_bytes_are_left_out_and_named(place, store):
    (place / "raw" / f"{0:020}").write_bytes(b"1\r\n2X\n")
    with closing(again(store)) as one:
        assert joined(one.raw(S.ulid)) == b"1\r\n"
        assert ["raw bytes" in detail for _, ok, detail in one.check() if not ok] == [True]
    shutil.rmtree(place / "raw")
    with closing(again(store)) as one:
        assert list(one.raw(S.ulid)) == []
        assert texts(one) == ["ask 1", "1\n", "ask 2", "2\n"]
        one.append([draft(S, Kind.MARK, "on")], [chunk(I, 6, b"on")])
        assert joined(one.raw(S.ulid)) == b"on"


def test_without_its_events_nothing_is_written_over_them(place, store):
    (place / "events.jsonl").unlink()
    with closing(again(store)) as one:
        with pytest.raises(StoreDamaged, match=r"events\.jsonl is gone"):
            one.append([draft(S, Kind.MARK, "a")])
        assert one.summary(S.ulid).trouble is Status.DAMAGED
    assert not (place / "events.jsonl").exists()


LINKS = [
    (name, kind) for name in ("session.json", "events.jsonl", f"raw/{0:020}") for kind in ("sym", "hard")
]


@pytest.mark.parametrize(("name", "kind"), [*LINKS, ("raw", "sym")])
def test_links_are_refused(tmp_path, place, store, name, kind):
    path, away = place / name, tmp_path / "elsewhere"
    path.rename(away)
    path.symlink_to(away) if kind == "sym" else path.hardlink_to(away)
    body = {each: each.read_bytes() for each in [away, *away.rglob("*")] if each.is_file()}
    with closing(again(store)) as one:
        with pytest.raises(StoreError, match=r"symbolic link|second name|no directory"):
            one.append([draft(S, Kind.MARK, "a")], [chunk(I, 6, b"x")])
        assert one.summary(S.ulid) is not None
    assert {each: each.read_bytes() for each in body} == body


def test_a_directory_that_is_a_link_is_refused(tmp_path, place):
    link = tmp_path / "link"
    link.symlink_to(place)
    with pytest.raises(StoreMissing, match="symbolic link"):
        Directory(link, S.ulid)
    with pytest.raises(StoreMissing, match="symbolic link"):
        claimed(link).__enter__()


def test_a_directory_that_others_may_write_is_refused(place, store):
    place.chmod(0o777)
    with closing(again(store)) as one:
        with pytest.raises(StoreDamaged, match=f"could not read session {S.ulid}: .*others may write"):
            texts(one)
        assert one.summaries()[0].trouble is Status.DAMAGED


def test_without_its_record_it_is_damaged_and_not_missing(place, store):
    (place / "session.json").unlink()
    with closing(again(store)) as one:
        assert one.summaries()[0].trouble is Status.DAMAGED
        assert one.missing() == []
        with pytest.raises(StoreDamaged, match=r"session\.json is gone"):
            one.append([draft(S, Kind.MARK, "a")])


def test_a_record_that_was_edited_is_not_written_over(place, store):
    edit(place / "session.json", lambda _body: b"{ not json")
    store.set_meta(S.ulid, "a", "b")
    store.archive(S.ulid, T0)
    store.end_invocation(I.ulid, T0, 0, EndReason.EXIT)
    assert (place / "session.json").read_bytes() == b"{ not json"
    with pytest.raises(StoreDamaged):
        store.take(invocation(S, 1002), I.ulid)
    assert store.meta(S.ulid) == {"a": "b"}


# --- where a session can begin -----------------------------------------------------------------------------


def test_a_directory_with_foreign_content_can_be_used_one_with_a_session_not(tmp_path, place):
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "mine" / "notes").write_text("x")
    for name in ("mine", "made/for/it"):
        with claimed(tmp_path / name) as found:
            assert found == tmp_path / name
        assert not (found / "raw").exists()
    assert os.listdir(tmp_path / "mine") == ["notes"]
    with (
        pytest.raises(Refused, match=rf"could not record into .*: it already holds session {S.ulid}"),
        claimed(place),
    ):
        pass
    for name in ("events.jsonl", "raw"):
        taken = tmp_path / f"with {name}"
        (taken / "raw").mkdir(mode=0o700, parents=True)
        (taken / name / f"{0:020}" if name == "raw" else taken / name).write_text("somebody's")
        taken.chmod(0o700)
        with pytest.raises(Refused, match=f"called {name} is there"), claimed(taken):
            pass


@pytest.mark.parametrize("name", ["events.jsonl.part", "session.json.part", f"raw/{0:020}.part"])
def test_a_foreign_file_with_a_name_that_ours_have_for_a_moment_is_refused_and_stays(tmp_path, name):
    path = tmp_path / "mine" / name
    path.parent.mkdir(mode=0o700, parents=True)
    (tmp_path / "mine").chmod(0o700)
    path.write_text("somebody's")
    for begin in (
        lambda: claimed(tmp_path / "mine").__enter__(),
        lambda: Directory(tmp_path / "mine", S.ulid).begin(Record(S, (I,))),
    ):
        with pytest.raises(Refused, match=f"a file called {name} is there, and no session"):
            begin()
    assert path.read_text() == "somebody's"
    path.write_text("")  # nothing is lost of that
    with claimed(tmp_path / "mine"):
        pass


@pytest.mark.parametrize("name", ["events.jsonl.part", "session.json.part"])
def test_a_foreign_file_that_comes_later_stays_and_what_needs_its_name_is_refused(tmp_path, store, name):
    place = planted(store)
    (place / name).write_text("somebody's")
    with closing(again(store)) as one:
        one.append([draft(S, Kind.MARK, "later")])
        one.compact(S.ulid)
        said = f"could not write into .*: a file called {name} is there, and none of ours"
        with pytest.raises(StoreMissing, match=said):
            one.erase(S.ulid, 2) if "events" in name else Directory(place, S.ulid).remove()
        assert "later" in texts(one)
        assert (place / name).read_text() == "somebody's"
        (place / name).unlink()
        assert one.erase(S.ulid, 2)
    assert grep_root(tmp_path, MARKER.encode()) == []


def test_of_many_who_want_a_directory_at_once_one_gets_it(tmp_path):
    with claimed(tmp_path / "one"):
        for _ in range(2):
            with pytest.raises(Refused, match="another recording is about to begin in it"):
                claimed(tmp_path / "one").__enter__()
        assert Directory(tmp_path / "one", S.ulid).begin(Record(S, (I,)))
        with pytest.raises(Refused, match="it already holds session"):
            claimed(tmp_path / "one").__enter__()
    rounds, winners = 40, []

    def want(nth):
        for each in range(rounds):
            start.wait()
            with suppress(Refused), claimed(tmp_path / f"many {each}"):
                winners.append(each)
                done.wait()
                continue
            done.wait()

    start, done = threading.Barrier(4), threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(want, range(4)))
    assert sorted(winners) == list(range(rounds))


# --- copied, moved, gone ----------------------------------------------------------------------------------


def opened(root, *, readonly=False):
    return Rooted(SqliteStore(root / "rec.db", readonly=readonly), readonly=readonly)


@pytest.fixture
def moved(tmp_path, place, store):
    """A store as a command opens it, whose session's directory was moved."""
    store.set_label("shop", S.ulid)
    store.end_invocation(I.ulid, T0 + 9, 0, EndReason.EXIT)
    store.close()
    place.rename(tmp_path / "moved")
    return tmp_path / "moved"


def test_a_copy_is_read_by_its_path_and_nowhere_written(tmp_path, place, store):
    store.set_meta(S.ulid, "a", "b")
    shutil.copytree(place, tmp_path / "copy", copy_function=shutil.copy)
    with closing(opened(tmp_path / "other")) as one:
        one.begin(session(9), invocation(session(9), 1009))
    with closing(opened(tmp_path / "other", readonly=True)) as one:
        assert lookup.session(one, f"{tmp_path}/copy/") == S.ulid
        assert texts(one) == ["ask 1", "1\n", "ask 2", "2\n"]
        assert one.summary(S.ulid).n_turns == 2
        assert one.meta(S.ulid) == {"a": "b"}
        assert one.with_prefix("") == [ulid(9)]
    with (
        closing(opened(tmp_path / "root")) as one,
        pytest.raises(Refused, match=f"it is a copy of session {S.ulid}"),
    ):
        lookup.session(one, f"{tmp_path}/copy")


def test_who_writes_adopts_a_directory_that_has_no_row(tmp_path, place, store):
    store.set_meta(S.ulid, "a", "b")
    store.end_invocation(I.ulid, T0 + 9, 3, EndReason.EXIT)
    with closing(opened(tmp_path / "other")) as one:
        assert lookup.session(one, f"{place}/") == S.ulid
        found = one.summary(S.ulid)
        assert (found.session.directory, found.n_events, found.invocation.exit_status) == (str(place), 4, 3)
        assert one.meta(S.ulid) == {"a": "b", "adopted": str(place)}
        second = invocation(S, 1002)
        assert one.take(second, I.ulid)
        one.append([draft(S, Kind.MARK, "here", invocation=second.ulid)])
    assert [run.ulid for run in Directory(place, S.ulid).record().invocations] == [I.ulid, second.ulid]


def test_a_moved_directory_is_missing_until_it_is_named_where_it_is(tmp_path, moved):
    with closing(opened(tmp_path / "root")) as one:
        (row,) = one.summaries()
        assert (row.trouble, row.labels) == (Status.MISSING, ("shop",))
        with pytest.raises(StoreMissing, match=rf"could not read session {S.ulid}: its directory .* missing"):
            texts(one)
        with pytest.raises(StoreMissing):
            one.delete([S.ulid])
        assert keeping.prune(one, tmp_path / "root", keeping.Budget(1, None), alive, T0 * 2) == 0
        assert one.compact(S.ulid) == 0
        assert one.turns() == []
        assert one.open_invocations(unrecovered=True) == []
    with closing(opened(tmp_path / "root", readonly=True)) as one:
        assert one.at(str(moved)) == S.ulid
        assert len(texts(one)) == 4
    with closing(opened(tmp_path / "root")) as one:
        assert one.summary(S.ulid).trouble is Status.MISSING
        assert one.at(f"{moved}/") == S.ulid
        assert one.summary(S.ulid).trouble is None
        assert one.summary(S.ulid).session.directory == str(moved)


def test_forgetting_deletes_the_row_and_no_directory_that_comes_back(tmp_path, moved):
    with closing(opened(tmp_path / "root")) as one:
        assert one.missing() == [(S.ulid, str(tmp_path / "sessions" / S.ulid))]
        assert one.forget(S.ulid)
        assert (one.summaries(archived=True), one.labels()) == ([], [])
    moved.rename(tmp_path / "sessions" / S.ulid)
    with closing(opened(tmp_path / "root")) as one:
        one.finish()
        assert one.at(str(tmp_path / "sessions" / S.ulid)) == S.ulid
        assert len(texts(one)) == 4


def test_one_with_forks_is_not_forgotten(tmp_path, moved):
    with closing(opened(tmp_path / "root")) as one:
        child = session(2, parent_ulid=S.ulid, fork_turn=1, fork_seq=2)
        one.begin(child, invocation(child, 1002))
        assert not one.forget(S.ulid)
        assert one.summary(S.ulid).session.directory == str(tmp_path / "sessions" / S.ulid)


def test_a_path_without_a_session_is_no_session(tmp_path, store):
    for needle in (str(tmp_path), f"{tmp_path}/nowhere/", "../..", "/tmp/", "/dev/null"):
        with pytest.raises(NotFound, match="no such session"):
            lookup.session(store, needle)


def test_what_is_in_the_root_and_in_directories_is_listed_together(tmp_path, store):
    """By seq of times: the turns, the history, the names, the sizes."""
    root = store._root
    for number in range(1, 7):
        owner = session(number)
        keeper = store if number % 2 else root
        keeper.begin(owner, invocation(owner, 1000 + number))
        keeper.append([prompt(owner, 1, f"in {number}", at=number), prompt(owner, 2, "same", at=number + 10)])
    assert [turn.command for turn in store.turns()] == [f"in {n}" for n in range(1, 7)] + ["same"] * 6
    assert [turn.command for turn in store.turns(last=8)][:2] == ["in 5", "in 6"]
    assert store.history("sqlite3") == [*(f"in {n}" for n in range(1, 7)), "same"]
    assert store.history("sqlite3", limit=2) == ["in 6", "same"]
    assert [row.n_turns for row in store.summaries()] == [2] * 6
    assert len(store.sizes()) == 6
    assert min(store.sizes().values()) > 0
    assert store.size_bytes() > root.size_bytes()
    written = store.append([draft(ulid(n), Kind.MARK, str(n)) for n in (1, 2, 1)])
    assert [(event.session, event.text) for event in written] == [(ulid(n), str(n)) for n in (1, 2, 1)]


def test_the_root_of_a_directory_may_be_relative(tmp_path, monkeypatch, place, store):
    monkeypatch.chdir(tmp_path)
    assert lookup.session(store, f"./sessions/{S.ulid}") == S.ulid
    assert lookup.turn(store, f"./sessions/{S.ulid}:2").command == "ask 2"
    assert Path("sessions").is_dir()
