"""What every back end promises (recorder/store.py): the same tests for each of them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import (
    T0,
    chunk,
    chunks,
    draft,
    ended,
    flat,
    invocation,
    joined,
    moment,
    output,
    prompt,
    session,
    ulid,
)
from placing import placed

from recorder import turns
from recorder.errors import NotFound
from recorder.model import Activity, Draft, End, EndReason, Kind, Moment, Near, State, Switch
from recorder.stores import sqlite_seal
from recorder.stores.memory import MemoryStore
from recorder.stores.sqlite import SqliteStore

S = session(1)
I = invocation(S, 1001)  # noqa: E741


def _sqlite(directory):
    return SqliteStore(directory / "store" / "rec.db")


def _memory(directory):
    return MemoryStore()


BACK_ENDS = {"sqlite": _sqlite, "memory": _memory, "directory": placed}


@pytest.fixture(params=BACK_ENDS)
def store(request, tmp_path):
    made = BACK_ENDS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def begun(store):
    store.begin(S, I)
    return store


def texts(events):
    return [event.text for event in events]


# --- events ----------------------------------------------------------------------------------------


def test_seqs_begin_at_one_and_have_no_holes(begun):
    first = begun.append([draft(S, Kind.SYSTEM, "a"), draft(S, Kind.SYSTEM, "b")])
    second = begun.append([draft(S, Kind.MARK, "c")])
    assert [event.seq for event in first + second] == [1, 2, 3]
    assert texts(begun.events(S.ulid)) == ["a", "b", "c"]
    assert begun.count(S.ulid) == 3


def test_an_event_comes_back_as_it_was_written(begun):
    written = Draft(
        session=S.ulid,
        kind=Kind.PROMPT,
        at=Moment(T0 + 5, 17),
        text="select 'ß\U0001f680\x00\udcff';",
        turn=4,
        invocation=I.ulid,
        meta={"raw": 3, "prompt_text": "sqlite> ", "deep": {"a": [1, None, True, 1.5, "\x1b"]}},
    )
    (event,) = begun.append([written])
    (read,) = begun.events(S.ulid)
    assert read == event
    assert (read.session, read.seq, read.kind) == (S.ulid, 1, "prompt")
    assert (read.at, read.text, read.turn) == (written.at, written.text, 4)
    assert (read.invocation, read.meta) == (I.ulid, written.meta)


def test_every_kind_can_be_written(begun):
    begun.append([draft(S, kind, kind.value) for kind in Kind])
    assert [event.kind for event in begun.events(S.ulid)] == [kind.value for kind in Kind]


def test_events_are_chosen_by_kind_and_range(begun):
    begun.append([draft(S, Kind.SYSTEM if i % 3 else Kind.MARK, str(i)) for i in range(1, 301)])
    read = begun.events
    assert texts(read(S.ulid)) == [str(i) for i in range(1, 301)]
    assert texts(read(S.ulid, kinds=["mark"], after=6, upto=12)) == ["9", "12"]
    assert texts(read(S.ulid, last=3)) == ["298", "299", "300"]
    assert texts(read(S.ulid, kinds=["mark"], last=2)) == ["297", "300"]
    assert texts(read(S.ulid, kinds=["mark", "system"], upto=150, last=2)) == ["149", "150"]
    assert texts(read(S.ulid, last=0)) == []
    assert texts(read(S.ulid, last=1000, after=298)) == ["299", "300"]
    assert texts(read(S.ulid, kinds=["hologram"])) == []


def test_sessions_count_for_themselves(store):
    other = session(2)
    store.begin(S, I)
    store.begin(other, invocation(other, 1002))
    written = store.append([draft(S, Kind.MARK, "a"), draft(other, Kind.MARK, "b"), draft(S, Kind.MARK, "c")])
    assert [(event.session, event.seq) for event in written] == [(S.ulid, 1), (other.ulid, 1), (S.ulid, 2)]
    assert texts(store.events(other.ulid)) == ["b"]


def test_a_fork_goes_on_counting(store):
    child = session(2, parent_ulid=S.ulid, fork_turn=3, fork_seq=17)
    store.begin(child, invocation(child, 1002))
    (event,) = store.append([prompt(child, 4, "x")])
    assert event.seq == 18
    assert store.count(child.ulid) == 1
    assert store.summary(child.ulid).session == child
    assert [event.seq for event in store.events(child.ulid, after=17)] == [18]


def test_an_unknown_session_or_invocation_is_refused_and_nothing_is_written(begun):
    with pytest.raises(NotFound):
        begun.append([draft(S, Kind.MARK, "a"), draft(ulid(9), Kind.MARK, "b")])
    with pytest.raises(NotFound):
        begun.append([draft(S, Kind.MARK, "a", invocation=ulid(9))])
    with pytest.raises(NotFound):
        begun.append([draft(S, Kind.MARK, "a")], [replace(chunk(I, 0, b"x"), invocation=ulid(9))])
    assert (begun.count(S.ulid), begun.raw_length(S.ulid)) == (0, 0)
    assert list(begun.events(S.ulid)) == []


def test_what_is_unknown_reads_as_nothing(store):
    nobody = ulid(9)
    assert store.summary(nobody) is None
    assert (store.count(nobody), store.raw_length(nobody), store.meta(nobody)) == (0, 0, {})
    assert (list(store.events(nobody)), list(store.raw(nobody)), store.turns(nobody)) == ([], [], [])
    assert store.turn(nobody, 1) is None
    assert store.seal(nobody) == 0


def test_if_last_seq_is_a_lock(begun):
    begun.append([draft(S, Kind.MARK, "a")])
    assert texts(begun.append([draft(S, Kind.MARK, "b")], if_last_seq=1)) == ["b"]
    late = begun.append([draft(S, Kind.MARK, "c")], [chunk(I, 0, b"x")], if_last_seq=1)
    assert late == []
    assert texts(begun.events(S.ulid)) == ["a", "b"]
    assert begun.raw_length(S.ulid) == 0


def test_events_can_be_read_while_others_are_written(begun):
    begun.append([draft(S, Kind.MARK, str(i)) for i in range(300)])
    reading = begun.events(S.ulid)
    first = next(reading)
    begun.append([draft(S, Kind.MARK, "new")])
    begun.seal(S.ulid)
    assert [first.text, *texts(reading)][:300] == [str(i) for i in range(300)]


# --- going on with a session -----------------------------------------------------------------------


def test_a_session_is_taken_by_one_that_knows_its_newest_invocation(begun):
    assert not begun.take(invocation(S, 1002), after=None)
    assert not begun.take(invocation(S, 1002), after=ulid(1000))
    assert begun.summary(S.ulid).invocation == I
    second = invocation(S, 1002, version="9.9", host="there", target="shop.db")
    assert begun.take(second, after=I.ulid)
    assert not begun.take(invocation(S, 1003), after=I.ulid)
    assert begun.summary(S.ulid).invocation == second
    assert begun.take(invocation(S, 1003), after=second.ulid)
    assert begun.summary(S.ulid).invocation.ulid == ulid(1003)
    assert [each.ulid for each in begun.open_invocations()] == [ulid(1003), ulid(1002), ulid(1001)]


def test_no_session_no_taking(store):
    with pytest.raises(NotFound):
        store.take(I, after=None)
    assert store.open_invocations() == []


def test_a_taken_session_goes_on_counting(begun):
    begun.append([draft(S, Kind.SYSTEM, "a", invocation=I.ulid)], [chunk(I, 0, b"one")])
    begun.end_invocation(I.ulid, T0 + 5, 1, EndReason.EXIT)
    again = invocation(S, 1002)
    assert begun.take(again, after=I.ulid)
    begun.begin(S, again)  # as its recorder does, too
    (event,) = begun.append([draft(S, Kind.SYSTEM, "b", invocation=again.ulid)], [chunk(again, 3, b"two")])
    assert event.seq == 2
    assert joined(begun.raw(S.ulid)) == b"onetwo"
    assert [each.invocation for each in begun.events(S.ulid)] == [I.ulid, again.ulid]
    assert begun.summary(S.ulid).invocation == again
    begun.end_invocation(again.ulid, T0 + 9, 0, EndReason.EXIT)
    assert begun.summary(S.ulid).invocation.exit_status == 0
    assert all(ok for _check, ok, _detail in begun.check())


def test_what_was_taken_is_given_back_as_it_was(begun):
    begun.append([draft(S, Kind.SYSTEM, "a", invocation=I.ulid)], [chunk(I, 0, b"one")])
    begun.end_invocation(I.ulid, T0 + 5, 1, EndReason.EXIT)
    before = begun.summary(S.ulid)
    again = invocation(S, 1002)
    begun.take(again, after=I.ulid)
    assert begun.give_back(again.ulid)
    assert begun.summary(S.ulid) == before
    assert begun.open_invocations() == []
    assert not begun.give_back(again.ulid)
    assert not begun.give_back(I.ulid)
    assert begun.take(again, after=I.ulid)
    begun.append([draft(S, Kind.SYSTEM, "b", invocation=again.ulid)])
    assert texts(begun.events(S.ulid)) == ["a", "b"]


@pytest.mark.parametrize("what", ["event", "byte"])
def test_an_invocation_that_has_recorded_is_not_given_back(begun, what):
    again = invocation(S, 1002)
    begun.take(again, after=I.ulid)
    if what == "event":
        begun.append([draft(S, Kind.MARK, "a note of another process", invocation=again.ulid)])
    else:
        begun.append([], [chunk(again, 0, b"x")])
    assert not begun.give_back(again.ulid)
    assert begun.summary(S.ulid).invocation == again


def test_the_first_invocation_of_a_session_can_be_given_back(store):
    store.begin(S, I)
    assert store.give_back(I.ulid)
    assert store.summary(S.ulid).invocation is None
    assert store.take(I, after=None)


# --- turns -----------------------------------------------------------------------------------------


def test_turns_follow_from_events(begun):
    begun.append(
        [
            prompt(S, 1, "select 1;", 10, at=100),
            output(S, 1, "1\n", (10, 14), at=120),
            ended(S, 1, "", (14, 14), at=140, status=0),
            prompt(S, 2, "selct", 30, at=200),
            draft(S, Kind.WARN, "Error: near selct", turn=2),
        ]
    )
    begun.append([ended(S, 2, "Error: near selct\n", (30, 50), at=260)])
    one, two = begun.turns(S.ulid)
    assert (one.command, one.end, one.exit_status, one.troubled) == ("select 1;", End.DONE, 0, False)
    assert (one.raw_start, one.raw_end, one.prompt_text, one.started_ms) == (10, 14, "sqlite> ", T0 + 100)
    assert (two.command, two.end, two.exit_status, two.troubled) == ("selct", End.DONE, None, True)
    assert begun.turn(S.ulid, 2) == two
    assert begun.turn(S.ulid, 3) is None
    assert begun.summary(S.ulid).n_turns == 2


def test_folding_all_events_again_gives_the_same_turns(begun):
    dice = random.Random(5)
    for number in range(1, 40):
        begun.append([prompt(S, number, f"command {number}", number * 10, at=number)])
        if dice.random() < 0.9:
            begun.append([output(S, number, "x", (number * 10, number * 10 + 4))])
        if dice.random() < 0.2:
            begun.append([draft(S, Kind.SYSTEM, "cut", turn=number, meta={"raw_only": 5})])
        if dice.random() < 0.8:
            begun.append([ended(S, number, "", (number * 10, number * 10 + 5), status=dice.choice([0, 1]))])
        begun.seal(S.ulid)
    rebuilt = turns.fold_all(begun.events(S.ulid))
    assert list(rebuilt.values()) == begun.turns(S.ulid)
    assert all(ok for _, ok, _ in begun.check())


def test_turns_are_chosen_by_time_and_number(store):
    other = session(2)
    store.begin(S, I)
    store.begin(other, invocation(other, 1002))
    for number in range(1, 7):
        owner = S if number % 2 else other
        store.append([prompt(owner, number, str(number), at=number * 10)])
    commands = [turn.command for turn in store.turns()]
    assert commands == ["1", "2", "3", "4", "5", "6"]
    assert [turn.command for turn in store.turns(last=2)] == ["5", "6"]
    assert [turn.command for turn in store.turns(last=0)] == []
    assert [turn.command for turn in store.turns(since_ms=T0 + 40)] == ["4", "5", "6"]
    assert [turn.command for turn in store.turns(S.ulid)] == ["1", "3", "5"]
    assert [turn.command for turn in store.turns(S.ulid, last=1)] == ["5"]
    assert [turn.command for turn in store.turns(S.ulid, since_ms=T0 + 30, last=9)] == ["3", "5"]


def test_history_is_that_of_the_tool(store):
    for number, tool in enumerate(["python3", "sqlite3", "sqlite3"], start=1):
        owner = session(number, tool=tool)
        store.begin(owner, invocation(owner, 1000 + number))
        for turn, command in enumerate(["same", f"in {number}", f"too {number}"], start=1):
            store.append([prompt(owner, turn, command, at=number * 100 + turn)])
    assert store.history("sqlite3") == ["in 2", "too 2", "same", "in 3", "too 3"]
    assert store.history("sqlite3", limit=2) == ["in 3", "too 3"]
    assert store.history("psql") == []


# --- raw bytes -------------------------------------------------------------------------------------


def test_raw_bytes_come_back_with_their_times(begun):
    parts = [chunk(I, 0, b"hello ", at=5), chunk(I, 6, b"w\xff\x00rld", at=9), chunk(I, 12, b"!", at=9)]
    begun.append([], parts)
    assert flat(begun.raw(S.ulid)) == flat(parts)
    assert begun.raw_length(S.ulid) == 13
    assert joined(begun.raw(S.ulid, 3, 8)) == b"lo w\xff"
    assert joined(begun.raw(S.ulid, 12)) == b"!"
    assert list(begun.raw(S.ulid, 13)) == list(begun.raw(S.ulid, 5, 5)) == []


def test_bytes_that_are_there_already_are_not_written_twice(begun):
    begun.append([], [chunk(I, 0, b"abcdef")])
    begun.append([], [chunk(I, 0, b"abc"), chunk(I, 3, b"defgh"), chunk(I, 8, b"ij")])
    assert joined(begun.raw(S.ulid)) == b"abcdefghij"


def test_a_hole_is_left_where_one_is(begun):
    begun.append([], [chunk(I, 0, b"ab"), chunk(I, 10, b"cd")])
    begun.append([], [chunk(I, 70_000, b"ef")])
    begun.seal(S.ulid)
    assert [(each.start, each.data) for each in begun.raw(S.ulid)] == [
        (0, b"ab"),
        (10, b"cd"),
        (70_000, b"ef"),
    ]
    assert [each.start for each in begun.raw(S.ulid, 5)] == [10, 70_000]
    assert begun.raw_length(S.ulid) == 70_002
    assert all(ok for _, ok, _ in begun.check())


def test_redactions_stay_with_their_bytes(begun):
    marks = [(2, 3, "clipboard"), (7, 1, "nonce")]
    begun.append(
        [], [chunk(I, 0, b"0123456", redactions=marks[:1]), chunk(I, 7, b"789", redactions=marks[1:])]
    )
    begun.append([], [chunk(I, 10, b"more")])
    begun.seal(S.ulid)
    found = [mark for each in begun.raw(S.ulid) for mark in each.redactions]
    assert found == marks
    assert [mark for each in begun.raw(S.ulid, 5) for mark in each.redactions] == marks[1:]


def test_sealing_changes_nothing_that_can_be_read(begun):
    dice = random.Random(11)
    data = b"".join(b"%05d some line of output\r\n" % i for i in range(20_000))
    at = 0
    written = []
    while at < len(data):
        size = dice.choice([1, 3, 40, 700, 5_000, 90_000])
        part = chunk(I, at, data[at : at + size], at=at // 100, redactions=[(at, 1, "x")])
        text = part.data.decode().replace("\r\n", "\n")
        end = at + len(part.data)
        written += begun.append([output(S, None, text, (at, end), at=at // 100)], [part])
        at = end
        if dice.random() < 0.05:
            begun.seal(S.ulid)
    for _ in range(2):
        begun.seal(S.ulid)
        assert joined(begun.raw(S.ulid)) == data
        assert all(each.at == moment(each.at.offset_ms) for each in begun.raw(S.ulid))
        assert list(begun.events(S.ulid)) == written
        assert all(ok for _, ok, _ in begun.check())


def test_sealed_events_are_chosen_as_others_are(begun):
    """Sealed ones, sealed ones of a later seal, and such as came since: kinds, ranges, the last."""
    written = []
    at = 0
    for n in range(1, 601):
        raw = b"%d: printed\r\n" % n
        drafts = [prompt(S, n, f"ask {n}", at), output(S, n, f"{n}: printed\n", (at, at + len(raw)))]
        if n % 50 == 0:
            drafts.append(draft(S, Kind.ALERT, f"alert {n}", turn=n))
        written += begun.append(drafts, [chunk(I, at, raw, at=n)])
        at += len(raw)
        if n in (100, 101, 500):
            begun.seal(S.ulid)
    newest = written[-1].seq
    assert list(begun.events(S.ulid)) == written
    for kinds in ((), ("alert",), ("prompt", "alert"), ("mark",)):
        wanted = [event for event in written if not kinds or event.kind in kinds]
        assert list(begun.events(S.ulid, kinds=kinds)) == wanted
        for last in (0, 1, 3, 7, 250, 5000):
            assert list(begun.events(S.ulid, kinds=kinds, last=last)) == wanted[max(0, len(wanted) - last) :]
        for after, upto in ((0, 1), (5, 9), (150, 1100), (1000, None), (newest, None), (7, 3)):
            chosen = [event for event in wanted if after < event.seq <= (newest if upto is None else upto)]
            assert list(begun.events(S.ulid, kinds=kinds, after=after, upto=upto)) == chosen
            assert list(begun.events(S.ulid, kinds=kinds, after=after, upto=upto, last=2)) == chosen[-2:]


def test_events_can_be_read_while_they_are_sealed(begun):
    written = []
    for n in range(400):
        written += begun.append([draft(S, Kind.MARK, f"mark {n}")], [chunk(I, n, b"x", at=n)])
    begun.seal(S.ulid)
    reading = begun.events(S.ulid)
    read = [next(reading)]
    for n in range(400, 800):
        begun.append([draft(S, Kind.MARK, f"mark {n}")], [chunk(I, n, b"x", at=n)])
        if n % 20 == 0:
            begun.seal(S.ulid)
            read.append(next(reading))
    read += reading
    assert read == written


@given(
    sizes=st.lists(st.integers(1, 400), max_size=30),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    seed=st.integers(0, 1000),
)
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_bytes_and_times_survive_any_cutting(back_end, tmp_path_factory, sizes, cuts, seed):
    store = BACK_ENDS[back_end](tmp_path_factory.mktemp("cut"))
    data = random.Random(seed).randbytes(sum(sizes) + 5)
    parts = chunks(I, data, sizes, step=seed % 3)
    store.begin(S, I)
    for number, part in enumerate(parts):
        store.append([], [part])
        if number in cuts:
            store.seal(S.ulid)
    store.seal(S.ulid)
    assert flat(store.raw(S.ulid)) == flat(parts)
    assert all(ok for _, ok, _ in store.check())
    store.close()


def test_clocks_that_jump_are_kept_as_they_were(begun):
    jumps = [Moment(T0, 0), Moment(T0 - 86_400_000, 10), Moment(T0 + 10, 5), Moment(T0 + 10, 10**9)]
    parts = [replace(chunk(I, i, b"x"), at=at) for i, at in enumerate(jumps)]
    for part in parts:
        begun.append([], [part])
    begun.seal(S.ulid)
    assert [each.at for each in begun.raw(S.ulid)] == jumps


# --- sessions --------------------------------------------------------------------------------------


def test_a_session_comes_back_as_it_was_written(store):
    whole = session(
        3,
        argv=("psql", "postgres://u:***@h/\udcff"),
        argv_masked=True,
        cwd="/odd/\udcfe",
        git_root="/odd",
        parent_ulid=S.ulid,
        fork_turn=2,
        fork_seq=9,
        directory="/else/where",
        tty=None,
        term=None,
    )
    run = invocation(whole, 1003, target="postgres://u@h/db")
    store.begin(whole, run)
    found = store.summary(whole.ulid)
    assert (found.session, found.invocation) == (whole, run)
    assert (found.labels, found.activity, found.n_events, found.last_event_ms) == ((), None, 0, None)


def test_beginning_twice_changes_nothing(begun):
    begun.append([draft(S, Kind.MARK, "a")])
    begun.begin(replace(S, tool="other"), replace(I, version="9"))
    found = begun.summary(S.ulid)
    assert (found.session, found.invocation, found.n_events) == (S, I, 1)
    assert len(begun.open_invocations()) == 1


def test_the_newest_invocation_is_shown(begun):
    begun.end_invocation(I.ulid, T0 + 50, 0, EndReason.EXIT)
    second = invocation(S, 1002, version="0.2.0", started_ms=T0 + 100)
    begun.begin(S, second)
    assert begun.summary(S.ulid).invocation == second
    begun.append([draft(S, Kind.MARK, "b", invocation=second.ulid)], [replace(chunk(second, 0, b"x"))])
    assert [event.invocation for event in begun.events(S.ulid)] == [second.ulid]


def test_summaries_are_newest_first_and_chosen(store):
    for number in range(1, 8):
        owner = session(
            number,
            tool="psql" if number % 2 else "python3",
            archived_ms=5 if number == 7 else None,
        )
        store.begin(owner, invocation(owner, 1000 + number, host="far" if number == 3 else "here"))
    names = [ulid(number) for number in range(8)]
    assert [each.session.ulid for each in store.summaries()] == names[6:0:-1]
    assert [each.session.ulid for each in store.summaries(archived=True, limit=2)] == names[7:5:-1]
    assert [each.session.ulid for each in store.summaries(tool="psql")] == [names[5], names[3], names[1]]
    assert [each.session.ulid for each in store.summaries(host="far")] == [names[3]]
    assert [each.session.ulid for each in store.summaries(tool="python3", host="far")] == []
    assert store.summaries(limit=0) == []


def test_summaries_near_a_place_and_a_time(store):
    """By the directory or its git root, and by what happened last: an event, else the beginning."""
    places = [("/a", None), ("/a/b", "/a"), ("/c", "/a"), ("/a", None), ("/d\udcff", "/d\udcff")]
    for number, (cwd, git_root) in enumerate(places, 1):
        one = session(number, cwd=cwd, git_root=git_root, created_ms=T0 + number)
        store.begin(one, invocation(one, 1000 + number))
    store.append([draft(session(1), Kind.MARK, "late", at=9, invocation=ulid(1001))])

    def near(cwd, git_root, since):
        wanted = Near(cwd, git_root, T0 + since)
        found = store.summaries(near=wanted)
        assert found == [each for each in store.summaries() if wanted.fits(each)]
        return [each.session.ulid for each in found]

    assert near("/a", None, 0) == [ulid(4), ulid(1)]
    assert near("/a/x", "/a", 0) == [ulid(3), ulid(2)]
    assert near("/a", "/a", 3) == [ulid(4), ulid(3), ulid(1)]
    assert near("/a", "/a", 9) == [ulid(1)]
    assert near("/nowhere", None, 0) == []
    assert near("/d\udcff", None, 0) == [ulid(5)]


def test_counts_and_activity_are_in_the_summary(begun):
    begun.append(
        [prompt(S, 1, "x", at=10), draft(S, Kind.MARK, "m", at=25)],
        activity=(S.ulid, Activity(State.RUNNING, 1, T0 + 10)),
    )
    found = begun.summary(S.ulid)
    assert (found.n_events, found.n_turns, found.last_event_ms) == (2, 1, T0 + 25)
    assert found.activity == Activity(State.RUNNING, 1, T0 + 10)
    begun.append([], activity=(S.ulid, Activity(State.IDLE, None, T0 + 30)))
    assert begun.summaries()[0].activity == Activity(State.IDLE, None, T0 + 30)


def test_the_first_end_stays(begun):
    assert begun.open_invocations() == [I]
    assert begun.end_invocation(I.ulid, T0 + 9, 130, EndReason.SIGNAL)
    assert not begun.end_invocation(I.ulid, T0 + 99, 0, EndReason.EXIT)
    assert not begun.end_invocation(ulid(99), T0, 0, EndReason.EXIT)
    found = begun.summary(S.ulid).invocation
    assert (found.ended_ms, found.exit_status, found.end_reason) == (T0 + 9, 130, EndReason.SIGNAL)
    assert begun.open_invocations() == []


def test_recovered_invocations_are_left_out_when_asked(begun):
    second = invocation(S, 1002)
    begun.begin(S, second)
    begun.append([draft(S, Kind.SYSTEM, "derived")], if_last_seq=0, recovered=I.ulid)
    assert begun.open_invocations() == [second, I]
    assert begun.open_invocations(unrecovered=True) == [second]
    begun.append([], if_last_seq=0, recovered=second.ulid)
    assert begun.open_invocations(unrecovered=True) == [second]
    begun.append([], if_last_seq=1, recovered=second.ulid)
    assert begun.open_invocations(unrecovered=True) == []


def test_prefixes(store):
    for number in (1, 2, 40):
        store.begin(session(number), invocation(session(number), 1000 + number))
    whole = ulid(40)
    assert store.with_prefix(whole) == [whole]
    assert store.with_prefix(whole[:10]) == [ulid(40), ulid(2), ulid(1)]
    assert store.with_prefix(whole[:10], limit=2) == [ulid(40), ulid(2)]
    assert store.with_prefix("ZZ") == []


def test_a_session_has_its_label_from_its_first_row_on(store):
    one, two = session(11), session(12)
    assert store.begin(one, invocation(one, 1011), "first") is None
    assert store.summary(one.ulid).labels == ("first",)
    assert store.begin(one, invocation(one, 1011)) is None
    assert store.begin(two, invocation(two, 1012), "first") == one.ulid
    assert store.labels() == [("first", two.ulid)]


def test_a_label_moves(store):
    for number in (1, 2):
        store.begin(session(number), invocation(session(number), 1000 + number))
    assert store.set_label("shop", ulid(1)) is None
    assert store.set_label("shop", ulid(1)) is None
    assert store.set_label("größe %_", ulid(1)) is None
    assert store.set_label("shop", ulid(2)) == ulid(1)
    assert store.labels() == [("größe %_", ulid(1)), ("shop", ulid(2))]
    assert [each.labels for each in store.summaries()] == [("shop",), ("größe %_",)]
    assert store.drop_label("shop")
    assert not store.drop_label("shop")
    assert store.summary(ulid(2)).labels == ()
    with pytest.raises(NotFound):
        store.set_label("x", ulid(9))


def test_metadata(begun):
    begun.set_meta(S.ulid, "external_id", "é1")
    begun.set_meta(S.ulid, "a", "1")
    begun.set_meta(S.ulid, "a", "2")
    assert begun.meta(S.ulid) == {"a": "2", "external_id": "é1"}
    begun.set_meta(S.ulid, "a", None)
    begun.set_meta(S.ulid, "never", None)
    assert begun.meta(S.ulid) == {"external_id": "é1"}
    with pytest.raises(NotFound):
        begun.set_meta(ulid(9), "a", "b")


# --- care ------------------------------------------------------------------------------------------


# --- keeping and letting go -------------------------------------------------------------------------


def family(store):
    """A parent with two children, one of them with a child of its own, and a stranger; all have ended."""
    parent, child = session(1), session(2, parent_ulid=ulid(1), fork_turn=1, fork_seq=2)
    other = session(3, parent_ulid=ulid(1), fork_turn=1, fork_seq=2)
    grandchild = session(4, parent_ulid=ulid(2), fork_turn=2, fork_seq=4)
    made = [parent, child, other, grandchild, session(5)]
    for each in made:
        run = invocation(each, 1000 + made.index(each))
        store.begin(each, run)
        first, seqs = (each.fork_turn or 0) + 1, each.fork_seq or 0
        store.append(
            [prompt(each, first, f"select {seqs}"), ended(each, first, "1\n", (0, 3))],
            [chunk(run, 0, b"1\r\n")],
        )
        store.end_invocation(run.ulid, T0 + 9, 0, EndReason.EXIT)
    return [each.ulid for each in made]


def test_children_are_those_that_were_forked_off(store):
    one, two, three, four, five = family(store)
    assert store.children(one) == [two, three]
    assert store.children(two) == [four]
    assert store.children(five) == store.children(ulid(9)) == []


def test_an_archived_session_is_hidden_and_comes_back(store):
    one, *_rest = family(store)
    listed = [each.session.ulid for each in store.summaries()]
    store.archive(one, T0 + 50)
    assert store.summary(one).session.archived_ms == T0 + 50
    assert [each.session.ulid for each in store.summaries()] == listed[:-1]
    assert [each.session.ulid for each in store.summaries(archived=True)] == listed
    store.archive(one, None)
    assert store.summary(one).session.archived_ms is None
    assert [each.session.ulid for each in store.summaries()] == listed
    with pytest.raises(NotFound):
        store.archive(ulid(9), T0)


def test_a_deleted_session_is_gone_and_its_neighbours_are_not(store):
    one, two, three, four, five = family(store)
    for name, owner in (("old", four), ("older", four), ("kept", five)):
        store.set_label(name, owner)
    store.set_meta(four, "why", "because")
    kept = [list(store.events(each)) for each in (one, two, three, five)]
    assert store.delete([four, ulid(9)])
    assert store.summary(four) is None
    assert (list(store.events(four)), list(store.raw(four)), store.turns(four)) == ([], [], [])
    assert (store.count(four), store.raw_length(four), store.meta(four)) == (0, 0, {})
    assert store.labels() == [("kept", five)]
    assert store.with_prefix("") == [five, three, two, one]
    assert store.children(two) == []
    assert [list(store.events(each)) for each in (one, two, three, five)] == kept
    assert all(ok for _, ok, _ in store.check())
    with pytest.raises(NotFound):
        store.append([draft(four, Kind.MARK, "too late")])


def test_a_new_session_has_nothing_of_a_deleted_one(store):
    *_rest, five = family(store)
    assert store.delete([five])
    fresh = session(6)
    store.begin(fresh, invocation(fresh, 1006))
    assert (store.count(fresh.ulid), store.turns(fresh.ulid), list(store.raw(fresh.ulid))) == (0, [], [])
    with pytest.raises(NotFound):
        store.append([draft(five, Kind.MARK, "too late")])
    assert store.append([draft(fresh, Kind.MARK, "a")])[0].seq == 1


def test_a_family_is_deleted_whole_or_not_at_all(store):
    one, two, three, four, five = family(store)
    for some in ([one], [one, two], [one, two, three], [two, five]):
        assert not store.delete(some)
    assert store.with_prefix("") == [five, four, three, two, one]
    assert store.delete([one, two, three, four])
    assert store.with_prefix("") == [five]


def test_a_turn_of_a_session_without_an_end_is_erased_only_by_who_knows_of_it(begun):
    text, at = told(begun, S)
    assert not begun.erase(S.ulid, 2, dead=[])
    assert not begun.erase(S.ulid, 2, dead=[ulid(1002)])
    assert joined(begun.raw(S.ulid)) == text
    assert begun.erase(S.ulid, 2, dead=[I.ulid])
    begun.end_invocation(I.ulid, T0, 0, EndReason.EXIT)
    assert begun.erase(S.ulid, 4, dead=[])
    assert joined(begun.raw(S.ulid)) == text[: at[1]]


@pytest.mark.parametrize("sealed", [False, True])
def test_with_the_last_turn_goes_what_came_after_it(begun, sealed):
    begun.append(
        [
            prompt(S, 1, "one", 5),
            ended(S, 1, "1\n", (5, 8)),
            prompt(S, 2, "secret", 13),
            ended(S, 2, "2\n", (13, 16)),
            output(S, None, "one suggestion\n", (16, 40)),
            draft(S, Kind.RESIZE, "", meta={"cols": 90}),
        ],
        [chunk(I, 0, b"$ one1\r\n$ two2\r\n suggest secret and more")],
    )
    if sealed:
        begun.seal(S.ulid)
    assert begun.erase(S.ulid, 2)
    assert texts(begun.events(S.ulid)) == ["one", "1\n", "", "", "", ""]
    assert joined(begun.raw(S.ulid)) == b"$ one1\r\n"
    assert [event.meta for event in begun.events(S.ulid, kinds=["resize"])] == [{"cols": 90}]
    assert all(ok for _, ok, _ in begun.check()), begun.check()


def test_a_session_without_an_end_is_deleted_only_by_who_knows_of_it(begun):
    assert not begun.delete([S.ulid])
    assert not begun.delete([S.ulid], dead=[ulid(1002)])
    assert begun.summary(S.ulid) is not None
    assert begun.delete([S.ulid], dead=[I.ulid])
    assert begun.open_invocations() == []
    assert begun.summary(S.ulid) is None


def told(store, owner, *, sealed=False):
    """Three turns, the second with another inside it; background output, remarks, a command's answer."""
    run = invocation(owner, 1001)
    text = b"$ one\r\n1\r\n$ two\r\n2 secret\r\n> in\r\nsecret inside\r\n$ three\r\n3\r\n$ "
    at = [text.index(each) for each in (b"1\r", b"$ two", b"2 sec", b"secret inside", b"$ three", b"3\r")]
    end = len(text)
    store.append(
        [
            prompt(owner, 1, "one", at[0], at=1),
            ended(owner, 1, "1\n", (at[0], at[1]), at=2),
            output(owner, None, "background\n", (at[1], at[1] + 1), at=2),
            draft(
                owner,
                Kind.PROMPT,
                "two secret",
                at=3,
                turn=2,
                meta={
                    "prompt_text": "secret$ ",
                    "source": "hooks",
                    "raw": at[2],
                    "cwd": "/secret",
                    "shell": 77,
                },
            ),
            draft(owner, Kind.MARK, "a secret note", at=4, turn=2, meta={"mark": "note"}),
            draft(owner, Kind.MARK, "label shop", at=4, turn=2, meta={"mark": "label", "label": "shop"}),
            draft(
                owner,
                Kind.PROMPT,
                "in secret",
                at=5,
                turn=3,
                meta={"prompt_text": "secret> ", "source": "hooks", "raw": at[3], "parent_turn": 2},
            ),
            ended(owner, 3, "secret inside\n", (at[3], at[4]), at=6, status=1),
            draft(owner, Kind.ALERT, "secret alert", at=6, turn=3, meta={"rule": "secret"}),
            ended(owner, 2, "", (at[4], at[4]), at=7, status=0),
            prompt(owner, 4, "three", at[5], at=8),
            draft(owner, Kind.COMMAND, "/replay", at=9, turn=4, meta={"answer": "2 secret", "failed": False}),
            ended(owner, 4, "3\n", (at[5], end), at=10),
        ],
        chunks(run, text, [3] * 9),
    )
    if sealed:
        store.seal(owner.ulid)
    return text, at


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_an_erased_turn_leaves_its_place_and_nothing_else(begun, sealed, again):
    text, at = told(begun, S, sealed=sealed)
    before = list(begun.events(S.ulid))
    assert not begun.erase(S.ulid, 9)
    assert not begun.erase(ulid(9), 1)
    assert begun.erase(S.ulid, 2)
    if again:
        assert begun.erase(S.ulid, 2)
    after = list(begun.events(S.ulid))
    assert [(e.seq, e.kind, e.at, e.turn, e.invocation) for e in after] == [
        (e.seq, e.kind, e.at, e.turn, e.invocation) for e in before
    ]
    assert [e.text for e in after if e.text] == ["one", "1\n", "label shop", "three", "/replay", "3\n"]
    assert "secret" not in repr(after)
    assert [e.seq for e in after if "erased" in e.meta] == [3, 4, 5, 7, 8, 9, 10]
    assert after[3].meta == {"erased": True, "source": "hooks", "raw": at[2], "shell": 77}
    turns_now = begun.turns(S.ulid)
    assert [(t.turn, t.command, t.prompt_text, t.cwd, t.erased) for t in turns_now] == [
        (1, "one", "sqlite> ", None, False),
        (2, "", None, None, True),
        (3, "", None, None, True),
        (4, "three", "sqlite> ", None, False),
    ]
    assert [(t.exit_status, t.end, t.parent_turn) for t in turns_now[1:3]] == [
        (0, End.DONE, None),
        (1, End.DONE, 2),
    ]
    assert turns_now == list(turns.fold_all(after).values())
    assert begun.history("sqlite3") == ["one", "three"]
    assert joined(begun.raw(S.ulid, 0, at[4])) == text[: at[1]]
    assert joined(begun.raw(S.ulid, at[1])) == text[at[4] :]
    assert begun.raw_length(S.ulid) == len(text)
    assert all(ok for _, ok, _ in begun.check()), begun.check()
    begun.append([prompt(S, 5, "four", len(text))], [chunk(I, len(text), b"4\r\n")])
    begun.seal(S.ulid)
    assert joined(begun.raw(S.ulid, at[4])) == text[at[4] :] + b"4\r\n"
    assert all(ok for _, ok, _ in begun.check()), begun.check()


def everything(store, owner):
    """All that can be read of a session."""
    return (
        list(store.events(owner)),
        flat(store.raw(owner)),
        store.turns(owner),
        store.summary(owner),
        store.meta(owner),
        store.raw_length(owner),
    )


def scattered(store, owner, run, rng, *, turns_=30):
    """A session that was sealed now and then, with holes, a second invocation and an erased turn."""
    at = 0
    for turn in range(1, turns_ + 1):
        at += 500 if turn == 7 else 0
        text = f"line {turn} of {rng.random()}\n" * rng.choice([1, 3, 40, 2000])
        data = text.replace("\n", "\r\n").encode()
        store.append(
            [prompt(owner, turn, f"command {turn}", at), ended(owner, turn, text, (at, at + len(data)))],
            chunks(run, data, [rng.randrange(1, 9000) for _ in range(4)], start=at),
        )
        at += len(data)
        if rng.random() < 0.2:
            store.seal(owner.ulid)
        if turn == turns_ // 2:
            store.end_invocation(run.ulid, T0 + 1, 0, EndReason.EXIT)
            run = invocation(owner, 5000 + ord(owner.ulid[-1]))
            store.begin(owner, run)
    store.erase(owner.ulid, 9)
    store.append([draft(owner, Kind.MARK, "a note", meta={"mark": "note"})])
    store.end_invocation(run.ulid, T0 + 1, 0, EndReason.EXIT)


@pytest.mark.parametrize("seed", range(5))
def test_compacting_changes_nothing_that_can_be_read(store, seed, monkeypatch):
    if seed == 4:
        monkeypatch.setattr(sqlite_seal, "_MAX_RAW", 10_000)  # as if it were too long
    rng = random.Random(seed)
    silent = session(3)
    for each, number in ((S, 1001), (session(2), 1002)):
        store.begin(each, invocation(each, number))
        scattered(store, each, invocation(each, number), rng)
    store.begin(silent, invocation(silent, 1003))
    store.append([draft(silent, Kind.MARK, "nothing was printed")])
    before = [everything(store, each.ulid) for each in (S, session(2), silent)]
    for each in (S, silent):
        store.compact(each.ulid)
    store.wipe()
    assert [everything(store, each.ulid) for each in (S, session(2), silent)] == before
    assert store.compact(S.ulid) == store.compact(silent.ulid) == store.compact(ulid(9)) == 0
    assert all(ok for _, ok, _ in store.check()), store.check()
    run = invocation(S, 1009)
    store.begin(S, run)
    store.append([prompt(S, 99, "x", before[0][5])], [chunk(run, before[0][5], b"more")])
    store.seal(S.ulid)
    assert flat(store.raw(S.ulid))[: len(before[0][1])] == before[0][1]
    assert list(store.events(S.ulid))[: len(before[0][0])] == before[0][0]
    assert all(ok for _, ok, _ in store.check()), store.check()


def test_events_can_be_read_while_they_are_compacted(begun):
    scattered(begun, S, I, random.Random(1), turns_=200)
    before = list(begun.events(S.ulid))
    for kinds, last, stop in (((), None, 3), ((), 150, 1), (("prompt",), 120, 0), (("mark",), None, 0)):
        wanted = [event for event in before if not kinds or event.kind in kinds]
        wanted = wanted if last is None else wanted[-last:]
        reading = begun.events(S.ulid, kinds=kinds, last=last)
        got = [next(reading) for _ in range(stop)]
        begun.compact(S.ulid)
        assert got + list(reading) == wanted


@pytest.mark.parametrize("sealed", [False, True])
def test_the_last_note_or_label_is_taken_back_and_nothing_else(begun, sealed):
    other = session(2)
    begun.begin(other, invocation(other, 1002))
    begun.set_label("shop", other.ulid)
    begun.set_label("shop", S.ulid)
    begun.set_label("mine", S.ulid)
    marks = [
        ("first", {"mark": "note"}),
        ("label shop", {"mark": "label", "label": "shop", "from": other.ulid}),
        ("label mine", {"mark": "label", "label": "mine"}),
        ("label old removed", {"mark": "label", "label": "old", "removed": True}),
        ("second", {"mark": "note"}),
        ("paused", {"mark": "pause"}),
    ]
    lines = ["/note second", "note  first ", "/note second", "/label mine", "/note other", "/save shop"]
    drafts = [
        draft(S, Kind.MARK, text, at=n, invocation=I.ulid, meta=meta) for n, (text, meta) in enumerate(marks)
    ]
    commands = [draft(S, Kind.COMMAND, line, meta={"answer": "noted", "failed": False}) for line in lines]
    written = begun.append([*drafts, draft(S, Kind.SYSTEM, "last"), *commands], [chunk(I, 0, b"x" * 50)])
    if sealed:
        begun.seal(S.ulid)
    labels = [
        [("mine", S.ulid), ("shop", S.ulid)],
        [("mine", S.ulid), ("old", S.ulid), ("shop", S.ulid)],
        [("old", S.ulid), ("shop", S.ulid)],
        [("old", S.ulid), ("shop", other.ulid)],
        [("old", S.ulid), ("shop", other.ulid)],
    ]
    for at, names in zip((4, 3, 2, 1, 0), labels, strict=True):
        assert begun.drop_last(S.ulid) == written[at]
        assert begun.labels() == names
    assert begun.drop_last(S.ulid) is None
    assert begun.drop_last(ulid(9)) is None
    assert [event.seq for event in begun.events(S.ulid)] == list(range(1, 14))
    assert texts(begun.events(S.ulid))[:7] == [""] * 5 + ["paused", "last"]
    assert texts(begun.events(S.ulid))[7:] == ["/note second", "", "", "", "/note other", ""]
    erased = [event.seq for event in begun.events(S.ulid) if event.meta.get("erased")]
    assert erased == [1, 2, 3, 4, 5, 9, 10, 11, 13]
    assert begun.append([draft(S, Kind.MARK, "next")])[0].seq == 14
    assert all(ok for _, ok, _ in begun.check()), begun.check()


def test_a_label_that_somebody_else_has_by_now_is_left_to_them(begun):
    other = session(2)
    begun.begin(other, invocation(other, 1002))
    begun.append([draft(S, Kind.MARK, "label a", meta={"mark": "label", "label": "a", "from": ulid(9)})])
    begun.append([draft(S, Kind.MARK, "no a", meta={"mark": "label", "label": "a", "removed": True})])
    begun.set_label("a", other.ulid)
    assert begun.drop_last(S.ulid).text == "no a"
    assert begun.drop_last(S.ulid).text == "label a"
    assert begun.labels() == [("a", other.ulid)]
    begun.append([draft(S, Kind.MARK, "label b", meta={"mark": "label", "label": "b", "from": ulid(9)})])
    begun.set_label("b", S.ulid)
    assert begun.drop_last(S.ulid).text == "label b"
    assert begun.labels() == [("a", other.ulid)]  # who had it before is gone


@pytest.mark.parametrize("back_end", BACK_ENDS)
@given(
    cuts=st.lists(st.integers(1, 40_000), min_size=1, max_size=12),
    doomed=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_what_is_not_erased_stays_as_it_was(back_end, tmp_path_factory, cuts, doomed, seed):
    dice = random.Random(seed)
    store = BACK_ENDS[back_end](tmp_path_factory.mktemp("erase"))
    store.begin(S, I)
    kept = bytearray()
    for turn, size in enumerate(cuts, 1):
        data, start = dice.randbytes(size), len(kept)
        hole = 100 if dice.random() < 0.1 else 0
        kept += bytes(hole) + data
        begin = start + hole
        store.append(
            [prompt(S, turn, f"command {turn}", begin), ended(S, turn, f"{turn}\n", (begin, begin + size))],
            chunks(I, data, [dice.randrange(1, 20_000) for _ in range(3)], start=begin),
        )
        if dice.random() < 0.3:
            store.seal(S.ulid)
    gone = set()
    for turn in doomed:
        assert store.erase(S.ulid, turn) == (turn <= len(cuts))
        gone |= {turn} & set(range(1, len(cuts) + 1))
        if dice.random() < 0.3:
            store.seal(S.ulid)
    tail = dice.randbytes(70_000)
    store.append([], chunks(I, tail, [30_000], start=len(kept)))
    for row in store.turns(S.ulid):
        data = joined(store.raw(S.ulid, row.raw_start, row.raw_end))
        assert data == (b"" if row.turn in gone else kept[row.raw_start : row.raw_end])
        assert row.command == ("" if row.turn in gone else f"command {row.turn}")
    assert joined(store.raw(S.ulid, len(kept))) == tail
    findings = store.check()
    holes = [detail for name, ok, detail in findings if not ok]
    store.close()
    assert holes == []


def test_a_healthy_store_says_so(begun):
    begun.append([prompt(S, 1, "x"), ended(S, 1, "y", (0, 1))], [chunk(I, 0, b"y")], durable=True)
    begun.append([], durable=True)
    findings = begun.check()
    assert findings
    assert all(ok for _, ok, _ in findings)
    assert begun.size_bytes() >= 0


def test_memory_forgets_old_bytes_where_nobody_wants_them():
    store = MemoryStore(keep_raw=100)
    store.begin(S, I)
    for n in range(50):
        store.append([], [chunk(I, n * 10, b"0123456789")])
    assert store.raw_length(S.ulid) == 500
    assert joined(store.raw(S.ulid)) == b"0123456789" * 10
    assert next(store.raw(S.ulid)).start == 400


# --- a recording that goes on in another session ----------------------------------------------------


def switching(into, *, reason=EndReason.FORKED, label=None, archived=False):
    mark = draft(S, Kind.MARK, f"forked: {into.ulid}", at=9, invocation=I.ulid)
    return Switch(mark, reason, into, invocation(into, 1002), label, archived=archived)


def test_a_switch_ends_one_session_and_begins_the_other(begun):
    begun.append([draft(S, Kind.MARK, "a")])
    begun.set_label("shop", S.ulid)
    child = session(2, parent_ulid=S.ulid, fork_turn=3)
    got, moved = begun.switch(switching(child, label="shop"))
    assert (got, moved) == (replace(child, fork_seq=2), S.ulid)
    assert texts(begun.events(S.ulid)) == ["a", f"forked: {child.ulid}"]
    left, found = begun.summary(S.ulid), begun.summary(child.ulid)
    assert (left.invocation.end_reason, left.invocation.ended_ms) == (EndReason.FORKED, T0 + 9)
    assert (left.labels, left.session.archived_ms) == ((), None)
    assert (found.session, found.labels, found.invocation.ended_ms) == (got, ("shop",), None)
    (event,) = begun.append([prompt(child, 4, "x")], [chunk(invocation(child, 1002), 0, b"bytes")])
    assert (event.seq, begun.raw_length(child.ulid)) == (3, 5)


def test_a_new_session_after_a_switch_inherits_nothing(begun):
    begun.append([draft(S, Kind.MARK, "a")])
    fresh = session(2)
    assert begun.switch(switching(fresh, reason=EndReason.NEW, archived=True)) == (fresh, None)
    assert begun.summary(S.ulid).session.archived_ms == T0 + 9
    assert [row.session.ulid for row in begun.summaries()] == [fresh.ulid]
    assert begun.append([draft(fresh, Kind.MARK, "b")])[0].seq == 1


def test_a_switch_is_done_once(begun):
    child = session(2, parent_ulid=S.ulid, fork_turn=0)
    first = begun.switch(switching(child))
    begun.append([draft(S, Kind.MARK, "a note from elsewhere")])
    assert begun.switch(switching(child, archived=True)) == first
    assert begun.count(S.ulid) == 2
    assert begun.summary(S.ulid).session.archived_ms is None


def test_a_switch_from_nowhere_leaves_nothing(store):
    child = session(2, parent_ulid=S.ulid, fork_turn=0)
    with pytest.raises(NotFound):
        store.switch(switching(child))
    assert store.summary(child.ulid) is None
