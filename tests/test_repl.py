"""The line editor's keys and texts, driven by bytes; what it draws is looked at on an emulated screen."""

import re

import pytest
from editing import BACKSPACE, ENTER, ESC, LEFT, RIGHT, TAB, TOOLBAR, UP, accepted, desks, paste

from recorder import keys
from recorder.editor import LineEditor, Outcome, Verdict
from recorder.model import Size


@pytest.fixture
def desk():
    with desks() as make:
        yield make


# --- the protocol ------------------------------------------------------------------------------------


def test_it_is_a_line_editor(desk):
    editor: LineEditor = desk().editor  # mypy looks at this line in the other direction
    for name in [name for name in vars(LineEditor) if not name.startswith("_")]:
        assert hasattr(editor, name), name


def test_a_line_is_typed_drawn_and_returned(desk):
    d = desk()
    assert not d.editor.active
    d.editor.start(b"name: ")
    assert d.editor.active
    assert d.lines == ["name:", TOOLBAR]
    assert d.cursor == (6, 0)
    assert d.type("second", LEFT, LEFT, "X") is None
    assert d.lines[0] == "name: secoXnd"
    assert d.cursor == (11, 0)
    assert d.type(ENTER) == accepted("secoXnd")
    assert not d.editor.active


def test_the_end_leaves_nothing_behind(desk):
    d = desk()
    before = d.modes
    d.write(b"above\r\n")
    d.editor.start(b"? ")
    assert d.modes == before | {2004}
    d.type("text")
    d.type(ENTER)
    assert d.lines == ["above"]
    assert d.cursor == (0, 1)
    assert d.modes == before == {7, 25}
    written = len(d.written)
    d.settle(d.editor)
    assert d.editor.deadline() is None
    for call in (d.editor.step, d.editor.refresh, d.editor.hide, lambda: d.editor.show(b"? "), d.editor.stop):
        call()
    d.editor.resize(Size(70, 20))
    assert d.editor.feed(b"x") is None
    assert len(d.written) == written


def test_only_sequences_that_it_undoes(desk):
    d = desk(history=["select 1", "select 2"])
    d.editor.start(b"\x1b[31mred>\x1b[0m ")
    d.type("sel", UP, TAB, "\x12", "1", ENTER)
    used = set(re.findall(rb"\x1b\[\?[0-9;]*[hl]", d.written))
    assert used == {b"\x1b[?2004h", b"\x1b[?2004l", b"\x1b[?25h", b"\x1b[?25l", b"\x1b[?7h", b"\x1b[?7l"}
    assert set(re.findall(rb"\x1b[^\[]", d.written)) == set()
    assert d.written.endswith(b"\x1b[?2004l")


def test_the_text_to_begin_with_can_be_edited(desk):
    d = desk()
    d.editor.start(b"> ", "half a line")
    assert d.lines[0] == "> half a line"
    assert d.type(BACKSPACE, "ft", ENTER) == accepted("half a linft")


def test_stop_returns_the_text_and_erases(desk):
    d = desk()
    d.write(b"above\r\n")
    d.editor.start(b"> ")
    d.type("unsent")
    assert d.editor.stop() == "unsent"
    assert d.lines == ["above"]
    assert d.cursor == (0, 1)
    assert d.editor.stop() == ""
    d.editor.start(b"> ")
    assert d.lines[1] == ">"


def test_start_again_drops_the_edit_under_way(desk):
    d = desk()
    d.editor.start(b"> ")
    d.type("old")
    d.editor.start(b"? ", "new")
    assert d.lines == ["? new", TOOLBAR]


def test_many_edits_one_after_the_other(desk):
    d = desk()
    for number in range(50):
        d.editor.start(b"%d> " % number)
        assert d.type("x", ENTER) == accepted("x")
        d.write(b"out %d\r\n" % number)
    assert d.lines[-1] == "out 49"


def test_bytes_after_the_key_that_ended_an_edit_do_not_begin_the_next(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.editor.feed(b"x\rhunter2") == accepted("x")
    d.editor.start(b"> ")
    assert d.type(ENTER) == accepted("")


# --- keys that end an edit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "verdict"),
    [(b"\x03", Verdict.INTERRUPT), (b"\x1c", Verdict.QUIT), (b"\x1a", Verdict.SUSPEND)],
)
@pytest.mark.parametrize("vi", [False, True])
def test_signals_end_the_edit_and_keep_its_text(desk, key, verdict, vi):
    d = desk(vi=vi)
    d.editor.start(b"> ")
    assert d.type("abc", key) == Outcome(verdict, "abc")
    assert d.lines == []


def test_ctrl_d_is_the_end_only_of_an_empty_line(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type("abc", "\x01", "\x04") is None
    assert d.lines[0] == "> bc"
    assert d.type("\x04", "\x04") is None
    assert d.type("\x04") == Outcome(Verdict.EOF, "")


def test_signals_are_text_after_a_quoted_insert(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type("a", "\x16", "\x03", "\x11", "\x04", "b", ENTER) == accepted("a\x03\x04b")


def test_line_feed_is_enter_too(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type("x\n") == accepted("x")


@pytest.mark.parametrize("end", [ENTER, b"\x03"])
def test_an_edit_that_ended_within_a_search_does_not_spoil_the_next(desk, end):
    d = desk(history=["first line"])
    d.editor.start(b"> ")
    d.type("\x12", "fir", end)
    d.editor.start(b"> ")
    assert d.type("plain") is None
    assert d.lines[0] == "> plain"
    assert d.type(ENTER) == accepted("plain")


# --- several lines, Tab, paste -----------------------------------------------------------------------


def test_a_paste_of_three_lines_stays_one_text(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type("a", paste(b"one\r\ntwo\rthree")) is None
    assert d.lines == ["> aone", "two", "three", TOOLBAR]
    assert d.type("!", ENTER) == accepted("aone\ntwo\nthree!")
    assert d.lines == []


def test_control_characters_of_a_paste_are_no_keys(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type(paste(b"a\x03b\x1d\x1b[31mc\x04\td\x7f\xc2\x9b")) is None
    assert d.type(ENTER) == accepted("ab[31mc\td")


def test_a_paste_without_its_end(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type(keys.PASTE_BEGIN + b"rest") is None
    assert d.type(ENTER) == accepted("rest")


def test_a_paste_of_a_megabyte(desk):
    d = desk()
    d.editor.start(b"> ")
    text = "x" * 79 + "\n"
    assert d.type(paste(text.encode() * 13000)) is None
    assert d.type("end", ENTER) == accepted(text * 13000 + "end")


def test_a_burst_of_keys_is_all_there(desk):
    d = desk()
    d.editor.start(b"> ")
    text = "abcdefghij" * 300
    for char in text:
        assert d.editor.feed(char.encode()) is None
    assert d.editor.feed(ENTER) == accepted(text)


@pytest.mark.parametrize("vi", [False, True])
def test_alt_enter_begins_a_new_line(desk, vi):
    d = desk(vi=vi)
    d.editor.start(b"> ")
    assert d.type("a", "\x1b\r", "b") is None
    assert d.lines[:2] == ["> a", "b"]
    assert d.type(UP, "x", ENTER) == accepted("ax\nb")


def test_tab_is_a_tab_where_nothing_completes(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type("a", TAB, "b", ENTER) == accepted("a\tb")


def test_tab_completes_one_and_offers_several(desk):
    d = desk(words=lambda: ["orders", "order_id", "zebra"])
    d.editor.start(b"> ")
    assert d.type("ze", TAB) is None
    assert d.lines[0] == "> zebra"
    d.type(" or", TAB)
    assert d.lines[0] == "> zebra order"
    assert {line.strip() for line in d.lines[1:-1]} >= {"orders", "order_id"}
    assert d.lines[-1] == TOOLBAR
    d.type(TAB)
    assert d.lines[0] == "> zebra orders"
    assert d.type(" ", ENTER) == accepted("zebra orders ")


def test_the_menu_leaves_no_empty_rows_behind(desk):
    d = desk(words=lambda: ["orders", "order_id"])
    d.editor.start(b"> ")
    d.type("or", TAB)
    assert len(d.lines) > 4
    d.type("x")
    assert d.lines == ["> orderx", TOOLBAR]


def test_escape_closes_the_menu_and_nothing_else(desk):
    d = desk(words=lambda: ["orders", "order_id"])
    d.editor.start(b"> ")
    d.type("or", TAB, TAB, ESC)
    assert d.lines == ["> order", TOOLBAR]
    assert d.type("b", ENTER) == accepted("orderb")


def test_tab_completes_the_tools_words_files_and_our_commands(desk, tmp_path):
    (tmp_path / "shop.db").touch()
    d = desk(tool="sqlite3", cwd=lambda: str(tmp_path))
    d.editor.start(b"sqlite> ")
    assert d.type("sele", TAB, " 'sho", TAB, ENTER) == accepted("select 'shop.db")
    d.editor.start(b"sqlite> ")
    assert d.type("/lab", TAB, " x", ENTER) == accepted("/label x")


# --- characters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "char",
    ["é", "漢", "🙂", "e\u0301", "👍🏽", "👨\u200d👩\u200d👧", "🇫🇷", "❤\ufe0f"],
    ids=["latin", "cjk", "emoji", "combining", "skin tone", "family", "flag", "variation"],
)
@pytest.mark.parametrize("vi", [False, True])
def test_one_backspace_takes_one_character(desk, char, vi):
    d = desk(vi=vi)
    d.editor.start(b"> ")
    assert d.type("a", char, char, "b", LEFT, BACKSPACE, ENTER) == accepted(f"a{char}b")
    d.editor.start(b"> ")
    assert d.type(char, "b", LEFT, LEFT, RIGHT, BACKSPACE, ENTER) == accepted("b")


def test_wide_characters_take_two_columns(desk):
    d = desk()
    d.editor.start("名前> ".encode())
    d.type("漢字🙂x", LEFT)
    assert d.lines[0].replace(" ", "") == "名前>漢字🙂x"
    assert d.cursor == (12, 0)
    assert d.type(BACKSPACE, ENTER) == accepted("漢字x")


def test_bytes_that_are_no_utf8_survive(desk):
    d = desk()
    d.editor.start(b"> ")
    outcome = d.type(b"caf\xe9", ENTER)
    assert outcome.text.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b[?1;2c",
        b"\x1b[>41;354;0c",
        b"\x1b[12;40R",
        b"\x1b[?12;40R",
        b"\x1b[0n",
        b"\x1b[?2026;2$y",
        b"\x1b[?5u",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b[8;24;80t",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1b]11;rgb:0000/0000/0000\x07",
        b"\x1bP>|XTerm(388)\x1b\\",
        b"\x1b_Gi=1;OK\x1b\\",
        b"\x1b[<0;10;10M",
        b"\x1b[97;5u",
        b"\x1b[99999;77;1~",
        b"\x1b[?1;2;3;4$z",
        b"\x1b[",
        b"\x1bO",
    ],
)
@pytest.mark.parametrize("vi", [False, True])
def test_answers_and_unknown_sequences_are_never_text(desk, answer, vi):
    d = desk(vi=vi)
    d.editor.start(b"> ")
    assert d.type("bo") is None
    assert d.type(answer) is None
    assert d.type("b", ENTER) == accepted("bob")


def test_alt_and_a_key_that_means_nothing_is_nothing(desk):
    d = desk()
    d.editor.start(b"> ")
    assert d.type("bo", "\x1bq", "\x1b\x1b[15~", "b", ENTER) == accepted("bob")


# --- vi ----------------------------------------------------------------------------------------------


def test_vi_keys(desk):
    d = desk(vi=True, history=["from history"])
    d.editor.start(b"> ")
    d.type("one two")
    d.type(ESC)
    d.type("0dwA!", ENTER)
    d.editor.start(b"> ")
    d.type("one two")
    d.type(ESC)
    assert d.type("0dwA!", ENTER) == accepted("two!")
    d.editor.start(b"> ")
    d.type(ESC)
    assert d.type("k", ENTER) == accepted("from history")


def test_escape_acts_without_a_second_key_in_vi_mode(desk):
    d = desk(vi=True)
    d.editor.start(b"> ")
    d.type("abc")
    d.type(ESC)
    assert d.cursor == (4, 0)  # the cursor stepped back: navigation mode
    assert d.editor.deadline() is None


def test_emacs_keys(desk):
    d = desk()
    d.editor.start(b"> ")
    moves = ["\x1bb", "\x0b", "\x01", "\x19", "\x1bf", "\x17"]
    assert d.type("one two three", *moves, ENTER) == accepted(" two ")


def test_escape_and_then_a_key_is_alt_in_emacs_mode(desk):
    d = desk()
    d.editor.start(b"> ")
    d.type("one two")
    d.type(ESC)
    d.type("b")
    assert d.cursor == (6, 0)
