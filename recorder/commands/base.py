"""What all commands share: the root, the settings, the opened store, the current session, the output.

The only module that writes to standard output and error. Nothing is decided here that a service
could decide; heavy imports happen when a command needs them.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recorder import config, identity
from recorder.errors import PersistenceDisabled, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from recorder.config import Settings
    from recorder.render import Page
    from recorder.store import Store

_SLICE = 1 << 16  # characters that are put together before they are written


class App:
    """One call of ``rec``: its global options and the environment it was made in."""

    def __init__(self, root: str | None) -> None:
        """Keep ``--root``; nothing is read before a command asks for it."""
        self.root = root
        self.env: Mapping[str, str] = dict(os.environ)  # noqa: TID251  (read by config, from this mapping)

    @functools.cached_property
    def settings(self) -> Settings:
        """Return the settings; raises ConfigError."""
        return config.load(self.root, self.env)

    # --- the store -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def reading(self) -> Iterator[Store]:
        """Open the store for reading; one that is not there yet is an empty one."""
        store: Store
        path = self.settings.root / config.STORE_NAME
        self._tidy()
        if os.path.lexists(path):
            from recorder.stores.sqlite import SqliteStore

            store = SqliteStore(path, readonly=True)
            if store.stale:
                self.tell("rec: the store cannot be locked: what was written last may be missing")
        else:
            from recorder.stores.memory import MemoryStore

            store = MemoryStore()
        with contextlib.closing(store):
            yield store

    @contextlib.contextmanager
    def writing(self) -> Iterator[Store]:
        """Open the store for writing; one that is not there is not made: nothing is in it to change."""
        path = self.settings.root / config.STORE_NAME
        if not os.path.lexists(path):
            with self.reading() as empty:
                yield empty
            return
        from recorder.stores.sqlite import SqliteStore

        self._tidy()
        with contextlib.closing(SqliteStore(path)) as store:
            yield store

    def _tidy(self) -> None:
        """Import what waits in ``spill/`` and derive what a crash left out; never a reason to fail."""
        with contextlib.suppress(Exception):
            from recorder import care, terminal

            terminal.rescue(config.runtime_dir(self.env), self.alive)
            care.tidy(self.settings.root)

    # --- where we are --------------------------------------------------------------------------

    alive = staticmethod(identity.alive)

    def current(self) -> str | None:
        """Return the ULID of the session we run in."""
        return config.current_session(self.env)

    def require_current(self, verb: str) -> str:
        """Return the ULID of the session we run in; raises Refused outside one."""
        ulid = self.current()
        if ulid is None:
            raise Refused(
                f"could not {verb}: this is not a recorded session",
                advice="start one with `rec run -- TOOL`",
            )
        return ulid

    @property
    def persists(self) -> bool:
        """Say whether the session we run in is kept."""
        return self.env.get("REC_PERSIST") != "0"

    def require_persistence(self) -> None:
        """Raise PersistenceDisabled in a session that is not kept."""
        if not self.persists:
            raise PersistenceDisabled

    def here(self) -> tuple[Path, str | None]:
        """Return this directory and its git root."""
        try:
            place = Path.cwd()
        except OSError as error:
            raise Refused("could not look here: the working directory is gone") from error
        return place, config.git_root(str(place))

    @staticmethod
    def directory(name: str) -> frozenset[str]:
        """Return the names of a directory: as the kernel tells it, and as a shell with links does."""
        return frozenset({os.path.realpath(name), os.path.abspath(name)})

    # --- output --------------------------------------------------------------------------------

    @functools.cached_property
    def on_terminal(self) -> bool:
        """Say whether standard output is a terminal."""
        return sys.stdout is not None and sys.stdout.isatty()

    def page(self) -> Page:
        """Return what human output has to know of the place it goes to."""
        from recorder.commands.params import now_ms
        from recorder.render import Page

        dumb = self.env.get("TERM", "dumb") == "dumb"
        return Page(
            colour=self.on_terminal and not dumb and not self.env.get("NO_COLOR"),
            columns=self._columns() if self.on_terminal else None,
            home=self.env.get("HOME"),
            now_ms=now_ms(),
        )

    def _columns(self) -> int:
        digits = self.env.get("COLUMNS", "")
        if digits.isdigit() and int(digits) > 0:
            return int(digits)
        try:
            return os.get_terminal_size(sys.stdout.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def say(self, text: str, end: str = "\n") -> None:
        """Write text to standard output."""
        write(_encoded(text + end))

    def say_lines(self, lines: Iterable[str]) -> None:
        """Write lines to standard output, in large pieces."""
        held: list[str] = []
        size = 0
        for line in lines:
            held.append(line + "\n")
            size += len(line)
            if size >= _SLICE:
                self.say("".join(held), end="")
                held, size = [], 0
        self.say("".join(held), end="")

    def say_bytes(self, pieces: Iterable[bytes]) -> None:
        """Write bytes to standard output as they are."""
        for piece in pieces:
            write(piece)

    def tell(self, text: str) -> None:
        """Write one line to standard error: what is said beside the result."""
        flush()
        complain(text)


in_app = click.make_pass_decorator(App)


class Command(click.Command):
    """A command whose help ends with examples, one call each."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:  # noqa: ANN401
        """Keep the examples; the rest is click's."""
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples as they are to be typed."""
        if self.examples:
            with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
                for line in self.examples:
                    formatter.write(f"  {line}\n")


def write(data: bytes) -> None:
    """Write bytes to standard output; a closed one takes everything."""
    if sys.stdout is not None and data:
        with _as_output_error():
            sys.stdout.buffer.write(data)


def flush() -> None:
    """Hand over what was written to standard output; the last chance for it to fail."""
    if sys.stdout is not None:
        with _as_output_error():
            sys.stdout.flush()


def complain(text: str) -> None:
    """Write one line to standard error; whatever it quotes cannot drive the terminal."""
    from recorder.safe import visible

    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.buffer.write(visible(text).encode("utf-8", "replace") + b"\n")
            sys.stderr.flush()


def abandon_stdout() -> None:
    """Leave the reader who left: without this the interpreter complains once more at its exit."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _encoded(text: str) -> bytes:
    """Encode text for standard output; what its encoding lacks becomes a question mark."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace")


@contextlib.contextmanager
def _as_output_error() -> Iterator[None]:
    """Name the trouble with standard output; a reader who left is no trouble."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_stdout()
        cause = (error.strerror or str(error)).lower()
        raise Refused(f"could not write to standard output: {cause}") from error
