"""Clients of real servers: psql and redis-cli, with several lines, pagers, errors and passwords."""

from __future__ import annotations

import re

import pytest
from blackbox import events, grep_root, log, ls, output_raw
from conversation import LEFT, PASTE_OFF, PASTE_ON, UP, Turn, ends, texts, turns


@pytest.fixture
def psql(start_rec, postgres):
    def start(*words, **options):
        env = {**postgres.env, "PAGER": "less", "LESS": "", **options.pop("env", {})}
        term = start_rec(["run", "--", "psql", "-X", *words], env=env, **options)
        term.expect("postgres=# ")
        return term

    return start


@pytest.fixture
def redis_cli(start_rec, redis):
    redis.ask(b"FLUSHALL")

    def start(**options):
        term = start_rec(["run", "--", *redis.argv], **options)
        term.expect(f"127.0.0.1:{redis.port}> ")
        return term

    return start


def test_psql_statements_recall_and_errors(psql, root):
    term = psql("-P", "pager=off")
    term.line("select 40+2 as answer;")
    term.expect("(1 row)\n\npostgres=# ")
    term.line("select")
    term.expect("postgres-# ")
    term.line("  'two lines' as said;")
    term.expect("(1 row)\n\npostgres=# ", count=2)
    term.line("select * from nowhere;")
    term.expect('relation "nowhere" does not exist')
    term.expect("postgres=# ", count=4)
    term.line(f"{UP}{LEFT} limit 1")
    term.expect("does not exist", count=2)
    term.expect("postgres=# ", count=5)
    term.line("\\q")
    assert term.wait() == 0
    found = turns(root)
    assert [turn[:2] for turn in found] == [
        ("postgres=# ", "select 40+2 as answer;"),
        ("postgres=# ", "select"),
        ("postgres-# ", "  'two lines' as said;"),
        ("postgres=# ", "select * from nowhere;"),
        ("postgres=# ", "select * from nowhere limit 1;"),
        ("postgres=# ", "\\q"),
    ]
    assert found[0].output == " answer \n--------\n     42\n(1 row)\n\n"
    assert found[1].output == ""
    assert found[2].output == "   said    \n-----------\n two lines\n(1 row)\n\n"
    assert found[3].output.startswith('ERROR:  relation "nowhere" does not exist\n')
    assert [event["turn"] for event in events(root) if event["kind"] == "warn"] == [4, 5]
    assert [row["turn"] for row in log(root, "@1", "--failed")] == [4, 5]
    assert ls(root)[0]["tool"] == "psql"


def test_psql_paste_of_more_lines_than_the_screen_has(psql, root):
    lines = [f"select 'line-{n}';" for n in range(32)]
    term = psql("-tA")
    term.send(PASTE_ON + "\n".join(lines) + PASTE_OFF)
    term.expect(lines[-1])
    term.send("\r")
    term.expect("\nline-31\npostgres=# ")
    term.line("\\q")
    term.wait()
    submitted = [event for event in events(root) if event["kind"] == "prompt"]
    assert submitted[0]["text"] == "\n".join(lines)
    assert not any("partial" in event["meta"] for event in submitted)


def test_psql_a_burst_and_a_wrapped_statement(psql, root):
    statement = "select '" + "".join(f"{n:>3}" for n in range(26)) + "' as numbers;"
    term = psql("-P", "pager=off", "-At", cols=60)
    term.send("select 1;\rselect 2;\r")
    term.expect("\n2\npostgres=# ")
    term.line(statement)
    term.expect(re.compile(r"25\npostgres=# $"))
    term.send("\x04")
    term.wait()
    assert turns(root) == [
        Turn("postgres=# ", "select 1;", "1\n"),
        Turn("postgres=# ", "select 2;", "2\n"),
        Turn("postgres=# ", statement, "".join(f"{n:>3}" for n in range(26)) + "\n"),
    ]


def test_psql_a_pager_in_between(psql, root):
    """Case 22."""
    term = psql()
    term.line("select n from generate_series(1, 100) n;")
    term.expect(re.compile(r"^:$", re.MULTILINE))
    term.send(" ")
    term.expect("  30")
    term.send("q")
    term.expect("postgres=# ", count=2)
    term.line("select 7 as x;")
    term.expect("(1 row)\n\npostgres=# ")
    term.line("\\q")
    term.wait()
    found = turns(root)
    assert [turn[:2] for turn in found] == [
        ("postgres=# ", "select n from generate_series(1, 100) n;"),
        ("postgres=# ", "select 7 as x;"),
        ("postgres=# ", "\\q"),
    ]
    assert b"  30" in output_raw(root, "@1:1")
    assert log(root)[0]["n_output_bytes"] == len(output_raw(root, "@1:1"))
    assert "  30" not in found[0].output
    assert found[1].output == " x \n---\n 7\n(1 row)\n\n"


def test_psql_a_password_is_asked_hidden(psql, root):
    term = psql()
    term.line("\\password")
    term.expect('Enter new password for user "rec": ')
    term.line("hidden-marker-1")
    term.expect("Enter it again: ")
    term.line("hidden-marker-2")
    term.expect("Passwords didn't match.")
    term.expect("postgres=# ", count=2)
    term.line("\\q")
    term.wait()
    assert "hidden-marker" not in term.text()
    assert grep_root(root, b"hidden-marker") == []
    assert [turn.command for turn in turns(root)] == ["\\password", "\\q"]
    assert texts(root, "system")[:2] == ["hidden input", "hidden input"]


def test_psql_a_dsn_with_a_password_is_masked(start_rec, root, postgres):
    term = start_rec(["run", "--", "psql", "-X", postgres.dsn])
    term.expect("postgres=# ")
    term.line("\\q")
    term.wait()
    row = ls(root)[0]
    assert postgres.password not in str(row)
    assert f"127.0.0.1:{postgres.port}" in row["target"]
    assert grep_root(root, postgres.password.encode()) == []


def test_psql_completion_with_a_listing(psql, root):
    term = psql("-P", "pager=off", "-At")
    term.send("create ta\t")
    term.expect("create table")
    term.send("\x15select relname from pg_cl\t")
    term.expect("pg_class")
    term.line(" where relname='pg_class';")
    term.expect("\npg_class\npostgres=# ")
    term.line("\\q")
    term.wait()
    assert turns(root)[0] == Turn(
        "postgres=# ", "select relname from pg_class  where relname='pg_class';", "pg_class\n"
    ) or turns(root)[0] == Turn(
        "postgres=# ", "select relname from pg_class where relname='pg_class';", "pg_class\n"
    )


def test_redis_answers_errors_and_recall(redis_cli, redis, root):
    prompt = f"127.0.0.1:{redis.port}> "
    term = redis_cli()
    term.line("set tea 3")
    term.expect(f"OK\n{prompt}")
    term.line("incr tea")
    term.expect(f"(integer) 4\n{prompt}")
    term.line("incr")
    term.expect("(error) ERR wrong number of arguments")
    term.expect(prompt, count=4)
    term.line(f"{UP}{UP}")
    term.expect(f"(integer) 5\n{prompt}")
    term.line("get nothing")
    term.expect(f"(nil)\n{prompt}")
    term.line("quit")
    assert term.wait() == 0
    found = turns(root)
    assert found[2].output.startswith("(error) ERR wrong number of arguments")
    del found[2]
    assert found == [
        Turn(prompt, "set tea 3", "OK\n"),
        Turn(prompt, "incr tea", "(integer) 4\n"),
        Turn(prompt, "incr tea", "(integer) 5\n"),
        Turn(prompt, "get nothing", "(nil)\n"),
        Turn(prompt, "quit", ""),
    ]
    assert [event["turn"] for event in events(root) if event["kind"] == "warn"] == [3]
    assert ends(root) == ["done"] * 6


def test_redis_lines_are_rebuilt_from_hints_and_wraps(redis_cli, redis, root):
    """Hints behind the cursor are drawn by the tool and are no part of the command."""
    prompt = f"127.0.0.1:{redis.port}> "
    term = redis_cli(cols=60)
    term.type("set ", 0.01)
    term.expect("key value")
    term.line("k " + "v" * 70, 0.001)
    term.expect(f"OK\n{prompt}")
    term.line("strlen k")
    term.expect(f"(integer) 70\n{prompt}")
    term.line("quit")
    term.wait()
    assert turns(root)[:2] == [
        Turn(prompt, "set k " + "v" * 70, "OK\n"),
        Turn(prompt, "strlen k", "(integer) 70\n"),
    ]
