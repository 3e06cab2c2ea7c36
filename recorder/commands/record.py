"""Record a tool or a shell: the commands that have to be fast, hence those that also go without click.

click takes longer to import than everything that starts a tool. What ``recognise`` does not know
(help, wrong words) is left to click; what it knows it takes as click would. The tool comes
first, then the imports.
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from recorder.commands import COMMANDS
from recorder.errors import PersistenceDisabled, RecError, Refused, ToolNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.basics import Owner
    from recorder.commands.app import App
    from recorder.model import Session
    from recorder.origin import Origin
    from recorder.recording import Outcome
    from recorder.rerun import Plan
    from recorder.shells import Shell
    from recorder.start import Started

MODES = ("auto", "line", "raw")
# What other tools, or our slash-commands, call it. A program of such a name is recorded as any other.
ELSEWHERE = {
    "delete": "rm",
    "discard": "rm",
    "remove": "rm",
    "history": "log",
    "logs": "log",
    "forget": "rm SESSION:TURN",
    "save": "label",
    "sessions": "ls",
}


class Wanted(NamedTuple):
    """What to record and how, as it was called; ``short`` is the form without ``run``.

    ``login``: what ``rec shell`` records, whatever ``argv``. ``launcher``: it was called by the launcher
    of the shell with this pid, which looks for the inner shell's status in this file. ``onward``: go on
    with the newest such session of this place. ``origin``: the session that was taken for that.
    ``directory``: where a new session is to be kept, if not in the root's store.
    ``rerun``: what is submitted before the user has the keyboard.
    """

    argv: tuple[str, ...]
    label: str | None = None
    mode: str = "auto"
    persist: bool = True
    short: bool = False
    login: bool = False
    launcher: tuple[str, int] | None = None
    onward: bool = False
    origin: Origin | None = None
    directory: str | None = None
    rerun: Plan | None = None


def recognise(words: Sequence[str]) -> tuple[str | None, Wanted] | None:
    """Return the root and what is to be recorded, or None where click has to look at the words."""
    root, at = None, 0
    if len(words) > 2 and words[0] == "--root":
        root, at = words[1], 2
    if at == len(words) or words[at].startswith("-"):
        return None
    if words[at] not in COMMANDS:
        return root, Wanted(tuple(words[at:]), short=True)
    after = {"run": _after_run, "shell": _after_shell}.get(words[at])
    wanted = None if after is None else after(words[at + 1 :])
    return None if wanted is None else (root, wanted)


def _after_run(words: Sequence[str]) -> Wanted | None:
    """Read the options of ``rec run``, each in its one usual form."""
    label, mode, persist, at = None, "auto", True, 0
    directory: str | None = None
    which: str | None = None
    while at < len(words) and words[at].startswith("-"):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else None
        at += 1
        if word == "--":
            break
        if word == "--no-persist":
            persist = False
        elif word in ("--continue", "--new") and which in (None, word):
            which = word
        elif word == "--label" and value is not None:
            label, at = value, at + 1
        elif word == "--mode" and value in MODES:
            mode, at = value, at + 1
        elif word == "--session-dir" and value:
            directory, at = value, at + 1
        else:
            return None
    onward = which == "--continue"
    if at == len(words) or (directory is not None and (onward or not persist)):
        return None
    return Wanted(tuple(words[at:]), label, mode, persist, onward=onward, directory=directory)


def _after_shell(words: Sequence[str]) -> Wanted | None:
    """Read the options of ``rec shell`` as a launcher gives them."""
    if not words:
        return Wanted((), login=True)
    if len(words) == 4 and words[0] == "--status-file" and words[2] == "--pid" and words[3].isdecimal():
        return Wanted((), login=True, launcher=(words[1], int(words[3])))
    return None


def record(app: App, wanted: Wanted) -> int:
    """Record to the tool's end and return its exit status."""
    from recorder import start  # help and wrong words need none of it

    app.rescue()
    app.mentioned = wanted.launcher is not None  # one line at every start of a shell is one too many
    app.mention_repository(recording=True)
    wanted = _onward(app, wanted) if wanted.onward else wanted
    if wanted.label is not None and not wanted.persist:
        app.tell("rec: the label is not kept: persistence disabled")
    origin = wanted.origin
    shell = _shell(app, wanted) if wanted.login else None
    argv, env, program = wanted.argv, app.env, None
    if shell is not None:
        argv, env, program = shell.argv, shell.env, shell.program
        wanted = wanted._replace(argv=shell.again)
    starting = start.started(
        argv,
        env,
        root=app.place,  # what is wrong in the settings has to be said before the tool runs
        label=wanted.label,
        persist=wanted.persist,
        program=program,
        session=None if origin is None else origin.session.ulid,
    )
    with contextlib.ExitStack() as stack:
        if wanted.directory is not None:
            wanted = wanted._replace(directory=stack.enter_context(_place(wanted.directory)))
        try:
            started = stack.enter_context(starting)
        except BaseException as error:
            if origin is not None:
                _give_back(app, origin, error)
            if isinstance(error, ToolNotFound) and wanted.short and "/" not in (wanted.argv[0] or "/"):
                raise _with_nearest(error, wanted.argv[0]) from error
            raise
        outcome = _record(app, wanted, started)
    for notice in outcome.notices:
        app.tell(f"rec: {notice}")
    if wanted.persist and (app.settings.keep_age_s, app.settings.keep_max_bytes) != (None, None):
        from recorder.commands import prune

        prune.at_the_end(app, outcome.session.ulid)
    if wanted.persist:
        _wrap_up(app, outcome.wraps)
    if shell is not None and shell.launcher is not None and wanted.launcher is not None:
        _tell_launcher(wanted.launcher[0], outcome.status, shell.launcher)
    return outcome.status


@contextlib.contextmanager
def _place(directory: str) -> Iterator[str]:
    """Make the directory for a session, or see that it has none; one that stays empty goes again."""
    from pathlib import Path

    from recorder.stores.directory_begin import claimed

    made, place = not os.path.lexists(directory), Path(os.path.abspath(directory))
    try:
        with claimed(place) as found:
            yield str(found)
    finally:
        if made:
            with contextlib.suppress(OSError):
                place.rmdir()


def _wrap_up(app: App, ended: Sequence[Session]) -> None:
    """Say what long sessions came to; that of a short one is not even computed."""
    from recorder.wrap import LONG_MS

    for session in ended:
        if time.time() * 1000 - session.created_ms > LONG_MS:
            from recorder.commands import wrap

            wrap.at_the_end(app, session.ulid)


def _onward(app: App, wanted: Wanted) -> Wanted:
    """Find the session to go on with, if there is one."""
    if not wanted.persist:
        raise PersistenceDisabled
    from recorder.commands import resume  # a plain run goes without all that

    return resume.continued(app, wanted)


def _give_back(app: App, origin: Origin, error: BaseException) -> None:
    """Leave a session that was taken as it was: its tool did not start."""
    from recorder.commands import resume

    resume.give_back(app, origin, error.status if isinstance(error, RecError) else 1)


def _shell(app: App, wanted: Wanted) -> Shell:
    """Return the shell to record; raise Refused where a launcher's terminal is recorded already."""
    from recorder import config, shells

    if wanted.launcher is None:
        return shells.own(app.env)
    if config.current_session(app.env) is not None:
        raise Refused("could not record this shell: its terminal is recorded already")
    return shells.outer(app.env, wanted.launcher[1])


def _tell_launcher(path: str, status: int, launcher: Owner) -> None:
    """Give the launcher the inner shell's status; without it, it takes the recording for failed."""
    from recorder import shells

    try:
        shells.tell(path, status, launcher)
    except OSError as error:
        cause = os.strerror(error.errno or 0).lower()
        raise RecError(f"could not write {path}: {cause}") from error


def _record(app: App, wanted: Wanted, started: Started) -> Outcome:
    """Import what a recording needs while the tool starts, and record."""
    with started.prelude.during_imports():
        from recorder import recording
        from recorder.faces import faces

        request = recording.RunRequest(
            argv=wanted.argv,
            settings=app.settings,
            env=app.env,
            faces=faces(app.env, str(app.settings.root)),
            label=wanted.label,
            mode=wanted.mode,
            persist=wanted.persist,
            origin=wanted.origin,
            rerun=wanted.rerun,
            directory=wanted.directory,
        )
    gc.freeze()  # what was imported stays: a later look for garbage can pass it over
    gc.enable()
    return recording.run(request, started)


def _with_nearest(error: ToolNotFound, word: str) -> ToolNotFound:
    """Return the error with the command that may have been meant."""
    import difflib

    known = ELSEWHERE.get(word)
    near = [known] if known else difflib.get_close_matches(word, [*COMMANDS, "--help"], n=1)
    advice = f"did you mean `rec {near[0]}`?" if near else "`rec --help` lists the commands"
    return ToolNotFound(error.message, advice=advice)
