"""The protocol that every back end speaks; no implementation, no SQL, no path.

Every method is one whole transaction: when it returns, it is done; when it raises, nothing of it
is there. All raise the ``StoreError`` family and nothing else. A store object is used by one
thread at a time. Order is (session, seq), never the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from recorder.model import (
        Activity,
        Chunk,
        Draft,
        EndReason,
        Event,
        Invocation,
        Session,
        Summary,
        Turn,
    )


class Store(Protocol):
    """What the services and the writer need of a back end."""

    def close(self) -> None:
        """Give back all resources; further calls are errors of the caller."""

    # --- writing -------------------------------------------------------------------------------

    def begin(self, session: Session, invocation: Invocation, label: str | None = None) -> str | None:
        """Write the rows of a session and an invocation; those that exist already stay as they are.

        With ``label`` the session has it from its first moment on; returns the ULID it was moved
        from, if any.
        """

    def append(
        self,
        drafts: Sequence[Draft],
        chunks: Sequence[Chunk] = (),
        *,
        activity: tuple[str, Activity] | None = None,
        durable: bool = False,
        if_last_seq: int | None = None,
        recovered: str | None = None,
    ) -> list[Event]:
        """Write events and raw bytes in one transaction; return the events with their seqs.

        Seqs are allocated here, per session, from 1 (or fork seq + 1), without holes.
        ``activity`` is ``(session, what it does)``. ``durable`` asks for a sync to disk of this and of
        all earlier transactions; with nothing else given it is a sync only.
        Bytes of chunks that lie before the end of what is stored are left out: raw bytes are known
        by their offset, so writing them twice is harmless. A chunk that begins later leaves a hole.
        ``recovered`` is an interrupted invocation to be marked as derived from (see care).
        ``if_last_seq`` makes it a no-op (empty list) when the session's last own seq is another:
        two processes that repair the same session then do it once.
        Turn rows are kept up to date from the events (``turns.fold``).
        Raises NotFound when a session or an invocation does not exist.
        """

    def seal(self, session: str) -> int:
        """Merge the session's small trailing segments into large ones; return how many were merged.

        Raw bytes, their times and the running hash stay the same. Called by the writer when
        256 KiB of small segments have come together and at an invocation's end.
        """

    def end_invocation(self, ulid: str, ended_ms: int, exit_status: int | None, reason: EndReason) -> bool:
        """End an invocation; the first end stays. Returns whether this call was the first."""

    def set_label(self, label: str, ulid: str) -> str | None:
        """Give ``label`` to a session; return the ULID it was moved from, if any."""

    def drop_label(self, label: str) -> bool:
        """Take a label away; return whether it existed."""

    def set_meta(self, session: str, key: str, value: str | None) -> None:
        """Set or (``None``) remove one metadata value of a session."""

    # --- reading -------------------------------------------------------------------------------

    def summaries(
        self,
        *,
        limit: int | None = None,
        archived: bool = False,
        tool: str | None = None,
        host: str | None = None,
    ) -> list[Summary]:
        """List sessions, newest first; ``limit`` 0 gives none without a query.

        ``archived`` shows archived ones too; ``host`` is that of the newest invocation. Counts are
        of own events and turns, not of the lineage.
        """

    def summary(self, ulid: str) -> Summary | None:
        """Return one session, or None."""

    def with_prefix(self, prefix: str, limit: int = 20) -> list[str]:
        """Return the ULIDs that begin with ``prefix`` (upper case), newest first."""

    def labels(self) -> list[tuple[str, str]]:
        """Return all (label, ulid), sorted by label."""

    def meta(self, session: str) -> dict[str, str]:
        """Return a session's metadata."""

    def count(self, session: str) -> int:
        """Return the number of events of one session (own events only), without reading them."""

    def events(
        self,
        session: str,
        *,
        kinds: Sequence[str] = (),
        after: int = 0,
        upto: int | None = None,
        last: int | None = None,
    ) -> Iterator[Event]:
        """Yield a session's own events in ascending seq; reads in short pages, holds no transaction.

        ``last`` keeps only the last N (still ascending).
        """

    def turns(
        self,
        session: str | None = None,
        *,
        since_ms: int | None = None,
        last: int | None = None,
    ) -> list[Turn]:
        """Return turns of one session in order, or of all sessions by start time; ``last`` the newest N.

        ``since_ms`` leaves out those that started earlier.
        """

    def turn(self, session: str, number: int) -> Turn | None:
        """Return one turn of a session's own, or None."""

    def raw(self, session: str, start: int = 0, end: int | None = None) -> Iterator[Chunk]:
        """Yield the raw bytes in ``[start, end)`` with their times, as they were read.

        Neighbouring reads of one instant may come as one chunk. What is damaged is left out (and
        named by ``check``), as are holes: look at ``Chunk.start``.
        """

    def raw_length(self, session: str) -> int:
        """Return the raw offset after a session's last byte."""

    def history(self, tool: str, limit: int = 1000) -> list[str]:
        """Return the newest commands submitted to ``tool`` in any session, oldest first, no repeats."""

    def open_invocations(self, *, unrecovered: bool = False) -> list[Invocation]:
        """Return the invocations without an end, newest first; ``unrecovered`` leaves out marked ones."""

    # --- care ----------------------------------------------------------------------------------

    def check(self) -> list[tuple[str, bool, str]]:
        """Examine the store: rows of (check, ok, detail); includes the running hash of each session."""

    def size_bytes(self) -> int:
        """Return what the store takes on disk (0 for memory)."""
