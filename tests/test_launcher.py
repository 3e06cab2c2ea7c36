"""The launchers in real shells: recorded where that is right, and a usable shell whatever happens."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest
from blackbox import VENV_BIN, environment, events, log, ls, need, rec, wait_for
from processes import children, words
from shells import FILES, SHELLS, prompt_lines, rc_file

from recorder import modefile

any_python = True

REC = VENV_BIN / "rec"
KINDS = [(name, login) for name in SHELLS for login in (False, True)]
LINE = {
    "bash": "[ -r {file} ] && . {file} {rec}",
    "zsh": "[ -r {file} ] && . {file} {rec}",
    "fish": "test -r {file}; and source {file} {rec}",
}
QUIET_PROMPT = {"zsh": "unsetopt prompt_sp", "fish": "function fish_title; end"}
STATUS = {"bash": "$?", "zsh": "$?", "fish": "$status"}
NOTICE = "rec: this shell is not recorded: "


def prompt(shell: str) -> str:
    """Lines of an rc file that make the prompt known, and nothing else printed with it."""
    return f"{prompt_lines(shell)}\n{QUIET_PROMPT.get(shell, '')}"


class Home:
    """A home whose rc file holds a launcher's line, and shells started in it."""

    def __init__(self, tmp_path, shell, start) -> None:
        need(shell)
        self.shell, self._start = shell, start
        self.path, self.root, self.runtime = tmp_path / "home", tmp_path / "root", tmp_path / "run"
        for place in (self.path, self.runtime):
            place.mkdir(exist_ok=True)
        self.runtime.chmod(0o700)
        self.rc = rc_file(shell, self.path)
        if shell == "bash":
            (self.path / ".bash_profile").write_text("[ -r ~/.bashrc ] && . ~/.bashrc\n")
        self.write()

    def write(self, program=REC, *, before: str = "") -> None:
        line = LINE[self.shell].format(file=FILES / f"launcher.{self.shell}", rec=program)
        self.rc.write_text(f"{before}\n{line}\n{prompt(self.shell)}\n")

    def env(self, **more):
        return {"PS1": None, "XDG_RUNTIME_DIR": str(self.runtime), "SHELL": f"/usr/bin/{self.shell}", **more}

    def start(self, *args, login=False, env=None, **options):
        argv = ["bash", "-c", f'exec -a -{self.shell} {self.shell} "$@"', "sh"] if login else [self.shell]
        env = self.env(**(env or {}))
        return self._start([*argv, *args], root=self.root, home=self.path, env=env, answer=True, **options)

    def ready(self, *args, **options):
        term = self.start(*args, **options)
        term.expect("ready> ")
        return term

    def sessions(self):
        return ls(self.root) if self.root.exists() else []

    def doctor(self, *args):
        result = rec(["doctor", "--json", *args], self.root, home=self.path, env=self.env(PS1=""))
        return {check["check"]: check for check in json.loads(result.stdout)}

    def runtime_files(self):
        return sorted(path.name for path in self.runtime.rglob("*") if path.is_file())


@pytest.fixture
def home_of(tmp_path, start):
    return lambda shell: Home(tmp_path, shell, start)


def recorder_of(term) -> int:
    """The recorder that the outer shell of a terminal has started."""
    found = wait_for(
        lambda: [pid for pid in children(term.pid) if "--status-file" in words(pid)], what="a recorder"
    )
    return found[0]


def script(path, text: str):
    """Write a shell script that can be started; return its path."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def ask(term, text: str, answer) -> None:
    term.line(text)
    term.expect(answer)


def leave(term, status: int) -> None:
    term.line(f"exit {status}")
    assert term.wait() == status


# --- recorded ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shell", "login"), KINDS)
@pytest.mark.parametrize("status", [0, 1, 240])
def test_a_shell_is_recorded_and_left_with_its_status(home_of, shell, login, status):
    home = home_of(shell)
    term = home.ready(login=login)
    assert recorder_of(term)
    assert term.text().strip() == "ready>"  # and nothing beside it
    ask(term, "echo se''en", "\nseen")
    leave(term, status)
    (session,) = home.sessions()
    assert session["tool"] == shell
    assert session["argv"] == ([shell, "-l"] if login else [shell])
    assert (session["status"], session["end_reason"], session["exit_status"]) == ("ended", "exit", status)
    assert NOTICE not in term.text()
    assert home.runtime_files() == []
    assert term.modes() == term.before


def test_names_that_the_system_has_made_readonly_are_none_of_ours(home_of):
    """In bash a local variable cannot have the name of a readonly one, and the script ends there."""
    home = home_of("bash")
    text = "".join((FILES / f"{part}.bash").read_text() for part in ("launcher", "hooks"))
    words_in_it = sorted(set(re.findall(r"\b[a-z]+\b", text)) - {"zsh", "fish"})
    home.write(before=f"for __each in {' '.join(words_in_it)}; do readonly $__each; done")
    with home.rc.open("a") as rc:
        rc.write(f". {FILES / 'hooks.bash'}\n")
    term = home.ready()
    assert recorder_of(term)
    ask(term, "echo se''en", "\nseen")
    assert "readonly" not in term.text()
    leave(term, 3)
    assert [row["command"] for row in log(home.root)] == ["echo se''en", "exit 3"]


def test_a_status_that_the_umask_would_hide_is_readable(tmp_path):
    """An unprivileged launcher reads it; root could anyway."""
    before = os.umask(0o777)
    try:
        modefile.put(str(tmp_path / "status"), b"0\n")
    finally:
        os.umask(before)
    assert (tmp_path / "status").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_that_kills_itself_is_left_with_128_and_its_signal(home_of, shell):
    home = home_of(shell)
    term = home.ready()
    pid = "$fish_pid" if shell == "fish" else "$$"
    term.line(f"kill -9 {pid}")
    assert term.wait() == 137
    (session,) = home.sessions()
    assert (session["end_reason"], session["exit_status"]) == ("signal", 137)
    assert NOTICE not in term.text()


FACTS = {
    "bash": 'echo "[$0|$-|$SHLVL|$(umask)|$(ulimit -n)|$SHELL|$PWD|$#]"',
    "zsh": 'echo "[$0|$-|$SHLVL|$(umask)|$(ulimit -n)|$SHELL|$PWD|$#]"',
    "fish": 'echo "["(status is-login; echo $status)"|$SHLVL|"(umask)"|"(ulimit -n)"|$SHELL|$PWD]"',
}


@pytest.mark.parametrize(("shell", "login"), KINDS)
def test_the_shell_is_as_an_unrecorded_one(home_of, shell, login, tmp_path):
    home = home_of(shell)
    # the shell looks itself: while it starts a program it has pipes of its own, for a moment
    fds = "echo fds: /proc/self/fd/*"
    seen = []
    for env in ({}, {"REC_DISABLE": "1"}):
        term = home.ready(login=login, env={"SHLVL": "3", **env}, cwd=tmp_path)
        ask(term, f"umask 027; {FACTS[shell]}; {fds}; echo en''d", "\nend")
        seen.append([row for row in term.text().splitlines() if row.startswith(("[", "fds:"))])
        leave(term, 0)
    recorded, plain = seen
    assert recorded == plain
    assert len(plain) >= 2
    assert len(home.sessions()) == 1


ARGS = {
    "bash": [
        ["--norc", "--rcfile", "x"],
        ["--rcfile", "{home}/.bashrc"],
        ["--init-file", "{home}/.bashrc", "-i"],
        ["-l"],
    ],
    "zsh": [["-l"], ["-i"], ["-o", "extendedglob"]],
    "fish": [["-l"], ["-i"], ["-C", "set -g given 1"]],
}


@pytest.mark.parametrize(("shell", "args"), [(name, args) for name in SHELLS for args in ARGS[name]])
def test_options_of_the_shell_stay(home_of, shell, args):
    home = home_of(shell)
    args = [word.format(home=home.path) for word in args]
    term = home.start(*args)
    if args[0] == "--norc":
        term.expect("# ")
        leave(term, 0)
        assert home.sessions() == []  # no rc file, no launcher
        return
    term.expect("ready> ")
    (inner,) = wait_for(lambda: children(recorder_of(term)), what="the inner shell")
    assert words(inner).split() == " ".join([shell, *args]).split()
    leave(term, 3)
    assert home.sessions()[0]["argv"] == [shell, *args]


@pytest.mark.parametrize("shell", SHELLS)
def test_jobs_and_window_sizes_work(home_of, shell):
    home = home_of(shell)
    term = home.ready()
    term.line("sleep 0.3 &")
    term.expect("ready> ", count=2)
    term.line("fg")
    term.expect("ready> ", count=3)
    for cols, rows in ((90, 20), (70, 30), (101, 33)):
        term.resize(cols, rows)
    ask(term, """sh -c 'until stty size | grep -x "33 101"; do sleep 0.1; done'""", "\n33 101")
    term.line("sleep 100")
    term.runs("sleep")
    term.send("\x03")
    ask(term, f"echo left {STATUS[shell]}", "\nleft 130")
    leave(term, 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_inside_is_not_recorded_again_but_one_in_a_new_terminal_is(home_of, shell):
    need("tmux")
    home = home_of(shell)
    term = home.ready()
    term.line(shell)
    term.expect("ready> ", count=2)
    ask(term, "echo in''ner", "\ninner")
    term.line("exit 0")
    term.expect("ready> ", count=3)
    wait_for(home.sessions, what="the session in the store")
    assert len(home.sessions()) == 1
    socket = home.path / "tmux"
    ask(term, f"tmux -f /dev/null -S {socket} new-session -d -x 80 -y 24 {shell}; echo do''ne", "\ndone")
    try:
        both = wait_for(lambda: len(home.sessions()) == 2 and home.sessions(), what="the pane's session")
        assert {one["status"] for one in both} == {"live"}
    finally:
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], check=False)
    wait_for(lambda: home.sessions()[0]["end_reason"] == "hangup", what="the pane's end")
    leave(term, 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_closed_window_is_a_hangup(home_of, shell):
    home = home_of(shell)
    term = home.ready()
    ask(term, "echo se''en; sleep 1000", "\nseen")
    term.close_terminal()
    session = wait_for(
        lambda: next((one for one in home.sessions() if one["status"] == "ended"), None), what="the end"
    )
    assert session["end_reason"] == "hangup"
    wait_for(lambda: not term.survivors(), what="the end of all processes")
    assert home.runtime_files() == []


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_is_left_behind_in_the_shell(home_of, shell):
    home = home_of(shell)
    home.write("/no/such/rec")  # all of the launcher has run, and the shell goes on
    term = home.ready()
    listing = {"bash": "set", "zsh": "typeset; functions", "fish": "set -n; functions -a"}[shell]
    ask(term, f"{{ {listing}; }} | grep __re''c_; echo do''ne" if shell != "fish"
        else f"begin; {listing}; end | grep __re''c_; echo do''ne", "\ndone")  # fmt: skip
    assert "__rec_" not in term.text()
    ask(term, "env | grep REC_DIS''ABLE; echo do''ne 2", "\ndone 2")
    assert "REC_DISABLE" not in term.text()
    leave(term, 4)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_may_stand_between_the_launcher_and_rec(home_of, tmp_path, shell):
    """As version managers have it: not our parent is the shell to record, but its parent."""
    home = home_of(shell)
    home.write(script(tmp_path / "shim", f'{REC} "$@"\nexit $?'))
    term = home.ready()
    ask(term, "echo se''en", "\nseen")
    leave(term, 3)
    assert [(one["argv"], one["exit_status"]) for one in home.sessions()] == [([shell], 3)]
    assert home.runtime_files() == []


# --- failures ------------------------------------------------------------------------------------


def failing(kind: str, place):
    """A program in the recorder's place that fails."""
    program = place / "rec"
    texts = {
        "no interpreter": "#!/no/such/python\n",
        "not executable": "#!/bin/sh\n",
        "exit 0": "#!/bin/sh\nexit 0\n",
        "exit 1": "#!/bin/sh\nexit 1\n",
        "prints": "#!/bin/sh\necho first >&2; echo the cause >&2; exit 3\n",
        "raises": "#!/usr/bin/python3\nraise ValueError('broken')\n",
        "killed": "#!/bin/sh\nkill -9 $$\n",
    }
    if kind != "missing":
        program.write_text(texts[kind])
        program.chmod(0o644 if kind == "not executable" else 0o755)
    return program


CAUSES = {
    "missing": "{rec} is not there",
    "not executable": "{rec} is not executable",
    "no interpreter": "{rec} cannot be started; its interpreter may be missing",
    "exit 0": "the recorder ended with status 0",
    "exit 1": "the recorder ended with status 1",
    "prints": "the cause",
    "raises": "ValueError: broken",
    "killed": "the recorder was killed by signal 9",
}


@pytest.mark.parametrize("kind", CAUSES)
@pytest.mark.parametrize(("shell", "login"), KINDS)
def test_a_recorder_that_fails_costs_one_line(home_of, tmp_path, shell, login, kind):
    home = home_of(shell)
    program = failing(kind, tmp_path)
    home.write(program)
    term = home.ready(login=login, cols=200)
    shown = [row for row in term.screen() if row]
    cause = CAUSES[kind].format(rec=program)
    assert shown == [f"{NOTICE}{cause}; rec doctor says more", "ready>"]
    ask(term, "echo go''es on", "\ngoes on")
    assert home.sessions() == []
    leave(term, 7)
    told = home.doctor()["launcher"]
    assert not told["ok"]
    assert cause in told["detail"]
    assert str(program) in told["detail"]
    assert shell in told["detail"]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_recorder_that_fails_ends_no_shell_under_errexit(home_of, tmp_path, shell):
    home = home_of(shell)
    home.write(failing("exit 1", tmp_path), before="set -e")
    term = home.ready(cols=200)
    assert NOTICE in term.text()
    ask(term, "set +e; echo go''es on", "\ngoes on")


@pytest.mark.parametrize("shell", SHELLS)
def test_two_failures_switch_the_launcher_off_until_doctor_fixes_it(home_of, tmp_path, shell):
    home = home_of(shell)
    home.write(failing("exit 1", tmp_path))
    for advice in ("rec doctor says more", "not tried again until rec doctor --fix"):
        term = home.ready(cols=200)
        assert f"{NOTICE}the recorder ended with status 1; {advice}\n" in term.text()
        leave(term, 0)
    home.write()  # it would work again
    term = home.ready(cols=200)
    assert term.text().strip() == "ready>"  # silent
    leave(term, 0)
    assert home.sessions() == []
    told = home.doctor()["launcher"]
    assert not told["ok"]
    assert "off" in told["detail"]
    assert "rec doctor --fix" in told["fix"]
    assert home.doctor("--fix")["launcher"]["ok"]
    assert home.doctor()["launcher"]["ok"]
    leave(home.ready(), 0)
    assert len(home.sessions()) == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_a_killed_recorder_gives_the_terminal_back(home_of, shell):
    home = home_of(shell)
    term = home.ready(cols=120)
    ask(term, "echo se''en; sleep 1000", "\nseen")
    wait_for(lambda: b"seen" in (events_text(home)), what="the output in the store")
    os.kill(recorder_of(term), signal.SIGKILL)
    term.expect(f"{NOTICE}the recorder was killed by signal 9; rec doctor says more")
    term.expect("ready> ", count=2)
    assert "illed" not in term.text().replace("was killed by", "")
    ask(term, "stty; echo al''ive", "\nalive")
    assert not any(word in term.text() for word in ("-icanon", "-echo ", "-isig", "-icrnl", "-opost"))
    leave(term, 5)
    (session,) = home.sessions()
    assert (session["status"], session["end_reason"]) == ("interrupted", None)
    assert [name for name in home.runtime_files() if name.startswith(("launch", "tty"))] == [
        "launcher-failed"
    ]


def events_text(home) -> bytes:
    return b"\n".join(event["text"].encode() for event in events(home.root)) if home.sessions() else b""


@pytest.mark.parametrize("shell", SHELLS)
def test_a_recorder_killed_inside_vim_leaves_no_trace_of_it(home_of, shell):
    need("vim")
    home = home_of(shell)
    term = home.ready(cols=120)
    ask(term, "echo se''en", "\nseen")
    term.line("vim -u NONE -N -c 'set mouse=a'")
    wait_for(lambda: term.alternate, what="the alternate screen")
    term.expect("~")
    note = wait_for(lambda: next((path for path in (home.runtime / "rec").glob("tty-*")
                                  if path.read_text().endswith("1049")), None), what="the note")  # fmt: skip
    os.kill(recorder_of(term), signal.SIGKILL)
    term.expect(NOTICE)
    wait_for(lambda: not term.alternate, what="the primary screen")
    term.expect("ready> ", count=3)
    assert not term.private_modes & {1000, 1002, 1006, 1049}
    ask(term, "echo al''ive", "\nalive")
    assert "\nseen" in term.text()
    assert not note.exists()
    leave(term, 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_recorder_that_is_stopped_goes_on(home_of, shell):
    home = home_of(shell)
    term = home.ready()
    pid = recorder_of(term)
    os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGTSTP)  # Ctrl-Z, pressed too early
    ask(term, "echo st''ill", "\nstill")
    leave(term, 6)
    assert len(home.sessions()) == 1
    assert NOTICE not in term.text()


@pytest.mark.parametrize("shell", SHELLS)
def test_keys_before_the_recorder_is_there_break_nothing(home_of, tmp_path, shell):
    home = home_of(shell)
    began, go = tmp_path / "began", tmp_path / "go"
    waits = f'touch {began}\nuntil [ -e {go} ]; do sleep 0.02; done\nexec {REC} "$@"'
    home.write(script(tmp_path / "slow", waits))
    for count, key in enumerate(("\x1a", "\x03")):
        for each in (began, go):
            each.unlink(missing_ok=True)
        term = home.start(cols=200)
        wait_for(began.exists, what="the start")
        term.send(key)
        go.touch()
        term.expect("ready> ")
        assert NOTICE not in term.text()
        ask(term, "echo go''es on; sleep 1000", "\ngoes on")
        term.runs("sleep")
        term.send("\x03")
        ask(term, f"echo left {STATUS[shell]}", "\nleft 130")  # it is the inner shell's key now
        leave(term, 9)
        assert len(home.sessions()) == count + 1


@pytest.mark.parametrize("shell", SHELLS)
def test_a_recorder_that_hangs_is_left_with_the_quit_key(home_of, tmp_path, shell):
    home = home_of(shell)
    home.write(script(tmp_path / "hung", f"touch {tmp_path}/began\nexec sleep 1000"))
    term = home.start(cols=200)
    wait_for((tmp_path / "began").exists, what="the start")
    term.send("\x03\x1a\x1c")
    term.expect(f"{NOTICE}the recorder was killed by signal 3; rec doctor says more")
    term.expect("ready> ")
    ask(term, "echo go''es on", "\ngoes on")
    assert not [pid for pid in children(term.pid) if "sleep" in words(pid)]
    leave(term, 4)


# --- not recorded --------------------------------------------------------------------------------

QUIET = [
    {"TERM": "dumb"},
    {"TERM": None},
    {"INSIDE_EMACS": "29.1,comint"},
    {"VSCODE_RESOLVING_ENVIRONMENT": "1"},
    {"INTELLIJ_ENVIRONMENT_READER": "1"},
    {"MC_SID": "77"},
    {"SSH_ORIGINAL_COMMAND": "ls"},
    {"CI": "true"},
    {"REC_DISABLE": "1"},
]


@pytest.mark.parametrize("env", QUIET, ids=lambda env: next(iter(env)))
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_that_is_not_to_be_recorded_is_left_alone(home_of, shell, env):
    home = home_of(shell)
    term = home.start(env=env)
    term.expect("ready> ")
    assert not [pid for pid in children(term.pid) if "rec" in words(pid)]
    assert term.text().strip().endswith("ready>")
    assert NOTICE not in term.text()
    assert home.runtime_files() == []
    leave(term, 0)
    assert home.sessions() == []


@pytest.mark.parametrize("flags", ["-ic", "-ilc"])
@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_string_runs_as_it_is(home_of, shell, flags):
    home = home_of(shell)
    term = home.start(flags, "echo X; exit 5")
    assert term.wait() == 5
    assert term.text().splitlines().count("X") == 1  # a machine's own /etc/profile may have more to say
    assert NOTICE not in term.text()
    env = environment(home.root, home.path, **home.env(PS1=""))
    piped = subprocess.run([shell, flags, "echo X; exit 5"], env=env, capture_output=True, check=False,
                           stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    assert (piped.returncode, piped.stdout) == (5, b"X\n")
    assert NOTICE.encode() not in piped.stderr
    assert home.sessions() == []
    assert home.runtime_files() == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_without_a_terminal_prints_nothing_and_starts_nothing(home_of, shell, tmp_path):
    """As scp, rsync and git over ssh start it: not interactive, yet many systems' shells read the rc file."""
    home = home_of(shell)
    spy = script(tmp_path / "spy", f"touch {tmp_path}/started")
    home.write(spy)
    env = {**environment(home.root, home.path), "SSH_CLIENT": "192.0.2.1 1 22", "REC_RUNTIME": ""}
    source = {"fish": f"source {home.rc}"}.get(shell, f". {home.rc}")
    done = subprocess.run([shell, "-c", source], env=env, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    assert (done.stdout, done.stderr) == (b"", b"")
    assert not (tmp_path / "started").exists()
    assert home.runtime_files() == []


@pytest.mark.parametrize("shell", SHELLS)
def test_an_unreadable_launcher_or_a_bad_directory_costs_one_line_at_most(home_of, shell, tmp_path):
    home = home_of(shell)
    home.rc.write_text(home.rc.read_text().replace(str(FILES), "/no/such/place"))
    term = home.ready()
    assert term.text().strip() == "ready>"
    leave(term, 0)
    home.write()
    stranger = tmp_path / "elsewhere"
    stranger.mkdir()
    (home.runtime / "rec").symlink_to(stranger)
    # the other place, where it is ours, has to do
    term = home.ready()
    recorder_of(term)
    leave(term, 0)
    assert list(stranger.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_is_written_into_the_home_of_another(home_of, shell):
    home = home_of(shell)
    os.chown(home.path, 12345, 12345)
    term = home.ready(cols=200)
    assert [row for row in term.screen() if row] == [f"{NOTICE}HOME ({home.path}) is not ours", "ready>"]
    leave(term, 0)
    assert not home.root.exists()
    assert not [path for path in home.path.rglob("*") if path.name.startswith("rec")]


@pytest.mark.parametrize("shell", SHELLS)
def test_an_unrecorded_shell_that_is_not_interactive_loses_no_time(home_of, shell):
    """The figure is the bench's; here: no program is started, so that it cannot be long."""
    home = home_of(shell)
    need("strace")
    source = f"source {home.rc}" if shell == "fish" else f". {home.rc}"
    log = home.path / "trace"
    calls = "trace=clone,clone3,fork,vfork,execve"
    subprocess.run(["strace", "-f", "-qq", "-e", calls, "-o", log, shell, "-c", source],
                   env=environment(home.root, home.path), check=True, stdin=subprocess.DEVNULL)  # fmt: skip
    seen = [line for line in log.read_text().splitlines() if "(" in line and "CLONE_THREAD" not in line]
    assert len(seen) == 1, seen


def test_fish_is_recorded_from_a_piped_script_too(home_of):
    """`something | source` makes the pipe standard input."""
    home = home_of("fish")
    home.rc.write_text(f"echo 'source {FILES}/launcher.fish {REC}' | source\n{prompt('fish')}\n")
    term = home.ready()
    ask(term, "echo se''en", "\nseen")
    leave(term, 3)
    assert [one["exit_status"] for one in home.sessions()] == [3]


def test_zsh_in_the_terminal_of_an_editor_starts_again_from_the_editors_files(home_of, tmp_path):
    """VS Code puts its own ZDOTDIR before the user's; the inner zsh must find it there again."""
    home = home_of("zsh")
    injected = tmp_path / "injected"
    injected.mkdir()
    (injected / ".zshrc").write_text(
        "VSCODE_ZDOTDIR=$ZDOTDIR; ZDOTDIR=$USER_ZDOTDIR; . $USER_ZDOTDIR/.zshrc; injection=done\n"
    )
    term = home.ready(env={"ZDOTDIR": str(injected), "USER_ZDOTDIR": str(home.path)})
    ask(term, "echo injection=$injection", "\ninjection=done")
    leave(term, 3)
    assert [one["exit_status"] for one in home.sessions()] == [3]


@pytest.mark.parametrize("shell", SHELLS)
def test_what_the_recorder_has_to_say_is_said_at_the_end(home_of, tmp_path, shell):
    home = home_of(shell)
    home.write(script(tmp_path / "talks", f'echo "rec: a notice" >&2\nexec {REC} "$@"'))
    term = home.ready()
    assert "a notice" not in term.text()
    leave(term, 3)
    assert term.text().splitlines()[-1] == "rec: a notice"


ODD = {
    "bash": "set -u; set -o noclobber; IFS=0123456789; shopt -s nullglob failglob; alias rm=false cat=false",
    "zsh": "setopt ksh_arrays no_unset no_clobber sh_word_split null_glob err_return; IFS=0123456789",
    "fish": "set -g fish_trace; set -g IFS x; function stty; echo no; end; function rm; echo no; end",
}


@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize("shell", SHELLS)
def test_options_that_stand_before_the_launcher_change_nothing(home_of, shell, works):
    home = home_of(shell)
    home.write(REC if works else "/no/such/rec", before=ODD[shell])
    term = home.ready(cols=200)
    notice = [f"{NOTICE}/no/such/rec is not there; rec doctor says more"]
    assert [row for row in term.screen() if row] == [*([] if works else notice), "ready>"]
    leave(term, 3)
    assert [one["exit_status"] for one in home.sessions()] == ([3] if works else [])
    told = home.doctor()["launcher"]
    assert told["ok"] == works
