"""The codecs: what one reads is what the other wrote, however it is cut, and damage costs only itself."""

from __future__ import annotations

import contextlib
import json
import re
import struct

import making
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import exporting
from recorder.basics import Owner
from recorder.formats import castread, guess, ttyrec, typescript
from recorder.formats.lines import split
from recorder.formats.records import Damage, Frame, Unreadable
from recorder.formats.restore import Restore
from recorder.model import Chunk, Draft, Kind, Moment, Size
from recorder.stores.memory import MemoryStore

EVENT = '{"event": {"at": [1, 2], "kind": "output", "text": "x", "turn": 1, "run": 0, "meta": META}}'
V2 = b'{"version": 2, "width": 80, "height": 24}\n'
V3 = b'{"version": 3, "term": {"cols": 80, "rows": 24}}\n'


def cut(data: bytes, sizes) -> list[bytes]:
    """Data in pieces of some sizes."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [piece for piece in [*pieces, data[at:]] if piece]


def frames(data: bytes, read=castread.read) -> list:
    return list(read([data])[1])


def shown(items) -> bytes:
    return b"".join(item.data for item in items if isinstance(item, Frame) and item.code == "o")


sizes = st.lists(st.integers(1, 40), max_size=30)


# --- our own ---------------------------------------------------------------------------------------


def recorded(reads, texts) -> tuple[MemoryStore, str]:
    """A session of some reads (bytes, ms after the one before), with an event behind each."""
    store = MemoryStore()
    row = making.session()
    run = making.invocation(row)
    store.begin(row, run)
    at = offset = 0
    for number, ((data, gone, skew), text) in enumerate(zip(reads, texts, strict=False)):
        offset += gone
        moment = Moment(making.T0 + offset + skew, offset)
        chunks = [Chunk(row.ulid, run.ulid, at, moment, data)] if data else []
        meta = {"raw": [at, at + len(data)]} if number % 2 else {"rule": text}
        kind = [Kind.OUTPUT, Kind.SYSTEM, Kind.PROMPT][number % 3]
        draft = Draft(row.ulid, kind, moment, text, number % 5 or None, run.ulid, meta)
        store.append([draft], chunks)
        at += len(data) + (3 if number == 4 else 0)  # a hole
    return store, row.ulid


reads = st.lists(
    st.tuples(st.binary(max_size=12) | st.sampled_from([b"\xe2\x82", b"\xac\xf0\x9f", b"\x98\x80"]),
              st.integers(0, 5000), st.integers(-3, 3)),
    max_size=12,
)  # fmt: skip
texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=12, max_size=12)


@given(reads, texts, sizes)
def test_a_session_comes_back_as_it_was(reads, texts, sizes):
    store, ulid = recorded(reads, texts)
    text = "".join(f"{line}\n" for line in exporting.cast_lines(store, exporting.session(store, ulid), 3))
    heading, items = castread.read(cut(text.encode(), sizes))
    restore = Restore(ulid, Owner(0, 0, ""), lambda run, _began: run)
    parts = [part for item in items for part in restore.take(item)]
    assert restore.whole
    assert heading.size == Size(80, 24)
    chunks = [part for part in parts if isinstance(part, Chunk)]
    drafts = [part for part in parts if isinstance(part, Draft)]
    assert len(parts) == len(chunks) + len(drafts) + 1
    assert making.flat(chunks) == making.flat(store.raw(ulid))
    assert [draft.numbered(n) for n, draft in enumerate(drafts, 1)] == list(store.events(ulid))


@given(reads, texts)
def test_other_readers_are_told_the_text(reads, texts):
    store, ulid = recorded(reads, texts)
    raw = b"".join(chunk.data for chunk in store.raw(ulid))
    for version in (2, 3):
        lines = list(exporting.cast_lines(store, exporting.session(store, ulid), version))
        found = [json.loads(line) for line in lines if line.startswith("[")]
        assert "".join(data for _, code, data in found if code == "o") == raw.decode("utf-8", "replace")
        assert len(found) + 1 + sum(line.startswith("# rec ") for line in lines) == len(lines)
        assert all(isinstance(time, float) and time >= 0 for time, *_ in found)


@given(reads, texts, st.data())
def test_a_torn_export_gives_what_is_whole(reads, texts, data):
    store, ulid = recorded(reads, texts)
    text = "".join(f"{line}\n" for line in exporting.cast_lines(store, exporting.session(store, ulid), 3))
    whole = text.encode()
    head = whole.index(b"\n") + 1
    torn = whole[: data.draw(st.integers(head, len(whole) - 2))]
    restore = Restore(ulid, Owner(0, 0, ""), lambda run, _began: run)
    parts = [part for item in castread.read([torn])[1] for part in restore.take(item)]
    assert not restore.whole
    drafts = [part for part in parts if isinstance(part, Draft)]
    assert [draft.numbered(n) for n, draft in enumerate(drafts, 1)] == list(store.events(ulid))[: len(drafts)]
    before = making.flat(store.raw(ulid))
    found = making.flat(part for part in parts if isinstance(part, Chunk))
    assert found == before[: len(found)]


@pytest.mark.parametrize(
    "line",
    [
        '{"event": {"at": [1, 2], "kind": "output", "text": "x", "turn": null, "run": 7, "meta": {}}}',
        '{"event": {"at": [1, -2], "kind": "output", "text": "x", "turn": null, "run": 0, "meta": {}}}',
        '{"event": {"at": [1], "kind": "output", "text": "x", "turn": null, "run": 0, "meta": {}}}',
        '{"event": {"at": [1, 2], "kind": ["output"], "text": "x", "turn": null, "run": 0, "meta": {}}}',
        '{"event": {"at": [1, 2], "kind": "output", "text": 5, "turn": null, "run": 0, "meta": {}}}',
        '{"event": {"at": [1, 2], "kind": "output", "text": "x", "turn": 99999999999, "run": 0, "meta": {}}}',
        *(
            EVENT.replace("META", meta)
            for meta in (
                '{"a": 1e999}',
                '{"raw": [5, 2]}',
                '{"raw": {}}',
                "[]",
                f'{{"a": {"[" * 30 + "]" * 30}}}',
                f'{{"a": {10**30}}}',
                f'{{"a": {10**400}}}',
            )
        ),
        '{"event": {"at": [1, 2], "kind": "output", "text": "x", "turn": true, "run": 0, "meta": {}}}',
        '{"event": []}',
        '{"event": {}}',
        '{"run": {}}',
        '{"event": null}',
        '{"run": {"started_ms": "x"}}',
        '{"run": 5}',
        '{"bytes": {"alone": true, "start": -1, "run": 0}}',
        '{"bytes": {"alone": true, "b64": "%%%", "run": 0}}',
        '{"bytes": {"alone": true, "held": "xyz", "run": 0}}',
        '{"bytes": {"alone": true, "start": 99999999999999999999, "run": 0}}',
        '{"bytes": {"alone": true, "b64": "aGk=", "run": 0, "redactions": [5]}}',
        '{"bytes": {"alone": true, "b64": "aGk=", "run": 9}}',
        '{"bytes": [1]}',
        "{" * 10_000,
        "[" * 10_000,
        '{"whole": true',
    ],
)  # fmt: skip
def test_a_comment_that_cannot_be_is_damage_and_nothing_worse(line):
    text = V3 + b'# rec {"run": {"started_ms": 5}}\n' + f'# rec {line}\n[0.5, "o", "on"]\n'.encode()
    restore = Restore("S", Owner(0, 0, ""), lambda run, _began: run or "R")
    parts = [part for item in castread.read([text])[1] for part in restore.take(item)]
    assert [type(part) for part in parts if not isinstance(part, Damage)][1:] in ([Chunk], [])
    told = [part.why for part in parts if isinstance(part, Damage)]
    assert told[0].startswith("line 3: ")
    python = r"char \d|column|object|unpack|indices|argument|attribute|range|iterable|mapping|invalid|Exceeds"
    assert not [why for why in told if re.search(python, why.replace("is no object", ""))]


# --- asciicast of others -----------------------------------------------------------------------------


def test_what_others_write_is_read():
    body = (
        b'[0.1, "o", "a"]\r\n\n[0.25, "i", "secret"]\n# no comment here\n[1, "r", "100x30"]\n'
        b'[1e0, "m", ""]\n[2.5, "x", "-1"]\n[3, "z", "?"]\n[3.0005, "o", "\\ud83d\\ude00\\ud800\\u0000"]'
    )
    heading, items = castread.read(
        [V2[:-2] + b', "timestamp": 5.5, "title": "t", "env": {"TERM": "xterm"}}\n' + body]
    )
    assert (heading.started_ms, heading.title, heading.term) == (5500, "t", "xterm")
    assert list(items) == [
        Frame(100, "o", b"a"),
        Damage("line 5: it is no JSON"),
        Frame(1000, "r", b"100x30"),
        Frame(1000, "m", b""),
        Frame(2500, "x", b"-1"),
        Frame(3000, "o", "\U0001f600\ufffd\0".encode()),
    ]


def test_intervals_of_less_than_a_millisecond_add_up():
    lines = b"".join(b'[0.0004, "o", "x"]\n' for _ in range(10))
    assert [item.ms for item in frames(V3 + b"# a comment\n" + lines)] == [0, 0, 1, 1, 2, 2, 2, 3, 3, 4]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'[NaN, "o", "x"]', "NaN is no number"),
        (b'[Infinity, "o", "x"]', "Infinity is no number"),
        (b'[1e999, "o", "x"]', "it is no [time, code, data]"),
        (b"[" + b"9" * 400 + b', "o", "x"]', "it is no [time, code, data]"),
        (b'[-1, "o", "x"]', "-1 is no time that could be"),
        (b'[1e15, "o", "x"]', "1000000000000000.0 is no time that could be"),
        (b'["1", "o", "x"]', "it is no [time, code, data]"),
        (b'[true, "o", "x"]', "it is no [time, code, data]"),
        (b'[1, 2, "x"]', "it is no [time, code, data]"),
        (b'[1, "o", null]', "it is no [time, code, data]"),
        (b'[1, "o"]', "it is no [time, code, data]"),
        (b'{"a": 1}', "it is no [time, code, data]"),
        (b'[1, "r", "big"]', "'big' is no size"),
        (b'[1, "x", "0.5"]', "'0.5' is no exit status"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[" + b"9" * 10_000 + b', "o", "x"]', "a number in it has too many digits"),
        (b"\x00\x01\x02", "it is no JSON"),
        (b"[1, 2", "it is no JSON"),
    ],
)
@pytest.mark.parametrize("head", [V2, V3])
def test_a_damaged_line_costs_only_itself(head, line, why):
    first, damage, last = frames(head + b'[0, "o", "a"]\n' + line + b'\n[5, "o", "b"]\n')
    assert (first, last) == (Frame(0, "o", b"a"), Frame(5000, "o", b"b"))
    assert damage.why == f"line 3: {why}"


def test_times_that_go_back_stand_still():
    found = frames(V2 + b'[2, "o", "a"]\n[1, "o", "b"]\n[1.5, "o", "c"]\n[3, "o", "d"]\n')
    assert [item.ms for item in found if isinstance(item, Frame)] == [2000, 2000, 2000, 3000]
    assert len(found) == 5


def test_absurd_sizes_are_bounded():
    head = b'{"version": 3, "term": {"cols": 1000000000, "rows": 0}}\n'
    heading, items = castread.read([head + b'[0, "r", "999999999x0"]\n'])
    assert (heading.size, list(items)) == ((1000, 24), [Frame(0, "r", b"1000x24")])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b'{"version": 4}\n',
        b'{"version": [], "width": 80, "height": 24}\n',
        b'{"version": {}, "width": 80, "height": 24}\n',
        b'{"version": 2.0, "width": 80, "height": 24}\n',
        b'{"version": true, "width": 80, "height": 24}\n',
        b'{"version": 2}\n',
        b'{"version": 2, "width": 80.0, "height": 24}\n',
        b'{"version": 2, "width": -1, "height": 24}\n',
        b'{"version": 2, "width": "80", "height": 24}\n',
        b'{"version": 3, "term": 5}\n',
        b'{"version": 3, "width": 80, "height": 24}\n',
        b'{"version": 1, "width": 80, "height": 24}\n',
        b'{"version": 1, "width": 80, "height": 24, "stdout": {}}\n',
        b'# rec {"a": 1}\n' + V3,
        b"{" * 100_000,
    ],
)
def test_a_header_that_is_none_is_said(data):
    with pytest.raises(Unreadable):
        castread.read([data])


V1 = (
    b'{\n "version": 1, "width": 80, "height": 24, "duration": 1.5, "command": "sh", "env": {},\n'
    b' "stdout": [[0.5, "a\\n"], [0.25, "b"], [0.0, "c"]]\n}\n'
)


def test_version_1_has_delays_and_is_salvaged_where_it_is_torn():
    heading, items = castread.read([V1])
    assert (heading.command, list(items)) == (
        "sh",
        [Frame(500, "o", b"a\n"), Frame(750, "o", b"b"), Frame(750, "o", b"c")],
    )
    for end in range(V1.index(b"[[") + 2, len(V1) - 3):
        *found, damage = frames(V1[:end])
        assert shown(found) == b"a\nbc"[: 2 * (len(found) > 0) + max(0, len(found) - 1)]
        assert damage == Damage("the rest is torn off")


@given(sizes)
def test_no_cut_changes_what_is_read(sizes):
    timing, data = b"0.5 3\n0.25 2\n", typescript.STARTED + b"a day\nabcde\nScript done on\n"
    tty = b"".join(struct.pack("<III", 100 + n, 5, n) + b"x" * n for n in range(1, 9))
    for data_, read in (
        (V1, castread.read),
        (V2 + b'[1, "o", "\xc3\xbc"]\n', castread.read),
        (tty, ttyrec.read),
    ):
        assert list(read(cut(data_, sizes))[1]) == list(read([data_])[1])
    whole = typescript.read([timing], [data])
    again = typescript.read(cut(timing, sizes), cut(data, sizes))
    assert shown(again[1]) == shown(whole[1]) == b"abcde"
    assert again[0] == whole[0]


@given(st.binary(max_size=200), st.binary(max_size=200), sizes)
def test_anything_is_read_or_refused(head, data, sizes):
    for found in (head, V2 + data, V3 + b"# rec " + data, V3 + data):
        guess.guess(found)
        with contextlib.suppress(Unreadable):
            list(castread.read(cut(found, sizes))[1])
    with contextlib.suppress(Unreadable):
        list(ttyrec.read([data])[1])
    list(typescript.read([b"0.1 5\n" + head], [data])[1])


# --- the others --------------------------------------------------------------------------------------


def test_lines_are_bounded():
    pieces = [b"short\n", *[b"x" * 1000] * 50, b"\nnext\n", b"torn"]
    assert list(split(pieces, 2000)) == [
        b"short\n",
        Damage("a line of 50001 bytes is passed over"),
        b"next\n",
        b"torn",
    ]


def test_ttyrec_is_torn_and_damaged():
    good = struct.pack("<III", 1000, 500_000, 2) + b"hi"
    later = struct.pack("<III", 1001, 0, 0) + struct.pack("<III", 1002, 250_000, 3) + b"you"
    heading, items = ttyrec.read([good + later])
    assert heading.started_ms is None  # that is no date: it counts from some beginning
    assert (
        ttyrec.read([struct.pack("<III", 1_700_000_000, 500_000, 2) + b"hi"])[0].started_ms
        == 1_700_000_000_500
    )
    assert list(items) == [Frame(0, "o", b"hi"), Frame(1750, "o", b"you")]
    for end in range(len(good) + 13, len(good + later)):
        assert isinstance(frames((good + later)[:end], ttyrec.read)[-1], Damage)
    bad = struct.pack("<III", 1001, 2_000_000, 5)
    assert [type(each) for each in frames(good + bad, ttyrec.read)] == [Frame, Damage]
    back = struct.pack("<III", 5, 0, 1) + b"x"
    assert [each.ms for each in frames(good + back + back, ttyrec.read) if isinstance(each, Frame)] == [
        0,
        0,
        0,
    ]


ADVANCED = b"""H 0.000000 START_TIME 2026-01-02 03:04:05+00:00
H 0.000000 TERM xterm
H 0.000000 COLUMNS 100
H 0.000000 LINES 30
H 0.000000 COMMAND sh -c 'a  b'
H 0.000000 OUTPUT_LOG io
H 0.000000 INPUT_LOG io
I 0.500000 7
O 0.250000 2
S 1.000000 SIGWINCH ROWS=40 COLS=120
O 0.000000 3
H 0.000000 EXIT_CODE 3
"""


def test_advanced_timing_tells_of_keys_sizes_and_the_end():
    data = typescript.STARTED + b'2026-01-02 [TERM="vt100"]\nsecret\nabcde\nScript done on x\n'
    heading, items = typescript.read([ADVANCED], [data])
    assert (heading.size, heading.term, heading.command) == (Size(100, 30), "xterm", "sh -c 'a  b'")
    assert heading.started_ms == 1_767_323_045_000
    assert list(items) == [
        Frame(750, "o", b"ab"),
        Frame(1750, "r", b"120x40"),
        Frame(1750, "o", b"cde"),
        Frame(1750, "x", b"3"),
    ]


@pytest.mark.parametrize(
    ("timing", "data", "text", "warned"),
    [
        (b"0.1 3\n0.1 9\n", b"abcdef", b"abcdef", "the typescript ends before its timing does"),
        (b"0.1 3\n0.1 3", b"abcdef", b"abc", "timing, line 2: it is torn off"),
        (b"0.1 3\n", b"abcdef", b"abc", "the timing ends before its typescript does"),
        (b"0.1 3\nnan 3\n0.1 3\n", b"abcdef", b"abcdef", "timing, line 2: it is none"),
        (b"0.1 3\nO 0.1 -5\n0.1 3\n", b"abcdef", b"abcdef", None),
        (b"0.1 3\n0.1 999999999999\n", b"abcdef", b"abcdef", "the typescript ends before its timing does"),
    ],
)
def test_a_typescript_that_does_not_fit_its_timing(timing, data, text, warned):
    found = list(typescript.read([timing], [data])[1])
    assert shown(found) == text
    assert ([each.why for each in found if isinstance(each, Damage)] or [None])[0] == warned
