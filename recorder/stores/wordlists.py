"""The distinct words of a run of events, as one blob that is searched as it lies; no SQL, no store.

A list has two sections: the words of prompts, and those of everything else. A word, its beginning, its
end and any part of it are all found by looking for bytes: words stand sorted, each between two line ends.
That makes parts of words as cheap as words: 1 MB of list is looked through in about a millisecond, and
no second index over parts of words is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.model import Kind
from recorder.query import words_of
from recorder.stores import segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from recorder.query import Query, Term

LONGEST = 128  # characters; a longer word is data, and would fill the list with itself
_LONG = "\x02"  # stands for such words: it may hold any part
_SECTION = b"\x00"
_MARK = b"\n" + _LONG.encode() + b"\n"
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
        return _packed(self._asked, self._said)


def merged(blobs: Iterable[bytes]) -> bytes:
    """Return the list of all words in some lists; raise Damaged."""
    asked: set[bytes] = set()
    said: set[bytes] = set()
    for blob in blobs:
        sections = _sections(blob)
        asked.update(sections[0].split(b"\n"))
        said.update(sections[1].split(b"\n"))
    return _squeezed(asked - {b""}, said - {b""})


def needed(query: Query) -> Sequence[tuple[bytes, bool, bool]]:
    """Return what ``holds`` looks for: bytes, whether a long word may hold them, whether it must."""
    return [_need(term) for term in query.terms]


def holds(blob: bytes, query: Query, needs: Sequence[tuple[bytes, bool, bool]]) -> bool:
    """Say whether an event of a list may answer a query; raise Damaged."""
    body = segments.unsqueeze(blob)
    cut = _cut(body)
    asked, said = (0, cut + 1), (cut + 2, len(body))
    wanted = [asked] if Kind.PROMPT in query.kinds else []
    if any(kind != Kind.PROMPT for kind in query.kinds):
        wanted.append(said)
    return any(all(_has(body, section, *need) for need in needs) for section in wanted)


def _need(term: Term) -> tuple[bytes, bool, bool]:
    word = _encoded(term.text)
    needle = (b"" if term.before else b"\n") + word + (b"" if term.after else b"\n")
    return needle, term.before or term.after, len(term.text) > LONGEST


def _has(body: bytes, section: tuple[int, int], needle: bytes, maybe_long: bool, long: bool) -> bool:  # noqa: FBT001
    if not long and body.find(needle, *section) >= 0:
        return True
    return (long or maybe_long) and body.find(_MARK, *section) >= 0


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


def _packed(asked: set[str], said: set[str]) -> bytes:
    return _squeezed(set(map(_encoded, asked)), set(map(_encoded, said)))


def _squeezed(asked: set[bytes], said: set[bytes]) -> bytes:
    body = b"\n".join([b"", *sorted(asked), _SECTION, *sorted(said), b""])
    return segments.squeeze(body, segments.SEAL_LEVEL)


def _sections(blob: bytes) -> tuple[bytes, bytes]:
    body = segments.unsqueeze(blob)
    cut = _cut(body)
    return body[:cut], body[cut + 3 :]


def _cut(body: bytes) -> int:
    """Return where the sections meet: at the line end that ends the first one."""
    cut = body.find(b"\n" + _SECTION + b"\n")
    if cut < 0:
        raise segments.Damaged("a list of words without sections")
    return cut


def _encoded(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")
