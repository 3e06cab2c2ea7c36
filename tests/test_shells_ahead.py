"""Lines typed while a command runs that may never read them: then the shell does, and may hide them."""

from __future__ import annotations

import os
import re

import pytest
from blackbox import SYSTEM_PYTHON, all_raw, events, grep_root, wait_for
from shells import SHELLS, Shell

blackbox = True
SECRET = "s3cret-marker"
HIDDEN = f" echo {SECRET}"
IGNORES_SPACE = {"bash": "HISTCONTROL=ignorespace", "zsh": "setopt hist_ignore_space", "fish": ""}

# It sleeps in a poll of terminal and pipe, as a program that nobody may look into looks from outside: whether
# it waits for a line cannot be known. The pipe says what it does: print behind a line that has come, and with
# it its echo; read a line; leave.
MUTE = """\
import fcntl, os, select, sys, termios, time
pipe = os.open("orders", os.O_RDWR)
poll = select.poll()
poll.register(0, select.POLLPRI)
poll.register(pipe, select.POLLIN)
print("up", flush=True)
while True:
    poll.poll()
    order = os.read(pipe, 1)
    if order == b"p":
        while not int.from_bytes(fcntl.ioctl(0, termios.FIONREAD, bytes(4)), sys.byteorder):
            time.sleep(0.01)
        print("tick", flush=True)
    elif order == b"r":
        print("got", len(input()), flush=True)
    else:
        break
"""


class Mute(Shell):
    """A recorded shell that runs the program above."""

    command = f"{SYSTEM_PYTHON} mute.py"

    def begin(self) -> None:
        (self.home / "mute.py").write_text(MUTE)
        os.mkfifo(self.home / "orders")
        self.line(self.command)
        self.expect(re.compile("^up$", re.MULTILINE))

    def left(self, line: str) -> None:
        """Type a line, and wait until it waits in the program's terminal.

        That is the kernel's echo. On the screen the better prompt's line looks the same, but it is sent only
        once the program has been quiet for a moment, and not at all if the program got an order before.
        """
        self.line(line)
        self.expect_raw(f"{line}\r\n".encode())

    def order(self, what: str) -> None:
        (self.home / "orders").write_text(what)

    def told(self) -> list[str]:
        """The lines that a program is said to have been given."""
        return [row["text"] for row in events(self.root) if row.get("meta", row).get("source") == "input"]

    def kept_nowhere(self) -> None:
        """The line has run, was seen, and is nowhere below the root."""
        self.run("echo last")
        self.last("echo last")
        assert [row["command"] for row in self.log()] == [self.command, "echo last"]
        assert grep_root(self.root, SECRET.encode()) == []
        self.line("exit")
        self.wait()
        assert grep_root(self.root, SECRET.encode()) == []
        assert SECRET.encode() not in all_raw(self.root)


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("late", [False, True], ids=["at-once", "later"])
def test_a_hidden_line_that_the_program_leaves_to_the_shell(root, kind, late):
    with Mute(kind, root, before=IGNORES_SPACE[kind]) as shell:
        shell.begin()
        shell.left(HIDDEN)
        if late:  # what it prints is kept while it runs, and without the echo
            shell.order("p")
            wait_for(lambda: grep_root(root, b"tick"))
            assert grep_root(root, SECRET.encode()) == []
        shell.order("q")
        shell.expect(re.compile(f"^{SECRET}$", re.MULTILINE))
        shell.ready(2)
        # Where the end comes at once, the newline of the echo may be the first of what the shell prints.
        assert shell.printed(shell.command) in ({"up\n\ntick\n"} if late else {"up\n\n", "up\n"})
        shell.kept_nowhere()


def test_a_line_that_a_pattern_hides_is_left_to_the_shell(root):
    """Nothing about the line itself says that it is one to hide."""
    with Mute("bash", root, before="HISTIGNORE='*token*'") as shell:
        shell.begin()
        shell.left(f"echo token {SECRET}")
        shell.order("q")
        shell.expect(f"\ntoken {SECRET}\n")
        shell.ready(2)
        shell.kept_nowhere()


@pytest.mark.parametrize("kind", SHELLS)
def test_a_line_that_nobody_reads(root, kind):
    """Ctrl-C makes the kernel drop it."""
    with Mute(kind, root, before=IGNORES_SPACE[kind]) as shell:
        shell.begin()
        shell.left(HIDDEN)
        shell.send(b"\x03")
        shell.ready()
        shell.kept_nowhere()


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("line", [" indented", "plain"])
def test_a_line_that_the_program_reads_in_the_end_is_its_own(root, kind, line):
    with Mute(kind, root, before=IGNORES_SPACE[kind]) as shell:
        shell.begin()
        shell.left(line)
        shell.order("r")
        shell.expect(f"got {len(line)}\n")
        wait_for(lambda: shell.told() == [line])
        shell.order("q")
        shell.ready()
        assert f"got {len(line)}\n" in shell.printed(shell.command)


@pytest.mark.parametrize("kind", SHELLS)
def test_an_indented_line_for_a_program_that_reads_is_kept_whole(root, kind):
    with Mute(kind, root, before=IGNORES_SPACE[kind]) as shell:
        command = "sh -c 'echo up; cat'"
        shell.line(command)
        shell.expect(re.compile("^up$", re.MULTILINE))  # before that the keys could be the shell's
        for line in ("  indented", "plain", "\tlast"):
            shell.line(line)
            shell.expect(re.compile(f"^ *{line.strip()}$", re.MULTILINE), count=2)
        shell.send(b"\x04")
        shell.ready()
        shell.last(command)
        assert shell.told() == ["  indented", "plain", "\tlast"]
        assert b"  indented\r\n  indented\r\n" in all_raw(root)
