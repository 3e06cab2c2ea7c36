"""The tool's prompt gives way to an edit and comes back exactly as the tool drew it."""

from __future__ import annotations

import pytest

from recorder.promptline import PromptLine


class Editor:
    """Draws ``<prompt|`` and erases it again; enough to see order."""

    def __init__(self, screen):
        self.screen = screen
        self.active = False

    def start(self, prompt_b, text=""):
        self.active = True
        self.screen(b"<" + prompt_b + text.encode() + b"|")

    def hide(self):
        self.screen(b"(hide)")

    def show(self, prompt_b):
        self.screen(b"<" + prompt_b + b"|")


@pytest.fixture
def drawn():
    return bytearray()


@pytest.fixture
def line(drawn):
    return PromptLine(drawn.extend, lambda: 20)


def test_an_edit_rubs_the_prompt_out_and_draws_it_itself(drawn, line):
    line.printed(b"hello\r\n> ")
    line.edit(Editor(drawn.extend))
    assert bytes(drawn) == b"\r\x1b[J<> |"


def test_a_prompt_that_wraps_is_rubbed_out_whole(drawn, line):
    line.printed(b"x" * 45)
    line.edit(Editor(drawn.extend))
    assert drawn.startswith(b"\x1b[2A\r\x1b[J<")


def test_the_prompt_is_put_back_once(drawn, line):
    line.printed(b"> ")
    line.edit(Editor(drawn.extend))
    drawn.clear()
    line.put_back()
    line.put_back()
    assert bytes(drawn) == b"> "
    assert line.line == "> "


def test_whole_lines_of_output_leave_the_prompt_as_it_was(drawn, line):
    editor = Editor(drawn.extend)
    line.printed(b"> ")
    line.edit(editor)
    line.cover(editor, b"tick\r\n")
    line.cover(editor, b"tock\r\n")
    line.printed(b"tick\r\n")
    drawn.clear()
    line.uncover(editor)
    assert bytes(drawn) == b"<> |"
    assert line.prompt == "> "


def test_a_prompt_in_pieces_is_put_together(drawn, line):
    editor = Editor(drawn.extend)
    line.printed(b"na")
    line.edit(editor)
    drawn.clear()
    line.cover(editor, b"me: ")
    assert bytes(drawn) == b"(hide)na"
    line.printed(b"me: ")
    drawn.clear()
    line.uncover(editor)
    assert bytes(drawn) == b"\r\x1b[J<name: |"


def test_half_a_line_is_shown_until_its_other_half_comes(drawn, line):
    editor = Editor(drawn.extend)
    line.printed(b"> ")
    line.edit(editor)
    line.cover(editor, b"one\r\ntw")
    line.printed(b"one\r\ntw")
    assert line.unfinished
    drawn.clear()
    line.uncover(editor)
    assert bytes(drawn) == b"\r\x1b[J<tw|"
    drawn.clear()
    line.cover(editor, b"o\r\n")
    assert bytes(drawn) == b"(hide)tw"
    line.printed(b"o\r\n")
    drawn.clear()
    line.uncover(editor)
    assert bytes(drawn) == b"<> |"


def test_a_line_that_goes_on_is_not_drawn_twice_when_the_edit_ends_below_it(drawn, line):
    editor = Editor(drawn.extend)
    line.printed(b"> ")
    line.edit(editor)
    line.cover(editor, b"\r\nhalf")
    line.printed(b"\r\nhalf")
    drawn.clear()
    line.put_back()
    assert bytes(drawn) == b""
    assert line.line == "half"


def test_a_prompt_printed_again_is_drawn_once(drawn, line):
    editor = Editor(drawn.extend)
    line.printed(b"> ")
    line.edit(editor)
    line.cover(editor, b"tick\r\n> ")
    line.printed(b"tick\r\n> ")
    assert not line.unfinished
    drawn.clear()
    line.uncover(editor)
    assert bytes(drawn) == b"\r\x1b[J<> |"


def test_answers_stand_above_and_the_prompt_stays_free_for_the_next_edit(drawn, line):
    line.printed(b"> ")
    line.edit(Editor(drawn.extend))
    drawn.clear()
    line.answer("/status\nrecording")
    assert bytes(drawn) == b"> /status\r\nrecording\r\n"
    assert line.prompt == "> "


def test_a_prompt_is_shown_as_seen(line):
    line.printed(b"\x1b[1;32mshop\x1b[0m> ")
    assert line.prompt == "shop> "
    line.printed(b"\r 40% ###\r\x1b[Kname: \x1b[0m")
    assert line.prompt == "name: "


def test_drawing_a_prompt_again_asks_and_rings_nothing_again(drawn, line):
    line.printed(b"\x1b[c\x1b]11;?\x1b\\\x1b[6n\x07\x1b[?2004h40%\r\x1b[K\x1b[1mname\x1b[0m: ")
    line.edit(Editor(drawn.extend))
    drawn.clear()
    line.put_back()
    assert bytes(drawn) == b"40%\r\x1b[K\x1b[1mname\x1b[0m: "


def test_what_a_full_screen_tool_drew_is_no_prompt(drawn, line):
    line.printed(b"\x1b[?1049h\x1b[H~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\x1b[?1049l\x1b[?25h$ ")
    line.edit(Editor(drawn.extend))
    assert bytes(drawn) == b"\r\x1b[J<\x1b[?25h$ |"
