"""How a recording and a store are doing, as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.render import size
from recorder.safe import visible
from recorder.units import ago

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from recorder.current import Health
    from recorder.model import Check
    from recorder.render import Page


def health(row: Health, page: Page) -> Iterator[str]:
    """Yield the lines of ``status``; what cannot be known is left out."""
    facts = {
        "session": row.session if row.label is None else f"{row.session} ({row.label})",
        "recording": row.recording,
        "events": None if row.n_events is None else str(row.n_events),
        "waiting": None if row.queue_bytes is None else size(row.queue_bytes),
        "store": size(row.store_bytes) if row.store_bytes is not None else None,
        "kept": _kept(row) if row.persist else "no: persistence disabled",
    }
    for name, value in facts.items():
        if value is not None:
            yield page.paint(f"{name:<9}", "dim") + "  " + visible(value)


def _kept(row: Health) -> str:
    """Say what the standing budget lets live."""
    limits = []
    if row.keep_age_s is not None:
        limits.append(f"for {ago(row.keep_age_s * 1000)}")
    if row.keep_max_bytes is not None:
        limits.append(f"up to {size(row.keep_max_bytes)} in all")
    return ", ".join(limits) or "yes"


def checks(rows: Iterable[Check], page: Page) -> Iterator[str]:
    """Yield a line per check of ``doctor``, and under a fault what to do."""
    for row in rows:
        mark = page.paint("ok   ", "green") if row.ok else page.paint("FAULT", "red", "bold")
        yield f"{mark}  {visible(row.name)}: {visible(row.detail)}"
        if row.fix is not None and not row.ok:
            yield f"       {visible(row.fix)}"
