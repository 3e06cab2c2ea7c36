"""`rec play` and `rec tail` as a user meets them: on a terminal, in a pipe, and however they are left."""

from __future__ import annotations

import fcntl
import re
import signal
import subprocess
import sys
import termios

import pytest
from blackbox import CLEAN_SIGNALS, Rec, Term, all_raw, environment, events, rec, wait_for
from maker import Maker, store_at
from test_painter import _ALLOWED
from test_safe import ATTACKS, HARMLESS

from recorder import render
from recorder.ansi import Tokenizer, TokenKind
from recorder.following import Follower, newest
from recorder.render import Page
from recorder.screening import ENTER, LEAVE

# The first word of an attack that a terminal would answer, or that would change more than cells.
ATTACK = b"".join(b"\r\n" + attack + b"\x18." for attack in ATTACKS.values())


@pytest.fixture
def film(root):
    """A session of four turns, a second between each two of their events."""
    with_turns = store_at(root)
    made = Maker(with_turns, 1)
    with_turns.set_label("film", made.ulid)
    for number in range(1, 5):
        made.turn(f"command {number}", f"shown {number}\n")
    made.end()
    with_turns.close()
    return made


def session_of(root, *pieces):
    """A session that printed this."""
    store = store_at(root)
    made = Maker(store, 1)
    made.prompt("go")
    for piece in pieces:
        made.printed("", piece)
    made.done()
    made.end()
    store.close()


@pytest.fixture
def play(root):
    """Start `rec play` on a terminal of its own."""
    opened = []

    def started(*words, **more):
        opened.append(Rec(["play", *words], root, **more))
        return opened[-1]

    yield started
    for term in opened:
        term.close()


def pending(term):
    """How many bytes wait to be read on the terminal."""
    return int.from_bytes(fcntl.ioctl(term.slave, termios.FIONREAD, b"\0\0\0\0"), sys.byteorder)


def files(root):
    """What stands under the root; the database's own companions aside, which come with any reading."""
    found = (path for path in root.rglob("*") if path.is_file())
    return sorted(path for path in found if not path.name.startswith("rec.db-"))


def assert_as_before(term):
    assert term.modes() == term.before
    assert not term.alternate
    assert not term.private_modes - {7, 25}
    assert not term.nonblocking
    assert not term.survivors()


def assert_only_shown(raw):
    """Nothing but the alternate screen's two sequences, text, styles and the cursor's place."""
    assert raw.startswith(ENTER)
    assert raw.count(LEAVE) == 1
    ours = set(Tokenizer().feed(ENTER + LEAVE))
    for token in Tokenizer().feed(raw):
        allowed = token in ours or token.kind is TokenKind.TEXT or _ALLOWED(token.raw)
        assert allowed or token.raw in {b"\r", b"\n"}, token


def test_a_session_is_played_searched_and_left_as_if_nothing_had_been(root, film, play):
    before = files(root)
    term = play("film")
    term.expect("playing")
    term.send(" ")
    term.expect("paused")
    term.send("/shown 3\r")
    wait_for(lambda: "shown 3" in term.text() and "hit 1/1" in term.text())
    assert "shown 4" not in term.text()
    term.send("[")
    term.expect_gone("shown 3")
    term.send("g:4\r")
    term.expect("turn 4/4")
    assert term.screen()[0].rstrip() == "shown 1"
    term.send("\x1b[F")
    term.expect("shown 4")
    term.expect("end")
    term.send("?")
    term.expect("next, previous turn")
    term.send("x")
    term.expect("shown 4")
    term.send("q")
    assert term.wait() == 0
    assert_only_shown(bytes(term.raw))
    assert_as_before(term)
    # What is derived of a recording is nowhere on disk, so nothing can outlive what it was made of.
    assert files(root) == before


def test_words_that_scrolled_by_stand_on_the_screen_after_a_search(root, play):
    store = store_at(root)
    made = Maker(store, 1)
    made.turn("seq 1 300", "".join(f"{number}\n" for number in range(1, 301)))
    made.end()
    store.close()
    term = play("@1", "--speed", "64")
    term.expect("300")
    term.send("/150\r")
    wait_for(lambda: term.screen()[-2].rstrip() == "150")
    term.send("\x1b[H/299\r")
    term.expect("hit 1/1")
    assert term.screen()[-2].rstrip() == "299"
    term.send(" ")
    term.expect("300")
    term.send("q")
    assert term.wait() == 0


def test_what_a_full_screen_program_drew_is_found(root, play):
    store = store_at(root)
    made = Maker(store, 1)
    made.prompt("less notes")
    made.printed("opening\n")
    made.shown(b"\x1b[?1049h\x1b[Hfirst page\x1b[5;20Hthe nee\x1b[1mdle\x1b[m", 3000)
    made.shown(b"\x1b[H\x1b[2Jsecond page", 3000)
    made.shown(b"\x1b[?1049l", 3000)
    made.event("system", "full-screen", made.turns, full_screen_ms=6000)
    made.printed("closed\n")
    made.done()
    made.shown("".join(f"raw {number}\r\n" for number in range(9000)).encode(), 1000)  # its text is not kept
    made.end()
    store.close()
    for find, row, shown in ("NEEDLE", 4, "the needle"), ("raw 4321", 22, "raw 4321"):
        term = play("@1", "--find", find)
        term.expect("hit 1/1")
        assert term.screen()[row].strip() == shown
        term.send("/nowhere\r")
        term.expect("not found: nowhere")
        term.send("q")
        assert term.wait() == 0


def test_a_turn_pauses_at_its_end(film, play):
    term = play("film:2", "--speed", "64")
    term.expect("shown 2")
    term.expect("paused")
    assert "shown 3" not in term.text()
    term.send(" ")
    term.expect("shown 4")
    term.send("q")
    assert term.wait() == 0


def test_another_window_size_is_drawn_anew(film, play):
    term = play("film")
    term.expect("playing")
    term.send("\x1b[F")
    term.expect("shown 4")
    term.resize(40, 10)
    wait_for(lambda: len(term.screen()) == 10 and "end" in term.screen()[9] and "shown 4" in term.text())
    term.resize(100, 30)
    wait_for(lambda: "│" in term.screen()[0] and "─" in term.screen()[24] and "end" in term.screen()[29])
    term.send("q")
    assert term.wait() == 0


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda term: term.send("\x03"), 130),
        (lambda term: term.kill(signal.SIGTERM), 143),
        (lambda term: term.kill(signal.SIGHUP), 129),
        (lambda term: term.kill(signal.SIGINT), 130),
        (lambda term: term.kill(signal.SIGQUIT), 131),
    ],
    ids=["Ctrl-C", "TERM", "HUP", "INT", "QUIT"],
)
def test_however_it_ends_the_terminal_is_as_before(film, play, end, status):
    term = play("film")
    term.expect("playing")
    end(term)
    assert term.wait() == status
    assert_as_before(term)
    assert bytes(term.raw).endswith(LEAVE)


def test_a_closed_window_ends_it(film, play):
    term = play("film")
    term.expect("playing")
    term.close_terminal()
    assert term.wait() == 129


def test_after_kill_9_the_next_rec_gives_the_terminal_back(root, film):
    words = f"{sys.executable} -m recorder play film; {sys.executable} -m recorder ls"
    with Term(["sh", "-c", words], root=root) as term:
        term.expect("playing")
        pid = next(pid for pid, line in term.survivors() if line.endswith("recorder play film"))
        subprocess.run(["kill", "-9", str(pid)], check=True)
        assert term.wait() == 0
        assert "its modes were put back" in term.text()
        assert term.modes() == term.before
        assert not term.alternate


def test_it_stops_and_goes_on_as_a_job(root, film):
    with Term(["bash", "--norc", "-i"], root=root) as term:
        term.expect("$ ")
        term.line(f"{sys.executable} -m recorder play film")
        term.expect("playing")
        term.send("\x1b[F")
        term.expect("shown 4")
        term.send("\x1a")
        term.expect("Stopped")
        assert not term.alternate
        term.line("fg")
        term.expect("shown 4")
        assert term.alternate
        term.send("qecho b'ac'k\r")  # what is typed behind the q is the shell's
        term.expect("back")


# --- hostile recordings --------------------------------------------------------------------------


def test_a_hostile_recording_drives_nothing(root, play):
    session_of(root, b"before", ATTACK, b"\r\nafter")
    term = play("@1", "--speed", "64", answer=True)
    term.expect("after")
    term.expect("end")
    term.send("q")
    assert term.wait() == 0
    assert_only_shown(bytes(term.raw))
    assert pending(term) == 0
    assert_as_before(term)


def test_a_hostile_recording_drives_nothing_through_a_pipe_either(root):
    session_of(root, b"before", ATTACK, b"\r\nafter")
    for words in (["play", "@1", "--speed", "64"], ["tail", "@1"], ["tail", "-f", "@1"]):
        shown = rec(words, root).ok().stdout.encode()
        for kind, raw in Tokenizer().feed(shown):
            plain = kind is TokenKind.TEXT or raw in (b"\r", b"\n", b"\t", b"\b")
            assert plain or HARMLESS.fullmatch(raw), raw


def test_raw_bytes_go_out_as_they_are_and_what_they_did_is_undone(root, play):
    data = b"\x1b[?1000h\x1b[?2004h\x1b[?25l\x1b[?1049h\x1b[31mred\x1b[6n\x1b[c\x1b[5n\x1b]11;?\x07"
    session_of(root, data, b"end")
    term = play("@1", "--raw", "--speed", "64", answer=True)
    assert term.wait() == 0
    assert data in bytes(term.raw)
    assert pending(term) == 0
    assert_as_before(term)


@pytest.fixture
def foreign(root):
    """A session that was imported."""
    path = root.parent / "foreign.cast"
    path.write_text('{"version": 2, "width": 80, "height": 24}\n[0.1, "o", "\\u001b[?1000hforeign\\r\\n"]\n')
    rec(["import", path], root).ok()
    rec(["label", "@1", "foreign"], root).ok()


def test_raw_bytes_that_were_imported_are_asked_for_once_more(root, play, foreign):
    for answer, status in ("", 1), ("n", 1), ("y", 0):
        term = play("foreign", "--raw", "--speed", "64")
        term.expect("imported from foreign.cast")
        term.expect("Play them as they are? [y/N]")
        assert b"?1000h" not in term.raw
        term.line(answer)
        assert term.wait() == status
        assert (b"\x1b[?1000hforeign" in term.raw) == (status == 0)
        assert ("nothing was played" in term.text()) == (status == 1)
        assert_as_before(term)
    term = play("foreign", "--raw", "--yes", "--speed", "64")
    assert term.wait() == 0
    assert b"[y/N]" not in term.raw
    assert b"\x1b[?1000hforeign" in term.raw


def test_raw_bytes_that_were_imported_are_refused_where_nobody_can_be_asked(root, foreign):
    done = rec(["play", "foreign", "--raw"], root)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith("rec: could not play foreign raw: it was imported: nobody was asked\n")
    assert rec(["play", "foreign", "--raw", "--yes"], root).ok().stdout == "\x1b[?1000hforeign\r\n"
    assert rec(["play", "foreign", "--yes"], root).status == 2
    assert rec(["play", "foreign"], root).ok().stdout == "foreign\r\n"


# --- without a terminal --------------------------------------------------------------------------


def test_in_a_pipe_it_is_written_at_its_pace(root, film):
    assert rec(["play", "film", "--speed", "64"], root).ok().stdout == "".join(
        f"shown {number}\r\n" for number in range(1, 5)
    )
    assert rec(["play", "film:2", "--speed", "64"], root).ok().stdout == "shown 2\r\n"
    assert rec(["play", "film:2", "--idle", "0"], root).ok().stdout == "shown 2\r\n"


def test_raw_bytes_in_a_pipe_are_exact(root):
    data = bytes(range(256)) * 30
    session_of(root, b"\x1b[?1000h", data)
    played = subprocess.run(
        [*CLEAN_SIGNALS, sys.executable, "-m", "recorder", "play", "@1", "--raw", "--speed", "64"],
        env=environment(root, root.parent / "home"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert played.stdout == all_raw(root) == b"\x1b[?1000h" + data


def test_a_reader_who_leaves_ends_it_quietly(root):
    session_of(root, *[b"x" * 60_000] * 5)
    words = f"{sys.executable} -m recorder play @1 --idle 0 | head -c 10; echo $?"
    done = subprocess.run(
        ["sh", "-c", words], env=environment(root, root.parent / "home"), capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"x" * 10 + b"0\n", b"")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["play", "nobody"], 1, "no such session: nobody"),
        (["play", "film:9"], 1, "no such turn: film:9"),
        (["play", "film", "--speed", "0"], 2, "'0' is no speed"),
        (["play", "film", "--speed", "nan"], 2, "'nan' is no speed"),
        (["play", "film", "--idle", "-1"], 2, "'-1' is no number of seconds"),
        (["play"], 2, "missing argument"),
        (["tail", "nobody"], 1, "no such session: nobody"),
    ],
)
def test_what_cannot_be_played_is_one_line(root, film, words, status, said):
    done = rec(words, root)
    assert (done.status, done.stdout) == (status, "")
    assert done.stderr.startswith("rec: ")
    assert said in done.stderr.splitlines()[0]


def test_what_is_erased_is_not_played(root, film):
    rec(["rm", "--yes", "film:2"], root).ok()
    assert rec(["play", "film", "--speed", "64"], root).ok().stdout == "shown 1\r\nshown 3\r\nshown 4\r\n"
    assert "it is erased" in rec(["play", "film:2"], root).stderr


def test_a_session_without_output_is_said_to_be_one(root):
    store = store_at(root)
    Maker(store, 1).end()
    store.close()
    done = rec(["play", "@1"], root)
    assert (done.status, done.stderr) == (1, "rec: could not play @1: no output is kept of it\n")


# --- tail ----------------------------------------------------------------------------------------


def test_tail_prints_the_last_screenful(root, film):
    printed = rec(["tail", "film"], root).ok().stdout
    assert printed.endswith("sqlite> command 4\nshown 4\n")
    with Term([sys.executable, "-m", "recorder", "tail", "film"], root=root, rows=4) as term:
        assert term.wait() == 0
        assert re.sub(r"\s+", " ", term.text()).strip() == "shown 3 sqlite> command 4 shown 4"


def test_a_turn_of_the_session_around_us_is_found_in_its_store(root, start_rec, tmp_path):
    term = start_rec(["run", "--label", "here", "--", "sh"])
    term.expect("$ ")
    term.line("echo $((6*7))")
    term.expect("42")
    wait_for(lambda: "42" in rec(["output", "here:1"], root).stdout)
    term.line(f"TERM=dumb REC_ROOT={tmp_path}/other rec play :1")
    term.expect("42", count=2)


def test_a_live_session_is_followed_until_it_ends(root, start_rec):
    live = start_rec(["run", "--label", "cats", "--", "cat"])
    live.expect("cats · recording")  # the editor echoes, not the kernel
    live.line("first line")
    live.expect("first line", count=2)
    wait_for(lambda: "first line" in rec(["replay", "cats"], root).stdout)
    follow = [sys.executable, "-m", "recorder", "tail", "-f", "cats"]
    piped = subprocess.Popen(
        follow, env=environment(root, root.parent / "home"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    with Term(follow, root=root) as term, Rec(["play", "cats"], root) as player:
        term.expect("first line")
        player.expect("first line")
        player.send("\x1b[F")
        player.expect("live")
        live.line("second line")
        live.expect("second line", count=2)
        term.expect("second line")  # long before its turn has ended
        player.expect("second line")
        live.send("\x04")
        assert live.wait() == 0
        assert term.wait() == 0
        assert_as_before(term)
        player.expect("end")
        player.send("q")
        assert player.wait() == 0
    assert b"second line" in piped.communicate(timeout=20)[0]
    assert piped.returncode == 0


@pytest.mark.parametrize(
    ("tool", "first"),
    [
        (["sh"], "echo $((500 + 55))"),
        (["sh", "-c", "echo $((500 + 55)); cat >/dev/null; echo $((600 + 66)); sleep 60"], ""),
    ],
)
def test_in_a_pipe_a_line_comes_long_before_the_event_that_it_is_in(root, start_rec, tool, first):
    live = start_rec(["run", "--label", "slow", "--", *tool])
    if first:
        live.expect("$ ")
        live.line(first)
    live.expect("555")
    wait_for(lambda: b"555" in all_raw(root, "slow"))
    with subprocess.Popen(
        [sys.executable, "-m", "recorder", "tail", "-f", "slow"],
        env=environment(root, root.parent / "home"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as piped:
        lines = iter(piped.stdout.readline, b"")
        assert b"555\n" in lines  # it follows
        if first:
            live.expect("$ ", count=2)
            live.line("echo $((600 + 66)); sleep 60")
        else:
            live.send("\x04")
        assert b"666\n" in lines
        known = [event["text"] for event in events(root, "slow", "--kind", "output")]
        live.runs("sleep")
        live.send("\x03")
        if first:
            live.expect("$ ", count=3)
            live.send("\x04")
        live.wait()
        rest = piped.communicate()[0]
    assert not [text for text in known if "666" in text]
    assert b"666\n" not in rest  # what was said is not said again


class Looker:
    """What `rec tail -f` prints of a session, look by look."""

    def __init__(self, store, ulid):
        self.follower = Follower(store, ulid, lambda _owner: True, newest(store, ulid))

    def __call__(self):
        found, early, more = self.follower.events()
        assert more
        return "".join(render.transcript(found, PLAIN)) + early

    def twice(self):
        """What stood there at a look is a line at the next."""
        return self() + self()


PLAIN = Page(colour=False, columns=None, home=None, now_ms=0)


def output_of(made, start, text, **meta):
    made.event("output", text, made.turns, None, raw=[start, made.raw], **meta)


def test_lines_are_said_once_as_they_come_and_the_rest_of_their_event_after_it(store):
    made = Maker(store, 1)
    made.shown(b"$ make\r\n")
    made.prompt("make")
    look = Looker(store, made.ulid)
    assert look.twice() == ""
    start = made.raw
    made.shown(b"one\r\n\x1b[1mtwo\x1b[m\r\n3 %\r5")
    assert look() == ""  # it may be a prompt, which is known by the next look
    assert look() == "one\ntwo\n"
    made.shown(b"0 %\r\nlast")
    assert look.twice() == "50 %\n"
    output_of(made, start, "one\ntwo\n50 %\nlast\n")
    assert look() == "last\n"
    made.shown(b"more\r\n")
    assert look.twice() == "more\n"
    made.event("mark", "a note", mark="note")
    assert "a note" in look()
    made.done()
    made.shown(b"$ not yet\r\n")
    assert look.twice() == ""  # what stands between two turns may be a prompt


def test_what_an_event_says_otherwise_is_said_from_there_on(store):
    made = Maker(store, 1)
    made.shown(b"$ make\r\n")
    made.prompt("make")
    look = Looker(store, made.ulid)
    start = made.raw
    made.shown(b"one\r\ntwo\r\n")
    assert look.twice() == "one\ntwo\n"
    output_of(made, start, "one\n2\nthree\n")
    assert look() == "2\nthree\n"


@pytest.mark.parametrize(
    "data",
    [b"one\r\ntwo\r\n\x1b[2A\x1b[K1\r\n", b"\x1b[?1049hone\r\ntwo\r\n", b"x" * 70_000 + b"\r\n", b"no end"],
)
def test_what_is_not_surely_a_line_waits_for_its_event(store, data):
    made = Maker(store, 1)
    made.shown(b"$ vi\r\n")
    made.prompt("vi")
    look = Looker(store, made.ulid)
    start = made.raw
    made.shown(data)
    assert look.twice() == ""
    made.shown(b"still\r\n")
    assert "still" not in look.twice() or data == b"no end"
    output_of(made, start, "all of it\n")
    assert look().endswith("all of it\n")


def test_an_echo_that_does_not_come_first_leaves_it_to_the_event(store):
    made = Maker(store, 1)
    made.shown(b"$ ")
    made.raw += len(b"make\r\n")
    made.prompt("make")
    made.raw -= len(b"make\r\n")
    look = Looker(store, made.ulid)
    made.shown(b"ma")
    assert look.twice() == ""
    made.shown(b"late\r\nke\r\n")
    assert look.twice() == ""
