"""The filter before the screen: our marks vanish, every other byte arrives."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import marks, strip
from recorder.strip import INTRODUCER, Strip

MARK = marks.encode_private("abc123", 42, 7, "start", "ls -l; echo é")
PIECES = st.lists(
    st.one_of(
        st.sampled_from([
            MARK, MARK[:-1] + b"\x1b\\", MARK[:-1], INTRODUCER, *(INTRODUCER[:i] for i in range(1, 7)),
            b"\x1b[31m", b"\x1b]0;t\x07", b"\x07", b"\x1b\\", b"\\", b"\x18", b"\x1a", b"text\r\n",
            b"7373;", b"]",
        ]),
        st.binary(max_size=4),
    ),
    max_size=25,
).map(b"".join)  # fmt: skip
REFERENCE = re.compile(rb"\x1b\]7373;[^\x07\x18\x1a\x1b]*(?:\x07|\x1b\\)")


def run(parts):
    filter_ = Strip()
    return b"".join(map(filter_.feed, parts)) + filter_.flush()


@given(PIECES, st.lists(st.integers(0, 200), max_size=8))
def test_only_whole_marks_are_taken_out_however_output_is_cut(data, places):
    expected = REFERENCE.sub(b"", data)
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    assert run([data]) == expected
    assert run([data[a:b] for a, b in pairwise(edges)]) == expected
    assert run([data[i : i + 1] for i in range(len(data))]) == expected


@given(PIECES)
def test_at_most_an_introducer_or_an_open_mark_is_held_back(data):
    filter_ = Strip()
    for i in range(len(data)):
        filter_.feed(data[i : i + 1])
        held = filter_._held
        assert filter_.holding == bool(held)
        assert INTRODUCER.startswith(held) or held.startswith(INTRODUCER)


def test_plain_output_is_not_copied():
    data = b"x" * 1000 + b"\x1b[31mred\r\n"
    assert Strip().feed(data) is data
    data += b"\x1b]0;title\x07"
    assert Strip().feed(data) is data


def test_flush_gives_up_and_goes_on():
    filter_ = Strip()
    assert filter_.feed(b"a\x1b]73") == b"a"
    assert filter_.holding
    assert filter_.flush() == b"\x1b]73"
    assert not filter_.holding
    assert filter_.feed(b"73;x\x07" + MARK) == b"73;x\x07"


@pytest.mark.parametrize("extra", [-1, 0, 1, 2, 100_000])
@pytest.mark.parametrize("end", [b"\x07", b"\x1b\\", b""])
def test_a_mark_that_is_too_long_passes(extra, end):
    body = INTRODUCER + b"a" * (strip.MAX_MARK - len(INTRODUCER) - len(end) + extra)
    data = b"x" + body + end + b"y"
    gone = extra <= 0 and end
    assert run([data]) == (b"xy" if gone else data)
    assert run([data[i : i + 5003] for i in range(0, len(data), 5003)]) == (b"xy" if gone else data)


@given(PIECES, st.lists(st.integers(0, 200), max_size=8))
def test_pieces_have_the_marks_in_their_places(data, places):
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    filter_ = Strip()
    out = [piece for a, b in pairwise(edges) for piece in filter_.pieces(data[a:b])]
    assert all(out)
    bodies = [found[0][2:].rstrip(b"\x07").removesuffix(b"\x1b\\") for found in REFERENCE.finditer(data)]
    assert [piece.body for piece in out if not isinstance(piece, bytes)] == bodies
    texts = b"|".join(b"".join(group) for group in _groups(out)) + filter_.flush()
    assert texts == REFERENCE.sub(b"|", data)


def _groups(out):
    group = []
    for piece in out:
        if isinstance(piece, bytes):
            group.append(piece)
        else:
            yield group
            group = []
    yield group


def test_a_mark_is_as_its_parser_takes_it():
    (text, mark) = Strip().pieces(b"x" + MARK)
    assert text == b"x"
    assert marks.parse_private(mark.body) == marks.Private("abc123", 42, 7, "start", ("ls -l; echo é",))


def test_a_mark_that_names_our_nonce_is_waited_for():
    """A shell may be held up in the middle of a long command; anybody else may not hold the screen up."""
    filter_ = Strip("n0nce")
    for begun, patience in ((b"\x1b]73", 20), (b"73;n0nce", 20), (b";", 1000), (b"1;2;start;ls", 1000)):
        assert filter_.feed(begun) == b""
        assert filter_.patience_ms == patience
    assert filter_.feed(b"\x07") == b""
    assert filter_.patience_ms == 20
    assert Strip("n0nce").feed(b"\x1b]7373;other;1") == b""
    other = Strip("n0nce")
    other.feed(b"\x1b]7373;other;1")
    assert other.patience_ms == 20
