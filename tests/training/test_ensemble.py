"""Ensembles: the mean of the outputs, measured like a single network."""

import numpy as np
import pytest

from dlspec.core.losses import LOSSES
from dlspec.training.ensemble import Ensemble

from .builders import make_cost

OUTPUTS = [
    ("binary_cross_entropy", 1),
    ("categorical_cross_entropy", 3),
    ("multi_task_cross_entropy", 2),
    ("squared_error", 2),
]

each_output = pytest.mark.parametrize(("loss", "units"), OUTPUTS)


@each_output
def test_output_is_the_mean_of_the_outputs(loss, units, rng):
    members = [make_cost((3, 5, units), loss=loss, seed=seed) for seed in (1, 2, 3)]
    X = rng.standard_normal((7, 3))
    predict = LOSSES[loss]().predict
    mean = sum(predict(member.forward(7)(X)) for member in members) / 3
    np.testing.assert_allclose(predict(Ensemble(members).forward(7)(X)), mean, rtol=1e-12)


@each_output
def test_an_ensemble_of_one_is_its_member(loss, units, rng):
    member, X = make_cost((3, 5, units), loss=loss), rng.standard_normal((4, 3))
    predict = LOSSES[loss]().predict
    np.testing.assert_allclose(predict(Ensemble([member]).forward(4)(X)), predict(member.forward(4)(X)), rtol=1e-13)


@pytest.mark.parametrize("loss", [name for name, _ in OUTPUTS])
def test_logits_are_the_inverse_of_predict(loss, rng):
    member = LOSSES[loss]()
    Y_hat = member.predict(3 * rng.standard_normal((6, 2)))
    np.testing.assert_allclose(member.predict(member.logits(Y_hat)), Y_hat, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "categorical_cross_entropy"])
def test_logits_of_certain_outputs_are_finite(loss, dtype):
    Z = LOSSES[loss]().logits(np.array([[0.0], [1.0]], dtype))
    assert np.isfinite(Z).all()
    assert Z.dtype == dtype


def test_an_ensemble_has_no_penalty():
    member = make_cost(penalties=[("l2", 3.0)])
    assert member.penalty(10) > 0
    assert Ensemble([member, member]).penalty(10) == 0
