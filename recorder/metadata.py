"""Values that a user, or a script, keeps with a session: what keys and values may be, and the use cases.

Service: takes its store, prints nothing. ``external_id`` is the id that the tool itself gave its session.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recorder.errors import NotFound, UsageError_

if TYPE_CHECKING:
    from recorder.store import Store

MOST = 4096  # bytes of a value: it is a fact about the session, not a part of it
_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def value(store: Store, ulid: str, key: str) -> str:
    """Return a session's value of ``key``; raise NotFound where it has none."""
    found = store.meta(ulid).get(_checked(key))
    if found is None:
        raise NotFound(f"no such key: {key}", advice=f"`rec meta {ulid}` lists the keys there are")
    return found


def put(store: Store, ulid: str, key: str, text: str) -> None:
    """Keep a value with a session; raise UsageError_ for what can be no key or no value."""
    key = _checked(key)
    if not text.isprintable():  # also refuses surrogates, bidi and zero-width characters
        raise UsageError_(f"could not keep {key}: the value holds a character that cannot be printed")
    if len(text.encode()) > MOST:
        raise UsageError_(f"could not keep {key}: the value is longer than {MOST} bytes")
    store.set_meta(ulid, key, text)


def remove(store: Store, ulid: str, key: str) -> None:
    """Take a value away; raise NotFound where there is none."""
    value(store, ulid, key)
    store.set_meta(ulid, key, None)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise UsageError_(
            f"could not use the key {key!r:.80}: it is not the name of one",
            advice="a key is 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit",
        )
    return key
