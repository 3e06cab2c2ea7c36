"""Our two blocks in a shell's rc file: put in, taken out, byte for byte.

Pure: bytes to bytes. A block stands between two comment lines, the same in all three shells. An rc
file need not be UTF-8, and whatever is not ours stays as it is, ends of lines included.
"""

from __future__ import annotations

from typing import NamedTuple

LAUNCHER, HOOKS = "launcher", "hooks"
# In the block at the end of a file whose last line had no newline, so that taking it out gives that back.
_OPEN = b"# (the line above had no newline at its end)"


class Half(Exception):
    """A block that is not whole: ``line`` (from 1) holds the mark without the other one."""

    def __init__(self, line: int, mark: bytes) -> None:
        """Keep where it is and what stands there."""
        super().__init__(line, mark)
        self.line, self.mark = line, mark.decode("ascii", "replace")


class Found(NamedTuple):
    """A block in a file: its first line and the one behind it (from 0), and its name."""

    first: int
    after: int
    name: str


def block(name: str, *lines: bytes) -> bytes:
    """Return a block that holds some lines."""
    return b"".join(line + b"\n" for line in (_begin(name), *lines, _end(name)))


def put(text: bytes, launcher: tuple[bytes, ...], hooks: tuple[bytes, ...]) -> bytes:
    """Return an rc file with the launcher's lines at its very top and the hooks' at its end.

    What was there of our blocks goes. Raises Half.
    """
    text = take(text)
    if text and not text.endswith(b"\n"):
        text += b"\n"
        hooks = (_OPEN, *hooks)
    return block(LAUNCHER, *launcher) + text + block(HOOKS, *hooks)


def take(text: bytes) -> bytes:
    """Return an rc file without our blocks. Raises Half."""
    lines = lines_of(text)
    for each in reversed(find(lines)):
        last = each.after == len(lines)
        was_open = any(line.rstrip() == _OPEN for line in lines[each.first : each.after])
        del lines[each.first : each.after]
        if last and was_open and lines:
            lines[-1] = lines[-1].removesuffix(b"\n")
    return b"".join(lines)


def find(lines: list[bytes]) -> list[Found]:
    """Return the blocks in the lines of a file, in order. Raises Half."""
    found: list[Found] = []
    opened: tuple[int, str] | None = None
    for at, line in enumerate(lines):
        word = line.strip()
        for name in (LAUNCHER, HOOKS):
            if word == _begin(name):
                if opened is not None:
                    raise Half(opened[0] + 1, _begin(opened[1]))
                opened = at, name
            elif word == _end(name):
                if opened is None or opened[1] != name:
                    raise Half(at + 1, word)
                found.append(Found(opened[0], at + 1, name))
                opened = None
    if opened is not None:
        raise Half(opened[0] + 1, _begin(opened[1]))
    return found


def lines_of(text: bytes) -> list[bytes]:
    """Part a text behind its newlines only: a lone carriage return is no end of a line to a shell."""
    parts = text.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _begin(name: str) -> bytes:
    return b"# >>> rec %s >>>" % name.encode()


def _end(name: str) -> bytes:
    return b"# <<< rec %s <<<" % name.encode()
