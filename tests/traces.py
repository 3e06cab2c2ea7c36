"""Conversations with real tools, as the relay saw them, to be played into `Capture` again.

A file in captures/ has what the tool is about, the terminal's size, the turns that a person would
have noted down, and the calls in their order:
  ["o", text]            output (each character is one byte)
  ["k", text]            keys that went to a tool in raw mode
  ["s", reading, line]   the output came to rest while the tool waits; calls that found nothing are left out
  ["l", line, prompt]    a line sent in line mode
  ["h", prompt]          a line entered while the terminal did not echo; what it was is nowhere
  ["r", cols, rows]      a new size
  ["e"]                  the end
The secret that was typed each time is MARKER.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from recorder.capture import Capture
from recorder.keys import Scanner
from recorder.model import Chunk, Draft, Kind, Moment, Size, Span
from recorder.spans import Source
from recorder.transcript import TextPass

MARKER = "hunter2-marker"
SOURCE = Source("session", "invocation", "tool")


@dataclass(frozen=True)
class Trace:
    """One conversation."""

    name: str
    about: str
    size: Size
    turns: list[list[str]]
    calls: list[list]


def load(path: Path) -> Trace:
    data = json.loads(path.read_text())
    return Trace(path.stem, data["about"], Size(*data["size"]), data["turns"], data["calls"])


TRACES = [load(path) for path in sorted((Path(__file__).parent / "captures").glob("*.json"))]


def moment(n: int) -> Moment:
    return Moment(1_700_000_000_000 + 10 * n, 10 * n)


def play(trace, cut=lambda data: [data], capture=None):
    """Play a conversation; ``cut`` says how each piece of output arrives. Return all items."""
    capture = capture or Capture(SOURCE, trace.size, nonce="n0nce")
    scanner = Scanner(b"\x1d")
    items = []
    for n, (kind, *args) in enumerate(trace.calls):
        now = moment(n)
        if kind == "o":
            for piece in cut(args[0].encode("latin-1")):
                items += capture.output(now, piece)
        elif kind == "k":
            items += capture.typed(now, scanner.scan(args[0].encode("latin-1")))
        elif kind == "s":
            items += capture.settled(now, reading=args[0], line=args[1])
        elif kind == "l":
            items += capture.submitted(now, args[0], args[1])
        elif kind == "h":
            items += capture.hidden(now, args[0])
        elif kind == "r":
            items += capture.resize(now, Size(*args))
        else:
            items += capture.ended(now, status=0, signal=None, hangup=False)
    return items


def events(items):
    """All but the raw bytes."""
    return [item for item in items if not isinstance(item, Chunk)]


def raw(items):
    """Return the raw bytes; their places must have no holes."""
    data = b""
    for item in items:
        if isinstance(item, Chunk):
            assert item.start == len(data)
            data += item.data
    return data


def turns(items):
    """Return [prompt, command, output as seen] of each turn, in order."""
    rendering = TextPass()
    rows = {}
    for item in items:
        if isinstance(item, Draft) and item.kind is Kind.PROMPT:
            rows[item.turn] = [item.meta["prompt_text"], item.text, ""]
        elif isinstance(item, Span):
            for draft in rendering.render(item):
                if draft.kind is Kind.OUTPUT and draft.turn is not None:
                    rows[draft.turn][2] += draft.text
    assert list(rows) == list(range(1, len(rows) + 1))
    return list(rows.values())


def background(items):
    """Return the output outside of any turn."""
    return b"".join(item.data for item in items if isinstance(item, Span) and item.turn is None)


def whole(items):
    """Return everything that items say, as bytes, to look for what must not be there."""
    return repr(items).encode() + raw(items)
