"""The way of the course's notebooks: float64, dictionaries of arrays, examples in columns, temporaries anywhere."""

import time
from collections.abc import Callable

import numpy as np

from benchmarks.race.workloads import OutOfRaceError, Workload, data_of


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:  # noqa: ARG001 - by the environment
    """Parameters as dictionaries."""
    if workload.batch_norm:
        raise OutOfRaceError("the notebooks have no batch normalisation beside dropout and L2")
    X, Y = data_of(workload)
    X, rng = X.T.astype(np.float64), np.random.default_rng(1)
    outputs, layers = workload.widths[-1], len(workload.widths) - 1
    targets = Y[np.newaxis].astype(float) if outputs == 1 else np.eye(outputs)[Y].T
    theta, v, s = {}, {}, {}
    for layer, (n_in, n_out) in enumerate(zip(workload.widths, workload.widths[1:], strict=False), start=1):
        theta[f"W{layer}"] = rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in)
        theta[f"b{layer}"] = np.zeros((n_out, 1))
    for name, value in theta.items():
        v[name], s[name] = np.zeros_like(value), np.zeros_like(value)

    def gradients(A: np.ndarray, T: np.ndarray) -> dict[str, np.ndarray]:
        cache, m = [A], A.shape[1]
        for layer in range(1, layers + 1):
            Z = np.dot(theta[f"W{layer}"], A) + theta[f"b{layer}"]
            A = np.maximum(0, Z) if layer < layers else Z
            cache.append(A)
        if outputs == 1:
            A = 1 / (1 + np.exp(-A))
        else:
            A = np.exp(A - A.max(axis=0))
            A = A / A.sum(axis=0)
        dZ, grads = A - T, {}
        for layer in range(layers, 0, -1):
            grads[f"W{layer}"] = np.dot(dZ, cache[layer - 1].T) / m
            grads[f"b{layer}"] = dZ.sum(axis=1, keepdims=True) / m
            if layer > 1:
                dZ = np.dot(theta[f"W{layer}"].T, dZ) * (cache[layer - 1] > 0)
        return grads

    def run(steps: int) -> list[float]:
        done, t, m = 0, 0, X.shape[1]
        begin = time.perf_counter()
        while done < steps:
            order = rng.permutation(m)
            shuffled_X, shuffled_T = X[:, order], targets[:, order]
            for first in range(0, m, workload.batch):
                rows = slice(first, first + workload.batch)
                grads, t = gradients(shuffled_X[:, rows], shuffled_T[:, rows]), t + 1
                for name, g in grads.items():
                    if workload.optimizer == "adam":
                        v[name] = 0.9 * v[name] + 0.1 * g
                        s[name] = 0.999 * s[name] + 0.001 * g**2
                        corrected_v, corrected_s = v[name] / (1 - 0.9**t), s[name] / (1 - 0.999**t)
                        theta[name] = theta[name] - 1e-3 * corrected_v / (np.sqrt(corrected_s) + 1e-8)
                    else:
                        theta[name] = theta[name] - 1e-3 * g
                done += 1
                if done == steps:
                    break
        return [(time.perf_counter() - begin) / steps]

    return run
