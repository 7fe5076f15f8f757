"""JAX: the whole epoch is one compiled scan over mini-batches, no Python in it."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.race.workloads import Workload, data_of


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:  # noqa: ARG001 - by affinity
    """Parameters as a list of (W, b), and γ, β where there is batch normalisation."""
    X, Y = (jnp.asarray(array) for array in data_of(workload))
    rng, binary = np.random.default_rng(1), workload.widths[-1] == 1
    theta: list[dict[str, Any]] = []
    for number, (n_in, n_out) in enumerate(zip(workload.widths, workload.widths[1:], strict=False), start=1):
        W = rng.standard_normal((n_in, n_out), dtype=np.float32) * np.sqrt(2 / n_in, dtype=np.float32)
        layer = {"W": jnp.asarray(W), "b": jnp.zeros(n_out)}
        if workload.batch_norm and number < len(workload.widths) - 1:
            layer |= {"gamma": jnp.ones(n_out)}
        theta.append(layer)

    def loss(theta: Any, Xb: Any, Yb: Any, key: Any) -> Any:
        A = Xb
        for layer in theta[:-1]:
            Z = A @ layer["W"]
            if "gamma" in layer:
                mean, var = Z.mean(axis=0), Z.var(axis=0)
                Z = (Z - mean) * (layer["gamma"] / jnp.sqrt(var + 1e-5))
            A = jax.nn.relu(Z + layer["b"])
            if workload.keep_prob < 1:
                key, mine = jax.random.split(key)
                A = jnp.where(jax.random.bernoulli(mine, workload.keep_prob, A.shape), A / workload.keep_prob, 0)
        Z = A @ theta[-1]["W"] + theta[-1]["b"]
        if binary:
            Z = Z[:, 0]
            value = jnp.mean(jnp.maximum(Z, 0) - Z * Yb + jnp.log1p(jnp.exp(-jnp.abs(Z))))
        else:
            value = -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(Z), Yb[:, None], axis=1))
        if workload.l2:
            value += workload.l2 / (2 * len(Xb)) * sum(jnp.sum(layer["W"] ** 2) for layer in theta)
        return value

    tree = jax.tree_util.tree_map
    state = (theta, tree(jnp.zeros_like, theta), tree(jnp.zeros_like, theta), jnp.float32(0))

    def step(state: Any, inputs: Any) -> Any:
        theta, v, s, t = state
        rows, key = inputs
        Xb, Yb = (X, Y) if workload.batch == workload.examples else (X[rows], Y[rows])
        grads, t = jax.grad(loss)(theta, Xb, Yb, key), t + 1
        if workload.optimizer != "adam":
            return (tree(lambda p, g: p - 1e-3 * g, theta, grads), v, s, t), None
        v = tree(lambda a, g: 0.9 * a + 0.1 * g, v, grads)
        s = tree(lambda a, g: 0.999 * a + 0.001 * g * g, s, grads)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return (tree(lambda p, a, b: p - rate * a / (jnp.sqrt(b) + 1e-8), theta, v, s), v, s, t), None

    @jax.jit
    def epoch(state: Any, key: Any) -> Any:
        order = jax.random.permutation(key, workload.examples)[: workload.steps_per_epoch * workload.batch]
        keys = jax.random.split(key, workload.steps_per_epoch)
        return jax.lax.scan(step, state, (order.reshape(workload.steps_per_epoch, workload.batch), keys))[0]

    keys = iter(jax.random.split(jax.random.key(1), 100_000))

    def run(steps: int) -> list[float]:
        nonlocal state
        epochs = max(1, round(steps / workload.steps_per_epoch))
        state = jax.block_until_ready(epoch(state, next(keys)))  # compiled by now
        begin = time.perf_counter()
        for _ in range(epochs):
            state = epoch(state, next(keys))
        jax.block_until_ready(state)
        return [(time.perf_counter() - begin) / (epochs * workload.steps_per_epoch)]

    return run
