"""Make the editors and the texts that a running session borrows from the face layer.

Face. Everything heavy is imported when the first of them is needed: a passthrough session never
loads prompt-toolkit unless its prefix key is pressed.
"""

from __future__ import annotations

import os
import time
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
    from recorder.store import Store


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

    return Faces(editor=editor, palette=palette, views=Views(where, _sessions, _replay))


def _cwd_of(pid: int) -> str | None:
    """Return the tool's working directory, where it may be read."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def _sessions(store: Store) -> str:
    from recorder import identity, render, sessions

    rows = sessions.listing(store, sessions.Wanted(limit=15), identity.alive, _now_ms())
    page = render.Page(columns=100, now_ms=_now_ms())
    return "\n".join(render.sessions(rows, sessions.every_name(store), page))


def _replay(store: Store, needle: str) -> str:
    from recorder import lookup, render, transcripts

    shown = transcripts.replay(store, lookup.session(store, needle), _now_ms())
    page = render.Page(columns=100, now_ms=_now_ms())
    return shown.first_line + "\n" + "".join(render.transcript(shown.events, page))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
