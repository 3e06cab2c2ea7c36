"""Many recorders at once, as a process of its own, so that reading their screens costs the bench nothing.

    python -m bench.load COUNT DIRECTORY TOOL [ARG…]

Says ``ready`` when every screen has shown something; goes on until its standard input ends.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import ExitStack
from pathlib import Path

from bench import peers
from bench.terminal import Terminal

CTRL_D = b"\x04"


def main() -> int:
    count, into, tool = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    (rec,) = (peer for peer in peers.known() if peer.name == peers.REC)
    with ExitStack() as stack:
        screens = {}
        for _ in range(count):
            terminal = stack.enter_context(Terminal(rec.argv(tool, into), os.environ))
            screens[terminal.fileno()] = terminal
        readable = select.epoll()
        for number in (*screens, sys.stdin.fileno()):
            readable.register(number, select.EPOLLIN)
        _read(readable, screens)
        for terminal in screens.values():
            terminal.finish(CTRL_D)
    return 0


def _read(readable: select.epoll, screens: dict[int, Terminal]) -> None:
    """Read all screens until standard input ends."""
    silent = set(screens)
    while True:
        for number, _ in readable.poll():
            if number not in screens:
                return
            if not screens[number].read():
                readable.unregister(number)
            if silent and not (silent := silent - {number}):
                sys.stdout.write("ready\n")
                sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
