"""Real recordings into a directory: commands inside, forks, kills, resuming, a directory that vanishes."""

from __future__ import annotations

import json
import os
import signal

import blackbox
import pytest
from blackbox import events, grep_root, log, ls, rec, wait_for
from conversation import EDITOR, left, say

MARKER = b"xyzzy-planted"


@pytest.fixture
def cat(start_rec, tmp_path):
    """Begin to record cat into a directory, and wait for the editor."""

    def begin(*args):
        words = args or ("run", "--session-dir", tmp_path / "kept", "--label", "shop", "--", "cat")
        term = start_rec(list(map(str, words)), cwd=tmp_path)
        term.expect(EDITOR)
        return term

    return begin


def test_a_directory_is_recorded_into_left_resumed_forked_and_forgotten_in(cat, root, tmp_path):
    place = tmp_path / "kept"
    term = cat()
    say(term, "first")
    say(term, f"print {MARKER.decode()}")
    say(term, "/note a remark", "noted")
    say(term, "/forget 2", "turn 2 erased")
    say(term, "/sessions", "shop")
    assert "first" in (place / "events.jsonl").read_text()
    left(term)
    (row,) = ls(root)
    assert (row["directory"], row["labels"], row["n_turns"], row["status"]) == (
        str(place),
        ["shop"],
        2,
        "ended",
    )
    assert grep_root(place, MARKER) == grep_root(root, MARKER) == []
    assert [turn["command"] for turn in log(root, f"{place}/")] == ["first", None]
    term = cat("resume", f"{place}/")
    assert b"resuming: " in term.raw
    say(term, "second")
    say(term, "/fork branch", "forked")
    say(term, "in the child")
    left(term)
    child, parent = ls(root)
    assert (child["parent_ulid"], child["directory"], child["labels"]) == (row["ulid"], None, ["branch"])
    assert (parent["end_reason"], parent["n_turns"]) == ("forked", 3)
    assert [turn["command"] for turn in log(root, "branch")] == ["first", None, "second", "in the child"]
    assert len(json.loads((place / "session.json").read_text())["invocations"]) == 2
    assert rec(["rm", "--with-forks", f"{place}/"], root).ok().stdout == "2 sessions deleted\n"
    assert not place.exists()


def test_who_comes_second_is_refused_before_its_tool_starts(cat, root, tmp_path):
    place = tmp_path / "kept"
    term = cat("run", "--session-dir", place, "--", "cat")
    assert not (place / "session.json").exists()  # it comes with the first event
    second = ["run", "--session-dir", place, "--", "touch", tmp_path / "second"]
    done = rec(second, root)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(f"rec: could not record into {place}: another recording is about to begin")
    assert not (tmp_path / "second").exists()
    say(term, "mine")
    assert "already holds session" in rec(second, root).stderr
    left(term)
    (row,) = ls(root)
    assert [turn["command"] for turn in log(root, f"{place}/")] == ["mine"]
    assert not list((root / "spill").glob("*"))
    rec(["rm", row["ulid"]], root).ok()
    assert not place.exists()


def test_a_directory_of_a_recording_that_was_killed_before_its_first_event_is_free(cat, root, tmp_path):
    place = tmp_path / "kept"
    term = cat("run", "--session-dir", place, "--", "cat")
    term.kill()
    term.wait()
    assert not (place / "session.json").exists()
    rec(["run", "--session-dir", place, "--", "true"], root).ok()
    assert (place / "session.json").exists()


def test_a_killed_recording_is_completed_from_its_directory(cat, root, tmp_path):
    term = cat()
    say(term, "before the kill")
    wait_for(lambda: b"before the kill" in (tmp_path / "kept" / "events.jsonl").read_bytes())
    term.kill(signal.SIGKILL)
    term.wait()
    (row,) = ls(root)
    assert row["status"] == "interrupted"
    assert [turn["command"] for turn in log(root, "shop")] == ["before the kill"]
    assert "before the kill" in rec(["replay", "shop"], root).ok().stdout
    assert [each for each in rec(["doctor", "--json"], root).json() if each["check"].startswith("store")
            and not each["ok"]] == []  # fmt: skip


@pytest.mark.parametrize("instead", [False, True])
def test_a_directory_that_vanishes_neither_ends_nor_blocks_the_tool(cat, root, tmp_path, instead):
    """It is told, nothing is begun anew where it was; the rest is spilled, and imported when it is back."""
    place, aside = tmp_path / "kept", tmp_path / "aside"
    term = cat()
    say(term, "one")
    wait_for((place / "events.jsonl").exists)
    place.rename(aside)
    if instead:
        place.mkdir(mode=0o700)
    say(term, "two", "recording suspended")
    say(term, "three")
    left(term)
    assert b"; put it back; then recording goes on by itself" in term.raw
    assert b"recording resumed" not in term.raw
    assert list(tmp_path.glob("kept/*")) == []
    (spilled,) = (root / "spill").iterdir()
    assert all(word in spilled.read_bytes() for word in (b'"two', b'"three'))
    assert ls(root)[0]["status"] == "missing"
    aside.rename(place)
    assert [turn["command"] for turn in log(root, "shop")] == ["one", "two", "three"]
    assert ls(root)[0]["status"] == "ended"


def test_where_it_cannot_be_made_the_tool_goes_on_and_the_rest_is_spilled(cat, root, tmp_path):
    """The directory above it is gone, too: it is told once, and imported when it is back."""
    above = tmp_path / "disk"
    term = cat("run", "--session-dir", above / "kept", "--label", "shop", "--", "cat")
    say(term, "one")
    wait_for((above / "kept" / "events.jsonl").exists)
    above.rename(tmp_path / "unplugged")
    term.line("two")
    term.expect("recording suspended")
    left(term)
    assert ls(root)[0]["status"] == "missing"
    (tmp_path / "unplugged").rename(above)
    assert [turn["command"] for turn in log(root, "shop")] == ["one", "two"]
    assert [event["meta"].get("exit_status") for event in events(root, "shop")][-1] == 0


@pytest.fixture
def foreign(root, tmp_path):
    """A session in a directory that was recorded by way of another root; this one has no store yet."""
    place = tmp_path / "kept"
    rec(["run", "--session-dir", place, "--", "touch", "ran"], tmp_path / "other").ok()
    (tmp_path / "home" / "ran").unlink()
    assert not root.exists()
    return f"{place}/"


def test_a_directory_is_labelled_in_a_root_that_has_no_store_yet(root, foreign):
    rec(["label", foreign, "shop"], root).ok()
    (row,) = ls(root)
    assert (row["labels"], row["directory"]) == (["shop"], foreign[:-1])
    assert "label shop" in [event["text"] for event in events(root, "shop")]


def test_what_else_changes_a_directory_does_so_in_a_root_that_has_no_store_yet(root, foreign, tmp_path):
    for words in ["meta", foreign, "k", "v"], ["archive", foreign], ["rm", foreign]:
        rec(words, root).ok()
        (root / "rec.db").unlink()
    assert not os.path.exists(foreign)
    missing = rec(["label", f"{tmp_path}/", "shop"], root)
    assert (missing.status, missing.stderr[:21]) == (1, "rec: no such session:")


@pytest.mark.parametrize("verb", ["resume", "fork"])
def test_a_command_line_of_a_directory_is_not_run_unasked_in_a_root_that_has_no_store(
    root, foreign, tmp_path, verb
):
    done = rec([verb, foreign], root)
    assert done.status == 1
    assert "its command line came with its directory: nobody was asked" in done.stderr
    assert not (tmp_path / "home" / "ran").exists()


def test_no_store_is_made_for_what_is_not_there(root, tmp_path):
    assert rec(["label", f"{tmp_path}/", "shop"], root).status == 1
    assert rec(["rm", "nobody"], root).status == 1
    assert not root.exists()


def test_a_plain_recording_imports_nothing_of_it(root):
    """Start-up: what is not in a directory costs nothing."""
    code = (
        "import sys; from recorder.cli import main; import atexit;"
        "atexit.register(lambda: print(*sorted(n for n in sys.modules if 'stores' in n), file=sys.stderr));"
        "sys.argv = ['rec', 'run', '--', 'true']; sys.exit(main())"
    )
    done = blackbox.subprocess.run(
        [blackbox.sys.executable, "-c", code],
        env=blackbox.environment(root, root.parent / "home"),
        capture_output=True,
        stdin=blackbox.subprocess.DEVNULL,
        check=False,
    )
    assert b"recorder.stores.sqlite" in done.stderr, done.stderr
    assert b"rooted" not in done.stderr
    assert b"directory" not in done.stderr


def test_a_command_line_that_came_with_a_directory_is_run_only_when_somebody_said_so(
    cat, root, tmp_path, start_rec
):
    term = cat()
    say(term, "first")
    left(term)
    (row,) = ls(root)
    (tmp_path / "kept").rename(tmp_path / "brought")
    place, elsewhere = f"{tmp_path / 'brought'}/", tmp_path / "elsewhere"
    rec(["run", "--", "true"], elsewhere).ok()
    rec(["label", place, "brought"], elsewhere).ok()
    refused = rec(["resume"], elsewhere, cwd=row["cwd"])
    assert (refused.status, refused.stderr.splitlines()[0][:30]) == (1, "rec: could not resume: no sess")
    for verb in ("resume", "fork"):
        unasked = rec([verb, "brought"], elsewhere)
        assert unasked.status == 1
        assert "came with its directory: nobody was asked" in unasked.stderr
        assert "it would run cat;" in unasked.stderr
    term = start_rec(["resume", "brought"], root=elsewhere)
    term.expect("Run cat in ")
    term.line("n")
    assert term.wait() == 1
    kept = next(each["n_events"] for each in ls(elsewhere) if each["ulid"] == row["ulid"])
    assert kept == row["n_events"] + 1  # the label's mark
    term = start_rec(["resume", "brought"], root=elsewhere)
    term.expect("Run cat in ")
    term.line("y")
    term.expect(EDITOR)
    left(term)
    assert rec(["meta", "brought", "--json"], elsewhere).ok().json() == {}
