"""From words to a running program: PATH search, fork, a clean slate, exec, and why it failed.

Knows no recording and no terminal beyond making one the new session's own. What runs between fork
and exec is here and nowhere else; it only makes system calls and always ends in exec or ``_exit``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import warnings
from typing import TYPE_CHECKING, NamedTuple

from recorder.errors import RecError, ToolNotExecutable, ToolNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

_MOST_FDS = 65536  # without /proc: descriptors above are not looked for
_SHELL = b"/bin/sh"  # runs a script without an interpreter line, as execvp(3) does
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
_NOT_ON_PATH = "no program of that name is on the PATH; is it installed?"


class Plan(NamedTuple):
    """Everything the child needs, encoded before the fork."""

    name: str
    candidates: tuple[bytes, ...]
    argv: tuple[bytes, ...]
    env: dict[bytes, bytes]
    cwd: str | None


def plan(argv: Sequence[str], env: Mapping[str, str], cwd: str | None, program: str | None = None) -> Plan:
    """Find where ``argv[0]`` may be, searching the PATH of ``env``; raise ToolNotFound if nowhere.

    ``program`` is what to execute where ``argv[0]`` is not its name (``-bash`` of a login shell).
    """
    name = program or (argv[0] if argv else "")
    encoded = os.fsencode(name)
    if not name:
        raise ToolNotFound("could not run '': the name is empty", advice="name the tool to record")
    candidates: tuple[bytes, ...] = (encoded,)
    if b"/" not in encoded:
        path = os.fsencode(env.get("PATH", os.defpath))
        places = (os.path.join(entry or b".", encoded) for entry in path.split(b":"))
        base = os.fsencode(cwd or ".")
        candidates = tuple(place for place in places if os.path.isfile(os.path.join(base, place)))
    if not candidates:
        raise ToolNotFound(f"could not run {name}: not found", advice=_NOT_ON_PATH)
    words = tuple(os.fsencode(word) for word in argv)
    return Plan(name, candidates, words, {os.fsencode(k): os.fsencode(v) for k, v in env.items()}, cwd)


def spawn(plan: Plan, slave: int) -> int:
    """Start the plan as leader of a new session on the terminal ``slave``; return its pid.

    Returns after the exec. Raises ToolNotFound or ToolNotExecutable; no process is left then.
    """
    report, report_child = os.pipe()
    # A signal must not run our Python handlers in the child, nor come between the fork and its pid.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with warnings.catch_warnings():
            # Python warns of forks beside threads, for children that go on as Python; ours does not
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _become(plan, slave, report_child)
    except OSError as error:
        os.close(report)
        raise _explain(plan, b"fork", error.errno or errno.EAGAIN) from error
    finally:
        os.close(report_child)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    with os.fdopen(report, "rb") as file:
        failure = file.read()
    if failure:
        os.waitpid(pid, 0)
        where, _, number = failure.partition(b" ")
        raise _explain(plan, where, int(number))
    return pid


def _become(plan: Plan, slave: int, report: int) -> NoReturn:
    """In the child: become the program, or report ``where errno`` and vanish."""
    where = b"terminal"
    number = errno.EINVAL
    try:
        os.login_tty(slave)  # new session, controlling terminal, foreground group, fds 0-2
        _close_all_but(report)
        where = b"cwd"
        if plan.cwd is not None:
            os.chdir(plan.cwd)
        where = b"exec"
        for each in signal.valid_signals():  # Python ignores SIGPIPE and SIGXFSZ; exec would keep that
            with contextlib.suppress(OSError):  # SIGKILL, SIGSTOP
                signal.signal(each, signal.SIG_IGN)  # forget one that was meant for our group
                signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        number = _exec_first(plan)
    except OSError as error:
        number = error.errno or number
    finally:
        # also after an exception that nobody thought of: the parent's code must not run twice
        try:
            os.write(report, where + b" %d" % number)
        finally:
            os._exit(127)


def _exec_first(plan: Plan) -> int:
    """Exec the first candidate that can be; return the errno that tells most about the failure."""
    denied = 0
    for path in plan.candidates:
        try:
            os.execve(path, plan.argv, plan.env)
        except OSError as error:
            if error.errno == errno.ENOEXEC:
                return _exec_script(plan, path)
            if error.errno == errno.EACCES:
                denied = errno.EACCES
            elif error.errno not in _ABSENT:
                return error.errno or errno.EINVAL
    return denied or errno.ENOENT


def _exec_script(plan: Plan, path: bytes) -> int:
    """Let the shell run a text without an interpreter line; return the errno if it is no text."""
    with open(path, "rb") as file:
        binary = b"\0" in file.read(256).partition(b"\n")[0]
    if not binary:
        os.execve(_SHELL, (_SHELL, path, *plan.argv[1:]), plan.env)
    return errno.ENOEXEC


def _close_all_but(report: int) -> None:
    """Close every descriptor above 2 but one: our own, and those that we inherited by accident."""
    try:
        found = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        found = list(range(min(os.sysconf("SC_OPEN_MAX"), _MOST_FDS)))
    for fd in found:
        if fd > 2 and fd != report:
            with contextlib.suppress(OSError):  # the listing's own descriptor
                os.close(fd)


def _explain(plan: Plan, where: bytes, number: int) -> RecError:
    """Turn the child's report into the error that the user reads."""
    name = plan.name
    cause = os.strerror(number).lower()
    if where == b"terminal":
        return RecError(f"could not give {name} a terminal: {cause}")
    if where == b"cwd":
        return ToolNotExecutable(f"could not run {name} in {plan.cwd}: {cause}")
    path = os.path.join(os.fsencode(plan.cwd or "."), plan.candidates[0])
    if number in _ABSENT:
        if not os.path.exists(path):
            return ToolNotFound(f"could not run {name}: not found", advice="there is no such file")
        cause, advice = (
            "its interpreter was not found",
            "its first line, or its loader, names a missing program",
        )
    elif number == errno.EACCES and os.path.isdir(path):
        cause, advice = "is a directory", "name a program in it"
    elif number == errno.EACCES:
        advice = "it is no program to you; `chmod +x` makes one of a file of yours"
    else:
        advice = None
    return ToolNotExecutable(f"could not run {name}: {cause}", advice=advice)
