"""The prefix key over tools in passthrough: the recorder's line comes and goes without a trace."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import pytest
from blackbox import SYSTEM_PYTHON, TRICK, Modes, all_raw, grep_root, ls, need, wait_for
from conversation import PASTE_OFF, PASTE_ON, PREFIX, Turn, texts, turns

TITLE = re.compile(r"^rec: .*(recording|paused|not kept)", re.MULTILINE)


class View(NamedTuple):
    """What a person sees of a tool, and what its terminal was told."""

    rows: list[str]
    cursor: tuple[int, int]
    private: set[int]
    settings: Modes


def view(term):
    # The cursor and autowrap are on without ever being switched on; pyte keeps these itself.
    inside = {mode >> 5 for mode in term._emulator.screen.mode} & {7, 25}
    return View(term.screen(), term.cursor(), inside | (term.private_modes - {7, 25}), term.modes())


def opened(term):
    """Open the palette."""
    term.send(PREFIX)
    term.expect(TITLE)
    term.expect("rec> ")


def said(term, text):
    """Read a confirmation and press Enter, which is not for the tool."""
    term.expect(re.compile(f"^{re.escape(text)}", re.MULTILINE))
    term.send("\r")
    term.expect_gone("any key: close")


def closed(term, before):
    """Wait until the tool's screen is back as it was."""
    wait_for(lambda: view(term) == before, what=f"{before}", timeout=10)


@pytest.fixture
def story(tmp_path):
    path = tmp_path / "home" / "story"
    path.write_text("".join(f"line {n} of the story\n" for n in range(1, 101)))
    return path


@pytest.fixture
def bc(start_rec):
    need("bc")

    def start(**options):
        term = start_rec(["run", "--", "bc", "-q"], **options)
        wait_for(lambda: not term.modes().echo and not term.modes().canonical)
        term.expect_raw(b"\x1b[?2004h")
        return term

    return start


def test_bc_in_the_middle_of_a_line(bc, root):
    """Case 35."""
    term = bc()
    term.send("11 * ")
    term.expect("11 * ")
    before = view(term)
    assert 2004 in before.private
    opened(term)
    assert term.alternate
    term.line("/label foo")
    closed(term, before)
    term.line("11")
    term.expect("11 * 11\n121")
    term.line("quit")
    term.wait()
    assert ls(root)[0]["labels"] == ["foo"]
    assert turns(root)[0] == Turn("", "11 * 11", "121\n")
    assert texts(root, "command") == ["/label foo"]


def test_python_in_the_middle_of_a_line(start_rec, root):
    """Case 35."""
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-q"])
    term.expect(">>> ")
    term.send("'mid\x02")
    term.expect("'mid")
    wait_for(lambda: term.cursor() == (7, 0))
    before = view(term)
    opened(term)
    term.line("note in the middle")
    closed(term, before)
    term.send("\x05dle'\r")
    term.expect("\n'middle'\n>>> ")
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn(">>> ", "'middle'", "'middle'\n")]
    assert texts(root, "mark") == ["in the middle"]


def test_less_on_its_alternate_screen(start_rec, root, story):
    """Case 35."""
    need("less")
    term = start_rec(["run", "--", "less", story], env={"LESS": ""})
    term.expect("line 23 of")
    term.send(" ")
    term.expect("line 46 of")
    before = view(term)
    opened(term)
    term.line("/label reading")
    closed(term, before)
    term.send(" ")
    term.expect("line 69 of")
    term.send("q")
    assert term.wait() == 0
    assert ls(root)[0]["labels"] == ["reading"]


def test_vim_is_drawn_again(start_rec, root, tmp_path):
    """Case 36."""
    need("vim")
    path = tmp_path / "home" / "note.txt"
    path.write_text("one\ntwo\nthree\n")
    term = start_rec(["run", "--", "vim", "-u", "NONE", "-N", path])
    term.expect("three")
    term.send("jx")
    term.expect("\nwo\n")
    before = view(term)
    opened(term)
    term.send("\x1b")
    # Its last row holds a message, which it does not draw again.
    wait_for(
        lambda: (
            (view(term).rows[:-1], view(term).cursor, view(term).private)
            == (before.rows[:-1], before.cursor, before.private)
        )
    )
    term.send(":wq\r")
    assert term.wait() == 0
    assert path.read_text() == "one\nwo\nthree\n"


def test_a_shell_prompt(start_rec, root):
    term = start_rec(["run", "--", "bash", "--norc", "--noprofile"])
    term.expect("$ ")
    term.line("printf 'a\\nb\\n'")
    term.expect("b\n$ ")
    term.send("echo x")
    term.expect("echo x")
    before = view(term)
    for line in ("/status", "/help", "/sessions", "/search printf", "/replay", "help label"):
        opened(term)
        term.line(line)
        term.expect(re.compile("q: close|Enter or q"))
        term.send("q")
        closed(term, before)
    term.line("")
    term.expect("\nx\n$ ")
    term.send("\x04")
    term.wait()
    assert [(turn.command, turn.output) for turn in turns(root)] == [
        ("printf 'a\\nb\\n'", "a\nb\n"),
        ("echo x", "x\n"),
    ]


def test_an_unknown_command_is_explained_and_can_be_corrected(bc, root):
    term = bc()
    before = view(term)
    opened(term)
    term.line("/labl foo")
    term.expect("no such command: /labl")
    term.expect("did you mean /label?")
    term.send("\x15label foo\r")
    closed(term, before)
    term.line("quit")
    term.wait()
    assert ls(root)[0]["labels"] == ["foo"]


def test_a_label_that_moves_is_said(bc, root):
    first = bc()
    opened(first)
    first.line("/label mine")
    said(first, "label mine set")
    first.line("quit")
    first.wait()
    second = bc()
    before = view(second)
    opened(second)
    second.line("/label mine")
    second.expect("moved from")
    second.send("\r")
    closed(second, before)
    second.line("quit")
    second.wait()
    assert [row["labels"] for row in ls(root)] == [["mine"], []]


def test_the_prefix_twice_is_one_literal_key(start_rec, root):
    """Case 37."""
    term = start_rec(["run", "--", SYSTEM_PYTHON, TRICK, "full"])
    term.expect("keys: ")
    term.send(PREFIX + PREFIX)
    term.expect("b'\\x1d'")
    opened(term)
    term.send(PREFIX)
    term.expect_raw(re.compile(rb"b'\\x1d'.*b'\\x1d'", re.DOTALL))
    term.send("q")
    term.wait()
    assert all_raw(root).count(b"b'\\x1d'") == 2


@pytest.mark.parametrize("typed", ["x", "/status\r"])
def test_the_prefix_after_anything_else_only_closes(start_rec, root, typed):
    term = start_rec(["run", "--", SYSTEM_PYTHON, TRICK, "full"])
    term.expect("keys: ")
    opened(term)
    term.send(typed)
    term.expect("Enter or q" if "\r" in typed else "rec> x")
    term.send(PREFIX)
    term.expect_gone(re.compile("^rec>|Enter or q", re.MULTILINE))
    term.send("y")
    term.expect("b'y'")
    term.send("q")
    term.wait()
    assert b"x1d" not in all_raw(root)


def test_the_prefix_in_a_bracketed_paste_is_text(start_rec, root):
    """Case 38."""
    term = start_rec(["run", "--", SYSTEM_PYTHON, TRICK, "full"])
    term.expect("keys: ")
    term.send(f"{PASTE_ON}a{PREFIX}b{PASTE_OFF}")
    term.expect("b'\\x1d'")
    term.send("q")
    term.wait()
    assert not TITLE.search(bytes(term.raw).decode())


@pytest.mark.parametrize("form", ["\x1b[93;5u", "\x1b[27;5;93~"], ids=["kitty", "xterm"])
def test_the_prefix_in_other_keyboard_protocols(bc, root, form):
    """Case 39."""
    term = bc()
    before = view(term)
    term.send(form)
    term.expect("rec> ")
    term.line("/label typed")
    closed(term, before)
    term.line("quit")
    term.wait()
    assert ls(root)[0]["labels"] == ["typed"]


def test_the_tool_waits_while_the_palette_is_open(start_rec, root):
    script = "import sys,tty,os,time\ntty.setraw(0)\nprint('ready',end='\\r\\n',flush=True)\nos.read(0,1)\n"
    script += "for n in range(2000): print('line',n,end='\\r\\n',flush=True)\nos.read(0,1)\n"
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-c", script])
    term.expect("ready")
    opened(term)
    term.send("unfinished")
    term.expect("rec> unfinished")
    term.send("\x1b")
    term.expect_gone("rec> ")
    term.send("x")
    term.expect("line 1999")
    opened(term)
    assert "line 1999" not in "\n".join(term.screen())
    term.send("\x1b")
    wait_for(lambda: term.screen()[-2] == "line 1999")
    term.send("x")
    term.wait()
    assert all_raw(root).count(b"line ") == 2000


def test_a_resize_while_the_palette_is_open(bc, root):
    term = bc()
    term.line("1+1")
    term.expect("1+1\n2")
    opened(term)
    term.resize(60, 12)
    term.expect("rec> ")
    term.line("/label small")
    said(term, "label small set")
    term.line("quit")
    term.wait()
    assert ls(root)[0]["labels"] == ["small"]


def test_pause_and_unpause_in_passthrough(bc, root):
    term = bc()
    term.line("1+1")
    term.expect("1+1\n2")
    opened(term)
    term.line("/pause")
    said(term, "paused: nothing is recorded until /unpause (Ctrl-] brings this line back)")
    term.line("777000111+1")
    term.expect("777000112")
    term.send(PREFIX)
    term.expect("paused")
    assert grep_root(root, b"777000111") == []
    term.line("/unpause")
    said(term, "recording")
    term.line("3+3")
    term.expect("3+3\n6")
    term.line("quit")
    term.wait()
    assert [(turn.command, turn.output) for turn in turns(root)][:2] == [("1+1", "2\n"), ("3+3", "6\n")]
    assert grep_root(root, b"77700011") == []
    assert texts(root, "mark") == ["paused", "recording again"]


@pytest.mark.parametrize(
    ("tool", "first", "unseen", "prompt"),
    [
        (["sqlite3"], "sqlite> ", "select 111000+1;", "sqlite> "),
        (["bash", "--norc", "--noprofile"], "$ ", "cd /; PS1='new\\$ '; echo $((111000+1))", "new# "),
        ([SYSTEM_PYTHON, "-q"], ">>> ", "111000+1", ">>> "),
    ],
)
def test_the_prompt_at_which_recording_goes_on_is_known(start_rec, root, tool, first, unseen, prompt):
    need(tool[0])
    prompt = prompt if os.geteuid() == 0 else prompt.replace("#", "$")
    term = start_rec(["run", "--", *tool])
    term.expect(first)
    opened(term)
    term.line("/pause")
    said(term, "paused: ")
    term.line(unseen)
    term.expect(f"\n111001\n{prompt}")
    opened(term)
    term.line("/unpause")
    said(term, "recording")
    line = {"sqlite3": "select 22;", "bash": "echo 22"}.get(tool[0], "22")
    term.line(line)
    term.expect(f"{line}\n22\n{prompt}")
    term.send("\x04")
    term.wait()
    assert turns(root)[0] == Turn(prompt, line, "22\n")
    assert grep_root(root, b"11100") == []


def test_a_hidden_read_gets_the_prefix_key(start_rec, root):
    """Case 41."""
    script = "import getpass; print(len(getpass.getpass()))"
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-c", script])
    term.expect("Password: ")
    wait_for(lambda: not term.modes().echo)
    term.send(f"ab{PREFIX}c\r")
    term.expect("\n4")
    assert term.wait() == 0
    assert not TITLE.search(term.text())
    assert texts(root, "system")[0] == "hidden input"


def test_telnet_keeps_its_escape_key_and_we_take_another(start_rec, root):
    need("telnet")
    term = start_rec(["run", "--mode", "raw", "--", "telnet"])
    term.expect("telnet> ")
    term.send("\x1c")
    term.expect("rec> ")
    term.line("/label t")
    said(term, "label t set")
    term.line("quit")
    term.wait()
    assert ls(root)[0]["labels"] == ["t"]
