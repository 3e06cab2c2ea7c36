"""What ``config.toml`` may say, what it means, and one line about what is wrong in it.

Text in, ``Settings`` out; where the file lies is ``config``'s business. Records are tuples here, as in
``basics``: what is wrong in the file is said before the tool starts.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from recorder import units
from recorder.errors import ConfigError, UsageError_

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    _Known = Callable[[tuple[str, ...]], tuple[str, Callable[[object], object]]]

PREFIX = b"\x1d"  # Ctrl-]
CONTINUE_WITHIN_S = 3600
INDEX_CAP = 512 << 10  # bytes at either end of a turn's output that become text, and are searched
MOST_CAP = 16 << 20
_NOT_A_PREFIX = b"\x03\x09\x0a\x0d\x1b"  # Ctrl-C, Tab, Enter, Escape: every tool needs them
_WORDS_FOR_CONTROL = ("ctrl-", "ctrl+", "c-", "^")


class AlertRule(NamedTuple):
    """A pattern of the user's own that makes a ``warn`` or an ``alert``; ``tool`` None is any tool."""

    name: str
    tool: str | None
    pattern: str
    kind: str


class Settings(NamedTuple):
    """The user's choices; ``prefix`` None means that no key is taken from the tool."""

    root: Path
    prefix: bytes | None = PREFIX
    continue_within_s: int = CONTINUE_WITHIN_S
    ignore_commands: tuple[str, ...] = ()
    ignore_dirs: tuple[str, ...] = ()
    slash: bool = True
    rules: tuple[AlertRule, ...] = ()
    keep_age_s: int | None = None
    keep_max_bytes: int | None = None
    index_cap: int = INDEX_CAP


def read(text: str, name: str, defaults: Settings) -> tuple[Settings, str | None]:
    """Return ``defaults`` changed by a file's ``text``, and the root it names, if any.

    Raises ConfigError with ``name``, line and key for what is no TOML, an unknown key, a wrong value.
    """
    changes = _changes(text, name, _known)
    root = changes.pop("root", None)
    return defaults._replace(**changes), root


def read_repository(text: str, name: str, users: Settings, directory: str) -> tuple[Settings, str | None]:
    """Return the user's settings with those of a repository at ``directory``, and the root it names.

    It came from somebody else: it takes nothing from the user. Patterns and rules are added to the
    user's; what deletes recordings (``[keep]``) or changes what a key does is refused; a relative
    root is one in the repository. Raises ConfigError as ``read``.
    """

    def known(path: tuple[str, ...]) -> tuple[str, Callable[[object], object]]:
        field, convert = _known(path)
        if field == "root":
            return field, lambda value: _place_of_repository(value, directory)
        if field not in _REPOSITORY:
            raise _WrongError(f"`{'.'.join(path)}` is for the user's config.toml alone")
        return field, convert

    changes = _changes(text, name, known)
    root = changes.pop("root", None)
    names = {rule.name for rule in users.rules}
    changes["rules"] = tuple(rule for rule in changes.get("rules", ()) if rule.name not in names)
    for field in _ADDED:
        changes[field] = (*getattr(users, field), *changes.get(field, ()))
    return users._replace(**changes), root


def _changes(text: str, name: str, known: _Known) -> dict[str, Any]:
    """Return what a file sets, by field; ``known`` says what a key is."""
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken(text, name, str(error)) from error
    changes: dict[str, Any] = {}
    for path, value in _leaves(table):
        try:
            field, convert = known(path)
            changes[field] = (*changes.get(field, ()), convert(value)) if field == "rules" else convert(value)
        except _WrongError as wrong:
            where = (*path, *wrong.below)
            raise ConfigError(f"could not use {name}: line {_line(text, where)}: {wrong}") from wrong
    return changes


def root_in(text: str, repository: str | None = None) -> str | None:
    """Return the root that a file names, although other things in it are wrong; None where it names none.

    ``repository``: the directory of the one that the file came with.
    """
    import tomllib

    try:
        root = tomllib.loads(text).get("root")
        if root is None:
            return None
        return _place("root", root) if repository is None else _place_of_repository(root, repository)
    except (tomllib.TOMLDecodeError, _WrongError):
        return None


def lines(text: str) -> list[str]:
    """Return what a right file sets, a line for each key."""
    import json
    import tomllib

    return [
        f"{'.'.join(path)} = {json.dumps(value, ensure_ascii=False)}"
        for path, value in _leaves(tomllib.loads(text))
    ]


def ignoring(settings: Settings) -> Callable[[str, str | None], bool]:
    """Return what says of a shell's command and its directory that the user wants it nowhere.

    A pattern counts wherever it matches in the text, as in atuin's filters.
    """
    import re

    commands = [re.compile(pattern) for pattern in settings.ignore_commands]
    dirs = [re.compile(pattern) for pattern in settings.ignore_dirs]

    def ignored(command: str, cwd: str | None) -> bool:
        return any(pattern.search(command) for pattern in commands) or any(
            pattern.search(cwd or "") for pattern in dirs
        )

    return ignored


class _WrongError(Exception):
    """What is wrong with a value; ``below`` leads to the wrong part of it."""

    def __init__(self, message: str, *below: str) -> None:
        super().__init__(message)
        self.below = below


# --- the keys ------------------------------------------------------------------------------------


def _known(path: tuple[str, ...]) -> tuple[str, Callable[[object], object]]:
    """Return the field that a key sets and what makes its value."""
    if len(path) == 2 and path[0] == "alerts":
        return "rules", lambda value: _rule(path[1], value)
    if path in _KEYS:
        field, convert = _KEYS[path]
        return field, lambda value: convert(".".join(path), value)
    if any(known[: len(path)] == path for known in _KEYS) or path == ("alerts",):
        raise _WrongError(f"`{'.'.join(path)}` is a table of settings, not a value")
    home = next((known[0] for known in _KEYS if len(known) == 2 and known[1:] == path), None)
    raise _WrongError(f"unknown key `{'.'.join(path)}`" + (f"; it belongs below `[{home}]`" if home else ""))


def _leaves(table: Mapping[str, Any]) -> list[tuple[tuple[str, ...], object]]:
    """Return the file's settings with their paths; a table below the second level is a value."""
    found: list[tuple[tuple[str, ...], object]] = []
    for key, value in table.items():
        if isinstance(value, dict) and (value or (key,) in _SECTIONS):
            found += [((key, inner), each) for inner, each in value.items()]
        else:
            found.append(((key,), value))
    return found


def _place(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("/", "~/")):
        raise _WrongError(f"`{key}` must be an absolute path, or one that begins with ~/")
    return value


def _place_of_repository(value: object, directory: str) -> str:
    """Return a root that a repository names; one that would swallow the repository is none.

    ``rec doctor --fix`` takes everybody else's rights from whatever is below a root.
    """
    if not isinstance(value, str) or not value:
        raise _WrongError("`root` must be a path")
    place = value if value.startswith(("/", "~")) else f"{directory.rstrip('/')}/{value}"
    place = posixpath.normpath(place)
    swallows = f"{directory.rstrip('/')}/".startswith(f"{place.rstrip('/')}/")
    if swallows or not place.startswith(("/", "~/")):  # `~/..` has become something else
        raise _WrongError("`root` must be a directory of its own, not the repository or one above it")
    return place


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(f"`{key}` must be true or false")
    return value


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _WrongError(f"`{key}` must be a list of texts")
    return tuple(value)


def _patterns(key: str, value: object) -> tuple[str, ...]:
    import re

    for pattern in (texts := _texts(key, value)):
        try:
            re.compile(pattern)
        except re.error as error:
            raise _WrongError(f"`{key}` has no regular expression in {pattern!r}: {error}") from error
    return texts


def _seconds(key: str, value: object) -> int:
    try:
        return units.seconds(value if isinstance(value, str) else "")
    except UsageError_ as error:
        raise _WrongError(f'`{key}` must be a duration such as "90s", "10m", "2h" or "7d"') from error


def _size(key: str, value: object) -> int:
    try:
        return units.size(value if isinstance(value, str) else "")
    except UsageError_ as error:
        raise _WrongError(f'`{key}` must be a size such as "512K", "500M" or "2G"') from error


def _cap(key: str, value: object) -> int:
    """Return a size that is held in memory while a turn prints."""
    found = _size(key, value)
    if found > MOST_CAP:
        raise _WrongError(f"`{key}` cannot be more than {MOST_CAP >> 20}M")
    return found


def _prefix(key: str, value: object) -> bytes | None:
    """Return the byte of a control key written as ``Ctrl-]`` or ``^]``; None for ``none``."""
    if value == "none":
        return None
    name = value if isinstance(value, str) else ""
    start = next((start for start in _WORDS_FOR_CONTROL if name.lower().startswith(start)), "")
    char = name[len(start) :].upper()
    if not start or len(char) != 1 or not "@" <= char <= "_":
        raise _WrongError(f'`{key}` must be a control key such as "Ctrl-]", or "none"')
    byte = bytes([ord(char) & 0x1F])
    if byte in _NOT_A_PREFIX:
        raise _WrongError(f"`{key}` cannot be {name}: every tool needs that key")
    return byte


def _rule(name: str, value: object) -> AlertRule:
    """Return the rule ``alerts.name``: a table with ``pattern``, maybe ``tool`` and ``kind``."""
    import re

    key = f"alerts.{name}"
    if not isinstance(value, dict):
        raise _WrongError(f'`{key}` must be a table such as {{tool = "psql", pattern = "^PANIC"}}')
    for word in value:
        if word not in {"tool", "pattern", "kind"}:
            raise _WrongError(f"unknown key `{key}.{word}`", word)
    for word in ("pattern", *value):
        if not isinstance(value.get(word), str):
            raise _WrongError(f"`{key}.{word}` must be a text", word)
    kind = value.get("kind", "alert")
    if kind not in {"warn", "alert"}:
        raise _WrongError(f'`{key}.kind` must be "warn" or "alert"', "kind")
    try:
        re.compile(value["pattern"])
    except re.error as error:
        raise _WrongError(f"`{key}.pattern` is no regular expression: {error}", "pattern") from error
    return AlertRule(name, value.get("tool"), value["pattern"], kind)


_KEYS: dict[tuple[str, ...], tuple[str, Callable[[str, object], object]]] = {
    ("root",): ("root", _place),
    ("prefix",): ("prefix", _prefix),
    ("record", "continue_within"): ("continue_within_s", _seconds),
    ("record", "ignore_commands"): ("ignore_commands", _patterns),
    ("record", "ignore_dirs"): ("ignore_dirs", _patterns),
    ("record", "slash"): ("slash", _flag),
    ("keep", "age"): ("keep_age_s", _seconds),
    ("keep", "max_size"): ("keep_max_bytes", _size),
    ("index", "cap"): ("index_cap", _cap),
}
# What a repository may set besides `root`; the rest is the user's: the keys, and what is deleted.
_ADDED = ("ignore_commands", "ignore_dirs", "rules")
_REPOSITORY = {*_ADDED, "continue_within_s", "index_cap"}
_SECTIONS = {("alerts",), *(path[:1] for path in _KEYS if len(path) > 1)}


# --- where it is wrong ---------------------------------------------------------------------------


def _line(text: str, path: tuple[str, ...]) -> int:
    """Return the line that sets ``path``, or the nearest one above it that leads there."""
    section: tuple[str, ...] = ()
    best, depth = 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if words.startswith("["):
            section = here = _parts(words.strip("[]").partition("]")[0])
        elif "=" in words:  # a comment's "key" begins with # and is nobody's
            here = section + _parts(words.partition("=")[0])
        else:
            continue
        if depth < len(here) and path[: len(here)] == here:
            best, depth = number, len(here)
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _broken(text: str, name: str, message: str) -> ConfigError:
    """Return the error for what is no TOML: ``... (at line 3, column 5)`` or ``(at end of document)``."""
    what, _, where = message.rpartition(" (at ")
    digits = where.removeprefix("line ").partition(",")[0]
    line = int(digits) if digits.isdigit() else max(1, len(text.splitlines()))
    cause = what[:1].lower() + what[1:]
    return ConfigError(f"could not use {name}: line {line}: {cause or message}")
