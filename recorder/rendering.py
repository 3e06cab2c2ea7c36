"""The lagging pass: spans of raw bytes become events, and a span that cannot be rendered still is one.

Loads the emulation only when there is something to render.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recorder.model import Draft, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.model import Meta, Span


class Rendering:
    """Turn spans into drafts; ``rules`` are the user's rules for warns and alerts."""

    def __init__(self, rules: Sequence[Any]) -> None:
        self._rules = rules
        self._text: Any = None

    def drafts(self, span: Span) -> list[Draft]:
        """Return the output, and the warns and alerts found in it."""
        try:
            if self._text is None:
                from recorder.transcript import TextPass

                self._text = TextPass(self._rules)
            drafts: list[Draft] = self._text.render(span)
        except Exception as error:  # noqa: BLE001  (an emulator meets everything there is)
            meta: Meta = {"raw": [span.raw_start, span.raw_end], **span.meta}
            meta["unrendered"] = type(error).__name__
            drafts = [Draft(span.session, Kind.OUTPUT, span.at, "", span.turn, span.invocation, meta)]
        return drafts
