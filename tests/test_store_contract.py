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

from recorder import turns
from recorder.errors import NotFound
from recorder.model import Activity, Draft, End, EndReason, Kind, Moment, State
from recorder.stores.memory import MemoryStore
from recorder.stores.sqlite import SqliteStore

S = session(1)
I = invocation(S, 1001)  # noqa: E741


def _sqlite(directory):
    return SqliteStore(directory / "store" / "rec.db")


def _memory(directory):
    return MemoryStore()


BACK_ENDS = {"sqlite": _sqlite, "memory": _memory}


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
