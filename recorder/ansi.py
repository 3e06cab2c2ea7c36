"""Cut a tool's output into text, control bytes and escape sequences, the same however it arrives.

May live here: the grammar of terminal output (ECMA-48, xterm's abort rules) and the parsing of one
sequence. May not: what a sequence means, decoding of text, any state but where the last read
stopped. 8-bit C1 bytes are text: they occur inside UTF-8 characters, as does the 8-bit ST.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

ESC = b"\x1b"
MAX_STRING = 1 << 20  # a longer OSC or DCS is given up: nothing we need is that long
MAX_SEQUENCE = 4096  # the same for a CSI or ESC sequence; real ones stay below 100 bytes
_CACHED = 32  # sequences up to this length are worth remembering: colours, cursor moves


class TokenKind(Enum):
    """What a token is."""

    TEXT = "text"
    CONTROL = "control"  # one C0 byte or DEL
    ESC = "esc"
    CSI = "csi"
    OSC = "osc"
    STRING = "string"  # DCS, APC, PM, SOS and screen's title
    BROKEN = "broken"  # a sequence that was aborted, is too long, or the end of one given up


class Token(NamedTuple):
    """A piece of output; the ``raw`` of all tokens in order are the output."""

    kind: TokenKind
    raw: bytes


class Csi(NamedTuple):
    """A control sequence: ``ESC [ prefix params inter final``; ``final`` is empty if it is malformed.

    Of a parameter with colons only the first part is given, None where it is left out.
    """

    prefix: bytes
    params: tuple[int | None, ...]
    inter: bytes
    final: bytes


# C0 bytes inside a sequence are carried out by the terminal and do not end it; CAN, SUB and ESC do.
_C0 = r"\x00-\x17\x19\x1c-\x1f\x7f"
_ENDER = r"(?=[\x18\x1a\x1b\x80-\xff]END)"
_CSI = (
    rf"\[(?:[{_C0}\x20-\x3f]{{0,{MAX_SEQUENCE - 3}}}+(?:[\x40-\x7e]|{_ENDER})"
    rf"|[{_C0}\x20-\x3f]{{{MAX_SEQUENCE - 2}}})"
)
_OSC = r"\][^\x07\x18\x1a\x1b]*+(?:\x07|\x1b\\|(?=[\x18\x1a\x1b]END))"
_STRING = r"[PX^_k][^\x18\x1a\x1b]*+(?:\x1b\\|(?=[\x18\x1a\x1b]END))"
_OTHER = (
    rf"(?![\[\]PX^_k])(?:[{_C0}\x20-\x2f]{{0,{MAX_SEQUENCE - 2}}}+(?:[\x30-\x7e]|{_ENDER})"
    rf"|[{_C0}\x20-\x2f]{{{MAX_SEQUENCE - 1}}})"
)
_SEQUENCE = f"(?:{_CSI}|{_OSC}|{_STRING}|{_OTHER})"
_is_complete = re.compile(rf"\x1b{_SEQUENCE}".replace("END", "").encode()).match
# Here nothing is unfinished: a sequence without its end was broken by what begins behind the end.
_find_pieces = re.compile(
    rf"[^\x00-\x1f\x7f]++|[\x00-\x1a\x1c-\x1f\x7f]|\x1b{_SEQUENCE}".replace("END", r"|\Z").encode()
).findall
_open_string = re.compile(rb"\x1b(?:\][^\x07\x18\x1a\x1b]*+|[PX^_k][^\x18\x1a\x1b]*+)").fullmatch
_ends_osc = re.compile(rb"[\x07\x18\x1a\x1b]").search
_ends_string = re.compile(rb"[\x18\x1a\x1b]").search
_split_csi = re.compile(rb"\x1b\[([<=>?]?)([0-9:;]*)([ -/]*)([@-~])").fullmatch

_new = tuple.__new__  # a NamedTuple's own constructor takes twice as long
_TEXT, _BROKEN = TokenKind.TEXT, TokenKind.BROKEN
_CONTROLS = {
    bytes([code]): Token(TokenKind.CONTROL, bytes([code])) for code in (*range(0x20), 0x7F) if code != 0x1B
}
_KINDS = {
    0x5B: TokenKind.CSI,
    0x5D: TokenKind.OSC,
    **dict.fromkeys(b"PX^_k", TokenKind.STRING),
}


def sequences(live: str) -> re.Pattern[bytes]:
    """Return a pattern for all sequences but those whose bytes after ESC match the pattern ``live``.

    For output that begins and ends outside of any sequence (see ``unfinished``).
    """
    pattern = rf"\x1b(?:\[[0-9;:]*+m|(?!{live}){_SEQUENCE})"
    return re.compile(pattern.replace("END", r"|\Z").encode())


def unfinished(data: bytes) -> int:
    """Return where a sequence begins that ``data`` does not finish, ``len(data)`` if there is none.

    ``data`` must begin outside of any sequence.
    """
    last = data.rfind(ESC)
    if last < 0:
        return len(data)
    if last == len(data) - 1:
        # Possibly the first half of the ST that ends an earlier string.
        before = data.rfind(ESC, 0, last)
        return before if before >= 0 and _open_string(data, before, last) else last
    return len(data) if _is_complete(data, last) else last


def csi(raw: bytes) -> Csi:
    """Parse a CSI token; control bytes inside it are left out."""
    return _csi(raw) if len(raw) <= _CACHED else _csi.__wrapped__(raw)


@lru_cache(maxsize=1024)
def _csi(raw: bytes) -> Csi:
    found = _split_csi(raw) or _split_csi(raw[:2] + raw[2:].translate(None, bytes(range(32)) + b"\x7f"))
    if found is None:
        return Csi(b"", (), b"", b"")
    prefix, params, inter, final = found.groups()
    parts = params.split(b";") if params else []
    return Csi(prefix, tuple(_number(part) for part in parts), inter, final)


def _number(part: bytes) -> int | None:
    digits = part.partition(b":")[0]
    return min(int(digits[:9]), 99_999) if digits else None


def osc_body(raw: bytes) -> bytes:
    """Return what stands between the introducer and the terminator of an OSC token."""
    return raw[2:-1] if raw.endswith(b"\x07") else raw[2:-2]


def _sequence(raw: bytes) -> Token:
    """Name a piece that begins with ESC; whether it is whole shows at its end."""
    kind = _KINDS.get(raw[1], TokenKind.ESC) if len(raw) > 1 else _BROKEN
    if kind is TokenKind.CSI:
        whole = 2 < len(raw) <= MAX_SEQUENCE and 0x40 <= raw[-1] <= 0x7E
    elif kind is TokenKind.OSC:
        whole = raw.endswith((b"\x07", b"\x1b\\")) and len(raw) <= MAX_STRING
    elif kind is TokenKind.STRING:
        whole = raw.endswith(b"\x1b\\") and len(raw) <= MAX_STRING
    else:
        whole = len(raw) <= MAX_SEQUENCE and 0x30 <= raw[-1] <= 0x7E
    return Token(kind if whole else _BROKEN, raw)


_known_sequence = lru_cache(maxsize=1024)(_sequence)


def _escape(raw: bytes) -> Token:
    return _known_sequence(raw) if len(raw) <= _CACHED else _sequence(raw)


class Tokenizer:
    """Cut output that arrives in any pieces; only TEXT and BROKEN runs depend on where it is cut."""

    def __init__(self) -> None:
        """Begin outside of any sequence."""
        self._held = bytearray()  # the beginning of a sequence
        self._skipping = 0  # second byte of the string that was given up and has not ended

    @property
    def pending(self) -> bytes:
        """What was fed and is not in a token yet."""
        return bytes(self._held)

    @property
    def ground(self) -> bool:
        """Whether the next byte begins something new."""
        return not self._held and not self._skipping

    def feed(self, data: bytes) -> list[Token]:
        """Return the tokens that ``data`` completes."""
        tokens: list[Token] = []
        if self._skipping:
            data = self._skip(data, tokens)
        elif self._held:
            data = self._join(data)
        if not data:
            return tokens
        end = unfinished(data)
        if end < len(data):
            self._held += data[end:]
            data = data[:end]
        tokens += [
            _new(Token, (_TEXT, raw))
            if raw[0] > 0x1F and raw != b"\x7f"
            else _CONTROLS.get(raw) or _escape(raw)
            for raw in _find_pieces(data)
        ]
        if len(self._held) > MAX_STRING:
            self._give_up(tokens)
        return tokens

    def flush(self) -> list[Token]:
        """Give up an unfinished sequence and begin anew; return it as a token."""
        tokens = [Token(_BROKEN, bytes(self._held))] if self._held else []
        self._held.clear()
        self._skipping = 0
        return tokens

    def _join(self, data: bytes) -> bytes:
        """Return what is held and ``data``, or nothing while a string only grows."""
        held = self._held
        if len(held) > 1 and held[1] in b"]PX^_k" and held[-1] != 0x1B:
            ender = _ends_osc if held[1] == 0x5D else _ends_string
            if not ender(data) and len(held) + len(data) <= MAX_STRING:
                held += data
                return b""
        joined = bytes(held) + data
        held.clear()
        return joined

    def _give_up(self, tokens: list[Token]) -> None:
        """Let go of a string that has become too long; its end is still to be found."""
        held = bytes(self._held)
        self._skipping = held[1]
        self._held.clear()
        if held.endswith(ESC):
            self._held += ESC
            held = held[:-1]
        tokens.append(Token(_BROKEN, held))

    def _skip(self, data: bytes, tokens: list[Token]) -> bytes:
        """Return what follows a string that was given up; nothing while it lasts."""
        data = bytes(self._held) + data
        self._held.clear()
        found = (_ends_osc if self._skipping == 0x5D else _ends_string)(data)
        if found is None:
            tokens.append(Token(_BROKEN, data))
            return b""
        end = found.start()
        if data[end] == 0x1B and end == len(data) - 1:
            self._held += ESC
            data = data[:end]
            if data:
                tokens.append(Token(_BROKEN, data))
            return b""
        if data[end] == 0x07:
            end += 1
        elif data.startswith(b"\x1b\\", end):
            end += 2
        self._skipping = 0
        if end:
            tokens.append(Token(_BROKEN, data[:end]))
        return data[end:]
