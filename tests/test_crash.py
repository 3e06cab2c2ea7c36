"""`kill -9` of the recorder at random moments: what was promised is there, nothing is half there."""

from __future__ import annotations

import re
import signal
import statistics
import sys
import time
from pathlib import Path

import blackbox
from blackbox import Rec

TRICKS = Path(__file__).parent / "tools" / "trick.py"
STAMP = re.compile(rb"(\d+) (\d+)\.")
LOSS_BYTES = 64 << 10
LOSS_S = 0.25

# Prints "NUMBER MONOTONIC_NS." lines for ever and answers each line that it reads.
TICKER = """
import select, sys, time
number = 0
while True:
    if select.select([0], [], [], 0.002)[0]:
        print(f"got {sys.stdin.readline().strip()}", flush=True)
    print(f"{number} {time.monotonic_ns()}.", flush=True)
    number += 1
"""


def test_a_killed_recorder_loses_no_answered_prompt_and_little_output(root, rng, rounds):
    late: list[float] = []
    for number in range(rounds()):
        place = root.parent / f"root{number}"
        late.append(one_round(place, rng))
        if number % 5 == 0:
            checks = blackbox.rec(["doctor", "--json"], place).json()
            assert [each for each in checks if each["check"].startswith("store") and not each["ok"]] == []
    within = sum(each <= LOSS_S for each in late)
    print(f"lost tail: median {statistics.median(late):.3f} s, worst {max(late):.3f} s")
    # The promise holds while the writer keeps up; a machine that gives it no turn is not the writer.
    assert within >= 0.9 * len(late), late


def one_round(place: Path, rng) -> float:
    """Record, type, kill, look; return how old (s) the oldest lost line was when the kill came."""
    answered: list[str] = []
    with Rec(["run", "--label", "crash", "--", sys.executable, "-c", TICKER], place) as term:
        term.expect_raw(STAMP)
        for each in range(rng.randrange(4)):
            text = f"line{each}x{rng.randrange(10**6)}"
            term.line(text)
            term.expect_raw(f"got {text}".encode())
            answered.append(text)
        time.sleep(rng.random() * 0.4)
        killed_at = time.monotonic_ns()
        term.kill(signal.SIGKILL)
        assert term.wait() == 128 + signal.SIGKILL
        shown = bytes(term.raw)
    sessions = blackbox.ls(place)
    if not sessions and not answered:  # killed before the first commit: all of it is the lost tail
        return (killed_at - int(lines_of(shown)[0].split()[1])) / 1e9
    (session,) = sessions
    assert session["status"] == "interrupted"
    assert session["labels"] == ["crash"]
    assert session["n_turns"] == len(answered)
    replay = blackbox.replay(place, "crash")
    events = replay["events"]
    assert replay["n_events"] == len(events)
    assert [event["text"] for event in events if event["kind"] == "prompt"] == answered
    assert f"{len(events)} prior events" in replay["first_line"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    stored = blackbox.all_raw(place, "crash")
    lost = lines_of(shown)[len(lines_of(stored)) :]
    assert lines_of(shown)[: len(lines_of(stored))] == lines_of(stored)
    assert sum(len(line) for line in lost) <= LOSS_BYTES
    # The text that the crash left out is derived from the raw bytes. A line that was cut by a read
    # when the user pressed Enter is the prompt of that turn, not output.
    text = "".join(
        event["text"] if event["kind"] == "output" else event["meta"].get("prompt_text") or ""
        for event in events
        if event["kind"] in ("output", "prompt")
    )
    told = lines_of(text.encode())
    assert told == [line for line in lines_of(stored) if line in told]
    assert [line for line in lines_of(stored)[:-1] if line not in told] == []
    return (killed_at - int(lost[0].split()[1])) / 1e9 if lost else 0.0


def lines_of(data: bytes) -> list[bytes]:
    """Return the numbered lines, without what the terminal and the editor drew around them."""
    return [b"%b %b" % found for found in STAMP.findall(data)]
