"""The few words that are said before the tool runs; all others are in ``model``, which knows these too.

Tuples, where the other records are dataclasses: importing ``dataclasses`` takes 9 ms, and the tool
is to start before that. Times are as in ``model``.
"""

from __future__ import annotations

from typing import NamedTuple


class Moment(NamedTuple):
    """One instant on both clocks (ms)."""

    wall_ms: int
    offset_ms: int


class Size(NamedTuple):
    """A terminal's size in character cells."""

    cols: int
    rows: int


class Owner(NamedTuple):
    """Who records: a process that pid reuse and reboots cannot counterfeit.

    ``start_time`` is field 22 of ``/proc/PID/stat`` (clock ticks since boot); ``boot_id`` is
    ``/proc/sys/kernel/random/boot_id``. Both are empty/0 where there is no ``/proc``.
    """

    pid: int
    start_time: int
    boot_id: str
