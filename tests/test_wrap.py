"""Wrap-ups: what a session came to, computed from its turns and events; and the file at a long one's end."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing, contextmanager

import maker
import pytest
from blackbox import grep_root, ls, rec, wait_for
from conversation import EDITOR
from leftovers import left
from maker import Maker
from making import T0, invocation, session

from recorder import takeback, wrapping
from recorder.model import End, Event, Kind, Moment, Summary, Turn
from recorder.stores import files
from recorder.wrap import LONG_MS, is_worth_a_line, wrap

S = session(1)
RUN = invocation(S, 1001)


def turn(number, command, duration_ms, status=0, end=End.DONE):
    return Turn(S.ulid, number, command, None, T0, 0, 0, end, status, duration_ms)


def event(seq, kind):
    return Event(S.ulid, seq, kind, Moment(T0, 0), "", None, None, {})


def wrapped(turns=(), events=(), last_ms=None):
    return wrap(Summary(S, RUN, ("shop",), None, 0, 0, last_ms), list(turns), list(events))


def test_what_is_counted():
    turns = [turn(1, "make test", 90_000, 2), turn(2, "ls", 10), turn(3, "make", 500), turn(4, "", 5)]
    turns.append(turn(5, "sleep 9", None, None, End.RUNNING))
    events = [event(1, Kind.WARN), event(2, Kind.ALERT), event(3, Kind.WARN)]
    found = wrapped(turns, events, S.created_ms + 61_000)
    assert (found.n_turns, found.n_failures, found.n_warns, found.n_alerts) == (5, 1, 2, 1)
    assert found.duration_ms == 61_000
    assert found.most_used == (("make", 2), ("ls", 1), ("sleep", 1))
    assert [each.turn for each in found.longest] == [1, 3, 2, 4]


def test_an_empty_session_and_a_clock_that_was_set_back():
    assert wrapped(last_ms=S.created_ms - 5).duration_ms == 0
    assert wrapped().most_used == wrapped().longest == ()


def test_only_a_long_session_with_a_prompt_is_worth_a_line():
    long = S.created_ms + LONG_MS + 1
    assert is_worth_a_line(wrapped([turn(1, "ls", 1)], last_ms=long))
    assert not is_worth_a_line(wrapped([turn(1, "ls", 1)], last_ms=long - 1))
    assert not is_worth_a_line(wrapped(last_ms=long))


def recorded(root, *lines):
    rec(
        ["run", "--label", "shop", "--", "cat"], root, stdin="".join(f"{each}\n" for each in lines).encode()
    ).ok()


def test_the_command(root):
    recorded(root, "one two", "one three")
    data = rec(["wrap", "shop", "--json"], root).json()
    assert list(data) == [
        *("schema", "session", "labels", "tool", "started_at", "ended_at", "duration_ms", "n_turns"),
        *("n_failures", "n_warns", "n_alerts", "most_used", "longest"),
    ]
    assert (data["schema"], data["labels"], data["tool"], data["n_turns"]) == (1, ["shop"], "cat", 2)
    assert data["most_used"] == [{"command": "one", "count": 2}]
    assert {each["turn"] for each in data["longest"]} == {1, 2}
    text = rec(["wrap", "shop"], root).ok().stdout
    assert "2 turns" in text
    assert "one three" in text
    assert rec(["wrap", "none"], root).status == 1


def begun_long_ago(root):
    """Let the session that is being recorded have begun three hours ago."""
    wait_for(lambda: ls(root), what="a row")
    with closing(sqlite3.connect(root / "rec.db", timeout=10)) as db, db:
        db.execute("UPDATE session SET created_ms = created_ms - 10800000")


@contextmanager
def resumed(start_rec):
    """Go on with the session, do something in it, and leave."""
    with start_rec(["resume", "shop"]) as term:
        term.expect(EDITOR)
        yield term
        term.send("\x04")
        assert term.wait() == 0


def test_the_end_of_a_resumed_long_session(root, start_rec):
    """It is said in one line, kept beside the store, and goes with a turn that it may name."""
    recorded(root, "s3cret-marker")
    begun_long_ago(root)
    with resumed(start_rec) as term:
        term.line("more")
        term.expect("more\nmore")
    assert re.search(r"rec: 3h00m, 2 turns.*; `rec wrap [0-9A-Z]{26}` says more", term.text())
    ulid = ls(root)[0]["ulid"]
    kept = root / "wraps" / f"{ulid}.json"
    assert json.loads(kept.read_text())["n_turns"] == 2
    assert kept.stat().st_mode & 0o777 == 0o600
    rec(["rm", "--yes", "shop:1"], root).ok()
    assert not kept.exists()
    assert grep_root(root, b"s3cret-marker") == []


def test_wrap_off_is_for_this_session(root, start_rec):
    recorded(root, "one")
    begun_long_ago(root)
    with resumed(start_rec) as term:
        term.line("/wrap")
        term.expect("1 turn")
        term.line("/wrap-off")
        term.expect("no wrap-up at the end")
    assert "rec wrap" not in term.text()
    assert not (root / "wraps").exists()


def test_a_long_session_that_was_left_is_wrapped_up_too(root, start_rec):
    """By /new or /fork: it has ended, though its tool runs on."""
    recorded(root, "one")
    begun_long_ago(root)
    old = ls(root)[0]["ulid"]
    with resumed(start_rec) as term:
        term.line("/new")
        term.expect("is archived; recording goes on in")
    said = re.findall(r"rec: 3h00m, 1 turn.*; `rec wrap ([0-9A-Z]{26})` says more", term.text())
    assert said == [old]
    assert [path.stem for path in (root / "wraps").iterdir()] == [old]


def test_no_wrap_has_a_label_that_was_taken_back(root):
    recorded(root, "one")
    ulid = ls(root)[0]["ulid"]
    with closing(maker.store_at(root)) as store:
        assert wrapping.keep(store, root, wrapping.of(store, ulid), lambda found: repr(found).encode())
        assert "'shop'" in (root / "wraps" / f"{ulid}.json").read_text()
        assert takeback.undo(store, root, ulid) == "label shop is taken back"
    assert not (root / "wraps" / f"{ulid}.json").exists()


@pytest.mark.parametrize(
    ("words", "stays"),
    [
        (["rm", "--yes", "--with-forks", "parent:2"], ["stranger", "early"]),
        (["rm", "--yes", "--with-forks", "late"], ["stranger", "parent", "early"]),
        (["rm", "--yes", "--with-forks", "parent"], ["stranger"]),
        (["prune", "--older-than", "0s"], []),
    ],
)
def test_no_wrap_quotes_what_was_erased(root, words, stays):
    """Those of forks behind the turn go too, and what a killed recorder has half written."""
    with closing(maker.store_at(root)) as store:
        made = {"stranger": Maker(store, 1), "parent": Maker(store, 2)}
        for number in (1, 2):
            made["parent"].turn(f"echo {number}", "\n")
        for nth, (name, parent, turn) in enumerate(
            [("early", "parent", 1), ("late", "parent", 2), ("later", "late", 2)], 3
        ):
            made[name] = Maker(store, nth, parent_ulid=made[parent].ulid, fork_turn=turn, fork_seq=3 * turn)
        wraps = files.private_directory(root / "wraps")
        for name, each in made.items():
            each.end()
            store.set_label(name, each.ulid)
            for end in ("", files.PART):
                (wraps / f"{each.ulid}.json{end}").write_text(f"s3cret-marker of {name}")
    rec(words, root).ok()
    kept = {path.name.partition(".")[0] for path in grep_root(root, b"s3cret-marker")}
    assert kept == {made[name].ulid for name in stays}


def test_what_is_erased_while_it_is_wrapped_up_does_not_come_back(root):
    with closing(maker.store_at(root)) as store:
        one = Maker(store, 1)
        one.turn("echo s3cret-marker", "\n")
        one.end()
        found = wrapping.of(store, one.ulid)

        def encoded(each):
            store.erase(one.ulid, 1)
            return repr(each).encode()

        assert not wrapping.keep(store, root, found, encoded)
        assert left(root, b"s3cret-marker") == []
        store.delete([one.ulid])
        assert not wrapping.keep(store, root, found, encoded)
        assert left(root, b"s3cret-marker") == []
