"""The kernel's echo is no output: found wherever it stands and however it is cut, nothing else lost."""

from __future__ import annotations

import os
import pty
import termios
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import echo
from recorder.echo import WINDOW, EchoFilter, as_echoed

LINES = st.one_of(
    st.sampled_from([b"", b"ls", b"aaab", b"aab", b"a\tb", b"x\x03y\x7f\x1bz", "é日".encode()]),
    st.binary(max_size=6),
)
CUTS = st.lists(st.integers(0, 60), max_size=8)


def run(line, parts):
    """Feed the parts; return what is output by its place in the stream, and whether all is over."""
    filter_ = EchoFilter()
    filter_.expect(line)
    out, base = [], 0
    for part in parts:
        out += [(base + at, piece) for at, piece in filter_.cut(part)]
        base += len(part)
    out += [(base + at, piece) for at, piece in filter_.release()]
    assert not filter_.waiting
    return [(at + n, piece[n : n + 1]) for at, piece in out for n in range(len(piece))]


def expected(line, data):
    want = as_echoed(line)
    found = data.find(want)
    gone = range(found, found + len(want)) if 0 <= found < WINDOW else range(0)
    return [(n, data[n : n + 1]) for n in range(len(data)) if n not in gone]


@given(LINES, st.data(), CUTS)
def test_exactly_the_first_echo_is_taken_out_however_output_is_cut(line, data, cuts):
    want = as_echoed(line)
    words = st.sampled_from(
        [want, want[:-1], want[: len(want) // 2], line, b"\r\n", b"a", b"aa", b"tick\r\n"]
    )
    stream = b"".join(data.draw(st.lists(st.one_of(words, st.binary(max_size=3)), max_size=8)))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert run(line, [stream]) == expected(line, stream)
    assert run(line, [stream[a:b] for a, b in pairwise(edges)]) == expected(line, stream)
    assert run(line, [stream[n : n + 1] for n in range(len(stream))]) == expected(line, stream)


@pytest.mark.parametrize(
    ("parts", "output"),
    [
        ([b"ls\r\nfile\r\n"], [b"file\r\n"]),
        ([b"ls\r\n"], []),
        ([b"l", b"s\r", b"\n", b"file\r\n"], [b"file\r\n"]),
        ([b"tick\r\nls\r\nfile"], [b"tick\r\n", b"file"]),
        ([b"tick\r\nl", b"s\r\nfile"], [b"tick\r\n", b"file"]),
        ([b"file\r\n", b"more"], [b"file\r\n", b"more"]),
        # What looked like the echo and was none is given out after all.
        ([b"l", b"ong\r\n"], [b"long\r\n"]),
        ([b"ls", b"\r", b"x"], [b"ls\rx"]),
        ([b"ls\r\n", b"ls\r\n"], [b"ls\r\n"]),
    ],
)
def test_echo(parts, output):
    filter_ = EchoFilter()
    filter_.expect(b"ls")
    assert [piece for part in parts for _, piece in filter_.cut(part)] == output


def test_an_echo_that_never_comes_is_given_up():
    filter_ = EchoFilter()
    filter_.expect(b"ls")
    assert filter_.cut(b"x" * (WINDOW - 1)) == [(0, b"x" * (WINDOW - 1))]
    assert filter_.waiting
    assert filter_.cut(b"ab") == [(0, b"ab")]
    assert not filter_.waiting
    assert filter_.cut(b"ls\r\n") == [(0, b"ls\r\n")]


@pytest.mark.parametrize("before", [WINDOW - 2, WINDOW - 1, WINDOW, WINDOW + 1])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_the_window_ends_at_the_same_byte_however_output_is_cut(before, size):
    stream = b"x" * before + b"ls\r\nfile"
    parts = [stream[n : n + size] for n in range(0, len(stream), size)]
    assert run(b"ls", parts) == expected(b"ls", stream)


def test_a_line_longer_than_the_window_is_found(monkeypatch):
    monkeypatch.setattr(echo, "WINDOW", 8)
    line = b"0123456789" * 5
    stream = b"ab" + as_echoed(line) + b"out"
    assert b"".join(byte for _, byte in run(line, [stream[:20], stream[20:]])) == b"about"


def test_release_says_where_the_held_bytes_stood():
    filter_ = EchoFilter()
    filter_.expect(b"ls")
    assert filter_.cut(b"okl") == [(0, b"ok")]
    assert filter_.waiting
    assert filter_.release() == [(-1, b"l")]
    assert not filter_.waiting
    assert filter_.release() == []


def test_without_an_expected_echo_all_passes():
    filter_ = EchoFilter()
    assert not filter_.waiting
    assert filter_.cut(b"ls\r\n") == [(0, b"ls\r\n")]
    assert filter_.cut(b"") == []


def test_the_next_line_is_expected_in_turn():
    filter_ = EchoFilter()
    for line in (b"a", b"bb", b""):
        filter_.expect(line)
        assert filter_.cut(line + b"\r\nout") == [(len(line) + 2, b"out")]
        assert not filter_.waiting


@pytest.mark.parametrize(
    "line",
    [b"plain", b"a\tb", b"esc\x1b[A", b"bell\x07 \x02 \x1f", b"\xc3\xa9 \xe6\x97\xa5", b"\xff\xfe", b""],
)
def test_the_kernel_draws_what_is_expected(line):
    """A real terminal, canonical with echo, is the reference."""
    master, slave = pty.openpty()
    try:
        attributes = termios.tcgetattr(slave)
        attributes[6] = [
            b"\0" if n not in (termios.VMIN, termios.VTIME) else c for n, c in enumerate(attributes[6])
        ]
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        os.write(master, line + b"\r")
        drawn = b""
        while not drawn.endswith(b"\r\n"):
            drawn += os.read(master, 1024)
    finally:
        os.close(master)
        os.close(slave)
    assert drawn == as_echoed(line)
