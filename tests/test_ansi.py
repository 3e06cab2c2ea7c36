"""The tokenizer: what it names, and that it names the same however its input is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder import ansi
from recorder.ansi import Csi, Tokenizer, TokenKind

# What makes and breaks sequences, often enough that random bytes are interesting.
PIECES = st.lists(
    st.one_of(
        st.sampled_from([
            b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b\\", b"\x07", b"\x18", b"\x1a",
            b"\r\n", b"\n",
            b"\x1b[31m", b"\x1b]0;title\x07", b"\x1b]8;;http://x\x1b\\", b"\x1bPq\x07#0\x1b\\",
            b"\x1b(B", b"\x1b7",
            b"[", b"]", b"\\", b";", b"0", b"m", b"P", b"?", b" ", "✓é日".encode(), b"\x9c", b"\x9b",
            b"\x7f", b"\x00",
        ]),
        st.binary(max_size=6),
    ),
    max_size=30,
).map(b"".join)  # fmt: skip


def tokens(parts):
    """All tokens of some feeds; runs that may be cut anywhere are joined."""
    tokenizer = Tokenizer()
    out = []
    for part in parts:
        out += tokenizer.feed(part)
    out += tokenizer.flush()
    joined = []
    for kind, raw in out:
        assert raw
        if joined and joined[-1][0] is kind and kind in (TokenKind.TEXT, TokenKind.BROKEN):
            joined[-1] = (kind, joined[-1][1] + raw)
        else:
            joined.append((kind, raw))
    return joined


def cut(data, places):
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(PIECES, st.lists(st.integers(0, 150), max_size=8))
def test_tokens_do_not_depend_on_how_output_is_cut(data, places):
    whole = tokens([data])
    assert b"".join(raw for _, raw in whole) == data
    assert tokens(cut(data, places)) == whole
    assert tokens([data[i : i + 1] for i in range(len(data))]) == whole


@given(PIECES)
def test_what_is_pending_and_what_is_out_are_the_input(data):
    tokenizer = Tokenizer()
    out = b""
    for i in range(len(data)):
        out += b"".join(token.raw for token in tokenizer.feed(data[i : i + 1]))
        assert out + tokenizer.pending == data[: i + 1]


@given(PIECES, PIECES)
def test_a_whole_stream_is_not_changed_by_what_follows(data, junk):
    tokenizer = Tokenizer()
    before = tokenizer.feed(data)
    after = tokenizer.feed(junk)
    assert b"".join(t.raw for t in before + after) + tokenizer.pending == data + junk


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain \xe2\x9c\x93 text", ["text"]),
        (b"a\r\nb", ["text", "control", "control", "text"]),
        (b"\x1b[1;31mred\x1b[m", ["csi", "text", "csi"]),
        (b"\x1b]0;\xe2\x9c\x93\x07x", ["osc", "text"]),
        (b"\x1b]0;a\r\nb\x1b\\x", ["osc", "text"]),
        (b"\x1b]0;\x9cno end\x07", ["osc"]),
        (b"\x1bPq\x07still\x1b\\x", ["string", "text"]),
        (b"\x1b_G\x1b\\\x1b^p\x1b\\\x1bXs\x1b\\\x1bktitle\x1b\\", ["string"] * 4),
        (b"\x1b(B\x1b7\x1b=\x1b#8", ["esc"] * 4),
        (b"\x1b[3\x181m", ["broken", "control", "text"]),
        (b"\x1b]0;a\x1ab", ["broken", "control", "text"]),
        (b"\x1b]0;a\x1b[mb", ["broken", "csi", "text"]),
        (b"\x1b[3\x1b[mb", ["broken", "csi", "text"]),
        (b"\x1b\x1b]0;a\x07", ["broken", "osc"]),
        (b"\x1b[3\xc3\xa9", ["broken", "text"]),
        (b"\x1b[3\r1m", ["csi"]),
        (b"\x9b31m\x9d0;a\x07", ["text", "control"]),
        (b"\x00\x7f", ["control", "control"]),
        (b"\x1bP\x1b\\", ["string"]),
    ],
)
def test_kinds(data, expected):
    assert [kind.value for kind, _ in tokens([data])] == expected


def test_ground_says_whether_a_sequence_is_open():
    tokenizer = Tokenizer()
    assert tokenizer.ground
    tokenizer.feed(b"text\x1b]0;ti")
    assert not tokenizer.ground
    assert tokenizer.pending == b"\x1b]0;ti"
    tokenizer.feed(b"tle\x07")
    assert tokenizer.ground


@pytest.mark.parametrize("end", [b"\x07after", b"\x1b\\after", b"\x18after", b"\x1b[mafter", b""])
@pytest.mark.parametrize("extra", [-9, -8, -7, -1, 0, 1, 5000])
@pytest.mark.parametrize("start", [b"\x1b]52;", b"\x1bPq"])
def test_a_string_without_end_is_given_up_and_its_end_still_found(start, extra, end):
    data = b"before" + start + b"a" * (ansi.MAX_STRING - len(start) + extra) + end
    whole = tokens([data])
    assert tokens(cut(data, range(0, len(data), 4093))) == whole
    assert tokens(cut(data, [len(data) - i for i in range(1, 40)])) == whole
    tokenizer = Tokenizer()
    for part in cut(data, range(0, len(data), 65536)):
        tokenizer.feed(part)
        assert len(tokenizer.pending) <= ansi.MAX_STRING


@pytest.mark.parametrize("start", [b"\x1b[", b"\x1b(", b"\x1b"])
@pytest.mark.parametrize("size", [4000, 4091, 4092, 4093, 4094, 4095, 4096, 4097, 9000])
def test_a_sequence_without_end_becomes_text(start, size):
    data = start + b" " * size + b"mtext"
    assert tokens(cut(data, range(0, len(data), 7))) == tokens([data])
    assert tokens([data])[-1][0] is TokenKind.TEXT


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\x1b[m", Csi(b"", (), b"", b"m")),
        (b"\x1b[1;;31m", Csi(b"", (1, None, 31), b"", b"m")),
        (b"\x1b[38:2::255:0:0;1m", Csi(b"", (38, 1), b"", b"m")),
        (b"\x1b[?1049;25h", Csi(b"?", (1049, 25), b"", b"h")),
        (b"\x1b[>4;2m", Csi(b">", (4, 2), b"", b"m")),
        (b"\x1b[2 q", Csi(b"", (2,), b" ", b"q")),
        (b"\x1b[!p", Csi(b"", (), b"!", b"p")),
        (b"\x1b[1\r\x002H", Csi(b"", (12,), b"", b"H")),
        (b"\x1b[99999999999999H", Csi(b"", (99999,), b"", b"H")),
        (b"\x1b[1?2h", Csi(b"", (), b"", b"")),
        (b"\x1b[1 2h", Csi(b"", (), b"", b"")),
    ],
)
def test_csi(raw, expected):
    assert ansi.csi(raw) == expected


def test_osc_body():
    assert ansi.osc_body(b"\x1b]0;a b\x07") == b"0;a b"
    assert ansi.osc_body(b"\x1b]0;a b\x1b\\") == b"0;a b"
    assert ansi.osc_body(b"\x1b]\x07") == b""


@given(PIECES)
@example(b"\x1b]0;\x1b")
def test_unfinished_is_where_the_tokenizer_waits(data):
    tokenizer = Tokenizer()
    tokenizer.feed(data)
    assert data[ansi.unfinished(data) :] == tokenizer.pending
