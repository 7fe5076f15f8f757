"""A training step allocates nothing that grows with the network or the batch.

Twenty whole steps (loss, gradient, penalties, update) may raise the peak of Python's and NumPy's
memory by 64 kB in float32. NumPy's own buffer for broadcasts and casts holds 8,192 values whatever
the sizes: half of that bound in float32, all of it in float64, whose bound is therefore 128 kB.
Both networks are so big that one temporary of any of their main arrays would break the bound.
"""

import tracemalloc

import numpy as np
import pytest
from families import ACTIVATION_CASES, LOSS_CASES, OPTIMIZER_CASES, case_id, sample_targets

from dlspec.core.optimizers import OPTIMIZERS

from .builders import build_cost, build_network

BOUNDS = {np.float32: 64 * 1024, np.float64: 128 * 1024}
PENALTIES = [("l2", {"lambda_": 0.7}), ("l1", {"lambda_": 0.3})]
TALL = (17_000, (2, 3))  # m and the sizes before the output: even Z (m, 1) of float32 is 68 kB
WIDE = (100, (200, 210, 220))  # W (210, 200) is 168 kB, A (100, 210) is 84 kB

each_dtype = pytest.mark.parametrize(("dtype", "bound"), BOUNDS.items())


def peak_of(run, *, repeats=20):
    """Bytes by which the peak of `repeats` runs rises above what was held before; the first run warms up."""
    tracemalloc.start()
    try:
        run(1)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for t in range(2, repeats + 2):
            run(t)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def training_step(size, loss, units, *, optimizer=("adam", {}), activation=("relu", {}), dtype=np.float32):
    """A function of t that trains with dropout everywhere and both penalties."""
    batch, before_output = size
    network = build_network((*before_output, units), activation=activation, keep_prob=0.8, input_keep_prob=0.9)
    cost = build_cost(network, loss, penalties=PENALTIES, dtype=dtype)
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((batch, before_output[0])).astype(dtype), sample_targets(loss, batch, units, rng)
    if Y.dtype.kind == "f":
        Y = Y.astype(dtype)
    loss_and_gradient = cost.bind(batch, rng=rng)
    name, settings = optimizer
    parameters = cost.parameters
    step = OPTIMIZERS[name](**settings).bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step

    def train(t):
        loss_and_gradient(X, Y)
        step(1e-3, t)

    return train


@pytest.mark.parametrize(("loss", "units"), LOSS_CASES, ids=case_id)
@each_dtype
def test_tall_batches(loss, units, dtype, bound):
    assert peak_of(training_step(TALL, loss, units, dtype=dtype)) < bound


@pytest.mark.parametrize(
    ("loss", "units"), [("squared_error", 230), ("categorical_cross_entropy", 230), ("binary_cross_entropy", 1)]
)
@each_dtype
def test_wide_networks(loss, units, dtype, bound):
    assert peak_of(training_step(WIDE, loss, units, dtype=dtype)) < bound


@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES, ids=lambda case: "-".join(map(case_id, case)))
def test_optimizers(optimizer):
    assert peak_of(training_step(WIDE, "squared_error", 230, optimizer=optimizer)) < BOUNDS[np.float32]


@pytest.mark.parametrize("activation", ACTIVATION_CASES, ids=lambda case: "-".join(map(case_id, case)))
@pytest.mark.parametrize("size", [TALL, WIDE], ids=["tall", "wide"])
def test_activations(activation, size):
    assert (
        peak_of(training_step(size, "squared_error", 230 if size is WIDE else 1, activation=activation))
        < BOUNDS[np.float32]
    )


@pytest.mark.parametrize("shape", [(17_000, 1), (100, 210)], ids=str)
def test_the_meter_sees_one_temporary(shape):
    """The proof that the tests above can fail: one copy of the smallest main array in one step of twenty."""
    A = np.ones(shape, np.float32)
    step = training_step(TALL, "squared_error", 1)

    def wasteful(t):
        step(t)
        if t == 10:
            A.copy()

    assert peak_of(wasteful) > BOUNDS[np.float32]
