"""JAX: the whole network in one jitted function, its parameters an argument."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.race.predictors import examples_of, repeated
from benchmarks.race.workloads import Workload


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:  # noqa: ARG001 - by affinity
    """The examples are on JAX's side already; the probabilities come back."""
    rng, X = np.random.default_rng(1), jnp.asarray(examples_of(workload))
    theta = [
        (jnp.asarray(rng.standard_normal((n_in, n_out), dtype=np.float32) / np.sqrt(n_in)), jnp.zeros(n_out))
        for n_in, n_out in zip(workload.widths, workload.widths[1:], strict=False)
    ]

    @jax.jit
    def probabilities(theta: Any, A: Any) -> Any:
        for W, b in theta[:-1]:
            A = jax.nn.relu(A @ W + b)
        W, b = theta[-1]
        return jax.nn.softmax(A @ W + b)

    return repeated(lambda: np.asarray(probabilities(theta, X)), workload)
