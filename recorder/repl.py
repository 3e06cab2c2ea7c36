"""The better prompt: an engine with the lexer and the completion that fit one tool.

Implements ``editor.LineEditor``. May hold what depends on the tool; how lines are edited is in
``ptengine``, what Tab offers in ``completion``. Import it late: prompt-toolkit costs more than
everything else together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.completion import Snapshot, SnapshotCompleter, dialect, entries, keywords
from recorder.ptengine import Engine, Look
from recorder.slash import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prompt_toolkit.lexers import Lexer

    from recorder.model import Size


class ReplEditor(Engine):
    """Edit the lines of ``tool``.

    ``write`` puts bytes on the screen, ``size`` is asked whenever an edit is drawn anew. ``history``
    returns earlier lines, oldest first; ``toolbar`` the bottom line; ``words`` what completion may
    offer besides the tool's own words; ``cwd`` the directory of file names, or None if unknown;
    ``commands`` are the slash-commands to complete, without slash.
    """

    def __init__(  # noqa: PLR0913  (one fact about the session each, all by name)
        self,
        *,
        tool: str,
        write: Callable[[bytes], None],
        size: Callable[[], Size],
        history: Callable[[], list[str]],
        toolbar: Callable[[], str],
        words: Callable[[], Iterable[str]],
        cwd: Callable[[], str | None],
        commands: Sequence[str],
        vi: bool,
        color: bool,
    ) -> None:
        kind = dialect(tool)
        own = keywords(tool)
        offered = [entry for entry in COMMANDS if entry.name in commands]

        def snapshot() -> Snapshot:
            return Snapshot(
                keywords=own,
                any_case=kind == "sql",
                words=words(),
                commands=offered,
                names=lambda directory: entries(cwd(), directory),
                bare_names=not kind,
            )

        super().__init__(
            write,
            size,
            history=history,
            toolbar=toolbar,
            completer=SnapshotCompleter(snapshot),
            look=Look(vi=vi, color=color, lexer=_lexer(kind) if color else None),
        )


def _lexer(kind: str) -> Lexer | None:
    """Return the lexer for a dialect; pygments is imported only for these."""
    if not kind:
        return None
    from prompt_toolkit.lexers import PygmentsLexer

    if kind == "sql":
        from pygments.lexers.sql import SqlLexer

        return PygmentsLexer(SqlLexer)
    from pygments.lexers.python import PythonLexer

    return PygmentsLexer(PythonLexer)
