"""`rec tree`: families of sessions, as JSON and as a drawing."""

from __future__ import annotations

from contextlib import closing

import maker
import pytest
from blackbox import ls, rec
from maker import Maker


@pytest.fixture
def family(root):
    """A session with two forks, one of which was forked itself, and a stranger."""
    with closing(maker.store_at(root)) as store:
        at = maker.now_ms() - 86_400_000 * 3
        top = Maker(store, 1, at_ms=at)
        store.set_label("shop", top.ulid)
        facts = {"parent_ulid": top.ulid, "fork_seq": 1}
        one = Maker(store, 2, at_ms=at + 1, fork_turn=3, **facts)
        two = Maker(store, 3, at_ms=at + 2, fork_turn=7, **facts)
        store.set_label("second-try", two.ulid)
        inner = Maker(store, 4, at_ms=at + 3, parent_ulid=one.ulid, fork_turn=5, fork_seq=2)
        stranger = Maker(store, 5, at_ms=at + 4)
        return [each.ulid for each in (top, one, two, inner, stranger)]


def node(ulid, turn, *children, labels=()):
    return {"ulid": ulid, "labels": list(labels), "fork_turn": turn, "children": list(children)}


def test_a_family_is_the_same_whomever_one_asks_of(root, family):
    top, one, two, inner, stranger = family
    whole = node(
        top, None, node(one, 3, node(inner, 5)), node(two, 7, labels=["second-try"]), labels=["shop"]
    )
    for needle in (top, one, two, inner, "shop", "second-try"):
        assert rec(["tree", needle, "--json"], root).ok().json() == whole
    for words in ([stranger], []):  # the newest one
        assert rec(["tree", *words, "--json"], root).ok().json() == node(stranger, None)


def shape(text, names):
    """A drawing with letters for the sessions' prefixes, and without ages."""
    for letter, ulid in zip("ABCDE", names, strict=True):
        prefix = next(word for word in text.split() if ulid.startswith(word) and len(word) >= 6)
        text = text.replace(prefix, letter, 1)
        if letter == "D":
            break
    return [line.rstrip() for line in text.replace("  3d", "").splitlines()]


@pytest.mark.parametrize(
    ("locale", "wanted"),
    [
        ("C.UTF-8", ["", "├─ ", "│  └─ ", "└─ "]),
        ("C", ["", "|- ", "|  `- ", "`- "]),
    ],
)
def test_a_family_is_drawn(root, family, locale, wanted):
    env = {"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    said = ["A  shop  sqlite3", ":3  B  sqlite3  <", ":5  D  sqlite3", ":7  C  second-try  sqlite3"]
    drawn = shape(rec(["tree", family[1]], root, env=env).ok().stdout, family)
    assert drawn == [lines + words for lines, words in zip(wanted, said, strict=True)]


def test_colours_only_where_they_are_wanted(start_rec, root, family):
    for more, painted in (({}, True), ({"NO_COLOR": "1"}, False)):
        term = start_rec(["tree", family[0]], env={"PAGER": "cat", **more})
        assert term.wait() == 0
        assert (b"\x1b[" in term.raw) is painted


def test_an_ancestor_that_is_gone_is_left_out(root, family):
    top, one, *_ = family
    with closing(maker.store_at(root)) as store:
        Maker(store, 6, parent_ulid="7" + one[1:], fork_turn=1, fork_seq=1)
    newest = ls(root)[0]["ulid"]
    assert rec(["tree", "--json"], root).ok().json() == node(newest, 1)
    assert rec(["tree", newest], root).ok().stdout.startswith(":1  ")
    assert top not in rec(["tree", newest], root).ok().stdout


def test_no_such_session(root, family):
    found = rec(["tree", "nobody"], root)
    assert (found.status, found.stderr.splitlines()[0]) == (1, "rec: no such session: nobody")
    found = rec(["tree", "--json"], root.parent / "empty")
    assert (found.status, found.stdout) == (1, "")
