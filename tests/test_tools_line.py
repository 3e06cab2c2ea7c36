"""Tools that leave line editing to the terminal: the recorder's own prompt serves them.

Every test talks to the real binary and reads the record back with the real commands.
"""

from __future__ import annotations

import re
import signal

import pytest
from blackbox import SYSTEM_PYTHON, TRICK, all_raw, ls, need
from conversation import EDITOR, LEFT, PASTE_OFF, PASTE_ON, UP, Turn, ends, shown, texts, turns


@pytest.fixture
def trick(start_rec):
    """Record one of the tricks."""
    return lambda *words, **options: start_rec(["run", "--", SYSTEM_PYTHON, TRICK, *words], **options)


@pytest.fixture
def cat(start_rec):
    """Record cat, and wait for the editor: what is typed before it is echoed by the terminal, too."""

    def start(*words, **options):
        term = start_rec(["run", "--", "cat", *words], **options)
        term.expect(EDITOR)
        return term

    return start


# --- one line ------------------------------------------------------------------------------------


def test_a_line_and_its_answer(cat, root):
    """Case 1."""
    term = cat()
    term.line("hello")
    term.expect("hello", count=2)
    term.expect(EDITOR)
    term.send("\x04")
    assert term.wait() == 0
    assert shown(term) == ["hello", "hello"]
    assert turns(root) == [Turn("", "hello", "hello\n")]
    assert ends(root) == ["done"]
    assert term.modes() == term.before


def test_cursor_keys_edit_in_the_middle(cat, root):
    """Case 2."""
    term = cat()
    term.line(f"second{LEFT}{LEFT}X")
    term.expect("secoXnd", count=2)
    term.line("world\x01hello \x05!")
    term.expect("hello world!", count=2)
    term.send("\x04")
    assert term.wait() == 0
    assert shown(term) == ["secoXnd", "secoXnd", "hello world!", "hello world!"]
    assert turns(root) == [Turn("", "secoXnd", "secoXnd\n"), Turn("", "hello world!", "hello world!\n")]


@pytest.mark.parametrize("delay", [0, 0.001, 0.02])
def test_lines_come_out_the_same_at_any_speed(trick, root, delay):
    """Case 24."""
    term = trick("prompts", "4")
    term.expect("? ")
    term.expect(EDITOR)
    term.type("a\r line\r.\r,p\r", delay)
    term.wait()
    assert shown(term) == ["? a", "got 'a'", "?  line", "got ' line'", "? .", "got '.'", "? ,p", "got ',p'"]
    assert turns(root) == [
        Turn("? ", "a", "got 'a'\n"),
        Turn("? ", " line", "got ' line'\n"),
        Turn("? ", ".", "got '.'\n"),
        Turn("? ", ",p", "got ',p'\n"),
    ]


def test_wide_characters_are_edited_as_a_person_sees_them(cat, root):
    """Case 48."""
    term = cat()
    term.line(f"日本語x{LEFT}{LEFT}\x7f de\u0301\x7f 👍🏽\x7fé")
    term.expect("日 d é語x", count=2)
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn("", "日 d é語x", "日 d é語x\n")]


def test_tab_without_anything_to_complete_is_a_tab(cat, root):
    """Case 49."""
    term = cat("-A")
    term.line("a\tb")
    term.expect("a^Ib$")
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn("", "a\tb", "a^Ib$\n")]


def test_tab_completes_file_names_and_lists_them(cat, root, tmp_path):
    for name in ("alpha-one", "alpha-two", "beta"):
        (tmp_path / "home" / name).touch()
    term = cat()
    term.line("be\t")
    term.expect("beta", count=2)
    term.send("al\t")
    term.expect("alpha-")
    term.send("\t")
    term.expect(re.compile(r"alpha-one\s+.*alpha-two|alpha-one\s*\n\s*alpha-two"))
    term.send("\r\x04")
    term.wait()
    assert turns(root)[0] == Turn("", "beta", "beta\n")
    assert turns(root)[1].command.startswith("alpha-")


def test_tab_completes_words_of_the_session_and_of_earlier_ones(cat, root):
    term = cat()
    term.line("customer_name alpha")
    term.expect("customer_name alpha", count=2)
    term.expect(EDITOR)
    term.send("cust\t")
    term.expect("customer_name", count=3)
    term.send("\r\x04")
    assert term.wait() == 0
    assert turns(root)[1].command == "customer_name"
    later = cat()
    later.line("alp\t")
    later.expect("alpha", count=2)
    later.send("\x04")
    assert later.wait() == 0
    assert turns(root)[0].command == "alpha"


def test_tab_completes_words_that_the_tool_has_printed(start_rec, root):
    term = start_rec(["run", "--", "sh", "-c", "read -r line; echo printed_by_tool; exec cat"])
    term.expect(EDITOR)
    term.line("go")
    term.expect("printed_by_tool")
    term.expect(EDITOR)
    term.line("next")  # the output is whole now
    term.expect("next", count=2)
    term.expect(EDITOR)
    term.line("prin\t")
    term.expect("printed_by_tool", count=3)
    term.send("\x04")
    assert term.wait() == 0
    assert turns(root)[-1].command == "printed_by_tool"


def test_tab_offers_no_word_of_hidden_input(start_rec, root):
    term = start_rec(
        ["run", "--", "sh", "-c", "stty -echo; printf 'who? '; read -r l; stty echo; echo thanks; exec cat"]
    )
    term.expect("who? ")
    term.line("hidden_word")
    term.expect("thanks")
    term.expect(EDITOR)
    term.line("hidd\t")
    term.expect("hidd", count=2)
    term.send("\x04")
    assert term.wait() == 0
    assert "hidden_word" not in term.text()


def test_a_line_longer_than_the_screen_is_wide(cat, root):
    """Case 14, for the recorder's own prompt."""
    line = "".join(f"{n:>3}" for n in range(30))
    term = cat(cols=60)
    term.line(line)
    term.expect(" 29", count=2)
    term.send("\x04")
    term.wait()
    assert shown(term) == [line[:60], line[60:], line[:60], line[60:]]
    assert turns(root) == [Turn("", line, f"{line}\n")]


def test_a_line_longer_than_the_kernel_takes(trick, root):
    """Case 31."""
    line = "x" * 5990 + "0123456789"
    term = trick("prompts", "1")
    term.expect(EDITOR)
    term.line(line)
    term.wait()
    assert turns(root) == [Turn("? ", line, f"got '{line}'\n")]


def test_an_empty_line_reaches_the_tool_and_is_a_turn(trick, root):
    term = trick("prompts", "2")
    term.line("")
    term.expect("got ''")
    term.line("x")
    term.wait()
    assert turns(root) == [Turn("? ", "", "got ''\n"), Turn("? ", "x", "got 'x'\n")]


# --- history -------------------------------------------------------------------------------------


def test_the_first_keys_of_a_session_recall_lines_of_an_earlier_one(cat, root):
    """Case 3."""
    term = cat()
    term.send("one\rtwo\r")
    term.expect("two", count=2)
    term.send("\x04")
    term.wait()
    again = cat()
    again.send(f"{UP}{UP}\r")
    again.expect("one", count=2)
    again.send("\x04")
    again.wait()
    assert turns(root) == [Turn("", "one", "one\n")]
    assert [row["n_turns"] for row in ls(root)] == [1, 2]


def test_tclsh_the_first_keys_recall_the_first_command(start_rec, root):
    """Case 3, with tclsh, which has no history of its own on a terminal."""
    need("tclsh")
    term = start_rec(["run", "--", "tclsh"])
    term.expect("% ")
    term.line("puts [expr {6 * 7}]")
    term.expect(re.compile("^42$", re.MULTILINE))
    term.line("puts second")
    term.expect(re.compile("^second$", re.MULTILINE))
    term.send("\x04")
    assert term.wait() == 0
    again = start_rec(["run", "--", "tclsh"])
    again.expect(EDITOR)
    again.send(f"{UP}{UP}\r")
    again.expect(re.compile("^42$", re.MULTILINE))
    again.send("\x04")
    assert again.wait() == 0
    assert turns(root)[0] == Turn("% ", "puts [expr {6 * 7}]", "42\n")


def test_dc_prints_again_what_up_recalls(start_rec, root):
    """Case 4, with dc, which prompts with nothing at all."""
    need("dc")
    term = start_rec(["run", "--", "dc"])
    term.expect(EDITOR)
    term.line("2 3 * p")
    term.expect(re.compile("^6$", re.MULTILINE))
    term.send(f"{UP}\r")
    term.expect(re.compile("^6$", re.MULTILINE), count=2)
    term.send("\x04")
    assert term.wait() == 0
    assert turns(root) == [Turn("", "2 3 * p", "6\n"), Turn("", "2 3 * p", "6\n")]


def test_history_of_the_same_session(trick, root):
    """Case 4."""
    term = trick("prompts")
    term.expect(EDITOR)
    term.line("first")
    term.expect("got 'first'")
    term.line(UP)
    term.expect("got 'first'", count=2)
    term.line(f"{UP}!")
    term.expect("got 'first!'")
    term.send("\x04")
    term.expect("bye")
    term.wait()
    assert turns(root) == [
        Turn("? ", "first", "got 'first'\n"),
        Turn("? ", "first", "got 'first'\n"),
        Turn("? ", "first!", "got 'first!'\n"),
    ]
    assert shown(term) == [
        "? first", "got 'first'", "? first", "got 'first'", "? first!", "got 'first!'", "? bye",
    ]  # fmt: skip


# --- pastes and typing ahead -----------------------------------------------------------------------


@pytest.mark.parametrize("brackets", [("", ""), (PASTE_ON, PASTE_OFF)], ids=["plain", "bracketed"])
def test_pasted_lines_are_answered_one_by_one(trick, root, brackets):
    """Case 23."""
    term = trick("prompts")
    term.expect(EDITOR)
    term.send(f"{brackets[0]}one\rtwo\rthree{brackets[1]}\r")
    term.expect("got 'three'")
    term.expect(EDITOR)
    term.send("\x04")
    term.wait()
    assert shown(term) == ["? one", "got 'one'", "? two", "got 'two'", "? three", "got 'three'", "? bye"]
    assert turns(root) == [
        Turn("? ", "one", "got 'one'\n"),
        Turn("? ", "two", "got 'two'\n"),
        Turn("? ", "three", "got 'three'\n"),
    ]


def test_a_line_typed_while_the_tool_works_waits_for_it(trick, root):
    """Case 16, for a tool in line mode."""
    term = trick("slow", "0.3")
    term.expect(EDITOR)
    term.line("one")
    term.expect_gone(EDITOR)
    term.line("two")
    term.expect("got 'two'")
    term.expect(EDITOR)
    term.send("\x04")
    term.wait()
    assert shown(term) == ["> one", "got 'one'", "> two", "got 'two'", ">"]
    assert turns(root) == [Turn("> ", "one", "got 'one'\n"), Turn("> ", "two", "got 'two'\n")]


def test_typed_early_behind_a_progress_bar(trick, root):
    """Case 27."""
    term = trick("progress")
    term.expect_raw(b"40%")
    term.send("bo")
    term.expect("name: bo")
    term.line("b")
    term.wait()
    assert shown(term) == ["name: bob", "got 'bob'"]
    assert turns(root) == [Turn("name: ", "bob", "got 'bob'\n")]


# --- output while one types --------------------------------------------------------------------------


def test_ticks_above_a_prompt_that_the_tool_repeats(trick, root):
    """Case 25."""
    term = trick("ticker", "0.3", "3")
    term.expect(EDITOR)
    term.send("abc")
    term.expect("tick 3")
    term.expect("> abc")
    term.line("def")
    term.expect("got 'abcdef'")
    term.expect(EDITOR)
    term.send("\x04")
    term.wait()
    assert shown(term) == ["tick 1", "tick 2", "tick 3", "> abcdef", "got 'abcdef'", ">"]
    assert turns(root) == [Turn("> ", "abcdef", "got 'abcdef'\n")]


WHEN_TOLD = """
import os, sys, threading, time
def tick(part):
    for number, text in enumerate(part, 1):
        while not os.path.exists(sys.argv[1] + str(number)):
            time.sleep(0.01)
        print(text, end="", flush=True)
texts = sys.argv[2:] or ["tick 1\\n", "tick 2\\n", "tick 3\\n"]
threading.Thread(target=tick, args=[texts], daemon=True).start()
sys.stdout.write("> ")
sys.stdout.flush()
print("got", repr(sys.stdin.readline().rstrip()))
"""


def test_lines_that_nobody_asked_for_are_printed_above_the_prompt(start_rec, root, tmp_path):
    """Case 25, for a tool that does not repeat its prompt."""
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-c", WHEN_TOLD, tmp_path / "go"])
    term.expect(EDITOR)
    term.send("abc")
    for number in (1, 2, 3):
        (tmp_path / f"go{number}").touch()
        term.expect(f"tick {number}")
        term.expect("> abc")
    term.line("def")
    term.wait()
    assert shown(term) == ["tick 1", "tick 2", "tick 3", "> abcdef", "got 'abcdef'"]
    assert turns(root) == [Turn("> ", "abcdef", "got 'abcdef'\n")]
    assert texts(root, "output") == ["tick 1\ntick 2\ntick 3\n", "got 'abcdef'\n"]


def test_half_a_line_that_nobody_asked_for(start_rec, root, tmp_path):
    """Case 26."""
    halves = ["half a ", "line\n"]
    term = start_rec(["run", "--", SYSTEM_PYTHON, "-c", WHEN_TOLD, tmp_path / "go", *halves])
    term.expect(EDITOR)
    term.send("abc")
    term.expect("> abc")
    (tmp_path / "go1").touch()
    term.expect("half a abc")
    (tmp_path / "go2").touch()
    term.expect("line\n> abc")
    term.line("def")
    term.wait()
    assert shown(term) == ["> half a line", "> abcdef", "got 'abcdef'"]
    assert turns(root) == [Turn("> ", "abcdef", "got 'abcdef'\n")]


def test_a_flood_while_one_types(trick, root):
    """Case 28."""
    term = trick("flood-on-key", "20000")
    term.expect(EDITOR)
    term.send("abc")
    term.expect("line 20000")
    term.expect("> abc")
    term.line("def")
    term.wait()
    assert shown(term)[-3:] == ["line 20000", "> abcdef", "got 'abcdef'"]
    assert turns(root) == [Turn("> ", "abcdef", "got 'abcdef'\n")]
    assert b"line 1\r\n" in all_raw(root)


def test_thousands_of_tiny_writes(start_rec, root):
    """Case 29."""
    script = f"{SYSTEM_PYTHON} {TRICK} drops 10000; echo; cat"
    term = start_rec(["run", "--", "sh", "-c", script], cols=20, rows=20)
    term.expect("· record")
    term.line("still here")
    term.expect("still here", count=2)
    term.send("\x04")
    assert term.wait() == 0
    assert turns(root) == [Turn("", "still here", "still here\n")]
    assert texts(root, "output")[0] == "0123456789" * 1000 + "\n"


def test_much_output_to_the_last_line(start_rec, root):
    """Case 30."""
    term = start_rec(["run", "--", "seq", "300000"])
    assert term.wait() == 0
    assert all_raw(root) == b"".join(b"%d\r\n" % n for n in range(1, 300001))
    assert texts(root, "output")[-1].endswith("299999\n300000\n")
    assert bytes(term.raw) == all_raw(root)


# --- prompts of all kinds ----------------------------------------------------------------------------


def test_a_prompt_that_comes_in_pieces(trick, root):
    term = trick("chunked")
    term.expect("prompt> ")
    term.expect(EDITOR)
    term.line("x")
    term.wait()
    assert turns(root) == [Turn("prompt> ", "x", "got 'x' for 5 €\n")]


def test_a_wide_prompt_in_colour(trick, root):
    term = trick("wide")
    term.expect(EDITOR)
    term.line(f"ab{LEFT}c")
    term.wait()
    prompt = "漢字かな交じり文 ─── é> "
    assert turns(root) == [Turn(prompt, "acb", "got 'acb'\n")]
    assert term.text().count("交") == 1


def test_a_second_prompt_for_the_rest_of_a_statement(trick, root):
    term = trick("multiline")
    term.expect(EDITOR)
    term.line("select")
    term.line("1;")
    term.expect("got 'select 1;'")
    term.expect(EDITOR)
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn("sql> ", "select", ""), Turn("  -> ", "1;", "got 'select 1;'\n")]


def test_output_without_a_newline_at_its_end(start_rec, root):
    term = start_rec(["run", "--", "dash", "-c", 'while printf "n? " && read n; do printf "is $n"; done'])
    term.expect(EDITOR)
    term.line("1")
    term.expect("is 1n? ")
    term.expect(EDITOR)
    term.line("2")
    term.expect("is 2n? ")
    term.expect(EDITOR)
    term.send("\x04")
    term.wait()
    assert [(turn.command, turn.prompt) for turn in turns(root)] == [("1", "n? "), ("2", "is 1n? ")]


# --- the terminal ------------------------------------------------------------------------------------


def test_questions_to_the_terminal_and_their_answers(trick, root):
    """Case 32."""
    term = trick("queries", answer=True)
    term.expect("answers b'")
    term.expect("name: ")
    term.expect(EDITOR)
    term.line("bob")
    term.wait()
    assert shown(term)[-1] == "got 'bob'"
    assert "?62;22c" in term.text()
    assert [(turn.prompt, turn.command) for turn in turns(root)] == [("name: ", "bob")]


def test_answers_that_come_too_late_are_no_text(trick, root):
    """Case 32, for a tool that does not wait for them."""
    term = trick("rude-queries", answer=True)
    term.expect(EDITOR)
    term.line("bob")
    term.wait()
    assert shown(term) == ["name: bob", "got 'bob'"]
    assert [(turn.prompt, turn.command) for turn in turns(root)] == [("name: ", "bob")]


def test_the_terminal_is_asked_nothing(cat):
    """Case 33."""
    term = cat()
    term.line("a")
    term.expect("a", count=2)
    term.send("\x1b[12;1R")
    term.line("b")
    term.expect(re.compile("^b$", re.MULTILINE), count=2)
    term.send("\x04")
    term.wait()
    assert not re.search(rb"\x1b\[\??[56]n|\x1b\[[>=]?0?c|\x1b\]1[01];\?", term.raw)


def test_resize_while_a_long_line_is_edited(start_rec, root):
    """Case 34."""
    line = "".join(f"{n:>4}" for n in range(25))
    term = start_rec(["run", "--", SYSTEM_PYTHON, TRICK, "sizes"])
    term.expect("size 80x24")
    term.expect(EDITOR)
    term.send(line)
    term.expect("  24")
    for cols in (50, 90):
        term.resize(cols, 24)
        term.expect(f"size {cols}x24")
        rows = [line[at : at + cols].rstrip() for at in range(0, len(line), cols)]
        term.expect("\n".join(rows))
    term.send("\r")
    term.wait()
    assert turns(root) == [Turn("", line, "")]
    assert texts(root, "resize") == ["50x24", "90x24"]


# --- slash-commands ----------------------------------------------------------------------------------


def test_which_lines_are_for_the_recorder(cat, root):
    """Case 40."""
    term = cat()
    for line in ("/label shop", "//label x", "/etc", "/label", "/labels", " /label y", "end"):
        term.line(line)
        term.expect(EDITOR)
    term.expect("end", count=2)
    term.send("\x04")
    term.wait()
    assert [turn.command for turn in turns(root)] == ["/label x", "/etc", "/labels", " /label y", "end"]
    assert ls(root)[0]["labels"] == ["shop"]
    assert texts(root, "command") == ["/label shop", "/label"]


def test_commands_of_the_recorder_answer_above_the_prompt(trick, root):
    term = trick("prompts")
    term.expect(EDITOR)
    term.line("one")
    term.expect("got 'one'")
    for line, answer in (
        ("/label shop", "label shop set"),
        ("/note half way", "noted"),
        ('/search "half way"', "mark: half way"),
        ("/search nowhere", "nothing found"),
        ("/alert look here", "alert recorded"),
        ("/status", "recording on: session"),
        ("/sessions", re.compile(r" shop .* ~ *$", re.MULTILINE)),
        ("/replay", "prior events, most recent"),
        ("/help", "list the newest sessions"),
    ):
        term.expect(EDITOR)
        term.line(line)
        term.expect(answer)
    term.expect(re.compile(r"^ shop · recording", re.MULTILINE))
    term.line("two")
    term.expect("got 'two'")
    term.expect(EDITOR)
    term.line("/quit")
    assert term.wait() == 128 + signal.SIGHUP  # that is what it died of, but no accident
    assert ls(root)[0]["end_reason"] == "exit"
    assert texts(root, "system") == ["quit by the user", "exited with status 129"]
    assert texts(root, "alert") == ["look here"]
    assert [turn.command for turn in turns(root)] == ["one", "two"]
    assert [turn.output for turn in turns(root)] == ["got 'one'\n", "got 'two'\n"]
    assert "half way" in texts(root, "mark")
    assert "look here" in texts(root, "alert")
    assert ls(root)[0]["state"] == "idle" or ls(root)[0]["state"] == "error"


def test_a_refusal_breaks_between_words(cat, root):
    term = cat(cols=44)
    term.line("/note")
    term.expect("type /note TEXT")
    assert "rec: could not write the note: it has no" in term.screen()
    assert "text; type /note TEXT" in term.screen()
    term.send("\x04")
    assert term.wait() == 0


def test_nothing_is_kept_between_pause_and_unpause(trick, root):
    from blackbox import grep_root

    term = trick("prompts")
    term.expect(EDITOR)
    term.line("before")
    term.expect("got 'before'")
    term.line("/pause")
    term.expect("paused: nothing is recorded")
    term.expect("· paused ·")
    term.line("unseen-marker")
    term.expect("got 'unseen-marker'")
    term.expect(EDITOR)
    assert grep_root(root, b"unseen-marker") == []
    term.line("/unpause")
    term.expect(re.compile(r"^recording$", re.MULTILINE))
    term.expect("· recording ·")
    term.line("after")
    term.expect("got 'after'")
    term.expect(EDITOR)
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn("? ", "before", "got 'before'\n"), Turn("? ", "after", "got 'after'\n")]
    assert grep_root(root, b"unseen-marker") == []
    assert texts(root, "mark") == ["paused", "recording again"]


def test_keys_that_come_after_the_end_open_no_editor(trick, root):
    term = trick("leave", "0")
    term.expect_raw(b"leaving")
    term.send("\x1b[?62;22cabc")
    assert term.wait() == 0
    assert EDITOR not in term.text()
    assert b"\x1b[?2004h" not in term.raw[term.raw.rindex(b"leaving") :] or b"\x1b[?2004l" in term.raw
