"""The one error tree of ``rec``, and nothing else.

    RecError                    base: has an exit status and an advice line
    ├── UsageError_             2  the words of the call are wrong
    ├── NotFound                1  no such session, turn, label, event
    │   └── Ambiguous           1  several candidates; carries them
    ├── Refused                 1  understood, and declined (live session, outside a session …)
    │   └── PersistenceDisabled 1  the command needs the store, the session runs with --no-persist
    ├── ToolNotFound          127  the tool to record does not exist
    ├── ToolNotExecutable     126  it exists and cannot be started
    ├── ConfigError             2  config.toml: file, line and key are in the message
    └── StoreError              3  the store could not do it
        ├── StoreBusy           3  locked by another process for longer than we wait
        ├── StoreFull           3  no space left, or a quota
        ├── StoreReadOnly       3  may be read, not written
        ├── StoreMissing        3  the directory or file is gone, or not ours
        │   └── StoreEmpty      3  the file is there, its first transaction is not
        └── StoreDamaged        3  the file is there and is not a whole database

Messages are fragments that follow ``rec: ``: lower case, ``could not VERB OBJECT: cause``, no
trailing full stop. ``advice`` is what to do, printed on the next line. Only ``cli`` turns an error
into text and an exit status; edges translate foreign errors into these and keep the cause.
"""

from __future__ import annotations


class RecError(Exception):
    """Base of everything that ``rec`` raises on purpose."""

    status = 1

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        """Keep ``message`` (no trailing full stop) and ``advice`` (what to do, or nothing)."""
        super().__init__(message)
        self.message = message
        self.advice = advice


class UsageError_(RecError):  # noqa: N801  (click has a UsageError; the underscore keeps them apart)
    """The words of the call do not fit."""

    status = 2


class NotFound(RecError):
    """There is no such session, turn, label or event."""


class Ambiguous(NotFound):
    """Several sessions fit; ``candidates`` are their ULIDs, newest first."""

    def __init__(self, message: str, candidates: tuple[str, ...]) -> None:
        """Keep the candidates for the caller to show."""
        super().__init__(message)
        self.candidates = candidates


class Refused(RecError):
    """The request is understood and declined."""


class PersistenceDisabled(Refused):
    """The session keeps nothing, and the command needs what would have been kept."""

    def __init__(self, *, advice: str | None = None) -> None:
        """Say the contract's words."""
        super().__init__("persistence disabled", advice=advice)


class ToolNotFound(RecError):
    """The tool to record does not exist."""

    status = 127


class ToolNotExecutable(RecError):
    """The tool exists and cannot be started."""

    status = 126


class ConfigError(RecError):
    """A settings file is unreadable or has a wrong key; the message names file, line and key."""

    status = 2


class StoreError(RecError):
    """The store could not do what was asked."""

    status = 3


class StoreBusy(StoreError):
    """Another process holds the store's lock for longer than we wait; ``moving``: others got theirs."""

    moving = False


class StoreFull(StoreError):
    """There is no space left for the store."""


class StoreReadOnly(StoreError):
    """The store may be read and not written."""


class StoreMissing(StoreError):
    """The store's directory or file is gone or is not ours to use."""


class StoreEmpty(StoreMissing):
    """The file is there and nothing was recorded in it yet: its maker is at work, or was killed."""


class StoreDamaged(StoreError):
    """The file is there, and it is not a whole database."""
