"""A repository's `.rec.toml`: what it may set, when it counts, and that nothing of it counts before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import blackbox
import pytest
from blackbox import ls, rec

from recorder import config, settings, trusted, trusting
from recorder.errors import ConfigError, RecError, Refused
from recorder.settings import AlertRule, Settings

LOOK = "; look at it, then run `rec trust`\n"
NOT_TRUSTED = "rec: .rec.toml of {} is not trusted and not used" + LOOK
CHANGED = "rec: .rec.toml of {} has changed since it was trusted and is not used" + LOOK


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A repository, a directory in it where we are, and a home beside it."""
    top = tmp_path / "shop"
    deep = top / "src" / "deep"
    deep.mkdir(parents=True)
    (top / ".git").mkdir()
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.chdir(deep)
    return SimpleNamespace(top=top, deep=deep, home=home, file=top / ".rec.toml", env={"HOME": str(home)})


def settings_there(place, root=None):
    return config.load(root, place.env, config.repository(place.env))


# --- what it may say -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "found"),
    [("kept", "/r/kept"), ("./a/../b", "/r/b"), ("../beside", "/beside"), ("/elsewhere", "/elsewhere"),
     ("~/kept", "~/kept"), ("..kept", "/r/..kept")],
)  # fmt: skip
def test_a_relative_root_is_one_in_the_repository(root, found):
    text = f"root = '{root}'"
    assert settings.read_repository(text, "f", Settings(root=Path()), "/r")[1] == found
    assert settings.root_in(text, "/r") == found


@pytest.mark.parametrize("root", ["", ".", "a/..", "..", "/", "//", "/r", "/r/", "~", "~/", "~/..", "~/../r"])
def test_no_root_swallows_the_repository_or_the_home(root):
    with pytest.raises(ConfigError):
        settings.read_repository(f"root = '{root}'", "f", Settings(root=Path()), "/r")
    assert settings.root_in(f"root = '{root}'", "/r") is None


@pytest.mark.parametrize(
    ("text", "key"),
    [("prefix = 'none'", "prefix"), ("record.slash = false", "record.slash"),
     ("keep.age = '1s'", "keep.age"), ("keep = {max_size = '1K'}", "keep.max_size")],
)  # fmt: skip
def test_what_is_the_users_alone_is_refused(text, key):
    with pytest.raises(ConfigError) as caught:
        settings.read_repository(f"\n{text}", "f", Settings(root=Path()), "/r")
    assert caught.value.message == f"could not use f: line 2: `{key}` is for the user's config.toml alone"


def test_patterns_and_rules_are_added_and_take_none_away():
    mine = AlertRule("mine", None, "PANIC", "alert")
    users = Settings(root=Path(), ignore_commands=("TOKEN=",), ignore_dirs=("/secret",), rules=(mine,))
    text = """
[record]
ignore_commands = ["^vault "]
ignore_dirs = []
continue_within = "1d"
[alerts]
mine = {pattern = "never"}
theirs = {pattern = "FATAL", kind = "warn"}
"""
    found, root = settings.read_repository(text, "f", users, "/r")
    assert root is None
    assert found == users._replace(
        ignore_commands=("TOKEN=", "^vault "),
        rules=(mine, AlertRule("theirs", None, "FATAL", "warn")),
        continue_within_s=86400,
    )


def test_what_a_file_sets_is_listed():
    text = "root = 'a\\u001b'\n[record]\nignore_dirs = ['x']\n[alerts]\na = {pattern = 'x'}\n"
    assert settings.lines(text.replace("'a\\u001b'", '"a\\u001b"')) == [
        'root = "a\\u001b"', 'record.ignore_dirs = ["x"]', 'alerts.a = {"pattern": "x"}',
    ]  # fmt: skip


# --- when it counts --------------------------------------------------------------------------------


def test_it_counts_once_trusted_and_no_longer_when_it_changed(place):
    assert config.repository(place.env) is None
    place.file.write_text("root = 'kept'\n")
    assert settings_there(place).root == place.home / ".local/share/rec"
    assert config.repository(place.env).text is None
    trusting.trust(".", place.env)
    assert settings_there(place).root == place.top / "kept"
    place.file.write_text("root = 'kept2'\n")
    assert settings_there(place).root == place.home / ".local/share/rec"
    assert config.repository(place.env).changed
    place.file.write_text("root = 'kept'\n")  # what was looked at
    assert settings_there(place).root == place.top / "kept"
    assert trusting.distrust(str(place.deep), place.env) == str(place.top)
    found = config.repository(place.env)
    assert (found.text, found.changed) == (None, False)
    with pytest.raises(Refused, match="it is not trusted"):
        trusting.distrust(".", place.env)


def test_only_the_file_at_the_top_of_the_nearest_repository_counts(place, tmp_path, monkeypatch):
    (place.deep / ".rec.toml").write_text("root = 'deep'\n")
    (tmp_path / ".rec.toml").write_text("root = 'above'\n")
    assert config.repository(place.env) is None
    with pytest.raises(Refused, match=r"no \.rec\.toml at the top"):
        trusting.trust(".", place.env)
    monkeypatch.chdir(tmp_path)
    assert config.repository(place.env) is None
    with pytest.raises(Refused, match="in no git repository"):
        trusting.trust(".", place.env)
    (place.top / "src" / ".git").write_text("gitdir: elsewhere\n")  # as a submodule and a worktree have it
    (place.top / "src" / ".rec.toml").write_text("root = 'inner'\n")
    monkeypatch.chdir(place.deep)
    trusting.trust(".", place.env)
    assert settings_there(place).root == place.top / "src" / "inner"


def test_trust_is_in_the_path_and_in_nothing_that_a_repository_can_bring(place, tmp_path):
    place.file.write_text("root = 'kept'\n")
    trusting.trust(".", place.env)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / ".rec.toml").write_bytes(place.file.read_bytes())
    notes = config.notes_of_trust(place.env)
    assert trusted.look(str(copy), notes).text is None
    (note,) = Path(notes).iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    assert Path(notes).stat().st_mode & 0o777 == 0o700
    note.rename(note.with_name("moved"))
    note.symlink_to("moved")  # no note is a link
    assert settings_there(place).root == place.home / ".local/share/rec"


def test_trust_that_cannot_be_noted_is_said(place):
    place.file.write_text("")
    (place.home / ".local").write_text("in the way")
    with pytest.raises(RecError) as caught:
        trusting.trust(".", place.env)
    assert caught.value.message == f"could not note that {place.file} is trusted: not a directory"


def strange(place, kind):
    if kind == "link":
        (place.top / "other").write_text("root = 'kept'\n")
        place.file.symlink_to("other")
    elif kind == "fifo":
        os.mkfifo(place.file)
    elif kind == "directory":
        place.file.mkdir()
    elif kind == "huge":
        place.file.touch()
        os.truncate(place.file, 4 << 30)
    else:
        place.file.write_bytes(kind)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("link", "it is a symbolic link"),
        ("fifo", "it is no regular file"),
        ("directory", "it is no regular file"),
        ("huge", "it is too large"),
        (b"root = 'a'\n\xff\xfe", "line 2: not UTF-8"),
        (b"root = 'a'\n[keep\n", "line 2: expected ']' at the end of a table declaration"),
        (b"colour = 1\n", "line 1: unknown key `colour`"),
        (b"\0", "line 1: invalid statement"),
    ],
)
def test_what_cannot_be_trusted_is_said_in_one_line(place, kind, cause):
    strange(place, kind)
    result = rec(["trust"], None, home=place.home, cwd=place.deep)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr == f"rec: could not trust {place.file}: {cause}\n"
    assert settings_there(place).root == place.home / ".local/share/rec"
    if isinstance(kind, str):
        told = trusting.notice(config.repository(place.env))
        assert told == f".rec.toml of {place.top} is not used: {cause}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_not_trusted(place):
    place.file.write_text("root = 'kept'\n")
    trusting.trust(".", place.env)
    os.chown(place.file, 65534, 65534)
    assert config.repository(place.env).why == "is not used: it belongs to another user"
    with pytest.raises(Refused, match="it belongs to another user"):
        trusting.trust(".", place.env)


def test_a_trusted_file_that_this_version_does_not_understand(place):
    place.file.write_text("root = 'kept'\nfuture = 1\n")
    trusted.trust(str(place.top), config.notes_of_trust(place.env, make=True), place.file.read_bytes())
    with pytest.raises(ConfigError):
        settings_there(place)
    found, wrong = config.load_to_read(None, place.env, config.repository(place.env))
    assert found.root == place.top / "kept"
    assert wrong.message == f"could not use {place.file}: line 2: unknown key `future`"


# --- the commands ----------------------------------------------------------------------------------


def test_what_it_sets_is_shown_and_how_it_stands(place):
    def call(*args, cwd=place.deep, **env):
        return rec(args, None, home=place.home, cwd=cwd, env=env)

    result = call("trust")
    assert (result.status, result.stderr) == (
        1, f"rec: could not trust {place.top}: no .rec.toml at the top of this repository\n",
    )  # fmt: skip
    place.file.write_text('root = "kept"\n[record]\nignore_commands = ["\\u001b"]\n')
    result = call("ls", "--json")
    assert (result.status, result.stdout, result.stderr) == (0, "[]\n", NOT_TRUSTED.format(place.top))
    assert call("ls", REC_ROOT="/nowhere").stderr == ""  # the root is all that it could change here
    result = call("trust", str(place.top), cwd=place.home)
    assert result.ok().stdout.splitlines() == [
        f"{place.file}: trusted, as it is now",
        '  root = "kept"',
        '  record.ignore_commands = ["\\u001b"]',
        f"recordings made in this repository go to {place.top}/kept",
    ]
    assert result.stderr == "rec: that is in the repository: keep it out of git\n"
    assert call("ls", "--json").stderr == ""
    assert row_of_doctor(call) == (True, f"{place.file} is trusted")
    place.file.write_text('root = "kept3"\n')
    assert call("ls").stderr == CHANGED.format(place.top)
    assert row_of_doctor(call) == (
        False, f"{place.file} has changed since it was trusted and is not used",
    )  # fmt: skip
    result = call("trust", "--rm", str(place.top), cwd=place.home)
    assert result.ok().stdout == f"{place.top}: no longer trusted\n"
    assert row_of_doctor(call) == (True, f"{place.file} is not trusted and not used")
    assert call("trust", "--rm", cwd=place.home).stderr == (
        f"rec: could not take back the trust in {place.home}: it is not trusted\n"
    )


def row_of_doctor(call):
    rows = {row["check"]: row for row in json.loads(call("doctor", "--json").stdout)}
    return rows["repository"]["ok"], rows["repository"]["detail"]


def test_recordings_that_came_with_a_repository_are_pointed_out(place):
    place.file.write_text("root = 'kept'\n")
    (place.top / "kept").mkdir()
    (place.top / "kept" / "rec.db").touch()
    result = rec(["trust"], None, home=place.home, cwd=place.deep)
    assert result.ok().stderr.startswith("rec: there are recordings in it; if they are not yours: ")


def test_the_root_is_that_of_the_option_the_variable_the_repository_the_user_or_the_default(place, tmp_path):
    place.file.write_text("root = 'kept'\n")
    own = place.home / ".config/rec"
    own.mkdir(parents=True)

    def where(*options, **env):
        """Record, and return the one place where that has come."""
        before = {each: len(ls(each)) for each in roots}
        result = rec([*options, "run", "--", "true"], None, home=place.home, cwd=place.deep, env=env).ok()
        (found,) = (each for each in roots if len(ls(each)) != before[each])
        return found.name, result.stderr

    roots = [tmp_path / "option", tmp_path / "variable", place.top / "kept", tmp_path / "user"]
    roots.append(place.home / ".local/share/rec")
    variable = {"REC_ROOT": str(tmp_path / "variable")}
    said = NOT_TRUSTED.format(place.top)
    assert where() == ("rec", said)
    (own / "config.toml").write_text(f"root = '{tmp_path}/user'\n")
    assert where() == ("user", said)
    trusting.trust(".", place.env)
    assert where() == ("kept", "")
    assert where(**variable) == ("variable", "")
    assert where("--root", str(tmp_path / "option"), **variable) == ("option", "")
    place.file.write_text("root = 'other'\n")
    assert where(**variable) == ("variable", CHANGED.format(place.top))  # its patterns do not count either


def test_a_session_is_found_from_inside_wherever_one_goes(place, start):
    """What is about it goes to its store; what is begun elsewhere goes by the place."""
    place.file.write_text("root = 'kept'\n")
    trusting.trust(".", place.env)
    script = f"""
echo begun
cd {place.home}
until rec note from afar 2>/dev/null; do :; done  # its row comes with what it prints
rec status --json
rec run -- echo inner
"""
    term = start([sys.executable, "-m", "recorder", "run", "--", "sh", "-c", script], cwd=place.deep)
    assert term.wait() == 0
    (outer,) = ls(place.top / "kept")
    assert outer["argv"][:2] == ["sh", "-c"]
    assert f'"session":"{outer["ulid"]}"' in term.text().replace(" ", "").replace("\n", "")
    assert "from afar" in [each["text"] for each in blackbox.events(place.top / "kept")]
    assert [each["argv"] for each in ls(place.home / ".local/share/rec")] == [["echo", "inner"]]


def test_a_shells_launcher_says_nothing_at_each_start(place, start, tmp_path):
    place.file.write_text("root = 'kept'\n")
    status = tmp_path / "status"
    status.touch()
    call = f"rec shell --status-file {status} --pid $$"
    script = f'[ -n "$REC_SESSION" ] && exit 0; {call}; echo ended $?'
    term = start(["sh", "-c", script], cwd=place.deep)
    assert term.wait() == 0
    assert term.text().split() == ["ended", "0"]
    (only,) = ls(place.home / ".local/share/rec")
    assert only["cwd"] == str(place.deep)


def test_nothing_is_loaded_where_there_is_no_file(place):
    code = "import sys; from recorder import config; config.repository({}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "recorder.config" in loaded
    assert not {"recorder.trusted", "recorder.settings", "hashlib"} & loaded
