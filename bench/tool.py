"""The program under the recorders where there is no C compiler; see tool.c for what each word does.

Uses the standard library only and imports nothing of the bench: it runs as a script under recorders.
"""

from __future__ import annotations

import os
import select
import sys
import tty

CTRL_D = b"\x04"


def put(data: bytes) -> None:
    """Write all of ``data``."""
    while data:
        data = data[os.write(1, data) :]


def echo() -> None:
    """Give every byte back as it comes."""
    tty.setraw(0)
    put(b"READY")
    while (data := os.read(0, 4096)) and CTRL_D not in data:
        put(data)


def line() -> None:
    """Answer lines, in lower case."""
    put(b"> ")
    while data := os.read(0, 4096):
        put(b"=" + data.lower() + b"> ")


def flood(size: int) -> None:
    """Print ``size`` bytes of numbered lines, then wait for a key."""
    tty.setraw(0)
    number = 0
    while size > 0:
        block = b"".join(
            b"%012d some forty more characters of log text\r\n" % n for n in range(number, number + 140)
        )
        put(block)
        number += 140
        size -= len(block)
    put(b"END")
    os.read(0, 1)


def tick(pause_ms: int) -> None:
    """Print a line every ``pause_ms``."""
    tty.setraw(0)
    number = 0
    while True:
        put(b"tick %d of a program that says a little, and often\r\n" % number)
        number += 1
        if select.select([0], [], [], pause_ms / 1000)[0] and os.read(0, 1) in (b"", CTRL_D):
            return


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["echo"]:
            echo()
        case ["line"]:
            line()
        case ["flood", amount]:
            flood(int(amount))
        case ["tick", pause]:
            tick(int(pause))
        case _:
            sys.exit(2)
