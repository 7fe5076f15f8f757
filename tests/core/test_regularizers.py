"""Penalties and their gradients."""

import numpy as np
import pytest
import reference
from families import REGULARIZER_CASES, case_id

from dlspec.core.regularizers import REGULARIZERS

each_case = pytest.mark.parametrize(("name", "settings"), REGULARIZER_CASES, ids=case_id)
each_member = pytest.mark.parametrize("name", REGULARIZERS)
each_dtype = pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])


def sample_weights(dtype, rng):
    W = rng.standard_normal(11).astype(dtype)
    W[3] = 0.0
    return W


@each_case
@each_dtype
@pytest.mark.parametrize("m", [1, 16])
def test_penalty_is_the_formula(name, settings, dtype, rtol, m, rng):
    W = sample_weights(dtype, rng)
    penalty = REGULARIZERS[name](**settings).penalty(W, m)
    assert type(penalty) is float
    assert penalty == pytest.approx(reference.PENALTIES[name](W.astype(np.float64), m, **settings), rel=rtol)


@each_case
@each_dtype
@pytest.mark.parametrize("m", [1, 16])
def test_gradient_is_added_to_dW_and_keeps_the_dtype(name, settings, dtype, rtol, m, rng):
    W, dW = sample_weights(dtype, rng), rng.standard_normal(11).astype(dtype)
    W_before, expected = W.copy(), dW + reference.PENALTY_GRADIENTS[name](W.astype(np.float64), m, **settings)
    REGULARIZERS[name](**settings).add_gradient(W, dW, m, np.full(11, np.nan, dtype))
    assert dW.dtype == dtype
    np.testing.assert_allclose(dW, expected, rtol=rtol, atol=rtol)
    np.testing.assert_array_equal(W, W_before)


@each_member
def test_gradient_at_0_is_0(name):
    dW = np.zeros(3)
    REGULARIZERS[name](lambda_=5.0).add_gradient(np.zeros(3), dW, 2, np.empty(3))
    np.testing.assert_array_equal(dW, np.zeros(3))


def test_l2_worked_by_hand():
    # λ/2m Σ w² = 0.5/4 · (9 + 16) = 3.125; gradient λ/m w = 0.25 · (3, −4)
    dW = np.array([1.0, 1.0])
    regularizer = REGULARIZERS["l2"](lambda_=0.5)
    assert regularizer.penalty(np.array([3.0, -4.0]), 2) == 3.125
    regularizer.add_gradient(np.array([3.0, -4.0]), dW, 2, np.empty(2))
    np.testing.assert_array_equal(dW, [1.75, 0.0])


def test_l1_worked_by_hand():
    # λ/m Σ |w| = 0.5/2 · (3 + 4) = 1.75; gradient λ/m sign(w) = 0.25 · (1, −1)
    dW = np.array([1.0, 1.0])
    regularizer = REGULARIZERS["l1"](lambda_=0.5)
    assert regularizer.penalty(np.array([3.0, -4.0]), 2) == 1.75
    regularizer.add_gradient(np.array([3.0, -4.0]), dW, 2, np.empty(2))
    np.testing.assert_array_equal(dW, [1.25, 0.75])
