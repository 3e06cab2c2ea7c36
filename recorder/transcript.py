"""From the bytes of an output to its events: the lagging pass of the writer.

Pure. One renderer serves a turn, or a stretch of background output, for as long as its spans
continue each other, so that a line cut between two spans is resolved as a terminal would. What the
text says of trouble becomes `warn` and `alert` events behind it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recorder import alerts
from recorder.model import Draft, Kind
from recorder.text import Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.alerts import Rule
    from recorder.model import Meta, Span

MOST_FINDINGS = 20  # of one turn; a log full of errors is one trouble, not ten thousand

# zsh's mark for an output that does not end its line (PROMPT_SP), and what may follow it: no output.
_zsh_mark = re.compile(
    rb"\x1b\[1m\x1b\[7m[%#]\x1b\[27m\x1b\[1m\x1b\[0m {8,}\r \r(?:\r|\x1b\[[0-9;?]*[A-Za-z])*\Z"
).search


class TextPass:
    """Render spans in the order in which they were captured."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        """Look for ``rules``, the user's own, besides those that every tool has."""
        self._rules = rules
        self._renderer: Renderer | None = None
        self._last: Span | None = None  # the span before
        self._found = 0
        self._undecided = ""  # text that more text may turn into trouble

    def render(self, span: Span) -> list[Draft]:
        """Return the `output` event of a span and what follows from its text."""
        drafts: list[Draft] = []
        if span.fresh or self._renderer is None:
            drafts = self._leave()
            self._renderer = Renderer(span.cols)
            self._found = 0
            self._undecided = ""
        last = "end" in span.meta
        data = span.data
        if last and (mark := _zsh_mark(data)):
            data = data[: mark.start()]
        self._renderer.feed(data)
        # Of a turn, a row that is still being edited is said when it is done, or answered. Background
        # output has no end at which to say it.
        edited = span.turn is None or span.answered
        text = self._renderer.close() if last else self._renderer.take(edited=edited)
        self._last = span
        drafts += self._drafts(span, text, {"raw": [span.raw_start, span.raw_end], **span.meta})
        status = span.meta.get("status")
        if isinstance(status, int) and status:
            drafts.append(_draft(span, Kind.WARN, f"exited with status {status}", {"rule": "status"}))
        return drafts

    def _leave(self) -> list[Draft]:
        """Say what a turn that never ended left in its renderer."""
        if self._renderer is None or self._last is None:
            return []
        span = self._last
        return self._drafts(span, self._renderer.close(), {"raw": [span.raw_end, span.raw_end]})

    def _drafts(self, span: Span, text: str, meta: Meta) -> list[Draft]:
        drafts: list[Draft] = []
        if text or "end" in meta:
            drafts.append(_draft(span, Kind.OUTPUT, text, meta))
        text = self._undecided + text
        whole = len(text) if "end" in meta else alerts.undecided(text)
        self._undecided = text[whole:]
        findings = alerts.scan(span.tool, text[:whole], self._rules) if whole else []
        for finding in findings[: MOST_FINDINGS - self._found]:
            self._found += 1
            drafts.append(_draft(span, finding.kind, finding.text, {"rule": finding.rule}))
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
