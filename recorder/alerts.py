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


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern, what it means, and in which tools (none: in all)."""

    name: str
    pattern: re.Pattern[str]
    kind: Kind
    tools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of trouble."""

    kind: Kind
    text: str
    rule: str


def _rule(name: str, pattern: str, kind: Kind, *tools: str) -> Rule:
    return Rule(name, re.compile(pattern, re.MULTILINE), kind, frozenset(tools))


RULES = (
    _rule("psql-error", r"^(?:psql:[^\n]{0,200}?)?ERROR: {1,2}.*", Kind.WARN, "psql"),
    _rule("psql-connection", r"^(?:psql: error: |\\\w+: error: ).*", Kind.WARN, "psql"),
    _rule(
        "sqlite-error",
        r"^(?:Error: |Parse error(?: near line \d+)?: |Runtime error(?: near line \d+)?"
        r"(?: \(\d+\))?: |SQL error: ).*",
        Kind.WARN,
        *("sqlite3", "sqlite"),
    ),
    _rule("redis-error", r"^(?:\d+\) )*\(error\) .*", Kind.WARN, "redis-cli"),
    _rule("mysql-error", r"^ERROR \d{3,5}(?: \([0-9A-Z]{5}\))?[ :].*", Kind.WARN, "mysql", "mariadb"),
    _rule("postgres-fatal", r"^(?:psql:[^\n]{0,200}?|[^\n]{0,80}? )?(?:FATAL|PANIC): {1,2}.*", Kind.ALERT),
    _rule(
        "gdb-signal", r"^Program (?:received|terminated with) signal SIG(?!INT|TRAP)\w+.*", Kind.ALERT, "gdb"
    ),
    _rule("crash", r"^(?:.{0,200}: )?(?:Segmentation fault|Bus error)(?: \(core dumped\))?$", Kind.ALERT),
)
# The finding of a traceback is its last line: the exception, at the left margin again.
_TRACEBACK = re.compile(
    r"^[ |+]*Traceback \(most recent call last\):\n(?:[ |+]+\S.*\n|\n)*(?P<last>[^\s].*)?", re.MULTILINE
)


def scan(tool: str, text: str, extra: Sequence[Rule] = ()) -> list[Finding]:
    """Return the trouble in one output of ``tool``, in the order of its lines."""
    found: list[tuple[int, Finding]] = []
    for rule in (*RULES, *extra):
        if rule.tools and tool not in rule.tools:
            continue
        found += [
            (match.start(), Finding(rule.kind, _line(text, match), rule.name))
            for match in rule.pattern.finditer(text)
        ]
    if "Traceback (most recent call last):" in text:
        for match in _TRACEBACK.finditer(text):
            line = match["last"] or "Traceback"
            found.append((match.start(), Finding(Kind.ALERT, _clip(line), "traceback")))
    found.sort(key=lambda each: each[0])
    return [finding for _, finding in found]


def compile_rules(rules: Iterable[tuple[str, str | None, str, str]]) -> tuple[Rule, ...]:
    """Return the user's rules, given as (name, tool or None, pattern, kind); raise ConfigError."""
    compiled = []
    for name, tool, pattern, kind in rules:
        try:
            expression = re.compile(pattern, re.MULTILINE)
        except re.error as error:
            raise ConfigError(f"could not use alert rule {name}: {error}") from error
        compiled.append(Rule(name, expression, Kind(kind), frozenset({tool} if tool else ())))
    return tuple(compiled)


def _line(text: str, match: re.Match[str]) -> str:
    """Return the whole line on which a match begins."""
    end = text.find("\n", match.start())
    return _clip(text[text.rfind("\n", 0, match.start()) + 1 : end if end >= 0 else None])


def _clip(line: str) -> str:
    return line.strip()[:LONGEST]
