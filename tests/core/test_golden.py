"""dlspec against numbers that PyTorch gave, kept in tests/golden; `tests/oracles` made them and can make them again."""

import json
from pathlib import Path

import numpy as np
import pytest
from families import ACTIVATION_CASES
from oracles import cases, ours

GOLDEN = Path(__file__).parents[1] / "golden"
STEPS = json.loads((GOLDEN / "torch_steps.json").read_text())["steps"]
FUNCTIONS = json.loads((GOLDEN / "torch_functions.json").read_text())
RTOL = 1e-6

CASES = [cases.case_of(key) for key in STEPS]  # a KeyError: a row is gone, so make the files again


@pytest.mark.parametrize("optimizer", sorted({cases.label(case.optimizer) for case in CASES}))
def test_twenty_steps(optimizer):
    wrong = {}
    for case in CASES:
        if cases.label(case.optimizer) == optimizer:
            found = cases.disagreement(cases.fingerprint(ours.train(case)), STEPS[case.key])
            if not found <= RTOL:
                wrong[case.key] = found
    assert not wrong


@pytest.mark.parametrize("key", FUNCTIONS["activations"])
def test_activations_and_derivatives(key):
    row, _, which = key.partition(": ")
    name, settings = {cases.label(case): case for case in ACTIVATION_CASES}[row]
    g, slope = ours.activation(name, settings, cases.GRID)
    found = {"g": g, "g'": slope}[which]
    np.testing.assert_allclose(found, FUNCTIONS["activations"][key], rtol=RTOL, atol=1e-13)


@pytest.mark.parametrize("key", FUNCTIONS["losses"])
def test_losses_and_gradients(key):
    row, _, which = key.partition(": ")
    name, settings, units = {cases.label(case): case for case in cases.LOSSES}[row]
    losses, dZ = ours.loss_and_gradient(name, settings, *cases.loss_inputs(name, units))
    found = {"losses": losses, "dZ": dZ.ravel()}[which]
    np.testing.assert_allclose(found, FUNCTIONS["losses"][key], rtol=RTOL, atol=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS["initializers"])
def test_factors_of_initializers(name):
    found = [ours.initializer_factor(name, 1.0, shape) for shape in cases.INITIALIZER_SHAPES]
    assert found == pytest.approx(FUNCTIONS["initializers"][name], rel=RTOL)
