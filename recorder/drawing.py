"""The bytes of the line on which the cursor stands, and of the edit that is drawn into it.

Pure. What they show is for `lines` to say; here they are kept by their place in the raw stream,
for the case that they turn out to be output after all.
"""

from __future__ import annotations

from recorder.findings import Output

MAX_LINE = 16 << 10  # bytes; a longer unfinished line is no prompt


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


class Drawn:
    """What was drawn into an edit."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.size = self.lines = 0  # bytes, and line feeds
        self._parts: list[Output] = []

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
        parts = self._parts
        self.clear()
        return parts
