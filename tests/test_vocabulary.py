"""Words for completion: which are words, how many are kept, and in what order."""

from __future__ import annotations

import pytest

from recorder.vocabulary import MOST, ROOM, Vocabulary, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select customer_name from shop.orders", ["select", "customer_name", "from", "shop", "orders"]),
        ("id x1 abc 12345 0xff 3rd", ["abc"]),
        ("größe 顧客名簿", ["größe", "顧客名簿"]),
        ("a" * 64 + " " + "b" * 65, ["a" * 64]),
        ("again and again", ["and", "again"]),
        ("", []),
    ],
)
def test_words_are_identifiers_of_some_length(text, words):
    assert words_of([text]) == words


def test_the_newest_text_is_looked_through():
    assert words_of(["first line", "x" * ROOM]) == []
    assert words_of(["early " + "x " * (ROOM // 2) + "late"]) == ["late"]
    assert words_of(["one", "two", "one"]) == ["two", "one"]


def test_a_vocabulary_forgets_the_oldest():
    seen = Vocabulary()
    seen.add(["first", "second"])
    seen.add(f"word{n}" for n in range(MOST - 2))
    seen.add(["first", "last"])
    newest = seen.newest()
    assert newest[:2] == ["last", "first"]
    assert len(newest) == MOST
    assert "second" not in newest
