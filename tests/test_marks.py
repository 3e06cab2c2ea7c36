"""Marks: what we write we read; what others write is read as far as it makes sense."""

from __future__ import annotations

import base64
import subprocess
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import ansi, marks
from recorder.marks import (
    BASE64_LINE,
    MAX_PACKED,
    Private,
    Public,
    UserVars,
    as_start,
    parse_private,
    parse_public,
    status_of,
)

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
    for prefix in (b"", b"7373;", b"7;", b"133;", b"633;", b"1337;", b"3008;"):
        parse_private(prefix + body)
        parse_public(prefix + body)


def test_arguments_that_were_left_as_they_are_read_too():
    assert parse_private(b"7373;n;1;2;start;ls -l \xc3\xa9\n%zz%") == Private(
        "n", 1, 2, "start", ("ls -l é\n%zz%",)
    )
    assert parse_private(b"7373;n;1;2;start;") == Private("n", 1, 2, "start", ("",))
    assert parse_private(b"7373;n;1;2;start;%ff") == Private("n", 1, 2, "start", ("�",))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"7373", b"7373;n", b"7373;n;1;2", b"7373;n;x;2;start", b"7373;n;1;-2;start", b"7373;n;1;2;",
        b"7373;n;1;2;START", b"7373;;1;2;start", b"7373;a b;1;2;start", b"07373;n;1;2;start", b"133;A",
        b"7373;" + b"n" * 65 + b";1;2;start", b"7373;n;1;" + b"9" * 19 + b";start",
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
        (b"133;D;;err=no such", Public(133, "D", ("",), {"err": "no such"})),
        (b"133;D;err=5;7", Public(133, "D", (), {"err": "5"})),
        (b"133;C\r", Public(133, "C")),
        (b"133;C;\r", Public(133, "C")),
        (b"133;C;aid=x-1\r", Public(133, "C", (), {"aid": "x-1"})),
        (b"133;C;cmdline=echo\\ a;b;aid=no", Public(133, "C", (), {"cmdline": "echo a;b;aid=no"})),
        (b"133;C;aid=1;cmdline=$'a\\nb'", Public(133, "C", (), {"aid": "1", "cmdline": "a\nb"})),
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
    [
        (b"133;D;42", 42),
        (b"133;D;-1", -1),
        (b"133;D", None),
        (b"133;D;err=1", None),
        (b"633;D;x", None),
        (b"133;D;;err=x", None),
        (b"3008;end=x;exit=success", 0),
        (b"3008;end=x;exit=failure;status=3", 3),
        (b"3008;end=x;exit=failure", None),
        (b"3008;end=x;exit=interrupt;signal=SIGINT", 130),
        (b"3008;end=x;exit=crash;signal=SEGV", 139),
        (b"3008;end=x;exit=crash;signal=SIGODD", None),
        (b"3008;end=x", None),
    ],
)
def test_status(body, status):
    mark = parse_public(body)
    assert mark is not None
    assert status_of(mark) == status


@pytest.mark.parametrize(
    ("quoted", "line"),
    [
        (rb"echo\ \;\ ls\ \'x\'", "echo ; ls 'x'"),
        (rb"$'a\tb\303\251\x41\u00e9\'\\\E[m'", "a\tbéAé'\\\x1b[m"),
        (rb"$'one\ntwo'\ three$'\cA\q'", "one\ntwo three\x01\\q"),
        (rb"$'\U00110000\udc00'", "\\U00110000\\udc00"),
        (rb"$'open", "$'open"),
        (b"end\\", "end\\"),
        ("é\\ ü".encode(), "é ü"),
    ],
)
def test_a_shells_quoting_is_undone(quoted, line):
    mark = parse_public(b"133;C;cmdline=" + quoted)
    assert mark is not None
    assert mark.options == {"cmdline": line}


@pytest.mark.parametrize("line", ["echo 'a b';\n\ttrue $x \\ é \x1b[0m \"q\"", "plain", "~ # {a,b} *?[x]"])
def test_what_a_real_bash_quotes_is_read(line):
    quoted = subprocess.run(
        ["bash", "-c", 'printf %q "$1"', "-", line],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8"},
    ).stdout
    mark = parse_public(b"133;C;cmdline=" + quoted)
    assert mark is not None
    assert mark.options["cmdline"] == line


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 114, 115, 171, 172, 300, 1000])
def test_user_variables_are_put_together_again(size):
    line = ("echo 'é;' && " * 80).encode()[:size].decode(errors="ignore")
    words = ["WEZTERM_PROG", *textwrap.wrap(base64.b64encode(line.encode()).decode(), 76)]
    words += [""] * (len(words) % 2)
    known = UserVars()
    found = None
    for name, value in zip(words[::2], words[1::2], strict=True):
        mark = parse_public(f"1337;SetUserVar={name}={value}".encode())
        assert mark is not None
        found = known.take(mark.fields[0])
    assert found == ("WEZTERM_PROG", line)
    assert known.take("WEZTERM_PROG=bHM=") == ("WEZTERM_PROG", "ls")
    assert known.take("WEZTERM_PROG=?") is None


@pytest.mark.parametrize(
    ("args", "verb", "became"),
    [
        (("xx", "    1  ls -l", "/a", "0", "", ""), "start", ("ls -l", "/a")),
        (("xx", "    2* ls", "/a", "0", "", ""), "start", ("ls", "/a")),
        (("", "123456  echo 'a\nb'", "/a", "1", "", ""), "start", ("echo 'a\nb'", "/a", "stale")),
        (("", "    3   ls", "/a", "0", "", ""), "start", (" ls", "/a")),
        (("", "    3   ls", "/a", "0", "", "yes"), "hide", ()),
        (("", "    3  ls", "/a", "0", "braceexpand:emacs", ""), "hide", ()),
        (("", "\t ls", "/a", "0", "", ""), "start", ("ls", "/a")),
        (("", "    3  12  3", "", "0", "", ""), "start", ("12  3", "")),
        (("", "", "/a", "0", "", ""), "hide", ()),
        (("x", "no number"), "hide", ()),
        ((), "hide", ()),
    ],
)
def test_what_bash_tells_of_a_line_is_a_start_or_hidden(args, verb, became):
    mark = as_start(Private("n", 1, 2, "line", args))
    assert (mark.verb, mark.args, mark.counter) == (verb, became, 2)
    assert as_start(mark) == mark


def test_a_user_variable_without_an_end_is_put_together_no_more():
    known = UserVars()
    line = "A" * BASE64_LINE
    texts = [known.take(f"{'WEZTERM_PROG' if n == 0 else line}={line}") for n in range(2000)]
    assert [len(found[1]) for found in texts[:3]] == [57, 171, 285]
    assert max(len(found[1]) for found in texts) <= MAX_PACKED
    assert texts[-1] == ("WEZTERM_PROG", "")
    assert known.take("WEZTERM_PROG=bHM=") == ("WEZTERM_PROG", "ls")
