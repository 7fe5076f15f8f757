"""Losses from logits: value, gradient and output."""

import numpy as np
import pytest
import reference
from families import LOSS_CASES, case_id, sample_targets

from dlspec.core.losses import LOSSES

TOLERANCES = {np.float64: {"rtol": 1e-12, "atol": 1e-15}, np.float32: {"rtol": 1e-5, "atol": 1e-6}}
DTYPES = [np.float32, np.float64]


def mean_and_gradient(name, Z, Y, **settings):
    """The mean loss and dZ of one freshly bound loss."""
    losses, dZ = LOSSES[name](**settings).bind(*Z.shape, Z.dtype)(Z, Y)
    return losses.mean(), dZ


each_case = pytest.mark.parametrize(("name", "units"), LOSS_CASES, ids=case_id)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_batch = pytest.mark.parametrize("batch", [1, 2, 33])


@each_case
@each_dtype
@each_batch
def test_value_gradient_and_output_are_the_formulas(name, units, dtype, batch, rng):
    Z = (2 * rng.standard_normal((batch, units))).astype(dtype)
    Y = sample_targets(name, batch, units, rng)
    loss = LOSSES[name]()
    value, dZ = mean_and_gradient(name, Z, Y)
    Y_hat = reference.OUTPUTS[name](Z.astype(np.float64))
    np.testing.assert_allclose(value, reference.LOSSES[name](Y_hat, Y), **TOLERANCES[dtype])
    np.testing.assert_allclose(dZ, reference.LOSS_GRADIENTS[name](Y_hat, Y), **TOLERANCES[dtype])
    np.testing.assert_allclose(loss.predict(Z), Y_hat, **TOLERANCES[dtype])


@each_case
@each_dtype
def test_types_and_inputs_are_kept(name, units, dtype, rng):
    Z = rng.standard_normal((6, units)).astype(dtype)
    Y = sample_targets(name, 6, units, rng)
    Z_before, Y_before = Z.copy(), Y.copy()
    loss = LOSSES[name]()
    losses, dZ = loss.bind(6, units, dtype)(Z, Y)
    Y_hat = loss.predict(Z)
    assert losses.shape == (6,)
    assert losses.dtype == dZ.dtype == Y_hat.dtype == dtype
    assert dZ.shape == Y_hat.shape == (6, units)
    assert not np.shares_memory(dZ, Z)
    assert not np.shares_memory(Y_hat, Z)
    np.testing.assert_array_equal(Z, Z_before)
    np.testing.assert_array_equal(Y, Y_before)


@each_case
def test_a_second_call_starts_afresh(name, units, rng):
    losses_and_gradient = LOSSES[name]().bind(6, units, np.float64)
    Z, Y = rng.standard_normal((6, units)), sample_targets(name, 6, units, rng)
    losses, dZ = (array.copy() for array in losses_and_gradient(Z, Y))
    losses_and_gradient(rng.standard_normal((6, units)), sample_targets(name, 6, units, rng))
    again, dZ_again = losses_and_gradient(Z, Y)
    np.testing.assert_array_equal(again, losses)
    np.testing.assert_array_equal(dZ_again, dZ)


@each_case
def test_gradient_is_that_of_the_mean_not_of_the_sum(name, units, rng):
    Z, Y = rng.standard_normal((5, units)), sample_targets(name, 5, units, rng)
    once, dZ = LOSSES[name]().bind(5, units, np.float64)(Z, Y)
    twice, dZ_twice = LOSSES[name]().bind(10, units, np.float64)(np.concatenate([Z, Z]), np.concatenate([Y, Y]))
    np.testing.assert_allclose(twice, np.concatenate([once, once]), rtol=1e-14)
    np.testing.assert_allclose(dZ_twice[:5], dZ / 2, rtol=1e-13, atol=1e-17)


@each_case
def test_gradient_is_the_slope_of_the_value(name, units, rng):
    Z, Y = rng.standard_normal((4, units)), sample_targets(name, 4, units, rng)
    _, dZ = mean_and_gradient(name, Z, Y)
    numeric = np.empty_like(Z)
    for index in np.ndindex(Z.shape):
        above, below = Z.copy(), Z.copy()
        above[index] += 1e-6
        below[index] -= 1e-6
        numeric[index] = (mean_and_gradient(name, above, Y)[0] - mean_and_gradient(name, below, Y)[0]) / 2e-6
    np.testing.assert_allclose(dZ, numeric, rtol=1e-7, atol=1e-9)


@each_dtype
@pytest.mark.parametrize(("z", "y", "loss", "gradient"), [(1e4, 0, 1e4, 1), (-1e4, 1, 1e4, -1), (1e4, 1, 0, 0)])
def test_binary_cross_entropy_at_extreme_logits(dtype, z, y, loss, gradient):
    value, dZ = mean_and_gradient("binary_cross_entropy", np.array([[z]], dtype), np.array([y]))
    assert value == loss
    assert dZ[0, 0] == gradient


@each_dtype
@pytest.mark.parametrize(("y", "loss", "gradient"), [(0, 0, [0, 0, 0]), (1, 1e4, [1, -1, 0]), (2, 2e4, [1, 0, -1])])
def test_categorical_cross_entropy_at_extreme_logits(dtype, y, loss, gradient):
    Z = np.array([[1e4, 0.0, -1e4]], dtype)
    value, dZ = mean_and_gradient("categorical_cross_entropy", Z, np.array([y]))
    assert value == loss
    np.testing.assert_array_equal(dZ, [gradient])


@each_dtype
def test_squared_error_at_extreme_logits(dtype):
    value, dZ = mean_and_gradient("squared_error", np.array([[1e4]], dtype), np.array([[-1e4]]))
    assert value == 2e8  # ½ (2·10⁴)²
    assert dZ[0, 0] == 2e4


@each_dtype
@pytest.mark.parametrize("name", ["binary_cross_entropy", "categorical_cross_entropy"])
def test_outputs_at_extreme_logits_are_0_and_1(name, dtype):
    columns = {"binary_cross_entropy": [[-1e4], [1e4]], "categorical_cross_entropy": [[-1e4, 1e4], [1e4, -1e4]]}
    expected = {"binary_cross_entropy": [[0], [1]], "categorical_cross_entropy": [[0, 1], [1, 0]]}
    np.testing.assert_array_equal(LOSSES[name]().predict(np.array(columns[name], dtype)), expected[name])


@pytest.mark.parametrize("size", [10.0, 1e2, 1e4])
def test_small_losses_keep_their_digits_in_float32(size, rng):
    """A confident network: 511 examples right by a wide margin, one wrong by a little."""
    right, wrong = rng.uniform(size / 2, size, 511), 0.25
    exact = (np.log1p(np.exp(-right)).sum() + wrong + np.log1p(np.exp(-wrong))) / 512
    margins = np.insert(right, 200, -wrong).astype(np.float32)  # z of the true class minus z of the other
    Y = rng.integers(0, 2, 512)
    z = np.where(Y == 1, margins, -margins)[:, np.newaxis]
    binary, _ = mean_and_gradient("binary_cross_entropy", z, Y)
    categorical, _ = mean_and_gradient("categorical_cross_entropy", np.hstack([-z / 2, z / 2]), Y)
    assert binary == pytest.approx(exact, rel=1e-5)
    assert categorical == pytest.approx(exact, rel=1e-5)


def test_sigmoid_of_minus_9_through_predict():
    z = 1 + 3 * -2.0 - 2 * 2.0  # ŷ = σ(1 + 3x1 − 2x2) at x = (−2, 2)
    Y_hat = LOSSES["binary_cross_entropy"]().predict(np.array([[z]]))
    assert Y_hat[0, 0] == pytest.approx(1.2339457598623172e-04, rel=1e-15)


def test_softmax_of_two_classes_is_logistic_regression_on_the_difference(rng):
    Z, Y = 3 * rng.standard_normal((9, 2)), rng.integers(0, 2, 9)
    difference = Z[:, 1:] - Z[:, :1]
    softmax, logistic = LOSSES["categorical_cross_entropy"](), LOSSES["binary_cross_entropy"]()
    value, dZ = mean_and_gradient("categorical_cross_entropy", Z, Y)
    logistic_value, dz = mean_and_gradient("binary_cross_entropy", difference, Y)
    assert value == pytest.approx(logistic_value, rel=1e-14)
    np.testing.assert_allclose(dZ, np.hstack([-dz, dz]), rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(softmax.predict(Z)[:, 1:], logistic.predict(difference), rtol=1e-13)


def test_losses_worked_by_hand():
    # ½ ((1 − 0)² + (2 − 4)²) = 2.5 and ½ ((0 − 3)² + 0²) = 4.5: mean 3.5
    squared, _ = mean_and_gradient(
        "squared_error", np.array([[1.0, 2.0], [0.0, 5.0]]), np.array([[0.0, 4.0], [3.0, 5.0]])
    )
    assert squared == 3.5
    # Without an opinion a classifier of C classes pays log C.
    binary, _ = mean_and_gradient("binary_cross_entropy", np.zeros((2, 1)), np.array([0, 1]))
    categorical, _ = mean_and_gradient("categorical_cross_entropy", np.zeros((1, 5)), np.array([3]))
    assert binary == pytest.approx(np.log(2), rel=1e-15)
    assert categorical == pytest.approx(np.log(5), rel=1e-15)
