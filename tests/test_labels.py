"""What a label may be."""

from __future__ import annotations

import pytest

from recorder.errors import UsageError_
from recorder.labels import check_label


@pytest.mark.parametrize(
    "label", ["a", "shop", "fix the shop", "größe", "日本語", "🚀", "a:b", "3", "v1.2", "x:3y", "a" * 128]
)
def test_any_printable_text_is_a_label(label):
    assert check_label(label) == label


def test_it_is_normalised():
    assert check_label("gro\u0308\u00dfe") == "gr\u00f6\u00dfe"


@pytest.mark.parametrize(
    ("label", "cause"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("@1", "begins with '@'"),
        ("-", "begins with '-'"),
        (":3", "begins with ':'"),
        ("a/b", "'/'"),
        ("shop:12", "name of a turn"),
        ("a\x1b[31mb", "cannot be printed"),
        ("a\nb", "cannot be printed"),
        ("a\u202eb", "cannot be printed"),
        ("a\udcffb", "cannot be printed"),
        ("a" * 129, "longer than 128"),
        ("ä" * 65, "longer than 128"),
        ("x" * 10_000, "longer than 128"),
    ],
)
def test_what_could_be_misread_is_refused(label, cause):
    with pytest.raises(UsageError_, match=cause):
        check_label(label)
