"""Which mode the recorder is in, and the ledger of terminal modes the tool has set.

Pure. ``mode_of`` reads the mode off the tool's own terminal settings. ``Ledger`` remembers every
terminal mode that a tool switched on, so that the recorder's own screens can be drawn over a tool
and taken away again, and so that a tool that died leaves no mouse tracking behind.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from recorder.watch import Spot, SpotKind

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mode(Enum):
    """Who edits the line."""

    LINE = "line"  # canonical, echo on: rec does
    SECRET = "secret"  # noqa: S105  (a name; canonical, echo off: the tool, and nothing of it is kept)
    RAW = "raw"  # not canonical: the tool


def mode_of(*, canonical: bool, echo: bool, override: str = "auto") -> Mode:
    """Return the mode for a terminal's settings; ``override`` is ``auto``, ``line`` or ``raw``.

    Echo alone says nothing: every readline and curses program clears it. A hidden read stays
    hidden under any override.
    """
    if canonical and not echo:
        return Mode.SECRET
    if override != "auto":
        return Mode.LINE if override == "line" else Mode.RAW
    return Mode.LINE if canonical else Mode.RAW


ALTERNATE = frozenset({47, 1047, 1049})
finds_full_screen = re.compile(rb"\x1b\[\?[0-9;]*(?:47|1047|1049)[hl]").search
# Modes that keep the recorder's own line from working, or that a shell must not inherit.
MOUSE = (9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016)
KEPT = frozenset({1, 7, 12, 25, 66, 2004, 2026, 2031, *MOUSE})
DEFAULT_ON = frozenset({7, 25})  # autowrap and the visible cursor
SOFT = frozenset({1, 7, 25, 66})  # what a soft reset puts back


class Ledger:
    """The terminal modes as the tool believes them to be."""

    def __init__(self, rows: int = 24) -> None:
        """Start with a terminal of so many rows in its usual state."""
        self.rows = rows  # to be kept up to date
        self._modes: dict[int, bool] = {}
        self._keypad = False
        self._shape = b""
        self._region = b""
        self._modify_keys = b""
        self._kitty: list[int] = [0]  # keyboard flags: the usual ones, then what was pushed on top
        self.alternate: int | None = None  # the mode number that opened the alternate screen

    def note(self, spot: Spot) -> None:
        """Take one find of ``watch`` into the books."""
        if spot.kind in (SpotKind.SET, SpotKind.UNSET):
            for number in _numbers(spot.body):
                self._set(number, on=spot.kind is SpotKind.SET)
        elif spot.kind is SpotKind.KEYPAD:
            self._keypad = spot.body.endswith(b"=")
        elif spot.kind is SpotKind.SHAPE:
            self._shape = b"" if spot.body in (b"\x1b[ q", b"\x1b[0 q") else spot.body
        elif spot.kind is SpotKind.REGION:
            self._region = b"" if self._whole(spot.body) else spot.body
        elif spot.kind is SpotKind.KEYS:
            self._keys(spot.body)
        elif spot.kind is SpotKind.RESET:
            self._reset(soft=spot.body == b"\x1b[!p")

    def _reset(self, *, soft: bool) -> None:
        """Begin anew; a soft reset (DECSTR) leaves screen, mouse, paste and kitty's keys as they are."""
        modes, kitty, alternate = self._modes, self._kitty, self.alternate
        self.__init__(self.rows)  # type: ignore[misc]  # a terminal reset is exactly a new ledger
        if soft:
            self._modes = {number: on for number, on in modes.items() if number not in SOFT}
            self._kitty, self.alternate = kitty, alternate

    def _whole(self, region: bytes) -> bool:
        """Say whether a scroll region is the whole screen: tmux leaves by setting it so."""
        top, _, bottom = region[2:-1].partition(b";")
        return int(top or b"0") <= 1 and (not int(bottom or b"0") or int(bottom) >= self.rows)

    def _set(self, number: int, *, on: bool) -> None:
        if number in ALTERNATE:
            self.alternate = number if on else None
        elif number in KEPT:
            self._modes[number] = on

    def _keys(self, body: bytes) -> None:
        """Follow the keyboard protocols: xterm's modifyOtherKeys, and kitty's flags with their stack."""
        numbers = [int(part) if part.isdigit() else 0 for part in body[3:-1][:40].split(b";")]
        first = numbers[0]
        if body.endswith(b"m"):
            if body.startswith(b"\x1b[>") and first in (0, 4):
                self._modify_keys = body if any(numbers[1:]) else b""
        elif body.startswith(b"\x1b[>"):
            self._kitty.append(first)
        elif body.startswith(b"\x1b[<"):
            del self._kitty[max(1, len(self._kitty) - max(1, first)) :]
        else:
            how = numbers[1] if len(numbers) > 1 else 1
            old = self._kitty[-1]
            self._kitty[-1] = {1: first, 2: old | first, 3: old & ~first}.get(how, old)

    def is_on(self, number: int) -> bool:
        """Say whether a private mode is on."""
        return self._modes.get(number, number in DEFAULT_ON)

    def _changed(self) -> Iterator[tuple[int, bool]]:
        for number, on in sorted(self._modes.items()):
            if on != (number in DEFAULT_ON):
                yield number, on

    def neutral(self) -> bytes:
        """Return what puts the terminal into its usual state, the alternate screen aside."""
        out = [b"\x1b[?%d%c" % (number, b"l" if on else b"h") for number, on in self._changed()]
        if self._keypad:
            out.append(b"\x1b>")
        if self._shape:
            out.append(b"\x1b[0 q")
        if self._region:
            # DECSTBM homes the cursor: keep its place.
            out.append(b"\x1b7\x1b[r\x1b8")
        if self._modify_keys:
            out.append(b"\x1b[>4;0m")
        if len(self._kitty) > 1:
            out.append(b"\x1b[<%du" % (len(self._kitty) - 1))
        if self._kitty[0]:
            out.append(b"\x1b[=0u")
        return b"".join(out)

    def reassert(self) -> bytes:
        """Return what gives the tool its modes back after ``neutral``."""
        out = [b"\x1b[?%d%c" % (number, b"h" if on else b"l") for number, on in self._changed()]
        if self._keypad:
            out.append(b"\x1b=")
        out.append(self._shape)
        if self._region:
            out.append(b"\x1b7" + self._region + b"\x1b8")
        out.append(self._modify_keys)
        if self._kitty[0]:
            out.append(b"\x1b[=%du" % self._kitty[0])
        out += [b"\x1b[>%du" % flags for flags in self._kitty[1:]]
        return b"".join(out)

    def leave(self) -> bytes:
        """Return what a tool that is gone should have undone; empty when it left nothing on."""
        out = self.neutral()
        if self.alternate is not None:
            out += b"\x1b[?%dl" % self.alternate
        return out


def _numbers(params: bytes) -> Iterator[int]:
    for part in params.split(b";"):
        if part.isdigit() and len(part) <= 5:
            yield int(part)
