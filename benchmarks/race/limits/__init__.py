"""What no training step can fall below here, measured: as contestants, `prepare(workload, *, threads)`.

`products` is the time of a step's matrix products at the best rate found for their shapes, `traffic` that of moving
the bytes that a step cannot avoid. What else a step does (activations, loss, masks, normalisation) counts as nothing.
"""

import math
import time
from collections import Counter
from collections.abc import Callable

from benchmarks.race.workloads import Workload

Shape = tuple[int, int, int]

# Read and written by an update: w and g, w; with momentum also v, v; with Adam also s, s.
BYTES_PER_PARAMETER = {"sgd": 12, "momentum": 20, "adam": 28}


def products_of(workload: Workload) -> Counter[Shape]:
    """The products (M, K) @ (K, N) of a step, and how often each: Z, dW and, but for the first layer, dA_prev."""
    m, found = workload.batch, Counter[Shape]()
    for layer, (n_in, n_out) in enumerate(zip(workload.widths, workload.widths[1:], strict=False)):
        found[m, n_in, n_out] += 1
        found[n_in, m, n_out] += 1
        if layer:
            found[m, n_out, n_in] += 1
    return found


def operations(workload: Workload) -> int:
    """Multiplications and additions of all products of a step."""
    return sum(2 * math.prod(shape) * count for shape, count in products_of(workload).items())


def bytes_of_update(workload: Workload) -> int:
    """Every parameter, its gradient and its averages, once."""
    return BYTES_PER_PARAMETER[workload.optimizer] * workload.parameters


def bytes_of_fetch(workload: Workload) -> int:
    """Reading a mini-batch of float32 and writing it together; nothing where it is the whole set."""
    return 0 if workload.batch == workload.examples else 8 * workload.batch * workload.widths[0]


def fastest(call: Callable[[], object], *, at_least: float = 0.004) -> float:
    """Seconds of a call: the best of three means over as many calls as take `at_least` seconds."""
    call()
    begin = time.perf_counter()
    call()
    times = max(1, int(at_least / max(time.perf_counter() - begin, 1e-7)))
    means = []
    for _ in range(3):
        begin = time.perf_counter()
        for _ in range(times):
            call()
        means.append((time.perf_counter() - begin) / times)
    return min(means)
