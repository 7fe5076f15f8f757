"""The matrix products of a step, each in the fastest of several ways, over operands that lie in the cache."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.race.limits import Shape, fastest, products_of
from benchmarks.race.workloads import Workload

# Of the result. Up to M·N·K = 1e6 OpenBLAS has a kernel without packing: a large product in blocks can gain by it.
BLOCKS = ((16, 16), (16, 64), (64, 64))


def ways(shape: Shape) -> Iterator[Callable[[], object]]:
    """A product in every memory order of its operands, and in blocks."""
    M, K, N = shape
    rng = np.random.default_rng(1)
    A, B = rng.standard_normal((M, K), dtype=np.float32), rng.standard_normal((K, N), dtype=np.float32)
    C = np.empty((M, N), np.float32)
    for left in (A, np.asfortranarray(A)):
        for right in (B, np.asfortranarray(B)):
            yield partial(np.dot, left, right, C)
    for rows, columns in BLOCKS:
        if M % rows == 0 and N % columns == 0 and (rows, columns) != (M, N):
            left = A.reshape(M // rows, 1, rows, K)
            right = B.reshape(K, N // columns, columns).transpose(1, 0, 2)
            result = C.reshape(M // rows, rows, N // columns, columns).transpose(0, 2, 1, 3)
            yield partial(np.matmul, left, right, out=result)


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:  # noqa: ARG001 - by the environment
    """Seconds of one step, whatever number is asked for."""
    products = products_of(workload)

    def run(steps: int) -> list[float]:  # noqa: ARG001 - the signature of contestants
        return [sum(count * min(map(fastest, ways(shape))) for shape, count in products.items())]

    return run
