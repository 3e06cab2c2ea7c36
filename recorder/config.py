"""The environment, and where things are: settings, the store's root, run-time files, the session.

The one reader of environment variables, always through the mapping that ``cli`` hands in. Nothing
here writes but the private directory for run-time files. Heavy imports happen when they are needed:
a tool must start within 40 ms. That is also why the XDG rule is spelled out here (a test compares it
with platformdirs, which takes 5 ms to import).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from recorder import identity, procfs
from recorder.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recorder.settings import Settings

STORE_NAME = "rec.db"
_APP = "rec"
_LARGEST = 1 << 20  # bytes of a settings file that are read
_COERCED = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})  # what Python sets LC_CTYPE to by itself


def given(env: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment as it was given to it.

    Python adds LC_CTYPE to one that names no locale (PEP 538); the tool would sort and print by it.
    """
    found = dict(env)
    if found.get("LC_CTYPE") in _COERCED:
        with contextlib.suppress(OSError):
            if not any(
                word.startswith(b"LC_CTYPE=") for word in procfs.read("/proc/self/environ").split(b"\0")
            ):
                del found["LC_CTYPE"]
    return found


def load(root: str | None, env: Mapping[str, str]) -> Settings:
    """Return the settings that hold: ``--root``, ``$REC_ROOT``, the user's file, the defaults.

    Raises ConfigError with file, line and key where the user's file is wrong or cannot be read.
    """
    from pathlib import Path

    from recorder import settings

    path = settings_file(env)
    chosen, named = settings.Settings(root=Path()), None
    text = _text_of(path)
    if text is not None:
        chosen, named = settings.read(text, path, chosen)
    if named is not None and named.startswith("~/"):
        named = _home(env) + named[1:]
    place = root or env.get("REC_ROOT") or named or f"{_base(env, 'XDG_DATA_HOME', '.local/share')}/{_APP}"
    return chosen._replace(root=Path(place).absolute())


def settings_file(env: Mapping[str, str]) -> str:
    """Return the path of the user's settings, whether or not it is there."""
    return f"{_base(env, 'XDG_CONFIG_HOME', '.config')}/{_APP}/config.toml"


def settings_without_effect(env: Mapping[str, str]) -> list[str]:
    """Return the keys in the user's file, which can be loaded, that this version does nothing with."""
    from recorder import settings

    return settings.without_effect(_text_of(settings_file(env)) or "")


def has_settings(env: Mapping[str, str]) -> bool:
    """Say whether ``load`` has a file to read, or to stumble over."""
    try:
        os.lstat(settings_file(env))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def runtime_dir(env: Mapping[str, str]) -> str:
    """Return the user's private directory for what lives as long as a login; make it.

    ``$XDG_RUNTIME_DIR/rec``, or ``/tmp/rec-UID``; never one that somebody else could write to (after
    ``su`` the variable still names the other user's).
    """
    base = env.get("XDG_RUNTIME_DIR", "")
    if base.startswith("/") and _is_ours(base) and _make_private(f"{base}/{_APP}"):
        return f"{base}/{_APP}"
    return _temporary()


def state_dir(env: Mapping[str, str]) -> Path:
    """Return the user's directory for what may be lost (reports of crashes); make it. Raises OSError."""
    from pathlib import Path

    place = Path(_base(env, "XDG_STATE_HOME", ".local/state"), _APP)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _make_private(str(place)):
        raise PermissionError(errno.EPERM, "it is not ours alone", str(place))
    return place


def tool_env(base: Mapping[str, str], *, session: str, tty: str, pid: int, nonce: str) -> dict[str, str]:
    """Return the tool's environment: ours, and what tells a program inside which session it is in."""
    told = {"REC_SESSION": session, "REC_TTY": tty, "REC_PID": str(pid), "REC_NONCE": nonce}
    return {**base, **told}


def current_session(env: Mapping[str, str]) -> str | None:
    """Return the ULID of the recorded session that this process runs in, or None.

    The variables alone are no proof: they are inherited by a terminal multiplexer's server, and they
    outlive their recorder.
    """
    session, tty, pid = (env.get(name, "") for name in ("REC_SESSION", "REC_TTY", "REC_PID"))
    if not session or not tty or not pid.isdecimal() or not procfs.start_time(int(pid)):
        return None
    try:
        device = procfs.device(tty)
    except OSError:
        return None
    return session if device and device in _own_terminals() else None


def git_root(cwd: str) -> str | None:
    """Return the nearest directory at or above ``cwd`` that holds a ``.git``, or None."""
    place = cwd
    while True:
        with contextlib.suppress(OSError):
            os.lstat(f"{place}/.git")
            return place or "/"
        above = place.rstrip("/").rpartition("/")[0]
        if above == place or not place.startswith("/"):
            return None
        place = above


def vi_keys(env: Mapping[str, str]) -> bool:
    """Say whether the user's readline settings ask for vi keys, as every other prompt then has them."""
    for path in (env.get("INPUTRC") or f"{_home(env)}/.inputrc", "/etc/inputrc"):
        with contextlib.suppress(ConfigError):
            text = _text_of(path)
            if text is not None:
                words = [line.lower().split() for line in text.splitlines()]
                modes = [line[2] for line in words if line[:2] == ["set", "editing-mode"] and len(line) > 2]
                return modes[-1:] == ["vi"]
    return False


# --- places --------------------------------------------------------------------------------------


def _base(env: Mapping[str, str], variable: str, default: str) -> str:
    """Return a base directory by the XDG rule: the variable if absolute, else below the home."""
    value = env.get(variable, "").rstrip("/")
    return value if value.startswith("/") else f"{_home(env)}/{default}"


def _home(env: Mapping[str, str]) -> str:
    """Return the home: ``$HOME``, the password database's, or a private directory below ``/tmp``."""
    home = env.get("HOME", "").rstrip("/")
    if home.startswith("/"):
        return home
    found = identity.home()
    return found if found is not None and _is_ours(found) else _temporary()


def _temporary() -> str:
    """Return ``/tmp/rec-UID``, made private; if somebody squats on the name, one for this process."""
    place = f"/tmp/{_APP}-{os.geteuid()}"  # noqa: S108  (verified below)
    if _make_private(place):
        return place
    import tempfile

    return tempfile.mkdtemp(prefix=f"{_APP}-{os.geteuid()}-")


def _make_private(path: str) -> bool:
    """Make the directory ``path`` with mode 0700; say whether it is ours alone now."""
    with contextlib.suppress(OSError):
        os.mkdir(path, 0o700)
    if not _is_ours(path):
        return False
    with contextlib.suppress(OSError):
        os.chmod(path, 0o700)  # it may have been made by hand
    return True


def _is_ours(path: str) -> bool:
    """Say whether ``path`` is a directory, no link, that belongs to us."""
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()


def _own_terminals() -> set[int]:
    """Return the devices of this process's terminals: descriptors 0-2 and the controlling one."""
    found = set()
    for fd in (0, 1, 2):
        if os.isatty(fd):
            found.add(os.fstat(fd).st_rdev)
    with contextlib.suppress(OSError):
        found.add(procfs.stat("self").tty)
    return found


def _text_of(path: str) -> str | None:
    """Return a file's text, None if there is none; raise ConfigError if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(_LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"could not use {path}: line {line}: not UTF-8") from error
    except OSError as error:
        cause = os.strerror(error.errno or 0).lower()
        raise ConfigError(f"could not read {path}: {cause}") from error
