"""Parse and write the marks that shells and tools put into their output.

May live here: the wording of our private mark and of the public ones (OSC 7, 133, 633, 1337, 3008),
tolerantly: what cannot be read is None or is left out, never an error. May not: finding marks in a
stream (ansi), and what follows from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes, unquote_to_bytes

NUMBER = b"6973"  # ours; taken from none of the numbers known to be in use by terminals and shells

_PRIVATE = re.compile(
    rb"6973;([0-9A-Za-z_-]{1,64});([0-9]{1,10});([0-9]{1,18});([a-z][a-z0-9-]{0,31})(;.*)?", re.DOTALL
)
_ESCAPED = re.compile(rb"\\(?:\\|x([0-9a-fA-F]{2}))")
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


def _options(parts: list[bytes]) -> tuple[list[bytes], dict[str, str]]:
    """Part values from ``key=value`` pairs; a value before the first pair is positional."""
    fields = [part for part in parts if b"=" not in part]
    pairs = (part.partition(b"=") for part in parts if b"=" in part)
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
    """OSC 133: one letter, positional values, options."""
    letter, _, tail = rest.partition(b";")
    if len(letter) != 1 or not letter.isalpha():
        return None
    # A shell-quoted command may hold any byte, also the separator: it goes on to the end.
    tail, found, command = _cut_command(tail)
    fields, options = _options(tail.split(b";")) if tail else ([], {})
    if found:
        options["cmdline"] = _text(command)
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


def status_of(mark: Public) -> int | None:
    """Return the exit status in an end mark (133 or 633 ``D``), None if it gives none."""
    first = mark.fields[0].encode() if mark.fields else b""
    return int(first) if _STATUS.fullmatch(first) else None
