"""What a crash left out: which bytes have no output event yet, and the spans that make up for it.

Pure. A recorder that is killed has stored its raw bytes, and maybe not yet the text of the newest of
them nor how the turn ended. Care reads the bytes, renders the spans, and appends the events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recorder.ansi import Tokenizer, TokenKind, csi
from recorder.echo import EchoFilter, as_echoed
from recorder.model import Draft, End, Kind, Moment
from recorder.spans import Source, SpanCutter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from recorder.model import Chunk, Meta, Turn
    from recorder.spans import Item

WHOLE = 8 << 20  # bytes of a hole that are all looked at; of a longer one only the ends
_EDGE = 1 << 20  # more than an output keeps of its beginning and of its end
_ALTERNATE = frozenset({47, 1047, 1049})  # DEC private modes of the alternate screen
_END_CHECK = 2000  # characters at the end of a text in which a prompt may stand


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes without an output event: of ``turn``, or of no turn (``turn`` None).

    ``prompt_text`` is the prompt that may stand at its end; it is no output. ``echo`` is the line that
    we sent ourselves: the kernel's drawing of it is somewhere near the beginning, and no output either.
    """

    turn: Turn | None
    start: int
    end: int
    last: bool
    prompt_text: str | None
    echo: str | None = None


def holes(
    turns: Sequence[Turn], covered: int, length: int, sent: Collection[int] = frozenset()
) -> list[Hole]:
    """Return what is missing of a session's own turns, in order.

    ``sent`` are the numbers of turns whose line we sent ourselves. Where the output of such a turn
    begins is only foretold, by the length of the echo: what came before the echo counts too.

    ``covered`` is the raw offset up to which output events reach, ``length`` that of the last byte.
    Turns that have an end are whole: it is written with their last output.
    """
    found: list[Hole] = []
    for number, turn in enumerate(turns):
        if turn.end is not End.RUNNING:
            continue
        following = turns[number + 1] if number + 1 < len(turns) else None
        end = length if following is None else max(turn.raw_end, following.raw_start)
        prompt = turn.prompt_text if following is None else following.prompt_text
        start, echo = turn.raw_end, None
        if turn.turn in sent and turn.raw_end == turn.raw_start:
            start, echo = min(max(covered, _before_echo(turn)), turn.raw_end), turn.command
        found.append(Hole(turn, start, max(end, turn.raw_end), following is None, prompt, echo))
    open_end = bool(turns) and turns[-1].end is End.RUNNING
    if not open_end and covered < length:
        found.append(Hole(None, covered, length, last=True, prompt_text=None))
    return found


def _before_echo(turn: Turn) -> int:
    return turn.raw_start - len(as_echoed(turn.command.encode(errors="surrogateescape")))


def stretches(hole: Hole) -> list[tuple[int, int]]:
    """Return the raw ranges to read for a hole.

    They begin with the turn, as what came before tells whether a full-screen program is running.
    """
    start = hole.start
    if hole.turn is not None:
        start = min(start, max(hole.turn.raw_start, hole.start - WHOLE))
    if hole.end - start <= WHOLE:
        return [(start, hole.end)]
    head = hole.start + _EDGE
    return [(start, head), (max(head, hole.end - _EDGE), hole.end)]


def items(hole: Hole, chunks: Iterable[Chunk], source: Source, cols: int) -> list[Item]:
    """Return the spans and notices of a hole; the last span of a turn says how it ended."""
    cutter = SpanCutter(source, cols)
    number = None if hole.turn is None else hole.turn.turn
    found: list[Item] = []
    at: Moment | None = None
    echo = EchoFilter()
    if hole.echo is not None:
        echo.expect(hole.echo.encode(errors="surrogateescape"))
    for moment, raw, data in printed(chunks):
        begin = max(raw, hole.start)
        if begin >= raw + len(data):
            continue
        if at is None:
            cutter.begin(number, moment, begin)
        at = moment
        for offset, part in echo.cut(data[begin - raw :]):
            found += cutter.add(at, begin + offset, part)
    if hole.turn is None:
        found += [] if at is None else cutter.begin(None, at, hole.end)
    else:
        found += _ending(cutter, hole.turn, at, hole)
    return [_whole_notice(item, hole) for item in found]


def _ending(cutter: SpanCutter, turn: Turn, at: Moment | None, hole: Hole) -> list[Item]:
    """Close the turn's output; where nothing was printed it is an empty one."""
    meta: Meta = {"end": (End.INTERRUPTED if hole.last else End.UNKNOWN).value, "status": None}
    if at is None:
        at = Moment(turn.started_ms, 0)
        cutter.begin(turn.turn, at, hole.end)
    elif hole.last:
        meta["duration_ms"] = max(0, at.wall_ms - turn.started_ms)  # the clock may have been set back
    return cutter.end(at, hole.end, meta)


def _whole_notice(item: Item, hole: Hole) -> Item:
    """Count in a notice also the bytes that were not even looked at."""
    skipped = sum(start for start, _ in stretches(hole)[1:]) - sum(end for _, end in stretches(hole)[:-1])
    if not isinstance(item, Draft) or not skipped:
        return item
    left_out = item.meta.get("raw_only")
    total = skipped + (left_out if isinstance(left_out, int) else 0)
    return replace(item, text=f"{total} bytes of output are kept as raw bytes only", meta={"raw_only": total})


def printed(chunks: Iterable[Chunk]) -> Iterator[tuple[Moment, int, bytes]]:
    """Yield time, raw offset and bytes of what was printed, the frames of full-screen programs aside."""
    tokens = Tokenizer()
    alternate = False
    at = -1
    for chunk in chunks:
        if chunk.start != at + len(tokens.pending):
            tokens = Tokenizer()  # a hole, or the middle of a long stretch
            at = chunk.start
        if not alternate and tokens.ground and b"\x1b[?" not in chunk.data and not _ends_open(chunk.data):
            yield chunk.at, at, chunk.data
            at += len(chunk.data)
            continue
        begin = at
        kept: list[bytes] = []
        for token in tokens.feed(chunk.data):
            switch = _switch(token.raw) if token.kind is TokenKind.CSI else None
            if switch is not None:
                if not alternate and kept:
                    yield chunk.at, begin, b"".join(kept)
                kept.clear()
                alternate = switch
                begin = at + len(token.raw)
            elif not alternate:
                kept.append(token.raw)
            at += len(token.raw)
        if kept:
            yield chunk.at, begin, b"".join(kept)


def _ends_open(data: bytes) -> bool:
    """Say whether a chunk may end within a sequence that switches screens."""
    return b"\x1b" in data[-16:]


def _switch(raw: bytes) -> bool | None:
    """Return whether a control sequence enters (True) or leaves (False) the alternate screen."""
    sequence = csi(raw)
    if sequence.prefix != b"?" or sequence.final not in (b"h", b"l"):
        return None
    return sequence.final == b"h" if _ALTERNATE.intersection(sequence.params) else None


def without_prompt(drafts: list[Draft], hole: Hole) -> list[Draft]:
    """Take the next prompt (and what was typed there) off the end of a hole's last text.

    Of a turn whose recorder died: if a prompt stood there, the tool had finished the turn.
    """
    mark = (hole.prompt_text or "").rstrip()
    outputs = [number for number, draft in enumerate(drafts) if draft.kind is Kind.OUTPUT]
    if not outputs or not mark:
        return drafts
    draft = drafts[outputs[-1]]
    tail = max(0, len(draft.text) - _END_CHECK)
    at = draft.text.rfind("\n" + mark, tail) + 1
    if not at and not draft.text.startswith(mark):
        return drafts
    meta = draft.meta
    if hole.last and hole.turn is not None:
        meta = {**meta, "end": End.UNKNOWN.value, "duration_ms": None}
    drafts = list(drafts)
    drafts[outputs[-1]] = replace(draft, text=draft.text[:at], meta=meta)
    return drafts
