"""`rec init` and `rec uninstall`: the users' rc files, byte for byte."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from blackbox import VENV_BIN, environment, need, rec
from hypothesis import given
from hypothesis import strategies as st
from shells import FILES, SHELLS

from recorder import integration, rcblocks
from recorder.errors import RecError

RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
REC = VENV_BIN / "rec"
# Bytes that are no UTF-8, ends of lines of both kinds, no newline at the end.
ODD = b"#!/bin/sh\r\nalias a='\xff\xfe'\n\n\x00\r# >>> conda initialize >>>\nlast line"
BEGIN, END = b"# >>> rec launcher >>>\n", b"# <<< rec launcher <<<\n"


@pytest.fixture
def home(root):
    return root.parent / "home"


def call(home, *args, env=None):
    return rec(args, home.parent / "root", home=home, env=env)


def rc_of(home, shell, text: bytes | None = None) -> Path:
    path = home / RC[shell]
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is not None:
        path.write_bytes(text)
    return path


def one_line(result, text: str) -> None:
    assert result.status == 1
    assert text in result.stderr.splitlines()[0]
    assert result.stderr.startswith("rec: could not ")
    assert len(result.stderr.splitlines()) <= 2


# --- the blocks ----------------------------------------------------------------------------------

pieces = st.sampled_from(
    [b"\n", b"\r\n", b"x", b"\xff", b"# >>> other >>>", b"# rec", b" ", b"\x0b", b"\r", b"\x85"]
)
texts = st.lists(pieces, max_size=12).map(b"".join) | st.binary(max_size=30)


@given(texts)
def test_what_was_put_in_is_taken_out_again(text):
    both = rcblocks.put(text, (b"first",), (b"last",))
    assert rcblocks.take(both) == text
    assert both.startswith(BEGIN + b"first\n" + END)
    assert both.endswith(b"last\n# <<< rec hooks <<<\n")
    assert text in both


@given(texts)
def test_putting_twice_changes_nothing_and_other_lines_replace(text):
    once = rcblocks.put(text, (b"first",), (b"last",))
    assert rcblocks.put(once, (b"first",), (b"last",)) == once
    other = rcblocks.put(once, (b"other",), (b"last",))
    assert other == once.replace(b"\nfirst\n", b"\nother\n", 1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BEGIN + b"x\n", 1),
        (b"x\n\n" + END, 3),
        (b"x\n" + BEGIN + BEGIN + END, 2),
        (BEGIN + b"# <<< rec hooks <<<\n" + END, 2),
        (BEGIN + b"x\n" + END + b"\n" + BEGIN[:-1], 5),
    ],
)
def test_half_a_block_is_named_by_its_line(text, line):
    with pytest.raises(rcblocks.Half) as error:
        rcblocks.take(text)
    assert error.value.line == line


def test_what_another_program_wrote_behind_the_end_keeps_its_line():
    both = rcblocks.put(b"no newline", (b"first",), (b"last",)) + b"behind\n"
    assert rcblocks.take(both) == b"no newline\nbehind\n"


def test_an_editor_that_changed_the_ends_of_lines_does_not_hide_a_block():
    both = rcblocks.put(b"x\n", (b"first",), (b"last",)).replace(b"\n", b"\r\n")
    assert rcblocks.take(both) == b"x\r\n"


# --- printing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
def test_the_lines_name_the_shell_files_and_rec_by_absolute_paths(home, shell):
    shown = call(home, "init", shell).ok().stdout
    lines = [line for line in shown.splitlines() if line and not line.startswith("#")]
    if shell == "fish":
        assert lines[0] == f"test -r {FILES}/launcher.fish; and source {FILES}/launcher.fish {REC}"
        assert lines[1] == f"test -r {FILES}/hooks.fish; and source {FILES}/hooks.fish"
    else:
        assert lines[0] == f"[ -r {FILES}/launcher.{shell} ] && . {FILES}/launcher.{shell} {REC}"
        assert lines[1] == f"[ -r {FILES}/hooks.{shell} ] && . {FILES}/hooks.{shell}"
    assert len(lines) == 2
    assert f"# first in {home / RC[shell]}:" in shown.splitlines()
    assert f"# last in {home / RC[shell]}:" in shown.splitlines()
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("words", [["tcsh"], []])
def test_another_shell_is_wrong_usage_and_the_three_are_named(home, words):
    result = call(home, "init", *words)
    assert (result.status, result.stdout) == (2, "")
    assert all(shell in result.stderr for shell in SHELLS)


@pytest.mark.parametrize("shell", SHELLS)
def test_paths_with_odd_characters_reach_the_shell_whole(tmp_path, shell):
    """The lines are run by the shell itself, with a launcher that says what it was given."""
    need(shell)
    odd = tmp_path / 'it\'s $HOME \\x (ü) "q"'
    odd.mkdir()
    (odd / "launcher").write_text("printf '%s\\n' " + ("$argv[1]" if shell == "fish" else '"$1"') + "\n")
    quoted = integration._quoted(f"{odd}/launcher", shell)
    script = tmp_path / "script"
    script.write_text(f"{'source' if shell == 'fish' else '.'} {quoted} {quoted}\n")
    done = subprocess.run(
        [shell, script], capture_output=True, text=True, check=True, env=environment(None, tmp_path)
    )
    assert done.stdout == f"{odd}/launcher\n"


def test_the_program_is_the_one_that_was_called_or_stands_beside_the_interpreter(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "rec"
    program.parent.mkdir()
    interpreter = tmp_path / "bin" / "python"
    with pytest.raises(RecError, match="could not find the program rec"):
        integration.own_program("/x/recorder/__main__.py", str(interpreter))
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert integration.own_program("/x/recorder/__main__.py", str(interpreter)) == str(program)
    link = tmp_path / "rec"
    link.symlink_to(program)
    assert integration.own_program(str(link), "/no/python") == str(link)  # a link outlives the version
    monkeypatch.setenv("PATH", str(tmp_path))
    assert integration.own_program("rec", "/no/python") == str(link)
    monkeypatch.chdir(tmp_path)
    assert integration.own_program("./rec", "/no/python") == str(link)


# --- installing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [None, b"", b"alias x=y\n", b"no newline", ODD])
@pytest.mark.parametrize("shell", SHELLS)
def test_install_and_uninstall_give_the_file_back(home, shell, text):
    path = rc_of(home, shell, text)
    if text is not None:
        path.chmod(0o640)
    told = call(home, "init", shell, "--install").ok()
    assert f"{path}: written" in told.stdout
    written = path.read_bytes()
    assert written.startswith(BEGIN)
    assert written.endswith(b"# <<< rec hooks <<<\n")
    assert (text or b"") in written
    backup = Path(f"{path}.rec-backup")
    if text is None:
        assert not backup.exists()
    else:
        assert backup.read_bytes() == text
        assert [one.stat().st_mode & 0o777 for one in (path, backup)] == [0o640, 0o640]
    again = call(home, "init", shell, "--install").ok()
    assert "already there" in again.stdout
    assert path.read_bytes() == written

    gone = call(home, "uninstall").ok()
    assert gone.stdout == f"{path}: taken out\n"
    assert (path.read_bytes() if path.exists() else None) == text
    assert sorted(one.name for one in path.parent.iterdir()) == ([path.name] if text is not None else [])
    assert call(home, "uninstall").ok().stdout == "there was nothing to take out\n"


def test_uninstall_does_all_three_and_says_so(home):
    for shell in SHELLS:
        rc_of(home, shell, b"# mine\n")
        call(home, "init", shell, "--install").ok()
    assert call(home, "uninstall").ok().stdout.splitlines() == [
        f"{home / RC[one]}: taken out" for one in SHELLS
    ]
    assert {(home / RC[one]).read_bytes() for one in SHELLS} == {b"# mine\n"}


def test_the_places_of_zsh_and_fish_may_be_elsewhere(home):
    env = {"ZDOTDIR": str(home / "z"), "XDG_CONFIG_HOME": str(home / "c")}
    for shell in SHELLS:
        call(home, "init", shell, "--install", env=env).ok()
    assert (home / "z/.zshrc").exists()
    assert (home / "c/fish/config.fish").exists()
    assert (home / ".bashrc").exists()
    assert len(call(home, "uninstall", env=env).ok().stdout.splitlines()) == 3


def test_changed_paths_are_replaced_and_a_copy_of_the_users_own_text_stays(home):
    path = rc_of(home, "bash", b"mine\n")
    call(home, "init", "bash", "--install").ok()
    new = path.read_bytes()
    path.write_bytes(new.replace(str(REC).encode(), b"/old/rec") + b"added\n")
    call(home, "init", "bash", "--install").ok()
    text = path.read_bytes()
    assert b"/old/rec" not in text
    assert text.count(b"rec launcher") == 2
    assert b"mine\nadded\n# >>> rec hooks >>>" in text
    assert Path(f"{path}.rec-backup").read_bytes() == b"mine\n"


def test_half_a_block_is_left_to_the_user(home):
    path = rc_of(home, "bash", b"x\n" + BEGIN + b"y\n")
    for words in (["init", "bash", "--install"], ["uninstall"]):
        one_line(call(home, *words), f"{path}: line 2: `# >>> rec launcher >>>` stands alone")
    assert path.read_bytes() == b"x\n" + BEGIN + b"y\n"


def test_a_link_is_followed_only_when_the_user_says_so(home, start_rec):
    target = home / "dotfiles"
    target.write_bytes(b"mine\n")
    path = home / ".bashrc"
    path.symlink_to("dotfiles")
    one_line(call(home, "init", "bash", "--install"), f"it is a link to {target}")
    assert target.read_bytes() == b"mine\n"
    call(home, "init", "bash", "--install", "--yes").ok()
    assert path.is_symlink()
    assert target.read_bytes().startswith(BEGIN)
    assert "already there" in call(home, "init", "bash", "--install").ok().stdout
    one_line(call(home, "uninstall"), f"it is a link to {target}")
    term = start_rec(["uninstall"], home=home)
    term.expect("change that file? [y/N]:")
    term.line("y")
    assert term.wait() == 0
    assert path.is_symlink()
    assert target.read_bytes() == b"mine\n"


def test_files_that_are_not_plainly_the_users_are_refused(home):
    path = home / ".bashrc"
    path.mkdir()
    one_line(call(home, "init", "bash", "--install"), f"{path}: it is no regular file")
    path.rmdir()
    path.symlink_to("nowhere/at/all")
    one_line(call(home, "init", "bash", "--install", "--yes"), "leads nowhere")
    path.unlink()
    os.mkfifo(path)
    one_line(call(home, "init", "bash", "--install"), "no regular file")
    assert call(home, "uninstall").ok()
    path.unlink()
    if os.geteuid() == 0:
        path.write_bytes(b"x\n")
        os.chown(path, 12345, 12345)
        one_line(call(home, "init", "bash", "--install"), "belongs to another user")
        path.unlink()
        os.chown(home, 12345, 12345)
        one_line(call(home, "init", "bash", "--install"), "belongs to another user")
        assert list(home.iterdir()) == []
    else:
        path.write_bytes(b"x\n")
        path.chmod(0o400)
        one_line(call(home, "init", "bash", "--install"), "not writable")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (None, None, True),
        (".profile", "export X=1\n# . ~/.bashrc\n", True),
        (".profile", '[ -f "$HOME/.bashrc" ] && . "$HOME/.bashrc"\n', False),
        (".bash_profile", "export X=1\n", True),
    ],
)
def test_a_login_bash_that_does_not_read_the_file_is_told(home, name, text, told):
    if name is not None:
        (home / name).write_text(text)
    result = call(home, "init", "bash", "--install").ok()
    expected = f"rec: a login bash is not recorded: {home / (name or '.bash_profile')} "
    assert result.stderr.startswith(expected) if told else result.stderr == ""


# --- the doctor ----------------------------------------------------------------------------------


def doctor(home):
    checks = json.loads(call(home, "doctor", "--json").stdout)
    return {check["check"]: check for check in checks if check["check"].startswith("rc file")}


@pytest.mark.parametrize("shell", SHELLS)
def test_doctor_looks_at_the_rc_files(home, shell, tmp_path):
    assert doctor(home) == {}
    path = rc_of(home, shell, b"# a comment\n")
    call(home, "init", shell, "--install").ok()
    name = f"rc file of {shell}"
    text = path.read_bytes()
    path.write_bytes(
        b"# still the first thing that does something\n"
        + text.replace(b"hooks." + shell.encode(), b"launcher." + shell.encode())
    )
    assert doctor(home)[name]["ok"]

    for changed, detail in (
        (b"echo before\n" + text, "the launcher does not stand first"),
        (b"source ~/.cache/p10k-instant-prompt-x.zsh\n" + text, "instant prompt"),
        (text.replace(str(REC).encode(), b"/no/such/rec"), "/no/such/rec is not there"),
        (text.replace(BEGIN, b""), "stands alone"),
    ):
        path.write_bytes(changed)
        found = doctor(home)[name]
        assert not found["ok"]
        assert detail in found["detail"]
        assert found["fix"]


@pytest.mark.parametrize("shell", SHELLS)
def test_an_installed_shell_is_recorded(home, shell, start):
    need(shell)
    call(home, "init", shell, "--install").ok()
    runtime = home.parent / "run"
    runtime.mkdir(mode=0o700)
    root = home.parent / "root"
    term = start(
        [shell], root=root, home=home, env={"PS1": None, "XDG_RUNTIME_DIR": str(runtime)}, answer=True
    )
    term.line("echo se''en")
    term.expect("\nseen")
    term.line("exit 4")
    assert term.wait() == 4
    (session,) = rec(["ls", "--json"], root, home=home).ok().json()
    assert session["tool"] == shell
    assert shutil.which(shell)
