"""Settings and their errors, the XDG rule, private directories, owners, and the current session."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tomllib
from pathlib import Path

import platformdirs
import pytest

from recorder import config, identity, procfs, units
from recorder.child import Child, Exited
from recorder.errors import ConfigError, UsageError_
from recorder.model import Owner, Size
from recorder.settings import AlertRule, Settings
from recorder.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
ME = os.geteuid()


@pytest.fixture
def env(tmp_path):
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}


@pytest.fixture
def write(env):
    """Write the user's settings file and return its path."""

    def put(text):
        path = Path(config.settings_file(env))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put


# --- settings ------------------------------------------------------------------------------------

EVERYTHING = """
prefix = "Ctrl-^"
root = "~/kept"

[record]
continue_within = "2h"
ignore_commands = ["ls", "cd *"]
ignore_dirs = ["/secret"]
slash = false

[alerts]
slow = {tool = "psql", pattern = "^LOG:  duration", kind = "warn"}
any = {pattern = "panic"}

[keep]
age = "30d"
max_size = "2G"

[index]
cap = "64K"
"""


def test_without_a_file_the_defaults_hold(env, tmp_path):
    found = config.load(None, env)
    assert found == Settings(root=tmp_path / ".local/share/rec")
    assert (found.prefix, found.continue_within_s, found.index_cap) == (b"\x1d", 3600, 512 * 1024)
    assert (found.slash, found.rules, found.keep_age_s, found.keep_max_bytes) == (True, (), None, None)


def test_every_key_is_understood(env, write, tmp_path):
    write(EVERYTHING)
    assert config.load(None, env) == Settings(
        root=tmp_path / "kept",
        prefix=b"\x1e",
        continue_within_s=7200,
        ignore_commands=("ls", "cd *"),
        ignore_dirs=("/secret",),
        slash=False,
        rules=(
            AlertRule("slow", "psql", "^LOG:  duration", "warn"),
            AlertRule("any", None, "panic", "alert"),
        ),
        keep_age_s=30 * 86400,
        keep_max_bytes=2 << 30,
        index_cap=64 << 10,
    )


def test_alerts_may_be_tables_of_their_own(env, write):
    write('[alerts.slow]\npattern = "x"\n')
    assert config.load(None, env).rules == (AlertRule("slow", None, "x", "alert"),)


def test_empty_sections_say_nothing(env, write, tmp_path):
    write("[record]\n[alerts]\n[keep]\n[index]\n")
    assert config.load(None, env) == Settings(root=tmp_path / ".local/share/rec")


def test_the_root_comes_from_the_option_then_the_variable_then_the_file(env, write, tmp_path):
    write('root = "/from/file"\nprefix = "none"\n')
    assert config.load(None, env).root == Path("/from/file")
    env["REC_ROOT"] = "/from/variable"
    assert config.load(None, env).root == Path("/from/variable")
    assert config.load("/from/option", env).root == Path("/from/option")
    assert config.load("/from/option", env).prefix is None  # the other settings hold anyway
    assert config.load("relative", env).root == Path.cwd() / "relative"
    assert config.load("", {**env, "REC_ROOT": ""}).root == Path("/from/file")


@pytest.mark.parametrize(
    ("text", "byte"),
    [("Ctrl-]", b"\x1d"), ("ctrl+]", b"\x1d"), ("^]", b"\x1d"), ("C-a", b"\x01"), ("Ctrl-\\\\", b"\x1c"),
     ("^^", b"\x1e"), ("Ctrl-_", b"\x1f"), ("Ctrl-@", b"\x00"), ("none", None)],
)  # fmt: skip
def test_prefix_keys(env, write, text, byte):
    write(f'prefix = "{text}"')
    assert config.load(None, env).prefix == byte


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n\ncolour = 1\n", 3, "unknown key `colour`"),
        ("[record]\n\nslahs = true\n", 3, "unknown key `record.slahs`"),
        ("# slash\n[record]\nslash = 1\n", 3, "`record.slash` must be true or false"),
        ("record.slash = 'no'\n", 1, "`record.slash` must be true or false"),
        ("record = {slash = 0}\n", 1, "`record.slash` must be true or false"),
        ("prefix = ''\nrecord = 5\n", 1, '`prefix` must be a control key such as "Ctrl-]", or "none"'),
        ("\nrecord = 5\n", 2, "`record` is a table of settings, not a value"),
        ("prefix = 'F12'\n", 1, '`prefix` must be a control key such as "Ctrl-]", or "none"'),
        ("prefix = 'Ctrl-M'\n", 1, "`prefix` cannot be Ctrl-M: every tool needs that key"),
        ("root = 7\n", 1, "`root` must be an absolute path, or one that begins with ~/"),
        ("root = 'here'\n", 1, "`root` must be an absolute path, or one that begins with ~/"),
        ("[keep]\nage = 7\n", 2, '`keep.age` must be a duration such as "90s", "10m", "2h" or "7d"'),
        ("[keep]\nage='1d'\nmax_size = '2 G'\n", 3,
         '`keep.max_size` must be a size such as "512K", "500M" or "2G"'),
        ("slash = true\n", 1, "unknown key `slash`; it belongs below `[record]`"),
        ("[record]\nignore_commands = ['+']\n", 2,
         "`record.ignore_commands` has no regular expression in '+': nothing to repeat at position 0"),
        ("[record]\nignore_dirs = '/x'\n", 2, "`record.ignore_dirs` must be a list of texts"),
        ("[record]\nignore_dirs = [\n 1]\n", 2, "`record.ignore_dirs` must be a list of texts"),
        ("[alerts]\na = {pattern = 'x'}\nb = 3\n", 3,
         '`alerts.b` must be a table such as {tool = "psql", pattern = "^PANIC"}'),
        ("[alerts.a]\npattern = 'x'\n\nkid = 'warn'\n", 4, "unknown key `alerts.a.kid`"),
        ("[alerts]\na = {tool = 'x'}\n", 2, "`alerts.a.pattern` must be a text"),
        ("[alerts.a]\npattern = 'x'\nkind = 'error'\n", 3, '`alerts.a.kind` must be "warn" or "alert"'),
        ("[alerts.a]\nkind = 'warn'\npattern = '('\n", 3,
         "`alerts.a.pattern` is no regular expression: missing ), unterminated subpattern at position 0"),
        ("[alerts.a]\npattern = 1\n[alerts]\n", 2, "`alerts.a.pattern` must be a text"),
        ("[record]\n#slash = true\n # slash = 1\nslash = 2\n", 4, "`record.slash` must be true or false"),
        ("[shell]\nhook = 1\n", 2, "unknown key `shell.hook`"),
        ("[shell]\n", 1, "unknown key `shell`"),
        ("x = 1\nx = 2\n", 2, "cannot overwrite a value"),
        ("[record]\nslash = \n", 2, "invalid value"),
        ("prefix = '''abc\n\n", 2, "expected \"'''\""),
        (b"# fine\n\xff\n", 2, "not UTF-8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_with_file_line_and_key(env, write, text, line, message):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        config.load(None, env)
    assert caught.value.message == f"could not use {path}: line {line}: {message}"
    assert caught.value.status == 2


def test_a_settings_file_that_is_no_file(env, tmp_path):
    (tmp_path / ".config/rec/config.toml").mkdir(parents=True)
    with pytest.raises(ConfigError) as caught:
        config.load(None, env)
    assert caught.value.message == f"could not read {tmp_path}/.config/rec/config.toml: is a directory"


def test_settings_are_there_or_in_the_way_or_not(env, tmp_path):
    assert not config.has_settings(env)
    assert not config.has_settings({"XDG_CONFIG_HOME": "/dev/null"})
    place = tmp_path / ".config/rec"
    place.mkdir(parents=True)
    (place / "config.toml").symlink_to("nowhere")
    assert config.has_settings(env)
    assert config.has_settings({"XDG_CONFIG_HOME": f"/{'x' * 300}"})  # whatever it is: `load` will say it


@pytest.mark.skipif(ME != 0, reason="only root can become somebody else")
def test_an_unreadable_settings_file_is_named(env, write):
    path = write("slash = 1")
    path.chmod(0o000)
    code = """
import os, pathlib, sys
sys.path.insert(0, sys.argv[1])
from recorder import config, settings  # before that user, who cannot read our interpreter
from recorder.errors import ConfigError
os.setresuid(65534, 65534, 65534)
try:
    config.load(None, {"XDG_CONFIG_HOME": sys.argv[2]})
except ConfigError as error:
    print(error.message)
"""
    for directory in (path.parent, *path.parents):
        if directory.is_relative_to("/tmp") and directory != Path("/tmp"):
            directory.chmod(0o755)
    words = [sys.executable, "-c", code, ROOT, path.parent.parent]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"could not read {path}: permission denied\n", "")


# --- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": "/home/somebody"},
        {"HOME": "/home/somebody/"},
        {"HOME": "/home/somebody", "XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/settings/"},
        {"HOME": "/home/somebody", "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "relative"},
        {},
    ],
)
def test_places_are_those_of_platformdirs(monkeypatch, variables):
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert config.settings_file(variables) == f"{platformdirs.user_config_dir('rec')}/config.toml"
    if variables:
        assert str(config.load(None, variables).root) == platformdirs.user_data_dir("rec")


def test_without_any_home_there_is_a_private_place_below_tmp(monkeypatch):
    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for variables in ({}, {"HOME": ""}, {"HOME": "relative"}):
        root = config.load(None, variables).root
        assert root == Path(f"/tmp/rec-{ME}/.local/share/rec")
        facts = Path(f"/tmp/rec-{ME}").lstat()
        assert (facts.st_uid, facts.st_mode & 0o777) == (ME, 0o700)
    assert identity.user() == str(ME)


def test_the_runtime_directory_is_made_private(tmp_path):
    old = os.umask(0)
    try:
        place = Path(config.runtime_dir({"XDG_RUNTIME_DIR": str(tmp_path)}))
    finally:
        os.umask(old)
    assert place == tmp_path / "rec"
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o777)
    assert config.runtime_dir({"XDG_RUNTIME_DIR": str(tmp_path)}) == str(place)
    assert place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("variables", [{}, {"XDG_RUNTIME_DIR": ""}, {"XDG_RUNTIME_DIR": "run"},
                                       {"XDG_RUNTIME_DIR": "/no/such/place"}])  # fmt: skip
def test_the_runtime_directory_has_a_place_below_tmp(variables):
    assert config.runtime_dir(variables) == f"/tmp/rec-{ME}"


@pytest.mark.skipif(ME != 0, reason="only root can give a directory away")
def test_a_runtime_directory_of_somebody_else_is_not_used(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    os.chown(foreign, 65534, 65534)
    assert config.runtime_dir({"XDG_RUNTIME_DIR": str(foreign)}) == f"/tmp/rec-{ME}"
    assert not (foreign / "rec").exists()
    planted = tmp_path / "rec"
    planted.symlink_to(foreign)
    assert config.runtime_dir({"XDG_RUNTIME_DIR": str(tmp_path)}) == f"/tmp/rec-{ME}"


@pytest.mark.skipif(ME != 0, reason="only root can become somebody else")
def test_a_squatted_place_below_tmp_is_not_used():
    uid = 64077  # nobody's number
    squat = Path(f"/tmp/rec-{uid}")
    squat.mkdir(mode=0o777)  # root's, not theirs
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from recorder import config
import pathlib, tempfile
os.setresuid({uid}, {uid}, {uid})
place = pathlib.Path(config.runtime_dir({{}}))
print(str(place) != {str(squat)!r}, place.name.startswith("rec-{uid}-"), oct(place.stat().st_mode))
place.rmdir()
"""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    finally:
        squat.rmdir()
    assert (done.stdout, done.stderr) == ("True True 0o40700\n", "")


def test_the_git_root_is_the_nearest_one_above(tmp_path):
    inner = tmp_path / "a/b/c"
    inner.mkdir(parents=True)
    assert config.git_root(str(inner)) is None
    (tmp_path / "a/.git").mkdir()
    assert config.git_root(str(inner)) == str(tmp_path / "a")
    (inner / ".git").write_text("gitdir: elsewhere")  # a worktree or a submodule
    assert config.git_root(str(inner)) == str(inner)
    assert config.git_root("/") is None
    assert config.git_root("not/absolute") is None


def test_vi_keys_follow_readline(env, tmp_path):
    assert config.vi_keys(env) is False
    (tmp_path / ".inputrc").write_text("set bell-style none\nset editing-mode vi\n")
    assert config.vi_keys(env) is True
    (tmp_path / "other").write_text("# set editing-mode vi\nset editing-mode emacs\n")
    assert config.vi_keys({**env, "INPUTRC": str(tmp_path / "other")}) is False


# --- who -----------------------------------------------------------------------------------------


def test_an_owner_is_alive_until_its_process_ends():
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    owner = Owner(process.pid, procfs.start_time(process.pid), procfs.boot_id())
    assert identity.alive(owner)
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive(owner)  # a zombie records nothing
    process.wait()
    assert not identity.alive(owner)


def test_a_reused_pid_or_another_boot_is_not_the_owner():
    me = identity.owner()
    assert identity.alive(me)
    assert not identity.alive(Owner(me.pid, me.start_time + 1, me.boot_id))
    assert not identity.alive(Owner(me.pid, me.start_time, "another-boot"))
    assert not identity.alive(Owner(0, 0, ""))
    assert identity.alive(Owner(me.pid, 0, ""))  # as noted where there was no /proc
    assert not identity.alive(Owner(2**22 + 1, 0, ""))


def test_user_and_host_need_no_network():
    assert identity.user() == pwd.getpwuid(ME).pw_name
    assert identity.host() == os.uname().nodename


def test_the_version_is_the_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project.get("version", VERSION) == VERSION


# --- the current session -------------------------------------------------------------------------

ASK = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from recorder import config
print(config.current_session(os.environ), flush=True)
"""


def ask(env, *, tty=True, redirect=False, code=ASK):
    """Ask on a pty of its own; ``redirect``: with descriptors 0-2 elsewhere."""
    if redirect:
        words = ["sh", "-c", f"'{sys.executable}' -c \"$0\" </dev/null 2>&1 | cat", code]
    else:
        words = [sys.executable, "-c", code]
    variable = "REC_TTY" if tty else None
    child = Child.start(words, size=Size(80, 24), env=env, attributes=None, tty_variable=variable)
    while not isinstance(child.reap(), Exited):
        os.sched_yield()
    output = b"".join(iter(child.read, b""))
    child.close()
    return output.decode().strip()


def told(env, **changes):
    return {**config.tool_env(env, session="01X", tty="", pid=os.getpid(), nonce="n"), **changes}


def test_the_tool_is_told_its_session(env):
    assert ask(told(env)) == "01X"
    assert ask(told(env), redirect=True) == "01X"
    assert told({"A": "b", "REC_PID": "7"}) == {
        "A": "b", "REC_SESSION": "01X", "REC_TTY": "", "REC_PID": str(os.getpid()), "REC_NONCE": "n",
        "REC_START": str(procfs.start_time(os.getpid())),
    }  # fmt: skip


def test_the_variables_alone_prove_nothing(env):
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert ask(told(env, REC_PID=str(gone.pid))) == "None"
    assert ask(told(env, REC_PID="x")) == "None"
    assert ask(told(env, REC_START="1")) == "None"  # another process has the number now
    assert ask(told(env, REC_SESSION="")) == "None"
    assert ask(env) == "None"
    master, slave = os.openpty()
    other = told(env, REC_TTY=os.ttyname(slave))  # as inside a multiplexer started in a session
    assert ask(other, tty=False) == "None"
    assert ask(told(env, REC_TTY="/no/such/tty"), tty=False) == "None"
    assert ask(told(env, REC_TTY="/etc/passwd"), tty=False) == "None"
    os.close(master)
    os.close(slave)


def test_a_process_without_terminal_is_in_no_session(env):
    code = "import os; os.setsid() if os.getpid() != os.getsid(0) else 0\n" + ASK
    words = [sys.executable, "-c", code]
    master, slave = os.openpty()
    variables = told(env, REC_TTY=os.ttyname(slave))
    done = subprocess.run(
        words, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    os.close(master)
    os.close(slave)
    assert (done.stdout, done.stderr) == ("None\n", "")


# --- durations and sizes -------------------------------------------------------------------------


def test_durations_and_sizes():
    assert [units.seconds(text) for text in ("90s", "10m", "2h", "7d", "0s")] == [90, 600, 7200, 604800, 0]
    assert [units.size(text) for text in ("0", "512", "4K", "500M", "2G", "1t")] == [
        0, 512, 4096, 500 << 20, 2 << 30, 1 << 40,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "s", "7", "-1s", "1.5h", "1h30m", "7 d", "٣s", "7w", "9" * 20 + "s"])
def test_no_duration(text):
    with pytest.raises(UsageError_) as caught:
        units.seconds(text)
    expected = f"could not read {text!r} as a duration: expected one such as 90s, 10m, 2h or 7d"
    assert caught.value.message == expected


@pytest.mark.parametrize("text", ["", "M", "-1M", "1.5G", "2 G", "2GB", "2KK", "٣M"])
def test_no_size(text):
    with pytest.raises(UsageError_) as caught:
        units.size(text)
    assert caught.value.message == f"could not read {text!r} as a size: expected one such as 512K, 500M or 2G"
