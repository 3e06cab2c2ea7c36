"""What the line editor puts on the screen, and what it leaves alone."""

import asyncio
import gc
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from editing import ENTER, LEFT, TAB, TOOLBAR, accepted, desks, split

from recorder import ptengine
from recorder.model import Size
from recorder.repl import ReplEditor


@pytest.fixture
def desk():
    with desks() as make:
        yield make


# --- drawing -----------------------------------------------------------------------------------------


def test_output_above_while_one_types(desk):
    d = desk()
    d.editor.start(b"> ")
    d.type("abc", LEFT)
    for number in range(3):
        d.editor.hide()
        assert 2004 in d.modes
        d.write(b"tick %d\r\n" % number)
        d.editor.show(b"> ")
    d.settle(d.editor)
    assert d.lines == ["tick 0", "tick 1", "tick 2", "> abc", TOOLBAR]
    assert d.cursor == (4, 3)
    assert d.type("def", ENTER) == accepted("abdefc")
    assert d.lines == ["tick 0", "tick 1", "tick 2"]


def test_output_without_a_newline_becomes_the_prompt(desk):
    d = desk()
    d.editor.start(b"> ")
    d.type("abc")
    d.editor.hide()
    d.write(b"> 50%\r")
    d.editor.show(b"> 50%")
    d.settle(d.editor)
    assert d.lines == ["> 50%abc", TOOLBAR]


def test_keys_while_hidden_draw_nothing(desk):
    d = desk()
    d.editor.start(b"> ")
    d.editor.hide()
    written = len(d.written)
    assert d.type("xyz", "\x15", "\x0c", "abc") is None
    d.editor.refresh()
    d.editor.resize(Size(80, 24))
    assert len(d.written) == written
    d.editor.show(b"> ")
    d.settle(d.editor)
    assert d.lines == ["> abc", TOOLBAR]
    d.editor.hide()
    d.write(b"out\r\n")
    assert d.type(ENTER) == accepted("abc")
    assert d.lines == ["out"]
    assert 2004 not in d.modes


def test_at_the_bottom_the_screen_scrolls_and_hiding_comes_back_to_the_right_row(desk):
    d = desk()
    d.write(b"".join(b"line %d\r\n" % number for number in range(40)))
    assert d.cursor == (0, 23)
    d.editor.start(b"> ")
    assert d.lines[-3:] == ["line 39", ">", TOOLBAR]
    d.type("abc")
    d.editor.hide()
    assert d.lines[-1] == "line 39"
    assert d.cursor == (0, 22)
    d.write(b"tick\r\n")
    d.editor.show(b"> ")
    d.settle(d.editor)
    assert d.lines[-4:] == ["line 39", "tick", "> abc", TOOLBAR]
    d.type(ENTER)
    assert d.lines[-2:] == ["line 39", "tick"]
    scrolled = [line for line in d.terminal.screen.scrolled if line]
    assert scrolled + d.lines == [f"line {number}" for number in range(40)] + ["tick"]


def test_a_long_line_wraps_and_survives_new_widths(desk):
    d = desk()
    text = "".join(f"{number:09d} " for number in range(10))
    d.editor.start(b"name: ")
    d.type(text)
    assert d.lines == ["name: " + text[:74], text[74:].rstrip(), TOOLBAR]
    for cols in (50, 90):
        d.resize(cols, 24)
        d.editor.resize(d.size)
        d.settle(d.editor)
        shown = ("name: " + text).rstrip()
        rows = [shown[at : at + cols].rstrip() for at in range(0, len(shown), cols)]
        assert [*rows, TOOLBAR] == d.lines[-len(rows) - 1 :]
    assert d.type(ENTER) == accepted(text)


def test_the_bottom_line_is_read_at_each_drawing(desk):
    d = desk(cols=20)
    d.editor.start(b"> ")
    assert d.lines[-1] == TOOLBAR[:19]
    d.bar = " paused"
    d.settle(d.editor)
    d.editor.refresh()
    d.settle(d.editor)
    assert d.lines == [">", " paused"]
    assert all(d.terminal.screen.buffer[1][x].reverse for x in range(20))
    d.bar = ""
    d.editor.refresh()
    d.settle(d.editor)
    assert d.lines == [">"]


def test_without_colour_there_is_none(desk):
    d = desk(tool="python3", color=False, history=["def f(): return 'x'"])
    d.editor.start(b"\x1b[1;32m>>> \x1b[0m")
    d.type("def f(): return")
    assert d.lines == [">>> def f(): return 'x'", TOOLBAR]
    codes = {code for sgr in re.findall(rb"\x1b\[([0-9;]*)m", d.written) for code in sgr.split(b";")}
    assert codes <= {b"0", b"2", b"7"}
    assert d.terminal.screen.buffer[1][0].reverse


def test_with_colour_the_prompt_keeps_its_own_and_the_line_gets_some(desk):
    d = desk(tool="python3")
    d.editor.start(b"\x1b[31m>>> \x1b[0m")
    d.type("def f")
    row = d.terminal.screen.buffer[0]
    assert row[0].fg == "red"
    assert row[4].fg != "default"


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        (b"plain> ", "plain> "),
        (b"\x1b]0;title\x07t> ", "t> "),
        (b"\x1b[?2004h\x1b[1mb\x1b[0m>  ", "b>  "),
        (b"10%\r100%\rname: ", "name: "),
        (b"ab\x08c>", "ac>"),
        (b"a\tb> ", "a       b> "),
        (b"old\x1b[2K\rnew> ", "new> "),
        (b"\x1b(B\x1b[?25hc> ", "c> "),
        (b"\xe9\xff> ", "\ufffd\ufffd> "),
        (b"", ""),
    ],
)
def test_prompts_are_drawn_as_they_looked(desk, prompt, shown):
    d = desk()
    d.editor.start(prompt)
    d.type("x")
    assert d.lines[0] == f"{shown}x"
    assert d.type(ENTER) == accepted("x")


@pytest.mark.parametrize(("cols", "rows"), [(1, 1), (2, 2), (3, 1), (80, 1), (80, 2), (1, 24), (0, 0)])
def test_tiny_terminals(desk, cols, rows):
    d = desk(cols=max(1, cols), rows=max(1, rows), words=lambda: ["abcd", "abce"])
    d.size = Size(cols, rows)
    d.editor.start(b"name: ")
    assert d.type("ab", TAB) is None
    assert "Window" not in "".join(d.lines)
    assert d.type(" long enough to wrap around", ENTER).text.startswith("abc")


def test_a_burst_of_keys_or_output_is_not_drawn_each_time(desk, monkeypatch):
    monkeypatch.setattr(ptengine, "FRAME_S", 3600)
    d = desk()
    d.editor.start(b"> ")
    drawn = len(d.written)
    for key in split("a" * 100):
        d.editor.feed(key)
    assert len(d.written) == drawn
    assert d.editor.deadline() is not None
    d.editor.hide()
    for _ in range(100):
        d.editor.show(b"> ")
        d.editor.hide()
    assert b"a" not in d.written
    assert d.type(ENTER) == accepted("a" * 100)


def test_on_a_single_row_it_is_the_line_that_shows(desk):
    d = desk(rows=1)
    d.editor.start(b"name: ")
    d.type("ab")
    assert d.lines == ["name: ab"]


def test_clear_screen_draws_at_the_top(desk):
    d = desk()
    d.write(b"above\r\n")
    d.editor.start(b"> ")
    d.type("abc", "\x0c")
    assert d.lines == ["> abc", TOOLBAR]


# --- an engine only ----------------------------------------------------------------------------------


def test_it_sleeps_when_nothing_happens(desk):
    d = desk()
    d.editor.start(b"> ")
    d.type("abc")
    deadline = time.monotonic() + 20
    while (due := d.editor.deadline()) is not None:
        assert time.monotonic() < deadline
        select.select([d.editor.fileno()], [], [], max(0, due - time.monotonic()))
        d.editor.step()
    assert select.select([d.editor.fileno()], [], [], 0)[0] == []


def test_signal_handlers_and_hooks_are_as_before(desk):
    numbers = [signal.SIGWINCH, signal.SIGINT, signal.SIGTSTP, signal.SIGCONT, signal.SIGCHLD]
    before = [signal.getsignal(number) for number in numbers]
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    d = desk()
    d.editor.start(b"> ")
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.set_wakeup_fd(wakeup) == wakeup
    d.type("x", ENTER)
    assert [signal.getsignal(number) for number in numbers] == before
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_two_engines_do_not_mix(desk):
    first, second = desk(), desk(history=["other"])
    first.editor.start(b"1> ")
    second.editor.start(b"2> ")
    first.type("a")
    second.type("b")
    assert first.type("c", ENTER) == accepted("ac")
    assert second.type("d") is None
    assert second.lines[0] == "2> bd"
    assert second.type(ENTER) == accepted("bd")


def test_an_error_of_the_callbacks_comes_out_and_the_editor_lives_on(desk):
    d = desk(words=lambda: 1 / 0)
    d.editor.start(b"> ")
    with pytest.raises(ZeroDivisionError):
        d.type("a", TAB)
    assert not d.editor.active
    assert d.lines == []
    assert d.modes == {7, 25}
    d.editor.start(b"> ")
    assert d.type("b", ENTER) == accepted("b")


def test_an_error_while_drawing_comes_out(desk):
    d = desk()
    d.editor.start(b"> ")
    d.settle(d.editor)
    d.bar = 1  # no text
    time.sleep(max(0, (d.editor.deadline() or 0) - time.monotonic()))
    with pytest.raises(ValueError):
        d.editor.refresh()
    assert not d.editor.active
    assert d.modes == {7, 25}


def test_it_opens_nothing_but_its_loop():
    code = """
import os, recorder.repl
from recorder.model import Size

def opened():
    found = {}
    for fd in range(64):
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}").split(":")[0], os.get_inheritable(fd)
        except OSError:
            pass
    return found

before = opened()
editor = recorder.repl.ReplEditor(tool="sqlite3", write=lambda data: None, size=lambda: Size(80, 24),
    history=list, toolbar=str, words=list, cwd=lambda: None, commands=(), vi=False, color=True)
editor.start(b"> ")
for key in (b"s", b"\\t", b"\\x12", b"\\r"):
    editor.feed(key)
print(sorted(what for fd, what in opened().items() if fd not in before))
editor.close()
print(opened() == before)
"""
    path = f"import sys; sys.path.insert(0, {str(Path.cwd())!r})\n"
    argv = [sys.executable, "-I", "-c", path + code]
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == "[('anon_inode', False), ('socket', False), ('socket', False)]\nTrue\n"


def test_an_editor_that_nobody_closed_gives_everything_back():
    before = len(list(Path("/proc/self/fd").iterdir()))
    with desks() as make:
        d = make()
        d.editor.start(b"> ")
        lost = ReplEditor(
            tool="cat",
            write=bytearray().extend,
            size=lambda: Size(80, 24),
            history=list,
            toolbar=str,
            words=list,
            cwd=lambda: None,
            commands=(),
            vi=False,
            color=True,
        )
        lost.start(b"> ")
        lost.feed(b"\r")
        del lost
        gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
