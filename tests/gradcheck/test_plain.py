"""The plain formulas: the same J as the network, and derivatives that are known otherwise."""

import math

import numpy as np
import pytest
import reference

from dlspec import battery
from dlspec.core import activations, layers, losses, plain, regularizers


@pytest.mark.parametrize("case", battery.cases(), ids=lambda case: f"{case.group}-{case.name}")
def test_the_cost_is_that_of_the_network(case):
    objective = battery.objective(case, np.random.default_rng(3))
    loss, penalty, _ = objective.value()
    theta = objective.cost.parameters.theta.astype(complex)
    assert objective.plain_cost(theta) == pytest.approx(loss + penalty, rel=1e-14)


@pytest.mark.parametrize(("name", "kind"), activations.ACTIVATIONS.items(), ids=str)
def test_derivatives_of_the_activations_are_those_of_the_reference(name, kind):
    z = np.linspace(-8, 8, 640)  # no kink among them
    found = plain.ACTIVATIONS[kind](kind(), z + 1j * plain.STEP).imag / plain.STEP
    np.testing.assert_allclose(found, reference.DERIVATIVES[name](z), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("z", [1000.0, -1000.0, 40.0, -40.0, 0.0])
@pytest.mark.parametrize("kind", activations.ACTIVATIONS.values(), ids=activations.ACTIVATIONS)
def test_nothing_overflows(kind, z):
    found = plain.ACTIVATIONS[kind](kind(), np.array([z + 1j * plain.STEP]))
    assert np.isfinite(found).all()


def test_the_error_function():
    x = np.concatenate([np.linspace(-7, 7, 281), [0.0, 1e-10, 5.999, 6.001]])
    found = plain._erf(x + 1j * plain.STEP)
    np.testing.assert_allclose(found.real, [math.erf(one) for one in x], rtol=2e-15, atol=1e-16)
    inside = np.abs(x) < 6
    exact = 2 / math.sqrt(math.pi) * np.exp(-(x[inside] ** 2))
    np.testing.assert_allclose(found.imag[inside] / plain.STEP, exact, rtol=1e-12, atol=1e-13)


def test_every_member_of_every_table_has_a_formula():
    assert set(plain.ACTIVATIONS) == set(activations.ACTIVATIONS.values())
    assert set(plain.LOSSES) == set(losses.LOSSES.values())
    assert set(plain.REGULARIZERS) == set(regularizers.REGULARIZERS.values())
    assert set(plain.LAYERS) == {layers.Dense, layers.Elementwise, layers.Dropout, layers.BatchNorm}


def test_dropout_needs_its_masks():
    with pytest.raises(ValueError, match="needs a random generator"):
        plain.LAYERS[layers.Dropout](layers.Dropout(keep_prob=0.5), {}, np.ones((2, 2), complex), None)
