"""What a tool talks to, read off its arguments: a database, a host, a file; never a password.

Pure. Only tools whose options are known well enough; for all others there is no target.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from recorder.masking import MASK, mask_urls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_scheme = re.compile(r"(?i)[a-z][a-z0-9+.-]*://").match
_query = re.compile(r"(?i)(?<=[?&])[a-z]*password=[^&#]*&?")
_setting = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:\\.|[^\s'\\])*)\s*", re.DOTALL)
# python's switches before -m and -c, all in one word: -im module
_cluster = re.compile(r"(-[bBdEhiIOPqsSuvx]+)([mc])(.*)", re.DOTALL).fullmatch


class _Options(NamedTuple):
    """The options of a tool: those that name its target, and the others that take a value."""

    named: Mapping[str, str]
    valued: frozenset[str]


def _options(named: str, valued: str) -> _Options:
    pairs = (word.split("=", 1) for word in named.split())
    return _Options(dict(pairs), frozenset(valued.split()))


_KNOWN = {
    "psql": _options(
        "-h=host --host=host -p=port --port=port -U=user --username=user -d=name --dbname=name",
        "-c --command -f --file -F --field-separator -L --log-file -o --output -P --pset -R"
        " --record-separator -T --table-attr -v --set --variable",
    ),
    "mysql": _options(
        "-h=host --host=host -P=port --port=port -u=user --user=user -D=name --database=name"
        " -S=host --socket=host",
        "-e --execute --delimiter --prompt --pager --tee --protocol --default-character-set --ssl-ca",
    ),
    "redis-cli": _options(
        "-h=host -p=port -n=name -s=host -u=url", "-a --pass --user -r -i -d -D --cert --key"
    ),
    "ssh": _options("-p=port -l=user", "-B -b -c -D -E -e -F -I -i -J -L -m -O -o -Q -R -S -W -w"),
    "sftp": _options("-P=port", "-b -B -c -D -F -i -J -l -o -R -S -s -X"),
    "telnet": _options("-l=user", "-b -e -n -S -X"),
    "ftp": _options("", "-N -P -s"),
    "sqlite3": _options(
        "", "-cmd -init -separator -newline -nullvalue -vfs -mmap -maxsize -heap -zip -deserialize"
    ),
    "gdb": _options(
        "-p=pid --pid=pid -pid=pid",
        "-x -ex -ix -iex -c -core -s -symbols -e -exec -d -directory -tty -b -l -D -i -eval-command"
        " --command --eval-command --core --symbols --exec --directory --tty",
    ),
    "python": _options("-m=module -c=code", "-W -X --check-hash-based-pycs"),
}
_SAME = {
    "mariadb": "mysql",
    "valkey-cli": "redis-cli",
    "sqlite": "sqlite3",
    "pypy": "python",
    "ipython": "python",
}
_NAMED = frozenset([*_KNOWN, *_SAME])
_HOST_FIRST = ("ssh", "sftp", "ftp", "telnet")
_ONE_WORD = (*_HOST_FIRST, "redis-cli", "gdb", "python")  # what follows their first word is not for them
_REDIS = {"host": "127.0.0.1", "port": "6379"}
_LIBPQ = {"host": "PGHOST", "port": "PGPORT", "name": "PGDATABASE", "user": "PGUSER"}
_CONNINFO = {"host": "host", "hostaddr": "host", "port": "port", "dbname": "name", "user": "user"}


def target(argv: Sequence[str], tool: str, env: Mapping[str, str] | None = None, cwd: str = "") -> str | None:
    """Return what ``argv`` talks to, None if that is not known.

    A database is ``user@host:port/name`` as far as the arguments or ``env`` say, or its URL; a file is
    absolute if ``cwd`` is given.
    """
    name = _name(tool)
    if name not in _KNOWN:
        return None
    said, words = _read(name, list(argv[1:]))
    if name in _HOST_FIRST:
        return _host(said, words)
    if name in _SERVERS:
        return _SERVERS[name](said, words, env or {})
    if name == "sqlite3":
        return _file(words[0], cwd) if words else ":memory:"
    if "pid" in said:
        return f"pid {said['pid']}"
    if "module" in said:
        return f"-m {said['module']}"
    return _file(words[0], cwd) if words and words[0] != "-" else None


def _name(tool: str) -> str:
    """Return the name by which a tool is known here: without its directory and version."""
    base = tool.rpartition("/")[2]
    return next(
        (_SAME.get(name, name) for name in (base, base.rstrip("0123456789.-")) if name in _NAMED), base
    )


def _read(name: str, words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return what the options say, and the words that are none."""
    options = _KNOWN[name]
    said: dict[str, str] = {}
    rest: list[str] = []
    while words and not (rest and name in _ONE_WORD) and said.keys().isdisjoint(("module", "code")):
        word = words.pop(0)
        if name == "python" and (found := _cluster(word)):
            words[:0] = [found[1], f"-{found[2]}{found[3]}"]
            continue
        option, equals, value = word.partition("=")
        if word == "--":
            return said, rest + words
        if not word.startswith("-") or word == "-":
            rest.append(word)
        elif word in options.valued:
            del words[:1]
        elif word in options.named:
            said[options.named[word]] = words.pop(0) if words else ""
        elif equals and option in options.named:
            said[options.named[option]] = value
        elif not word.startswith("--") and word[:2] in options.named:
            said[options.named[word[:2]]] = word[2:]
    return said, rest


def _psql(said: dict[str, str], words: list[str], env: Mapping[str, str]) -> str | None:
    said = dict(zip(("name", "user"), words, strict=False)) | said
    name = said.get("name", "")
    if _scheme(name):
        return _url(name)
    if "=" in name:
        del said["name"]
        settings = ((_CONNINFO.get(key), value.strip("'")) for key, value in _setting.findall(name))
        said |= {key: value for key, value in settings if key}
    return _database({key: env[variable] for key, variable in _LIBPQ.items() if env.get(variable)} | said)


def _mysql(said: dict[str, str], words: list[str], _env: Mapping[str, str]) -> str | None:
    return _database(dict(zip(("name",), words, strict=False)) | said)


def _redis(said: dict[str, str], _words: list[str], _env: Mapping[str, str]) -> str | None:
    return _url(said["url"]) if "url" in said else _database(_REDIS | said)


_SERVERS = {"psql": _psql, "mysql": _mysql, "redis-cli": _redis}


def _database(said: dict[str, str]) -> str | None:
    """Put user, host, port and name together, as far as they are said."""
    user = f"{said['user']}@" if said.get("user") else ""
    port = f":{said['port']}" if said.get("port") else ""
    name = f"/{said['name']}" if said.get("name") else ""
    return f"{user}{said.get('host', '')}{port}{name}" or None


def _host(said: dict[str, str], words: list[str]) -> str | None:
    if not words:
        return None
    if _scheme(words[0]):
        return _url(words[0])
    user = f"{said['user']}@" if said.get("user") and "@" not in words[0] else ""
    port = f":{said['port']}" if said.get("port") else ""
    return f"{user}{words[0]}{port}"


def _url(text: str) -> str:
    """Return a URL without its password."""
    text = mask_urls(text).replace(f"//:{MASK}@", "//").replace(f":{MASK}@", "@")
    return _query.sub("", text).rstrip("?&")


def _file(path: str, cwd: str) -> str | None:
    if not path or not cwd or path.startswith(("/", ":memory:", "file:")):
        return path or None
    return f"{cwd.rstrip('/')}/{path.removeprefix('./')}"
