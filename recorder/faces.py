"""Make the editors and the texts that a running session borrows from the face layer.

Face. Everything heavy is imported when the first of them is needed: a passthrough session never
loads prompt-toolkit unless its prefix key is pressed.
"""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING

from recorder import config
from recorder.live import Views
from recorder.slash import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recorder.console import Palette
    from recorder.editor import LineEditor
    from recorder.live import Live
    from recorder.model import Size
    from recorder.recording import Faces
    from recorder.render import Page
    from recorder.store import Store

SEARCH_HITS = 8
SEARCH_S = 0.2


def faces(env: Mapping[str, str], where: str) -> Faces:
    """Return the makers for one recording; ``where`` is the root as shown to the user."""
    from recorder.recording import Faces

    def editor(live: Live, write: Callable[[bytes], None], size: Callable[[], Size], pid: int) -> LineEditor:
        live.ask_history()  # the store is opened while the editor is imported
        from recorder.repl import ReplEditor

        return ReplEditor(
            tool=live.session.tool,
            write=write,
            size=size,
            history=live.history,
            toolbar=live.toolbar,
            words=live.words,
            cwd=lambda: _cwd_of(pid),
            commands=NAMES,
            vi=config.vi_keys(env),
            color="NO_COLOR" not in env,
        )

    def palette(
        live: Live,
        write: Callable[[bytes], None],
        size: Callable[[], Size],
        command: Callable[[str], str],
    ) -> Palette:
        from recorder.palette import Palette as Panel

        return Panel(
            write=write,
            size=size,
            run=command,
            title=live.toolbar,
            history=list,
            commands=NAMES,
            color="NO_COLOR" not in env,
        )

    views = (partial(view, env.get("HOME")) for view in (_sessions, _replay, _wrap, _search))
    return Faces(editor=editor, palette=palette, views=Views(where, *views))


def _cwd_of(pid: int) -> str | None:
    """Return the tool's working directory, where it may be read."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def _sessions(home: str | None, store: Store) -> str:
    from recorder import identity, render, sessions
    from recorder.stores.rooted import over

    with over(store) as every:
        rows = sessions.listing(every, sessions.Wanted(limit=15), identity.alive, _now_ms())
        names = sessions.short_names(every, (row.ulid for row in rows))
    return "\n".join(render.sessions(rows, names, _page(home)))


def _replay(home: str | None, store: Store, needle: str) -> str:
    from recorder import identity, lookup, render, sessions, transcripts
    from recorder.stores.rooted import over

    page = _page(home)
    with over(store) as every:
        summary = lookup.summary(every, needle)
        shown = transcripts.replay(every, summary.session.ulid, _now_ms())
        known = render.provenance(summary, sessions.status_of(summary, identity.alive), page)
        head = "".join(f"{line}\n" for line in (shown.first_line, known) if line)
        return head + "".join(render.transcript(shown.events, page))


def _wrap(home: str | None, store: Store, ulid: str) -> str:
    from recorder import render_wrap, wrapping

    return "\n".join(render_wrap.wrap(wrapping.of(store, ulid), _page(home)))


def _page(home: str | None) -> Page:
    from recorder.render import Page

    return Page(columns=100, home=home, now_ms=_now_ms())


def _search(home: str | None, store: Store, line: str) -> str:
    """Search for at most as long as the writer may be kept from writing."""
    from recorder import query, render_search, searching, sessions
    from recorder.stores.rooted import over

    until = time.monotonic() + SEARCH_S

    def told(_done: int, _of: int) -> None:
        if time.monotonic() > until:
            raise _LateError

    hits: list[query.Hit] = []
    loose = late = False
    with over(store) as every:
        try:
            found = searching.find(every, query.asked(query.spoken(line)), SEARCH_HITS, told)
            loose = found.loose
            for hit in found.hits:
                hits.append(hit)  # noqa: PERF402  (what was found before it is late counts)
        except _LateError:
            late = True
        names = sessions.turn_names(every, [hit.event for hit in hits])
    lines = list(render_search.hits(hits, names, _page(home)))
    lines += ["no such word; it is a part of these"] if loose else []
    lines += ["what is older was not searched; `rec search` takes its time"] if late else []
    return "\n".join(lines) or "nothing found"


class _LateError(Exception):
    """The search has taken long enough."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
