"""What Tab offers, without a prompt."""

import os
import threading

import pytest

from recorder import completion
from recorder.completion import Snapshot, Suggestion, dialect, entries, keywords, suggest, suggest_commands
from recorder.slash import COMMANDS


def texts(line, snapshot, cursor=None):
    return [item.text for item in suggest(line, len(line) if cursor is None else cursor, snapshot)]


SQL = Snapshot(keywords=keywords("sqlite3"), any_case=True, bare_names=False)
PLAIN = Snapshot(commands=COMMANDS)


@pytest.mark.parametrize(
    ("tool", "kind"),
    [
        ("sqlite3", "sql"),
        ("/usr/bin/psql", "sql"),
        ("mariadb", "sql"),
        ("python3", "python"),
        ("python3.11", "python"),
        ("/opt/x/bin/pypy3", "python"),
        ("python-config", ""),
        ("cat", ""),
    ],
)
def test_the_tool_says_what_its_lines_are(tool, kind):
    assert dialect(tool) == kind
    assert bool(keywords(tool)) == bool(kind)


def test_keywords_follow_the_case_that_was_typed():
    assert texts("sel", SQL) == ["select"]
    assert texts("SEL", SQL) == ["SELECT"]
    assert texts("select * fr", SQL) == ["from"]
    assert "SELECT" not in texts("select", SQL)  # already there


def test_python_words_match_exactly():
    python = Snapshot(keywords=keywords("python3"), bare_names=False)
    assert texts("x = isinst", python) == ["isinstance"]
    assert texts("x = ISINST", python) == []


def test_dot_and_backslash_commands_of_the_tool():
    assert texts(".sch", SQL) == [".schema"]
    psql = Snapshot(keywords=keywords("psql"), any_case=True)
    assert texts("\\co", psql) == ["\\copy", "\\conninfo"]


def test_words_seen_come_after_keywords_and_replace_only_their_part():
    snapshot = Snapshot(keywords=("orbit",), words=["orders", "order_id", "or"])
    assert suggest("select or", 9, snapshot) == [
        Suggestion("orbit", -2),
        Suggestion("orders", -2),
        Suggestion("order_id", -2),
    ]
    assert suggest("s.or", 4, Snapshot(words=["orders"])) == [Suggestion("orders", -2)]
    assert suggest("s.or", 4, Snapshot(words=["s.orders"])) == [Suggestion("s.orders", -4)]


def test_where_case_means_nothing_a_word_is_offered_once():
    seen = Snapshot(keywords=keywords("sqlite3"), any_case=True, words=["Orders", "SELECT", "ORDERS", "sell"])
    assert texts("ord", seen) == ["order", "Orders"]
    assert texts("sel", seen) == ["select", "sell"]
    assert texts("or", Snapshot(words=["Orders", "orders", "ORDERS"])) == ["orders"]


def test_words_with_control_characters_are_never_offered():
    assert texts("or", Snapshot(words=["ord\x1b[31m", "or\nders", "order"])) == ["order"]


def test_the_cursor_decides_not_the_end_of_the_line():
    assert texts("sel * from t", SQL, cursor=3) == ["select"]
    assert texts("", SQL) == []
    assert texts("sel ", SQL) == []


def test_each_suggestion_once_and_never_too_many():
    assert texts("a", Snapshot(keywords=("ab",), words=["ab", "ac", "ab"])) == ["ab", "ac"]
    many = Snapshot(words=[f"w{number}" for number in range(1000)])
    assert len(texts("w", many)) == completion.LIMIT


@pytest.mark.parametrize(
    ("line", "expected"),
    [("/la", ["/label"]), ("/", [f"/{entry.name}" for entry in COMMANDS]), ("x /la", []), ("/label", [])],
)
def test_slash_commands_only_at_the_start_of_the_line(line, expected):
    assert texts(line, PLAIN) == expected


def test_a_slash_command_carries_its_help():
    (found,) = suggest("/stat", 5, PLAIN)
    assert found == Suggestion("/status", -5, "say what is being recorded, and where to")


def test_no_slash_command_within_a_text_of_several_lines():
    assert texts("/la\nx", PLAIN, cursor=3) == []


def test_commands_with_and_without_slash():
    assert suggest_commands("la", 2, COMMANDS)[0].text == "label"
    assert suggest_commands("/la", 3, COMMANDS)[0] == Suggestion("/label", -3, COMMANDS[2].help)
    assert len(suggest_commands("", 0, COMMANDS)) == len(COMMANDS)
    assert suggest_commands("label sh", 8, COMMANDS) == []


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "src").mkdir()
    for name in ("shop.db", "src/main.sql", "src/more.sql", ".hidden", "line\nbreak", "with space"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / os.fsdecode(b"latin-\xe9")).write_bytes(b"")
    return tmp_path


def named(tree, **options):
    return Snapshot(names=lambda directory: entries(str(tree), directory), **options)


def test_file_names_of_the_tools_directory(tree):
    assert texts("s", named(tree)) == ["shop.db", "src/"]
    assert suggest("cat src/m", 9, named(tree)) == [Suggestion("main.sql", -1), Suggestion("more.sql", -1)]
    assert texts(f"{tree}/sh", named(tree)) == ["shop.db"]
    assert texts("src/", named(tree)) == ["main.sql", "more.sql"]
    assert texts(".hi", named(tree)) == [".hidden"]
    assert texts("nowhere/x", named(tree)) == []


def test_names_that_a_line_cannot_hold_are_left_out(tree):
    assert texts("l", named(tree)) == []
    assert texts("wi", named(tree)) == ["with space"]


def test_with_words_of_its_own_a_tool_gets_file_names_only_where_one_is_meant(tree):
    sql = named(tree, keywords=("set",), any_case=True, bare_names=False)
    assert texts("s", sql) == ["set"]
    assert texts("attach 's", sql) == ["shop.db", "src/"]
    assert texts(".read src/ma", sql) == ["main.sql"]
    assert texts(".read sh", sql) == ["shop.db"]


def test_without_a_known_directory_only_absolute_names(tree):
    assert entries(None, "") == []
    assert entries(None, f"{tree}/src/") == ["main.sql", "more.sql"]


def test_a_directory_that_does_not_answer_is_given_up(tree, monkeypatch):
    hung = threading.Event()
    scandir = os.scandir

    def slow(path):
        hung.wait()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", slow)
    try:
        assert entries(str(tree), "") == []
    finally:
        hung.set()
