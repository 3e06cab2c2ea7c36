"""`kill -9` of the recorder at random moments: what was promised is there, nothing is half there."""

from __future__ import annotations

import contextlib
import re
import signal
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import blackbox
from blackbox import Rec

TRICKS = Path(__file__).parent / "tools" / "trick.py"
STAMP = re.compile(rb"(\d+) (\d+)\.")
LOSS_BYTES = 64 << 10
LOSS_S = 0.25
RECENT_NS = 500_000_000

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
    stalls: list[float] = []
    for number in range(rounds()):
        place = root.parent / f"root{number}"
        lost, stall = one_round(place, rng)
        late.append(lost)
        stalls.append(stall)
        if number % 5 == 0:
            checks = blackbox.rec(["doctor", "--json"], place).json()
            assert [each for each in checks if each["check"].startswith("store") and not each["ok"]] == []
    within = sum(lost <= LOSS_S + stall for lost, stall in zip(late, stalls, strict=True))
    print(f"lost tail: median {statistics.median(late):.3f} s, worst {max(late):.3f} s")
    # The promise holds while the writer keeps up, which it cannot on a machine that gives it no turn, or none
    # to the tool, which has less to do.
    assert within >= 0.9 * len(late), (late, stalls)


def one_round(place: Path, rng) -> tuple[float, float]:
    """Record, type, kill, look.

    Return how old (s) the oldest lost line was when the kill came, and how long (s) in the half second
    before it the machine had something else to do than run the recorder or the tool.
    """
    answered: list[str] = []
    with Rec(["run", "--label", "crash", "--", sys.executable, "-c", TICKER], place) as term:
        term.expect_raw(STAMP)
        waited = [(time.monotonic_ns(), in_line(term.pid))]
        for each in range(rng.randrange(4)):
            text = f"line{each}x{rng.randrange(10**6)}"
            term.line(text)
            term.expect_raw(f"got {text}".encode())
            answered.append(text)
        until = time.monotonic() + rng.random() * 0.4
        while time.monotonic() < until:
            time.sleep(0.01)
            waited.append((time.monotonic_ns(), in_line(term.pid)))
        killed_at, queued = time.monotonic_ns(), in_line(term.pid)
        before = next((ns for at, ns in reversed(waited) if at <= killed_at - RECENT_NS), waited[0][1])
        queued = min(RECENT_NS, queued - before)  # an answer may have taken longer
        term.kill(signal.SIGKILL)
        assert term.wait() == 128 + signal.SIGKILL
        shown = bytes(term.raw)
    busy = max(queued / 1e9, stall(shown, killed_at))
    sessions = blackbox.ls(place)
    if not sessions and not answered:  # killed before the first commit: all of it is the lost tail
        return (killed_at - int(lines_of(shown)[0].split()[1])) / 1e9, busy
    (session,) = sessions
    assert session["status"] == "interrupted"
    assert session["labels"] == ["crash"]
    assert session["n_turns"] == len(answered)
    replay = blackbox.replay(place, "crash")
    events = replay["events"]
    assert replay["n_events"] == len(events)
    assert [event["text"] for event in events if event["kind"] == "prompt"] == answered
    # a kill may leave a row whose first event was never written
    assert replay["first_line"].startswith(f"{len(events) or 'no'} prior event")
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
    return (killed_at - int(lost[0].split()[1])) / 1e9 if lost else 0.0, busy


def in_line(pid: int) -> int:
    """Return how long (ns) all threads of a process, together, have waited for a processor."""
    waited = 0
    for each in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread has ended
            waited += int(each.read_text().split()[1])
    return waited


def stall(shown: bytes, killed_at: int) -> float:
    """Return the longest time (s) between two lines in the half second before the kill."""
    times = [int(line.split()[1]) for line in lines_of(shown)]
    recent = [each for each in times if killed_at - RECENT_NS <= each <= killed_at]
    return max((b - a for a, b in pairwise([*recent, killed_at])), default=0) / 1e9


def lines_of(data: bytes) -> list[bytes]:
    """Return the numbered lines, without what the terminal and the editor drew around them."""
    return [b"%b %b" % found for found in STAMP.findall(data)]
