"""Compose and run one recording: capture, writer and relay for a tool that ``start`` has started.

Service. It connects the parts and decides nothing that a part decides; it prints nothing but through
the terminal it was given; the caller shows ``Outcome``. The tool runs while this is imported.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recorder import config, newrun
from recorder.ahead import AheadCapture
from recorder.beacon import Beacon
from recorder.console import Desk
from recorder.gate import ReadGate
from recorder.hints import Hints
from recorder.labels import check_label
from recorder.live import Live
from recorder.model import Activity, EndReason, Kind, State
from recorder.relay import Relay
from recorder.settings import ignoring
from recorder.spans import Source
from recorder.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from recorder.alerts import Rule
    from recorder.console import Palette
    from recorder.editor import LineEditor
    from recorder.ending import Ending
    from recorder.live import Views
    from recorder.model import Invocation, Meta, Session, Size
    from recorder.origin import Origin
    from recorder.pen import Closing
    from recorder.prelude import Prelude
    from recorder.rerun import Plan
    from recorder.settings import Settings
    from recorder.signals import Signals
    from recorder.start import Started
    from recorder.store import Store

SWITCH_S = 0.0005  # how long a key may have to wait for the writer's thread; the default is 5 ms
BUSY_MS = 250  # the writer asks a locked store again and again: so it can be told to stop
TELNETS = frozenset({"telnet", "virsh"})  # their own escape key is Ctrl-]


@dataclass(frozen=True, slots=True)
class Faces:
    """What the face layer lends: makers of editors and renderers of lists, called when needed."""

    editor: Callable[[Live, Callable[[bytes], None], Callable[[], Size], int], LineEditor]
    palette: Callable[[Live, Callable[[bytes], None], Callable[[], Size], Callable[[str], str]], Palette]
    views: Views


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to record, and how."""

    argv: Sequence[str]
    settings: Settings
    env: Mapping[str, str]
    faces: Faces
    label: str | None = None
    mode: str = "auto"
    persist: bool = True
    rerun: Plan | None = None  # submitted before the user has the keyboard
    origin: Origin | None = None  # where it goes on; None: a session of its own
    directory: str | None = None  # to keep a session of its own in; None: the root's store


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a recording ended, and what the user has to be told on leaving (one line each).

    ``session``: the row that was recorded into last; ``wraps``: those whose wrap-up may be told.
    """

    status: int
    notices: tuple[str, ...]
    session: Session
    wraps: tuple[Session, ...]


def run(request: RunRequest, started: Started) -> Outcome:
    """Record a tool that has been started, to its end."""
    sys.setswitchinterval(SWITCH_S)
    return _Recording(request, started).run(started.signals, started.prelude)


def _rerunner(plan: Plan, env: Mapping[str, str]) -> Callable[..., Relay]:
    """Return what makes a relay that submits the prompts of another session first."""
    from recorder.rerunning import Rerunner

    plain = env.get("TERM", "dumb") in ("dumb", "linux")  # they would print a title
    return functools.partial(Rerunner, plan=plan, title=not plain)


def _identity(request: RunRequest, started: Started) -> tuple[Session, Invocation]:
    """Return the rows of what is recorded; those that the store has already come with the origin."""
    since, origin = started.clock.started_ms, request.origin
    if origin is not None:
        session = origin.session
        if origin.invocation is None:  # a child that is to be made: it begins on this terminal
            session = replace(session, tty=started.terminal.name, size=started.size)
    else:
        tty, size = started.terminal.name, started.size
        session = newrun.session(started.session, request.argv, request.env, tty=tty, size=size, since=since)
        session = replace(session, directory=request.directory) if request.directory else session
    known = None if origin is None else origin.invocation
    return session, known or newrun.invocation(session, request.argv, request.env, since)


class _Recording:
    """One run of the parts together."""

    def __init__(self, request: RunRequest, started: Started) -> None:
        self.request = request
        self.session, self.invocation = _identity(request, started)
        self.terminal = started.terminal
        self.child = started.child
        self.clock = started.clock
        self.notices: list[str] = []
        self._nonce = started.nonce
        self._label = check_label(request.label) if request.label and request.persist else None
        self._outer = started.outer
        self._size = started.size  # what the tool was given; a change since then waits among the signals
        self._beacon = Beacon(started.runtime, self.session.ulid)
        self.writer = self._make_writer()
        self.relay = self._make_relay()

    def run(self, signals: Signals, prelude: Prelude) -> Outcome:
        """Relay to the end, put the terminal back, then finish the store."""
        self._greet_outer("nested", self.session.ulid, str(os.getpid()))
        if self._label is not None:
            self.live.labelled(self._label)
        if self.request.origin is not None:
            self._go_on()
        try:
            prelude.hand_over(self.relay)
            ending = self.relay.run(signals)
        except Exception:
            self.relay.abandon()
            self._close(None)
            raise
        self._leave_terminal()
        closing = self._close(ending)
        self._beacon.put_out()
        self._tell(ending, closing)
        return Outcome(ending.status, tuple(self.notices), self.live.session, self.live.ended())

    def _go_on(self) -> None:
        """Take over a session that was left: what was going on then is over, and the window another."""
        self.writer.activity(Activity(State.IDLE, None, self.invocation.started_ms))
        self.relay.record(self.capture.resize(self.clock.now(), self._size))

    # --- parts ---------------------------------------------------------------------------------

    def _make_writer(self) -> Writer:
        settings = self.request.settings
        spill = settings.root / "spill" if self.request.persist else None
        rules: tuple[Rule, ...] = ()
        if settings.rules:
            from recorder.alerts import compile_rules

            rules = compile_rules(settings.rules)
        return Writer(
            self._opener(),
            self.session,
            self.invocation,
            spill=spill,
            rules=rules,
            label=self._label,
            n_events=self.request.origin.n_events if self.request.origin else 0,
            place=f"the store {self.session.directory or settings.root / config.STORE_NAME}",
        )

    def _opener(self) -> Callable[[], Store]:
        settings = self.request.settings
        if not self.request.persist:
            from recorder.stores.memory import MemoryStore

            return functools.partial(MemoryStore, keep_raw=0)  # nobody can ask for the bytes

        directory = self.session.directory

        def open_store() -> Store:
            from recorder.stores.sqlite import SqliteStore

            database = SqliteStore(settings.root / config.STORE_NAME, busy_ms=BUSY_MS)
            if directory is None:
                return database
            from recorder.stores.rooted import Rooted

            return Rooted(database, busy_ms=BUSY_MS)

        return open_store

    def _make_relay(self) -> Relay:
        session, invocation = self.session, self.invocation
        settings = self.request.settings
        source = Source(session.ulid, invocation.ulid, session.tool, cap=settings.index_cap)
        ignored = ignoring(settings) if settings.ignore_commands or settings.ignore_dirs else None
        hints = Hints(invocation.host, self.request.env.get("VSCODE_NONCE", ""))
        origin = self.request.origin
        turn, raw, size = (0, 0, None) if origin is None else (origin.turn, origin.raw, origin.size)
        capture = AheadCapture(
            source,
            size or session.size,
            nonce=self._nonce,
            turn=turn,
            raw=raw,
            ignored=ignored,
            hints=hints,
        )
        self.capture = capture

        def note(kind: Kind, text: str, meta: Meta) -> None:
            relay.record(capture.note(kind, self.clock.now(), text, meta))

        def go_on(
            left: Session, run: Invocation, reason: EndReason, label: str | None
        ) -> tuple[Session, Invocation]:
            from recorder import branching  # most sessions end where they began

            into, following = branching.go_on(relay, left, run, reason, label)
            self._beacon.session = into.ulid
            return into, following

        faces, persist = self.request.faces, self.request.persist
        self.live = Live(session, invocation, self.writer, note, go_on, faces.views, persist=persist)
        both = self.terminal.interactive

        def editor() -> LineEditor:
            return faces.editor(self.live, relay.screen, self.terminal.size, self.child.pid)

        def palette(command: Callable[[str], str]) -> Palette:
            return faces.palette(self.live, relay.screen, self.terminal.size, command)

        desk = Desk(
            editor=editor if both and self.request.mode != "raw" else None,
            palette=palette if both else None,
            console=self.live,
            prefix=self._prefix() if both else None,
            slash=self.request.settings.slash,
        )
        parts = self.terminal, self.child, ReadGate(self.child.pid)
        plan = self.request.rerun
        relay = (Relay if plan is None else _rerunner(plan, self.request.env))(
            parts,
            capture,
            self.writer,
            desk,
            self.clock,
            mode=self.request.mode,
            beacon=self._beacon.tell,
        )
        return relay

    def _prefix(self) -> bytes | None:
        prefix = self.request.settings.prefix
        if prefix == b"\x1d" and self.session.tool in TELNETS:
            return b"\x1c"
        return prefix

    # --- the end -------------------------------------------------------------------------------

    def _leave_terminal(self) -> None:
        """Give the terminal back as it was found, whatever the tool left on."""
        if self.terminal.interactive and self.relay.undo():
            self.notices.append("the tool left terminal modes on; they were put back")
        self._greet_outer("nested-end")
        self.terminal.restore()
        self.terminal.forget()

    def _greet_outer(self, verb: str, *args: str) -> None:
        """Tell a recorder around us that we record now, or no longer, so that it does not do it twice."""
        if self._outer is None or not self.terminal.stdout_tty:
            return
        from recorder.marks import encode_private

        counter = self.clock.now().offset_ms + (1 if args else 2)
        self.relay.screen(encode_private(self._outer, os.getpid(), counter, verb, *args))

    def _close(self, ending: Ending | None) -> Closing:
        now = self.clock.now().wall_ms
        if ending is None:
            return self.writer.close(now, None, EndReason.EXIT)
        return self.writer.close(now, ending.status, ending.reason)

    def _tell(self, ending: Ending, closing: Closing) -> None:
        """Collect what the user must know: a recording that is not whole is never passed over."""
        del ending
        self.notices += self.relay.late_notices
        if self.writer.moved is not None:
            self.notices.append(f"label {self._label} moved from {self.writer.moved}")
        if closing.spilled is not None:
            self.notices.append(
                f"the store did not take the end of this session; it waits in {closing.spilled}"
                " and is imported at the next start"
            )
        elif closing.failed is not None:
            self.notices.append(f"the end of this session could not be kept: {closing.failed}")
        if self.notices:
            self.relay.end_line()
