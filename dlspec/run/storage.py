"""The only module that writes to disk.

A file appears whole or not at all: its bytes go to a temporary name in the same directory, are
synced to the disk, take their name by one rename, and the directory is synced. Whatever moment a
run dies, a reader finds the old file or the new one. Metrics are appended line by line instead; a
reader takes only lines that end.

What is synced when is what a run survives: a name lasts once its directory is synced, bytes last once
their file is. Taking a name away needs no sync, because an old file that comes back after a power loss
is whole and harms nobody.

Every failure of the system becomes a `RunError` that names the path; a place that is not writable
becomes a `RunBusyError`.
"""

import contextlib
import errno
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlspec.errors import RunBusyError, RunError, UsageError

_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
_LEFTOVER = re.compile(r"\..+\.[0-9]+\.tmp")  # what `_temporary` gives


class FileSystem:
    """Every call by which this module changes the disk. Tests put one in its place that counts, fails or forgets.

    Descriptors are those of `os`; every method raises OSError.
    """

    def create(self, path: Path) -> int:
        """Open an empty file for writing, and reading back; a leftover of this name is emptied."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

    def open_append(self, path: Path) -> int:
        """Open a file, made when missing, whose end every write goes to."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)

    def write(self, fd: int, data: memoryview) -> int:
        """Write some of the bytes; returns how many."""
        return os.write(fd, data)

    def truncate(self, fd: int, length: int) -> None:
        """Cut a file to its first `length` bytes."""
        os.ftruncate(fd, length)

    def fsync(self, fd: int) -> None:
        """Wait until the bytes of a file are on the disk; its name may not be."""
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """Free a descriptor."""
        os.close(fd)

    def replace(self, old: Path, new: Path) -> None:
        """Give a file another name, in one step, and take that name from whatever had it."""
        old.replace(new)

    def unlink(self, path: Path) -> None:
        """Take away a file's name."""
        path.unlink()

    def mkdir(self, path: Path) -> None:
        """Make a directory whose parent exists."""
        path.mkdir()

    def sync_directory(self, path: Path) -> None:
        """Wait until the names in a directory are on the disk."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


filesystem = FileSystem()


@contextlib.contextmanager
def _named(path: Path, action: str) -> Iterator[None]:
    """Say which path could not be written, why, and what would help."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if error.errno in _NOT_WRITABLE:
            raise RunBusyError(f"{path}: cannot {action}: {reason}; choose a writable place") from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunError(
                f"{path}: cannot {action}: {reason}; {_free(path)}free some space and start again"
            ) from error
        if error.errno == errno.ENOTDIR:
            raise RunError(f"{path}: cannot {action}: a part of this path is a file, not a directory") from error
        if error.errno == errno.ENOENT:
            raise RunError(f"{path}: cannot {action}: the directory is gone; was it moved or removed?") from error
        raise RunError(f"{path}: cannot {action}: {reason}") from error


def _free(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(path.parent).free / 1e6:.1f} MB are free; "
    except OSError:
        return ""


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _write_all(fd: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:  # a write may be short
        view = view[filesystem.write(fd, view) :]


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file, replacing an older one of this name in one step.

    Raises:
        RunError: the system refused; the older file, if any, is as it was.
    """
    temporary = _temporary(path)
    with _named(path, "write"):
        fd = filesystem.create(temporary)
        try:
            try:
                _write_all(fd, data)
                filesystem.fsync(fd)
            finally:
                filesystem.close(fd)
            filesystem.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                filesystem.unlink(temporary)
            raise
        filesystem.sync_directory(path.parent)


def sweep(directory: Path) -> None:
    """Remove what `write_file` left behind where a process was killed; fine where there is no such directory.

    Only for who holds the run's lock: the temporary of a living process looks the same.

    Raises:
        RunError: the system refused.
    """
    with _named(directory, "sweep"):
        leftovers = [path for path in directory.glob(".*.tmp") if _LEFTOVER.fullmatch(path.name)]
    for path in sorted(leftovers):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file; fine where it is missing. It may come back, whole, after a power loss.

    Raises:
        RunError: the system refused.
    """
    with _named(path, "remove"), contextlib.suppress(FileNotFoundError):
        filesystem.unlink(path)


def rename(old: Path, new: Path) -> None:
    """Give a file another name in its directory, in one step; a file of that name is replaced.

    Raises:
        RunError: the system refused.
    """
    with _named(old, f"rename to {new.name}"):
        filesystem.replace(old, new)
        filesystem.sync_directory(new.parent)


def make_directory(path: Path) -> bool:
    """Create one directory whose parent exists; False, and nothing touched, where the name is taken.

    Raises:
        RunError: the system refused.
    """
    with _named(path, "create"):
        try:
            filesystem.mkdir(path)
        except FileExistsError:
            return False
        filesystem.sync_directory(path.parent)
    return True


def make_parents(path: Path) -> None:
    """Create a directory and its missing parents; fine where it exists.

    Raises:
        RunError: the system refused, or there is a file of this name.
    """
    with _named(path, "create"):
        missing = [each for each in (path, *path.parents) if not each.is_dir()]
        for each in reversed(missing):
            if not make_directory(each) and not each.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def check_writable(path: Path) -> None:
    """Ask, without writing, whether a directory can be created or filled here.

    Raises:
        UsageError: `path`, or its nearest existing parent, is no directory.
        RunBusyError: it is not writable.
    """
    existing = path
    with _named(path, "look"):
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
    if not existing.is_dir():
        raise UsageError(f"{existing}: is a file, not a directory; choose another place")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise RunBusyError(f"{existing}: not writable; choose a writable place")


class Appender:
    """A file that grows line by line. One `write` call per line, so that lines never mix.

    Args:
        path: the file; created when missing.
        length: bytes to keep of an older file; None keeps every line that ends, since half a line is all that a
            process leaves that dies in its midst.

    Attributes:
        size: bytes of all lines so far.

    Raises:
        RunError: the system refused, or the file is shorter than `length`.
    """

    def __init__(self, path: Path, *, length: int | None = None):
        self.path = path
        with _named(path, "open"):
            found = path.read_bytes() if path.exists() else b""
            self.size = found.rfind(b"\n") + 1 if length is None else length
            if self.size > len(found):
                raise RunError(
                    f"{path}: has {len(found)} bytes, expected at least {length}; its end was lost or it is "
                    "another file; restore it from a copy"
                )
            self._fd = filesystem.open_append(path)
            try:
                if self.size < len(found):
                    filesystem.truncate(self._fd, self.size)
                filesystem.sync_directory(path.parent)
            except BaseException:
                filesystem.close(self._fd)
                raise

    def append(self, line: str) -> None:
        """Add one line; the newline is added here.

        Raises:
            RunError: the system refused.
        """
        data = f"{line}\n".encode()
        with _named(self.path, "append"):
            _write_all(self._fd, data)
        self.size += len(data)

    def sync(self) -> None:
        """Wait until every line is on the disk.

        Raises:
            RunError: the system refused.
        """
        with _named(self.path, "sync"):
            filesystem.fsync(self._fd)

    def close(self) -> None:
        """Sync and close.

        Raises:
            RunError: the system refused; the file is closed all the same.
        """
        try:
            self.sync()
        finally:
            with _named(self.path, "close"):
                filesystem.close(self._fd)


class NewFile(io.FileIO):
    """A file that is being written and does not have its name yet, see `new_file`; it can be read back.

    The first failure is raised and remembered. After it nothing is written any more, and that is no error, so that
    libraries can let go of the file: HDF5 writes when it closes.

    Args:
        path: its name to be.
        fd: of the file; it stays open.
    """

    def __init__(self, path: Path, fd: int):
        super().__init__(fd, "r+", closefd=False)
        self._path = path
        self._failure: RunError | None = None

    def write(self, data: Any) -> int:
        """Write all of the bytes."""
        view = memoryview(data).cast("B")
        if self._failure is None:
            with self._remembered():
                _write_all(self.fileno(), view)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Cut, or lengthen, the file."""
        length = self.tell() if size is None else size
        if self._failure is None:
            with self._remembered():
                filesystem.truncate(self.fileno(), length)
        return length

    def sync(self) -> None:
        """Wait until everything is on the disk; raises what failed before, which a library may have kept to itself."""
        if self._failure is not None:
            raise self._failure
        with self._remembered():
            filesystem.fsync(self.fileno())

    @contextlib.contextmanager
    def _remembered(self) -> Iterator[None]:
        try:
            with _named(self._path, "write"):
                yield
        except RunError as error:
            self._failure = error
            raise


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[NewFile]:
    """A file to be written in parts, for what does not fit into memory: it appears whole at the end of the block.

    Where the block ends by an exception, nothing appears, and an older file of this name is as it was.

    Raises:
        RunError: the system refused.
    """
    temporary = _temporary(path)
    with _named(path, "write"):
        fd = filesystem.create(temporary)
    try:
        try:
            with NewFile(path, fd) as file:
                yield file
                file.sync()
        finally:
            with _named(path, "write"):
                filesystem.close(fd)
        with _named(path, "write"):
            filesystem.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            filesystem.unlink(temporary)
        raise
    with _named(path, "write"):
        filesystem.sync_directory(path.parent)
