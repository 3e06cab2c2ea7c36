"""A real shell with our hooks on a pty of ours, without a recorder: what marks does it give?

    with Hooked(["bash", "--rcfile", rc, "-i"], tmp_path) as shell:
        shell.enter("false")
        assert shell.marks()[-2:] == [Mark("end", "1"), …]

The shell is told about a session as `rec` tells it. What it prints is parted into marks and the rest.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from typing import NamedTuple, Self

from blackbox import TIMEOUT, Term, environment
from processes import asleep

from recorder import config
from recorder.child import Child
from recorder.gate import ReadGate, Reading
from recorder.marks import as_start, parse_private
from recorder.model import Size
from recorder.strip import Mark as Cut
from recorder.strip import Strip

NONCE = "0123456789abcdef0123456789abcdef"
# Of directories: what marks, URLs or shells could stumble over; bytes that are no UTF-8; a control of C1.
ODD_NAMES = [
    "with blank",
    "per%cent;semi",
    "new\nline",
    "ünï ✓",
    "-dash $HOME `x`",
    "\udcff;\udc83\udca2",
    "c1\x85",
]


class Mark(NamedTuple):
    """One mark of the hooks; ``pid`` and ``counter`` are looked at apart."""

    verb: str
    args: tuple[str, ...]
    pid: int
    counter: int


class Hooked:
    """A shell on a pty, told that it is recorded; use as a context manager."""

    def __init__(self, argv, home, *, env=None, cols=100, rows=30, recorded=True) -> None:
        Term.opened += 1
        full = environment(None, home)
        full.pop("PS1", None)
        full.update(env or {})
        if recorded:
            full = config.tool_env(full, session="01X", tty="", pid=os.getpid(), nonce=NONCE)
        self.child = Child.start(
            [str(word) for word in argv],
            size=Size(cols, rows),
            env=full,
            attributes=None,
            cwd=str(home),
            tty_variable="REC_TTY" if recorded else None,
        )
        self._gate = ReadGate(self.child.pid)
        self._strip = Strip()
        self.pieces: list[bytes | Mark] = []
        self.bodies: list[bytes] = []  # of each mark, as it was written

    def _read(self, timeout: float) -> bool:
        if not select.select([self.child.fd], [], [], timeout)[0]:
            return False
        data = self.child.read()
        for piece in self._strip.pieces(data or b""):
            if isinstance(piece, Cut):
                mark = parse_private(piece.body)
                assert mark is not None, f"no mark of ours: {piece.body!r}"
                assert mark.nonce == NONCE
                self.bodies.append(piece.body)
                mark = as_start(mark)
                self.pieces.append(Mark(mark.verb, mark.args, mark.pid, mark.counter))
            else:
                self.pieces.append(piece)
        return bool(data)

    @property
    def shown(self) -> bytes:
        """Everything but the marks."""
        return b"".join(piece for piece in self.pieces if isinstance(piece, bytes))

    def marks(self, verb: str | None = None) -> list[Mark]:
        """The marks so far, all or those of one verb."""
        found = [piece for piece in self.pieces if isinstance(piece, Mark)]
        return found if verb is None else [mark for mark in found if mark.verb == verb]

    def type(self, data: bytes | str) -> None:
        data = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        while data:
            data = data[self.child.write(data) :]
            if data:
                self._read(0.01)

    def until(self, predicate, what: str = "") -> None:
        """Read on until ``predicate()`` holds."""
        deadline = time.monotonic() + TIMEOUT
        while not predicate():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {TIMEOUT} s: {what}; {self.pieces[-30:]!r}")
            self._read(0.05)

    def wait(self, text: str) -> None:
        """Read on until ``text`` has been shown."""
        self.until(lambda: text.encode() in self.shown, text)

    def prompts(self, count: int) -> None:
        """Wait for ``count`` prompts in all, and for the shell to be quiet behind the last."""
        self.until(lambda: len(self.marks("prompt")) >= count, f"{count} prompts")
        self.quiet()

    def runs(self, name: str) -> None:
        """Wait until a program has the terminal: before its exec it may not get our signals."""

        def there() -> bool:
            with contextlib.suppress(OSError):
                comm = Path(f"/proc/{self.child.foreground()}/comm")
                return comm.read_text().strip() == name
            return False

        self.until(there, f"{name} to run")

    def quiet(self) -> None:
        """Read on until the shell waits for a key and nothing more has come.

        That it is silent proves nothing: it may not have had its turn yet on a busy machine.
        """

        def waits() -> bool:
            return self._gate.look(self.child.foreground()) is not Reading.BUSY and asleep(self.child.pid)

        self.until(lambda: waits() and not self._read(0.03), "the shell to wait for a key")

    def enter(self, line: bytes | str) -> list[Mark]:
        """Type a line and Enter, wait for the next prompt; return the marks that it gave."""
        before = len(self.marks())
        count = len(self.marks("prompt"))
        self.type(line.encode() + b"\r" if isinstance(line, str) else line + b"\r")
        self.prompts(count + 1)
        return self.marks()[before:]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.child.signal(signal.SIGHUP)
        self.child.kill_all()
        self.child.reap()
        self.child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def said(marks: list[Mark]) -> list[tuple[str, ...]]:
    """Return verbs and what counts of their arguments: not the directory."""
    return [(mark.verb, *(() if mark.verb == "prompt" else mark.args[:1])) for mark in marks]


def ran(text: str, status: int = 0) -> list[tuple[str, ...]]:
    """Return what ``said`` gives of one command and the prompt behind it."""
    return [("start", text), ("end", str(status)), ("prompt",)]
