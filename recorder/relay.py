"""The one loop: moves bytes between terminal and tool, stamps times, serves signals and timers.

Engine, owner of clock and loop. It decides nothing about recording (``capture``) and nothing about
keys (``dialog``, ``keyboard``). Two rules shape it: the screen is written before anything is
recorded, and no direction is ever blocked by the other: queues are bounded, and a full one stops
its source from being read, never the signals.
"""

from __future__ import annotations

import contextlib
import select
import signal
import time
from typing import TYPE_CHECKING

from recorder import jobs
from recorder import suspend as suspending
from recorder.child import Exited, Stopped
from recorder.ending import Leaving
from recorder.gap import Gap
from recorder.gate import Reading
from recorder.inputend import HELD_LOOK_MS, InputEnd
from recorder.keyboard import Keyboard
from recorder.model import Kind, Moment, Size
from recorder.poller import Poller
from recorder.strip import Strip
from recorder.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from recorder.ahead import AheadCapture
    from recorder.child import Child
    from recorder.clock import Clock
    from recorder.console import Desk, Reply
    from recorder.ending import Ending
    from recorder.gate import ReadGate
    from recorder.signals import Signals
    from recorder.terminal import Terminal
    from recorder.writer import Writer

READ = 64 << 10
BURST = 256 << 10  # bytes taken from the tool before anything else is looked at
SMALL = 2 << 10  # a read below this was all there was: do not ask again
ANSWER_MS = 1  # for which a tool's answer to keys comes before everything else
START_MS = 60  # after which the writer starts although the tool has printed nothing
NUDGE_MS = 30  # between two sizes, so that a full-screen tool sees both and draws itself again


class Relay(Wiring):
    """One tool between start and end; also the wires that the keyboard borrows."""

    def __init__(
        self,
        parts: tuple[Terminal, Child, ReadGate],
        capture: AheadCapture,
        writer: Writer,
        desk: Desk,
        clock: Clock,
        *,
        mode: str = "auto",
        beacon: Callable[[int, str, int], None],
    ) -> None:
        """Connect the parts; nothing runs yet."""
        terminal, child, gate = parts
        super().__init__(terminal, child, capture, writer, clock)
        self._gate = gate
        self.keyboard = Keyboard(self.child, gate, capture, self, desk, override=mode)
        self._beacon = beacon
        self.late_notices: list[str] = []  # to be said when the terminal is ours no longer
        self.strip = Strip()
        self.held_since: int | None = None
        self._writer_due: int | None = START_MS  # offset (ms) at which the writer starts
        self._gap = Gap()
        self._input_end = InputEnd()
        self._leaving = Leaving(self.child)
        self._nudge_at: int | None = None
        self._poller = Poller()
        self._straight = False  # keys that come now may be for the tool alone

    # --- wires ---------------------------------------------------------------------------------

    def hang_up(self, number: int) -> None:
        """End because the user's terminal is gone."""
        self._begin_end(number, hangup=True)

    def act(self, reply: Reply) -> None:
        """Do what a reply asks of the engine."""
        if reply.action == "pause":
            self.record(self.capture.pause(self.now()))
        elif reply.action == "unpause":
            self.record(self.capture.unpause(self.now()))
        elif reply.action == "quit":
            self.record(self.capture.note(Kind.SYSTEM, self.now(), "quit by the user", {"quit": True}))
            self._begin_end(None)

    def suspend(self) -> None:
        """Stop the tool and ourselves, as the shell above expects of Ctrl-Z; go on after SIGCONT."""
        self.child.signal(signal.SIGSTOP)
        self._stop_with_tool()

    # --- the loop ------------------------------------------------------------------------------

    def run(self, signals: Signals) -> Ending:
        """Relay until the tool has ended; the terminal must be raw already."""
        while True:
            ready = self._wait(signals)
            if ready.keys() == {self.terminal.in_fd}:
                ready = self._poller.again(ANSWER_MS) if self._typed(straight=self._straight) else {}
                if ready.keys() != {self.child.fd}:
                    self.keyboard.catch_up()
            for number in signals.taken() if signals.fd in ready else ():
                self._signalled(number)
            if self.writer.wake_fd in ready:
                self.writer.clear_wake()
                self._told()
            if self.child.fd in ready and not self._output_held() and self._output():
                self._start_writer()
            self.keyboard.catch_up()
            if ready.get(self.terminal.in_fd or 0, 0) & ~select.POLLOUT:  # both ways may be one descriptor
                self._typed()
            self.flush()
            self._timers()
            # Asking the kernel about the tool costs a system call: only when something has happened.
            asked = self._leaving.under_way or signals.fd in ready or self.child.pidfd in (None, *ready)
            if asked and self._ended():
                break
        return self._finish()

    def _wait(self, signals: Signals) -> dict[int, int]:
        interest: dict[int, int] = {signals.fd: select.POLLIN, self.writer.wake_fd: select.POLLIN}
        if self._leaving.exited is None and self.child.pidfd is not None:
            interest[self.child.pidfd] = select.POLLIN
        if self.child.fd >= 0 and not self.output_over:
            events = 0 if self._output_held() else select.POLLIN
            events |= select.POLLOUT if self.inward.waiting else 0
            if events:
                interest[self.child.fd] = events
        held = self.inward.full or self.keyboard.full  # too much waits for the tool already
        if self.terminal.in_fd is not None and not (self._input_end.final or held):
            interest[self.terminal.in_fd] = select.POLLIN
        if self.outward.waiting and self.terminal.out_fd is not None:
            out = self.terminal.out_fd
            interest[out] = interest.get(out, 0) | select.POLLOUT
        editor = self.keyboard.active
        if editor is not None and (fd := editor.fileno()) is not None:
            interest[fd] = select.POLLIN
        self._straight = self.keyboard.straight
        return self._poller.wait(interest, self._timeout())

    def _output_held(self) -> bool:
        """Say whether the tool's output must wait: no room on the screen, in the queue, or a palette."""
        if self.keyboard.overlay.active and self._leaving.exited is None:
            return True
        if self.outward.full:
            return True
        if not (self.writer.full or self._gap.waiting):
            return False
        return self._gap.waits(self.now().offset_ms, full=self.writer.full)

    # --- output --------------------------------------------------------------------------------

    def _output(self) -> bool:
        """Take what the tool printed: screen first, then the record. False when there was nothing."""
        parts: list[bytes] = []
        size = 0
        while size < BURST:
            data = self.child.read(READ)
            if not data:
                self.output_over = data == b""
                break
            parts.append(data)
            size += len(data)
            if len(data) < SMALL:
                break
        if not parts:
            return False
        now = self.now()
        for piece in self.strip.pieces(parts[0] if len(parts) == 1 else b"".join(parts)):
            if isinstance(piece, bytes):
                self._printed(now, piece)
            else:
                self.record(self.capture.mark(now, piece.body))
        held = self.strip.holding or self.capture.holding
        self.held_since = now.offset_ms if held else None
        return True

    def _printed(self, now: Moment, data: bytes) -> None:
        self.keyboard.before_output(data)
        self.screen(data)
        self.keyboard.after_output(data)
        self.keyboard.catch_up()
        self.quiet.printed(now.offset_ms)
        if self.writer.full:
            self._gap.miss(len(data))
            self.capture.missed(data)
            return
        self._report_gap(now)
        self.record(self.capture.output(now, data))

    def _report_gap(self, now: Moment) -> None:
        if missed := self._gap.taken():
            self.record(self.capture.gap(now, missed))

    # --- input ---------------------------------------------------------------------------------

    def _typed(self, *, straight: bool = False) -> bool:
        """Take what was typed; say whether it went ``straight`` to the tool, whose answer comes next."""
        data = self.terminal.read(READ)
        if data is None:
            return False
        if data:
            self._input_end.read(data)
            at_once = straight and self.keyboard.at_once(data)
            if not at_once:
                self.keyboard.push(data)
            return at_once
        gone = self.terminal.hung_up()
        self._input_end.came(self.now().offset_ms, final=gone or not self.terminal.stdin_tty, tell=not gone)
        if gone:
            self.hang_up(signal.SIGHUP)
        elif self._input_end.final:
            self.keyboard.no_more()
        return False

    def _pass_end_on(self, now_ms: int) -> None:
        """Tell the tool that its input has ended, once it has taken what came before."""
        end = self._input_end
        busy = self.inward.waiting or self.keyboard.holding or self.child.pending()
        if busy or (end.repeats and self._gate.look(self.child.foreground()) is Reading.BUSY):
            end.later(now_ms)
        else:
            tty = self.child.tty()
            self.send(end.told(now_ms, canonical=tty.canonical, eof=tty.eof))

    # --- queues and timers ---------------------------------------------------------------------

    def _timeout(self) -> int | None:
        """Return how long (ms) the loop may sleep."""
        now = self.now().offset_ms
        times = (
            *(self.capture.due_ms(), self.keyboard.due_ms(), self.keyboard.reshow_ms()),
            *(self._leaving.due_ms(), self._nudge_at, self._writer_due, self._input_end.due_ms),
            self.quiet.due_ms(turn=self.capture.turn is not None),
        )
        due = [at - now for at in times if at is not None]
        if self.held_since is not None:
            due.append(self.held_since + self.strip.patience_ms - now)
        if self.keyboard.holding or self._gap.waiting:
            due.append(HELD_LOOK_MS)
        if self._leaving.exited is not None:
            due.append(2)
        editor = self.keyboard.active
        if editor is not None and (deadline := editor.deadline()) is not None:
            due.append(int((deadline - time.monotonic()) * 1000) + 1)
        return max(0, min(due)) if due else None

    def _start_writer(self) -> None:
        """Start the writer's thread: not before the first output, whose way its imports would slow."""
        if self._writer_due is not None:
            self._writer_due = None
            self.writer.start()

    def _timers(self) -> None:
        now = self.now()
        if self._writer_due is not None and now.offset_ms >= self._writer_due:
            self._start_writer()
        if self.held_since is not None and now.offset_ms - self.held_since >= self.strip.patience_ms:
            self._release_held(now)
        if (editor := self.keyboard.active) is not None:
            editor.step()
            self.keyboard.stepped()
        shown = self.keyboard.reshow_ms()
        if shown is not None and now.offset_ms >= shown and not self.output_waits():
            self.keyboard.reshow()
        if self.keyboard.holding:
            self.keyboard.pump()
        self._look(now)
        due = self.capture.due_ms()
        if due is not None and now.offset_ms >= due:
            self.record(self.capture.tick(now))
        if self._nudge_at is not None and now.offset_ms >= self._nudge_at:
            self._nudge_at = None
            self.child.resize(self.terminal.size())
        if self._input_end.due_ms is not None and now.offset_ms >= self._input_end.due_ms:
            self._pass_end_on(now.offset_ms)
        self._beacon(now.offset_ms, "paused" if self.capture.paused else "on", self.writer.backlog)

    def _release_held(self, now: Moment) -> None:
        """Give out what looked like the beginning of our own mark, or of something to be redacted."""
        self.held_since = None
        if held := self.strip.flush():
            self._printed(now, held)
        self.record(self.capture.flush(now))

    def _look(self, now: Moment) -> None:
        """Look whether the tool waits for input, when it is time to."""
        turn = self.capture.turn is not None
        due = self.quiet.due_ms(turn=turn)
        if due is None or now.offset_ms < due or self._leaving.exited is not None:
            return
        if self.outward.waiting or self.output_waits():
            # In the middle of a flood the look would be in vain, and it costs a quarter of a millisecond.
            self.quiet.printed(now.offset_ms)
            return
        self.note_gone(now)
        self.quiet.looked(waits=self.keyboard.settled(), turn=self.capture.turn is not None)
        if not self.writer.full:
            self._report_gap(now)

    # --- signals and the end -------------------------------------------------------------------

    def _signalled(self, number: int) -> None:
        if number == signal.SIGWINCH:
            self._resized()
        elif number == signal.SIGTSTP:
            self.suspend()
        elif number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            self._begin_end(number, hangup=number == signal.SIGHUP)

    def _resized(self) -> None:
        size = self.terminal.size()
        self.child.resize(size)
        self.record(self.capture.resize(self.now(), size))
        if (editor := self.keyboard.active) is not None:
            editor.resize(size)

    def redraw(self) -> None:
        """Make a full-screen tool draw itself again: it does so when its size changes, and changes back."""
        size = self.terminal.size()
        self.child.resize(Size(size.cols, max(1, size.rows - 1)))
        self._nudge_at = self.now().offset_ms + NUDGE_MS

    def _told(self) -> None:
        """Show the writer's notices, each said once."""
        for notice in self.writer.notices():
            if self.capture.alternate:
                self.late_notices.append(notice)
                continue
            lead = "" if self.keyboard.editing else "\r\n"
            said = f"{lead}rec: {notice}\r\n".encode()
            self.keyboard.before_output(said)
            self.screen(said)
            self.row.printed(said)
        self.keyboard.refresh()

    def _begin_end(self, number: int | None, *, hangup: bool = False) -> None:
        """Ask the tool to go; what it says on its way out is still shown and recorded."""
        if self._leaving.ask(self.now().offset_ms, number, hangup=hangup):
            self.keyboard.stop()

    def _ended(self) -> bool:
        """Look at the tool; return True when it is gone and its last output is drained."""
        now = self.now().offset_ms
        state = self._leaving.look(now)
        if isinstance(state, Stopped) and jobs.controlled():
            self._stop_with_tool()
        elif isinstance(state, Exited):
            self.quiet.printed(now)
            self.keyboard.end()
        unwritten = self.outward.waiting
        quiet = now - self.quiet.quiet_at
        return self._leaving.drained(now, quiet, over=self.output_over, unwritten=unwritten)

    def _stop_with_tool(self) -> None:
        """Stop as our tool did; go on together."""
        self.keyboard.park()
        stopped = suspending.suspend(self.terminal, self.child, self.capture.ledger, self.screen)
        if stopped:
            self._resized()
        self.keyboard.unpark(moved=stopped)
        self.settle()

    def abandon(self) -> None:
        """Leave in a hurry, after an exception: the screen and the tool get what they would get."""
        with contextlib.suppress(Exception):
            self.keyboard.stop()
        with contextlib.suppress(Exception):
            self.undo()
            self.end_line()
        self.terminal.restore()
        self.child.hangup()
        with contextlib.suppress(Exception):
            self.record(self.capture.ended(self.now(), status=None, signal=None, hangup=False))

    def _finish(self) -> Ending:
        self._start_writer()
        now = self.now()
        ending = self._leaving.ending()
        self._report_gap(now)
        if self._leaving.cut() and not self._leaving.hangup:
            text = "a background job still held the terminal; what it printed later is not recorded"
            self.record(self.capture.note(Kind.SYSTEM, now, text, {"cut": True}))
        hangup = self._leaving.hangup
        self.record(self.capture.ended(now, status=ending.status, signal=ending.signal, hangup=hangup))
        self.outward.flush()
        return ending
