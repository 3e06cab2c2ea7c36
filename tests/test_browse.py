"""`rec browse`: its keys without a terminal, what it reads from a store, and the whole of it on one."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import signal
import sys
from contextlib import closing
from dataclasses import replace

import maker
import pytest
from blackbox import ls, rec
from hypothesis import given
from hypothesis import strategies as st
from maker import Maker
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from recorder import browsing, ptbrowse, render_browse
from recorder.browsing import MOVES, PAGE, Ask, Entry, Level, Line, Pane, View, Want, Wish
from recorder.errors import StoreBusy
from recorder.render import Page, width
from recorder.render_browse import HELP, Names
from recorder.row import cell_width
from recorder.shelf import Shelf, wrapped
from recorder.stores.memory import MemoryStore

HEIGHT = 5
PAGE_80 = Page(columns=80)
KEYS = [*MOVES, "enter", "escape", "backspace", "left", "right", "clear", "word", *"/?nNplfryqxY"]


class Reader:
    """A user in front of a browser without a terminal."""

    def __init__(self, store, columns=80):
        self.shelf = Shelf(store, lambda _owner: False)
        self.view, self.columns, self.wishes = View(), columns, []
        self.read()

    def read(self):
        if not self.view.pane.fresh:
            rows, more = self.shelf.rows(self.view.pane, self.columns)
            self.view = browsing.filled(self.view, rows, HEIGHT, more=more)

    def press(self, *keys):
        for key in keys:
            self.view, wish = browsing.press(self.view, key, HEIGHT)
            self.read()
            self.wishes += [wish] if wish else []
        return self

    @property
    def pane(self):
        return self.view.pane

    @property
    def chosen(self):
        return self.pane.entry.key if self.pane.entry else None

    def lines(self, page=PAGE_80):
        names = Names(*self.shelf.names(self.view.panes[0].rows))
        body = render_browse.body(self.view, names, page, HEIGHT)
        return [render_browse.title(self.view, names, page), *body]


@pytest.fixture
def three():
    """Three sessions, the oldest first: a shop of 3 turns, its fork behind turn 2, a shell of 30 turns."""
    store = MemoryStore()
    shop = Maker(store, 1, cwd="/srv/shop")
    for number in range(1, 4):
        shop.turn(f"select {number} from goods", f"{number} apples\n{number} pears\n")
    shop.end()
    store.set_label("shop", shop.ulid)
    fork = Maker(store, 2, parent_ulid=shop.ulid, fork_turn=2, fork_seq=store.count(shop.ulid))
    fork.turn("drop table goods", "gone\n")
    fork.end()
    shell = Maker(store, 3, tool="bash", argv=("bash",), cwd="/home/ada")
    for number in range(1, 31):
        shell.turn(f"seq {number}", "".join(f"{n}\n" for n in range(1, number + 1)))
    shell.end()
    return store, shop.ulid, fork.ulid, shell.ulid


# --- levels ----------------------------------------------------------------------------------------


def test_sessions_then_turns_of_the_lineage_then_output_and_back(three):
    store, shop, fork, shell = three
    reader = Reader(store)
    assert [row.session for row in reader.pane.rows] == [shell, fork, shop]
    reader.press("down", "enter")
    assert reader.pane.level is Level.TURNS
    assert [row.key for row in reader.pane.rows] == [(fork, 1), (fork, 2), (fork, 3)]
    assert reader.chosen == (fork, 3)  # the newest
    reader.press("up", "enter")
    assert [row.text for row in reader.pane.rows] == ["2 apples", "2 pears"]
    assert reader.pane.entry.key == (fork, 2)
    reader.press("escape")
    assert reader.chosen == (fork, 2)
    reader.press("left")
    assert reader.chosen == (fork, None)
    reader.press("backspace")
    assert (reader.view.said, len(reader.view.panes)) == ("q quits", 1)


def test_the_chosen_row_stays_in_sight(three):
    reader = Reader(three[0]).press("enter")
    seen = []
    for key in ["home", "down", "pagedown", "end", "pageup", "k", "G", "g", " "]:
        reader.press(key)
        assert reader.pane.top <= reader.pane.at < reader.pane.top + HEIGHT
        seen.append(reader.pane.at)
    assert seen == [0, 1, 5, 29, 25, 24, 29, 0, 4]


def test_output_scrolls_no_further_than_its_end(three):
    reader = Reader(three[0]).press("enter", "enter", "end")
    assert reader.pane.top == 30 - HEIGHT
    reader.press("down", "pagedown")
    assert reader.pane.top == 30 - HEIGHT
    reader.press("home", "up")
    assert reader.pane.top == 0


def test_more_sessions_are_read_when_they_come_near_and_all_for_the_last():
    store = MemoryStore()
    for number in range(PAGE + 50):
        Maker(store, number, at_ms=1_750_000_000_000)
    reader = Reader(store)
    assert (len(reader.pane.rows), reader.pane.more) == (PAGE, True)
    for _ in range(PAGE // (HEIGHT - 1) - 3):
        reader.press("pagedown")
    at = reader.pane.entry
    assert (len(reader.pane.rows), reader.pane.more) == (PAGE + 50, False)
    assert reader.pane.rows[reader.pane.at].key == at.key
    reader = Reader(store).press("end")
    assert reader.pane.at == PAGE + 49


def test_what_is_read_again_keeps_the_chosen_row(three):
    store, shop, *_ = three
    reader = Reader(store).press("end")
    assert reader.chosen == (shop, None)
    Maker(store, 4)
    reader.view = browsing.stale(reader.view)
    reader.read()
    assert (reader.chosen, len(reader.pane.rows)) == ((shop, None), 4)
    reader.press("home", "down", "enter", "enter", "end")
    number = reader.pane.rows[reader.pane.at].number
    reader.view, reader.columns = browsing.stale(reader.view), 1
    reader.read()
    assert reader.pane.rows[reader.pane.at].number == number


# --- finding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("bash", [("shell", None)]),
        ("SHOP", [("fork", None), ("shop", None)]),  # by a command line; by a label
        ("srv/shop", [("shop", None)]),
        ("goods drop", [("fork", 3)]),
        ("seq 29", [("shell", 29)]),
        ("pear", [("shop", 3), ("shop", 2), ("shop", 1)]),  # a word that is still being typed
        ('"1 pears"', [("shop", 1)]),
        ("rop", [("fork", 3)]),  # a part of one
        ("no such words", []),
    ],
)
def test_sessions_and_prompts_are_found_while_one_types(three, typed, found):
    store, shop, fork, shell = three
    names = {shop: "shop", fork: "fork", shell: "shell"}
    reader = Reader(store).press("/", *typed)
    assert [(names[row.session], row.turn) for row in reader.pane.rows] == found
    assert reader.view.asking is Ask.FIND
    reader.press("escape")
    assert (reader.view.asking, len(reader.pane.rows)) == (None, 3)


def test_a_command_that_was_found_opens_at_its_turn(three):
    store, _shop, _fork, shell = three
    reader = Reader(store).press("/", *"seq 2", "down", "enter")
    assert reader.pane.level is Level.OUTPUT
    assert reader.pane.entry.key == (shell, 28)
    reader.press("escape")
    assert (reader.pane.level, reader.chosen) == (Level.TURNS, (shell, 28))
    assert len(reader.pane.rows) == 30
    reader.press("escape")
    assert (reader.pane.query, reader.chosen) == ("seq 2", (shell, 28))
    reader.press("escape")
    assert (reader.pane.query, len(reader.view.panes)) == ("", 1)


def test_a_word_of_an_output_opens_at_its_line(three):
    store = three[0]
    made = Maker(store, 9)
    made.turn("list", "".join(f"row {number}\n" for number in range(50)) + "the needle\n" * 9)
    reader = Reader(store).press("/", *"NEEDLE")
    assert [row.shown.snippet for row in reader.pane.rows] == ["the needle"]
    assert reader.lines()[1:] == ["FOUND", reader.lines()[2]]
    assert "the needle" in reader.lines()[2]
    reader.press("enter")
    assert (reader.pane.query, reader.pane.rows[reader.pane.at].text) == ("needle", "the needle")
    assert reader.lines()[1] == "> list  ok"
    reader.press("escape", "escape", "escape", "/", *"row 3")
    assert [row.shown.snippet for row in reader.pane.rows] == ["row 3"]  # not "row 0 … 3"
    assert reader.shelf.beginning(reader.pane.entry, 80, 2) == ["row 3", "row 4"]
    reader.press("enter", "escape")
    assert (reader.pane.level, reader.chosen) == (Level.TURNS, (made.ulid, 1))


def test_a_search_that_takes_long_is_cut_while_one_types_and_done_at_the_end_key(three):
    reader = Reader(three[0])
    ticks = iter(range(1000))
    reader.shelf = Shelf(three[0], lambda _owner: False, lambda: next(ticks))
    reader.press("/", *"pears")
    assert (reader.pane.rows, reader.pane.more) == ((), True)
    assert reader.lines() == ["rec browse  0+ found", "", "nothing found yet; End searches everything"]
    reader.press("end")
    assert (len(reader.pane.rows), reader.pane.more) == (3, False)


def test_turns_are_found_by_their_command(three):
    reader = Reader(three[0]).press("enter", "/", *"30")
    assert [row.turn for row in reader.pane.rows] == [30]
    reader.press("backspace")
    assert [row.turn for row in reader.pane.rows] == [3, 13, 23, *range(30, 31)]
    reader.press("clear", *"x y", "word")
    assert reader.view.typed == "x"
    reader.press("backspace", "backspace")  # the second one leaves the line
    assert (reader.view.asking, len(reader.pane.rows)) == (None, 30)


def test_output_is_searched_from_where_it_is_shown(three):
    reader = Reader(three[0]).press("enter", "enter", "/", *"2")
    assert reader.pane.at == 1
    reader.press("0")
    assert reader.pane.at == 19
    reader.press("backspace", "enter", "n")
    assert reader.pane.at == 11
    reader.press("N")
    assert reader.pane.at == 1
    reader.press("N")
    assert (reader.pane.at, reader.view.said) == (1, "no more")
    reader.press("/", *"9")
    assert reader.pane.at == 25  # the last screenful, which has it
    reader.press("escape", "n")
    assert reader.view.said == "nothing is searched for: / finds"


def test_a_place_that_a_row_end_cuts_is_found():
    text = "ab" * 50 + "needle"
    rows = (*(Line(0, row) for row in wrapped(text, 8)), Line(1, "NEEDLE needle"))
    pane = Pane(Level.OUTPUT, rows=rows, query="Needle", fresh=True)
    assert browsing.places(pane) == [12, 14]


def test_a_hit_in_output_is_opened_at_its_line():
    rows = [Line(number, f"row {number}") for number in range(50)]
    hit = Entry("S", 1, None, find="row 33")
    view = browsing.filled(View(), [hit], HEIGHT)
    view, _ = browsing.press(view, "enter", HEIGHT)
    assert browsing.filled(view, rows, HEIGHT).pane.at == 33


# --- wishes ----------------------------------------------------------------------------------------


def test_what_is_wished_for_a_session_a_turn_and_its_output(three):
    store, _shop, fork, _shell = three
    reader = Reader(store).press("down", *"pyfy", *"rn", "enter", *"py", "up", *"f", "enter", "enter", *"yry")
    session, third, second = (fork, None), (fork, 3), (fork, 2)
    assert [(wish.want, wish.entry.key, wish.output) for wish in reader.wishes] == [
        (Want.PLAY, session, False),
        (Want.COPY, session, False),
        (Want.FORK, session, False),
        (Want.PLAY, third, False),
        (Want.COPY, third, False),
        (Want.FORK, second, False),
        (Want.COPY, second, True),
        (Want.RESUME, second, False),
    ]


def test_what_was_found_is_played_where_it_stands(three):
    store, shop, _fork, shell = three
    turns = Reader(store).press("enter", "/", *"SEQ 2", "home").view
    _, command = browsing.press(replace(turns, asking=None), "p", HEIGHT)
    reader = Reader(store).press("/", *"pear", "enter", "p")  # the output that it opens
    reader.press("/", "clear", *"app", "enter", "p")  # what is searched for there
    _, row = browsing.press(replace(reader.view, panes=reader.view.panes[:1]), "p", HEIGHT)
    found = [(wish.entry.key, wish.text) for wish in (command, *reader.wishes, row)]
    assert found == [((shell, 2), "seq 2"), ((shop, 3), "pear"), ((shop, 3), "app"), ((shop, 3), "pear")]
    reader = Reader(store).press("p", "enter", "p", "enter", "p")
    assert [each.text for each in reader.wishes] == ["", "", ""]


def test_a_label_is_one_line_and_none_is_given_by_esc(three):
    reader = Reader(three[0]).press("l", *"my shop", "down", "enter")
    assert reader.wishes == [Wish(Want.LABEL, reader.pane.entry, "my shop")]
    assert reader.pane.at == 0  # the line has the keys
    reader.press("l", *"q", "escape", "l", "enter")
    assert len(reader.wishes) == 1


def test_any_key_leaves_the_help_and_does_nothing_else(three):
    reader = Reader(three[0]).press("?")
    assert reader.lines()[1:] == HELP.split("\n")[: HEIGHT + 1]
    reader.press("q")
    assert (reader.view.helping, reader.wishes) == (False, [])
    assert reader.press("q").wishes == [Wish(Want.QUIT)]


def test_the_help_fits_the_smallest_screen():
    assert len(HELP.split("\n")) <= 21
    assert max(map(width, HELP.split("\n"))) <= 80


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("asking", [None, Ask.FIND, Ask.LABEL])
def test_the_keys_fit_80_columns(level, asking):
    line = render_browse.keys(View((Pane(level),), asking=asking), Page(columns=1000))
    assert width(line) <= 80


def test_an_empty_store_has_a_hint_and_no_key_that_does_anything():
    reader = Reader(MemoryStore())
    assert reader.lines() == [
        "rec browse  0 sessions",
        "",
        "nothing is recorded here yet: `rec run -- TOOL` records a tool",
    ]
    reader.press(*(key for key in KEYS if key not in "q/?"), "/", "x")
    assert reader.wishes == []
    assert reader.lines()[2] == "nothing found"


@given(st.lists(st.one_of(st.sampled_from(KEYS), st.text(max_size=1)), max_size=40))
def test_no_keys_bring_it_out_of_order(keys):
    store = MemoryStore()
    made = Maker(store, 1)
    for number in range(12):
        made.turn(f"q{number}", "n\n" * number)
    Maker(store, 2)
    reader = Reader(store)
    for key in keys:
        reader.press(key)
        pane = reader.pane
        assert pane.fresh
        assert 0 <= pane.at < max(1, len(pane.rows))
        assert pane.top <= pane.at < pane.top + HEIGHT
        assert len(reader.lines()) <= HEIGHT + 2
        render_browse.bottom(reader.view, PAGE_80)


# --- what is shown ---------------------------------------------------------------------------------

EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\x00evil"


def test_nothing_recorded_drives_the_terminal():
    store = MemoryStore()
    made = Maker(store, 1, tool=f"/bin/{EVIL}", cwd=f"/srv/{EVIL}", argv=("x", EVIL))
    made.turn(EVIL, f"{EVIL}\n{EVIL}\n")
    made.end()
    reader = Reader(store)
    for keys in ([], ["/", *"evil"], ["escape", "enter"], ["enter"], ["/", *"ev", "\x1b"]):
        reader.press(*keys)
        lines = [*reader.lines(replace(PAGE_80, colour=True)), render_browse.bottom(reader.view, PAGE_80)[0]]
        assert any("evil" in line for line in lines)
        for line in lines:
            assert not re.search("[\x00-\x1f\x7f-\x9f]", re.sub("\x1b\\[[0-9;]*m", "", line))


def test_without_colours_what_is_chosen_can_be_seen(three):
    lines = Reader(three[0]).press("down").lines()
    assert [line.startswith("\x1b[7m") for line in lines] == [False, False, False, True, False]
    assert not re.search("\x1b\\[(?!7m|0m)", "".join(lines))


@given(st.text(), st.integers(1, 12))
def test_wrapped_rows_are_the_line_and_no_wider_than_the_pane(text, columns):
    rows = list(wrapped(text, columns))
    assert "".join(rows) == text
    for row in rows:
        cells = [cell_width(char) for char in row]
        assert (
            sum(cells) <= columns or cells[0] > columns == sum(cells) - 1
        )  # one wide character in a narrow pane


# --- on a terminal ---------------------------------------------------------------------------------


@pytest.fixture
def shop(root):
    with closing(maker.store_at(root)) as store:
        old = Maker(store, 1, tool="bash")
        old.turn("make world", "done\n")
        old.end()
        made = Maker(store, 2)
        for number in range(1, 31):
            made.turn(f"select {number}", "".join(f"row {n} of {number}\n" for n in range(number * 3)))
        made.end()
    return root


def left(term, status):
    assert term.wait() == status
    assert term.modes() == term.before
    assert not term.alternate
    assert not term.private_modes - {7, 25}
    assert 25 in term.private_modes
    return True


def test_sessions_turns_output_label_and_copy_on_a_small_screen(shop, start_rec):
    term = start_rec(["browse"])
    term.expect("2 sessions")
    assert len(term.screen()) == 24
    assert term.screen()[-1].startswith("Enter open")
    assert term.screen()[-1].endswith("q quit")
    term.send("l")
    term.expect("label: ")
    term.send("wares\r")
    term.expect("this session is wares now")
    term.send("\r")
    term.expect("wares  30 turns")
    term.send("y")
    assert base64.b64decode(term.expect_raw(re.compile(rb"\x1b\]52;c;([^\x07]*)\x07"))[1]) == b"select 30"
    term.send("\x1b[A\r")
    term.expect("row 19 of 29")
    term.send("/86 of")
    term.expect("row 86 of 29")
    term.send("\r")
    term.expect("line 68 of 87")
    term.resize(100, 30)
    term.expect("line 62 of 87")
    term.send("\x1b")
    term.expect_gone("86 of")
    term.send("q")
    assert left(term, 0)
    assert {row["labels"][0] for row in ls(shop) if row["labels"]} == {"wares"}


def test_a_place_that_was_found_is_played_and_left_for_the_browser_again(shop, start_rec):
    term = start_rec(["browse"])
    term.expect("2 sessions")
    term.send("/row 66\r")
    term.expect(re.compile(r"^row 66 of \d+", re.MULTILINE))
    term.send("p")
    term.expect("hit 8/8+")
    assert term.screen()[-2].startswith("row 66 of 30")
    term.send("N")
    term.expect("hit 7/8+")
    assert term.screen()[-2].startswith("row 66 of 29")
    term.send("q")
    term.expect("n N next")
    term.send("q")
    assert left(term, 0)


def test_what_was_typed_at_once_is_found_and_opened(shop, start_rec):
    term = start_rec(["browse"], cols=130, env={"NO_COLOR": "1"})
    term.expect("2 sessions")
    term.expect(re.compile(r"│:30 .*select 30"))  # beside the list: what is in the session
    term.send("/world\r")
    term.expect("> make world")
    term.expect("done")
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", bytes(term.raw))
    term.send("\x03")
    assert left(term, 130)


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_the_terminal_as_it_was(shop, start_rec, sent, status):
    term = start_rec(["browse"])
    term.expect("q quit")
    term.kill(sent)
    assert left(term, status)


def test_forking_asks_and_leaves_for_it(root, start_rec):
    term = start_rec(["run", "--", "sh"])
    term.expect("$ ")
    term.line("exit")
    assert term.wait() == 0
    term = start_rec(["browse"])
    term.expect("1 session")
    term.send("f")
    term.expect("fork this session, and leave the browser? [y/N]")
    term.send("y")
    term.expect("$ ")
    assert not term.alternate
    term.line("exit")
    assert left(term, 0)
    child, parent = ls(root)
    assert child["parent_ulid"] == parent["ulid"]


def test_what_would_be_refused_is_said_in_the_browser(shop, start_rec):
    with closing(maker.store_at(shop)) as store:
        Maker(store, 3, tool="live")
    term = start_rec(["browse"])
    term.expect("3 sessions")
    term.send("ry")
    term.expect("it is live, recorded by process")
    term.send("q")
    assert left(term, 0)


def test_a_fault_of_ours_ends_it_and_shows_no_trace(three, capfd):
    class Broken(Shelf):
        def rows(self, pane, columns):
            return super().rows(pane, columns // (pane.level is Level.SESSIONS))

    deeds = ptbrowse.Deeds(label=None, play=None, check=None, page=lambda _columns: PAGE_80)
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("\r")
        with pytest.raises(ZeroDivisionError):
            ptbrowse.browse(Broken(three[0], lambda _owner: False), deeds)
    assert capfd.readouterr() == ("", "")


def test_a_store_that_is_busy_after_something_was_played_is_said(three, monkeypatch):
    class Busy(Shelf):
        calls = 0

        def names(self, rows):
            self.calls += 1
            if self.calls > 2:  # once to begin, once for the list that is read again, once for its title
                raise StoreBusy("could not read the store: it is busy")
            return super().names(rows)

    said = []
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):

        def play(_entry, _words):
            keys.send_text("q")
            return ""

        deeds = ptbrowse.Deeds(label=None, play=play, check=None, page=lambda _columns: PAGE_80)
        browser = ptbrowse.Browser(Busy(three[0], lambda _owner: False), deeds)
        monkeypatch.setattr(browser, "_say", said.append)
        keys.send_text("p")
        assert asyncio.run(browser.run()) == 0
    assert said == ["could not read the store: it is busy"]


def test_a_closed_window_ends_it(shop, start_rec):
    term = start_rec(["browse"])
    term.expect("q quit")
    term.close_terminal()
    assert term.wait() == 129


def test_after_kill_9_the_next_rec_gives_the_terminal_back(shop, start):
    words = f"{sys.executable} -m recorder browse; {sys.executable} -m recorder ls"
    term = start(["sh", "-c", words], root=shop)
    term.expect("q quit")
    os.kill(next(pid for pid, line in term.survivors() if line.endswith("recorder browse")), signal.SIGKILL)
    term.expect("its modes were put back")
    assert left(term, 0)


def test_it_needs_a_terminal(root):
    found = rec(["browse"], root)
    assert (found.status, found.stdout) == (1, "")
    assert found.stderr == "rec: could not browse: this needs a terminal\n`rec ls` lists the sessions\n"
