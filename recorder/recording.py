"""Compose and run one recording: terminal, tool, capture, writer and relay, from start to end.

Service. It connects the parts, in an order that start-up time and safety dictate: signal handlers
before raw mode, the tool before everything that is slow to import. It decides nothing that a part
decides, and prints nothing but through the terminal it was given; the caller shows ``Outcome``.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder import config, identity, ids
from recorder.beacon import Beacon
from recorder.child import Child
from recorder.clock import Clock
from recorder.gate import ReadGate
from recorder.masking import mask_argv
from recorder.model import Invocation, Kind, Session
from recorder.relay import Relay
from recorder.signals import Signals
from recorder.targets import target
from recorder.terminal import Terminal, plug_std_fds
from recorder.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from recorder.alerts import Rule
    from recorder.console import Palette
    from recorder.editor import LineEditor
    from recorder.ending import Ending
    from recorder.live import Live, Views
    from recorder.model import Meta, Size
    from recorder.settings import Settings
    from recorder.store import Store
    from recorder.writer import Closing, Writer

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a recording ended, and what the user has to be told on leaving (one line each)."""

    status: int
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Names:
    """The identity of one run."""

    session: Session
    invocation: Invocation
    nonce: str
    outer: str | None  # nonce of a recorder around us


def run(request: RunRequest) -> Outcome:
    """Record a tool from its start to its end.

    Raises ToolNotFound and ToolNotExecutable, and RecError for a label that cannot be one; nothing
    is left behind then, neither on disk nor in the terminal's modes.
    """
    plug_std_fds()
    sys.setswitchinterval(SWITCH_S)
    if request.label is not None:
        from recorder.labels import check_label

        check_label(request.label)
    rules: tuple[Rule, ...] = ()
    if request.settings.rules:
        from recorder.alerts import compile_rules

        rules = compile_rules(request.settings.rules)
    terminal = Terminal.open()
    runtime = config.runtime_dir(request.env)
    clock = Clock()
    names = _names(request, terminal, clock)
    with Signals() as signals, contextlib.closing(terminal):
        size = terminal.size()
        child = Child.start(
            request.argv,
            size=size,
            env=_tool_env(request, names),
            attributes=terminal.attributes(),
            tty_variable="REC_TTY",
        )
        if terminal.interactive:
            terminal.remember(runtime)
            terminal.raw()
        try:
            session = _Recording(request, names, terminal, child, clock, runtime, rules)
            return session.run(signals)
        finally:
            child.close()


def _names(request: RunRequest, terminal: Terminal, clock: Clock) -> _Names:
    argv, masked = mask_argv(tuple(request.argv))
    tool = os.path.basename(argv[0])
    cwd = _cwd()
    ulid = ids.ulid(clock.started_ms)
    session = Session(
        ulid=ulid,
        tool=tool,
        argv=tuple(argv),
        argv_masked=masked,
        cwd=cwd,
        git_root=config.git_root(cwd),
        user=identity.user(),
        tty=terminal.name,
        term=request.env.get("TERM"),
        size=terminal.size(),
        created_ms=clock.started_ms,
    )
    invocation = Invocation(
        ulid=ids.ulid(clock.started_ms),
        session=ulid,
        started_ms=clock.started_ms,
        owner=identity.owner(),
        version=VERSION,
        host=identity.host(),
        target=target(request.argv, tool, request.env, cwd),
    )
    outer = request.env.get("REC_NONCE") if config.current_session(request.env) else None
    return _Names(session, invocation, ids.nonce(), outer)


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"  # the directory was removed under us


def _tool_env(request: RunRequest, names: _Names) -> dict[str, str]:
    env = config.tool_env(request.env, session=names.session.ulid, tty="", pid=os.getpid(), nonce=names.nonce)
    env["REC_PERSIST"] = "1" if request.persist else "0"
    return env


class _Recording:
    """One run of the parts together."""

    def __init__(
        self,
        request: RunRequest,
        names: _Names,
        terminal: Terminal,
        child: Child,
        clock: Clock,
        runtime: str,
        rules: tuple[Rule, ...],
    ) -> None:
        self.request = request
        self.names = names
        self.terminal = terminal
        self.child = child
        self.clock = clock
        self.notices: list[str] = []
        self._rules = rules
        self._beacon = Beacon(runtime, names.session.ulid)
        self.writer = self._make_writer()
        self.relay = self._make_relay()

    def run(self, signals: Signals) -> Outcome:
        """Relay to the end, put the terminal back, then finish the store."""
        self._greet_outer("nested", self.names.session.ulid, str(os.getpid()))
        if self.request.label is not None and self.request.persist:
            self.live.want_label(self.request.label)
        try:
            ending = self.relay.run(signals)
        except Exception:
            self.relay.abandon()
            self._close(None)
            raise
        self._leave_terminal()
        closing = self._close(ending)
        self._beacon.put_out()
        self._tell(ending, closing)
        return Outcome(ending.status, tuple(self.notices))

    # --- parts ---------------------------------------------------------------------------------

    def _make_writer(self) -> Writer:
        from recorder.writer import Writer

        settings = self.request.settings
        spill = settings.root / "spill" if self.request.persist else None
        return Writer(
            self._opener(), self.names.session, self.names.invocation, spill=spill, rules=self._rules
        )

    def _opener(self) -> Callable[[], Store]:
        settings = self.request.settings
        if not self.request.persist:
            from recorder.stores.memory import MemoryStore

            return functools.partial(MemoryStore, keep_raw=0)  # nobody can ask for the bytes

        def open_store() -> Store:
            from recorder.stores.sqlite import SqliteStore

            return SqliteStore(settings.root / config.STORE_NAME, busy_ms=BUSY_MS)

        return open_store

    def _make_relay(self) -> Relay:
        from recorder.capture import Capture
        from recorder.console import Desk
        from recorder.live import Live
        from recorder.spans import Source

        session, invocation = self.names.session, self.names.invocation
        source = Source(session.ulid, invocation.ulid, session.tool)
        capture = Capture(source, self.terminal.size(), nonce=self.names.nonce)

        def note(kind: Kind, text: str, meta: Meta) -> None:
            relay.record(capture.note(kind, self.clock.now(), text, meta))

        faces = self.request.faces
        self.live = Live(session, invocation, self.writer, note, faces.views, persist=self.request.persist)
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
        relay = Relay(
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
        if prefix == b"\x1d" and self.names.session.tool in TELNETS:
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
        if self.names.outer is None or not self.terminal.stdout_tty:
            return
        from recorder.marks import encode_private

        counter = self.clock.now().offset_ms + (1 if args else 2)
        self.relay.screen(encode_private(self.names.outer, os.getpid(), counter, verb, *args))

    def _close(self, ending: Ending | None) -> Closing:
        now = self.clock.now().wall_ms
        if ending is None:
            from recorder.model import EndReason

            return self.writer.close(now, None, EndReason.EXIT)
        return self.writer.close(now, ending.status, ending.reason)

    def _tell(self, ending: Ending, closing: Closing) -> None:
        """Collect what the user must know: a recording that is not whole is never passed over."""
        del ending
        self.notices += self.relay.late_notices
        if closing.spilled is not None:
            self.notices.append(
                f"the store did not take the end of this session; it waits in {closing.spilled}"
                " and is imported at the next start"
            )
        elif closing.failed is not None:
            self.notices.append(f"the end of this session could not be kept: {closing.failed}")
        if self.notices:
            self.relay.end_line()
