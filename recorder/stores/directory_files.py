"""The files of one session directory, and nothing about what stands in them but how it begins.

All of them are reached through a descriptor of the directory: none is found through a link, and a
directory that is moved or replaced while it is open is noticed. Files are 0600 and directories that we
make 0700. What is let go is overwritten first. Nothing but the names below is ever touched.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import time
from typing import TYPE_CHECKING

from recorder.errors import StoreBusy, StoreMissing
from recorder.stores import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RECORD, EVENTS, RAW = "session.json", "events.jsonl", "raw"
NAMES = (RECORD, EVENTS, RAW)
RECORD_PART, EVENTS_PART = RECORD + files.PART, EVENTS + files.PART
_SEGMENT = re.compile(r"[0-9]{20}")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_WRITE = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TAKEN, _GONE = -1, -2  # by somebody else; by who had it before us and has just left
_WAIT_S = 0.005
_BACK = "put it back"
_PIECE = 1 << 20  # bytes overwritten at once
# What we leave unfinished begins so: overwritten, session.json, or one of its kinds of lines.
_LEFT = (
    b"\0",
    b'{\n "rec": ',
    *(b'{"%s": ' % key for key in (b"session", b"raw", b"erased", b"done", b"activity")),
)


def segment(start: int) -> str:
    """Return the name of the segment whose first byte has this raw offset."""
    return f"{RAW}/{start:020}"


class Files:
    """One directory that is open; close it."""

    def __init__(self, path: Path) -> None:
        """Open ``path``, which must be a directory of ours alone to write; raise StoreMissing."""
        self.path = files.checked_directory(path)
        self._raw: int | None = None
        with files.as_store_errors("open the directory", self.path):
            self._fd = os.open(self.path, _DIRECTORY)
        found = os.fstat(self._fd)
        self._place = found.st_dev, found.st_ino

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in (self._raw, self._fd):
            if fd is not None:
                os.close(fd)
        self._raw = None

    @contextlib.contextmanager
    def locked(self, busy_ms: int) -> Iterator[None]:
        """Keep other writers out; wait ``busy_ms`` for them. The kernel ends the lock of a killed process."""
        deadline = time.monotonic() + busy_ms / 1000
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EINTR):
                    raise StoreMissing(f"could not lock {self.path}: {error.strerror}") from error
            if time.monotonic() >= deadline:
                raise StoreBusy(f"could not write into {self.path}: another process does")
            time.sleep(_WAIT_S)
        try:
            self._check()
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[bool]:
        """Be the only one who may begin here, and say whether we are; the kernel ends a killed one's claim.

        It is a lock on the directory of the segments, as that on ``path`` itself belongs to each writer.
        """
        made, fd = False, _GONE
        while fd == _GONE:
            made = self._make_raw() or made
            fd = self._claim()
        try:
            yield fd >= 0
        finally:
            if fd >= 0:
                if made:
                    with contextlib.suppress(OSError):  # it is in use
                        os.rmdir(RAW, dir_fd=self._fd)
                os.close(fd)

    def _claim(self) -> int:
        """Return a locked descriptor of the segments' directory, or why there is none."""
        with files.as_store_errors("lock", self.path / RAW):
            try:
                fd = os.open(RAW, _DIRECTORY, dir_fd=self._fd)
            except FileNotFoundError:
                return _GONE
            with contextlib.ExitStack() as stack:
                stack.callback(os.close, fd)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return _TAKEN
                if os.fstat(fd).st_nlink == 0:
                    return _GONE
                stack.pop_all()
        return fd

    def _check(self) -> None:
        """Raise StoreMissing when the directory is another by now: nobody would find what we write."""
        try:
            found = os.lstat(self.path)
        except OSError as error:
            raise StoreMissing(f"could not write into {self.path}: it is gone", advice=_BACK) from error
        if (found.st_dev, found.st_ino) != self._place:
            raise StoreMissing(f"could not write into {self.path}: it is another directory now", advice=_BACK)

    # --- reading -----------------------------------------------------------------------------------

    def opened(self, name: str) -> int | None:
        """Return a descriptor to read a file that must be ours; None where there is none."""
        return self._open(name, _READ)

    def read(self, name: str) -> bytes | None:
        """Return a whole file; None where there is none."""
        fd = self.opened(name)
        if fd is None:
            return None
        with os.fdopen(fd, "rb") as file, files.as_store_errors("read", self.path / name):
            return file.read()

    def size(self, name: str) -> int:
        """Return a file's length; 0 where there is none."""
        return self.stamp(name)[0]

    def stamp(self, name: str) -> tuple[int, int]:
        """Return a file's length and when it was written to last (ns); zeros where there is none."""
        fd = self.opened(name)
        if fd is None:
            return 0, 0
        try:
            found = os.fstat(fd)
            return found.st_size, found.st_mtime_ns
        finally:
            os.close(fd)

    def segments(self) -> list[int]:
        """Return the raw offsets at which segments begin, in order."""
        fd = self._raw_fd()
        names = [] if fd is None else os.listdir(fd)
        return sorted(int(name) for name in names if _SEGMENT.fullmatch(name))

    def bytes_used(self) -> int:
        """Return what our files take."""
        names = (RECORD, EVENTS, *map(segment, self.segments()))
        return sum(self.size(name) for name in names)

    # --- writing -----------------------------------------------------------------------------------

    def append(self, name: str, at: int, data: bytes) -> None:
        """Write at ``at`` (bytes), which becomes the file's end; what was behind it is gone."""
        if name.startswith(RAW):
            self._make_raw()
        path = self.path / name
        fd = self._open(name, _WRITE | os.O_CREAT)
        if fd is None:  # only without its directory
            raise StoreMissing(f"could not write {path}: its directory is gone")
        with contextlib.ExitStack() as stack, files.as_store_errors("write", path):
            stack.callback(os.close, fd)
            os.fchmod(fd, 0o600)
            os.ftruncate(fd, at)
            try:
                _write_all(fd, data, at)
            except OSError:
                os.ftruncate(fd, at)
                raise

    def replace(self, name: str, parts: Iterable[bytes], *, erasing: bool = False) -> None:
        """Write a file anew, whole and synced or not at all; ``erasing`` overwrites its former bytes.

        Who reads those at that moment finds zeros, so a file is not overwritten without need.
        """
        if name.startswith(RAW):
            self._make_raw()
        part = name + files.PART
        old = self._open(name, _WRITE) if erasing else None
        with contextlib.ExitStack() as stack, files.as_store_errors("write", self.path / name):
            if old is not None:
                stack.callback(os.close, old)
            self._refuse_foreign(part)
            self.remove(part)
            fd = self._open(part, _WRITE | os.O_CREAT | os.O_EXCL)
            if fd is None:
                raise StoreMissing(f"could not write {self.path / name}: its directory is gone")
            stack.callback(os.close, fd)
            os.fchmod(fd, 0o600)
            at = 0
            for each in parts:
                _write_all(fd, each, at)
                at += len(each)
            os.fsync(fd)
            dir_fd, base = self._split(name)
            os.rename(base + files.PART, base, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            os.fsync(dir_fd)
            if old is not None:
                _overwrite(old, 0)

    def cut(self, name: str, at: int) -> None:
        """End a file at ``at`` (bytes), what is behind it overwritten; at 0 it is removed."""
        fd = self._open(name, _WRITE)
        if fd is None:
            return
        with contextlib.ExitStack() as stack, files.as_store_errors("erase", self.path / name):
            stack.callback(os.close, fd)
            if at > 0 and os.fstat(fd).st_size <= at:
                return
            _overwrite(fd, at)
            os.ftruncate(fd, at)
            os.fsync(fd)
            if at == 0:
                dir_fd, base = self._split(name)
                os.unlink(base, dir_fd=dir_fd)

    def remove(self, name: str) -> None:
        """Overwrite and remove a file, if it is there."""
        self.cut(name, 0)

    def clean(self) -> None:
        """Remove what a killed process had not finished; a file of somebody else's stays."""
        for name in (RECORD_PART, EVENTS_PART, *self.unfinished()):
            if not self.is_foreign(name):
                self.remove(name)

    def unfinished(self) -> list[str]:
        """Return the names of segments that a killed process had not finished."""
        fd = self._raw_fd()
        names = [] if fd is None else os.listdir(fd)
        parts = [name for name in names if name.endswith(files.PART)]
        return [f"{RAW}/{name}" for name in parts if _SEGMENT.fullmatch(name.removesuffix(files.PART))]

    def is_foreign(self, part: str) -> bool:
        """Say whether what is called as our unfinished files is somebody else's; bytes of a tool are ours."""
        if part.startswith(RAW):
            return False
        fd = self.opened(part)
        if fd is None:
            return False
        try:
            head = os.pread(fd, 64, 0)
            return bool(head) and not head.startswith(_LEFT)
        finally:
            os.close(fd)

    def _refuse_foreign(self, part: str) -> None:
        """Raise StoreMissing where somebody else's file has the name that ours is to have."""
        if self.is_foreign(part):
            raise StoreMissing(
                f"could not write into {self.path}: a file called {part} is there, and none of ours",
                advice="move it away",
            )

    def remove_all(self) -> None:
        """Remove every file of ours, the record last; and the directories that are empty then."""
        self._refuse_foreign(RECORD_PART)
        self.clean()
        for start in self.segments():
            self.remove(segment(start))
        self.remove(EVENTS)
        with contextlib.suppress(OSError):
            os.rmdir(RAW, dir_fd=self._fd)
        with contextlib.suppress(FileNotFoundError):  # never a record of zeros: it says whose the rest is
            os.rename(RECORD, RECORD_PART, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self.remove(RECORD_PART)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def sync(self, names: Iterable[str]) -> None:
        """Bring files and their names to the disk."""
        for name in names:
            fd = self._open(name, _READ)
            if fd is not None:
                with contextlib.ExitStack() as stack, files.as_store_errors("sync", self.path / name):
                    stack.callback(os.close, fd)
                    os.fsync(fd)
        with files.as_store_errors("sync", self.path):
            for fd in (self._raw, self._fd):
                if fd is not None:
                    os.fsync(fd)

    # --- descriptors -------------------------------------------------------------------------------

    def _split(self, name: str) -> tuple[int, str]:
        """Return the directory that holds a file, and its name there."""
        head, _, base = name.rpartition("/")
        fd = self._raw_fd() if head else self._fd
        if fd is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return fd, base

    def _open(self, name: str, flags: int) -> int | None:
        """Open a file that is regular, ours and has one name; None where there is none."""
        path = self.path / name
        with files.as_store_errors("open", path):
            try:
                dir_fd, base = self._split(name)
                fd = os.open(base, flags, 0o600, dir_fd=dir_fd)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise files.a_link(path) from error
                raise
        try:
            files.check(path, os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _raw_fd(self) -> int | None:
        """Return a descriptor of the segments' directory; None where there is none yet."""
        if self._raw is not None and os.fstat(self._raw).st_nlink == 0:
            os.close(self._raw)
            self._raw = None
        if self._raw is None and RAW in os.listdir(self._fd):
            files.checked_directory(self.path / RAW)
            with files.as_store_errors("open the directory", self.path / RAW):
                self._raw = os.open(RAW, _DIRECTORY, dir_fd=self._fd)
        return self._raw

    def _make_raw(self) -> bool:
        """Make the segments' directory if it is missing; say whether it was."""
        if self._raw_fd() is not None:
            return False
        with files.as_store_errors("create the directory", self.path / RAW):
            try:
                os.mkdir(RAW, 0o700, dir_fd=self._fd)
            except FileExistsError:  # somebody was faster
                return False
            os.chmod(RAW, 0o700, dir_fd=self._fd)
        return True


def _write_all(fd: int, data: bytes, at: int) -> None:
    rest = memoryview(data)
    while rest:
        size = os.pwrite(fd, rest, at)
        rest, at = rest[size:], at + size


def _overwrite(fd: int, start: int) -> None:
    """Put zeros where bytes were, from ``start`` on, and sync them."""
    end = os.fstat(fd).st_size
    for at in range(start, end, _PIECE):
        _write_all(fd, bytes(min(_PIECE, end - at)), at)
    if end > start:
        os.fsync(fd)
