"""What `script` writes, read: a typescript and its timing, classic (`delay bytes`) or advanced.

The first line of a typescript is `script`'s own, and so is what stands behind the last byte that the
timing knows of. Advanced timing also tells of typed keys (`I`), which are passed over, as a password
may be among them; where keys and output share one file, their bytes are skipped there.
"""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from typing import TYPE_CHECKING

from recorder.formats.lines import Stretches, split
from recorder.formats.records import (
    EXIT,
    LARGEST,
    LONGEST_MS,
    OUTPUT,
    RESIZE,
    USUAL,
    Damage,
    Frame,
    Heading,
)
from recorder.model import Size

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

PIECE = 64 << 10  # bytes of one frame
LONGEST_ENTRY = 64 << 10  # bytes of a line of timing, which holds at most a command
STARTED = b"Script started on "
_classic = re.compile(rb"(\d{1,10}\.\d{1,9}) (\d{1,12})\s*\Z").match
_advanced = re.compile(rb"([IOSH]) (\d{1,10}\.\d{1,9}) (.*?)\s*\Z", re.DOTALL).match
_entry = re.compile(rb"(?:[IOSH] )?\d{1,10}\.\d{1,9} \S").match
_fact = re.compile(rb'([A-Z]+)="(.*?)"(?= [A-Z]+="| <|\])', re.DOTALL).findall
_winch = re.compile(rb"SIGWINCH ROWS=(\d{1,9}) COLS=(\d{1,9})").match


def is_timing(beginning: bytes) -> bool:
    """Say whether a file that begins so is a timing file."""
    return _entry(beginning) is not None


def read(timing: Iterable[bytes], data: Iterable[bytes]) -> tuple[Heading, Iterator[Frame | Damage]]:
    """Return what the two files say of the whole, and then what they say happened."""
    source = Stretches(data)
    head = _own_line(source)
    entries = split(timing, LONGEST_ENTRY)
    facts: dict[bytes, bytes] = dict(_fact(head))
    facts[b"START_TIME"] = head[len(STARTED) :].partition(b" [")[0].strip()
    first: list[bytes | Damage] = []
    for entry in entries:
        first.append(entry)
        found = None if isinstance(entry, Damage) else _advanced(entry)
        if found is None or found[1] != b"H":
            break
        name, _, value = found[3].partition(b" ")
        facts[name] = value
    shared = b"INPUT_LOG" in facts and facts[b"INPUT_LOG"] == facts.get(b"OUTPUT_LOG")
    return _heading(facts), _Reader(source, shared=shared).frames(_again(first, entries))


def _again(first: list[bytes | Damage], rest: Iterator[bytes | Damage]) -> Iterator[bytes | Damage]:
    yield from first
    yield from rest


def _own_line(source: Stretches) -> bytes:
    """Take the line that `script` begins a typescript with, if it is there."""
    beginning = source.exactly(len(STARTED))
    if beginning != STARTED:
        source.back(beginning)
        return b""
    line = beginning
    while part := source.some(PIECE):
        line, found, rest = (line + part).partition(b"\n")
        if found or len(line) > LONGEST_ENTRY:
            source.back(rest)
            break
    return line


def _heading(facts: dict[bytes, bytes]) -> Heading:
    def text(name: bytes) -> str | None:
        return facts.get(name, b"").decode("utf-8", "replace")[:4096] or None

    def cells(name: bytes, usual: int) -> int:
        value = facts.get(name, b"")
        return min(int(value), LARGEST) or usual if re.fullmatch(rb"\d{1,9}", value) else usual

    started = None
    with contextlib.suppress(ValueError, OverflowError, OSError):
        started = int(datetime.fromisoformat(text(b"START_TIME") or "").timestamp() * 1000)
    return Heading(
        size=Size(cells(b"COLUMNS", USUAL.cols), cells(b"LINES", USUAL.rows)),
        started_ms=started if started is not None and started >= 0 else None,
        term=text(b"TERM"),
        command=text(b"COMMAND"),
    )


class _Reader:
    """Go through the timing, taking from the data what it tells of."""

    def __init__(self, source: Stretches, *, shared: bool) -> None:
        self._source = source
        self._shared = shared
        self._us = 0

    def frames(self, entries: Iterator[bytes | Damage]) -> Iterator[Frame | Damage]:
        for number, line in enumerate(entries, 1):
            if isinstance(line, Damage):
                yield Damage(f"timing, line {number}: {line.why}")
                continue
            if not line.strip():
                continue
            found = _advanced(line)
            kind, delay, rest = found.groups() if found else (b"O", *_simple(line))
            if delay is None or not line.endswith(b"\n"):
                cause = "it is none" if line.endswith(b"\n") else "it is torn off"
                yield Damage(f"timing, line {number}: {cause}")
                continue
            self._us = min(self._us + round(float(delay) * 1_000_000), LONGEST_MS * 1000)
            if kind in {b"O", b"I"}:
                whole = yield from self._bytes(kind, rest)
                if not whole:
                    yield Damage("the typescript ends before its timing does")
                    return
            else:
                yield from self._told(kind, rest)
        left = self._source.some(PIECE).lstrip()
        if left and not left.startswith(b"Script done on "):
            yield Damage("the timing ends before its typescript does")

    def _bytes(self, kind: bytes, rest: bytes) -> Generator[Frame, None, bool]:
        """Yield the frames of one entry; return whether all of its bytes are there."""
        left = int(rest) if re.fullmatch(rb"\d{1,12}", rest) else 0
        if kind == b"I" and not self._shared:
            return True
        while left > 0:
            data = self._source.some(min(left, PIECE))
            if not data:
                return False
            left -= len(data)
            if kind == b"O":
                yield Frame(self._us // 1000, OUTPUT, data)
        return True

    def _told(self, kind: bytes, rest: bytes) -> Iterator[Frame]:
        name, _, value = rest.partition(b" ")
        size = _winch(rest)
        if kind == b"S" and size:
            rows, cols = (min(int(each), LARGEST) for each in size.groups())
            if rows and cols:
                yield Frame(self._us // 1000, RESIZE, b"%dx%d" % (cols, rows))
        elif name == b"EXIT_CODE" and re.fullmatch(rb"\d{1,9}", value):
            yield Frame(self._us // 1000, EXIT, value)


def _simple(line: bytes) -> tuple[bytes, bytes] | tuple[None, None]:
    found = _classic(line)
    return (found[1], found[2]) if found else (None, None)
