#!/usr/bin/env python3
"""A program that misbehaves on demand: `trick.py NAME [ARGUMENT…]`; without NAME it lists them.

For tests of a recorder: each trick is one habit of a real tool, alone and repeatable. Nothing but
the standard library, and nothing newer than Python 3.9, so that any user of the system can run it.
Unless a trick says otherwise it prints what it got, as `got 'text'`, and ends with status 0.
"""

import getpass
import os
import select
import signal
import sys
import termios
import threading
import time
import tty


def say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def set_flags(clear: int = 0, add: int = 0) -> list:
    """Change local flags of the terminal; return what was there before."""
    before = termios.tcgetattr(0)
    now = termios.tcgetattr(0)
    now[3] = (now[3] & ~clear) | add
    termios.tcsetattr(0, termios.TCSADRAIN, now)
    return before


def read_raw_line(stars: bool = False) -> str:
    """Read keys until Enter from a terminal without line mode, editing with Backspace."""
    typed = bytearray()
    while True:
        key = os.read(0, 1)
        if key in (b"\r", b"\n", b""):
            return typed.decode("utf-8", "replace")
        if key in (b"\x7f", b"\x08"):
            if typed:
                del typed[-1]
                if stars:
                    say("\b \b", end="")
        else:
            typed += key
            if stars:
                say("*", end="")


# --- output --------------------------------------------------------------------------------------


def chunked(delay: str = "0.05") -> None:
    """One prompt and one line of output in many small writes, with UTF-8 cut in the middle."""
    for piece in (b"pro", b"mpt", b">", b" "):
        os.write(1, piece)
        time.sleep(float(delay))
    line = sys.stdin.readline()
    for byte in f"got {line.rstrip()!r} for 5 \u20ac\n".encode():
        os.write(1, bytes([byte]))
        time.sleep(float(delay) / 10)


def redraw() -> None:
    """CR and BS: the line that is meant is not the bytes that were sent."""
    say("wrong\rright\r\nabcx\b\bXY\nlong line\rshort\x1b[K\n\x1b[31mred\x1b[0m", end="\n")


def progress() -> None:
    """A progress bar with CR, then a prompt on the same line."""
    for done in range(0, 101, 20):
        say(f"\r{done:3d}% " + "#" * (done // 10), end="")
        time.sleep(0.1)
    say("\r\x1b[Kname: ", end="")
    say(f"got {sys.stdin.readline().rstrip()!r}")


def wide() -> None:
    """A prompt with wide characters and colours, as long as half the line."""
    say("\x1b[1;32m漢字かな交じり文\x1b[0m ─── é> ", end="")
    say(f"got {sys.stdin.readline().rstrip()!r}")


def flood(count: str = "20000") -> None:
    """Many numbered lines at once."""
    sys.stdout.write("".join(f"line {n}\n" for n in range(1, int(count) + 1)))
    sys.stdout.flush()


def flood_on_key(count: str = "20000") -> None:
    """A prompt; the lines come while one edits, then the answer."""
    say("> ", end="")
    threading.Timer(1.0, flood, [count]).start()
    say(f"got {sys.stdin.readline().rstrip()!r}")


def drops(count: str = "10000") -> None:
    """Single bytes without a newline, each in a write of its own."""
    for n in range(int(count)):
        os.write(1, b"%d" % (n % 10))


def lines(delay: str = "0.02") -> None:
    """Numbered lines for ever, with a prompt for each line that was typed."""
    number = 0
    while True:
        number += 1
        say(f"line {number}")
        if select.select([0], [], [], float(delay))[0]:
            line = sys.stdin.readline()
            if not line:
                return
            say(f"got {line.rstrip()!r}")


def bad_bytes() -> None:
    """Bytes that are no UTF-8, NUL, a sequence cut in two, and a control string nobody ends."""
    os.write(1, b"A\xff\xfeB\x80C\xc3\xa9D \xe2\x82")
    time.sleep(0.2)
    os.write(1, b"\xac \x00 \x1b[3")
    time.sleep(0.2)
    os.write(1, b"1mred\x1b[0m\r\n")


# --- questions -----------------------------------------------------------------------------------


def dialogue() -> None:
    """A name, a hidden password, a colour."""
    name = input("name: ")
    password = getpass.getpass("password: ")
    colour = input("color? ")
    say(f"hello {name} {len(password)} {colour}")


def quiet(delay: str = "1.2") -> None:
    """A name, then a pause, then the echo goes off without any prompt and a line is read."""
    name = input("name: ")
    time.sleep(float(delay))
    before = set_flags(clear=termios.ECHO)
    hidden = sys.stdin.readline().rstrip("\n")
    termios.tcsetattr(0, termios.TCSADRAIN, before)
    say(f"hello {name} {len(hidden)}")


def sneaky(delay: str = "1.0") -> None:
    """The echo goes off in the middle of a line, while somebody types it."""
    say("go: ", end="")
    before = termios.tcgetattr(0)
    threading.Timer(float(delay), set_flags, [termios.ECHO]).start()
    got = sys.stdin.readline().rstrip("\n")
    termios.tcsetattr(0, termios.TCSADRAIN, before)
    say(f"\ngot {len(got)}")


def masked() -> None:
    """A password in raw mode, shown as stars."""
    say("Password: ", end="")
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        typed = read_raw_line(stars=True)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    say(f"\r\nlength {len(typed)}")


def sudo(user: str = "x") -> None:
    """As newer sudo asks: no line mode, no echo, nothing shown; newline at the end."""
    say(f"[sudo] password for {user}: ", end="")
    before = set_flags(clear=termios.ICANON | termios.ECHO)
    try:
        typed = read_raw_line()
    finally:
        termios.tcsetattr(0, termios.TCSAFLUSH, before)
    say(f"\nlength {len(typed)}")


def prompts(count: str = "0") -> None:
    """A loop of `? ` until the end of input (or COUNT answers)."""
    done = 0
    while not int(count) or done < int(count):
        try:
            line = input("? ")
        except EOFError:
            say("bye")
            return
        say(f"got {line!r}")
        done += 1


def slow(delay: str = "1.0") -> None:
    """A loop of `> ` that works a while on each line, so that the next is typed ahead."""
    while True:
        try:
            line = input("> ")
        except EOFError:
            return
        time.sleep(float(delay))
        say(f"got {line!r}")


def multiline() -> None:
    """A statement that ends with a semicolon, with a second prompt in between."""
    while True:
        collected = []
        try:
            collected.append(input("sql> "))
            while not collected[-1].endswith(";"):
                collected.append(input("  -> "))
        except EOFError:
            return
        say(f"got {' '.join(collected)!r}")


def queries() -> None:
    """Ask the terminal who and where it is (DA, OSC 11, CPR), take the answers, then read a line."""
    before = termios.tcgetattr(0)
    tty.setcbreak(0)
    os.write(1, b"\x1b[c\x1b]11;?\x1b\\\x1b[6n")
    answers = b""
    while select.select([0], [], [], 1.0)[0] and not answers.endswith(b"R"):
        answers += os.read(0, 4096)
    termios.tcsetattr(0, termios.TCSADRAIN, before)
    say(f"\r\x1b[Kanswers {answers!r}\nname: ", end="")
    say(f"got {sys.stdin.readline().rstrip()!r}")


def rude_queries() -> None:
    """Ask the terminal and do not wait: the answers arrive while the line is read."""
    os.write(1, b"\x1b[c\x1b]11;?\x1b\\\x1b[6n")
    say("name: ", end="")
    say(f"got {sys.stdin.readline().rstrip()!r}")


# --- output that nobody asked for ----------------------------------------------------------------


def ticker(delay: str = "0.3", count: str = "0") -> None:
    """Whole lines arrive while one types at a prompt, and the prompt is printed again after each."""

    def tick() -> None:
        number = 0
        while not int(count) or number < int(count):
            time.sleep(float(delay))
            number += 1
            say(f"\r\x1b[Ktick {number}\n> ", end="")

    threading.Thread(target=tick, daemon=True).start()
    while True:
        say("> ", end="")
        line = sys.stdin.readline()
        if not line:
            return
        say(f"got {line.rstrip()!r}")


def background(delay: str = "0.3", count: str = "3") -> None:
    """Whole lines arrive while one types, and nobody prints the prompt again."""

    def tick() -> None:
        for number in range(1, int(count) + 1):
            time.sleep(float(delay))
            say(f"tick {number}")

    threading.Thread(target=tick, daemon=True).start()
    say(f"got {input('> ')!r}")


def half(delay: str = "0.5") -> None:
    """Half a line arrives while one types, and its other half later."""

    def tick() -> None:
        time.sleep(float(delay))
        say("half a ", end="")
        time.sleep(float(delay))
        say("line")

    threading.Thread(target=tick, daemon=True).start()
    say(f"got {input('> ')!r}")


# --- screens -------------------------------------------------------------------------------------


def frames(count: str = "20") -> None:
    """Frames on the alternate screen, then a line on the ordinary one."""
    say("before")
    say("\x1b[?1049h\x1b[?25l", end="")
    for number in range(1, int(count) + 1):
        say(f"\x1b[H\x1b[2J\x1b[5;10Hframe {number}", end="")
        time.sleep(0.01)
    say("\x1b[?25h\x1b[?1049l", end="")
    say("after")


def full() -> None:
    """A full-screen program: shows each key it gets, ends with q."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    say("\x1b[?1049h\x1b[H\x1b[2Jkeys: ", end="")
    try:
        while True:
            key = os.read(0, 1)
            say(f"{key!r} ", end="")
            if key in (b"q", b""):
                return
    finally:
        say("\x1b[?1049l", end="")
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def litter() -> None:
    """Sets every mode a program may forget, and dies of a signal."""
    tty.setraw(0)
    say("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1000h\x1b[?1006h\x1b[>1u\x1b[?1h\x1b=lost", end="")
    os.kill(os.getpid(), signal.SIGKILL)


def sizes() -> None:
    """Tells every size the terminal takes; a line ends it."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGWINCH, lambda *_: None)
    while True:
        # Told here and not in the handler, which may run in the middle of a print.
        size = os.get_terminal_size(0)
        say(f"size {size.columns}x{size.lines}")
        ready = select.select([0, woken], [], [])[0]
        if 0 in ready:
            return
        os.read(woken, 100)


# --- ends ----------------------------------------------------------------------------------------


def leave(status: str = "0") -> None:
    """Ends with a status."""
    say("leaving")
    sys.exit(int(status))


def die(name: str = "SEGV") -> None:
    """Dies of a signal."""
    say("dying")
    number = getattr(signal, f"SIG{name}")
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def fork_and_die(seconds: str = "5") -> None:
    """Leaves a child behind that ignores the hang-up, keeps the terminal and prints later."""
    if os.fork() == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        time.sleep(float(seconds))
        say("LATE")
        os._exit(0)
    say("gone")


def inspect() -> None:
    """Tells what it was started with: descriptors, signals, session, terminal, umask.

    SIGPIPE and SIGXFSZ are left out: Python ignores them by itself, whatever it was started with.
    """
    listed = [int(name) for name in os.listdir("/proc/self/fd")]  # one of them is the listing's own
    fds = sorted(fd for fd in listed if os.path.exists(f"/proc/self/fd/{fd}"))
    own = (signal.SIGPIPE, signal.SIGXFSZ)
    ignored = [s.name for s in signal.Signals if s not in own and signal.getsignal(s) == signal.SIG_IGN]
    blocked = sorted(s.name for s in signal.pthread_sigmask(signal.SIG_BLOCK, []))
    mask = os.umask(0)
    say(f"fds {fds}")
    say(f"ignored {ignored} blocked {blocked}")
    say(f"leader {os.getsid(0) == os.getpid()} foreground {os.tcgetpgrp(0) == os.getpgrp()}")
    say(f"tty {[os.isatty(fd) for fd in (0, 1, 2)]} umask {mask:03o}")


TRICKS = [
    chunked, redraw, progress, wide, flood, flood_on_key, drops, lines, bad_bytes,
    dialogue, quiet, sneaky, masked, sudo, prompts, slow, multiline, queries, rude_queries,
    ticker, background, half, frames, full, litter, sizes, leave, die, fork_and_die, inspect,
]  # fmt: skip


def main() -> None:
    tricks = {trick.__name__.replace("_", "-"): trick for trick in TRICKS}
    if len(sys.argv) < 2 or sys.argv[1] not in tricks:
        for name, trick in tricks.items():
            say(f"{name:14} {trick.__doc__}")
        sys.exit(2)
    tricks[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
