"""Counts of the keys that went into an edit, and what they say about the command that was read off it."""

from __future__ import annotations

import pytest

from recorder.keyed import Keyed
from recorder.keys import PASTE_BEGIN, PASTE_END, Scanner
from recorder.lines import LineTracker
from recorder.model import Size

THREE = PASTE_BEGIN + b"one\rtwo\nthree" + PASTE_END


def keyed(*reads):
    scanner, counts = Scanner(None), Keyed()
    for read in reads:
        counts.typed(scanner.scan(read), LineTracker(Size(80, 24)))
    return counts


@pytest.mark.parametrize(
    ("keys", "breaks"),
    [
        (THREE, 2),
        (THREE + b"\r", 2),
        (b"typed before" + THREE + b"\r", 2),
        (PASTE_BEGIN + b"one\r\n\r\ntwo\r\n" + PASTE_END + b"\r", 2),
        (PASTE_BEGIN + b"\n" + PASTE_END, 0),
        (PASTE_BEGIN + b"one\n" + PASTE_END + PASTE_BEGIN + b"two" + PASTE_END, 1),
        (THREE + b"x", None),
        (THREE + b"\x1b[A\r", None),
        (b"echo one\r", None),
        (b"", None),
        (THREE + b"\x03", None),
    ],
)
def test_a_paste_explains_a_command_with_all_its_lines(keys, breaks):
    for reads in ([keys], [keys[n : n + 1] for n in range(len(keys))]):
        counts = keyed(*reads)
        assert [n for n in range(5) if counts.explain("\n" * n)] == ([] if breaks is None else [breaks])


@pytest.mark.parametrize(
    ("keys", "command", "tall", "partial"),
    [
        (b"echo one", "echo one", False, False),
        (b"echo one", "echo one", True, True),  # zsh shows a part of a line of many rows
        (b"\x1b[A", "a\nb", True, True),  # recalled
        (THREE, "one\ntwo\nthree", True, False),
        (THREE, "one\ntwo\nthree", False, False),
        (THREE, "two\nthree", False, True),
        (THREE, "one\ntwo\nthree\n", True, True),
        (THREE + b"\x7f" * 9, "one", False, False),  # they were deleted
        (b"a\x7fb\r", "a\nb", False, True),  # nobody has typed the line break
        (b"a\x16\nb\r", "a\nb", False, False),
        (b"a\rb\r", "a\nb", False, False),
        (THREE, "one\nBG\ntwo\nthree", False, True),
        (THREE + b"\x1b[D", "one\ntwo\nthree", True, True),
    ],
)
def test_whether_a_command_is_all_that_was_entered(keys, command, tall, partial):
    assert keyed(keys).partial(command, tall=tall) is partial
