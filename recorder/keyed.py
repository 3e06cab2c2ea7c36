"""What kind of keys went into an edit, and whether they account for the command that was read off it.

Pure. Counts only, never a key: what was typed is kept nowhere. An editor may show less than it holds
(readline draws all rows below the screen's height into one, zsh and prompt-toolkit show a window), and
an empty row drawn over another leaves no trace; the line breaks of a paste tell whether all is there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recorder.keys import PASTE_BEGIN, PASTE_END

if TYPE_CHECKING:
    from recorder.keys import Scan
    from recorder.lines import LineTracker

_BREAKS = re.compile(rb"\r\n?|\n")
_ENTER = re.compile(rb"[\r\n]*")
_PLAIN = re.compile(rb"[^\x00-\x07\x09-\x0c\x0e-\x1f]*")
_MARKED = re.compile(b"(%s|%s)" % (re.escape(PASTE_BEGIN), re.escape(PASTE_END)))


class Keyed:
    """The keys of one edit, counted."""

    def __init__(self) -> None:
        """Begin before the first key."""
        self._pasting = False
        self._tail = b""  # of the last read: a paste's bracket, or its line break, may be cut anywhere
        self.behind = False  # the last keys were typed behind an Enter: another line was begun
        self.clear()

    def clear(self) -> None:
        """Begin another edit."""
        self._pasted: int | None = None  # line breaks in pastes, those at the end aside
        self._open = 0  # those at the end
        self._amended = False  # other keys came after a paste
        self._plain = True  # no key but characters, Enter and Backspace
        self._enters = 0
        self.before: list[str] = []  # what stood in an edit taller than the screen when Enter was typed

    def typed(self, scan: Scan, tracker: LineTracker) -> None:
        """Take note of keys that went to the tool, which draws its edit on ``tracker``."""
        if scan.interrupted:
            self.clear()
        self._enters += scan.enters
        self.behind = not scan.forward.endswith((b"\r", b"\n"))
        if scan.enters and tracker.overflown:  # readline may draw some of its rows again
            self.before = tracker.edited()
        data = self._tail + scan.forward
        self._tail = data[_held(data) :]
        for part in _MARKED.split(data[: len(data) - len(self._tail)]):
            if part in {PASTE_BEGIN, PASTE_END}:
                self._pasting = part == PASTE_BEGIN
            elif self._pasting:
                self._paste(part)
            elif not _ENTER.fullmatch(part):
                self._amended = self._pasted is not None
                self._plain = self._plain and bool(_PLAIN.fullmatch(part))

    def _paste(self, part: bytes) -> None:
        if not part:
            return
        self._pasted = self._pasted or 0
        body = part.rstrip(b"\r\n")
        if body:
            self._pasted += self._open + len(_BREAKS.findall(body))
            self._open = 0
        self._open += len(_BREAKS.findall(part[len(body) :]))

    def explain(self, command: str) -> bool:
        """Say whether nothing but a paste went into the edit, and ``command`` has all its lines."""
        return self._pasted is not None and not self._amended and command.count("\n") == self._pasted

    def better(self, command: str, before: str | None) -> str:
        """Choose between a command as it was read at its end, and before Enter."""
        return before if before and self.explain(before) and not self.explain(command) else command

    def partial(self, command: str, *, tall: bool) -> bool:
        """Say whether ``command`` may be less than what was entered; ``tall``: it fills the screen."""
        breaks = command.count("\n")
        if self._plain and self._enters <= 1 and breaks > (self._pasted or 0):
            return True  # nobody has typed the line breaks: something else was printed into the edit
        if tall:
            return not self.explain(command)
        return self._pasted is not None and not self._amended and breaks < self._pasted


def _held(data: bytes) -> int:
    """Return where at the end of ``data`` something begins that the next read may complete."""
    for size in range(min(len(data), len(PASTE_BEGIN) - 1), 0, -1):
        if PASTE_BEGIN.startswith(data[-size:]) or PASTE_END.startswith(data[-size:]):
            return len(data) - size
    return len(data) - data.endswith(b"\r")
