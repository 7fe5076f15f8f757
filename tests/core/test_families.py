"""Every member has sample rows and a naive version, and config and core have the same members and settings."""

import inspect
from typing import get_args

import numpy as np
import pytest
import reference
from families import FAMILIES

from dlspec.config import architecture, decay, initializer, optimizer
from dlspec.config.regularization import Regularization
from dlspec.core.activations import ACTIVATIONS
from dlspec.core.decay import DECAYS
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import Dropout
from dlspec.core.losses import LOSSES
from dlspec.core.optimizers import OPTIMIZERS
from dlspec.core.regularizers import REGULARIZERS

REFERENCES = {
    "activation": [reference.ACTIVATIONS, reference.DERIVATIVES],
    "loss": [reference.LOSSES, reference.LOSS_GRADIENTS, reference.OUTPUTS],
    "initializer": [reference.INITIALIZER_FACTORS],
    "regularizer": [reference.PENALTIES, reference.PENALTY_GRADIENTS],
    "optimizer": [reference.OPTIMIZERS],
    "decay": [reference.DECAYS],
}

# The union in config, its table in core, and the settings that only config has.
UNIONS = {
    "activation": (architecture.Activation, ACTIVATIONS, set()),
    "initializer": (initializer.Initializer, INITIALIZERS, set()),
    "optimizer": (optimizer.Optimizer, OPTIMIZERS, {"learning_rate"}),
    "decay": (decay.Decay, DECAYS, set()),
}


def sections(union):
    """The pydantic classes of an annotated union, by the name that a file gives them."""
    return {section.model_fields["name"].default: section for section in get_args(get_args(union)[0])}


MEMBERS = [(family, name) for family, (_, table, _) in UNIONS.items() for name in table]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_member_has_a_sample_row(family):
    table, cases = FAMILIES[family]
    assert {name for name, _ in cases} == set(table)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_member_has_a_naive_version(family):
    table, _ = FAMILIES[family]
    for naive in REFERENCES[family]:
        assert set(naive) == set(table)


@pytest.mark.parametrize("family", UNIONS)
def test_config_and_core_have_the_same_members(family):
    union, table, _ = UNIONS[family]
    assert set(sections(union)) == set(table)


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_config_and_core_have_the_same_settings_and_defaults(family, name):
    union, table, only_config = UNIONS[family]
    section, member = sections(union)[name], table[name]
    in_config = {
        key: inspect.Parameter.empty if field.is_required() else field.default
        for key, field in section.model_fields.items()
        if key != "name" and key not in only_config
    }
    # A class without an __init__ of its own has no settings; `inspect` would show object's *args.
    arguments = inspect.signature(member).parameters if "__init__" in vars(member) else {}
    assert {key: argument.default for key, argument in arguments.items()} == in_config
    assert all(argument.kind is inspect.Parameter.KEYWORD_ONLY for argument in arguments.values())
    assert member.__name__ == section.__name__


def test_every_optimizer_section_has_a_learning_rate():
    for section in sections(optimizer.Optimizer).values():
        assert section.model_fields["learning_rate"].default > 0


def test_losses_of_config_and_core_are_the_same():
    choices = set(get_args(architecture.OutputLayer.model_fields["loss"].annotation)) - {"auto"}
    after = {loss for losses in architecture.LOSSES_AFTER.values() for loss in losses}
    assert choices == after == set(LOSSES)


def test_penalties_of_config_and_core_are_the_same():
    dropout = {"keep_prob", "input_keep_prob"}
    assert set(Regularization.model_fields) - dropout == set(REGULARIZERS)
    for member in REGULARIZERS.values():
        assert list(inspect.signature(member).parameters) == ["lambda_"]
    assert list(inspect.signature(Dropout).parameters) == ["keep_prob"]


def test_points_of_manual_decay_carry_the_two_numbers_core_takes():
    assert list(decay.Point.model_fields) == ["epoch", "learning_rate"]


def test_floating_point_faults_raise_in_these_tests():
    with pytest.raises(FloatingPointError):
        np.array([1.0]) / np.array([0.0])
