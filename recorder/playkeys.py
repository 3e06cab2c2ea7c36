"""The keys of the player: typed bytes to names, however they arrive; what a terminal answers is no key.

Pure. May live here: cutting and naming. May not: what a key does (playback).
"""

from __future__ import annotations

import codecs

from recorder.ansi import ESC, Tokenizer, TokenKind

_CONTROLS = {
    b"\r": "enter",
    b"\n": "enter",
    b"\x08": "backspace",
    b"\x7f": "backspace",
    b"\x03": "interrupt",
    b"\x0c": "redraw",
    b"\x15": "clear",
    b"\x1a": "suspend",
}
_SEQUENCES = {
    b"[A": "up",
    b"[B": "down",
    b"[C": "right",
    b"[D": "left",
    b"[H": "home",
    b"[F": "end",
    b"[1~": "home",
    b"[4~": "end",
    b"[5~": "pageup",
    b"[6~": "pagedown",
    b"[7~": "home",
    b"[8~": "end",
    b"OA": "up",
    b"OB": "down",
    b"OC": "right",
    b"OD": "left",
    b"OH": "home",
    b"OF": "end",
    b"OM": "enter",
}


class Keys:
    """Cut what is typed into keys: a character each, or a name of more than one letter."""

    def __init__(self) -> None:
        """Begin between keys."""
        self._tokens = Tokenizer()
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._shift = False  # ESC O was read: the next character belongs to it

    @property
    def waiting(self) -> bool:
        """Say whether a key has begun that may be the Escape key: the bytes do not tell."""
        return self._shift or not self._tokens.ground

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that ``data`` completes."""
        keys: list[str] = []
        for kind, raw in self._tokens.feed(data):
            if kind is TokenKind.TEXT:
                keys += self._text(raw)
            elif kind is TokenKind.CONTROL:
                self._shift = False
                keys += [_CONTROLS[raw]] if raw in _CONTROLS else []
            elif raw == b"\x1bO":
                self._shift = True
            elif raw[1:] in _SEQUENCES:
                keys.append(_SEQUENCES[raw[1:]])
        return keys

    def late(self) -> list[str]:
        """Return what has begun and was not gone on with: the Escape key."""
        self._shift = False
        return ["escape"] if any(raw[:1] == ESC for _kind, raw in self._tokens.flush()) else []

    def _text(self, raw: bytes) -> list[str]:
        text = self._decoder.decode(raw)
        if self._shift and text:
            self._shift = False
            name = _SEQUENCES.get(b"O" + text[:1].encode())
            return [*([name] if name else []), *text[1:]]
        return [char for char in text if char.isprintable()]
