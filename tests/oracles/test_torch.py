"""dlspec against PyTorch, to 1e-6 relative in float64. `pytest -m oracle tests/oracles` runs these; they need torch.

Case by case: the losses of 20 steps, θ after steps 1, 2 and 20, the statistics of batch normalisation, and the logits
at evaluation. `pytorch.py` says where a convention was converted.
"""

import importlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from families import ACTIVATION_CASES, INITIALIZER_CASES, OPTIMIZER_CASES

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.decay import DECAYS
from dlspec.core.initializers import Orthogonal
from dlspec.core.losses import LOSSES
from dlspec.core.optimizers import OPTIMIZERS

from . import cases, ours

pytestmark = pytest.mark.oracle

RTOL = 1e-6
GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def pytorch():
    pytest.importorskip("torch")
    return importlib.import_module(".pytorch", __package__)


def apart(ours_, theirs):
    """Names of what disagrees, with how far."""
    found = {field: cases.disagreement(getattr(ours_, field), getattr(theirs, field)) for field in cases.Result._fields}
    return {field: far for field, far in found.items() if not far <= RTOL}


def test_every_member_of_a_family_has_a_case():
    activations = {row[0] for row in ACTIVATION_CASES}
    optimizers, decays, losses = ({row[0] for row in rows} for rows in (OPTIMIZER_CASES, cases.DECAYS, cases.LOSSES))
    assert (optimizers, activations, losses) == (OPTIMIZERS.keys(), ACTIVATIONS.keys(), LOSSES.keys())
    assert decays == DECAYS.keys() | {"plateau"}


def test_the_cases_of_the_golden_file_hold_every_pair_of_optimizer_decay_loss_and_normalization():
    def pairs(rows):
        named = (case.key.split(" | ")[:4] for case in rows)
        return {pair for names in named for pair in itertools.combinations(enumerate(names), 2)}

    assert pairs(cases.all_pairs()) == pairs(cases.full_product())


@pytest.mark.parametrize("normalization", cases.NORMALIZATIONS)
@pytest.mark.parametrize("loss", cases.LOSSES, ids=cases.label)
@pytest.mark.parametrize("optimizer", OPTIMIZER_CASES, ids=cases.label)
def test_twenty_steps_with_every_decay(pytorch, optimizer, loss, normalization):
    wrong = {}
    for decay in cases.DECAYS:
        case = cases.Case(optimizer, decay, loss, normalization)
        if found := apart(ours.train(case), pytorch.train(case)):
            wrong[case.key] = found
    assert not wrong


@pytest.mark.parametrize("case", cases.penalty_cases(), ids=lambda case: case.key)
def test_twenty_steps_with_other_penalties(pytorch, case):
    assert not apart(ours.train(case), pytorch.train(case))


@pytest.mark.parametrize("total", [20, 84])  # 4 cycles divide both
@pytest.mark.parametrize("decay", cases.DECAYS, ids=cases.label)
def test_rates_of_a_run(pytorch, decay, total):
    if decay[0] == "plateau":
        total = len(cases.PLATEAU_VALUES)
    np.testing.assert_allclose(ours.rates(decay, 0.2, total), pytorch.rates(decay, 0.2, total), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("name", "settings"), ACTIVATION_CASES, ids=str)
def test_activations_and_derivatives(pytorch, name, settings):
    z = np.concatenate([cases.GRID, np.linspace(-9, 9, 361)])
    for found, expected in zip(ours.activation(name, settings, z), pytorch.activation(name, settings, z), strict=True):
        # 1 + tanh(u) rounds to a multiple of 1e-16 deep in a tail, here or there.
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("loss", cases.LOSSES, ids=cases.label)
def test_losses_and_gradients(pytorch, loss):
    name, settings, units = loss
    Z, Y = cases.loss_inputs(name, units)
    for found, expected in zip(
        ours.loss_and_gradient(name, settings, Z, Y), pytorch.loss_and_gradient(name, settings, Z, Y), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", cases.INITIALIZER_SHAPES, ids=str)
@pytest.mark.parametrize(("name", "settings"), INITIALIZER_CASES, ids=str)
def test_factors_of_initializers(pytorch, name, settings, shape):
    if name not in pytorch.INITIALIZERS:
        pytest.skip("PyTorch has no such variance; orthogonal is compared below")
    gain = settings.get("gain", 1.0)
    assert ours.initializer_factor(name, gain, shape) == pytest.approx(
        gain * pytorch.initializer_factor(name, shape), rel=1e-12
    )


@pytest.mark.usefixtures("pytorch")  # it makes float64 the default
@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5)], ids=str)
def test_orthogonal_of_the_same_draws(shape):
    import torch

    class Draws:
        def standard_normal(self, shape):
            return torch.empty(shape).normal_(0, 1, generator=torch.Generator().manual_seed(1)).numpy()

    W = np.empty(shape)
    Orthogonal(gain=1.4).fill(W, Draws())
    theirs = torch.nn.init.orthogonal_(torch.empty(shape), gain=1.4, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(W, theirs.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.usefixtures("pytorch")
def test_golden_files_are_those_of_today():
    make = importlib.import_module(".make_torch_golden", __package__)
    for name, today in make.golden().items():
        kept = json.loads((GOLDEN / name).read_text())
        del kept["torch"], today["torch"]  # another version must give the same numbers
        wrong = list(itertools.chain.from_iterable(_differences(kept, today, name)))
        assert not wrong, "run tests/oracles/make_torch_golden.py"


def _differences(kept, today, where):
    if isinstance(today, dict):
        yield [f"keys of {where}"] if kept.keys() != today.keys() else []
        for key in kept.keys() & today.keys():
            yield from _differences(kept[key], today[key], f"{where}: {key}")
    else:
        yield [] if cases.disagreement(kept, today) <= RTOL / 100 else [where]
