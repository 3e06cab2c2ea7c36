"""What all commands share: the root, the settings, the opened store, the current session, the output.

Nothing is decided here that a service could decide. Heavy imports happen when a command needs them;
click is none of them, as recording a tool goes without it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from typing import TYPE_CHECKING

from recorder import config, identity
from recorder.commands import out
from recorder.errors import PersistenceDisabled, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from recorder.render import Page
    from recorder.settings import Settings
    from recorder.store import Store
    from recorder.trusted import Repository

PATIENCE_S, POLL_S = 2.0, 0.05  # for the first row of the session we run in
_SLICE = 1 << 16  # characters that are put together before they are written


class App:
    """One call of ``rec``: its global options and the environment it was made in."""

    def __init__(self, root: str | None) -> None:
        """Keep ``--root``; nothing is read before a command asks for it."""
        self.root = root
        self.env: Mapping[str, str] = config.given(os.environ)  # noqa: TID251  (read by config, from this mapping)
        self.mentioned = False  # that a repository's settings do not count

    @functools.cached_property
    def repository(self) -> Repository | None:
        """Return the repository that we are in if settings came with it, trusted or not."""
        return config.repository(self.env)

    @functools.cached_property
    def settings(self) -> Settings:
        """Return the settings; raises ConfigError."""
        self.mention_repository()
        return config.load(self.root, self.env, self.repository)

    @functools.cached_property
    def settings_to_read(self) -> tuple[Settings, bool]:
        """Return the settings for what only reads, and whether they are the user's; say once if not."""
        self.mention_repository()
        found, wrong = config.load_to_read(self.root, self.env, self.repository)
        if wrong is not None:
            self.tell(f"rec: {wrong.message}; {found.root} is read with the default settings")
        return found, wrong is None

    def mention_repository(self, *, recording: bool = False) -> None:
        """Say once that a repository's settings do not count, where they would.

        What reads needs nothing of them but the root, which may be chosen already.
        """
        found = self.repository
        chosen = bool(self.root or self.env.get("REC_ROOT")) and not recording
        if found is None or found.text is not None or chosen or self.mentioned:
            return
        from recorder import trusting

        self.mentioned = True
        self.tell(f"rec: {trusting.notice(found)}")

    @property
    def place(self) -> str:
        """Return the root; settings are read only where there are any. Raises ConfigError."""
        if self.repository is not None or config.has_settings(self.env):
            return str(self.settings.root)
        return config.place(self.root, self.env)

    # --- the store -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def reading(self) -> Iterator[Store]:
        """Open the store for reading; one that is not there yet is an empty one."""
        from recorder.commands import opening

        self.rescue()
        settings, theirs = self.settings_to_read
        with opening.reading(settings, tidy=theirs) as store:
            if getattr(store, "stale", False):
                self.tell("rec: the store cannot be locked: what was written last may be missing")
            yield store

    @contextlib.contextmanager
    def writing(self, *names: str) -> Iterator[Store]:
        """Open the store for writing; one that is not there is made for a directory among ``names`` only."""
        from recorder.commands import opening

        self.rescue()
        with opening.writing(self.settings, names) as store:
            yield store

    @contextlib.contextmanager
    def making(self) -> Iterator[Store]:
        """Open the store for writing; one that is not there is made."""
        from recorder.commands import opening

        self.rescue()
        with opening.making(self.settings) as store:
            yield store

    def rescue(self) -> None:
        """Reset this terminal if a recorder was killed on it, and say so."""
        if not any(map(os.isatty, (0, 1, 2))):
            return
        from recorder import terminal

        with contextlib.suppress(OSError):
            if terminal.rescue(config.runtime_dir(self.env), self.alive):
                self.tell("rec: a recorder was killed on this terminal; its modes were put back")

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
        self.stay()
        return ulid

    def stay(self) -> None:
        """Look into the store of the session we run in, if any, wherever we have gone in it since.

        ``REC_SESSION_ROOT`` counts while ``REC_SESSION`` does; what begins a session goes by the place.
        """
        if self.root is None and self.current() is not None:
            self.root = self.env.get("REC_SESSION_ROOT")

    def await_row(self, needle: str) -> None:
        """Have the session we run in stored now, if it is meant: its row comes with its first event.

        Raises Refused where it does not come.
        """
        ulid = self.current()
        if ulid is None or needle.upper() != ulid:
            return
        self.stay()
        from recorder import current, sessions

        deadline, asked = time.monotonic() + PATIENCE_S, False
        while True:
            with self.reading() as store:
                if store.summary(ulid) is not None:
                    return
            if not asked:
                asked = True
                with contextlib.suppress(Refused):
                    current.keep(self.env)
            if time.monotonic() > deadline:
                raise sessions.unstored(ulid)
            time.sleep(POLL_S)

    @property
    def persists(self) -> bool:
        """Say whether the session we run in is kept."""
        return self.env.get("REC_PERSIST") != "0"

    def require_persistence(self) -> None:
        """Raise PersistenceDisabled in a session that is not kept.

        Names such as ``@1`` and ``:3`` would be another session's there.
        """
        if not self.persists and self.current() is not None:
            raise PersistenceDisabled(
                advice="this session runs with --no-persist; call rec from another terminal"
            )

    def here(self) -> tuple[Path, str | None]:
        """Return this directory and its git root."""
        from pathlib import Path

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

    @staticmethod
    def can_ask() -> bool:
        """Say whether there is somebody to ask: a terminal to ask on and one to answer from."""
        return all(each is not None and each.isatty() for each in (sys.stdin, sys.stderr))

    def page(self) -> Page:
        """Return what human output has to know of the place it goes to."""
        from recorder.commands.params import now_ms
        from recorder.render import Page

        dumb = self.env.get("TERM", "dumb") == "dumb"
        return Page(
            colour=self.on_terminal and not dumb and not self.env.get("NO_COLOR"),
            columns=self._columns if self.on_terminal else None,
            home=self.env.get("HOME"),
            now_ms=now_ms(),
        )

    @contextlib.contextmanager
    def paged(self) -> Iterator[None]:
        """Let what is said meanwhile go through the user's pager, if it is for a terminal."""
        from recorder.commands import pager

        line = pager.chosen(self.env) if self.on_terminal else None
        if line is None:
            yield
            return
        _ = self._columns  # asked while standard output still is the terminal
        with pager.through(line, self.env):
            yield

    @functools.cached_property
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
        out.write(out.encoded(text + end))

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
            out.write(piece)

    @staticmethod
    def flush() -> None:
        """Hand over what was said, before others write behind it."""
        out.flush()

    def tell(self, text: str) -> None:
        """Write one line to standard error: what is said beside the result."""
        out.flush()
        out.complain(text)
