"""Exact turns of bash, zsh and fish with our hooks, under the real recorder."""

from __future__ import annotations

import re

import pytest
from blackbox import need, output, output_raw, rec, wait_for
from shells import SHELLS, Shell

blackbox = True


@pytest.fixture(params=SHELLS)
def shell(request, root):
    with Shell(request.param, root) as made:
        yield made


def commands(shell) -> list[tuple]:
    return [(row["command"], row["exit_status"], row["end"]) for row in shell.log()]


def test_a_command_with_its_status_place_time_and_output(shell):
    shell.run(r"printf 'a\nb\n'")
    row = shell.last(r"printf 'a\nb\n'")
    assert (row["exit_status"], row["end"], row["cwd"]) == (0, "done", str(shell.home))
    assert row["shell"].isdigit()
    assert row["prompt_text"] == "ready> "
    assert row["duration_ms"] >= 0
    assert shell.printed(r"printf 'a\nb\n'") == "a\nb\n"


def test_statuses(shell):
    for line in ("false", "sh -c 'exit 42'", "true", "nosuchcommand"):
        shell.run(line)
    shell.log(4)
    assert commands(shell) == [
        ("false", 1, "done"),
        ("sh -c 'exit 42'", 42, "done"),
        ("true", 0, "done"),
        ("nosuchcommand", 127, "done"),
    ]


def test_what_runs_nothing_is_no_turn(shell):
    for _ in range(3):
        shell.run("")
    shell.send("echo never run")
    shell.expect("echo never run")
    shell.abandon()
    shell.run("echo real")
    shell.last("echo real")
    assert [row[0] for row in commands(shell)] == ["echo real"]
    assert shell.printed("echo real") == "real\n"


def test_several_lines_are_one_command(shell):
    loop = "for i in 1 2\necho n$i\nend" if shell.kind == "fish" else "for i in 1 2\ndo echo n$i\ndone"
    for line in loop.split("\n"):
        shell.line(line)
    shell.expect("n2")
    shell.ready()
    (row,) = shell.log(1)
    if shell.kind == "bash":  # it keeps compound commands on one line (cmdhist), and so names them
        assert row["command"] == "for i in 1 2; do echo n$i; done"
    else:
        assert row["command"] == loop
    assert output(shell.root, "@1:1")["output"] == "n1\nn2\n"


@pytest.mark.parametrize("shell", ["bash", "zsh"], indirect=True)  # fish has none
def test_a_here_document(shell):
    for line in ("cat <<END", "one", "two", "END"):
        shell.line(line)
    shell.ready()
    (row,) = shell.log(1)
    assert row["command"].rstrip("\n") == "cat <<END\none\ntwo\nEND"
    assert output(shell.root, "@1:1")["output"] == "one\ntwo\n"


def test_a_quoted_text_over_two_lines(shell):
    shell.line("echo 'one")
    shell.run("two'")
    shell.last("echo 'one\ntwo'")
    assert shell.printed("echo 'one\ntwo'") == "one\ntwo\n"


@pytest.mark.parametrize(
    "line",
    [
        "echo 'a;b' \\\\ '100%' %41 %3B",
        "echo '✓ 日本 é 🎉'",
        "echo   spaces   kept",
        'echo "a\\$b" \'it"s\'',
    ],
)
def test_the_text_is_exact(shell, line):
    shell.run(line)
    assert shell.last(line)["exit_status"] == 0


def test_an_alias_is_kept_as_typed(shell):
    shell.run("alias greet='echo hello'")
    shell.run("greet you")
    assert shell.printed("greet you") == "hello you\n"


def test_output_without_a_newline(shell):
    shell.run("printf foo")
    assert shell.printed("printf foo") == "foo"
    shell.run("echo bar")
    assert shell.printed("echo bar") == "bar\n"
    assert shell.background() == ""


def test_progress_that_draws_over_itself(shell):
    line = r"printf '10%%\r100%%\n'"
    shell.run(line)
    assert shell.printed(line) == "100%\n"
    assert b"10%\r100%" in output_raw(shell.root)


def test_a_word_with_colours_in_it_is_one_word(shell):
    line = r"printf 'needle\033[31mstack\033[0m\n'"
    shell.run(line)
    assert shell.printed(line) == "needlestack\n"


def test_interrupted_stopped_and_continued(shell):
    shell.line("sleep 60")
    wait_for(lambda: rec(["ls", "--running", "--json"], shell.root).json(), what="a running turn")
    shell.runs("sleep")
    shell.send(b"\x03")
    shell.ready()
    assert shell.last("sleep 60")["exit_status"] == 130
    shell.line("sleep 61")
    wait_for(lambda: rec(["ls", "--running", "--json"], shell.root).json(), what="a running turn")
    shell.runs("sleep")
    shell.send(b"\x1a")
    shell.ready()
    row = shell.last("sleep 61")
    assert (row["end"], row["exit_status"]) == ("stopped", 148)
    shell.line("fg")
    wait_for(lambda: rec(["ls", "--running", "--json"], shell.root).json(), what="a running turn")
    shell.runs("sleep")
    shell.send(b"\x03")
    shell.ready()
    assert shell.last("fg")["exit_status"] == (0 if shell.kind == "fish" else 130)  # as $status says


def test_output_of_a_job_in_the_background_belongs_to_no_turn(shell):
    line = "sh -c 'until [ -e go ]; do sleep 0.02; done; echo from-behind' &"
    shell.run(line)
    shell.last(line)
    (shell.home / "go").touch()
    shell.expect(re.compile("^(ready> )?from-behind", re.MULTILINE))
    shell.line("echo next")
    shell.expect(re.compile("^next$", re.MULTILINE))
    shell.last("echo next")
    assert "from-behind" not in shell.printed("echo next")
    assert "from-behind" not in shell.printed(line)
    wait_for(lambda: "from-behind" in shell.background(), what="the output of nobody's turn")


def test_keys_typed_ahead_are_the_next_command(shell):
    shell.line("sleep 1")
    shell.line("echo two")
    shell.ready(2)
    shell.last("echo two")
    assert [row[0] for row in commands(shell)] == ["sleep 1", "echo two"]
    assert shell.printed("sleep 1") == ""
    assert shell.printed("echo two") == "two\n"


@pytest.mark.parametrize("name", ["plain", "two words", "50%;x", "new\nline", "ünï"])
def test_directories(shell, name):
    place = shell.home / name
    place.mkdir()
    (shell.home / "place").write_text(str(place))
    read = "read -z" if shell.kind == "fish" else "IFS= read -rd ''"
    shell.run(f'{read} place <place; cd "$place"')
    shell.run("true")
    assert shell.last("true")["cwd"] == str(place)
    assert shell.log()[0]["cwd"] == str(shell.home)


def test_a_full_screen_program_is_a_turn_without_its_frames(shell):
    need("vim")
    shell.line("vim -u NONE notes.txt")
    wait_for(lambda: shell.alternate, what="the alternate screen")
    shell.send("iframe-text\x1b:wq\r")
    shell.ready()
    row = shell.last("vim -u NONE notes.txt")
    assert (row["exit_status"], row["end"]) == (0, "done")
    assert "frame-text" not in shell.printed("vim -u NONE notes.txt")
    assert (shell.home / "notes.txt").read_text() == "frame-text\n"
    shell.leave()
    assert shell.modes() == shell.before


def test_much_output_keeps_head_and_tail(shell):
    shell.line("seq 400000")  # more than this terminal can show in time
    row = shell.last("seq 400000")
    size = len("".join(f"{n}\r\n" for n in range(1, 400001)))
    assert size <= row["n_output_bytes"] < size + 50  # fish sets a title and colours
    assert row["truncated"]
    text = shell.printed("seq 400000")
    assert text.startswith("1\n2\n3\n")
    assert text.endswith("\n399999\n400000\n")


def test_a_command_of_200_kb(shell):
    command = f": '{'x;%y ' * 40_000}'"
    shell.send(f"\x1b[200~{command}\x1b[201~", timeout=60)
    shell.line("")
    typed = shell.position
    wait_for(shell.log, timeout=60, what="the turn")
    (row,) = shell.log(1)
    assert row["command"] == command
    shell.line("echo usable")
    shell.expect_raw(b"usable\r\n", since=typed)
    assert shell.printed("echo usable") == "usable\n"


def test_the_shells_state(shell):
    def state():
        return rec(["ls", "--json"], shell.root).ok().json()[0]

    shell.run("true")
    shell.last("true")
    wait_for(lambda: state()["state"] == "idle", what="idle at the prompt")
    assert state()["state_turn"] is None
    shell.line("sleep 30")
    wait_for(lambda: state()["state"] == "running", what="a running command")
    assert state()["state_turn"] == 2
    assert rec(["ls", "--running", "--json"], shell.root).json()[0]["state_turn"] == 2
    assert rec(["ls", "--stuck", "10m", "--json"], shell.root).json() == []
    shell.runs("sleep")
    shell.send(b"\x03")
    shell.ready()
    wait_for(lambda: state()["state"] != "running", what="its end")


def test_leaving_with_a_status(shell):
    shell.run("true")
    shell.leave(7)
    (row,) = rec(["ls", "--json"], shell.root).ok().json()
    assert (row["status"], row["end_reason"], row["exit_status"]) == ("ended", "exit", 7)
    assert row["tool"] == shell.kind
