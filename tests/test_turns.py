"""How events become turn rows."""

from __future__ import annotations

from recorder import turns
from recorder.model import End, Event, Moment


def event(seq, kind, text="", *, turn=1, meta=None, wall=1000):
    return Event("S", seq, kind, Moment(wall, wall - 1000), text, turn, "I", meta or {})


def fold(*events):
    return turns.fold_all(events)


def test_a_prompt_opens_a_running_turn():
    meta = {"prompt_text": "> ", "source": "line", "raw": 7, "cwd": "/w", "shell": 42, "parent_turn": 3}
    row = fold(event(1, "prompt", "select 1;", meta=meta))[1]
    assert (row.command, row.prompt_text, row.started_ms) == ("select 1;", "> ", 1000)
    assert (row.raw_start, row.raw_end, row.end) == (7, 7, End.RUNNING)
    assert (row.cwd, row.shell, row.parent_turn) == ("/w", "42", 3)
    assert (row.exit_status, row.duration_ms, row.truncated, row.troubled) == (None, None, False, False)


def test_outputs_extend_the_turn_and_the_last_one_ends_it():
    rows = fold(
        event(1, "prompt", "x", meta={"raw": 7}),
        event(2, "output", "a", meta={"raw": [7, 20]}),
        event(3, "output", "b", meta={"raw": [20, 33], "end": "done", "status": 0, "duration_ms": 12}),
    )
    row = rows[1]
    assert (row.raw_end, row.end, row.exit_status, row.duration_ms) == (33, End.DONE, 0, 12)
    assert not row.troubled


def test_text_that_was_rendered_late_does_not_reopen_or_shrink_a_turn():
    rows = fold(
        event(1, "prompt", "x", meta={"raw": 7}),
        event(2, "output", "b", meta={"raw": [20, 33], "end": "stopped", "status": None}),
        event(3, "output", "a", meta={"raw": [7, 20]}),
    )
    assert (rows[1].raw_end, rows[1].end) == (33, End.STOPPED)


def test_a_failing_status_a_warn_and_an_alert_are_trouble():
    status = event(2, "output", meta={"raw": [0, 1], "end": "done", "status": 3})
    assert fold(event(1, "prompt", "x"), status)[1].troubled
    assert fold(event(1, "prompt", "x"), event(2, "warn", "ERROR: no"))[1].troubled
    assert fold(event(1, "prompt", "x"), event(2, "alert", "FATAL: no"))[1].troubled
    assert not fold(event(1, "prompt", "x"), event(2, "alert", "disk", turn=None))[1].troubled


def test_a_raw_only_notice_truncates():
    assert fold(event(1, "prompt", "x"), event(2, "system", "…", meta={"raw_only": 9}))[1].truncated
    assert not fold(event(1, "prompt", "x"), event(2, "system", "hidden input"))[1].truncated


def test_output_without_its_prompt_makes_no_turn():
    assert fold(event(1, "output", "x", meta={"raw": [0, 9]}), event(2, "warn", "w")) == {}
    assert turns.fold(None, event(1, "output", "x", turn=None)) is None


def test_words_of_a_newer_version_are_kept_out_of_the_way():
    rows = fold(
        event(1, "prompt", "x"),
        event(2, "hologram", "?"),
        event(3, "output", meta={"raw": [0, 1], "end": "evaporated"}),
    )
    assert rows[1].end is End.UNKNOWN


def test_a_prompt_that_comes_twice_keeps_what_was_printed():
    rows = fold(
        event(1, "prompt", "x", meta={"raw": 5}),
        event(2, "output", meta={"raw": [5, 9], "end": "done", "status": 1, "duration_ms": 4}),
        event(3, "prompt", "xy", meta={"raw": 5}),
    )
    row = rows[1]
    assert (row.command, row.raw_end, row.end, row.exit_status, row.troubled) == ("xy", 9, End.DONE, 1, True)


def test_nonsense_in_meta_is_no_error():
    rows = fold(
        event(1, "prompt", "x", meta={"raw": "7", "cwd": 5, "shell": True, "parent_turn": "2"}),
        event(2, "output", meta={"raw": [1], "end": None, "status": "bad", "duration_ms": True}),
    )
    row = rows[1]
    assert (row.raw_start, row.cwd, row.shell, row.parent_turn) == (0, "5", None, None)
    assert (row.end, row.exit_status, row.duration_ms) == (End.UNKNOWN, None, None)
