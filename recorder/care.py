"""Look after what crashes and failing stores left behind: import spill files, complete sessions.

Every step is safe to repeat and safe to race: what is there already is not written again, and an
append that finds a newer event than it has seen writes nothing. A live session is never touched, an
end is never made up, and nothing here may stop the command that called it.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from recorder import recover, spill
from recorder.errors import RecError
from recorder.labels import importing
from recorder.model import Chunk, Draft, Event, Kind, Moment, Span, Switch
from recorder.spans import Source
from recorder.stores import files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from recorder.model import Invocation, Owner
    from recorder.store import Store
    from recorder.transcript import TextPass

    Alive = Callable[[Owner], bool]

SPILL = "spill"  # directory under the root
_NAME = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
AT_ONCE = 16  # runs of events that are indexed: whoever only reads waits for it
_TRIES = 5  # against other processes that append to the same session


@dataclass
class Tidied:
    """What was done: sessions whose spill was imported or that were completed, and what failed."""

    imported: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def waiting(root: Path) -> bool:
    """Say whether there are spill files to import."""
    return any(True for _ in _spills(root))


def spills_of(root: Path, ulids: Collection[str]) -> Iterator[Path]:
    """Yield the spill files that hold anything of some sessions."""
    for path in _spills(root):
        with contextlib.suppress(RecError, ValueError, KeyError, TypeError):
            found = spill.decode(files.read_private(path))
            if found is not None and not {
                found.session.ulid,
                *(item.session for item in found.items),
            }.isdisjoint(ulids):
                yield path


def tidy(store: Store, root: Path, alive: Alive, rules: Sequence[Any] = ()) -> Tidied:
    """Import the spill files under ``root`` and complete the sessions whose recorder died.

    ``alive`` says whether an owner still runs. Never raises: what fails is in ``problems``, and is
    tried again next time.
    """
    from recorder.transcript import TextPass

    done = Tidied()
    spilled: set[str] = set()  # invocations whose end is known, and not in the store yet
    for path in _spills(root):
        try:
            ulid = _import(store, path, alive, TextPass(rules))
        except (RecError, OSError, ValueError, KeyError, TypeError) as error:
            done.problems.append(f"could not import {path}: {error}")
            spilled.add(path.name.removesuffix(files.PART))
        else:
            done.imported += [] if ulid is None else [ulid]
    try:
        runs = store.open_invocations(unrecovered=True)
    except RecError as error:
        done.problems.append(error.message)
        return done
    states = [(run, alive(run.owner)) for run in runs]
    live = {run.session for run, lives in states if lives}
    labels = dict(store.labels()) if runs else {}
    for run, _lives in states:
        if run.session in live or run.ulid in spilled:
            continue
        try:
            if labels.get(importing(run.session)) == run.session:
                store.delete([run.session], dead=[each.ulid for each in runs])  # its importer was killed
                continue
            if _complete(store, run, TextPass(rules)):
                done.recovered.append(run.session)
        except RecError as error:
            done.problems.append(f"could not complete session {run.session}: {error.message}")
    return done


# --- spill files -----------------------------------------------------------------------------------


def _spills(root: Path) -> Iterator[Path]:
    """Yield the spill files, oldest first, also those that their writer did not finish."""
    try:
        names = sorted(path.name for path in (root / SPILL).iterdir())
    except OSError:
        return
    for name in names:
        if _NAME.fullmatch(name.removesuffix(files.PART)):
            yield root / SPILL / name


def _import(store: Store, path: Path, alive: Alive, text: TextPass) -> str | None:
    """Write what a spill file holds into the store and remove it; return its session.

    Nothing is done with one that is still being written.
    """
    found = spill.decode(files.read_private(path))
    if path.name.endswith(files.PART) and found is not None and alive(found.invocation.owner):
        return None
    if found is None:
        raise ValueError("it holds no session")
    store.begin(found.session, found.invocation, _label(found, store))
    part = found
    while True:
        place = next((n for n, item in enumerate(part.items) if isinstance(item, Switch)), len(part.items))
        items, rest = part.items[:place], part.items[place:]
        _import_part(store, replace(part, items=items, whole=part.whole or bool(rest)), text)
        store.seal(part.session.ulid)
        if not rest or not isinstance(switch := rest[0], Switch):
            break
        if switch.label in dict(store.labels()):  # it may have moved since
            switch = replace(switch, label=None)
        session, _moved = store.switch(switch)
        part = replace(part, session=session, invocation=switch.run, items=rest[1:])
    if found.end is not None:
        store.end_invocation(part.invocation.ulid, *found.end)
    path.unlink(missing_ok=True)
    return found.session.ulid


def _import_part(store: Store, found: spill.Spill, text: TextPass) -> None:
    """Write what a spill file holds of the time before the next switch."""
    for session in dict.fromkeys([found.session.ulid, *(item.session for item in found.items)]):
        chunks = [item for item in found.items if isinstance(item, Chunk) and item.session == session]
        drafts = list(_drafts(found, session, text))
        _append_missing(store, session, found.seen.get(session, 0), chunks, drafts)


def _label(found: spill.Spill, store: Store) -> str | None:
    """Return the label that the session was given last, unless the store has it: it may have moved since."""
    own = (item for item in found.items if isinstance(item, Draft) and item.session == found.session.ulid)
    given = [str(draft.meta["label"]) for draft in own if draft.meta.get("mark") == "label"]
    return given[-1] if given and given[-1] not in dict(store.labels()) else None


def _drafts(found: spill.Spill, session: str, text: TextPass) -> Iterator[Draft]:
    """Yield the events of one session in a spill file, spans rendered."""
    last: spill.Item | None = None
    for item in found.items:
        if item.session != session:
            continue
        last = item
        if isinstance(item, Draft):
            yield item
        elif isinstance(item, Span):
            yield from text.render(item)
    if last is not None and not found.whole:
        words = "the rest of what was recorded is lost: its spill file was cut"
        yield Draft(session, Kind.ALERT, last.at, words, None, found.invocation.ulid, {"rule": "storage"})


def _append_missing(store: Store, session: str, seen: int, chunks: list[Chunk], drafts: list[Draft]) -> None:
    """Append what of these the store does not have yet; raise NotFound or StoreError.

    The recorder that spilled may after all have written part of it, and another process may be
    importing the same file.
    """
    for _ in range(_TRIES):
        newest = _newest(store, session)  # first: an event that comes after it makes the append fail
        have = Counter(_key(event) for event in store.events(session, after=seen))
        todo: list[Draft] = []
        for draft in drafts:
            if have[_key(draft)]:
                have[_key(draft)] -= 1
            else:
                todo.append(draft)
        end = max((chunk.start + len(chunk.data) for chunk in chunks), default=0)
        if not todo and store.raw_length(session) >= end:
            return
        store.append(todo, chunks, durable=True, if_last_seq=newest)
    raise ValueError("other processes kept writing to its session")


def _key(each: Event | Draft) -> tuple[object, ...]:
    return str(each.kind), each.at, each.turn, each.invocation, each.text


def _newest(store: Store, session: str) -> int:
    """Return the seq of a session's newest event."""
    for event in store.events(session, last=1):
        return event.seq
    found = store.summary(session)
    return 0 if found is None else found.session.fork_seq or 0


# --- interrupted sessions --------------------------------------------------------------------------


def _complete(store: Store, run: Invocation, text: TextPass) -> bool:
    """Derive the outputs that a crash left out and mark the invocation; say whether there were any."""
    found = store.summary(run.session)
    if found is None:
        return False
    newest = _newest(store, run.session)
    length = store.raw_length(run.session)
    source = Source(run.session, run.ulid, found.session.tool)
    cols = _cols(store, run.session, found.session.size.cols)
    drafts: list[Draft] = []
    covered, sent = _covered(store, run.session), _sent(store, run.session)
    for hole in recover.holes(store.turns(run.session), covered, length, sent):
        chunks = (
            chunk for start, end in recover.stretches(hole) for chunk in store.raw(run.session, start, end)
        )
        rendered: list[Draft] = []
        for item in recover.items(hole, chunks, source, cols):
            rendered += [item] if isinstance(item, Draft) else text.render(item)
        drafts += _worth_keeping(recover.without_prompt(rendered, hole), hole)
    if drafts:
        drafts.append(_note(run, drafts[-1].at, length))
    written = store.append(drafts, if_last_seq=newest, recovered=run.ulid, durable=bool(drafts))
    if written:
        store.seal(run.session)
        for _ in range(AT_ONCE):
            if not store.index(run.session, rest=True):
                break
    return bool(written)


def _worth_keeping(drafts: list[Draft], hole: recover.Hole) -> list[Draft]:
    """Leave out of the bytes after the last turn what is only a prompt and what was typed there."""
    if hole.turn is not None:
        return drafts
    if sum(draft.text.count("\n") for draft in drafts if draft.kind is Kind.OUTPUT) == 0:
        return []
    return drafts


def _note(run: Invocation, at: Moment, length: int) -> Draft:
    words = "the recorder died; what it had not written was derived from the raw bytes"
    return Draft(run.session, Kind.SYSTEM, at, words, None, run.ulid, {"recovered": length})


def _covered(store: Store, session: str) -> int:
    """Return the raw offset up to which output events reach."""
    covered = 0
    for event in store.events(session, kinds=[Kind.OUTPUT.value], last=20):
        raw = event.meta.get("raw")
        if isinstance(raw, list) and len(raw) == 2 and isinstance(raw[1], int):
            covered = max(covered, raw[1])
    return covered


def _sent(store: Store, session: str) -> set[int]:
    """Return the newest turns whose line the recorder sent itself."""
    prompts = store.events(session, kinds=[Kind.PROMPT.value], last=20)
    return {event.turn for event in prompts if event.turn is not None and event.meta.get("source") == "line"}


def _cols(store: Store, session: str, first: int) -> int:
    """Return the width of the terminal when the recorder died."""
    for event in store.events(session, kinds=[Kind.RESIZE.value], last=1):
        cols = event.meta.get("cols")
        if isinstance(cols, int) and cols > 0:
            return cols
    return first
