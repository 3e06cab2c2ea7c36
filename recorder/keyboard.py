"""Route what the user types: one queue, one consumer for each key.

Engine. It takes the steps that ``dialog`` decides: to the tool, to the line editor, to the
recorder's palette, or back into the queue. What it never does is record a key: events are made
from lines that it sends itself, and from what the tool displays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder import dialog
from recorder.dialog import Facts, Reads, Step
from recorder.editor import Verdict
from recorder.keys import KeyQueue, Scanner
from recorder.model import Kind
from recorder.modes import Mode
from recorder.overlay import Overlay
from recorder.promptline import folded
from recorder.sense import Sense
from recorder.submission import Submission

if TYPE_CHECKING:
    from recorder.ahead import AheadCapture
    from recorder.child import Child, Tty
    from recorder.console import Desk, Palette, Reply
    from recorder.editor import LineEditor, Outcome
    from recorder.gate import ReadGate
    from recorder.model import Meta, Moment
    from recorder.wires import Wires

HALF_LINE_MS = 20  # of silence after which a line that the tool has begun may be a prompt …
COVERED_MS = 100  # … and after which the edit is drawn again in any case
BURST_MS = 20  # of taking keys, after which output and signals have their turn
FULL = 1 << 20  # bytes that were typed ahead; a signal key behind more of them is not seen


class Keyboard:
    """The state of one session's typing."""

    def __init__(
        self, child: Child, gate: ReadGate, capture: AheadCapture, wires: Wires, desk: Desk, *, override: str
    ) -> None:
        """Take the parts; ``override`` is the mode the user asked for, or ``auto``."""
        self._sense = Sense(child, gate, wires, override)
        self._capture = capture
        self._wires = wires
        self._desk = desk
        self._scanner = Scanner(desk.prefix)
        self._keys = KeyQueue()
        self._editor: LineEditor | None = None
        self._tired = False  # of taking steps, although there are more to take
        self._no_more = False  # the input has ended
        self._over = False  # the tool is gone
        self._gone: list[tuple[Moment, bytes]] = []  # keys that the tool has and capture does not know yet
        self.row = wires.row
        self._lines = Submission(self._sense, capture, wires)
        self._edit_on: str | None = None  # the text of an edit that a stop has interrupted
        self.overlay = Overlay(desk, capture, wires, self.note_command)

    # --- facts ---------------------------------------------------------------------------------

    @property
    def editing(self) -> bool:
        """Say whether the line editor is on the screen."""
        return self._editor is not None and self._editor.active

    @property
    def holding(self) -> bool:
        """Say whether something waits: keys, lines or a commit for the tool, its reader, a step of ours."""
        return bool(self._keys or self._lines or self._tired or self._capture.ahead)

    @property
    def full(self) -> bool:
        """Say whether so much waits here that the terminal must not be read."""
        return len(self._keys) >= FULL

    @property
    def active(self) -> LineEditor | Palette | None:
        """Return the editor that has work of its own, for the relay to step."""
        if self.overlay.palette is not None:
            return self.overlay.palette
        return self._editor if self.editing else None

    def due_ms(self) -> int | None:
        """Return the offset (ms) of the next thing that time alone decides here, or None."""
        if self._tired:
            return 0
        half_a_key = self._keys.due_ms() if self.active is not None else None
        return min((at for at in (self._lines.due_ms, half_a_key) if at is not None), default=None)

    def facts(self) -> Facts:
        """Look at everything that the next step depends on, in the order in which the tool does it.

        It takes our line, sets its terminal, reads: whatever was seen before it took the line says
        nothing about afterwards, and the settings are final only once it reads.
        """
        if self._sense.mode(self._sense.tty()) is Mode.RAW:
            return dialog.passing(self._sense.quiet_ms, self.editing, len(self._lines), keys=bool(self._keys))
        acknowledged = self._sense.acknowledged()
        mode = self._sense.mode(self._sense.tty())
        need_gate = mode is Mode.SECRET or (mode is Mode.LINE and not (self.editing and not self._lines))
        reads = self._sense.reads() if need_gate else Reads.NO
        tty = self._sense.tty()
        return Facts(
            mode=self._sense.mode(tty),
            reads=reads,
            quiet_ms=self._sense.quiet_ms,
            acknowledged=acknowledged,
            editing=self.editing,
            editor=self._desk.editor is not None,
            lines=len(self._lines),
            control=not self.editing and self._control(tty) >= 0,
            keys=bool(self._keys),
        )

    def _control(self, tty: Tty) -> int:
        """Return where in the queue the last signal key stands, or -1."""
        if not tty.isig:
            return -1
        return self._keys.rfind(*(key for key in (tty.intr, tty.quit, tty.susp) if key))

    # --- keys ----------------------------------------------------------------------------------

    def push(self, data: bytes) -> None:
        """Take typed bytes."""
        self._keys.push(data, self._wires.now().offset_ms)
        self.pump()

    def no_more(self) -> None:
        """Take note that nothing comes any more: what is here without a newline is all of its line."""
        self._no_more = True
        self.pump()

    @property
    def straight(self) -> bool:
        """Say whether ``at_once`` may be tried: nobody else can want the next key."""
        ours = self._keys or self._lines or self._over or self.editing or self.overlay.active
        return not ours and not self._capture.undecided

    def at_once(self, data: bytes) -> bool:
        """Give typed bytes to a tool that edits its own line; False when they are not for it alone.

        The way of nearly every key, hence a short one: the tool has it before anything is looked at
        that does not decide where it goes.
        """
        if not self._sense.raw() or not self._scanner.passes(data):
            return False
        self._wires.send(data)
        self._gone.append((self._wires.now(), data))
        return True

    def catch_up(self) -> None:
        """Show capture the keys that went to the tool at once, before it is shown or asked anything else."""
        while self._gone:
            now, data = self._gone.pop(0)
            self._wires.record(self._capture.typed(now, self._scanner.scan(data)))

    def pump(self) -> None:
        """Take steps until nothing more can be done now, or the rest of the loop has to have its turn."""
        self._tired = False
        if self._over:
            return
        if self.overlay.active:
            self.overlay.feed(self._keys)
            if self.overlay.active:
                return
        until = self._wires.now().offset_ms + BURST_MS
        while True:
            self._lines.look()
            step = dialog.decide(self.facts())
            if step in (Step.WAIT, Step.HOLD):
                return
            if not self._take(step):
                return
            if self._wires.now().offset_ms > until:
                self._tired = True
                return

    def _take(self, step: Step) -> bool:
        """Take one step; return False when the rest has to wait."""
        steps = {
            Step.PASS: self._pass,
            Step.EDIT: self._edit,
            Step.SEND: self._lines.send,
            Step.OPEN: self._open,
            Step.LEAVE: self._leave,
            Step.SECRET: self._secret,
        }
        return steps.get(step, self._signal)()

    def _pass(self) -> bool:
        inner = self._capture.nested
        nested = inner is not None and self._sense.holds_terminal(inner)
        scan = self._scanner.scan(self._keys.all(), nested=nested)
        if scan.forward:
            if self._capture.undecided and self._sense.reads() is Reads.YES:
                self._at_prompt(line=False, reading=True)  # before these keys are drawn behind it
            self._wires.send(scan.forward)
            self._wires.record(self._capture.typed(self._wires.now(), scan))
        if scan.hit:
            self._keys.push(scan.rest, self._wires.now().offset_ms)
            self.overlay.open()
            self.overlay.feed(self._keys)
            return not self.overlay.active
        return False

    def _secret(self) -> bool:
        """Give a hidden read its keys, a line at a time: what follows may be meant for another read."""
        end = self._keys.find(b"\r", b"\n")
        if end < 0:
            self._wires.send(self._keys.all())
            return False
        self._sense.expect_answer()
        self._wires.send(self._keys.upto(end + 1))
        self._wires.record(self._capture.hidden(self._wires.now(), self.row.line))
        return True

    def _signal(self) -> bool:
        """Give a signal key to the tool at once; as on any terminal, it drops what was typed before."""
        tty = self._sense.tty()
        key = self._keys.upto(self._control(tty) + 1)[-1:]
        self._lines.drop()
        self.row.put_back()
        self._give_signal(key, tty)
        return True

    def _give_signal(self, key: bytes, tty: Tty) -> None:
        self._lines.let_go()  # with most of these keys, the kernel drops what nobody has read
        # The kernel ignores Ctrl-Z for a session leader: its process group has nobody to continue it.
        if key == tty.susp and self._sense.in_foreground():
            self._wires.suspend()
        else:
            self._wires.send(key)

    # --- line editor ---------------------------------------------------------------------------

    def _open(self) -> bool:
        if self._desk.editor is None:
            return self._lines.cut(self._keys, ended=self._no_more)
        self._editor = self._editor or self._desk.editor()
        self._at_prompt(line=True, reading=True)
        self.row.edit(self._editor)
        return bool(self._keys)

    def _at_prompt(self, *, line: bool, reading: bool) -> None:
        self._wires.record(self._capture.settled(self._wires.now(), reading=reading, line=line))

    def settled(self) -> bool:
        """Look whether the tool waits for input now that its output has come to rest."""
        facts = self.facts()
        if facts.mode is Mode.SECRET or self.overlay.active:
            self.pump()
            return True
        if facts.mode is Mode.LINE:
            # The echo alone is no answer: its reader may have been back before its output was seen.
            early = self._capture.silent and facts.quiet_ms < dialog.SETTLE_MS
            waiting = (dialog.waits(facts) and not early) or self.editing
            if waiting and not facts.lines:
                self._at_prompt(line=True, reading=True)
        else:
            reads = self._sense.reads()
            quiet = facts.quiet_ms >= dialog.SETTLE_MS
            waiting = quiet if reads is Reads.UNKNOWN or self._capture.silent else reads is Reads.YES
            if waiting and reads is not Reads.NO:
                self._at_prompt(line=False, reading=reads is Reads.YES)
        self.pump()
        return waiting

    def _edit(self) -> bool:
        key = self._keys.key(self._wires.now().offset_ms)
        if key is None or self._editor is None:
            return False
        outcome = self._editor.feed(key)
        if outcome is not None:
            self._finish(outcome)
        return True

    def _finish(self, outcome: Outcome) -> None:
        """Act on the end of an edit; the editor has erased itself."""
        tty = self._sense.tty()
        if outcome.verdict is Verdict.ACCEPT:
            self._accept(outcome.text)
            return
        self.row.put_back()
        if outcome.verdict is Verdict.EOF:
            self._sense.expect_answer()
            self._wires.send(tty.eof or b"\x04")
            return
        if outcome.verdict is Verdict.SUSPEND and self._sense.in_foreground():
            self._edit_on = outcome.text
            self.row.shadow(outcome.text)
            self._wires.suspend()
            return
        self.row.typed(outcome.text)
        keys = {Verdict.INTERRUPT: tty.intr, Verdict.QUIT: tty.quit, Verdict.SUSPEND: tty.susp}
        self._give_signal(keys[outcome.verdict], tty)
        self._sense.heard()
        self._wires.settle()

    def _accept(self, text: str) -> None:
        reply = self._desk.console.reply(text) if self._desk.slash else None
        if reply is not None and reply.line is None:
            self._answer(text, reply)
            return
        if reply is not None and reply.line is not None:
            text = reply.line
        lines = text.split("\n")
        for line in lines:
            self._desk.console.submitted(line)
        self._lines.add(lines)

    def _answer(self, text: str, reply: Reply) -> None:
        """Show the recorder's answer above the prompt and record both."""
        said = folded(reply.text, self._wires.columns()) if reply.failed else reply.text.splitlines()
        self.row.answer("\n".join([text, *said]))
        self.note_command(text, reply)
        self._wires.act(reply)

    def note_command(self, text: str, reply: Reply) -> None:
        """Record a command given to the recorder and its answer."""
        meta: Meta = {"answer": reply.text, "failed": reply.failed}
        self._wires.record(self._capture.note(Kind.COMMAND, self._wires.now(), text, meta))

    def _leave(self) -> bool:
        """Give the line back: the tool has changed its terminal's mode."""
        text = self._editor.stop() if self._editor is not None and self._editor.active else ""
        ahead = self._lines.back()
        ahead += [text] if text or ahead else []
        typed = "\r".join(ahead).encode(errors="surrogateescape") + self._keys.all()
        self._keys.push(typed, self._wires.now().offset_ms)
        self.row.put_back()
        return True

    # --- output --------------------------------------------------------------------------------

    def before_output(self, data: bytes) -> None:
        """Make room on the screen: ``data`` is about to be written."""
        if self.editing and self._editor is not None:
            self.row.cover(self._editor, data, self._wires.now().offset_ms)
        else:
            self.row.put_back()

    def after_output(self, data: bytes) -> None:
        """Take note of what was written: it may be the beginning of a prompt."""
        self._sense.heard()
        self.row.printed(data)

    def reshow_ms(self) -> int | None:
        """Return when (ms offset) a covered edit is to be drawn again, unless output waits then."""
        if not self.row.covered:
            return None
        now = self._wires.now().offset_ms
        silent = self._sense.quiet_ms
        wanted = HALF_LINE_MS if self.row.unfinished else 0
        return min(now + wanted - silent, self.row.covered_ms + COVERED_MS)

    def reshow(self) -> None:
        """Draw the edit again below output that has come to rest."""
        if self._editor is not None:
            self.row.uncover(self._editor)
        self.pump()

    def refresh(self) -> None:
        """Draw the edit again, if it is to be seen: what its bottom line says may have changed."""
        if self._editor is not None and self.editing and not (self.overlay.active or self.row.covered):
            self._editor.refresh()

    def stop(self) -> None:
        """Take everything of ours off the screen; the session ends."""
        self.overlay.stop()
        if self._editor is not None and self._editor.active:
            self._editor.stop()
            self.row.put_back()

    def park(self) -> None:
        """Leave the screen to the shell above: we stop with the tool."""
        if self._editor is not None and self._editor.active:
            self._edit_on = self._editor.stop()
            self.row.put_back()
            self.row.shadow(self._edit_on)

    def unpark(self, *, moved: bool) -> None:
        """Go on with the edit; ``moved``: the shell has used the screen meanwhile."""
        text, self._edit_on = self._edit_on, None
        self.row.lost(moved=moved or text is None)
        if text is not None and self._editor is not None:
            self.row.edit(self._editor, text)

    def end(self) -> None:
        """Take no more keys: there is nobody to have them."""
        self.stop()
        self._over = True

    def stepped(self) -> None:
        """Look whether a step of the editors' own closed the palette."""
        was_open = self.overlay.active
        self.overlay.look()
        if was_open and not self.overlay.active:
            self.pump()
