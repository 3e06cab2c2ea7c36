"""Events stand in the order in which a person saw what they tell."""

from __future__ import annotations

import pytest
from blackbox import SYSTEM_PYTHON, events, need, replay
from conversation import PREFIX


@pytest.fixture
def bash(start_rec):
    term = start_rec(["run", "--", "bash", "--norc", "--noprofile"])
    term.expect("$ ")
    return term


def told(root):
    """All events but the first words of the tool and its end, as (kind, text, turn)."""
    return [(event["kind"], event["text"], event["turn"]) for event in events(root)]


def test_a_notification_belongs_to_the_turn_that_sent_it(bash, root):
    command = r"printf '\e]9;done\a'"
    for count in range(2, 6):
        bash.line(command)
        bash.expect("$ ", count=count)
    bash.line("echo one; " + command + "; echo two")
    bash.expect("\none\ntwo\n$ ")
    bash.send("\x04")
    bash.wait()
    expected = []
    for turn in range(1, 5):
        expected += [("prompt", command, turn), ("alert", "done", turn), ("output", "", turn)]
    assert told(root)[:12] == expected
    assert [(kind, text) for kind, text, turn in told(root) if turn == 5][1:] == [
        ("output", "one\n"),
        ("alert", "done"),
        ("output", "two\n"),
    ]


def test_what_was_done_in_the_palette_follows_what_was_printed_before_it(start_rec, root):
    need("sqlite3")
    term = start_rec(["run", "--", "sqlite3"])
    term.expect("sqlite> ")
    term.send(PREFIX)
    term.expect("rec> ")
    term.line("/note first")
    term.expect("any key: close")
    term.send("\r")
    term.expect_gone("any key: close")
    term.line(".quit")
    term.wait()
    first, *rest = told(root)
    assert first[0] == "output"
    assert first[1].startswith("SQLite version")
    assert "sqlite>" not in first[1]
    assert ("command", "/note first", None) in rest
    assert all("SQLite" not in text for _, text, _ in rest)
    assert replay(root)["events"][0]["text"].startswith("SQLite version")


def test_a_hidden_answer_follows_its_question(bash, root):
    bash.line("read -s -p 'Password: ' x")
    bash.expect("Password: ", count=2)
    bash.line("hunter2")
    bash.expect("$ ", count=2)
    bash.line(f"{SYSTEM_PYTHON} -c 'import getpass; getpass.getpass()'")
    bash.expect("Password: ", count=3)
    bash.line("hunter2")
    bash.expect("$ ", count=3)
    bash.send("\x04")
    bash.wait()
    for turn, end in ((1, ""), (2, "\n")):
        assert [(kind, text) for kind, text, number in told(root) if number == turn][1:] == [
            ("output", "Password: "),
            ("system", "hidden input"),
            ("output", end),
        ]
