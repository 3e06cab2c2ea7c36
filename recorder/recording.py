"""Compose and run one recording: capture, writer and relay for a tool that ``start`` has started.

Service. It connects the parts and decides nothing that a part decides; it prints nothing but through
the terminal it was given; the caller shows ``Outcome``. The tool runs while this is imported.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder import config, identity, ids
from recorder.beacon import Beacon
from recorder.capture import Capture
from recorder.console import Desk
from recorder.gate import ReadGate
from recorder.labels import check_label
from recorder.live import Live
from recorder.masking import mask_argv
from recorder.model import EndReason, Invocation, Kind, Session
from recorder.relay import Relay
from recorder.spans import Source
from recorder.targets import target
from recorder.version import VERSION
from recorder.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from recorder.alerts import Rule
    from recorder.console import Palette
    from recorder.editor import LineEditor
    from recorder.ending import Ending
    from recorder.live import Views
    from recorder.model import Meta, Size
    from recorder.prelude import Prelude
    from recorder.settings import Settings
    from recorder.signals import Signals
    from recorder.start import Started
    from recorder.store import Store
    from recorder.writer import Closing

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


def run(request: RunRequest, started: Started) -> Outcome:
    """Record a tool that has been started, to its end."""
    sys.setswitchinterval(SWITCH_S)
    return _Recording(request, started).run(started.signals, started.prelude)


def _identity(request: RunRequest, started: Started) -> tuple[Session, Invocation]:
    argv, masked = mask_argv(tuple(request.argv))
    tool = os.path.basename(argv[0])
    cwd = _cwd()
    since = started.clock.started_ms
    session = Session(
        ulid=started.session,
        tool=tool,
        argv=tuple(argv),
        argv_masked=masked,
        cwd=cwd,
        git_root=config.git_root(cwd),
        user=identity.user(),
        tty=started.terminal.name,
        term=request.env.get("TERM"),
        size=started.size,
        created_ms=since,
    )
    invocation = Invocation(
        ulid=ids.ulid(since),
        session=session.ulid,
        started_ms=since,
        owner=identity.owner(),
        version=VERSION,
        host=identity.host(),
        target=target(request.argv, tool, request.env, cwd),
    )
    return session, invocation


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"  # the directory was removed under us


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
        self._beacon = Beacon(started.runtime, self.session.ulid)
        self.writer = self._make_writer()
        self.relay = self._make_relay()

    def run(self, signals: Signals, prelude: Prelude) -> Outcome:
        """Relay to the end, put the terminal back, then finish the store."""
        self._greet_outer("nested", self.session.ulid, str(os.getpid()))
        if self._label is not None:
            self.live.labelled(self._label)
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
        return Outcome(ending.status, tuple(self.notices))

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
            place=f"the store {settings.root / config.STORE_NAME}",
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
        session, invocation = self.session, self.invocation
        source = Source(session.ulid, invocation.ulid, session.tool)
        # the size that the tool was given; a change since then waits among the signals
        capture = Capture(source, session.size, nonce=self._nonce)

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
