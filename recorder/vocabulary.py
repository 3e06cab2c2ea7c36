"""The words of a conversation that completion may offer: identifiers out of its lines and outputs.

Pure, and bounded in everything. Fed with what is recorded, which hidden input never is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST = 4000  # words that are kept
ROOM = 64 << 10  # characters, the newest ones, that are looked through at once

_WORD = re.compile(r"\b[^\W\d]\w{2,63}\b")  # shorter ones are typed faster, longer ones are data


def words_of(texts: Sequence[str]) -> list[str]:
    """Return the words of the newest texts (the last ones), the newest word last, none twice."""
    found: dict[str, None] = {}
    room = ROOM
    for text in reversed(texts):
        if room <= 0:
            break
        for match in reversed(_WORD.findall(text[-room:])):
            found.setdefault(match)
        room -= len(text)
    return list(reversed(found))


class Vocabulary:
    """The words seen so far."""

    def __init__(self) -> None:
        """Begin with none."""
        self._words: dict[str, None] = {}  # the newest last

    def add(self, words: Iterable[str]) -> None:
        """Take words, the newest last."""
        for word in words:
            self._words.pop(word, None)
            self._words[word] = None
        for word in list(self._words)[: max(0, len(self._words) - MOST)]:
            del self._words[word]

    def newest(self) -> list[str]:
        """Return the words, the newest first."""
        return list(reversed(self._words))
