"""What a search asks for, and where a text answers it: the same for every store.

Pure. The words of a user are literal: there is no query language that they could break. A word is found
as a word, whatever its case; a star beside a letter leaves its end open: ``conn*``, ``*conn*``. What holds
blanks or punctuation is found as it stands, blanks and line ends being alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from recorder.errors import UsageError_
from recorder.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from recorder.model import Event, Turn

    Spans = list[tuple[int, int]]

# Not what repeats others: warns quote the output, a resize says nothing.
PLACES: dict[str, tuple[str, ...]] = {
    "prompt": (Kind.PROMPT.value,),
    "output": (Kind.OUTPUT.value,),
    "all": tuple(each.value for each in (Kind.PROMPT, Kind.OUTPUT, Kind.COMMAND, Kind.ALERT, Kind.MARK)),
}
ROOM = 160  # characters of a snippet
SUBSTRING = 3  # characters; shorter parts of words are in every text
_LONGEST = 10_000  # characters that may be searched for
_MOST = 1000  # places that are marked in one text
_BEFORE = 40  # characters of a long line before the place that was found
_TYPICAL = 500  # characters; a longer text says a word more easily
_ELLIPSIS = "…"
_SLASH_SEARCH = "/search "

_word = re.compile(r"\w+")
_blank = re.compile(r"\s")
_searches = re.compile(r"\s*rec\s+(--root\s+\S+\s+)?search\s").match


@dataclass(frozen=True, slots=True)
class Term:
    """What one text must hold; ``before`` and ``after``: the word may go on there."""

    text: str
    before: bool = False
    after: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for; what is not given does not narrow it.

    ``find`` returns the places in a text, none if it does not answer. ``terms`` are words that a text
    which does must hold, so that an index can be asked for them; of a regular expression there are none.
    """

    find: Callable[[str], Spans]
    terms: tuple[Term, ...] = ()
    kinds: tuple[str, ...] = PLACES["all"]
    tool: str | None = None
    host: str | None = None
    cwds: frozenset[str] | None = None  # the names of one directory
    failed: bool = False
    since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """An event that answers; ``marks`` are the places in the snippet, ``turn`` its turn's row."""

    event: Event
    turn: Turn | None
    snippet: str
    marks: tuple[tuple[int, int], ...]
    score: float


# --- what is asked ---------------------------------------------------------------------------------


def words(texts: Sequence[str]) -> tuple[Term, ...]:
    """Return the terms that some words of a user mean; raise UsageError_ if there are none, or too many."""
    if sum(map(len, texts)) > _LONGEST:
        raise UsageError_(f"could not search: more than {_LONGEST} characters to search for")
    terms = tuple(_term(text) for text in texts if text.strip())
    if not terms:
        raise UsageError_("could not search: no word to search for", advice="`rec search WORD…`")
    return terms


def asked(texts: Sequence[str]) -> list[Query]:
    """Return what some words mean: in words, and within them for where no word is found; see ``words``."""
    terms = words(texts)
    return [of_terms(each) for each in (terms, loosened(terms)) if each is not None]


def spoken(line: str) -> list[str]:
    """Return the words of a line; what stands in double quotes is one, as far as they are closed."""
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*\S[^"]*)"|(\S+)', line)]


def loosened(terms: Sequence[Term]) -> tuple[Term, ...] | None:
    """Return terms that are found within words, too; None if they are already, or too short for that."""
    if any(len(term.text) < SUBSTRING for term in terms):
        return None
    loose = tuple(replace(term, before=True, after=True) for term in terms)
    return None if loose == tuple(terms) else loose


def of_terms(terms: Sequence[Term]) -> Query:
    """Return the query for texts that hold all terms."""
    tests = [(_needle(term), re.compile(_pattern(term))) for term in terms]

    def find(text: str) -> Spans:
        folded = fold(text)
        if any(needle not in folded for needle, _test in tests):
            return []
        spans: Spans = []
        for _needle, test in tests:
            found = [match.span() for match in islice(test.finditer(folded), _MOST)]
            if not found:
                return []
            spans += found
        return sorted(spans)

    return Query(find, tuple(piece for term in terms for piece in _pieces(term)))


def of_pattern(pattern: str) -> Query:
    """Return the query for texts in which a regular expression finds something; raise UsageError_."""
    try:
        test = re.compile(pattern, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError_(f"could not search for {pattern!r}: {error}") from error

    def find(text: str) -> Spans:
        return [match.span() for match in islice(test.finditer(text), _MOST) if match[0]]

    return Query(find)


def fold(text: str) -> str:
    """Return a text without the difference of upper and lower case, each character where it was."""
    if text.isascii():
        return text.lower()
    # Dotted I is the one character that `lower` makes two of; a sigma depends on what follows it.
    return text.replace("\u0130", "i").lower().replace("ς", "σ")


def words_of(text: str) -> set[str]:
    """Return the words of a text, folded."""
    return set(_word.findall(fold(text)))


def _term(text: str) -> Term:
    """Read one word; a star is a wildcard only beside a letter: ``*.py`` and ``rm *`` are what they say."""
    before = len(text) > 1 and text[0] == "*" and _word.match(text[1]) is not None
    text = text[before:]
    after = len(text) > 1 and text[-1] == "*" and _word.match(text[-2]) is not None
    text = text[:-1] if after else text
    return Term(" ".join(fold(text).split()), before, after)


def _needle(term: Term) -> str:
    """Return the longest part of a term that stands in a text just so."""
    return max(term.text.split(" "), key=len)


def _pattern(term: Term) -> str:
    """Return the regular expression of a term, for folded text."""
    body = r"\s+".join(map(re.escape, term.text.split(" ")))
    first = r"(?<!\w)" if not term.before and _word.match(term.text[0]) else ""
    last = r"(?!\w)" if not term.after and _word.match(term.text[-1]) else ""
    return first + body + last


def _pieces(term: Term) -> Iterator[Term]:
    """Yield the words of a term; the first and the last may be parts of longer ones."""
    for match in _word.finditer(term.text):
        first, last = match.start() == 0, match.end() == len(term.text)
        yield Term(match[0], term.before and first, term.after and last)


# --- what answers ----------------------------------------------------------------------------------


def answers(
    query: Query, events: Iterable[Event], turn: Callable[[int], Turn | None], cwd: str
) -> Iterator[Hit]:
    """Yield the events of a session, begun in ``cwd``, that answer; ``turn`` returns a turn's row."""
    for event in events:
        if event.kind not in query.kinds or not event.text:
            continue
        if query.since_ms is not None and event.at.wall_ms < query.since_ms:
            continue
        spans = query.find(event.text)
        if not spans:
            continue
        row = None if event.turn is None else turn(event.turn)
        if _suits(query, row, cwd) and not _repeats(event, row):
            snippet, marks = _snippet(event.text, spans)
            yield Hit(event, row, snippet, marks, _score(event, len(spans)))


def _suits(query: Query, turn: Turn | None, cwd: str) -> bool:
    """Say whether an event's turn is wanted; one that names no directory is where its session began."""
    if query.failed and (turn is None or not (turn.exit_status or turn.troubled)):
        return False
    return query.cwds is None or (cwd if turn is None or turn.cwd is None else turn.cwd) in query.cwds


def _repeats(event: Event, turn: Turn | None) -> bool:
    """Say whether a text only shows what a search found, or is one: else it would find itself for ever."""
    if event.kind == Kind.COMMAND:
        return event.text.startswith(_SLASH_SEARCH)
    return event.kind == Kind.OUTPUT and turn is not None and _searches(turn.command) is not None


def _snippet(text: str, spans: Spans) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the line of the first place, or what of it stands around that, and the places in it."""
    first, past = spans[0]
    start = text.rfind("\n", 0, first) + 1
    end = text.find("\n", past)
    end = len(text) if end < 0 else end
    if end - start > ROOM:
        start = max(start, first - _BEFORE)
        end = min(end, start + ROOM)
    shown = _blank.sub(" ", text[start:end])
    lead = _ELLIPSIS if start and text[start - 1] != "\n" else ""
    tail = _ELLIPSIS if end < len(text) and text[end] != "\n" else ""
    marks: list[tuple[int, int]] = []
    past = start
    for low, high in spans:
        first, past = max(low, start, past), min(high, end)
        if first < past:
            marks.append((first - start + len(lead), past - start + len(lead)))
    return lead + shown + tail, tuple(marks)


def _score(event: Event, found: int) -> float:
    """Return how well an event answers: often in a short text; what was typed more than what came back.

    The saturation is BM25's (k1 = 1.2, b = 0.75); how rare a word is would be the same for all hits.
    """
    score = found * 2.2 / (found + 1.2 * (0.25 + 0.75 * len(event.text) / _TYPICAL))
    return round(score * (2 if event.kind == Kind.PROMPT else 1), 3)
