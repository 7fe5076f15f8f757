"""Watchers of a training run that write to its directory: metrics, timings, log and checkpoints."""

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.run import checkpoint, checkpoints, storage
from dlspec.run.checkpoint import Checkpoint
from dlspec.run.lines import Lines
from dlspec.text import json_line, printable
from dlspec.training.events import EpochDone, Event, RunFinished, RunStarted, StepsDone, TrainingState

METRICS_FILE = "metrics.jsonl"
TIMINGS_FILE = "timings.jsonl"
LOG_FILE = "log.txt"


class MetricsRecorder:
    """Appends one line per measured epoch to `metrics.jsonl`, and the wall clock to `timings.jsonl`.

    The two are kept apart so that the metrics of the same run are the same bytes.

    Args:
        run: the run directory.
        segment: number of the segment that the rows belong to.
        keep: bytes of the metrics to keep, for a run that goes on; what follows them is cut off.
        clock: seconds.
    """

    def __init__(self, run: Path, *, segment: int = 1, keep: int = 0, clock: Callable[[], float] = time.perf_counter):
        self._metrics = Lines(run / METRICS_FILE, length=keep, clock=clock)
        with ExitStack() as opened:
            opened.callback(self._metrics.close)
            timings = _lines(run / TIMINGS_FILE)[: len(_lines(run / METRICS_FILE))]
            self._timings = Lines(run / TIMINGS_FILE, length=sum(map(len, timings)), clock=clock)
            opened.pop_all()
        self._segment = segment
        self._clock = clock
        self._started = clock()
        self._before = _seconds_in(timings[-1]) if timings else 0.0

    def __call__(self, event: Event) -> None:
        """Record the event, if it is one to record."""
        if isinstance(event, EpochDone):
            row = {
                "epoch": event.epoch,
                "step": event.step,
                "segment": self._segment,
                "learning_rate": event.learning_rate,
                **event.quantities,
                "improved": event.improved,
                "spikes": [asdict(spike) for spike in event.spikes],
            }
            self._metrics.append(json_line(row))
            seconds = round(self._before + self._clock() - self._started, 6)
            self._timings.append(f'{{"epoch": {event.epoch}, "step": {event.step}, "seconds": {seconds}}}')
        elif isinstance(event, StepsDone):
            self._metrics.write()
            self._timings.write()
        elif isinstance(event, RunStarted):
            self._started = self._clock()

    def sync(self) -> int:
        """Wait until the metrics and timings are on the disk; gives the bytes of the metrics."""
        self._timings.sync()
        return self._metrics.sync()

    def close(self) -> None:
        """Sync and close both files."""
        try:
            self._metrics.close()
        finally:
            self._timings.close()


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """The rows of `metrics.jsonl`, one per measured epoch."""
    return [json.loads(line) for line in _lines(run / METRICS_FILE)]


def _lines(path: Path) -> list[bytes]:
    """The whole lines of a file; none where there is no such file."""
    try:
        return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    except FileNotFoundError:
        return []


def _seconds_in(line: bytes) -> float:
    """The time at a row of the timings; 0 where it is damaged, since a lost clock keeps no run from going on."""
    try:
        return float(json.loads(line)["seconds"])
    except (ValueError, TypeError, KeyError):
        return 0.0


class Log:
    """Writes `log.txt`: what happened and when, one line each, for people.

    Args:
        run: the run directory.
        now: the time.
        clock: seconds; decides only when lines are written.
    """

    def __init__(self, run: Path, *, now: Callable[[], datetime], clock: Callable[[], float] = time.perf_counter):
        self._file = Lines(run / LOG_FILE, clock=clock)
        self._now = now

    def say(self, line: str) -> None:
        """Add a line, stamped with the time in UTC."""
        stamp = self._now().astimezone(UTC).isoformat(timespec="seconds")
        self._file.append(f"{stamp} {printable(line)}")

    def __call__(self, event: Event) -> None:
        """Log the start, each new best epoch, loss spikes and the end."""
        if isinstance(event, EpochDone):
            for spike in event.spikes:
                self.say(f"loss spike at step {spike.step}: {spike.loss:.5g}, usual is {spike.usual:.5g}")
            if event.improved:
                numbers = ", ".join([f"{name} {number:.5g}" for name, number in event.quantities.items()])
                self.say(f"epoch {event.epoch} is the best so far: {numbers}")
        elif isinstance(event, RunStarted):
            resumed = f", resumed after epoch {event.epoch}, step {event.step}" if event.step else ""
            self.say(f"training: {event.epochs} epochs of {event.steps_per_epoch} steps{resumed}")
        elif isinstance(event, RunFinished):
            self.say(f"{event.reason} after epoch {event.epoch}, step {event.step}: {event.message}")
        else:
            self.write()

    def write(self) -> None:
        """Write what is waiting."""
        self._file.write()

    def close(self) -> None:
        """Sync and close the file."""
        self._file.close()


class CheckpointWriter:
    """Writes `checkpoints/step-00000120.h5`, `best.h5` and, where asked for, `snapshot-1.h5` and so on.

    A step's file continues the run, `best` holds the parameters of the best epoch, a snapshot those of its own. One is
    written when so many steps or seconds have passed and when the run ends; what lies between is lost, and trained
    again, only if the process is killed outright. After a divergence the newest is the last finite state known.

    Args:
        run: the run directory.
        describe: turns a state into the checkpoint of that content; its last argument is the bytes of the metrics.
        sync: called before each checkpoint; syncs the metrics it belongs to and gives their bytes.
        every_steps: steps between two checkpoints; None leaves it to the clock.
        every_seconds: seconds between two checkpoints; None leaves it to the steps.
        keep: how many of those by steps stay.
        snapshots: epochs after which a snapshot is written.
        clock: seconds.
    """

    def __init__(
        self,
        run: Path,
        *,
        describe: Callable[[TrainingState, checkpoint.Content, int], Checkpoint],
        sync: Callable[[], int],
        every_steps: int | None = None,
        every_seconds: float | None = 10.0,
        keep: int = 2,
        snapshots: Sequence[int] = (),
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._run = run
        storage.make_directory(run / checkpoints.DIRECTORY)
        self._describe = describe
        self._sync = sync
        self._every_steps = every_steps
        self._every_seconds = math.inf if every_seconds is None else every_seconds
        self._keep = keep
        self._snapshots = {epoch: number for number, epoch in enumerate(snapshots, start=1)}
        self._clock = clock
        self._due = clock() + self._every_seconds
        self._finite: TrainingState | None = None
        self._best_written = 0
        self._newest = (-1, 0)  # step of the newest file, and the examples of its epoch seen

    def __call__(self, event: Event) -> None:
        """Remember the state, and write it when it is time or the run ends."""
        if isinstance(event, EpochDone):
            self._finite = None  # before the next is copied: of a large network two are too many
            self._finite = event.state()
            if event.epoch in self._snapshots:
                name = f"snapshot-{self._snapshots[event.epoch]}.h5"
                snapshot = self._describe(self._finite, "snapshot", 0)
                checkpoint.save(self._run / checkpoints.DIRECTORY / name, snapshot)
            if self._is_time(event.step):
                self._write(self._finite)
        elif isinstance(event, StepsDone):
            if self._is_time(event.step) and not event.epoch_done_follows:
                self._write(event.state())
        elif isinstance(event, RunStarted):
            self._finite = event.state()
        elif event.reason != "diverged":
            self._finite = None
            self._write(event.state(), finished=event.reason != "interrupted")
        elif self._finite is not None and self._finite.step > self._newest[0]:
            self._write(self._finite)

    def _is_time(self, step: int) -> bool:
        return self._clock() >= self._due or (self._every_steps is not None and step % self._every_steps == 0)

    def _write(self, state: TrainingState, *, finished: bool = False) -> None:
        if not np.isfinite(state.vector).all():  # diverging: the step that shows it is still to come
            return
        if self._newest != (state.step, state.seen):
            self._save(state)
        checkpoints.keep_only(self._run, every_steps=self._every_steps, keep=self._keep, finished=finished)
        self._due = self._clock() + self._every_seconds

    def _save(self, state: TrainingState) -> None:
        metrics_bytes = self._sync()
        if state.best_epoch > self._best_written:
            best = self._describe(state, "best", metrics_bytes)
            checkpoint.save(self._run / checkpoints.DIRECTORY / "best.h5", best)
            self._best_written = state.best_epoch
        checkpoint.save(checkpoints.step_file(self._run, state.step), self._describe(state, "last", metrics_bytes))
        self._newest = (state.step, state.seen)
