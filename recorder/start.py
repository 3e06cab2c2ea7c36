"""Start the tool before all else: terminal, signals, pty, exec, raw mode, and its first output.

Service. What is imported here is what the tool waits for, so nothing is that the tool does not need:
a test keeps the list. Everything else is imported while the tool starts, and ``Prelude`` shows
what it prints meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from recorder import config, ids
from recorder.child import Child
from recorder.clock import Clock
from recorder.prelude import Prelude
from recorder.signals import Signals
from recorder.terminal import Terminal, plug_std_fds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recorder.basics import Size


class Started(NamedTuple):
    """A tool that runs, and what it was told of its session."""

    terminal: Terminal
    child: Child
    signals: Signals
    clock: Clock
    size: Size
    session: str  # ULID
    nonce: str
    outer: str | None  # nonce of a recorder around us
    runtime: str  # directory
    prelude: Prelude


@contextlib.contextmanager
def started(
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    root: str,
    label: str | None,
    persist: bool,
    program: str | None = None,
    session: str | None = None,
) -> Iterator[Started]:
    """Start a tool on a pty, make the terminal raw; at the end take both back.

    ``root`` is where it will be kept, for commands inside; ``session`` is the ULID of one that is gone
    on with; without it, it is a new one.
    Signal handlers come before the tool, so that none can end us without it. Raises ToolNotFound and
    ToolNotExecutable, and RecError for a label that cannot be one; nothing is left behind then,
    neither on disk nor in the terminal's modes.
    """
    if label is not None:
        from recorder.labels import check_label

        check_label(label)
    plug_std_fds()
    terminal = Terminal.open()
    runtime = config.runtime_dir(env)
    clock = Clock()
    session, nonce = session or ids.ulid(clock.started_ms), ids.nonce()
    outer = env.get("REC_NONCE") if config.current_session(env) else None
    told = config.tool_env(env, session=session, tty="", pid=os.getpid(), nonce=nonce)
    told["REC_SESSION_ROOT"] = root if root.startswith("/") else f"{os.getcwd()}/{root}"
    told["REC_PERSIST"] = "1" if persist else "0"
    with Signals() as signals, contextlib.closing(terminal):
        size = terminal.size()
        child = Child.start(
            argv,
            size=size,
            env=told,
            attributes=terminal.attributes(),
            tty_variable="REC_TTY",
            program=program,
        )
        try:
            if terminal.interactive:
                terminal.remember(runtime)
                terminal.raw()
            prelude = Prelude(terminal, child, clock, nonce=nonce, shown=outer is None)
            yield Started(terminal, child, signals, clock, size, session, nonce, outer, runtime, prelude)
        finally:
            child.close()
