"""The hooks of zsh in a real zsh on a pty: which marks do they give, and what do they leave alone?"""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from blackbox import need
from hooked import NONCE, Hooked, Mark, ran, said

any_python = True

HOOKS = Path(__file__).parents[1] / "shell" / "hooks.zsh"
SOURCE = f"[ -r {HOOKS} ] && . {HOOKS}"


@pytest.fixture(autouse=True)
def _zsh():
    need("zsh")


def zsh(home, rc="", *, behind="", **more) -> Hooked:
    """Start a zsh whose .zshrc is ``rc``, then the hooks, then ``behind``."""
    (home / ".zshrc").write_text(f"PROMPT='$ '\n{rc}\n{SOURCE}\n{behind}\n")
    shell = Hooked(["zsh", "-d", "-i"], home, **more)
    if more.get("recorded", True):
        shell.prompts(1)
    return shell


HIDDEN = [("hide",), ("end", "0"), ("prompt",)]


def test_what_runs_nothing_gives_only_a_prompt(tmp_path):
    with zsh(tmp_path, "setopt interactive_comments") as shell:
        for line in ["", "# a comment", ")"]:
            assert said(shell.enter(line)) == [("prompt",)], line
        shell.type("abandoned")
        shell.wait("abandoned")
        shell.quiet()
        count = len(shell.marks())
        shell.type(b"\x03")
        shell.prompts(5)
        assert said(shell.marks()[count:]) == [("prompt",)]
        assert said(shell.enter("true")) == ran("true")


@pytest.mark.parametrize(
    "text",
    [
        "echo 'a\nb'",
        "cat <<E\none\ntwo\nE",
        "for i in 1 2; do\necho $i\ndone",
        r"echo 'a;b\c%d%3B 😀 ✓ é'",
        "echo é # with a comment",
        "true '\x01\a\x1b\x7f'",
    ],
)
def test_the_text_is_what_was_typed(tmp_path, text):
    with zsh(tmp_path, "setopt interactive_comments") as shell:
        typed = re.sub("[\x01-\x09\x0b-\x1f\x7f]", "\x16\\g<0>", text)
        assert said(shell.enter(typed.replace("\n", "\r"))) == ran(text)


def test_a_very_long_command(tmp_path):
    with zsh(tmp_path) as shell:
        text = "true '" + "é%; " * 40_000 + "'"
        shell.type(b"\x1b[200~" + text.encode() + b"\x1b[201~")
        assert said(shell.enter("")) == ran(text)
        assert said(shell.enter("true")) == ran("true")


def test_what_zsh_prints_at_the_end_of_a_line_stands_right_before_the_end(tmp_path):
    """zsh writes its mark and a row of blanks before precmd, so no hook can come before it."""
    with zsh(tmp_path) as shell:
        shell.enter("printf foo")
        start, end = (shell.pieces.index(shell.marks(verb)[-1]) for verb in ("start", "end"))
        printed = b"".join(piece for piece in shell.pieces[start:end] if isinstance(piece, bytes))
        assert re.fullmatch(rb"foo\x1b\[1m\x1b\[7m[#%]\x1b\[27m\x1b\[1m\x1b\[0m {99}\r \r", printed)


def test_ctrl_c_and_ctrl_z(tmp_path):
    with zsh(tmp_path) as shell:
        for line, key, status in [
            ("sleep 99", b"\x03", 130),
            ("sleep 98", b"\x1a", 148),
            ("fg", b"\x03", 130),
        ]:
            count = len(shell.marks())
            prompts = len(shell.marks("prompt"))
            shell.type(f"{line}\r")
            shell.until(lambda seen=count: len(shell.marks()) > seen, "the start")
            if line == "fg":
                shell.wait("continued")
            shell.runs("sleep")
            shell.type(key)
            shell.prompts(prompts + 1)
            assert said(shell.marks()[count:]) == ran(line, status)


# --- hiding ---------------------------------------------------------------------------------------------


def test_a_leading_space_hides_only_with_the_option(tmp_path):
    with zsh(tmp_path) as shell:
        assert said(shell.enter(" true")) == ran(" true")
        shell.enter("setopt hist_ignore_space")
        assert said(shell.enter(" true secret")) == HIDDEN
        assert said(shell.enter("\x16\ttrue")) == ran("\ttrue")  # zsh keeps these


def test_an_alias_that_begins_with_a_space_hides_as_in_zsh(tmp_path):
    rc = "setopt hist_ignore_space; alias sp=' true' by=sp plain=true; alias -g G=' x'"
    with zsh(tmp_path, rc) as shell:
        for line in ["sp 1", "true; sp 2", "by 3"]:
            assert said(shell.enter(line)) == HIDDEN, line
        assert said(shell.enter("plain 4")) == ran("plain 4")
        shell.enter("print -r -- kept: $(fc -l -n 1)")
        assert b"kept: plain 4" in shell.shown


@pytest.mark.parametrize("rc", ["", "setopt extended_glob no_multibyte ksh_arrays"])
def test_history_ignore_hides(tmp_path, rc):
    with zsh(tmp_path, f"HISTORY_IGNORE='(true secret*|: *)'; {rc}") as shell:
        assert said(shell.enter("true secret 1")) == HIDDEN
        assert said(shell.enter("true other")) == ran("true other")
        shell.enter("HISTORY_IGNORE='(unreadable'")
        assert said(shell.enter("true secret 2")) == ran("true secret 2")
        assert b"bad pattern" not in shell.shown


# --- neighbours and the user's own ---------------------------------------------------------------------


HOSTILE = (
    "setopt ksh_arrays sh_word_split no_unset glob_subst no_multibyte warn_create_global posix_builtins "
    "ignore_braces rc_quotes err_return all_export"
)


@pytest.mark.parametrize("when", ["before", "behind"])
def test_options_and_aliases_of_the_user(tmp_path, when):
    unkind = "; alias print='echo BAD' emulate=false local=false export=false unset=false typeset=false"
    rcs = {when: HOSTILE + unkind}
    with zsh(tmp_path, rcs.get("before", ""), behind=rcs.get("behind", "")) as shell:
        assert said(shell.enter("false")) == ran("false", 1)
        assert said(shell.enter("echo é% ';'")) == ran("echo é% ';'")
        shell.enter("set -x")
        assert said(shell.enter("true")) == ran("true")
        shell.enter("set +x; set -e")
        assert said(shell.enter("true")) == ran("true")
        assert b"BAD" not in shell.shown
        assert b"__rec" not in shell.shown


@pytest.mark.parametrize("rc", ["emulate ksh", "IFS=';/'", "setopt posix_builtins sh_glob"])
def test_other_ways_to_read_a_file(tmp_path, rc):
    with zsh(tmp_path, rc) as shell:
        assert said(shell.enter("true")) == ran("true")


def test_status_and_last_argument_are_the_users(tmp_path):
    rc = "precmd() { echo one:$?:$_ }; late() { echo two:$?:$_:$pipestatus }; precmd_functions=(late)"
    with zsh(tmp_path, rc) as shell:
        shell.enter("true word | false word")
        assert b"one:1:word" in shell.shown
        assert b"two:1:word:0 1" in shell.shown
        shell.enter("echo three:$?:$pipestatus")
        assert b"three:1:0 1" in shell.shown


@pytest.mark.parametrize("when", ["before", "behind"])
def test_what_others_print_lies_outside_of_the_command(tmp_path, when):
    other = (
        "autoload -Uz add-zsh-hook; talk() { echo PRECMD }; tell() { echo PREEXEC }; "
        "add-zsh-hook precmd talk; add-zsh-hook preexec tell"
    )
    with zsh(tmp_path, **({"rc": other} if when == "before" else {"behind": other})) as shell:
        count = len(shell.pieces)
        shell.enter("true")
        pieces = shell.pieces[count:]
        told = [piece.verb for piece in pieces if isinstance(piece, Mark)]
        assert told == ["start", "end", "prompt"]
        parts: dict[str, bytes] = {}
        verb = "typed"
        for piece in pieces:
            if isinstance(piece, Mark):
                verb = piece.verb
            else:
                parts[verb] = parts.get(verb, b"") + piece
        assert b"PREEXEC" in parts["typed"]
        assert b"PRECMD" in parts["end"]
        assert b"PRE" not in parts["start"] + parts["prompt"]


def test_two_that_both_want_to_be_last_do_not_fight(tmp_path):
    rival = "rival() { precmd_functions=(${precmd_functions:#rival} rival); ((n++)) }; typeset -i n; rival"
    with zsh(tmp_path, behind=rival) as shell:
        for _ in range(3):
            assert said(shell.enter("true")) == ran("true")
        shell.enter("print n=$n: $#precmd_functions:")
        assert b"n=5: 3:" in shell.shown


def test_a_theme_that_builds_its_prompt_anew_is_left_alone(tmp_path):
    theme = 'theme() { PROMPT="%F{green}theme$((++drawn))%f " }; precmd_functions+=(theme); RPROMPT=right'
    with zsh(tmp_path, theme) as shell:
        shell.enter("true")
        shell.enter('print -r "<$PROMPT|$RPROMPT>"')
        assert b"<%F{green}theme2%f |right>" in shell.shown


def test_nothing_is_doubled_or_lost_when_the_rc_file_is_read_again(tmp_path):
    with zsh(tmp_path, "precmd_functions=(); preexec_functions=()") as shell:
        for _ in range(3):
            assert said(shell.enter("source ~/.zshrc")) == ran("source ~/.zshrc")
        assert said(shell.enter("true")) == ran("true")
        shell.enter("print -- $precmd_functions, $preexec_functions, 4")
        assert b"__rec_end __rec_prompt, __rec_start, 4" in shell.shown


def test_hooks_that_somebody_threw_away_come_back(tmp_path):
    with zsh(tmp_path) as shell:
        shell.type("precmd_functions=(); echo threw\r")
        shell.wait("\nthrew")
        shell.enter("echo again")
        assert said(shell.enter("true")) == ran("true")


def test_options_and_variables_stay_as_they_are(tmp_path):
    state = "print -l -- $PROMPT $RPROMPT $PS2 $HISTSIZE ${(kv)options} ${(kv)aliases}; bindkey; zle -l; trap"
    with zsh(
        tmp_path, f"setopt prompt_subst; {{ {state} }} >before", behind=f"{{ {state} }} >behind"
    ) as _shell:
        pass
    assert len((tmp_path / "before").read_text()) > 1000
    assert (tmp_path / "before").read_text() == (tmp_path / "behind").read_text()


def test_a_widget_that_runs_a_program_and_hooks_gives_nothing(tmp_path):
    widget = (
        "look() { local f; for f in $precmd_functions; do $f; done; /bin/echo WIDGET; zle reset-prompt }; "
        "zle -N look; bindkey '^T' look"
    )
    with zsh(tmp_path, widget) as shell:
        count = len(shell.marks())
        shell.type("tru\x14")
        shell.wait("WIDGET")
        assert said(shell.enter("e")) == ran("true")
        assert len(shell.marks()) == count + 3
        shell.type("vared -c x\r")
        shell.until(lambda: len(shell.marks("start")) == 2, "the start")
        before = shell.shown.count(b"WIDGET")
        shell.type("\x14")
        shell.until(lambda: shell.shown.count(b"WIDGET") > before, "the widget again")
        assert said(shell.enter("")) == ran("vared -c x")[1:]


# --- where the hooks are, and where they are not -------------------------------------------------------


def test_a_shell_within_has_its_own_number(tmp_path):
    with zsh(tmp_path) as shell:
        shell.type("zsh -d\r")
        shell.prompts(2)
        shell.enter("true")
        inner = shell.marks()[-1].pid
        assert inner != shell.child.pid
        shell.enter("exit 3")
        told = [(mark.pid == inner, mark.verb) for mark in shell.marks()[2:]]
        inside = [(True, verb) for verb in ("prompt", "start", "end", "prompt", "start")]
        assert told == [*inside, (False, "end"), (False, "prompt")]
        assert shell.marks("end")[-1].args == ("3",)


def test_exec_goes_on_counting(tmp_path):
    with zsh(tmp_path) as shell:
        shell.enter("true")
        shell.enter("exec zsh -d")
        shell.enter("true")
        counters = [mark.counter for mark in shell.marks()]
        assert counters == sorted(set(counters))
        assert {mark.pid for mark in shell.marks()} == {shell.child.pid}
        assert said(shell.marks())[-4:] == [("prompt",), *ran("true")]


def test_exec_where_all_variables_are_exported(tmp_path):
    with zsh(tmp_path, "setopt all_export") as shell:
        shell.enter("exec zsh -d")
        assert said(shell.enter("true")) == ran("true")


def test_standard_output_elsewhere(tmp_path):
    with zsh(tmp_path) as shell:
        assert said(shell.enter("exec 5>&1 >out")) == ran("exec 5>&1 >out")
        assert said(shell.enter("echo text")) == ran("echo text")
        shell.enter("exec >&5")
        assert (tmp_path / "out").read_text() == "text\n"


# What is defined at the first prompt, whose name is ours.
QUIET = """
left() { print -- LEFT ${(M)${(k)functions}:#__rec*} ${(M)${(k)parameters}:#__rec*} END }
precmd_functions=(left)
"""


@pytest.mark.parametrize(
    "change",
    [
        {"REC_TTY": "/dev/null"},
        {"REC_TTY": "/nowhere"},
        {"REC_PID": "999999999"},
        {"REC_PID": "../self"},
        {"REC_START": "1"},
        {"REC_NONCE": ""},
    ],
)
def test_nothing_is_left_where_nothing_is_recorded(tmp_path, change):
    words = "".join(f"export {name}={value}\n" for name, value in change.items())
    (tmp_path / ".zshrc").write_text(f"{QUIET}\n{words}\n{SOURCE}\n")
    with Hooked(["zsh", "-d", "-i"], tmp_path) as shell:
        shell.wait("LEFT END")
        assert shell.marks() == []
        assert b"rec:" not in shell.shown


def told() -> dict[str, str]:
    """What a shell is told that is recorded by this process, but for the terminal."""
    start = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    return {"REC_NONCE": NONCE, "REC_PID": str(os.getpid()), "REC_START": start, "REC_TTY": "/nowhere"}


def test_an_unrecorded_shell(tmp_path):
    with zsh(tmp_path, QUIET, recorded=False) as shell:
        shell.wait("LEFT END")
        assert shell.marks() == []


def test_a_script_is_told_nothing(tmp_path):
    master, slave = pty.openpty()
    script = f"REC_TTY=$(tty); . {HOOKS}; print -- $? ${{(M)${{(k)functions}}:#__rec*}} END"
    done = subprocess.run(
        ["zsh", "-fc", script],
        stdin=slave,
        capture_output=True,
        env=os.environ | told(),
        timeout=20,
        check=True,
    )
    os.close(master)
    os.close(slave)
    assert (done.stdout, done.stderr) == (b"0 END\n", b"")


def test_a_zsh_too_old_says_so_once(tmp_path):
    (tmp_path / ".zshrc").write_text(f"{QUIET}ZSH_VERSION=5.7.1\n{SOURCE}\n")
    with Hooked(["zsh", "-d", "-i"], tmp_path) as shell:
        shell.wait("LEFT END")
        assert shell.shown.count(b"rec: could not follow the commands: zsh is 5.7.1, older than 5.8\r\n") == 1
        assert shell.shown.count(b"rec:") == 1
        assert shell.marks() == []


def test_neither_fork_nor_program(tmp_path):
    need("strace")
    trace = tmp_path / "trace"
    (tmp_path / ".zshrc").write_text(f"PROMPT='$ '\n{SOURCE}\n")
    calls = "trace=fork,vfork,clone,clone3,execve"
    with Hooked(["strace", "-f", "-o", trace, "-e", calls, "zsh", "-d", "-i"], tmp_path) as shell:
        shell.prompts(1)
        for _ in range(5):
            shell.enter(":")
        assert len(shell.marks()) == 16
    assert trace.read_text().count("execve(") == 1
    assert "fork(" not in trace.read_text()
    assert "clone" not in trace.read_text()
