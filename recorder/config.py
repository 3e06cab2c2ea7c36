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
    from recorder.trusted import Repository

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


def load(root: str | None, env: Mapping[str, str], repository: Repository | None = None) -> Settings:
    """Return the settings that hold: ``--root``, ``$REC_ROOT``, a trusted repository's, the user's, defaults.

    Raises ConfigError with file, line and key where a file is wrong or cannot be read.
    """
    from pathlib import Path

    from recorder import settings

    path = settings_file(env)
    chosen, named = settings.Settings(root=Path()), None
    text = _text_of(path)
    if text is not None:
        chosen, named = settings.read(text, path, chosen)
    if repository is not None and repository.text is not None:
        text = decoded(repository.text, repository.path)
        chosen, theirs = settings.read_repository(text, repository.path, chosen, repository.directory)
        named = theirs or named
    if chosen.ignore_dirs:
        import re

        home = re.escape(_home(env)) + "/"
        dirs = tuple(home + each[2:] if each.startswith("~/") else each for each in chosen.ignore_dirs)
        chosen = chosen._replace(ignore_dirs=dirs)
    return chosen._replace(root=Path(place(root, env, named)).absolute())


def load_to_read(
    root: str | None, env: Mapping[str, str], repository: Repository | None = None
) -> tuple[Settings, ConfigError | None]:
    """Return the settings for reading what is stored, and what is wrong in the files.

    Where something is, the defaults hold, and of the files only the root that they name: reading another
    store would look as if nothing were there.
    """
    try:
        return load(root, env, repository), None
    except ConfigError as wrong:
        from recorder import settings

        named = None
        with contextlib.suppress(ConfigError):  # it cannot be read
            named = settings.root_in(_text_of(settings_file(env)) or "")
        if repository is not None and repository.text is not None:
            text = repository.text.decode("utf-8", "replace")
            named = settings.root_in(text, repository.directory) or named
        return load(place(root, env, named), {**env, "XDG_CONFIG_HOME": os.devnull}), wrong


def place(root: str | None, env: Mapping[str, str], named: str | None = None) -> str:
    """Return the root: ``--root``, ``$REC_ROOT``, what a file has ``named``, the platform's."""
    return (
        root
        or env.get("REC_ROOT")
        or at_home(named, env)
        or f"{_base(env, 'XDG_DATA_HOME', '.local/share')}/{_APP}"
    )


def repository(env: Mapping[str, str]) -> Repository | None:
    """Return the git repository that we are in if a file of settings came with it.

    Every start asks this, and most are answered by one look at the root's entries.
    """
    try:
        top = git_root(os.getcwd())
        if top is None:
            return None
        os.lstat(f"{top.rstrip('/')}/.rec.toml")
    except OSError:
        return None
    from recorder import trusted

    return trusted.look(top, notes_of_trust(env))


def notes_of_trust(env: Mapping[str, str], *, make: bool = False) -> str:
    """Return the directory that says which repositories the user trusts; make it if asked. Raises OSError."""
    if not make:
        return f"{_base(env, 'XDG_STATE_HOME', '.local/state')}/{_APP}/trusted"
    notes = f"{state_dir(env)}/trusted"
    if not _make_private(notes):
        raise PermissionError(errno.EPERM, "it is not ours alone", notes)
    return notes


def settings_file(env: Mapping[str, str]) -> str:
    """Return the path of the user's settings, whether or not it is there."""
    return f"{_base(env, 'XDG_CONFIG_HOME', '.config')}/{_APP}/config.toml"


def rc_file(shell: str, env: Mapping[str, str]) -> str:
    """Return the path of the start file of the user's interactive ``bash``, ``zsh`` or ``fish``."""
    if shell == "fish":
        return f"{_base(env, 'XDG_CONFIG_HOME', '.config')}/fish/config.fish"
    place = env.get("ZDOTDIR", "").rstrip("/") if shell == "zsh" else ""
    return f"{place or _home(env)}/.{shell}rc"


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
    """Return the tool's environment: ours, and what tells a program inside which session it is in.

    ``REC_START`` is the start time of the recorder ``pid``, in clock ticks since boot: a shell's
    launcher compares it, since after a while another process may have that number.
    """
    told = {"REC_SESSION": session, "REC_TTY": tty, "REC_PID": str(pid), "REC_NONCE": nonce}
    return {**base, **told, "REC_START": str(procfs.start_time(pid))}


def published(env: Mapping[str, str]) -> dict[str, object]:
    """Return what the recorder around us has last published about itself; nothing if it did not."""
    import json  # no tool waits for it

    path = f"{runtime_dir(env)}/status-{env.get('REC_SESSION', '')}.json"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            told = json.load(file)
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def current_session(env: Mapping[str, str]) -> str | None:
    """Return the ULID of the recorded session that this process runs in, or None.

    The variables alone are no proof: they are inherited by a terminal multiplexer's server, and they
    outlive their recorder. They name its first session; it says itself in which one it has gone on.
    """
    session, tty, pid = (env.get(name, "") for name in ("REC_SESSION", "REC_TTY", "REC_PID"))
    since = procfs.start_time(int(pid)) if pid.isdecimal() else 0
    if not session or not tty or not since or env.get("REC_START", str(since)) != str(since):
        return None
    try:
        device = procfs.device(tty)
    except OSError:
        return None
    if not device or device not in _own_terminals():
        return None
    present = published(env).get("session")
    return present if isinstance(present, str) else session


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


def at_home(path: str | None, env: Mapping[str, str]) -> str | None:
    """Return a path with a leading ``~/`` taken as the home."""
    return _home(env) + path[1:] if path is not None and path.startswith("~/") else path


def decoded(data: bytes, path: str) -> str:
    """Return the text of a file of settings; raises ConfigError."""
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(f"could not use {path}: line {line}: not UTF-8") from error


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
        with open(path, "rb") as file:
            data = file.read(_LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        cause = os.strerror(error.errno or 0).lower()
        raise ConfigError(f"could not read {path}: {cause}") from error
    return decoded(data, path)
