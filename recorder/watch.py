"""Find the few sequences in a tool's output that change what is recorded or restored.

Pure: bytes in, ``Spot`` records out, the same spots however the bytes are split. Unlike ``ansi`` it
does not partition the stream: colours and cursor moves, the bulk of all sequences, are skipped at
the speed of one compiled search, since every byte of output passes through here.
What a spot means is decided by ``modes`` and ``capture``, not here.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

MAX_STRING = 1 << 20  # an OSC or DCS whose end is farther away is given up: no terminal waits for more
MAX_CSI = 64  # bytes; a longer control sequence is none we look for


class SpotKind(Enum):
    """What was found."""

    SET = auto()  # CSI ? params h
    UNSET = auto()  # CSI ? params l
    KEYS = auto()  # CSI > … m, CSI > … u, CSI < … u, CSI = … u: keyboard protocols
    SHAPE = auto()  # CSI n SP q: cursor shape
    REGION = auto()  # CSI t ; b r: scroll region
    KEYPAD = auto()  # ESC = and ESC >
    RESET = auto()  # ESC c and CSI ! p
    OSC = auto()
    BELL = auto()  # BEL that ends no OSC


class Spot(NamedTuple):
    """One find: ``start`` and ``end`` count bytes since the stream began; ``body`` is its argument.

    The body is the parameters of a SET or UNSET (``b"1049;25"``), the text of an OSC without its
    introducer and terminator, and the whole sequence otherwise.
    """

    kind: SpotKind
    start: int
    end: int
    body: bytes


def switches(spot: Spot, mode: bytes) -> bool | None:
    """Say whether a find switches a private mode on or off; None: it has nothing to do with it."""
    if spot.kind not in {SpotKind.SET, SpotKind.UNSET} or spot.body != mode:
        return None
    return spot.kind is SpotKind.SET


_BEGIN = re.compile(
    rb"\x07|\x1b(?:"
    rb"\[\?(?P<params>[0-9;]*)(?P<set>[hl])"
    rb"|\[[<>=][0-9;]*(?P<keys>[mu])"
    rb"|\[[0-9;]* (?P<shape>q)"
    rb"|\[[0-9;]*(?P<region>r)"
    rb"|(?P<keypad>[=>])"
    rb"|(?P<reset>c|\[!p)"
    rb"|(?P<string>[\]P_^X])"
    rb"|(?P<partial>(?:\[[?<>=!]?[0-9;]*[ ]?)?\Z)"
    rb")"
)
# A lone ESC at the very end may be the first half of ST: no end yet.
_STRING_END = re.compile(rb"\x1b\\|[\x18\x1a]|\x1b(?=[^\\])")
_OSC_END = re.compile(rb"\x07|" + _STRING_END.pattern)  # BEL is a byte like any other in the rest


class Watch:
    """Scan a stream; holds back (from scanning only) a sequence that is not complete yet."""

    def __init__(self) -> None:
        """Start at offset 0 in the ground state."""
        self._held = b""
        self._offset = 0  # of the first held byte
        self._sought = 0  # bytes of a held string in which its end was sought …
        self._known = 0  # … before this feed

    @property
    def pending(self) -> int:
        """How many bytes at the end of what was fed may still become a find."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Spot]:
        """Return what ``data``, joined with what was held back, completes."""
        if not self._held and b"\x1b" not in data and b"\x07" not in data:
            self._offset += len(data)
            return []
        buf = self._held + data
        self._known, self._sought = self._sought, 0
        spots: list[Spot] = []
        pos = self._scan(buf, spots)
        self._offset += pos
        self._held = buf[pos:]
        return spots

    def _scan(self, buf: bytes, spots: list[Spot]) -> int:
        pos = 0
        while (match := _BEGIN.search(buf, pos)) is not None:
            size = match.end() - match.start()
            if match["string"] is not None:
                after = self._string(buf, match, spots)
                if after is None:
                    return match.start()
                pos = after
            elif size > MAX_CSI:
                pos = match.end()
            elif match["partial"] is not None:
                return match.start()
            else:
                spots.append(self._spot(match))
                pos = match.end()
        return len(buf)

    def _string(self, buf: bytes, begin: re.Match[bytes], spots: list[Spot]) -> int | None:
        """Consume one OSC, DCS, APC, PM or SOS; None while its end is still to come."""
        is_osc = begin["string"] == b"]"
        # What was searched before needs no second look, but for an ESC that was its last byte.
        known = self._known - 1 if begin.start() == 0 else 0
        end = (_OSC_END if is_osc else _STRING_END).search(buf, max(begin.end(), known))
        limit = begin.start() + MAX_STRING
        if len(buf) > limit if end is None else end.start() >= limit:
            return begin.end()  # given up: its bytes are output like any other
        if end is None:
            self._sought = len(buf) - begin.start()
            return None
        if end[0] == b"\x1b":
            return end.start()  # ESC inside aborts the string and begins anew
        if is_osc and end[0] in (b"\x07", b"\x1b\\"):
            body = buf[begin.end() : end.start()]
            spots.append(Spot(SpotKind.OSC, self._offset + begin.start(), self._offset + end.end(), body))
        return end.end()

    def _spot(self, match: re.Match[bytes]) -> Spot:
        start, end = self._offset + match.start(), self._offset + match.end()
        if match["set"] is not None:
            kind = SpotKind.SET if match["set"] == b"h" else SpotKind.UNSET
            return Spot(kind, start, end, match["params"])
        for name, kind in (
            ("keys", SpotKind.KEYS),
            ("shape", SpotKind.SHAPE),
            ("region", SpotKind.REGION),
            ("keypad", SpotKind.KEYPAD),
            ("reset", SpotKind.RESET),
        ):
            if match[name] is not None:
                return Spot(kind, start, end, match[0])
        return Spot(SpotKind.BELL, start, end, b"\x07")
