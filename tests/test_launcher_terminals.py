"""Launcher and hooks together as `rec init --install` writes them: panes, terminals that come again."""

from __future__ import annotations

import subprocess

import pytest
from blackbox import need, rec, wait_for
from shells import SHELLS
from test_launcher import Home, ask, home_of, leave  # noqa: F401  (a fixture)

any_python = True


def installed(home: Home) -> None:
    """Take the lines that a user has, instead of the test's own."""
    home.rc.write_text(home.rc.read_text().split("\n", 2)[2])  # all but the launcher's line
    rec(["init", home.shell, "--install"], home.root, home=home.path, env=home.env(PS1="")).ok()


def turns(home: Home, session: str) -> list[str]:
    asked = rec(["log", session, "--json"], home.root, home=home.path)
    return [row["command"] for row in asked.lines()] if asked.status == 0 else []


@pytest.mark.parametrize("shell", SHELLS)
def test_what_init_writes_records_every_command(home_of, shell):  # noqa: F811
    home = home_of(shell)
    installed(home)
    term = home.ready()
    ask(term, "echo se''en", "\nseen")
    wait_for(lambda: turns(home, "@1") == ["echo se''en"], what="the turn")
    leave(term, 3)
    (session,) = home.sessions()
    assert (session["exit_status"], session["end_reason"]) == (3, "exit")
    rec(["uninstall"], home.root, home=home.path, env=home.env(PS1="")).ok()
    term = home.ready()
    ask(term, "echo pla''in", "\nplain")
    leave(term, 0)
    assert len(home.sessions()) == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_panes_are_recorded_on_when_their_terminal_is_gone(home_of, shell):  # noqa: F811
    """Two panes, a session each; the window in which tmux was started is closed, and another one attached."""
    need("tmux")
    home = home_of(shell)
    installed(home)
    socket = home.path / "tmux"

    def tmux(*words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", str(socket), *words], capture_output=True, text=True, check=True
        ).stdout

    term = home.ready()
    term.line(f"tmux -f /dev/null -S {socket} new-session {shell} ';' split-window {shell}")
    try:
        wait_for(lambda: len(home.sessions()) == 3, what="a session for each pane and the window")
        window = home.sessions()[-1]["ulid"]
        panes = [one["ulid"] for one in home.sessions()[:2]]
        for pane, word in (("0", "first"), ("1", "second")):
            tmux("send-keys", "-t", f".{pane}", f"echo {word}", "Enter")
        said = {"echo first", "echo second"}
        wait_for(lambda: {command for pane in panes for command in turns(home, pane)} == said, what="turns")
        term.close_terminal()
        ended = lambda: {one["ulid"] for one in home.sessions() if one["status"] == "ended"}  # noqa: E731
        wait_for(lambda: ended() == {window}, what="the window's end, and no other")
        tmux("send-keys", "-t", ".0", "echo on", "Enter")
        wait_for(lambda: any("echo on" in turns(home, pane) for pane in panes), what="a turn afterwards")
        assert [one["status"] for one in home.sessions()[:2]] == ["live", "live"]
    finally:
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], check=False, capture_output=True)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("owner", ["gone", "another"])
def test_a_terminal_whose_name_was_recorded_before_is_recorded_again(home_of, shell, owner):  # noqa: F811
    """An old multiplexer keeps our variables; the number of a terminal, and of a process, comes again."""
    home = home_of(shell)
    pid = "4194303" if owner == "gone" else "1"
    stale = f"export REC_TTY=$(tty) REC_PID={pid} REC_START=17 REC_SESSION=01M8CM REC_NONCE=abc; exec {shell}"
    term = home._start(["sh", "-c", stale], root=home.root, home=home.path, env=home.env(), answer=True)
    term.expect("ready> ")
    ask(term, "echo se''en", "\nseen")
    leave(term, 0)
    (session,) = home.sessions()
    assert (session["tool"], session["end_reason"]) == (shell, "exit")
