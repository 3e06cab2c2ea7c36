"""Parse and write the marks that shells and tools put into their output.

May live here: the wording of our private mark and of the public ones (OSC 7, 133, 633, 1337, 3008),
tolerantly: what cannot be read is None or is left out, never an error. May not: finding marks in a
stream (ansi), and what follows from them.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field, replace
from itertools import takewhile
from urllib.parse import quote_from_bytes, unquote_to_bytes

MAX_PACKED = 64 << 10  # characters of base64 in one user variable; each line of it decodes all again
BASE64_LINE = 76  # characters after which GNU's and BusyBox's base64 wrap
NUMBER = b"7373"  # ours; taken from none of the numbers known to be in use by terminals and shells

_PRIVATE = re.compile(
    rb"7373;([0-9A-Za-z_-]{1,64});([0-9]{1,10});([0-9]{1,18});([a-z][a-z0-9-]{0,31})(;.*)?", re.DOTALL
)
# A number in five columns or more, a blank or the star of an edited entry, a blank; fc: a tab, a column.
_LISTED = re.compile(r" *[0-9]+[* ] |\t.", re.DOTALL)
_ESCAPED = re.compile(rb"\\(?:\\|x([0-9a-fA-F]{2}))")
_QUOTED = re.compile(rb"\$'(?P<ansi>(?:[^'\\]|\\.)*)'|\\(?P<plain>.)", re.DOTALL)
_ANSI_C = re.compile(
    rb"\\(?:(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9a-fA-F]{1,2})"
    rb"|(?P<code>u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8})|c(?P<control>.)|(?P<letter>.))",
    re.DOTALL,
)
_LETTERS = dict(zip(b"abeEfnrtv\\'\"?", b"\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))
_BASE64 = re.compile(r"[0-9A-Za-z+/]{1,76}={1,3}(?:[0-9A-Za-z+/]{1,76}={0,2})?")
# Those that end a process on a terminal, by their numbers on all architectures of Linux.
_SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "FPE": 8, "KILL": 9}
_SIGNALS |= {"SEGV": 11, "PIPE": 13, "ALRM": 14, "TERM": 15}
_STATUS = re.compile(rb"[+-]?[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Private:
    """A mark of our own shell hooks: a fact, once ``nonce`` is the one we gave out."""

    nonce: str
    pid: int
    counter: int
    verb: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Public:
    """A mark that anybody may write: a hint.

    ``family`` is the OSC number; ``kind`` its letter or key; ``fields`` the positional values, decoded;
    ``options`` the ``key=value`` ones. OSC 7: kind is the URL's scheme, fields are host and path.
    """

    family: int
    kind: str
    fields: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)


def parse_private(body: bytes) -> Private | None:
    """Parse the body of an OSC as our private mark; None if it is not one."""
    found = _PRIVATE.fullmatch(body)
    if found is None:
        return None
    nonce, pid, counter, verb, rest = found.groups()
    args = rest[1:].split(b";") if rest else []
    return Private(
        nonce=nonce.decode(),
        pid=int(pid),
        counter=int(counter),
        verb=verb.decode(),
        args=tuple(_text(unquote_to_bytes(arg)) for arg in args),
    )


def as_start(mark: Private) -> Private:
    """Return the ``start`` or ``hide`` that a ``line`` mark of bash amounts to; any other mark as it is.

    Its arguments: one that says nothing, what ``history 1`` (or ``fc -ln``) has told, the directory; 1 where
    the history did not take the line; not empty where there is no history, and where a space before a line
    hides it.
    """
    if mark.verb != "line":
        return mark
    _nothing, told, cwd, stale, off, blank = (*mark.args, *[""] * 6)[:6]
    listed = _LISTED.match(told)
    text = told[listed.end() :] if listed else ""
    if not text or off or (blank and text.startswith(" ")):
        return replace(mark, verb="hide", args=())
    return replace(mark, verb="start", args=(text, cwd, *(["stale"] if stale == "1" else [])))


def encode_private(nonce: str, pid: int, counter: int, verb: str, *args: str) -> bytes:
    """Return the whole mark, introducer and terminator included."""
    parts = [NUMBER, nonce.encode(), b"%d" % pid, b"%d" % counter, verb.encode()]
    parts += [quote_from_bytes(arg.encode("utf-8", "surrogateescape")).encode() for arg in args]
    return b"\x1b]" + b";".join(parts) + b"\x07"


def parse_public(body: bytes) -> Public | None:
    """Parse the body of an OSC as one of the public marks; None if it is none of them."""
    number, _, rest = body.partition(b";")
    parser = _PARSERS.get(number)
    return parser(rest) if parser is not None else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _unescape(raw: bytes) -> str:
    r"""Undo ``\xHH`` and doubled backslashes; what is escaped otherwise stays as it is."""
    return _text(_ESCAPED.sub(lambda m: bytes([int(m[1], 16)]) if m[1] else b"\\", raw))


def _unquote(raw: bytes) -> str:
    r"""Undo how bash's ``%q`` and zsh's ``(q)`` quote a line: ``\c``, and ``$'…'`` with its escapes."""
    return _text(_QUOTED.sub(_unquoted, raw))


def _unquoted(found: re.Match[bytes]) -> bytes:
    if found["ansi"] is None:
        return found["plain"]
    return _ANSI_C.sub(_ansi_c, found["ansi"])


def _ansi_c(found: re.Match[bytes]) -> bytes:
    """Return what an escape inside ``$'…'`` stands for; one that is unknown stays as it is."""
    if found["octal"]:
        return bytes([int(found["octal"], 8) & 0xFF])
    if found["hex"]:
        return bytes([int(found["hex"], 16)])
    if found["code"]:
        point = int(found["code"][1:], 16)
        return chr(point).encode() if point < 0x110000 and not 0xD800 <= point < 0xE000 else found[0]
    if found["control"]:
        return bytes([found["control"][0] & 0x1F])
    letter = _LETTERS.get(found["letter"][0])
    return found[0] if letter is None else bytes([letter])


def _options(parts: list[bytes]) -> tuple[list[bytes], dict[str, str]]:
    """Part values from ``key=value`` pairs; a value before the first pair is positional."""
    fields = [*takewhile(lambda part: b"=" not in part, parts)]
    pairs = (part.partition(b"=") for part in parts[len(fields) :] if b"=" in part)
    return fields, {_text(key): _unescape(value) for key, _, value in pairs}


def _directory(rest: bytes) -> Public | None:
    """OSC 7. kitty's scheme is not percent-encoded, and many senders under-encode the other one."""
    scheme, found, tail = rest.partition(b"://")
    if not rest:
        return Public(7, "")
    if not found:
        return None
    host, slash, path = tail.partition(b"/")
    raw = slash + path if scheme == b"kitty-shell-cwd" else unquote_to_bytes(slash + path)
    decoded = _text(raw)
    if any(ord(char) < 0x20 or char == "\x7f" for char in decoded):
        return None
    return Public(7, _text(scheme), (_text(host), decoded))


def _prompt(rest: bytes) -> Public | None:
    """OSC 133: one letter, positional values, options; iTerm2 puts a CR behind some of them."""
    letter, _, tail = rest.rstrip(b"\r\n").partition(b";")
    if len(letter) != 1 or not letter.isalpha():
        return None
    # A shell-quoted command may hold any byte, also the separator: it goes on to the end.
    tail, found, command = _cut_command(tail)
    fields, options = _options(tail.split(b";")) if tail else ([], {})
    if found:
        options["cmdline"] = _unquote(command)
    if "cmdline_url" in options:
        options["cmdline_url"] = _text(unquote_to_bytes(options["cmdline_url"]))
    return Public(133, _text(letter), tuple(map(_text, fields)), options)


def _cut_command(tail: bytes) -> tuple[bytes, bool, bytes]:
    if tail.startswith(b"cmdline="):
        return b"", True, tail[len(b"cmdline=") :]
    before, found, command = tail.partition(b";cmdline=")
    return before, bool(found), command


def _vscode(rest: bytes) -> Public | None:
    """OSC 633: a letter or a word; E has the command and its nonce, P has properties."""
    kind, _, tail = rest.partition(b";")
    if not kind.isalpha():
        return None
    parts = tail.split(b";") if tail else []
    if kind == b"P":
        return Public(633, "P", options=_options(parts)[1])
    return Public(633, _text(kind), tuple(map(_unescape, parts)))


def _iterm(rest: bytes) -> Public | None:
    """OSC 1337: ``Key=value`` to the end, or a bare key."""
    key, found, value = rest.partition(b"=")
    if not key.isalnum():
        return None
    return Public(1337, _text(key), (_text(value),) if found else ())


def _context(rest: bytes) -> Public | None:
    """OSC 3008: ``start=ID`` or ``end=ID``, then options."""
    head, *parts = rest.split(b";")
    kind, _, name = head.partition(b"=")
    if kind not in {b"start", b"end"} or not 1 <= len(name) <= 64:
        return None
    return Public(3008, _text(kind), (_text(name),), _options(parts)[1])


_PARSERS = {b"7": _directory, b"133": _prompt, b"633": _vscode, b"1337": _iterm, b"3008": _context}


class UserVars:
    """Put WezTerm's user variables together again.

    Its script passes base64 text to ``printf`` in words: where ``base64`` wraps its lines at 76
    characters, the second and third line arrive as another variable's name and value, and so on.
    """

    def __init__(self) -> None:
        """Begin with no variable."""
        self._name = ""
        self._lines: list[str] = []

    def take(self, value: str) -> tuple[str, str] | None:
        """Take the value of a ``SetUserVar``; return name and text as far as they are known.

        The text of one that is longer than a line can be is "".
        """
        name, _, rest = value.partition("=")
        if self._lines and len(self._lines[-1]) == BASE64_LINE and _BASE64.fullmatch(value):
            if BASE64_LINE * len(self._lines) > MAX_PACKED:
                return self._name, ""
            self._lines += [line for line in re.split("=+", value) if line]
        else:
            self._name, self._lines = name, rest.rstrip("=").split()
        packed = "".join(self._lines)
        try:
            return self._name, _text(b64decode(packed + "=" * (-len(packed) % 4), validate=True))
        except ValueError:
            return None


def status_of(mark: Public) -> int | None:
    """Return the exit status in an end mark (133 or 633 ``D``, 3008 ``end``), None if it gives none.

    A signal counts as shells count it, 128 and its number.
    """
    if mark.family == 3008:
        number = _SIGNALS.get(mark.options.get("signal", "").removeprefix("SIG"))
        implied = "0" if mark.options.get("exit") == "success" else str(128 + number) if number else ""
        first = mark.options.get("status") or implied
    else:
        first = mark.fields[0] if mark.fields else ""
    return int(first) if _STATUS.fullmatch(first.encode()) else None
