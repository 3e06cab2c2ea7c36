"""What the user types: cutting bytes into keys, the prefix key, Enter, and terminal replies.

Pure. Two readers with different needs: ``Scanner`` watches bytes on their way to a raw tool and
never holds one back; ``split_key`` cuts whole keys for the line editor. Neither stores a byte:
typed bytes are recorded nowhere.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PASTE_BEGIN = b"\x1b[200~"
PASTE_END = b"\x1b[201~"
_TAIL = 16  # bytes; no sequence that is looked for is longer
PIECE = 2000  # bytes of a long line between two VEOFs; the kernel cuts a line at 4095
ESCAPE_MS = 50  # after which a lone ESC is the Escape key

# Enter and Ctrl-C: plain, in kitty's protocol, of the keypad, and with modifyOtherKeys. Ctrl-O enters
# a line as well, in readline and zsh.
_ENTER = rb"[\r\n\x0f]|\x1b\[13u|\x1bOM"
_INTERRUPT = rb"\x03|\x1b\[99;5u|\x1b\[27;5;99~"

_CONSOLE = re.compile(rb"\x1b\[\[[A-E]")  # F1 to F5 of the Linux console
_CONSOLE_PARTIAL = b"\x1b[["
_CSI = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")
_CSI_PARTIAL = re.compile(rb"\x1b(\[[0-?]*[ -/]*)?\Z")
_SS3 = re.compile(rb"\x1bO[ -~]")
_STRING = re.compile(rb"\x1b[\]P_^X].*?(?:\x07|\x1b\\)", re.DOTALL)
# Answers a terminal gives to a tool's question: device attributes, cursor position, mode reports,
# keyboard flags, focus, window reports. In line mode the asker is gone; a line must not get them.
_REPLY = re.compile(
    rb"\x1b\[(?:[?>=][0-9;:]*c|[0-9;]*c|\??[0-9]+(?:;[0-9]+)+R|\??[0-9;]*n|\??[0-9;]*\$y|\?[0-9;]*u|[IO]"
    rb"|[0-9;]+t|\?[0-9;]*S)"
)
_REPLY_STRING = re.compile(rb"\x1b[\]P_^X]")
_NEEDS_MORE_UTF8 = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_PLAIN = re.compile(rb"(?:[ -~]|%b){32,}" % _UTF8.pattern)  # more at once than anybody types
_WINDOW = 8 << 10  # bytes in which a key is looked for first


class Scan(NamedTuple):
    """What one read from the keyboard holds, up to a prefix key.

    ``forward`` goes to the tool; ``hit`` says that a prefix key ended it; ``rest`` follows that key.
    ``enters`` counts Enter outside pastes, ``interrupted`` says that Ctrl-C was typed after them.
    """

    forward: bytes
    enters: int
    interrupted: bool
    hit: bool
    rest: bytes


def prefix_forms(prefix: bytes | None) -> tuple[bytes, ...]:
    """Return the byte forms of a control key: plain, kitty's, and modifyOtherKeys'.

    With either keyboard protocol on, a terminal does not send the plain form at all.
    """
    if prefix is None:
        return ()
    forms = [prefix]
    if len(prefix) == 1 and prefix[0] < 0x20:
        key = prefix[0] | 0x40
        code = key + 0x20 if chr(key).isalpha() else key
        forms += [b"\x1b[%d;5u" % code, b"\x1b[27;5;%d~" % code]
    return tuple(forms)


class Scanner:
    """Watch the keys that go to a raw tool; knows whether a bracketed paste is under way."""

    def __init__(self, prefix: bytes | None) -> None:
        """Look for ``prefix`` (one control byte) or, with None, for no prefix key."""
        forms = prefix_forms(prefix)
        marks = [re.escape(PASTE_BEGIN), *(re.escape(form) for form in forms), _INTERRUPT, _ENTER]
        self._outside = re.compile(b"|".join(marks))
        self._is_interrupt = re.compile(_INTERRUPT).fullmatch
        self._forms = forms
        self._prefixed = re.compile(b"|".join(map(re.escape, forms))).search if forms else None
        self._pasting = False
        self._tail = b""  # end of the last read: a paste bracket may be cut anywhere

    def passes(self, data: bytes) -> bool:
        """Say whether ``scan`` will find no prefix key in ``data``: the tool may have all of it before."""
        return self._prefixed is None or self._prefixed(data) is None

    def scan(self, data: bytes, *, nested: bool = False) -> Scan:
        """Return what ``data`` holds; bytes after a prefix key are handed back unscanned.

        ``nested``: a prefix key is for a recorder inside the tool.
        """
        lead = len(self._tail)
        buf = self._tail + data
        enters, interrupted, pos = 0, False, 0
        while True:
            if self._pasting:
                end = buf.find(PASTE_END, pos)
                if end < 0:
                    break
                self._pasting = False
                pos = end + len(PASTE_END)
                continue
            match = self._outside.search(buf, pos)
            if match is None:
                break
            pos = match.end()
            if match[0] == PASTE_BEGIN:
                self._pasting = True
            elif pos <= lead:
                continue  # seen in the last read
            elif match[0] in self._forms:
                if nested or match.start() < lead:
                    continue  # or the tool has its beginning already
                self._tail = b""
                forward = buf[lead : match.start()]
                return Scan(forward, enters, interrupted, hit=True, rest=buf[pos:])
            elif self._is_interrupt(match[0]):
                enters, interrupted = 0, True
            else:
                enters += 1
        self._tail = buf[max(pos, len(buf) - _TAIL) :]
        return Scan(data, enters, interrupted, hit=False, rest=b"")


def split_key(buf: bytes, *, final: bool = False) -> tuple[bytes, bytes] | None:
    """Cut the first whole key off ``buf``; return (key, rest), or None while more must come.

    A bracketed paste is one key. ``final`` says that nothing more came in time: what is there is
    then a key (a lone ESC is the Escape key).
    """
    if not buf:
        return None
    first = buf[:1]
    if first == b"\x1b":
        return _split_escape(buf, final=final)
    if first < b"\x80":
        return first, buf[1:]
    if match := _UTF8.match(buf):
        return match[0], buf[match.end() :]
    if not final and _NEEDS_MORE_UTF8.match(buf):
        return None
    return first, buf[1:]


def _split_escape(buf: bytes, *, final: bool) -> tuple[bytes, bytes] | None:
    if buf.startswith(PASTE_BEGIN):
        end = buf.find(PASTE_END)
        if end >= 0:
            end += len(PASTE_END)
            return buf[:end], buf[end:]
        return (buf, b"") if final else None
    if buf == _CONSOLE_PARTIAL and not final:
        return None
    for pattern in (_CONSOLE, _CSI, _SS3, _STRING):
        if match := pattern.match(buf):
            return match[0], buf[match.end() :]
    if _REPLY_STRING.match(buf) or _CSI_PARTIAL.match(buf) or buf == b"\x1bO":
        return (buf, b"") if final else None
    if buf[1:2] == b"\x1b":
        return buf[:1], buf[1:]
    inner = split_key(buf[1:], final=final)  # Alt-key
    if inner is None:
        return None
    return b"\x1b" + inner[0], inner[1]


def is_reply(key: bytes) -> bool:
    """Say whether a key is a terminal's answer rather than something a person typed."""
    return bool(_REPLY.fullmatch(key)) or (bool(_REPLY_STRING.match(key)) and len(key) > 2)


def only_replies(data: bytes) -> bool:
    """Say whether typed bytes are nothing but a terminal's answers: nobody has touched a key."""
    while data:
        cut = split_key(data)
        if cut is None or not is_reply(cut[0]):
            return False
        data = cut[1]
    return True


def as_sent(line: bytes, eof: bytes, *, whole: bool = True) -> bytes:
    """Return what enters a line: a long one in pieces, each made readable by the end-of-file character.

    So is the last line of an input that ends without a newline (not ``whole``).
    """
    pieces = [line[at : at + PIECE] for at in range(0, len(line), PIECE)]
    return eof.join(pieces) + (b"\r" if whole else eof)


class KeyQueue:
    """Bytes that were typed and given to nobody yet."""

    def __init__(self) -> None:
        """Begin empty."""
        self._data = bytearray()  # the first bytes of one are taken off without moving the rest
        self._since_ms = 0  # when the oldest incomplete key began to arrive

    def __len__(self) -> int:
        return len(self._data)

    def push(self, data: bytes, now_ms: int) -> None:
        """Take typed bytes."""
        if not self._data:
            self._since_ms = now_ms
        self._data += data

    def due_ms(self) -> int | None:
        """Return when (ms) an incomplete key counts as whole, or None."""
        return self._since_ms + ESCAPE_MS if self._data else None

    def key(self, now_ms: int) -> bytes | None:
        """Take the first key that a person typed; terminals' answers are dropped.

        Much plain text at once is no typing, and is handed over as the paste that it is: an editor
        takes a time for each key that grows with its text.
        """
        while self._data:
            key = self._cut(final=now_ms - self._since_ms >= ESCAPE_MS)
            if key is None:
                return None
            self._since_ms = now_ms
            if not is_reply(key):
                return key
        return None

    def _cut(self, *, final: bool) -> bytes | None:
        window = bytes(self._data[:_WINDOW])
        if plain := _PLAIN.match(window):
            return PASTE_BEGIN + self.upto(plain.end()) + PASTE_END
        whole = len(window) == len(self._data)
        cut = split_key(window, final=final and whole)
        if cut is None and not whole:  # a long paste
            window = bytes(self._data)
            cut = split_key(window, final=final)
        return None if cut is None else self.upto(len(window) - len(cut[1]))

    def find(self, *wanted: bytes) -> int:
        """Return where the first of some keys stands, or -1."""
        found = [at for at in map(self._data.find, wanted) if at >= 0]
        return min(found, default=-1)

    def rfind(self, *wanted: bytes) -> int:
        """Return where the last of some keys stands, or -1."""
        return max(map(self._data.rfind, wanted), default=-1)

    def all(self) -> bytes:
        """Take everything."""
        return self.upto(len(self._data))

    def upto(self, end: int) -> bytes:
        """Take the first ``end`` bytes."""
        data = bytes(self._data[:end])
        del self._data[:end]
        return data
