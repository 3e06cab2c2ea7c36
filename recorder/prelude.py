"""What the tool prints before the relay is there: shown at once, kept for the record.

Engine. Nothing here waits, and a tool that floods has to, as it would for a full queue. What is
typed meanwhile stays in the terminal. Imports no more than it needs, as the tool waits for that.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from recorder.outlet import Outlet
from recorder.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recorder.basics import Moment
    from recorder.child import Child
    from recorder.clock import Clock
    from recorder.relay import Relay
    from recorder.strip import Mark
    from recorder.terminal import Terminal

MOST = 64 << 10  # bytes that are taken in all


class Prelude:
    """The tool's first output, on its way to the screen."""

    def __init__(self, terminal: Terminal, child: Child, clock: Clock, *, nonce: str, shown: bool) -> None:
        """Begin; without ``shown`` the tool waits for the relay, which has something to say before it."""
        self._strip = Strip(nonce)
        self._outward = Outlet(terminal.write)
        self._pieces: list[tuple[Moment, bytes | Mark]] = []
        self._child = child
        self._clock = clock
        self._room = MOST if shown else 0

    def look(self) -> None:
        """Show what the tool has printed since the last look."""
        if not self._room or self._outward.waiting or self._outward.gone:
            return
        data = self._child.read(self._room)
        if not data:  # the end is the relay's business
            return
        self._room -= len(data)
        now = self._clock.now()
        for piece in self._strip.pieces(data):
            if isinstance(piece, bytes):
                self._outward.put(piece)
            self._pieces.append((now, piece))

    def hand_over(self, relay: Relay) -> None:
        """Let the relay go on from here; it records what was shown as having come when it came."""
        relay.outward, relay.strip = self._outward, self._strip
        for now, piece in self._pieces:
            if isinstance(piece, bytes):
                relay.keyboard.after_output(piece)
                relay.quiet.printed(now.offset_ms)
                relay.record(relay.capture.output(now, piece))
            else:
                relay.record(relay.capture.mark(now, piece.body))
        if self._strip.holding or relay.capture.holding:
            relay.held_since = relay.now().offset_ms
        if self._outward.gone:
            relay.hang_up(signal.SIGHUP)

    @contextlib.contextmanager
    def during_imports(self) -> Iterator[None]:
        """Look before every module that is imported meanwhile: they are many, and each takes a moment."""
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)
        self.look()

    def find_spec(self, _name: str, _path: object = None, _target: object = None) -> None:
        """Find no module, as the import system asks; but have a look."""
        self.look()
