"""Play on the user's terminal: the loop that owns time, keys and bytes, and nothing else.

Engine. What is shown is playback's and painter's; the terminal is changed through ``Terminal`` alone and
is as before when ``screen`` returns, however it does. Only ``kill -9`` leaves it changed: the note that
``Terminal.remember`` made lets the next call of ``rec`` repair it.
"""

from __future__ import annotations

import functools
import os
import select
import signal
import time
from typing import TYPE_CHECKING

from recorder import jobs, playbar
from recorder.keys import ESCAPE_MS
from recorder.modes import Ledger
from recorder.outlet import Outlet
from recorder.painter import LEAST_ROWS, Painter
from recorder.playkeys import Keys
from recorder.poller import Poller
from recorder.safestream import SafeStream
from recorder.signals import Signals
from recorder.terminal import reset
from recorder.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from recorder.playback import Player
    from recorder.reel import Place, Reel
    from recorder.terminal import Terminal

ENTER = b"\x1b[?1049h\x1b[m\x1b[H\x1b[2J\x1b[?25l"
LEAVE = b"\x1b[m\x1b[?25h\x1b[?1049l"
ALTERNATE = 1049
FRAME_MS = 33  # between two frames while much happens
SLICE_MS = 15  # of work between two looks at the keyboard
POLL_MS = 200  # between two looks whether a live session has grown
LAST_MS = 1000  # that we wait for a terminal to take what gives it back
QUIET_MS = 100  # without an answer of the terminal, after which none comes any more
_ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
INTERRUPTED = 128 + signal.SIGINT


def now_ms() -> float:
    """Return a clock that never goes back, in ms."""
    return time.monotonic() * 1000


class Screening:
    """One showing of a player on an interactive terminal."""

    def __init__(
        self, terminal: Terminal, player: Player, *, colour: bool, notes: str, grown: Callable[[], bool]
    ) -> None:
        """Keep all; ``notes`` is the directory for the note about the terminal, ``grown`` looks for more."""
        self._terminal = terminal
        self._player = player
        self._painter = Painter(terminal.size(), colour=colour)
        self._notes = notes
        self._grown = grown
        self._keys = Keys()
        self._out = Outlet(terminal.write)
        self._building = player.projector.build()
        self._built = False
        self._looked = now_ms()
        self._painted = 0.0
        self._status: int | None = None

    def screen(self) -> int:
        """Show it until the user leaves; return the exit status."""
        with Signals() as signals:
            self._terminal.remember(self._notes)
            try:
                self._enter()
                poller = Poller()
                while self._status is None:
                    self._round(signals, poller)
            finally:
                self._leave()
                self._terminal.forget()
        return self._status or 0

    # --- the terminal ----------------------------------------------------------------------------

    def _enter(self) -> None:
        self._terminal.on_screen(ALTERNATE)
        self._terminal.raw()
        self._out.put(ENTER)
        self._painter.resize(self._terminal.size())

    def _leave(self) -> None:
        self._out.put(LEAVE)
        _drain(self._terminal, self._out)
        self._terminal.restore()

    def _suspend(self) -> None:
        """Stop as a job of the shell, and go on with a terminal taken anew."""
        if jobs.controlled():
            self._leave()
            os.kill(os.getpid(), signal.SIGSTOP)
            self._enter()

    # --- the loop --------------------------------------------------------------------------------

    def _round(self, signals: Signals, poller: Poller) -> None:
        now = now_ms()
        self._player.tick(now)
        self._work(now)
        self._paint(now_ms())
        ready = poller.wait(self._interest(signals), self._patience(now_ms()))
        if signals.fd in ready:
            self._signalled(signals.taken())
        if self._out.waiting:
            self._out.flush()
        if ready.get(self._terminal.in_fd or 0, 0) & ~select.POLLOUT:
            self._typed()
        elif not ready and self._keys.waiting:
            self._press(self._keys.late())
        if self._out.gone and self._status is None:
            self._status = 128 + signal.SIGHUP
        self._look()

    def _interest(self, signals: Signals) -> dict[int, int]:
        interest = {signals.fd: select.POLLIN}
        if self._terminal.in_fd is not None:
            interest[self._terminal.in_fd] = select.POLLIN
        if self._out.waiting and self._terminal.out_fd is not None:
            interest[self._terminal.out_fd] = interest.get(self._terminal.out_fd, 0) | select.POLLOUT
        return interest

    def _patience(self, now: float) -> int | None:
        """Return how long to wait for keys, in ms; None: for ever."""
        waits = [self._player.due_ms(now)]
        if not self._built:
            waits.append(0)
        if self._keys.waiting:
            waits.append(ESCAPE_MS)
        if self._player.live:
            waits.append(POLL_MS)
        known = [wait for wait in waits if wait is not None]
        return int(min(known)) + (min(known) % 1 > 0) if known else None

    def _work(self, now: float) -> None:
        """Go on with what the user waits for; else pack screens ahead."""
        until = now + SLICE_MS
        while self._player.busy and now < until:
            self._player.work(now)
            now = now_ms()
            self._player.tick(now)
        while not self._built and now < until:
            self._built = next(self._building, self) is self
            now = now_ms()

    def _paint(self, now: float) -> None:
        """Draw a frame, if the terminal has taken the last one, and not too many of them."""
        if self._out.waiting or (self._player.busy and now < self._painted + FRAME_MS):
            return
        self._painted = now
        player, painter = self._player, self._painter
        stage = player.projector.stage
        bar = None
        own_row = stage.lines < painter.size.rows
        if painter.size.rows >= LEAST_ROWS and (own_row or player.bar(now)):
            bar = playbar.bar(player, now, painter.size.cols)
        if player.help:
            self._out.put(painter.page(playbar.HELP, bar or []))
        else:
            self._out.put(painter.frame(stage, bar, player.finder.search.words))

    # --- what comes ------------------------------------------------------------------------------

    def _typed(self) -> None:
        """Take keys one by one: what is typed behind the one that ends it is the shell's."""
        while self._status is None and (data := self._terminal.read(1)) is not None:
            if data:
                self._press(self._keys.feed(data))
            else:
                self._status = 128 + signal.SIGHUP

    def _press(self, keys: list[str]) -> None:
        for key in keys:
            if key == "redraw":
                self._painter.resize(self._terminal.size())
                continue
            self._player.key(key, now_ms())
            left, self._player.left = self._player.left, None
            if left == "suspend":
                self._suspend()
            elif left is not None:
                self._status = INTERRUPTED if left == "interrupt" else 0
                return

    def _signalled(self, numbers: list[int]) -> None:
        for number in numbers:
            if number in _ENDS:
                self._status = 128 + number
            elif number == signal.SIGWINCH:
                self._painter.resize(self._terminal.size())
                self._out.put(b"\x1b[m\x1b[2J")
            elif number == signal.SIGTSTP:
                self._suspend()

    def _look(self) -> None:
        """Look whether a live session has grown or ended."""
        if self._player.live and now_ms() >= self._looked + POLL_MS:
            self._looked = now_ms()
            self._player.live = self._grown()
            if self._built and self._player.projector.built < 1:
                self._building, self._built = self._player.projector.build(), False


def straight(
    terminal: Terminal, reel: Reel, span: tuple[Place, Place | None], speed: float, *, raw: bool, notes: str
) -> int:
    """Write the recorded bytes at their times, without keys but q and Ctrl-C; return the exit status.

    Safe unless ``raw``. A raw recording may change every mode and make a terminal answer: both are undone.
    """
    out, safe, ledger = Outlet(terminal.write), SafeStream(), Ledger()
    filtered = functools.partial(_noted, Watch(), ledger) if raw else safe.feed
    with Signals() as signals:
        if terminal.interactive:
            terminal.remember(notes)
            terminal.raw()
        try:
            status = _run(terminal, out, signals, _timed(reel, *span, speed, filtered))
            return 0 if status is None else status
        finally:
            out.put(safe.close())
            if raw and terminal.stdout_tty:
                out.put(reset(ledger.alternate or 0))
            _drain(terminal, out)
            if raw and terminal.interactive:
                _swallow(terminal)
            terminal.restore()
            terminal.forget()


def _noted(watch: Watch, ledger: Ledger, data: bytes) -> bytes:
    """Return bytes as they are, and take into the books which screen they show."""
    for spot in watch.feed(data):
        ledger.note(spot)
    return data


def _timed(
    reel: Reel, start: Place, stop: Place | None, speed: float, filtered: Callable[[bytes], bytes]
) -> Iterator[tuple[float, bytes]]:
    """Yield bytes with the time at which each is due, in ms since the first."""
    place = reel.settle(start)
    begun: int | None = None
    while (piece := reel.next(place)) is not None and (stop is None or place < stop):
        begun = piece.ms if begun is None else begun
        if isinstance(piece.act, bytes):
            yield (piece.ms - begun) / speed, filtered(piece.act)
        place = reel.settle((place[0], place[1] + 1))


def _run(terminal: Terminal, out: Outlet, signals: Signals, due: Iterator[tuple[float, bytes]]) -> int | None:
    """Write what is due until all is written or somebody ends it; return the status of that."""
    keys, poller, begun = Keys(), Poller(), now_ms()
    ahead = next(due, None)
    while True:
        while ahead is not None and not out.full and ahead[0] <= now_ms() - begun:
            out.put(ahead[1])
            ahead = next(due, None)
        if ahead is None and not out.waiting:
            break
        interest = {signals.fd: select.POLLIN}
        if terminal.interactive and terminal.in_fd is not None:
            interest[terminal.in_fd] = select.POLLIN
        if out.waiting and terminal.out_fd is not None:
            interest[terminal.out_fd] = interest.get(terminal.out_fd, 0) | select.POLLOUT
        wait = None if ahead is None or out.full else max(0, int(ahead[0] - now_ms() + begun) + 1)
        ready = poller.wait(interest, wait)
        ended = [number for number in signals.taken() if number in _ENDS]
        if ended:
            return 128 + ended[0]
        out.flush()
        if out.gone:
            return 128 + signal.SIGHUP if terminal.stdout_tty else 0
        if terminal.interactive and ready.get(terminal.in_fd or 0, 0) & ~select.POLLOUT:
            typed = keys.feed(terminal.read() or b"\x03")
            if "q" in typed or "interrupt" in typed:
                return 0 if "q" in typed else INTERRUPTED
    return None


def follow(terminal: Terminal, look: Callable[[], tuple[bytes, bool]]) -> int:
    """Write what ``look`` finds, made safe, until it says that no more comes; return the exit status."""
    out, safe, poller = Outlet(terminal.write), SafeStream(), Poller()
    with Signals() as signals:
        try:
            more = True
            while more or out.waiting:
                if more and not out.full:
                    data, more = look()
                    out.put(safe.feed(data))
                interest = {signals.fd: select.POLLIN}
                if out.waiting and terminal.out_fd is not None:
                    interest[terminal.out_fd] = select.POLLOUT
                poller.wait(interest, POLL_MS if more or out.waiting else 0)
                out.flush()
                if out.gone:
                    return 128 + signal.SIGHUP if terminal.stdout_tty else 0
                ended = [number for number in signals.taken() if number in _ENDS]
                if ended:
                    return 128 + ended[0]
            return 0
        finally:
            out.put(safe.close())
            _drain(terminal, out)


def _drain(terminal: Terminal, out: Outlet) -> None:
    """Write what waits, as long as the terminal takes it."""
    until = now_ms() + LAST_MS
    while out.waiting and terminal.out_fd is not None and (left := until - now_ms()) > 0:
        Poller().wait({terminal.out_fd: select.POLLOUT}, int(left) + 1)
        out.flush()


def _swallow(terminal: Terminal) -> None:
    """Take the answers that a raw recording has made the terminal give; the shell must not get them."""
    if terminal.in_fd is None:
        return
    poller = Poller()
    while poller.wait({terminal.in_fd: select.POLLIN}, QUIET_MS) and terminal.read():
        pass
