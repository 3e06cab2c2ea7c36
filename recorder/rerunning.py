"""The loop of a recording that first submits the prompts of another session: each when the tool waits.

Engine. ``rerun`` decides what is submitted; here it is typed, as a person would, so that everything
else is as always. What the user types meanwhile waits, but for Ctrl-C, which ends the rerun.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from recorder import dialog, slash
from recorder.errors import RecError
from recorder.gate import Reading
from recorder.model import Kind
from recorder.modes import Mode
from recorder.relay import READ, Relay

if TYPE_CHECKING:
    from concurrent.futures import Future

    from recorder.ending import Ending
    from recorder.model import Turn
    from recorder.rerun import Plan, Step
    from recorder.signals import Signals

LOOK_MS = 10  # between looks whether the tool waits
STUCK_MS = 2_000  # a tool that waits for so long in the middle of a turn asks for what nobody has recorded
UNKNOWN_MS = 250  # of silence, after which a tool counts as waiting of which nobody can tell
_PASTE = 2004  # private mode: a tool that wants to know what was pasted


class Rerunner(Relay):
    """The relay, until the rerun is over like a user's hands on the keyboard."""

    def __init__(self, *parts: Any, plan: Plan, title: bool, **more: Any) -> None:  # noqa: ANN401
        """Take what ``Relay`` takes, and a plan; ``title``: the window's title shows how far it is."""
        super().__init__(*parts, **more)
        self.plan: Plan | None = plan
        self._title = title and self.terminal.stdout_tty
        self._held = b""  # typed meanwhile
        self._input: int | None = None  # standard input that is no terminal: it has its turn afterwards
        self._sent: int | None = None  # the number of the newest turn before the last step
        self._asked: Future[Turn | None] | None = None  # for what the last step has become
        self._waits_since: int | None = None

    def run(self, signals: Signals) -> Ending:
        """Relay until the tool has ended, and submit what there is to submit first."""
        if not self.terminal.stdin_tty:
            self._input, self.terminal.in_fd = self.terminal.in_fd, None
        if self._title:
            self.screen(b"\x1b[22;2t")
        return super().run(signals)

    # --- the loop --------------------------------------------------------------------------------

    def _timeout(self) -> int | None:
        usual = super()._timeout()
        if self.plan is None:
            return usual
        return LOOK_MS if usual is None else min(usual, LOOK_MS)

    def _timers(self) -> None:
        super()._timers()
        if self.plan is None:
            return
        if self._leaving.under_way or self._leaving.exited is not None:
            self.plan.gone()
        elif not self.plan.over:
            self._look_on(self.plan)
        if self.plan.over:
            self._over(self.plan)

    def _typed(self, *, straight: bool = False) -> bool:
        if self.plan is None:
            return super()._typed(straight=straight)
        data = self.terminal.read(READ)
        if not data:
            if data == b"":
                self.plan.stop("the terminal is gone")
                self._over(self.plan)
                return super()._typed(straight=straight)
            return False
        self._held += data
        if (self.child.tty().intr or b"\x03") in data:
            self.plan.stop("interrupted")
        return False

    # --- one step ----------------------------------------------------------------------------------

    def _look_on(self, plan: Plan) -> None:
        """Submit the next step, if the tool waits for it."""
        if self._asked is not None:
            if not self._asked.done():
                return
            asked, self._asked = self._asked, None
            row = None
            with contextlib.suppress(RecError):
                row = asked.result()
            plan.ended(row)
            if plan.over:
                return
        if not self._waits(plan):
            self._waits_since = None
            return
        running = self.capture.running is not None
        if self._sent is not None and not running:
            number, self._sent = self._sent + 1, None
            if self.capture.last >= number:
                session = self.capture.source.session
                self._asked = self.writer.call(lambda store: store.turn(session, number))
                return
        step = plan.upcoming(self.row.prompt, running=running)
        if step is not None:
            self._submit(plan, step)
        elif running and not plan.over:
            now = self.now().offset_ms
            self._waits_since = now if self._waits_since is None else self._waits_since
            if now - self._waits_since >= STUCK_MS:
                plan.stop("the tool waits for something else")

    def _waits(self, plan: Plan) -> bool:
        """Say whether the tool waits for a line; a hidden read ends the rerun."""
        keyboard = self.keyboard
        if keyboard.holding or keyboard.overlay.active or self.inward.waiting or self.output_waits():
            return False
        if keyboard.editing:
            return True
        facts = keyboard.facts()
        quiet = self.now().offset_ms - self.quiet.quiet_at
        if facts.mode is Mode.RAW:
            reads = self._gate.look(self.child.foreground())
            known = reads is Reading.READING and quiet >= dialog.SETTLE_MS
            return known or (reads is Reading.UNKNOWN and quiet >= UNKNOWN_MS)
        waits = dialog.waits(facts)
        if facts.mode is Mode.SECRET:
            if waits and quiet >= UNKNOWN_MS:
                plan.stop("the tool asks for hidden input")
            return False
        return waits and not facts.editor

    def _submit(self, plan: Plan, step: Step) -> None:
        """Type one line."""
        self._waits_since = None
        if step.turn is not None:
            self._show(plan.progress)
        self._sent = None if step.inner or step.turn is None else self.capture.last
        self.capture.again(None if step.inner else step.turn)
        ours = self.keyboard.editing
        text = step.text
        if ours and not isinstance(slash.parse(text), slash.Literal):
            text = f"/{text}"
        keys = text.encode(errors="surrogateescape")
        if (b"\t" in keys or b"\n" in keys) and (ours or self.capture.ledger.is_on(_PASTE)):
            keys = b"\x1b[200~%s\x1b[201~" % keys
        else:
            keys = keys.replace(b"\n", b"\r")
        self.quiet.printed(self.now().offset_ms)
        self.keyboard.push(keys + b"\r")

    # --- what the user sees --------------------------------------------------------------------------

    def _show(self, progress: str) -> None:
        if self._title:
            self.screen(b"\x1b]2;%s\x07" % progress.encode())

    def _over(self, plan: Plan) -> None:
        """Say how it ended, and give the keyboard to the user."""
        self.plan = None
        self.capture.again(None)
        if self._title:
            self.screen(b"\x1b[23;2t")
        if self._input is not None:
            self.terminal.in_fd = self._input
        self.record(self.capture.note(Kind.SYSTEM, self.now(), plan.over, {"rerun": plan.progress}))
        if self.capture.alternate or self._leaving.exited is not None:
            self.late_notices.append(plan.over)
        elif self.keyboard.editing:
            said = f"rec: {plan.over}\r\n".encode()
            self.keyboard.before_output(said)
            self.screen(said)
            self.row.printed(said)
            self.keyboard.refresh()
        else:
            self.row.above(f"rec: {plan.over}")
        held, self._held = self._held, b""
        if held:
            self.keyboard.push(held)
