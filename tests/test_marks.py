"""Marks: what we write we read; what others write is read as far as it makes sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import ansi, marks
from recorder.marks import Private, Public, parse_private, parse_public, status_of

NONCES = st.text("0123456789abcdef", min_size=1, max_size=64)
VERBS = st.sampled_from(["start", "end", "prompt", "nested-end"])


@given(NONCES, st.integers(0, 4194304), st.integers(0, 10**15), VERBS, st.lists(st.text(), max_size=4))
def test_what_is_written_is_read(nonce, pid, counter, verb, args):
    raw = marks.encode_private(nonce, pid, counter, verb, *args)
    tokenizer = ansi.Tokenizer()
    found = [token for i in range(len(raw)) for token in tokenizer.feed(raw[i : i + 1])]
    assert [token.kind for token in found] == [ansi.TokenKind.OSC]
    expected = tuple(arg.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for arg in args)
    assert parse_private(ansi.osc_body(found[0].raw)) == Private(nonce, pid, counter, verb, expected)


@given(st.binary())
def test_no_body_is_an_error(body):
    for prefix in (b"", b"6973;", b"7;", b"133;", b"633;", b"1337;", b"3008;"):
        parse_private(prefix + body)
        parse_public(prefix + body)


def test_arguments_that_were_left_as_they_are_read_too():
    assert parse_private(b"6973;n;1;2;start;ls -l \xc3\xa9\n%zz%") == Private(
        "n", 1, 2, "start", ("ls -l é\n%zz%",)
    )
    assert parse_private(b"6973;n;1;2;start;") == Private("n", 1, 2, "start", ("",))
    assert parse_private(b"6973;n;1;2;start;%ff") == Private("n", 1, 2, "start", ("�",))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"6973", b"6973;n", b"6973;n;1;2", b"6973;n;x;2;start", b"6973;n;1;-2;start", b"6973;n;1;2;",
        b"6973;n;1;2;START", b"6973;;1;2;start", b"6973;a b;1;2;start", b"06973;n;1;2;start", b"133;A",
        b"6973;" + b"n" * 65 + b";1;2;start", b"6973;n;1;" + b"9" * 19 + b";start",
    ],
)  # fmt: skip
def test_what_is_no_private_mark(body):
    assert parse_private(body) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"133;A", Public(133, "A")),
        (b"133;A;k=s;aid=12", Public(133, "A", (), {"k": "s", "aid": "12"})),
        (b"133;D;0;aid=1", Public(133, "D", ("0",), {"aid": "1"})),
        (b"133;D;", Public(133, "D")),
        (b"133;C\r", None),
        (b"133;C;cmdline=echo\\ a;b;aid=no", Public(133, "C", (), {"cmdline": "echo\\ a;b;aid=no"})),
        (b"133;C;aid=1;cmdline=$'a\\nb'", Public(133, "C", (), {"aid": "1", "cmdline": "$'a\\nb'"})),
        (b"133;C;cmdline_url=echo%20a%3Bb", Public(133, "C", (), {"cmdline_url": "echo a;b"})),
        (b"133;k;start_kitty", Public(133, "k", ("start_kitty",))),
        (b"133;ABC", None),
        (b"133;", None),
        (b"633;E;echo \\x3b\\\\n\\q;nonce", Public(633, "E", ("echo ;\\n\\q", "nonce"))),
        (b"633;D", Public(633, "D")),
        (b"633;P;Cwd=/tmp/a\\x3bb", Public(633, "P", (), {"Cwd": "/tmp/a;b"})),
        (b"633;1", None),
        (b"7;file://host/tmp/a%20b c%", Public(7, "file", ("host", "/tmp/a b c%"))),
        (b"7;kitty-shell-cwd:///tmp/a%20b", Public(7, "kitty-shell-cwd", ("", "/tmp/a%20b"))),
        (b"7;", Public(7, "")),
        (b"7;/tmp", None),
        (b"7;file://h/a%0ab", None),
        (b"1337;CurrentDir=/a=b", Public(1337, "CurrentDir", ("/a=b",))),
        (b"1337;SetMark", Public(1337, "SetMark")),
        (b"1337;=x", None),
        (
            b"3008;start=id1;type=shell;cwd=/a\\x3bb",
            Public(3008, "start", ("id1",), {"type": "shell", "cwd": "/a;b"}),
        ),
        (
            b"3008;end=id1;exit=failure;status=2",
            Public(3008, "end", ("id1",), {"exit": "failure", "status": "2"}),
        ),
        (b"3008;begin=id1", None),
        (b"3008;start=" + b"x" * 65, None),
        (b"0;title", None),
        (b"", None),
    ],
)
def test_public_marks(body, expected):
    assert parse_public(body) == expected


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"133;D;42", 42), (b"133;D;-1", -1), (b"133;D", None), (b"133;D;err=1", None), (b"633;D;x", None)],
)
def test_status(body, status):
    mark = parse_public(body)
    assert mark is not None
    assert status_of(mark) == status
