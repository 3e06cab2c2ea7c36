"""The recorder's own line over a tool, driven by bytes on an emulated screen."""

from types import SimpleNamespace

import pytest
from editing import View, split

from recorder.errors import NotFound, Refused
from recorder.model import Size
from recorder.palette import Palette, wrapped
from recorder.slash import NAMES

PREFIX_BYTES = b"select 1;\r\nsqlite> \x1b[32mhalf a line"


class Desk(View):
    """A palette over a terminal, and a recorder that gives one answer."""

    def __init__(self, cols=80, rows=24, answer="", **options):
        super().__init__(cols, rows)
        self.ran = []
        self.answer = answer
        facts = {
            "write": self.write,
            "size": lambda: self.size,
            "run": self.run,
            "title": lambda: " shop · recording · 3 events",
            "history": lambda: ["note earlier"],
            "commands": NAMES,
            "color": True,
        }
        self.palette = Palette(**{**facts, **options})

    def run(self, line):
        self.ran.append(line)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def type(self, *typed):
        closed = [self.palette.feed(key) for key in split(*typed)][-1]
        self.settle(self.palette)
        return closed


@pytest.fixture
def desk():
    made = []

    def make(*args, **options):
        made.append(Desk(*args, **options))
        return made[-1]

    yield make
    for item in made:
        item.palette.close()
        item.check()


def test_it_opens_on_the_alternate_screen_and_gives_the_screen_back(desk):
    d = desk()
    d.write(PREFIX_BYTES)
    before = (d.lines, d.cursor, d.modes, d.terminal.screen.cursor.attrs)
    d.palette.open(alternate=False)
    assert d.palette.active
    assert d.terminal.screen.alternate
    assert d.lines[:2] == ["rec: shop · recording · 3 events", "rec>"]
    assert d.cursor == (5, 1)
    assert d.type("lab") is False
    assert d.lines[1] == "rec> lab"
    assert d.type("\x1b") is True
    assert not d.palette.active
    assert not d.terminal.screen.alternate
    assert (d.lines, d.cursor, d.modes, d.terminal.screen.cursor.attrs) == before
    assert d.terminal.screen.cursor.attrs.fg == "green"
    assert d.ran == []


def test_over_a_full_screen_tool_it_stays_where_it_is(desk):
    d = desk()
    d.write(b"\x1b[?1049h\x1b[5;5Hvim")
    d.palette.open(alternate=True)
    assert d.lines[:2] == ["rec: shop · recording · 3 events", "rec>"]
    d.type("\x1b")
    assert d.terminal.screen.alternate
    assert d.lines == []
    assert d.written.count(b"\x1b[?1049") == 1


@pytest.mark.parametrize("end", ["\x1b", "\x03", "\x04", "\r", "  \r", "\x1a", "\x1c"])
def test_ways_to_close_without_a_command(desk, end):
    d = desk()
    d.palette.open(alternate=False)
    assert d.type(end) is True
    assert d.ran == []


@pytest.mark.parametrize("key", ["\r", "x", "\x1b"])
def test_a_confirmation_is_shown_until_the_next_key(desk, key):
    d = desk(answer="this session is now called foo")
    d.palette.open(alternate=False)
    assert d.type("/label foo\r") is False
    assert d.ran == ["/label foo"]
    assert (d.lines[0], d.lines[-1]) == ("this session is now called foo", " any key: close")
    assert d.type(key) is True
    assert not d.terminal.screen.alternate


def test_a_confirmation_goes_by_itself(desk, monkeypatch):
    d = desk(answer="noted")
    d.palette.open(alternate=False)
    d.type("/note x\r")
    due = d.palette.deadline()
    d.palette.step()
    assert d.palette.active
    monkeypatch.setattr("recorder.palette.time", SimpleNamespace(monotonic=lambda: due))
    d.palette.step()
    assert not d.palette.active


@pytest.mark.parametrize("line", ["pause", "status"])
def test_no_answer_closes_at_once(desk, line):
    d = desk(answer="\n")
    d.palette.open(alternate=False)
    assert d.type(line, "\r") is True
    assert d.ran == [line]


def test_what_one_asked_for_is_shown_even_if_it_is_one_line(desk):
    d = desk(answer="recording on, 42 events")
    d.palette.open(alternate=False)
    assert d.type("status\r") is False
    assert d.lines[0] == "recording on, 42 events"
    assert d.lines[-1] == " Enter or q: close"
    assert d.type("q") is True


def test_a_long_answer_is_shown_by_pages(desk):
    d = desk(rows=10, answer="\n".join(f"row {number}" for number in range(20)))
    d.palette.open(alternate=False)
    assert d.type("sessions\r") is False
    assert d.lines == [*(f"row {number}" for number in range(9)), " space: next page · q: close"]
    assert d.type(" ") is False
    assert d.lines == [*(f"row {number}" for number in range(9, 18)), " space: next page · q: close"]
    assert d.type("x") is False  # a key that means nothing here
    assert d.type("\r") is False
    assert d.lines == ["row 18", "row 19", *[""] * 7, " Enter or q: close"]
    assert d.type("\r") is True


@pytest.mark.parametrize("key", ["q", "\x1b", "\x03"])
def test_reading_can_be_broken_off(desk, key):
    d = desk(rows=10, answer="a\nb\n" * 20)
    d.palette.open(alternate=False)
    d.type("replay\r")
    assert d.type(key) is True


def test_an_error_stays_with_the_line_to_be_corrected(desk):
    d = desk(answer=NotFound("no such session: xyz", advice="see /sessions"))
    d.palette.open(alternate=False)
    assert d.type("replay xyz\r") is False
    assert d.lines[:4] == [
        "rec: shop · recording · 3 events",
        "rec: no such session: xyz",
        "see /sessions",
        "rec> replay xyz",
    ]
    d.answer = NotFound("first\nsecond")
    assert d.type("\r") is False
    assert d.lines[1:4] == ["rec: first", "second", "rec> replay xyz"]
    d.answer = "one\ntwo"
    assert d.type("\x7f\x7f\x7f", "@1\r") is False
    assert d.ran == ["replay xyz", "replay xyz", "replay @1"]
    assert d.lines[:2] == ["one", "two"]


def test_an_error_breaks_between_words(desk):
    d = desk(answer=NotFound("could not write the note: it has no text; type /note TEXT"), cols=40)
    d.palette.open(alternate=False)
    d.type("note\r")
    assert d.lines[1:4] == ["rec: could not write the note: it has no", "text; type /note TEXT", "rec> note"]


def test_an_answer_cannot_drive_the_terminal(desk):
    d = desk(answer="\x1b[2J\x1b]0;pwned\x07\nb\tc\u202e\x9b31m")
    d.palette.open(alternate=False)
    d.type("replay\r")
    shown = d.written.split(b"\x1b[2J")[-1]
    assert b"\x1b]" not in shown
    assert b"\x1b[31m" not in shown
    assert "\u202e".encode() not in shown
    assert d.lines[1].startswith("b       c")
    d.answer = Refused("\x1b]0;x\x07")
    d.type("q")
    d.palette.open(alternate=False)
    d.type("note x\r")
    assert b"\x1b]" not in d.written


def test_commands_are_completed_with_and_without_slash(desk):
    d = desk(answer="")
    d.palette.open(alternate=False)
    assert d.type("lab\t foo\r") is True
    d.palette.open(alternate=False)
    assert d.type("/unp\t\r") is True
    assert d.ran == ["label foo", "/unpause"]


def test_earlier_commands_come_back(desk):
    d = desk()
    d.palette.open(alternate=False)
    d.type("\x1b[A\r")
    assert d.ran == ["note earlier"]


def test_the_line_follows_the_size(desk):
    d = desk()
    d.palette.open(alternate=False)
    d.type("note abc")
    d.resize(30, 8)
    d.palette.resize(d.size)
    d.type("d")
    assert d.lines[:2] == ["rec: shop · recording · 3 even", "rec> note abcd"]
    d.type("\r")
    assert d.ran == ["note abcd"]


def test_the_page_follows_the_size(desk):
    d = desk(rows=10, answer="\n".join(f"row {number}" for number in range(20)))
    d.palette.open(alternate=False)
    d.type("sessions\r", " ")
    d.resize(20, 5)
    d.palette.resize(d.size)
    assert d.lines[:4] == ["row 0", "row 1", "row 2", "row 3"]
    assert d.lines[4] == " space: next page · "[:19]


@pytest.mark.parametrize(("cols", "rows"), [(1, 1), (10, 2), (3, 3)])
def test_tiny_terminals(desk, cols, rows):
    d = desk(cols, rows, answer="abc\ndef")
    d.palette.open(alternate=False)
    assert d.type("sessions\r") is False
    assert d.type("q") is True


def test_closed_it_has_nothing_to_do(desk):
    d = desk()
    d.palette.open(alternate=False)
    assert d.palette.fileno() is not None
    d.palette.close()
    written = len(d.written)
    d.palette.close()
    d.palette.step()
    d.palette.resize(Size(10, 10))
    assert d.palette.feed(b"x") is True
    assert d.palette.fileno() is None
    assert d.palette.deadline() is None
    assert len(d.written) == written


@pytest.mark.parametrize(
    ("line", "cols", "rows"),
    [
        ("", 5, [""]),
        ("abcdefg", 3, ["abc", "def", "g"]),
        ("abcdef", 3, ["abc", "def"]),
        ("漢字漢", 3, ["漢", "字", "漢"]),
        ("a漢b", 3, ["a漢", "b"]),
        ("漢", 1, ["漢"]),
    ],
)
def test_rows_are_cut_by_width(line, cols, rows):
    assert wrapped([line], cols) == rows
