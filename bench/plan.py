"""How much of everything one run measures; no measuring, no clock."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of one run: bytes, rounds, keys, lines, runs, sessions."""

    bulk_bytes: int = 60 * MB
    bulk_rounds: int = 3
    keys: int = 500
    load_recorders: int = 50
    load_keys: int = 200
    lines: int = 40
    starts: int = 20
    memory_bytes: int = 200 * MB
    key_pause_s: float = 0.06
    log_bytes: int = 4 * MB
    sessions: int = 10_000
    session_turns: int = 50  # of two events each
    turn_rows: int = 6  # rows that a turn of these prints, at most
    list_runs: int = 10
    prompts: int = 200
    play_bytes: int = 60 * MB


DEFAULT = Plan()
BIG = Plan(
    bulk_bytes=200 * MB,
    bulk_rounds=5,
    keys=2000,
    load_keys=500,
    starts=50,
    memory_bytes=1000 * MB,
    log_bytes=40 * MB,
    session_turns=500,
    turn_rows=58,
    play_bytes=1000 * MB,
)
QUICK = Plan(
    bulk_bytes=20 * MB,
    bulk_rounds=1,
    keys=100,
    load_recorders=10,
    load_keys=50,
    lines=10,
    starts=5,
    memory_bytes=50 * MB,
    key_pause_s=0.01,
    log_bytes=MB,
    sessions=1000,
    list_runs=5,
    prompts=50,
)
