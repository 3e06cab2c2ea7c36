"""The recorder's own line over a tool in passthrough: opened by the prefix key, gone without a trace.

Engine. While it is open the tool's output waits in its pty. The modes that the tool has set are
taken back before and given again after; a full-screen tool is made to draw itself again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.errors import RecError
from recorder.keys import prefix_forms

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.capture import Capture
    from recorder.console import Desk, Palette, Reply
    from recorder.keys import KeyQueue
    from recorder.wires import Wires


class Overlay:
    """The palette of one session, open or not."""

    def __init__(
        self, desk: Desk, capture: Capture, wires: Wires, note: Callable[[str, Reply], None]
    ) -> None:
        """Take the parts; ``note`` records a command and its answer."""
        self._desk = desk
        self._capture = capture
        self._wires = wires
        self._note = note
        self._prefixes = prefix_forms(desk.prefix)
        self._fresh = False  # nothing was typed since it opened
        self.palette: Palette | None = None

    @property
    def active(self) -> bool:
        """Say whether it is open."""
        return self.palette is not None

    def open(self) -> None:
        """Draw it over the tool, if there is a terminal to draw on."""
        if self._desk.palette is None:
            return
        self._wires.screen(self._capture.ledger.neutral())
        self.palette = self._desk.palette(self._command)
        self.palette.open(alternate=self._capture.alternate)
        self._fresh = True

    def feed(self, keys: KeyQueue) -> None:
        """Give it keys; the prefix key again, as the very next key, is meant for the tool."""
        palette = self.palette
        while palette is not None and palette.active:
            key = keys.key(self._wires.now().offset_ms)
            if key is None:
                return
            twice, self._fresh = self._fresh, False
            if key in self._prefixes:
                palette.close()
                self._wires.send(key if twice else b"")
            elif palette.feed(key):
                break
        self.look()

    def look(self) -> None:
        """Give the tool its modes back if the palette has closed."""
        if self.palette is None or self.palette.active:
            return
        self.palette = None
        self._wires.screen(self._capture.ledger.reassert())
        if self._capture.alternate:
            self._wires.redraw()

    def stop(self) -> None:
        """Take it away: the session ends."""
        if self.palette is not None:
            self.palette.close()
            self.palette = None

    def _command(self, line: str) -> str:
        reply = self._desk.console.command(line)
        self._note(line if line.startswith("/") else f"/{line}", reply)
        self._wires.act(reply)
        if reply.failed:
            raise RecError(reply.text.removeprefix("rec: "))
        if reply.action == "pause" and self._desk.prefix is not None:
            key = chr(self._desk.prefix[0] | 0x40)
            return f"{reply.text} (Ctrl-{key} brings this line back)"
        return reply.text
