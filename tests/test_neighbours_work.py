"""What the neighbours are for still works beside our hooks, and makes no turns of its own."""

from __future__ import annotations

import re
import subprocess

import pytest
from blackbox import environment, need
from neighbours import Neighbour, real, recorded, standin
from shells import SHELLS

blackbox = True
any_python = True

PLACES = pytest.mark.parametrize("place", ["before", "after"])
KINDS = pytest.mark.parametrize("kind", SHELLS)


def hook(name: str, verb: str, kind: str) -> Neighbour:
    text = f"{name} {verb} {kind}"
    return real(name, f"{text} | source" if kind == "fish" else f'eval "$({text})"', f"/usr/bin/{name}")


def commands(shell, count: int) -> list[str]:
    return [row["command"].rstrip() for row in shell.log(count)]


@KINDS
@PLACES
def test_direnv_exports_in_a_directory_and_only_there(root, kind, place):
    need("direnv")
    home = root.parent / "home"
    (home / "project").mkdir()
    (home / "project" / ".envrc").write_text("export SEEN=yes\n")
    subprocess.run(["direnv", "allow", home / "project"], env=environment(None, home), check=True)
    with recorded(kind, root, hook("direnv", "hook", kind), place) as shell:
        shell.run("cd project")
        shell.run("echo got $SEEN")
        shell.run("cd ..")
        shell.run("echo not $SEEN")
        assert commands(shell, 4) == ["cd project", "echo got $SEEN", "cd ..", "echo not $SEEN"]
        assert shell.printed("echo got $SEEN") == "got yes\n"
        assert shell.printed("echo not $SEEN").strip() == "not"
        if kind == "bash":  # in the others it acts while `cd` is still running
            assert shell.printed("cd project") == ""


@KINDS
@PLACES
def test_zoxide_knows_where_one_has_been(root, kind, place):
    home = root.parent / "home"
    (home / "far" / "deep").mkdir(parents=True)
    with recorded(kind, root, hook("zoxide", "init", kind), place) as shell:
        for line in ("cd far/deep", "cd ..", "cd", "z deep", "pwd"):
            shell.run(line)
        assert commands(shell, 5) == ["cd far/deep", "cd ..", "cd", "z deep", "pwd"]
        assert shell.printed("pwd") == f"{home}/far/deep\n"
        assert shell.last("pwd")["cwd"] == f"{home}/far/deep"


def fzf(kind: str) -> Neighbour:
    more = "; fzf_key_bindings" if kind == "fish" else ""
    return real("fzf", "source {0}" + more, f"/usr/share/doc/fzf/examples/key-bindings.{kind}")


@KINDS
@PLACES
def test_fzf_picks_a_line_of_the_history(root, kind, place):
    need("fzf")
    with recorded(kind, root, fzf(kind), place, answer=True) as shell:
        shell.run("echo apple")
        shell.run("echo banana")
        shell.send(b"\x12")
        shell.expect(re.compile(r"\b2/2\b"))
        shell.send("apple")
        shell.expect(re.compile(r"\b1/2\b"))
        picked = shell.position
        shell.send("\r")
        shell.expect_raw(b"echo apple", since=picked)
        shell.expect_gone(re.compile(r"\b1/2\b"))
        shell.prompts = len(re.findall(r"^ready> ", shell.text(), re.MULTILINE))
        shell.run("")
        assert commands(shell, 3) == ["echo apple", "echo banana", "echo apple"]
        assert shell.printed("echo apple") == "apple\n"


@KINDS
@PLACES
def test_fzf_inserts_the_name_of_a_file(root, kind, place):
    need("fzf")
    (root.parent / "home" / "cherry.txt").write_text("red\n")
    with recorded(kind, root, fzf(kind), place, answer=True) as shell:
        shell.send("cat ")
        shell.expect("ready> cat ")
        shell.send(b"\x14")
        shell.expect("cherry.txt")
        shell.send("cherry")
        shell.expect(re.compile(r"\b1/\d"))
        shell.send("\r")
        shell.expect(re.compile(r"ready> cat \S*cherry.txt "))
        shell.prompts = len(re.findall(r"^ready> ", shell.text(), re.MULTILINE))
        shell.run("")
        (command,) = commands(shell, 1)
        assert re.fullmatch(r"cat \S*cherry.txt", command)
        assert shell.log()[0]["exit_status"] == 0


@KINDS
@PLACES
def test_a_widget_that_runs_a_program_makes_no_turn_but_its_line_does(root, kind, place):
    with recorded(kind, root, standin("search", kind), place) as shell:
        shell.run("echo before")
        shell.send(b"\x12")
        shell.expect("ready> echo from-search")
        shell.send(b"\x15")
        shell.expect_gone("ready> echo from-search")
        shell.send(b"\x12")
        shell.expect("ready> echo from-search")
        shell.run("")
        assert commands(shell, 2) == ["echo before", "echo from-search"]
        assert shell.printed("echo from-search") == "from-search\n"


@PLACES
def test_a_widget_that_calls_the_prompts_hooks_makes_no_turn(root, place):
    with recorded("zsh", root, standin("caller", "zsh"), place) as shell:
        shell.run("cd /usr/lib")
        shell.send(b"\x15")
        shell.expect("now in /usr\n")
        shell.run("pwd")
        assert commands(shell, 2) == ["cd /usr/lib", "pwd"]
        assert shell.printed("pwd") == "/usr\n"
        assert shell.last("pwd")["cwd"] == "/usr"


@PLACES
def test_a_line_is_coloured_while_it_is_typed(root, place):
    file = "/usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh"
    with recorded("zsh", root, real("highlighting", ". {0}", file), place) as shell:
        typed = shell.position
        shell.send("nosuch")
        shell.expect_raw(re.compile(rb"\x1b\[[0-9;]*31m"), since=typed)
        shell.run("")
        assert commands(shell, 1) == ["nosuch"]
        assert shell.log()[0]["exit_status"] == 127


@PLACES
def test_a_suggestion_is_taken_with_the_right_arrow(root, place):
    file = "/usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh"
    with recorded("zsh", root, real("autosuggestions", ". {0}", file), place) as shell:
        shell.run("echo suggested words")
        shell.send("echo sug")
        shell.expect("ready> echo suggested words", count=2)
        shell.send(b"\x1b[C")
        shell.run("")
        assert commands(shell, 2) == ["echo suggested words"] * 2
