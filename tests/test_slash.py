"""Which lines are the recorder's and which the tool's."""

import pytest

from recorder.errors import UsageError_
from recorder.slash import COMMANDS, NAMES, Command, Literal, demand, help_text, parse


@pytest.mark.parametrize(
    ("line", "name", "arg"),
    [
        ("/label shop", "label", "shop"),
        ("/label   two words  ", "label", "two words"),
        ("/label\tshop", "label", "shop"),
        ("/save x", "save", "x"),
        ("/status", "status", ""),
        ("/status  ", "status", ""),
        ("/replay", "replay", ""),
        ("/replay @2", "replay", "@2"),
        ("/note it's ; 'quoted' \\ text", "note", "it's ; 'quoted' \\ text"),
        ("/label", "label", ""),
        ("/help label", "help", "label"),
    ],
)
def test_a_line_that_is_a_command_is_ours(line, name, arg):
    assert parse(line) == Command(name, arg)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "/",  # SQL*Plus: run the buffer
        "//",  # ed: search again
        "/re/",
        "/label/",
        "/label/p",
        "/etc/passwd",
        "/labels",
        "/LABEL x",
        "/nosuch",
        " /label x",
        "select 1 /label x",
        "/status now",  # takes no argument, so it is no command of ours
        "/quit the program",
        "/label x\n/quit",
        "/note\u00a0x",
        "//server/share",
        "//nosuch",
        "//status now",
        "a // label",
    ],
)
def test_any_other_line_goes_to_the_tool_as_it_is(line):
    assert parse(line) == Literal(line)


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("//label x", "/label x"),
        ("//quit", "/quit"),
        ("///quit", "//quit"),
        ("//label x ", "/label x "),
    ],
)
def test_a_doubled_slash_sends_the_command_itself(line, sent):
    assert parse(line) == Literal(sent)


def test_only_the_names_given_count():
    assert parse("/label x", names=()) == Literal("/label x")
    assert parse("//label x", names=()) == Literal("//label x")
    assert parse("/label x", names=("label",)) == Command("label", "x")
    assert parse("/note x", names=("label",)) == Literal("/note x")


@pytest.mark.parametrize("line", ["/label shop", "label shop", "  label   shop "])
def test_a_line_for_us_alone_needs_no_slash(line):
    assert demand(line) == Command("label", "shop")


@pytest.mark.parametrize(
    ("line", "message", "advice"),
    [
        ("lable x", "no such command: /lable", "did you mean /label?"),
        ("/xyzzy", "no such command: /xyzzy", "/help lists the commands"),
        ("/", "no such command: /", "/help lists the commands"),
        ("status now", "could not run /status: it takes no argument", "type /status"),
    ],
)
def test_a_line_for_us_alone_that_is_no_command_says_what_to_do(line, message, advice):
    with pytest.raises(UsageError_) as caught:
        demand(line)
    assert (caught.value.message, caught.value.advice) == (message, advice)


def test_help_lists_each_command_that_can_be_given():
    rows = help_text().split("\n")
    assert [row.split()[0] for row in rows[: len(COMMANDS)]] == [f"/{name}" for name in NAMES]
    assert rows[-1].startswith("//label")
    assert "/replay" not in help_text(names=("label", "help"))


@pytest.mark.parametrize("topic", ["label", "/label"])
def test_help_explains_one_command(topic):
    page = help_text(topic=topic)
    assert page.startswith("/label NAME\n")
    assert "for example: /label shop" in page


def test_every_example_is_what_it_says():
    for entry in COMMANDS:
        for example in entry.examples:
            assert parse(example).name == entry.name
