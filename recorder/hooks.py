"""Tell our own marks from forgeries.

Pure. A mark counts only with this session's nonce, which a program can print but not guess, and
with a counter higher than the last one of its shell, so that a mark copied out of a log and
printed again spoofs nothing. What a verified mark does is decided in ``capture``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.marks import as_start, parse_private

if TYPE_CHECKING:
    from recorder.marks import Private

SHELL_VERBS = frozenset({"prompt", "start", "end", "hide"})


class Hooks:
    """The marks of one session: which of them are to be believed."""

    def __init__(self, nonce: str) -> None:
        """Accept only marks that carry ``nonce``."""
        self._nonce = nonce
        self._counters: dict[int, int] = {}

    def verified(self, body: bytes) -> Private | None:
        """Return the mark in the body of an OSC, or None when it is not to be believed.

        Bash's own way to name a line is told as the ``start`` or ``hide`` that it amounts to.
        """
        mark = parse_private(body)
        if mark is None or mark.nonce != self._nonce:
            return None
        if mark.counter <= self._counters.get(mark.pid, -1):
            return None
        self._counters[mark.pid] = mark.counter
        return as_start(mark)
