"""`rec shell`: which shell it records, and what it tells the launcher that called it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blackbox import VENV_BIN, environment, ls, wait_for
from processes import children

from recorder import beacon, shells
from recorder.basics import Owner
from recorder.commands import record
from recorder.errors import RecError

REC = VENV_BIN / "rec"


def recorded(root):
    (session,) = ls(root)
    return session["argv"], session["tool"], session["exit_status"]


# --- by hand -------------------------------------------------------------------------------------


def test_the_users_shell_is_recorded(root, start_rec):
    term = start_rec(["shell"], env={"SHELL": "/bin/bash", "PS1": "hand> "})
    term.line("echo $0 se''en; exit 9")
    term.expect("/bin/bash seen")
    assert term.wait() == 9
    assert recorded(root) == (["/bin/bash"], "bash", 9)


def test_inside_a_session_it_is_recorded_once_more_by_hand(root, start_rec):
    env = {"SHELL": "/bin/sh", "PS1": "one> "}
    term = start_rec(["shell"], env=env)
    term.expect("one> ")
    term.line(f"PS1='two> ' {REC} shell")
    term.expect("two> ")
    term.line("exit 4")
    term.expect("one> ", count=2)
    term.line("exit $?")
    assert term.wait() == 4
    assert [one["exit_status"] for one in ls(root)] == [4, 4]


def test_a_shell_that_is_not_there_is_said_in_one_line(root, start_rec):
    term = start_rec(["shell"], env={"SHELL": "/no/such/shell"})
    assert term.wait() == 127
    assert term.text().splitlines()[0] == "rec: could not run /no/such/shell: not found"


def test_without_a_variable_the_password_database_is_asked(monkeypatch):
    monkeypatch.setattr(shells.identity, "shell", lambda: "/bin/from-database")
    assert shells.own({}).program == "/bin/from-database"
    assert shells.own({"SHELL": "/bin/x"}).program == "/bin/x"
    monkeypatch.setattr(shells.identity, "shell", lambda: None)
    assert shells.own({}).program == "/bin/sh"


# --- called by a launcher ------------------------------------------------------------------------


def test_the_launcher_is_given_the_status(root, start, tmp_path):
    """The shell is the launcher's own, here one that runs a command string."""
    file = tmp_path / "status"
    script = tmp_path / "script"
    script.write_text(f'[ -n "$REC_SESSION" ] && {{ echo "inner $0 $SHLVL"; exit 240; }}\n'
                      f'"{REC}" shell --status-file {file} --pid $$; echo "left $?"\n')  # fmt: skip
    term = start(["bash", str(script)], root=root, env={"SHLVL": "7"}, cols=200)
    term.expect("left 240")
    assert f"inner {script} 8" in term.text()  # one level, not two
    assert term.wait() == 0
    assert file.read_text() == "240\n"
    assert recorded(root) == (["bash", str(script)], "bash", 240)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("status")) == ["status"]


def test_the_name_of_a_login_shell_stays_and_can_be_started_again(root, start, tmp_path):
    script = tmp_path / "script"
    script.write_text(f'[ -n "$REC_SESSION" ] && {{ cat /proc/$$/cmdline | tr "\\0" " "; exit; }}\n'
                      f'"{REC}" shell --status-file {tmp_path}/status --pid $$\n')  # fmt: skip
    term = start(["bash", "-c", f"exec -a -sh bash --norc {script}"], root=root, cols=200)
    term.expect(f"-sh --norc {script}")
    assert term.wait() == 0
    assert recorded(root)[:2] == (["sh", "--norc", str(script), "-l"], "sh")


def test_a_terminal_that_is_recorded_is_not_recorded_again(root, start_rec, tmp_path):
    script = tmp_path / "script"
    file = tmp_path / "status"
    script.write_text(f'"{REC}" shell --status-file {file} --pid $$; echo left $?\n')
    term = start_rec(["run", "--", "bash", str(script)])
    term.expect("left 1")
    assert term.wait() == 0
    assert "rec: could not record this shell: its terminal is recorded already" in term.text()
    assert not file.exists()
    assert len(ls(root)) == 1


def test_a_failure_leaves_no_status(root, start, tmp_path):
    settings = tmp_path / "home/.config/rec"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text("nonsense = 1\n")
    script = tmp_path / "script"
    script.write_text(f'"{REC}" shell --status-file {tmp_path}/status --pid $$; echo left $?\n')
    term = start(["bash", str(script)], root=root)
    term.expect("left 2")
    assert term.wait() == 0
    assert not (tmp_path / "status").exists()


def test_a_status_that_cannot_be_written_is_said(root, start, tmp_path):
    script = tmp_path / "script"
    script.write_text(
        f'[ -n "$REC_SESSION" ] && exit 0\n"{REC}" shell --status-file /no/such/file --pid $$; echo left $?\n'
    )
    term = start(["bash", str(script)], root=root)
    term.expect("left 1")
    assert "rec: could not write /no/such/file: no such file or directory" in term.text()
    assert term.wait() == 0


def test_a_shell_that_was_replaced_while_it_ran_is_started_from_its_old_place(root, start, tmp_path):
    """As after an upgrade: the kernel calls the old one deleted."""
    program = tmp_path / "mybash"
    shutil.copy("/bin/bash", program)
    script = tmp_path / "script"
    script.write_text(
        f'[ -n "$REC_SESSION" ] && {{ readlink /proc/$$/exe; exit 5; }}\n'
        f"cp {program} {program}.new; mv {program}.new {program}\n"
        f'readlink /proc/$$/exe\n"{REC}" shell --status-file {tmp_path}/status --pid $$; echo left $?\n'
    )
    term = start([program, str(script)], root=root, cols=200)
    term.expect("left 5")
    assert f"{program} (deleted)" in term.text()
    assert f"{program}\n" in term.text()
    assert term.wait() == 0


@pytest.mark.parametrize(
    ("name", "env", "found"),
    [
        ("{tmp}/here", {}, "{tmp}/here"),
        ("-here", {"PATH": "/no:{tmp}"}, "{tmp}/here"),
        ("-gone", {"PATH": "{tmp}", "SHELL": "/bin/sh"}, "/bin/sh"),
    ],
)
def test_a_shell_that_was_removed_is_looked_for(tmp_path, name, env, found):
    (tmp_path / "here").write_text("#!/bin/sh\n")
    (tmp_path / "here").chmod(0o755)
    env = {key: value.format(tmp=tmp_path) for key, value in env.items()}
    place = shells._in_place_of(f"{tmp_path}/gone", name.format(tmp=tmp_path), env)
    assert place == found.format(tmp=tmp_path)


@pytest.mark.parametrize(
    ("argv", "again"),
    [
        (("-bash",), ("bash", "-l")),
        (("bash", "--rcfile", "x"), ("bash", "--rcfile", "x")),
        (("-zsh", "-f"), ("zsh", "-f", "-l")),
        (("-",), ("/bin/sh", "-l")),
    ],
)
def test_words_that_start_such_a_shell_again(argv, again):
    assert shells._again(argv) == again


@pytest.mark.parametrize(("level", "inner"), [("3", "2"), ("1", "0"), ("0", "0"), ("x", "x"), (None, None)])
def test_the_outer_shell_is_no_level(level, inner):
    env = {} if level is None else {"SHLVL": level}
    assert shells._without_level(env).get("SHLVL") == inner


def test_a_launcher_that_cannot_be_looked_at_is_an_error():
    with pytest.raises(RecError, match="could not tell which shell to record"):
        shells.outer({}, 1 << 30)


def test_what_a_dead_launcher_left_is_taken_away(tmp_path):
    file, errors = tmp_path / "launch-1", tmp_path / "launch-1.err"
    for path in (file, errors):
        path.write_text("")
    shells.tell(str(file), 3, Owner(os.getpid(), 1, ""))
    assert not file.exists()
    assert not errors.exists()


def test_what_launchers_of_closed_windows_left_is_swept(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    for pid in (dead.pid, os.getpid()):
        (tmp_path / f"launch-{pid}").write_text("")
        (tmp_path / f"launch-{pid}.err").write_text("")
    (tmp_path / "launcher-off").write_text("")
    assert len(beacon.sweep(str(tmp_path))) == 2
    mine = f"launch-{os.getpid()}"
    assert sorted(path.name for path in tmp_path.iterdir()) == [mine, f"{mine}.err", "launcher-off"]


# --- fast ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["shell"], record.Wanted((), login=True)),
        (["shell", "--status-file", "x", "--pid", "7"], record.Wanted((), login=True, launcher=("x", 7))),
        (["shell", "--status-file", "x", "--pid", "x"], None),
        (["shell", "--status-file", "x"], None),
        (["shell", "--status-file=x"], None),
        (["shell", "-h"], None),
        (["shell", "x"], None),
    ],
)
def test_the_usual_words_go_without_click(words, wanted):
    assert record.recognise(words) == (None if wanted is None else (None, wanted))


def test_nothing_more_is_imported_before_the_shell_than_it_needs(root, tmp_path):
    code = "import os, sys; fork = os.fork\n"
    code += "def seen():\n    print(*sys.modules, flush=True)\n    return fork()\n"
    code += "os.fork = seen\nsys.argv = ['rec', 'shell']\nfrom recorder.__main__ import main\nmain()\n"
    env = environment(root, root.parent / "home", SHELL="/bin/true")
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "recorder.shells" in modules
    assert not modules & {
        "click",
        "pathlib",
        "dataclasses",
        "json",
        "threading",
        "apsw",
        "recorder.recording",
    }


def test_a_launcher_that_dies_first_leaves_no_file(root, start, tmp_path):
    script = tmp_path / "script"
    inner = 'echo re""ady; while kill -0 $OUTER 2>/dev/null; do sleep 0.05; done; exit'
    file = tmp_path / "status"
    script.write_text(
        f'if [ -n "$REC_SESSION" ]; then {inner}; fi\n'
        f': >{file}; "{REC}" shell --status-file {file} --pid $$ 2>{file}.err\n'
    )
    term = start(["bash", "-c", f"export OUTER=$$; exec bash {script}"], root=root)
    term.expect("ready")
    (recorder,) = children(term.pid)
    term.kill()
    wait_for(lambda: not Path(f"/proc/{recorder}").exists(), what="the recorder's end")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("status")]
