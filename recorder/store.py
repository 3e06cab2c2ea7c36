"""The protocol that every back end speaks; no implementation, no SQL, no path.

Every method is one whole transaction: when it returns, it is done; when it raises, nothing of it
is there. All raise the ``StoreError`` family and nothing else. A store object is used by one
thread at a time. Order is (session, seq), never the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from recorder.model import (
        Activity,
        Chunk,
        Draft,
        EndReason,
        Event,
        Invocation,
        Near,
        Session,
        Summary,
        Switch,
        Turn,
    )
    from recorder.query import Hit, Query


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

    def take(self, invocation: Invocation, after: str | None) -> bool:
        """Begin an invocation of a session that exists, if its newest one is still ``after``.

        ``after`` is a ULID, None for a session that has had none. Of several that go on with the same
        session exactly one is told True; for the others nothing is written. Whether ``after`` is over
        is for the caller to know. Raises NotFound when the session does not exist.
        """

    def give_back(self, invocation: str) -> bool:
        """Undo ``take``: the session is as it was, if the invocation has recorded nothing yet.

        Returns whether it was so; it must be ended where it was not.
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

    def switch(self, switch: Switch) -> tuple[Session, str | None]:
        """Go on in another session, all in one transaction; return its row, and who had its label before.

        The mark is appended, its invocation is ended, the session is archived if that is wanted; the
        new one is begun, with its label. A fork's ``fork_seq`` is the seq of the mark, whatever
        others have appended meanwhile. Where the new session exists already, nothing is changed.
        Raises NotFound when the session that is left does not exist.
        """

    def end_invocation(self, ulid: str, ended_ms: int, exit_status: int | None, reason: EndReason) -> bool:
        """End an invocation; the first end stays. Returns whether this call was the first."""

    def set_label(self, label: str, ulid: str) -> str | None:
        """Give ``label`` to a session; return the ULID it was moved from, if any."""

    def drop_label(self, label: str) -> bool:
        """Take a label away; return whether it existed."""

    def set_meta(self, session: str, key: str, value: str | None) -> None:
        """Set or (``None``) remove one metadata value of a session."""

    # --- keeping and letting go ----------------------------------------------------------------

    def archive(self, ulid: str, at_ms: int | None) -> None:
        """Hide a session from lists since ``at_ms`` (wall), or show it again; raise NotFound."""

    def delete(self, ulids: Collection[str], *, dead: Collection[str] = ()) -> bool:
        """Delete sessions with everything that belongs to them, labels too; leave no byte of it.

        All of them go, or none: False, and nothing is changed, when one has a child that is not
        among them, or an invocation without an end that is not in ``dead`` (ULIDs). So what was
        looked at before still holds. Those that are gone already are passed over.
        """

    def erase(self, session: str, turn: int, *, dead: Collection[str] | None = None) -> bool:
        """Erase a turn of a session's own, and those inside it; False if there is none.

        False, too, with ``dead`` and an invocation without an end that is not in it (as for ``delete``);
        without ``dead`` it is the session's own recorder that asks.

        Its events keep their seq, kind, time and turn, without text, ``erased`` in their meta; so do
        background outputs since the turn before it. Its raw bytes are left out by ``raw`` like a
        hole; offsets stay. Later slash-commands lose our answers. No byte of it is left. What is
        appended to the turn afterwards is not erased.
        """

    def drop_last(self, session: str) -> Event | None:
        """Take back a session's newest own mark that is a note or a label; return it as it was, or None.

        It and the slash-command that made it keep their seqs, erased: seqs are never given twice. A
        label goes back to the session it came from, if that is known and there; one that was taken
        away comes back, if nobody has it. No byte of a note is left.
        """

    def index(self, session: str, *, rest: bool = False) -> bool:
        """Put the next run of a session's events into the search index, if it has one; say whether it did.

        A run is some 64 KiB of text, or 1024 events; ``rest`` takes a shorter one, too. Called by the
        writer, a run at a time, when nothing else is to be done. What is not indexed is found, only later.
        """

    def compact(self, session: str) -> int:
        """Merge a session's segments anew, rebuild what is derived; return how many segments less.

        Nothing that can be read changes, and it can be read meanwhile. Not for a live session.
        """

    def wipe(self) -> None:
        """Give free space back and leave no byte of what was deleted; raise StoreBusy if it cannot yet."""

    # --- reading -------------------------------------------------------------------------------

    def summaries(
        self,
        *,
        limit: int | None = None,
        archived: bool = False,
        tool: str | None = None,
        host: str | None = None,
        near: Near | None = None,
    ) -> list[Summary]:
        """List sessions, newest first; ``limit`` 0 gives none without a query.

        ``archived`` shows archived ones too; ``host`` is that of the newest invocation; ``near`` those
        that it fits. Counts are of own events and turns, not of the lineage.
        """

    def summary(self, ulid: str) -> Summary | None:
        """Return one session, or None."""

    def at(self, directory: str) -> str | None:
        """Return the ULID of the session that is kept in a directory, known or not; None if there is none.

        Raises StoreDamaged for one that was, and Refused where it may only be read and we would write.
        """

    def with_prefix(self, prefix: str, limit: int = 20) -> list[str]:
        """Return the ULIDs that begin with ``prefix`` (upper case), newest first."""

    def labels(self) -> list[tuple[str, str]]:
        """Return all (label, ulid), sorted by label."""

    def children(self, ulid: str) -> list[str]:
        """Return the sessions that were forked off this one, oldest first; not their own children."""

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

    def search(self, query: Query, told: Callable[[int, int], None] | None = None) -> Iterator[Hit]:
        """Yield the events that answer a query, sessions by their newest event, in each the newest first.

        Archived sessions are searched, too; an event that a fork inherits is its owner's, and found once.
        ``told`` is called with the number of sessions done and that of all, also every some hundred events
        within a session: what it raises ends the search.
        """

    def unindexed(self, over: int = 0) -> dict[str, int]:
        """Return how many events of each session (by ULID) are not in the search index yet, newest first.

        None is named if they are not more than ``over`` altogether.
        """

    def open_invocations(self, *, unrecovered: bool = False) -> list[Invocation]:
        """Return the invocations without an end, newest first; ``unrecovered`` leaves out marked ones."""

    # --- care ----------------------------------------------------------------------------------

    def check(self) -> list[tuple[str, bool, str]]:
        """Examine the store: rows of (check, ok, detail); includes the running hash of each session."""

    def sizes(self) -> dict[str, int]:
        """Return about what each session takes on disk (bytes, by ULID; 0 for memory)."""

    def size_bytes(self) -> int:
        """Return what the store takes on disk (0 for memory)."""
