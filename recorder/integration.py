"""The lines in the users' rc files that make shells record themselves: shown, written, taken out, examined.

Service. It knows where ``rec`` itself is, and what the lines say; the rc files are ``rcfiles``'s, the
blocks in them ``rcblocks``'s. It prints nothing.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

from recorder import config, rcblocks, rcfiles, shipped
from recorder.errors import RecError, Refused
from recorder.model import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Follow = Callable[[str, str], bool]

SHELLS = ("bash", "zsh", "fish")
_FIRST = b"# Records each new interactive shell. It has to stay first in this file."
_LAST = b"# Tells the recorder of each command. It has to stay last in this file."
_OUT = b"# `rec uninstall` takes it out again."
_INSTANT_PROMPT = b"p10k-instant-prompt"  # powerlevel10k's, which takes the terminal away from what follows


class Change(NamedTuple):
    """What became of one rc file; ``backup`` is the copy that was made of it."""

    path: str
    changed: bool
    backup: str | None = None


def own_program(called: str, interpreter: str) -> str:
    """Return the absolute path of ``rec``, from ``sys.argv[0]`` and ``sys.executable``. Raises RecError.

    Links stay links: they outlive the version that they lead to.
    """
    found = None if os.path.basename(called) == "__main__.py" else shutil.which(called)
    if found is None:
        found = f"{os.path.dirname(os.path.abspath(interpreter))}/rec"
        if not (os.path.isfile(found) and os.access(found, os.X_OK)):
            advice = (
                "a shell needs a program to start: install rec (pipx install, uv tool install, pip install)"
            )
            raise RecError(f"could not find the program rec: {found} is none", advice=advice)
    return os.path.abspath(found)


def lines(shell: str, program: str) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return what stands in the launcher's and in the hooks' block."""
    files = (str(shipped.find(f"shell/{name}.{shell}")) for name in ("launcher", "hooks"))
    launcher, hooks, rec = (_quoted(word, shell) for word in (*files, program))
    if shell == "fish":
        first = f"test -r {launcher}; and source {launcher} {rec}"
        last = f"test -r {hooks}; and source {hooks}"
    else:
        first, last = f"[ -r {launcher} ] && . {launcher} {rec}", f"[ -r {hooks} ] && . {hooks}"
    return (_FIRST, _OUT, os.fsencode(first)), (_LAST, _OUT, os.fsencode(last))


def shown(shell: str, env: Mapping[str, str]) -> bytes:
    """Return both blocks with a line before each that says where it goes."""
    launcher, hooks = lines(shell, own_program(sys.argv[0], sys.executable))
    path = os.fsencode(config.rc_file(shell, env))
    return b"".join(
        (
            b"# first in %s:\n" % path,
            rcblocks.block(rcblocks.LAUNCHER, *launcher),
            b"\n# last in %s:\n" % path,
            rcblocks.block(rcblocks.HOOKS, *hooks),
        )
    )


def install(shell: str, env: Mapping[str, str], follow: Follow) -> Change:
    """Write both blocks into the shell's rc file, keeping a copy of it as it was. Raises RecError.

    ``follow`` says whether the file that a symbolic link leads to may be changed.
    """
    path = config.rc_file(shell, env)
    launcher, hooks = lines(shell, own_program(sys.argv[0], sys.executable))
    text = rcfiles.read(path)
    fresh = _whole(path, rcblocks.put, text or b"", launcher, hooks)
    if fresh == text:
        return Change(path, changed=False)
    _check_link(path, follow)
    # A copy of a file that has our blocks already would be none of the user's own.
    own = text is not None and rcblocks.take(text) == text
    backup = rcfiles.back_up(path, text) if own and text is not None else None
    rcfiles.replace(path, fresh)
    return Change(path, changed=True, backup=backup)


def uninstall(shell: str, env: Mapping[str, str], follow: Follow) -> Change:
    """Take both blocks out of the shell's rc file; remove one that we made. Raises RecError."""
    path = config.rc_file(shell, env)
    if b"rec" not in rcfiles.peek(path):  # whatever is odd about it is not our business then
        return Change(path, changed=False)
    text = rcfiles.read(path) or b""
    rest = _whole(path, rcblocks.take, text)
    if rest == text:
        return Change(path, changed=False)
    _check_link(path, follow)
    if not rest and not rcfiles.has_backup(path) and not os.path.islink(path):
        rcfiles.remove(path)
    else:
        rcfiles.replace(path, rest)
        rcfiles.drop_backup(path, rest)
    return Change(path, changed=True)


def login_gap(env: Mapping[str, str]) -> str | None:
    """Return the start file of a login bash that does not read ~/.bashrc; None where all is well.

    A login bash reads the first of three files and nothing else; on macOS each window is a login shell.
    """
    home = os.path.dirname(config.rc_file("bash", env))
    for name in (".bash_profile", ".bash_login", ".profile"):
        if not os.path.isfile(f"{home}/{name}"):
            continue
        text = rcfiles.peek(f"{home}/{name}")
        told = any(b"bashrc" in line for line in text.split(b"\n") if not line.lstrip().startswith(b"#"))
        return None if told else f"{home}/{name}"
    return f"{home}/.bash_profile"


def examine(env: Mapping[str, str]) -> Iterator[Check]:
    """Yield a finding for each rc file that holds a block of ours."""
    for shell in SHELLS:
        path = config.rc_file(shell, env)
        rows = rcblocks.lines_of(rcfiles.peek(path))
        name = f"rc file of {shell}"
        try:
            found = rcblocks.find(rows)
        except rcblocks.Half as half:
            yield Check(
                name, ok=False, detail=_half(path, half), fix="take that line out, or complete the block"
            )
            continue
        if found:
            problem = _problem(rows, found)
            fix = f"rec init {shell} --install writes both blocks anew"
            yield Check(name, ok=problem is None, detail=f"{path}: {problem or 'in order'}", fix=fix)


def _problem(rows: list[bytes], found: list[rcblocks.Found]) -> str | None:
    """Return what is wrong with the blocks in an rc file."""
    first = next((each for each in found if each.name == rcblocks.LAUNCHER), None)
    if first is not None:
        before = [row.strip() for row in rows[: first.first]]
        if any(_INSTANT_PROMPT in row for row in before):
            return "powerlevel10k's instant prompt stands before the launcher, so that no shell is recorded"
        if any(row and not row.startswith(b"#") for row in before):
            return "the launcher does not stand first"
    for each in found:
        for row in rows[each.first + 1 : each.after - 1]:
            for word in _words(row):
                if word.startswith("/") and not os.path.exists(word):
                    return f"{word} is not there"
    return None


def _words(row: bytes) -> list[str]:
    words = shlex.shlex(os.fsdecode(row), posix=True, punctuation_chars=True)
    words.whitespace_split = True
    with contextlib.suppress(ValueError):
        return list(words)
    return []


def _quoted(path: str, shell: str) -> str:
    if "\n" in path:
        raise Refused(f"could not write a line for {path!r}: its name has a newline")
    if shell == "fish" and shlex.quote(path) != path:  # a backslash means something in its quotes
        return "'" + path.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return shlex.quote(path)


def _check_link(path: str, follow: Follow) -> None:
    target = rcfiles.link_target(path)
    if target is not None and not follow(path, target):
        raise Refused(
            f"could not change {path}: it is a link to {target}", advice=f"`--yes` changes {target}"
        )


def _whole(path: str, change: Callable[..., bytes], *args: object) -> bytes:
    """Return changed bytes; a block that is not whole is the user's to look at."""
    try:
        return change(*args)
    except rcblocks.Half as half:
        raise Refused(f"could not change {_half(path, half)}") from half


def _half(path: str, half: rcblocks.Half) -> str:
    return f"{path}: line {half.line}: `{half.mark}` stands alone"
