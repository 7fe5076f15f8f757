"""PyTorch in inference mode."""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.race.contestants.torch_eager import network_of
from benchmarks.race.predictors import examples_of, repeated
from benchmarks.race.workloads import Workload


def prepare(workload: Workload, *, threads: int, compiled: bool = False) -> Callable[[int], list[float]]:
    """Eager, or compiled."""
    torch.set_num_threads(threads)
    network, X = network_of(workload).eval(), torch.from_numpy(examples_of(workload))

    def probabilities(X: torch.Tensor) -> torch.Tensor:
        return network(X).softmax(dim=1)

    compute = torch.compile(probabilities) if compiled else probabilities

    @torch.inference_mode()
    def predict() -> np.ndarray:
        return compute(X).numpy()

    return repeated(predict, workload)
