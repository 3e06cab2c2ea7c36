"""The bytes of the line on which the cursor stands, recorded or not, and of the edit that is drawn into it.

Pure. What they show is for `lines` to say; here they are kept by their place in the raw stream,
for the case that they turn out to be output after all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recorder.findings import Output
from recorder.keys import only_replies
from recorder.prompts import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.keys import Scan

MAX_LINE = 16 << 10  # bytes; a longer unfinished line is no prompt
LOOK = 512  # bytes at its end that look like a prompt, or do not
MAX_DRAWN = 256 << 10  # bytes; nobody edits a line for so long
SCREENFUL = 24  # lines that make an edit which was never taken worth to be kept as output
_DOWN = re.compile(rb"\r*(\n|\x1b\[1?B)?")
_LEAVES_SCREEN = re.compile(rb"\x1b\[\?(?:1049|1047|47)l")
_BRACKET, _NO_BRACKET = b"\x1b[?2004h", b"\x1b[?2004l"


class OpenLine:
    """What was printed or drawn since the last line feed; ``raw`` is where it begins."""

    def __init__(self) -> None:
        """Begin an empty line."""
        self.raw = 0
        self._data = bytearray()

    @property
    def data(self) -> bytes:
        """Return the bytes of the line, of a very long one the last."""
        return bytes(self._data)

    @property
    def end(self) -> str:
        """Return what its end shows."""
        return visible(bytes(self._data[-LOOK:]))

    def __len__(self) -> int:
        return len(self._data)

    def add(self, raw: int, data: bytes) -> None:
        """Take output that begins at raw offset ``raw``."""
        cut = data.rfind(b"\n") + 1
        if cut:
            self._data.clear()
        if not self._data:
            self.raw = raw + cut
        self._data += data[cut:]
        over = len(self._data) - MAX_LINE
        if over > 0:
            self.raw += over
            del self._data[:over]

    def begin(self, raw: int) -> None:
        """Begin an empty line at raw offset ``raw``."""
        self.raw = raw
        self._data.clear()


def leaving(data: bytes) -> int:
    """Return how many bytes at the beginning of ``data`` take the cursor out of its row, if any do."""
    found = _DOWN.match(data)
    return found.end() if found else 0


def lines_with(keys: Sequence[bytes], data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the whole lines of ``data`` that hold one of ``keys`` begin and end."""
    stop = 0
    while found := [at for key in keys if (at := data.find(key, stop)) >= 0]:
        at = min(found)
        stop = data.find(b"\n", at) + 1
        if not stop:
            return
        yield data.rfind(b"\n", 0, at) + 1, stop


class PausedRow:
    """The row on which the cursor stands while nothing is recorded; of that time nothing else is kept.

    ``keyed`` says that something may have been typed into it.
    """

    def __init__(self, line: bytes, *, bracketed: bool, keyed: bool) -> None:
        """Begin with the unfinished line at which the recording pauses."""
        self.keyed = keyed
        self._line = OpenLine()
        self.add((_BRACKET if bracketed else b"") + line)

    def add(self, data: bytes) -> None:
        """Take what the tool printed."""
        self._line.add(0, data)

    def typed(self, scan: Scan) -> None:
        """Take keys that went to the tool; Enter leaves the row."""
        if not only_replies(scan.forward):
            self.keyed = not scan.forward.endswith((b"\r", b"\n"))

    @property
    def shown(self) -> bytes:
        """Return the bytes of the row, full-screen frames aside."""
        return _LEAVES_SCREEN.split(self._line.data)[-1]

    @property
    def bracketed(self) -> bool:
        """Say whether the row is between the switches of an edit."""
        return self._line.data.rfind(_BRACKET) > self._line.data.rfind(_NO_BRACKET)


class Drawn:
    """What was drawn into an edit."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.size = self.lines = 0  # bytes, and line feeds
        self._parts: list[Output] = []
        self._given = 0  # raw offset up to which output was taken out

    @property
    def much(self) -> bool:
        """Say whether it is worth to be kept if nothing was ever taken."""
        return self.lines >= SCREENFUL

    @property
    def too_much(self) -> bool:
        """Say whether it cannot be an edit."""
        return self.size > MAX_DRAWN

    @property
    def newest(self) -> bytes:
        """Return what was drawn last, as it came in one piece."""
        return self._parts[-1].data if self._parts else b""

    def clear(self) -> None:
        """Forget it: it was an edit."""
        self.__init__()  # type: ignore[misc]  # exactly a new one

    def add(self, raw: int, data: bytes) -> None:
        """Take what is drawn from raw offset ``raw`` on."""
        self._parts.append(Output(raw, data))
        self.size += len(data)
        self.lines += data.count(b"\n")

    def put_before(self, part: Output) -> None:
        """Take the prompt, which was printed before the edit was known to be one."""
        if part.data:
            self._parts.insert(0, part)

    def give(self) -> list[Output]:
        """Return it as output: it was no edit."""
        parts = [part for part in self._parts if part.raw >= self._given]
        self.clear()
        return parts

    def cut(self, size: int, behind: int = 0) -> Output:
        """Take out ``size`` bytes that belong to no edit; ``behind`` bytes of it follow them."""
        kept = self.cut(behind) if behind else None
        parts: list[bytes] = []
        raw = 0
        while size > 0 and self._parts:
            raw, data = self._parts.pop()
            keep = max(0, len(data) - size)
            if keep:
                self._parts.append(Output(raw, data[:keep]))
            raw += keep
            parts.insert(0, data[keep:])
            size -= len(data) - keep
        cut = Output(raw, b"".join(parts))
        self.size -= len(cut.data)
        self.lines -= cut.data.count(b"\n")
        self._given = raw + len(cut.data)
        if kept is not None:
            self.add(kept.raw, kept.data)
        return cut

    def behind(self, base: Output) -> bytes:
        """Return what was drawn after what stood there when the edit began."""
        return b"".join(part.data for part in self._parts if part.raw >= base.raw + len(base.data))
