"""What stands in a stretch of output, in its order: text, full screens, what is told to the user, marks.

Pure. Frames of full-screen programs are no text and are left out; where one begins and ends is a part.
What the parts mean is decided in ``capture``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recorder.marks import parse_public
from recorder.notices import notification
from recorder.watch import SpotKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.marks import Public
    from recorder.modes import Ledger
    from recorder.tape import Stretch


class Text(NamedTuple):
    """Output of the primary screen, from raw offset ``raw`` on."""

    raw: int
    data: bytes


class Notified(NamedTuple):
    """A desktop notification (OSC 9, 777, 99)."""

    text: str


class Switched(NamedTuple):
    """The alternate screen was entered or left, by a sequence that ends at raw offset ``raw``."""

    entered: bool
    raw: int


class Marked(NamedTuple):
    """A public mark, between two raw offsets; what a command prints begins behind its mark."""

    start: int
    end: int
    mark: Public


Part = Text | Notified | Switched | Marked


def parts(stretch: Stretch, ledger: Ledger) -> Iterator[Part]:
    """Yield the parts of a stretch; ``ledger`` takes note of the modes as they change in it."""
    data, first = stretch.text, stretch.start
    begin = first
    for spot in stretch.spots:
        before = ledger.alternate is not None
        ledger.note(spot)
        alternate = ledger.alternate is not None
        if spot.kind is SpotKind.OSC and (told := notification(spot.body)) is not None:
            if not alternate:  # what came before it comes first; its last byte completes it
                end = max(begin, spot.end - 1)
                yield Text(begin, data[begin - first : end - first])
                begin = end
            yield Notified(told)
        elif spot.kind is SpotKind.OSC and not alternate and (mark := parse_public(spot.body)) is not None:
            end = max(begin, spot.end if mark.kind == "C" or mark.family == 3008 else spot.start)
            yield Text(begin, data[begin - first : end - first])
            begin = end
            yield Marked(spot.start, spot.end, mark)
        if alternate is before:
            continue
        if alternate:
            end = max(begin, spot.start)
            yield Text(begin, data[begin - first : end - first])
        begin = max(begin, spot.end)
        yield Switched(alternate, begin)
    if ledger.alternate is None:
        yield Text(begin, data[begin - first :])
