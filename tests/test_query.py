"""What words mean, where a text answers, what is shown of it; and that a list of words misses nothing."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from making import draft, session

from recorder import query as asking
from recorder.errors import UsageError_
from recorder.model import Kind
from recorder.query import Term
from recorder.stores import wordlists
from recorder.stores.segments import Damaged

S = session(1)


def found(words: str | list[str], text: str) -> list[str]:
    """The places in a text at which a search for some words finds something."""
    terms = asking.words([words] if isinstance(words, str) else words)
    return [text[low:high] for low, high in asking.of_terms(terms).find(text)]


@pytest.mark.parametrize(
    ("word", "text", "places"),
    [
        ("conn", "a conn and a CONN", ["conn", "CONN"]),
        ("conn", "connect", []),
        ("conn*", "connect, reconnect, conn", ["conn", "conn"]),
        ("*conn", "connect, reconn", ["conn"]),
        ("*conn*", "connect, reconnect", ["conn", "conn"]),
        ("shop.db", "open shop.db or shop_db, my-shop.db, shop.dbx, 'shop.db'", ["shop.db"] * 3),
        ("shop", "sqlite3 shop.db", ["shop"]),
        ("2026-11-27", "on 2026-11-27 at 12026-11-27", ["2026-11-27"]),
        ("/etc/passwd", "cat /etc/passwd /etc/passwd- x/etc/passwd", ["/etc/passwd"] * 3),
        ("my_table", "from my_table, my_table2", ["my_table"]),
        ("no such file", "bash: No such\n  file or directory", ["No such\n  file"]),
        ("-v", "grep -v x; --verbose; -vv", ["-v"]),
        ("*.py", "ls *.py a.py", ["*.py"]),
        ("rm *", "rm * rmdir", ["rm *"]),
        ("count(*)", "select count(*) from t", ["count(*)"]),
        ('say "hi"', 'say "hi"', ['say "hi"']),
        ("NEAR", "near", ["near"]),
        ("*", "2 * 3", ["*"]),
        ("straße", "STRASSE Straße", ["Straße"]),
        ("İstanbul", "istanbul İSTANBUL", ["istanbul", "İSTANBUL"]),
        ("ΣΑΣ", "σας σασ", ["σας", "σασ"]),
        ("日本", "日本 日本語", ["日本"]),
        ("日本*", "日本 日本語", ["日本", "日本"]),
        ("a\x00b", "a\x00b", ["a\x00b"]),
        ("\udcff*", "\udcff", []),
    ],
)
def test_words_are_literal(word, text, places):
    assert found(word, text) == places


def test_all_words_must_be_there_in_any_order():
    assert found(["two", "one"], "one, two") == ["one", "two"]
    assert found(["two", "one", "three"], "one, two") == []


@pytest.mark.parametrize("words", [[], [""], [" ", "\n"]])
def test_nothing_to_search_for_is_wrong_usage(words):
    with pytest.raises(UsageError_, match="no word to search for"):
        asking.words(words)


def test_a_novel_is_no_search():
    with pytest.raises(UsageError_, match="more than 10000 characters"):
        asking.words(["x" * 1_000_000])


def test_what_is_not_found_as_a_word_is_looked_for_within_words():
    terms = asking.words(["onnect", "shop.d"])
    assert asking.loosened(terms) == (Term("onnect", True, True), Term("shop.d", True, True))
    assert asking.loosened(asking.loosened(terms)) is None
    assert asking.loosened(asking.words(["on"])) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("one two", ["one", "two"]),
        ('"no such file" here', ["no such file", "here"]),
        ('an "open quote', ["an", '"open', "quote"]),
        ('"" x', ['""', "x"]),
    ],
)
def test_a_line_is_words_and_quoted_phrases(line, words):
    assert asking.spoken(line) == words


@pytest.mark.parametrize("pattern", ["(", "a**", "[z-a]", "(?P<x>", "\\", "x" * 5 + "{99999999999}"])
def test_a_bad_pattern_is_wrong_usage(pattern):
    with pytest.raises(UsageError_, match="could not search for"):
        asking.of_pattern(pattern)


def test_a_pattern_finds_lines_and_no_emptiness():
    find = asking.of_pattern("^E.*|x*").find
    text = "xx\nERROR: no\n"
    assert [text[low:high] for low, high in find(text)] == ["xx", "ERROR: no"]


# --- what is shown ---------------------------------------------------------------------------------


def hit(text, word, kind=Kind.OUTPUT):
    query = asking.of_terms(asking.words([word]))
    (only,) = asking.answers(query, [draft(S, kind, text).numbered(1)], lambda _: None, "/")
    low, high = only.marks[0]
    assert only.snippet[low:high].lower() == word
    return only


def test_a_snippet_is_the_line_of_the_first_place():
    assert (
        hit("first\nthe\tneedle here, needle\nneedle again\n", "needle").snippet == "the needle here, needle"
    )
    assert hit("needle", "needle").marks == ((0, 6),)


def test_of_a_long_line_what_is_around_the_place_is_shown():
    shown = hit("a " * 500 + "needle" + " b" * 500, "needle").snippet
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) == asking.ROOM + 2


def test_often_in_a_short_text_is_better():
    assert hit("needle " * 3, "needle").score > hit("needle", "needle").score
    assert hit("needle", "needle").score > hit("needle " + "x " * 1000, "needle").score
    assert hit("needle", "needle", Kind.PROMPT).score > hit("needle", "needle").score


# --- properties ------------------------------------------------------------------------------------

LETTERS = st.sampled_from("aAbΣςİ_1é日 \n\t.*\"'-()/\x00\x1b\udc80")
TEXTS = st.text(LETTERS, max_size=30) | st.text(max_size=30)


@given(st.lists(TEXTS, max_size=4), TEXTS)
@example(["NEAR", '"', "*", "-", "a AND b"], "a")
def test_whatever_is_typed_there_is_an_answer(words, text):
    try:
        terms = asking.words(words)
    except UsageError_:
        assert not any(word.strip() for word in words)
        return
    for each in (terms, asking.loosened(terms)):
        if each is not None:
            spans = asking.of_terms(each).find(text)
            assert all(0 <= low < high <= len(text) for low, high in spans)


@given(TEXTS, st.integers(0, 30), st.integers(1, 30))
def test_every_part_of_a_text_is_found_in_it(text, start, length):
    part = text[start : start + length].strip("*")
    if len(part.split()) > 0 and len(part.strip()) >= asking.SUBSTRING:
        loose = asking.loosened(asking.words([part]))
        assert asking.of_terms(loose).find(text)


@given(TEXTS)
def test_folding_keeps_every_place(text):
    assert len(asking.fold(text)) == len(text)


@given(
    st.lists(st.tuples(st.sampled_from(["prompt", "output"]), TEXTS)), st.lists(TEXTS, max_size=3), st.data()
)
@example([("output", "x" * 200)], ["x" * 200], None)
@example([("output", "x" * 200)], ["*xxx*"], None)
def test_a_list_of_words_misses_nothing(events, words, data):
    if data is not None and events and data.draw(st.booleans()):
        words = [*words, data.draw(st.sampled_from(events))[1][:8]]
    if not any(word.strip() for word in words):
        return
    lists = []
    for kind, text in events:
        collected = wordlists.Words()
        collected.add(kind, text)
        lists.append(collected.blob())
    terms = asking.words(words)
    for each in filter(None, (terms, asking.loosened(terms))):
        query = asking.of_terms(each)
        needs = wordlists.needed(query)
        for (kind, text), blob in zip(events, lists, strict=True):
            if query.find(text):
                assert wordlists.holds(wordlists.reader(blob), query, needs)
                assert wordlists.holds(wordlists.reader(wordlists.merged(lists)), query, needs)
                only = asking.Query(query.find, query.terms, asking.PLACES[kind])
                assert wordlists.holds(wordlists.reader(blob), only, needs)


def test_a_list_rules_out_what_is_not_there():
    collected = wordlists.Words()
    collected.add("prompt", "select * from shop")
    collected.add("output", "connection refused " + "y" * 129)
    blob = collected.blob()

    def may(word, place="all"):
        query = asking.of_terms(asking.words([word]))
        query = asking.Query(query.find, query.terms, asking.PLACES[place])
        return wordlists.holds(wordlists.reader(blob), query, wordlists.needed(query))

    assert [
        word for word in ("shop", "shops", "sho", "connection", "fused", "select refused") if may(word)
    ] == [
        "shop",
        "connection",
    ]
    assert may("conn*")
    assert may("shop", "prompt")
    assert not may("shop", "output")
    assert not may("refused", "prompt")
    assert may("*zzz*")  # within the long word, for all the list knows
    assert not may("zzz")


def test_a_long_text_is_cut_between_lines():
    collected = wordlists.Words()
    words = {f"word{number}" for number in range(20_000)}
    collected.add("output", "\n".join(words))
    blob = collected.blob()
    assert listed(blob, *words)
    assert not any(listed(blob, word) for word in ("word", "word20000", "worda", "a", "z"))


def listed(blob, *words):
    needs = [need for word in words for need in wordlists.needed(asking.of_terms(asking.words([word])))]
    return wordlists.holds(wordlists.reader(blob), asking.of_pattern("x"), needs)


SHORT = st.text("abcß", min_size=1, max_size=5)


@given(st.sets(SHORT, min_size=1), SHORT, st.sampled_from(["{}", "{}*", "*{}", "*{}*"]), st.integers(1, 40))
def test_a_word_is_found_in_whatever_piece_it_stands(words, word, form, size):
    def stands(listed):
        return {
            "{}": listed == word,
            "{}*": listed.startswith(word),
            "*{}": listed.endswith(word),
            "*{}*": word in listed,
        }[form]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wordlists, "_PIECE", size)
        collected = wordlists.Words()
        collected.add("output", " ".join(words))
        blob = wordlists.merged([collected.blob(), wordlists.Words().blob()])
    assert listed(blob, form.format(word)) == any(map(stands, words))


def test_a_damaged_list_is_named():
    collected = wordlists.Words()
    collected.add("output", "some words of a list")
    blob = collected.blob()
    for at in range(len(blob)):
        for broken in (blob[:at], blob[:at] + bytes([blob[at] ^ 0xFF]) + blob[at + 1 :]):
            with contextlib.suppress(Damaged):
                listed(broken, "list")
