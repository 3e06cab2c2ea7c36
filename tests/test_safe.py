"""What is shown of a recording cannot drive the terminal it is shown on."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder.ansi import Tokenizer, TokenKind
from recorder.safe import visible
from recorder.safestream import MAX_STRING, SafeStream

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é 日本 ✓", "plain text, é 日本 ✓"),
        ("two\nlines", "two⏎lines"),
        ("a\x1b]0;title\x07b", "a\\x1b]0;title\\x07b"),
        ("a\x9b31mb", "a\\x9b31mb"),
        ("a\x7f\tb\r", "a\\x7f\\x09b\\x0d"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("zero\u200bwidth\u2066x\ufeff", "zero\\u200bwidth\\u2066x\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\udcff", "\\udcff"),
        ("line\u2028sep", "line\\u2028sep"),
    ],
)
def test_visible(text, shown):
    assert visible(text) == shown


@given(ANY_TEXT)
@example("\x80\x9f\u180e")
def test_nothing_that_controls_or_hides_is_left(text):
    shown = visible(text)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert visible(shown) == shown


# --- replays -------------------------------------------------------------------------------------

ATTACKS = {
    "title set": b"\x1b]0;evil\x07",
    "title set, ST": b"\x1b]2;evil\x1b\\",
    "title report": b"\x1b[21t",
    "icon report": b"\x1b[20t",
    "status string": b'\x1bP$q"p\x1b\\',
    "font query": b"\x1b]50;?\x07",
    "colour query": b"\x1b]4;1;?\x07",
    "background query": b"\x1b]11;?\x1b\\",
    "graphics query": b"\x1bG\x1b[?1;1;0S",
    "device attributes": b"\x1b[c",
    "secondary attributes": b"\x1b[>c",
    "tertiary attributes": b"\x1b[=c",
    "terminal parameters": b"\x1b[x",
    "version query": b"\x1b[>q",
    "cursor report": b"\x1b[6n",
    "private report": b"\x1b[?6n",
    "mode report": b"\x1b[?2004$p",
    "checksum report": b"\x1b[1;1;1;1;1;1*y",
    "presentation report": b"\x1b[1$w",
    "locator report": b"\x1b[1'|",
    "kitty keyboard query": b"\x1b[?u",
    "answerback": b"\x05",
    "identify": b"\x1bZ",
    "clipboard write": b"\x1b]52;c;ZXZpbA==\x07",
    "clipboard read": b"\x1b]52;c;?\x07",
    "kitty clipboard": b"\x1b]5522;type=read\x07",
    "tmux integration": b"\x1bP1000p%begin\x1b\\",
    "upload": b"\x1b]1337;RequestUpload=format=tgz\x07",
    "inline file": b"\x1b]1337;File=name=x:AAAA\x07",
    "cursor guide": b"\x1b]1337;HighlightCursorLine=yes\x07",
    "notification": b"\x1b]9;evil\x07",
    "directory": b"\x1b]7;file://h/evil\x07",
    "prompt mark": b"\x1b]133;A\x07",
    "kitty graphics": b"\x1b_Gf=100,a=T;AAAA\x1b\\",
    "sixel": b"\x1bPq#0;2;0;0;0\x1b\\",
    "user keys": b"\x1bP0;1|17/17;15/15\x1b\\",
    "macro": b"\x1bP1;0;0!zevil\x1b\\",
    "privacy message": b"\x1b^evil\x1b\\",
    "start of string": b"\x1bXevil\x1b\\",
    "screen title": b"\x1bkevil\x1b\\",
    "tmux passthrough": b"\x1bPtmux;\x1b\x1b]0;evil\x07\x1b\\",
    "window size": b"\x1b[8;1;1t",
    "iconify": b"\x1b[2t",
    "mouse": b"\x1b[?1000h\x1b[?1006h",
    "focus": b"\x1b[?1004h",
    "bracketed paste": b"\x1b[?2004h",
    "application cursor": b"\x1b[?1h",
    "application keypad": b"\x1b=",
    "column mode": b"\x1b[?3h",
    "no autowrap": b"\x1b[?7l",
    "keyboard lock": b"\x1b[2h",
    "modify keys": b"\x1b[>4;2m",
    "kitty keyboard": b"\x1b[>1u",
    "cursor shape": b"\x1b[5 q",
    "media copy": b"\x1b[5i",
    "media copy, private": b"\x1b[?5i",
    "LEDs": b"\x1b[1q",
    "soft reset": b"\x1b[!p",
    "full reset": b"\x1bc",
    "memory lock": b"\x1bl",
    "charset": b"\x1b)0\x1b*0\x1b+0\x1b%@",
    "shift": b"\x0e\x0f\x1bn\x1bo",
    "eight bits": b"\x1b G",
    "screen alignment": b"\x1b#8",
    "margins": b"\x1b[1;5s",
    "scrollback": b"\x1b[3J",
    "mouse highlight": b"\x1b[1;2;3;4;5T",
    "huge number": b"\x1b[999999999C",
    "C1 in UTF-8": "\u009b6n\u009d0;evil\u009c\u0090q\u0085".encode(),
    "C1 in 8 bits": b"\x9b6n\x9d0;evil\x9c",
    "bidi": "\u202etxt.exe\u2066\u200f".encode(),
    "sequence with a control": b"\x1b[6\x08n\x1b[\x07m",
    "delete": b"\x7f\x00\x07\x18\x1a",
}
ALLOWED = [
    b"text", b"\r\n", b"\b", b"\t", "é日本🙂👩\u200d🚀".encode(),
    b"\x1b[m", b"\x1b[1;38;5;200m", b"\x1b[38:2::1:2:3m",
    b"\x1b[A", b"\x1b[10;20H", b"\x1b[5d", b"\x1b[2J", b"\x1b[K", b"\x1b[3X", b"\x1b[2L",
    b"\x1b[2P", b"\x1b[2@", b"\x1b[2;20r", b"\x1b[r", b"\x1b[?25l", b"\x1b[?25h", b"\x1b[?1049h",
    b"\x1b[?1049l", b"\x1b7", b"\x1b8", b"\x1bM", b"\x1b[s", b"\x1b[u", b"\x1b[2S", b"\x1b[2T",
]  # fmt: skip
ANYTHING = st.lists(
    st.one_of(
        st.sampled_from(sorted(ATTACKS.values())),
        st.sampled_from(ALLOWED),
        st.sampled_from(
            [b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP", b"\x18", b"\xc3", b"\x1b(0", b"\x1b(B", b"qx"]
        ),
        st.binary(max_size=5),
    ),
    max_size=20,
).map(b"".join)
HARMLESS = re.compile(
    rb"\x1b\[(?:[0-9;:]*m|[0-9;]*[A-HIZ`adefJKXLMP@STbr]|[su]|\?(?:25|47|1047|1049)[hl])|\x1b[78DEM]"
)


def shown(parts):
    stream = SafeStream()
    return b"".join(map(stream.feed, parts)) + stream.close()


def assert_harmless(out):
    """What a terminal gets is valid UTF-8 with a handful of sequences in it."""
    text = out.decode()
    assert not re.search("[\x80-\x9f\u202a-\u202e\u2066-\u2069]", text)
    for kind, raw in Tokenizer().feed(out):
        assert kind is not TokenKind.CONTROL or raw in (b"\r", b"\n", b"\b", b"\t")
        assert kind in (TokenKind.TEXT, TokenKind.CONTROL) or HARMLESS.fullmatch(raw), raw


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_attacks_are_dropped_whole(attack):
    out = shown([b"before|" + attack + b"|after"])
    assert_harmless(out)
    assert out.startswith(b"before|")
    assert out.endswith(b"|after")
    assert b"\x1b" not in out
    if b"\x1b]" in attack or attack.startswith((b"\x1bP1000", b"\x1b_", b"\x1b^", b"\x1bX", b"\x1bk")):
        assert out == b"before||after"


@pytest.mark.parametrize("data", ALLOWED)
def test_what_shows_is_shown(data):
    stream = SafeStream()
    assert stream.feed(data) == data


@given(ANYTHING, st.lists(st.integers(0, 200), max_size=8))
def test_nothing_else_comes_out_however_it_is_cut(data, places):
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    whole = shown([data])
    assert_harmless(whole)
    assert shown([data[a:b] for a, b in pairwise(edges)]) == whole
    assert shown([data[i : i + 1] for i in range(len(data))]) == whole


def test_a_link_loses_its_target_and_keeps_its_text():
    assert shown([b"\x1b]8;;http://evil\x07bank.example\x1b]8;;\x07"]) == b"bank.example"
    assert shown([b"\x1b]8;id=\x1b\\x;http://evil\x1b\\text"]) == b"x;http://eviltext"


@pytest.mark.parametrize("start", [b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1bX"])
@pytest.mark.parametrize("end", [b"", b"\x1b[1mbold", b"\x18text", b"\x1b]0;t\x07text"])
def test_a_string_without_end_hides_little(start, end):
    hidden = start + b"h" * (MAX_STRING - len(start))
    data = b"before" + hidden + b"visible\r\n\x05" + end
    expected = {b"": b"", b"\x1b[1mbold": b"\x1b[1mbold\x1b[m"}.get(end, b"text")
    assert shown([data]) == b"beforevisible\r\n" + expected
    assert shown([data[i : i + 11] for i in range(0, len(data), 11)]) == b"beforevisible\r\n" + expected


def test_a_string_that_is_far_too_long_is_shown_beyond_what_it_may_hide():
    data = b"\x1b]0;" + b"h" * MAX_STRING + b"v" * (3 << 20) + b"\x07end"
    whole = shown([data])
    assert whole == b"hhhh" + b"v" * (3 << 20) + b"end"
    assert shown([data[i : i + 65536] for i in range(0, len(data), 65536)]) == whole


def test_the_terminal_gets_its_usual_state_back():
    stream = SafeStream()
    stream.feed(b"\x1b[?1049;25;2004l\x1b[?1047h\x1b[2;5r\x1b[1m")
    assert stream.close() == b"\x1b[?25h\x1b[?1047l\x1b7\x1b[r\x1b8\x1b[m"
    assert stream.close() == b""
    assert stream.feed(b"\x1b[?25l\x1b[?1049h\x1b[?1049l\x1b[?25h") + stream.close() == (
        b"\x1b[?25l\x1b[?1049h\x1b[?1049l\x1b[?25h"
    )


def test_a_character_cut_by_a_sequence_is_none():
    assert shown([b"\xc3\x1b[m\xa9"]).decode() == "\ufffd\x1b[m\ufffd\x1b[m"
    assert shown([b"\xc3\x1b[\xa9"]).decode() == "\ufffd\ufffd"


def test_modes_are_taken_out_one_by_one():
    assert SafeStream().feed(b"\x1b[?1049;1000;25h") == b"\x1b[?1049h\x1b[?25h"


def test_line_drawing_is_drawn_without_the_character_set():
    assert shown([b"lq\x1b(0lqk\x1b(Blq"]).decode() == "lq┌─┐lq"
