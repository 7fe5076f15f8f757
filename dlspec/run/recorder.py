"""Watchers of a training run that write to its directory: metrics, timings, log and checkpoints."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from dlspec.run import checkpoint, storage
from dlspec.run.checkpoint import Checkpoint
from dlspec.text import finite, printable
from dlspec.training.events import EpochDone, Event, RunFinished, RunStarted, TrainingState

METRICS_FILE = "metrics.jsonl"
TIMINGS_FILE = "timings.jsonl"
LOG_FILE = "log.txt"

# Between two checkpoints while training goes on. What lies between is lost only if the process is
# killed outright; an ordinary end, a signal or a divergence always writes one.
CHECKPOINT_EVERY_S = 10.0


class MetricsRecorder:
    """Appends one line per epoch to `metrics.jsonl`, and the wall clock to `timings.jsonl`.

    The two are kept apart so that the metrics of the same run are the same bytes.

    Args:
        run: the run directory.
        clock: seconds.
    """

    def __init__(self, run: Path, *, clock: Callable[[], float] = time.perf_counter):
        self._metrics = storage.Appender(run / METRICS_FILE)
        self._timings = storage.Appender(run / TIMINGS_FILE)
        self._clock = clock
        self._started = clock()

    def __call__(self, event: Event) -> None:
        """Record the event, if it is one to record."""
        if isinstance(event, RunStarted):
            self._started = self._clock()
        elif isinstance(event, EpochDone):
            row = {"epoch": event.epoch, "step": event.step, "learning_rate": event.learning_rate}
            self._metrics.append(json.dumps(finite({**row, **event.quantities, "improved": event.improved})))
            seconds = round(self._clock() - self._started, 6)
            self._timings.append(json.dumps({"epoch": event.epoch, "step": event.step, "seconds": seconds}))

    def sync(self) -> None:
        """Wait until the metrics are on the disk."""
        self._metrics.sync()

    def close(self) -> None:
        """Sync and close both files."""
        try:
            self._metrics.close()
        finally:
            self._timings.close()


class Log:
    """Writes `log.txt`: what happened and when, one line each, for people.

    Args:
        run: the run directory.
        now: the time.
    """

    def __init__(self, run: Path, *, now: Callable[[], datetime]):
        self._file = storage.Appender(run / LOG_FILE)
        self._now = now

    def say(self, line: str) -> None:
        """Add a line, stamped with the time in UTC."""
        stamp = self._now().astimezone(UTC).isoformat(timespec="seconds")
        self._file.append(f"{stamp} {printable(line)}")

    def __call__(self, event: Event) -> None:
        """Log the start, each new best epoch and the end."""
        if isinstance(event, RunStarted):
            self.say(f"training: {event.epochs} epochs of {event.steps_per_epoch} steps")
        elif isinstance(event, EpochDone) and event.improved:
            numbers = ", ".join(f"{name} {number:.5g}" for name, number in event.quantities.items())
            self.say(f"epoch {event.epoch} is the best so far: {numbers}")
        elif isinstance(event, RunFinished):
            self.say(f"{event.reason} after epoch {event.epoch}, step {event.step}: {event.message}")

    def close(self) -> None:
        """Sync and close the file."""
        self._file.close()


class CheckpointWriter:
    """Writes `checkpoints/last.h5`, `best.h5` and, where asked for, `snapshot-1.h5`, `snapshot-2.h5` and so on.

    `last` continues the run, `best` holds the parameters of the best epoch, a snapshot those of its own. After
    a divergence `last` is the state after the last epoch that was finite.

    Args:
        run: the run directory.
        describe: turns a state into the checkpoint of that content.
        before: called before each checkpoint; syncs the metrics it belongs to.
        snapshots: epochs after which a snapshot is written.
        clock: seconds.
    """

    def __init__(
        self,
        run: Path,
        *,
        describe: Callable[[TrainingState, checkpoint.Content], Checkpoint],
        before: Callable[[], None],
        snapshots: Sequence[int] = (),
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._directory = run / "checkpoints"
        storage.make_directory(self._directory)
        self._describe = describe
        self._before = before
        self._snapshots = {epoch: number for number, epoch in enumerate(snapshots, start=1)}
        self._clock = clock
        self._due = clock() + CHECKPOINT_EVERY_S
        self._finite: TrainingState | None = None
        self._best_written = 0

    def __call__(self, event: Event) -> None:
        """Remember the state, and write it when it is time or the run ends."""
        if isinstance(event, RunStarted):
            self._finite = event.state()
        elif isinstance(event, EpochDone):
            self._finite = event.state()
            if event.epoch in self._snapshots:
                name = f"snapshot-{self._snapshots[event.epoch]}.h5"
                checkpoint.save(self._directory / name, self._describe(self._finite, "snapshot"))
            if self._clock() >= self._due:
                self._write(self._finite)
                self._due = self._clock() + CHECKPOINT_EVERY_S
        elif isinstance(event, RunFinished):
            self._write(self._finite if event.reason == "diverged" and self._finite else event.state())

    def _write(self, state: TrainingState) -> None:
        self._before()
        if state.best_epoch > self._best_written:
            checkpoint.save(self._directory / "best.h5", self._describe(state, "best"))
            self._best_written = state.best_epoch
        checkpoint.save(self._directory / "last.h5", self._describe(state, "last"))
