"""Learning rates out of curves that are known."""

import math

import numpy as np
import pytest

from dlspec.analysis import range_test

STEPS = 200
RATES = range_test.rates(1e-6, 10.0, STEPS)


def valley(bottom, *, depth=0.9):
    """A loss of 1 that falls around α = `bottom` to its minimum there and rises behind it."""
    x = np.log10(np.array(RATES) / bottom)
    return 1 - depth * np.exp(-(x**2) / 0.5)


def test_the_rates_grow_by_equal_factors():
    assert RATES[0] == 1e-6
    assert RATES[-1] == pytest.approx(10.0)
    factors = np.array(RATES[1:]) / np.array(RATES[:-1])
    assert np.ptp(factors) < 1e-12


@pytest.mark.parametrize("bottom", [1e-3, 0.02, 0.5])
def test_a_tenth_of_the_minimum(bottom):
    found = range_test.suggest(RATES, valley(bottom).tolist(), steps=STEPS)
    assert found.learning_rate == pytest.approx(bottom / 10, rel=0.1)


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
def test_noise_moves_it_by_no_more_than_a_factor_of_five(noise, rng):
    for _ in range(50):
        losses = valley(0.02) * np.exp(noise * rng.standard_normal(STEPS))
        found = range_test.suggest(RATES, losses.tolist(), steps=STEPS)
        assert found.learning_rate is not None
        assert 0.002 / 5 < found.learning_rate < 0.002 * 5


def test_a_loss_that_still_falls_at_the_end():
    losses = np.linspace(1.0, 0.2, STEPS).tolist()
    assert range_test.suggest(RATES, losses, steps=STEPS).learning_rate == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([1.0] * STEPS, "fell by no more than 0.0%"),
        (np.linspace(1, 3, STEPS).tolist(), "fell by no more than 0.0%"),
        (np.linspace(1, 0.97, STEPS).tolist(), "fell by no more than 3"),
        ([1.0, 2.0, math.inf], "diverged after 2 steps"),
        ([1.0, 2.0, 9.0], "diverged after 3 steps"),
        ([math.nan], "not finite before the first step"),
        ([0.0] * STEPS, "fell by no more than 0.0%"),
    ],
)
def test_no_suggestion_is_a_message(losses, words):
    found = range_test.suggest(RATES, losses, steps=STEPS)
    assert found.learning_rate is None
    assert words in found.message
    assert "nan" not in found.message


def test_the_last_loss_may_be_infinite():
    losses = [*valley(0.02)[:150], math.inf]
    assert range_test.suggest(RATES, losses, steps=STEPS).learning_rate == pytest.approx(0.002, rel=0.1)


def test_smoothing_shifts_nothing_and_keeps_the_ends():
    ramp = np.arange(50.0)
    assert range_test.smoothed(ramp.tolist(), steps=200) == pytest.approx(ramp)
    spike = np.zeros(51)
    spike[25] = 1
    found = range_test.smoothed(spike.tolist(), steps=40)
    assert found == pytest.approx(np.where(np.abs(np.arange(51) - 25) <= 2, 0.2, 0))


@pytest.mark.parametrize(
    ("losses", "over"), [([1.0, 3.9], False), ([1.0, 4.1], True), ([1.0, math.nan], True), ([math.inf], True)]
)
def test_divergence(losses, over):
    assert range_test.has_diverged(losses) is over
