"""Wrong words, tools, names, settings and places, given to the real `rec` on a terminal.

Each is refused in one clear line and at most one that says what to do, with the status of the contract;
no stack trace, the terminal as it was, and nothing that was recorded before is lost. What click makes of
each option is in `test_cli.py`, what each key of `config.toml` takes in `test_config.py`.
"""

from __future__ import annotations

import os
from collections import Counter

import blackbox
import pytest
from blackbox import SYSTEM_PYTHON, all_raw, events, log, ls
from strangers import everyone  # noqa: F401  (fixture)

NOT_ON_PATH = "no program of that name is on the PATH; is it installed?"
NAMES = "a label is 1 to 128 bytes of printable text, without '/', not starting with @, - or :"
SESSIONS = "`rec ls --all` lists the sessions there are"
HELP = "`rec run --help` shows how it is called"


@pytest.fixture
def kept(root):
    """Record one session that must still be whole when the test ends."""
    blackbox.rec(["run", "--label", "kept", "--", "sh"], root, stdin=b"echo kept\n").ok()
    before = events(root, "kept"), log(root, "kept"), all_raw(root, "kept")
    assert len(before[1]) == 1
    yield root
    assert (events(root, "kept"), log(root, "kept"), all_raw(root, "kept")) == before


def refused(term, status: int, *lines: str) -> None:
    """Check all that a refusal on a terminal is."""
    assert term.wait() == status
    assert bytes(term.raw).decode().splitlines() == list(lines)
    assert term.modes() == term.before
    assert not term.nonblocking
    assert not term.private_modes - {7, 25}
    assert not term.survivors()


# --- tools ------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path):
    """Make a directory of things that cannot be run."""
    (tmp_path / "dir").mkdir()
    (tmp_path / "plain").write_text("echo hello\n")
    (tmp_path / "lost").write_text("#!/no/such/interpreter\n")
    (tmp_path / "binary").write_bytes(b"\0\1\2\3" * 100)
    (tmp_path / "loop").symlink_to("loop")
    for name in ("lost", "binary"):
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("tool", "status", "cause", "advice"),
    [
        ("no-such-tool", 127, "no-such-tool: not found", NOT_ON_PATH),
        ("./no-such-file", 127, "./no-such-file: not found", "there is no such file"),
        ("plain/below", 127, "plain/below: not found", "there is no such file"),
        ("", 127, "'': the name is empty", "name the tool to record"),
        ("a\x1b[2Jb\n", 127, "a\\x1b[2Jb⏎: not found", NOT_ON_PATH),
        ("./dir", 126, "./dir: is a directory", "name a program in it"),
        ("./plain", 126, "./plain: permission denied",
         "it is no program to you; `chmod +x` makes one of a file of yours"),
        ("./lost", 126, "./lost: its interpreter was not found",
         "its first line, or its loader, names a missing program"),
        ("./binary", 126, "./binary: exec format error", None),
        ("./loop", 126, "./loop: too many levels of symbolic links", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [["run", "--"], []], ids=["run", "short"])
def test_what_cannot_be_run(kept, start_rec, place, form, tool, status, cause, advice):
    term = start_rec([*form, tool], cwd=place)
    assert term.wait() == status
    if (
        not form and status == 127 and tool and "/" not in tool
    ):  # it may have been meant for a command, but is like none
        advice = "`rec --help` lists the commands"
    refused(term, status, f"rec: could not run {cause}", *([advice] if advice else []))
    assert len(ls(kept)) == 1  # nothing was begun


@pytest.mark.parametrize(
    ("args", "message", "advice"),
    [
        (["run"], "no TOOL to record", HELP),
        (["run", "--"], "no TOOL to record", HELP),
        (["run", "--label", "x"], "no TOOL to record", HELP),
        (["run", "--label", "x", "--"], "no TOOL to record", HELP),
        (["run", "--label"], "option '--label' requires an argument", HELP),
        (["run", "--mode"], "option '--mode' requires an argument", HELP),
        (["run", "--mode", "curses", "--", "touch", "started"],
         "invalid value for '--mode': 'curses' is not one of 'auto', 'line', 'raw'", HELP),
        (["run", "--mode=", "--", "touch", "started"],
         "invalid value for '--mode': '' is not one of 'auto', 'line', 'raw'", HELP),
        (["run", "--frobnicate", "--", "touch", "started"], "no such option '--frobnicate'", HELP),
        (["run", "-x", "--", "touch", "started"], "no such option '-x'", HELP),
        (["--root"], "option '--root' requires an argument", "`rec --help` shows how it is called"),
        (["run", "--label", "", "--", "touch", "started"], "could not use the label: it is empty", NAMES),
        (["run", "--label", "@1", "--", "touch", "started"],
         "could not use the label: it begins with '@'", NAMES),
        (["run", "--label", "a/b", "--", "touch", "started"],
         "could not use the label: it holds a '/'", NAMES),
        (["run", "--label", "a:3", "--", "touch", "started"],
         "could not use the label: it ends like the name of a turn", NAMES),
        (["run", "--label", "a\x1b[31m", "--", "touch", "started"],
         "could not use the label: it holds a character that cannot be printed", NAMES),
        (["run", "--label", "x" * 129, "--", "touch", "started"],
         "could not use the label: it is longer than 128 bytes", NAMES),
    ],
)  # fmt: skip
def test_wrong_words_start_no_tool(kept, start_rec, tmp_path, args, message, advice):
    refused(start_rec(args, cwd=tmp_path), 2, f"rec: {message}", advice)
    assert not (tmp_path / "started").exists()
    assert len(ls(kept)) == 1


# --- names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message", "advice"),
    [
        (["replay", "nobody"], "no such session: nobody", SESSIONS),
        (["replay", "@2"], "no such session: @2", SESSIONS),
        (["replay", "@0"], "no such session: @0", SESSIONS),
        (["events", "0123456789ABCDEFGHJKMNPQRS"], "no such session: 0123456789ABCDEFGHJKMNPQRS", SESSIONS),
        (["log", ""], "no such session: ", SESSIONS),
        (["label", "nobody", "x"], "no such session: nobody", SESSIONS),
        (["output", "kept:9"], "no such turn: kept:9", "`rec log {kept}` lists the turns there are"),
        (["output", "kept:-9"], "no such turn: kept:-9", "`rec log {kept}` lists the turns there are"),
        (["output", "kept:0"], "no such turn: kept:0", "`rec log {kept}` lists the turns there are"),
        (["output", "nobody:1"], "no such turn: nobody:1", "no such session: nobody"),
        (["output", "kept"], "no such turn: kept",
         "a turn is named SESSION:N, or :N in the current or newest session"),
    ],
)  # fmt: skip
def test_what_names_nothing(kept, start_rec, args, message, advice):
    advice = advice.format(kept=ls(kept)[0]["ulid"])
    refused(start_rec(args), 1, f"rec: {message}", advice)


def test_a_prefix_of_several_sessions_names_them_all(kept, start_rec):
    """Sessions of the same four minutes share six characters; of three in a row at least two do."""
    for _ in range(2):
        blackbox.rec(["run", "--", "true"], kept).ok()
    prefix, _count = Counter(row["ulid"][:6] for row in ls(kept)).most_common(1)[0]
    wanted = [row["ulid"] for row in ls(kept) if row["ulid"].startswith(prefix)]
    message = f"rec: could not choose a session: several begin with {prefix.lower()}"
    refused(start_rec(["replay", prefix.lower()]), 1, message, *(f"  {ulid}" for ulid in wanted))


# --- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args", [["run", "--", "touch", "started"], ["label", "@1", "shop"]], ids=["run", "label"]
)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('prefix = "Ctrl-]"\n\n[record]\nslush = true\n', "line 4: unknown key `record.slush`"),
        ("[record]\nslash = 1\n", "line 2: `record.slash` must be true or false"),
        ('[keep]\nage = "soon"\n',
         'line 2: `keep.age` must be a duration such as "90s", "10m", "2h" or "7d"'),
        ("# mine\nprefix = \n", "line 2: invalid value"),
        ("root = 'here'\n", "line 1: `root` must be an absolute path, or one that begins with ~/"),
        (b"# caf\xe9\n", "line 1: not UTF-8"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named_with_file_line_and_key(
    kept, start_rec, tmp_path, everyone_reads, args, text, message
):
    file = everyone_reads / "config.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(start_rec(args, cwd=tmp_path), 2, f"rec: could not use {file}: {message}")
    assert not (tmp_path / "started").exists()
    file.unlink()


@pytest.fixture
def everyone_reads(tmp_path):
    place = tmp_path / "home/.config/rec"
    place.mkdir(parents=True)
    return place


def test_settings_that_are_a_directory(kept, start_rec, everyone_reads):
    (everyone_reads / "config.toml").mkdir()
    refused(
        start_rec(["run", "--", "true"]),
        2,
        f"rec: could not read {everyone_reads / 'config.toml'}: is a directory",
    )
    (everyone_reads / "config.toml").rmdir()


def test_settings_that_may_not_be_read(start, everyone, tmp_path):  # noqa: F811
    """As another user: root may read everything."""
    import pwd
    import tempfile

    argv, env = everyone
    with tempfile.TemporaryDirectory(prefix="rec-home-", dir="/tmp") as home:
        uid = pwd.getpwnam("nobody").pw_uid
        file = os.path.join(home, ".config/rec/config.toml")
        os.makedirs(os.path.dirname(file))
        with open(file, "w") as out:
            out.write('prefix = "none"\n')
        os.chmod(file, 0o600)  # root's
        os.chown(home, uid, -1)
        term = start([*argv, "run", "--", SYSTEM_PYTHON, "-c", "print('started')"], user="nobody", cwd="/",
                     env={**env, "HOME": home, "REC_ROOT": f"{home}/root"})  # fmt: skip
        refused(term, 2, f"rec: could not read {file}: permission denied")
        assert not os.path.exists(f"{home}/root")


# --- places -----------------------------------------------------------------------------------------


def test_a_root_that_is_a_file_keeps_no_tool_from_running(start_rec, root, tmp_path):
    root.write_text("mine")
    term = start_rec(["run", "--", "sh", "-c", "read x; echo got $x; exit 4"])
    term.expect("/help")
    term.line("a")
    assert term.wait() == 4
    assert term.modes() == term.before
    said = [line for line in term.text().splitlines() if line.startswith("rec:")]
    assert len(said) >= 1
    assert f"could not use {root}: it is not a directory" in term.text().replace("\n", "")
    assert b"Traceback" not in term.raw
    assert "got a" in term.text().splitlines()
    assert root.read_text() == "mine"


@pytest.mark.parametrize("args", [["ls"], ["replay", "@1"], ["log"], ["labels"], ["label", "@1", "x"]])
def test_a_root_that_is_a_file_is_no_empty_store(start_rec, root, args):
    root.write_text("mine")
    refused(
        start_rec(args, cols=200),
        3,
        f"rec: could not use {root}: it is not a directory",
        "move it away or name another root",
    )
    assert root.read_text() == "mine"
