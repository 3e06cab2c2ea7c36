"""Output in spans: nothing lost, nothing twice, cut where the rules say and only there."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import spans
from recorder.model import Draft, Kind, Moment, Span
from recorder.spans import HEAD_BYTES, SPAN_BYTES, SPAN_MS, TAIL_BYTES, Source, SpanCutter, shows

SOURCE = Source("s", "i", "tool")
END = {"end": "done", "status": 0, "duration_ms": 5}


def at(ms):
    return Moment(1_000_000 + ms, ms)


def cutter(turn=1, raw=0):
    made = SpanCutter(SOURCE, 80)
    assert made.begin(turn, at(0), raw) == []
    return made


def feed(made, data, size, ms=0, raw=0):
    items = []
    for n in range(0, len(data), size):
        items += made.add(at(ms), raw + n, data[n : n + size])
    return items


def text(items):
    return b"".join(item.data for item in items if isinstance(item, Span))


def lines(count, width=50):
    return b"".join(b"%0*d\n" % (width - 1, n) for n in range(count))


def test_a_short_turn_is_one_output_with_how_it_ended():
    made = cutter(raw=10)
    assert made.add(at(3), 10, b"out\r\n") == []
    (span,) = made.end(at(9), 15, END)
    assert span == Span("s", "i", "tool", 1, at(3), b"out\r\n", 10, 15, 80, fresh=True, meta=END)
    assert made.turn is None


def test_a_turn_that_printed_nothing_has_an_empty_output():
    made = cutter(turn=4, raw=7)
    (span,) = made.end(at(9), 7, END)
    assert span == Span("s", "i", "tool", 4, at(9), b"", 7, 7, 80, fresh=True, meta=END)


def test_a_turn_whose_echo_was_cut_off_ends_where_it_begins():
    made = cutter(raw=20)
    (span,) = made.end(at(9), 15, END)
    assert (span.raw_start, span.raw_end) == (20, 20)


def test_what_is_left_out_at_the_end_belongs_to_the_turn():
    """Full-screen frames are in the raw stream only; the turn's range includes them."""
    made = cutter()
    made.add(at(1), 0, b"before\r\n")
    (span,) = made.end(at(2), 500, END)
    assert (span.data, span.raw_start, span.raw_end) == (b"before\r\n", 0, 500)


def test_background_has_no_turn_and_no_end():
    made = SpanCutter(SOURCE, 80)
    made.add(at(1), 0, b"banner\r\n")
    (span,) = made.begin(1, at(2), 8)
    assert (span.turn, span.data, span.meta) == (None, b"banner\r\n", {})


@pytest.mark.parametrize(
    "blank", [b"", b"\r\n", b"\x1b[0m\r", b"\x1b]0;title\x07\n", b"\x1b(B\x1b[m \x07", b"\x1b=\r"]
)
def test_background_that_shows_nothing_is_no_output(blank):
    made = SpanCutter(SOURCE, 80)
    made.add(at(1), 0, blank)
    assert made.begin(None, at(2), len(blank)) == []
    made.add(at(3), len(blank), b"x\n" + blank)
    (span,) = made.begin(1, at(9000), 99)
    assert span.data == b"x\n" + blank
    assert span.fresh
    made.add(at(9001), 99, blank)
    assert [item.data for item in made.end(at(9002), 99 + len(blank), END)] == [blank]


def test_blank_background_leaves_the_next_output_fresh():
    made = SpanCutter(SOURCE, 80)
    made.add(at(0), 0, b"\r\n")
    assert made.tick(at(SPAN_MS)) == []
    made.add(at(SPAN_MS + 1), 2, b"seen\n")
    (span,) = made.begin(1, at(SPAN_MS + 2), 7)
    assert (span.data, span.fresh) == (b"seen\n", True)


def test_what_shows():
    assert shows(b"x")
    assert shows(b"\x1b[31m.\x1b[0m")
    assert shows(b" " * 5000)
    assert not shows(b" \r\n\t\x1b[2J\x1b[?25h\x1b]9;note\x1b\\")


# --- size ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, 4096, 50_001, 200_000])
def test_an_output_closes_at_64_kib_at_a_line_end(size):
    data = lines(4000)
    made = cutter()
    items = feed(made, data, size)
    rest = made.end(at(1), len(data), END)
    assert text(items + rest) == data
    assert [len(item.data) for item in items] == [1310 * 50] * 3  # 65500 of 65536 bytes are whole lines
    assert [item.fresh for item in [*items, *rest]] == [True, False, False, False]


@given(st.lists(st.integers(1, 90_000), min_size=1, max_size=6), st.integers(700, 70_000), st.booleans())
def test_spans_are_the_same_however_output_arrives(widths, size, background):
    data = b"".join(b"x" * (width - 1) + b"\n" for width in widths)
    end = len(data) + 6

    def run(step):
        made = SpanCutter(SOURCE, 80)
        made.begin(None if background else 1, at(0), 0)
        items = feed(made, b"begin\n" + data, step)
        return items + (made.begin(None, at(1), end) if background else made.end(at(1), end, END))

    assert run(size) == run(end)
    assert text(run(size)) == b"begin\n" + data


def test_a_line_that_never_ends_is_cut_all_the_same():
    made = cutter()
    (span,) = feed(made, b"x" * (SPAN_BYTES + 5), 999)
    assert len(span.data) == SPAN_BYTES
    assert made.end(at(1), SPAN_BYTES + 5, END)[0].data == b"x" * 5


def test_ranges_follow_each_other():
    data = lines(6000)
    made = cutter(raw=100)
    items = feed(made, data, 3333, raw=100) + made.end(at(1), 100 + len(data), END)
    assert [item.raw_start for item in items] == [100, *[item.raw_end for item in items[:-1]]]
    assert items[-1].raw_end == 100 + len(data)
    assert [item.meta for item in items] == [{}] * (len(items) - 1) + [END]


# --- time ----------------------------------------------------------------------------------------


def test_an_output_closes_five_seconds_after_its_first_byte():
    made = cutter()
    made.add(at(100), 0, b"one\n")
    made.add(at(4000), 4, b"two\npart")
    assert made.due_ms() == 100 + SPAN_MS
    assert made.tick(at(99 + SPAN_MS)) == []
    (span,) = made.tick(at(100 + SPAN_MS))
    assert (span.data, span.at) == (b"one\ntwo\n", at(100))
    # The line on which the cursor stands stays open: it may be the next prompt.
    assert made.due_ms() is None
    made.add(at(6000), 12, b"ial\n")
    assert made.due_ms() == 4000 + SPAN_MS
    assert text(made.tick(at(4000 + SPAN_MS))) == b"partial\n"
    assert made.due_ms() is None


def test_a_prompt_is_never_cut_off_by_time():
    made = cutter()
    made.add(at(0), 0, b"$ ")
    assert made.due_ms() is None
    assert made.tick(at(60_000)) == []
    assert [item.data for item in made.end(at(60_000), 0, END)] == [b""]


def test_an_unfinished_line_of_more_than_a_prompts_length_is_cut_off_by_time():
    made = cutter()
    data = b"line\n" + b"." * (spans.MAX_LINE + 1)
    made.add(at(0), 0, data)
    assert text(made.tick(at(SPAN_MS))) == data


# --- prompts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_prompt_is_dropped_from_where_it_begins(size):
    made = cutter()
    feed(made, b"out\n>>> ", size)
    (span,) = made.end(at(1), 4, END)
    assert (span.data, span.raw_end) == (b"out\n", 4)


def test_drop_everything_or_nothing():
    made = cutter(raw=10)
    made.add(at(0), 10, b"abc")
    made.drop_from(13)
    assert not made.empty
    made.drop_from(5)
    assert made.empty
    assert made.end(at(1), 10, END)[0].data == b""


# --- head and tail -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1777, 40_000, 65_536, 300_000])
@pytest.mark.parametrize("prompt", [b"", b">>> ", b"p" * 10_000])
def test_of_a_long_turn_head_and_tail_become_text(size, prompt):
    data = lines(40_000)  # 2,000,000 bytes
    made = cutter()
    items = feed(made, data + prompt, size) + made.end(at(1), len(data), END)
    notices = [item for item in items if isinstance(item, Draft)]
    left_out = len(data) - HEAD_BYTES - TAIL_BYTES
    (notice,) = notices
    assert notice.kind is Kind.SYSTEM
    assert notice.turn == 1
    assert notice.meta == {"raw_only": left_out}
    assert str(left_out) in notice.text
    head = items[: items.index(notice)]
    tail = items[items.index(notice) + 1 :]
    assert text(head) == data[:HEAD_BYTES]
    assert text(tail) == data[-TAIL_BYTES:]
    assert tail[0].fresh
    assert not tail[1].fresh
    assert (tail[0].raw_start, tail[-1].raw_end) == (len(data) - TAIL_BYTES, len(data))
    assert tail[-1].meta == END
    assert max(len(item.data) for item in [*head, *tail]) <= SPAN_BYTES


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_notice_counts_exactly(over):
    data = b"x" * (HEAD_BYTES + TAIL_BYTES + over)
    made = cutter()
    items = feed(made, data, 5000) + made.end(at(1), len(data), END)
    assert [item.meta for item in items if isinstance(item, Draft)] == ([{"raw_only": 1}] if over > 0 else [])
    assert len(text(items)) == len(data) - max(0, over)


def test_the_next_turn_has_its_own_allowance():
    made = cutter()
    size = HEAD_BYTES + TAIL_BYTES + 1000
    feed(made, b"x" * size, 65_536)
    made.end(at(1), size, END)
    made.begin(2, at(2), size)
    made.add(at(2), size, b"short\n")
    (span,) = made.end(at(3), size + 6, END)
    assert (span.turn, span.data, span.fresh) == (2, b"short\n", True)


def test_a_flood_is_not_kept_in_memory():
    made = cutter()
    feed(made, b"x" * (8 << 20), 65_536)
    assert sum(len(piece.data) for piece in made._pieces) <= TAIL_BYTES + spans.MAX_LINE + 65_536


def test_background_gets_a_new_allowance_every_minute():
    made = SpanCutter(SOURCE, 80)
    made.begin(None, at(0), 0)
    size = HEAD_BYTES + TAIL_BYTES + 50
    data = lines(size // 50 + 1)[:size]
    first = feed(made, data, 65_536, ms=10)
    assert text(first) == data[:HEAD_BYTES]
    assert made.due_ms() == 60_000
    assert made.tick(at(59_999)) == []
    then = made.tick(at(60_000))
    assert [item.meta for item in then if isinstance(item, Draft)] == [{"raw_only": 50}]
    assert text(then) == data[-TAIL_BYTES:]
    made.add(at(60_001), size, b"again\n")
    (span,) = made.tick(at(60_001 + SPAN_MS))
    assert (span.data, span.fresh, span.turn) == (b"again\n", True, None)


def test_background_that_goes_on_gets_its_allowance_with_the_next_byte():
    made = SpanCutter(SOURCE, 80)
    made.begin(None, at(0), 0)
    feed(made, b"y\n" * HEAD_BYTES, 65_536, ms=10)
    items = made.add(at(61_000), 2 * HEAD_BYTES, b"next\n")
    assert text(items) == (b"y\n" * HEAD_BYTES)[-TAIL_BYTES:]
    assert text(made.begin(1, at(61_001), 2 * HEAD_BYTES + 5)) == b"next\n"


def test_a_turn_gets_no_new_allowance():
    made = cutter()
    feed(made, b"x" * (HEAD_BYTES + 10), 65_536)
    assert made.due_ms() is None
    assert made.tick(at(600_000)) == []


@given(
    st.lists(st.tuples(st.integers(0, 40_000), st.binary(min_size=1, max_size=30)), max_size=12), st.data()
)
def test_every_byte_comes_out_once_in_order(chunks, data):
    """Adds and ticks at any times, turns begun and ended in between."""
    made = SpanCutter(SOURCE, 80)
    raw, now, items, expected = 0, 0, [], b""
    for wait, chunk in chunks:
        now += wait
        items += made.tick(at(now))
        items += made.add(at(now), raw, chunk)
        raw += len(chunk)
        expected += chunk
        step = data.draw(st.sampled_from(["", "", "begin", "end"]))
        if step == "begin" or (step == "end" and made.turn is None):
            items += made.begin(data.draw(st.sampled_from([None, 3])), at(now), raw)
        elif step == "end":
            items += made.end(at(now), raw, END)
    items += made.begin(None, at(now), raw)
    found = [item for item in items if isinstance(item, Span)]
    assert all(a.raw_end <= b.raw_start for a, b in pairwise(found))
    assert all(expected[item.raw_start : item.raw_end] == item.data for item in found)
    missing = len(expected) - len(text(items))
    assert missing == 0 or all(not shows(part) for part in _gaps(found, expected))


def _gaps(found, expected):
    edges = [0, *(edge for item in found for edge in (item.raw_start, item.raw_end)), len(expected)]
    return [expected[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]


@pytest.mark.parametrize("cap", [0, 1, 1000, 100_000])
def test_less_may_become_text(cap):
    made = SpanCutter(Source("s", "i", "sh", cap=cap), 80)
    items = made.begin(1, at(0), 0)
    data = bytes(range(32, 127)) * 5000
    for start in range(0, len(data), 7000):
        items += made.add(at(start), start, data[start : start + 7000])
    items += made.end(at(len(data)), len(data), {"end": "done"})
    assert text(items) == data[:cap] + data[len(data) - cap :]
    (notice,) = (item for item in items if isinstance(item, Draft))
    assert notice.meta == {"raw_only": len(data) - 2 * cap}
