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
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from dlspec.errors import RunBusyError, RunError, UsageError

_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
_LEFTOVER = re.compile(r"\..+\.[0-9]+\.tmp")  # of `write_file`: its temporary names


class FileSystem:
    """Every call by which this module changes the disk. Tests put one in its place that counts, fails or forgets.

    Descriptors are those of `os`; every method raises OSError.
    """

    def create(self, path: Path) -> int:
        """Open an empty file for writing; a leftover of this name is emptied."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)  # HDF5 reads what it wrote

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
            raise RunError(f"{path}: cannot {action}: {reason}; {_free(path)}free some space") from error
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(f"{path}: {reason}; choose a shorter one") from error
        if error.errno == errno.EFBIG:
            raise RunError(f"{path}: cannot {action}: {reason}; raise the limit of this shell: ulimit -f") from error
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


def _write_all(fd: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:  # a write may be short
        view = view[filesystem.write(fd, view) :]


@contextlib.contextmanager
def _appearing(path: Path) -> Iterator[int]:
    """A descriptor to write a whole file to, which replaces an older one of this name in one step at the end."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _named(path, "write"):
        fd = filesystem.create(temporary)
        try:
            try:
                yield fd
                filesystem.fsync(fd)
            finally:
                filesystem.close(fd)
            filesystem.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                filesystem.unlink(temporary)
            raise
        filesystem.sync_directory(path.parent)


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file, replacing an older one of this name in one step.

    Raises:
        RunError: the system refused; the older file, if any, is as it was.
    """
    with _appearing(path) as fd:
        _write_all(fd, data)


class _Writer(io.RawIOBase):
    """A descriptor as the file object that h5py and zipfile want: written in any order, without a buffer."""

    def __init__(self, fd: int):
        self._fd = fd

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        _write_all(self._fd, view)
        return len(view)

    def readinto(self, buffer: Any) -> int:
        return os.readv(self._fd, [buffer])

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(self._fd, offset, whence)

    def truncate(self, size: int | None = None) -> int:
        length = self.tell() if size is None else size
        filesystem.truncate(self._fd, length)
        return length


class _Unfailing(_Writer):
    """The same for HDF5, which crashes where a write raises: the first failure is kept, later writes are dropped."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        if self.failure is None:
            try:
                return super().write(data)
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes

    def truncate(self, size: int | None = None) -> int:
        if self.failure is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.failure = error
        return size or 0


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write in parts, which appears whole when the block ends, as with `write_file`, or not at all.

    Nothing is buffered: write large parts.

    Raises:
        RunError: the system refused; the older file, if any, is as it was.
    """
    with _appearing(path) as fd:
        yield cast(BinaryIO, _Writer(fd))


@contextlib.contextmanager
def new_hdf5(path: Path) -> Iterator[Any]:
    """The same for an HDF5 file: yields an `h5py.File`."""
    import h5py  # here, so that only what writes HDF5 pays for it

    with _appearing(path) as fd:
        file = _Unfailing(fd)
        try:
            with h5py.File(file, "w") as content:
                yield content
        finally:
            if file.failure is not None:
                raise file.failure


@contextlib.contextmanager
def new_zip(path: Path) -> Iterator[Callable[[str], contextlib.AbstractContextManager[Any]]]:
    """The same for a ZIP archive, nothing in it packed: yields a function that opens a member to be written."""
    with new_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        yield lambda name: archive.open(name, "w", force_zip64=True)


@contextlib.contextmanager
def new_npz(path: Path) -> Iterator[Callable[[str, Any], None]]:
    """The same for an NPZ file: yields a function that adds an array under a name."""
    import numpy as np

    with new_zip(path) as member:

        def add(name: str, values: Any) -> None:
            with member(f"{name}.npy") as file:
                np.lib.format.write_array(file, np.asanyarray(values), allow_pickle=False)

        yield add


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
        UsageError: `path`, or its nearest existing parent, is no directory; or a name is too long.
        RunBusyError: it is not writable.
    """
    existing = path
    with _named(path, "look"):
        while not (existing.exists() or existing.is_symlink()) and existing != existing.parent:
            existing = existing.parent
    if not existing.is_dir():
        kind = "a link that leads to no directory" if existing.is_symlink() else "a file, not a directory"
        raise UsageError(f"{existing}: is {kind}; choose another place")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise RunBusyError(f"{existing}: not writable; choose a writable place")


class Appender:
    """A file that grows by lines. One `write` call for what is appended, so that lines never mix.

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
        """Add one line, or several with newlines between them; the last newline is added here.

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
