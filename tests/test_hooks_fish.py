"""The hooks of fish in a real fish on a pty: which marks do they give, and what do they leave alone?"""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from blackbox import need
from hooked import NONCE, Hooked, ran, said
from shells import spare_the_manual

any_python = True

HOOKS = Path(__file__).parents[1] / "shell" / "hooks.fish"
SOURCE = f"test -r {HOOKS}; and source {HOOKS}"
PROMPT = 'function fish_greeting; end; function fish_prompt; echo -n "<$status|$pipestatus> "; end'
HIDDEN = [("hide",), ("end", "0"), ("prompt",)]


@pytest.fixture(autouse=True)
def _fish():
    need("fish")


def fish(home, rc="", *, behind="", words=("-i",), marked=True) -> Hooked:
    """Start a fish whose config.fish is ``rc``, then the hooks, then ``behind``."""
    config = home / ".config" / "fish" / "config.fish"
    config.parent.mkdir(parents=True, exist_ok=True)
    spare_the_manual(home)
    config.write_text(f"{PROMPT}\n{rc}\n{SOURCE}\n{behind}\n")
    shell = Hooked(["fish", *words], home, env={"SHELL": "/usr/bin/fish"})
    if marked:
        shell.prompts(1)
    return shell


def test_what_runs_nothing_gives_only_a_prompt(tmp_path):
    with fish(tmp_path) as shell:
        for line in ["", "# a comment", "   "]:
            assert said(shell.enter(line))[-1] == ("prompt",), line
            assert shell.marks("start") == []
        shell.type("echo )\r")
        shell.prompts(5)
        assert b"Unexpected" in shell.shown
        shell.type(b"\x03")
        shell.prompts(6)
        assert shell.marks("start") == []
        assert said(shell.enter("true")) == ran("true")


@pytest.mark.parametrize(
    "text",
    [
        "echo 'a\nb'",
        "for i in 1 2\necho $i\nend",
        r"echo 'a;b\\c%d%3B 😀 ✓ é'",
        "echo é # with a comment",
        "# comment\necho 1",
    ],
)
def test_the_text_is_what_was_typed(tmp_path, text):
    with fish(tmp_path) as shell:
        # Pasted: fish indents lines that are typed.
        shell.type(b"\x1b[200~" + text.encode() + b"\x1b[201~")
        assert said(shell.enter("")) == ran(text)


def test_a_very_long_command(tmp_path):
    """Not pasted: fish takes minutes to highlight it. A key puts it into the line."""
    put = """function put; commandline -r "true '"(string repeat -n 40000 'é%; ')"'"; end; bind \\ct put"""
    with fish(tmp_path, behind=put) as shell:
        assert said(shell.enter("\x14")) == ran("true '" + "é%; " * 40_000 + "'")
        assert said(shell.enter("true")) == ran("true")


def test_the_end_stands_before_the_return_symbol(tmp_path):
    with fish(tmp_path) as shell:
        shell.enter("printf foo")
        end = shell.pieces.index(shell.marks("end")[-1])
        before, behind = (
            b"".join(piece for piece in part if isinstance(piece, bytes))
            for part in (shell.pieces[:end], shell.pieces[end:])
        )
        assert before.endswith(b"foo")
        assert "⏎".encode() in behind


def test_ctrl_c_and_ctrl_z(tmp_path):
    """fish 3.6 leaves $status as it was where a job stops, and where `fg` has resumed it: 0 here."""
    with fish(tmp_path) as shell:
        lines = [
            ("sleep 98", b"\x1a", {"148"}),
            ("fg", b"\x03", {"0", "130"}),
            ("sleep 99", b"\x03", {"130"}),
        ]
        for line, key, statuses in lines:
            count = len(shell.marks())
            prompts = len(shell.marks("prompt"))
            shell.type(f"{line}\r")
            shell.until(lambda seen=count: len(shell.marks()) > seen, "the start")
            shell.runs("sleep")
            shell.type(key)
            shell.prompts(prompts + 1)
            told = said(shell.marks()[count:])
            assert told[0] == ("start", line)
            assert told[1][0] == "end"
            assert told[1][1] in statuses
            assert told[2:] == [("prompt",)]


# --- hiding ---------------------------------------------------------------------------------------------


def test_a_leading_space_hides(tmp_path):
    with fish(tmp_path) as shell:
        assert said(shell.enter(" true secret")) == HIDDEN
        assert said(shell.enter(" # secret")) == HIDDEN
        assert said(shell.enter("true")) == ran("true")


def test_a_function_of_the_user_hides(tmp_path):
    rc = "function fish_should_add_to_history; echo NO; not string match -q '*secret*' -- $argv[1]; end"
    with fish(tmp_path, rc) as shell:
        assert said(shell.enter("true secret")) == HIDDEN
        assert said(shell.enter("true")) == ran("true")
        assert b"NO" not in shell.shown


def test_private_mode_hides_all_and_says_so_with_each_prompt(tmp_path):
    with fish(tmp_path, words=("--private", "-i")) as shell:
        assert said(shell.enter("true secret")) == HIDDEN
        assert {mark.args for mark in shell.marks("prompt")} == {(str(tmp_path), "private")}


@pytest.mark.parametrize(
    ("on", "off"),
    [
        ("set fish_private_mode 1", "set -e fish_private_mode"),
        ("set -g fish_history ''", "set -e fish_history"),
    ],
)
def test_private_mode_begins_and_ends(tmp_path, on, off):
    with fish(tmp_path) as shell:
        shell.enter(on)
        assert shell.marks()[-1].args == (str(tmp_path), "private")
        assert said(shell.enter("true secret")) == HIDDEN
        shell.enter(off)
        assert shell.marks()[-1].args == (str(tmp_path),)
        assert said(shell.enter("true")) == ran("true")


# --- neighbours and the user's own ---------------------------------------------------------------------


def test_status_is_the_users(tmp_path):
    with fish(tmp_path) as shell:
        shell.enter("true | false")
        assert b"<1|0 1> " in shell.shown
        shell.enter("")
        assert shell.shown.count(b"<1|0 1> ") >= 2
        shell.enter('echo three:$status:"$pipestatus"')
        assert b"three:1:0 1" in shell.shown


@pytest.mark.parametrize("when", ["rc", "behind"])
def test_handlers_of_others_run_too(tmp_path, when):
    other = (
        "function a --on-event fish_preexec; echo PRE; false; end; "
        "function b --on-event fish_postexec; echo POST:$status; false; end; "
        "function c --on-event fish_prompt; echo NEW; false; end"
    )
    with fish(tmp_path, **{when: other}) as shell:
        assert said(shell.enter("sh -c 'exit 7'")) == ran("sh -c 'exit 7'", 7)
        for text in (b"PRE\r\n", b"POST:7\r\n", b"NEW\r\n"):
            assert text in shell.shown


def test_functions_named_like_builtins(tmp_path):
    rc = (
        'for name in printf math realpath echo; functions -q $name; or eval "function $name; false; end"; end'
    )
    with fish(tmp_path, rc) as shell:
        assert said(shell.enter("false")) == ran("false", 1)


def test_nothing_is_doubled_when_the_config_is_read_again(tmp_path):
    with fish(tmp_path) as shell:
        for _ in range(3):
            assert said(shell.enter("source ~/.config/fish/config.fish")) == ran(
                "source ~/.config/fish/config.fish"
            )
        assert said(shell.enter("true")) == ran("true")
        shell.enter("functions --handlers >handlers")
        assert (tmp_path / "handlers").read_text().count("__rec") == 5


def test_prompt_functions_and_keys_stay_as_they_are(tmp_path):
    state = "begin; functions fish_prompt; bind; alias; abbr; set -S fish_key_bindings; status features; end"
    with fish(tmp_path, f"{state} >before", behind=f"{state} >behind"):
        pass
    assert "function fish_prompt" in (tmp_path / "before").read_text()
    assert (tmp_path / "before").read_text() == (tmp_path / "behind").read_text()


def test_a_key_that_runs_a_program_gives_nothing(tmp_path):
    key = "function look; command echo WIDGET; commandline -f repaint; end; bind \\ct look"
    with fish(tmp_path, behind=key) as shell:
        count = len(shell.marks())
        shell.type("tru\x14")
        shell.wait("WIDGET")
        assert said(shell.enter("e")) == ran("true")
        assert len(shell.marks()) == count + 3


def test_read_within_a_command_is_no_prompt(tmp_path):
    with fish(tmp_path) as shell:
        shell.type("read -p 'printf %s%s A SK' word\r")
        shell.wait("ASK")
        shell.enter("abc")
        assert said(shell.marks())[1:] == ran("read -p 'printf %s%s A SK' word")


# --- where the hooks are, and where they are not -------------------------------------------------------


def test_a_shell_within_has_its_own_number(tmp_path):
    with fish(tmp_path) as shell:
        shell.type("fish\r")
        shell.prompts(2)
        shell.enter("true")
        inner = shell.marks()[-1].pid
        assert inner != shell.child.pid
        shell.enter("exit 3")
        told = [(mark.pid == inner, mark.verb) for mark in shell.marks()[2:]]
        inside = [(True, verb) for verb in ("prompt", "start", "end", "prompt", "start", "end")]
        assert told == [*inside, (False, "end"), (False, "prompt")]
        assert [mark.args for mark in shell.marks("end")[-2:]] == [("3",), ("3",)]


def test_exec_goes_on_counting(tmp_path):
    with fish(tmp_path) as shell:
        shell.enter("true")
        shell.enter("exec fish")
        shell.enter("true")
        counters = [mark.counter for mark in shell.marks()]
        assert counters == sorted(set(counters))
        assert {mark.pid for mark in shell.marks()} == {shell.child.pid}
        assert said(shell.marks())[-4:] == [("prompt",), *ran("true")]


# What is defined at the first prompt, whose name is ours.
QUIET = """
function left --on-event fish_prompt
    echo LEFT (functions -na | string match '__rec*') (set -n | string match '__rec*') END
end
"""


@pytest.mark.parametrize(
    "change",
    [
        "set -x REC_TTY /dev/null",
        "set -x REC_TTY /nowhere",
        "set -x REC_PID 999999999",
        "set -x REC_PID ../self",
        "set -x REC_START 1",
        "set -x REC_NONCE ''",
        "set -e REC_NONCE REC_PID REC_TTY REC_START",
    ],
)
def test_nothing_is_left_where_nothing_is_recorded(tmp_path, change):
    with fish(tmp_path, f"{QUIET}\n{change}", marked=False) as shell:
        shell.wait("LEFT END")
        assert shell.marks() == []
        assert b"rec" not in shell.shown.lower().replace(b"record", b"")


def test_a_script_is_told_nothing(tmp_path):
    master, slave = pty.openpty()
    start = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    told = {"REC_NONCE": NONCE, "REC_PID": str(os.getpid()), "REC_START": start, "REC_TTY": os.ttyname(slave)}
    script = f"source {HOOKS}; echo $status (functions -na | string match '__rec*') END"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        stdin=slave,
        capture_output=True,
        env=os.environ | told | {"HOME": str(tmp_path)},
        timeout=20,
        check=True,
    )
    os.close(master)
    os.close(slave)
    assert (done.stdout, done.stderr) == (b"0 END\n", b"")


def test_a_fish_too_old_says_so_once(tmp_path):
    # The version is readonly: the text of the file is made to look at another.
    hooks = tmp_path / "hooks.fish"
    text = re.sub(r"\$version\b", "$older", HOOKS.read_text())
    hooks.write_text(text)
    assert text.count("$older") == 2
    rc = f"{QUIET}set older 3.5.1; source {hooks}; set -e REC_NONCE"
    with fish(tmp_path, rc, marked=False) as shell:
        shell.wait("LEFT END")
        assert (
            shell.shown.count(b"rec: could not follow the commands: fish is 3.5.1, older than 3.6\r\n") == 1
        )
        assert shell.shown.count(b"rec:") == 1
        assert shell.marks() == []


def test_neither_fork_nor_program(tmp_path):
    need("strace")
    trace = tmp_path / "trace"
    config = tmp_path / ".config" / "fish" / "config.fish"
    config.parent.mkdir(parents=True)
    spare_the_manual(tmp_path)
    config.write_text(f"{PROMPT}\n{SOURCE}\n")
    calls = "trace=fork,vfork,clone,clone3,execve"
    with Hooked(["strace", "-f", "-o", trace, "-e", calls, "fish", "-i"], tmp_path) as shell:
        shell.prompts(1)
        shell.enter(":")
        begun = len(processes(trace))
        for _ in range(5):
            shell.enter(":")
        assert len(shell.marks()) == 19
        assert len(processes(trace)) == begun


def processes(trace: Path) -> list[str]:
    """Return the calls by which the shell made a process, or started a program; it also makes threads."""
    lines = trace.read_text().splitlines()
    shell = lines[0].split()[0]  # what it has started in the background may go on doing the same
    return [
        line for line in lines if line.startswith(f"{shell} ") and "(" in line and "CLONE_THREAD" not in line
    ]
