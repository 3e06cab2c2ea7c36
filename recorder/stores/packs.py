"""How the events that ``seal`` takes out of their rows are laid out; no SQL, no store.

A pack is a run of events, column by column: neighbours are alike, and a column of likes compresses
to almost nothing. It comes in two parts. The columns are a blob of their own, so that events can be
chosen by kind without reading a text. What they do not hold stands behind the raw bytes of a
segment, in the same frame: the texts that are not word for word in those bytes, and the metas.

Of a text that is, only the place is kept, counted from the raw offsets in the event's meta: mostly
the same small numbers again and again. The same goes for what is so without colours and tabs. A
meta is a template, JSON whose numbers are taken out: of 300 turns of one shell there are two.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from recorder.stores import segments
from recorder.stores.segments import Damaged, unzigzag, varints, zigzag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Fact(NamedTuple):
    """What the columns say of one event; ``kind`` and ``run`` are ids of the database."""

    seq: int
    kind: int
    skew_ms: int
    offset_ms: int
    run: int | None
    turn: int | None


Text = tuple[str, str]  # text, meta (JSON or "")
Whole = TypeVar("Whole", str, bytes)

_COLUMNS = 10
# A text as it is, with the line ends of a terminal, or its place: in the bytes, in their plain form.
# What these mean is for ever; another plain form gets a number of its own.
_LITERAL, _WIDE, _PLACE, _PLAIN = range(4)
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")  # CSI, OSC
_HOLE = "\0"  # stands for a number in a template; JSON escapes it
# Whole numbers, of at most 15 digits, and hardly any within a string: those stay in the template.
_NUMBER = re.compile(r"(?<=[:\[,])(?:0|[1-9][0-9]{0,14})(?=[,\]}])")
_OFFSETS = tuple(f'"raw":{before}' for before in ("", "[", f"[{_HOLE},"))  # counted from the last one
_BEFORE = 512  # bytes between a prompt's text and its raw offset: the line's end, marks, modes


# --- writing ---------------------------------------------------------------------------------------


def pack(events: Sequence[tuple[Fact, Text]], raw: bytes, start: int) -> tuple[bytes, bytes]:
    """Return the columns' blob and the bytes that go behind ``raw``, still uncompressed.

    ``raw`` are the bytes of the segment, ``start`` is their raw offset.
    """
    facts = [fact for fact, _text in events]
    metas = _Metas()
    placed: list[tuple[int, int, int]] = []
    literals: list[bytes] = []
    for _fact, (text, meta) in events:
        span = [offset - start for offset in metas.take(meta)]
        *place, literal = _place(text, span, raw)
        placed.append((place[0], place[1], place[2]))
        literals.append(literal)
    bodies = [segments.encode(template) for template in metas.templates]
    columns = (
        _steps([fact.seq for fact in facts]),
        [fact.kind for fact in facts],
        [0 if fact.run is None else fact.run for fact in facts],
        _turn_steps([fact.turn for fact in facts]),
        [zigzag(fact.skew_ms) for fact in facts],
        _steps([fact.offset_ms for fact in facts]),
        *([each[nth] for each in placed] for nth in range(3)),
        metas.shapes,
    )
    head = [len(facts), len(bodies), *map(len, bodies)]
    numbers = varints([*head, *(number for column in columns for number in column), *metas.numbers()])
    return segments.squeeze(numbers, segments.SEAL_LEVEL), b"".join([*literals, *bodies])


def _steps(values: Sequence[int]) -> list[int]:
    return [zigzag(value - before) for before, value in zip([0, *values], values, strict=False)]


def _turn_steps(turns: Sequence[int | None]) -> list[int]:
    """Return 0 for none, else one more than the step from the last one there was."""
    steps, last = [], 0
    for turn in turns:
        steps.append(0 if turn is None else zigzag(turn - last) + 1)
        last = last if turn is None else turn
    return steps


class _Metas:
    """All metas of a pack: which template each has, and the numbers, one column for each hole."""

    def __init__(self) -> None:
        self.shapes: list[int] = []
        self.templates: dict[str, int] = {}
        self._counted: list[list[bool]] = []
        self._holes: list[list[list[int]]] = []
        self._offset = 0

    def take(self, meta: str) -> list[int]:
        """Take a meta; return the raw offset before it and those in it: none, one or two."""
        meta = meta.replace(_HOLE, "\\u0000")
        pieces = _NUMBER.split(meta)
        shape = self.templates.setdefault(_HOLE.join(pieces), len(self.templates))
        if shape == len(self._holes):
            self._counted.append(_counted(pieces))
            self._holes.append([[] for _ in pieces[1:]])
        self.shapes.append(shape)
        offsets = [self._offset]
        holes = zip(self._holes[shape], self._counted[shape], _NUMBER.findall(meta), strict=True)
        for hole, counted, digits in holes:
            number = int(digits)
            if counted:
                offsets.append(number)
                number = zigzag(number - self._offset)
                self._offset = offsets[-1]
            hole.append(number)
        return offsets

    def numbers(self) -> Iterator[int]:
        """Return all numbers, column by column: of each template in turn, of each hole in it."""
        return chain.from_iterable(chain.from_iterable(self._holes))


def _counted(pieces: Sequence[str]) -> list[bool]:
    """Say of each hole of a template whether its number is a raw offset, counted from the last one."""
    return [_HOLE.join(pieces[:nth]).endswith(_OFFSETS) for nth in range(1, len(pieces))]


def _place(text: str, span: Sequence[int], raw: bytes) -> tuple[int, int, int, bytes]:
    """Return a text's form, its two numbers, and what of it must be kept.

    ``span`` is what ``take`` returned, in ``raw``. As a terminal shows it, lines end in CR LF: so
    repetitions do not stop at each of them.
    """
    body = segments.encode(text)
    wide = b"\r" not in body
    shown = body.replace(b"\n", b"\r\n") if wide else body
    if len(span) > 1 and shown and wide:
        base, low, high = _base(span), span[1], span[-1]
        if len(span) == 2:
            at = raw.rfind(shown, max(0, low - len(shown) - _BEFORE), max(0, low))
        else:
            at = raw.find(shown, max(0, low), max(0, high))
        if at >= 0 and _shown(raw[at : at + len(shown)]) == text:
            return _PLACE, zigzag(at - base), zigzag(at + len(shown) - high), b""
        if 0 <= low < high <= len(raw):
            plain = _plain(raw[low:high])
            at = plain.find(text)
            if at >= 0:
                return _PLAIN, at, len(plain) - at - len(text), b""
    return (_WIDE if wide else _LITERAL), len(shown), 0, shown


def _base(span: Sequence[int]) -> int:
    """Return from where the start of a text is counted.

    A prompt has one offset, where the answer begins. Its text follows what was printed before.
    """
    return span[0] if len(span) == 2 else span[1]


def _shown(body: bytes) -> str:
    return segments.decode(body.replace(b"\r\n", b"\n"))


def _plain(body: bytes) -> str:
    """Return bytes as a terminal shows them, as far as that is simple."""
    return _ESCAPES.sub("", _shown(body)).expandtabs(8)


# --- reading ---------------------------------------------------------------------------------------


class Pack:
    """The events of one pack: ``facts`` at once, ``texts`` when the bytes are at hand too."""

    def __init__(self, blob: bytes) -> None:
        """Read the columns' blob; raise Damaged."""
        numbers = list(segments.read_varints(segments.unsqueeze(blob)))
        if len(numbers) < 2 or len(numbers) < 2 + numbers[1] + numbers[0] * _COLUMNS:
            raise Damaged("pack: columns are missing")
        count, self._sizes = numbers[0], numbers[2 : 2 + numbers[1]]
        at = 2 + len(self._sizes)
        columns = [numbers[at + nth * count : at + (nth + 1) * count] for nth in range(_COLUMNS)]
        self._numbers = numbers[at + count * _COLUMNS :]
        self._placed = list(zip(*columns[6:9], strict=True))
        self._shapes = columns[9]
        seqs, kinds, runs, turns, skews, offsets = columns[:6]
        self.facts = [
            Fact(seq, kind, unzigzag(skew), offset, run or None, turn)
            for seq, kind, run, turn, skew, offset in zip(
                _summed(seqs), kinds, runs, _turns(turns), skews, _summed(offsets), strict=True
            )
        ]

    def texts(self, raw: bytes, behind: bytes, start: int) -> list[Text]:
        """Return text and meta of each event; raise Damaged if the pieces do not add up."""
        literal = sum(first for form, first, _second in self._placed if form in (_LITERAL, _WIDE))
        if literal + sum(self._sizes) != len(behind):
            raise Damaged("pack: lengths do not add up")
        templates: list[list[str]] = []
        at = literal
        for size in self._sizes:
            templates.append(segments.decode(behind[at : at + size]).split(_HOLE))
            at += size
        found: list[Text] = []
        offset = at = 0
        try:
            holes, counted = self._holes(templates), [_counted(pieces) for pieces in templates]
            for (form, first, second), shape in zip(self._placed, self._shapes, strict=True):
                meta, offsets = _meta(templates[shape], counted[shape], holes[shape], offset)
                span = [each - start for each in offsets]
                if form == _PLACE:
                    text = _shown(_cut(raw, _base(span) + unzigzag(first), span[-1] + unzigzag(second)))
                elif form == _PLAIN:
                    plain = _plain(_cut(raw, span[1], span[-1]))
                    text = _cut(plain, first, len(plain) - second)
                else:
                    body = behind[at : at + first]
                    text = _shown(body) if form == _WIDE else segments.decode(body)
                    at += first
                offset = offsets[-1]
                found.append((text, meta))
        except (IndexError, StopIteration) as error:
            raise Damaged("pack: numbers are missing") from error
        return found

    def _holes(self, templates: Sequence[Sequence[str]]) -> list[list[Iterator[int]]]:
        """Return the numbers of each template's holes."""
        counts = Counter(self._shapes)
        numbers = iter(self._numbers)
        return [
            [iter(list(islice(numbers, counts[shape]))) for _ in pieces[1:]]
            for shape, pieces in enumerate(templates)
        ]


def _summed(steps: Sequence[int]) -> Iterator[int]:
    return accumulate(map(unzigzag, steps))


def _turns(steps: Sequence[int]) -> Iterator[int | None]:
    last = 0
    for step in steps:
        if step:
            last += unzigzag(step - 1)
        yield last if step else None


def _meta(
    pieces: Sequence[str], counted: Sequence[bool], holes: Sequence[Iterator[int]], offset: int
) -> tuple[str, list[int]]:
    """Put the numbers back into a template; return also what ``take`` returned."""
    meta = pieces[0]
    offsets = [offset]
    for hole, from_last, piece in zip(holes, counted, pieces[1:], strict=True):
        number = next(hole)
        if from_last:
            number = unzigzag(number) + offsets[-1]
            offsets.append(number)
        meta += f"{number}{piece}"
    return meta, offsets


def _cut(whole: Whole, start: int, end: int) -> Whole:
    if not 0 <= start <= end <= len(whole):
        raise Damaged("pack: a text lies outside of its bytes")
    return whole[start:end]
