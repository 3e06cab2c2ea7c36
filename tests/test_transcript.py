"""The text pass: one output event per span, its trouble behind it, whatever the spans cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.alerts import compile_rules
from recorder.model import Kind, Moment, Span
from recorder.text import plain
from recorder.transcript import MOST_FINDINGS, TextPass


def span(data, *, turn=1, fresh=False, tool="psql", raw=0, **meta):
    return Span(
        session="S",
        invocation="I",
        tool=tool,
        turn=turn,
        at=Moment(1000 + raw, raw),
        data=data,
        raw_start=raw,
        raw_end=raw + len(data),
        cols=80,
        fresh=fresh,
        meta=meta,
    )


def spans(*parts, **options):
    """Spans of one turn; the last one ends it."""
    raw = 0
    for number, part in enumerate(parts):
        end = {"end": "done", "status": None} if number == len(parts) - 1 else {}
        yield span(part, fresh=number == 0, raw=raw, **end, **options)
        raw += len(part)


def rendered(items, rules=()):
    text_pass = TextPass(rules)
    return [draft for item in items for draft in text_pass.render(item)]


def outputs(drafts):
    return [draft.text for draft in drafts if draft.kind is Kind.OUTPUT]


def trouble(drafts):
    return [(draft.kind, draft.text) for draft in drafts if draft.kind is not Kind.OUTPUT]


def test_an_output_has_the_place_and_the_meta_of_its_span():
    (draft,) = rendered([span(b"two\r\nlines\r\n", fresh=True, raw=7, end="done", status=0, duration_ms=5)])
    assert (draft.session, draft.invocation, draft.kind, draft.turn) == ("S", "I", Kind.OUTPUT, 1)
    assert draft.at == Moment(1007, 7)
    assert draft.text == "two\nlines\n"
    assert draft.meta == {"raw": [7, 19], "end": "done", "status": 0, "duration_ms": 5}


def test_a_turn_that_printed_nothing_still_has_an_output():
    (draft,) = rendered([span(b"", fresh=True, end="done")])
    assert draft.text == ""
    assert rendered([span(b"\x1b[m", fresh=True)]) == []


@given(
    st.lists(
        st.sampled_from([b"abc", b"\r\n", b"\rX", b"\x1b[K", "日".encode(), b"ERROR:  x\r\n"]), max_size=20
    )
)
def test_the_outputs_of_a_turn_are_its_text(parts):
    whole = b"".join(parts)
    split = outputs(rendered(spans(*parts, b"")))
    lines = [text for text in split if text]
    # A line that is drawn over after it was handed out appears once more, and nothing else does.
    assert "".join(lines) == plain(whole, 80) or b"\rX" in whole
    assert len(outputs(rendered(spans(whole)))) == 1


def test_a_progress_bar_is_said_when_it_is_done():
    drafts = rendered(spans(b"get\r\n10%\r20%", b"\r30%", b"\r\x1b[K100%\r\n"))
    assert outputs(drafts) == ["get\n", "100%\n"]


def test_a_question_is_said_when_it_is_answered():
    items = [span(b"\rPassword: ", fresh=True), span(b"\r\nok\r\n", raw=11, end="done")]
    items[0] = replace(items[0], answered=True)
    assert outputs(rendered(items)) == ["Password: ", "\nok\n"]


def test_background_output_is_said_as_it_comes():
    items = [span(b"10%\r20%", turn=None, fresh=True), span(b"\r30%", turn=None)]
    assert outputs(rendered(items)) == ["20%", "\n30%"]


def test_what_a_turn_without_end_left_is_said_with_the_next():
    items = [span(b"a\r\n10%\r20%", fresh=True), span(b"new\r\n", turn=2, fresh=True, raw=10, end="done")]
    drafts = rendered(items)
    assert [(draft.turn, draft.text, draft.meta["raw"]) for draft in drafts] == [
        (1, "a\n", [0, 10]),
        (1, "20%", [10, 10]),
        (2, "new\n", [10, 15]),
    ]


def test_each_turn_begins_on_a_clean_line():
    items = [span(b"partial", fresh=True, end="done"), span(b"\rnext", turn=2, fresh=True, end="done")]
    assert outputs(rendered(items)) == ["partial", "next"]


def test_trouble_follows_the_output_it_is_in():
    drafts = rendered(spans(b"ok\r\n", b"\x1b[31mERROR:  \x1b[mno such table\r\n", b"FATAL:  gone"))
    assert [draft.kind for draft in drafts] == [Kind.OUTPUT, Kind.OUTPUT, Kind.WARN, Kind.OUTPUT, Kind.ALERT]
    warn = drafts[2]
    assert (warn.text, warn.turn, warn.invocation, warn.meta) == (
        "ERROR:  no such table",
        1,
        "I",
        {"rule": "psql-error"},
    )
    assert warn.at == drafts[1].at


TRACEBACK = (
    b'x\r\nTraceback (most recent call last):\r\n  File "<stdin>", line 1\r\nZeroDivisionError: by zero\r\n'
)


@pytest.mark.parametrize("cut", range(0, len(TRACEBACK), 5))
def test_trouble_is_found_once_wherever_it_is_cut(cut):
    drafts = rendered(spans(TRACEBACK[:cut], TRACEBACK[cut:], b"more\r\n", tool="python3"))
    assert trouble(drafts) == [(Kind.ALERT, "ZeroDivisionError: by zero")]
    drafts = rendered(spans(b"a\r\nERROR:  bad\r\n"[:cut], b"a\r\nERROR:  bad\r\n"[cut:]))
    assert trouble(drafts) == [(Kind.WARN, "ERROR:  bad")]


def test_a_turn_has_only_so_much_trouble():
    drafts = rendered(spans(*[b"ERROR:  again\r\n"] * 50))
    assert len(trouble(drafts)) == MOST_FINDINGS
    items = [*spans(*[b"ERROR:  again\r\n"] * 50), *spans(b"ERROR:  new turn\r\n", turn=2)]
    assert trouble(rendered(items))[-1] == (Kind.WARN, "ERROR:  new turn")


def test_a_status_that_is_not_zero_is_a_warn():
    (_, warn) = rendered([span(b"no\r\n", fresh=True, end="done", status=2)])
    assert (warn.kind, warn.text, warn.turn, warn.meta) == (
        Kind.WARN,
        "exited with status 2",
        1,
        {"rule": "status"},
    )
    assert [draft.kind for draft in rendered([span(b"", fresh=True, end="done", status=0)])] == [Kind.OUTPUT]
    assert [draft.kind for draft in rendered([span(b"", fresh=True, end="done", status=None)])] == [
        Kind.OUTPUT
    ]


def test_user_rules_are_looked_for_too():
    rules = compile_rules([("mine", "psql", "^slow query", "alert")])
    assert trouble(rendered(spans(b"slow query: 10 s\r\n"), rules)) == [(Kind.ALERT, "slow query: 10 s")]


@pytest.mark.parametrize(
    "after", [b"", b"\r\x1b[0m\x1b[27m\x1b[24m\x1b[J", b"\r\x1b[0m\x1b[J\x1b[K\x1b[?2004h"]
)
@pytest.mark.parametrize("output", [b"full\r\n", b"partial", b""])
def test_the_mark_that_zsh_draws_before_its_prompt_is_no_output(output, after):
    mark = b"\x1b[1m\x1b[7m%\x1b[27m\x1b[1m\x1b[0m" + b" " * 79 + b"\r \r"
    assert outputs(rendered(spans(output + mark + after, tool="zsh"))) == [
        output.decode().replace("\r\n", "\n")
    ]
