"""Record a tool: the one command that has to be fast, hence the one that also goes without click.

click takes longer to import than everything else that starts a recording. What ``recognise`` does
not know (help, wrong words) is left to click; what it knows it takes as click would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.commands import COMMANDS
from recorder.errors import ToolNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.commands.app import App

MODES = ("auto", "line", "raw")


@dataclass(frozen=True, slots=True)
class Wanted:
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
    from recorder import recording  # help and wrong words need none of it
    from recorder.faces import faces

    app.rescue()
    request = recording.RunRequest(
        argv=wanted.argv,
        settings=app.settings,
        env=app.env,
        faces=faces(app.env, str(app.settings.root)),
        label=wanted.label,
        mode=wanted.mode,
        persist=wanted.persist,
    )
    try:
        outcome = recording.run(request)
    except ToolNotFound as error:
        if wanted.short:
            raise _with_nearest(error, wanted.argv[0]) from error
        raise
    for notice in outcome.notices:
        app.tell(f"rec: {notice}")
    return outcome.status


def _with_nearest(error: ToolNotFound, word: str) -> ToolNotFound:
    """Return the error with the command that may have been meant."""
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.0)
    return ToolNotFound(error.message, advice=f"did you mean `rec {near[0]}`?")
