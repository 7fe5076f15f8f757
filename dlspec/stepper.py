"""Single steps of an experiment, outside of a training: for whoever tries something on it and leaves no trace."""

from collections.abc import Callable, Iterator
from itertools import count

from dlspec import builder
from dlspec.core.cost import Cost
from dlspec.core.randomness import stream
from dlspec.data.batches import Batch, Batches
from dlspec.data.streamed_batches import StreamedBatches
from dlspec.preparation import Prepared
from dlspec.session import batches_of


def stepper(prepared: Prepared, cost: Cost) -> Callable[[float, int], None]:
    """A function of (learning rate, number from 1) that steps on the next mini-batch, epoch after epoch.

    With the experiment's own optimiser, dropout, clipping and augmentation; decay and early stopping play no part.
    """
    experiment, parameters = prepared.experiment, cost.parameters
    optimizer, _ = builder.build_optimizer(experiment)
    update = optimizer.bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step
    before, after = ([c.bind(parameters) for c in group] for group in builder.build_constraints(experiment))
    batches = batches_of(prepared)
    endless = _endless(batches)
    rng = stream(experiment.seed, "dropout")
    sizes = {batches.batch_size, batches.examples % batches.batch_size} - {0}
    gradients = {size: cost.bind(size, rng=rng) for size in sizes}

    def step(rate: float, number: int) -> None:
        X, Y, w = next(endless)
        gradients[len(X)](X, Y, w)
        for constrain in before:
            constrain()
        update(rate, number)
        for constrain in after:
            constrain()

    return step


def _endless(batches: Batches | StreamedBatches) -> Iterator[Batch]:
    for epoch in count():
        yield from batches.epoch(epoch)
