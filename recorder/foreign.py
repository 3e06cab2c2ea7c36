"""Output of somebody else, a job in the background, in the middle of a tool's edit.

Pure. The editor draws when a key comes. What is printed while no key is unanswered, moves nothing and ends
with its line is not the editor's, and the editor knows nothing of it: it goes on as if the cursor were where
it was. Of keys only their number is kept, and only until they are echoed.
"""

from __future__ import annotations

import re

MAX_KEPT = 64 << 10  # bytes; more at once is for others to judge
_TYPED = re.compile(rb"[^\x00-\x1f\x7f]*")  # keys of which each shows as itself
_TEXT = re.compile(rb"(?:[^\x00-\x08\x0b-\x1f\x7f]|\r+\n|\x1b\[[0-9;:]*m)*")
_COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")
_LINES = re.compile(_TEXT.pattern + rb"(?<=\n)")
_ONLY_LINES = re.compile(_LINES.pattern + rb"\Z")


class Unasked:
    """What was drawn since the last key, or since the tool was last seen to wait for one."""

    def __init__(self) -> None:
        """Begin an edit that nobody has seen to wait yet."""
        self.disturbed = False  # something stands in the edit that no key explains
        self._owed: int | None = None  # characters whose echo is still to come; None: nobody knows what is
        self._data = bytearray()
        self._keyed = False  # a key has come

    def clear(self) -> None:
        """Begin another edit."""
        self.__init__()  # type: ignore[misc]  # exactly a new one

    def add(self, data: bytes) -> None:
        """Take what was drawn."""
        self._data += data
        if len(self._data) > MAX_KEPT:
            self._owed = None
            self._data.clear()

    def typed(self, keys: bytes) -> None:
        """Take note of keys: from now on the editor draws."""
        stray = self._stray()
        self.disturbed = self.disturbed or stray
        echoed = _TYPED.fullmatch(self._data)
        known = self._owed is not None and echoed and _TYPED.fullmatch(keys) and not stray
        left = (self._owed or 0) - _characters(self._data)
        self._owed = left + _characters(keys) if known and left >= 0 else None
        self._data.clear()
        self._keyed = True

    def rested(self, *, reading: bool) -> None:
        """Take note that the tool waits: for certain (``reading``), or it is just quiet."""
        if self._stray():
            return  # a line that is printed in pieces
        if self._owed is None:
            drawn = reading and (
                bool(self._data) or not self._keyed
            )  # else the tool may not have seen the key yet
        else:
            drawn = not _TYPED.fullmatch(self._data) or _characters(self._data) >= self._owed
        if drawn:
            self._owed = 0
            self._data.clear()

    def lines(self, *, rested: bool) -> tuple[int, int]:
        """Return how many bytes of what was drawn are whole lines of somebody else, and how many follow.

        ``rested``: the editor has drawn what it had to. Where its echo is among them, it comes first; that
        is no more than likely before it has rested, or when there are several lines. What follows is the
        editor's own: zsh draws prompt and line again below the news that a job has ended.
        """
        if self._owed is None:
            return 0, 0
        at = _after(self._data, self._owed)
        found = (_LINES if self._owed == 0 else _ONLY_LINES).match(self._data, at)
        if found is None or not _COLOURS.sub(b"", found[0]).strip():
            return 0, 0
        size, behind = len(found[0]), len(self._data) - found.end()
        if self._owed:
            self.disturbed = self.disturbed or not rested or self._data.count(b"\n") > 1
        self._owed = 0
        self._data.clear()
        return size, behind

    def _stray(self) -> bool:
        """Say whether text came that answers no key."""
        return self._owed == 0 and bool(self._data) and bool(_TEXT.fullmatch(self._data))


def _after(data: bytearray, count: int) -> int:
    """Return where the first ``count`` characters end that show as themselves, or the end."""
    at, stop = 0, len(_TYPED.match(data)[0])  # type: ignore[index]  # it matches nothing, too
    while count and at < stop:
        at += 1
        while at < stop and data[at] & 0xC0 == 0x80:
            at += 1
        count -= 1
    return len(data) if count else at


def _characters(data: bytes | bytearray) -> int:
    return sum(byte & 0xC0 != 0x80 for byte in data)
