"""What the systems that this project grew from could do, each by name, as its users meet it.

Two rows of the checklist: the dispatcher's session source and the conversation session manager. The
other two, about what a store promises, are in `test_checklist_stores.py`. Each test names its row and its
capability; the same things are tested at length where their modules are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import apsw
import maker
import pytest
from blackbox import environment, events, ls, wait_for
from blackbox import rec as call
from click.testing import CliRunner
from conversation import EDITOR, left, say
from maker import GONE, Maker, now_ms

from recorder import identity, resuming, sessions
from recorder.cli import rec
from recorder.errors import NotFound, StoreError
from recorder.model import Near

REC = f"{sys.executable} -m recorder"
HOUR = 3_600_000


def run(*args):
    """One call inside this process: the command line, without its start."""
    return CliRunner().invoke(rec, list(args))


@pytest.fixture
def cat(start_rec):
    """Begin to record cat, and wait for the editor."""

    def begin(*options):
        term = start_rec(["run", *options, "--", "cat"])
        term.expect(EDITOR)
        return term

    return begin


# --- the dispatcher's session source ---------------------------------------------------------------


def test_source_current_id_or_none(root, tmp_path):
    """Dispatcher's session source: current id or none."""
    told = tmp_path / "told"
    call(["run", "--", "sh", "-c", f"{REC} status --json >{told}; echo $REC_SESSION"], root).ok()
    ulid = ls(root)[0]["ulid"]
    assert json.loads(told.read_text())["session"] == ulid
    outside = run("status")
    assert (outside.exit_code, outside.stdout) == (1, "")
    assert outside.stderr.startswith("rec: could not show the status: this is not a recorded session\n")


def test_source_list_newest_first_with_limit(store):
    """Dispatcher's session source: list newest first with limit (0 = nothing, no query)."""
    made = [Maker(store, number) for number in (1, 2, 3)]
    newest = [each.ulid for each in reversed(made)]

    def listed(limit, of=store):
        return [
            row.ulid for row in sessions.listing(of, sessions.Wanted(limit=limit), identity.alive, now_ms())
        ]

    assert [listed(limit) for limit in (None, 2, 0)] == [newest, newest[:2], []]
    assert listed(0, of=None) == []  # there is no store that could be asked
    store.close()
    assert store.summaries(limit=0) == []


def test_source_find_by_id_prefix_label(root):
    """Dispatcher's session source: find by id, prefix, label."""
    with closing(maker.store_at(root)) as store:
        made = [Maker(store, 1, at_ms=now_ms() - days * 24 * HOUR).end() for days in (300, 200)]
        made[0].event("mark", "the first")
        made[1].event("mark", "the second")
        store.set_label("ünï 日本", made[0].ulid)
    for needle, text in (
        (made[0].ulid, "the first"),
        (made[1].ulid.lower(), "the second"),
        (made[0].ulid[:8].lower(), "the first"),
        ("ünï 日本", "the first"),
        ("@1", "the second"),
        ("@2", "the first"),
        ("-", "the second"),
    ):
        assert text in run("replay", needle).stdout, needle
    none = run("replay", "nowhere")
    assert (none.exit_code, none.stderr.splitlines()[0]) == (1, "rec: no such session: nowhere")


def test_source_events_oldest_first_with_limit(root):
    """Dispatcher's session source: events oldest first with limit."""
    with closing(maker.store_at(root)) as store:
        made = Maker(store)
        for number in range(5):
            made.event("mark", f"note {number}")
    for limit, numbers in ((None, range(5)), (2, (3, 4)), (0, ())):
        words = () if limit is None else ("-n", str(limit))
        shown = run("events", made.ulid, *words).stdout.splitlines()
        assert [line.split()[-1] for line in shown] == [str(number) for number in numbers]


def test_source_save_label_and_fork_from_current(cat, root):
    """Dispatcher's session source: save label; fork from current."""
    term = cat()
    say(term, "one")
    say(term, "/save milestone", "label milestone set")
    say(term, "/fork second-try", "forked after turn 1")
    say(term, "two")
    left(term)
    child, parent = ls(root)
    assert (parent["labels"], child["labels"]) == (["milestone"], ["second-try"])
    assert (child["parent_ulid"], child["fork_turn"], child["n_turns"]) == (parent["ulid"], 1, 2)
    assert [row["text"] for row in events(root, "second-try", "--kind", "prompt")] == ["one", "two"]


def test_source_not_found_is_told_apart_from_store_errors(root):
    """Dispatcher's session source: not-found told apart from store errors."""
    missing = run("replay", "nowhere")
    assert (missing.exit_code, missing.stderr.splitlines()[0]) == (1, "rec: no such session: nowhere")
    maker.store_at(root).close()
    (root / "rec.db").write_bytes(b"this is no database " * 1000)
    broken = run("replay", "nowhere")
    assert broken.exit_code == 3
    assert broken.stderr.startswith("rec: could not ")
    assert not issubclass(NotFound, StoreError)


def test_source_a_store_error_becomes_an_alert_and_never_ends_the_program(cat, root):
    """Dispatcher's session source: a store error becomes an alert and never ends the program."""
    term = cat()
    say(term, "one")
    wait_for(lambda: root.exists() and len(ls(root)) == 1)
    with closing(apsw.Connection(str(root / "rec.db"))) as other:
        other.set_busy_timeout(10_000)
        other.execute("BEGIN IMMEDIATE")
        say(term, "two")
        term.expect("recording suspended")
        say(term, "three")
        other.execute("ROLLBACK")
    term.expect("recording resumed")
    left(term)
    alerts = [row["text"] for row in events(root, "@1", "--kind", "alert")]
    assert len([text for text in alerts if "locked" in text]) == 1
    assert [row["text"] for row in events(root, "@1", "--kind", "prompt")] == ["one", "two", "three"]


def test_source_interrupted_version_and_target_are_shown_before_replay(root):
    """Dispatcher's session source: interrupted sessions, version and target shown before replay."""
    target = {"target": "postgresql://ada@db.example.org/shop"}
    with closing(maker.store_at(root)) as store:
        cut = Maker(store, 1, tool="psql", owner=GONE, run=target)
        cut.turn("select 1;", "1\n")
        store.append([], recovered=cut.invocation)  # nothing is left to derive
        whole = Maker(store, 2, at_ms=now_ms() - 60_000)
        whole.turn("select 2;", "2\n")
        whole.end()
    shown = run("replay", cut.ulid)
    assert shown.stdout.splitlines() == [
        "3 prior events, most recent 59m ago",
        "sqlite> select 1;",
        "1",
    ]
    assert shown.stderr == f"rec: interrupted, recorded by rec 0.1.0, target {target['target']}\n"
    assert run("replay", whole.ulid).stderr == "rec: recorded by rec 0.1.0\n"
    assert run("replay", cut.ulid, "--json").stderr == ""


def test_source_an_interrupted_session_says_so_on_a_terminal_below_the_first_line(root, start_rec):
    """Dispatcher's session source: interrupted sessions shown before replay."""
    with closing(maker.store_at(root)) as store:
        cut = Maker(store, 1, owner=GONE)
        cut.turn("select 1;", "1\n")
        store.append([], recovered=cut.invocation)
    term = start_rec(["replay", cut.ulid], env={"PAGER": "cat"})
    assert term.wait() == 0
    first, second, *transcript = term.text().splitlines()
    assert first.startswith("3 prior events, most recent ")
    assert second == "rec: interrupted, recorded by rec 0.1.0"
    assert transcript[:2] == ["sqlite> select 1;", "1"]


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        *(("logs", "log"), ("history", "log"), ("discard", "rm"), ("delete", "rm"), ("remove", "rm")),
        *(("forget", "rm SESSION:TURN"), ("save", "label"), ("sessions", "ls")),  # our slash-commands
    ],
)
def test_source_words_of_other_tools_name_our_command(root, word, ours):
    """Dispatcher's session source, as users of other tools call it: our command is named."""
    result = run(word, "shop")
    assert result.exit_code == 127
    assert result.stderr.splitlines() == [
        f"rec: could not run {word}: not found",
        f"did you mean `rec {ours}`?",
    ]


# --- the conversation session manager --------------------------------------------------------------


def test_manager_lazy_creation(cat, root):
    """Conversation session manager: lazy creation."""
    assert call(["run", "--", "no-such-tool"], root).status == 127
    assert not root.exists()
    term = cat()  # the recorder is there, and nothing was said yet
    assert ls(root) == []
    say(term, "one")
    wait_for(lambda: len(ls(root)) == 1)
    left(term)


def test_manager_append_with_parent_and_invocation_id(store, tmp_path):
    """Conversation session manager: append with parent (previous seq or fork point) and invocation id."""
    parent = Maker(store, 1, owner=GONE)
    numbers = [parent.event("mark", text).seq for text in "abc"]
    child = Maker(store, 2, parent_ulid=parent.ulid, fork_turn=0, fork_seq=2)
    first = child.event("mark", "d")
    assert (numbers, first.seq) == ([1, 2, 3], 3)  # behind the fork point, not behind its parent's end
    origin = resuming.take(store, store.summary(parent.ulid), ("sqlite3",), {}, now_ms())
    draft = replace(parent.draft("mark", "e"), invocation=origin.invocation.ulid)
    assert [event.seq for event in store.append([draft])] == [4]
    owners = [event.invocation for event in store.events(parent.ulid)]
    assert owners == [parent.invocation] * 3 + [origin.invocation.ulid]


def test_manager_delta_only(root):
    """Conversation session manager: delta only; a resumed session writes nothing again."""
    call(["run", "--", "sh"], root, stdin=b"echo one\n").ok()
    before = events(root)
    call(["resume"], root, stdin=b"echo two\n").ok()
    after = events(root)
    assert after[: len(before)] == before
    assert [row["text"] for row in after[len(before) :] if row["kind"] == "prompt"] == ["echo two"]


def test_manager_find_resumable_by_directory_git_root_and_age(root, tmp_path):
    """Conversation session manager: find resumable by directory, git root and age."""
    repo = tmp_path / "repo"
    below, elsewhere = repo / "below", tmp_path / "elsewhere"
    for place in (below, elsewhere):
        place.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", repo], check=True, env=environment(None, tmp_path))
    facts = {"tool": "true", "argv": ("true",)}
    with closing(maker.store_at(root)) as store:
        for number, age, place in ((1, 30, repo), (2, 20, elsewhere), (3, 600, elsewhere)):
            git_root = str(repo) if place == repo else None
            at_ms = now_ms() - age * 60_000
            Maker(store, number, at_ms=at_ms, cwd=str(place), git_root=git_root, **facts).end()
            store.set_label(f"{place.name}-{age}", maker.ulid(number, at_ms))

    def found(place, minutes=60):
        with closing(maker.store_at(root)) as store:
            git_root = str(repo) if place != elsewhere else None
            near = Near(str(place), git_root, now_ms() - minutes * 60_000)
            newest = resuming.newest(store, near, identity.alive)
            return None if newest is None else newest.labels[0]

    assert (found(repo), found(below), found(elsewhere)) == ("repo-30", "repo-30", "elsewhere-20")
    assert (found(repo, 25), found(elsewhere, 10)) == (None, None)
    done = call(["resume"], root, cwd=below)
    assert done.ok().stderr.splitlines()[0] == f"rec: it goes on in {repo}"
    assert call(["resume"], root, cwd=tmp_path).status == 1


def test_manager_archive_and_reset(cat, root):
    """Conversation session manager: archive and reset."""
    term = cat("--label", "old")
    say(term, "one")
    say(term, "/new", "is archived")
    say(term, "two")
    left(term)
    (fresh,) = ls(root)
    assert [row["labels"] for row in ls(root, "--all")] == [[], ["old"]]
    assert (fresh["n_turns"], fresh["parent_ulid"]) == (1, None)
    call(["archive", "--undo", "old"], root).ok()
    assert len(ls(root)) == 2


def test_manager_metadata_before_the_first_event_and_external_id(root, tmp_path):
    """Conversation session manager: metadata before the first event; external id."""
    seen = tmp_path / "seen"
    # A busy machine may take longer than a command waits for the recorder.
    script = f"""
        until {REC} meta $REC_SESSION external_id conv-17 2>/dev/null; do sleep 0.1; done
        {REC} meta $REC_SESSION external_id >{seen}
        {REC} events $REC_SESSION >>{seen}
    """
    call(["run", "--", "sh", "-c", script], root).ok()
    assert seen.read_text() == "conv-17\n"
    assert [row["kind"] for row in events(root)] == ["system"]  # the tool's end
    assert json.loads(run("meta", "@1", "--json").stdout) == {"external_id": "conv-17"}


def test_manager_time_of_the_last_event_on_resume(root):
    """Conversation session manager: time of the last event on resume."""
    with closing(maker.store_at(root)) as store:
        made = Maker(store, 1, tool="true", argv=("true",), cwd=os.getcwd(), at_ms=now_ms() - 3 * HOUR - 5000)
        made.event("mark", "a note")
        made.end()
    done = call(["resume", made.ulid], root).ok()
    assert done.stdout.splitlines()[0] == "resuming: 1 prior event, most recent 3h ago"
