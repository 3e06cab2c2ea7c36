"""Trust the settings that came with a repository, take that back, and say how it stands.

Service. Only what can be understood is trusted, and what it sets is returned to be shown: who trusts
a file should have seen what it does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from recorder import config, settings, trusted
from recorder.errors import ConfigError, RecError, Refused
from recorder.model import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recorder.trusted import Repository


class Granted(NamedTuple):
    """What was trusted: the file, what it sets, and where it has the recordings go, if it says so."""

    path: str
    lines: list[str]
    root: str | None
    inside: bool  # the root lies in the repository
    filled: bool  # and something is in it already


def trust(place: str, env: Mapping[str, str]) -> Granted:
    """Trust the settings of the repository around ``place``, as they are now; raises Refused, RecError."""
    top = _top(place)
    path = trusted.path_in(top)
    if not os.path.lexists(path):
        raise Refused(f"could not trust {top}: no {trusted.NAME} at the top of this repository")
    try:
        data = trusted.contents(path)
    except Refused as refused:
        raise Refused(f"could not trust {path}: {refused.message}") from refused
    try:
        text = config.decoded(data, path)
        _, root = settings.read_repository(text, path, settings.Settings(root=Path()), top)
    except ConfigError as wrong:
        cause = wrong.message.removeprefix(f"could not use {path}: ")
        raise Refused(f"could not trust {path}: {cause}") from wrong
    try:
        trusted.trust(top, config.notes_of_trust(env, make=True), data)
    except OSError as error:
        cause = os.strerror(error.errno or 0).lower()
        raise RecError(f"could not note that {path} is trusted: {cause}") from error
    root = config.at_home(root, env)
    inside = root is not None and os.path.realpath(root).startswith(f"{top.rstrip('/')}/")
    filled = root is not None and os.path.lexists(f"{root}/{config.STORE_NAME}")
    return Granted(path, settings.lines(text), root, inside, filled)


def distrust(place: str, env: Mapping[str, str]) -> str:
    """Take back the trust in the repository around ``place``, which need not be there; return its path.

    Raises Refused where there was none.
    """
    where = os.path.realpath(place)
    top = config.git_root(where) or where
    for each in dict.fromkeys((top, where)):  # a repository that was moved into another one's directory
        try:
            if trusted.distrust(each, config.notes_of_trust(env)):
                return each
        except OSError as error:
            cause = os.strerror(error.errno or 0).lower()
            raise RecError(f"could not take back the trust in {each}: {cause}") from error
    raise Refused(f"could not take back the trust in {top}: it is not trusted")


def notice(found: Repository) -> str:
    """Return the line that says that a repository's settings do not count."""
    told = f"{trusted.NAME} of {found.directory} {found.why}"
    return told if "used: " in found.why else f"{told}; look at it, then run `rec trust`"


def examine(found: Repository | None) -> Check:
    """Say whether the repository that we are in has settings, and whether they count.

    That nobody has trusted them is no fault; that they counted once, and do no longer, is one.
    """
    if found is None:
        return Check("repository", ok=True, detail=f"no {trusted.NAME} here")
    if found.text is not None:
        return Check("repository", ok=True, detail=f"{found.path} is trusted")
    fix = "look at it, then run `rec trust`, or `rec trust --rm`"
    return Check("repository", ok=not found.changed, detail=f"{found.path} {found.why}", fix=fix)


def _top(place: str) -> str:
    """Return the top of the repository around ``place``; raise Refused where there is none."""
    where = os.path.realpath(place)
    if not os.path.isdir(where):
        raise Refused(f"could not trust {place}: no such directory")
    top = config.git_root(where)
    if top is None:
        raise Refused(f"could not trust {where}: no {trusted.NAME} counts there: it is in no git repository")
    return top
