"""dlspec, through the real path: experiment file, data file, runner, trainer, recorder and progress."""

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.race.workloads import Workload, data_of
from dlspec import runner, session
from dlspec.cli.progress import Lines
from dlspec.config import loader
from dlspec.data.batches import Batches
from dlspec.preparation import prepare as prepared

OPTIMIZERS = {"sgd": "sgd", "momentum": "momentum", "adam": "adam"}


class TimedBatches:
    """Batches that note when the trainer asks for the next one: a step, its fetch included, lies between two.

    The mean of all steps counts, since one step may gather the examples of several; but for those of the first epoch,
    which touch the memory of the run for the first time. The others keep their network from one measurement to the
    next, or subtract their first epoch.
    """

    def __init__(self, batches: Batches, stamps: list[float]):
        self._batches, self._stamps = batches, stamps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch."""
        if epoch == 0:
            yield from self._batches.epoch(epoch, start=start)
            return
        note, clock = self._stamps.append, time.perf_counter
        note(clock())
        for batch in self._batches.epoch(epoch, start=start):
            yield batch
            note(clock())
        note(np.nan)  # what follows is no step


def experiment(workload: Workload, *, threads: int, steps: int) -> str:
    """The experiment file, beside train.npz and dev.npz."""
    hidden = [
        f"    - {{units: {units}, activation: relu, batch_norm: {str(workload.batch_norm).lower()}}}"
        for units in workload.widths[1:-1]
    ]
    epochs = 1 + -(-steps // workload.steps_per_epoch)
    lines = [
        "data: {train: train.npz, dev: dev.npz, normalize: none}",
        f"threads: {threads}",
        *(["architecture:", "  layers:", *hidden] if hidden else []),
        f"regularization: {{l2: {workload.l2}, keep_prob: {workload.keep_prob}}}",
        f"optimizer: {{name: {workload.optimizer}, learning_rate: 1e-3}}",
        f"batch_size: {'all' if workload.batch == workload.examples else workload.batch}",
        f"training: {{epochs: {epochs}}}",
    ]
    return "\n".join(lines) + "\n"


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:
    """Write the data once; every call is a whole run. Dev is small: the peers have none."""
    folder = tempfile.TemporaryDirectory()  # goes with the process
    place = Path(folder.name)
    X, Y = data_of(workload)
    few = max(20, workload.examples // 100)
    np.savez(place / "train.npz", x=X, y=Y)
    np.savez(place / "dev.npz", x=X[:few], y=Y[:few])

    def run(steps: int) -> list[float]:
        config = Path(folder.name) / "race.yaml"
        config.write_text(experiment(workload, threads=threads, steps=steps))
        stamps: list[float] = []
        real = session.batches_of
        session.batches_of = lambda prepared: TimedBatches(real(prepared), stamps)  # type: ignore[assignment, return-value]
        try:
            with Lines(Console(file=io.StringIO())) as watcher:
                runner.train(prepared(loader.load(config)), runs_dir=place / "runs", watcher=watcher)
        finally:
            session.batches_of = real
        durations = np.diff(stamps)
        return [float(durations[np.isfinite(durations)].mean())]

    return run
