"""Telling a prompt from the output before it and from what was typed behind it."""

from __future__ import annotations

import pytest

from recorder.prompts import MAX_KNOWN, PASSWORD, Prompts, command, output_before, visible, where


def known(*texts):
    prompts = Prompts()
    for text in texts:
        prompts.learn(text)
    return prompts


@pytest.mark.parametrize(
    "text",
    [
        "Password: ", "password:", "Enter passphrase for key '/home/a/.ssh/id': ",
        "[sudo] password for ann: ", "PIN: ",
        'Enter new password for user "ann": ', "Verification code: ", "API token: ", "out\nPassword:  ",
    ],
)  # fmt: skip
def test_a_question_for_a_password(text):
    assert PASSWORD.search(text)


@pytest.mark.parametrize(
    "text", ["name: ", ">>> ", "spinning: ", "password\n$ ", "passwords ", "token> ", ""]
)
def test_no_question_for_a_password(text):
    assert not PASSWORD.search(text)


def test_the_longest_prompt_counts():
    prompts = known("> ", ">>> ", "a > ")
    assert prompts.beginning("> x") == "> "
    assert prompts.beginning(">>> x") == ">>> "
    assert prompts.beginning("a > b") == "a > "
    assert prompts.beginning("x") == ""
    assert known("").beginning("x") == ""


def test_a_prompt_at_the_end_must_be_no_accident():
    prompts = known(">>> ", "> ", "ftp> ")
    assert prompts.ending("abc>>> ") == ">>> "
    assert prompts.ending("50 ftp> ") == "ftp> "
    assert prompts.ending("user@host:~> ") == ""
    assert prompts.ending("abc") == ""


def test_only_so_many_prompts_are_remembered_and_the_latest_is_known():
    prompts = known(*(f"[{n}]> " for n in range(MAX_KNOWN + 2)))
    assert "[0]> " not in prompts
    assert "[2]> " in prompts
    assert prompts.latest() == f"[{MAX_KNOWN + 1}]> "
    prompts.learn("[5]> ")
    assert prompts.latest() == "[5]> "
    assert known().latest() == ""


@pytest.mark.parametrize(
    ("learned", "text", "plausible"),
    [
        ((), "anything", True),
        ((), "", True),
        (("",), "", True),
        (("",), "node> ", True),
        (("> ",), "> ", True),
        (("> ",), "... ", True),  # a continuation
        (("> ",), "", False),
        (("> ",), "working", False),
        (("> ",), "50% ", False),
        (("> ", ""), "", False),
        (("> ",), "    ", False),
    ],
)
def test_where_nobody_knows_whether_it_waits(learned, text, plausible):
    assert known(*learned).plausible(text) == plausible


@pytest.mark.parametrize(
    ("learned", "text", "prompt"),
    [
        ((">>> ",), ">>> 1+1", ">>> "),
        (("~\n$ ",), "~\n$ ls", "~\n$ "),
        ((), "mysql> select 1;", "mysql> "),
        ((), "user@host:~$ ls", "user@host:~$ "),
        ((), "In [1]: 1+1", "In [1]: "),
        ((), "just words", ""),
        (("",), "mysql> select 1;", ""),  # the tool has no prompt: this was typed
    ],
)
def test_guess(learned, text, prompt):
    assert known(*learned).guess(text) == prompt


def test_another_edit_begins_with_its_prompt():
    prompts = known("box> ", "> ")
    assert prompts.last_of(["read> xx", "box> ls", "more"]) == 1
    assert prompts.last_of(["box> ls", "> x"]) == 0
    assert prompts.last_of(["box> ls"]) == 0
    assert prompts.last_of([]) == 0


ZSH = b"\x1b[1m\x1b[7m%\x1b[27m\x1b[1m\x1b[0m" + b" " * 79 + b"\r \r"
FISH = b"\x1b[2m\xe2\x8f\x8e\x1b(B\x1b[m" + b" " * 59 + b"\r\xe2\x8f\x8e \r\x1b[K"


@pytest.mark.parametrize("mark", [ZSH, FISH])
@pytest.mark.parametrize("before", [b"", b"abc", b"\x1b[31mabc\x1b[0m"])
def test_shells_mark_output_without_a_line_feed(mark, before):
    partial = before + mark + b"\r\x1b[0m\x1b[32mbox\x1b[0m $ "
    assert partial[: output_before(partial)] in (before, before.removesuffix(b"\x1b[0m"))


@pytest.mark.parametrize(
    "partial", [b"", b"$ ", b"abc" + b" " * 30 + b"\r", b"\x1b[31mred\x1b[0m text  $ ", b"50%\r60%\r"]
)
def test_other_output_is_not_marked(partial):
    assert output_before(partial) == 0


@pytest.mark.parametrize(
    ("partial", "prompt", "at"),
    [
        (b"no newline>>> ", ">>> ", 10),
        (b"a>b>>> ", ">>> ", 3),
        (b"out\x1b[32mbox\x1b[0m $ ", "box $ ", 8),
        ("é日>>> ".encode(), ">>> ", 5),
        (b"abc", ">>> ", 0),
        (b"abc\x1b[5G>>> \x1b[K", ">>> ", 7),
        (b"", "", 0),
    ],
)
def test_where_a_prompt_begins(partial, prompt, at):
    assert where(partial, prompt) == at


def test_what_is_visible():
    assert visible(b"\x1b[1mb\x1b(Bo\x1b]0;t\x07x\r\n\x1b=") == "box"


@pytest.mark.parametrize(
    ("lines", "prompt", "entered"),
    [
        ([">>> 1+1"], ">>> ", "1+1"),
        ([">>>"], ">>> ", ""),
        (["~", "$ ls"], "~\n$ ", "ls"),
        (["something else"], ">>> ", None),
        ([], ">>> ", None),
        ([], "", ""),
        (["typed"], "", "typed"),
        (["old", "typed"], "", "typed"),
        # A list of completions repeats the prompt below itself.
        ([">>> os.ge", "os.getcwd os.getenv", ">>> os.getcwd()"], ">>> ", "os.getcwd()"),
        # Several lines of one edit.
        ([">>> for i in x:", "...     print(i)", "..."], ">>> ", "for i in x:\n    print(i)"),
        (["In [1]: for i in x:", "   ...:     print(i)"], "In [1]: ", "for i in x:\n    print(i)"),
        (["box> for i in 1 2", "         echo $i", "     end"], "box> ", "for i in 1 2\n    echo $i\nend"),
        (["box # echo one", "echo two"], "box # ", "echo one\necho two"),
        (["> sum(", "12345, 678", ")"], "> ", "sum(\n12345, 678\n)"),
        (["> a", "1 + 2", "3 - 4"], "> ", "a\n1 + 2\n3 - 4"),
    ],
)
def test_what_was_entered(lines, prompt, entered):
    assert command(lines, prompt) == entered


def test_output_before_the_prompt_is_no_part_of_what_was_entered():
    assert command(["abc>>> 1"], ">>> ", lead="abc") == "1"
    lines = ["abc>>> for i in x:", "   ...     print(i)", "   ..."]
    assert command(lines, ">>> ", lead="abc") == "for i in x:\n    print(i)"


def test_what_the_prompt_shows_at_the_right_edge_was_not_entered():
    assert command(["$ ls          12:00"], "$ ", right="12:00") == "ls"
    assert command(["$ echo 12:00 x"], "$ ", right="12:00") == "echo 12:00 x"
