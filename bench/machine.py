"""The machine below the figures: what it is, and how busy others kept it while we measured."""

from __future__ import annotations

import os
import platform
import resource
import time
from pathlib import Path

NOISY = 0.25  # of all CPUs; when others use more, figures say as much about them as about anybody here


def describe() -> dict[str, str | int]:
    """Return what a figure depends on and does not say by itself."""
    return {
        "cpus": os.cpu_count() or 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


class Watch:
    """CPU time since its making: everybody's, and ours with that of the programs we waited for.

    The kernel's work for our ptys is done by its own threads and counts as others'.
    """

    def __init__(self) -> None:
        """Begin now."""
        self._began = time.monotonic()
        self._all, self._own = _all_s(), _own_s()

    def others(self) -> float:
        """Return how many CPUs others kept busy, on average (0.0 and up)."""
        took = max(1e-3, time.monotonic() - self._began)
        return max(0.0, (_all_s() - self._all - (_own_s() - self._own)) / took)

    @staticmethod
    def noisy(others: float) -> bool:
        """Say whether that is too much for the figures to mean something by themselves."""
        return others > NOISY * (os.cpu_count() or 1)


def _all_s() -> float:
    """Return the CPU seconds of all programs and the kernel since boot; 0 without /proc."""
    try:
        words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    except OSError:
        return 0.0
    user, nice, system, _idle, _iowait, irq, softirq = map(int, words[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _own_s() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
