"""Passwords in a command line: masked before anything is stored; and what a tool talks to.

Pure. Only what is unmistakable is replaced, with ``***``: an argument that is no secret comes out as
it went in, since a session is resumed with these words. A masked command line is never resumed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MASK = "***"

_NAME = (
    r"(?:[a-z0-9]+[-_])*"
    r"(?:password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|credentials?)"
)
_OPTION = re.compile(rf"(?i)\A--?(?:{_NAME})\Z")
_OPTION_VALUE = re.compile(rf"(?i)\A(--?(?:{_NAME})[=:])(.+)\Z", re.DOTALL)
_ASSIGNMENT = re.compile(rf"(?i)\b((?:{_NAME}|PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH)\s*=\s*)('[^']*'|[^\s'&;]+)")
_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*:)([^\s/@]+)(?=@)")
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization\s*:\s*(?:(?:basic|bearer|token|digest)\s+)?)(\S.*)\Z", re.DOTALL
)
_COOKIE = re.compile(r"(?i)\A((?:set-)?cookie\s*:\s*)(\S.*)\Z", re.DOTALL)
# Short options with the secret glued on or next to them, by tool: there is no general rule for them.
_GLUED = {
    **dict.fromkeys(("mysql", "mariadb", "mysqldump", "mariadb-dump", "mysqladmin"), ("-p",)),
    "sshpass": ("-p",),
    "7z": ("-p",),
}
_NEXT = {
    "redis-cli": frozenset({"-a", "--pass"}),
    "sshpass": frozenset({"-p"}),
    "curl": frozenset({"-u", "--user", "-U", "--proxy-user"}),
    "mongosh": frozenset({"-p"}),
    "mongo": frozenset({"-p"}),
    "ldapsearch": frozenset({"-w"}),
    "sqlcmd": frozenset({"-P"}),
}
_USER_PASSWORD = frozenset({"-u", "--user", "-U", "--proxy-user"})


def mask_argv(argv: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Return ``argv`` with its passwords replaced, and whether there were any."""
    tool = argv[0].rpartition("/")[2] if argv else ""
    masked: list[str] = list(argv[:1])
    hide: str | None = None  # the option whose value comes next
    for word in argv[1:]:
        masked.append(_value(hide, word) if hide is not None else _word(tool, word))
        hide = None if hide is not None else _wants_value(tool, word)
    return tuple(masked), masked != list(argv)


def target(argv: Sequence[str], tool: str, env: Mapping[str, str] | None = None) -> str | None:
    """Return what the tool talks to (a URL, host, database, file), without any password, or None."""
    words, _ = mask_argv(argv)
    urls = [word for word in words[1:] if re.match(r"(?i)[a-z][a-z0-9+.-]*://", word)]
    if urls:
        return _URL.sub(lambda found: found[1][:-1], urls[0]).replace(f":{MASK}@", "@")
    if tool in ("psql", "mysql", "mariadb", "redis-cli"):
        return _database(words, tool, env or {})
    if tool in ("sqlite3", "ssh", "telnet", "ftp", "sftp", "gdb"):
        plain = [word for word in words[1:] if not word.startswith("-") and MASK not in word]
        return plain[0] if plain else None
    return None


def _wants_value(tool: str, word: str) -> str | None:
    if _OPTION.match(word) or word in _NEXT.get(tool, ()):
        return word
    return None


def _value(option: str, word: str) -> str:
    if option in _USER_PASSWORD:
        user, colon, _ = word.partition(":")
        return f"{user}:{MASK}" if colon else word
    return MASK


def _word(tool: str, word: str) -> str:
    for option in _GLUED.get(tool, ()):
        if word.startswith(option) and word != option and not word.startswith("--"):
            return option + MASK
    if found := _OPTION_VALUE.match(word):
        return found[1] + MASK
    word = _URL.sub(rf"\g<1>{MASK}", word)
    word = _ASSIGNMENT.sub(rf"\g<1>{MASK}", word)
    word = _HEADER.sub(rf"\g<1>{MASK}", word)
    return _COOKIE.sub(rf"\g<1>{MASK}", word)


_OPTIONS = {
    "psql": {
        "-h": "host",
        "--host": "host",
        "-p": "port",
        "--port": "port",
        "-d": "name",
        "--dbname": "name",
        "-U": "user",
        "--username": "user",
    },
    "mysql": {
        "-h": "host",
        "--host": "host",
        "-P": "port",
        "--port": "port",
        "-D": "name",
        "--database": "name",
        "-u": "user",
        "--user": "user",
    },
    "redis-cli": {"-h": "host", "-p": "port", "-n": "name", "-s": "host"},
}
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "name": "PGDATABASE", "user": "PGUSER"}


def _database(words: Sequence[str], tool: str, env: Mapping[str, str]) -> str | None:
    """Put host, port, database and user together as ``user@host:port/name``, as far as they are said."""
    options = _OPTIONS.get(tool, _OPTIONS["mysql"])
    said: dict[str, str] = {}
    if tool == "psql":
        said = {key: env[name] for key, name in _VARIABLES.items() if env.get(name)}
    rest: list[str] = []
    key: str | None = None
    for word in words[1:]:
        name, equals, value = word.partition("=")
        short = word[:2]
        if key is not None:
            said[key] = word
            key = None
        elif equals and name in options:
            said[options[name]] = value
        elif word in options:
            key = options[word]
        elif short in options and not word.startswith("--") and len(word) > len(short):
            said[options[short]] = word[len(short) :]
        elif not word.startswith("-"):
            rest.append(word)
    if rest and tool != "redis-cli" and "=" not in rest[0]:
        said.setdefault("name", rest[0])
    if not said:
        return None
    user = f"{said['user']}@" if "user" in said else ""
    port = f":{said['port']}" if "port" in said else ""
    name = f"/{said['name']}" if "name" in said else ""
    return f"{user}{said.get('host', '')}{port}{name}" or None
