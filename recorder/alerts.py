"""What in a tool's text is trouble: few rules, precise, at the beginning of a line.

Pure. A `warn` is an error line of the tool; an `alert` is what a person should look at: a
traceback, FATAL or PANIC, a signal in a debugged program. A rule that fires on ordinary output is
worse than none, so each names its tools where its words are not unmistakable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.errors import ConfigError
from recorder.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST = 500  # characters of a finding
LOOKED_AT = 1000  # characters of a line that a user's pattern gets: it may be slower than it looks
OPEN_TRACEBACK = 16 << 10  # characters of a traceback that are kept to wait for its end


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern, what it means, and in which tools (none: in all)."""

    name: str
    pattern: re.Pattern[str]
    kind: Kind
    tools: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()  # each match has one of them: texts without are passed over quickly


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of trouble."""

    kind: Kind
    text: str
    rule: str


def _family(tool: str) -> str:
    """Return a tool's name without its version: ``python3.11`` is ``python``."""
    return tool.rpartition("/")[2].rstrip("0123456789.-") or tool


def _rule(kind: Kind, tools: str, name: str, words: tuple[str, ...], pattern: str) -> Rule:
    families = frozenset(map(_family, tools.split()))
    return Rule(name, re.compile(pattern, re.MULTILINE), kind, families, words)


# psql says where in a file an error was, or that it could not connect, before the server's own words.
_PSQL = r"psql:[^\n]{0,200}?: "
# A line of the server's log, by its default prefix (log_line_prefix = '%m [%p] ') or with user@database.
_LOG = r"\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] (?:\S+@\S+ )?"
RULES = (
    _rule(Kind.WARN, "psql", "psql-error", ("ERROR: ",), rf"^(?:{_PSQL})?ERROR: {{1,2}}\S"),
    _rule(
        *(Kind.WARN, "psql", "psql-failure", (": error: ",)),
        r"^(?:psql|\\\w+): error: (?![^\n]{0,300}(?:FATAL|PANIC): )",
    ),
    _rule(
        *(Kind.WARN, "sqlite3", "sqlite-error", ("rror",)),
        r"^(?:Error|Parse error|Runtime error|SQL error)(?: near line \d+)?: \S",
    ),
    _rule(
        *(Kind.WARN, "redis-cli valkey-cli", "redis-error", ("(error) ", "Could not", "Error: ")),
        r"^(?:(?: *\d+\) )*\(error\) \S|Could not connect to Redis at |Error: Server closed the connection)",
    ),
    _rule(
        *(Kind.WARN, "mysql mariadb", "mysql-error", ("ERROR ",)),
        r"^ERROR \d{3,5}(?: \([0-9A-Z]{5}\))?[ :]",
    ),
    _rule(
        *(Kind.WARN, "python ipython pypy", "python-syntax", ('  File "<',)),
        r'^  File "<[^">\n]+>", line \d+\n(?:    .*\n){1,3}?(?:Syntax|Indentation|Tab)Error: ',
    ),
    _rule(
        *(Kind.ALERT, "", "fatal", ("FATAL: ", "PANIC: ")),
        rf"^(?:{_PSQL}|{_LOG})?(?:FATAL|PANIC): {{1,2}}\S",
    ),
    _rule(
        *(Kind.ALERT, "gdb", "gdb-signal", (" signal SIG",)),
        r'^(?:Program|Thread [\d.]+(?: "[^"\n]*")?) (?:received|terminated with) signal SIG(?!INT|TRAP|STOP)',
    ),
    _rule(
        *(Kind.ALERT, "", "crash", ("egmentation fault", "us error")),
        r"^(?:zsh: |\S+: line \d+: +\d+ )?(?i:segmentation fault|bus error)(?: +\(core dumped\))?(?:  .*)?$",
    ),
)
# The finding of a traceback is its last line: the exception, at the left margin again. The margin of an
# exception group is a bar.
_TRACEBACK = re.compile(
    r"^(?:(?P<bar> *)\+ Exception Group )?Traceback \(most recent call last\):\n"
    r"(?:(?(bar)(?P=bar)\| )[ \t].*\n)*"
    r"(?:(?(bar)(?P=bar)\| )(?P<last>[^\W\d][\w.]*(?::.*)?)$)?"
    r"|^(?P<name>[^\W\d]\w*) {2,}Traceback \(most recent call last\)\n"
    r"(?:.*\n)*?(?P<report>(?P=name)(?::.*)?)$",
    re.MULTILINE,
)
_HEADER = "Traceback (most recent call last)"


def scan(tool: str, text: str, extra: Sequence[Rule] = ()) -> list[Finding]:
    """Return the trouble in one output of ``tool``, the first of each rule, in the order of its lines."""
    family = _family(tool)
    found: list[tuple[int, Finding]] = []
    for rule in (*RULES, *extra):
        if rule.tools and family not in rule.tools:
            continue
        if rule.words and not any(word in text for word in rule.words):
            continue
        if hit := _hit(rule, text):
            found.append((hit[0], Finding(rule.kind, _clip(hit[1]), rule.name)))
    if _HEADER in text:
        # Of a chain of exceptions the last one counts: it is the one nobody caught.
        for match in _TRACEBACK.finditer(text):
            if line := match["last"] or match["report"]:
                found = [each for each in found if each[1].rule != "traceback"]
                found.append((match.start(), Finding(Kind.ALERT, _clip(line), "traceback")))
    found.sort(key=lambda each: each[0])
    return [finding for _, finding in found]


def undecided(text: str) -> int:
    """Return where the part of ``text`` begins that more text may turn into trouble."""
    last = text.rfind("\n") + 1
    start = text.rfind(_HEADER, max(0, len(text) - OPEN_TRACEBACK))
    if start >= 0:
        start = text.rfind("\n", 0, start) + 1
        match = _TRACEBACK.match(text, start)
        if match is None or not (match["last"] or match["report"]) or match.end() > last:
            return start
    return max(last, len(text) - LOOKED_AT)


def compile_rules(rules: Iterable[tuple[str, str | None, str, str]]) -> tuple[Rule, ...]:
    """Return the user's rules, given as (name, tool or None, pattern, kind); raise ConfigError."""
    compiled = []
    for name, tool, pattern, kind in rules:
        try:
            expression = re.compile(pattern, re.MULTILINE)
        except re.error as error:
            raise ConfigError(f"could not use alert rule {name}: {error}") from error
        if kind not in {Kind.WARN, Kind.ALERT}:
            raise ConfigError(f"could not use alert rule {name}: its kind is neither warn nor alert")
        tools = frozenset({_family(tool)} if tool else ())
        compiled.append(Rule(name, expression, Kind(kind), tools))
    return tuple(compiled)


def _hit(rule: Rule, text: str) -> tuple[int, str] | None:
    """Return where a rule first matches, and the line on which the match ends."""
    if rule.words:
        match = rule.pattern.search(text)
        if match is None:
            return None
        end = text.find("\n", match.end())
        begin = text.rfind("\n", 0, match.end()) + 1
        return match.start(), text[begin : end if end >= 0 else None]
    at = 0
    for line in text.split("\n"):
        if line and rule.pattern.search(line[:LOOKED_AT]):
            return at, line
        at += len(line) + 1
    return None


def _clip(line: str) -> str:
    return line.strip()[:LONGEST]
