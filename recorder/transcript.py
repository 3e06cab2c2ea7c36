"""From the bytes of an output to its events: the lagging pass of the writer.

Pure. One renderer serves a turn, or a stretch of background output, for as long as its spans
continue each other, so that a line cut between two spans is resolved as a terminal would. What the
text says of trouble becomes `warn` and `alert` events behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder import alerts
from recorder.model import Draft, Kind
from recorder.text import Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.alerts import Rule
    from recorder.model import Meta, Span

MOST_FINDINGS = 20  # of one turn; a log full of errors is one trouble, not ten thousand


class TextPass:
    """Render spans in the order in which they were captured."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        """Look for ``rules``, the user's own, besides those that every tool has."""
        self._rules = rules
        self._renderer: Renderer | None = None
        self._found = 0

    def render(self, span: Span) -> list[Draft]:
        """Return the `output` event of a span and what follows from its text."""
        if span.fresh or self._renderer is None:
            self._renderer = Renderer(span.cols)
            self._found = 0
        self._renderer.feed(span.data)
        text = self._renderer.take()
        drafts: list[Draft] = []
        if text or "end" in span.meta:
            raw: Meta = {"raw": [span.raw_start, span.raw_end]}
            drafts.append(_draft(span, Kind.OUTPUT, text, {**raw, **span.meta}))
        for finding in alerts.scan(span.tool, text, self._rules)[: MOST_FINDINGS - self._found]:
            self._found += 1
            drafts.append(_draft(span, finding.kind, finding.text, {"rule": finding.rule}))
        status = span.meta.get("status")
        if isinstance(status, int) and status:
            drafts.append(_draft(span, Kind.WARN, f"exited with status {status}", {"rule": "status"}))
        return drafts


def _draft(span: Span, kind: Kind, text: str, meta: Meta) -> Draft:
    return Draft(
        session=span.session,
        kind=kind,
        at=span.at,
        text=text,
        turn=span.turn,
        invocation=span.invocation,
        meta=meta,
    )
