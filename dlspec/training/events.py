"""What the trainer says while it works. Watchers read these and cannot reach back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dlspec.core.arrays import Array
from dlspec.training.plateau import PlateauState
from dlspec.training.spikes import Spike, SpikeState

Reason = Literal["completed", "early_stopping", "interrupted", "diverged"]


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Everything that decides the future of a run, copied out of the trainer.

    Attributes:
        epoch: completed epochs.
        seen: examples of the epoch after those that the steps so far have seen.
        step: steps done in all; t of the optimisers.
        vector: θ and the statistics (P + S,), see `Parameters`.
        optimizer: running averages by name, each (P,).
        rng: state of the generator of the dropout masks.
        best_vector: the same of the best epoch so far.
        best_epoch: number of that epoch, 0 before the first.
        best_value: its monitored value, None before the first.
        waited: epochs from it to the last one that was measured.
        plateau: how far the learning rate has been lowered, and what is waited for.
        spikes: the usual loss, and the spikes since the last epoch that was measured.
        best_meets_limits: whether the best epoch meets the limits of the watch.
    """

    epoch: int
    seen: int
    step: int
    vector: Array
    optimizer: Mapping[str, Array]
    rng: Mapping[str, Any]
    best_vector: Array
    best_epoch: int
    best_value: float | None
    waited: int
    plateau: PlateauState = PlateauState()  # noqa: RUF009 - frozen
    spikes: SpikeState = SpikeState()  # noqa: RUF009 - frozen
    best_meets_limits: bool = True


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Before the first step, or the first one of a resumed run."""

    epochs: int
    steps_per_epoch: int
    steps: int  # of the whole run, if nothing ends it earlier
    epoch: int  # completed epochs
    step: int  # steps done in all
    state: Callable[[], TrainingState]


@dataclass(frozen=True, slots=True)
class StepsDone:
    """A sign of life, some times a second and after the steps that were asked for."""

    epoch: int  # completed epochs
    step: int  # steps done in all
    loss: float  # of the last mini-batch
    epoch_done_follows: bool  # after the last step of an epoch that will be measured
    state: Callable[[], TrainingState]


@dataclass(frozen=True, slots=True)
class EpochDone:
    """An epoch is complete and measured. Epochs that are not measured end without a word."""

    epoch: int  # completed epochs, this one included
    step: int
    learning_rate: float  # of its last step
    quantities: Mapping[str, float]  # train_cost, train_loss, …, dev_cost, …
    improved: bool
    spikes: tuple[Spike, ...]  # steps whose loss was far above the usual, since the last epoch that was measured
    state: Callable[[], TrainingState]


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The last event. After `diverged` the state holds the numbers that are no longer finite."""

    reason: Reason
    epoch: int
    step: int
    message: str
    state: Callable[[], TrainingState]
    advice: tuple[str, ...] = ()  # what to try after a divergence
    sizes: tuple[tuple[str, float], ...] = ()  # what led to it, see `Divergence`


Event = RunStarted | StepsDone | EpochDone | RunFinished
