"""Finding, listing, naming and reading sessions, over both stores."""

from __future__ import annotations

from pathlib import Path

import maker
import pytest
from maker import GONE, Maker

from recorder import lineage, lookup, sessions, transcripts, units
from recorder.errors import Ambiguous, NotFound, Refused, UsageError_
from recorder.identity import alive
from recorder.model import End, State, Status

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
AT = 1_750_000_000_000


def family(store):
    """A session of three turns, a fork after its second, a fork of that after the first inherited."""
    parent = Maker(store, 1)
    for number in (1, 2, 3):
        parent.turn(f"parent {number}", f"p{number}\n")
    cut = max(event.seq for event in store.events(parent.ulid) if event.turn == 2)
    child = Maker(store, 2, parent_ulid=parent.ulid, fork_turn=2, fork_seq=cut)
    child.turn("child 3", "c3\n")
    first = max(event.seq for event in store.events(parent.ulid) if event.turn == 1)
    grandchild = Maker(store, 3, parent_ulid=child.ulid, fork_turn=1, fork_seq=first)
    grandchild.turn("grandchild 2", "g2\n")
    return parent, child, grandchild


# --- which session -------------------------------------------------------------------------------


def test_a_session_is_found_by_its_whole_ulid_in_any_case(store):
    one = Maker(store, 1)
    assert lookup.session(store, one.ulid) == one.ulid
    assert lookup.session(store, one.ulid.lower()) == one.ulid


def test_a_session_is_found_by_its_label_however_it_was_composed(store):
    one = Maker(store, 1)
    store.set_label("caf\u00e9", one.ulid)
    assert lookup.session(store, "cafe\u0301") == one.ulid
    assert lookup.session(store, "caf\u00e9") == one.ulid


def test_a_label_comes_before_a_prefix(store):
    one, two = Maker(store, 1, at_ms=AT), Maker(store, 2, at_ms=AT + DAY)
    store.set_label(two.ulid[:10], one.ulid)
    assert lookup.session(store, two.ulid[:10]) == one.ulid
    assert lookup.session(store, two.ulid[:10].lower()) == two.ulid


def test_a_unique_prefix_of_six_is_enough_and_five_are_not(store):
    one = Maker(store, 1, at_ms=AT)
    assert lookup.session(store, one.ulid[:6]) == one.ulid
    assert lookup.session(store, one.ulid[:6].lower()) == one.ulid
    with pytest.raises(NotFound, match=f"^no such session: {one.ulid[:5]}$"):
        lookup.session(store, one.ulid[:5])


def test_an_ambiguous_prefix_names_the_candidates(store):
    one, two = Maker(store, 1, at_ms=AT), Maker(store, 2, at_ms=AT)
    with pytest.raises(Ambiguous) as caught:
        lookup.session(store, one.ulid[:10])
    assert caught.value.candidates == (two.ulid, one.ulid)


@pytest.mark.parametrize(
    "needle",
    [
        "",
        "nope",
        "@",
        "@0",
        "@3",
        "@x",
        "@-1",
        "@１",
        "-",
        "--",
        "%",
        "______",
        "a/b",
        "./x",
        "\udcff",
        "x" * 10_000,
    ],
)
def test_what_names_nothing_is_said_so(store, needle):
    if needle != "-":
        Maker(store, 1), Maker(store, 2)
    with pytest.raises(NotFound) as caught:
        lookup.session(store, needle)
    assert caught.value.message == f"no such session: {needle}"


def test_sessions_are_found_by_age(store):
    one, two, three = (Maker(store, n, at_ms=AT + n) for n in (1, 2, 3))
    assert [lookup.session(store, f"@{n}") for n in (1, 2, 3)] == [three.ulid, two.ulid, one.ulid]
    assert lookup.session(store, "-") == three.ulid
    assert lookup.session(store, "-", current=three.ulid) == two.ulid
    assert lookup.session(store, "-", current=one.ulid) == three.ulid


def test_shortest_prefixes_are_unique_and_find_their_session(store):
    ulids = [Maker(store, n, at_ms=AT + n % 3 * DAY).ulid for n in range(20)]
    names = sessions.short_names(store, ulids)
    assert set(names) == set(ulids)
    assert len(set(names.values())) == 20
    for ulid, name in names.items():
        assert lookup.session(store, name) == ulid
        assert len(name) == 6 or sum(other.startswith(name[:-1]) for other in ulids) > 1


# --- which turn ----------------------------------------------------------------------------------


def test_a_turn_is_found_from_either_end(store):
    one = Maker(store, 1)
    for number in (1, 2, 3):
        one.turn(f"turn {number}")
    store.set_label("shop:x", one.ulid)
    found = [lookup.turn(store, f"shop:x:{n}").command for n in (1, 3, -1, -3)]
    assert found == ["turn 1", "turn 3", "turn 3", "turn 1"]
    assert lookup.turn(store, ":2").command == "turn 2"
    assert lookup.turn(store, "@1:2").command == "turn 2"


def test_a_turn_without_session_is_of_the_current_one(store):
    one, two = Maker(store, 1, at_ms=AT), Maker(store, 2, at_ms=AT + 1)
    one.turn("one"), two.turn("two")
    assert lookup.turn(store, ":1").command == "two"
    assert lookup.turn(store, ":1", current=one.ulid).command == "one"
    assert lookup.turn(store, "-:1", current=two.ulid).command == "one"


@pytest.mark.parametrize(
    "needle", ["", ":", ":0", ":4", ":-4", "shop", "shop:", "shop:x", ":1:", ":1x", ":٣"]
)
def test_no_such_turn(store, needle):
    one = Maker(store, 1)
    for number in (1, 2, 3):
        one.turn(f"turn {number}")
    store.set_label("shop", one.ulid)
    with pytest.raises(NotFound) as caught:
        lookup.turn(store, needle)
    assert caught.value.message == f"no such turn: {needle}"


def test_no_such_turn_as_there_is_no_such_session(store):
    with pytest.raises(NotFound) as caught:
        lookup.turn(store, "nope:1")
    assert caught.value.message == "no such turn: nope:1"
    assert caught.value.advice == "no such session: nope"


def test_the_last_finished_turn(store):
    one = Maker(store, 1)
    one.prompt("still open")
    with pytest.raises(NotFound, match="none has finished"):
        lookup.last_finished(store, None)
    one.done()
    one.turn("second")
    one.prompt("third")
    assert lookup.last_finished(store, None).command == "second"


# --- lineage -------------------------------------------------------------------------------------


def test_a_fork_is_read_from_its_ancestors_on(store):
    parent, child, grandchild = family(store)
    assert [turn.command for turn in lineage.turns(store, child.ulid)] == ["parent 1", "parent 2", "child 3"]
    assert [turn.command for turn in lineage.turns(store, grandchild.ulid)] == ["parent 1", "grandchild 2"]
    seqs = [event.seq for event in lineage.events(store, child.ulid)]
    assert seqs == list(range(1, len(seqs) + 1))
    owners = [event.session for event in lineage.events(store, grandchild.ulid)]
    assert set(owners) == {parent.ulid, grandchild.ulid}


def test_the_last_events_reach_into_the_ancestors(store):
    _parent, child, grandchild = family(store)
    for one in (child, grandchild):
        every = list(lineage.events(store, one.ulid))
        for last in (0, 1, 3, 4, len(every), 100):
            assert (
                list(lineage.events(store, one.ulid, last=last))
                == every[len(every) - min(last, len(every)) :]
            )
        assert lineage.count(store, one.ulid) == len(every)
        assert lineage.last_event(store, one.ulid) == every[-1]


def test_a_turn_is_found_in_the_ancestor_that_owns_it(store):
    parent, child, grandchild = family(store)
    assert lookup.turn(store, f"{child.ulid}:2").session == parent.ulid
    assert lookup.turn(store, f"{child.ulid}:3").command == "child 3"
    assert lookup.turn(store, f"{child.ulid}:-3").command == "parent 1"
    assert lookup.turn(store, f"{grandchild.ulid}:2").command == "grandchild 2"
    with pytest.raises(NotFound):
        lookup.turn(store, f"{grandchild.ulid}:3")


def test_raw_bytes_of_a_lineage_stop_at_the_fork(store):
    parent, child, grandchild = family(store)
    raw = {one.ulid: b"".join(transcripts.replay_raw(store, one.ulid)) for one in (parent, child, grandchild)}
    assert raw[parent.ulid] == b"p1\r\np2\r\np3\r\n"
    assert raw[child.ulid] == b"p1\r\np2\r\nc3\r\n"
    assert raw[grandchild.ulid] == b"p1\r\ng2\r\n"


def test_raw_bytes_of_the_last_events(store):
    _parent, child, _grandchild = family(store)
    assert b"".join(transcripts.replay_raw(store, child.ulid, 3)) == b"c3\r\n"
    assert b"".join(transcripts.replay_raw(store, child.ulid, 6)) == b"p2\r\nc3\r\n"
    assert b"".join(transcripts.replay_raw(store, child.ulid, 0)) == b""


def test_a_session_that_is_its_own_ancestor_ends(store):
    ulid = maker.ulid(5, AT)
    Maker(store, 5, at_ms=AT, parent_ulid=ulid, fork_seq=0, fork_turn=0).turn("once")
    assert [turn.command for turn in lineage.turns(store, ulid)] == ["once"]


# --- lists ---------------------------------------------------------------------------------------


def listed(store, now_ms=None, **wanted):
    rows = sessions.listing(store, sessions.Wanted(**wanted), alive, now_ms or maker.now_ms())
    return [row.ulid for row in rows]


def test_status_is_computed(store):
    live, dead, ended = Maker(store, 1), Maker(store, 2, owner=GONE), Maker(store, 3, owner=GONE).end()
    status = {row.ulid: row.status for row in sessions.listing(store, sessions.Wanted(), alive, 0)}
    assert status == {
        live.ulid: Status.LIVE,
        dead.ulid: Status.INTERRUPTED,
        ended.ulid: Status.ENDED,
    }


def test_state_is_that_of_a_living_recorder(store):
    live, dead = Maker(store, 1), Maker(store, 2, owner=GONE)
    failed = Maker(store, 3)
    live.prompt("runs"), dead.prompt("ran")
    failed.turn("fails", status=1)
    rows = {row.ulid: row for row in sessions.listing(store, sessions.Wanted(), alive, 0)}
    assert (rows[live.ulid].state, rows[live.ulid].state_turn) == (State.RUNNING, 1)
    assert rows[live.ulid].state_since_ms == live.at_ms
    assert (rows[dead.ulid].state, rows[dead.ulid].state_turn) == (State.IDLE, None)
    assert rows[failed.ulid].state is State.ERROR


def test_newest_first_and_no_more_than_asked(store):
    ulids = [Maker(store, n, at_ms=AT + n).ulid for n in range(4)]
    assert listed(store) == ulids[::-1]
    assert listed(store, limit=2) == ulids[:1:-1]
    assert listed(store, limit=0) == []


def test_filters_come_before_the_limit(store):
    busy = Maker(store, 1, at_ms=AT)
    busy.prompt("runs")
    for number in (2, 3, 4):
        Maker(store, number, at_ms=AT + number)
    assert listed(store, limit=1, running=True) == [busy.ulid]
    since = busy.at_ms
    assert listed(store, since + 10 * MINUTE, stuck_ms=10 * MINUTE) == [busy.ulid]
    assert listed(store, since + 10 * MINUTE - 1, stuck_ms=10 * MINUTE) == []
    assert listed(store, tool="psql") == []
    assert len(listed(store, tool="sqlite3")) == 4


def test_here_is_the_git_root_else_this_directory_and_below(store):
    inside = Maker(store, 1, cwd="/srv/work/deep", git_root="/srv/work")
    beside = Maker(store, 2, cwd="/srv/workshop")
    below = Maker(store, 3, cwd="/srv/work/x")
    assert listed(store, here=Path("/srv/work/other"), here_root="/srv/work") == [inside.ulid]
    assert sorted(listed(store, here=Path("/srv/work"))) == sorted([inside.ulid, below.ulid])
    assert listed(store, here=Path("/srv/workshop")) == [beside.ulid]


def test_counts_are_those_of_the_lineage(store):
    _parent, child, grandchild = family(store)
    rows = {row.ulid: row for row in sessions.listing(store, sessions.Wanted(), alive, 0)}
    for one in (child, grandchild):
        assert rows[one.ulid].n_events == lineage.count(store, one.ulid)
        assert rows[one.ulid].n_turns == len(lineage.turns(store, one.ulid))


# --- turns ---------------------------------------------------------------------------------------


def logged(store, **picked):
    if "cwd" in picked:
        picked["cwds"] = frozenset({picked.pop("cwd")})
    return [turn.command for turn in sessions.log(store, sessions.Picked(**picked), alive)]


def test_turns_of_all_sessions_are_picked(store):
    one = Maker(store, 1, at_ms=AT)
    two = Maker(store, 2, at_ms=AT + HOUR, cwd="/elsewhere")
    one.turn("good"), one.turn("bad", status=2), one.turn("moved", cwd="/elsewhere")
    two.turn("other")
    two.prompt("warned")
    two.event("warn", "careful", 2)
    two.done()
    assert logged(store) == ["good", "bad", "moved", "other", "warned"]
    assert logged(store, last=2) == ["other", "warned"]
    assert logged(store, last=0) == []
    assert logged(store, failed=True) == ["bad", "warned"]
    assert logged(store, failed=True, last=1) == ["warned"]
    assert logged(store, cwd="/elsewhere") == ["moved", "other", "warned"]
    assert logged(store, since_ms=AT + HOUR) == ["other", "warned"]
    assert logged(store, session=one.ulid) == ["good", "bad", "moved"]
    assert logged(store, session=one.ulid, last=1) == ["moved"]
    assert logged(store, session=one.ulid, since_ms=AT + HOUR) == []


def test_a_turn_that_a_crash_left_open_is_interrupted(store):
    dead, live = Maker(store, 1, owner=GONE), Maker(store, 2)
    dead.prompt("cut"), live.prompt("runs")
    ends = {turn.command: turn.end for turn in sessions.log(store, sessions.Picked(), alive)}
    assert ends == {"cut": End.INTERRUPTED, "runs": End.RUNNING}


# --- names and notes -----------------------------------------------------------------------------


def test_a_label_is_an_event_too_and_says_whom_it_left(store):
    one, two = Maker(store, 1), Maker(store, 2)
    assert sessions.label(store, one.ulid, "shop", 0) is None
    assert sessions.label(store, one.ulid, "shop", 0) is None  # again: nothing happens
    assert sessions.label(store, two.ulid, "shop", 0) == one.ulid
    assert store.labels() == [("shop", two.ulid)]
    for made, left in ((one, {}), (two, {"from": one.ulid})):
        events = [(event.kind, event.text, dict(event.meta)) for event in store.events(made.ulid)]
        assert events == [("mark", "label shop", {"mark": "label", "label": "shop", **left})]
    sessions.unlabel(store, "shop", 0)
    assert store.labels() == []
    with pytest.raises(NotFound, match="no such label: shop"):
        sessions.unlabel(store, "shop", 0)


@pytest.mark.parametrize("name", ["", "a/b", "@1", "-x", ":x", "x:3", "a\x1bb", "x" * 129])
def test_what_is_no_label_changes_nothing(store, name):
    one = Maker(store, 1)
    with pytest.raises(UsageError_):
        sessions.label(store, one.ulid, name, 0)
    assert store.labels() == []
    assert store.count(one.ulid) == 0


def test_notes_and_alerts_go_to_the_turn_that_runs(store):
    one = Maker(store, 1)
    number = one.prompt("long job")
    note = sessions.note(store, one.ulid, "half way", one.at_ms + 5000)
    alert = sessions.alert(store, one.ulid, "too hot", one.at_ms + 6000)
    assert (note.kind, note.turn, dict(note.meta)) == ("mark", number, {"mark": "note"})
    assert (alert.kind, alert.turn, dict(alert.meta)) == ("alert", number, {"rule": "user"})
    assert (note.invocation, note.at.wall_ms) == (one.invocation, one.at_ms + 5000)
    assert store.turn(one.ulid, number).troubled
    one.done(status=1)
    assert sessions.note(store, one.ulid, "later", one.at_ms).turn is None


def test_nothing_can_be_noted_in_a_session_without_a_row(store):
    with pytest.raises(Refused, match="nothing of it has been stored"):
        sessions.note(store, maker.ulid(9), "lost", 0)


# --- first line, outputs -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (-5000, "0s"), (0, "0s"), (999, "0s"), (1000, "1s"), (42_999, "42s"), (MINUTE - 1, "59s"),
        (MINUTE, "1m"), (14 * MINUTE + 59_000, "14m"), (HOUR - 1, "59m"), (HOUR, "1h"), (DAY - 1, "23h"),
        (DAY, "1d"), (2 * DAY + 23 * HOUR, "2d"), (400 * DAY, "400d"),
    ],
)  # fmt: skip
def test_ago_is_one_floored_unit(span, said):
    assert units.ago(span) == said


def test_the_first_line(store):
    one = Maker(store, 1)
    assert transcripts.replay(store, one.ulid, 0).first_line == "no prior events"
    event = one.event("mark", "x")
    at = event.at.wall_ms
    assert transcripts.replay(store, one.ulid, at + 42_000).first_line == "1 prior event, most recent 42s ago"
    one.turn("select 1;")
    newest = one.at_ms
    shown = transcripts.replay(store, one.ulid, newest + 3 * HOUR, last=1)
    assert shown.first_line == "3 prior events, most recent 3h ago"
    assert (shown.n_events, shown.most_recent_ms) == (3, newest)
    assert [event.text for event in shown.events] == [""]


def test_the_output_of_each_turn(store):
    one = Maker(store, 1)
    expected = {}
    for number in range(1, 40):
        parts = [f"{number} line {k}\n" for k in range(number % 4)]
        assert one.prompt(f"turn {number}") == number
        for part in parts:
            one.printed(part)
        one.event("mark", "something else")
        one.done()
        expected[number] = "".join(parts)
    for number, text in expected.items():
        turn = store.turn(one.ulid, number)
        assert transcripts.output_text(store, turn) == text
        prompt = next(event for event in store.events(one.ulid, kinds=("prompt",)) if event.turn == number)
        assert transcripts._prompt_seq(store, turn) == prompt.seq  # found, not read through
        assert b"".join(transcripts.output_raw(store, turn)) == text.replace("\n", "\r\n").encode()


def test_output_that_comes_after_the_next_prompt_is_still_its_own(store):
    one = Maker(store, 1)
    first = one.prompt("slow")
    one.printed("begin ")
    one.turns += 1
    one.event("prompt", "typed ahead", 2, raw=one.raw)
    one.turns = first
    one.printed("end")
    one.done()
    one.turns = 2
    one.printed("second")
    assert transcripts.output_text(store, store.turn(one.ulid, 1)) == "begin end"
    assert transcripts.output_text(store, store.turn(one.ulid, 2)) == "second"


def test_what_is_raw_only_is_said_where_it_is_missing(store):
    one = Maker(store, 1)
    one.prompt("yes")
    one.printed("head\n")
    one.event("system", "9 bytes of output are kept as raw bytes only", 1, raw_only=9)
    one.printed("tail\n")
    one.done()
    turn = store.turn(one.ulid, 1)
    assert turn.truncated
    texts = [event.text for event in transcripts.output_events(store, turn)]
    assert texts == ["head\n", "9 bytes of output are kept as raw bytes only", "tail\n", ""]
    assert transcripts.output_text(store, turn) == "head\ntail\n"
