"""A model of what can be done to a store's sessions, to compare it with what a killed process left.

An operation is a JSON list; ``apply`` does it to the model, ``do`` to a store, ``snapshot`` reads a
store as the model would be. Sessions are known by number.
"""

from __future__ import annotations

import copy

from faults import pattern
from making import chunk, draft, ended, invocation, joined, prompt, session
from placing import InDirectories

from recorder.model import Kind
from recorder.stores.sqlite import SqliteStore

SIZES = (1, 200, 5_000, 70_000)


def in_directories(path):
    return InDirectories(path, path.parent.parent / "sessions")


OPENERS = {"sqlite": SqliteStore, "directory": in_directories}


def choose(model, dice):
    """An operation that makes sense now."""
    alive = sorted(map(int, model["sessions"]))
    if len(alive) < 3 or dice.random() < 0.05:
        return ["begin", max(model["used"], default=0) + 1, None]
    n = dice.choice(alive)
    one = model["sessions"][str(n)]
    kind = dice.choices(
        [
            "turn",
            "label",
            "archive",
            "fork",
            "erase",
            "note",
            "undo",
            "seal",
            "index",
            "compact",
            "wipe",
            "delete",
        ],
        [20, 3, 3, 2, 5, 3, 2, 3, 6, 5, 2, 4],
    )[0]
    more = {
        "turn": [dice.choice(SIZES)],
        "label": [dice.choice("abc")],
        "archive": [dice.choice([None, 7])],
        "erase": [dice.randrange(1, len(one["turns"]) + 1) if one["turns"] else 0],
        "note": [f"note {dice.random()}"],
    }.get(kind, [])
    if kind == "fork":
        return ["begin", max(model["used"]) + 1, n]
    return [kind, n, *more]


def family(model, n):
    """A session and its forks."""
    found = [n]
    for each in found:
        found += [int(other) for other, one in model["sessions"].items() if one["parent"] == each]
    return found


def empty():
    return {"sessions": {}, "labels": {}, "used": []}


def apply(before, op):
    """The model after an operation."""
    model = copy.deepcopy(before)
    kind, n, *more = op
    if kind == "begin":
        model["sessions"][str(n)] = {"parent": more[0], "archived": None, "turns": [], "notes": []}
        model["used"].append(n)
        return model
    if kind == "delete":
        for each in family(model, n):
            del model["sessions"][str(each)]
            model["labels"] = {label: owner for label, owner in model["labels"].items() if owner != each}
        return model
    one = model["sessions"][str(n)]
    if kind == "turn":
        one["turns"].append([f"turn {len(one['turns']) + 1} of {n}", more[0]])
    elif kind == "label":
        model["labels"][more[0]] = n
    elif kind == "archive":
        one["archived"] = more[0]
    elif kind == "erase" and more[0]:
        one["turns"][more[0] - 1][0] = ""
    elif kind == "note":
        one["notes"].append(more[0])
    elif kind == "undo":
        left = [at for at, text in enumerate(one["notes"]) if text]
        if left:
            one["notes"][left[-1]] = ""
    return model


def do(store, model, op):
    """Do an operation to a store."""
    kind, n, *more = op
    s = session(n)
    run = invocation(s, 10_000 + n)
    if kind == "begin":
        parent = None if more[0] is None else session(more[0]).ulid
        s = session(
            n, parent_ulid=parent, fork_turn=None if parent is None else 0, fork_seq=0 if parent else None
        )
        store.begin(s, run)
    elif kind == "turn":
        turn = len(model["sessions"][str(n)]["turns"]) + 1
        at = store.raw_length(s.ulid)
        text = pattern(at, more[0])
        store.append(
            [prompt(s, turn, f"turn {turn} of {n}", at), ended(s, turn, text.decode(), (at, at + len(text)))],
            [chunk(run, at, text)],
        )
    elif kind == "label":
        store.set_label(more[0], s.ulid)
    elif kind == "archive":
        store.archive(s.ulid, more[0])
    elif kind == "erase":
        store.erase(s.ulid, more[0])
    elif kind == "note":
        store.append([draft(s, Kind.MARK, more[0], meta={"mark": "note"})])
    elif kind in (simple := {"undo": store.drop_last, "seal": store.seal, "compact": store.compact}):
        simple[kind](s.ulid)
    elif kind == "index":
        store.index(s.ulid, rest=True)
    elif kind == "wipe":
        store.wipe()
    elif kind == "delete":
        doomed = family(model, n)
        dead = [invocation(session(each), 10_000 + each).ulid for each in doomed]
        assert store.delete([session(each).ulid for each in doomed], dead=dead)


def snapshot(store, used):
    """What a store holds, as the model has it; the bytes and texts of each turn are looked at too."""
    numbers = {session(n).ulid: n for n in used}
    found = {"sessions": {}, "labels": {label: numbers[ulid] for label, ulid in store.labels()}, "used": used}
    for each in store.summaries(archived=True):
        ulid = each.session.ulid
        parent = each.session.parent_ulid
        events = list(store.events(ulid))
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        turns = []
        for turn in store.turns(ulid):
            data = joined(store.raw(ulid, turn.raw_start, turn.raw_end))
            size = turn.raw_end - turn.raw_start
            whole = pattern(turn.raw_start, size)
            assert data == (b"" if turn.erased else whole)
            (text,) = [event.text for event in events if event.turn == turn.turn and event.kind == "output"]
            assert text.encode() == data
            turns.append([turn.command, size])
        found["sessions"][str(numbers[ulid])] = {
            "parent": None if parent is None else numbers[parent],
            "archived": each.session.archived_ms,
            "turns": turns,
            "notes": [event.text for event in events if event.kind == "mark"],
        }
    return found
