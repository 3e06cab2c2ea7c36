"""Record a tool: the one command that has to be fast, hence the one that also goes without click.

click takes longer to import than everything that starts a tool. What ``recognise`` does not know
(help, wrong words) is left to click; what it knows it takes as click would. The tool comes
first, then the imports.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, NamedTuple

from recorder.commands import COMMANDS, LATER
from recorder.errors import ToolNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.commands.app import App
    from recorder.recording import Outcome
    from recorder.start import Started

MODES = ("auto", "line", "raw")


class Wanted(NamedTuple):
    """What to record and how, as it was called; ``short`` is the form without ``run``."""

    argv: tuple[str, ...]
    label: str | None = None
    mode: str = "auto"
    persist: bool = True
    short: bool = False


def recognise(words: Sequence[str]) -> tuple[str | None, Wanted] | None:
    """Return the root and what is to be recorded, or None where click has to look at the words."""
    root, at = None, 0
    if len(words) > 2 and words[0] == "--root":
        root, at = words[1], 2
    if at == len(words) or words[at].startswith("-"):
        return None
    if words[at] in LATER:
        return None
    if words[at] not in COMMANDS:
        return root, Wanted(tuple(words[at:]), short=True)
    wanted = _after_run(words[at + 1 :]) if words[at] == "run" else None
    return None if wanted is None else (root, wanted)


def _after_run(words: Sequence[str]) -> Wanted | None:
    """Read the options of ``rec run``, each in its one usual form."""
    label, mode, persist, at = None, "auto", True, 0
    while at < len(words) and words[at].startswith("-"):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else None
        at += 1
        if word == "--":
            break
        if word == "--no-persist":
            persist = False
        elif word == "--label" and value is not None:
            label, at = value, at + 1
        elif word == "--mode" and value in MODES:
            mode, at = value, at + 1
        else:
            return None
    return Wanted(tuple(words[at:]), label, mode, persist) if at < len(words) else None


def record(app: App, wanted: Wanted) -> int:
    """Record to the tool's end and return its exit status."""
    from recorder import config, start  # help and wrong words need none of it

    app.rescue()
    if config.has_settings(app.env):
        _ = app.settings  # what is wrong in them has to be said before the tool runs
    try:
        with start.started(wanted.argv, app.env, label=wanted.label, persist=wanted.persist) as started:
            outcome = _record(app, wanted, started)
    except ToolNotFound as error:
        if wanted.short and wanted.argv[0] and "/" not in wanted.argv[0]:
            raise _with_nearest(error, wanted.argv[0]) from error
        raise
    for notice in outcome.notices:
        app.tell(f"rec: {notice}")
    return outcome.status


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
        )
    gc.freeze()  # what was imported stays: a later look for garbage can pass it over
    gc.enable()
    return recording.run(request, started)


def _with_nearest(error: ToolNotFound, word: str) -> ToolNotFound:
    """Return the error with the command that may have been meant."""
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=1)
    advice = f"did you mean `rec {near[0]}`?" if near else "`rec --help` lists the commands"
    return ToolNotFound(error.message, advice=advice)
