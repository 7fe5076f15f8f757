"""`health.jsonl`: the health of the network before the first step, whenever the steps have doubled, and at the end."""

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlspec.run import storage
from dlspec.text import json_line
from dlspec.training.events import EpochDone, Event, RunFinished, RunStarted, TrainingState
from dlspec.training.health import HealthSampler

HEALTH_FILE = "health.jsonl"

FIRST = 1_000
"""Steps before the second sample; each further one waits until the steps have doubled."""

ENDS = ("completed", "early_stopping")  # of a run, after which the last sample is taken


class HealthRecorder:
    """Appends one line per sampled epoch to `health.jsonl`.

    When it is sampled and what a line says follow from the experiment and the state alone, so that a run that
    goes on writes what it would have written without the interruption.

    Args:
        run: the run directory.
        sampler: looks at the network.
        step: steps done by where the run goes on; lines of later ones are written again.
    """

    def __init__(self, run: Path, *, sampler: HealthSampler, step: int = 0):
        self._sampler = sampler
        self._last: int | None = None  # step of the last sample
        kept = 0
        for length, sample in _rows(run / HEALTH_FILE):
            is_due = sample["step"] == 0 if self._last is None else sample["step"] >= _due_after(self._last)
            if sample["step"] > step or not is_due:  # not due: the sample at the end of a shorter run
                break
            self._last = sample["step"]
            kept += length
        self._due = _due_after(self._last)
        self._file = storage.Appender(run / HEALTH_FILE, length=kept)
        self._synced = True

    def __call__(self, event: Event) -> None:
        """Sample, if the event is the end of an epoch to be sampled, or the beginning or the end of the run."""
        if isinstance(event, EpochDone):
            is_due = event.step >= self._due
        elif isinstance(event, RunStarted):
            is_due = event.step == 0 and self._last is None
        else:
            is_due = isinstance(event, RunFinished) and event.reason in ENDS and event.step != self._last
        if is_due:
            self._sample(event.state())

    def _sample(self, state: TrainingState) -> None:
        self._last, self._due = state.step, _due_after(state.step)
        layers = [layer._asdict() for layer in self._sampler(state)]
        first: dict[str, Any] = {} if state.epoch else {"inputs": self._sampler.inputs()._asdict()}
        self._file.append(json_line({"epoch": state.epoch, "step": state.step, **first, "layers": layers}))
        self._synced = False

    def sync(self) -> None:
        """Wait until every line is on the disk."""
        if not self._synced:
            self._file.sync()
            self._synced = True

    def close(self) -> None:
        """Sync and close the file."""
        self._file.close()


def _due_after(last: int | None) -> float:
    """The step from which on another sample is taken; never at the end of an epoch where the first one is missing."""
    return math.inf if last is None else max(FIRST, 2 * last)


def read_health(run: Path) -> list[dict[str, Any]]:
    """The samples of a run, the first before its first step; none of a run of a dlspec that kept none."""
    return [sample for _, sample in _rows(run / HEALTH_FILE)]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Length and content of each line, up to the first damaged one."""
    with suppress(FileNotFoundError, ValueError, TypeError, KeyError), path.open("rb") as lines:
        for line in lines:
            sample = json.loads(line)
            if not line.endswith(b"\n") or not sample["epoch"] <= sample["step"]:
                return
            yield len(line), sample
