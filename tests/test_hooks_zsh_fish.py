"""What the hooks of zsh and fish tell alike, in the real shells; bash names lines in a way of its own."""

from __future__ import annotations

import os

import pytest
from blackbox import need
from hooked import ODD_NAMES, ran, said
from test_hooks_fish import fish
from test_hooks_zsh import zsh

any_python = True

# how to go to where a link leads, whatever its name is, and the setting that needs
TO_LINK = {
    zsh: ("cd link && pwd", "setopt chase_links"),
    fish: ("cd (path resolve link | string collect); and pwd", ""),
}


@pytest.fixture(params=[zsh, fish], ids=lambda start: start.__name__)
def start(request):
    need(request.param.__name__)
    return request.param


def test_a_command_is_told_with_directory_and_status(tmp_path, start):
    with start(tmp_path) as shell:
        here = str(tmp_path)
        assert [(mark.verb, mark.args) for mark in shell.enter("false")] == [
            ("start", ("false", here)),
            ("end", ("1",)),
            ("prompt", (here,)),
        ]
        assert said(shell.enter("sh -c 'exit 42'")) == ran("sh -c 'exit 42'", 42)
        counters = [mark.counter for mark in shell.marks()]
        assert counters == list(range(counters[0], counters[0] + len(counters)))
        assert {mark.pid for mark in shell.marks()} == {shell.child.pid}


def test_what_is_typed_ahead(tmp_path, start):
    os.mkfifo(tmp_path / "fifo")
    with start(tmp_path) as shell:
        shell.type("cat fifo\r")
        shell.runs("cat")
        shell.type("echo two\r")
        (tmp_path / "fifo").write_text("one\n")  # waits until cat reads
        shell.prompts(3)
        assert said(shell.marks())[1:] == ran("cat fifo") + ran("echo two")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_directories(tmp_path, start, name):
    (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(name)
    line, setting = TO_LINK[start]
    with start(tmp_path, setting) as shell:
        shell.enter(line)
        shell.enter("pwd")
        told = [(mark.verb, mark.args[-1]) for mark in shell.marks() if mark.verb != "end"]
        there = os.fsencode(tmp_path / name).decode(errors="replace")
        assert told[-4:] == [("start", str(tmp_path)), ("prompt", there), ("start", there), ("prompt", there)]
