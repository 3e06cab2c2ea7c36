"""The marks that the hooks of a real bash give, among settings and neighbours of all kinds."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from blackbox import need
from hooked import Hooked

any_python = True

HOOKS = Path(__file__).parents[1] / "shell" / "hooks.bash"
SOURCE = f"[ -r {HOOKS} ] && . {HOOKS}\n"


def bash(home, before="", after="", env=None, argv=None, recorded=True):
    """Return a bash whose rc file has ``before``, our line, and ``after``."""
    rc = home / "rc.bash"
    rc.write_text(f"PS1='<$?>$ '\n{before}\n{SOURCE}{after}\n")
    return Hooked(argv or ["bash", "--rcfile", rc, "-i"], home, env=env, recorded=recorded)


def said(marks):
    """Return verb and what matters of the arguments; directories are looked at apart."""
    kept = {"start": lambda args: (args[0], *args[2:]), "prompt": lambda args: args[1:]}
    return [(mark.verb, *kept.get(mark.verb, lambda args: args)(mark.args)) for mark in marks]


def ran(line, status=0, *more):
    return [("start", line, *more), ("end", str(status)), ("prompt",)]


def last_text(shell):
    """Return the bytes of the last start's text."""
    body = [body for body in shell.bodies if b";line;" in body][-1]
    return re.sub(rb"^ *[0-9]+[* ] ", b"", unquote_to_bytes(body.split(b";")[6]))


def check(shell, *, prompts=1):
    """See one start and one end for each of some commands, with the right status."""
    shell.prompts(prompts)
    for line, status in [("true", 0), ("(exit 9)", 9), ("echo done", 0)]:
        assert said(shell.enter(line)) == ran(line, status)


def test_commands_statuses_and_directories(tmp_path):
    with bash(tmp_path) as shell:
        check(shell)
        assert said(shell.enter("sh -c 'exit 42'")) == ran("sh -c 'exit 42'", 42)
        odd = tmp_path / "a b%;\n"
        odd.mkdir()
        start, _, prompt = shell.enter("cd a*")
        assert (start.args[1], prompt.args) == (str(tmp_path), (str(odd),))
        counters = [mark.counter for mark in shell.marks()]
        assert counters == sorted(set(counters))
        assert len({mark.pid for mark in shell.marks()}) == 1


def test_what_runs_nothing_gives_only_a_prompt(tmp_path):
    with bash(tmp_path) as shell:
        shell.prompts(1)
        for line in [b"", b"# comment", b"if )", b""]:
            assert said(shell.enter(line)) == [("prompt",)]
        shell.type("typed")
        shell.until(lambda: b"typed" in shell.shown)
        shell.quiet()  # readline must be reading again, or it looks at the signal at the next key
        shell.type("\x03")
        shell.prompts(6)
        assert said(shell.enter("echo next")) == ran("echo next")


@pytest.mark.parametrize(
    "text",
    [
        b"echo 'a\nb'",
        b"cat <<E\nx \nE\n",
        b": 'x  ' ; : \\a %41 & \xf0\x9f\x98\x80 \xe2\x9c\x93",
        b": '" + bytes(range(1, 32)) + b"\x7f'",
        b": \xff\xfe\xe9",
        b": '\xff\x01;\xe9'",
        b": " + b"x" * 200_000,
        b": '" + b";%\xc3\xa9" * 50_000 + b"'",
    ],
    ids=["quoted", "heredoc", "signs", "controls", "no-utf8", "no-utf8-controls", "long", "long-encoded"],
)
@pytest.mark.parametrize(
    "before", ["", "HISTTIMEFORMAT='%F %T '", "readonly TMPDIR"], ids=["plain", "times", "fork"]
)
def test_the_text_is_exact(tmp_path, text, before):
    (tmp_path / "line").write_bytes(text)
    load = f"""bind -x '"\\C-xa": IFS= read -rd "" READLINE_LINE <{tmp_path}/line'"""
    with bash(tmp_path, before, load) as shell:
        shell.prompts(1)
        shell.type("\x18a")
        assert [mark.verb for mark in shell.enter("")] == ["start", "end", "prompt"]
        assert last_text(shell).rstrip(b"\n") == text.rstrip(b"\n")
        assert said(shell.enter("echo next")) == ran("echo next")


def test_a_readonly_time_format_is_no_part_of_the_text(tmp_path):
    with bash(tmp_path, "readonly HISTTIMEFORMAT='%F %T '") as shell:
        check(shell)


def test_lines_pasted_at_once_have_a_start_each(tmp_path):
    with bash(tmp_path, "HISTCONTROL=ignorespace") as shell:
        shell.prompts(1)
        shell.type("\x1b[200~echo a\n echo hid\necho c\x1b[201~")
        assert said(shell.enter(""))[:3] == [
            ("start", "echo a"),
            ("start", "echo a", "stale"),
            ("start", "echo c"),
        ]


def test_lines_that_the_history_does_not_take_are_stale(tmp_path):
    with bash(tmp_path, "HISTCONTROL=ignoreboth HISTIGNORE='ls*'") as shell:
        shell.prompts(1)
        assert said(shell.enter("echo one")) == ran("echo one")
        for line in ["echo one", " echo hidden", "ls /dev/null"]:
            assert said(shell.enter(line)) == ran("echo one", 0, "stale")
        assert said(shell.enter("echo two")) == ran("echo two")
        assert said(shell.enter("history -c")) == ran("history -c")
        assert said(shell.enter("echo three")) == ran("echo three")
        assert said(shell.enter("!!; :")) == ran("echo three; :")
        assert said(shell.enter("history -d 1")) == ran("history -d 1")
        assert said(shell.enter(" echo hidden")) == ran("history -d 1", 0, "stale")


def test_a_full_history_list_is_not_taken_for_a_hidden_line(tmp_path):
    with bash(tmp_path, "HISTSIZE=2") as shell:
        shell.prompts(1)
        for line in ["echo 1", "echo 2", "echo 3", "echo 4"]:
            assert said(shell.enter(line)) == ran(line)


def test_erasing_duplicates_gives_the_text_that_was_typed(tmp_path):
    with bash(tmp_path, "HISTCONTROL=erasedups") as shell:
        shell.prompts(1)
        for line in ["echo 1", "echo 2", "echo 1"]:
            assert said(shell.enter(line))[0][:2] == ("start", line)


@pytest.mark.parametrize(("off", "on"), [("set +o history", "set -o history"), ("HISTSIZE=0", "HISTSIZE=9")])
def test_without_a_history_commands_are_hidden(tmp_path, off, on):
    with bash(tmp_path) as shell:
        shell.prompts(1)
        assert said(shell.enter(off)) == [("start", off), ("end", "0"), ("prompt", "private")]
        assert said(shell.enter("echo secret")) == [("hide",), ("end", "0"), ("prompt", "private")]
        assert said(shell.enter(on)) == [("hide",), ("end", "0"), ("prompt",)]
        assert said(shell.enter("echo back")) == ran("echo back")
        assert not [body for body in shell.bodies if b"secret" in body]


def test_interrupted_and_stopped(tmp_path):
    with bash(tmp_path) as shell:
        shell.prompts(1)
        for key, status, line in [
            ("\x03", "130", "sleep 50"),
            ("\x1a", "148", "sleep 51"),
            ("\x03", "130", "fg"),
        ]:
            count = len(shell.marks("prompt"))
            shell.type(f"{line}\r")
            shell.until(lambda line=line: shell.marks("start") and shell.marks("start")[-1].args[0] == line)
            shell.runs("sleep")
            shell.type(key)
            shell.prompts(count + 1)
            assert shell.marks("end")[-1].args == (status,)


def test_typed_ahead(tmp_path):
    with bash(tmp_path) as shell:
        shell.prompts(1)
        shell.type("read x; echo $x\r")
        shell.until(lambda: shell.marks("start"))
        shell.type("go\necho two\n")
        shell.prompts(3)
        assert said(shell.marks()[1:]) == ran("read x; echo $x") + ran("echo two")


PROMPT_COMMANDS = {
    "unset": "unset PROMPT_COMMAND",
    "empty": "PROMPT_COMMAND=",
    "scalar": "PROMPT_COMMAND='theirs \"$_\"'",
    "semicolon": "PROMPT_COMMAND='theirs \"$_\"; '",
    "array": "PROMPT_COMMAND=('theirs \"$_\"' true)",
    "exported": "export PROMPT_COMMAND='theirs \"$_\"'",
}


@pytest.mark.parametrize("kind", PROMPT_COMMANDS)
def test_prompt_command_of_the_user_sees_what_it_saw(tmp_path, kind):
    before = 'theirs() { echo "[$?|$1]"; }\n' + PROMPT_COMMANDS[kind]
    with bash(tmp_path, before) as shell:
        check(shell)
        assert said(shell.enter("sh -c 'exit 7' arg")) == ran("sh -c 'exit 7' arg", 7)
        if "theirs" in PROMPT_COMMANDS[kind]:
            assert b"[7|arg]" in shell.shown
            end = shell.pieces.index(shell.marks("end")[-1])
            assert b"[7|arg]" in b"".join(piece for piece in shell.pieces[end:] if isinstance(piece, bytes))
        assert b"<7>$ " in shell.shown
        shell.enter("echo =$_=$?=")
        assert b"=arg=7=" in shell.shown
        shell.enter("true|false|true")
        shell.enter("echo :${PIPESTATUS[*]}:")
        assert b":0 1 0:" in shell.shown


def test_a_readonly_prompt_command_gives_one_warning(tmp_path):
    with bash(tmp_path, "readonly PROMPT_COMMAND='echo theirs'") as shell:
        shell.type("echo x$((6*7))\r")
        shell.until(lambda: b"x42" in shell.shown)
        assert shell.shown.count(b"rec: could not") == 1
        assert not shell.marks()
        assert shell.shown.count(b"readonly") == 1 + shell.shown.count(b"readonly variable")


def test_prompt_command_rewritten_and_preceded_later(tmp_path):
    with bash(tmp_path) as shell:
        shell.prompts(1)
        shell.enter("PROMPT_COMMAND='echo mine'; PS0=x")
        assert said(shell.enter("echo lost"))[-1] == ("prompt",)
        assert said(shell.enter("(exit 5)")) == ran("(exit 5)", 5)
        shell.enter('PROMPT_COMMAND="true; $PROMPT_COMMAND"')
        assert said(shell.enter("(exit 6)")) == ran("(exit 6)", 6)


def test_traps_and_a_ps0_of_the_user_stay(tmp_path):
    with bash(tmp_path, "trap 'traced=1' DEBUG; PS0='[ps0]'", "PS0+='[late]'") as shell:
        check(shell)
        assert shell.shown.count(b"[ps0][late]") == 3
        shell.enter("trap -p DEBUG")
        assert b"trap -- 'traced=1' DEBUG" in shell.shown


def test_sourcing_again_and_settings_untouched(tmp_path):
    show = 'echo "$PS1|$PS2|$HISTCONTROL|$HISTTIMEFORMAT|$HISTFILE|$-|$(shopt -p extdebug)"'
    before = f"HISTCONTROL=ignorespace HISTTIMEFORMAT=%T; {show} >{tmp_path}/before"
    size = f"declare -p PROMPT_COMMAND PS0 >{tmp_path}/"
    after = f"{show} >{tmp_path}/after; {size}once\n{SOURCE}{SOURCE}{size}thrice"
    with bash(tmp_path, before, after) as shell:
        check(shell)
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()
    assert (tmp_path / "once").read_text() == (tmp_path / "thrice").read_text()


@pytest.mark.parametrize(
    "setting",
    [
        "set -u",
        "set -e",
        "set -C",
        "set -a",
        "set -f",
        "set -T",
        "set -o posix",
        "shopt -s extglob nocasematch",
        "IFS=_",
        "IFS=",
        "alias printf=false read=false history=false ",
        "history() { echo wrapped; }; printf() { echo wrapped; }",
        "shopt -u cmdhist",
    ],
)
def test_settings_of_the_shell(tmp_path, setting):
    with bash(tmp_path, setting) as shell:
        shell.prompts(1)
        for line, status in [("true", 0), ("! true", 1), ("echo done", 0)]:
            assert said(shell.enter(line)) == ran(line, status)
        assert b"wrapped" not in shell.shown
        assert b"bash: " not in shell.shown


def test_tracing_shows_two_lines_of_ours_at_most(tmp_path):
    with bash(tmp_path) as shell:
        shell.prompts(1)
        shell.enter("set -x")
        before = shell.shown.count(b"__rec_")
        assert said(shell.enter("echo x")) == ran("echo x")
        assert shell.shown.count(b"__rec_") - before <= 2


def test_without_expansion_in_prompts_nothing_of_ours_is_shown(tmp_path):
    with bash(tmp_path, "shopt -u promptvars") as shell:
        shell.prompts(1)
        assert said(shell.enter("echo x")) == [("prompt",)]
        assert b"__rec_" not in shell.shown


PREEXEC = """
__bp_imported=defined
__bp_install_string=$'trap - DEBUG\\n__bp_install'
__bp_mode() { on=1; }
__bp_precmd() { local s=$? f; for f in "${precmd_functions[@]}"; do back $s; "$f"; done; back $s; }
back() { return $1; }
__bp_debug() {
    [[ $on == 1 ]] || return
    on=; [[ $'\\n'"${PROMPT_COMMAND[*]}"$'\\n' != *"$BASH_COMMAND"* ]] || return
    echo "<pre:$BASH_COMMAND>"
}
__bp_install() {
    [[ "${PROMPT_COMMAND[*]}" != *__bp_precmd* ]] || return
    trap '__bp_debug' DEBUG
    PROMPT_COMMAND=$'__bp_precmd\\n'"${PROMPT_COMMAND//$__bp_install_string/:}"
    PROMPT_COMMAND+=(__bp_mode)
    __bp_precmd; __bp_mode
}
PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\\n'}$__bp_install_string
"""
STARSHIP = """
their_old=$PROMPT_COMMAND
their_precmd() { local s=$?; [[ -z $their_old ]] || eval "$their_old"; PS1="<$s>> "; }
PROMPT_COMMAND=their_precmd
"""


@pytest.mark.parametrize("neighbour", [PREEXEC, STARSHIP], ids=["preexec", "starship"])
@pytest.mark.parametrize("order", ["before", "after", "twice"])
def test_neighbours_that_wrap_the_prompt(tmp_path, neighbour, order):
    before = neighbour if order != "after" else ""
    after = {"before": "", "after": neighbour, "twice": SOURCE}[order]
    with bash(tmp_path, before, after) as shell:
        check(shell)
        if neighbour is PREEXEC:
            assert shell.shown.count(b"<pre:echo done>") == 1


def test_lines_that_bash_preexec_will_delete_are_hidden(tmp_path):
    with bash(
        tmp_path,
        "__bp_imported=1 __bp_ignorespace=yes; PROMPT_COMMAND='for f in ${precmd_functions[@]}; do $f; done'",
    ) as shell:
        shell.prompts(1)
        assert said(shell.enter(" echo secret"))[0] == ("hide",)


def test_a_prompt_command_array_and_ps0_as_systemd_sets_them(tmp_path):
    before = "PROMPT_COMMAND+=(sd_precmd); sd_precmd() { printf '[d]'; }; PS0='${PS0x:-[c]}'"
    with bash(tmp_path, before) as shell:
        check(shell)
        assert shell.shown.count(b"[c]") == 3
        assert shell.shown.count(b"[d]") == 4


def test_a_widget_gives_no_mark(tmp_path):
    with bash(tmp_path, "bind -x '\"\\C-xb\": echo wid''get'") as shell:
        shell.prompts(1)
        shell.type("\x18b")
        shell.until(lambda: b"widget" in shell.shown)
        assert said(shell.enter("echo x")) == ran("echo x")


def test_nested_shells(tmp_path):
    with bash(tmp_path, "export PROMPT_COMMAND=true PS0=") as shell:
        shell.prompts(1)
        outer = shell.marks()[0].pid
        shell.type("export PS0; PS1='in\\$ ' bash --norc\r")
        shell.until(lambda: b"in#" in shell.shown or b"in$ " in shell.shown)
        before = len(shell.marks())
        shell.type("echo plain; (exit 3)\recho in=$?\r")
        shell.until(lambda: b"in=3" in shell.shown)
        assert len(shell.marks()) == before
        assert b"bash: " not in shell.shown
        assert said(shell.enter("exit 4")) == [("end", "4"), ("prompt",)]
        count = len(shell.marks("prompt"))
        shell.type(f"bash --rcfile {tmp_path}/rc.bash -i\r")
        shell.prompts(count + 1)
        inner = shell.enter("(exit 3)")
        assert said(inner) == ran("(exit 3)", 3)
        assert {mark.pid for mark in inner} != {outer}
        assert shell.enter("exit 5")[-2].pid == outer
        assert shell.marks("end")[-1].args == ("5",)


def test_exec_goes_on_counting(tmp_path):
    with bash(tmp_path) as shell:
        shell.prompts(1)
        shell.enter("echo x")
        shell.type(f"exec bash --rcfile {tmp_path}/rc.bash -i\r")
        shell.prompts(3)
        check(shell, prompts=3)
        counters = [mark.counter for mark in shell.marks()]
        assert counters == sorted(set(counters))
        assert len({mark.pid for mark in shell.marks()}) == 1


@pytest.mark.parametrize(
    "change", ["REC_NONCE=", "REC_TTY=/dev/null", "REC_PID=1", "REC_START=1", "unset REC_PID"]
)
def test_inert_where_it_is_not_recorded(tmp_path, change):
    with bash(
        tmp_path, change, 'echo "=$(compgen -A function __rec; compgen -v __rec)=$PS0$PROMPT_COMMAND="'
    ) as shell:
        shell.until(lambda: b"$ " in shell.shown)
        assert b"\n===" in b"\n" + shell.shown
        assert not shell.marks()


def test_a_script_reads_past_it(tmp_path):
    done = subprocess.run(
        ["bash", "-c", f". {HOOKS}; compgen -A function"],
        capture_output=True,
        check=False,
        env={"REC_NONCE": "x"},
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_an_older_bash_says_so_once(tmp_path):
    old = tmp_path / "old.bash"
    old.write_text(HOOKS.read_text().replace("BASH_VERSINFO", "their_version"))
    with bash(
        tmp_path,
        "their_version=(4 3)",
        f"unset PROMPT_COMMAND PS0 __rec_shell; . {old}; echo done",
        recorded=True,
    ) as shell:
        shell.until(lambda: b"done" in shell.shown)
        assert shell.shown.count(b"rec: could not follow the commands") == 1


def test_a_prompt_costs_no_fork_and_a_command_one(tmp_path):
    need("strace")
    trace = tmp_path / "trace"
    rc = tmp_path / "rc.bash"
    with bash(tmp_path, argv=["strace", "-f", "-o", trace, "bash", "--rcfile", rc, "-i"]) as shell:
        shell.prompts(1)
        for _ in range(5):
            shell.enter(":")
        shell.enter("")
        shell.enter("")
    text = trace.read_text()
    assert (
        len(re.findall(r" (?:clone3?|v?fork)\(", text)) == 2 + 5
    )  # the first prompt asks twice for a DEBUG trap
    assert len(re.findall(r" execve\(", text)) == 1
    written = re.findall(r'openat\(AT_FDCWD, "([^"]+)", O_(?:WRONLY|RDWR)', text)
    own = {name for name in written if name.endswith("/.bash_history")}  # when it ends
    assert set(written) - own <= {"/dev/tty", "/dev/null"}
