"""dlspec: plans of evaluation over blocks of the size that evaluation takes, in the type that was trained."""

from collections.abc import Callable

import numpy as np

from benchmarks.race.predictors import examples_of, repeated
from benchmarks.race.workloads import Workload
from dlspec.core.activations import Relu
from dlspec.core.cost import Cost
from dlspec.core.initializers import He
from dlspec.core.layers import Dense, Elementwise, Layer
from dlspec.core.losses import CategoricalCrossEntropy
from dlspec.core.network import Network
from dlspec.core.randomness import stream
from dlspec.run.environment import numerics
from dlspec.training.evaluation import BATCH


def cost_of(workload: Workload) -> Cost:
    """A relu network with start values."""
    layers: list[Layer] = []
    for units in workload.widths[1:-1]:
        layers += [Dense(units, initializer=He()), Elementwise(Relu())]
    network = Network([*layers, Dense(workload.widths[-1], initializer=He())], in_shape=(workload.widths[0],))
    parameters = network.parameters(dtype=np.float32)
    network.initialize(parameters, stream(1, "init"))
    return Cost(network=network, loss=CategoricalCrossEntropy(), penalties=[], parameters=parameters)


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:
    """Bind once, as a program does that predicts again and again."""
    cost, X = cost_of(workload), examples_of(workload)
    P = np.empty((workload.batch, cost.units), np.float32)
    starts = range(0, workload.batch, BATCH)
    sizes = {min(BATCH, workload.batch - start) for start in starts}
    plans = {size: cost.forward(size) for size in sizes}
    blocks = [(X[start : start + BATCH], P[start : start + BATCH]) for start in starts]

    def predict() -> np.ndarray:
        for inputs, outputs in blocks:
            outputs[...] = cost.loss.predict(plans[len(inputs)](inputs))
        return P

    run = repeated(predict, workload)

    def pinned(times: int) -> list[float]:
        with numerics(threads):
            return run(times)

    return pinned
