"""Values that are kept with a session."""

from __future__ import annotations

import pytest
from blackbox import grep_root, rec


@pytest.fixture(autouse=True)
def shop(root):
    rec(["run", "--label", "shop", "--", "cat"], root, stdin=b"one\n").ok()


def test_set_show_list_and_remove(root):
    assert rec(["meta", "shop", "--json"], root).json() == {}
    assert rec(["meta", "shop", "external_id", "abc-1"], root).ok().stdout == ""
    rec(["meta", "shop", "ticket", "größe 🚀"], root).ok()
    assert rec(["meta", "shop", "ticket"], root).ok().stdout == "größe 🚀\n"
    assert rec(["meta", "shop"], root).ok().stdout == "external_id\tabc-1\nticket\tgröße 🚀\n"
    assert rec(["meta", "shop", "--json"], root).json() == {"external_id": "abc-1", "ticket": "größe 🚀"}
    assert rec(["meta", "shop", "ticket", "--json"], root).json() == {"ticket": "größe 🚀"}
    rec(["meta", "shop", "ticket", "new"], root).ok()
    rec(["meta", "shop", "--rm", "ticket"], root).ok()
    assert rec(["meta", "shop", "--json"], root).json() == {"external_id": "abc-1"}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["ticket"], 1, "rec: no such key: ticket\n"),
        (["--rm", "ticket"], 1, "rec: no such key: ticket\n"),
        (["Bad Key", "x"], 2, "rec: could not use the key 'Bad Key': "),
        (["k" * 65, "x"], 2, "rec: could not use the key "),
        (["key", "a\x1b[31mb"], 2, "rec: could not keep key: the value holds a character"),
        (["key", "x" * 4097], 2, "rec: could not keep key: the value is longer than 4096 bytes"),
        (["key", "value", "--rm", "key"], 2, "rec: could not take a key away"),
    ],
)
def test_what_is_refused(root, words, status, message):
    found = rec(["meta", "shop", *words], root)
    assert (found.status, found.stdout) == (status, "")
    assert found.stderr.startswith(message)
    assert "Traceback" not in found.stderr


def test_no_such_session(root):
    assert rec(["meta", "none", "a", "b"], root).status == 1


def test_a_deleted_session_leaves_no_value(root):
    rec(["meta", "shop", "note", "s3cret-marker"], root).ok()
    rec(["rm", "--yes", "shop"], root).ok()
    assert grep_root(root, b"s3cret-marker") == []
