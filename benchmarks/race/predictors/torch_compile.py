"""PyTorch in inference mode, with torch.compile on network and softmax."""

from collections.abc import Callable

from benchmarks.race.predictors import torch_eager
from benchmarks.race.workloads import Workload


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:
    """As eager, compiled."""
    return torch_eager.prepare(workload, threads=threads, compiled=True)
