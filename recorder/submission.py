"""Lines that were submitted, until the tool has them: each is in the store before it is sent.

Engine. When a line may be sent is decided by ``dialog``; a store that is slow holds it up for a
moment only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from recorder.dialog import Reads
from recorder.keys import as_sent
from recorder.model import Kind
from recorder.modes import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorder.ahead import AheadCapture
    from recorder.keys import KeyQueue
    from recorder.sense import Sense
    from recorder.wires import Wires

COMMIT_MS = 100  # Enter waits this long for its prompt to be on disk


class Commit(NamedTuple):
    """A submitted line on its way into the store: how long to wait, and whether to wait at all."""

    ticket: int
    deadline_ms: int
    hold: bool


class Submission:
    """The queue of one session's submitted lines."""

    def __init__(self, sense: Sense, capture: AheadCapture, wires: Wires) -> None:
        """Begin empty."""
        self._sense = sense
        self._capture = capture
        self._wires = wires
        self._lines: list[str] = []
        self._commit: Commit | None = None  # of the first of them
        self._torn = False  # the last of them has no newline: the input has ended in it

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def due_ms(self) -> int | None:
        """Return the offset (ms) at which the first line is sent in any case, or None."""
        return None if self._commit is None else self._commit.deadline_ms

    def add(self, lines: Iterable[str], *, torn: bool = False) -> None:
        """Take lines, in order; ``torn``: the input has ended in the middle of the last."""
        self._lines.extend(lines)
        self._torn = torn

    def cut(self, keys: KeyQueue, *, ended: bool) -> bool:
        """Take the next line from a pipe, without an editor; ``ended``: the rest of it is a line too."""
        end = keys.find(b"\n")
        if end < 0:
            end = keys.find(b"\r")
        torn = end < 0 and ended
        if end < 0 and not torn:
            return False
        line = keys.all() if torn else keys.upto(end + 1)[:-1]
        self._wires.record(self._capture.settled(self._wires.now(), reading=True, line=True))
        self.add([line.decode(errors="surrogateescape")], torn=torn)
        return True

    def send(self) -> bool:
        """Send the first line once its prompt is in the store, or 100 ms later; say whether it went."""
        now = self._wires.now()
        commit = self._commit or self._store(self._lines[0])
        if not commit.hold and not self._wires.durable(commit.ticket):
            if now.offset_ms < commit.deadline_ms:
                return False
            text = "a prompt was sent before it was safely stored: the store is slow"
            self._wires.record(self._capture.note(Kind.ALERT, now, text, {"rule": "late-prompt"}))
        self._hand_over()
        return True

    def _store(self, line: str) -> Commit:
        now = self._wires.now()
        hold = self._sense.reads() is Reads.UNKNOWN
        self._wires.record(self._capture.settled(now, reading=True, line=True))
        items = self._capture.submitted(now, line, self._wires.row.prompt, hold=hold)
        self._commit = Commit(self._wires.record(items), now.offset_ms + COMMIT_MS, hold)
        return self._commit

    def _hand_over(self) -> None:
        """Give the tool the first line."""
        self._commit = None
        line = self._lines.pop(0)
        self._wires.row.put_back()
        self._sense.expect_answer()
        whole = bool(self._lines) or not self._torn
        sent = as_sent(line.encode(errors="surrogateescape"), self._sense.tty().eof, whole=whole)
        self._wires.send(sent)

    def look(self) -> None:
        """Look who has taken the lines that may have been left to the shell."""
        if not self._capture.ahead:
            return
        if self._sense.mode(self._sense.tty()) is Mode.SECRET:
            self.let_go()
        elif (pending := self._sense.pending()) is not None:
            # A line that waits for its prompt to be stored is not among the bytes that the terminal has.
            unsent = len(self._lines[0].encode(errors="surrogateescape")) + 1 if self._commit else 0
            self._wires.record(self._capture.taken(self._wires.now(), pending + unsent))

    def let_go(self) -> None:
        """Keep nothing of lines that nobody has taken: a hidden read gets them, or a signal drops them."""
        self._wires.record(self._capture.let_go(self._wires.now()))

    def drop(self) -> None:
        """Forget the lines; one that is in the record goes to the tool, if only for the tool to drop it."""
        if self._commit is not None:
            self._hand_over()
        self._lines.clear()

    def back(self) -> list[str]:
        """Give the lines back: nobody takes them as lines any more."""
        self._commit = None
        lines, self._lines = self._lines, []
        return lines
