"""From which size on does a second thread pay? Whole training steps at 1 and at all physical cores.

    python -m benchmarks.threads

The rule `threads: auto` (THREADS_PAY_FROM in dlspec/resolver.py) comes from this table.
"""

import itertools
import statistics
import time

import numpy as np
import threadpoolctl

from dlspec.core.activations import Relu
from dlspec.core.cost import Cost
from dlspec.core.initializers import He
from dlspec.core.layers import Dense, Elementwise, Layer
from dlspec.core.losses import CategoricalCrossEntropy
from dlspec.core.network import Network
from dlspec.core.optimizers import Adam
from dlspec.core.randomness import stream
from dlspec.run.environment import physical_cores

# Widths and batch size, by rising work.
NETWORKS = [
    ((64, 64, 32, 10), 64),
    ((64, 256, 10), 64),
    ((256, 128, 10), 64),
    ((256, 256, 10), 64),
    ((784, 128, 10), 64),
    ((256, 256, 256, 10), 128),
    ((784, 256, 10), 128),
    ((784, 512, 256, 10), 128),
    ((128,) * 50 + (10,), 256),
    ((1024, 1024, 512, 10), 256),
]
ROUNDS = 7


def step_of(widths: tuple[int, ...], batch: int):  # type: ignore[no-untyped-def]
    """One training step of a relu network with Adam, as a function without arguments."""
    layers: list[Layer] = []
    for units in widths[1:-1]:
        layers += [Dense(units, initializer=He()), Elementwise(Relu())]
    layers.append(Dense(widths[-1], initializer=He()))
    network = Network(layers, in_shape=(widths[0],))
    parameters = network.parameters(dtype=np.float32)
    network.initialize(parameters, stream(1, "init"))
    cost = Cost(network=network, loss=CategoricalCrossEntropy(), penalties=[], parameters=parameters)
    loss_and_gradient = cost.bind(batch)
    optimizer = Adam().bind(parameters.theta, parameters.grad, decayed=parameters.decayed)
    rng = np.random.default_rng(1)
    X = rng.standard_normal((batch, widths[0])).astype(np.float32)
    Y = rng.integers(0, widths[-1], batch)

    def step() -> None:
        loss_and_gradient(X, Y)
        optimizer.step(1e-6, 1)

    return step


def microseconds(step, repeats: int) -> float:  # type: ignore[no-untyped-def]
    """Mean time of a step over a number of repeats."""
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats * 1e6


def main() -> None:
    """Print the table: rounds of both thread counts alternate, medians are compared."""
    cores = physical_cores()
    print(f"{'network':<28}{'batch':>6}{'work':>14}{'1 thread, µs':>15}{f'{cores} threads, µs':>15}{'ratio':>8}")
    for widths, batch in NETWORKS:
        step = step_of(widths, batch)
        work = batch * sum(a * b for a, b in itertools.pairwise(widths))
        repeats = max(3, int(3e8 / work))
        times: dict[int, list[float]] = {1: [], cores: []}
        for _ in range(ROUNDS):
            for threads in times:
                with threadpoolctl.threadpool_limits(threads):
                    step()
                    times[threads].append(microseconds(step, repeats))
        one, many = (statistics.median(times[threads]) for threads in (1, cores))
        name = "-".join(map(str, widths)) if len(widths) < 8 else f"{len(widths) - 1} layers of {widths[1]}"
        print(f"{name:<28}{batch:>6}{work:>14,}{one:>15.0f}{many:>15.0f}{many / one:>8.2f}")


if __name__ == "__main__":
    main()
