"""Transcripts as plain text and as Markdown: events in, text out, typed told from printed.

In text the first column tells: ``>`` typed, a space printed, ``!`` trouble, ``-`` anything else. In Markdown
typed and printed stand in fences of their own, which nothing inside can close. No stored byte can drive
the terminal that shows it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recorder.erasing import ERASED, GONE
from recorder.model import Kind
from recorder.safe import safe_text, visible
from recorder.turns import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from recorder.model import Event

TYPED, PRINTED, TROUBLE, ASIDE = ">", " ", "!", "-"
LONGEST = 1 << 20  # characters of one fence; a longer output gets another one
_SIGNS = {Kind.WARN: TROUBLE, Kind.ALERT: TROUBLE}
_special = re.compile(r"([\\`*_\[\]<>#|~&]|^[-+=]|(?<=^\d)[.)])").sub
_ticks = re.compile("`+").findall


def told(events: Iterable[Event]) -> Iterator[tuple[str, str, int | None]]:
    """Yield what each event has to say: a sign, its text made safe, the number of a turn that begins."""
    for event in events:
        if event.kind == Kind.PROMPT and event.meta.get("source") == INPUT:
            continue  # the terminal has shown it: it stands in the output
        if event.kind == Kind.PROMPT:
            erased = ERASED in event.meta
            yield (ASIDE, GONE, event.turn) if erased else (TYPED, safe_text(event.text), event.turn)
        elif ERASED in event.meta:
            continue  # its prompt says so
        elif event.kind == Kind.OUTPUT:
            if event.text:
                yield PRINTED, safe_text(event.text), None
        elif event.kind in _SIGNS:
            yield _SIGNS[Kind(event.kind)], f"{event.kind}: {visible(event.text)}", None
        elif event.kind == Kind.COMMAND:
            answer = event.meta.get("answer")
            yield ASIDE, visible(event.text), None
            if isinstance(answer, str) and answer:
                yield ASIDE, safe_text(answer.rstrip("\n")), None
        else:
            yield ASIDE, f"{event.kind}: {visible(event.text)}", None


def plain(title: str, facts: Iterable[str], events: Iterable[Event]) -> Iterator[str]:
    """Yield a transcript as text, in pieces that end with a line feed or go on in the next."""
    yield "".join(f"{visible(line)}\n" for line in (title, *facts))
    yield "\n"
    open_line = False  # printed text that did not end its line: the next output goes on there
    for sign, text, _turn in told(events):
        if sign != PRINTED:
            yield "\n" if open_line else ""
            yield "".join(f"{sign} {line}\n" for line in text.split("\n"))
            open_line = False
            continue
        lines = text.split("\n")
        if open_line:
            yield lines[0] + ("\n" if len(lines) > 1 else "")
            lines = lines[1:]
        yield "".join(f"  {line}".rstrip(" ") + "\n" for line in lines[:-1])
        if lines:
            open_line = bool(lines[-1])
            yield f"  {lines[-1]}" if open_line else ""
    yield "\n" if open_line else ""


def markdown(title: str, facts: Iterable[str], events: Iterable[Event]) -> Iterator[str]:
    """Yield a transcript as Markdown."""
    yield f"# {escaped(title)}\n\n"
    yield "".join(f"- {escaped(line)}\n" for line in facts)
    printed: list[str] = []
    size = 0
    for sign, text, turn in told(events):
        if sign == PRINTED and size + len(text) <= LONGEST:
            printed.append(text)
            size += len(text)
            continue
        yield _printed(printed)
        printed, size = ([text], len(text)) if sign == PRINTED else ([], 0)
        if turn is not None:
            yield f"\n## Turn {turn}\n"
        if sign == TYPED:
            yield fenced("input", text)
        elif sign != PRINTED:
            yield "".join(f"\n> {escaped(line)}\n" for line in text.split("\n"))
    yield _printed(printed)


def _printed(pieces: list[str]) -> str:
    text = "".join(pieces)
    return fenced("output", text) if text else ""


def fenced(word: str, text: str) -> str:
    """Return a block of code that holds a text, whatever backticks are in it."""
    fence = "`" * max(3, 1 + max(map(len, _ticks(text)), default=0))
    end = "" if text.endswith("\n") else "\n"
    return f"\n{fence}{word}\n{text}{end}{fence}\n"


def escaped(text: str) -> str:
    """Return one line of text in which no character means anything to Markdown."""
    return _special(r"\\\1", visible(text))
