"""Answer slash-commands inside a running session.

Service: implements ``console.Console`` over the writer's thread and the pure tables of ``slash``.
It prints nothing. A command waits for the store at most as long as a person does (``PATIENCE_S``);
a store that fails gives an answer, never an exception, as the tool must go on.
"""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from recorder import slash, takeback, units
from recorder.console import Action, Reply
from recorder.errors import PersistenceDisabled, RecError, Refused, StoreBusy
from recorder.labels import check_label, label_mark
from recorder.model import EndReason, Kind
from recorder.vocabulary import Vocabulary, words_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from typing import TypeVar

    from recorder.model import Invocation, Meta, Session, Summary
    from recorder.store import Store
    from recorder.writer import Writer

    T = TypeVar("T")
    GoOn = Callable[[Session, Invocation, EndReason, str | None], tuple[Session, Invocation]]

PATIENCE_S = 1.0
WORDS_S = 0.25  # for the newest words; Tab is worth a short wait, and a store answers in milliseconds
WORDS_LAST = 50  # events that are looked through for them at once
HISTORY_S = 1.0  # at most, once, at the first prompt: a busy machine opens a store slowly


class Live:
    """One running session as its own commands see it."""

    def __init__(
        self,
        session: Session,
        invocation: Invocation,
        writer: Writer,
        note: Callable[[Kind, str, Meta], None],
        go_on: GoOn,
        views: Views,
        *,
        persist: bool,
    ) -> None:
        """Take the session's facts; ``note`` records an event in order with the tool's output.

        ``go_on`` has the recording go on in another session (see ``branching``), in that order too.
        """
        self.session = session
        self.invocation = invocation
        self.label: str | None = None
        self.paused = False
        self.wraps = True  # at the end, if it was long
        self._ended: tuple[Session, ...] = ()  # that were left, and may be wrapped up
        self._writer = writer
        self._note = note
        self._go_on = go_on
        self._views = views
        self._persist = persist
        self._earlier: Future[list[str]] | None = None
        self._patience = HISTORY_S
        self._submitted: list[str] = []
        self._vocabulary = Vocabulary()
        self._knows_earlier = False
        self._fresh: Future[tuple[int, list[str]]] | None = None  # words that are being asked for
        self._read_upto = 0  # the event up to which they are known

    def ended(self) -> tuple[Session, ...]:
        """Return the sessions that have ended with the recording and may be wrapped up, in their order."""
        return (*self._ended, *([self.session] if self.wraps else []))

    def reply(self, line: str) -> Reply | None:
        """Answer a submitted line, or return None when it is the tool's."""
        parsed = slash.parse(line)
        if isinstance(parsed, slash.Literal):
            return None if parsed.text == line else Reply(line=parsed.text)
        return self._answer(parsed)

    def command(self, line: str) -> Reply:
        """Answer a line of the recorder's own prompt; the slash may be missing."""
        try:
            return self._answer(slash.demand(line))
        except RecError as error:
            return _refusal(error)

    def toolbar(self) -> str:
        """Return the bottom line: what the session is called, whether it is kept, how long it is."""
        name = self.label or self.session.ulid[:10]
        state = "paused" if self.paused else "recording" if self._persist else "not kept"
        if self._writer.suspended and state == "recording":
            state = "suspended"  # the store fails; the notices have said why
        count = self._writer.n_events
        backlog = self._writer.backlog
        waiting = f" · {backlog >> 10} KiB waiting" if backlog > (1 << 20) else ""
        return f" {name} · {state} · {units.count(count, 'event')}{waiting} · /help "

    def ask_history(self) -> Future[list[str]]:
        """Ask the store, once, for what was submitted to this tool in earlier sessions."""
        if self._earlier is None:
            self._writer.start()  # a silent tool is prompted before the loop has: it would wait for itself
            tool = self.session.tool
            self._earlier = self._writer.call(lambda store: store.history(tool))
        return self._earlier

    def history(self) -> list[str]:
        """Return what was submitted to this tool, also in earlier sessions, oldest first.

        A slow store is not waited for: a prompt must not be. Its lines are there when it has answered.
        """
        patience, self._patience = self._patience, 0.0
        earlier: list[str] = []
        with contextlib.suppress(TimeoutError, RecError):
            earlier = self.ask_history().result(patience)
        return [*earlier, *self._submitted]

    def submitted(self, line: str) -> None:
        """Take note of a line that goes to the tool."""
        if line.strip() and self._submitted[-1:] != [line]:
            self._submitted.append(line)

    def words(self) -> list[str]:
        """Return the words of this session and of earlier lines for this tool, the newest first.

        They are what the store has: hidden input and secrets are not among them.
        """
        if not self._knows_earlier and self.ask_history().done():
            self._knows_earlier = True
            with contextlib.suppress(RecError):
                self._vocabulary.add(words_of(self.ask_history().result()))
        patience = WORDS_S if self._fresh is None else 0.0  # a slow store is waited for once
        fresh = self._fresh or self._writer.call(self._newer)
        self._fresh = fresh
        with contextlib.suppress(TimeoutError, RecError):
            self._read_upto, found = fresh.result(patience)
            self._vocabulary.add(found)
        if fresh.done():
            self._fresh = None
        return self._vocabulary.newest()

    def _newer(self, store: Store) -> tuple[int, list[str]]:
        """Return the last event with text that the store has, and the words since the one known."""
        kinds = (Kind.PROMPT, Kind.OUTPUT)
        rows = list(store.events(self.session.ulid, kinds=kinds, after=self._read_upto, last=WORDS_LAST))
        return rows[-1].seq if rows else self._read_upto, words_of([row.text for row in rows])

    def labelled(self, label: str, moved: str | None = None) -> None:
        """Take note of a label that the store has, or gets with the session's first row."""
        self.label = label
        self._note(Kind.MARK, f"label {label}", label_mark(label, moved))

    def set_label(self, name: str) -> str:
        """Give the session a label; return what to tell the user."""
        label = check_label(name)
        self._need_store()
        moved = self._ask(lambda store: store.begin(self.session, self.invocation, label))
        self.labelled(label, moved)
        # Two lines, so that the palette does not close over what the user has to know.
        return f"label {label} set\nlabel {label} moved from {moved}" if moved else f"label {label} set"

    # --- commands ------------------------------------------------------------------------------

    def _answer(self, command: slash.Command) -> Reply:
        try:
            return self._run(command.name, command.arg)
        except RecError as error:
            return _refusal(error)

    def _run(self, name: str, arg: str) -> Reply:
        ours: dict[str, Callable[[], Reply]] = {
            "label": lambda: Reply(self.set_label(arg)),
            "save": lambda: Reply(self.set_label(arg)),
            "fork": lambda: Reply(self._leave(name, arg)),
            "new": lambda: Reply(self._leave(name, arg)),
            "note": lambda: self._remark(name, arg),
            "alert": lambda: self._remark(name, arg),
            "pause": lambda: self._switch("pause"),
            "unpause": lambda: self._switch("unpause"),
            "forget": lambda: Reply(self._forget(arg)),
            "undo": lambda: Reply(self._undo()),
            "status": lambda: Reply(self._status()),
            "sessions": lambda: Reply(self._look(self._views.sessions)),
            "replay": lambda: Reply(self._look(self._replay(arg or self.session.ulid))),
            "search": lambda: Reply(self._search(arg)),
            "wrap": lambda: Reply(self._look(self._wrap)),
            "wrap-off": lambda: Reply(self._wrap_off()),
            "resume": lambda: Reply(self._resume(arg)),
            "quit": lambda: Reply("", action="quit"),
            "help": lambda: Reply(slash.help_text(topic=arg)),
        }
        return ours[name]()

    def _replay(self, needle: str) -> Callable[[Store], str]:
        return lambda store: self._views.replay(store, needle)

    def _search(self, words: str) -> str:
        if not words:
            raise Refused("could not search: no words are given", advice="type /search WORDS")
        return self._look(lambda store: self._views.search(store, words))

    def _wrap(self, store: Store) -> str:
        return self._views.wrap(store, self.session.ulid)

    def _wrap_off(self) -> str:
        self.wraps = False
        return "no wrap-up at the end of this session"

    def _look(self, view: Callable[[Store], str]) -> str:
        self._need_store()
        return self._ask(view)

    def _leave(self, name: str, arg: str) -> str:
        """Go on in another session; return what to tell the user."""
        self._need_store()
        label = check_label(arg) if arg else None
        ended, reason = self.ended(), EndReason.FORKED if name == "fork" else EndReason.NEW
        left = self.session.ulid
        self.session, self.invocation = self._go_on(self.session, self.invocation, reason, label)
        self.label = None
        self._ended, self.wraps = ended, True
        if reason is EndReason.NEW:
            self._read_upto = 0
            return f"session {left} is archived; recording goes on in {self.session.ulid}"
        if label is not None:
            self.labelled(label)
        called = f", label {label}" if label else ""
        return f"forked after turn {self.session.fork_turn}: recording goes on in {self.session.ulid}{called}"

    def _remark(self, name: str, text: str) -> Reply:
        self._need_store()
        if not text:
            verb = "write the note" if name == "note" else "raise the alert"
            raise Refused(f"could not {verb}: it has no text", advice=f"type /{name} TEXT")
        if name == "note":
            self._note(Kind.MARK, text, {"mark": "note"})
            return Reply("noted")
        self._note(Kind.ALERT, text, {"rule": "user"})
        return Reply("alert recorded")

    def _forget(self, words: str) -> str:
        self._need_store()
        root = Path(self._views.where)
        gone = self._ask(lambda store: takeback.forget(store, root, self.session.ulid, words))
        self._submitted = [line for line in self._submitted if line not in gone.commands]
        self._vocabulary = Vocabulary()  # asked for anew: the store has what is left
        self._earlier = self._fresh = None
        self._knows_earlier, self._read_upto = False, 0
        return f"turn {gone.turn} erased"

    def _undo(self) -> str:
        self._need_store()
        root = Path(self._views.where)

        def work(store: Store) -> tuple[str, tuple[str, ...]]:
            told = takeback.undo(store, root, self.session.ulid)
            found = store.summary(self.session.ulid)
            return told, () if found is None else found.labels

        told, labels = self._ask(work)
        if self.label not in labels:
            self.label = labels[0] if labels else None
        return told

    def _resume(self, needle: str) -> str:
        """Say what to run after leaving; two recordings cannot take turns in one tool's terminal."""
        self._need_store()
        if not needle:
            raise Refused("could not say how to resume: no session is named", advice="type /resume SESSION")
        from recorder import identity, lookup, resuming  # many sessions never ask
        from recorder.stores.rooted import over

        def find(store: Store) -> Summary:
            with over(store) as every:
                return lookup.summary(every, needle, self.session.ulid)

        summary = self._ask(find)
        if summary.session.ulid != self.session.ulid:
            resuming.check(summary, identity.alive)
            resuming.command_line(summary.session)
        name = (*summary.labels, summary.session.ulid)[0]
        return f"after leaving this tool: rec resume {shlex.quote(name)}"

    def _switch(self, action: Action) -> Reply:
        want = action == "pause"
        if self.paused == want:
            return Reply("already paused" if want else "already recording")
        self.paused = want
        return Reply("paused: nothing is recorded until /unpause" if want else "recording", action=action)

    def _status(self) -> str:
        state = "paused" if self.paused else "on"
        kept = f"in {self._views.where}" if self._persist else "nowhere: persistence disabled"
        label = f", label {self.label}" if self.label else ""
        count = self._writer.n_events
        return (
            f"recording {state}: session {self.session.ulid}{label}\n"
            f"{units.count(count, 'event')}, {self._writer.backlog} bytes waiting, kept {kept}"
        )

    def _need_store(self) -> None:
        if not self._persist:
            raise PersistenceDisabled

    def _ask(self, work: Callable[[Store], T]) -> T:
        """Run ``work`` on the writer's thread, in order with what is being written."""
        try:
            return self._writer.call(work).result(PATIENCE_S)
        except TimeoutError as late:
            raise StoreBusy("could not ask the store: it does not answer", advice="try again later") from late


class Views:
    """The texts that commands show; handed in, because rendering is above the services."""

    def __init__(
        self,
        where: str,
        sessions: Callable[[Store], str],
        replay: Callable[[Store, str], str],
        wrap: Callable[[Store, str], str],
        search: Callable[[Store, str], str],
    ) -> None:
        """Take the root's path and the renderers; two want a session, the last one words."""
        self.where = where
        self.sessions = sessions
        self.replay = replay
        self.wrap = wrap
        self.search = search


def _refusal(error: RecError) -> Reply:
    advice = f"; {error.advice}" if error.advice else ""
    return Reply(f"rec: {error.message}{advice}", failed=True)
