"""The redactor: what it replaces is nowhere in what it lets through, however it arrives."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder.redact import MARKER, NONCE_SHOWN, Redactor

NONCE = "a1b2c3d4a1b2c3d5"
RAW = NONCE.encode()
PIECES = st.lists(
    st.one_of(
        st.sampled_from([
            RAW, RAW[:3], RAW[:8], RAW[:-1], b"a1b2", b"\x1b]7373;" + RAW + b";1;2;start\x07",
            b"\x1b]52;", b"\x1b]52;c;aGk=\x07",
            b"\x1b]633;EnvSingleEntry;A;B\x1b\\", b"\x1b]633;E;ls;n\x07", b"\x1b]1337;File=name=x:AAAA\x07",
            b"\x1b]1337;SetMark\x07", b"\x1b]", b"\x1b", b"\x07", b"\x1b\\", b"\x18",
            b"\x1b[31m", b"text\r\n",
        ]),
        st.binary(max_size=4),
    ),
    max_size=20,
).map(b"".join)  # fmt: skip


def run(parts, flush_after=()):
    """All that is stored, and the replacements with their places in it."""
    redactor = Redactor(NONCE)
    out, found = b"", []
    for number, part in enumerate(parts):
        pieces = redactor.feed(part)
        if number in flush_after:
            pieces += redactor.flush()
            assert not redactor.holding
        for data, redactions in pieces:
            assert data
            found += [(len(out) + at, size, what) for at, size, what in redactions]
            out += data
    for data, redactions in redactor.flush():
        found += [(len(out) + at, size, what) for at, size, what in redactions]
        out += data
    return out, found


@given(PIECES, st.lists(st.integers(0, 200), max_size=8))
@example(RAW[:8] + RAW, [])
def test_the_result_does_not_depend_on_how_output_is_cut(data, places):
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    whole = run([data])
    assert run([data[a:b] for a, b in pairwise(edges)]) == whole
    assert run([data[i : i + 1] for i in range(len(data))]) == whole
    for at, size, what in whole[1]:
        assert whole[0][at : at + size] == (b"*" * size if what == "nonce" else MARKER)


@given(PIECES, st.lists(st.integers(0, 200), max_size=8), st.sets(st.integers(0, 8)))
def test_a_nonce_is_never_stored_even_if_waiting_for_it_was_given_up(data, places, flushes):
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    out, _ = run([data[a:b] for a, b in pairwise(edges)], flushes)
    assert RAW not in out


@given(st.binary().filter(lambda data: b"\x1b" not in data and RAW not in data))
def test_ordinary_output_is_stored_as_it_is(data):
    assert run([data[i : i + 3] for i in range(0, len(data), 3)]) == (data, [])


def test_of_a_nonce_cut_by_a_flush_only_the_beginning_is_stored():
    redactor = Redactor(NONCE)
    out = redactor.feed(b"x" + RAW[:-2]) + redactor.flush() + redactor.feed(RAW[-2:] + b"y")
    assert b"".join(piece.data for piece in out) == b"x" + RAW[:NONCE_SHOWN] + b"********" + b"y"
    redactor = Redactor(NONCE)
    out = redactor.feed(b"x" + RAW[:4]) + redactor.flush() + redactor.feed(RAW[4:6]) + redactor.feed(b"y")
    assert b"".join(piece.data for piece in out) == b"x" + RAW[:6] + b"y"


@pytest.mark.parametrize(
    ("data", "stored", "what"),
    [
        (b"env NONCE=" + RAW + b"\r\n", b"env NONCE=" + b"*" * 16 + b"\r\n", ["nonce"]),
        (b"a\x1b]52;c;c2VjcmV0\x07b", b"a\x1b]52;[redacted]\x07b", ["clipboard"]),
        (b"a\x1b]52;c;c2VjcmV0\x1b\\b", b"a\x1b]52;[redacted]\x1b\\b", ["clipboard"]),
        (b"a\x1b]52;c;c2VjcmV0\x1b[mb", b"a\x1b]52;[redacted]\x1b[mb", ["clipboard"]),
        (b"\x1b]52;\x07", b"\x1b]52;\x07", []),
        (b"\x1b]5522;type=write;c2VjcmV0\x07", b"\x1b]5522;[redacted]\x07", ["clipboard"]),
        (b"\x1b]1337;Copy=:c2VjcmV0\x07", b"\x1b]1337;Copy=[redacted]\x07", ["clipboard"]),
        (b"\x1b]633;EnvSingleEntry;KEY;secret;n\x07", b"\x1b]633;Env[redacted]\x07", ["environment"]),
        (b"\x1b]633;E;ls;n\x07", b"\x1b]633;E;ls;n\x07", []),
        (b"\x1b]1337;File=inline=1:c2VjcmV0\x07", b"\x1b]1337;File=[redacted]\x07", ["file"]),
        (b"\x1b]1337;CurrentDir=/x\x07", b"\x1b]1337;CurrentDir=/x\x07", []),
        (b"\x1b]52;c;" + RAW + b"\x07" + RAW, b"\x1b]52;[redacted]\x07" + b"*" * 16, ["clipboard", "nonce"]),
    ],
)
def test_what_is_replaced(data, stored, what):
    out, found = run([data])
    assert out == stored
    assert [name for _, _, name in found] == what


def test_a_payload_that_goes_on_is_marked_once():
    out, found = run([b"\x1b]52;c;", *[b"secret"] * 50, b"\x07end"])
    assert out == b"\x1b]52;[redacted]\x07end"
    assert found == [(5, len(MARKER), "clipboard")]


def test_plain_output_is_not_copied_and_not_held_back():
    redactor = Redactor(NONCE)
    data = b"x" * 1000 + b"\x1b[31mred\r\n"
    ((out, redactions),) = redactor.feed(data)
    assert out is data
    assert redactions == ()
    assert not redactor.holding
    assert redactor.feed(b"") == []


def test_without_a_nonce_payloads_are_still_replaced():
    redactor = Redactor("")
    assert redactor.feed(b"a\x1b]52;c;x\x07")[0].data == b"a\x1b]52;[redacted]\x07"
