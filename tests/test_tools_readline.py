"""Tools that edit their own line: turns are read off what they display, never off the keys."""

from __future__ import annotations

import os
import pwd
import re
import sqlite3
import sys
from pathlib import Path

import pytest
from blackbox import SYSTEM_PYTHON, events, log, ls, need, rec, wait_for
from conversation import LEFT, PASTE_OFF, PASTE_ON, UP, Turn, ends, texts, turns


@pytest.fixture
def shop(tmp_path):
    """A real database with two orders."""
    need("sqlite3")
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT)")
        db.executemany("INSERT INTO orders (what) VALUES (?)", [("tea",), ("cake",)])
    db.close()
    return path


@pytest.fixture
def sqlite(start_rec, shop):
    def start(**options):
        term = start_rec(["run", "--", "sqlite3", shop], **options)
        term.expect("sqlite> ")
        return term

    return start


@pytest.fixture
def python(start_rec):
    need("python3")

    def start(*words, **options):
        term = start_rec(["run", "--", SYSTEM_PYTHON, "-q", *words], **options)
        term.expect(">>> ")
        return term

    return start


# --- sqlite3 -------------------------------------------------------------------------------------


def test_sqlite_recall_and_edit(sqlite, root):
    """Case 12."""
    term = sqlite()
    term.line("select 1;")
    term.expect("\n1\nsqlite> ")
    term.line(f"{UP}{LEFT}\x7f2")
    term.expect("\n2\nsqlite> ")
    term.line("\x01\x0b.quit")
    assert term.wait() == 0
    assert turns(root) == [
        Turn("sqlite> ", "select 1;", "1\n"),
        Turn("sqlite> ", "select 2;", "2\n"),
        Turn("sqlite> ", ".quit", ""),
    ]
    assert ends(root) == ["done", "done", "done"]


def test_sqlite_two_statements_in_one_write(sqlite, root):
    """Case 13."""
    term = sqlite()
    term.send("select 3;\rselect 4;\r")
    term.expect("\n4\nsqlite> ")
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn("sqlite> ", "select 3;", "3\n"), Turn("sqlite> ", "select 4;", "4\n")]


@pytest.mark.parametrize("delay", [None, 0.002])
def test_sqlite_a_statement_wider_than_the_screen(sqlite, root, delay):
    """Case 14."""
    statement = "select '" + "".join(f"{n:>3}" for n in range(26)) + "';"
    assert len(statement) > 85
    term = sqlite(cols=60)
    term.line(statement, delay)
    term.expect(re.compile(r"25\nsqlite> $"))
    term.send("\x04")
    term.wait()
    wanted = "".join(f"{n:>3}" for n in range(26)) + "\n"
    assert turns(root) == [Turn("sqlite> ", statement, wanted)]


def test_sqlite_rows_errors_and_statements_of_several_lines(sqlite, root):
    term = sqlite()
    term.line("select *")
    term.expect("   ...> ")
    term.line("from orders;")
    term.expect("2|cake\nsqlite> ")
    term.line("select * from missing;")
    term.expect("no such table")
    term.expect("sqlite> ", count=3)
    term.send("\x04")
    term.wait()
    assert [turn[:2] for turn in turns(root)] == [
        ("sqlite> ", "select *"),
        ("   ...> ", "from orders;"),
        ("sqlite> ", "select * from missing;"),
    ]
    assert [turn.output for turn in turns(root)][:2] == ["", "1|tea\n2|cake\n"]
    assert "no such table: missing" in turns(root)[2].output
    assert [event["turn"] for event in events(root) if event["kind"] == "warn"] == [3]
    assert [row["turn"] for row in log(root, "@1", "--failed")] == [3]


def test_sqlite_the_program_it_starts_is_edited_by_us(sqlite, root):
    """Case 15."""
    term = sqlite()
    term.line(".system cat")
    term.expect("/help")
    term.line(f"typd{LEFT}e")
    term.expect("typed", count=2)
    term.expect("/help")
    term.send("\x04")
    term.expect("sqlite> ", count=2)
    term.line("select 2;")
    term.expect("\n2\nsqlite> ")
    term.send("\x04")
    term.wait()
    assert turns(root) == [
        Turn("sqlite> ", ".system cat", ""),
        Turn("", "typed", "typed\n"),
        Turn("sqlite> ", "select 2;", "2\n"),
    ]


# --- Python --------------------------------------------------------------------------------------


def pythons():
    """The system's, the one that runs the tests, and one with a prompt of its own, where there is one."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    newer = [*(home / ".pyenv/versions").glob("3.13*/bin/python3.13"), Path("/usr/bin/python3.13")]
    return [SYSTEM_PYTHON, sys.executable, *[str(path) for path in newer if path.exists()][:1]]


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_every_python_there_is(start_rec, root, python):
    """Newer ones draw their own prompt, in colour, and wrap long lines with a backslash."""
    long = "x" * 70 + " = 4; " + "x" * 70
    term = start_rec(["run", "--", python, "-q"], env={"PYTHON_HISTORY": os.devnull})
    term.expect(">>> ")
    term.line("1+1")
    term.expect("\n2\n>>> ")
    term.line(long)
    term.expect("\n4\n>>> ")
    own = 1 in term.private_modes  # application cursor keys
    term.line("\x1bOA" if own else UP)
    term.expect("\n4\n>>> ", count=2)
    term.send("3+1\r5+5\r")
    term.expect("\n10\n>>> ")
    term.line("input('q? ')")
    term.expect("q? ", count=2)
    term.line("yes")
    term.expect("'yes'\n>>> ")
    term.send("\x04")
    term.wait()
    assert turns(root) == [
        Turn(">>> ", "1+1", "2\n"),
        Turn(">>> ", long, "4\n"),
        Turn(">>> ", long, "4\n"),
        Turn(">>> ", "3+1", "4\n"),
        Turn(">>> ", "5+5", "10\n"),
        Turn(">>> ", "input('q? ')", ""),
        Turn("q? ", "yes", "'yes'\n"),
    ]


def test_python_blocks_errors_and_history(python, root):
    term = python()
    term.line("for n in range(2):")
    term.expect("... ")
    term.line("    print(n)")
    term.expect("... ", count=2)
    term.line("")
    term.expect("0\n1\n>>> ")
    term.line("1/0")
    term.expect("division by zero\n>>> ")
    term.line(f"{UP}{LEFT}2")
    term.expect("1/20\n0.05\n>>> ")
    term.send("\x04")
    term.wait()
    found = turns(root)
    assert [turn[:2] for turn in found] == [
        (">>> ", "for n in range(2):"),
        ("... ", "    print(n)"),
        ("... ", ""),
        (">>> ", "1/0"),
        (">>> ", "1/20"),
    ]
    assert found[-1].output == "0.05\n"
    assert "ZeroDivisionError: division by zero" in found[-2].output
    assert found[-3].output == "0\n1\n"
    assert any("ZeroDivisionError" in text for text in texts(root, "alert"))


def test_python_typing_ahead_of_a_busy_tool(python, root):
    """Case 16."""
    term = python()
    term.line("import time; time.sleep(0.5)")
    term.expect_raw(b"sleep(0.5)\r\n")
    term.line("1+1")
    term.expect("\n2\n>>> ")
    term.send("\x04")
    term.wait()
    assert [turn[:2] for turn in turns(root)] == [(">>> ", "import time; time.sleep(0.5)"), (">>> ", "1+1")]
    assert turns(root)[1].output == "2\n"
    assert turns(root)[0].output == ""
    assert term.text().count("\n2\n") == 1
    assert b"/help" not in term.raw


def test_a_function_pasted_into_a_python_that_takes_it_line_by_line(python, root):
    term = python()
    term.send("def f(a):\r    return a * 2\r\rf(21)\r")
    term.expect("\n42\n>>> ")
    term.send("\x04")
    term.wait()
    assert [turn[:2] for turn in turns(root)] == [
        (">>> ", "def f(a):"),
        ("... ", "    return a * 2"),
        (">>> ", "f(21)"),
    ]
    assert turns(root)[-1].output == "42\n"


def test_python_completion_with_a_listing(python, root):
    term = python()
    term.line("value_one = 1; value_two = 2")
    term.expect(">>> ", count=2)
    term.send("val\t")
    term.expect(">>> value_")
    term.send("\t\t")
    term.expect(re.compile("value_one +value_two"))
    term.line("two")
    term.expect("\n2\n>>> ")
    term.send("\x04")
    term.wait()
    assert turns(root)[-1] == Turn(">>> ", "value_two", "2\n")


def test_python_output_without_a_final_newline(python, root):
    term = python()
    term.line("print('x', end='')")
    term.expect("\nx>>> ")
    term.line("2")
    term.expect("\n2\n>>> ")
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn(">>> ", "print('x', end='')", "x"), Turn(">>> ", "2", "2\n")]


def test_python_a_line_is_abandoned(python, root):
    term = python()
    term.send("this is wrong\x03")
    term.expect("KeyboardInterrupt\n>>> ")
    term.line("7")
    term.expect("\n7\n>>> ")
    term.send("\x04")
    term.wait()
    assert turns(root)[-1] == Turn(">>> ", "7", "7\n")
    assert "this is wrong" not in [turn.command for turn in turns(root)]


def test_python_a_prompt_of_its_program_is_edited_by_readline(python, root):
    term = python()
    term.line("answer = input('really? ')")
    term.expect("really? ")
    term.line("yes")
    term.expect(">>> ", count=2)
    term.line("answer")
    term.expect("'yes'\n>>> ")
    term.send("\x04")
    term.wait()
    assert turns(root) == [
        Turn(">>> ", "answer = input('really? ')", ""),
        Turn("really? ", "yes", ""),
        Turn(">>> ", "answer", "'yes'\n"),
    ]


# --- bc --------------------------------------------------------------------------------------------


def test_bc_has_no_prompt_and_still_has_turns(start_rec, root):
    need("bc")
    term = start_rec(["run", "--", "bc", "-q"])
    wait_for(lambda: not term.modes().echo)
    term.line("2 + 3")
    term.expect("2 + 3\n5")
    term.line(f"{UP}0")
    term.expect("2 + 30\n32")
    term.line("quit")
    term.wait()
    assert turns(root)[:2] == [Turn("", "2 + 3", "5\n"), Turn("", "2 + 30", "32\n")]
    assert [turn.command for turn in turns(root)] == ["2 + 3", "2 + 30", "quit"]


# --- bash and dash -----------------------------------------------------------------------------------


@pytest.fixture
def bash(start_rec):
    need("bash")

    def start(**options):
        term = start_rec(["run", "--", "bash", "--norc", "--noprofile"], **options)
        term.expect("$ ")
        return term

    return start


def test_bash_history_search_and_completion(bash, root, tmp_path):
    (tmp_path / "home" / "readme-first").write_text("hello\n")
    (tmp_path / "home" / "readme-second").touch()
    term = bash()
    term.line("echo alpha beta")
    term.expect("\nalpha beta\n$ ")
    term.line("\x12alph")
    term.expect("\nalpha beta\n$ ", count=2)
    term.line("cat rea\tf\t")
    term.expect("\nhello\n$ ")
    term.send("ls rea\t")
    term.expect("ls readme-")
    term.send("\t\t")
    term.expect(re.compile("readme-first +readme-second"))
    term.line("s\t")
    term.expect("\nreadme-second\n$ ")
    term.send("\x04")
    term.wait()
    assert [(turn.command.rstrip(), turn.output) for turn in turns(root)] == [
        ("echo alpha beta", "alpha beta\n"),
        ("echo alpha beta", "alpha beta\n"),
        ("cat readme-first", "hello\n"),
        ("ls readme-second", "readme-second\n"),
    ]
    assert {turn.prompt for turn in turns(root)} == {"$ "}


def test_bash_bracketed_paste(bash, root):
    term = bash()
    term.send(f"{PASTE_ON}echo one\necho two{PASTE_OFF}")
    term.expect("echo two")
    term.send("\r")
    term.expect("\none\ntwo\n$ ")
    term.send("\x04")
    term.wait()
    assert turns(root) == [Turn("$ ", "echo one\necho two", "one\ntwo\n")]


def prompts(root):
    """What was submitted, and whether it is marked as less than all."""
    return [
        (event["text"], event["meta"].get("partial", False))
        for event in events(root)
        if event["kind"] == "prompt"
    ]


@pytest.mark.parametrize("count", [24, 25, 60, 300])
def test_bash_paste_of_more_lines_than_the_screen_has(bash, root, count):
    lines = [f"echo line-{n}" for n in range(count)]
    term = bash()
    term.send(PASTE_ON + "\n".join(lines) + PASTE_OFF)
    term.expect(lines[-1])
    term.send("\r")
    term.expect(f"\nline-{count - 1}\n$ ")
    term.send("\x04")
    term.wait()
    assert prompts(root) == [("\n".join(lines), False)]
    assert turns(root)[0].output == "".join(f"line-{n}\n" for n in range(count))


def test_bash_paste_with_empty_lines_below_the_screen_is_marked(bash, root):
    lines = [f"echo line-{n}" for n in range(30)]
    lines[27] = ""
    term = bash()
    term.send(PASTE_ON + "\n".join(lines) + PASTE_OFF)
    term.expect(lines[-1])
    term.send("\r")
    term.expect("\nline-29\n$ ")
    term.line("echo done")
    term.expect("\ndone\n$ ")
    term.send("\x04")
    term.wait()
    assert [partial for _, partial in prompts(root)] == [True, False]
    assert "[partial" in rec(["replay", "@1"], root).ok().stdout


def test_zsh_shows_a_window_of_a_paste_that_is_taller_than_the_screen(start_rec, root):
    need("zsh")
    lines = [f"echo line-{n}" for n in range(40)]
    term = start_rec(["run", "--", "zsh", "-f"])
    term.expect(re.compile("[$%#] $"))
    term.send(PASTE_ON + "\n".join(lines) + PASTE_OFF)
    term.expect(lines[-1])
    term.send("\r")
    term.expect(re.compile(r"\nline-39\n[^\n]*[$%#] $"))
    term.send("\x04")
    term.wait()
    [(command, partial)] = prompts(root)
    assert partial
    assert command.endswith(lines[-1])


def test_sqlite_paste_of_more_lines_than_the_screen_has(sqlite, root):
    lines = [f"select 'line-{n}';" for n in range(300)]
    term = sqlite()
    term.send(PASTE_ON + "\n".join(lines) + PASTE_OFF)
    term.expect(lines[-1])
    term.send("\r")
    term.expect("\nline-299\nsqlite> ")
    term.line(".quit")
    term.wait()
    assert prompts(root) == [("\n".join(lines), False), (".quit", False)]


@pytest.mark.parametrize(("begun", "rest"), [("echo dux", "\x7fring"), ("", "echo during")])
def test_bash_a_job_that_prints_while_a_line_is_typed(bash, root, tmp_path, begun, rest):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    term = bash()
    term.line(f"(read -r line < {pipe}; echo $line) & sleep 0")
    wait_for(lambda: ls(root) and ends(root) == ["done"])
    if begun:
        term.send(begun)
        term.expect("$ " + begun)
    pipe.write_text("from-the-job\n")
    term.expect("from-the-job")
    if begun:  # the echo, and what follows it, have come to rest
        wait_for(lambda: "from-the-job\n" in texts(root, "output"))
    term.line(rest)
    term.expect(re.compile(r"\nduring\n(?:.*\n)*\$ $"))  # with the job's end between
    term.send("\x04")
    term.wait()
    assert prompts(root)[1] == ("echo during", False)
    assert turns(root)[1].output.startswith("during\n")
    assert [event["turn"] for event in events(root) if event["text"] == "from-the-job\n"] == [None]


def test_bash_burst_of_lines(bash, root):
    term = bash()
    term.send("echo one\recho two\recho three\r")
    term.expect("\nthree\n$ ")
    term.send("\x04")
    term.wait()
    assert [(turn.command, turn.output) for turn in turns(root)] == [
        ("echo one", "one\n"),
        ("echo two", "two\n"),
        ("echo three", "three\n"),
    ]


def test_bash_stops_and_continues_a_job(bash, root):
    """Case 19."""
    term = bash()
    term.line("cat")
    term.expect("/help")
    term.send("\x1a")
    term.expect("Stopped")
    term.expect("$ ", count=2)
    term.line("fg")
    term.expect("/help")
    term.line("a line")
    term.expect("a line", count=2)
    term.expect("/help")
    term.send("\x03")
    term.expect("$ ", count=3)
    term.line("stty -a")
    term.expect("-extproc")
    term.line("exit 7")
    assert term.wait() == 7
    found = turns(root)
    assert [turn.command for turn in found] == ["cat", "fg", "a line", "stty -a", "exit 7"]
    assert found[2].output.startswith("a line\n")


def test_bash_a_sane_terminal_echoes_once(bash, root):
    """Case 20."""
    term = bash()
    term.line("stty sane; cat")
    term.expect("/help")
    term.line("helx\x7flo")
    term.expect("hello", count=2)
    term.expect("/help")
    term.send("\x04")
    term.expect("$ ", count=2)
    term.send("\x04")
    term.wait()
    assert [turn.command for turn in turns(root)] == ["stty sane; cat", "hello"]
    assert term.text().count("hello") == 2


def test_dash_is_edited_by_us(start_rec, root):
    need("dash")
    term = start_rec(["run", "--", "dash", "-i"])
    term.expect("$ ")
    term.expect("/help")
    term.line("echo one")
    term.expect("\none\n$ ")
    term.line(f"{UP}{UP}x\x7f")
    term.expect("\none\n$ ", count=2)
    term.line("exit 5")
    assert term.wait() == 5
    assert turns(root) == [
        Turn("$ ", "echo one", "one\n"),
        Turn("$ ", "echo one", "one\n"),
        Turn("$ ", "exit 5", ""),
    ]


# --- gdb -------------------------------------------------------------------------------------------


def test_gdb_with_an_inferior_that_reads(start_rec, root):
    """Case 18."""
    need("gdb")
    term = start_rec(["run", "--", "gdb", "-q", "-nx", "--args", "cat"], env={"DEBUGINFOD_URLS": ""})
    term.expect("(gdb) ")
    term.line("set pagination off")
    term.expect("(gdb) ", count=2)
    term.line("run")
    term.expect("/help", timeout=60)
    term.line("inner")
    term.expect("inner", count=2)
    term.expect("/help")
    term.send("\x04")
    term.expect("exited normally")
    term.expect("(gdb) ", count=3)
    term.line("print 6*7")
    term.expect("$1 = 42")
    term.expect("(gdb) ", count=4)
    term.line("quit")
    assert term.wait() == 0
    found = turns(root)
    assert [turn[:2] for turn in found] == [
        ("(gdb) ", "set pagination off"),
        ("(gdb) ", "run"),
        ("", "inner"),
        ("(gdb) ", "print 6*7"),
        ("(gdb) ", "quit"),
    ]
    assert found[3].output == "$1 = 42\n"
    assert found[2].output.startswith("inner\n")
    assert any("exited normally" in text for text in texts(root, "output"))


# --- ftp and telnet ----------------------------------------------------------------------------------


def test_ftp_command_mode(start_rec, root):
    need("ftp")
    term = start_rec(["run", "--", "ftp"])
    term.expect("ftp> ")
    term.line("status")
    term.expect("Not connected.")
    term.expect("ftp> ", count=2)
    term.line("bogus")
    term.expect("?Invalid command.")
    term.expect("ftp> ", count=3)
    term.line("quit")
    assert term.wait() == 0
    found = turns(root)
    assert [turn[:2] for turn in found] == [("ftp> ", "status"), ("ftp> ", "bogus"), ("ftp> ", "quit")]
    assert found[0].output.startswith("Not connected.\n")
    assert found[1].output == "?Invalid command.\n"


def test_telnet_command_mode(start_rec, root):
    need("telnet")
    term = start_rec(["run", "--", "telnet"])
    term.expect("telnet> ")
    term.expect("/help")
    term.line("status")
    term.expect("No connection.")
    term.expect("telnet> ", count=2)
    term.line("quit")
    assert term.wait() == 0
    found = turns(root)
    assert [turn[:2] for turn in found] == [("telnet> ", "status"), ("telnet> ", "quit")]
    assert found[0].output.startswith("No connection.\n")


# --- beside a bare terminal ----------------------------------------------------------------------------

CONVERSATIONS = {
    "sqlite3": (["sqlite3"], "sqlite> ", ["select 1;", f"{UP}{LEFT}\x7f2", ".help nothing"]),
    "bash": (
        ["bash", "--norc", "--noprofile"],
        "$ ",
        ["echo a", f"{UP}b", "\x12echo", "ls /nowhere"],
    ),
    "python": (
        [SYSTEM_PYTHON, "-q"],
        ">>> ",
        ["1+1", f"{UP}0", "1/0", "print('x')"],
    ),
    "bc": (["bc", "-q"], "", ["1+1", f"{UP}0", "1/0", "scale=3", "2/3"]),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_screen_is_the_same_as_without_the_recorder(start_rec, start, name):
    argv, prompt, lines = CONVERSATIONS[name]
    need(argv[0])
    seen = []
    for term in (start_rec(["run", "--", *argv]), start(argv)):
        for number, line in enumerate([*lines, "\x04"], 1):
            if prompt:
                term.expect(prompt, count=number)
            else:
                term.expect_raw(re.compile(rb"(?:2004h.*?){%d}\Z" % number, re.DOTALL))
            term.send(line if line == "\x04" else f"{line}\r")
        term.wait()
        seen.append(term.text())
    assert seen[0] == seen[1]
