"""The distinct words of a run of events, as one blob that is searched as it lies; no SQL, no store.

A list has two sections: the words of prompts, and those of everything else. Words stand sorted, in pieces
that are compressed one by one, behind a directory of the pieces' first words: a word or its beginning costs
one piece. Within a piece each word stands between two line ends, and a word, its beginning, its end and any
part of it are all found by looking for bytes: 1 MB is looked through in about a millisecond, so no second
index over parts of words is needed.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from recorder.model import Kind
from recorder.query import words_of
from recorder.stores import segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from recorder.query import Query, Term

    Read = Callable[[int, int], bytes]

LONGEST = 128  # characters; a longer word is data, and would fill the list with itself
_HEAD = 4  # bytes: how long the directory is
_LONG = "\x02"  # stands for such words: it may hold any part
_SECTION = b"\x00"
_MARK = b"\n" + _LONG.encode() + b"\n"  # in the first piece: no word sorts before it
_PIECE = 8 << 10  # bytes; of more, a word costs more, and of less, a part of a word
_SLICE = 16 << 10  # characters looked at at once: the relay's thread waits meanwhile


class Words:
    """The words of a run of events, being collected."""

    def __init__(self) -> None:
        """Begin with none."""
        self._asked: set[str] = set()
        self._said: set[str] = set()

    def add(self, kind: str, text: str) -> None:
        """Take the words of an event."""
        into = self._asked if kind == Kind.PROMPT else self._said
        for part in _slices(text):
            found = words_of(part)
            long = {word for word in found if len(word) > LONGEST}
            into |= (found - long) | {_LONG} if long else found

    def blob(self) -> bytes:
        """Return the list."""
        return _squeezed(*(set(map(_encoded, words)) for words in (self._asked, self._said)))


def merged(blobs: Iterable[bytes]) -> bytes:
    """Return the list of all words in some lists; raise Damaged."""
    sections: tuple[set[bytes], ...] = (set(), set())
    for blob in blobs:
        for section, words in zip(_sections(reader(blob)), sections, strict=True):
            for nth in range(len(section.firsts)):
                words.update(section.body(nth).split(b"\n"))
    return _squeezed(*(words - {b""} for words in sections))


class Need(NamedTuple):
    """What ``holds`` looks for: a word, which may go on before or after, or is a long one."""

    word: bytes
    before: bool
    after: bool
    long: bool

    @property
    def needle(self) -> bytes:
        """The bytes that stand in a piece if the word does."""
        return (b"" if self.before else b"\n") + self.word + (b"" if self.after else b"\n")


def needed(query: Query) -> Sequence[Need]:
    """Return what ``holds`` looks for."""
    return [_need(term) for term in query.terms]


def holds(read: Read, query: Query, needs: Sequence[Need]) -> bool:
    """Say whether an event of a list may answer a query; raise Damaged.

    ``read`` returns so many bytes of the list from an offset on: most of a long one need not be fetched.
    """
    asked, said = _sections(read)
    wanted = [asked] if Kind.PROMPT in query.kinds else []
    if any(kind != Kind.PROMPT for kind in query.kinds):
        wanted.append(said)
    return any(all(section.has(need) for need in needs) for section in wanted)


def _need(term: Term) -> Need:
    return Need(_encoded(term.text), term.before, term.after, len(term.text) > LONGEST)


class _Section:
    """A section's pieces, each opened when it is asked for."""

    def __init__(self, read: Read, firsts: Sequence[bytes], places: Sequence[tuple[int, int]]) -> None:
        self.firsts = firsts
        self._read = read
        self._places = places
        self._bodies: dict[int, bytes] = {}

    def has(self, need: Need) -> bool:
        """Say whether a word that is needed may be here."""
        if not self.firsts:
            return False
        needle = need.needle
        if not need.long and any(needle in self.body(nth) for nth in self._where(need)):
            return True
        return (need.long or need.before or need.after) and _MARK in self.body(0)

    def body(self, nth: int) -> bytes:
        """Return a piece, its words between line ends."""
        if nth not in self._bodies:
            self._bodies[nth] = segments.unsqueeze(self._read(*self._places[nth]))
        return self._bodies[nth]

    def _where(self, need: Need) -> range:
        """Return the pieces in which such a word would be."""
        if need.before:
            return range(len(self.firsts))
        low = max(0, bisect_right(self.firsts, need.word) - 1)
        high = low + 1
        while need.after and high < len(self.firsts) and self.firsts[high].startswith(need.word):
            high += 1
        return range(low, high)


def reader(blob: bytes) -> Read:
    """Return what reads a list that is at hand."""
    return lambda at, size: blob[at : at + size]


def _sections(read: Read) -> tuple[_Section, _Section]:
    """Return the words of prompts and the others; raise Damaged."""
    size = int.from_bytes(read(0, _HEAD))
    asked, cut, said = segments.unsqueeze(read(_HEAD, size)).partition(_SECTION)
    if not cut:
        raise segments.Damaged("a list of words without sections")
    found: list[_Section] = []
    at = _HEAD + size
    for directory in (asked, said):
        firsts, places = [], []
        for line in directory.split(b"\n") if directory else ():
            digits, _blank, first = line.partition(b" ")
            if not digits.isdigit():
                raise segments.Damaged("a list of words without a directory")
            firsts.append(first)
            places.append((at, int(digits)))
            at += int(digits)
        found.append(_Section(read, firsts, places))
    return found[0], found[1]


def _slices(text: str) -> Iterable[str]:
    """Cut a long text between its lines; a single line stays whole."""
    at = 0
    while len(text) - at > _SLICE:
        end = text.find("\n", at + _SLICE) + 1
        if not end:
            break
        yield text[at:end]
        at = end
    yield text[at:]


def _squeezed(*sections: set[bytes]) -> bytes:
    directories: list[bytes] = []
    blobs: list[bytes] = []
    for words in sections:
        lines = []
        for piece in _pieces(sorted(words)):
            blobs.append(segments.squeeze(b"\n".join([b"", *piece, b""]), segments.SEAL_LEVEL))
            lines.append(b"%d %s" % (len(blobs[-1]), piece[0]))
        directories.append(b"\n".join(lines))
    head = segments.squeeze(_SECTION.join(directories), segments.SEAL_LEVEL)
    return b"".join([len(head).to_bytes(_HEAD), head, *blobs])


def _pieces(words: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    first = size = 0
    for past, word in enumerate(words, 1):
        size += len(word) + 1
        if size >= _PIECE or past == len(words):
            yield words[first:past]
            first, size = past, 0


def _encoded(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")
