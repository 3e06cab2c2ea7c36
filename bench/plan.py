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
    list_runs: int = 10


DEFAULT = Plan()
BIG = Plan(
    bulk_bytes=200 * MB,
    bulk_rounds=5,
    keys=2000,
    load_keys=500,
    starts=50,
    memory_bytes=1000 * MB,
    log_bytes=40 * MB,
)
