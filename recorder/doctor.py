"""Whether everything is in order that recording needs: one small examination for each thing.

Returns findings and prints nothing. It never opens the database's files by path (that would drop a
connection's locks) and repairs only what it is told to, and says so: modes of files and of this terminal,
what killed recorders have left.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from recorder import beacon, config, identity, integration, launchers, terminal, trusting
from recorder.errors import RecError, StoreEmpty
from recorder.model import Check
from recorder.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from recorder.settings import Settings
    from recorder.stores.rooted import Rooted
    from recorder.trusted import Repository

LITTLE_SPACE = 64 << 20  # bytes; the queue of one recorder and its commit, twice over
# On these the locks and the shared memory of a database do not hold between hosts.
REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"})
FIXED_SQLITE = (3, 51, 3)  # before it, a WAL may be reset under a reader's feet
OLDEST_PYTHON = (3, 11)
_REMEDIES = {"search index": "rec compact makes it anew"}  # of what a store finds in itself


def examine(root: str | None, env: Mapping[str, str], *, fix: bool) -> list[Check]:
    """Examine everything, repairing what can be if ``fix``; a fault in one thing hides no other."""
    repository = config.repository(env)
    settings, found = _settings(root, env, repository)
    checks = [found, trusting.examine(repository)]
    checks += _directory(settings.root, fix=fix)
    if fix:
        checks += _tidied(settings)
    checks += _store(settings.root)
    checks += _directories(settings.root, fix=fix)
    checks.append(_spill(settings.root))
    checks.append(_space(settings.root))
    checks.append(_file_system(settings.root))
    checks.append(_published(config.runtime_dir(env), fix=fix))
    checks.append(launchers.examine(config.runtime_dir(env), fix=fix))
    checks += integration.examine(env)
    checks.append(_terminal_kind(env))
    checks.append(_terminal_modes(env, fix=fix))
    checks.append(_namesakes(env))
    checks += _versions()
    return [replace(check, fix=None) if check.ok else check for check in checks]


# --- settings, files -------------------------------------------------------------------------


def _settings(
    root: str | None, env: Mapping[str, str], repository: Repository | None
) -> tuple[Settings, Check]:
    """Load the settings; wrong ones are a fault, and the rest is examined with the defaults."""
    path = config.settings_file(env)
    settings, wrong = config.load_to_read(root, env, repository)
    if wrong is not None:
        return settings, Check("settings", ok=False, detail=wrong.message, fix=wrong.advice)
    state = path if os.path.lexists(path) else f"none at {path}"
    return settings, Check("settings", ok=True, detail=state)


def _directory(root: Path, *, fix: bool) -> list[Check]:
    """Examine the root and the files in it: there, ours, and nobody else's to read."""
    try:
        facts = root.lstat()
    except OSError:
        return [Check("root", ok=True, detail=f"{root} is made by the first recording")]
    if not stat.S_ISDIR(facts.st_mode):
        return [Check("root", ok=False, detail=f"{root} is no directory", fix="move it away or set --root")]
    if facts.st_uid != os.geteuid():
        return [Check("root", ok=False, detail=f"{root} belongs to another user", fix="set --root")]
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        return [Check("root", ok=False, detail=f"{root} is not writable", fix=f"chmod 700 {root}")]
    return [Check("root", ok=True, detail=str(root)), _permissions(root, fix=fix)]


def _permissions(root: Path, *, fix: bool) -> Check:
    """Look for what others may read; with ``fix`` they may no longer (links are left alone)."""
    found = [path for path in _everything(root) if _is_open(path)]
    open_ones = found
    if fix:
        for path in found:
            with suppress(OSError):
                path.chmod(0o700 if path.is_dir() else 0o600)
        open_ones = [path for path in found if _is_open(path)]
    if open_ones:
        detail = f"others can read {_some(open_ones)}"
        return Check("permissions", ok=False, detail=detail, fix="rec doctor --fix")
    if found:
        detail = f"fixed: others could read {_some(found)}; now they cannot"
        return Check("permissions", ok=True, detail=detail)
    return Check("permissions", ok=True, detail="nobody else can read the recordings")


def _some(names: Sequence[object]) -> str:
    return ", ".join(map(str, names[:3])) + (", …" if len(names) > 3 else "")


def _everything(root: Path) -> Iterator[Path]:
    yield root
    yield from root.rglob("*")


def _is_open(path: Path) -> bool:
    try:
        facts = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(facts.st_mode) and bool(facts.st_mode & 0o077)


def _space(root: Path) -> Check:
    """Look how much room the disk has for us."""
    place = root
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        facts = os.statvfs(place)
    except OSError as error:
        return Check("disk", ok=False, detail=f"could not ask: {error.strerror}")
    free = facts.f_bavail * facts.f_frsize
    detail = f"{free >> 20} MiB free, {facts.f_favail} files"
    little = free < LITTLE_SPACE or (facts.f_files > 0 and facts.f_favail == 0)
    return Check("disk", ok=not little, detail=detail, fix="make room, or set --root to another disk")


def _file_system(root: Path) -> Check:
    """Look what kind of file system the store is on: some do not honour locks or sync."""
    kind = _mounted_kind(os.path.realpath(root))
    if kind in REMOTE:
        fix = "keep the store on a local disk (--root): locks and syncs do not hold over a network"
        return Check("file system", ok=False, detail=f"{kind}: shared over a network", fix=fix)
    return Check("file system", ok=True, detail=kind or "unknown")


def _mounted_kind(path: str) -> str | None:
    """Return the type of the file system that holds ``path``, by the longest mount point above it."""
    best, kind = "", None
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        _, point, found, *_ = line.split(" ")
        point = point.encode().decode("unicode_escape")  # blanks are written as \040
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


# --- the store -------------------------------------------------------------------------------


def _store(root: Path) -> list[Check]:
    """Open the store and let it examine itself, running hashes of all sessions included."""
    path = root / config.STORE_NAME
    if not os.path.lexists(path):
        return [Check("store", ok=True, detail="empty: nothing was recorded yet")]
    from recorder.stores.rooted import Rooted
    from recorder.stores.sqlite import SqliteStore

    try:
        with closing(Rooted(SqliteStore(path, readonly=True), readonly=True)) as store:
            checks = [Check("store", ok=True, detail=f"{path}, {store.size_bytes() >> 10} KiB")]
            if store.stale:
                checks = [
                    Check("store", ok=False, detail=f"{path} cannot be locked", fix="make room on its disk")
                ]
            checks += [
                Check(
                    f"store: {name}",
                    ok,
                    detail,
                    _REMEDIES.get(name, "copy the store away before anything else"),
                )
                for name, ok, detail in store.check()
            ]
            return [*checks, _writable(path), _interrupted(store)]
    except StoreEmpty:
        return [Check("store", ok=True, detail="empty: nothing was recorded yet")]
    except RecError as error:
        return [Check("store", ok=False, detail=error.message, fix=error.advice)]


def _tidied(settings: Settings) -> list[Check]:
    """Import what was spilled and complete what a dead recorder left; return what was done and what not."""
    from recorder import care
    from recorder.stores.rooted import Rooted
    from recorder.stores.sqlite import SqliteStore

    path = settings.root / config.STORE_NAME
    if not os.path.lexists(path) and not care.waiting(settings.root):
        return []
    try:
        with closing(Rooted(SqliteStore(path))) as store:
            done = care.tidy(store, settings.root, identity.alive, settings.rules)
    except RecError:
        return []  # the store's own check says it
    told = [Check("repair", ok=False, detail=problem, fix=None) for problem in done.problems]
    if done.imported:
        told.append(Check("imported", ok=True, detail=f"fixed: the end of {_some(done.imported)}"))
    if done.recovered:
        told.append(Check("derived", ok=True, detail=f"fixed: the last turn of {_some(done.recovered)}"))
    return told


def _directories(root: Path, *, fix: bool) -> Iterator[Check]:
    """Look for sessions whose directory is gone; with ``fix`` they are forgotten, but for live ones."""
    from recorder.stores.rooted import Rooted
    from recorder.stores.sqlite import SqliteStore

    path = root / config.STORE_NAME
    found: list[tuple[str, str]] = []
    gone: list[str] = []
    with suppress(RecError):  # the store's own check says it
        if not os.path.lexists(path):
            return
        with closing(Rooted(SqliteStore(path, readonly=not fix), readonly=not fix)) as store:
            found = store.missing()
            live = {run.session for run in store.open_invocations() if identity.alive(run.owner)}
            gone = [ulid for ulid, _place in found if fix and ulid not in live and store.forget(ulid)]
    left = [f"{ulid} in {place}" for ulid, place in found if ulid not in gone]
    if gone:
        yield Check("forgotten", ok=True, detail=f"fixed: {_some(gone)}, whose directory is gone")
    if left:
        advice = "bring them back, or rec doctor --fix forgets them (unless live, or forked off)"
        yield Check("session directories", ok=False, detail=f"missing: {_some(left)}", fix=advice)


def _writable(path: Path) -> Check:
    """Look whether a recorder could write: a write transaction that changes nothing."""
    from recorder.stores.sqlite import SqliteStore

    try:
        with closing(SqliteStore(path, busy_ms=1000)) as store:
            store.append([], durable=True)
    except RecError as error:
        return Check("store: writing", ok=False, detail=error.message, fix=error.advice)
    return Check("store: writing", ok=True, detail="ok")


def _interrupted(store: Rooted) -> Check:
    """Count the sessions whose recorder died, and look whether what it left was derived."""
    dead = [one for one in store.open_invocations() if not identity.alive(one.owner)]
    waiting = [one for one in store.open_invocations(unrecovered=True) if not identity.alive(one.owner)]
    if waiting:
        names = ", ".join(one.session for one in waiting[:3])
        return Check(
            "interrupted",
            ok=False,
            detail=f"the last turn of {names} is not derived yet",
            fix="rec doctor --fix",
        )
    return Check("interrupted", ok=True, detail=f"{len(dead)} interrupted, nothing left to derive")


def _spill(root: Path) -> Check:
    """Look for ends of sessions that the store did not take and that are still to be imported."""
    try:
        names = sorted(path.name for path in (root / "spill").iterdir())
    except OSError:
        names = []
    if not names:
        return Check("spill", ok=True, detail="nothing waits to be imported")
    shown = ", ".join(names[:3])
    fix = "rec doctor --fix"
    return Check("spill", ok=False, detail=f"{len(names)} waiting to be imported: {shown}", fix=fix)


def _published(directory: str, *, fix: bool) -> Check:
    """Look for what killed recorders have left in the run-time directory; the next recording removes it."""
    dead = beacon.sweep(directory) if fix else beacon.dead(directory)
    names = _some([os.path.basename(path) for path in dead])
    if not dead:
        return Check("run-time files", ok=True, detail=f"in order, in {directory}")
    if fix:
        return Check("run-time files", ok=True, detail=f"fixed: removed {names}")
    detail = f"left in {directory} by killed recorders, removed by the next recording: {names}"
    return Check("run-time files", ok=True, detail=detail)


# --- the terminal ----------------------------------------------------------------------------


def _terminal_kind(env: Mapping[str, str]) -> Check:
    """Look whether TERM says what the terminal is."""
    name = env.get("TERM", "")
    if name in {"", "dumb"}:
        fix = "set TERM, for example to xterm-256color"
        return Check("TERM", ok=not _has_terminal(), detail=name or "not set", fix=fix)
    return Check("TERM", ok=True, detail=name)


def _terminal_modes(env: Mapping[str, str], *, fix: bool) -> Check:
    """Look whether a killed recorder left the terminal raw."""
    if not _has_terminal():
        return Check("terminal", ok=True, detail="none")
    if fix and terminal.rescue(config.runtime_dir(env), identity.alive):
        return Check("terminal", ok=True, detail="fixed: its modes were left raw and have been put back")
    if fix and terminal.left_raw():  # and nobody noted what they were
        terminal.make_usable()
        raw = terminal.left_raw()
        detail = "its modes were left raw" if raw else "fixed: its modes were left raw; now they are usable"
        return Check("terminal", ok=not raw, detail=detail, fix="stty sane")
    if terminal.left_raw():
        detail = "its modes were left raw"
        return Check("terminal", ok=False, detail=detail, fix="rec doctor --fix, or stty sane")
    return Check("terminal", ok=True, detail="its modes are in order")


def _has_terminal() -> bool:
    return any(os.isatty(fd) for fd in (0, 1, 2))


# --- versions, names -------------------------------------------------------------------------


def _versions() -> Iterator[Check]:
    """Yield a finding for each part whose version decides how well we record."""
    import apsw  # noqa: TID251  (for its version only)

    yield Check("rec", ok=True, detail=f"{VERSION} at {Path(__file__).parent}")
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", sys.version_info >= OLDEST_PYTHON, python, "rec needs Python 3.11 or newer")
    library = apsw.sqlite_lib_version()
    yield Check(
        "sqlite",
        tuple(map(int, library.split("."))) >= FIXED_SQLITE,
        library,
        "install a newer apsw: this SQLite can damage a store that several recorders share",
    )
    for package in ("apsw", "backports.zstd", "prompt-toolkit", "pyte"):
        if package == "backports.zstd" and sys.version_info >= (3, 14):
            yield Check("zstd", ok=True, detail="Python's own")
            continue
        version = _installed(package)
        name = package.removeprefix("backports.")
        yield Check(name, version is not None, version or "not installed", f"pip install {package}")


def _installed(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _namesakes(env: Mapping[str, str]) -> Check:
    """Look for other programs called ``rec`` on the PATH; the first one there is what a shell starts."""
    places = [Path(place) / "rec" for place in env.get("PATH", "").split(os.pathsep) if place]
    # a directory that we may not look into has none that a shell could start
    found = [place for place in places if os.path.isfile(place) and os.access(place, os.X_OK)]
    others = [place for place in found if not _is_us(place)]
    if not others:
        return Check("PATH", ok=True, detail="no other program is called rec")
    other = others[0]
    what = f"{other} is {'SoX’s recorder' if _is_sox(other) else 'another program called rec'}"
    if found[0] != other:
        return Check("PATH", ok=True, detail=f"{what}; ours comes first")
    ours = next((place for place in found if place not in others), None)
    here = ours or Path(sys.argv[0])
    fix = f"put {here.parent} before {other.parent} in PATH, or call {here} by its full name"
    return Check("PATH", ok=False, detail=f"{what}, and a shell starts it instead of ours", fix=fix)


def _is_us(place: Path) -> bool:
    """Say whether a program is this one: our own file, or a launcher that names our package."""
    try:
        if place.resolve() == Path(shutil.which(sys.argv[0]) or sys.argv[0]).resolve():
            return True
        with place.open("rb") as file:
            return b"from recorder" in file.read(4096)
    except OSError:
        return False


def _is_sox(place: Path) -> bool:
    return place.resolve().name.startswith("sox")
