"""Passwords in a command line, masked before anything is stored.

Pure. Only what is unmistakable is replaced, with ``***``: an argument that is no secret comes out as
it went in, since a session is resumed with these words. A masked command line is never resumed, so
where a secret ends is decided generously.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "***"
LONGEST_NAME = 100  # characters of the name of a setting

_NAMES = (
    r"(?:pg)?pass(?:word|wd|phrase|code)?|secret|token|credentials?|(?:api|access|secret|auth)[-_]?key"
    r"|(?<=[a-z0-9][-_.])pwd|rediscli_auth"
)
_option = re.compile(rf"(?i)--?(?:[a-z0-9]+[-_.])*(?:{_NAMES})").fullmatch
_option_value = re.compile(rf"(?i)(--?(?:[a-z0-9]+[-_.])*(?:{_NAMES})[=:]).+", re.DOTALL).fullmatch
# Switches that are about passwords and take none: --no-password, --ask-pass.
_switch = re.compile(r"(?i)--?(?:no|ask|prompt|with|without|enable|disable|require|skip|show|hide)[-_]").match
_setting = re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]++)\s*+=\s*").search
_secret_name = re.compile(rf"(?i)(?:.*[-_.])?(?:{_NAMES}|[a-z0-9]*password|pwd)").fullmatch
_QUOTED = r"'(?:[^'\\]|\\.)*'?|\"(?:[^\"\\]|\\.)*\"?"
_value = re.compile(rf"\{{[^}}]*\}}?|(?:{_QUOTED}|\\.|\\\Z|[^\s\\'\"])+", re.DOTALL).match
_json = re.compile(rf"(?i)([\"'][a-z0-9_.-]*(?:{_NAMES}|authorization)[\"']\s*:\s*)(?:{_QUOTED})", re.DOTALL)
_header = re.compile(
    r"(?i)(\A(?:--?[a-z-]+=|-H)?(?:(?:proxy-)?authorization|x-api-key|[a-z-]*-token|(?:set-)?cookie)\s*:\s*"
    r"(?:(?:basic|bearer|token|digest)\s+)?)\S.*",
    re.DOTALL,
)
_scheme = re.compile(r"(?i)[a-z][a-z0-9+.-]*://").match
_url = re.compile(r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*+://)(\S+)")

_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "su", "runuser", "ssh", "watch", "script")
_WRAPPERS = frozenset([
    *_SHELLS, "env", "sudo", "doas", "nice", "ionice", "nohup", "time", "timeout", "strace", "ltrace",
    "xargs", "docker", "podman", "kubectl", "sshpass", "stdbuf", "setsid", "chroot", "rlwrap", "rec", "gdb",
])  # fmt: skip
# `psql --password` and `mysql --password` ask for it: what follows is the database.
_MYSQL = ("mysql", "mariadb", "mysqldump", "mariadb-dump", "mysqladmin", "mariadb-admin", "mysqlimport")
_ASKS = frozenset([
    *_MYSQL, "mycli", "psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_basebackup", "createdb", "dropdb",
    "createuser", "dropuser", "vacuumdb", "reindexdb",
])  # fmt: skip


class _Short(NamedTuple):
    """A short option with a secret: glued to it, in the next word, maybe behind a user's name."""

    glued: bool
    apart: bool
    behind: str = ""


_GLUED, _APART, _BOTH = (
    _Short(glued=True, apart=False),
    _Short(glued=False, apart=True),
    _Short(glued=True, apart=True),
)
_USER = _BOTH._replace(behind=":")
_OPTIONS: dict[str, dict[str, _Short]] = {
    program: options
    for programs, options in (
        ((*_MYSQL, "7z"), {"-p": _GLUED}),
        (("sshpass", "mongo", "mongosh", "cqlsh", "mycli", "docker", "podman"), {"-p": _BOTH}),
        (("redis-cli", "valkey-cli"), {"-a": _APART}),
        (("ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami"), {"-w": _BOTH}),
        (("sqlcmd", "zip", "unzip", "mosquitto_pub", "mosquitto_sub"), {"-P": _BOTH}),
        (("curl",), {"-u": _USER, "-U": _USER, "--user": _USER, "--proxy-user": _USER}),
        (("http", "https"), {"-a": _USER, "--auth": _USER}),
        (("smbclient",), {"-U": _BOTH._replace(behind="%")}),
        (("lftp",), {"-u": _BOTH._replace(behind=",")}),
    )
    for program in programs
}
# Words with a password in a form of their own: what stays before it, the password, what stays after it.
_FORMS = {
    program: re.compile(form, re.DOTALL).fullmatch
    for programs, form in (
        (("mysqlsh", "mongo", "mongosh", "usql", "pgcli", "mycli"), r"([^\s/:@]+:)(?!//)(\S+)(@[^@\s]+)"),
        (("sqlplus",), r"([^\s/@]*/)([^\s@]+)(@\S*|)"),
        (("openssl",), r"(pass:)(.+)()"),
    )
    for program in programs
}
# Commands of a tool whose arguments are passwords, and options that only look like it.
_COMMANDS = {
    program: frozenset(["auth", "requirepass", "masterauth"]) for program in ("redis-cli", "valkey-cli")
}
_NOT_SECRET = {program: frozenset(["--secret"]) for program in ("docker", "podman")}
_PROGRAMS = frozenset([*_WRAPPERS, *_ASKS, *_OPTIONS, *_FORMS])
_words = re.compile(r"\s+|(?:[^\s'\"\\]|\\.|'[^']*'?|\"(?:[^\"\\]|\\.)*\"?|\\\Z)+", re.DOTALL).findall


def mask_argv(argv: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Return ``argv`` with its passwords replaced, and whether there were any."""
    masked = tuple(_mask(list(argv)))
    return masked, masked != tuple(argv)


def mask_urls(text: str) -> str:
    """Return ``text`` with the passwords of its URLs replaced."""
    if _scheme(text):
        scheme, _, rest = text.partition("://")
        return f"{scheme}://{_without_password(rest)}"
    return _url.sub(lambda found: found[1] + _without_password(found[2]), text)


def _mask(words: list[str]) -> list[str]:
    """Mask the words of one command, the first of which is the program."""
    out = words[:1]
    program = _base(words[0]) if words else ""
    pending: _Short | None = None  # how to hide the next word
    commanded = False  # all words from here on are passwords
    for number, word in enumerate(words[1:], 1):
        if pending is not None:
            out.append(_hide(word, pending.behind))
            pending = None
            continue
        if commanded:
            out.append(MASK)
            continue
        commanded = word.lower() in _COMMANDS.get(program, ())
        if program in _WRAPPERS and _base(word) in _PROGRAMS:
            program = _base(word)
        short = _OPTIONS.get(program, {})
        if program in _NOT_SECRET and "login" not in words[:number]:
            short = {}  # docker's -p is a port, except for `docker login`
        pending = _wants_value(program, short, word)
        out.append(word if pending is not None else _mask_word(program, short, word))
    return out


def _base(word: str) -> str:
    return word.rpartition("/")[2]


def _wants_value(program: str, short: dict[str, _Short], word: str) -> _Short | None:
    """Return how to hide the word after this one, None if it is no secret."""
    if word in short and short[word].apart:
        return short[word]
    if not _option(word) or _switch(word) or word in _NOT_SECRET.get(program, ()):
        return None
    return None if program in _ASKS and word == "--password" else _APART


def _mask_word(program: str, short: dict[str, _Short], word: str) -> str:
    for option, how in short.items():
        glue = option + "=" * option.startswith("--")
        if how.glued and word.startswith(glue) and len(word) > len(glue):
            return glue + _hide(word[len(glue) :], how.behind)
    if found := _option_value(word):
        return found[1] + MASK
    if program in _FORMS and (found := _FORMS[program](word)):
        return found[1] + MASK + found[3]
    if program in _SHELLS and len(word.split()) > 1:
        return _mask_shell(word)
    word = _header.sub(rf"\g<1>{MASK}", word)
    word = _json.sub(rf"\g<1>{MASK}", mask_urls(word))
    return _mask_settings(word)


def _mask_settings(text: str) -> str:
    """Mask the values of ``password=...`` and its kin; a ``pwd`` that is a directory is none of them."""
    out, at = [], 0
    while found := _setting(text, at):
        end = found.end()
        out.append(text[at:end])
        name = found[1][-LONGEST_NAME:]
        if _secret_name(name) and (value := _value(text, end)):
            end = value.end()
            directory = name.lower().endswith("pwd") and value[0][0] in "/~."
            out.append(value[0] if directory else MASK)
        at = end
    return "".join([*out, text[at:]])


def _mask_shell(text: str) -> str:
    """Mask the words of a command line that a shell is to run."""
    parts = _words(text)
    words = [part for part in parts if not part.isspace()]
    quotes = [word[0] if len(word) > 1 and word[0] in "'\"" and word[-1] == word[0] else "" for word in words]
    bare = [word[1:-1] if quote else word for word, quote in zip(words, quotes, strict=True)]
    # Behind `env` the command may be any word of the line.
    masked = zip(quotes, _mask(["env", *bare])[1:], strict=True)
    return "".join(part if part.isspace() else "{0}{1}{0}".format(*next(masked)) for part in parts)


def _hide(value: str, behind: str) -> str:
    """Return the mask for a value; the name of a user before it stays."""
    if not behind:
        return MASK
    user, separator, secret = value.partition(behind)
    return user + separator + (MASK if secret else "")


def _without_password(rest: str) -> str:
    """Mask the password in what follows a URL's scheme."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    at = authority.rfind("@")
    user, colon, secret = authority.partition(":")
    if at < 0 and colon and not user.startswith("[") and not secret.isdigit():
        # A password with a slash in it, not encoded as it should be.
        at = rest.rfind("@")
    colon_at = rest.find(":")
    return rest[: colon_at + 1] + MASK + rest[at:] if 0 <= colon_at < at else rest
