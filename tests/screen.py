"""A terminal emulator good enough to read what a person would see; used by `blackbox` only.

pyte does the work. What it lacks or trips over is added around it: the alternate screen, lines that
scrolled away, REP, scroll up and down, answers to a terminal's usual questions, and a guard, since
pyte raises on some sequences of real programs and prints parts of others.
"""

from __future__ import annotations

import copy
import re

import pyte
import pyte.modes

# One whole control sequence or control string that is not left to pyte as it is.
_SPECIAL = re.compile(
    rb"\x1b\[[0-9;]*[bST]"  # REP, SU, SD: pyte lacks them
    rb"|\x1b\[[<=>?]?[0-9;]*[cn]"  # questions: DA, DSR, CPR
    rb"|\x1b\[\?[0-9;]*\$p|\x1b\[\?u"  # questions: DECRQM, kitty keyboard
    rb"|\x1b\[[<=>][0-?]*[ -/]*[@-~]"  # private sequences that pyte takes for public ones
    rb"|\x1b\[[0-?]*[ -/]+[@-~]"  # with intermediates, as above
    rb"|\x1b\[[0-9;]*:[0-9;:]*m"  # colours with colons: pyte prints the rest
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    rb"|\x1b[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC
)
# The beginning of something that may become one of those with the next bytes.
_PARTIAL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)?\Z")

# Control bytes that a terminal ignores; pyte drops all text behind one that it is fed together with it.
_SILENT = bytes(code for code in range(32) if code not in b"\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x18\x1a\x1b")

_ALTERNATE = {47, 1047, 1049}


class Screen(pyte.Screen):
    """pyte's screen with an alternate one, and with the lines that scrolled off its top."""

    def __init__(self, cols: int, rows: int) -> None:
        super().__init__(cols, rows)
        self.scrolled: list[str] = []
        self.private_modes: set[int] = set()
        self._kept = None

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._kept is not None

    def line(self, y: int) -> str:
        row = self.buffer[y]
        return "".join(row[x].data for x in range(self.columns)).rstrip()

    def index(self) -> None:
        margins = self.margins or pyte.screens.Margins(0, self.lines - 1)
        if self.cursor.y == margins.bottom and margins.top == 0 and not self.alternate:
            self.scrolled.append(self.line(0))
        super().index()

    def scroll(self, count: int) -> None:
        """Move the scroll region up (down if negative) and leave the cursor where it is."""
        margins = self.margins or pyte.screens.Margins(0, self.lines - 1)
        y = self.cursor.y
        self.cursor.y = margins.bottom if count > 0 else margins.top
        for _ in range(min(abs(count), self.lines)):
            super().index() if count > 0 else super().reverse_index()
        self.cursor.y = y

    def set_mode(self, *modes: int, **kwargs: bool) -> None:
        if kwargs.get("private"):
            self.private_modes.update(modes)
            if _ALTERNATE & set(modes) and not self.alternate:
                self._kept = (copy.deepcopy(self.buffer), copy.copy(self.cursor))
                self.erase_in_display(2)
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: bool) -> None:
        if kwargs.get("private"):
            self.private_modes.difference_update(modes)
            if _ALTERNATE & set(modes) and self._kept is not None:
                self.buffer, self.cursor = self._kept
                self._kept = None
        super().reset_mode(*modes, **kwargs)


class Emulator:
    """Bytes in, a screen and the answers to questions out."""

    def __init__(self, cols: int, rows: int) -> None:
        self.screen = Screen(cols, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.answers = b""  # what a terminal would have sent back; the owner takes it
        self.faults: list[str] = []  # what pyte could not digest
        self._pending = b""
        self._last = ""

    def feed(self, data: bytes) -> None:
        data = self._pending + data
        partial = _PARTIAL.search(data, max(0, len(data) - 4096))
        self._pending = data[partial.start() :] if partial else b""
        data = data[: len(data) - len(self._pending)]
        at = 0
        for special in _SPECIAL.finditer(data):
            self._plain(data[at : special.start()])
            self._special(special.group())
            at = special.end()
        self._plain(data[at:])

    def resize(self, cols: int, rows: int) -> None:
        self.screen.resize(rows, cols)

    def _plain(self, data: bytes) -> None:
        data = data.translate(None, _SILENT)
        if not data:
            return
        try:
            self.stream.feed(data)
        except Exception as error:  # noqa: BLE001  (whatever it stumbles over)
            self.faults.append(f"{error!r} on {data!r:.200}")
            self.stream = pyte.ByteStream(self.screen)
        printed = data.rpartition(b"\x1b")[2]
        if printed and printed[-1] >= 0x20:
            self._last = printed[-1:].decode("ascii", "replace")

    def _special(self, seq: bytes) -> None:
        final = seq[-1:]
        if seq[:2] == b"\x1b[" and final in b"bST" and not seq[2:3].strip(b"0123456789;" + final):
            count = int(seq[2:-1].split(b";")[0] or 1)
            if final == b"b":
                self.screen.draw(self._last * count)
            else:
                self.screen.scroll(count if final == b"S" else -count)
            return
        cursor = self.screen.cursor
        if seq in (b"\x1b[c", b"\x1b[0c"):
            self.answers += b"\x1b[?62;22c"
        elif seq in (b"\x1b[>c", b"\x1b[>0c"):
            self.answers += b"\x1b[>41;354;0c"
        elif seq == b"\x1b[5n":
            self.answers += b"\x1b[0n"
        elif seq == b"\x1b[6n":
            self.answers += b"\x1b[%d;%dR" % (cursor.y + 1, min(cursor.x, self.screen.columns - 1) + 1)
        elif match := re.fullmatch(rb"\x1b\[\?(\d+)\$p", seq):
            self.answers += b"\x1b[?%s;0$y" % match[1]
        elif match := re.fullmatch(rb"\x1b\](1[01]);\?(\x07|\x1b\\)", seq):
            self.answers += b"\x1b]%s;rgb:0000/0000/0000%s" % (match[1], match[2])
