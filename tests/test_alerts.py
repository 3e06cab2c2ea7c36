"""Trouble in text: every rule fires on what its tool really prints, and on nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from recorder import alerts
from recorder.alerts import compile_rules, scan, undecided
from recorder.errors import ConfigError
from recorder.model import Kind

WARN, ALERT = Kind.WARN, Kind.ALERT


def found(tool, text, extra=()):
    return [(each.kind, each.text) for each in scan(tool, text, extra)]


@pytest.mark.parametrize(
    ("tool", "text", "expected"),
    [
        (
            "psql",
            'ERROR:  syntax error at or near "selec"\nLINE 1: selec 1;\n        ^\n',
            (WARN, 'ERROR:  syntax error at or near "selec"'),
        ),
        (
            "psql",
            "psql:a.sql:3: ERROR:  division by zero\n",
            (WARN, "psql:a.sql:3: ERROR:  division by zero"),
        ),
        ("psql-15", "ERROR:  division by zero\n", (WARN, "ERROR:  division by zero")),
        ("psql", "psql: error: could not connect\n", (WARN, "psql: error: could not connect")),
        ("psql", "\\copy: error: no such file\n", (WARN, "\\copy: error: no such file")),
        (
            "psql",
            'psql: error: connection to server failed: FATAL:  role "x" does not exist\n',
            (ALERT, 'psql: error: connection to server failed: FATAL:  role "x" does not exist'),
        ),
        (
            "psql",
            "FATAL:  terminating connection due to administrator command\n",
            (ALERT, "FATAL:  terminating connection due to administrator command"),
        ),
        (
            "tail",
            "2024-05-01 12:00:00.123 UTC [77] bob@shop FATAL:  the database system is shutting down\n",
            (
                ALERT,
                "2024-05-01 12:00:00.123 UTC [77] bob@shop FATAL:  the database system is shutting down",
            ),
        ),
        ("bash", "PANIC: could not write to file\n", (ALERT, "PANIC: could not write to file")),
        (
            "sqlite3",
            'Parse error: near "selec": syntax error\n  selec 1;\n',
            (WARN, 'Parse error: near "selec": syntax error'),
        ),
        (
            "sqlite3",
            "Runtime error near line 3: UNIQUE constraint failed: t.a (19)\n",
            (WARN, "Runtime error near line 3: UNIQUE constraint failed: t.a (19)"),
        ),
        ("sqlite3", 'Error: cannot open "nofile"\n', (WARN, 'Error: cannot open "nofile"')),
        (
            "redis-cli",
            "(error) ERR unknown command 'FOO'\n",
            (WARN, "(error) ERR unknown command 'FOO'"),
        ),
        ("redis-cli", "1) OK\n2) (error) WRONGTYPE x\n", (WARN, "2) (error) WRONGTYPE x")),
        (
            "redis-cli",
            "Could not connect to Redis at 127.0.0.1:1: Connection refused\n",
            (WARN, "Could not connect to Redis at 127.0.0.1:1: Connection refused"),
        ),
        (
            "mysql",
            "ERROR 1064 (42000): You have an error in your SQL syntax\n",
            (WARN, "ERROR 1064 (42000): You have an error in your SQL syntax"),
        ),
        ("mariadb", "ERROR 2002 (HY000): Can't connect\n", (WARN, "ERROR 2002 (HY000): Can't connect")),
        (
            "python3",
            '  File "<stdin>", line 1\n    1+\n      ^\nSyntaxError: invalid syntax\n',
            (WARN, "SyntaxError: invalid syntax"),
        ),
        (
            "gdb",
            "Program received signal SIGSEGV, Segmentation fault.\n0x0000 in main ()\n",
            (ALERT, "Program received signal SIGSEGV, Segmentation fault."),
        ),
        (
            "gdb",
            'Thread 2 "worker" received signal SIGABRT, Aborted.\n',
            (ALERT, 'Thread 2 "worker" received signal SIGABRT, Aborted.'),
        ),
        ("bash", "Segmentation fault (core dumped)\n", (ALERT, "Segmentation fault (core dumped)")),
        (
            "zsh",
            "zsh: segmentation fault (core dumped)  ./a.out\n",
            (ALERT, "zsh: segmentation fault (core dumped)  ./a.out"),
        ),
    ],
)
def test_rules(tool, text, expected):
    assert found(tool, text) == [expected]
    assert found(tool, "before\n" + text + "after\n") == [expected]
    assert found(tool, "x" + text.replace("\n", "\nx")) == []


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("cat", "ERROR:  not psql\nError: near\n(error) ERR\nERROR 1064 (42000): x\n"),
        ("psql", " id | message\n----+---------\n  1 | ERROR:  in a row\n  2 | FATAL:  in a row\n"),
        ("psql", "the log said FATAL:  something\nERROR\nERRORS: 3\n"),
        ("sqlite3", "1|Error: in a row\nErrors: 0\n"),
        ("redis-cli", '"(error) in a string"\n'),
        ("python3", ">>> 'Traceback (most recent call last):'\n'Traceback (most recent call last):'\n"),
        ("python3", "Traceback (most recent call last):\nis how a traceback begins\n"),
        ("gdb", "Program received signal SIGINT, Interrupt.\nProgram received signal SIGTRAP, Trace.\n"),
        ("bash", "Segmentation fault is a word\nthe Segmentation fault\n"),
        ("cat", '  File "<stdin>", line 1\n    1+\n      ^\nSyntaxError: invalid syntax\n'),
    ],
)
def test_ordinary_output_is_no_trouble(tool, text):
    assert found(tool, text) == []


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stderr


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import json; json.loads('{')", None),
        ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
        ("class Odd(Exception): pass\nraise Odd('two\\nlines')", "Odd: two"),
        (
            "try:\n    1/0\nexcept Exception as e:\n    raise ValueError('second') from e",
            "ValueError: second",
        ),
        (
            "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
            "ExceptionGroup: many (2 sub-exceptions)",
        ),
    ],
)
def test_the_last_line_of_a_traceback_is_found(code, last):
    text = python(code)
    assert "Traceback" in text
    ((kind, line),) = found("bash", "before\n" + text + "after\n")
    assert kind is ALERT
    assert line in text.replace("| ", "")
    assert last is None or line == last
    assert undecided(text + "after\n") >= len(text)


def test_a_traceback_of_ipython_is_found():
    text = (
        "-" * 75 + "\nZeroDivisionError                         Traceback (most recent call last)\n"
        "Cell In[1], line 1\n----> 1 1/0\n\nZeroDivisionError: division by zero\n"
    )
    assert found("ipython3", text) == [(ALERT, "ZeroDivisionError: division by zero")]


def test_each_rule_finds_only_the_first_of_an_output():
    assert found("psql", "ERROR:  one\nERROR:  two\nFATAL:  three\n") == [
        (WARN, "ERROR:  one"),
        (ALERT, "FATAL:  three"),
    ]


def test_findings_are_in_the_order_of_their_lines():
    assert found("psql", "FATAL:  first\nERROR:  second\n") == [
        (ALERT, "FATAL:  first"),
        (WARN, "ERROR:  second"),
    ]


def test_what_more_text_may_turn_into_trouble():
    assert undecided("whole lines\n") == len("whole lines\n")
    assert undecided("whole\nFAT") == len("whole\n")
    text = 'before\nTraceback (most recent call last):\n  File "x", line 1, in f\n'
    assert undecided(text) == len("before\n")
    assert undecided(text + "ZeroDiv") == len("before\n")
    assert undecided(text + "ValueError: x\n") == len(text + "ValueError: x\n")
    assert undecided("x" * 100_000) >= 99_000


def test_a_finding_is_cut_to_size():
    ((_, text),) = found("psql", "ERROR:  " + "x" * 100_000)
    assert len(text) == alerts.LONGEST


def test_user_rules():
    rules = compile_rules(
        [("down", "python3", r"is down$", "warn"), ("disk", None, "^disk .* full", "alert")]
    )
    assert found("python3.11", "a\nthe server is down\ndisk /x is full\n", rules) == [
        (WARN, "the server is down"),
        (ALERT, "disk /x is full"),
    ]
    assert found("bash", "the server is down\nthe disk /x is full\n", rules) == []
    assert [each.rule for each in scan("bash", "disk 1 full", rules)] == ["disk"]


@pytest.mark.parametrize(
    ("rule", "cause"),
    [
        (("bad", None, "(", "warn"), "could not use alert rule bad: missing )"),
        (("bad", None, "x", "prompt"), "could not use alert rule bad: its kind"),
        (("bad", None, "x", "other"), "could not use alert rule bad: its kind"),
    ],
)
def test_wrong_user_rules_are_refused(rule, cause):
    with pytest.raises(ConfigError, match=cause.replace("(", r"\(").replace(")", r"\)")):
        compile_rules([rule])
