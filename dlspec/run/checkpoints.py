"""The checkpoint files of a run: how they are called, which one is the newest, and which ones stay.

`step-00000120.h5` is everything after step 120, `best.h5` the parameters of the best epoch, `snapshot-1.h5` those of
an epoch that was asked for. A file is never changed in place: a reader has the old one or the new one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dlspec.errors import RunError
from dlspec.run import checkpoint, format1, storage
from dlspec.run.checkpoint import Checkpoint
from dlspec.run.record import read_record

DIRECTORY = "checkpoints"
NEWEST = 2  # so many stay while a run goes on: if one is damaged there is the one before

_STEP_FILE = re.compile(r"step-(\d{8,})\.h5")
_TRIES = 20


def step_file(run: Path, step: int) -> Path:
    """The file of the state after a step."""
    return run / DIRECTORY / f"step-{step:08d}.h5"


def step_files(run: Path) -> dict[int, Path]:
    """The files that continue a run, by their step, the newest last."""
    found = {}
    for path in (run / DIRECTORY).glob("step-*.h5"):
        if match := _STEP_FILE.fullmatch(path.name):
            found[int(match[1])] = path
    return dict(sorted(found.items()))


def keep_only(run: Path, *, every_steps: int | None, keep: int, finished: bool) -> None:
    """Remove what no longer serves.

    The newest two stay while the run goes on, and the last one when it has finished; of those after multiples of
    `every_steps` the newest `keep` stay. When the clock writes a file has no influence on what a finished run leaves.

    Raises:
        RunError: the system refused.
    """
    files = step_files(run)
    asked_for = [step for step in files if every_steps is not None and step % every_steps == 0]
    staying = {*asked_for[-keep:], *list(files)[-1 if finished else -NEWEST :]}
    for step, path in files.items():
        if step not in staying:
            storage.remove(path)


def of_run(run: Path, parameters: str | None = None) -> tuple[str, Path]:
    """Name and file of a checkpoint of a run.

    Args:
        run: a run directory.
        parameters: `best`, `last`, `snapshot-1`, `step-00000120`, …; None means the run's own result, and `last`
            where a run was interrupted before its first best epoch.

    Raises:
        RunError: there is none yet.
    """
    record = read_record(run)
    wanted = (parameters,) if parameters else (record["result"], "last")
    for name in wanted:
        if (path := of_name(run, name)).exists():
            return name, path
    raise RunError(f"{of_name(run, wanted[0])}: no checkpoint yet; the run is {record['status']}")


def of_name(run: Path, name: str) -> Path:
    """The file of that name, which may not exist; `last` is the newest of those that continue the run."""
    files = list(step_files(run).values()) if name == "last" else []
    return files[-1] if files else run / DIRECTORY / f"{name}.h5"


def load_of_run(run: Path, parameters: str | None = None) -> tuple[str, Path, Checkpoint]:
    """Name, file and content of a checkpoint, as `of_run` finds it; also while the run goes on.

    Raises:
        RunError: there is none yet, or it is damaged.
    """
    for _ in range(_TRIES - 1):
        files = step_files(run)
        try:
            return _loaded(run, parameters)
        except RunError:
            if step_files(run) == files:
                raise
            # The run has written a newer one since, and removed the one that was found.
    return _loaded(run, parameters)


def _loaded(run: Path, parameters: str | None) -> tuple[str, Path, Checkpoint]:
    name, path = of_run(run, parameters)
    return name, path, checkpoint.load(path)


@dataclass(frozen=True, slots=True)
class Newest:
    """Where a run can go on.

    Attributes:
        path: the newest checkpoint that is whole; None where there is none, and the run starts over.
        checkpoint: its content.
        damaged: files that are newer but damaged, and what is wrong with each.
    """

    path: Path | None
    checkpoint: Checkpoint | None
    damaged: Sequence[tuple[Path, str]]

    @property
    def measured(self) -> bool:
        """Whether an epoch had ended by then, so that there are metrics of it."""
        return self.checkpoint is not None and self.checkpoint.progress.get("epoch") != 0


def newest_sound(run: Path, *, strict: bool = False) -> Newest:
    """The newest checkpoint that is whole, and the damaged ones that were passed over.

    Args:
        run: the run directory.
        strict: pass over none.

    Raises:
        RunError: the newest one is of a newer format, may not be read, or is damaged and `strict`.
    """
    damaged: list[tuple[Path, str]] = []
    for path in (*reversed(step_files(run).values()), *format1.step_files(run)):
        try:
            return Newest(path, checkpoint.load(path), damaged)
        except (checkpoint.NewerFormatError, checkpoint.UnreadableError):
            raise
        except RunError as error:
            if strict:
                raise
            damaged.append((path, str(error)))
    return Newest(None, None, damaged)


def set_aside(path: Path) -> Path:
    """Rename a damaged checkpoint, so that it is kept but never taken for the newest again; gives its new name.

    Raises:
        RunError: the system refused.
    """
    aside = path.with_name(f"damaged-{path.name}")
    storage.rename(path, aside)
    return aside
