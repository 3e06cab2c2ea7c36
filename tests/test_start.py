"""The tool comes first: what may be imported before it, what is shown before the rest is, and no loss."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from blackbox import all_raw, environment, events, ls

from recorder import __main__ as main
from recorder import prelude as module
from recorder.basics import Moment
from recorder.marks import encode_private
from recorder.prelude import Prelude
from recorder.strip import Mark, Strip
from recorder.terminal import TerminalGone

# All that a tool waits for. A module that joins them costs every start its time: measure it (make bench).
BEFORE = {
    *("recorder", "recorder.__main__", "recorder.version", "recorder.errors", "recorder.basics"),
    *("recorder.commands", "recorder.commands.record", "recorder.commands.exits", "recorder.commands.out"),
    *("recorder.commands.app", "recorder.start", "recorder.config", "recorder.procfs", "recorder.identity"),
    *("recorder.ids", "recorder.clock", "recorder.signals", "recorder.terminal", "recorder.modefile"),
    *("recorder.child", "recorder.launch", "recorder.prelude", "recorder.outlet", "recorder.strip"),
}
SLOW = {"dataclasses", "inspect", "pathlib", "json", "logging", "threading", "subprocess", "tempfile", "apsw"}

FORKS = """
import os, sys
fork = os.fork
def seen():
    print(*sys.modules, flush=True)
    return fork()
os.fork = seen
"""
# The recording's own modules come only after the tool has printed; once they come, a line says so.
WAITS = """
import os, sys, time
class Waits:
    def find_spec(self, name, path=None, target=None):
        if name == "recorder.recording":
            while not os.path.exists({flag!r}):
                time.sleep(0.01)
        if name == "recorder.writer":
            os.write(1, b"<writer>")
sys.meta_path.insert(0, Waits())
"""
RUN = "sys.argv = ['rec', 'run', '--', *{argv!r}]\nfrom recorder.__main__ import main\nsys.exit(main())\n"


def started(code: str, argv: list[str], root, *options: str) -> str:
    words = [sys.executable, *options, "-c", code + RUN.format(argv=argv)]
    env = environment(root, root.parent / "home")
    return subprocess.run(words, capture_output=True, text=True, env=env, check=True).stdout


def test_nothing_is_imported_before_the_tool_but_what_it_needs(root):
    modules = set(started(FORKS, ["true"], root).split())
    ours = {name for name in modules if name.partition(".")[0] == "recorder"}
    assert ours <= BEFORE
    assert not SLOW & modules


def test_the_first_module_imports_only_what_every_python_has_loaded():
    """All other imports stand inside its try: an interrupt among them is a status and no stack trace."""
    tree = ast.parse(Path(main.__file__).read_text())
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    assert names <= {"gc", "os", "sys"}
    assert [node.module for node in imports if isinstance(node, ast.ImportFrom)] == ["__future__"]


def test_settings_are_read_before_the_tool_where_there_are_any(root):
    place = root.parent / "home" / ".config" / "rec"
    place.mkdir(parents=True)
    (place / "config.toml").write_text("[record]\nslash = false\n")
    modules = set(started(FORKS, ["true"], root).split())
    assert "recorder.settings" in modules
    assert not {"dataclasses", "recorder.model", "recorder.recording"} & modules


def test_output_is_shown_before_the_rest_is_imported(root, tmp_path):
    flag = tmp_path / "printed"
    argv = ["sh", "-c", f"echo first; touch {flag}; echo second"]
    shown = started(WAITS.format(flag=str(flag)), argv, root)
    assert shown.index("first") < shown.index("<writer>")
    assert shown.replace("<writer>", "").split() == ["first", "second"]
    assert all_raw(root) == b"first\r\nsecond\r\n"
    said = [one for one in events(root) if one["kind"] == "output"]
    assert "".join(one["text"] for one in said).split() == ["first", "second"]


def test_a_tool_that_ends_before_the_rest_is_imported_is_recorded(root, tmp_path):
    flag = tmp_path / "printed"
    argv = ["sh", "-c", f"printf 'no newline'; touch {flag}"]
    assert started(WAITS.format(flag=str(flag)), argv, root).replace("<writer>", "") == "no newline"
    assert all_raw(root) == b"no newline"
    assert [one["status"] for one in ls(root)] == ["ended"]


def test_what_is_typed_during_the_start_reaches_the_tool(start_rec):
    term = start_rec(["run", "--", "sh", "-c", 'read line; echo "got <$line>"'])
    term.send("early\r")
    term.expect("got <early>")
    assert term.wait() == 0


# --- the prelude ---------------------------------------------------------------------------------


class Screen:
    """A terminal that takes so many bytes, or is gone."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.taken = b""

    def write(self, data) -> int:
        if self.room < 0:
            raise TerminalGone
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.taken += taken
        return len(taken)


class Tool:
    """What a tool prints, read by read; None: nothing at this look."""

    def __init__(self, *reads: bytes | None) -> None:
        self.reads = list(reads)

    def read(self, n: int) -> bytes | None:
        if not self.reads:
            return None
        data = self.reads.pop(0)
        if data is not None and len(data) > n:
            self.reads.insert(0, data[n:])
            data = data[:n]
        return data


class Clock:
    """One millisecond for each look at it."""

    def __init__(self) -> None:
        self.ms = 0

    def now(self) -> Moment:
        self.ms += 1
        return Moment(1000 + self.ms, self.ms)


def relay() -> SimpleNamespace:
    """Something that takes over as a relay does, and keeps what it is told."""
    told: list = []
    return SimpleNamespace(
        told=told,
        held_since=None,
        now=lambda: Moment(2000, 1000),
        record=told.append,
        hang_up=lambda number: told.append(("hang up", number)),
        quiet=SimpleNamespace(printed=lambda ms: told.append(("quiet", ms))),
        keyboard=SimpleNamespace(after_output=lambda data: told.append(("printed", data))),
        capture=SimpleNamespace(
            holding=False,
            output=lambda now, data: ("output", now.offset_ms, data),
            mark=lambda now, body: ("mark", now.offset_ms, body),
        ),
    )


def test_what_was_shown_is_recorded_with_its_time_and_not_shown_again():
    screen = Screen()
    prelude = Prelude(screen, Tool(b"one", None, b"two"), Clock(), nonce="n", shown=True)
    for _ in range(3):
        prelude.look()
    assert screen.taken == b"onetwo"
    to = relay()
    prelude.hand_over(to)
    assert [each for each in to.told if each[0] == "output"] == [("output", 1, b"one"), ("output", 2, b"two")]
    assert [each for each in to.told if each[0] == "printed"] == [("printed", b"one"), ("printed", b"two")]
    assert screen.taken == b"onetwo"


@pytest.mark.parametrize("cut", range(1, 30))
def test_our_marks_are_not_shown_wherever_a_read_cuts_them(cut):
    mark = encode_private("n" * 32, 7, 1, "start")
    data = b"a" + mark + b"b"
    screen = Screen()
    prelude = Prelude(screen, Tool(data[:cut], data[cut:]), Clock(), nonce="n", shown=True)
    prelude.look()
    to = relay()
    prelude.look()
    prelude.hand_over(to)
    assert screen.taken == b"ab"
    body = next(piece.body for piece in Strip().pieces(mark) if isinstance(piece, Mark))
    assert [each[2] for each in to.told if each[0] in {"output", "mark"}] == [b"a", body, b"b"]


def test_the_beginning_of_a_mark_goes_on_to_the_relay_which_releases_it_in_time():
    screen = Screen()
    prelude = Prelude(screen, Tool(b"a\x1b]73"), Clock(), nonce="n", shown=True)
    prelude.look()
    to = relay()
    prelude.hand_over(to)
    assert screen.taken == b"a"
    assert to.held_since == 1000
    assert to.strip.flush() == b"\x1b]73"


def test_a_screen_that_takes_no_more_stops_the_tool_and_loses_nothing():
    screen = Screen(room=2)
    tool = Tool(b"abcd", b"ef")
    prelude = Prelude(screen, tool, Clock(), nonce="n", shown=True)
    prelude.look()
    prelude.look()
    assert tool.reads == [b"ef"]
    to = relay()
    prelude.hand_over(to)
    screen.room = 100
    to.outward.flush()
    assert screen.taken == b"abcd"


def test_a_flood_waits_for_the_relay():
    flood = b"x" * (2 * module.MOST)
    screen, tool = Screen(), Tool(flood)
    prelude = Prelude(screen, tool, Clock(), nonce="n", shown=True)
    for _ in range(10):
        prelude.look()
    assert len(screen.taken) == module.MOST
    assert tool.reads == [flood[module.MOST :]]


def test_a_terminal_that_is_gone_ends_the_recording():
    prelude = Prelude(Screen(room=-1), Tool(b"a", b"b"), Clock(), nonce="n", shown=True)
    prelude.look()
    prelude.look()
    to = relay()
    prelude.hand_over(to)
    assert ("hang up", signal.SIGHUP) in to.told
    assert ("output", 1, b"a") in to.told


def test_inside_another_recording_nothing_is_shown_before_the_outer_recorder_is_told():
    screen, tool = Screen(), Tool(b"a")
    Prelude(screen, tool, Clock(), nonce="n", shown=False).look()
    assert (screen.taken, tool.reads) == (b"", [b"a"])
