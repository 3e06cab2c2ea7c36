"""A running session as its own commands see it, over a real writer."""

from __future__ import annotations

import pytest
from making import T0, invocation, prompt, session

from recorder.live import Live, Views
from recorder.model import EndReason
from recorder.stores.memory import MemoryStore
from recorder.writer import Writer


@pytest.fixture
def running():
    """Make a session that runs over a memory store, and what it has noted."""
    store, noted = MemoryStore(), []
    now = session(2)
    writer = Writer(lambda: store, now, invocation(now, 1002), spill=None)
    views = Views("nowhere", lambda _store: "", *[lambda _store, _words: ""] * 3)
    yield (
        Live(now, invocation(now, 1002), writer, lambda *note: noted.append(note), None, views, persist=True),
        noted,
    )
    writer.close(T0, 0, EndReason.EXIT)


def test_the_first_prompt_has_earlier_lines_although_nothing_was_written_yet():
    """A silent tool is prompted before the loop has started the writer: it must not wait for itself."""
    store = MemoryStore()
    earlier, now = session(1), session(2)
    store.begin(earlier, invocation(earlier, 1001))
    store.append([prompt(earlier, 1, "select 1")])
    writer = Writer(lambda: store, now, invocation(now, 1002), spill=None)
    views = Views("nowhere", lambda _store: "", *[lambda _store, _words: ""] * 3)
    live = Live(now, invocation(now, 1002), writer, lambda *_note: None, None, views, persist=True)
    try:
        assert live.history() == ["select 1"]
    finally:
        writer.close(T0, 0, EndReason.EXIT)


@pytest.mark.parametrize("name", ["note", "alert"])
def test_a_remark_without_text_is_refused(running, name):
    live, noted = running
    for reply in (live.reply(f"/{name}"), live.reply(f"/{name}  "), live.command(name)):
        assert reply.failed
        assert reply.text.endswith(f": it has no text; type /{name} TEXT")
        assert "\n" not in reply.text
    assert noted == []
    assert not live.reply(f"/{name} something").failed
    assert len(noted) == 1


def test_a_search_without_words_is_refused(running):
    live, _noted = running
    reply = live.reply("/search")
    assert (reply.failed, reply.text) == (
        True,
        "rec: could not search: no words are given; type /search WORDS",
    )
