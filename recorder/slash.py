"""Which lines are for the recorder: the table of slash-commands and the rule that tells them apart.

Pure: text in, a decision out. Nothing here runs a command or knows a session.

The rule: a line that *is* one of the commands is ours; ``//label`` sends ``/label`` to the tool; any
other ``/…`` is the tool's (SQL*Plus ``/``, ed ``/re/``, a path). What merely looks like a command is
never taken: leading blanks, several lines, or words after a command that takes none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.errors import UsageError_

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """One command; ``argument`` names what follows it, in brackets if it may be left out."""

    name: str
    argument: str
    help: str
    examples: tuple[str, ...] = ()
    asks: bool = False  # one gives it to read its answer; the others merely confirm

    @property
    def usage(self) -> str:
        """Return the command as one types it."""
        return f"/{self.name} {self.argument}".rstrip()


COMMANDS: tuple[Entry, ...] = (
    Entry("help", "[COMMAND]", "list these commands, or explain one", ("/help label",), asks=True),
    Entry("sessions", "", "list the newest sessions", asks=True),
    Entry("label", "NAME", "name this session; a label in use moves here", ("/label shop",)),
    Entry("save", "NAME", "the same as /label", ("/save before-migration",)),
    Entry(
        "fork", "[LABEL]", "go on in a child of this session; the tool runs on", ("/fork", "/fork second-try")
    ),
    Entry("new", "", "archive this session and go on in a fresh one; the tool runs on"),
    Entry("replay", "[SESSION]", "show this session, or another one", ("/replay", "/replay shop"), asks=True),
    Entry(
        "search",
        "WORDS",
        "find words in all sessions",
        ("/search connection refused", '/search "no such file" conn*'),
        asks=True,
    ),
    Entry("resume", "SESSION", "say how to go on with another session", ("/resume shop",), asks=True),
    Entry("note", "TEXT", "put a note into the recording", ("/note index added here",)),
    Entry("alert", "TEXT", "put an alert into the recording", ("/alert rows are missing",)),
    Entry("pause", "", "stop recording until /unpause"),
    Entry("unpause", "", "record again"),
    Entry("forget", "[TURN]", "erase the last turn, or turn N, for good", ("/forget", "/forget 12")),
    Entry("undo", "", "take back this session's last note or label"),
    Entry("status", "", "say what is being recorded, and where to", asks=True),
    Entry("wrap", "", "sum this session up", asks=True),
    Entry("wrap-off", "", "say no wrap-up when this session ends"),
    Entry("quit", "", "end the tool and the recording"),
)
NAMES: tuple[str, ...] = tuple(entry.name for entry in COMMANDS)
_TABLE = {entry.name: entry for entry in COMMANDS}

_WORD = re.compile(r"/([a-z][a-z-]*)(?:[ \t]+(\S.*?))?[ \t]*")
_ESCAPED = re.compile(r"/(?P<line>/+[a-z][a-z-]*(?:[ \t].*)?)")


@dataclass(frozen=True, slots=True)
class Command:
    """A line for the recorder; ``arg`` is the rest of it, without blanks around."""

    name: str
    arg: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A line for the tool, as it is to be sent."""

    text: str


def parse(line: str, names: Iterable[str] = NAMES) -> Command | Literal:
    """Decide whose ``line`` is; ``names`` are the commands that may be given now, without slash."""
    known = frozenset(names)
    command = _command(line, known)
    if command is not None:
        return command
    escaped = _ESCAPED.fullmatch(line)
    if escaped and _command("/" + line.lstrip("/"), known) is not None:
        return Literal(escaped["line"])
    return Literal(line)


def demand(line: str, names: Sequence[str] = NAMES) -> Command:
    """Read a line that can only be a command (the slash may be left out); raise ``UsageError_``."""
    text = line.strip()
    command = _command("/" + text.removeprefix("/"), frozenset(names))
    if command is not None:
        return command
    word = text.removeprefix("/").split(maxsplit=1)[0] if text.strip("/") else ""
    if word in names:
        message = f"could not run /{word}: it takes no argument"
        raise UsageError_(message, advice=f"type {_TABLE[word].usage}")
    import difflib  # when something was mistyped is soon enough

    near = difflib.get_close_matches(word, names, n=1)
    advice = f"did you mean /{near[0]}?" if near else "/help lists the commands"
    message = f"no such command: /{word}"
    raise UsageError_(message, advice=advice)


def asks(line: str) -> bool:
    """Say whether a line for us alone is a command given to read its answer."""
    word = line.strip().removeprefix("/").split(maxsplit=1)[:1]
    return bool(word) and word[0] in _TABLE and _TABLE[word[0]].asks


def help_text(names: Sequence[str] = NAMES, topic: str = "") -> str:
    """Return the list of commands or, for ``topic`` (with or without slash), one command's page."""
    if topic:
        return _page(demand(topic, names).name)
    entries = [entry for entry in COMMANDS if entry.name in names]
    width = max((len(entry.usage) for entry in entries), default=0)
    rows = [f"{entry.usage:<{width}}  {entry.help}" for entry in entries]
    return "\n".join([*rows, "", "//label sends the line /label to the tool; any other /… is the tool's."])


def _page(name: str) -> str:
    entry = _TABLE[name]
    rows = [entry.usage, f"    {entry.help}"]
    rows += [f"    for example: {example}" for example in entry.examples]
    return "\n".join(rows)


def _command(line: str, known: frozenset[str]) -> Command | None:
    match = _WORD.fullmatch(line)
    if match is None or match[1] not in known or match[1] not in _TABLE:
        return None
    argument = match[2] or ""
    if argument and not _TABLE[match[1]].argument:
        return None
    return Command(match[1], argument)
