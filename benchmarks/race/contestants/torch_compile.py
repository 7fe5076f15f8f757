"""PyTorch with torch.compile on network and loss, and the fused optimizer."""

from collections.abc import Callable

from benchmarks.race.contestants import torch_eager
from benchmarks.race.workloads import Workload


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:
    """As eager, compiled."""
    return torch_eager.prepare(workload, threads=threads, compiled=True)
