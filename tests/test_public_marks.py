"""Shells that speak in public marks (OSC 133, 633, 3008) with nothing of ours in them: real ones, recorded.

Each is taken through the same conversation: true, false, an empty line, Ctrl-C in a line, a leading blank,
a status, a command of several lines, Ctrl-L. The prompt is `ready> ` everywhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from blackbox import events, grep_root, log, need, output

READY = b"ready> "
KITTY = Path("/usr/lib/kitty/shell-integration")  # Debian's kitty-shell-integration
VTE = Path("/etc/profile.d/vte-2.91.sh")  # Debian's libvte-2.91-common
NONCE = "11112222-3333-4444-5555-666677778888"

BASH_133 = r"""
PS1='\[\e]133;A\a\]ready> \[\e]133;B\a\]' PS2='more> '
PS0='\e]133;C\a'
PROMPT_COMMAND='printf "\e]133;D;%s\a" "$?"'
"""
BASH_PROMPTS = r"""
PS1='\[\e]133;A\a\]ready> ' PS2='more> '
"""
# As VS Code's script has it: the command is escaped, and named before it begins.
BASH_633 = r"""
PS1='\[\e]633;A\a\]ready> \[\e]633;B\a\]' PS2='\[\e]633;F\a\]more> \[\e]633;G\a\]'
nonce=$VSCODE_NONCE ran=
unset VSCODE_NONCE
escaped() { local text=${1//\\/\\\\}; text=${text//;/\\x3b}; printf %s "${text//$'\n'/\\x0a}"; }
began() { HISTTIMEFORMAT= builtin history 1 | { read -rd '' number line; escaped "$line"; }; }
PS0='\e]633;E;$(began);$nonce\a\e]633;C\a${ran:0:$((ran=1,0))}'
PROMPT_COMMAND='status=$?; printf "\e]633;D%s\a\e]633;P;Cwd=%s\a" "${ran:+;$status}" "$PWD"; ran='
"""
# As systemd's profile script has it: the end names a context even where none was begun.
BASH_3008 = r"""
PS1='ready> ' PS2='more> '
told() { printf ';user=%s;hostname=%s;pid=%s;type=%s;cwd=%s' u "$HOSTNAME" "$$" "$1" "$PWD"; }
PS0='\e]3008;start=$context$(told command)\e\\'
PROMPT_COMMAND=(prompt_context)
prompt_context() {
    local status=$? exit=success
    ((status == 0)) || exit="failure;status=$status"
    [ -z "$context" ] || printf '\e]3008;end=%s;exit=%s\e\\' "$context" "$exit"
    context=$RANDOM$RANDOM
    printf '\e]3008;start=shell%s%s\e\\' "$$" "$(told shell)"
}
"""
# As fish 4 has it: the command in percent-encoding, no end where nothing ran.
ZSH_LIKE_FISH = r"""
PS1=$'%{\e]133;A;click_events=1\a%}ready> %{\e]133;B\a%}' PS2='more> ' RPS1=
setopt no_prompt_sp
preexec() {
    emulate -L zsh -o extendedglob -o nomultibyte
    printf '\e]133;C;cmdline_url=%s\a' ${1//(#m)[^a-zA-Z0-9]/%${(l:2::0:)$(([##16]#MATCH))}}
    ran=1
}
precmd() {
    local code=$?
    ((ran)) && printf '\e]133;D;%s\a' $code
    ran=0
    printf '\e]7;file://%s%s\a' $HOST $PWD
}
"""
ZSH_133 = r"""
PS1=$'%{\e]133;A\a%}ready> %{\e]133;B\a%}' PS2='more> '
preexec() { printf '\e]133;C\a' }
precmd() { printf '\e]133;D;%s\a' $? }
"""
KITTY_BASH = f"PS1='ready> ' PS2='more> '\nKITTY_SHELL_INTEGRATION=enabled\n. {KITTY}/bash/kitty.bash\n"
KITTY_ZSH = f"PS1='ready> ' PS2='more> '\nKITTY_SHELL_INTEGRATION=enabled\n. {KITTY}/zsh/kitty.zsh\n"
WRITERS = {
    "bash 133": ("bash", BASH_133),
    "bash, prompts only": ("bash", BASH_PROMPTS),
    "bash 633": ("bash", BASH_633),
    "bash 3008": ("bash", BASH_3008),
    "zsh 133": ("zsh", ZSH_133),
    "zsh like fish 4": ("zsh", ZSH_LIKE_FISH),
    "kitty bash": ("bash", KITTY_BASH),
    "kitty zsh": ("zsh", KITTY_ZSH),
}


@pytest.fixture
def start_shell(start_rec, tmp_path):
    def start(shell, rc, **env):
        need(shell)
        if str(KITTY) in rc and not KITTY.exists():
            pytest.skip("missing: kitty-shell-integration")
        if shell == "bash":
            (tmp_path / "rc").write_text(rc)
            argv = ["bash", "--rcfile", tmp_path / "rc", "-i"]
        else:
            (tmp_path / ".zshrc").write_text(rc)
            argv = ["zsh", "-d", "-i"]
            env["ZDOTDIR"] = tmp_path
        term = start_rec(["run", "--", *argv], env={"PS1": None, "VSCODE_NONCE": NONCE, **env})
        term.expect_raw(READY)
        return term

    return start


def enter(term, keys, *, until=READY):
    """Type, and wait for the next prompt."""
    since = term.position
    term.send(keys)
    term.expect_raw(until, since=since)


def leave(term):
    term.line("exit")
    term.wait()


def turns(root):
    return [(row["command"], row["exit_status"], row["end"]) for row in log(root)]


def prompts(root):
    return [event["meta"] for event in events(root) if event["kind"] == "prompt"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_conversation(start_shell, root, name):
    term = start_shell(*WRITERS[name])
    for line in ("true", "false"):
        enter(term, f"{line}\r")
    enter(term, "\r")
    enter(term, "typed\x03")
    enter(term, " echo x\r")
    enter(term, "(exit 42)\r")
    enter(term, "for i in 1 2\r", until=b"> ")
    enter(term, "do echo n$i\r", until=b"> ")
    enter(term, "done\r")
    enter(term, "\x0c")
    enter(term, "echo 'a;b' \\\\\r")
    leave(term)
    lines = ["true", "false", " echo x", "(exit 42)", "for i in 1 2\ndo echo n$i\ndone", "echo 'a;b' \\\\"]
    if name == "bash 633":
        lines[2], lines[4] = "echo x", "for i in 1 2; do echo n$i; done"  # as the history has them
    if name == "bash, prompts only":
        lines[4:5] = ["for i in 1 2"]
    blind = name in {"bash, prompts only", "kitty bash"}
    statuses = [None] * 6 if blind else [0, 1, 0, 42, 0, 0]
    assert turns(root) == [
        *((line, status, "done") for line, status in zip(lines, statuses, strict=True)),
        ("exit", None, "done"),
    ]
    assert {meta["source"] for meta in prompts(root)} == {"mark"}
    shown = [output(root, f"@1:{turn}")["output"] for turn in range(1, 7)]
    assert shown[:4] == ["", "", "x\n", ""]
    assert shown[5] == "a;b \\\n"
    assert shown[4].endswith("n1\nn2\n")
    assert (shown[4] == "n1\nn2\n") == (name != "bash, prompts only")
    assert [
        event["text"] for event in events(root) if event["kind"] == "output" and event["turn"] is None
    ] == []


def test_shells_in_shells(start_shell, root):
    """systemd's marks name their shell: what runs in an inner one belongs to the turn that started it."""
    term = start_shell("bash", BASH_3008)
    enter(term, "true\r")
    enter(term, f"bash --rcfile {root.parent}/rc -i\r")
    enter(term, "cd /tmp\r")
    enter(term, "false\r")
    enter(term, "exit 3\r")
    enter(term, "echo back\r")
    leave(term)
    rows = log(root)
    assert [(row["command"].split()[0], row["exit_status"], row["parent_turn"]) for row in rows] == [
        ("true", 0, None),
        ("bash", 3, None),
        ("cd", 0, 2),
        ("false", 1, 2),
        ("exit", None, 2),
        ("echo", 0, None),
        ("exit", None, None),
    ]
    assert [row["cwd"] for row in rows][2:4] == [str(root.parent / "home"), "/tmp"]
    shells = [row["shell"] for row in rows]
    assert shells[0] == shells[1] == shells[5] != shells[2] == shells[3] == shells[4]
    assert output(root, "@1:6")["output"] == "back\n"


def test_a_shell_that_names_itself_inside_one_that_marks_nothing(start_rec, root, tmp_path):
    """Marks end with the shell that gives them: outside of it, turns are inferred as before."""
    (tmp_path / "rc").write_text(BASH_133)
    term = start_rec(["run", "--", "bash", "--norc", "-i"], env={"PS1": "plain> "})
    term.expect_raw(b"plain> ")
    enter(term, "echo one\r", until=b"plain> ")
    enter(term, f"bash --rcfile {tmp_path}/rc -i\r")
    enter(term, "false\r")
    enter(term, "exit\r", until=b"plain> ")
    enter(term, "echo two\r", until=b"plain> ")
    enter(term, "echo three\r", until=b"plain> ")
    leave(term)
    sources = [meta["source"] for meta in prompts(root)]
    found = [(row["command"].split()[-1], row["exit_status"]) for row in log(root)]
    lines = ["one", "-i", "false", "exit", "two", "three", "exit"]
    assert found == [(line, 1 if line == "false" else None) for line in lines]
    assert sources == ["inferred", "inferred", "mark", "mark", "inferred", "inferred", "inferred"]
    assert [output(root, f"@1:{turn}")["output"] for turn in (5, 6)] == ["two\n", "three\n"]


@pytest.mark.parametrize(
    ("argv", "rc", "statuses"),
    [
        (["bash", "--noediting", "--rcfile", "rc", "-i"], BASH_133, [0, 1, 0, None]),
        (["dash", "-i"], "PS1=$(printf '\\033]133;A\\007ready> ')\n", [None] * 4),
    ],
)
def test_lines_that_we_edit(start_rec, root, tmp_path, argv, rc, statuses):
    """A shell that leaves the line to us: the line is what we have sent, the status what its marks say."""
    need(argv[0])
    (tmp_path / "rc").write_text(rc)
    env = {"PS1": None, "ENV": tmp_path / "rc"}
    term = start_rec(["run", "--", *argv], env=env, cwd=tmp_path)
    term.expect_raw(READY)
    enter(term, "echo one\r")
    enter(term, "false\r")
    enter(term, "echo three\r")
    leave(term)
    rows = log(root)
    assert [(row["command"], row["exit_status"]) for row in rows] == [
        *zip(["echo one", "false", "echo three", "exit"], statuses, strict=True)
    ]
    assert [output(root, f"@1:{turn}")["output"] for turn in (1, 3)] == ["one\n", "three\n"]


def test_a_line_for_a_program_inside_a_shells_turn(start_shell, root):
    term = start_shell("bash", BASH_133)
    term.line("cat")
    term.runs("cat")
    enter(term, "ann\r", until=b"ann\r\nann\r\n")
    enter(term, "\x04")
    enter(term, "true\r")
    leave(term)
    rows = [(row["command"], row["exit_status"]) for row in log(root)]
    assert rows == [("cat", 0), ("true", 0), ("exit", None)]


def test_a_mark_in_a_tools_output_changes_nothing(start_rec, root):
    """A log that is shown may hold marks; without a prompt among them it is no shell that speaks."""
    term = start_rec(["run", "--", "bash", "--norc", "-i"], env={"PS1": "plain> "})
    term.expect_raw(b"plain> ")
    enter(term, "printf '\\e]133;C\\a%s\\n' shown\r", until=b"plain> ")
    enter(term, "echo two\r", until=b"plain> ")
    leave(term)
    assert [row["command"] for row in log(root)][1:] == ["echo two", "exit"]
    assert {meta["source"] for meta in prompts(root)} == {"inferred"}
    assert output(root, "@1:1")["output"] == "shown\n"


def test_a_whole_conversation_in_a_tools_output_is_over_with_its_prompt(start_rec, root, tmp_path):
    (tmp_path / "log").write_text(
        "\x1b]133;A\x07$ ls\n\x1b]133;C\x07file\n\x1b]133;D;1\x07\x1b]133;A\x07$ x\n\x1b]133;C\x07y\n"
    )
    term = start_rec(["run", "--", "bash", "--norc", "-i"], env={"PS1": "plain> "})
    term.expect_raw(b"plain> ")
    enter(term, "echo one\r", until=b"plain> ")
    enter(term, f"cat {tmp_path}/log\r", until=b"plain> ")
    enter(term, "echo two\r", until=b"plain> ")
    enter(term, "echo three\r", until=b"plain> ")
    leave(term)
    assert [row["command"] for row in log(root)][-3:] == ["echo two", "echo three", "exit"]


def test_what_a_command_asks_for_makes_no_turn(start_shell, root):
    term = start_shell("bash", BASH_133)
    enter(term, "python3 -q\r", until=b">>> ")
    enter(term, "6 * 7\r", until=b">>> ")
    enter(term, "\x04")
    enter(term, "read -p 'name? ' name\r", until=b"name? ")
    enter(term, "ann\r")
    enter(term, "echo $name\r")
    leave(term)
    rows = [(row["command"], row["exit_status"]) for row in log(root)]
    assert rows == [("python3 -q", 0), ("read -p 'name? ' name", 0), ("echo $name", 0), ("exit", None)]
    assert "42" in output(root, "@1:1")["output"]
    assert output(root, "@1:3")["output"] == "ann\n"


@pytest.mark.parametrize("name", ["bash 133", "zsh 133", "bash 3008"])
def test_lines_typed_ahead(start_shell, root, name):
    term = start_shell(*WRITERS[name])
    since = term.position
    term.send("sleep 0.5\recho one\recho two\r")
    term.expect_raw(b"two\r\n", since=since)
    enter(term, "echo three\r", until=b"three\r\n")
    leave(term)
    assert [output(root, f"@1:{turn}")["output"] for turn in (2, 3, 4)] == ["one\n", "two\n", "three\n"]
    lines = ["sleep 0.5", "echo one", "echo two", "echo three", "exit"]
    found = [
        (row["command"], meta.get("partial", False))
        for row, meta in zip(log(root), prompts(root), strict=True)
    ]
    # The marks do not name the line, and what is echoed ahead of its prompt cannot always be read: then it
    # is unknown, never another one's.
    assert [
        pair for pair, line in zip(found, lines, strict=True) if pair not in {(line, False), ("", True)}
    ] == []
    assert [found[n] for n in (0, 3, 4)] == [(lines[n], False) for n in (0, 3, 4)]


def test_a_full_screen_and_a_stopped_job(start_shell, root):
    need("less")
    term = start_shell("bash", BASH_133)
    enter(term, "printf '\\e[?1049h\\e]133;A\\a\\e]133;C\\aframe\\e[?1049l'\r")
    term.line("sleep 100")
    term.runs("sleep")
    enter(term, "\x1a")
    enter(term, "kill %1\r")
    leave(term)
    rows = [(row["command"], row["exit_status"], row["end"]) for row in log(root)]
    assert rows[1:3] == [("sleep 100", 148, "stopped"), ("kill %1", 0, "done")]
    assert len(rows) == 4
    assert rows[0][1] == 0


def test_where_commands_run(start_shell, root):
    term = start_shell("zsh", ZSH_LIKE_FISH)
    enter(term, "cd /tmp\r")
    enter(term, "mkdir -p 'a b' && cd 'a b'\r")
    enter(term, "printf '\\e]7;file://elsewhere/srv\\a'\r")
    leave(term)
    rows = log(root)
    assert [row["cwd"] for row in rows] == [str(root.parent / "home"), "/tmp", "/tmp/a b", "/tmp/a b"]
    assert [meta.get("remote") for meta in prompts(root)] == [None] * 4


def test_a_command_elsewhere_is_marked_remote(start_shell, root):
    term = start_shell(
        "bash", BASH_133 + "PROMPT_COMMAND+='; printf \"\\e]7;file://far.example.net/srv\\a\"'\n"
    )
    enter(term, "true\r")
    leave(term)
    assert [meta["remote"] for meta in prompts(root)] == [True, True]
    assert {row["cwd"] for row in log(root)} == {"/srv"}


def test_what_vscode_reports_of_the_environment_is_not_stored(start_shell, root):
    term = start_shell("bash", BASH_633)
    enter(term, "printf '\\e]633;EnvSingleEntry;TOKEN;%s;n\\a' s3cr$((1+1))t-marker\r")
    enter(term, "printf '\\e]1337;File=name=x:%s\\a\\e]52;c;%s\\a' f1l$((1+2))-marker cl$((1+3))p-marker\r")
    leave(term)
    for marker in (b"s3cr2t-marker", b"f1l3-marker", b"cl4p-marker"):
        assert marker in bytes(term.raw)
        assert grep_root(root, marker) == []


def test_a_real_vte_tells_the_directory(start_shell, root):
    if not VTE.exists():
        pytest.skip("missing: libvte-2.91-common")
    term = start_shell("bash", f"{BASH_PROMPTS}VTE_VERSION=7000\n. {VTE}\n")
    enter(term, "cd /tmp\r")
    enter(term, "true\r")
    leave(term)
    assert [(row["command"], row["cwd"]) for row in log(root)] == [
        ("cd /tmp", str(root.parent / "home")), ("true", "/tmp"), ("exit", "/tmp")
    ]  # fmt: skip
