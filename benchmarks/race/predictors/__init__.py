"""Those who predict: `prepare(workload, *, threads)` gives a function of a number of predictions, as contestants do.

One prediction takes `workload.batch` examples that are in memory to the probabilities of their classes, as a NumPy
array. The network has the start values of each library: what they are makes no difference to the time.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.race.workloads import Workload, data_of

PEERS = {
    "torch": ("predictors.torch_eager", "predictors.torch_compile"),
    "jax": ("predictors.jax_jit",),
    "sklearn": ("predictors.scikit_learn",),
}


def examples_of(workload: Workload) -> np.ndarray:
    """X (batch, n_x)."""
    return np.ascontiguousarray(data_of(workload)[0][: workload.batch])


def repeated(predict: Callable[[], Any], workload: Workload) -> Callable[[int], list[float]]:
    """Mean seconds of so many predictions, of the right shape."""
    P = np.asarray(predict())
    assert P.shape == (workload.batch, workload.widths[-1]), P.shape
    assert np.allclose(P.sum(axis=1), 1, atol=1e-4)

    def run(times: int) -> list[float]:
        begin = time.perf_counter()
        for _ in range(times):
            predict()
        return [(time.perf_counter() - begin) / times]

    return run
