"""Many recorders into one store at once: everything is there, and nobody notices the others."""

from __future__ import annotations

import contextlib
import os
import time

import apsw
import blackbox
import pytest
from blackbox import Rec, ls

SOAK = os.environ.get("REC_SOAK") == "1"
RECORDERS = 50
SECONDS = 60 if SOAK else 5
ROUND_S = 0.5
TOOL = ["sh", "-c", 'n=0; while read line; do n=$((n+1)); echo "$n answers $line"; done; exit 7']
WAL_BYTES = 128 << 20


@pytest.mark.rounds
def test_many_recorders_share_one_store_without_losing_or_showing_anything(root):
    with contextlib.ExitStack() as stack:
        terms = [
            stack.enter_context(Rec(["run", "--mode", "line", "--label", f"r{n}", "--", *TOOL], root))
            for n in range(RECORDERS)
        ]
        for number, term in enumerate(terms):
            term.line(f"first-{number}")
        for number, term in enumerate(terms):
            term.expect_raw(f"1 answers first-{number}\r\n".encode(), 120)
        end = time.monotonic() + SECONDS
        rounds = 1
        wal = 0
        while time.monotonic() < end:  # as long as the load is to last
            rounds += 1
            begun = time.monotonic()
            for number, term in enumerate(terms):
                term.line(f"line-{rounds}-{number}")
            for number, term in enumerate(terms):
                term.expect_raw(f"{rounds} answers line-{rounds}-{number}\r\n".encode(), 120)
            wal = max(wal, (root / "rec.db-wal").stat().st_size)
            time.sleep(max(0.0, ROUND_S - (time.monotonic() - begun)))
        for term in terms:  # one after the other, while the rest goes on
            term.send(b"\x04")
            assert term.wait(120) == 7
        for term in terms:
            assert b"rec: " not in term.raw, term.dump()
    assert rounds > 2
    assert wal < WAL_BYTES
    sessions = ls(root)
    assert len({session["ulid"] for session in sessions}) == RECORDERS
    assert {(session["status"], session["exit_status"]) for session in sessions} == {("ended", 7)}
    assert not (root / "spill").exists() or list((root / "spill").iterdir()) == []
    assert {session["n_turns"] for session in sessions} == {rounds}
    for number in range(0, RECORDERS, 1 if SOAK else 5):
        check_session(root, f"r{number}", number, rounds)
    db = apsw.Connection(str(root / "rec.db"), flags=apsw.SQLITE_OPEN_READONLY)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()
    checks = blackbox.rec(["doctor", "--json"], root).json()
    assert [check for check in checks if check["check"].startswith("store") and not check["ok"]] == []


def check_session(root, label: str, number: int, rounds: int) -> None:
    """Compare what is stored of one recorder with what was typed and printed."""
    replay = blackbox.replay(root, label)
    events = replay["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    asked = [f"first-{number}"] + [f"line-{each}-{number}" for each in range(2, rounds + 1)]
    assert [event["text"] for event in events if event["kind"] == "prompt"] == asked
    printed = "".join(event["text"] for event in events if event["kind"] == "output")
    assert printed == "".join(f"{n} answers {line}\n" for n, line in enumerate(asked, 1))
    assert [
        event["text"] for event in events if event["kind"] == "alert" and "stored" not in event["text"]
    ] == []
