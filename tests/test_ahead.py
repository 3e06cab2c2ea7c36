"""Lines that a program may leave to the shell: nothing of them is kept before it is known who reads them."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_hooks import NONCE, Shell
from traces import SOURCE, moment, raw, whole

from recorder.ahead import HOLD_MS, MOST, AheadCapture
from recorder.dialog import Reads
from recorder.model import Draft, Kind, Size
from recorder.modes import Mode
from recorder.submission import Submission

SECRET = b"s3cret-marker"
LINE = " echo s3cret-marker"
ECHO = b" echo s3cret-marker\r\n"


class Busy(Shell):
    """A shell whose line runs a program of which nobody knows whether it reads."""

    def __init__(self, **options):
        super().__init__()
        self.capture = AheadCapture(SOURCE, Size(80, 24), nonce=NONCE, **options)
        self("prompt", "/home")
        self(b"$ ping\r\n")
        self("start", "ping", "/home")
        self(b"up\r\n")

    def send(self, line=LINE, *, hold=True):
        self.now += 1
        self.items += self.capture.submitted(moment(self.now), line, "", hold=hold)

    def later(self, ms=HOLD_MS):
        self.now += ms
        self.items += self.capture.tick(moment(self.now))

    def taken(self, pending=0):
        self.now += 1
        self.items += self.capture.taken(moment(self.now), pending)
        self.later()  # a prompt may be held back once more, until it is certain that no hidden read got it

    def told(self):
        return [
            item.text
            for item in self.items
            if isinstance(item, Draft) and item.kind is Kind.PROMPT and item.meta["source"] == "input"
        ]

    def gaps(self):
        return [
            item.meta["gap_bytes"]
            for item in self.items
            if isinstance(item, Draft) and "gap_bytes" in item.meta
        ]


def leave(shell, how):
    """What may happen before anybody has taken the line."""
    now = moment(shell.now + 1)
    if how in ("end", "prompt"):
        shell(how, "0")
    elif how == "gone":
        shell.items += shell.capture.shell_gone(now, shell.pid)
    elif how == "pause":
        shell.items += shell.capture.pause(now)
    elif how == "hidden":
        shell.items += shell.capture.hidden(now, "Password: ")
    elif how == "signal":
        shell.items += shell.capture.let_go(now)
    else:
        shell.items += shell.capture.ended(now, status=0, signal=None, hangup=how == "hangup")


@pytest.mark.parametrize("how", ["end", "prompt", "gone", "pause", "hidden", "signal", "exit", "hangup"])
@pytest.mark.parametrize("wait", [0, HOLD_MS])
def test_what_nobody_has_taken_is_kept_nowhere(how, wait):
    shell = Busy()
    shell.send()
    shell(b"64 bytes\r\n" + ECHO + b"64 more\r\n")
    shell.later(wait)
    leave(shell, how)
    assert SECRET not in whole(shell.items)
    assert b"64 bytes\r\n\r\n64 more\r\n" in raw(shell.items)
    assert shell.told() == shell.gaps() == []
    assert not shell.capture.ahead


def test_what_the_program_takes_is_kept_whole():
    shell = Busy()
    shell.send()
    shell(ECHO)
    assert SECRET not in whole(shell.items)
    shell.taken()
    shell(b"got it\r\n")
    assert shell.told() == [LINE]
    assert raw(shell.items).endswith(ECHO + b"got it\r\n")
    shell.send("two", hold=False)  # nothing waits any more
    assert shell.told() == [LINE, "two"]


def test_what_the_program_takes_late_is_still_its_own():
    shell = Busy()
    shell.send()
    shell(ECHO)
    shell.later()
    shell(b"64 bytes\r\n")
    assert raw(shell.items).endswith(b"up\r\n\r\n64 bytes\r\n")
    shell.taken()
    assert shell.told() == [LINE]


def test_only_what_was_taken_is_kept_of_several_lines():
    shell = Busy()
    shell.send("same")
    shell(b"same\r\n")
    shell.send("same")
    shell(b"same\r\n")
    shell.taken(pending=len("same\n") + 1)
    assert shell.told() == []
    shell.taken(pending=len("same\n"))
    shell("end", "0")
    assert shell.told() == ["same"]
    assert raw(shell.items).count(b"same") <= 1


def test_only_lines_that_may_be_the_shells_wait():
    shell = Busy(ignored=lambda text, _directory: "TOKEN" in text)
    for line in ("plain", ""):
        shell.send(line, hold=False)
    assert shell.told() == ["plain", ""]
    for line in ("TOKEN=1", " two", "three"):  # the last keeps its place behind the others
        shell.send(line, hold=False)
    assert shell.told() == ["plain", ""]
    shell.taken()
    assert shell.told() == ["plain", "", "TOKEN=1", " two", "three"]


@given(st.sets(st.integers(0, 60)))
def test_an_echo_in_pieces_is_cut_out_all_the_same(cuts):
    stream = b"64 bytes\r\n" + ECHO + b"64 more\r\n"
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    shell = Busy()
    shell.send()
    for begin, end in pairwise(edges):
        shell(stream[begin:end])
    shell.later()
    shell("end", "0")
    assert raw(shell.items).endswith(b"up\r\n64 bytes\r\n\r\n64 more\r\n")


def test_an_echo_that_comes_late_is_waited_for():
    """The terminal was stopped, and we with it."""
    shell = Busy()
    shell.send()
    shell.later()
    assert shell.capture.due_ms() is None or shell.capture.due_ms() > shell.now
    shell(b"64 bytes\r\n")
    shell(ECHO)
    assert raw(shell.items).endswith(b"up\r\n64 bytes\r\n\r\n")


@pytest.mark.parametrize("ends", ["end", "full"])
def test_an_echo_in_the_midst_of_which_others_print_is_a_gap(ends):
    shell = Busy()
    shell.send()
    shell(ECHO[:9] + b"64 bytes\r\n" + ECHO[9:])
    while ends == "full" and not shell.gaps():
        shell(b"y\r\n" * 8192)
    shell("end", "0")
    assert SECRET[:5] not in whole(shell.items)
    (size,) = shell.gaps()
    assert size == len(ECHO) + 10 if ends == "end" else MOST < size < 2 * MOST


def test_a_prompt_behind_a_line_that_was_left_waits_for_the_shells_word():
    """What the shell draws of it may be hidden, although nobody has typed since."""
    shell = Busy()
    shell.send()
    shell(ECHO)
    shell("end", "0")
    shell("prompt", "/home")
    shell(b"\x1b[?2004h$" + ECHO)
    shell.now += 100
    shell.items += shell.capture.settled(moment(shell.now), reading=True, line=False)
    shell("hide")
    shell(SECRET + b"\r\n")
    shell("end", "0")
    shell("prompt", "/home")
    assert SECRET not in whole(shell.items)


def test_a_line_that_waits_for_the_store_was_taken_by_nobody():
    """The program may leave before it gets the line, and then the shell does, and hides it."""
    shell, stored, sent = Busy(), [], []
    wires = SimpleNamespace(
        row=SimpleNamespace(prompt="", put_back=lambda: None),
        now=lambda: moment(shell.now),
        record=shell.items.extend,
        durable=lambda _ticket: bool(stored),
        send=sent.append,
    )
    tty = SimpleNamespace(eof=b"\x04")
    sense = SimpleNamespace(
        tty=lambda: tty,
        mode=lambda _tty: Mode.LINE,
        reads=lambda: Reads.YES,
        pending=lambda: 0,  # the terminal has nothing: all that was sent is taken
        expect_answer=lambda: None,
    )
    lines = Submission(sense, shell.capture, wires)
    lines.add([LINE])
    assert not lines.send()
    lines.look()
    assert (sent, shell.told()) == ([], [])
    stored.append(True)
    assert lines.send()
    lines.look()
    shell.later()
    assert (sent, shell.told()) == ([LINE.encode() + b"\r"], [LINE])
