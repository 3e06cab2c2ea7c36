"""Search in every back end: what is found, in which order; the index changes nothing but time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making import T0, draft, ended, invocation, prompt, session
from placing import placed

from recorder import query as asking
from recorder import searching
from recorder.model import EndReason, Kind, Session
from recorder.stores import sqlite_search
from recorder.stores.memory import MemoryStore
from recorder.stores.sqlite import SqliteStore

NUMBERS = {session(number).ulid: number for number in range(200)}


BACK_ENDS = {"sqlite": None, "indexed": None, "memory": lambda _: MemoryStore(), "directory": placed}


@pytest.fixture(params=BACK_ENDS)
def store(request, tmp_path):
    make = BACK_ENDS[request.param] or (lambda place: SqliteStore(place / "store" / "rec.db"))
    made = make(tmp_path)
    made.wants_index = request.param == "indexed"
    yield made
    made.close()


def query(*words, **more):
    return replace(asking.of_terms(asking.words(words)), **more)


def record(store, number, turns, *, at=0, **facts) -> Session:
    """A session with some turns (command, output), a minute after another for each ``at``."""
    s = session(number, created_ms=T0 + at * 60_000, **facts)
    store.begin(s, invocation(s, 1000 + number))
    for turn, (command, text) in enumerate(turns, 1):
        start = at * 60_000 + turn * 1000
        status = 1 if text.startswith("ERROR") else 0
        store.append(
            [
                prompt(s, turn, command, at=start),
                ended(s, turn, text, (0, 0), at=start, status=status),
            ]
        )
    if getattr(store, "wants_index", False):
        while store.index(s.ulid, rest=True):
            pass
    return s


def places(store, *words, **more):
    """Where something is found: session's number, seq, snippet."""
    hits = store.search(query(*words, **more))
    return [(NUMBERS[hit.event.session], hit.event.seq, hit.snippet) for hit in hits]


def test_the_newest_session_comes_first_and_of_it_the_newest_event(store):
    record(store, 1, [("open shop", "shop opened\n"), ("close shop", "bye\n")])
    record(store, 2, [("ls", "shop.db\n")], at=2)
    record(store, 3, [("ls", "other\n")], at=1)
    assert places(store, "shop") == [
        (2, 2, "shop.db"),
        (1, 3, "close shop"),
        (1, 2, "shop opened"),
        (1, 1, "open shop"),
    ]
    store.append([draft(session(1), Kind.MARK, "a shop note", at=600_000, meta={"mark": "note"})])
    assert [seq for number, seq, _ in places(store, "shop") if number == 1] == [5, 3, 2, 1]
    assert places(store, "shop")[0] == (1, 5, "a shop note")


def test_words_beginnings_phrases_and_parts(store):
    record(store, 1, [("psql shop", "ERROR: connection refused\n"), ("\\q", "reconnecting to my_table\n")])
    assert places(store, "connection") == [(1, 2, "ERROR: connection refused")]
    assert places(store, "conn") == []
    assert [seq for _, seq, _ in places(store, "*conn*")] == [4, 2]
    assert [seq for _, seq, _ in places(store, "conn*")] == [2]
    assert [seq for _, seq, _ in places(store, "connection refused")] == [2]
    assert places(store, "refused connection") == []
    assert [seq for _, seq, _ in places(store, "refused", "connection")] == [2]
    assert [seq for _, seq, _ in places(store, ":")] == [2]
    assert [seq for _, seq, _ in places(store, "my_table")] == [4]


def test_it_is_narrowed_by_kind_tool_host_directory_status_and_time(store):
    record(store, 1, [("needle", "needle\n"), ("x", "ERROR needle\n")], tool="psql", cwd="/srv")
    record(store, 2, [("needle", "a needle\n")], at=1)
    assert len(places(store, "needle")) == 5
    assert [number for number, _, _ in places(store, "needle", kinds=("prompt",))] == [2, 1]
    assert [number for number, _, _ in places(store, "needle", kinds=("output",))] == [2, 1, 1]
    assert {number for number, _, _ in places(store, "needle", tool="psql")} == {1}
    assert places(store, "needle", tool="gdb") == []
    assert len(places(store, "needle", host="here")) == 5
    assert places(store, "needle", host="there") == []
    assert [number for number, _, _ in places(store, "needle", cwds=frozenset({"/work"}))] == [2, 2]
    assert [seq for _, seq, _ in places(store, "needle", failed=True)] == [4]
    assert [number for number, _, _ in places(store, "needle", since_ms=T0 + 60_000)] == [2, 2]
    assert [(number, seq) for number, seq, _ in places(store, "needle", since_ms=T0 + 2000)] == [
        (2, 2),
        (2, 1),
        (1, 4),
    ]


def test_what_a_fork_inherits_is_found_once(store):
    parent = record(store, 1, [("needle", "one\n")])
    record(store, 2, [("needle", "two\n")], at=1, parent_ulid=parent.ulid, fork_turn=1, fork_seq=2)
    assert [(number, seq) for number, seq, _ in places(store, "needle")] == [(2, 3), (1, 1)]


def test_archived_sessions_are_found_and_erased_turns_are_not(store):
    s = record(store, 1, [("needle", "needle\n"), ("needle 2", "needle\n")])
    store.archive(s.ulid, T0)
    assert len(places(store, "needle")) == 4
    store.erase(s.ulid, 1)
    assert [seq for _, seq, _ in places(store, "needle")] == [4, 3]


def test_a_hit_knows_its_turn(store):
    record(store, 1, [("show it", "a needle\n")])
    (hit,) = store.search(query("needle"))
    assert hit.turn == store.turn(hit.event.session, 1)
    assert (hit.event.kind, hit.turn.command) == ("output", "show it")


def test_parts_of_words_are_found_where_words_are_not(store):
    record(store, 1, [("a", "reconnect\n"), ("b", "connect\n")])
    words = asking.words(["onnec"])
    queries = [asking.of_terms(words), asking.of_terms(asking.loosened(words))]
    found = searching.find(store, queries, 1)
    assert (found.loose, [hit.snippet for hit in found.hits]) == (True, ["connect"])
    assert searching.find(store, queries[:1], None) == ((), False)


def test_the_best_come_first(store):
    record(store, 1, [("a", "needle " + "x " * 500), ("b", "needle needle\n"), ("c", "needle\n")])
    found = searching.find(store, [query("needle")], 2, best=True)
    assert [hit.event.seq for hit in found.hits] == [4, 6]


WORDS = st.sampled_from(
    ["shop", "Shop", "shops", "my_shop", "shop.db", "x-shop", "ERROR", "日本語", "é", "12"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
ASKED = st.one_of(WORDS, TEXTS, st.sampled_from(["*hop*", "sho*", "*op", "hop.d", "1", "o", "."]))


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    st.lists(st.lists(st.tuples(TEXTS, TEXTS), max_size=4), min_size=1, max_size=6),
    st.lists(ASKED, min_size=1, max_size=3),
    st.sampled_from(list(asking.PLACES)),
    st.data(),
)
def test_the_index_finds_what_reading_everything_finds(tmp_path_factory, turns, words, place, data):
    path = tmp_path_factory.mktemp("store") / "root" / "rec.db"
    plain, indexed = MemoryStore(), SqliteStore(path)
    for number, each in enumerate(turns, 1):
        s = record(plain, number, each, at=number % 3)
        record(indexed, number, each, at=number % 3)
        todo = data.draw(st.sampled_from(["nothing", "index", "index and more", "seal and index", "erase"]))
        if todo == "seal and index":
            indexed.end_invocation(invocation(s, 1000 + number).ulid, T0, 0, EndReason.EXIT)
            indexed.seal(s.ulid)
        if todo != "nothing":
            indexed.index(s.ulid, rest=True)
        for store in (plain, indexed):
            if todo == "index and more":
                store.append([draft(s, Kind.MARK, "shop.db of 日本語", at=99_000)])
            if todo == "erase":
                store.erase(s.ulid, 1)
    for terms in filter(None, (asking.words(words), asking.loosened(asking.words(words)))):
        asked = replace(asking.of_terms(terms), kinds=asking.PLACES[place])
        expected = list(plain.search(asked))
        assert list(indexed.search(asked)) == expected
    assert all(ok for _, ok, _ in indexed.check())
    indexed.close()


def test_sessions_in_directories_stand_among_the_others(tmp_path):
    mixed = placed(tmp_path)
    for number in (1, 3, 5):
        record(mixed, number, [("needle", "one\n")], at=number)
    root = mixed._root
    for number in (2, 4):
        record(root, number, [("needle", "two\n")], at=number)
    assert [number for number, _, _ in places(mixed, "needle")] == [5, 4, 3, 2, 1]
    assert [number for number, _, _ in places(mixed, "two")] == [4, 2]
    assert [number for number, _, _ in places(mixed, "one", tool="gdb")] == []
    mixed.close()


class Late(Exception):
    """Whoever searches has no more time."""


def test_a_search_can_be_stopped_within_a_session(store):
    s = record(store, 1, [])
    for at in range(0, 5000, 1000):
        store.append([draft(s, Kind.OUTPUT, f"needle {at + n}", at=at + n) for n in range(1000)])
    if store.wants_index:
        while store.index(s.ulid, rest=True):
            pass
    assert [hit.event.seq for hit in store.search(query("needle"))] == [*range(5000, 0, -1)]
    read, said = [], []

    def find(text):
        read.append(text)
        return [(0, 6)] if text == "needle 10" else []

    def told(done, of):
        said.append((done, of))
        if len(said) == last:
            raise Late

    asked, last = replace(query("needle"), find=find), None
    assert [hit.snippet for hit in store.search(asked, told)] == ["needle 10"]
    assert len(said) >= 5000 // 1024
    for last in (1, 2, 4):
        read, said = [], []
        with pytest.raises(Late):
            list(store.search(asked, told))
        assert len(read) <= (last - 1) * 1024


def test_no_more_than_a_piece_is_held_of_what_is_not_indexed(tmp_path, monkeypatch):
    store = SqliteStore(tmp_path / "store" / "rec.db")
    s = record(store, 1, [])
    store.append([draft(s, Kind.OUTPUT, f"needle {n}", at=n) for n in range(3000)])
    sizes = []
    whole = asking.answers

    def answers(query, events, *more):
        events = list(events)
        sizes.append(len(events))
        return whole(query, events, *more)

    monkeypatch.setattr(sqlite_search.asking, "answers", answers)
    found = store.search(query("needle"))
    assert [next(found).event.seq for _ in range(3)] == [3000, 2999, 2998]
    assert sizes == [256]  # what is not asked for is not read
    assert [hit.event.seq for hit in found] == [*range(2997, 0, -1)]
    assert (max(sizes), sum(sizes)) == (256, 3000)
    store.close()


# --- the index of a database -----------------------------------------------------------------------


@pytest.fixture
def indexed(tmp_path):
    made = SqliteStore(tmp_path / "store" / "rec.db")
    made.wants_index = True
    yield made
    made.close()


def rows(store, table):
    return [number for (number,) in store._db.execute(f"SELECT number FROM {table} ORDER BY number")]


def many(store, count):
    return [record(store, n, [(f"word{n}", f"common part{n}\n")], at=n) for n in range(1, count + 1)]


@pytest.mark.parametrize("first", [0, 3, 100])
def test_chapters_rule_out_most_and_hide_nothing(indexed, monkeypatch, first):
    monkeypatch.setattr(sqlite_search, "_FIRST", first)
    many(indexed, 150)
    assert (len(rows(indexed, "block")), rows(indexed, "chapter")) == (150, [0, 1])
    for number in (1, 64, 65, 130, 150):
        assert [each[0] for each in places(indexed, f"word{number}")] == [number]
    assert [each[0] for each in places(indexed, "common")] == list(range(150, 0, -1))
    assert [each[0] for each in places(indexed, "*ord14*")] == [
        149,
        148,
        147,
        146,
        145,
        144,
        143,
        142,
        141,
        140,
        14,
    ]
    indexed._db.execute("DELETE FROM chapter WHERE number = 0")
    assert [each[0] for each in places(indexed, "word7")] == [7]
    indexed.wipe()
    assert rows(indexed, "chapter") == [0, 1]


def test_a_block_is_closed_when_it_is_full(indexed):
    s = session(1)
    run = invocation(s, 1001)
    indexed.begin(s, run)
    indexed.append([draft(s, Kind.OUTPUT, "needle " * 1000) for _ in range(25)])
    assert [indexed.index(s.ulid) for _ in range(4)] == [True, True, False, False]
    assert indexed.unindexed() == {s.ulid: 5}
    indexed.append([draft(s, Kind.RESIZE) for _ in range(2000)])
    assert [indexed.index(s.ulid) for _ in range(3)] == [True, False, False]
    assert indexed.index(s.ulid, rest=True)
    assert not indexed.index(s.ulid, rest=True)
    assert indexed.unindexed() == {}
    assert not indexed.index(session(2).ulid, rest=True)
    spans = indexed._db.execute("SELECT first_seq, last_seq FROM block").fetchall()
    assert spans == [(1, 10), (11, 20), (21, 1044), (1045, 2025)]


def test_what_is_deleted_takes_its_blocks_and_their_chapters_are_made_anew(indexed):
    made = many(indexed, 70)
    assert rows(indexed, "chapter") == [0]
    before = indexed._db.execute("SELECT words FROM chapter").fetchone()
    dead = [invocation(made[4], 1005).ulid]
    assert indexed.delete([made[4].ulid], dead=dead)
    assert 4 not in rows(indexed, "block")
    assert rows(indexed, "chapter") == [0]
    assert indexed._db.execute("SELECT words FROM chapter").fetchone() != before
    assert places(indexed, "word5") == []
    assert all(ok for _, ok, _ in indexed.check())


def test_a_block_in_the_place_of_one_that_was_deleted_is_found(indexed):
    """Its number is in a chapter that was closed when there were blocks behind it."""
    made = many(indexed, 66)
    for gone in (made[61:64], made[64:]):
        dead = [run.ulid for run in indexed.open_invocations() if run.session in {each.ulid for each in gone}]
        assert indexed.delete([each.ulid for each in gone], dead=dead)
    assert (max(rows(indexed, "block")), rows(indexed, "chapter")) == (60, [0])
    record(indexed, 70, [("latecomer", "\n")], at=70)
    assert max(rows(indexed, "block")) == 61
    assert [each[0] for each in places(indexed, "latecomer")] == [70]
    assert all(ok for _, ok, _ in indexed.check())


def test_a_recorder_of_an_older_version_leaves_no_word_either(indexed):
    """It knows nothing of the index; these are its statements."""
    made = many(indexed, 3)
    key = indexed._id(made[0].ulid)
    indexed._db.execute(f"UPDATE event SET text = '', meta = '' WHERE id >> 32 = {key}")
    indexed._db.execute(f"UPDATE turn SET command = '', flags = flags | 4 WHERE id >> 32 = {key}")
    indexed._db.execute(f"DELETE FROM session WHERE ulid = '{made[1].ulid}'")
    assert rows(indexed, "block") == [2]


def test_compacting_makes_the_index_anew(indexed):
    made = many(indexed, 3)
    indexed._db.execute("UPDATE block SET words = (SELECT words FROM block WHERE number = 2)")
    (finding,) = (each for each in indexed.check() if each[0] == "search index")
    assert finding == (
        "search index",
        False,
        f"block 0 is not what session {made[0].ulid} says; block 1 is not what session {made[1].ulid} says",
    )
    for each in made:
        indexed.compact(each.ulid)
    assert all(ok for _, ok, _ in indexed.check())
    assert [each[0] for each in places(indexed, "word1")] == [1]


@pytest.mark.parametrize("blob", [b"", b"\x01broken", b"\x00no sections"])
def test_a_damaged_list_hides_nothing_and_is_named(indexed, blob):
    many(indexed, 70)
    for table in ("block", "chapter"):
        indexed._db.execute(f"UPDATE {table} SET words = ?", (blob,))
    assert [each[0] for each in places(indexed, "word1")] == [1]
    assert not next(ok for check, ok, _ in indexed.check() if check == "search index")


def test_a_store_without_an_index_is_read_through(tmp_path):
    path = tmp_path / "store" / "rec.db"
    store = SqliteStore(path)
    made = many(store, 3)
    for table in ("block", "chapter"):
        store._db.execute(f"DROP TABLE {table}")
    store.close()
    old = SqliteStore(path, readonly=True)
    assert [each[0] for each in places(old, "word2")] == [2]
    assert old.unindexed() == {each.ulid: 2 for each in reversed(made)}
    assert ("search index", True, "none yet") in old.check()
    old.close()


def test_what_waits_is_indexed_before_a_search_only_if_it_is_much(indexed, monkeypatch):
    indexed.wants_index = False
    made = many(indexed, 3)
    assert searching.behind(indexed) == []
    monkeypatch.setattr(searching, "BEHIND", 5)
    behind = searching.behind(indexed)
    assert behind == [each.ulid for each in made]
    searching.catch_up(indexed, behind, lambda *_: None)
    assert indexed.unindexed() == {}
    assert len(rows(indexed, "block")) == 3
