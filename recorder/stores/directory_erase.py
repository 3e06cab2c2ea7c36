"""What is left of a session directory's lines and bytes when a turn or a remark is erased.

Everything here runs while the caller keeps other writers out; what it yields becomes the new
events.jsonl, and ``scrub`` then overwrites the bytes that no line speaks of.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from recorder import erasing
from recorder.model import Event, Kind
from recorder.stores import directory_lines as lines
from recorder.stores import pieces
from recorder.stores.directory_files import segment
from recorder.stores.directory_lines import Erased, Line, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from recorder.stores.directory_files import Files
    from recorder.stores.directory_ledger import Ledger


def data_of(files: Files, starts: Sequence[int], run: Run) -> bytes | None:
    """Return the bytes of a run; None where they are not what was written. ``starts``: of all segments."""
    at = bisect_right(starts, run.start) - 1
    if at < 0:
        return None
    fd = files.opened(segment(starts[at]))
    if fd is None:
        return None
    try:
        data = os.pread(fd, run.end - run.start, run.start - starts[at])
    finally:
        os.close(fd)
    return data if lines.checksum(data) == run.checksum else None


def reached(files: Files, raw_end: int) -> int:
    """Return where the bytes end that stand behind ``raw_end`` without a hole.

    The line that speaks of them may have been spoilt, and be put right: what comes is written behind them.
    """
    for start in files.segments():
        if start <= raw_end:
            raw_end = max(raw_end, start + files.size(segment(start)))
    return raw_end


def split(files: Files, found: Iterator[Line], at: int) -> None:
    """Let a segment begin behind what goes up to a raw offset: what stands before it can be cut off then."""
    starts = files.segments()
    for line in found:
        run = line.what
        if isinstance(run, Run) and run.start < at < run.end and data_of(files, starts, run) is None:
            at = run.end  # of a damaged one nothing is left, see below
    nth = bisect_right(starts, at) - 1
    if nth < 0 or starts[nth] == at:
        return
    body = files.read(segment(starts[nth])) or b""
    if len(body) > at - starts[nth]:
        files.replace(segment(at), [body[at - starts[nth] :]])


def unsplit(files: Files, found: Iterator[Line]) -> None:
    """Take away a segment that begins inside a run: an erasure that split it has not come to its new lines.

    All that is in it stands in the segment before, too, and is read from there.
    """
    starts = files.segments()
    if not any(files.size(segment(start)) > after - start for start, after in pairwise(starts)):
        return
    for line in found:
        run = line.what
        if isinstance(run, Run):
            for start in starts[bisect_right(starts, run.start) : bisect_left(starts, run.end)]:
                files.remove(segment(start))


def without(files: Files, found: Iterator[Line], grave: erasing.Grave, since: int) -> Iterator[Line]:
    """Yield the lines that are left without some turns; ``since`` is the seq of their first event."""
    starts = files.segments()
    for line in found:
        what = line.what
        if isinstance(what, Event):
            yield Line(erasing.event_left(grave, what, since))
        elif isinstance(what, Run) and what.start < grave.end and what.end > grave.start:
            yield from map(Line, _cut(what, data_of(files, starts, what), grave))
        else:
            yield Line(what)


def _cut(run: Run, data: bytes | None, grave: erasing.Grave) -> Iterator[Run | Erased]:
    """Yield what is left of a run; of a damaged one nothing is, as nobody knows what its bytes are."""
    if data is None:
        yield Erased(run.start, run.end)
        return
    chunks = run.chunks("", data)
    for start, end in ((run.start, grave.start), (grave.start, grave.end), (grave.end, run.end)):
        low, high = max(start, run.start), min(end, run.end)
        if low >= high:
            continue
        if start == grave.start and end == grave.end:
            yield Erased(low, high)
            continue
        kept = [cut for chunk in chunks if (cut := pieces.clip(chunk, low, high)) is not None]
        yield lines.run_of(kept)[0]


def emptied(found: Iterator[Line], seqs: Collection[int | None]) -> Iterator[Line]:
    """Yield the lines, some events of them without text."""
    for line in found:
        what = line.what
        if isinstance(what, Event) and what.seq in seqs:
            what = replace(what, text="", meta=erasing.left(what.meta))
        yield Line(what)


def remark(events: Callable[..., Iterator[Event]]) -> tuple[Event | None, int | None]:
    """Return the newest note or label, and the seq of the newest command that made one like it."""
    found = None
    for event in events(kinds=[Kind.MARK.value]):
        if erasing.is_remark(event.kind, event.meta):
            found = event
    if found is None:
        return None, None
    commands = events(kinds=[Kind.COMMAND.value])
    made = [each.seq for each in commands if erasing.made(each.text, found.text, found.meta)]
    return found, made[-1] if made else None


def scrub(files: Files, ledger: Ledger) -> None:
    """Overwrite and give back what stands in segments behind the last bytes that a line speaks of.

    A hole before those is kept: what was erased ends where a segment does, see ``split``, so
    it is of a line that a person has spoilt, and may put right again.
    """
    starts = files.segments()
    for start, following in zip(starts, [*starts[1:], None], strict=False):
        limit = max(start, ledger.raw_end) if following is None else following
        files.cut(segment(start), ledger.kept_upto(start, limit) - start)
