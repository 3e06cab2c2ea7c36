"""The rows of a session and of one run of its tool, as this process begins them; nothing is written.

Service, small: a resumed session's run is known to the store before the tool starts, so this is
imported without the rest of a recording.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recorder import config, identity, ids
from recorder.masking import mask_argv
from recorder.model import Invocation, Session
from recorder.targets import target
from recorder.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recorder.model import Size


def cwd() -> str:
    """Return the working directory; the root where it was removed under us."""
    try:
        return os.getcwd()
    except OSError:
        return "/"


def session(
    ulid: str, argv: Sequence[str], env: Mapping[str, str], *, tty: str | None, size: Size, since: int
) -> Session:
    """Return a session that begins here and now (wall ms) with a run of ``argv``."""
    shown, masked = mask_argv(tuple(argv))
    place = cwd()
    return Session(
        ulid=ulid,
        tool=os.path.basename(shown[0]),
        argv=tuple(shown),
        argv_masked=masked,
        cwd=place,
        git_root=config.git_root(place),
        user=identity.user(),
        tty=tty,
        term=env.get("TERM"),
        size=size,
        created_ms=since,
    )


def invocation(session: Session, argv: Sequence[str], env: Mapping[str, str], since: int) -> Invocation:
    """Return a run of ``argv`` that this process records into ``session`` from ``since`` on (wall ms)."""
    return Invocation(
        ulid=ids.ulid(since),
        session=session.ulid,
        started_ms=since,
        owner=identity.owner(),
        version=VERSION,
        host=identity.host(),
        target=target(argv, session.tool, env, cwd()),
    )
