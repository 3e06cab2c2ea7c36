"""Spill files come home once, interrupted sessions are completed once, live ones are left alone."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import pytest
from making import T0, chunk, draft, ended, invocation, joined, prompt, session, span, ulid

from recorder import care, spill
from recorder.errors import StoreFull
from recorder.model import End, EndReason, Kind, Owner
from recorder.stores import files
from recorder.stores.memory import MemoryStore
from recorder.stores.sqlite import SqliteStore

S = session(1)
I = invocation(S, 1001)  # noqa: E741


def dead(_owner):
    return False


def alive(_owner):
    return True


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def store(root):
    made = SqliteStore(root / "rec.db")
    yield made
    made.close()


def spilled(root, items, *, run=I, end=(T0 + 9, 0, EndReason.EXIT), seen=None, name=None):
    path = files.private_directory(root / "spill") / (name or run.ulid)
    files.write_private(path, spill.encode(spill.Spill(S, run, list(items), seen or {}, end)))
    return path


ITEMS = [
    chunk(I, 0, b"select 1;\r\n1\r\n"),
    prompt(S, 1, "select 1;", 11, invocation=I.ulid),
    span(I, 1, b"1\r\n", 11, meta={"end": "done", "status": None}),
    draft(S, Kind.SYSTEM, "exited with status 0"),
]


def kinds(store):
    return [(event.kind, event.text) for event in store.events(S.ulid)]


WANTED = [("prompt", "select 1;"), ("output", "1\n"), ("system", "exited with status 0")]


# --- spill -----------------------------------------------------------------------------------------


def test_a_spill_file_is_imported_and_removed(root, store):
    path = spilled(root, ITEMS)
    assert care.waiting(root)
    done = care.tidy(store, root, dead)
    assert (done.imported, done.problems) == ([S.ulid], [])
    assert not path.exists()
    assert not care.waiting(root)
    assert kinds(store) == WANTED
    assert joined(store.raw(S.ulid)) == b"select 1;\r\n1\r\n"
    assert store.turn(S.ulid, 1).end is End.DONE
    assert store.summary(S.ulid).invocation.end_reason is EndReason.EXIT


@pytest.mark.parametrize(("taken", "has"), [(False, ("shop",)), (True, ())], ids=["free", "moved-since"])
def test_a_spilled_session_keeps_its_label_unless_another_has_it_by_now(root, store, taken, has):
    if taken:
        other = session(5)
        store.begin(other, invocation(other, 1005), "shop")
    spilled(root, [*ITEMS, draft(S, Kind.MARK, "label shop", meta={"mark": "label", "label": "shop"})])
    assert care.tidy(store, root, dead).problems == []
    assert store.summary(S.ulid).labels == has


def test_importing_twice_is_importing_once(root, store):
    for _ in range(3):
        spilled(root, ITEMS)
        assert care.tidy(store, root, dead).problems == []
    assert kinds(store) == WANTED
    assert store.raw_length(S.ulid) == 14


def test_what_the_recorder_wrote_after_all_is_not_written_again(root, store):
    store.begin(S, I)
    store.append([draft(S, Kind.MARK, "before")])
    store.append([ITEMS[1]], [chunk(I, 0, b"select 1;\r\n1")])
    spilled(root, ITEMS, seen={S.ulid: 1})
    care.tidy(store, root, dead)
    assert kinds(store) == [("mark", "before"), *WANTED]
    assert joined(store.raw(S.ulid)) == b"select 1;\r\n1\r\n"


def test_events_that_are_alike_are_all_kept(root, store):
    same = draft(S, Kind.ALERT, "bell")
    spilled(root, [same, same, same])
    care.tidy(store, root, dead)
    assert kinds(store) == [("alert", "bell")] * 3


def test_processes_that_race_import_it_once(root, store):
    path = root / "rec.db"
    for round_ in range(10):
        items = [draft(S, Kind.MARK, f"{round_}.{n}") for n in range(20)]
        spilled(root, items)
        start = threading.Barrier(3)

        def work(start=start):
            mine = SqliteStore(path)
            start.wait()
            care.tidy(mine, root, dead)
            mine.close()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert kinds(store) == [("mark", f"{round_}.{n}") for round_ in range(10) for n in range(20)]


def test_a_cut_file_gives_what_is_whole_and_says_what_is_lost(root, store):
    path = spilled(root, ITEMS)
    path.write_bytes(path.read_bytes()[:-400])
    for _ in range(2):
        care.tidy(store, root, dead)
    read = kinds(store)
    assert read[0] == ("prompt", "select 1;")
    assert read[-1][0] == "alert"
    assert "lost" in read[-1][1]
    assert sum(kind == "alert" for kind, _ in read) == 1


def test_a_file_that_is_being_written_is_left_alone_until_its_writer_is_dead(root, store):
    path = spilled(root, ITEMS, name=I.ulid + ".part")
    assert care.tidy(store, root, alive).imported == []
    assert path.exists()
    assert care.tidy(store, root, dead).imported == [S.ulid]
    assert not path.exists()


def test_what_is_no_spill_file_stays_where_it_is(root, store):
    directory = files.private_directory(root / "spill")
    (directory / "notes.txt").write_text("mine")
    (directory / ulid(5)).write_text("not a spill file")
    (directory / ulid(6)).symlink_to("/etc/passwd")
    os.mkfifo(directory / ulid(7))
    done = care.tidy(store, root, dead)
    assert done.imported == []
    assert len(done.problems) == 3
    assert len(list(directory.iterdir())) == 4


def test_a_store_that_fails_is_a_problem_and_no_exception(root):
    class Full(MemoryStore):
        def append(self, *_args, **_more):
            raise StoreFull("could not write the store: no space left")

    store = Full()
    path = spilled(root, ITEMS)
    store.begin(session(2), invocation(session(2), 1002))
    done = care.tidy(store, root, dead)
    assert len(done.problems) == 2
    assert all("no space left" in problem for problem in done.problems)
    assert path.exists()
    assert I in store.open_invocations(unrecovered=True)  # its spill file knows better than a guess


# --- interrupted sessions --------------------------------------------------------------------------


def crashed(store, run=I, raw=b"select 1;\r\n1\r\nsqlite> select 2;\r\ntwo\r\nthr"):
    store.begin(S, run)
    store.append(
        [
            prompt(S, 1, "select 1;", 11, invocation=run.ulid),
            ended(S, 1, "1\n", (11, 14)),
            prompt(S, 2, "select 2;", 33, invocation=run.ulid),
        ],
        [chunk(run, 0, raw)],
    )


def test_an_interrupted_turn_gets_what_its_tool_had_printed(store, root):
    crashed(store)
    done = care.tidy(store, root, dead)
    assert done.recovered == [S.ulid]
    two = store.turn(S.ulid, 2)
    assert (two.end, two.raw_start, two.raw_end) == (End.INTERRUPTED, 33, 41)
    output = next(event for event in store.events(S.ulid, kinds=["output"], last=1))
    assert (output.text, output.turn, output.invocation) == ("two\nthr", 2, I.ulid)
    assert [event.kind for event in store.events(S.ulid, last=1)] == ["system"]
    assert store.summary(S.ulid).invocation.ended_ms is None


def test_it_is_done_once(store, root):
    crashed(store)
    care.tidy(store, root, dead)
    before = list(store.events(S.ulid))
    done = care.tidy(store, root, dead)
    assert (done.recovered, done.problems) == ([], [])
    assert list(store.events(S.ulid)) == before
    assert store.open_invocations(unrecovered=True) == []
    assert store.open_invocations() == [I]


def test_a_live_session_is_never_touched(store, root):
    crashed(store)
    again = invocation(S, 1002, owner=Owner(os.getpid(), 5, "boot"))
    store.begin(S, again)
    before = list(store.events(S.ulid))
    done = care.tidy(store, root, lambda owner: owner.start_time == 5)
    assert done.recovered == []
    assert list(store.events(S.ulid)) == before
    assert len(store.open_invocations(unrecovered=True)) == 2


def test_all_turns_whose_text_lagged_behind_are_completed(store, root):
    store.begin(S, I)
    raw, drafts = b"", []
    for number in range(1, 6):
        raw += b"> say %d\r\n" % number
        drafts.append(prompt(S, number, f"say {number}", len(raw), invocation=I.ulid))
        drafts[-1].meta["prompt_text"] = "> "
        raw += b"said %d\r\n" % number
    store.append(drafts, [chunk(I, 0, raw)])
    care.tidy(store, root, dead)
    texts = [event.text for event in store.events(S.ulid, kinds=["output"])]
    assert texts == [f"said {number}\n" for number in range(1, 6)]
    ends = [turn.end for turn in store.turns(S.ulid)]
    assert ends == [End.UNKNOWN] * 4 + [End.INTERRUPTED]


def test_only_a_prompt_after_the_last_turn_is_nothing_to_keep(store, root):
    store.begin(S, I)
    store.append(
        [prompt(S, 1, "x", 3, invocation=I.ulid), ended(S, 1, "1\n", (3, 6))],
        [chunk(I, 0, b"x\r\n1\r\nsqlite> sel")],
    )
    done = care.tidy(store, root, dead)
    assert done.recovered == []
    assert store.count(S.ulid) == 2
    assert store.open_invocations(unrecovered=True) == []


def test_lines_after_the_last_turn_are_kept(store, root):
    store.begin(S, I)
    store.append([], [chunk(I, 0, b"welcome\r\nready\r\n> ")])
    care.tidy(store, root, dead)
    (output, _note) = store.events(S.ulid)
    assert (output.text.splitlines()[:2], output.turn) == (["welcome", "ready"], None)


def test_two_processes_that_repair_the_same_session_do_it_once(store, root):
    crashed(store)
    start = threading.Barrier(4)

    def work():
        mine = SqliteStore(root / "rec.db")
        start.wait()
        care.tidy(mine, root, dead)
        mine.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count(S.ulid) == 5


def test_a_spill_file_completes_a_session_before_anything_is_derived(store, root):
    crashed(store)
    rest = [
        chunk(I, 41, b"ee\r\n"),
        span(I, 2, b"two\r\nthree\r\n", 33, meta={"end": "done", "status": None}),
    ]
    spilled(root, rest, seen={S.ulid: 3}, end=(T0 + 50, 0, EndReason.EXIT))
    done = care.tidy(store, root, dead)
    assert (done.imported, done.recovered) == ([S.ulid], [])
    assert store.turn(S.ulid, 2).end is End.DONE
    assert [event.text for event in store.events(S.ulid, kinds=["output"])] == ["1\n", "two\nthree\n"]


def test_a_damaged_session_does_not_keep_the_others_from_being_completed(store, root):
    crashed(store)
    other = session(2)
    run = invocation(other, 1002)
    store.begin(other, run)
    turn = replace(prompt(other, 1, "y", 0), session=other.ulid)
    store.append([turn], [replace(chunk(run, 0, b"fine\r\n"), session=other.ulid)])
    store._db.execute("UPDATE segment SET data = x'01ff' WHERE id < (2 << 40)")
    done = care.tidy(store, root, dead)
    assert done.problems == []
    assert other.ulid in done.recovered
    assert [event.text for event in store.events(other.ulid, kinds=["output"])] == ["fine\n"]
