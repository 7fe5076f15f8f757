"""Run directories: how one is made, locked and found again."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dlspec.errors import RunBusyError, RunError, UsageError
from dlspec.run import storage
from dlspec.text import finite

STAMP = "%Y%m%dT%H%M%SZ"
RUN_FILE = "run.json"


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


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the run directory for writing. The kernel frees the lock when its holder dies.

    Raises:
        RunBusyError: another process holds it, or the directory is not writable.
    """
    lock = FileLock(run / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunBusyError(f"{run}: another process{_holder(run)} writes to this run; wait for it or stop it") from None
    except OSError as error:
        raise RunBusyError(f"{run}: cannot be locked: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _holder(run: Path) -> str:
    try:
        process = read_json(run / RUN_FILE).get("process", {})
    except RunError:
        return ""
    return f" (pid {process.get('pid')} on {process.get('host')})"


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
    """
    runs = all_runs(runs_dir)
    if not runs:
        raise UsageError(f"{runs_dir}: no run here yet; start one with: dlspec train CONFIG")
    return max(runs, key=lambda run: (str(read_json(run / RUN_FILE).get("started", "")), run.name))


def all_runs(runs_dir: Path) -> list[Path]:
    """Every run under `runs_dir`, by name."""
    if not runs_dir.is_dir():
        return []
    with os.scandir(runs_dir) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir())
    return [runs_dir / name for name in names if (runs_dir / name / RUN_FILE).is_file()]


def _known(runs_dir: Path) -> str:
    if not all_runs(runs_dir):
        return f" (there are none in {runs_dir})"
    return f" (the newest in {runs_dir} is {latest(runs_dir).name})"


def read_json(path: Path) -> dict[str, Any]:
    """Content of a JSON file of the run.

    Raises:
        RunError: it is missing, unreadable, or no JSON object.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise RunError(f"{path}: is no JSON ({error}); the file is damaged") from error
    if not isinstance(content, dict):
        raise RunError(f"{path}: holds {type(content).__name__}; expected a JSON object; the file is damaged")
    return content


def read_record(run: Path) -> dict[str, Any]:
    """Content of `run.json`.

    Raises:
        RunError: it is missing or damaged.
    """
    record = read_json(run / RUN_FILE)
    for name in ("status", "result", "data"):
        if name not in record:
            raise RunError(f"{run / RUN_FILE}: has no {name!r}; the file is damaged")
    return record


def checkpoint_of(run: Path, parameters: str | None = None) -> tuple[str, Path]:
    """Name and file of a checkpoint of a run.

    Args:
        run: a run directory.
        parameters: `best`, `last`, `snapshot-1`, …; None means the run's own result, and `last` where a run was
            interrupted before its first best epoch.

    Raises:
        RunError: there is none yet.
    """
    record, checkpoints = read_record(run), run / "checkpoints"
    wanted = (parameters,) if parameters else (record["result"], "last")
    for name in wanted:
        if (path := checkpoints / f"{name}.h5").exists():
            return name, path
    raise RunError(f"{checkpoints / wanted[0]}.h5: no checkpoint yet; the run is {record['status']}")


def to_json(content: Any) -> bytes:
    """Text of a JSON file: indented, keys in the order given, null in place of what is not finite."""
    return (json.dumps(finite(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
