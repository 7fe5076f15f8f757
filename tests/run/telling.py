"""What a trainer would tell: events of a run of 10 steps per epoch, and a clock for who listens."""

from dataclasses import replace

import numpy as np

from dlspec.training.events import EpochDone, RunFinished, RunStarted, StepsDone, TrainingState


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def state(epoch, *, best_epoch=None, value=1.0):
    """A state whose numbers tell the epoch."""
    return TrainingState(
        epoch=epoch,
        seen=0,
        step=10 * epoch,
        vector=np.full(3, value),
        optimizer={},
        rng={},
        best_vector=np.full(3, 0.5),
        best_epoch=epoch if best_epoch is None else best_epoch,
        best_value=0.25,
        waited=0,
    )


def epoch_done(epoch, *, improved=True, quantities=None, **changes):
    quantities = quantities or {"train_cost": 0.5, "dev_accuracy": 0.75}
    spikes = changes.pop("spikes", ())
    return EpochDone(epoch, 10 * epoch, 0.1 / epoch, quantities, improved, spikes, lambda: state(epoch, **changes))


def finished(reason, epoch, **changes):
    return RunFinished(reason, epoch, 10 * epoch, "why it ended", lambda: state(epoch, **changes))


def steps_done(step, **changes):
    """A step in an epoch of 10 steps of one example each; the tenth is told before the epoch is measured."""
    epoch = (step - 1) // 10
    seen = step - 10 * epoch
    return StepsDone(epoch, step, 0.7, seen == 10, lambda: replace(state(epoch, **changes), step=step, seen=seen))


STARTED = RunStarted(5, 10, 50, 0, 0, lambda: state(0))
