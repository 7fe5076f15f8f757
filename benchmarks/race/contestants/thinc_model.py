"""thinc: a chain of layers with its Adam."""

import time
from collections.abc import Callable

import numpy as np
from thinc.api import Adam, Linear, Relu, Softmax_v2, chain

from benchmarks.race.workloads import OutOfRaceError, Workload, data_of


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:  # noqa: ARG001 - by the environment
    """A chain that ends in logits."""
    if workload.batch_norm:
        raise OutOfRaceError("thinc's batch normalisation is of another kind")
    X, Y = data_of(workload)
    outputs = workload.widths[-1]
    targets = Y[:, None].astype(np.float32) if outputs == 1 else np.eye(outputs, dtype=np.float32)[Y]
    layers = [Relu(nO=n) for n in workload.widths[1:-1]]
    last = Linear(nO=1) if outputs == 1 else Softmax_v2(nO=outputs)
    model = chain(*layers, last) if layers else last
    model.initialize(X=X[:4], Y=targets[:4])
    optimizer, rng = Adam(1e-3), np.random.default_rng(1)

    def run(steps: int) -> list[float]:
        done = 0
        begin = time.perf_counter()
        while done < steps:
            order = rng.permutation(workload.examples)
            for first in range(0, workload.examples, workload.batch):
                rows = order[first : first + workload.batch]
                Yh, backprop = model.begin_update(X[rows])
                if outputs == 1:
                    Yh = 1 / (1 + np.exp(-Yh))
                backprop((Yh - targets[rows]) / len(rows))
                model.finish_update(optimizer)
                done += 1
                if done == steps:
                    break
        return [(time.perf_counter() - begin) / steps]

    return run
