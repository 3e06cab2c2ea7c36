"""What the line editor brings back: Up, search, suggestions."""

import pytest
from editing import DOWN, ENTER, RIGHT, UP, accepted, desks


@pytest.fixture
def desk():
    with desks() as make:
        yield make


def test_up_as_the_very_first_key(desk):
    d = desk(history=["first", "second"])
    d.editor.start(b"> ")
    assert d.editor.feed(UP) is None
    assert d.editor.feed(UP) is None
    assert d.editor.feed(ENTER) == accepted("first")


def test_up_takes_only_what_begins_like_the_line(desk):
    d = desk(history=["select 1", "insert 2", "select 3"])
    d.editor.start(b"> ")
    d.type("sel", UP, UP)
    assert d.lines[0] == "> select 1"
    d.type(DOWN, DOWN)
    assert d.lines[0].startswith("> sel")
    assert d.type(ENTER) == accepted("sel")


def test_history_is_asked_anew_at_each_start_and_nothing_is_added_to_it(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type("one", ENTER) == accepted("one")
    d.editor.start(b"> ")
    assert d.type(UP, ENTER) == accepted("")
    d.history = ["kept"]
    d.editor.start(b"> ")
    assert d.type(UP, ENTER) == accepted("kept")


def test_the_same_line_twice_is_one_step(desk):
    d = desk(history=["a", "b", "b", "", "b"])
    d.editor.start(b"> ")
    assert d.type(UP, UP, ENTER) == accepted("a")


def test_search_backwards_and_enter_submits(desk):
    d = desk(history=["alpha one", "beta two", "gamma one"])
    d.editor.start(b"> ")
    d.type("\x12", "one")
    assert "gamma one" in d.lines[0]
    d.type("\x12")
    assert "alpha one" in d.lines[0]
    assert d.type(ENTER) == accepted("alpha one")


def test_a_suggestion_is_shown_and_taken_only_when_asked(desk):
    d = desk(history=["select * from orders"])
    d.editor.start(b"> ")
    d.type("select *")
    assert d.lines[0] == "> select * from orders"
    assert d.cursor == (10, 0)
    assert d.type(ENTER) == accepted("select *")
    d.editor.start(b"> ")
    assert d.type("sel", RIGHT, ENTER) == accepted("select * from orders")


def test_lines_that_become_known_late_are_there_for_the_first_key(desk):
    d = desk(history=["here"])
    d.editor.start(b"> ", "he")
    d.history = ["earlier", "heard", "here"]
    d.type(UP, UP)
    assert d.lines[0] == "> heard"
    d.history = []
    assert d.type(DOWN, ENTER) == accepted("here")
