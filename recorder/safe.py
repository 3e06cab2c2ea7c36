"""Make recorded text harmless for the terminal it is shown on.

May live here: the one escaping of metadata (``visible``) and of output (``safe_text``). May not:
anything that knows what is shown, or prints it; bytes with escape sequences are ``safestream``'s.
"""

from __future__ import annotations

import re

# Controls (C0, DEL, C1), line and paragraph separators, surrogates, and what is invisible or turns the
# reading direction: Unicode's format characters and the fillers that show nothing.
_UNSAFE = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_unsafe = re.compile(f"[{_UNSAFE}]")


def visible(text: str) -> str:
    """Return ``text`` for one line of a terminal: what controls or hides is shown, a newline as ⏎."""
    if text.isascii() and text.isprintable():
        return text
    return _unsafe.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    char = found[0]
    if char == "\n":
        return "⏎"
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_controls = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # C0, DEL, C1, …


def safe_text(text: str) -> str:
    """Return what a tool printed with its lines and tabs as it was, but no control that a terminal obeys.

    Joiners and directional marks stay, unlike in metadata: without them scripts and emoji fall apart.
    """
    return _controls.sub(lambda found: visible(found[0]), text.replace("\r\n", "\n"))
