"""The training loop: a generator of events."""

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import numpy as np

from dlspec.core.cost import Cost
from dlspec.core.decay import Decay
from dlspec.core.optimizers import Optimizer
from dlspec.data.batches import Batches
from dlspec.training.events import EpochDone, Event, Reason, RunFinished, RunStarted, StepsDone, TrainingState
from dlspec.training.stopping import Best, Watch, after_epoch, is_over

# Signs of life per second; each costs a few microseconds.
STEPS_DONE_EVERY_S = 0.1


class Trainer:
    """Trains one network and says what happens.

    The loop knows no files, no terminal and no settings: whoever iterates over `run()` records,
    writes checkpoints and draws. While an event is being handled the loop stands still. Overflow shows
    as a cost that is no longer finite, which ends the run; NumPy's warnings of it are the caller's to
    silence.

    Args:
        cost: network, parameters, loss and penalties; the parameters are trained in place.
        optimizer: the update rule.
        learning_rate: α0 > 0.
        decay: α by epoch.
        batches: the mini-batches of each epoch.
        epochs: how many, at least 1.
        measure: called after each epoch; gives the quantities to record, such as `dev_loss`.
        watch: which of them tells the best epoch, and when to stop.
        dropout_rng: generator of the dropout masks.
        interrupted: asked after every step; True ends the run after that step.
        clock: seconds; decides only when `StepsDone` is said.
    """

    def __init__(
        self,
        *,
        cost: Cost,
        optimizer: Optimizer,
        learning_rate: float,
        decay: Decay,
        batches: Batches,
        epochs: int,
        measure: Callable[[], Mapping[str, float]],
        watch: Watch,
        dropout_rng: np.random.Generator,
        interrupted: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.parameters = cost.parameters
        self.optimizer = optimizer.bind(self.parameters.theta, self.parameters.grad)
        self.learning_rate = learning_rate
        self.decay = decay
        self.batches = batches
        self.epochs = epochs
        self.measure = measure
        self.watch = watch
        self.dropout_rng = dropout_rng
        self.interrupted = interrupted
        self.clock = clock
        # Every batch has one of two sizes; the short last one has buffers of its own over the same θ.
        sizes = {batches.batch_size, len(batches.X) % batches.batch_size} - {0}
        self._steps = {size: cost.bind(size, rng=dropout_rng) for size in sizes}
        self._epoch = self._batch = self._step = 0
        self._best = Best()
        self._best_theta = self.parameters.theta.copy()

    def state(self) -> TrainingState:
        """A copy of everything that decides the future of the run."""
        return TrainingState(
            epoch=self._epoch,
            batch=self._batch,
            step=self._step,
            theta=self.parameters.theta.copy(),
            optimizer={name: array.copy() for name, array in self.optimizer.state.items()},
            rng=_rng_state(self.dropout_rng),
            best_theta=self._best_theta.copy(),
            best_epoch=self._best.epoch,
            best_value=self._best.value,
            waited=self._best.waited,
        )

    def run(self) -> Iterator[Event]:
        """Train to the end: `RunStarted`, then `StepsDone` and `EpochDone`, then `RunFinished`."""
        yield RunStarted(self.epochs, self.batches.steps_per_epoch, self.state)
        while self._epoch < self.epochs:
            learning_rate = self.decay(self.learning_rate, self._epoch)
            stop = yield from self._train_epoch(learning_rate)
            if stop is not None:
                yield stop
                return
            quantities = self.measure()
            wrong = [name for name, value in quantities.items() if not math.isfinite(value)]
            if wrong:
                yield self._finished("diverged", f"{wrong[0]} is {quantities[wrong[0]]} after epoch {self._epoch}")
                return
            self._best = after_epoch(self._best, self.watch, epoch=self._epoch, value=quantities[self.watch.monitor])
            improved = self._best.epoch == self._epoch
            if improved:
                np.copyto(self._best_theta, self.parameters.theta)
            yield EpochDone(self._epoch, self._step, learning_rate, quantities, improved, self.state)
            if is_over(self._best, self.watch):
                yield self._finished(
                    "early_stopping",
                    f"no improvement of {self.watch.monitor} for {self._best.waited} epochs "
                    f"(best {self._best.value:.6g} after epoch {self._best.epoch})",
                )
                return
        yield self._finished("completed", f"{self._epoch} epochs")

    def _train_epoch(self, learning_rate: float) -> Generator[Event, None, RunFinished | None]:
        """The steps left in this epoch; returns the last event where the run ends in their midst."""
        step, steps, interrupted, clock = self.optimizer.step, self._steps, self.interrupted, self.clock
        sign_of_life = clock() + STEPS_DONE_EVERY_S
        for X, Y in self.batches.epoch(self._epoch, start=self._batch):
            loss = steps[len(X)](X, Y)
            if not math.isfinite(loss):
                where = f"step {self._step + 1} in epoch {self._epoch + 1}"
                return self._finished("diverged", f"the loss is {loss} at {where}")
            self._step += 1
            self._batch += 1
            step(learning_rate, self._step)
            if interrupted():
                return self._finished("interrupted", f"stopped after step {self._step}")
            if clock() >= sign_of_life:
                yield StepsDone(self._epoch, self._step, loss)
                sign_of_life = clock() + STEPS_DONE_EVERY_S
        self._epoch += 1
        self._batch = 0
        return None

    def _finished(self, reason: Reason, message: str) -> RunFinished:
        return RunFinished(reason, self._epoch, self._step, message, self.state)


def _rng_state(rng: np.random.Generator) -> dict[str, Any]:
    return dict(rng.bit_generator.state)
