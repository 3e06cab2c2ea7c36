"""bash with our hooks beside what else hooks into it."""

from __future__ import annotations

from blackbox import grep_root
from neighbours import Neighbour, orders, real, recorded, standin, together

blackbox = True
any_python = True

FZF = "/usr/share/doc/fzf/examples/key-bindings.bash"
KITTY = "/usr/lib/kitty/shell-integration/bash/kitty.bash"
LIQUID = ". {0}; LP_ENABLE_LOAD=0; LP_ENABLE_TEMP=0; LP_ENABLE_BATT=0; LP_PS1_POSTFIX='ready> '"
NEIGHBOURS = [
    real("direnv", 'eval "$(direnv hook bash)"', "/usr/bin/direnv"),
    real("zoxide", 'eval "$(zoxide init bash)"', "/usr/bin/zoxide"),
    real("fzf", ". {0}", FZF),
    real("kitty", "KITTY_SHELL_INTEGRATION=enabled; . {0}", KITTY),
    # To a PROMPT_COMMAND that is no array, it also adds a title; with our hooks there is always an array.
    real("vte", "declare -a PROMPT_COMMAND; . {0}", "/etc/profile.d/vte-2.91.sh", VTE_VERSION="7006"),
    real("liquidprompt", LIQUID, "/usr/share/liquidprompt/liquidprompt"),
    real("undistract-me", ". {0}", "/etc/profile.d/undistract-me.sh"),
    real("bash-completion", ". {0}", "/usr/share/bash-completion/bash_completion"),
    *(
        standin(name, "bash")
        for name in ("preexec", "wrapper", "marks", "iterm", "ghost", "system", "search", "blesh")
    ),
]


@orders(NEIGHBOURS)
def test_one_turn_for_each_command(tmp_path, neighbour, place):
    together("bash", tmp_path, neighbour, place)


def test_what_the_history_of_another_editor_does_not_take_is_hidden(tmp_path):
    """Where a line is not read by bash, its history tells nothing: the user's rules do."""
    blesh = standin("blesh", "bash")
    hides = blesh._replace(lines=f"{blesh.lines}; HISTCONTROL=ignoreboth HISTIGNORE='ls:*token*'")
    with recorded("bash", tmp_path / "root", hides) as shell:
        for line in (" echo s3cret-marker", "echo one; echo two", "echo token s3cret-marker", "echo three"):
            shell.run(line)
        shell.run("set +o history")
        shell.run("echo s3cret-marker")
        shell.run("set -o history")
        shell.run("echo four")
        shell.last("echo four")
        expected = ["echo one; echo two", "echo three", "set +o history", "echo four"]
        assert [row["command"] for row in shell.log()] == expected
        assert shell.printed("echo one; echo two") == "one\ntwo\n"
        shell.leave()
        assert grep_root(shell.root, b"s3cret-marker") == []


@orders([standin("editor", "bash", TERM_PROGRAM="vscode")], ("after",))
def test_an_editor_that_reads_the_rc_file_and_then_sets_a_trap(tmp_path, neighbour, place):
    """With its trap set first, an empty line would begin a command for it: its test is for its own text."""
    together("bash", tmp_path, neighbour, place)


def test_a_debug_trap_of_the_user_sees_each_command_once_and_stays(tmp_path):
    trap = "trap 'echo \"$BASH_COMMAND\" >>~/noted' DEBUG"
    for place in ("before", "after"):
        root = tmp_path / place / "root"
        with recorded("bash", root, Neighbour("trap", trap), place) as shell:
            shell.run("echo one")
            shell.run("")
            shell.run("trap -p DEBUG")
            assert [row["command"] for row in shell.log(2)] == ["echo one", "trap -p DEBUG"]
            assert shell.printed("trap -p DEBUG") == "trap -- 'echo \"$BASH_COMMAND\" >>~/noted' DEBUG\n"
            noted = (shell.home / "noted").read_text().splitlines()
            ours = [n for n, line in enumerate(noted) if "__rec" in line and "__rec_shell" in line]
            assert len(ours) == 5  # two at the first prompt; then the trap is known, and one at each
            theirs = [line for n, line in enumerate(noted) if n > ours[1] and n not in ours]
            assert theirs == ["echo one", "trap -p DEBUG"]
