"""Route what the user types: one queue, one consumer for each key.

Engine. It takes the steps that ``dialog`` decides: to the tool, to the line editor, to the
recorder's palette, or back into the queue. What it never does is record a key: events are made
from lines that it sends itself, and from what the tool displays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from recorder import dialog
from recorder.console import Reply
from recorder.dialog import Facts, Reads, Step
from recorder.editor import Verdict
from recorder.errors import RecError
from recorder.gate import Reading
from recorder.keys import Scanner, is_reply, split_key
from recorder.model import Kind, Moment
from recorder.modes import Mode, mode_of
from recorder.promptline import PromptLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorder.capture import Capture, Item
    from recorder.child import Child, Tty
    from recorder.console import Desk, Palette
    from recorder.editor import LineEditor, Outcome
    from recorder.gate import ReadGate, Token
    from recorder.model import Meta

COMMIT_MS = 100  # Enter waits this long for its prompt to be on disk
PIECE = 2000  # bytes of a long line between two VEOFs; the kernel cuts a line at 4095
ESCAPE_MS = 50  # after which a lone ESC is the Escape key
_READS = {Reading.READING: Reads.YES, Reading.BUSY: Reads.NO, Reading.UNKNOWN: Reads.UNKNOWN}


class Wires(Protocol):
    """What the relay lends to the keyboard."""

    def now(self) -> Moment:
        """Read both clocks."""

    def screen(self, data: bytes) -> None:
        """Write to the user's terminal."""

    def send(self, data: bytes) -> None:
        """Write to the tool."""

    def record(self, items: Iterable[Item]) -> int:
        """Hand items to the writer; return a ticket."""

    def durable(self, ticket: int) -> bool:
        """Say whether what the ticket stands for is in the store."""

    def act(self, reply: Reply) -> None:
        """Do what a reply asks of the engine."""

    def suspend(self) -> None:
        """Stop the tool and ourselves (Ctrl-Z)."""

    def settle(self) -> None:
        """Look again soon whether the tool waits: a line was sent."""

    def output_waits(self) -> bool:
        """Say whether the tool has printed something that was not read yet."""

    def columns(self) -> int:
        """Return the terminal's width."""


class Commit(NamedTuple):
    """A submitted line on its way into the store: how long to wait, and whether to wait at all."""

    ticket: int
    deadline_ms: int
    hold: bool


class Keyboard:
    """The state of one session's typing."""

    def __init__(
        self, child: Child, gate: ReadGate, capture: Capture, wires: Wires, desk: Desk, *, override: str
    ) -> None:
        """Take the parts; ``override`` is the mode the user asked for, or ``auto``."""
        self._child = child
        self._gate = gate
        self._capture = capture
        self._wires = wires
        self._desk = desk
        self._override = override
        self._scanner = Scanner(desk.prefix)
        self._keys = b""  # typed and given to nobody yet
        self._since = Moment(0, 0)  # of the oldest incomplete key
        self._editor: LineEditor | None = None
        self._palette: Palette | None = None
        self._lines: list[str] = []  # submitted, not yet sent
        self._commit: Commit | None = None  # of the first of them
        self._sent: Token | None = None  # acknowledgement token of the last line
        self.row = PromptLine(wires.screen, wires.columns)
        self._quiet_since = 0

    # --- facts ---------------------------------------------------------------------------------

    @property
    def editing(self) -> bool:
        """Say whether the line editor is on the screen."""
        return self._editor is not None and self._editor.active

    @property
    def palette(self) -> Palette | None:
        """Return the palette while it is open."""
        return self._palette

    @property
    def holding(self) -> bool:
        """Say whether something waits for the tool to read: keys, lines, a commit."""
        return bool(self._keys or self._lines)

    @property
    def active(self) -> LineEditor | Palette | None:
        """Return the editor that has work of its own, for the relay to step."""
        if self._palette is not None:
            return self._palette
        return self._editor if self.editing else None

    def due_ms(self) -> int | None:
        """Return the offset (ms) of the next thing that time alone decides here, or None."""
        due = []
        if self._commit is not None:
            due.append(self._commit.deadline_ms)
        if self._keys:
            due.append(self._since.offset_ms + ESCAPE_MS)
        return min(due, default=None)

    def mode(self, tty: Tty | None = None) -> Mode:
        """Read the tool's terminal settings."""
        tty = tty or self._child.tty()
        return mode_of(canonical=tty.canonical, echo=tty.echo, override=self._override)

    def facts(self, *, keys: bool = True) -> Facts:
        """Look at everything that the next step depends on."""
        tty = self._child.tty()
        mode = self.mode(tty)
        need_gate = mode is Mode.SECRET or (mode is Mode.LINE and not (self.editing and not self._lines))
        group = self._child.foreground() if need_gate or self._sent is not None else None
        reads = self._reads(group) if need_gate else Reads.UNKNOWN
        return Facts(
            mode=mode,
            reads=reads,
            quiet_ms=self._wires.now().offset_ms - self._quiet_since,
            acknowledged=self._acknowledged(),
            editing=self.editing,
            editor=self._desk.editor is not None,
            lines=len(self._lines),
            control=self._control(tty) >= 0,
            keys=keys and bool(self._keys),
        )

    def _reads(self, group: int | None) -> Reads:
        """Ask the gate; what a tool printed before it began to read comes first."""
        reads = _READS[self._gate.look(group)]
        return Reads.NO if self._wires.output_waits() else reads

    def _acknowledged(self) -> bool | None:
        """Say whether the tool has consumed the line that we sent last."""
        if self._sent is None:
            return True
        consumed = self._gate.consumed(self._sent)
        if consumed is False:
            return False
        pending = self._child.pending()
        if pending:
            return False
        if consumed is None and pending is None:
            return None
        self._sent = None
        return True

    def _control(self, tty: Tty) -> int:
        """Return where in the queue the last signal key stands, or -1."""
        if not tty.isig:
            return -1
        keys = [key for key in (tty.intr, tty.quit, tty.susp) if key]
        return max((self._keys.rfind(key) for key in keys), default=-1)

    # --- keys ----------------------------------------------------------------------------------

    def push(self, data: bytes) -> None:
        """Take typed bytes."""
        if not self._keys:
            self._since = self._wires.now()
        self._keys += data
        self.pump()

    def pump(self) -> None:
        """Take steps until nothing more can be done now."""
        if self._palette is not None:
            self._feed_palette()
            if self._palette is not None:
                return
        while True:
            step = dialog.decide(self.facts())
            if step in (Step.WAIT, Step.HOLD):
                return
            if not self._take(step):
                return

    def _take(self, step: Step) -> bool:
        """Take one step; return False when the rest has to wait."""
        if step is Step.PASS:
            return self._pass()
        if step is Step.EDIT:
            return self._edit()
        if step is Step.SEND:
            return self._send()
        if step is Step.OPEN:
            return self._open()
        if step is Step.LEAVE:
            return self._leave()
        if step is Step.SECRET:
            return self._secret()
        return self._signal()

    def _pass(self) -> bool:
        keys, self._keys = self._keys, b""
        scan = self._scanner.scan(keys)
        if scan.forward:
            self._wires.send(scan.forward)
            self._wires.record(self._capture.typed(self._wires.now(), scan))
        if scan.hit:
            self._keys = scan.rest
            self._open_palette()
            return self._palette is None
        return False

    def _secret(self) -> bool:
        """Give a hidden read its keys, a line at a time: what follows may be meant for another read."""
        end = min((at for at in (self._keys.find(b"\r"), self._keys.find(b"\n")) if at >= 0), default=-1)
        entered = end >= 0
        part = self._keys[: end + 1] if entered else self._keys
        self._keys = self._keys[len(part) :]
        if entered:
            self._sent = self._gate.token(self._child.foreground())
        self._wires.send(part)
        if entered:
            self._wires.record(self._capture.hidden(self._wires.now(), self.row.line))
            self._mark_quiet()
        return entered

    def _signal(self) -> bool:
        """Give a signal key to the tool at once; as on any terminal, it drops what was typed before."""
        tty = self._child.tty()
        at = self._control(tty)
        key = self._keys[at : at + 1]
        self._keys = self._keys[at + 1 :]
        self._lines.clear()
        self._commit = None
        if key == tty.susp and self._child.foreground() == self._child.pid:
            self._wires.suspend()
        else:
            self._wires.send(key)
        return True

    # --- line editor ---------------------------------------------------------------------------

    def _open(self) -> bool:
        if self._desk.editor is None:
            return self._plain_line()
        if self._editor is None:
            self._editor = self._desk.editor()
        self._at_prompt(line=True, reading=True)
        self.row.edit(self._editor)
        return bool(self._keys)

    def _at_prompt(self, *, line: bool, reading: bool) -> None:
        self._wires.record(self._capture.settled(self._wires.now(), reading=reading, line=line))

    def settled(self) -> bool:
        """Look whether the tool waits for input now that its output has come to rest."""
        facts = self.facts()
        if facts.mode is Mode.SECRET or self._palette is not None:
            self.pump()
            return True
        if facts.mode is Mode.LINE:
            # The echo alone is no answer: its reader may have been back before its output was seen.
            early = self._capture.silent and facts.quiet_ms < dialog.SETTLE_MS
            waiting = (dialog.waits(facts) and not early) or self.editing
            if waiting and not facts.lines:
                self._at_prompt(line=True, reading=True)
        else:
            reads = self._reads(self._child.foreground())
            quiet = facts.quiet_ms >= dialog.SETTLE_MS
            waiting = quiet if reads is Reads.UNKNOWN or self._capture.silent else reads is Reads.YES
            if waiting and reads is not Reads.NO:
                self._at_prompt(line=False, reading=reads is Reads.YES)
        self.pump()
        return waiting

    def _plain_line(self) -> bool:
        """Send lines as they come, without an editor: an end of the pipe is no terminal."""
        end = self._keys.find(b"\n")
        if end < 0:
            end = self._keys.find(b"\r")
        if end < 0:
            return False
        line, self._keys = self._keys[:end], self._keys[end + 1 :]
        self._at_prompt(line=True, reading=True)
        self._lines.append(line.decode(errors="surrogateescape"))
        return True

    def _edit(self) -> bool:
        editor = self._editor
        if editor is None:
            return False
        cut = split_key(self._keys, final=self._escape_is_due())
        if cut is None:
            return False
        key, self._keys = cut
        self._since = self._wires.now()
        if is_reply(key):
            return True
        outcome = editor.feed(key)
        if outcome is not None:
            self._finish(outcome)
        return True

    def _escape_is_due(self) -> bool:
        return self._wires.now().offset_ms - self._since.offset_ms >= ESCAPE_MS

    def _finish(self, outcome: Outcome) -> None:
        """Act on the end of an edit; the editor has erased itself."""
        tty = self._child.tty()
        if outcome.verdict is Verdict.ACCEPT:
            self._accept(outcome.text)
            return
        self.row.put_back()
        if outcome.verdict is Verdict.EOF:
            self._expect_answer()
            self._wires.send(tty.eof or b"\x04")
            return
        self.row.typed(outcome.text)
        if outcome.verdict is Verdict.SUSPEND:
            if self._child.foreground() == self._child.pid:
                self._wires.suspend()
            else:
                self._wires.send(tty.susp)
        else:
            self._wires.send(tty.intr if outcome.verdict is Verdict.INTERRUPT else tty.quit)
        self._mark_quiet()

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
        self._lines.extend(lines)

    def _answer(self, text: str, reply: Reply) -> None:
        """Show the recorder's answer above the prompt and record both."""
        self.row.answer("\n".join([text, *reply.text.splitlines()]))
        self.note_command(text, reply)
        self._wires.act(reply)

    def note_command(self, text: str, reply: Reply) -> None:
        """Record a command given to the recorder and its answer."""
        meta: Meta = {"answer": reply.text, "failed": reply.failed}
        self._wires.record(self._capture.note(Kind.COMMAND, self._wires.now(), text, meta))

    def _send(self) -> bool:
        """Send the first submitted line once its prompt is in the store, or 100 ms later."""
        now = self._wires.now()
        line = self._lines[0]
        if self._commit is None:
            hold = self._gate.look(self._child.foreground()) is Reading.UNKNOWN
            items = self._capture.submitted(now, line, self.row.prompt, hold=hold)
            ticket = self._wires.record(items)
            self._commit = Commit(ticket, now.offset_ms + COMMIT_MS, hold)
        commit = self._commit
        if not commit.hold and not self._wires.durable(commit.ticket):
            if now.offset_ms < commit.deadline_ms:
                return False
            self._late()
        self._commit = None
        del self._lines[0]
        self.row.put_back()
        self._expect_answer()
        self._transmit(line.encode(errors="surrogateescape"))
        return True

    def _late(self) -> None:
        text = "a prompt was sent before it was safely stored: the store is slow"
        meta: Meta = {"rule": "late-prompt"}
        self._wires.record(self._capture.note(Kind.ALERT, self._wires.now(), text, meta))

    def _transmit(self, line: bytes) -> None:
        """Write a line; a long one in pieces, each made readable by an end-of-file character."""
        if len(line) <= PIECE:
            self._wires.send(line + b"\r")
            return
        eof = self._child.tty().eof
        for at in range(0, len(line), PIECE):
            piece = line[at : at + PIECE]
            self._wires.send(piece + (b"\r" if at + PIECE >= len(line) else eof))

    def _expect_answer(self) -> None:
        self._sent = self._gate.token(self._child.foreground())
        self._mark_quiet()

    def _mark_quiet(self) -> None:
        self._quiet_since = self._wires.now().offset_ms
        self._wires.settle()

    def _leave(self) -> bool:
        """Give the line back: the tool has changed its terminal's mode."""
        text = self._editor.stop() if self._editor is not None and self._editor.active else ""
        self._commit = None
        ahead = [*self._lines, text] if text or self._lines else []
        self._lines.clear()
        self._keys = "\r".join(ahead).encode(errors="surrogateescape") + self._keys
        self.row.put_back()
        return True

    # --- output --------------------------------------------------------------------------------

    def before_output(self) -> None:
        """Make room on the screen: output is about to be written."""
        if self.editing and self._editor is not None:
            self.row.cover(self._editor)
        else:
            self.row.put_back()

    def after_output(self, data: bytes) -> None:
        """Take note of what was written: it may be the beginning of a prompt."""
        self._quiet_since = self._wires.now().offset_ms
        self.row.printed(data)

    def reshow(self) -> None:
        """Draw the edit again below output that has come to rest."""
        if self._editor is not None:
            self.row.uncover(self._editor)
        self.pump()

    # --- palette -------------------------------------------------------------------------------

    def _open_palette(self) -> None:
        if self._desk.palette is None:
            return
        ledger = self._capture.ledger
        self._wires.screen(ledger.neutral())
        self._palette = self._desk.palette(self._command)
        self._palette.open(alternate=self._capture.alternate)
        self._since = self._wires.now()
        self._feed_palette()

    def _command(self, line: str) -> str:
        reply = self._desk.console.command(line)
        self.note_command(line if line.startswith("/") else f"/{line}", reply)
        self._wires.act(reply)
        if reply.failed:
            raise RecError(reply.text.removeprefix("rec: "))
        return reply.text

    def _feed_palette(self) -> None:
        """Give keys to the palette; the prefix key again is meant for the tool."""
        palette = self._palette
        while palette is not None and palette.active and self._keys:
            cut = split_key(self._keys, final=self._escape_is_due())
            if cut is None:
                return
            key, self._keys = cut
            self._since = self._wires.now()
            if is_reply(key):
                continue
            if key == self._desk.prefix:
                palette.close()
                self._wires.send(key)
            elif palette.feed(key):
                break
        if palette is not None and not palette.active:
            self._close_palette()

    def _close_palette(self) -> None:
        self._palette = None
        self._wires.screen(self._capture.ledger.reassert())
        if self._capture.alternate:
            self._wires.act(Reply(action="", line="redraw"))

    def stop(self) -> None:
        """Take everything of ours off the screen; the session ends."""
        if self._palette is not None:
            self._palette.close()
            self._palette = None
        if self._editor is not None and self._editor.active:
            self._editor.stop()
            self.row.put_back()

    def stepped(self) -> None:
        """Look whether a step of the editors' own closed the palette."""
        if self._palette is not None and not self._palette.active:
            self._close_palette()
            self.pump()
