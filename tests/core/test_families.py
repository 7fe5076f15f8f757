"""Every member has sample rows and a naive version, and config and core have the same members and settings."""

import dataclasses
import inspect
from typing import get_args

import numpy as np
import pytest
import reference
from families import FAMILIES

from dlspec.config import architecture, decay, initializer, loss, optimizer
from dlspec.config.regularization import Regularization
from dlspec.core.activations import ACTIVATIONS
from dlspec.core.constraints import AFTER_STEP, BEFORE_STEP
from dlspec.core.decay import DECAYS
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import BatchNorm, Dropout
from dlspec.core.losses import LOSSES
from dlspec.core.optimizers import OPTIMIZERS
from dlspec.core.regularizers import REGULARIZERS
from dlspec.training.plateau import Plateau
from dlspec.training.stopping import Watch

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
    "decay": (decay.Decay, DECAYS, {"per", "warmup"}),  # who counts t, and a decay around any other
    "loss": (loss.Loss, LOSSES, set()),
}


# `auto` stands for a member that follows from the data; `from_file` reads files, which core does not; `plateau` is
# no function of the time but a policy with a state, `training/plateau.py`.
ONLY_CONFIG = {"auto", "from_file", "plateau"}


def sections(union):
    """The pydantic classes of an annotated union, by the name that a file gives them."""
    members = {section.model_fields["name"].default: section for section in get_args(get_args(union)[0])}
    return {name: section for name, section in members.items() if name not in ONLY_CONFIG}


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


def test_every_loss_belongs_to_an_output_activation():
    after = {loss for losses in architecture.LOSSES_AFTER.values() for loss in losses}
    assert after == set(LOSSES)


def test_batch_norm_of_config_and_core_has_the_same_settings():
    in_config = {name: field.default for name, field in architecture.BatchNorm.model_fields.items()}
    in_core = {name: argument.default for name, argument in inspect.signature(BatchNorm).parameters.items()}
    assert in_config == {"position": "before", **in_core}


def test_penalties_of_config_and_core_are_the_same():
    dropout = {"keep_prob", "input_keep_prob"}
    assert set(Regularization.model_fields) - dropout == {*REGULARIZERS, *BEFORE_STEP, *AFTER_STEP}
    assert {"l2", "l1"} <= set(architecture.HiddenLayer.model_fields) & set(architecture.OutputLayer.model_fields)
    for constraint in (*BEFORE_STEP.values(), *AFTER_STEP.values()):
        assert list(inspect.signature(constraint).parameters) == ["limit"]
    for member in REGULARIZERS.values():
        assert list(inspect.signature(member).parameters) == ["lambda_"]
    assert list(inspect.signature(Dropout).parameters) == ["keep_prob"]


def test_points_of_manual_decay_carry_the_two_numbers_core_takes():
    assert list(decay.Point.model_fields) == ["epoch", "step", "learning_rate"]  # one of the first two, as `per` says


def test_every_decay_section_has_a_unit_and_a_warmup():
    for section in get_args(get_args(decay.Decay)[0]):
        assert section.model_fields["per"].default == "epoch"
        assert section.model_fields["warmup"].default == 0


def test_plateau_of_config_and_training_has_the_same_settings():
    in_config = {name: field.default for name, field in decay.Plateau.model_fields.items()}
    own = {field.name: field.default for field in dataclasses.fields(Plateau) if field.name != "watch"}
    watched = {field.name for field in dataclasses.fields(Watch)} - {"rising", "start_epoch", "limits"}
    assert set(in_config) == {*own, *watched, "name", "per", "warmup"}
    assert {name: in_config[name] for name in own} == own


def test_floating_point_faults_raise_in_these_tests():
    with pytest.raises(FloatingPointError):
        np.array([1.0]) / np.array([0.0])
