"""Tab in real shells: each file loaded as its shell loads it, keys pressed as a person would."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import maker
import pytest
from blackbox import environment, need, rec
from maker import Maker
from shells import spare_the_manual

from recorder import shipped
from recorder.commands import COMMANDS
from recorder.errors import Refused

any_python = True

TOP = Path(__file__).parent.parent
FILES = {"bash": "rec.bash", "zsh": "_rec", "fish": "rec.fish"}
PACKAGE = Path("/usr/share/bash-completion/bash_completion")
PROMPT = "tab> "
HOSTILE = """it's "a" $(touch pwned) `touch pwned` ;touch pwned& %B *[x] \\ !! ~#"""


def rc(shell: str, home: Path) -> list:
    """Write the settings of a shell that completes `rec`, and `mytool`; return how it is started."""
    file = TOP / "completions" / FILES[shell.partition("-")[0]]
    if shell == "zsh":
        text = f"fpath=({file.parent} $fpath); autoload -Uz compinit; compinit -u -D\n"
        (home / ".zshrc").write_text(
            f"{text}_mytool() {{ compadd alpha }}; compdef _mytool mytool\nPS1='{PROMPT}'\n"
        )
        return ["zsh", "-i"]
    if shell == "fish":
        place = home / ".config" / "fish"
        (place / "completions").mkdir(parents=True)
        spare_the_manual(home)
        shutil.copy(file, place / "completions")
        (place / "config.fish").write_text(
            f"function fish_prompt; echo -n '{PROMPT}'; end\nset -g fish_greeting\n"
            "set -g fish_autosuggestion_enabled 0\ncomplete -c mytool -f -a alpha\n"
        )
        return ["fish", "-i"]
    first = "set -u\n" if shell == "bash" else f". {PACKAGE}\n"
    (home / "rc").write_text(f"{first}PS1='{PROMPT}'\n. {file}\ncomplete -W alpha mytool\n")
    return ["bash", "--noprofile", "--rcfile", home / "rc", "-i"]


@pytest.fixture(params=["bash", "bash-completion", "zsh", "fish"])
def shell(request):
    need(request.param.partition("-")[0])
    if request.param == "bash-completion" and not PACKAGE.exists():
        need("bash-completion")
    return request.param


@pytest.fixture
def terminal(shell, root, start):
    """A shell in a home with a file and two tools."""
    home = root.parent / "home"
    (home / "unique name.txt").write_text("what the file says\n")
    (home / "bin").mkdir()
    for name in ("mytool", "zz-only-one"):
        (home / "bin" / name).write_text("#!/bin/sh\necho ran $0 $1\n")
        (home / "bin" / name).chmod(0o755)
    path = f"{home / 'bin'}:{environment(None, home)['PATH']}"
    term = start(rc(shell, home), root=root, cols=140, rows=80, answer=True, env={"PATH": path})
    term.expect(PROMPT)
    return term


@pytest.fixture
def store(root):
    """Three sessions of one turn each: `shop`, the hostile one, and an old one without a label."""
    fill(root)
    return root


def fill(root: Path, name: str = "shop") -> None:
    now = maker.now_ms()
    with closing(maker.store_at(root)) as made:
        for number, label in enumerate([None, HOSTILE, name]):
            one = Maker(made, 1, tool="psql", at_ms=now - (9 - number) * 10_000_000)
            one.turn(f"select {number};", f"found {label or 'the old one'}\n")
            one.end()
            if label:
                made.set_label(label, one.ulid)


def ulids(root: Path) -> list[str]:
    return [row["ulid"] for row in rec(["ls", "--json"], root).ok().json()]


def press(term, typed: str, becomes: str) -> None:
    """Type and press Tab; the line has to become the other one, with what is then typed behind it."""
    term.send(f"{typed}\t")
    term.expect(f"{PROMPT}{becomes}")
    term.send("x")
    term.expect(f"{PROMPT}{becomes}x")
    term.send("\x15")
    term.expect_gone(f"{becomes}x")


# --- words that are always the same ----------------------------------------------------------------


def test_commands_options_and_choices(terminal):
    press(terminal, "rec repl", "rec replay ")
    press(terminal, "rec --vers", "rec --version ")
    press(terminal, "rec ls --run", "rec ls --running ")
    press(terminal, "rec run --mode ra", "rec run --mode raw ")
    press(terminal, "rec run --mode=ra", "rec run --mode=raw ")
    press(terminal, "rec events @1 --kind al", "rec events @1 --kind alert ")
    press(terminal, "rec completions fi", "rec completions fish ")


def test_all_commands_are_listed_with_what_they_do(terminal, shell):
    terminal.send("rec \t\t" if shell.startswith("bash") else "rec \t")

    for name in COMMANDS:
        terminal.expect(name)
    if not shell.startswith("bash"):
        terminal.expect("List sessions, newest first")
    assert "zz-only-one" not in terminal.text()


def test_options_stand_between_arguments_but_not_behind_two_dashes(terminal, store):
    press(terminal, "rec events @1 --js", "rec events @1 --json ")
    press(terminal, "rec events -- --js", "rec events -- --js")


# --- names from the store ----------------------------------------------------------------------------


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_label_is_quoted_so_that_it_arrives_whole_and_nothing_in_it_runs(terminal, store, quote):
    terminal.send(f"rec replay {quote}it\t")
    terminal.expect("touch")
    terminal.send("\r")

    terminal.expect("found it's")
    assert not (store.parent / "home" / "pwned").exists()


def test_labels_are_offered_where_one_is_wanted(terminal, store):
    press(terminal, "rec label --rm sh", "rec label --rm shop ")
    press(terminal, "rec label @2 sh", "rec label @2 shop ")


def test_a_hostile_label_is_listed_as_it_is_and_nothing_more(terminal, shell, store):
    bash = shell.startswith("bash")
    terminal.send("rec replay \t\t" if bash else "rec replay \t")
    terminal.expect("shop")
    terminal.expect("pwned" if bash else f"{HOSTILE}  ")  # bash lists what it would insert
    terminal.send("\x15" if bash else "\x1b\x15")
    terminal.send("echo over''now\r")

    terminal.expect("overnow")
    assert not (store.parent / "home" / "pwned").exists()


def test_the_beginning_of_a_ulid(terminal, store):
    old = ulids(store)[-1]
    terminal.send(f"rec replay {old[:7].lower()}\t")
    terminal.expect(f"{PROMPT}rec replay {old[:8].lower()}")
    terminal.send("\r")

    terminal.expect("found the old one")


def test_turns_of_a_label_of_an_age_and_of_the_newest_session(terminal, store):
    press(terminal, "rec output sho", "rec output shop:")
    press(terminal, "rec output shop:", "rec output shop:1 ")
    press(terminal, "rec output @3:", "rec output @3:1 ")
    press(terminal, "rec output :", "rec output :1 ")
    terminal.send("rec output @3:\t\r")

    terminal.expect("found the old one")


@pytest.mark.parametrize("shell", ["bash-completion", "zsh"], indirect=True)
def test_behind_a_command_that_starts_another(terminal, store):
    press(terminal, "nohup rec output shop:", "nohup rec output shop:1 ")
    press(terminal, "nohup rec run --mode=", "nohup rec run --mode=")


@pytest.mark.parametrize("label", ["größe 漢字", "#1 {a,b}", "a:b c", "~x=y@z"])
def test_labels_of_all_sorts(terminal, root, label):
    fill(root, label)
    terminal.send(f"rec output '{label[:3]}\t")
    terminal.expect(f"{label[3:]}:")
    terminal.send("\t\r")

    terminal.expect(f"found {label}")


def test_root_on_the_line_is_the_one_that_is_asked(terminal, store, tmp_path):
    other = tmp_path / "another root"
    fill(other, "garden")

    press(terminal, f"rec --root '{other}' replay gard", f"rec --root '{other}' replay garden ")
    press(terminal, f"rec --root='{other}' replay gard", f"rec --root='{other}' replay garden ")
    press(terminal, "rec replay gard", "rec replay gard")


def test_without_a_store_nothing_is_offered_said_or_made(terminal, root):
    press(terminal, "rec replay sh", "rec replay sh")
    press(terminal, "rec output :", "rec output :")

    assert "rec:" not in terminal.text()
    assert not root.exists()


# --- the tool and its words ---------------------------------------------------------------------------


def test_names_of_tools(terminal):
    press(terminal, "rec zz-on", "rec zz-only-one ")
    press(terminal, "rec run -- zz-on", "rec run -- zz-only-one ")
    press(terminal, "rec run --label x zz-on", "rec run --label x zz-only-one ")


def test_files_of_a_tool(terminal):
    terminal.send("rec run --no-persist -- cat uniq\t\r")
    terminal.expect(f"what the file says\n{PROMPT}")
    terminal.send("rec cat uniq\t\r")
    terminal.expect("what the file says", count=2)


def test_a_tools_own_completion(terminal, shell):
    if shell == "bash":  # which alone has no way to hand over
        press(terminal, "rec mytool al", "rec mytool al")
        return
    press(terminal, "rec mytool al", "rec mytool alpha ")
    press(terminal, "rec run --label x -- mytool al", "rec run --label x -- mytool alpha ")
    press(terminal, "rec mytool --vers", "rec mytool --vers")


# --- the files -----------------------------------------------------------------------------------------


def test_the_files_can_be_sourced_by_who_has_no_place_for_them(shell, root, start):
    home = root.parent / "home"
    rc(shell, home)
    file = TOP / "completions" / FILES[shell.partition("-")[0]]
    argv = {"zsh": ["zsh", "-f", "-i"], "fish": ["fish", "--no-config", "-i"]}
    before = "autoload -Uz compinit; compinit -u -D; " if shell == "zsh" else ""
    term = start(argv.get(shell, ["bash", "--norc", "-i"]), root=root, cols=140, answer=True)
    term.send(f"{before}source {file}; echo rea''dy\r")
    term.expect("ready")
    term.send("rec repl\t")

    term.expect("rec replay ")


@pytest.mark.parametrize("name", FILES)
def test_the_command_prints_the_file(root, name):
    shown = rec(["completions", name], root).ok().stdout

    assert shown == (TOP / "completions" / FILES[name]).read_text()


def test_an_unknown_shell_is_wrong_usage(root):
    done = rec(["completions", "csh"], root)

    assert done.status == 2
    assert "csh" in done.stderr


def test_the_files_are_what_the_commands_say_and_what_is_stale_is_named(tmp_path, monkeypatch, capsys):
    loader = importlib.machinery.SourceFileLoader("completions_script", str(TOP / "scripts" / "completions"))
    script = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(script)
    assert script.main(["--check"]) == 0
    monkeypatch.setattr(script, "FILES", tmp_path)
    for name in FILES.values():
        shutil.copy(TOP / "completions" / name, tmp_path)
    fish = tmp_path / "rec.fish"
    fish.write_text(fish.read_text().replace("-a replay", "-a reply"))

    assert script.main(["--check"]) == 1
    assert "rec.fish" in capsys.readouterr().err
    assert script.main([]) == 0
    assert fish.read_text() == (TOP / "completions" / "rec.fish").read_text()


# --- what the shells ask ------------------------------------------------------------------------------


def asked(root, *words, **env):
    """What `rec --complete` prints, as (value, description)."""
    done = rec(["--complete", *words], root, env=env).ok()
    assert done.stderr == ""
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def test_sessions_by_label_age_and_shortest_unique_prefix(store):
    found = dict(asked(store, "sessions", ""))

    assert list(found)[:4] == [HOSTILE, "shop", "-", "@1"]
    assert [ulid[: len(short)] for ulid, short in zip(ulids(store), list(found)[4:], strict=True)] == list(
        found
    )[4:]
    assert found["shop"] == "psql, 19h ago"
    assert list(dict(asked(store, "sessions", "@"))) == ["@1", "@2", "@3"]


def test_who_typed_more_than_the_shortest_prefix_gets_the_whole_ulid(store):
    newest = ulids(store)[0]

    assert [value for value, _ in asked(store, "sessions", newest[:15])] == [newest]
    assert [value for value, _ in asked(store, "sessions", newest[:15].lower())] == [newest.lower()]


def test_two_sessions_of_one_moment_are_told_apart(root):
    now = maker.now_ms()
    with closing(maker.store_at(root)) as made:
        pair = [Maker(made, number, at_ms=now).ulid for number in (1, 2)]

    values = [value for value, _ in asked(root, "sessions", pair[0][:8])]

    assert len(set(values)) == 2
    assert all(sum(ulid.startswith(value) for ulid in pair) == 1 for value in values)


def test_turns_begin_with_the_newest_and_with_the_digits_typed(root):
    with closing(maker.store_at(root)) as made:
        one = Maker(made)
        for number in range(1, 13):
            one.turn(f"select\n\x1b]0;title\x07{number}")

    assert [value for value, _ in asked(root, "turns", "@1:1")] == ["@1:12", "@1:11", "@1:10", "@1:1"]
    assert asked(root, "turns", ":2") == [(":2", "select \\x1b]0;title\\x072")]
    assert [value for value, _ in asked(root, "turns", f"{one.ulid[:8]}:5")] == [f"{one.ulid[:8]}:5"]


def test_a_label_that_could_drive_a_terminal_is_not_offered(store):
    with closing(sqlite3.connect(store / "rec.db")) as db, db:
        db.execute("UPDATE milestone SET key = key || char(27) || ']0;x' || char(7) WHERE key LIKE '%.shop'")

    done = rec(["--complete", "labels", ""], store).ok()

    assert done.stdout.startswith(HOSTILE)
    assert "\x1b" not in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "words", [(), ("nonsense", "x"), ("turns", "shop:x"), ("turns", "@0:"), ("turns", "none:")]
)
def test_questions_that_have_no_answer(store, words):
    assert asked(store, *words) == []


def test_trouble_is_no_reason_to_speak(store, root):
    (root / "rec.db").write_bytes(b"no database at all" * 100)
    assert asked(root, "sessions", "") == []
    shutil.rmtree(root)
    root.write_text("a file in its way")
    assert asked(root, "sessions", "") == []
    settings = root.parent / "home" / ".config" / "rec" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("nonsense")
    assert asked(root, "sessions", "") == []


def test_a_locked_store_is_not_waited_for(store):
    with closing(sqlite3.connect(store / "rec.db")) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")

        assert asked(store, "labels", "sh") == []
    assert asked(store, "labels", "sh") == [("shop", "psql, 19h ago")]


def test_a_reader_who_left_is_no_trouble(store):
    command = f"{shlex.quote(sys.executable)} -m recorder --complete sessions '' | :"
    env = environment(store, store.parent / "home")
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], env=env, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_packaged_file_comes_first_and_a_missing_one_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "recorder")
    beside, inside = tmp_path / "completions" / "_rec", tmp_path / "recorder" / "completions" / "_rec"
    with pytest.raises(Refused, match="could not find completions/_rec"):
        shipped.find("completions/_rec")
    for path in (beside, inside):
        path.parent.mkdir(parents=True)
        path.touch()
        assert shipped.find("completions/_rec") == path
