"""The training loop: a generator of events."""

import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any, Literal

import numpy as np

from dlspec.core.arrays import Array
from dlspec.core.constraints import Constraint
from dlspec.core.cost import Cost, LossAndGradient
from dlspec.core.decay import Decay
from dlspec.core.optimizers import Optimizer
from dlspec.data.batches import Batches
from dlspec.data.streamed_batches import StreamedBatches
from dlspec.training.divergence import ADVICE, first_not_finite, not_finite_parameters, sizes_of_parameters
from dlspec.training.events import EpochDone, Event, Reason, RunFinished, RunStarted, StepsDone, TrainingState
from dlspec.training.plateau import Plateau, PlateauState, lowered
from dlspec.training.spikes import SMALLEST_BATCH, SpikeWatch
from dlspec.training.stopping import Best, Watch, after_epoch, is_over

# Signs of life per second; each costs a few microseconds.
STEPS_DONE_EVERY_S = 0.1


class Trainer:
    """Trains one network and says what happens.

    The loop knows no files, no terminal and no settings: whoever iterates over `run()` records,
    writes checkpoints and draws. While an event is being handled the loop stands still. Overflow shows
    as a cost that is no longer finite, which ends the run; NumPy's warnings of it are the caller's to
    silence. A trainer with a `restore`d state goes on as the one that gave it would have: the same bits.

    Args:
        cost: network, parameters, loss and penalties; the parameters are trained in place.
        optimizer: the update rule.
        learning_rate: α0 > 0.
        decay: α from α0 and the time.
        batches: the mini-batches of each epoch.
        epochs: how many, at least 1.
        measure: gives the quantities to record, such as `dev_loss`.
        is_measured: whether it is called after so many epochs; True for the last one, at least.
        watch: which of them tells the best epoch, and when to stop.
        dropout_rng: generator of the dropout masks.
        per: what the decay counts, epochs or steps.
        plateau: when to lower α further, by which of the quantities; None never does.
        before_step: applied to dθ before each step, such as clipping.
        after_step: applied to the weights after each step, such as a limit of their norm.
        say_next: the next step, after a step, at which `StepsDone` is said whatever the clock says; infinity for none.
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
        batches: Batches | StreamedBatches,
        epochs: int,
        measure: Callable[[], Mapping[str, float]],
        watch: Watch,
        dropout_rng: np.random.Generator,
        is_measured: Callable[[int], bool] = lambda epoch: True,  # noqa: ARG005 - the signature
        per: Literal["epoch", "step"] = "epoch",
        plateau: Plateau | None = None,
        before_step: Sequence[Constraint] = (),
        after_step: Sequence[Constraint] = (),
        say_next: Callable[[int], float] = lambda step: math.inf,  # noqa: ARG005 - the signature
        interrupted: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.parameters = cost.parameters
        self.optimizer = optimizer.bind(self.parameters.theta, self.parameters.grad, decayed=self.parameters.decayed)
        self.learning_rate = learning_rate
        self.decay = decay
        self.per = per
        self.plateau = plateau
        self.batches = batches
        self.epochs = epochs
        self.measure = measure
        self.is_measured = is_measured
        self.watch = watch
        self.dropout_rng = dropout_rng
        self._update = _between(
            [constraint.bind(self.parameters) for constraint in before_step],
            self.optimizer.step,
            [constraint.bind(self.parameters) for constraint in after_step],
        )
        self.say_next = say_next
        self.interrupted = interrupted
        self.clock = clock
        self._cost = cost
        self._steps: dict[int, LossAndGradient] = {}
        self._bind_steps(batches.examples)
        self._epoch = self._seen = self._step = 0
        self._sign_of_life = clock() + STEPS_DONE_EVERY_S
        self._plateau_state = PlateauState()
        self._spikes = SpikeWatch()
        self._best = Best()
        self._best_vector = self.parameters.vector.copy()  # never written to: states share it

    def _bind_steps(self, left: int) -> None:
        """Buffers for the batches of so many examples: full ones, and the short last one, over the same θ."""
        for size in {self.batches.batch_size, left % self.batches.batch_size} - {0, *self._steps}:
            self._steps[size] = self._cost.bind(size, rng=self.dropout_rng)

    def state(self) -> TrainingState:
        """A copy of everything that decides the future of the run."""
        at_best = self._seen == 0 < self._best.epoch == self._epoch
        return TrainingState(
            epoch=self._epoch,
            seen=self._seen,
            step=self._step,
            vector=self._best_vector if at_best else self.parameters.vector.copy(),
            optimizer={name: array.copy() for name, array in self.optimizer.state.items()},
            rng=_rng_state(self.dropout_rng),
            best_vector=self._best_vector,
            best_epoch=self._best.epoch,
            best_value=self._best.value,
            waited=self._best.waited,
            best_meets_limits=self._best.meets_limits,
            plateau=self._plateau_state,
            spikes=self._spikes.state(),
        )

    def _shared_state(self) -> Callable[[], TrainingState]:
        """For an event: the state, copied when the first of its watchers asks, and the same copy for all of them."""
        copied: TrainingState | None = None

        def state() -> TrainingState:
            nonlocal copied
            if copied is None:
                copied = self.state()
            return copied

        return state

    def restore(self, state: TrainingState) -> None:
        """Take over a state; every array of it has the shape of this trainer's own.

        The mini-batches may have another size than those of the trainer that gave it: the epoch goes on behind the
        examples it has seen.
        """
        self._epoch, self._seen, self._step = state.epoch, state.seen, state.step
        np.copyto(self.parameters.vector, state.vector)
        for name, array in self.optimizer.state.items():
            np.copyto(array, state.optimizer[name])
        self.dropout_rng.bit_generator.state = dict(state.rng)
        self._best_vector = state.best_vector
        self._best = Best(state.best_epoch, state.best_value, state.waited, state.best_meets_limits)
        self._plateau_state = state.plateau
        self._spikes.restore(state.spikes)
        self._bind_steps(max(0, self.batches.examples - state.seen))

    def run(self) -> Generator[Event, None, None]:
        """Train to the end: `RunStarted`, then `StepsDone` and `EpochDone`, then `RunFinished`."""
        steps_per_epoch = self.batches.steps_per_epoch
        rest = -(-self._seen // self.batches.batch_size)  # steps of the running epoch that are not left
        steps = self._step - rest + (self.epochs - self._epoch) * steps_per_epoch
        yield RunStarted(self.epochs, steps_per_epoch, steps, self._epoch, self._step, self._shared_state())
        while self._epoch < self.epochs and not is_over(self._best, self.watch):
            rate_of = self._rates()
            stop = yield from self._train_epoch(rate_of)
            if stop is None and self.is_measured(self._epoch):
                stop = yield from self._measure_epoch(rate_of(self._step - 1))
            if stop is not None:
                yield stop
                return
        if is_over(self._best, self.watch):
            yield self._finished(
                "early_stopping",
                f"no improvement of {self.watch.monitor} for {self._best.waited} epochs "
                f"(best {self._best.value:.6g} after epoch {self._best.epoch})",
            )
        else:
            yield self._finished("completed", f"{self._epoch} epochs")

    def _measure_epoch(self, rate: float) -> Generator[Event, None, RunFinished | None]:
        """Measure after an epoch whose last step had this α; returns the last event where the run ends by it."""
        quantities = self.measure()
        diverged = self._diverged_in(quantities)
        if diverged is not None:
            return diverged
        self._best = after_epoch(
            self._best,
            self.watch,
            epoch=self._epoch,
            value=quantities[self.watch.monitor],
            meets_limits=self.watch.limits_met(quantities),
        )
        improved = self._best.epoch == self._epoch
        if improved:
            self._best_vector = self.parameters.vector.copy()
        if self.plateau is not None:
            self._plateau_state = lowered(
                self._plateau_state,
                self.plateau,
                learning_rate=self.learning_rate,
                epoch=self._epoch,
                value=quantities[self.plateau.watch.monitor],
            )
        spikes = self._spikes.take()
        # No name for it: its state, a copy of everything, must not outlive it.
        yield EpochDone(self._epoch, self._step, rate, quantities, improved, spikes, self._shared_state())
        self._sign_of_life = self.clock() + STEPS_DONE_EVERY_S
        return None

    def _rates(self) -> Callable[[int], float]:
        """α of the steps of this epoch; a step counts from 0 over the whole run."""
        decay, alpha0, factor = self.decay, self.learning_rate, self._plateau_state.factor
        if self.per == "step":
            total = self.epochs * self.batches.steps_per_epoch
            return lambda step: decay(alpha0, step, total) * factor
        rate = decay(alpha0, self._epoch, self.epochs) * factor
        return lambda step: rate  # noqa: ARG005 - the same for all of them

    def _train_epoch(self, rate_of: Callable[[int], float]) -> Generator[Event, None, RunFinished | None]:
        """The steps left in this epoch; returns the last event where the run ends in their midst."""
        update, steps, interrupted, clock = self._update, self._steps, self.interrupted, self.clock
        # Names looked up once: as `__call__` the watch takes 0.17 µs in place of 0.20, where a step takes 6.
        look, isfinite, m = self._spikes.__call__, math.isfinite, self.batches.examples
        say_at = self.say_next(self._step)
        sign_of_life, measured = self._sign_of_life, self.is_measured(self._epoch + 1)
        with closing(self.batches.epoch(self._epoch, start=self._seen)) as batches:
            for X, Y, w in batches:
                size = len(X)
                loss = steps[size](X, Y, w)
                if not isfinite(loss):
                    return self._diverged_at(loss, X)
                learning_rate = rate_of(self._step)
                self._step = step = self._step + 1
                self._seen += size
                update(learning_rate, step)
                if size >= SMALLEST_BATCH:
                    look(loss, step)
                if interrupted():
                    return self._finished("interrupted", f"stopped after step {step}")
                if step >= say_at or clock() >= sign_of_life:
                    follows = measured and self._seen == m
                    yield StepsDone(self._epoch, step, loss, follows, self._shared_state())
                    say_at = self.say_next(step)
                    sign_of_life = self._sign_of_life = clock() + STEPS_DONE_EVERY_S
        self._epoch += 1
        self._seen = 0
        return None

    def _diverged_at(self, loss: float, X: Array) -> RunFinished:
        found = first_not_finite(self._cost, X)
        where = f"step {self._step + 1} in epoch {self._epoch + 1}"
        message = f"the loss is {loss} at {where}; first in {found.place}"
        return self._finished("diverged", message, found.advice, found.sizes)

    def _diverged_in(self, quantities: Mapping[str, float]) -> RunFinished | None:
        """The last event, where what was measured after an epoch, or a parameter, is not finite."""
        wrong = [f"{name} is {value}" for name, value in quantities.items() if not math.isfinite(value)]
        found = not_finite_parameters(self._cost)
        if not wrong and found is None:
            return None
        where = "" if found is None else f"; first in {found.place}"
        what = wrong[0] if wrong else "a parameter is not finite"
        message = f"{what} after epoch {self._epoch}{where}"
        return self._finished("diverged", message, ADVICE["parameters"], sizes_of_parameters(self._cost))

    def _finished(
        self, reason: Reason, message: str, advice: tuple[str, ...] = (), sizes: tuple[tuple[str, float], ...] = ()
    ) -> RunFinished:
        return RunFinished(reason, self._epoch, self._step, message, self._shared_state(), advice, sizes)


def _between(
    before: Sequence[Callable[[], None]], step: Callable[[float, int], None], after: Sequence[Callable[[], None]]
) -> Callable[[float, int], None]:
    """The step of the optimiser with the constraints around it."""
    if not before and not after:
        return step

    def update(learning_rate: float, t: int) -> None:
        for apply in before:
            apply()
        step(learning_rate, t)
        for apply in after:
            apply()

    return update


def _rng_state(rng: np.random.Generator) -> dict[str, Any]:
    return dict(rng.bit_generator.state)
