"""Layers: dense, elementwise activation, dropout."""

import math

import numpy as np
import pytest
import reference

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.arrays import scratch_for
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import Binding, Dense, Dropout, Elementwise
from dlspec.core.parameters import Parameters

TOLERANCES = {np.float64: {"rtol": 1e-12, "atol": 1e-13}, np.float32: {"rtol": 1e-5, "atol": 1e-5}}
SIZES = [(1, 1, 1), (1, 4, 3), (5, 1, 3), (5, 4, 1), (6, 4, 3)]  # m, n_in, n_out

each_dtype = pytest.mark.parametrize("dtype", TOLERANCES)


def bind(layer, batch, in_shape, *, dtype=np.float64, training=True, input_gradient=True, rng=None):
    """The bound layer and the parameters it is bound to; θ is random, dθ is NaN."""
    _, specs = layer.shapes(in_shape)
    parameters = Parameters(specs, dtype=dtype)
    parameters.theta[:] = np.random.default_rng(8).standard_normal(parameters.theta.size)
    parameters.grad[:] = np.nan
    binding = Binding(
        values=parameters.values,
        gradients=parameters.gradients,
        in_shape=in_shape,
        batch=batch,
        dtype=dtype,
        training=training,
        input_gradient=np.empty((batch, *in_shape), dtype) if input_gradient else None,
        scratch=scratch_for(batch * layer.shapes(in_shape)[0][0], dtype),
        rng=rng,
    )
    return layer.bind(binding), parameters


def dense(units):
    return Dense(units, initializer=INITIALIZERS["he"]())


@each_dtype
@pytest.mark.parametrize(("m", "n_in", "n_out"), SIZES)
def test_dense_is_the_formula(dtype, m, n_in, n_out, rng):
    A_prev, dZ = rng.standard_normal((m, n_in)).astype(dtype), rng.standard_normal((m, n_out)).astype(dtype)
    bound, parameters = bind(dense(n_out), m, (n_in,), dtype=dtype)
    W, b = (parameters.values[name].astype(np.float64) for name in "Wb")
    A_exact, dZ_exact = A_prev.astype(np.float64), dZ.astype(np.float64)
    Z = bound.forward(A_prev)
    np.testing.assert_allclose(Z, reference.dense_forward(A_exact, W, b), **TOLERANCES[dtype])
    dA_prev = bound.backward(dZ)
    dW, db, dA_exact = reference.dense_backward(dZ_exact, A_exact, W)
    np.testing.assert_allclose(dA_prev, dA_exact, **TOLERANCES[dtype])
    np.testing.assert_allclose(parameters.gradients["W"], dW, **TOLERANCES[dtype])
    np.testing.assert_allclose(parameters.gradients["b"], db, **TOLERANCES[dtype])
    assert Z.dtype == dA_prev.dtype == parameters.grad.dtype == dtype
    np.testing.assert_array_equal(A_prev, A_exact)  # the input is left as it is


def test_dense_writes_its_gradients_and_does_not_add_them(rng):
    A_prev = rng.standard_normal((5, 4))
    dZ = rng.standard_normal((5, 3))
    bound, parameters = bind(dense(3), 5, (4,))
    bound.forward(A_prev)
    bound.backward(dZ)
    once = parameters.grad.copy()
    bound.backward(dZ)
    assert np.isfinite(once).all()
    np.testing.assert_array_equal(parameters.grad, once)


def test_dense_without_an_input_gradient_computes_none_but_the_same_dW(rng):
    A_prev, dZ = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    bound, parameters = bind(dense(3), 5, (4,), input_gradient=False)
    full, full_parameters = bind(dense(3), 5, (4,))
    for part in (bound, full):
        part.forward(A_prev)
    assert full.backward(dZ).shape == (5, 4)
    assert bound.backward(dZ) is dZ
    np.testing.assert_array_equal(parameters.grad, full_parameters.grad)


def test_dense_shapes_and_start_values():
    layer = dense(3)
    out_shape, specs = layer.shapes((4,))
    assert out_shape == (3,)
    assert [(spec.name, spec.shape, spec.kind) for spec in specs] == [("W", (3, 4), "weight"), ("b", (3,), "bias")]
    values = {"W": np.full((3, 4), 9.0), "b": np.full(3, 9.0)}
    layer.initialize(values, np.random.default_rng(2))
    expected = math.sqrt(2 / 4) * np.random.default_rng(2).standard_normal((3, 4))
    np.testing.assert_allclose(values["W"], expected, rtol=1e-15)
    np.testing.assert_array_equal(values["b"], np.zeros(3))


def test_elementwise_keeps_the_shape_and_has_no_parameters(rng):
    layer = Elementwise(ACTIVATIONS["sigmoid"]())
    assert layer.shapes((4,)) == ((4,), [])
    Z = rng.standard_normal((5, 4))
    expected = reference.sigmoid(Z)
    bound, _ = bind(layer, 5, (4,))
    np.testing.assert_allclose(bound.forward(Z), expected, rtol=1e-12)


@each_dtype
@pytest.mark.parametrize("keep_prob", [1e-9, 0.1, 0.5, 0.8, 1 - 1e-9, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (6, 1), (1, 5), (6, 5), (3, 9000)], ids=str)
def test_dropout_is_the_formula(dtype, keep_prob, shape, rng):
    A, dA = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape).astype(dtype)
    A_before, dA_before = A.copy(), dA.copy()
    D = reference.dropout_mask(np.random.default_rng(4), shape, keep_prob)
    bound, _ = bind(Dropout(keep_prob=keep_prob), shape[0], shape[1:], dtype=dtype, rng=np.random.default_rng(4))
    dropped = bound.forward(A)
    np.testing.assert_allclose(dropped, reference.dropout_forward(A, D, keep_prob), rtol=3e-7)
    np.testing.assert_array_equal(A, A_before)  # g' of the layer before needs it
    assert not np.shares_memory(dropped, A)
    backward = bound.backward(dA)
    np.testing.assert_allclose(backward, reference.dropout_backward(dA_before, D, keep_prob), rtol=3e-7)
    assert dropped.dtype == backward.dtype == dtype


@each_dtype
@pytest.mark.parametrize("keep_prob", [0.2, 0.5, 0.9])
def test_dropout_keeps_its_share_and_the_mean(dtype, keep_prob):
    shape = (400, 250)
    A = np.full(shape, 3.0, dtype)
    bound, _ = bind(Dropout(keep_prob=keep_prob), *shape[:1], shape[1:], dtype=dtype, rng=np.random.default_rng(6))
    dropped = bound.forward(A)
    share = np.count_nonzero(dropped) / dropped.size
    sigma = math.sqrt(keep_prob * (1 - keep_prob) / dropped.size)
    assert abs(share - keep_prob) < 4 * sigma
    assert abs(dropped.mean(dtype=np.float64) / 3.0 - 1) < 4 * sigma / keep_prob
    kept = dropped[dropped != 0]
    np.testing.assert_array_equal(kept, np.full_like(kept, 3.0) * dtype(1 / keep_prob))


def test_dropout_draws_a_new_mask_for_every_forward(rng):
    bound, _ = bind(Dropout(keep_prob=0.5), 20, (10,), rng=rng)
    A = np.ones((20, 10))
    assert (bound.forward(A).copy() != bound.forward(A)).any()


def test_dropout_backward_uses_the_mask_of_the_last_forward(rng):
    bound, _ = bind(Dropout(keep_prob=0.5), 20, (10,), rng=rng)
    A = np.ones((20, 10))
    bound.forward(A)
    dropped = bound.forward(A)
    np.testing.assert_array_equal(bound.backward(np.ones((20, 10))), dropped)


@pytest.mark.parametrize("shape", [(7, 3), (64, 33)], ids=str)
def test_dropout_of_float32_and_float64_drops_the_same_units(shape):
    generators = {dtype: np.random.default_rng(9) for dtype in TOLERANCES}
    masks = {}
    for dtype, generator in generators.items():
        bound, _ = bind(Dropout(keep_prob=0.7), shape[0], shape[1:], dtype=dtype, rng=generator)
        masks[dtype] = [bound.forward(np.ones(shape, dtype)) != 0 for _ in range(3)]
    np.testing.assert_array_equal(masks[np.float32], masks[np.float64])
    assert generators[np.float32].bit_generator.state == generators[np.float64].bit_generator.state


def test_dropout_at_evaluation_is_the_identity_and_draws_nothing(rng):
    A, before = rng.standard_normal((5, 4)), rng.bit_generator.state
    bound, _ = bind(Dropout(keep_prob=0.1), 5, (4,), training=False, rng=rng)
    np.testing.assert_array_equal(bound.forward(A.copy()), A)
    assert rng.bit_generator.state == before


def test_dropout_with_keep_prob_1_keeps_everything(rng):
    A = rng.standard_normal((200, 100))
    bound, _ = bind(Dropout(keep_prob=1.0), 200, (100,), rng=rng)
    np.testing.assert_array_equal(bound.forward(A), A)


def test_dropout_in_training_needs_a_generator():
    with pytest.raises(ValueError, match="pass rng to bind"):
        bind(Dropout(keep_prob=0.5), 2, (2,))


def test_dropout_has_no_parameters_and_keeps_the_shape():
    assert Dropout(keep_prob=0.5).shapes((4,)) == ((4,), [])
