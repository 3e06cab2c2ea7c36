"""When to look whether a tool that has gone quiet waits for input.

Pure. Two milliseconds after its last output most prompts can be told for certain; what is unknown
then needs silence; a tool that works on without a word is looked at ever more rarely.
"""

from __future__ import annotations

LOOKS_MS = (2, 30, 60, 90, 150, 250, 500)  # after the last output …
FARTHEST_MS = 30_000  # … then at twice the distance each, up to this
AFTER_FOUND = 2  # looks that are left out once the tool was seen to wait


class Settle:
    """The looks since the tool's last output (ms offsets)."""

    def __init__(self) -> None:
        """Begin as if something had just been printed."""
        self.quiet_at = 0
        self._looks = 0
        self._over = False  # it was seen to wait, and no turn is open: nothing more is to be found out

    def printed(self, now_ms: int) -> None:
        """Begin again: there was output, or a line was sent."""
        self.quiet_at = now_ms
        self._looks = 0
        self._over = False

    def due_ms(self, *, turn: bool) -> int | None:
        """Return when to look next, or None."""
        if self._over and not turn:
            return None
        if self._looks < len(LOOKS_MS):
            return self.quiet_at + LOOKS_MS[self._looks]
        later = LOOKS_MS[-1] << min(16, self._looks - len(LOOKS_MS) + 1)
        return self.quiet_at + later if later <= FARTHEST_MS else None

    def looked(self, *, waits: bool, turn: bool) -> None:
        """Take note of a look: a tool that waits need not be looked at so often."""
        self._looks += 1
        self._over = waits and not turn
        if waits:
            self._looks = max(self._looks, AFTER_FOUND)
