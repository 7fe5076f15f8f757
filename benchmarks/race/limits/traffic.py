"""The bytes that a step must move, at the rate of NumPy's plainest passes over as much memory."""

from collections.abc import Callable

import numpy as np

from benchmarks.race.limits import BYTES_PER_PARAMETER, bytes_of_fetch, bytes_of_update, fastest
from benchmarks.race.workloads import OutOfRaceError, Workload, data_of

SMALLEST = 4_096  # elements: a pass over fewer measures the call


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:
    """Seconds of one step, whatever number is asked for."""
    if threads > 1:
        raise OutOfRaceError("NumPy passes over memory in one thread")
    vectors = (BYTES_PER_PARAMETER[workload.optimizer] + 4) // 8  # w and g, v, s
    a, b = np.ones((2, max(SMALLEST, vectors * workload.parameters // 2)), np.float32)
    X, fetch = data_of(workload)[0], bytes_of_fetch(workload)
    batch, row = np.empty((workload.batch, X.shape[1]), np.float32), 0

    def copy() -> None:
        nonlocal row
        np.copyto(batch, X[row : row + workload.batch])
        row = (row + workload.batch) % (workload.steps_per_epoch * workload.batch)

    def run(steps: int) -> list[float]:  # noqa: ARG001 - the signature of contestants
        per_byte = fastest(lambda: np.add(a, b, out=a)) / (12 * a.size)  # reads two, writes one
        return [per_byte * bytes_of_update(workload) + (fastest(copy) if fetch else 0.0)]

    return run
