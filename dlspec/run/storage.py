"""The only module that writes to disk.

A file appears whole or not at all: its bytes go to a temporary name in the same directory, are
synced to the disk, take their name by one rename, and the directory is synced. Whatever moment a
run dies, a reader finds the old file or the new one. Metrics are appended line by line instead; a
reader takes only lines that end.

Every failure of the system becomes a `RunError` that names the path; a place that is not writable
becomes a `RunBusyError`.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dlspec.errors import RunBusyError, RunError, UsageError

_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


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


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:  # a write may be short
        view = view[os.write(fd, view) :]


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file, replacing an older one of this name in one step.

    Raises:
        RunError: the system refused; the older file, if any, is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _named(path, "write"):
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            try:
                _write_all(fd, data)
                os.fsync(fd)
            finally:
                os.close(fd)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_directory(path.parent)


def make_directory(path: Path) -> bool:
    """Create one directory whose parent exists; False, and nothing touched, where the name is taken.

    Raises:
        RunError: the system refused.
    """
    with _named(path, "create"):
        try:
            path.mkdir()
        except FileExistsError:
            return False
        _sync_directory(path.parent)
    return True


def make_parents(path: Path) -> None:
    """Create a directory and its missing parents; fine where it exists.

    Raises:
        RunError: the system refused, or there is a file of this name.
    """
    with _named(path, "create"):
        path.mkdir(parents=True, exist_ok=True)


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
    """

    def __init__(self, path: Path):
        self.path = path
        with _named(path, "open"):
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)

    def append(self, line: str) -> None:
        """Add one line; the newline is added here.

        Raises:
            RunError: the system refused.
        """
        with _named(self.path, "append"):
            _write_all(self._fd, f"{line}\n".encode())

    def sync(self) -> None:
        """Wait until every line is on the disk.

        Raises:
            RunError: the system refused.
        """
        with _named(self.path, "sync"):
            os.fsync(self._fd)

    def close(self) -> None:
        """Sync and close."""
        try:
            self.sync()
        finally:
            os.close(self._fd)
