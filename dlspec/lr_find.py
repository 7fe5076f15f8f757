"""The range test of the learning rate on an experiment. It leaves no trace: no run, no file, no state of a generator.

test = dlspec.lr_find.run(dlspec.preparation.prepare(loaded))
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dlspec import builder
from dlspec.analysis import range_test
from dlspec.analysis.range_test import Suggestion
from dlspec.core.arrays import Array
from dlspec.core.cost import Cost
from dlspec.core.randomness import stream
from dlspec.preparation import Prepared
from dlspec.run.environment import numerics
from dlspec.stepper import stepper

LOW, HIGH, STEPS = 1e-6, 10.0, 200
PROBE = 512


@dataclass(frozen=True, slots=True, eq=False)
class RangeTest:
    """What a range test found.

    Attributes:
        rates: α of each step.
        losses: on the probe before each step.
        smoothed: the same, smoothed; shorter by the last one where that is not finite.
        examples: of the probe.
        suggestion: what α to take.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    smoothed: Sequence[float]
    examples: int
    suggestion: Suggestion


def run(
    prepared: Prepared,
    *,
    low: float = LOW,
    high: float = HIGH,
    steps: int = STEPS,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the signature
) -> RangeTest:
    """Train from the start values with a learning rate that rises from step to step, until the loss diverges.

    The loss is that of a fixed probe of the training set, without dropout and penalties: the losses of the mini-batches
    would differ by the examples in them, too. Decay and early stopping play no part.

    Args:
        prepared: from `prepare`.
        low: α of the first step.
        high: α of the last step, larger than low.
        steps: at most so many, at least 10.
        progress: called with the steps that are done and all of them.
    """
    experiment, train = prepared.experiment, prepared.dataset.in_memory("train")
    rates = range_test.rates(low, high, steps)
    rows = np.sort(stream(experiment.seed, "shuffle").permutation(len(train.X))[:PROBE])
    losses: list[float] = []
    with numerics(experiment.threads_per_product):
        cost = builder.build_cost(experiment, n_x=train.X.shape[1], start=prepared.start)
        probe = _probe(cost, train.X[rows], train.Y[rows])
        step = stepper(prepared, cost)
        for number, rate in enumerate(rates, start=1):
            losses.append(probe())
            if range_test.has_diverged(losses):
                break
            step(rate, number)
            progress(number, steps)
    finite = [loss for loss in losses if np.isfinite(loss)]
    return RangeTest(
        rates[: len(losses)],
        losses,
        range_test.smoothed(finite, steps=steps).tolist(),
        len(rows),
        range_test.suggest(rates, losses, steps=steps),
    )


def _probe(cost: Cost, X: Array, Y: Array) -> Callable[[], float]:
    """The mean loss of these examples with the parameters as they are."""
    forward, losses_and_gradient = cost.forward(len(X)), cost.loss.bind(len(X), cost.units, cost.dtype)
    return lambda: float(losses_and_gradient(forward(X), Y)[0].mean(dtype=np.float64))
