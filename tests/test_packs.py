"""How events are laid out in a pack: everything comes back, and little is kept twice."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.stores.packs import Fact, Pack, pack
from recorder.stores.segments import Damaged, squeeze, varints

START = 1000  # raw offset of the segment


def fact(seq: int, **more) -> Fact:
    return Fact(**({"seq": seq, "kind": 1, "skew_ms": 0, "offset_ms": 9, "run": 2, "turn": 3} | more))


def back(events, raw=b"", start=START):
    """Pack and unpack; return what stands behind the raw bytes."""
    blob, behind = pack(events, raw, start)
    found = Pack(blob)
    assert list(zip(found.facts, found.texts(raw, behind, start), strict=True)) == events
    return behind


def meta(**values) -> str:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def turns(count: int):
    """A shell's turns: raw bytes, and the events that say what is in them."""
    raw, events = b"", []
    for turn in range(1, count + 1):
        command = f"command {turn * 7919 % 1000}"
        raw += b"\x1b[?2004hbash-5.2# " + command.encode() + b"\r\n\x1b[?2004l"
        at = START + len(raw)
        events.append((fact(2 * turn - 1, turn=turn), (command, meta(prompt_text="bash-5.2# ", raw=at))))
        text = f"line one of {command}\nline two: ü\n"
        raw += b"\r" + text.replace("\n", "\r\n").encode()
        span = [at, START + len(raw)]
        events.append(
            (fact(2 * turn, kind=0, turn=turn), (text, meta(raw=span, status=None, duration_ms=turn)))
        )
    return raw, events


@pytest.mark.parametrize(
    "text",
    ["", "a", "a\nb\n", "a\r\nb", "a\rb", "\r", "\x00", "ü\udcff", "\x1b[31mred\x1b[m", "tab\there", "\n\n"],
)
@pytest.mark.parametrize(
    "span", [None, START, START + 5, [START, START], [START, START + 30], [0, 10], [1, 10**9]]
)
def test_any_text_comes_back_wherever_it_claims_to_be(text, span):
    raw = b"\ra\r\nb\r\n\x1b[31mred\x1b[m\ttab\there\xc3\xbc\r\n" * 2
    back(
        [(fact(1), (text, meta() if span is None else meta(raw=span))), (fact(2), ("b", meta(raw=START)))],
        raw,
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", '{"a":007}', '{"a":-1,"b":[1,2,[3]],"c":1.5e3}', '{"raw":"7"}', '{"raw":[7]}',
        '{"raw":[1,2,3]}',
        '{"b":"\\"raw\\":5","a":"1,2,3"}', "no JSON at all: 1,2]", '{"a":123456789012345678901234567890}',
        '{"a":true,"raw":12,"z":{"raw":[3,4]}}', '{"e":"\\u0000"}', '{"raw":0}', '{"d":"٣"}',
    ],
)  # fmt: skip
def test_any_meta_comes_back(text):
    back([(fact(1), ("x", text)), (fact(2), ("y", text)), (fact(3), ("z", ""))], b"xyz")


def test_facts_come_back():
    back(
        [
            (fact(5, kind=0, skew_ms=-86_400_000, offset_ms=0, run=None, turn=None), ("", "")),
            (fact(6, kind=99, skew_ms=1 << 50, offset_ms=1 << 40, run=1 << 40, turn=0), ("", "")),
            (fact(7, offset_ms=-5, turn=7), ("", "")),
            (fact(9, turn=2), ("", "")),
            (fact(10, turn=None), ("", "")),
            (fact(11, turn=3), ("", "")),
        ]
    )


def test_what_the_raw_bytes_say_is_not_kept_again():
    raw, events = turns(40)
    behind = back(events, raw)
    assert len(behind) == sum(len(template) for template in (
        '{"prompt_text":"bash-5.2# ","raw":\0}', '{"raw":[\0,\0],"status":null,"duration_ms":\0}'
    ))  # fmt: skip
    assert len(pack(events, raw, START)[0]) < 6 * 40


def test_colours_and_tabs_do_not_make_a_text_another():
    raw = b"\r\x1b[01;34mone\x1b[0m\t\ttwo\tthree\r\n\x1b]0;title\x07\x1b[Kfour\r\n\x1b[?2004h"
    text = "one             two     three\nfour\n"
    kept = back([(fact(1), (text, meta(raw=[START, START + len(raw)])))], raw)
    assert kept == b'{"raw":[\0,\0]}'


def test_damage_is_damage_and_nothing_worse(rng, rounds):
    raw, events = turns(5)
    events.append((fact(11), ("kept as it is", "")))
    blob, behind = pack(events, raw, START)
    found = Pack(blob)
    for arguments in ((raw, behind[:-1], START), (raw[:50], behind, START)):
        with pytest.raises(Damaged):
            found.texts(*arguments)
    for numbers in ([], [1], [1, 0, 0], [10**6, 0], [0, 10**6]):
        with pytest.raises(Damaged):
            Pack(squeeze(varints(numbers)))
    for _ in range(rounds(300, 5000)):
        numbers = [rng.choice([0, 1, 2, 3, 5, 200, 1 << 40]) for _ in range(rng.randrange(60))]
        try:
            Pack(squeeze(varints(numbers))).texts(raw, behind, START)
        except Damaged:
            continue


@given(
    texts=st.lists(st.text(alphabet="ab\r\n\t\x1b[1m;ü", max_size=12), max_size=8),
    spans=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), min_size=8, max_size=8),
    cut=st.integers(0, 60),
)
def test_texts_come_back_from_bytes_like_them(texts, spans, cut):
    raw = "".join(texts).replace("\n", "\r\n").encode()[cut % 7 :]
    back([(fact(n + 1), (text, meta(raw=list(spans[n])))) for n, text in enumerate(texts)], raw, start=cut)
    back([(fact(n + 1), (text, meta(raw=spans[n][0]))) for n, text in enumerate(texts)], raw, start=cut)


def test_a_pack_of_many_is_read_in_one_go():
    dice = random.Random(3)
    raw = bytes(dice.choices(b"abc \r\n", k=20_000))
    events = []
    for seq in range(1, 3000):
        at = dice.randrange(len(raw))
        text = raw[at : at + dice.randrange(40)].decode().replace("\r\n", "\n")
        events.append((fact(seq), (text, meta(raw=[START + at, START + at + 40]))))
    back(events, raw)
