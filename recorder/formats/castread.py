"""Asciicast v1, v2 and v3, read: lines in, a heading and frames out, more leniently than asciinema.

A damaged line costs itself, a torn tail nothing before it. Keys that were typed (`i`) are passed over:
what was typed is not kept, as it may be a password. So are codes that nobody knows.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from recorder.formats import notes
from recorder.formats.lines import parsed, split
from recorder.formats.records import (
    EXIT,
    INPUT,
    LARGEST,
    LONGEST_MS,
    MARKER,
    OUTPUT,
    RESIZE,
    USUAL,
    Damage,
    Frame,
    Heading,
    Unreadable,
    Wrong,
)
from recorder.model import Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION_1 = 64 << 20  # bytes of a file of version 1, which is one JSON value and has to be read at once
LAST_YEAR = 253_402_300_799  # s; the end of the year 9999
_size = re.compile(r"(\d{1,9})x(\d{1,9})").fullmatch
_status = re.compile(r"-?\d{1,9}").fullmatch
_surrogates = re.compile("[\ud800-\udfff]").sub
_key = re.compile(rb'\{"(session|run|event|bytes|whole)"').match
_stdout = re.compile(r'"stdout"\s*:\s*\[')


class Note(NamedTuple):
    """One of our own comments: its key and what it says."""

    key: str
    value: Any
    line: int = 0


Item = Frame | Damage | Note


def read(pieces: Iterable[bytes]) -> tuple[Heading, Iterator[Item]]:
    """Return what a file says of the whole, and then what it says happened; raise Unreadable."""
    lines = split(pieces)
    first = next(lines, b"")
    if isinstance(first, Damage):
        raise Unreadable("its first line is longer than any header")
    try:
        head = parsed(first.removeprefix(b"\xef\xbb\xbf"))
    except Wrong:
        head = None
    version = _version(head)
    if head is None or version == 1:
        return _version1(_all(first, lines))
    if version not in {2, 3}:
        raise Unreadable("its header names no version of asciicast that rec knows (1, 2, 3)")
    term = head.get("term") if version == 3 else head
    names = ("cols", "rows") if version == 3 else ("width", "height")
    if not isinstance(term, dict):
        raise Unreadable("its header says nothing of the terminal")
    return _heading(head, _dimensions(term, names), term.get("type")), _frames(lines, version)


def _version(head: Any) -> int | None:  # noqa: ANN401  (the file's)
    """Return which version of asciicast a header names, if that is a number at all."""
    version = head.get("version") if isinstance(head, dict) else None
    return version if isinstance(version, int) and not isinstance(version, bool) else None


# --- the header ------------------------------------------------------------------------------------


def _dimensions(of: dict[str, Any], names: tuple[str, str]) -> Size:
    cols, rows = (of.get(name) for name in names)
    for name, value in zip(names, (cols, rows), strict=True):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Unreadable(f"its header has no {name} that could be one")
    return _within(cols or 0, rows or 0)


def _within(cols: int, rows: int) -> Size:
    """Return a size that can be drawn; zero is what recorders write who do not know it."""
    return Size(min(cols, LARGEST) or USUAL.cols, min(rows, LARGEST) or USUAL.rows)


def _heading(head: dict[str, Any], size: Size, term: Any) -> Heading:  # noqa: ANN401  (the file's)
    env = head.get("env")
    if term is None and isinstance(env, dict):
        term = env.get("TERM")
    started: Any = head.get("timestamp")
    known = notes.finite(started) and 0 <= started <= LAST_YEAR
    started_ms = int(started * 1000) if known else None
    return Heading(
        size=size,
        started_ms=started_ms,
        term=_string(term),
        command=_string(head.get("command")),
        title=_string(head.get("title")),
        ours=head.get("rec") == notes.VERSION,
        remarks=_ordinals(head.get("rec_remarks")),
    )


def _ordinals(value: Any) -> frozenset[int]:  # noqa: ANN401  (the file's)
    return frozenset(each for each in value if type(each) is int) if isinstance(value, list) else frozenset()


def _string(value: Any) -> str | None:  # noqa: ANN401  (as above)
    return _text(value)[:4096] if isinstance(value, str) and value else None


def _text(value: str) -> str:
    return _surrogates("\ufffd", value)


# --- lines -----------------------------------------------------------------------------------------


def _frames(lines: Iterator[bytes | Damage], version: int) -> Iterator[Item]:
    clock = Clock(relative=version == 3)
    for number, line in enumerate(lines, 2):
        if isinstance(line, Damage):
            yield Damage(f"line {number}: {line.why}")
        elif version == 3 and line.startswith(b"#"):
            yield from _comment(number, line)
        elif line.strip():
            try:
                yield from clock.frames(parsed(line))
            except Wrong as error:
                yield Damage(_told(number, line, error))


def _told(number: int, line: bytes, error: Wrong) -> str:
    """Return what is said of a line; only the last one can lack its end."""
    return f"line {number}: {error}" if line.endswith(b"\n") else f"line {number}: it is torn off"


def _comment(number: int, line: bytes) -> Iterator[Item]:
    """Yield what one of our own comments says; those of others are passed over."""
    prefix = notes.PREFIX.encode()
    if not line.startswith(prefix):
        return
    try:
        value = parsed(line[len(prefix) :])
    except Wrong as error:
        found = _key(line[len(prefix) :])
        yield Damage(_told(number, line, error), found[1].decode() if found else "")
        return
    if isinstance(value, dict) and len(value) == 1 and (key := next(iter(value))) in notes.KEYS:
        yield Note(key, value[key], number)
    else:
        yield Damage(f"line {number}: it is a comment that rec does not know", "")


class Clock:
    """Make frames of ``[time, code, data]``, of which the time is absolute or relative (s)."""

    def __init__(self, *, relative: bool) -> None:
        """Begin at 0."""
        self._relative = relative
        self._us = 0  # so that intervals of less than a millisecond add up
        self._back = False

    def frames(self, value: Any) -> Iterator[Frame | Damage]:  # noqa: ANN401  (the file's)
        """Yield the frame of a JSON value, if it is one that we keep; raise Wrong if it is none."""
        if not isinstance(value, list) or len(value) < 3:
            raise Wrong("it is no [time, code, data]")
        time, code, data = value[:3]
        if not notes.finite(time) or not isinstance(code, str) or not isinstance(data, str):
            raise Wrong("it is no [time, code, data]")
        if time < 0 or time * 1000 > LONGEST_MS:
            raise Wrong(f"{str(time)[:20]} is no time that could be")
        us = round(time * 1_000_000) + (self._us if self._relative else 0)
        if us // 1000 > LONGEST_MS:
            raise Wrong("the recording cannot be so long")
        frame = _checked(us // 1000, code[:1], data)
        if us < self._us and not self._back:
            self._back = True
            yield Damage("its times go back; those are taken as the time before them")
        self._us = max(us, self._us)
        if frame is not None:
            yield frame._replace(ms=self._us // 1000)


def _checked(ms: int, code: str, data: str) -> Frame | None:
    """Return a frame of a code that we know; raise Wrong for data that it cannot have."""
    if code == RESIZE:
        found = _size(data)
        if found is None:
            raise Wrong(f"{data[:20]!r} is no size")
        data = "{}x{}".format(*_within(int(found[1]), int(found[2])))
    elif code == EXIT and not _status(data):
        raise Wrong(f"{data[:20]!r} is no exit status")
    elif code == INPUT or code not in {OUTPUT, MARKER, RESIZE, EXIT}:
        return None
    return Frame(ms, code, _text(data).encode())


# --- version 1 -------------------------------------------------------------------------------------


def _all(first: bytes, lines: Iterator[bytes | Damage]) -> bytes:
    """Return a whole file of version 1; raise Unreadable for one that is too large."""
    held, size = [first], len(first)
    for line in lines:
        size += len(line) if isinstance(line, bytes) else VERSION_1
        if size > VERSION_1:
            break
        if isinstance(line, bytes):
            held.append(line)
    if size > VERSION_1 or not b"".join(held).lstrip().startswith(b"{"):
        raise Unreadable("its first line is no header of an asciicast")
    return b"".join(held)


def _version1(data: bytes) -> tuple[Heading, Iterator[Item]]:
    """Read one JSON object, or what is there of it."""
    torn = False
    try:
        head = parsed(data)
    except Wrong:
        head, torn = _salvaged(data.decode("utf-8", "replace")), True
    if _version(head) != 1:
        raise Unreadable("its first line is no header of an asciicast")
    rows = head.get("stdout")
    if not isinstance(rows, list):
        raise Unreadable("it has no output: `stdout` is no list")
    return _heading(head, _dimensions(head, ("width", "height")), None), _rows(rows, torn=torn)


def _salvaged(text: str) -> Any:  # noqa: ANN401  (the file's)
    """Return the object with as many rows of ``stdout``, its last key, as are whole."""
    found = _stdout.search(text)
    if found is None:
        return None
    try:
        head = parsed((text[: found.start()].rstrip().rstrip(",") + "}").encode())
    except Wrong:
        return None
    rows, at, decoder = [], found.end(), json.JSONDecoder()
    while True:
        at += len(text[at : at + 64]) - len(text[at : at + 64].lstrip(" \t\r\n,"))
        try:
            row, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        rows.append(row)
    return {**head, "stdout": rows} if isinstance(head, dict) else None


def _rows(rows: list[Any], *, torn: bool) -> Iterator[Item]:
    clock = Clock(relative=True)
    for number, row in enumerate(rows, 1):
        try:
            delay, data = row if isinstance(row, list) and len(row) == 2 else (None, None)
            yield from clock.frames([delay, OUTPUT, data])
        except Wrong as error:
            yield Damage(f"output {number}: {error}")
    if torn:
        yield Damage("the rest is torn off")
