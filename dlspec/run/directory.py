"""Run directories: how one is made, locked and found again."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dlspec.errors import RunBusyError, RunError, UsageError
from dlspec.run import storage
from dlspec.text import finite

STAMP = "%Y%m%dT%H%M%SZ"
RUN_FILE = "run.json"
LOCK_FILE = ".lock"


def create(runs_dir: Path, *, name: str, now: datetime) -> Path:
    """Make a new directory `<UTC stamp>-<name>[-k]`, never one that exists.

    Starts in the same second get -2, -3, …: mkdir either makes a directory or fails, also between
    processes.

    Raises:
        RunError: the runs directory cannot be made or written.
    """
    storage.make_parents(runs_dir)
    stem = f"{now.astimezone(UTC).strftime(STAMP)}-{name}"
    suffix = 1
    while True:
        path = runs_dir / (stem if suffix == 1 else f"{stem}-{suffix}")
        if storage.make_directory(path):
            return path
        suffix += 1


# A reader that asks whether a run is locked holds it for a moment.
LOCK_TIMEOUT_S = 0.5


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the run directory for writing. The kernel frees the lock when its holder dies.

    Raises:
        RunBusyError: another process holds it, or the directory is not writable.
    """
    from filelock import FileLock, Timeout  # only who writes a run locks it

    lock = FileLock(run / LOCK_FILE)
    try:
        lock.acquire(timeout=LOCK_TIMEOUT_S)
    except Timeout:
        raise RunBusyError(f"{run}: another process{_holder(run)} writes to this run; wait for it or stop it") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RunBusyError(f"{run}: cannot be locked: {reason}; make it writable, or work on a copy of it") from error
    try:
        yield
    finally:
        lock.release()


def is_locked(run: Path) -> bool:
    """Whether a living process holds the run; works in a directory that cannot be written."""
    try:
        fd = os.open(run / LOCK_FILE, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _holder(run: Path) -> str:
    try:
        process = read_json(run / RUN_FILE)["process"]
        return f" (pid {process['pid']} on {process['host']})"
    except (RunError, KeyError, TypeError):
        return ""


def find(text: str, *, runs_dir: Path) -> Path:
    """The run directory that a person means: a run directory, any path inside it, or `latest`.

    Raises:
        UsageError: there is no such run.
    """
    if text == "latest" and not _exists(Path(text)):
        return latest(runs_dir)
    path = Path(text)
    if not _exists(path) and _exists(runs_dir / text / RUN_FILE):
        path = runs_dir / text
    if not _exists(path):
        raise UsageError(
            f"{text}: no such run; expected a run directory, a path inside one, or latest{_known(runs_dir)}"
        )
    for candidate in (path, *path.resolve().parents):
        if (candidate / RUN_FILE).is_file():
            return candidate
    raise UsageError(f"{text}: not a run directory: neither it nor a parent holds {RUN_FILE}{_known(runs_dir)}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def latest(runs_dir: Path) -> Path:
    """The newest run under `runs_dir`, by its start.

    Raises:
        UsageError: there is none.
        RunError: one of them is damaged, so that nobody can tell which is the newest.
    """
    runs = all_runs(runs_dir)
    if not runs:
        raise UsageError(f"{runs_dir}: no run here yet; start one with: dlspec train CONFIG")
    return max(runs, key=lambda run: (str(read_json(run / RUN_FILE).get("started", "")), run.name))


def all_runs(runs_dir: Path) -> list[Path]:
    """Every run under `runs_dir`, by name.

    Raises:
        UsageError: the directory cannot be read.
    """
    try:
        if not runs_dir.is_dir():
            return []
        with os.scandir(runs_dir) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{runs_dir}: cannot be looked into: {reason}; check the path and its permissions") from error
    return [runs_dir / name for name in names if (runs_dir / name / RUN_FILE).is_file()]


def _known(runs_dir: Path) -> str:
    try:
        return f" (the newest in {runs_dir} is {latest(runs_dir).name})"
    except UsageError:
        return f" (there are none in {runs_dir})"
    except (RunError, OSError):  # a damaged run is no reason to say less about the one that was named
        return ""


def read_json(path: Path) -> dict[str, Any]:
    """Content of a JSON file of the run.

    Raises:
        RunError: it is missing, unreadable, or no JSON object.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, RecursionError) as error:  # the latter where it opens thousands of brackets
        raise RunError(f"{path}: is no JSON ({error}); the file is damaged") from error
    if not isinstance(content, dict):
        raise RunError(f"{path}: holds {type(content).__name__}; expected a JSON object; the file is damaged")
    return content


def read_row(line: bytes, path: Path) -> dict[str, Any]:
    """A row of `metrics.jsonl` or `timings.jsonl`.

    Raises:
        RunError: it is no JSON object of an epoch.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not {"epoch", "step"} <= row.keys():
        raise RunError(f"{path}: a row is no JSON object of an epoch; the file is damaged; restore it from a copy")
    return row


def to_json(content: Any) -> bytes:
    """Text of a JSON file: indented, keys in the order given, null in place of what is not finite.

    What a terminal would obey is escaped: names come out of data files.
    """
    text = json.dumps(finite(content), indent=2, ensure_ascii=False, allow_nan=False)
    safe = (c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1].replace("\x7f", "\\u007f") for c in text)
    return f"{''.join(safe)}\n".encode()
