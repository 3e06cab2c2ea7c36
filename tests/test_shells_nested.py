"""Shells inside a recorded shell, what becomes of it, and how a recording of it ends."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal

import pytest
from blackbox import all_raw, events, grep_root, ls, need, rec, wait_for
from shells import SHELLS, Shell, write_rc

blackbox = True

FLUSHED = "gap: a program has flushed the terminal, and the start of its command was not seen"
PLAIN = {"bash": "bash --norc", "zsh": "zsh -f", "fish": "fish --no-config"}
PAIRS = [(outer, inner) for outer in SHELLS for inner in SHELLS]


@contextlib.contextmanager
def shell_beside(root, kind, other):
    """Give a recorded shell in a home where another one has our hooks as well."""
    need(other)
    with Shell(kind, root) as shell:
        if other != kind:
            write_rc(other, shell.home)
        yield shell


def rows(shell, count):
    return {row["command"]: row for row in shell.log(count)}


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_a_shell_with_hooks_inside_another(root, outer, inner):
    with shell_beside(root, outer, inner) as shell:
        shell.run("echo before")
        shell.run(f"{inner} -i")
        shell.run("echo inside")
        shell.line("exit 5")
        shell.ready()
        shell.run("echo after")
        found = rows(shell, 5)
        nest = found[f"{inner} -i"]
        assert (nest["exit_status"], nest["end"], nest["parent_turn"]) == (5, "done", None)
        assert found["echo inside"]["parent_turn"] == nest["turn"]
        assert found["echo inside"]["shell"] != nest["shell"] == found["echo after"]["shell"]
        assert found["echo after"]["parent_turn"] is None
        assert [found[f"echo {word}"]["exit_status"] for word in ("before", "inside", "after")] == [0, 0, 0]
        assert shell.printed("echo inside") == "inside\n"
        assert shell.printed("echo after") == "after\n"


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_a_shell_without_hooks_inside_another(root, outer, inner):
    need(inner)
    with Shell(outer, root) as shell:
        shell.line(PLAIN[inner])
        shell.expect(re.compile(r"^(bash-[0-9.]+[$#] |\S*[#%>] )", re.MULTILINE), count=1)
        typed = shell.position
        shell.line("echo in''side")
        shell.expect_raw(b"inside", since=typed)
        shell.line("exit 5")
        shell.ready()
        shell.run("echo after")
        (nest, after) = shell.log(2)
        assert (nest["command"], nest["exit_status"], nest["end"]) == (PLAIN[inner], 5, "done")
        assert "inside" in shell.printed(PLAIN[inner])
        assert (after["command"], after["exit_status"]) == ("echo after", 0)


@pytest.mark.parametrize(
    ("first", "second"),
    [("bash", "zsh"), ("zsh", "bash"), ("fish", "bash"), ("bash", "fish"), ("zsh", "zsh")],
)
def test_a_shell_that_becomes_another(root, first, second):
    """`exec` keeps the process: its number, and so the counter of its marks, go on."""
    with shell_beside(root, first, second) as shell:
        shell.run("echo before")
        shell.run(f"exec {second}")
        shell.run("echo after")
        found = rows(shell, 3)
        assert found[f"exec {second}"]["end"] == "unknown"
        assert found["echo after"]["parent_turn"] is None
        assert found["echo after"]["shell"] == found["echo before"]["shell"]
        assert shell.printed("echo after") == "after\n"
        shell.leave()
        (session,) = ls(root)
        assert session["n_turns"] >= 3


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("line", ["sudo -s", "su"])
def test_a_shell_of_root_is_one_turn(root, kind, line):
    need("sudo", "su")
    if os.geteuid() != 0:
        pytest.skip("needs root, or a password")
    with Shell(kind, root, env={"SHELL": "/bin/sh"}) as shell:
        shell.line(line)
        shell.expect(re.compile(r"^# ?$|^\S*# ?$", re.MULTILINE))
        typed = shell.position
        shell.line("echo in''side")
        shell.expect_raw(b"inside", since=typed)
        shell.line("exit 3")
        shell.ready()
        row = shell.last(line)
        assert (row["exit_status"], row["end"]) == (3, "done")
        assert "inside" in shell.printed(line)


@pytest.mark.parametrize("kind", SHELLS)
def test_a_shell_on_another_host_is_one_turn(root, kind, sshd):
    with Shell(kind, root) as shell:
        line = shlex.join(sshd.argv)
        shell.line(line)
        shell.expect("password: ")
        shell.line(sshd.user.password)
        shell.expect(re.compile(r"^\S*\$ ?$", re.MULTILINE))
        typed = shell.position
        shell.line("echo over''there")
        shell.expect_raw(b"overthere", since=typed)
        shell.line("exit 4")
        shell.ready()
        row = shell.last(line)
        assert (row["exit_status"], row["end"], row["cwd"]) == (4, "done", str(shell.home))
        assert "overthere" in shell.printed(line)
        assert [each["command"] for each in shell.log()] == [line]
        assert grep_root(root, sshd.user.password.encode()) == []


@pytest.mark.parametrize("kind", SHELLS)
def test_a_multiplexer_inside_is_one_turn_and_its_panes_are_not_ours(root, kind, tmp_path):
    """The panes inherit our variables, but not our terminal: their hooks stay silent."""
    need("tmux")
    with Shell(kind, root) as shell:
        line = f"tmux -f /dev/null -S {tmp_path}/socket new-session {kind} -i"
        shell.line(line)
        wait_for(lambda: shell.alternate, what="tmux")
        shell.expect("ready>")
        shell.line("echo in''pane")
        shell.expect("inpane\n")
        shell.line("exit")
        shell.expect("[exited]")
        shell.expect(re.compile("ready>(?: |$)", re.MULTILINE))
        # When it begins it flushes its terminal: on a busy machine our mark, not read yet, goes with it.
        found = wait_for(lambda: shell.log() or alerts(root), what="a turn, or that its start was not seen")
        assert [each.get("command", each.get("text")) for each in found] in ([line], [FLUSHED])
        assert found[0].get("end", "done") == "done"


def alerts(root) -> list[dict]:
    return [event for event in events(root) if event["kind"] == "alert"] if ls(root) else []


@pytest.mark.parametrize("kind", SHELLS)
def test_a_terminal_that_is_closed_in_the_middle_of_a_command(root, kind):
    with Shell(kind, root) as shell:
        shell.run("true")
        shell.line("echo partial; sleep 100")
        shell.expect_raw(re.compile(rb"[\r\n]partial\r\n"))
        # a hangup between its fork and its exec would miss it, without a recorder too
        wait_for(lambda: any(words == "sleep 100" for _pid, words in shell.survivors()), what="sleep")
        shell.close_terminal()
        shell.wait()
        (session,) = ls(root)
        assert (session["status"], session["end_reason"]) == ("ended", "hangup")
        row = shell.log()[-1]
        assert row["command"] == "echo partial; sleep 100"
        # or the shell could still say that the hangup has ended its command
        assert (row["end"], row["exit_status"]) in {("interrupted", None), ("done", 129)}
        assert b"partial\r\n" in all_raw(root)
        wait_for(lambda: not shell.survivors(), what="the shell and its job to be gone")


@pytest.mark.parametrize("kind", SHELLS)
def test_a_recorder_that_is_killed_in_the_middle_of_a_command(root, kind):
    with Shell(kind, root) as shell:
        shell.run("true")
        shell.line("echo partial; sleep 100")
        wait_for(
            lambda: any(
                row["command"].startswith("echo partial")
                for row in rec(["log", "@1", "--json"], root).lines()
            ),
            what="the command in the store",
        )
        wait_for(lambda: b"partial" in all_raw(root), what="the output in the store")
        shell.kill(signal.SIGKILL)
        shell.wait()
        (session,) = ls(root)
        assert (session["status"], session["end_reason"]) == ("interrupted", None)
        row = shell.log()[-1]
        assert (row["command"], row["end"]) == ("echo partial; sleep 100", "interrupted")
        assert shell.printed("echo partial; sleep 100") == "partial\n"


@pytest.mark.parametrize("kind", SHELLS)
def test_the_rc_file_read_again_changes_nothing(root, kind):
    with Shell(kind, root, after="") as shell:
        file = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/config.fish"}[kind]
        for _ in range(3):
            shell.run(f"source {file}")
        shell.run("false")
        found = shell.log(4)
        assert [row["command"] for row in found] == [f"source {file}"] * 3 + ["false"]
        assert [row["exit_status"] for row in found] == [0, 0, 0, 1]
