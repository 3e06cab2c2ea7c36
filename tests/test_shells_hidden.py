"""Lines that are hidden from a shell's history, and marks that are forged: nothing of them is kept."""

from __future__ import annotations

import re
import sys

import pytest
from blackbox import VENV_BIN, all_raw, grep_root, rec
from hooked import NONCE
from shells import SHELLS, Shell

from recorder.marks import encode_private

blackbox = True
SECRET = "s3cret-marker"


def commands(shell) -> list[str]:
    return [row["command"] for row in shell.log()]


def nothing_kept(shell) -> None:
    """The marker is nowhere below the root, while the recorder runs and after it."""
    shell.run("echo last")
    shell.last("echo last")
    assert grep_root(shell.root, SECRET.encode()) == []
    shell.leave()
    assert grep_root(shell.root, SECRET.encode()) == []
    assert SECRET.encode() not in all_raw(shell.root)


@pytest.mark.parametrize(
    ("kind", "before", "line"),
    [
        ("bash", "HISTCONTROL=ignorespace", f" echo {SECRET}"),
        ("bash", "HISTCONTROL=ignoreboth", f" echo {SECRET}"),
        ("bash", "HISTIGNORE='*token*'", f"echo token {SECRET}"),
        ("bash", "HISTSIZE=0", f"echo {SECRET}"),
        ("zsh", "setopt hist_ignore_space", f" echo {SECRET}"),
        ("zsh", "HISTORY_IGNORE='(*token*)'", f"echo token {SECRET}"),
        ("fish", "", f" echo {SECRET}"),
    ],
)
def test_a_line_that_the_history_does_not_take(root, kind, before, line):
    with Shell(kind, root, before=before) as shell:
        hides_all = "HISTSIZE=0" in before
        shell.run("echo one")
        shell.run(line)
        shell.expect(f"{SECRET}\n")  # it ran, and was seen
        shell.run("echo one")
        shell.run("echo two")
        if hides_all:
            assert grep_root(root, SECRET.encode()) == []
            assert commands(shell) == []
            return
        shell.last("echo two")
        assert commands(shell) == ["echo one", "echo one", "echo two"]
        nothing_kept(shell)


def test_a_hidden_line_pasted_between_others(root):
    """Bash draws all of them at one prompt, and runs them one by one."""
    with Shell("bash", root, before="HISTCONTROL=ignorespace") as shell:
        shell.send(f"\x1b[200~echo one\n echo {SECRET}\necho two\x1b[201~")
        shell.run("")
        shell.last("echo two")
        assert commands(shell) == ["echo one", "echo two"]
        assert shell.printed("echo two") == "two\n"
        nothing_kept(shell)


@pytest.mark.parametrize("control", ["ignoredups", "ignoreboth", "erasedups"])
def test_a_line_that_is_only_repeated_is_recorded(root, control):
    with Shell("bash", root, before=f"HISTCONTROL={control}") as shell:
        for _ in range(3):
            shell.run("echo one")
        shell.log(3)
        assert commands(shell) == ["echo one"] * 3
        assert [shell.log()[n]["exit_status"] for n in range(3)] == [0, 0, 0]


def test_bash_without_history(root):
    with Shell("bash", root) as shell:
        shell.run("set +o history")
        shell.run(f"echo {SECRET}")
        shell.run("set -o history")
        shell.run("echo one")
        shell.last("echo one")
        assert "set +o history" in commands(shell)
        nothing_kept(shell)


def test_fish_in_private(root):
    with Shell("fish", root, args=("-i", "--private")) as shell:
        shell.run(f"echo {SECRET}")
        shell.send(f"half a {SECRET}")
        shell.expect(f"half a {SECRET}")
        shell.abandon()
        shell.leave()
        assert grep_root(root, SECRET.encode()) == []


@pytest.mark.parametrize("kind", ["bash", "zsh"])
def test_fish_in_private_inside_another_shell(root, kind):
    with Shell(kind, root) as shell:
        from shells import write_rc

        write_rc("fish", shell.home)
        shell.run("fish --private")
        shell.run(f"echo {SECRET}")
        shell.line("exit")
        shell.ready()
        assert shell.last("fish --private")["exit_status"] == 0
        nothing_kept(shell)


@pytest.mark.parametrize("kind", SHELLS)
def test_pause_and_unpause(root, kind):
    with Shell(kind, root, env={"PATH": f"{VENV_BIN}:/usr/bin:/bin"}) as shell:
        shell.run("echo before")
        shell.run("rec pause")
        shell.run(f"echo {SECRET}")
        shell.run("rec unpause")
        shell.run("echo after")
        assert shell.printed("echo after") == "after\n"
        assert commands(shell)[:2] == ["echo before", "rec pause"]
        assert not any(SECRET in command for command in commands(shell))
        nothing_kept(shell)


@pytest.mark.parametrize("kind", SHELLS)
def test_a_script_that_pauses_in_the_middle(root, kind):
    """In-band: what comes before the pause is kept, what comes behind it is not."""
    with Shell(kind, root, env={"PATH": f"{VENV_BIN}:/usr/bin:/bin"}) as shell:
        script = shell.home / "script"
        script.write_text(f"echo early\nrec pause\necho {SECRET}\nrec unpause\necho late\n")
        shell.run("sh script")
        shell.expect("late\n")
        nothing_kept(shell)
        raw = all_raw(root)
        assert raw.index(b"early") < raw.index(b"late")


@pytest.mark.parametrize("kind", SHELLS)
def test_the_users_patterns(root, kind):
    home = root.parent / "home"
    (home / ".config" / "rec").mkdir(parents=True)
    (home / ".config" / "rec" / "config.toml").write_text(
        "[record]\nignore_commands = ['TOKEN=']\nignore_dirs = ['~/vault']\n"
    )
    (home / "vault" / "deep").mkdir(parents=True)
    with Shell(kind, root) as shell:
        shell.run(f"echo TOKEN={SECRET}")
        shell.run("cd vault/deep")
        shell.run(f"echo {SECRET}")
        shell.run("cd ../..")
        shell.run("echo one")
        shell.last("echo one")
        assert commands(shell) == ["cd vault/deep", "echo one"]
        nothing_kept(shell)


IGNORES_SPACE = {"bash": "HISTCONTROL=ignorespace", "zsh": "setopt hist_ignore_space", "fish": ""}


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("runs", ["sleep", "head -n 1"])
def test_a_hidden_line_typed_ahead_of_the_prompt(root, kind, runs):
    """While a program runs that edits no line, and may read one or not; the shell then gets the rest."""
    with Shell(kind, root, before=IGNORES_SPACE[kind]) as shell:
        command = "sh -c 'echo up; sleep 0.5'" if runs == "sleep" else "sh -c 'echo up; head -n 1; sleep 0.3'"
        shell.line(command)
        shell.expect(re.compile("^up$", re.MULTILINE))
        if runs != "sleep":
            shell.line("for head")
        shell.line(f" echo {SECRET}")
        shell.ready(2)
        shell.last(command)
        shell.run("echo two")
        shell.last("echo two")
        assert commands(shell) == [command, "echo two"]
        nothing_kept(shell)


@pytest.mark.parametrize("kind", SHELLS)
def test_a_line_left_by_ctrl_c(root, kind):
    """Often it is a password that was meant for somebody else."""
    with Shell(kind, root) as shell:
        shell.run("echo one")
        shell.send(SECRET)
        shell.expect(SECRET)
        shell.abandon()
        shell.run("")
        shell.run("echo two")
        shell.last("echo two")
        assert commands(shell) == ["echo one", "echo two"]
        nothing_kept(shell)


# --- forgeries -----------------------------------------------------------------------------------


def forgeries() -> list[bytes]:
    """Marks that a program may print, each a whole or a broken sequence."""
    fake = "f" * 32
    made = [
        encode_private(fake, 1, 10**15, verb, "spoofed", "/") for verb in ("prompt", "start", "hide", "end")
    ]
    made += [encode_private(NONCE, 1, 10**15, verb) for verb in ("pause", "nested", "end")]
    made += [b"\x1bPtmux;" + each.replace(b"\x1b", b"\x1b\x1b") + b"\x1b\\" for each in made[:4]]
    made += [b"\x1b]133;A\x07\x1b]133;C;cmdline=spoofed\x07", b"\x1b]133;D;9\x07", b"\x1b]633;E;spoofed\x07"]
    made += [
        b"\x1b]633;C\x07",
        b"\x1b]7;file:///spoofed\x07",
        b"\x1b]3008;start=x;type=command;cmdline=spoofed\x1b\\",
    ]
    return made


@pytest.mark.parametrize("kind", SHELLS)
def test_forged_marks_change_nothing(root, kind):
    with Shell(kind, root) as shell:
        pieces = [
            f"before {n}\n".encode() + each + f"behind {n}\n".encode() for n, each in enumerate(forgeries())
        ]
        (shell.home / "evil").write_bytes(b"".join(pieces))
        shell.run("cat evil")
        shell.run("echo next")
        assert shell.printed("echo next") == "next\n"
        assert commands(shell) == ["cat evil", "echo next"]
        assert {row["cwd"] for row in shell.log()} == {str(shell.home)}
        assert shell.last("cat evil")["exit_status"] == 0
        text = shell.printed("cat evil")
        for n in range(len(pieces)):
            assert f"before {n}\n" in text
            assert f"behind {n}\n" in text


SMALL = {
    "unterminated": b"\x1b]7373;" + b"f" * 32 + b";1;1;start;cut off",
    "introducer": b"\x1b]",
    "escape": b"\x1b",
}
LARGE = {  # what becomes of them depends on no shell
    "10 MB": b"\x1b]7373;" + b"f" * 32 + b";1;1;start;" + b"x" * (10 << 20) + b"\x07",
    "2 MB unterminated": b"\x1b]133;C;cmdline=" + b"x" * (2 << 20),
}


@pytest.mark.parametrize(
    ("kind", "evil"),
    [
        *(pytest.param(kind, SMALL[name], id=f"{name}-{kind}") for name in SMALL for kind in SHELLS),
        *(pytest.param("bash", LARGE[name], id=name) for name in LARGE),
    ],
)
def test_marks_without_an_end_cut_nothing(root, kind, evil):
    with Shell(kind, root) as shell:
        (shell.home / "evil").write_bytes(b"before\n" + evil)
        for line in ("cat evil", "echo next"):  # this terminal may see no more than the bytes
            typed = shell.position
            shell.line(line)
            shell.expect_raw(b"ready> ", since=typed)
        assert shell.printed("echo next") == "next\n"
        assert commands(shell) == ["cat evil", "echo next"]
        assert "before\n" in shell.printed("cat evil")


@pytest.mark.parametrize("kind", SHELLS)
def test_marks_that_were_seen_before_are_not_believed_again(root, kind):
    """A program with a pty of its own in between can copy them."""
    with Shell(kind, root) as shell:
        program = shell.home / "again.py"
        program.write_text(
            "import os\n"
            "from recorder.marks import encode_private\n"
            "pid, nonce = os.getppid(), os.environ['REC_NONCE']\n"
            "for n in (1, 2, int(os.environ['REC_COUNT']) - 3):\n"
            "    for verb in ('end', 'prompt', 'hide', 'start'):\n"
            "        os.write(1, encode_private(nonce, pid, n, verb, 'spoofed'))\n"
            "print('visible')\n"
        )
        line = f"{sys.executable} again.py"
        shell.run(line)
        shell.run("echo next")
        assert shell.printed("echo next") == "next\n"
        assert commands(shell) == [line, "echo next"]
        assert shell.printed(line) == "visible\n"


@pytest.mark.parametrize("kind", SHELLS)
def test_the_nonce_is_seen_and_not_kept(root, kind):
    with Shell(kind, root) as shell:
        shell.run("printenv REC_NONCE")
        (found,) = shell.expect_raw(re.compile(rb"[\r\n]([0-9a-f]{32})\r")).groups()
        shell.run("env")
        shell.run("set")
        shell.run("echo last")
        shell.last("echo last")
        assert grep_root(root, found) == []
        assert "REC_NONCE=********************************" in rec(["replay", "@1"], root).stdout
