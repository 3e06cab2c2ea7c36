"""`rec search`: what it prints, its statuses, bad patterns; and that no word outlives its text."""

from __future__ import annotations

import json
from contextlib import closing

import maker
import pytest
from blackbox import rec
from leftovers import left
from maker import Maker

from recorder.model import Kind

WORD = b"xyzzyplanted"  # one word: it stands in lists of words as it is


@pytest.fixture
def filled(root):
    """Two ended sessions, the second labelled `shop`."""
    with closing(maker.store_at(root)) as store:
        first = Maker(store, 1, tool="bash", cwd="/srv")
        first.turn("psql shop", "connection refused\nby 10.0.0.1\n", status=1)
        first.turn("echo it's 100% -v 'quoted' *", "it's 100% -v quoted *\n", status=0)
        first.end()
        second = Maker(store, 2, at_ms=first.at_ms + 60_000)
        second.turn("select * from shop;", "\x1b[31mred\x1b[0m\nmy_table connected\n", status=None)
        second.event("mark", "a note on connections", mark="note")
        second.end()
        store.set_label("shop", second.ulid)
    return [first.ulid, second.ulid]


def lines(*words, root):
    return [json.loads(line) for line in rec(["search", *words, "--json"], root).ok().stdout.splitlines()]


def test_json_has_the_fields_of_the_contract(root, filled):
    (hit,) = lines("refused", root=root)
    assert hit.pop("score") > 0
    assert hit.pop("at").endswith("Z")
    assert hit == {
        "session": filled[0],
        "turn": 1,
        "seq": 2,
        "kind": "output",
        "snippet": "connection refused",
        "command": "psql shop",
    }
    (note,) = lines("note", root=root)
    assert (note["turn"], note["command"], note["kind"]) == (None, None, "mark")


def test_people_see_turns_and_places(root, filled):
    shown = rec(["search", "conn*"], root).ok()
    assert shown.stderr == ""
    heads = [line for line in shown.stdout.splitlines() if not line.startswith(" ")]
    assert [head.split("  ")[0].rpartition(":")[2] for head in heads] == ["", "1", "1"]
    assert heads[1].startswith("shop:1 ")
    assert heads[1].endswith("select * from shop;")
    below = [line for line in shown.stdout.splitlines() if line.startswith(" ")]
    assert below == ["    mark: a note on connections", "    my_table connected", "    connection refused"]


def test_on_a_terminal_the_place_is_marked_and_nothing_drives_it(root, filled, start_rec):
    term = start_rec(["search", "red", "--tool", "sqlite3"])
    assert term.wait() == 0
    assert b"\x1b[33;1mred\x1b[0m" in term.raw
    assert b"\\x1b[31m" in term.raw
    assert b"\x1b[31m" not in term.raw
    for more in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        term = start_rec(["search", "red", "--tool", "sqlite3"], env=more)
        assert term.wait() == 0
        assert b"\x1b[33" not in term.raw


WORDS = (
    ["NEAR"],
    ['"'],
    ["*"],
    ["--", "-v"],
    ["it's"],
    ["100%"],
    ["'quoted'"],
    ["a", "OR", "b"],
    ["\\"],
    [":x"],
)


@pytest.mark.parametrize("words", WORDS)
def test_no_word_is_an_error(root, filled, words):
    done = rec(["search", *words], root)
    found = words[-1] in ("*", "-v", "it's", "100%", "'quoted'")
    assert done.status == (0 if found else 1)
    said = [] if found else [f"rec: nothing found: {' '.join(words)}"]
    assert done.stderr.splitlines()[:1] == said


def test_without_a_hit_the_status_is_1(root, filled):
    for words in (
        ["nowhere"],
        ["refused", "--in", "prompt"],
        ["refused", "--since", "0s"],
        ["--regex", "^z"],
    ):
        done = rec(["search", *words, "--json"], root)
        assert (done.status, done.stdout) == (1, "")
        assert done.stderr.startswith("rec: nothing found: ")
        assert "drew on the whole screen" in done.stderr.splitlines()[1]


def test_no_search_finds_what_another_one_printed(root):
    with closing(maker.store_at(root)) as store:
        made = Maker(store, 1)
        made.turn("echo needle", "needle\n")
        made.turn(" rec search needle -n 3", "x:1\n    needle\n")
        made.turn("rec --root /r search needle", "y:1\n    needle\n")
        made.event(Kind.COMMAND, "/search needle")
        made.turn("rec searching needle", "needle\n")
        made.end()
    found = [(hit["kind"], hit["turn"]) for hit in lines("needle", root=root)]
    assert found == [("output", 4), ("prompt", 4), ("prompt", 3), ("prompt", 2), ("output", 1), ("prompt", 1)]


def test_it_is_narrowed(root, filled):
    assert [hit["session"] for hit in lines("shop", root=root)] == [filled[1], filled[0]]
    assert [hit["session"] for hit in lines("shop", "--tool", "bash", root=root)] == [filled[0]]
    assert len(lines("shop", "--host", "engine", root=root)) == 2
    assert [hit["seq"] for hit in lines("quoted", "--in", "output", root=root)] == [5]
    assert [hit["turn"] for hit in lines("connection", "--failed", root=root)] == [1]
    assert [hit["session"] for hit in lines("*o*", "--cwd", "/srv", "-n", "1", root=root)] == [filled[0]]
    assert len(lines("*o*", "-n", "3", root=root)) == 3


def test_parts_of_words_where_there_is_no_word(root, filled):
    done = rec(["search", "onnecte"], root).ok()
    assert "my_table connected" in done.stdout
    assert done.stderr == "rec: no such word; it is a part of these\n"


def test_regular_expressions(root, filled):
    assert [hit["snippet"] for hit in lines("--regex", r"^by \d+\.\d+", root=root)] == ["by 10.0.0.1"]
    done = rec(["search", "--regex", "("], root)
    assert done.status == 2
    assert done.stderr.startswith("rec: could not search for '(': ")
    assert "Traceback" not in done.stderr


def test_a_pattern_that_takes_for_ever_is_given_up(root):
    with closing(maker.store_at(root)) as store:
        made = Maker(store, 1)
        for _ in range(3):
            made.turn("x", "a" * 60 + "!\n")
        made.end()
    done = rec(["search", "--regex", "(a+)+$"], root)
    assert done.status == 1
    assert "takes longer than 1 s on one text" in done.stderr


def test_more_than_a_page_says_so(root):
    with closing(maker.store_at(root)) as store:
        made = Maker(store, 1)
        for number in range(30):
            made.turn(f"needle {number}")
        made.end()
    done = rec(["search", "needle"], root).ok()
    assert len(done.stdout.splitlines()) == 20
    assert done.stderr == "rec: the first 20 hits; -n 100 shows more\n"
    assert len(rec(["search", "needle", "-n", "25"], root).ok().stdout.splitlines()) == 25
    assert len(lines("needle", root=root)) == 30


# --- nothing is left -------------------------------------------------------------------------------


def indexed(store, *made):
    for each in made:
        while store.index(each.ulid, rest=True):
            pass


def session_with(store, number, word):
    made = Maker(store, number)
    made.turn(f"echo {number}", f"{word} of {number}\n")
    return made


@pytest.mark.parametrize("how", ["rm session", "rm turn", "prune", "forget", "undo"])
def test_no_word_of_what_is_erased_is_left_in_the_index(root, how):
    word = WORD.decode()
    with closing(maker.store_at(root)) as store:
        made = [session_with(store, number, "other") for number in range(70)]
        victim = made[3]
        if how == "undo":
            victim.event(Kind.MARK, word, mark="note")
        else:
            victim.turn("last", f"{word}\n")
        for each in made:
            each.end()
        indexed(store, *made)
        assert {"block", "chapter"} <= set(left(root, WORD))
        if how == "forget":
            store.erase(victim.ulid, 2)
        elif how == "undo":
            store.drop_last(victim.ulid)
    if how == "rm session":
        rec(["rm", victim.ulid], root).ok()
    elif how == "rm turn":
        rec(["rm", f"{victim.ulid}:2"], root).ok()
    elif how == "prune":
        rec(["prune", "--older-than", "0s"], root).ok()
    assert left(root, WORD) == []
    with closing(maker.store_at(root)) as store:
        assert all(ok for _, ok, _ in store.check())
        if how != "prune":
            assert store._db.execute("SELECT count(*) FROM chapter").fetchone() == (1,)
            assert store.unindexed() == {}
