"""Full-screen tools get the terminal byte for byte; what they draw is no text of a turn."""

from __future__ import annotations

import re

import pytest
from blackbox import SYSTEM_PYTHON, TRICK, all_raw, log, need, output_raw, wait_for
from conversation import Turn, texts, turns


@pytest.fixture
def bash(start_rec):
    need("bash")

    def start(**options):
        term = start_rec(["run", "--", "bash", "--norc", "--noprofile"], **options)
        term.expect("$ ")
        return term

    return start


def covered(root, turn=1):
    """A turn's raw bytes are those of the full screen, and as many as `rec log` says."""
    frames = output_raw(root, f"@1:{turn}")
    assert frames.count(b"\x1b[?1049h") == frames.count(b"\x1b[?1049l") == 1
    assert log(root)[turn - 1]["n_output_bytes"] == len(frames)
    return frames


@pytest.fixture
def story(tmp_path):
    path = tmp_path / "home" / "story"
    path.write_text("".join(f"line {n} of the story\n" for n in range(1, 101)))
    return path


def test_vim_edits_and_saves(start_rec, root, tmp_path):
    """Case 21."""
    need("vim")
    path = tmp_path / "home" / "note.txt"
    path.write_text("old\n")
    term = start_rec(["run", "--", "vim", "-u", "NONE", "-N", path])
    term.expect("old")
    assert term.alternate
    term.send("onew text")
    term.expect("new text")
    term.expect("-- INSERT --")
    term.send("\x1b")  # alone: with a key behind it, vim reads it as Alt
    term.expect_gone("-- INSERT --")
    term.send(":wq\r")
    assert term.wait() == 0
    assert path.read_text() == "old\nnew text\n"
    assert not term.alternate
    assert term.modes() == term.before
    assert turns(root) == []
    assert "full-screen" in texts(root, "system")
    assert b"new text" in all_raw(root)
    assert not any("new text" in text for text in texts(root, "output"))


def test_vim_as_a_command_of_a_shell(bash, root, tmp_path):
    need("vim")
    path = tmp_path / "home" / "note.txt"
    term = bash()
    term.line("vim -u NONE -N note.txt")
    term.expect("note.txt")
    wait_for(lambda: term.alternate)
    term.send("ihello\x1b:wq\r")
    term.expect_gone("~")
    term.expect("$ ", count=2)
    term.line("cat note.txt")
    term.expect("\nhello\n$ ")
    term.send("\x04")
    term.wait()
    assert path.read_text() == "hello\n"
    found = turns(root)
    covered(root)
    assert [turn.command for turn in found] == ["vim -u NONE -N note.txt", "cat note.txt"]
    assert "hello" not in found[0].output
    assert found[1].output == "hello\n"


def test_nano_edits_and_saves(start_rec, root, tmp_path):
    need("nano")
    path = tmp_path / "home" / "note.txt"
    term = start_rec(["run", "--", "nano", "--ignorercfiles", path])
    term.expect("Exit")
    term.send("written in nano")
    term.expect("written in nano")
    term.send("\x0f")
    term.expect("File Name to Write")
    term.send("\r")
    term.expect("Wrote 1 line")
    term.send("\x18")
    assert term.wait() == 0
    assert path.read_text() == "written in nano\n"
    assert turns(root) == []
    assert term.modes() == term.before


def test_less_pages_and_searches(start_rec, root, story):
    need("less")
    term = start_rec(["run", "--", "less", story], env={"LESS": ""})
    term.expect("line 23 of")
    term.send(" ")
    term.expect("line 46 of")
    term.send("/line 77\r")
    term.expect("line 99 of")
    assert term.screen()[0] == "line 77 of the story"
    term.send("q")
    assert term.wait() == 0
    assert turns(root) == []


def test_less_in_a_shell_leaves_the_prompt_alone(bash, root, story):
    term = bash()
    term.line("less story")
    term.expect("line 23 of")
    term.send("q")
    term.expect("$ ", count=2)
    term.line("echo done")
    term.expect("\ndone\n$ ")
    term.send("\x04")
    term.wait()
    assert [turn.command for turn in turns(root)] == ["less story", "echo done"]
    assert b"line 23 of the story" in covered(root)
    assert turns(root)[0].output == ""
    assert turns(root)[1] == Turn("$ ", "echo done", "done\n")


def test_a_full_screen_program_gets_every_key(start_rec, root):
    term = start_rec(["run", "--", SYSTEM_PYTHON, TRICK, "full"])
    term.expect("keys: ")
    term.send("\x01\x02\x1b[A\x1bOP\x1b[<0;1;1M\xff\xe4".encode("latin-1"))
    term.expect("b'\\xff' b'\\xe4'")
    term.send("q")
    assert term.wait() == 0
    assert turns(root) == []
    keys = "\x01\x02\x1b[A\x1bOP\x1b[<0;1;1M\xff\xe4q"
    shown = b" ".join(repr(key.encode("latin-1")).encode() for key in keys)
    assert shown in all_raw(root)


def test_frames_are_kept_raw_and_what_surrounds_them_is_text(start_rec, root):
    term = start_rec(["run", "--", SYSTEM_PYTHON, TRICK, "frames", "20"])
    term.wait()
    assert texts(root, "output") == ["before\nafter\n"] or texts(root, "output") == ["before\n", "after\n"]
    assert b"frame 19" in all_raw(root)
    assert "full-screen" in texts(root, "system")


def test_a_resize_reaches_a_full_screen_program(start_rec, root, story):
    need("less")
    term = start_rec(["run", "--", "less", story], env={"LESS": ""})
    term.expect("line 23 of")
    term.resize(60, 10)
    term.expect_gone("line 15 of")
    wait_for(lambda: term.screen()[8] == "line 9 of the story")
    term.send("q")
    term.wait()
    assert texts(root, "resize") == ["60x10"]
    assert re.search(rb"line 9 of the story", all_raw(root))
