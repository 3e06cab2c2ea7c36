"""What is shown of a recording cannot drive the terminal it is shown on."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder.safe import visible

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é 日本 ✓", "plain text, é 日本 ✓"),
        ("two\nlines", "two⏎lines"),
        ("a\x1b]0;title\x07b", "a\\x1b]0;title\\x07b"),
        ("a\x9b31mb", "a\\x9b31mb"),
        ("a\x7f\tb\r", "a\\x7f\\x09b\\x0d"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("zero\u200bwidth\u2066x\ufeff", "zero\\u200bwidth\\u2066x\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\udcff", "\\udcff"),
        ("line\u2028sep", "line\\u2028sep"),
    ],
)
def test_visible(text, shown):
    assert visible(text) == shown


@given(ANY_TEXT)
@example("\x80\x9f\u180e")
def test_nothing_that_controls_or_hides_is_left(text):
    shown = visible(text)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert visible(shown) == shown
