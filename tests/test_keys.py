"""Typed bytes: forwarded as they came, cut into keys without losing one, Enter counted once."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.keys import (
    ESCAPE_MS,
    PASTE_BEGIN,
    PASTE_END,
    KeyQueue,
    Scanner,
    is_reply,
    only_replies,
    prefix_forms,
    split_key,
)

PREFIX = b"\x1d"
WORDS = [
    b"a", b"select 1;", b"\r", b"\n", b"\r\n", b"\x03", PREFIX, b"\x1b[93;5u", b"\x1b[27;5;93~", b"\x1b",
    b"\x1b[A", b"\x1bOP", b"\x1bb", b"\x1b[15;2~", PASTE_BEGIN, PASTE_END, b"\x1b[200", b"~", b"\x1b[201",
    b"\x1b[?1;2c", b"\x1b[12;40R", b"\x1b]11;rgb:0/0/0\x07", b"\x1bP1$r0m\x1b\\", b"\x1b[I", "é".encode(),
    "日本".encode(), "🎉".encode(), b"\xff", b"\xc3", b"\xe6\x97", b"\x80", b"\x1b[[A", b"\x1b[<0;1;1M",
    b"\x1b[13u", b"\x1bOM", b"\x1b[99;5u", b"\x1b[27;5;99~",
]  # fmt: skip
TYPED = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=3)), max_size=15).map(b"".join)
CUTS = st.lists(st.integers(0, 120), max_size=6)


def pieces(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def outside_pastes(data):
    """What is typed outside bracketed pastes; an open paste goes on to the end."""
    return re.sub(rb"(?s)\x1b\[200~.*?(?:\x1b\[201~|\Z)", b"|", data)


# --- the scanner -----------------------------------------------------------------------------------


@given(TYPED, CUTS)
def test_all_goes_to_the_tool_and_enter_counts_once_outside_pastes(data, cuts):
    scanner = Scanner(None)
    enters = interrupted = 0
    for piece in pieces(data, cuts):
        scan = scanner.scan(piece)
        assert (scan.forward, scan.hit, scan.rest) == (piece, False, b"")
        enters = scan.enters + (0 if scan.interrupted else enters)
        interrupted |= scan.interrupted
    outside = outside_pastes(data)
    parts = re.split(rb"\x03|\x1b\[99;5u|\x1b\[27;5;99~", outside)
    assert enters == len(re.findall(rb"[\r\n\x0f]|\x1b\[13u|\x1bOM", parts[-1]))
    assert interrupted == (len(parts) > 1)


@given(TYPED, CUTS)
def test_all_but_the_prefix_key_goes_to_the_tool(data, cuts):
    scanner = Scanner(PREFIX)
    out, hits = b"", 0
    for piece in pieces(data, cuts):
        rest = piece
        while True:
            scan = scanner.scan(rest)
            out += scan.forward
            if not scan.hit:
                break
            hits += 1
            assert len(scan.rest) < len(rest)
            rest = scan.rest
    # A plain prefix key is found wherever the reads end; a longer form only within one read.
    plain = outside_pastes(data).count(PREFIX)
    forms = len(re.findall(rb"\x1b\[93;5u|\x1b\[27;5;93~", outside_pastes(data)))
    assert plain <= hits <= plain + forms
    assert cuts or hits == plain + forms
    assert is_without_prefixes(data, out)


def is_without_prefixes(data, out):
    """Say whether ``out`` is ``data`` but for some whole prefix keys."""
    at = 0
    for n, part in enumerate(re.split(rb"(\x1d|\x1b\[93;5u|\x1b\[27;5;93~)", data)):
        if out.startswith(part, at):
            at += len(part)
        elif n % 2 == 0:
            return False
    return at == len(out)


@pytest.mark.parametrize("form", prefix_forms(PREFIX))
def test_the_prefix_key_ends_a_scan_in_each_of_its_forms(form):
    scan = Scanner(PREFIX).scan(b"ab\r" + form + b"cd\r")
    assert scan == (b"ab\r", 1, False, True, b"cd\r")


@pytest.mark.parametrize("form", prefix_forms(PREFIX)[1:])
def test_a_prefix_key_whose_beginning_the_tool_has_is_the_tools(form):
    for cut in range(1, len(form)):
        scanner = Scanner(PREFIX)
        assert scanner.scan(form[:cut]).forward == form[:cut]
        assert scanner.scan(form[cut:] + b"x") == (form[cut:] + b"x", 0, False, False, b"")


def test_forms_of_the_prefix_key():
    assert prefix_forms(None) == ()
    assert prefix_forms(b"\x1d") == (b"\x1d", b"\x1b[93;5u", b"\x1b[27;5;93~")
    assert prefix_forms(b"\x01") == (b"\x01", b"\x1b[97;5u", b"\x1b[27;5;97~")
    assert prefix_forms(b"`") == (b"`",)


def test_in_a_paste_nothing_counts_wherever_its_brackets_are_cut():
    data = b"x\r" + PASTE_BEGIN + b"one\rtwo\x1d\x03\r" + PASTE_END + b"\r"
    for cut in range(len(data) + 1):
        scanner = Scanner(PREFIX)
        scans = [scanner.scan(data[:cut]), scanner.scan(data[cut:])]
        assert b"".join(scan.forward for scan in scans) == data
        assert not any(scan.hit or scan.interrupted for scan in scans)
        assert sum(scan.enters for scan in scans) == 2


def test_a_prefix_key_behind_a_paste_is_one():
    scanner = Scanner(PREFIX)
    scanner.scan(PASTE_BEGIN + b"a")
    assert not scanner.scan(b"\x1d").hit
    assert scanner.scan(b"b" + PASTE_END + b"\x1dc") == (b"b" + PASTE_END, 0, False, True, b"c")
    assert scanner.scan(b"c\r") == (b"c\r", 1, False, False, b"")


@pytest.mark.parametrize(
    ("keys", "enters", "interrupted"),
    [
        (b"abc", 0, False),
        (b"\r", 1, False),
        (b"a\rb\r", 2, False),
        (b"\n", 1, False),
        (b"a\r\x03", 0, True),
        (b"\x03a\r", 1, True),
        (b"\x1b[99;5ua\r", 1, True),  # Ctrl-C as kitty's protocol has it
        (b"\x1b[13u", 1, False),  # Enter, the same
        (b"\x1bOM", 1, False),  # Enter on the keypad in application mode
        (b"\x0f", 1, False),  # operate-and-get-next
    ],
)
def test_enter_and_interrupt(keys, enters, interrupted):
    scan = Scanner(PREFIX).scan(keys)
    assert scan == (keys, enters, interrupted, False, b"")


# --- keys for the editor ---------------------------------------------------------------------------


def split_all(data):
    """Cut all keys off, the end being final."""
    keys = []
    while data:
        cut = split_key(data) or split_key(data, final=True)
        key, data = cut
        keys.append(key)
    return keys


@given(TYPED)
def test_keys_together_are_what_was_typed(data):
    keys = split_all(data)
    assert b"".join(keys) == data
    assert all(keys)


@given(TYPED, CUTS)
def test_keys_are_the_same_however_they_arrive(data, cuts):
    buffer, keys = b"", []
    for piece in pieces(data, cuts):
        buffer += piece
        while (cut := split_key(buffer)) is not None:
            keys.append(cut[0])
            buffer = cut[1]
    assert keys + split_all(buffer) == split_all(data)


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"ab", [b"a", b"b"]),
        (b"\x1b[A\x1bOPx", [b"\x1b[A", b"\x1bOP", b"x"]),
        (b"\x1b[[Ax", [b"\x1b[[A", b"x"]),  # F1 of the Linux console
        (b"\x1bb\x1b\x7f", [b"\x1bb", b"\x1b\x7f"]),
        (b"\x1b\x1b[A", [b"\x1b", b"\x1b[A"]),
        ("é日🎉".encode(), ["é".encode(), "日".encode(), "🎉".encode()]),
        ("\x1bé".encode(), ["\x1bé".encode()]),
        (b"\xffa", [b"\xff", b"a"]),
        (b"\xc3a", [b"\xc3", b"a"]),
        (PASTE_BEGIN + b"a\rb\x1b[A" + PASTE_END + b"x", [PASTE_BEGIN + b"a\rb\x1b[A" + PASTE_END, b"x"]),
        (b"\x1b[<0;10;5Mx", [b"\x1b[<0;10;5M", b"x"]),
        (b"\x1b]11;rgb:0/0/0\x1b\\x", [b"\x1b]11;rgb:0/0/0\x1b\\", b"x"]),
        (b"\r\x00", [b"\r", b"\x00"]),
    ],
)
def test_what_one_key_is(typed, keys):
    assert split_all(typed) == keys


@pytest.mark.parametrize(
    "begun",
    [
        b"\x1b", b"\x1b[", b"\x1b[1;", b"\x1bO", b"\xc3", b"\xe6\x97", b"\xf0\x9f\x8e", b"\x1b]11;rgb",
        b"\x1bPx\x1b", PASTE_BEGIN, PASTE_BEGIN + b"abc\r", b"\x1b\xc3", b"\x1b[[",
    ],
)  # fmt: skip
def test_a_key_that_has_only_begun_waits_until_nothing_more_comes(begun):
    assert split_key(begun) is None
    key, rest = split_key(begun, final=True)
    assert key + rest == begun
    assert key


def test_nothing_is_no_key():
    assert split_key(b"") is None
    assert split_key(b"", final=True) is None


REPLIES = [
    b"\x1b[?1;2c", b"\x1b[>41;366;0c", b"\x1b[12;40R", b"\x1b[?12;40R", b"\x1b[0n", b"\x1b[?2026;2$y",
    b"\x1b[?1u", b"\x1b[I", b"\x1b[O", b"\x1b[8;24;80t", b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    b"\x1b]4;1;rgb:0/0/0\x07",
    b"\x1bP1+r524742\x1b\\", b"\x1b_Gi=1;OK\x1b\\", b"\x1b[?62;4S",
]  # fmt: skip
KEYS = [
    b"a", b"\r", b"\x1b", b"\x1b[A", b"\x1bOP", b"\x1b[15~", b"\x1b[1;5C", b"\x1b[93;5u", b"\x1b[Z",
    b"\x1b[H", b"\x1b[F", b"\x1b[3~", b"\x1bb", b"\x1bP", b"\x1b]", b"\x1b_", b"\x1b[P", b"\x1b[R",
    PASTE_BEGIN + b"x" + PASTE_END,
]  # fmt: skip


@pytest.mark.parametrize("reply", REPLIES)
def test_an_answer_of_the_terminal_is_not_typed(reply):
    assert is_reply(reply)
    assert split_all(reply + b"x") == [reply, b"x"]


@pytest.mark.parametrize("key", KEYS)
def test_what_is_typed_is_no_answer(key):
    assert not is_reply(key)


@pytest.mark.parametrize(
    ("data", "only"),
    [
        (b"", True),
        *[(reply, True) for reply in REPLIES],
        (REPLIES[0] + REPLIES[2], True),
        (REPLIES[0] + b"a", False),
        (b"a" + REPLIES[0], False),
        *[(key, False) for key in KEYS],
        (b"\x1b[?1;2", False),
    ],
)
def test_whether_anything_was_typed(data, only):
    assert only_replies(data) == only


# --- the queue -------------------------------------------------------------------------------------


def taken(queue, now=0):
    keys = []
    while (key := queue.key(now)) is not None:
        keys.append(key)
    return keys


def single(keys):
    """Keys one by one: much plain text at once comes as a paste."""
    for key in keys:
        inner = key.removeprefix(PASTE_BEGIN).removesuffix(PASTE_END) if key.startswith(PASTE_BEGIN) else b""
        while inner and (cut := split_key(inner, final=True)):
            yield cut[0]
            inner = cut[1]
        if not key.startswith(PASTE_BEGIN):
            yield key


@given(TYPED, CUTS)
def test_the_queue_gives_the_keys_that_cutting_gives(data, cuts):
    queue, keys, rest = KeyQueue(), [], data
    while (cut := split_key(rest)) is not None:
        keys += [] if is_reply(cut[0]) else [cut[0]]
        rest = cut[1]
    got = []
    for piece in pieces(data, cuts):
        queue.push(piece, 0)
        got += taken(queue)
    assert ([*single(got)], queue.all()) == ([*single(keys)], rest)


def test_much_text_at_once_is_a_paste():
    queue = KeyQueue()
    text = b"select *, 'd\xc3\xa9j\xc3\xa0 vu' as word from shop;"
    queue.push(text + b"\r" + b"x" * 31 + b"\r", 0)
    assert taken(queue) == [PASTE_BEGIN + text + PASTE_END, b"\r", *[b"x"] * 31, b"\r"]


def test_a_long_paste_is_one_key_and_a_long_text_several():
    paste = PASTE_BEGIN + b"line\r" * 10_000 + PASTE_END
    queue = KeyQueue()
    queue.push(paste + b"y" * 20_000 + "é".encode() * 20_000 + b"\x1b[A", 0)
    first, *others, last = taken(queue)
    assert (first, last) == (paste, b"\x1b[A")
    assert all(key.startswith(PASTE_BEGIN) and key.endswith(PASTE_END) for key in others)
    text = b"".join(key.removeprefix(PASTE_BEGIN).removesuffix(PASTE_END) for key in others)
    assert text == b"y" * 20_000 + "é".encode() * 20_000


def test_an_incomplete_key_is_one_when_nothing_more_has_come():
    queue = KeyQueue()
    queue.push(b"\x1b", 100)
    assert queue.key(100 + ESCAPE_MS - 1) is None
    assert queue.due_ms() == 100 + ESCAPE_MS
    assert queue.key(100 + ESCAPE_MS) == b"\x1b"
    assert (len(queue), queue.due_ms(), queue.key(9999)) == (0, None, None)


def test_keys_are_found_and_taken_up_to_a_place():
    queue = KeyQueue()
    queue.push(b"ab\ncd\re\x03f", 0)
    assert queue.find(b"\r", b"\n") == 2
    assert queue.rfind(b"\x03", b"\x1c") == 7
    assert queue.rfind() == queue.find(b"z") == -1
    assert queue.upto(3) == b"ab\n"
    assert (len(queue), queue.all(), len(queue)) == (6, b"cd\re\x03f", 0)


@given(TYPED, CUTS)
def test_what_passes_needs_no_scan_to_be_sent(data, cuts):
    scanner = Scanner(PREFIX)
    for piece in pieces(data, cuts):
        passes = scanner.passes(piece)
        scan = scanner.scan(piece)
        assert not (passes and scan.hit)
        assert not passes or scan.forward == piece
        if scan.hit:
            return


@pytest.mark.parametrize("form", prefix_forms(PREFIX))
def test_a_prefix_key_does_not_pass(form):
    assert not Scanner(PREFIX).passes(b"a" + form)
    assert Scanner(None).passes(b"a" + form)
    assert Scanner(PREFIX).passes(b"a\r\x1b[A")
