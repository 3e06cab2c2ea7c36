"""The writer: order, timing rules, outages, the end. Its store is a real one wherever that can be."""

from __future__ import annotations

import os
import re
import select
import signal
import threading
import time
from contextlib import contextmanager

import apsw
import faults
import pytest
from making import T0, chunk, draft, invocation, joined, prompt, session, span, until

from recorder import care, pen, spill
from recorder.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreMissing
from recorder.model import Activity, EndReason, Kind, State, Switch
from recorder.stores.memory import MemoryStore
from recorder.stores.sqlite import SqliteStore
from recorder.writer import FULL, GROUP_BYTES, Writer

S = session(1)
I = invocation(S, 1001)  # noqa: E741


class Faulty:
    """A real store whose writing can be made to fail, or to hang, and that remembers what was asked."""

    def __init__(self, inner):
        self.inner = inner
        self.fault = None
        self.gate = None
        self.calls = []

    def append(self, drafts, chunks=(), **more):
        if self.gate is not None:
            self.gate.wait(30)
        if self.fault is not None:
            raise self.fault
        self.calls.append((list(drafts), list(chunks), more))
        return self.inner.append(drafts, chunks, **more)

    def __getattr__(self, name):
        return getattr(self.inner, name)


class Ordered(Faulty):
    """A real store that remembers in which order it was called to write."""

    def __init__(self, inner):
        super().__init__(inner)
        self.order = []

    def append(self, drafts, chunks=(), **more):
        self.order.append("append" if drafts or chunks else "sync")
        return super().append(drafts, chunks, **more)

    def __getattr__(self, name):
        if name in ("end_invocation", "index", "seal", "switch"):
            self.order.append(name)
        return super().__getattr__(name)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "root" / "rec.db"


@contextmanager
def writing(open_store, tmp_path, **more):
    writer = Writer(open_store, S, I, spill=tmp_path / "root" / "spill", **more)
    writer.start()
    try:
        yield writer
    finally:
        writer.close(T0 + 99, 0, EndReason.EXIT)


def sqlite(path):
    return SqliteStore(path, busy_ms=100)


def kinds(events):
    return [(event.kind, event.text) for event in events]


def put_and_wait(writer, *items):
    ticket = writer.put(*items)
    until(lambda: writer.durable(ticket))


# --- the ordinary day ------------------------------------------------------------------------------


def test_everything_arrives_in_order(path, tmp_path):
    with writing(lambda: sqlite(path), tmp_path) as writer:
        at = 0
        for turn in range(1, 21):
            echo, answer = b"select %d;\r\n" % turn, b"%d\r\n" % turn
            writer.put(
                chunk(I, at, echo + answer, at=turn),
                prompt(S, turn, f"select {turn};", at + len(echo), at=turn, invocation=I.ulid),
                span(I, turn, answer, at + len(echo), at=turn, meta={"end": "done", "status": None}),
            )
            at += len(echo + answer)
        closing = writer.close(T0 + 500, 0, EndReason.EXIT)
    assert (closing.spilled, closing.failed) == (None, None)
    store = SqliteStore(path, readonly=True)
    read = kinds(store.events(S.ulid))
    assert read == [
        pair for turn in range(1, 21) for pair in (("prompt", f"select {turn};"), ("output", f"{turn}\n"))
    ]
    assert joined(store.raw(S.ulid)) == b"".join(b"select %d;\r\n%d\r\n" % (n, n) for n in range(1, 21))
    found = store.summary(S.ulid)
    assert (found.invocation.ended_ms, found.invocation.exit_status) == (T0 + 500, 0)
    assert found.invocation.end_reason is EndReason.EXIT
    assert all(ok for _, ok, _ in store.check())
    store.close()


def test_nothing_put_leaves_no_session(path, tmp_path):
    with writing(lambda: sqlite(path), tmp_path) as writer:
        assert writer.call(lambda store: store.history("sqlite3")).result(10) == []
    store = SqliteStore(path, readonly=True)
    assert store.summaries() == []
    store.close()


def test_put_touches_no_disk_and_the_store_is_opened_late(path, tmp_path):
    threads = []

    def open_store():
        threads.append(threading.current_thread().name)
        return sqlite(path)

    with writing(open_store, tmp_path) as writer:
        assert threads == []
        assert not path.parent.exists()
        put_and_wait(writer, draft(S, Kind.MARK, "a"))
    assert threads == ["writer"]


def test_a_prompt_is_committed_at_once_and_the_loop_is_woken(tmp_path):
    store = Faulty(MemoryStore())
    with writing(lambda: store, tmp_path) as writer:
        ticket = writer.put(chunk(I, 0, b"x"), prompt(S, 1, "a"))
        while not writer.durable(ticket):
            assert select.select([writer.wake_fd], [], [], 30)[0]
            writer.clear_wake()
        assert select.select([writer.wake_fd], [], [], 0)[0] == []
    drafts, chunks, _ = store.calls[0]
    assert ([d.text for d in drafts], [c.data for c in chunks]) == (["a"], [b"x"])


def test_small_things_are_grouped(tmp_path):
    store = Faulty(MemoryStore())
    store.gate = threading.Event()
    with writing(lambda: store, tmp_path) as writer:
        first = writer.put(prompt(S, 1, "a"))
        until(lambda: writer._work)
        for n in range(200):
            last = writer.put(chunk(I, n, b"x", at=n))
        store.gate.set()
        until(lambda: writer.durable(first) and writer.durable(last))
    with_bytes = [chunks for _, chunks, _ in store.calls if chunks]
    assert len(with_bytes) == 1
    assert store.raw_length(S.ulid) == 200


def test_prompts_go_ahead_of_much_text_and_behind_little(tmp_path):
    store = Faulty(MemoryStore())
    store.gate = threading.Event()
    line = b"x" * 99 + b"\n"
    with writing(lambda: store, tmp_path) as writer:
        writer.put(prompt(S, 1, "first", 0))
        until(lambda: writer._work)
        writer.put(span(I, 1, line, 0), prompt(S, 2, "behind little", 100))
        for n in range(3):
            writer.put(span(I, 2, line * 300, 100 + n * 30_000))
        last = writer.put(prompt(S, 3, "ahead of much", 90_100), draft(S, Kind.MARK, "end"))
        store.gate.set()
        until(lambda: writer.durable(last))
    read = kinds(store.events(S.ulid))
    names = [text if kind != "output" else "…" for kind, text in read]
    assert names == ["first", "…", "behind little", "ahead of much", "…", "…", "…", "end"]


def test_calls_run_on_the_thread_behind_what_was_put(path, tmp_path):
    with writing(lambda: sqlite(path), tmp_path) as writer:
        writer.put(*(draft(S, Kind.MARK, str(n)) for n in range(50)))
        writer.put(span(I, None, b"text\n" * 1000, 0))
        name, count = writer.call(
            lambda store: (threading.current_thread().name, store.count(S.ulid))
        ).result(30)
        assert (name, count) == ("writer", 51)
        with pytest.raises(ZeroDivisionError):
            writer.call(lambda _: 1 / 0).result(30)
        assert writer.call(lambda store: store.set_label("shop", S.ulid)).result(30) is None
    with pytest.raises(StoreError, match="has ended"):
        writer.call(lambda _: 1).result(30)


def test_what_the_session_does_is_written(path, tmp_path):
    with writing(lambda: sqlite(path), tmp_path) as writer:
        put_and_wait(writer, prompt(S, 1, "sleep"))
        writer.activity(Activity(State.RUNNING, 1, T0 + 3))
        until(lambda: writer.call(lambda store: store.summary(S.ulid)).result(30).activity)
        found = writer.call(lambda store: store.summary(S.ulid)).result(30)
        assert found.activity == Activity(State.RUNNING, 1, T0 + 3)


def test_activity_alone_is_written_only_when_it_changes(tmp_path):
    store = Faulty(MemoryStore())
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, prompt(S, 1, "x"))
        for _ in range(3):
            writer.activity(Activity(State.IDLE, None, 5))
        until(lambda: store.summary(S.ulid).activity)
        put_and_wait(writer, draft(S, Kind.MARK, "m"))
    assert sum(more.get("activity") is not None for _, _, more in store.calls) == 1


def test_the_count_is_that_of_the_session(path, tmp_path):
    with writing(lambda: sqlite(path), tmp_path) as writer:
        assert writer.n_events == 0
        put_and_wait(writer, *(draft(S, Kind.MARK, str(n)) for n in range(7)))
        assert writer.n_events == 7
    again = invocation(S, 1002)
    writer = Writer(lambda: sqlite(path), S, again, spill=None)
    writer.start()
    put_and_wait(writer, draft(S, Kind.MARK, "later"))
    assert writer.n_events == 8
    writer.close(T0, 0, EndReason.EXIT)


def test_quiet_commits_are_synced_soon(tmp_path):
    store = Faulty(MemoryStore())
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, draft(S, Kind.MARK, "a"))
        until(lambda: any(more.get("durable") for _, _, more in store.calls))
        assert not store.calls[0][2]["durable"]
        count = len(store.calls)
        assert writer._patience() is None  # once synced, nothing is left to be done
    assert len(store.calls) == count + 1  # the end is synced, too


def test_the_end_is_synced(tmp_path):
    store = Faulty(MemoryStore())
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, draft(S, Kind.MARK, "a"))
    assert store.calls[-1][2]["durable"]


def test_an_overdue_sync_goes_before_what_the_store_needs_for_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(pen, "SYNC_S", 0.0)
    store = Ordered(MemoryStore())
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, *(draft(S, Kind.MARK, f"{n}", at=n) for n in range(pen.INDEX_COUNT)))
        until(lambda: "index" in store.order)
        assert store.order[:3] == ["append", "sync", "index"]


def test_an_end_and_a_switch_are_synced_before_the_session_is_tidied(path, tmp_path, monkeypatch):
    monkeypatch.setattr(pen, "SYNC_S", 1000.0)  # for its own sake none is due
    store = Ordered(sqlite(path))
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, draft(S, Kind.MARK, "a", invocation=I.ulid))
        into, run, switch = going_on(2, S, I)
        writer.put(switch)
        put_and_wait(writer, draft(into, Kind.MARK, "b", invocation=run.ulid))
    order = [name for name in store.order if name != "append"]
    tidied = ["index", "index", "seal"]  # one of them finds nothing more
    assert order[:5] == ["switch", "sync", *tidied]
    assert order[order.index("end_invocation") :] == ["end_invocation", "sync", *tidied, "sync"]


def test_a_flood_stays_flat_and_whole(path, tmp_path):
    block = os.urandom(4096)
    with writing(lambda: sqlite(path), tmp_path) as writer:
        at = most = 0
        while at < 96 << 20:
            if writer.full:
                time.sleep(0.001)
                continue
            writer.put(chunk(I, at, block, at=at >> 12))
            at += len(block)
            most = max(most, writer.backlog)
        assert most <= FULL
        until(lambda: writer.backlog == 0, deadline_s=60)
    store = SqliteStore(path, readonly=True)
    assert store.raw_length(S.ulid) == at
    assert ("raw bytes", True, "1 session") in store.check()
    store.close()


def test_seals_as_it_goes(path, tmp_path):
    with writing(lambda: sqlite(path), tmp_path) as writer:
        text = b"a line of text that is said again\r\n" * 300
        for n in range(60):
            put_and_wait(writer, chunk(I, n * len(text), text, at=n), prompt(S, n + 1, "x"))
        until(lambda: writer.call(_segments).result(30) < 30)


def _segments(store):
    return store._db.execute("SELECT count(*) FROM segment").fetchone()[0]


def test_text_that_cannot_be_rendered_is_an_output_all_the_same(tmp_path, monkeypatch):
    from recorder import transcript

    def explode(self, span):
        raise IndexError

    monkeypatch.setattr(transcript.TextPass, "render", explode)
    store = MemoryStore()
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, prompt(S, 1, "x"), span(I, 1, b"boom", 0, meta={"end": "done", "status": 0}))
    event = list(store.events(S.ulid))[-1]
    assert (event.kind, event.text) == ("output", "")
    assert event.meta == {"raw": [0, 4], "end": "done", "status": 0, "unrendered": "IndexError"}


def test_text_beyond_the_cap_stays_raw_only(tmp_path):
    store = Faulty(MemoryStore())
    store.gate = threading.Event()
    with writing(lambda: store, tmp_path) as writer:
        writer.put(prompt(S, 1, "x"))
        big = b"y" * 78 + b"\r\n"
        at = 0
        for _ in range(300):
            data = big * 820
            ticket = writer.put(span(I, 1, data, at))
            at += len(data)
        store.gate.set()
        until(lambda: writer.durable(ticket), deadline_s=120)
    assert store.turn(S.ulid, 1).truncated
    notices = list(store.events(S.ulid, kinds=["system"]))
    assert sum(event.meta["raw_only"] for event in notices) + 16 * 1024 * 1024 >= at
    assert notices


# --- trouble ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [StoreFull, StoreMissing, StoreDamaged])
def test_an_outage_is_told_once_and_put_on_record(tmp_path, fault):
    store = Faulty(MemoryStore())
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, draft(S, Kind.MARK, "before"))
        store.fault = fault("could not write the store: it is ill")
        during = writer.put(draft(S, Kind.MARK, "during"), chunk(I, 0, b"raw"))
        said = until(writer.notices)
        assert said == ["recording suspended: the store: it is ill; recording goes on when that is over"]
        with pytest.raises(StoreError, match="it is ill"):
            writer.call(lambda _: 1).result(30)
        assert not writer.durable(during)
        until(lambda: writer._outage._pause > 0.5)  # it has failed again
        store.fault = None
        (resumed,) = until(writer.notices)
        assert re.fullmatch(r"recording resumed after [0-9.]+ s: nothing is lost", resumed)
        until(lambda: writer.durable(during))
    read = kinds(store.events(S.ulid))
    assert read[:2] == [("mark", "before"), ("mark", "during")]
    assert read[2][0] == "alert"
    assert "recording was suspended for" in read[2][1]
    assert "it is ill; nothing is lost" in read[2][1]
    assert joined(store.raw(S.ulid)) == b"raw"


def test_a_short_lock_is_nobodys_business(tmp_path):
    store = Faulty(MemoryStore())
    with writing(lambda: store, tmp_path) as writer:
        store.fault = StoreBusy("could not write the store: locked")
        ticket = writer.put(draft(S, Kind.MARK, "a"))
        until(lambda: writer._outage.on)
        store.fault = None
        until(lambda: writer.durable(ticket))
        assert writer.notices() == []
    assert kinds(store.events(S.ulid)) == [("mark", "a")]


def test_a_store_that_cannot_be_opened_at_first(path, tmp_path):
    broken = [True]

    def open_store():
        if broken:
            raise StoreError("could not open the store: its journal mode is delete")
        return sqlite(path)

    with writing(open_store, tmp_path) as writer:
        ticket = writer.put(prompt(S, 1, "x"), chunk(I, 0, b"abc"))
        assert "its journal mode is delete; recording goes on" in until(writer.notices)[0]
        until(lambda: writer._outage._pause > 1)
        broken.clear()
        until(lambda: writer.durable(ticket))
    store = SqliteStore(path, readonly=True)
    assert [event.kind for event in store.events(S.ulid)] == ["prompt", "alert"]
    store.close()


def test_one_item_that_is_refused_does_not_stop_the_others(tmp_path):
    store = Faulty(MemoryStore())
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, draft(S, Kind.MARK, "first"))
        items = [draft(S, Kind.MARK, str(n)) for n in range(9)]
        items[5] = draft("01" + "0" * 24, Kind.MARK, "of a session that is gone")
        put_and_wait(writer, *items, chunk(I, 0, b"raw"))
        put_and_wait(writer, draft(S, Kind.MARK, "last"))
    read = kinds(store.events(S.ulid))
    assert [text for kind, text in read if kind == "mark"] == ["first", *"01234678", "last"]
    (alert,) = [event for event in store.events(S.ulid) if event.kind == "alert"]
    assert alert.meta["lost"] == 1
    assert joined(store.raw(S.ulid)) == b"raw"


def test_the_file_is_deleted_and_recording_goes_on_in_a_new_one(path, tmp_path):
    with writing(lambda: sqlite(path), tmp_path) as writer:
        put_and_wait(writer, chunk(I, 0, b"old"), draft(S, Kind.MARK, "old"))
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink()
        ticket = writer.put(chunk(I, 3, b"new"), draft(S, Kind.MARK, "new"))
        assert "gone" in until(writer.notices)[0]
        until(lambda: writer.durable(ticket))
    store = SqliteStore(path, readonly=True)
    assert [event.text for event in store.events(S.ulid, kinds=["mark"])] == ["new"]
    assert [(each.start, each.data) for each in store.raw(S.ulid)] == [(3, b"new")]
    assert all(ok for _, ok, _ in store.check())
    store.close()


def test_locked_by_another_process_nothing_blocks_and_nothing_is_lost(path, tmp_path):
    sqlite(path).close()
    with writing(lambda: sqlite(path), tmp_path) as writer:
        put_and_wait(writer, draft(S, Kind.MARK, "before"))
        lock = apsw.Connection(str(path))
        lock.execute("BEGIN EXCLUSIVE")
        tickets = [writer.put(chunk(I, n, b"x"), draft(S, Kind.MARK, str(n))) for n in range(500)]
        assert not any(writer.durable(ticket) for ticket in tickets)
        assert until(writer.notices) == [
            "recording suspended: the store: another process has locked it; recording goes on when it is free"
        ]
        lock.execute("COMMIT")
        lock.close()
        until(lambda: all(writer.durable(ticket) for ticket in tickets))
    store = SqliteStore(path, readonly=True)
    assert [event.text for event in store.events(S.ulid, kinds=["mark"])] == ["before", *map(str, range(500))]
    assert store.raw_length(S.ulid) == 500
    store.close()


def test_killed_at_any_moment_what_was_durable_is_there(path, rng, rounds):
    for number in range(rounds(8, 100)):
        with faults.start("put_for_ever", path, number) as child:
            assert child.stdout.readline() == b"ready\n"
            for _ in range(rng.randrange(1, 30)):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
            told = [line.split() for line in faults.told(child.stdout.read())]
        at, turn = max(([int(word) for word in each] for each in told), default=(0, 0))
        store = SqliteStore(path)
        ulid = session(number + 1).ulid
        length = store.raw_length(ulid)
        assert length >= at
        assert joined(store.raw(ulid)) == faults.pattern(0, length)
        prompts = [event.text for event in store.events(ulid, kinds=["prompt"])]
        assert prompts == [f"prompt {n}" for n in range(1, len(prompts) + 1)]
        assert len(prompts) >= turn
        findings = store.check()
        assert all(ok for _, ok, _ in findings), findings
        store.close()


# --- the end ---------------------------------------------------------------------------------------


def test_locked_for_ever_the_rest_is_spilled_in_time(path, tmp_path):
    sqlite(path).close()
    lock = apsw.Connection(str(path))
    lock.execute("BEGIN EXCLUSIVE")
    writer = Writer(lambda: sqlite(path), S, I, spill=tmp_path / "root" / "spill")
    writer.start()
    items = [
        chunk(I, 0, b"bytes \xff", redactions=[(2, 1, "nonce")]),
        prompt(S, 1, "select '\udcff';", invocation=I.ulid),
        span(I, 1, b"out\r\n", 7),
        draft(S, Kind.SYSTEM, "the end", turn=1, meta={"a": [1]}),
    ]
    writer.put(*items)
    until(lambda: writer._outage.on)
    closing = writer.close(T0 + 77, 130, EndReason.SIGNAL, deadline_s=1.0)
    lock.close()
    assert closing.failed is None
    assert closing.spilled == tmp_path / "root" / "spill" / I.ulid
    assert closing.spilled.stat().st_mode & 0o777 == 0o600
    assert closing.spilled.parent.stat().st_mode & 0o777 == 0o700
    found = spill.decode(closing.spilled.read_bytes())
    assert found.whole
    assert (found.session, found.invocation) == (S, I)
    assert (found.items, found.end) == (items, (T0 + 77, 130, EndReason.SIGNAL))


def test_a_store_that_hangs_does_not_keep_the_end_waiting(tmp_path):
    store = Faulty(MemoryStore())
    store.gate = threading.Event()
    writer = Writer(lambda: store, S, I, spill=tmp_path / "spill")
    writer.start()
    writer.put(prompt(S, 1, "in flight"))
    until(lambda: writer._work)
    writer.put(chunk(I, 0, b"waiting"))
    closing = writer.close(T0, None, EndReason.HANGUP, deadline_s=0.5)
    found = spill.decode(closing.spilled.read_bytes())
    assert [item for item in found.items if item.session == S.ulid] == [
        prompt(S, 1, "in flight"),
        chunk(I, 0, b"waiting"),
    ]
    store.gate.set()


def test_where_nothing_can_be_written_it_says_why(tmp_path):
    (tmp_path / "file").write_text("in the way")

    def open_store():
        raise StoreMissing("could not open the store: gone")

    writer = Writer(open_store, S, I, spill=tmp_path / "file" / "spill")
    writer.start()
    writer.put(prompt(S, 1, "x"))
    closing = writer.close(T0, 0, EndReason.EXIT, deadline_s=0.5)
    assert closing.spilled is None
    assert closing.failed.startswith("could not")


def test_closing_without_a_start_is_harmless(tmp_path):
    writer = Writer(MemoryStore, S, I, spill=tmp_path)
    assert writer.close(T0, 0, EndReason.EXIT) is not None


def test_a_spill_file_that_was_cut_or_damaged_gives_what_is_whole():
    items = [chunk(I, n * 5, b"12345") for n in range(20)]
    data = b"".join(spill.encode(spill.Spill(S, I, list(items), {S.ulid: 3}, (1, 0, EndReason.EXIT))))
    for cut in range(0, len(data), 7):
        found = spill.decode(data[:cut])
        if found is not None:
            assert not found.whole
            assert found.items == items[: len(found.items)]
    for at in range(0, len(data), 31):
        damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        found = spill.decode(damaged)
        assert found is None or (not found.whole and found.items == items[: len(found.items)])
    assert spill.decode(data).seen == {S.ulid: 3}
    assert spill.decode(b"something else") is None


def test_group_commits_keep_the_loss_bound(path, tmp_path):
    """With a store that keeps up, what is not committed is younger than 250 ms and less than 64 KiB."""
    with writing(lambda: sqlite(path), tmp_path) as writer:
        put_and_wait(writer, prompt(S, 1, "x"))
        put = []  # (when, ticket)
        at = 0
        for _ in range(150):
            data = b"z" * 500
            put.append((time.monotonic(), writer.put(chunk(I, at, data))))
            at += len(data)
            time.sleep(0.004)
        waiting = [(when, ticket) for when, ticket in put if not writer.durable(ticket)]
        assert len(waiting) * 500 < GROUP_BYTES
        assert len(waiting) < len(put)


# --- going on in another session --------------------------------------------------------------------


def going_on(number, left, run, *, label=None):
    """A switch from a session to the child with this number, and the rows of the child."""
    into = session(number, parent_ulid=left.ulid, fork_turn=0)
    following = invocation(into, 1000 + number)
    mark = draft(left, Kind.MARK, f"to {number}", invocation=run.ulid, at=number)
    return into, following, Switch(mark, EndReason.FORKED, into, following, label)


def told(writer, owner, run, text, at=0):
    """Put an event, some raw bytes and an output of one session."""
    data = text.encode()
    return writer.put(
        draft(owner, Kind.MARK, text, invocation=run.ulid),
        chunk(run, at, data),
        span(run, None, data + b"\r\n", at),
    )


def family(store, n):
    """What each session of a family of forks has: its own texts, its raw bytes, how it ended."""
    rows = [store.summary(session(number).ulid) for number in range(1, n + 1)]
    return [
        (
            [event.text for event in store.events(row.session.ulid)],
            joined(store.raw(row.session.ulid)),
            row.invocation.end_reason,
        )
        for row in rows
        if row is not None
    ]


WHOLE = [
    (["one", "one\n", "to 2"], b"one", EndReason.FORKED),
    (["two", "two\n", "to 3"], b"two", EndReason.FORKED),
    (["three", "three\n"], b"three", EndReason.EXIT),
]


def through_three(writer):
    """Put something into each of three sessions that follow each other."""
    told(writer, S, I, "one")
    owner, run = S, I
    for number, text in ((2, "two"), (3, "three")):
        owner, run, switch = going_on(number, owner, run, label=f"number-{number}")
        writer.put(switch)
        writer.activity(Activity(State.IDLE, None, T0))
        ticket = told(writer, owner, run, text)
    return ticket


def test_what_comes_behind_a_switch_is_the_other_sessions(path, tmp_path):
    with writing(lambda: sqlite(path), tmp_path) as writer:
        ticket = through_three(writer)
        until(lambda: writer.durable(ticket))
        closing = writer.close(T0 + 500, 0, EndReason.EXIT)
    assert (closing.spilled, closing.failed) == (None, None)
    store = SqliteStore(path, readonly=True)
    assert family(store, 3) == WHOLE
    rows = [store.summary(session(number).ulid).session for number in (2, 3)]
    assert [row.fork_seq for row in rows] == [3, 6]
    assert dict(store.labels()) == {"number-2": rows[0].ulid, "number-3": rows[1].ulid}
    assert all(ok for _, ok, _ in store.check())
    store.close()


def test_a_switch_waits_for_a_store_that_fails(path, tmp_path):
    inner = sqlite(path)
    store = Faulty(inner)
    with writing(lambda: store, tmp_path) as writer:
        put_and_wait(writer, draft(S, Kind.MARK, "zero", invocation=I.ulid))
        store.fault = StoreFull("could not write the store: disk full")
        ticket = through_three(writer)
        until(writer.notices)
        assert not writer.durable(ticket)
        assert inner.summary(session(2).ulid) is None
        store.fault = None
        until(lambda: writer.durable(ticket))
        writer.close(T0 + 500, 0, EndReason.EXIT)
    store = SqliteStore(path, readonly=True)
    texts = [event.text for number in (1, 2, 3) for event in store.events(session(number).ulid)]
    wanted = ["zero", "one", "one\n", "to 2", "two", "two\n", "to 3", "three", "three\n"]
    assert [text for text in texts if not text.startswith("recording was suspended")] == wanted
    store.close()


@pytest.mark.parametrize("crossed", [0, 1])
def test_sessions_that_the_store_did_not_take_are_spilled_as_one_and_come_back(path, tmp_path, crossed):
    writer = Writer(lambda: sqlite(path), S, I, spill=tmp_path / "root" / "spill")
    writer.start()
    if crossed:
        told(writer, S, I, "one")
        owner, run, switch = going_on(2, S, I, label="number-2")
        ticket = writer.put(switch)
        until(lambda: writer.durable(ticket))
    else:
        SqliteStore(path).close()
    blocker = apsw.Connection(str(path))
    blocker.execute("BEGIN IMMEDIATE")
    if crossed:
        told(writer, owner, run, "two")
        owner, run, switch = going_on(3, owner, run, label="number-3")
        writer.put(switch)
        told(writer, owner, run, "three")
    else:
        through_three(writer)
    closing = writer.close(T0 + 500, 0, EndReason.EXIT)
    assert closing.spilled is not None
    blocker.execute("ROLLBACK")
    data = closing.spilled.read_bytes()
    store = SqliteStore(path)
    for _ in range(2):  # as two processes would
        closing.spilled.write_bytes(data)
        assert care.tidy(store, tmp_path / "root", lambda _owner: False).problems == []
        assert family(store, 3) == WHOLE
        assert [label for label, _ in store.labels()] == ["number-2", "number-3"]
    assert all(ok for _, ok, _ in store.check())
    store.close()
